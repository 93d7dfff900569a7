"""Degradation: deeper and worse on its own training pictures. Run again, and its causes measured without training."""

from collections.abc import Callable
from statistics import median
from typing import Any

import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import studies as figures
from cnn_core.training.studies.published import TARGETS, precomputed
from cnn_core.training.studies.spec import Degradation, StudyRefused
from ui.lessons.study import LINKED, Shown, link, plot, study, whole
from ui.teaching import one_of
from ui.text import duration, plain, table

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
    **link("degradation", *WHOLE),
}
_CHOICE = LINKED | {"required": True, "wrap": True}
_NEAR = 0.01  # a block that is so near to the identity has learnt it


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
    spec = _settings()
    title = f"plain and residual, {spec.shallow_depth} and {spec.deep_depth} layers" if spec else ""
    shown = study("degradation", spec, title=title, draw=_live)
    if shown is None:
        return False
    arms, verdict = shown.result["arms"], shown.result["verdict"]
    _what(shown)
    measure = st.segmented_control("Training", list(MEASURES), default="loss", key="architectures_training", **_CHOICE)
    _curves(arms, shown.spec["epochs"], MEASURES[measure], "")
    for arm in arms.values():
        for entry in arm["seeds"]:
            if entry["error"]:
                st.warning(f"Seed {entry['seed']}, {arm['depth']} layers: {plain(entry['error'])}")
    words = verdict_words(arms, verdict)
    (st.success if verdict["shown"] else st.warning)(words)
    st.caption(f"The criterion: {shown.result['criterion']}")
    if verdict["shown"] is not None:
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
    return shown.run is not None and verdict["shown"] is not None and shown.spec != Degradation().to_json()


def _settings() -> Degradation | None:
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        left, middle, right = st.columns(3)
        shallow = left.selectbox("Shallow, layers", DEPTHS, DEPTHS.index(20), key="architectures_shallow", **LINKED)
        deep = left.selectbox("Deep, layers", DEPTHS, DEPTHS.index(56), key="architectures_deep", **LINKED)
        rate = left.selectbox("Learning rate", RATES, RATES.index("0.02"), key="architectures_rate", **LINKED)
        batch_norm = middle.toggle("BatchNorm", True, key="architectures_batch_norm", **LINKED)
        numbers = {
            "width": whole("degradation", "width", "Filters of the first stage", middle),
            "input_size": whole("degradation", "input_size", "Side of a picture", middle, unit=" pixels"),
            "epochs": whole("degradation", "epochs", "Epochs", right),
            "seeds": whole("degradation", "seeds", "Seeds", right),
            "seed": whole("degradation", "seed", "First seed", right),
        }
        try:
            spec = Degradation(shallow, deep, learning_rate=float(rate), batch_norm=batch_norm, **numbers)
        except StudyRefused as refusal:
            st.error(plain(str(refusal)))
            return None
        st.caption(
            f"By the multiply-adds and the time of the run that ships: about {duration(expected_seconds(spec))} there. "
            "The paper has width 16, size 32, batches of 128; that is for a GPU."
        )
    return spec


def expected_seconds(spec: Degradation) -> float:
    """Return what a run would take where the one that ships was computed: in proportion to its multiply-adds.

    Example:
        >>> expected_seconds(Degradation(epochs=30)) / expected_seconds(Degradation())
        2.0
    """

    def work(one: Degradation) -> float:
        area = (max(one.width, 8) * max(one.input_size, 8)) ** 2  # smaller ones are no faster: a step costs its calls
        return (one.shallow_depth + one.deep_depth) * area * one.epochs * one.seeds

    return float(precomputed("degradation")["provenance"]["seconds"]) * work(spec) / work(Degradation())


def _what(shown: Shown) -> None:
    spec, result = shown.spec, shown.result
    shallow, deep = (result["arms"].get(f"plain_{depth}") for depth in ("shallow", "deep"))
    sizes = " and ".join(f"{arm['depth']} layers, {arm['params']:,} parameters" for arm in (shallow, deep) if arm)
    st.markdown(
        f"{sizes}; the residual twin has as many (option A). Width {spec['width']}, {spec['input_size']} × "
        f"{spec['input_size']} pixels, {'with' if spec['batch_norm'] else 'without'} BatchNorm, learning rate "
        f"{spec['learning_rate']:g}, {result['pictures']['train']:,} digits to train on, "
        f"{result['pictures']['test']:,} to test on."
    )


