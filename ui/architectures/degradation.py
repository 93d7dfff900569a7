"""Degradation: deeper and worse on its own training pictures. Run again, and its causes measured without training."""

from statistics import median

import streamlit as st

from cnn_core.figures import causes as cause_figures
from cnn_core.figures import degradation as figures
from cnn_core.training.studies import published
from cnn_core.training.studies.causes import (
    Identity,
    IdentityOptions,
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
from ui.architectures.study import Shown, computed_here, example_from, field, made, study, whole
from ui.shared.asked import answer
from ui.shared.charts import plot
from ui.shared.controls import pick, segments, switch
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, plain, table

PARTS = {"Train": "Train them", "Signals": "Signals before training", "Identity": "Learn to do nothing"}
MEASURES = {"loss": "train_loss", "error": "train_error"}
DEPTHS = tuple(range(8, 111, 6))
SIGNAL_DEPTHS = (8, 20, 32, 56, 110)
RATES = ("0.005", "0.01", "0.02", "0.05", "0.1")
BLOCKS = (1, 2, 4)
WHOLE = ("width", "input_size", "epochs", "seeds", "seed")


def degradation(room: Room) -> bool:
    """Show the experiment. True if the reader has run it here at settings of their own, and it has a verdict."""
    with room.side:
        part = segments("Look at", PARTS, "Train", "architectures_part")
    if part == "Signals":
        _signals(room)
    elif part == "Identity":
        _identity(room)
    else:
        return _train(room)
    return False


# Trained -------------------------------------------------------------------------------------------------------------


def _train(room: Room) -> bool:
    measuring, running = room.side.container(), room.side.container()
    options = _settings(room)
    title = f"plain and residual, {options.shallow_depth} and {options.deep_depth} layers" if options else ""
    shown = study(room, running, STUDY, options, title=title, draw=_live)
    with room.why:
        told(
            "A deeper net can do all that a shallow one can: copy it, and let the further layers do nothing. Yet plain "
            "nets beyond some depth fit even their *training* pictures worse: that is [[degradation]], and it is no "
            "overfitting. In 2015 it looked as if depth had reached its end. Then He et al. added each block's input "
            "to its output ([[residual]]): no new weight, and a hundred layers train."
        )
    if shown is None:
        return False
    arms, verdict = shown.result.arms, shown.result.verdict
    with measuring:
        measure = segments("Training", list(MEASURES), "loss", "architectures_training")
    with room.stage:
        _curves(arms, shown.options.epochs, MEASURES[measure], "")
        for arm in arms.values():
            for each in arm.seeds:
                if each.error:
                    st.warning(f"Seed {each.seed}, {arm.depth} layers: {plain(each.error)}")
        (st.success if verdict.shown else st.info if verdict.missing else st.warning)(verdict_words(shown.result))
    with room.why:
        _what(shown)
        st.caption(f"The criterion: {shown.result.criterion}")
        if not verdict.missing:
            _losses(arms, verdict)
        _published(shown.result)
    return shown.run is not None and verdict.shown is not None and shown.options != Degradation()


def _published(result: DegradationResult) -> None:
    words = published_words(result)
    if not words:
        return
    st.header("Does it go as it was published?", anchor=False)
    plot(
        figures.by_depth(result.arms, TARGETS),
        "architectures_by_depth",
        f"Error against depth, on digits here and in He et al.'s tables of ImageNet and CIFAR. {plain(words)}",
    )
    st.markdown(words)
    st.caption(
        "Solid: here, handwritten digits, a dot a seed. Dashed: He et al. 2016, arXiv:1512.03385, other data and "
        f"larger nets: ImageNet, top-1, validation, ten crops (table 2{receipt('plain34-top1-paper')}) and CIFAR-10, "
        f"test (table 6; 110 layers: the best of five runs{receipt('cifar-10-resnet-110-error')}). Compare where the "
        "lines *go*, not how high they lie. The paper prints no training errors: its training curves are drawn."
    )


def _settings(room: Room) -> Degradation | None:
    def label(name: str) -> str:
        return field(STUDY, name)[0].label

    with room.more("Settings (none needs changing)"):
        shallow = pick(label("shallow_depth"), DEPTHS, 20, "architectures_shallow")
        deep = pick(label("deep_depth"), DEPTHS, 56, "architectures_deep")
        rate = pick(label("learning_rate"), RATES, "0.02", "architectures_rate")
        batch_norm = switch(label("batch_norm"), field(STUDY, "batch_norm")[1], "architectures_batch_norm")
        numbers = {name: whole(STUDY, name) for name in WHOLE}
        st.caption("The paper has width 16, size 32, batches of 128; that is for a GPU.")
    return made(
        room,
        lambda: Degradation(
            shallow_depth=shallow, deep_depth=deep, learning_rate=float(rate), batch_norm=batch_norm, **numbers
        ),
    )


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
    for place, kind, key in zip(
        st.columns(2, wrap=False), (measure, "test_error"), ("learning", "testing"), strict=True
    ):
        plot(figures.learning(arms, kind, epochs), f"architectures_{key}{suffix}", _spoken(arms, kind), place)
    st.caption("Faint: a line a seed. Strong: their median. Left what the nets fit, right what they have not seen.")


def _spoken(arms: dict[str, Arm], measure: str) -> str:
    """What a figure of curves shows: where each ends."""
    ends = []
    for arm in arms.values():
        last = [getattr(seed.epochs[-1], measure) for seed in arm.seeds if seed.epochs]
        if last:
            kind = "residual" if arm.residual else "plain"
            ends.append(f"{kind} with {arm.depth} layers at {median(last):.3g}")
    return f"{measure.replace('_', ' ').capitalize()} ends: {', '.join(ends) or 'not yet'}."


def _losses(arms: dict[str, Arm], verdict: Verdict) -> None:
    header, columns = ["seed"], []
    for kind in KINDS:
        for depth in ("shallow", "deep"):
            header.append(f"{kind}-{arms[f'{kind}_{depth}'].depth}")
            columns.append({pair.seed: f"{getattr(pair, depth):.4f}" for pair in verdict.of(kind)})
    seeds = sorted({seed for column in columns for seed in column})
    table(header, [[str(seed), *(column.get(seed, "–") for column in columns)] for seed in seeds])


# Before training -----------------------------------------------------------------------------------------------------


def _signals(room: Room) -> None:
    with room.side:
        depth = segments("Layers", SIGNAL_DEPTHS, 56, "architectures_signal_depth")
    with room.why:
        told(
            "Is it broken before it has learnt anything? 64 digits go through nets with fresh weights, and the "
            "gradient of the loss comes back: no training. What depth does to either shows at once."
        )
    with room.side:
        run = answer(
            "signals",
            SignalsOptions(depths=SIGNAL_DEPTHS).to_json(),
            title="signals before training",
            begin="Follow the signals here",
            key="architectures_signals",
            about="Four nets of each depth: a minute, most of it for the deepest.",
        )
        example = None if run else published.example("signals", SignalsOptions, Signals)
        if example:
            example_from(example.provenance)
        elif run:
            computed_here(run)
    found = Signals.from_json(run.result).nets if run else example.result.nets if example else ()
    here = [net for net in found if net.depth == depth]
    if not here:  # a run that was stopped
        room.stage.info(f"This run has not followed the signals through {depth} layers. Choose fewer, or run it again.")
        return
    with room.stage:
        for column, measure in zip(st.columns(2, wrap=False), ("gradient_norm", "variance"), strict=True):
            values = {net.name: getattr(net, measure) for net in here}
            said = ", ".join(f"{name} from {_times(line[0])} to {_times(line[-1])}" for name, line in values.items())
            alt = f"{measure.replace('_', ' ').capitalize()} from the first to the last convolution: {said}."
            plot(cause_figures.along_layers(here, measure), f"architectures_{measure}", alt, column)
        st.markdown(signal_words(here))
    with room.why:
        table(
            [f"{depth} layers", "variance, last ÷ first", "gradient of the first", "a layer"],
            [[net.name, _times(net.carried), _times(net.gradient_norm[0]), f"× {net.rate:.3f}"] for net in here],
        )
        grown = ", ".join(f"{net.name}, {net.depth} layers: {_times(net.growth)}" for net in found)
        plot(
            cause_figures.against_depth(found),
            "architectures_against_depth",
            f"How many times the last gradient the first one is: {grown}.",
        )
        st.caption(
            "He's initialisation is to keep the variance (He et al. 2015, arXiv:1502.01852); on maps this small much "
            "of what a kernel sees is padding, and the plain signal fades. BatchNorm restores it, and makes gradients "
            "grow towards the input, by a factor a layer (Yang et al. 2019, arXiv:1902.08129). With shortcuts "
            "alone the sums grow."
        )


def _times(value: float) -> str:
    """Write a number of any size."""
    if 0.001 <= value < 10_000:
        return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits} · 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


