"""Convolution and pooling, against SciPy, Keras and a plain loop."""

import math
import re

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

from cnn_core.arithmetic.convolution import (
    average_pool,
    binomial,
    blur_pool,
    convolve,
    cross_correlate,
    cross_correlate_loop,
    global_average_pool,
    global_max_pool,
    grey,
    l2_pool,
    max_pool,
    max_pool_argmax,
    output_size,
    pad,
    paddings,
    relu,
    unpool,
)
from cnn_core.arithmetic.experiments import bar, peak_map
from cnn_core.arithmetic.shifts import SOBEL_X, shift

FAST = settings(max_examples=80)
seeds = st.integers(0, 2**31)
sides = st.integers(1, 13)
kernel_sides = st.integers(1, 5)
strides = st.tuples(st.integers(1, 4), st.integers(1, 4))


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def by_keras(image: np.ndarray, kernel: np.ndarray, stride, padding, dilation) -> np.ndarray:
    """`(H, W, C)` and `(kh, kw, C, filters)`; a dilated kernel is written out: TensorFlow takes no stride with it."""
    spread = np.zeros([(k - 1) * d + 1 for k, d in zip(kernel.shape[:2], dilation, strict=True)] + [*kernel.shape[2:]])
    spread[:: dilation[0], :: dilation[1]] = kernel
    return np.asarray(keras.ops.conv(image[None], spread.astype(image.dtype), strides=stride, padding=padding))[0]


# Convolution ---------------------------------------------------------------------------------------------------------


def test_edges_of_the_bar() -> None:  # EQ N2.1
    for function in (cross_correlate, cross_correlate_loop):
        assert function(bar(), SOBEL_X).tolist() == [[4, 4, -4, -4]] * 4
    assert convolve(bar(), SOBEL_X).tolist() == [[-4, -4, 4, 4]] * 4


@FAST
@given(
    seed=seeds,
    height=sides,
    width=sides,
    kh=kernel_sides,
    kw=kernel_sides,
    stride=strides,
    padding=st.sampled_from(["valid", "same", "full", 0, 1, 3, (0, 2)]),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    edge=st.sampled_from(["zero", "reflect"]),
)
def test_loop_and_vectorised_form_agree(seed, height, width, kh, kw, stride, padding, dilation, edge) -> None:
    image, kernel = normal(seed, height, width), normal(seed + 1, kh, kw)
    try:
        expected = cross_correlate_loop(image, kernel, stride, padding, dilation, edge=edge)
    except ValueError as error:
        with pytest.raises(ValueError, match=f"^{re.escape(str(error))}$"):
            cross_correlate(image, kernel, stride, padding, dilation, edge=edge)
        assert "does not fit" in str(error)
        return
    found = cross_correlate(image, kernel, stride, padding, dilation, edge=edge)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    sides_ = padding if isinstance(padding, tuple) else (padding, padding)
    axes = zip((height, width), (kh, kw), stride, sides_, dilation, strict=True)
    assert found.shape == tuple(output_size(*axis) for axis in axes)


@FAST
@given(
    seed=seeds,
    height=st.integers(5, 14),
    width=st.integers(5, 14),
    kh=kernel_sides,
    kw=kernel_sides,
    stride=strides,
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["valid", "same"]),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    single=st.booleans(),
)
def test_cross_correlation_is_that_of_keras(
    seed, height, width, kh, kw, stride, dilation, padding, channels, filters, single
) -> None:
    image, kernel = normal(seed, height, width, channels), normal(seed + 1, kh, kw, channels, filters)
    if padding == "valid" and (height < (kh - 1) * dilation[0] + 1 or width < (kw - 1) * dilation[1] + 1):
        dilation = (1, 1)
    image = image.astype(np.float32) if single else image
    found = cross_correlate(image, kernel, stride, padding, dilation)
    expected = by_keras(image, kernel, stride, padding, dilation)
    assert found.dtype == image.dtype
    np.testing.assert_allclose(found, expected, atol=1e-5)
    one = cross_correlate(image, kernel[..., 0], stride, padding, dilation)
    assert one.shape == expected.shape[:2]
    np.testing.assert_allclose(one, expected[..., 0], atol=1e-5)
    for channel in range(channels):  # a 2-D kernel leaves the channels apart
        apart = cross_correlate(image, kernel[:, :, channel, 0], stride, padding, dilation)[..., channel]
        alone = by_keras(
            image[..., channel : channel + 1], kernel[:, :, channel : channel + 1, :1], stride, padding, dilation
        )
        np.testing.assert_allclose(apart, alone[..., 0], atol=1e-5)


