"""The timeline: every architecture of the zoo in time, what accuracy costs, and the record of one of them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnn_core.figures import architectures as figures
from cnn_core.networks import atlas
from cnn_core.networks.zoo.architectures import ARCHITECTURES, architecture
from cnn_core.networks.zoo.records import Architecture, Count, Result
from ui.shared.teaching import one_of
from ui.shared.text import count, plain, table

IDEAS = {  # in the order of history: first network, in a sentence
    "template": ("lenet5_1998", "Learn kernels, shrink the maps, repeat, then decide: every convnet keeps this plan."),
    "scale": (
        "alexnet",
        "The template made large: a million photographs and two graphics cards, with ReLU so that it "
        "trains, and dropout and altered pictures so that it does not learn them by heart.",
    ),
    "uniform depth": (
        "vgg16",
        "One rule, 3 × 3 and again 3 × 3: two see as far as one 5 × 5, with fewer weights and one more ReLU.",
    ),
    "multi-scale": ("googlenet", "Kernels of several sizes side by side, and 1 × 1 bottlenecks that make them cheap."),
    "residual": (
        "resnet50",
        "A block only adds a change to its input. To do nothing is easy then, and depth stops hurting.",
    ),
    "control": ("plain34", "The residual nets without their shortcuts: deeper is worse, on the training pictures too."),
    "depthwise": (
        "mobilenet_v1",
        "Look along each channel alone, then mix channels at each pixel: the same plan for a fraction of the work.",
    ),
    "compound scaling": (
        "efficientnet_b0",
        "Depth, width and resolution grow together, from a small network found by search.",
    ),
    "attention": (
        "vit_b16",
        "Cut the picture into words and let every word look at every other: no locality built in, "
        "so it must be learnt from many pictures.",
    ),
    "modernised": (
        "convnext_tiny",
        "Give a ResNet the transformer's habits and training, keep the convolution, and most of the distance is gone.",
    ),
}
EVENTS = (  # of history: without a network here, nothing of them is computed
    (
        1989,
        "Backpropagation learns the kernels of a network that reads zip codes. LeCun et al., "
        "doi:10.1162/neco.1989.1.4.541",
    ),
    (
        2009,
        "ImageNet, the pictures that all the later errors are measured on. Deng et al., doi:10.1109/CVPR.2009.5206848",
    ),
    (2015, "Batch normalisation. Ioffe & Szegedy, arXiv:1502.03167"),
    (2017, "The transformer, made for language. Vaswani et al., arXiv:1706.03762"),
    (2017, "Squeeze-and-excite: global pooling that weighs channels. Hu et al., arXiv:1709.01507"),
    (2021, "CLIP: images learnt from their captions. Radford et al., arXiv:2103.00020"),
    (2021, "Swin: attention in windows that shift, and stages as in a convnet. Liu et al., arXiv:2103.14030"),
    (2023, "DINOv2: features learnt without labels. Oquab et al., arXiv:2304.07193"),
    (2024, "MobileNetV4: convolution, and attention where it pays, for phones. Qin et al., arXiv:2404.10518"),
)
TODAY = """
* **At the top: transformers and hybrids, by scale.** Above 90 % on ImageNet stand networks of a billion parameters and
  more that saw billions of other pictures first: a scaled ViT 90.45 % (Zhai et al., arXiv:2106.04560), CoAtNet, a
  hybrid, 90.88 % (Dai et al., arXiv:2106.04803), CoCa 91.0 % (Yu et al., arXiv:2205.01917).
* **Is it attention?** A convnet given as many pictures and as much computing reached 90.4 %, as a ViT of that budget
  (Smith et al., arXiv:2310.16764). What leads is pretraining; attention is what it is mostly done with, for it takes
  words and images alike.
* **Few pictures of your own:** a ViT trained on them alone lacks the convolution's prior (Dosovitskiy et al.,
  arXiv:2010.11929); strong augmentation makes up for much (Touvron et al., arXiv:2012.12877). Start from pretrained
  weights: in a comparison of 2023 over many tasks, supervised convnets did best on most (Goldblum et al.,
  arXiv:2310.19909).