# The identity --------------------------------------------------------------------------------------------------------


def _identity(room: Room) -> None:
    with room.side:
        blocks = segments("Blocks behind each other", BLOCKS, 1, "architectures_blocks")
        run = answer(
            "identity",
            IdentityOptions(blocks=blocks).to_json(),
            title=f"learning the identity, {count(blocks, 'block')}",
            begin="Train them here",
            key=f"architectures_identity_{blocks}",
            about="Six small nets, 200 steps each: ten to thirty seconds.",
        )
        example = None if run else published.example(f"identity_{blocks}", IdentityOptions, Identity)
        if example:
            example_from(example.provenance)
        elif run:
            computed_here(run)
    with room.why:
        told(
            "If added layers only had to copy, a deeper net could not be worse. How hard can that be? Blocks of two "
            "3 × 3 convolutions learn just that: to give back what they get. With a shortcut ([[residual]]) they need "
            "only fall silent."
        )
    found = Identity.from_json(run.result) if run else example.result if example else Identity()
    if not found.seeds:  # a run that was stopped
        room.stage.info("This run has trained no net to its end. Run it again.")
        return
    ends = {kind: median(curve[-1] for curve in found.of(kind)) for kind in ("plain", "residual")}
    alt = "Distance to the identity in the end: " + ", ".join(f"{kind} {end:.2g}" for kind, end in ends.items())
    with room.stage:
        plot(cause_figures.identity(found), "architectures_identity", f"{alt}.")
        st.markdown(identity_words(found))
    room.why.caption(
        "The same starting weights, patches and Adam for both; no ReLU behind a block. He et al. 2016, section 3.1, "
        "argue with this; here it is measured. Without BatchNorm, many residual blocks begin far off: their sums grow."
    )
