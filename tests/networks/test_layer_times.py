"""Six ways to write a layer: what they cost on paper against brute force and Keras, and a real measurement."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_core.networks.layer_times import (
    MAX_ROUNDS,
    MIN_ROUNDS,
    cells_on_map,
    layer_times,
    reduced,
    separable_saving,
    too_large,
    variants,
)

NAMES = ["full", "pointwise", "depthwise", "separable", "grouped", "bottleneck"]
shapes = st.tuples(st.integers(1, 12), st.integers(1, 24), st.integers(1, 24), st.sampled_from((1, 3, 5, 7)))


def counted(side: int, c_in: int, c_out: int, k: int, groups: int) -> dict[str, tuple[int, int]]:
    """Weights and products, counted one filter at a time."""
    cells = side * side

    def layer(size: int, reads: int, makes: int) -> tuple[int, int]:
        weights = sum(size * size * reads for _ in range(makes))
        return weights, weights * cells

    def both(*parts: tuple[int, int]) -> tuple[int, int]:
        return sum(weights for weights, _ in parts), sum(products for _, products in parts)

    middle = max(1, c_out // 4)
    return {
        "full": layer(k, c_in, c_out),
        "pointwise": layer(1, c_in, c_out),
        "depthwise": layer(k, 1, c_in),
        "separable": both(layer(k, 1, c_in), layer(1, c_in, c_out)),
        "grouped": layer(k, c_in // groups, c_out),
        "bottleneck": both(layer(1, c_in, middle), layer(k, middle, middle), layer(1, middle, c_out)),
    }


@given(shapes)
@settings(max_examples=100)
def test_variants_cost_what_counting_gives(shape: tuple[int, int, int, int]) -> None:
    side, c_in, c_out, k = shape
    for groups in (g for g in (1, 2, 3) if c_in % g == c_out % g == 0):
        found = variants(side, c_in, c_out, k, groups)
        assert {v.name: (v.cost.params, v.cost.macs) for v in found} == counted(side, c_in, c_out, k, groups)
        assert [v.name for v in found] == NAMES, "the full convolution comes first"


@given(shapes)
@settings(max_examples=100)
def test_separable_saving_is_mobilenets_formula_in_params_and_macs(shape: tuple[int, int, int, int]) -> None:
    side, c_in, c_out, k = shape
    full, _, _, separable, *_ = (v.cost for v in variants(side, c_in, c_out, k, 1))
    exact = 1 / (Fraction(1, c_out) + Fraction(1, k * k))
    assert Fraction(full.macs, separable.macs) == Fraction(full.params, separable.params) == exact
    assert separable_saving(c_out, k * k) == pytest.approx(float(exact))


def test_separable_saves_eight_to_nine_times_as_mobilenet_says() -> None:
    """Howard et al. 2017, section 3.1: between 8 and 9 times with 3×3; MobileNet's widths are 64 to 1024."""
    assert [n for n in (64, 128, 256, 512, 1024) if 8 < separable_saving(n, 9) < 9] == [128, 256, 512, 1024]
    assert separable_saving(10**9, 9) < 9.000001, "never more than k²"
    assert separable_saving(512, 1) < 1, "a 1×1 kernel has nothing to separate"


@pytest.mark.parametrize("side", [1, 2, 3, 5, 7, 14])
@pytest.mark.parametrize("k", [1, 3, 5, 7])
def test_cells_on_map_are_those_that_meet_no_padding(side: int, k: int) -> None:
    padded = np.pad(np.ones((side, side)), k // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k))
    assert cells_on_map(side, k) == pytest.approx(windows.sum(axis=(2, 3)).mean())


def test_macs_per_number_counts_weights_and_maps() -> None:
    by_name = {v.name: v for v in variants(14, 512, 512, 3, 32)}
    assert by_name["depthwise"].macs_per_number == pytest.approx(903168 / (4608 + 2 * 14 * 14 * 512))
    assert by_name["full"].macs_per_number == pytest.approx(462422016 / (2359296 + 2 * 14 * 14 * 512))
    between = 2 * 14 * 14 * 128 + 2 * 14 * 14 * 128
    assert by_name["bottleneck"].macs_per_number == pytest.approx(54591488 / (278528 + 2 * 14 * 14 * 512 + between)), (
        "maps between its layers are written and read"
    )


def test_variants_refuse_groups_that_do_not_divide() -> None:
    with pytest.raises(ValueError, match="groups divides the channels and the filters; received 5 groups"):
        variants(14, 512, 512, 3, 5)


def test_reduced_keeps_at_least_one_channel() -> None:
    assert [reduced(n) for n in (1, 3, 4, 256)] == [1, 1, 1, 64]


def test_layer_times_refuses_what_would_take_too_long() -> None:
    assert too_large(56, 256, 256, 3) == ""
    sentence = too_large(224, 2048, 2048, 3)
    assert "1,894.1 G multiply-adds on maps of 102.8 M numbers" in sentence and "smaller map" in sentence
    with pytest.raises(ValueError, match="would keep the machine busy"):
        layer_times(224, 2048, 2048, 3, 1)


def test_layer_times_measures_each_variant_and_keras_counts_the_same() -> None:
    shape = (28, 64, 96, 3, 4)
    times = layer_times(*shape)
    assert [t.name for t in times] == NAMES
    assert [t.params for t in times] == [v.cost.params for v in variants(*shape)], "Keras counts otherwise"
    for t in times:
        assert 0 < t.lower <= t.median <= t.upper < 10_000, f"{t.name}: quartiles are out of order"
        assert 0 < t.overhead < 1000
        assert MIN_ROUNDS <= t.repeats <= MAX_ROUNDS
        assert t.device.startswith(("CPU: ", "GPU: "))


def test_layer_times_larger_layer_takes_longer() -> None:
    """A measurement that did not run the layer would not notice 64 times the work."""
    small, large = (layer_times(side, 128, 128, 3, 1)[0] for side in (8, 64))
    assert large.median > 2 * small.median, f"{large.median:.2f} ms against {small.median:.2f} ms"