* **Phones and deadlines:** what counts there is milliseconds, not multiply-adds, and convolutions still carry it:
  MobileOne (Vasu et al., arXiv:2206.04040); MobileNetV4 adds attention only in its larger models (Qin et al.,
  arXiv:2404.10518).
"""
MAIN = [main for main, _ in IDEAS.values()]
ONE_CROP = Result("", None).protocol
_SLUGS = {idea.replace(" ", "-"): idea for idea in IDEAS}
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_CHOICE = _LINKED | {"required": True, "wrap": True}


@dataclass(frozen=True)
class Quantity:
    """What the timeline's vertical axis is."""

    title: str
    logarithmic: bool


QUANTITIES = {
    "parameters": Quantity("parameters", True),
    "multiply-adds": Quantity("multiply-adds", True),
    "depth": Quantity("layers with weights", False),
    "error": Quantity("% error on ImageNet", False),
}
LINK: dict[str, Callable[[str], bool]] = {
    "architectures_one": one_of(*ARCHITECTURES),
    "architectures_idea": one_of("all", *_SLUGS),
    "architectures_axis": one_of(*QUANTITIES),
    "architectures_error": one_of("top-1", "top-5"),
    "architectures_measure": one_of("one-crop", "as-published"),
}


def timeline() -> bool:
    """Show all architectures in time and the record of one.

    Returns:
        True if the one is that with the most multiply-adds for each of its parameters.
    """
    idea = st.pills("Idea", ["all", *_SLUGS], default="all", key="architectures_idea", **_CHOICE)
    charts = st.container()
    st.subheader("The record of one")
    keys = list(ARCHITECTURES)
    one = st.selectbox(
        "Architecture",
        keys,
        keys.index("resnet50"),
        key="architectures_one",
        **_LINKED,
        help="Or click a point above.",
    )
    with charts:
        _charts(_SLUGS.get(idea, ""), one)
    _card(one)
    st.subheader("Where it stands in 2026")
    st.markdown(TODAY)
    st.caption("Written down from papers until 2024, not computed here; the top of the lists moves on.")
    return one == max(keys, key=macs_per_param)


def macs_per_param(key: str) -> float:
    """Return in how many multiply-adds each parameter takes part, on average, for one picture."""
    facts = atlas.read()["architectures"][key]
    return float((facts["macs"] + facts["attention_macs"]) / facts["trainable_params"])


def published_error(record: Architecture, which: str, measure: str) -> Result | None:
    """Return the first published error on ImageNet that was measured so, None if there is none.

    Args:
        record: Of the architecture.
        which: `"top-1"` or `"top-5"`.
        measure: `"one-crop"` for a crop of 224 × 224 alone, as libraries measure; `"as-published"` for any way.
    """
    for result in record.results:
        alike = measure == "as-published" or result.protocol == ONE_CROP
        if alike and result.dataset == "ImageNet" and error_of(result, which) is not None:
            return result
    return None


def error_of(result: Result, which: str) -> float | None:
    """Return the error in percent, None if it was not published."""
    return result.top1_error if which == "top-1" else result.top5_error


