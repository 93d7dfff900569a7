"""The timeline: a story of ideas, every architecture of the zoo in time, what accuracy costs, the record of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnn_core.figures import architectures as figures
from cnn_core.networks import atlas
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoo.pairing import error_of
from cnn_core.networks.zoo.records import GENERATIONS, Result
from cnn_core.receipts.today import WRITTEN
from ui.architectures.choice import network
from ui.architectures.history import EVENTS, IDEAS, today
from ui.architectures.record import apart, card, macs_per_param, published_error, short
from ui.architectures.story import events, story
from ui.shared.charts import plot
from ui.shared.controls import pick, segments
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
    "depth": Quantity("convolutions and dense layers in a row", False),
    "error": Quantity("% {} error on ImageNet", False),
}
SHAPES = {"classic": ("circle", "●"), "searched": ("square", "■"), "modern": ("diamond", "◆")}  # of generations
MEASURES = {"one-crop": "one crop, alike for all", "as-published": "as first published"}


def timeline(room: Room) -> bool:
    """Show all architectures in time and the record of one.

    Returns:
        True if the one is that with the most multiply-adds for each of its parameters.
    """
    with room.side:
        first, second = st.columns(2)
        with first:
            one = network("Network", "resnet50", "architectures_one", help="Or click a point of the figure.")
        ideas = {"all": "all"} | _SLUGS
        idea = _SLUGS.get(pick("Idea", ideas, "all", "architectures_idea", place=second), "")
        axis = segments("Upwards", list(QUANTITIES), "parameters", "architectures_axis")
        with room.more():
            which = segments("Mistakes counted", ["top-1", "top-5"], "top-1", "architectures_error")
            measure = segments("Measured", MEASURES, "one-crop", "architectures_measure")
    found = {key: result for key in ARCHITECTURES if (result := published_error(ARCHITECTURES[key], which, measure))}
    values = _values(found, which)
    with room.stage:
        _in_time(values[axis], axis, which, idea, one, found)
    with room.story:
        story(idea, which, found)
    with room.why:
        told(
            "Each network answered a question that the one before left open. Read the figure upwards for what it took: "
            "at first more and more weights, then, from 2014 on, better ideas of where to spend them. Which of these "
            "would you have had?"
        )
        events()
        _costs(values, found, idea, one, (which, measure))
        st.header("What is on record of it?", anchor=False)
        card(one)
        st.header("Where does it stand in 2026?", anchor=False)
        st.markdown(today())
        st.caption(f"Read in papers, model cards and tables in {WRITTEN}, not computed here; the lists move on.")
    return one == max(ARCHITECTURES, key=macs_per_param)


def _values(results: Mapping[str, Result], which: str) -> dict[str, dict[str, Any]]:
    """Each quantity of each network that has it."""
    measured = atlas.read()["architectures"]
    fields = {"parameters": "trainable_params", "multiply-adds": "macs", "depth": "longest_path"}
    found = {name: {key: facts[field] for key, facts in measured.items()} for name, field in fields.items()}
    return {**found, "error": {key: error_of(result, which) for key, result in results.items()}}


def _in_time(values: dict[str, Any], axis: str, which: str, idea: str, one: str, results: Mapping[str, Result]) -> None:
    quantity, years = QUANTITIES[axis], {key: record.year for key, record in ARCHITECTURES.items()}
    events = [(year, text.partition(".")[0].partition(":")[0]) for year, text in EVENTS]
    title = quantity.title.format(which)
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    _pick(
        figures.timeline(
            _marks(years, values, idea, results if axis == "error" else {}), events, title, one, quantity.logarithmic
        ),
        "time",
        one,
        f"From 1989 to 2026, {len(values)} networks: {title} from {short(values[low])} ({ARCHITECTURES[low].title}, "
        f"{years[low]}) to {short(values[high])} ({ARCHITECTURES[high].title}, {years[high]}).",
    )
    record = ARCHITECTURES[one]
    st.markdown(f"**{plain(record.title)}**, {record.year}. {plain(record.fixed)}")


def _costs(
    values: dict[str, dict[str, Any]], results: Mapping[str, Result], idea: str, one: str, how: tuple[str, str]
) -> None:
    """Accuracy against each of two costs, and how both are counted."""
    (which, measure), errors = how, values["error"]
    st.header("What does accuracy cost?", anchor=False)
    accuracies = {key: round(100 - error, 3) for key, error in errors.items()}
    best = max(accuracies, key=accuracies.__getitem__)
    for place, cost in zip(st.columns(2), ("parameters", "multiply-adds"), strict=True):
        with place:
            _pick(
                figures.accuracy(
                    _marks(values[cost], accuracies, idea, results, cost), cost, f"{which} accuracy, ImageNet", one
                ),
                cost,
                one,
                f"Of {len(errors)} networks {ARCHITECTURES[best].title} is right most often, {accuracies[best]:.1f}%, "
                f"with {short(values[cost][best])} {cost}.",
            )
    absent = [plain(ARCHITECTURES[key].title) for key in ARCHITECTURES if key not in errors]
    eras = "; ".join(f"{SHAPES[name][1]} {plain(words)}" for name, words in GENERATIONS.items())
    st.markdown(f"How were they trained? {eras}. Compare like with like: what a recipe adds is no merit of a network.")
    st.caption(
        "Click a point for its record. An open mark's accuracy is of another network or measurement than "
        "its cost: point at it, and it says of which. "
        "Accuracy is 100% − published error, "
        + (
            "of one crop of 224 × 224 pixels (AlexNet: 227), whoever trained the weights. "
            if measure == "one-crop"
            else "as first published: crops, sizes and training pictures differ; the record says how. "
        )
        + "Parameters (trainable) and multiply-adds (of convolutions, dense layers and attention) are computed from "
        "the networks built here" + f". Without such a figure: {', '.join(absent)}."
    )


def _marks(
    x: dict[str, Any], y: dict[str, Any], idea: str, results: Mapping[str, Result], cost: str = ""
) -> list[figures.Mark]:
    """The networks that have both; one of each idea is named, or all of the idea that is asked for.

    Args:
        x: A number of each network.
        y: Another one.
        idea: What is filtered for; empty for all.
        results: Where a published error is among the two: of which network it is, and by which recipe.
        cost: What the error stands against.
    """
    both, named = [key for key in ARCHITECTURES if key in x and key in y], set()
    for each in IDEAS.keys() - {"control"}:
        alike = [key for key in [IDEAS[each][0], *both] if key in both and ARCHITECTURES[key].idea == each]
        named.update(alike if each == idea else alike[:1] if not idea else [])
    if idea == "control":
        named = {key for key in both if ARCHITECTURES[key].idea == idea}
    return [
        figures.Mark(
            *(key, record.title, x[key], y[key], not idea or record.idea == idea, key in named),
            symbol=SHAPES[results[key].generation][0] if key in results else "circle",
            apart=apart(results[key], cost) if key in results else "",
        )
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