@pytest.mark.parametrize("size", range(5, 12))
@pytest.mark.parametrize("stride", [1, 2])
def test_dilation_is_that_of_keras(size: int, stride: int) -> None:
    image, kernel = normal(size, size, size + 1, 1), normal(1, 2, 3, 1, 1)
    for dilation in (2, 3):
        keras_own = keras.ops.conv(image[None], kernel, padding="same", dilation_rate=dilation)
        np.testing.assert_allclose(
            cross_correlate(image, kernel, padding="same", dilation=dilation), np.asarray(keras_own)[0], atol=1e-5
        )
    expected = keras.ops.conv(image[None], kernel, padding="same", strides=stride)
    np.testing.assert_allclose(cross_correlate(image, kernel, stride, "same"), np.asarray(expected)[0], atol=1e-5)


@FAST
@given(seed=seeds, height=st.integers(5, 12), width=st.integers(5, 12), kh=kernel_sides, kw=kernel_sides)
def test_stride_one_is_that_of_scipy(seed, height, width, kh, kw) -> None:
    image, kernel = normal(seed, height, width), normal(seed + 1, kh, kw)
    for mode in ("valid", "full"):
        np.testing.assert_allclose(
            cross_correlate(image, kernel, padding=mode), signal.correlate2d(image, kernel, mode), atol=1e-10
        )
        np.testing.assert_allclose(
            convolve(image, kernel, padding=mode), signal.convolve2d(image, kernel, mode), atol=1e-10
        )
    odd = normal(seed + 2, kh // 2 * 2 + 1, kw // 2 * 2 + 1)
    for edge, mode in (("zero", "constant"), ("reflect", "mirror")):
        np.testing.assert_allclose(
            cross_correlate(image, odd, padding="same", edge=edge), ndimage.correlate(image, odd, mode=mode), atol=1e-10
        )


@FAST
@given(seed=seeds, a=st.floats(-5, 5), b=st.floats(-5, 5), stride=strides)
def test_convolution_is_linear_in_image_and_kernel(seed, a, b, stride) -> None:
    x, y, k, q = normal(seed, 9, 8), normal(seed + 1, 9, 8), normal(seed + 2, 3, 2), normal(seed + 3, 3, 2)
    for f in (cross_correlate, convolve):
        np.testing.assert_allclose(f(a * x + b * y, k, stride), a * f(x, k, stride) + b * f(y, k, stride), atol=1e-10)
        np.testing.assert_allclose(f(x, a * k + b * q, stride), a * f(x, k, stride) + b * f(x, q, stride), atol=1e-10)


@FAST
@given(seed=seeds, dy=st.integers(-3, 3), dx=st.integers(-3, 3), stride=st.integers(1, 3))
def test_map_moves_with_the_picture(seed, dy, dx, stride) -> None:
    image, kernel = np.zeros((40, 40)), normal(seed, 3, 3)
    image[15:25, 15:25] = normal(seed + 1, 10, 10)  # far from the border
    moved = cross_correlate(shift(image, dy * stride, dx * stride, "zero"), kernel, stride)
    assert np.array_equal(moved, shift(cross_correlate(image, kernel, stride), dy, dx, "zero"))


@FAST
@given(seed=seeds, stride=st.integers(1, 3), padding=st.sampled_from(["valid", "same", "full"]))
def test_flip_is_all_that_tells_the_two_apart(seed, stride, padding) -> None:
    image, kernel = normal(seed, 9, 7, 2), normal(seed + 1, 2, 3, 2, 4)
    turned = np.rot90(kernel, 2, axes=(0, 1))
    assert np.array_equal(convolve(image, kernel, stride, padding), cross_correlate(image, turned, stride, padding))
    assert not np.allclose(convolve(image, kernel, stride, padding), cross_correlate(image, kernel, stride, padding))


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("uint8", "float64"),
        ("bool", "float64"),
        ("int32", "float64"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_types_are_kept_and_whole_numbers_do_not_overflow(given_: str, kept: str) -> None:
    image = np.full((4, 4), 250).astype(given_)
    nine = cross_correlate(image, np.ones((3, 3), np.float64))
    assert nine.dtype == kept and nine[0, 0] == 9 * float(image[0, 0])
    for function in (max_pool, average_pool, l2_pool):
        assert function(image, 2).dtype == kept, function
    for result in (
        blur_pool(image),
        global_average_pool(image),
        global_max_pool(image),
        pad(image, 3),
        convolve(image, SOBEL_X),
        cross_correlate_loop(image, SOBEL_X),
        max_pool_argmax(image, 2)[0],
    ):
        assert result.dtype == kept
    assert l2_pool(image, 2)[0, 0] == pytest.approx(2 * float(image[0, 0]))


def test_arguments_are_left_alone() -> None:
    image, kernel = normal(0, 6, 6), normal(1, 1, 1)
    copies = image.copy(), kernel.copy()
    image.flags.writeable = kernel.flags.writeable = False
    for result in (cross_correlate(image, kernel), max_pool(image, 1), average_pool(image, 1), l2_pool(image, 1)):
        result += 1  # our own memory, not a view
    assert np.array_equal(image, copies[0]) and np.array_equal(kernel, copies[1])


def test_grey_image_is_one_channel_to_a_deep_kernel() -> None:
    image, kernel = normal(0, 5, 6), normal(1, 3, 3, 1, 2)
    assert np.array_equal(cross_correlate(image, kernel), cross_correlate(image[:, :, None], kernel))
    assert cross_correlate(image, kernel[..., 0]).shape == (3, 4)


# Padding -------------------------------------------------------------------------------------------------------------


@given(size=st.integers(1, 300), kernel_size=st.integers(1, 11), stride=st.integers(1, 9), dilation=st.integers(1, 4))
def test_same_is_ceil_with_the_odd_pixel_after(size, kernel_size, stride, dilation) -> None:
    before, after = paddings(size, kernel_size, stride, "same", dilation)
    assert after - before in (0, 1) and before >= 0
    assert output_size(size, kernel_size, stride, "same", dilation) == math.ceil(size / stride)
    if before + after:  # no more than needed
        span = kernel_size + (kernel_size - 1) * (dilation - 1)
        assert (size + before + after - 1 - span) // stride + 1 < math.ceil(size / stride)


def test_published_output_sizes() -> None:
    assert output_size(227, 11, stride=4) == 55  # AlexNet conv1
    assert output_size(224, 7, stride=2, padding=3) == 112  # ResNet conv1
    assert output_size(5, 3, padding="full") == 7
    assert output_size(7, 3, dilation=3) == 1
    with pytest.raises(ValueError, match="^A kernel that spans 7 pixels does not fit into an input of 6, 6 with its"):
        output_size(6, 3, dilation=3)


def test_border_is_what_it_says() -> None:
    image = np.arange(1.0, 7).reshape(2, 3)
    assert pad(image, 3, padding="full").shape == (6, 7)
    assert pad(image, 2).tolist() == [[1, 2, 3, 0], [4, 5, 6, 0], [0, 0, 0, 0]]
    assert pad(image, 3, padding=1, edge="reflect").tolist() == np.pad(image, 1, mode="reflect").tolist()
    assert np.array_equal(pad(image, 5, padding="valid"), image)
    assert pad(image[..., None], 3).shape == (4, 5, 1)


# Pooling -------------------------------------------------------------------------------------------------------------


def test_pooled_peak() -> None:  # EQ N2.2
    assert max_pool(peak_map(), 2).tolist() == [[9, 1], [0, 3]]
    assert max_pool(shift(peak_map(), 0, 1, "wrap"), 2).tolist() == [[2, 9], [1, 3]]
    assert max_pool(shift(peak_map(), 0, -1, "wrap"), 2).tolist() == [[9, 2], [3, 1]]


@FAST
@given(
    seed=seeds,
    height=st.integers(4, 13),
    width=st.integers(4, 13),
    window=st.tuples(*[st.integers(1, 4)] * 2),
    stride=st.none() | strides,
    padding=st.sampled_from(["valid", "same"]),
    channels=st.integers(1, 3),
)
def test_pooling_is_that_of_keras(seed, height, width, window, stride, padding, channels) -> None:
    image = normal(seed, height, width, channels).astype(np.float32) - 2  # mostly negative: padding must never win
    pairs = ((max_pool, keras.ops.max_pool), (average_pool, keras.ops.average_pool))
    for function, keras_function in pairs:
        expected = np.asarray(keras_function(image[None], window, strides=stride or window, padding=padding))[0]
        found = function(image, window, stride, padding)
        assert found.dtype == np.float32 and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_allclose(function(image[..., 0], window, stride, padding), expected[..., 0], atol=1e-5)
    squares = cross_correlate(image**2, np.ones(window), stride or window, padding)
    np.testing.assert_allclose(l2_pool(image, window, stride, padding), np.sqrt(squares), atol=1e-5)


@FAST
@given(
    seed=seeds,
    height=st.integers(4, 12),
    width=st.integers(4, 12),
    window=st.integers(2, 4),
    stride=st.integers(1, 4),
    padding=st.sampled_from(["valid", "same", "full", 1]),
    channels=st.none() | st.just(2),
)
def test_winners_are_where_the_values_are(seed, height, width, window, stride, padding, channels) -> None:
    image = normal(seed, height, width, *([channels] if channels else [])) - 3
    pooled, rows, columns = max_pool_argmax(image, window, stride, padding)
    assert np.array_equal(pooled, max_pool(image, window, stride, padding))
    assert pooled.shape == rows.shape == columns.shape
    index = (rows, columns, *(np.arange(n) for n in pooled.shape[2:]))
    assert np.array_equal(image[index], pooled)
    back = unpool(pooled, (height, width), window, stride, padding, winners=(rows, columns))
    assert back.shape == image.shape and np.array_equal(back[back != 0], image[back != 0])
    assert np.array_equal(np.unique(back[back != 0]), np.unique(pooled))


def test_first_of_equal_pixels_wins() -> None:
    _, rows, columns = max_pool_argmax(np.zeros((4, 4)), 2)
    assert rows.tolist() == [[0, 0], [2, 2]] and columns.tolist() == [[0, 2], [0, 2]]


def test_unpooling_without_indices_fills_the_window() -> None:
    pooled = max_pool(peak_map(), 2)
    assert np.array_equal(unpool(pooled, (4, 4), 2), np.kron(pooled, np.ones((2, 2))))
    assert unpool(np.array([[2.0, 4.0]]), (1, 3), (1, 2), stride=1).tolist() == [[2, 3, 4]]  # overlap: the average
    assert unpool(np.array([[2.0, 4.0]]), (1, 5), (1, 1), stride=3).tolist() == [[2, 0, 0, 4, 0]]  # gaps: nothing
    assert unpool(np.array([[2.0, 4.0]]), (1, 3), (1, 2), padding="same").tolist() == [[2, 2, 4]]
    with pytest.raises(ValueError, match="^An image of 5 × 5 is pooled to 2 × 2; received a map of 3 × 3.$"):
        unpool(np.zeros((3, 3)), (5, 5), 2)


def test_global_pooling_takes_any_size() -> None:
    for shape in ((7, 7, 5), (3, 9, 5)):
        image = normal(0, *shape)
        np.testing.assert_allclose(global_average_pool(image), image.reshape(-1, 5).mean(0), atol=1e-12)
        assert np.array_equal(global_max_pool(image), image.reshape(-1, 5).max(0))
        assert global_average_pool(image[..., 0]).shape == global_max_pool(image[..., 0]).shape == ()
    large = np.full((1024, 1024), 0.1, np.float32)
    assert global_average_pool(large) == np.float32(0.1)  # float32 sums would have drifted


def test_blur_pool_by_hand() -> None:
    image = np.zeros((4, 4))
    image[1, 2] = 16.0
    # down: 1/4, 1/2, 1/4 of the point at rows 0, 1, 2; row 0 sees it once more in its mirror image, so that it has 1/2
    down = np.array([1 / 2, 1 / 2, 1 / 4, 0])
    right = np.array([0, 1 / 4, 1 / 2, 1 / 2])  # likewise at the right border
    assert np.array_equal(blur_pool(image, stride=1), 16 * np.outer(down, right))
    assert blur_pool(image).tolist() == [[0, 4], [0, 2]]
    assert blur_pool(np.ones((7, 6, 2)), stride=3, size=5).shape == (3, 2, 2)
    np.testing.assert_allclose(blur_pool(np.full((5, 5), 7.0), size=4), 7.0)  # no border is darkened


@FAST
@given(seed=seeds, height=st.integers(4, 11), width=st.integers(4, 11), stride=st.integers(1, 4))
def test_blur_pool_is_blur_then_every_nth_pixel(seed, height, width, stride) -> None:
    image = normal(seed, height, width)
    row = np.array([1, 4, 6, 4, 1]) / 16
    blurred = ndimage.correlate1d(ndimage.correlate1d(image, row, axis=0, mode="mirror"), row, axis=1, mode="mirror")
    np.testing.assert_allclose(blur_pool(image, stride, size=5), blurred[::stride, ::stride], atol=1e-12)


@pytest.mark.parametrize("size", range(1, 8))
def test_binomial_sums_to_one(size: int) -> None:
    weights = binomial(size)
    assert weights.sum() == 1 and weights.shape == (size, size)
    row = [math.comb(size - 1, i) for i in range(size)]
    assert np.array_equal(weights * 4 ** (size - 1), np.outer(row, row))


def test_relu_and_grey() -> None:
    image = np.array([[-1.5, 0, 2]], np.float32)
    assert relu(image).tolist() == [[0, 0, 2]] and relu(image).dtype == np.float32
    assert grey(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8))[0] == pytest.approx(
        [76.245, 149.685, 29.07]
    )
    assert grey(image) is image
    with pytest.raises(ValueError, match=r"three channels, \(H, W, 3\); received \(2, 2, 4\)"):
        grey(np.zeros((2, 2, 4)))


# What is refused -----------------------------------------------------------------------------------------------------

SQUARE = np.zeros((4, 4))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (SQUARE, np.ones((5, 3))),
            "A kernel of 5 × 3 does not fit into an image of 4 × 4 with padding 'valid'; "
            "expected an image of at least 5 × 3, padding included.",
        ),
        (
            (SQUARE, np.ones((3, 3)), 1, "valid", 2),
            "A kernel of 3 × 3, spanning 5 × 5 with its dilation, does not fit "
            "into an image of 4 × 4 with padding 'valid'; expected an image of at least 5 × 5, padding included.",
        ),
        (
            (SQUARE, np.ones((7, 7)), 1, 1),
            "A kernel of 7 × 7 does not fit into an image of 4 × 4 with padding 1; "
            "expected an image of at least 7 × 7, padding included.",
        ),
        ((SQUARE, SOBEL_X, 0), "stride is a whole number of at least 1 or a pair of them; received 0."),
        ((SQUARE, SOBEL_X, (1, 2, 3)), "stride is a whole number of at least 1 or a pair of them; received (1, 2, 3)."),
        ((SQUARE, SOBEL_X, True), "stride is a whole number of at least 1 or a pair of them; received True."),
        ((SQUARE, SOBEL_X, 1.5), "stride is a whole number of at least 1 or a pair of them; received 1.5."),
        ((SQUARE, SOBEL_X, 1, "valid", 0), "dilation is a whole number of at least 1 or a pair of them; received 0."),
        ((SQUARE, SOBEL_X, 1, -1), "padding is a whole number of at least 0 or a pair of them; received -1."),
        ((SQUARE, SOBEL_X, 1, "Same"), "padding is one of valid, same, full or a number of pixels; received 'Same'."),
        (
            (np.zeros((4, 4, 3)), np.ones((3, 3, 2))),
            "The kernel of shape (3, 3, 2) reads 2 channels and the image of "
            "shape (4, 4, 3) has 3; expected a kernel (kh, kw), (kh, kw, 3) or (kh, kw, 3, filters).",
        ),
        (
            (SQUARE, np.ones(3)),
            "A kernel is (kh, kw), (kh, kw, channels) or (kh, kw, channels, filters), of real "
            "numbers and not empty; received float64 of shape (3,).",
        ),
        ((np.zeros(4), SOBEL_X), "An image is (H, W) or (H, W, C) and not empty; received shape (4,)."),
        ((np.zeros((0, 4)), SOBEL_X), "An image is (H, W) or (H, W, C) and not empty; received shape (0, 4)."),
        ((SQUARE.astype(complex), SOBEL_X), "An image is made of real numbers; received complex128."),
    ],
)
def test_what_does_not_fit_is_named(arguments: tuple, said: str) -> None:
    for function in (cross_correlate, convolve):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            function(*arguments)