def short(number: float) -> str:
    """Write a large number in three digits.

    >>> short(61706), short(25557032), short(15470264320)
    ('61.7 k', '25.6 M', '15.5 G')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,.3g}"


# The figures ---------------------------------------------------------------------------------------------------------


@st.fragment
def _charts(idea: str, one: str) -> None:
    if st.session_state.architectures_one != one:  # a point was clicked, and the record lies outside
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = st.segmented_control("Axis", list(QUANTITIES), default="parameters", key="architectures_axis", **_CHOICE)
        which = st.segmented_control("Error", ["top-1", "top-5"], default="top-1", key="architectures_error", **_CHOICE)
        measure = st.segmented_control(
            "Measured", ["one-crop", "as-published"], default="one-crop", key="architectures_measure", **_CHOICE
        )
    errors = {key: found for key in ARCHITECTURES if (found := _error(key, which, measure)) is not None}
    measured = atlas.read()["architectures"]
    values = {
        "parameters": {key: facts["trainable_params"] for key, facts in measured.items()},
        "multiply-adds": {key: facts["macs"] for key, facts in measured.items()},
        "depth": {key: facts["depth"] for key, facts in measured.items()},
        "error": errors,
    }
    quantity, years = QUANTITIES[axis], {key: record.year for key, record in ARCHITECTURES.items()}
    events = [(year, text.partition(".")[0].partition(":")[0]) for year, text in EVENTS]
    title = f"{which} {quantity.title}" if axis == "error" else quantity.title
    _pick(
        figures.timeline(_marks(years, values[axis], idea), events, title, one, quantity.logarithmic),
        "time",
        one,
        f"{quantity.title} of {len(values[axis])} networks against the year, 1989 to 2026.",
    )
    with st.expander("Numbered in the figure: history, not computed"):
        st.markdown("\n".join(f"{number}. {year}: {text}" for number, (year, text) in enumerate(EVENTS, 1)))
        st.caption(
            "Before the axis: the neocognitron, local receptive fields in stages. Fukushima 1980, "
            "doi:10.1007/BF00344251."
        )
    _story(idea, which, measure)
    st.subheader("What accuracy costs")
    accuracies = {key: round(100 - error, 3) for key, error in errors.items()}
    for place, cost in zip(st.columns(2), ("parameters", "multiply-adds"), strict=True):
        with place:
            _pick(
                figures.accuracy(_marks(values[cost], accuracies, idea), cost, f"{which} accuracy, ImageNet", one),
                cost,
                one,
                f"{which} accuracy of {len(errors)} networks against their {cost}.",
            )
    absent = [plain(ARCHITECTURES[key].title) for key in ARCHITECTURES if key not in errors]
    st.caption(
        "Click a point for its record. Accuracy is 100 % − published error, "
        + (
            "of one crop of 224 × 224 pixels, whoever trained the weights. "
            if measure == "one-crop"
            else "as first published: crops, sizes and training pictures differ; the record says how. "
        )
        + "Parameters (trainable) and multiply-adds (of convolutions and dense layers) are computed from the networks "
        "built here" + f". Without such a figure: {', '.join(absent)}."
    )


def _error(key: str, which: str, measure: str) -> float | None:
    found = published_error(ARCHITECTURES[key], which, measure)
    return None if found is None else error_of(found, which)


def _marks(x: dict[str, Any], y: dict[str, Any], idea: str) -> list[figures.Mark]:
    """The networks that have both; one of each idea is named, or all of the idea that is asked for."""
    both, named = [key for key in ARCHITECTURES if key in x and key in y], set()
    for each in IDEAS.keys() - {"control"}:
        alike = [key for key in [IDEAS[each][0], *both] if key in both and ARCHITECTURES[key].idea == each]
        named.update(alike if each == idea else alike[:1] if not idea else [])
    if idea == "control":
        named = {key for key in both if ARCHITECTURES[key].idea == idea}
    return [
        figures.Mark(key, record.title, x[key], y[key], not idea or record.idea == idea, key in named)
        for key in both
        for record in [ARCHITECTURES[key]]
    ]


def _pick(figure: Any, name: str, one: str, alt: str) -> None:
    """Show a figure whose points choose an architecture; made anew for each, so that no old selection stays."""
    key = f"architectures_{name}_{one}"
    st.plotly_chart(
        figure,
        key=key,
        config={"displayModeBar": False},
        alt=alt,
        selection_mode="points",
        on_select=lambda: _picked(key),
    )


def _picked(key: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    keys = [point["customdata"] for point in points if point.get("customdata") in ARCHITECTURES]
    if keys:
        st.session_state.architectures_one = keys[0]


def _story(idea: str, which: str, measure: str) -> None:
    """The ideas in order, with the figures of the network that brought each."""
    lines = []
    for name, (key, sentence) in IDEAS.items():
        record, facts = ARCHITECTURES[key], atlas.read()["architectures"][key]
        error = _error(key, which, measure)
        figure = "" if error is None else f", {which} error {error:.1f} %"
        if idea in ("", name):
            lines.append(
                f"* {record.year} **{name.capitalize()}** ({plain(record.title)}, {short(facts['trainable_params'])} "
                f"parameters, {short(facts['macs'])} MACs{figure}). {sentence}"
            )
    st.markdown("\n".join(lines))


# The record ----------------------------------------------------------------------------------------------------------


def _card(key: str) -> None:
    record = architecture(key)
    with st.container(border=True):
        st.markdown(
            f"#### {plain(record.title)}, {record.year}\n{plain(record.authors)}. {paper_link(record.paper)}\n\n"
            f"**What it is.** {plain(record.description)}\n\n**What it put right.** {plain(record.fixed)}"
        )
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("**Computed here**")
            _computed(key)
        with right:
            st.markdown("**Published errors**")
            _errors(record)
            st.markdown("**Published counts, term by term**")
            for published in record.counts:
                _adds_up(published, atlas.read()["architectures"][key]["trainable_params"])


def _computed(key: str) -> None:
    content, record = atlas.read(), architecture(key)
    facts, made = content["architectures"][key], content["provenance"]
    field = facts["receptive_field"]
    rows = [
        ["trainable parameters", f"{facts['trainable_params']:,}"],
        ["with BatchNorm's statistics", f"{facts['total_params']:,}"],
        ["multiply-adds", f"{facts['macs']:,}"],
        *([["and in attention's products", f"{facts['attention_macs']:,}"]] if facts["attention_macs"] else []),
        ["multiply-adds for each parameter", f"{macs_per_param(key):.1f}"],
        ["depth, as the paper counts", f"{facts['depth']}"],
        ["convolutions and dense layers in a row", f"{facts['longest_path']}"],
        ["receptive field", "whole image" if field is None else f"{field:,} px"],
    ]
    table([f"input {facts['input_size']} × {facts['input_size']} × {record.input_shape[2]}", "value"], rows)
    notes = [note for note in (record.depth_note, facts["reason"]) if note]
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    st.caption(" ".join(plain(note) for note in [*notes, f"By {made['command']}, {made['date']}, {versions}."]))


def _errors(record: Architecture) -> None:
    if not record.results:
        st.markdown("None was published for this network.")
        return
    rows = []
    for result in record.results:
        percents = ("–" if error is None else f"{error:.4g}\u00a0%" for error in (result.top1_error, result.top5_error))
        rows.append([plain(result.whose), *percents, plain(f"{result.dataset}, {result.protocol}")])
    table(["source", "top-1", "top-5", "measured on"], rows, numbers=False)


def _adds_up(published: Count, trainable: int) -> None:
    """A published count as a sum that begins with ours."""
    total = trainable + sum(published.terms.values())
    rows = [[plain(name), f"{'+' if term > 0 else '−'} {abs(term):,}"] for name, term in published.terms.items()]
    table(
        ["trainable parameters here", f"{trainable:,}"], [*rows, [f"**= {plain(published.whose)}**", f"**{total:,}**"]]
    )
    if total != published.count:
        st.error(f"Published is {published.count:,}: {count(abs(published.count - total), 'parameter')} unexplained.")


def paper_link(paper: str) -> str:
    """Return a paper as a link if it is nothing but an arXiv number or a DOI, else as it is.

    >>> paper_link("arXiv:1512.03385"), paper_link("doi:10.1145/3065386")
    ('[arXiv:1512.03385](https://arxiv.org/abs/1512.03385)', '[doi:10.1145/3065386](https://doi.org/10.1145/3065386)')
    """
    for place, url in (("arXiv", "https://arxiv.org/abs/"), ("doi", "https://doi.org/")):
        if found := re.fullmatch(rf"{place}:(\S+)", paper):
            return f"[{paper}]({url}{found[1]})"
    return plain(paper)
