"""Named kernels, changes to a kernel, and its form in a link."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from cnn_core.arithmetic.convolution import convolve, cross_correlate
from cnn_core.arithmetic.kernels import (
    MAX_SIZE,
    PRESETS,
    flip,
    from_text,
    negate,
    normalise,
    preset,
    to_text,
    transpose,
)
from cnn_core.arithmetic.shifts import SOBEL_X

SIZED = [(preset, size) for preset in PRESETS.values() for size in preset.sizes]
IMAGE = np.random.default_rng(0).random((12, 11))


@pytest.mark.parametrize(("preset", "size"), SIZED, ids=lambda value: getattr(value, "name", value))
def test_every_preset_is_a_kernel_that_a_link_carries(preset, size) -> None:
    kernel = preset.kernel(size)
    assert kernel.shape == (size, size) and kernel.dtype == np.float64 and kernel.any()
    assert preset.title and preset.meaning.endswith(".") and PRESETS[preset.name] is preset
    np.testing.assert_allclose(from_text(to_text(kernel)), kernel, atol=5e-7)
    kernel += 1  # nobody else's
    assert not np.array_equal(kernel, preset.kernel(size))


def test_all_of_the_lesson_are_there() -> None:
    assert list(PRESETS) == [
        "identity",
        "sobel_x",
        "sobel_y",
        "prewitt_x",
        "prewitt_y",
        "laplacian",
        "sharpen",
        "box",
        "gaussian",
        "emboss",
        "motion",
        "random",
    ]
    for name in ("identity", "box", "gaussian", "motion", "random"):
        assert PRESETS[name].sizes == (1, 3, 5, 7)
    assert np.array_equal(PRESETS["sobel_x"].kernel(), SOBEL_X)


def test_edge_kernels_are_those_of_scipy() -> None:
    for name in ("sobel", "prewitt"):
        for axis, direction in enumerate("yx"):
            expected = getattr(ndimage, name)(IMAGE, axis=axis)[1:-1, 1:-1]
            found = cross_correlate(IMAGE, PRESETS[f"{name}_{direction}"].kernel())
            np.testing.assert_allclose(found, expected, atol=1e-12)
    laplacian = cross_correlate(IMAGE, PRESETS["laplacian"].kernel())
    np.testing.assert_allclose(laplacian, ndimage.laplace(IMAGE)[1:-1, 1:-1], atol=1e-12)
    np.testing.assert_allclose(
        cross_correlate(IMAGE, PRESETS["sharpen"].kernel()), IMAGE[1:-1, 1:-1] - laplacian, atol=1e-12
    )


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_blurs_keep_brightness(size: int) -> None:
    for name in ("identity", "box", "gaussian", "motion"):
        assert PRESETS[name].kernel(size).sum() == pytest.approx(1)
    inside = slice(size // 2, -(size // 2) or None)
    found = cross_correlate(IMAGE, PRESETS["box"].kernel(size))
    np.testing.assert_allclose(found, ndimage.uniform_filter(IMAGE, size)[inside, inside], atol=1e-12)
    assert np.array_equal(cross_correlate(IMAGE, PRESETS["identity"].kernel(size)), IMAGE[inside, inside])


def test_meanings_are_true() -> None:
    ramp = np.tile(np.arange(5.0), (5, 1))  # brighter to the right
    for name in ("sobel", "prewitt"):
        x, y = PRESETS[f"{name}_x"].kernel(), PRESETS[f"{name}_y"].kernel()
        assert (cross_correlate(ramp, x) > 0).all() and not cross_correlate(ramp, y).any()
        assert (cross_correlate(ramp.T, y) > 0).all() and not cross_correlate(ramp.T, x).any()
    emboss = PRESETS["emboss"].kernel()
    assert emboss.sum() == 1 and (cross_correlate(ramp, emboss) > ramp[1:-1, 1:-1]).all()
    gaussian = PRESETS["gaussian"].kernel(7)
    offsets = np.arange(7) - 3
    assert (gaussian.sum(0) * offsets**2).sum() == pytest.approx((7 - 1) / 4)  # its variance
    assert gaussian[3, 3] == gaussian.max() and np.array_equal(gaussian, gaussian.T)


def test_random_is_that_of_its_seed() -> None:
    random = PRESETS["random"]
    assert np.array_equal(random.kernel(5, seed=3), random.kernel(5, seed=3))
    assert not np.array_equal(random.kernel(5, seed=3), random.kernel(5, seed=4))
    many = np.concatenate([random.kernel(7, seed).ravel() for seed in range(100)])
    assert many.std() == pytest.approx(1 / 7, rel=0.05) and abs(many.mean()) < 0.01
    kernel = random.kernel(7, 11)
    assert np.array_equal(from_text(to_text(kernel)), kernel)  # exactly


def test_unknown_preset_and_size_are_named() -> None:
    with pytest.raises(ValueError, match=r"^There is no kernel 'blur'\. Choose one of: identity, sobel_x, .*random\.$"):
        preset("blur")
    with pytest.raises(ValueError, match=r"^Sobel x is made for size 3; received 5\.$"):
        preset("sobel_x").kernel(5)
    with pytest.raises(ValueError, match=r"^Box blur is made for size 1, 3, 5, 7; received 0\.$"):
        preset("box").kernel(0)


def test_changes() -> None:
    kernel = np.array([[1.0, 2, 0], [4, 5, 6], [7, 8, 9]])
    assert np.array_equal(cross_correlate(IMAGE, flip(kernel)), convolve(IMAGE, kernel))
    turned = cross_correlate(IMAGE.T, transpose(kernel))
    np.testing.assert_allclose(turned, cross_correlate(IMAGE, kernel).T, atol=1e-12)
    assert np.array_equal(negate(kernel), -kernel)
    assert not np.signbit(negate(np.zeros((1, 1)))).any()
    for change in (flip, transpose, negate):
        assert np.array_equal(change(change(kernel)), kernel)
        assert not np.shares_memory(change(kernel), kernel)


@pytest.mark.parametrize(
    ("kernel", "said", "total"),
    [
        (np.ones((3, 3)), "It was divided by its sum, 9: flat areas keep their brightness.", 1),
        (-np.ones((2, 2)), "It was divided by its sum, -4: flat areas keep their brightness.", 1),
        (
            SOBEL_X,
            "It sums to 0, so it was divided by the sum of its positive weights, 4: its answer stays between −1 and 1.",
            0,
        ),
        (np.zeros((3, 3)), "All weights are 0; there is nothing to scale.", 0),
        (
            np.array([[0.1, 0.2, -0.3]]),
            "It sums to 0, so it was divided by the sum of its positive weights, 0.3: its "
            "answer stays between −1 and 1.",
            0,
        ),  # in floating point the sum is 5.6e-17
    ],
)
def test_normalise_says_what_it_did(kernel, said: str, total: float) -> None:
    scaled, sentence = normalise(kernel)
    assert sentence == said and scaled.sum() == pytest.approx(total, abs=1e-12)
    np.testing.assert_allclose(normalise(scaled)[0], scaled, atol=1e-12)
    if total == 0 and kernel.any():
        assert scaled[scaled > 0].sum() == pytest.approx(1) and scaled[scaled < 0].sum() == pytest.approx(-1)


cells = st.floats(-999, 999).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(size=st.integers(1, MAX_SIZE), data=st.data())
def test_link_carries_any_kernel(size: int, data: st.DataObject) -> None:
    row = st.lists(cells, min_size=size, max_size=size)
    kernel = np.array(data.draw(st.lists(row, min_size=size, max_size=size)))
    text = to_text(kernel)
    assert re.fullmatch(r"[-+0-9.,;e]+", text) and to_text(from_text(text)) == text
    np.testing.assert_allclose(from_text(text), kernel, rtol=5e-6, atol=1e-9)


def test_text_is_short() -> None:
    assert to_text(np.array([[-0.0, 1], [1e-17, 0.25]])) == "0,1;0,0.25"
    assert to_text(PRESETS["box"].kernel()) == ";".join([",".join(["0.111111"] * 3)] * 3)
    assert from_text(" 1 , -2;.5,2e-3").tolist() == [[1, -2], [0.5, 0.002]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "A cell of a kernel is a number between −1000 and 1000; received ''."),
        ("1,2", "A kernel is square, 1 × 1 to 7 × 7; received 1 row of 2 numbers."),
        ("1,2;3", "A kernel is square, 1 × 1 to 7 × 7; received 2 rows of 1 or 2 numbers."),
        (";".join([",".join("0" * 8)] * 8), "A kernel is square, 1 × 1 to 7 × 7; received 8 rows of 8 numbers."),
        ("1,2;3,x", "A cell of a kernel is a number between −1000 and 1000; received 'x'."),
        ("nan", "A cell of a kernel is a number between −1000 and 1000; received 'nan'."),
        ("inf", "A cell of a kernel is a number between −1000 and 1000; received 'inf'."),
        ("1_0", "A cell of a kernel is a number between −1000 and 1000; received '1_0'."),
        ("1e9", "A cell of a kernel is a number between −1000 and 1000; received '1e9'."),
        ("1000", "A cell of a kernel is a number between −1000 and 1000; received '1000'."),
        ("٣", "A cell of a kernel is a number between −1000 and 1000; received '٣'."),
        ("0\x1f", "A cell of a kernel is a number between −1000 and 1000; received '0\\x1f'."),
        ("1" * 900, "A kernel takes at most 784 characters; received 900."),
    ],
)
def test_bad_text_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        from_text(text)


@given(text=st.text(alphabet="0123456789.,;-+e ", max_size=60) | st.text(max_size=20))
def test_whatever_stands_in_a_link_is_a_kernel_or_refused(text: str) -> None:
    try:
        kernel = from_text(text)
    except ValueError as error:
        assert str(error).startswith("A ") and str(error).endswith(".")
    else:
        assert kernel.ndim == 2 and kernel.shape[0] == kernel.shape[1] <= MAX_SIZE and np.abs(kernel).max() < 1000


@pytest.mark.parametrize("kernel", [np.ones((8, 8)), np.ones((2, 3)), np.ones((1, 1, 1)), np.array([[1e4]])])
def test_kernel_that_no_link_carries_is_refused(kernel) -> None:
    with pytest.raises(ValueError, match="^A (cell of a )?kernel .*; received "):
        to_text(kernel)