def test_unknown_edge_is_refused() -> None:
    with pytest.raises(ValueError, match="^edge is one of zero, reflect; received 'wrap'.$"):
        cross_correlate(SQUARE, SOBEL_X, edge="wrap")


def test_loop_takes_two_dimensions_only() -> None:
    with pytest.raises(ValueError, match=r"2-D image and a 2-D kernel; received \(4, 4, 3\) and \(3, 3\)"):
        cross_correlate_loop(np.zeros((4, 4, 3)), SOBEL_X)


@pytest.mark.parametrize("function", [max_pool, average_pool, l2_pool, max_pool_argmax])
def test_windows_that_do_not_fit_are_named(function) -> None:
    said = (
        "A window of 5 × 2 does not fit into an image of 4 × 4 with padding 'valid'; expected an image of at least "
        "5 × 2, padding included."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        function(SQUARE, (5, 2))
    with pytest.raises(ValueError, match="With padding 2 a window of 2 × 2 would see nothing but padding"):
        function(SQUARE, 2, padding=2)
    with pytest.raises(ValueError, match="^window is a whole number of at least 1 or a pair of them; received 0.$"):
        function(SQUARE, 0)
    with pytest.raises(ValueError, match="^stride is a whole number of at least 1"):
        function(SQUARE, 2, stride=0)
