"""Figures of the page on channels: what is drawn are the numbers given."""

import numpy as np
import pytest

from cnn_core.figures import channels
from cnn_core.figures.palette import LIGHT
from cnn_core.networks.layer_times import LayerTime, separable_saving, variants
from tests.looked_at import Drawing

figures = Drawing(channels)


def texts(figure: object) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]  # type: ignore[attr-defined]


def paths(figure: object, hover: str) -> list[np.ndarray]:
    """The outlines, `(points, 2)`, of the traces of this hover text; those without an area left out."""
    found = []
    for trace in figure.data:  # type: ignore[attr-defined]
        if hover in trace.text:
            points: list[tuple[float, float]] = []
            for x, y in zip(trace.x, trace.y, strict=True):
                if x is None:
                    found.append(np.array(points))
                    points = []
                else:
                    points.append((x, y))
    return [path for path in found if len(path) > 3]


def test_weight_stacks_of_a_small_layer_draw_every_slice_and_bias() -> None:
    figure = figures.weight_stacks(channels=3, filters=2, kernel_size=5, bias=True)
    assert len(paths(figure, "5 × 5 weights")) == 6
    assert len(paths(figure, "one bias")) == 2
    assert [text for text in texts(figure) if "more" in text] == []
    assert [trace.fillcolor for trace in figure.data] == [*figures._RGB[::-1], LIGHT.four], "red in front"


def test_weight_stacks_of_a_large_layer_say_how_many_are_left_out() -> None:
    figure = figures.weight_stacks(channels=256, filters=64, kernel_size=3, bias=False)
    assert len(paths(figure, "3 × 3 weights")) == figures.SLICES * figures.STACKS
    assert len(paths(figure, "channel 256:")) == figures.STACKS and not paths(figure, "channel 5:")
    assert [text for text in texts(figure) if "more" in text] == ["…<br>61<br>more"]
    assert "filter 64" in texts(figure) and "filter 3" not in texts(figure)
    assert not paths(figure, "one bias")


def test_weight_stacks_cells_have_one_size_in_both_directions() -> None:
    figure = figures.weight_stacks(channels=7, filters=9, kernel_size=3, bias=True)
    for hover, side in (("weights", 3), ("one bias", 1)):
        for path in paths(figure, hover):
            np.testing.assert_allclose(np.ptp(path, axis=0), [side, side])
    assert figure.layout.yaxis.scaleanchor == "x"


def test_rgb_kernel_shows_each_channels_weights_on_one_scale() -> None:
    kernel = np.arange(27, dtype=float).reshape(3, 3, 3) - 20
    (trace,) = figures.rgb_kernel(kernel).data
    for channel in range(3):
        np.testing.assert_array_equal(np.array(trace.z)[:, 4 * channel : 4 * channel + 3], kernel[..., channel])
    assert (trace.zmin, trace.zmax) == (-20, 20)
    assert trace.text[0][0] == "−20.00"
    small = np.array([[[-0.125, -0.001, 1.0]]])
    assert figures.rgb_kernel(small).data[0].text[0] == ["−.12", "", ".00", "", "1.00"]


def test_cost_bars_are_shares_of_the_full_convolution() -> None:
    named = variants(14, 512, 512, 3, 32)
    params, macs = figures.cost_bars(named).data
    assert macs.x[3] == pytest.approx(1 / 512 + 1 / 9)
    assert params.x[4] == pytest.approx(1 / 32)
    assert params.customdata[0] == "2,359,296 parameters"


def test_time_bars_carry_medians_and_quartiles() -> None:
    named = variants(14, 16, 16, 3, 4)
    times = [
        LayerTime(v.name, v.cost.params, 4.0 / (n + 1), 2.0 / (n + 1), 8.0 / (n + 1), 0.1, 9, "CPU: here")
        for n, v in enumerate(named)
    ]
    _, bars = figures.time_bars(named, times).data
    assert list(bars.x) == pytest.approx([1 / (n + 1) for n in range(6)])
    assert bars.error_x.array[0] == pytest.approx(1.0) and bars.error_x.arrayminus[0] == pytest.approx(0.5)


def test_saving_curves_pass_through_the_formula() -> None:
    figure = figures.saving_curves(filters=128, kernel_size=3)
    curve = next(trace for trace in figure.data if trace.name == "3 × 3")
    np.testing.assert_allclose(curve.y, [1 / (1 / n + 1 / 9) for n in curve.x])
    here = next(trace for trace in figure.data if trace.name == "here")
    assert (here.x[0], here.y[0]) == (128, separable_saving(128, 9))


def test_map_boxes_are_drawn_to_scale() -> None:
    boxes = [figures.Box(224, 3), figures.Box(56, 64), figures.Box(7, 512)]
    figure = figures.map_boxes(boxes)
    for box, front in zip(boxes, figure.data[::3], strict=True):
        assert np.ptp(front.y[:-1]) == pytest.approx(box.size)
        assert np.ptp(front.x[:-1]) == pytest.approx(box.channels / figures.CHANNELS_TO_SCALE)
    assert texts(figure) == ["224²<br>× 3", "56²<br>× 64", "7²<br>× 512"]


def test_stage_bars_of_each_quantity_add_up_to_one() -> None:
    figure = figures.stage_bars(["a", "b"], {"maps": [30, 10], "parameters": [1, 3], "multiply-adds": [5, 5]})
    assert [list(trace.y) for trace in figure.data] == [[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]
