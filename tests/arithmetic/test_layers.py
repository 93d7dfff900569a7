"""A layer told by its parts: sums against the convolutions that have their own tests, windows against loops."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from cnn_core.arithmetic.codes import coded
from cnn_core.arithmetic.convolution import cross_correlate
from cnn_core.arithmetic.layers import ACTIVATIONS, Sliding, activated, affine, depthwise, powers, strongest, window
from cnn_core.arithmetic.windows import paddings

PADDINGS = st.sampled_from(["valid", "same", "full", 1])


@st.composite
def slid(draw: Any) -> tuple[np.ndarray, np.ndarray, Sliding, dict[str, Any]]:
    """Maps, a kernel a channel, how it slides, and the same as arguments of `cross_correlate`."""
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    height, width, channels = draw(st.integers(7, 11)), draw(st.integers(7, 11)), draw(st.integers(1, 5))
    size, stride, dilation = (draw(st.tuples(st.integers(1, most), st.integers(1, most))) for most in (3, 3, 2))
    padding = draw(PADDINGS)
    sides = tuple(
        paddings(length, k, s, padding, d)
        for length, k, s, d in zip((height, width), size, stride, dilation, strict=True)
    )
    arguments = {"stride": stride, "padding": padding, "dilation": dilation}
    maps, kernel = random.standard_normal((height, width, channels)), random.standard_normal((*size, channels))
    return maps, kernel, Sliding(size, stride, dilation, (sides[0], sides[1])), arguments


@settings(max_examples=150)
@given(given=slid())
def test_parts_of_all_channels_add_up_to_the_filter(given: Any) -> None:
    maps, kernel, sliding, arguments = given
    parts, expected = depthwise(maps, kernel, sliding), cross_correlate(maps, kernel, **arguments)
    assert parts.shape == (*expected.shape, maps.shape[2]) and parts.shape[:2] == sliding.shape(*maps.shape[:2])
    np.testing.assert_allclose(parts.sum(axis=2), expected, atol=1e-12)
    for channel in range(maps.shape[2]):
        alone = cross_correlate(maps[..., channel], kernel[..., channel], **arguments)
        np.testing.assert_allclose(parts[..., channel], alone, atol=1e-12)


@settings(max_examples=150)
@given(given=slid(), place=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)))
def test_window_is_what_a_cell_is_made_of(given: Any, place: tuple[float, float]) -> None:
    maps, kernel, sliding, _ = given
    parts = depthwise(maps, kernel, sliding)
    row, column = (int(share * length) for share, length in zip(place, parts.shape[:2], strict=True))
    values, inside = window(maps, sliding, row, column)
    np.testing.assert_allclose((values * kernel).sum(axis=(0, 1)), parts[row, column], atol=1e-12)
    top, left = sliding.corner(row, column)
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            y, x = top + a * sliding.dilation[0], left + b * sliding.dilation[1]
            assert inside[a, b] == (0 <= y < maps.shape[0] and 0 <= x < maps.shape[1])
            np.testing.assert_array_equal(values[a, b], maps[y, x] if inside[a, b] else np.zeros(maps.shape[2]))


@given(
    seed=st.integers(0, 2**31),
    shape=st.sampled_from([(), (4, 3)]),
    channels=st.integers(1, 12),
    singly=st.integers(0, 14),
)
def test_the_strongest_and_the_rest_are_the_whole(seed: int, shape: tuple, channels: int, singly: int) -> None:
    parts = np.random.default_rng(seed).standard_normal((*shape, channels)).astype(np.float32)
    chosen, rest = strongest(parts, singly)
    assert len(chosen) == min(singly, channels) and rest.shape == shape
    np.testing.assert_allclose(parts[..., chosen].sum(axis=-1) + rest, parts.sum(axis=-1), atol=1e-5)
    size = [float(np.sqrt(np.mean(parts[..., channel].astype(np.float64) ** 2))) for channel in range(channels)]
    assert list(chosen) == sorted(range(channels), key=lambda channel: -size[channel])[:singly]
    np.testing.assert_allclose(powers(parts), np.square(size), rtol=1e-6)


def test_equal_parts_are_told_in_their_order() -> None:
    assert strongest(np.array([1.0, -1.0, 1.0]), 2)[0].tolist() == [0, 1]


def test_scale_and_shift_are_batch_normalisation() -> None:
    random = np.random.default_rng(0)
    gamma, beta, mean = random.standard_normal((3, 6))
    variance, x = random.random(6), random.standard_normal((5, 6))
    scale, shift = affine(gamma, beta, mean, variance, 1e-3)
    np.testing.assert_allclose(scale * x + shift, gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta)


def test_activations_are_their_formulas() -> None:
    x = np.linspace(-9, 9, 37)
    formulas = {
        "": x,
        "linear": x,
        "relu": np.where(x > 0, x, 0),
        "relu6": np.where(x > 6, 6, np.where(x > 0, x, 0)),
        "sigmoid": 1 / (1 + np.exp(-x)),
        "tanh": (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
        "scaled_tanh": 1.7159 * np.tanh(2 * x / 3),
        "gelu": x * norm.cdf(x),
        "silu": x / (1 + np.exp(-x)),
        "softmax": np.exp(x) / np.exp(x).sum(),
    }
    assert set(formulas) == set(ACTIVATIONS)
    for name, expected in formulas.items():
        np.testing.assert_allclose(activated(name, x), expected, atol=1e-12)
        assert activated(name, x.astype(np.float32)).dtype == np.float32
    assert activated("sigmoid", np.array([-1e4, 1e4])).tolist() == [0, 1], "no overflow"


def test_what_does_not_fit_is_said() -> None:
    maps, three = np.ones((4, 4, 2)), Sliding((3, 3))
    with pytest.raises(ValueError, match=r"take a kernel of \(3, 3, 2\); received one of \(3, 3, 1\)"):
        depthwise(maps, np.ones((3, 3, 1)), three)
    with pytest.raises(ValueError, match="does not fit into maps of shape"):
        depthwise(maps, np.ones((3, 3, 2)), Sliding((3, 3), dilation=(2, 2)))
    with pytest.raises(ValueError, match="2 × 2 positions, from 0; received 2, 0"):
        window(maps, three, 2, 0)
    with pytest.raises(ValueError, match="tanh, scaled_tanh, silu, gelu, softmax; received 'swish'"):
        activated("swish", maps)
    with pytest.raises(ValueError, match="at least 0; received -1"):
        strongest(maps, -1)


# Codes ---------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**31), scale=st.sampled_from([0.0, 1e-30, 1.0, 1e30]), common=st.booleans())
def test_codes_stand_for_the_values(seed: int, scale: float, common: bool) -> None:
    maps = scale * np.random.default_rng(seed).standard_normal((5, 4, 3))
    found = coded(maps, np.abs(maps).max() if common else None)
    assert found.codes.dtype == np.uint8 and found.codes.shape == (3, 5, 4) and found.codes.min() >= 1
    half = found.limits[:, None, None] / 127 / 2
    assert (np.abs(found.values() - np.moveaxis(maps, 2, 0)) <= half * 1.001).all()
    assert (found.codes[np.moveaxis(maps, 2, 0) == 0] == 128).all()
    expected = np.abs(maps).max() if common else np.abs(maps).max(axis=(0, 1))
    np.testing.assert_allclose(found.limits, np.broadcast_to(expected, 3), rtol=1e-6)


def test_codes_refuse_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="finite"):
        coded(np.array([[[np.nan]]]))
    with pytest.raises(ValueError, match="at least 0; received -1"):
        coded(np.zeros((1, 1, 1)), -1.0)
    assert coded(np.array([[[3.0]]]), 1.0).codes.item() == 255, "larger values are cut at the limit"
