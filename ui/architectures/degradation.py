"""Degradation: deeper and worse on its own training pictures. Run again, and its causes measured without training."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from cnn_core.figures import causes as cause_figures
from cnn_core.figures import degradation as figures
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.studies.causes import (
    Identity,
    IdentityOptions,
    NetSignals,
    Signals,
    SignalsOptions,
    identity_words,
    signal_words,
)
from cnn_core.training.studies.degradation import (
    KINDS,
    STUDY,
    Arm,
    Degradation,
    DegradationResult,
    Verdict,
    published_words,
    verdict_words,
)
from cnn_core.training.studies.published import TARGETS
from ui.architectures.study import LINKED, Shown, about_seconds, field, link, plot, study, whole
from ui.shared.asked import answer
from ui.shared.teaching import one_of
from ui.shared.text import count, plain, table

PARTS = {"Train": "Train them", "Signals": "Signals before training", "Identity": "Learn the identity"}
MEASURES = {"loss": "train_loss", "error": "train_error"}
DEPTHS = tuple(range(8, 111, 6))
SIGNAL_DEPTHS, OTHER_DEPTHS = (8, 20, 56), (32, 110)  # always measured; on wish
RATES = ("0.005", "0.01", "0.02", "0.05", "0.1")
BLOCKS = (1, 2, 4)
WHOLE = ("width", "input_size", "epochs", "seeds", "seed")
LINK: dict[str, Callable[[str], bool]] = {
    "architectures_part": one_of(*PARTS),
    "architectures_training": one_of(*MEASURES),
    "architectures_shallow": one_of(*DEPTHS),
    "architectures_deep": one_of(*DEPTHS),
    "architectures_rate": one_of(*RATES),
    "architectures_signal_depth": one_of(*SIGNAL_DEPTHS, *OTHER_DEPTHS),
    "architectures_blocks": one_of(*BLOCKS),
    **link(STUDY, *WHOLE),
}
_CHOICE = LINKED | {"required": True, "wrap": True}


def degradation() -> bool:
    """Show the experiment. True if the reader has run it here at settings of their own, and it has a verdict."""
    part = st.segmented_control(
        "Part", list(PARTS), default="Train", key="architectures_part", label_visibility="collapsed", **_CHOICE
    )
    st.subheader(PARTS[part])
    if part == "Signals":
        _signals()
    elif part == "Identity":
        _identity()
    else:
        return _train()
    return False


# Trained -------------------------------------------------------------------------------------------------------------


def _train() -> bool:
    st.markdown(
        "A deeper net can do all that a shallow one can: copy it, and let the further layers be the identity. Yet "
        "plain nets beyond some depth fit even their *training* pictures worse. Shortcuts without a weight end that."
    )
    options = _settings()
    title = f"plain and residual, {options.shallow_depth} and {options.deep_depth} layers" if options else ""
    shown = study(STUDY, options, title=title, draw=_live)
    if shown is None:
        return False
    arms, verdict = shown.result.arms, shown.result.verdict
    _what(shown)
    measure = st.segmented_control("Training", list(MEASURES), default="loss", key="architectures_training", **_CHOICE)
    _curves(arms, shown.options.epochs, MEASURES[measure], "")
    for arm in arms.values():
        for each in arm.seeds:
            if each.error:
                st.warning(f"Seed {each.seed}, {arm.depth} layers: {plain(each.error)}")
    (st.success if verdict.shown else st.warning)(verdict_words(shown.result))
    st.caption(f"The criterion: {shown.result.criterion}")
    if verdict.shown is not None:
        _losses(arms, verdict)
    st.subheader("Beside what was published")
    plot(
        figures.by_depth(arms, TARGETS),
        "by_depth",
        "Error against depth, plain and residual: here on digits, and He et al.'s on ImageNet and CIFAR.",
    )
    st.markdown(published_words(arms))
    st.caption(
        "Solid: here, handwritten digits, a dot a seed. Dashed: He et al. 2016, arXiv:1512.03385, other data and "
        "larger nets: ImageNet, top-1, validation (table 2) and CIFAR-10, test (table 6). Compare where the lines "
        "*go*, not how high they lie. In numbers the paper tells test errors only; its training curves are drawn."
    )
    return shown.run is not None and verdict.shown is not None and shown.options != Degradation()


def _settings() -> Degradation | None:
    def choose(name: str, key: str, options: Any, default: Any) -> Any:
        return left.selectbox(field(STUDY, name)[0].label, options, options.index(default), key=key, **LINKED)

    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        left, middle, right = st.columns(3)
        shallow = choose("shallow_depth", "architectures_shallow", DEPTHS, 20)
        deep = choose("deep_depth", "architectures_deep", DEPTHS, 56)
        rate = choose("learning_rate", "architectures_rate", RATES, "0.02")
        bounds, default = field(STUDY, "batch_norm")
        batch_norm = middle.toggle(bounds.label, default, key="architectures_batch_norm", **LINKED)
        places = {"width": middle, "input_size": middle, "epochs": right, "seeds": right, "seed": right}
        numbers = {name: whole(STUDY, name, place) for name, place in places.items()}
        try:
            options = Degradation(
                shallow_depth=shallow,
                deep_depth=deep,
                learning_rate=float(rate),
                batch_norm=batch_norm,
                **numbers,
            )
        except SpecRefused as refusal:
            st.error(plain(str(refusal)))
            return None
        st.caption(
            f"{about_seconds(STUDY, options)} The paper has width 16, size 32, batches of 128; that is for a GPU."
        )
    return options


def _what(shown: Shown[Degradation, DegradationResult]) -> None:
    options, pictures = shown.options, shown.result.pictures
    shallow, deep = (shown.result.arms.get(f"plain_{depth}") for depth in ("shallow", "deep"))
    sizes = " and ".join(f"{arm.depth} layers, {arm.params:,} parameters" for arm in (shallow, deep) if arm)
    st.markdown(
        f"{sizes}; the residual twin has as many (option A). Width {options.width}, {options.input_size} × "
        f"{options.input_size} pixels, {'with' if options.batch_norm else 'without'} BatchNorm, learning rate "
        f"{options.learning_rate:g}, {pictures.train:,} digits to train on, {pictures.test:,} to test on."
    )


def _live(options: Degradation, so_far: DegradationResult) -> None:
    _curves(so_far.arms, options.epochs, "train_loss", "_live")


def _curves(arms: dict[str, Arm], epochs: int, measure: str, suffix: str) -> None:
    left, right = st.columns([3, 2])
    plot(
        figures.learning(arms, measure, epochs),
        f"learning{suffix}",
        "Training loss or error of each net over the epochs, a line a seed and their median.",
        left,
    )
    plot(
        figures.learning(arms, "test_error", epochs),
        f"testing{suffix}",
        "Test error of each net over the epochs, a line a seed and their median.",
        right,
    )
    st.caption("Faint: a line a seed. Strong: their median. Left what the nets fit, right what they have not seen.")


def _losses(arms: dict[str, Arm], verdict: Verdict) -> None:
    header, columns = ["seed"], []
    for kind in KINDS:
        for depth in ("shallow", "deep"):
            header.append(f"{kind}-{arms[f'{kind}_{depth}'].depth}")
            columns.append({pair.seed: f"{getattr(pair, depth):.4f}" for pair in verdict.of(kind)})
    seeds = sorted({seed for column in columns for seed in column})
    table(header, [[str(seed), *(column.get(seed, "–") for column in columns)] for seed in seeds])


# Before training -----------------------------------------------------------------------------------------------------


def _signals() -> None:
    st.markdown(
        "No training: 64 digits go through nets with fresh weights, and the gradient of the loss comes back. What "
        "depth does to either shows at once."
    )
    depth = st.segmented_control(
        "Layers",
        sorted(SIGNAL_DEPTHS + OTHER_DEPTHS),
        default=56,
        format_func=str,
        key="architectures_signal_depth",
        **_CHOICE,
    )
    found: list[NetSignals] = []
    for depths in [SIGNAL_DEPTHS, *((other,) for other in OTHER_DEPTHS if other == depth)]:
        layers = f"{', '.join(map(str, depths[:-1]))}{' and ' if depths[1:] else ''}{depths[-1]} layers"
        run = answer(
            "signals",
            SignalsOptions(depths=depths).to_json(),
            title=f"signals through {layers}",
            begin=f"Follow the signals through {layers}",
            key=f"architectures_signals_{depths[-1]}",
            about="Four nets of each depth: some seconds, up to half a minute for the deepest.",
        )
        found += Signals.from_json(run.result).nets if run else ()
    here = [net for net in found if net.depth == depth]
    if not here:
        return
    for column, measure in zip(st.columns(2), ("gradient_norm", "variance"), strict=True):
        plot(
            cause_figures.along_layers(here, measure),
            measure,
            f"{measure.replace('_', ' ')} of each convolution, plain and residual, with and without BatchNorm",
            column,
        )
    table(
        [f"{depth} layers", "variance, last ÷ first", "gradient of the first", "a layer"],
        [[net.name, _times(net.carried), _times(net.gradient_norm[0]), f"× {net.rate:.3f}"] for net in here],
    )
    st.markdown(signal_words(here))
    plot(
        cause_figures.against_depth(found),
        "against_depth",
        "First gradient over last against depth, plain and residual, with and without BatchNorm.",
    )
    st.caption(
        "He's initialisation is to keep the variance (He et al. 2015, arXiv:1502.01852); on maps this small much of "
        "what a kernel sees is padding, and the plain signal fades. BatchNorm restores it, and makes gradients grow "
        "towards the input, by a factor a layer (Yang et al. 2019, arXiv:1902.08129). Shortcuts alone add up."
    )


def _times(value: float) -> str:
    """Write a number of any size."""
    if 0.001 <= value < 10_000:
        return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits} · 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


# The identity --------------------------------------------------------------------------------------------------------


def _identity() -> None:
    st.markdown(
        "If added layers only had to copy, a deeper net could not be worse. So let blocks of two 3 × 3 convolutions "
        "learn just that: to give back what they get. With a shortcut they need only fall silent."
    )
    blocks = st.segmented_control(
        "Blocks behind each other", BLOCKS, default=1, format_func=str, key="architectures_blocks", **_CHOICE
    )
    run = answer(
        "identity",
        IdentityOptions(blocks=blocks).to_json(),
        title=f"learning the identity, {count(blocks, 'block')}",
        begin="Train them",
        key=f"architectures_identity_{blocks}",
        about="Six small nets, 200 steps each: ten to thirty seconds.",
    )
    found = Identity.from_json(run.result) if run else Identity()
    if not found.seeds:
        return
    plot(
        cause_figures.identity(found),
        "identity",
        "Distance to the identity against the steps of training, plain and residual blocks.",
    )
    st.markdown(identity_words(found))
    st.caption(
        "The same starting weights, patches and Adam for both; no ReLU behind a block. He et al. 2016, section 3.1, "
        "argue with this; here it is measured. Without BatchNorm, many residual blocks begin far off: their sums grow."
    )
