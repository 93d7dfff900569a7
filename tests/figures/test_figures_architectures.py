"""Figures of the timeline and of two networks: what is drawn are the numbers given."""

import numpy as np
import pytest

from cnn_core.figures import architectures
from cnn_core.figures.architectures import Mark, Stage
from tests.looked_at import Drawing

figures = Drawing(architectures)

MARKS = [
    Mark("a", "Aged", 1998, 6e4, strong=False, named=True),
    Mark("b", "Broad", 2014, 1.4e8, named=True),
    Mark("c", "Chosen", 2015, 2.6e7),
]


def test_timeline_is_to_scale_and_rings_the_chosen_one() -> None:
    figure = figures.timeline(MARKS, [(1989, "one"), (2017, "two"), (2017, "three"), (2018, "four")], "p", "c", True)
    networks, events = figure.data
    assert dict(zip(networks.customdata, zip(networks.x, networks.y, strict=True), strict=True)) == {
        mark.key: (mark.x, mark.y) for mark in MARKS
    }
    widths = dict(zip(networks.customdata, networks.marker.line.width, strict=True))
    assert widths["c"] > 0 and not widths["a"] and not widths["b"], "only the chosen one is ringed"
    colours = dict(zip(networks.customdata, networks.marker.color, strict=True))
    assert colours["a"] != colours["b"] == colours["c"], "what was not filtered for is faint"
    assert (figure.layout.xaxis.type or "linear", figure.layout.yaxis.type) == ("linear", "log")
    low, high = figure.layout.xaxis.range
    assert low < 1989 and high > 2026
    assert list(events.text) == ["1", "2", "3", "4"] and list(events.x) == [1989, 2017, 2017, 2018]
    assert list(events.y) == [0, 0, 1, 2], "no event lies on its neighbour"


def test_names_are_those_asked_for_and_the_chosen_one() -> None:
    figure = figures.accuracy(MARKS, "parameters", "accuracy", "c")
    (networks,) = figure.data
    assert [text for text in networks.text if text] == ["Aged", "Broad", "<b>Chosen</b>"]
    assert list(networks.hovertext) == ["Aged", "Broad", "Chosen"], "the hover text names every point"
    assert figure.layout.xaxis.type == "log"


def test_names_that_have_no_room_are_left_out_but_not_the_chosen_one() -> None:
    crowd = [Mark(f"n{n}", "A long name for a network", 1e6, 50 + n / 100, named=True) for n in range(12)]
    spread = [Mark("low", "low", 1e6, 0.0), Mark("high", "high", 1e9, 100.0)]
    (networks,) = figures.accuracy([*crowd, *spread], "parameters", "accuracy", "n7").data
    texts = [text for text in networks.text if text]
    assert "<b>A long name for a network</b>" in texts
    assert len(texts) < 6


@pytest.mark.parametrize("marks", [[], MARKS[:1]])
def test_timeline_of_few_networks_is_drawn(marks: list[Mark]) -> None:
    assert len(figures.timeline(marks, [], "layers", "x", False).data[0].x) == len(marks)


def test_stage_maps_have_one_scale_and_the_input_comes_first() -> None:
    networks = [("Small", 32, [Stage("s2", 14, 6), Stage("s4", 5, 16)]), ("Large", 224, [Stage("pool1", 112, 64)])]
    figure = figures.stage_maps(networks)
    assert [trace.name for trace in figure.data] == ["input", "s2", "s4", "input", "pool1"]
    for trace, side in zip(figure.data, (32, 14, 5, 224, 112), strict=True):
        assert (np.ptp(trace.x), np.ptp(trace.y)) == pytest.approx((side, side)), trace.name
    assert figure.layout.yaxis.scaleanchor == "x"
    texts = [note.text for note in figure.layout.annotations]
    assert texts == [
        "<b>Small</b>",
        "32²<br>input",
        "14²<br>× 6",
        "5²<br>× 16",
        "<b>Large</b>",
        "224²<br>input",
        "112²<br>× 64",
    ]


def test_stage_maps_do_not_lie_on_each_other_and_fit_the_axes() -> None:
    figure = figures.stage_maps([("A", 224, [Stage("a", 112, 8), Stage("b", 7, 8)]), ("B", 32, [Stage("c", 32, 8)])])
    for one, other in zip(figure.data, figure.data[1:], strict=False):
        assert max(one.x) < min(other.x) or min(one.y) > max(other.y)
    for trace in figure.data:
        assert figure.layout.xaxis.range[0] <= min(trace.x) and max(trace.x) <= figure.layout.xaxis.range[1]
        assert figure.layout.yaxis.range[0] <= min(trace.y) and max(trace.y) <= figure.layout.yaxis.range[1]
