"""Figures of the experiments: what is drawn are the numbers given."""

from dataclasses import replace

import numpy as np
import pytest

from cnn_core.figures import causes as drawn_causes
from cnn_core.figures import degradation as drawn_degradation
from cnn_core.figures import inductive_bias as drawn_bias
from cnn_core.figures import lenet as drawn_lenet
from cnn_core.training.studies import degradation, inductive_bias, lenet
from cnn_core.training.studies.causes import Identity, NetSignals
from cnn_core.training.studies.degradation import Repetition
from cnn_core.training.studies.inductive_bias import Lead
from cnn_core.training.studies.published import TARGETS, shipped
from tests.looked_at import Drawing

cause_figures, degradation_figures = Drawing(drawn_causes), Drawing(drawn_degradation)
bias_figures, lenet_figures = Drawing(drawn_bias), Drawing(drawn_lenet)
ARMS = shipped(degradation.STUDY).result.arms


@pytest.mark.parametrize("measure", ["train_loss", "train_error", "test_error"])
def test_learning_draws_every_seed_faint_and_their_median(measure: str) -> None:
    figure = degradation_figures.learning(ARMS, measure, 15)
    strong = {trace.name: trace for trace in figure.data if trace.name}
    assert set(strong) == {"plain-20", "plain-56", "residual-20", "residual-56"}
    assert len(figure.data) == 4 + sum(len(arm.seeds) for arm in ARMS.values())
    seeds = np.array([[getattr(epoch, measure) for epoch in seed.epochs] for seed in ARMS["plain_deep"].seeds])
    np.testing.assert_allclose(strong["plain-56"].y, np.median(seeds, axis=0))
    assert all(trace.opacity < 0.5 for trace in figure.data if not trace.name)
    assert (figure.layout.yaxis.type == "log") == (measure == "train_loss")


def test_learning_draws_a_run_that_has_only_begun() -> None:
    begun = {"plain_shallow": replace(ARMS["plain_shallow"], seeds=(Repetition(0),))}
    assert list(degradation_figures.learning(begun, "train_loss", 15).data[-1].y) == []


def test_by_depth_draws_targets_dashed_and_measurements_solid() -> None:
    figure = degradation_figures.by_depth(ARMS, TARGETS)
    dashed = [trace for trace in figure.data if trace.line.dash == "dash"]
    assert sum(len(trace.x) for trace in dashed) == len(TARGETS)
    assert all("He et al." in trace.name for trace in dashed)
    told = {(x, y) for trace in dashed for x, y in zip(trace.x, trace.y, strict=True)}
    assert {(18, 27.94), (34, 28.54), (34, 25.03), (56, 6.97)} <= told  # He et al. 2016, tables 2 and 6
    here = next(trace for trace in figure.data if trace.name == "residual, digits, here")
    last = [100 * seed.epochs[-1].test_error for seed in ARMS["residual_deep"].seeds]
    assert here.x[-1] == 56 and here.y[-1] == pytest.approx(np.median(last))


def test_signals_are_drawn_with_and_without_batch_norm() -> None:
    nets = [
        NetSignals(depth, residual, norm, list("abc"), [1.0, 0.1, 1e-9], [8.0, 4.0, float(depth)], [], [])
        for depth in (56, 8)
        for norm in (False, True)
        for residual in (False, True)
    ]
    along = cause_figures.along_layers(nets[:4], "variance")
    assert [list(trace.y) for trace in along.data] == [[1.0, 0.1, 1e-9]] * 4
    assert along.layout.yaxis.dtick == 2, "nine decades in at most seven ticks"
    assert [trace.line.dash for trace in along.data] == ["dash", "dash", "solid", "solid"]
    against = cause_figures.against_depth(nets)
    assert [(list(trace.x), list(trace.y)) for trace in against.data] == [([8, 56], [1.0, 8 / 56])] * 4


def test_identity_draws_the_median_of_its_seeds() -> None:
    found = Identity([0, 1, 2], silent=1.0, plain=[[1, 9], [2, 8], [3, 7]], residual=[[1, 1]] * 3)
    figure = cause_figures.identity(found)
    assert list(next(trace for trace in figure.data if trace.name == "plain").y) == [2, 8]
    assert figure.layout.shapes[0].y0 == 1.0


def test_accuracy_and_lead_are_drawn_against_the_pictures() -> None:
    points = shipped(inductive_bias.STUDY).result.points
    figure = bias_figures.accuracy_by_size(points, True)
    line = next(trace for trace in figure.data if trace.name == "ViT")
    mine = [p.test_accuracy for p in points if p.net == "vit" and p.shuffled and p.size == line.x[0]]
    assert line.y[0] == pytest.approx(np.mean(mine))
    assert bias_figures.accuracy_by_size([], False).data[1].y == ()
    leads = [Lead(50, False, 0.9, 0.7, 0.2, half=0.1, seeds=2), Lead(50, True, 0.6, 0.5, 0.1, half=None, seeds=1)]
    drawn = bias_figures.leads(leads, 50)
    assert [(trace.y[0], trace.error_y.array[0]) for trace in drawn.data] == [(20.0, 10.0), (10.0, 0.0)]
    assert len(drawn.layout.shapes) == 2 and len(bias_figures.leads(leads, 20).layout.shapes) == 1


def test_lenet_is_drawn_by_batch_and_by_epoch() -> None:
    result = shipped(lenet.STUDY).result
    figure = lenet_figures.lenet_curve(result.batches, result.epochs, 15)
    tests = next(trace for trace in figure.data if trace.name.startswith("test"))
    assert list(tests.y) == [entry.test_error for entry in result.epochs]
    assert list(figure.data[0].y) == [point.loss for point in result.batches]
    assert lenet_figures.which_for_which(result.confusion).data[0].text[0][0] == str(result.confusion[0][0])
    bars = lenet_figures.said([0.1, 0.9]).data[0]
    assert bars.marker.color[1] != bars.marker.color[0]


def test_mosaic_puts_each_map_in_its_place() -> None:
    maps = np.zeros((4, 4, 3))
    maps[..., 1] = 1.0
    maps[..., 2] = -1.0
    picture, limit = lenet_figures.mosaic(maps, columns=2, side=40)
    assert limit == 1.0 and picture.shape == (82, 82, 3)
    assert picture[0, 0].tolist() == [250, 250, 247], "zero is the paper"
    assert picture[0, 42].tolist() == [178, 24, 43], "the second is red"
    assert picture[42, 0].tolist() == [33, 102, 172], "the third, in the second row, is blue"
    assert lenet_figures.mosaic(np.zeros((1, 1, 2)), 2, 4)[1] == 1.0