def _live(spec: dict[str, Any], progress: dict[str, Any]) -> None:
    if arms := progress.get("curves"):
        _curves(arms, spec["epochs"], "train_loss", "_live")


def _curves(arms: dict[str, Any], epochs: int, measure: str, suffix: str) -> None:
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


def verdict_words(arms: dict[str, Any], verdict: dict[str, Any]) -> str:
    """Return what the criterion says of a result, for better or worse."""
    if verdict["shown"] is None:
        return "No seed has been trained to its end at both depths, plain and residual: nothing can be said yet."
    said = []
    for kind in ("plain", "residual"):
        entries = verdict[kind]
        above = sum(entry["deep_above"] for entry in entries)
        shallow, deep = (arms[f"{kind}_{depth}"]["depth"] for depth in ("shallow", "deep"))
        medians = [median(entry[depth] for entry in entries) for depth in ("shallow", "deep")]
        said.append(
            f"{kind}-{deep} has a higher training loss than {kind}-{shallow} in {above} of {len(entries)} "
            f"{'seed' if len(entries) == 1 else 'seeds'} (median {medians[1]:.3g} against {medians[0]:.3g})"
        )
    begin = "**Degradation, and its cure.** " if verdict["shown"] else "**It did not come out here.** "
    end = "." if verdict["shown"] else ". It should be all for plain and none for residual."
    if len(verdict["plain"]) == 1 or len(verdict["residual"]) == 1:
        end += " With one seed it may be chance."
    return begin + f"{said[0][0].upper()}{said[0][1:]}; {said[1]}{end}"


def published_words(arms: dict[str, Any]) -> str:
    """Return whether the test error goes with depth as He et al. tell it of ImageNet."""
    words = []
    for kind in ("plain", "residual"):
        told = [t.error for t in TARGETS if t.data == "ImageNet" and t.residual == (kind == "residual")]
        before, after = told[0], told[-1]
        shallow, deep = (arms.get(f"{kind}_{depth}", {"seeds": []}) for depth in ("shallow", "deep"))
        errors = [
            [100 * entry["epochs"][-1]["test_error"] for entry in arm["seeds"] if entry["complete"]]
            for arm in (shallow, deep)
        ]
        if all(errors):
            here = [median(each) for each in errors]
            as_told = "as" if (here[1] > here[0]) == (after > before) else "**unlike**"
            words.append(
                f"Deeper, the {kind} net's test error goes from {here[0]:.1f} to {here[1]:.1f} %, {as_told} in He et "
                f"al. ({before} to {after} %)."
            )
    return " ".join(words)


