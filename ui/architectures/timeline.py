"""The timeline: every architecture of the zoo in time, what accuracy costs, and the record of one of them."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnn_core.figures import architectures as figures
from cnn_core.networks import atlas
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from ui.architectures.choice import network
from ui.architectures.history import EVENTS, IDEAS, TODAY
from ui.architectures.record import card, error_of, macs_per_param, published_error, short
from ui.shared.charts import plot
from ui.shared.controls import segments
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import plain

_SLUGS = {idea.replace(" ", "-"): idea for idea in IDEAS}


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
MEASURES = {"one-crop": "one crop, alike for all", "as-published": "as first published"}


def timeline(room: Room) -> bool:
    """Show all architectures in time and the record of one.

    Returns:
        True if the one is that with the most multiply-adds for each of its parameters.
    """
    with room.side:
        one = network("Network", "resnet50", "architectures_one", help="Or click a point of the figure.")
        axis = segments("Upwards", list(QUANTITIES), "parameters", "architectures_axis")
        ideas = {"all": "all"} | _SLUGS
        idea = _SLUGS.get(segments("Idea", ideas, "all", "architectures_idea"), "")
        with room.more():
            which = segments("Mistakes counted", ["top-1", "top-5"], "top-1", "architectures_error")
            measure = segments("Measured", MEASURES, "one-crop", "architectures_measure")
    errors = {key: found for key in ARCHITECTURES if (found := _error(key, which, measure)) is not None}
    values = _values(errors)
    with room.stage:
        _in_time(values[axis], axis, which, idea, one)
    with room.why:
        told(
            "Each network answered a question that the one before left open. Read upwards for what it took: at first "
            "more and more weights, then, from 2014 on, better ideas of where to spend them. Which of these would you "
            "have had?"
        )
        _story(idea, which, measure)
        _costs(values, errors, idea, one, (which, measure))
        st.header("What is on record of it?", anchor=False)
        card(one)
        st.header("Where does it stand in 2026?", anchor=False)
        st.markdown(TODAY)
        st.caption("Written down from papers until 2024, not computed here; the top of the lists moves on.")
    return one == max(ARCHITECTURES, key=macs_per_param)


def _values(errors: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Each quantity of each network that has it."""
    measured = atlas.read()["architectures"]
    fields = {"parameters": "trainable_params", "multiply-adds": "macs", "depth": "depth"}
    found = {name: {key: facts[field] for key, facts in measured.items()} for name, field in fields.items()}
    return {**found, "error": errors}


def _in_time(values: dict[str, Any], axis: str, which: str, idea: str, one: str) -> None:
    quantity, years = QUANTITIES[axis], {key: record.year for key, record in ARCHITECTURES.items()}
    events = [(year, text.partition(".")[0].partition(":")[0]) for year, text in EVENTS]
    title = f"{which} {quantity.title}" if axis == "error" else quantity.title
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    _pick(
        figures.timeline(_marks(years, values, idea), events, title, one, quantity.logarithmic),
        "time",
        one,
        f"From 1989 to 2026, {len(values)} networks: {title} from {short(values[low])} ({ARCHITECTURES[low].title}, "
        f"{years[low]}) to {short(values[high])} ({ARCHITECTURES[high].title}, {years[high]}).",
    )
    record = ARCHITECTURES[one]
    st.markdown(f"**{plain(record.title)}**, {record.year}. {plain(record.fixed)}")


def _costs(
    values: dict[str, dict[str, Any]], errors: dict[str, float], idea: str, one: str, how: tuple[str, str]
) -> None:
    """Accuracy against each of two costs, and how both are counted."""
    which, measure = how
    st.header("What does accuracy cost?", anchor=False)
    accuracies = {key: round(100 - error, 3) for key, error in errors.items()}
    best = max(accuracies, key=accuracies.__getitem__)
    for place, cost in zip(st.columns(2), ("parameters", "multiply-adds"), strict=True):
        with place:
            _pick(
                figures.accuracy(_marks(values[cost], accuracies, idea), cost, f"{which} accuracy, ImageNet", one),
                cost,
                one,
                f"Of {len(errors)} networks {ARCHITECTURES[best].title} is right most often, {accuracies[best]:.1f} %, "
                f"with {short(values[cost][best])} {cost}.",
            )
    absent = [plain(ARCHITECTURES[key].title) for key in ARCHITECTURES if key not in errors]
    st.caption(
        "Click a point for its record. Accuracy is 100 % − published error, "
        + (
            "of one crop of 224 × 224 pixels, whoever trained the weights. "
            if measure == "one-crop"
            else "as first published: crops, sizes and training pictures differ; the record says how. "
        )
        + "Parameters (trainable) and multiply-adds (of convolutions, dense layers and attention) are computed from "
        "the networks built here" + f". Without such a figure: {', '.join(absent)}."
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
    plot(figure, key, alt, selection_mode="points", on_select=lambda: _picked(key))


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
    with st.expander("Numbered in the figure: history, not computed"):
        st.markdown("\n".join(f"{number}. {year}: {text}" for number, (year, text) in enumerate(EVENTS, 1)))
        st.caption(
            "Before the axis: the neocognitron, local receptive fields in stages. Fukushima 1980, "
            "doi:10.1007/BF00344251."
        )
