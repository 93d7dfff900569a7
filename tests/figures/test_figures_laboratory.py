"""Figures of the laboratory: every mark at its number, every interval between its bounds."""

from dataclasses import replace

import pytest

from cnn_core.arithmetic.measures import FoldAccuracy, Share
from cnn_core.arithmetic.statistics import accuracy_summary, paired_comparison
from cnn_core.figures import laboratory
from cnn_core.training.lab.backbones import Compared, Costs
from cnn_core.training.lab.depth import Cut, Stage
from cnn_core.training.lab.sabotage import Mistake, Sabotaged
from cnn_core.training.lab.size import Fit, Law, LawCurve, SizeArm, SizePoint
from tests.looked_at import Drawing

figures = Drawing(laboratory)


def accuracy(*correct: int) -> FoldAccuracy:
    return accuracy_summary(correct, [20] * len(correct), 0.25)


LOWER, UPPER = accuracy(8, 9, 13), accuracy(18, 19, 17)
STAGES = [Stage(1, 3, "block 1 of 3", LOWER, 6), Stage(3, 3, "block 3 of 3", UPPER, 12)]
CUTS = [Cut(3, 3, "block 3 of 3", UPPER)]


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_depth_marks_means_and_draws_their_intervals() -> None:
    figure = figures.depth(STAGES, CUTS, chance=0.25)
    probe = named(figure, "linear probe on what lies below")
    assert list(probe.y) == [10 / 20, 18 / 20] and probe.x == pytest.approx([1, 3], abs=0.2)
    bar = named(figure, "linear probe on what lies below, 95% interval")
    assert list(bar.y) == [LOWER.low, LOWER.high, None, UPPER.low, UPPER.high, None]
    assert LOWER.low < LOWER.mean == 10 / 20 < LOWER.high
    cut = named(figure, "blocks above trained, below frozen")
    assert cut.x[0] != probe.x[1], "two marks of one depth lie beside each other"
    assert figure.layout.shapes[0].y0 == 0.25
    assert figures.depth(STAGES, [], 0.25).data, "before any cut"


def test_size_has_a_logarithmic_axis_a_band_and_the_prediction() -> None:
    curve = LawCurve((1, 20), (0.5, 0.9), (0.4, 0.85), (0.6, 0.93))
    fit = Fit(0.5, 0.7, 0.0, 20, 0.9, 0.85, 0.93, 5.0, 1.0, 8.0, curve)
    points = (SizePoint(1, accuracy(10, 11, 9)), SizePoint(10, accuracy(16, 17, 15)))
    arms = [SizeArm("frozen", points, Law("error ≈ …", fit)), SizeArm("scratch", points, Law("none"))]
    figure = figures.size(arms, 0.5)
    assert figure.layout.xaxis.type == "log" and list(figure.layout.xaxis.tickvals) == [1, 10, 20]
    band = named(figure, "Frozen: the law's 95% band")
    assert list(band.y) == [0.6, 0.93, 0.85, 0.4], "up along the upper bound, back along the lower"
    assert any(list(trace.x) == [20] and list(trace.y) == [0.9] for trace in figure.data)
    assert named(figure, "Frozen").mode == "markers" and named(figure, "From scratch").mode == "lines+markers"


def test_paired_bars_carry_the_interval_of_the_difference_or_none() -> None:
    sure = paired_comparison([0.80, 0.82, 0.78], [0.9, 0.9, 0.9], 0.25, ("a", "b"))
    unsure = paired_comparison([0.8, 0.8], [0.9, 0.9], 0.25, ("a", "b"))
    assert unsure.low is None
    figure = figures.paired({"a": sure, "c": unsure})
    bar = figure.data[0]
    assert bar.x == pytest.approx([-10, -10])
    assert bar.x[0] + bar.error_x.array[0] == pytest.approx(sure.high)
    assert bar.x[0] - bar.error_x.arrayminus[0] == pytest.approx(sure.low)
    assert bar.error_x.array[1] == bar.error_x.arrayminus[1] == 0


def test_strip_writes_zero_only_for_zero() -> None:
    drift = {"held": [0.0, 1e-5], "left": [0.137, 0.9]}
    heat = figures.strip(drift, ["block6a_expand_conv", "top_conv"]).data[0]
    assert [list(row) for row in heat.text] == [["0", "<0.1"], ["14", "90"]]
    assert heat.z[0][0] < heat.z[1][0] < heat.z[1][1], "more is darker"


def test_losses_and_agreement_leave_out_what_is_no_mistake() -> None:
    loss = paired_comparison([0.5, 0.52, 0.48], [0.9, 0.9, 0.9], 0.25, ("raw", "right"))
    raw = Mistake("raw", "raw [0, 255]", "x", "", accuracy(10, 10, 9), loss, Share(20, 100, 0.1, 0.35))
    grey = Mistake("grey", "grey", "luminance", "Here this is the right one.")
    network = Sabotaged("lite0", "Lite0", "", UPPER, (raw, grey))
    lost = figures.losses([network, replace(network, title="other")])
    assert [trace.name for trace in lost.data] == ["Lite0", "other"] and lost.layout.showlegend
    assert list(lost.data[0].y) == ["raw [0, 255]"] and lost.data[0].x[0] == pytest.approx(-40)
    agree = figures.agreement([network]).data[0]
    assert agree.x[0] + agree.error_x.array[0] == pytest.approx(0.35)
    assert agree.x[0] - agree.error_x.arrayminus[0] == pytest.approx(0.1)


def test_costs_leave_out_a_count_that_is_not_known() -> None:
    networks = [
        Compared("a", "a", "Apache-2.0", 75.0, "", accuracy(18, 19, 17), Costs(38.0, 384_000_000, 3_500_000, 14.0)),
        Compared("b", "b", "Apache-2.0", 75.0, "", accuracy(17, 19, 17), Costs(9.0, None, 22_500_000, 90.0)),
        Compared("c", "c", "Apache-2.0", 75.0, "It is away."),
    ]
    macs = figures.costs(networks, "macs")
    assert {trace.legendgroup for trace in macs.data} == {"a"} and list(named(macs, "a").x) == [384.0]
    both = figures.costs(networks, "megabytes")
    assert list(named(both, "b").x) == [90.0] and list(named(both, "b").y) == pytest.approx([53 / 60])
    assert both.layout.xaxis.range[1] > 90