def _losses(arms: dict[str, Any], verdict: dict[str, Any]) -> None:
    header, columns = ["seed"], []
    for kind in ("plain", "residual"):
        for depth in ("shallow", "deep"):
            header.append(f"{kind}-{arms[f'{kind}_{depth}']['depth']}")
            columns.append({entry["seed"]: f"{entry[depth]:.4f}" for entry in verdict[kind]})
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
    found: list[dict[str, Any]] = []
    try:
        for each in sorted({*SIGNAL_DEPTHS, depth}):
            with st.spinner(f"Following the signals through {each} layers… (the first answer waits for TensorFlow)"):
                found += _ask_signals(each)
    except (EngineError, StudyRefused) as trouble:
        st.error(plain(str(trouble)))
        return
    here = [record for record in found if record["depth"] == depth]
    for column, measure in zip(st.columns(2), ("gradient_norm", "variance"), strict=True):
        plot(
            figures.along_layers(here, measure),
            measure,
            f"{measure.replace('_', ' ')} of each convolution, plain and residual, with and without BatchNorm",
            column,
        )
    table(
        [f"{depth} layers", "variance, last ÷ first", "gradient of the first", "a layer"],
        [
            [
                _arm(record),
                _times(_ratio(record["variance"][::-1])),
                _times(record["gradient_norm"][0]),
                f"× {_rate(record):.3f}",
            ]
            for record in here
        ],
    )
    st.markdown(signal_words(here))
    plot(
        figures.against_depth(found),
        "against_depth",
        "First gradient over last against depth, plain and residual, with and without BatchNorm.",
    )
    st.caption(
        "He's initialisation is to keep the variance (He et al. 2015, arXiv:1502.01852); on maps this small much of "
        "what a kernel sees is padding, and the plain signal fades. BatchNorm restores it, and makes gradients grow "
        "towards the input, by a factor a layer (Yang et al. 2019, arXiv:1902.08129). Shortcuts alone add up."
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _ask_signals(depth: int) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = client.current().ask("signals", depths=(depth,), timeout=120.0)
    return answer


def _ratio(values: list[float]) -> float:
    return values[0] / values[-1]


def _rate(record: dict[str, Any]) -> float:
    """By what the gradient's norm is multiplied from a layer to the one before it, on average."""
    return float(_ratio(record["gradient_norm"]) ** (1 / (len(record["layers"]) - 1)))


def _arm(record: dict[str, Any]) -> str:
    kind = "residual" if record["residual"] else "plain"
    return f"{kind}, {'with' if record['batch_norm'] else 'no'} BatchNorm"


def _times(value: float) -> str:
    """Write a number of any size."""
    if 0.001 <= value < 10_000:
        return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits} · 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def signal_words(records: list[dict[str, Any]]) -> str:
    """Return what the signals of one depth do, in words that the numbers choose."""
    words = []
    for record in records:
        carried = _ratio(record["variance"][::-1])
        signal = "dies out" if carried < 1e-2 else "explodes" if carried > 1e2 else "is kept"
        rate = _rate(record)
        gradient = "shrinks" if rate < 0.97 else "grows" if rate > 1.03 else "keeps its size"
        first = record["gradient_norm"][0]
        size = " and is tiny" if first < 1e-3 else " and is huge" if first > 1e2 else ""
        words.append(f"* {_arm(record)}: the signal **{signal}**; towards the input the gradient **{gradient}{size}**")
    return "\n".join(words)


# The identity --------------------------------------------------------------------------------------------------------


def _identity() -> None:
    st.markdown(
        "If added layers only had to copy, a deeper net could not be worse. So let blocks of two 3 × 3 convolutions "
        "learn just that: to give back what they get. With a shortcut they need only fall silent."
    )
    blocks = st.segmented_control(
        "Blocks behind each other", BLOCKS, default=1, format_func=str, key="architectures_blocks", **_CHOICE
    )
    try:
        with st.spinner("Training six small nets, 200 steps each… (the first answer waits for TensorFlow)"):
            answer = _ask_identity(blocks)
    except (EngineError, StudyRefused) as trouble:
        st.error(plain(str(trouble)))
        return
    plot(
        figures.identity(answer),
        "identity",
        "Distance to the identity against the steps of training, plain and residual blocks.",
    )
    st.markdown(identity_words(answer))
    st.caption(
        "The same starting weights, patches and Adam for both; no ReLU behind a block. He et al. 2016, section 3.1, "
        "argue with this; here it is measured. Without BatchNorm, many residual blocks begin far off: their sums grow."
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _ask_identity(blocks: int) -> dict[str, Any]:
    answer: dict[str, Any] = client.current().ask("learn_identity", blocks=blocks, timeout=180.0)
    return answer


def identity_words(answer: dict[str, Any]) -> str:
    """Return how fast either kind of block learns the identity, and which was nearer at the end."""
    words, ends = [], {}
    for kind in ("plain", "residual"):
        curves = answer[kind]
        reached = [next((step for step, loss in enumerate(curve) if loss < _NEAR), None) for curve in curves]
        there = sorted(step for step in reached if step is not None)
        ends[kind] = median(curve[-1] for curve in curves)
        when = f"below {_NEAR:g} after {there[0]} to {there[-1]} steps" if there else f"never below {_NEAR:g}"
        missed = f" ({len(curves) - len(there)} of {len(curves)} seeds never)" if 0 < len(there) < len(curves) else ""
        begin = median(curve[0] for curve in curves)
        words.append(f"The **{kind}** block begins at {begin:.2g} and ends at {ends[kind]:.2g}, {when}{missed}.")
    nearer, farther = sorted(ends, key=lambda kind: ends[kind])
    factor = ends[farther] / ends[nearer]
    return " ".join(words) + f" At the end the **{nearer}** one is nearer to the identity, by a factor of {factor:.1f}."
