"""The lessons' claims: measured, beside theory, and on photographs."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data

from cnn_core.arithmetic.convolution import blur_pool, cross_correlate, grey, max_pool, relu
from cnn_core.arithmetic.experiments import (
    absorbed_fraction,
    bar,
    bar_edges,
    dense_versus_convolution,
    localisation_error,
    peak_map,
    pooled_shift,
)
from cnn_core.arithmetic.kernels import PRESETS, flip
from cnn_core.arithmetic.learning import learn_kernel, whiten
from cnn_core.arithmetic.shifts import (
    FILLS,
    OPERATIONS,
    SOBEL_X,
    equivariance_error,
    relative_change,
    shift,
    shift_response,
)

PHOTO = grey(data.astronaut()[::4, ::4])  # (128, 128), 0..255
SIZED = [(preset, size) for preset in PRESETS.values() for size in preset.sizes]


# The two examples ----------------------------------------------------------------------------------------------------


def test_bar_is_that_of_the_lesson() -> None:
    assert bar().tolist() == [[0, 0, 1, 1, 0, 0]] * 6
    assert bar_edges().tolist() == [[4, 4, -4, -4]] * 4  # no flat region to be seen
    assert bar_edges(8, 4).tolist() == [[4, 4, 0, 0, -4, -4]] * 6  # here is one
    assert bar(5, 0).sum() == 0 and bar(5, 5).sum() == 25
    for width in (-1, 7):
        with pytest.raises(ValueError, match=f"0 to 6 pixels wide in a picture of 6; received {width}"):
            bar(6, width)


@pytest.mark.parametrize(
    ("dy", "dx", "after", "absorbed"),
    [
        (0, 0, [[9, 1], [0, 3]], True),
        (0, 1, [[2, 9], [1, 3]], False),  # to the right: into the next window
        (0, -1, [[9, 2], [3, 1]], True),  # to the left: the 9 stays, its neighbours do not
        (1, 0, [[1, 1], [9, 3]], False),
        (-1, 0, [[9, 3], [1, 1]], True),
        (0, 2, [[1, 9], [3, 0]], False),
        (0, 3, [[2, 9], [1, 3]], None),
    ],
)
def test_peak_crosses_into_the_next_window_or_not(dy: int, dx: int, after: list, absorbed: bool | None) -> None:
    result = pooled_shift(peak_map(), dy, dx)
    assert result.before.tolist() == [[9, 1], [0, 3]] and result.peak_before == (0, 0)
    if absorbed is None:  # 3 to the right, round the edge, is 1 to the left
        assert result.after.tolist() == pooled_shift(peak_map(), 0, -1).after.tolist()
        return
    assert (result.after.tolist(), result.absorbed) == (after, absorbed)
    assert result.identical is ((dy, dx) == (0, 0))


def test_larger_windows_absorb_more() -> None:
    assert pooled_shift(peak_map(), 1, 1, window=4).identical
    lone = np.zeros((6, 6))
    lone[0, 0] = 5
    assert pooled_shift(lone, 2, 2, window=3, fill="zero").identical
    assert not pooled_shift(lone, 3, 0, window=3, fill="zero").absorbed


# Shifts --------------------------------------------------------------------------------------------------------------


@given(dy=st.integers(-9, 9), dx=st.integers(-9, 9), fill=st.sampled_from(FILLS), channels=st.booleans())
def test_shift_is_that_of_scipy(dy: int, dx: int, fill: str, channels: bool) -> None:
    image = np.random.default_rng(0).integers(0, 255, (12, 11, 3)).astype(np.uint8)
    mode = {"reflect": "mirror", "zero": "constant", "wrap": "grid-wrap"}[fill]
    expected = np.stack([ndimage.shift(image[..., c], (dy, dx), order=0, mode=mode) for c in range(3)], axis=-1)
    found = shift(image if channels else image[..., 0], dy, dx, fill)
    assert found.dtype == np.uint8 and np.array_equal(found, expected if channels else expected[..., 0])


def test_unknown_fill_is_refused() -> None:
    with pytest.raises(ValueError, match="^fill is one of reflect, zero, wrap; received 'same'.$"):
        shift(PHOTO, 1, 0, "same")
    with pytest.raises(ValueError, match="^border is one of real, reflect, zero, wrap; received 'valid'.$"):
        shift_response(PHOTO, border="valid")


def test_relative_change_of_nothing() -> None:
    zero, one = np.zeros(3), np.ones(3)
    assert relative_change(zero, zero) == 0 and relative_change(one, zero) == math.inf
    assert relative_change(np.array([1], np.uint8), np.array([2], np.uint8)) == 0.5  # not 255 / 2


def responses(*args, **options) -> dict:
    return {(r.operation, r.dy, r.dx): r for r in shift_response(*args, **options)}


@pytest.mark.parametrize("stride", [2, 3])
def test_all_operations_are_equivariant_to_multiples_of_their_stride(stride: int) -> None:
    shifts = [(dy, dx) for dy in range(-4, 5) for dx in range(-4, 5)]
    for response in shift_response(PHOTO, shifts=shifts, stride=stride):
        multiple = response.dy % stride == 0 and response.dx % stride == 0
        assert response.whole_cells is (multiple or response.operation == "none")
        if response.whole_cells:
            assert response.equivariance_error < 1e-12, response
            assert (response.change == 0) is (response.dy == response.dx == 0)
        else:
            assert response.equivariance_error > 0.05, response


def test_blur_pool_minds_a_shift_less_than_max_pool_does() -> None:
    for picture in (PHOTO, grey(data.chelsea())[::2, ::2], data.camera()[::4, ::4].astype(np.float64)):
        found = responses(picture)
        for dx in (1, 3, 5, 7):
            max_, blurred = found["max_pool", 0, dx], found["max_blur_pool", 0, dx]
            assert blurred.equivariance_error < 0.8 * max_.equivariance_error
            assert blurred.change < max_.change
            strided, blur = found["strided_convolution", 0, dx], found["blur_pool", 0, dx]
            assert blur.equivariance_error < 0.8 * strided.equivariance_error and blur.change < strided.change


def test_summary_is_far_less_moved_than_the_map() -> None:
    for response in shift_response(PHOTO):
        if response.dx:
            assert response.invariance_error < 0.1 < 0.2 < response.change


def test_operations_are_what_they_are_called() -> None:
    features = relu(cross_correlate(PHOTO, SOBEL_X))
    applied = {name: operation.apply(features, 2) for name, operation in OPERATIONS.items()}
    assert np.array_equal(applied["none"], features)
    assert np.array_equal(applied["max_pool"], max_pool(features, 2))
    np.testing.assert_allclose(applied["average_pool"], features.reshape(63, 2, 63, 2).mean((1, 3)))
    assert np.array_equal(applied["strided_convolution"], relu(cross_correlate(PHOTO, SOBEL_X, stride=2)))
    np.testing.assert_allclose(applied["blur_pool"], blur_pool(features, 1)[1:-1:2, 1:-1:2])
    dense = max_pool(features, 2, stride=1)
    np.testing.assert_allclose(applied["max_blur_pool"], blur_pool(dense, 1)[1:-1:2, 1:-1:2])
    assert [operation.smaller for operation in OPERATIONS.values()] == [False, *[True] * 5]


def test_real_border_shows_only_what_was_there() -> None:
    image = np.arange(80.0).reshape(8, 10)
    found = responses(image, ["none"], [(2, -3)], kernel=None)["none", 2, -3]
    reference, moved = image[2:, :-3], image[:-2, 3:]  # the two windows: content moves down by 2 and left by 3
    assert found.change == pytest.approx(np.linalg.norm(moved - reference) / np.linalg.norm(reference))
    assert found.equivariance_error == 0
    assert found.invariance_error == pytest.approx(abs(moved.mean() - reference.mean()) / reference.mean())


def test_small_picture_takes_a_made_up_border() -> None:
    found = responses(bar(), ["none", "max_pool"], [(0, 1), (0, 2)], border="wrap")
    assert found["none", 0, 1].change == pytest.approx(1) and found["max_pool", 0, 2].equivariance_error == 0
    with pytest.raises(ValueError, match="^An image of 6 × 6 leaves no room for shifts of 0 to 0 pixels downwards and"):
        shift_response(bar())
    with pytest.raises(ValueError, match="^After a shift of 4 pixels nothing is left to compare in a map of 2 cells"):
        shift_response(bar(), ["max_pool"], [(0, 4)], border="wrap")


def test_bytes_do_not_overflow() -> None:
    byte = responses(PHOTO.astype(np.uint8), kernel=None)
    real = responses(PHOTO.astype(np.uint8).astype(np.float64), kernel=None)
    assert byte == real


def test_shift_response_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"^There is no operation 'pool'\. Choose of: none, max_pool, .*max_blur_pool"):
        shift_response(PHOTO, ["pool"])
    with pytest.raises(ValueError, match="^stride is a whole number of at least 1; received 0.$"):
        shift_response(PHOTO, stride=0)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_convolution_is_equivariant_to_multiples_of_its_stride(preset, stride: int) -> None:
    kernel = preset.kernel()
    for moved in ((0, 0), (stride, -2 * stride), 2 * stride):
        assert equivariance_error(PHOTO, kernel, moved, stride) < 1e-12
    if stride > 1:
        assert equivariance_error(PHOTO, kernel, 1, stride) > 0.005


def test_interpolation_between_cells_is_exact_on_a_ramp() -> None:
    ramp = np.add.outer(3.0 * np.arange(30), np.arange(30))
    assert equivariance_error(ramp, np.ones((1, 1)), (5, -3), stride=4) < 1e-12


@settings(max_examples=12)
@given(window=st.integers(1, 6), data_=st.data())
def test_peak_stays_as_often_as_theory_says(window: int, data_: st.DataObject) -> None:
    moved = data_.draw(st.integers(0, window))
    result = absorbed_fraction(window, moved, trials=2000, seed=1)
    assert result.theory == (window - moved) / window
    assert result.absorbed == pytest.approx(result.theory, abs=4 * math.sqrt(0.25 / 2000))
    assert (result.change == 0) is (moved == 0)


def test_absorbing_the_peak_is_not_leaving_the_map_alone() -> None:
    curve = [absorbed_fraction(window) for window in range(2, 9)]
    absorbed, change = [r.absorbed for r in curve], [r.change for r in curve]
    assert absorbed == sorted(absorbed) and change == sorted(change, reverse=True) and min(change) > 0.005
    assert absorbed_fraction(3, seed=5) == absorbed_fraction(3, seed=5) != absorbed_fraction(3, seed=6)
    with pytest.raises(ValueError, match="shift is 0 to the window; received window 2, trials 5 and shift 3"):
        absorbed_fraction(2, 3, trials=5)


@pytest.mark.parametrize("window", [1, 2, 3, 4, 8])
def test_position_is_lost_without_indices(window: int) -> None:
    kept, lost = localisation_error(window, with_indices=True), localisation_error(window)
    assert kept.mean_error == kept.worst_error == kept.theory == 0
    offsets = [(y - (window - 1) / 2, x - (window - 1) / 2) for y in range(window) for x in range(window)]
    assert lost.theory == pytest.approx(sum(math.hypot(*offset) for offset in offsets) / window**2)
    assert lost.mean_error == pytest.approx(lost.theory, rel=0.1)
    assert lost.worst_error <= math.hypot(window - 1, window - 1) / 2 + 1e-12
    assert (lost.mean_error > 0) is (window > 1)


def test_no_window_is_refused() -> None:
    with pytest.raises(ValueError, match="^window and trials are at least 1; received 0 and 5.$"):
        localisation_error(0, 5)


# Learning a kernel ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("preset", "size"), SIZED, ids=lambda value: getattr(value, "name", value))
def test_every_preset_is_recovered(preset, size: int) -> None:
    kernel = preset.kernel(size, seed=7)
    first, *_, last = learn_kernel(PHOTO, kernel)
    assert np.abs(last.kernel - kernel).max() < 1e-2 and last.loss < 1e-4 < first.loss
    if preset.name == "sobel_x":
        assert np.abs(first.kernel - kernel).max() > 1  # it had to be learnt
    *_, last = learn_kernel(PHOTO, kernel, flip=True)
    assert np.abs(last.kernel - flip(kernel)).max() < 1e-2


@pytest.mark.parametrize("picture", [grey(data.chelsea())[::3, ::3], data.camera()[::8, ::8]], ids=["cat", "camera"])
def test_other_photographs_teach_as_well(picture) -> None:
    *_, last = learn_kernel(picture, SOBEL_X, seed=3)
    assert np.abs(last.kernel - SOBEL_X).max() < 1e-2


def test_loss_falls_at_every_step_and_grows_above_its_limit() -> None:
    losses = [frame.loss for frame in learn_kernel(PHOTO, SOBEL_X, learning_rate=0.95, steps=20)]
    assert losses == sorted(losses, reverse=True) and len(losses) == 21
    frames = list(learn_kernel(PHOTO, SOBEL_X, learning_rate=3.0, steps=500))
    assert frames[-1].step < 60 and math.isfinite(frames[-1].loss) and frames[-1].loss > 1e6


def test_gradient_is_that_of_the_loss() -> None:
    picture, rate = PHOTO[:20, :24], 1e-3
    before, after = learn_kernel(picture, SOBEL_X, steps=1, learning_rate=rate)
    gradient = (before.kernel - after.kernel) / rate
    x = whiten(picture)
    patches = np.stack([x[a : a + 18, b : b + 22].ravel() for a in range(3) for b in range(3)])
    x = x / np.linalg.norm(patches, 2) * math.sqrt(patches.shape[1])  # its scale in learn_kernel
    loss = lambda kernel: np.mean((cross_correlate(x, kernel) - cross_correlate(x, SOBEL_X)) ** 2)  # noqa: E731
    assert before.loss == pytest.approx(loss(before.kernel)) and after.loss == pytest.approx(loss(after.kernel))
    for a in range(3):
        for b in range(3):
            step = np.zeros((3, 3))
            step[a, b] = 1e-4
            slope = (loss(before.kernel + step) - loss(before.kernel - step)) / 2e-4
            assert gradient[a, b] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_frames_are_those_asked_for_and_repeatable() -> None:
    frames = list(learn_kernel(PHOTO, SOBEL_X, steps=25, every=10, seed=2))
    assert [frame.step for frame in frames] == [0, 10, 20, 25]
    again = list(learn_kernel(PHOTO, SOBEL_X, steps=25, seed=2))
    for frame in frames:
        assert np.array_equal(frame.kernel, again[frame.step].kernel) and frame.loss == again[frame.step].loss
    other = next(learn_kernel(PHOTO, SOBEL_X, seed=3))
    assert not np.array_equal(other.kernel, frames[0].kernel)
    assert [frame.step for frame in learn_kernel(PHOTO, SOBEL_X, steps=0)] == [0]


def test_picture_of_stripes_leaves_the_kernel_undetermined() -> None:
    *_, last = learn_kernel(bar(32, 8), SOBEL_X, steps=200)
    assert last.loss < 1e-6  # it computes the same on this picture
    assert np.abs(last.kernel - SOBEL_X).max() > 0.1  # and is another kernel
    np.testing.assert_allclose(last.kernel.sum(axis=0), SOBEL_X.sum(axis=0), atol=1e-2)
    *_, flat = learn_kernel(np.full((9, 9), 7.0), SOBEL_X)
    assert flat.loss == 0


def test_whitened_picture_has_a_flat_spectrum() -> None:
    white = whiten(PHOTO.astype(np.uint8))
    strength = np.abs(np.fft.fft2(white))
    assert abs(white.mean()) < 1e-12 and white.std() == pytest.approx(1)
    assert strength.ravel()[1:].std() < 1e-9 * strength.ravel()[1:].mean() and strength[0, 0] < 1e-9
    assert not whiten(np.full((4, 5), 0.1)).any()
    with pytest.raises(ValueError, match=r"^One channel is whitened at a time, \(H, W\); received \(4, 4, 3\)\.$"):
        whiten(np.zeros((4, 4, 3)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": -1}, "steps are at least 0, every at least 1 and the learning rate is above 0; received -1, 1 and"),
        ({"every": 0}, "steps are at least 0, every at least 1 and the learning rate is above 0; received 60, 0 and"),
        ({"learning_rate": 0.0}, "steps are at least 0, every at least 1 and the learning rate is above 0; received"),
        ({"learning_rate": math.nan}, "steps are at least 0, every at least 1 and the learning rate is above 0;"),
        ({"target": np.ones((3, 3, 3))}, "One kernel is learnt, (kh, kw); received (3, 3, 3)."),
        ({"target": np.ones((200, 3))}, "A kernel of 200 × 3 does not fit into an image of 128 × 128"),
    ],
)
def test_what_cannot_be_learnt_is_refused_at_once(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        learn_kernel(PHOTO, **{"target": SOBEL_X, **options})  # before the first frame is asked for


# Why not dense -------------------------------------------------------------------------------------------------------


def test_published_parameter_counts() -> None:
    count = dense_versus_convolution(32)
    assert (count.dense_weights, count.dense_biases) == (1_048_576, 1024)
    assert (count.convolution_weights, count.convolution_biases) == (9, 1)
    assert dense_versus_convolution(224, channels_in=3).inputs == 150_528
    same = dense_versus_convolution(14, 3, 256, 256)
    assert same.convolution_weights + same.convolution_biases == 590_080
    assert dense_versus_convolution((2, 3), 1, 2, 5).dense_weights == 12 * 30
    with pytest.raises(ValueError, match="received 0 × 3 pixels, kernel size 3, channels 1 and 1"):
        dense_versus_convolution((0, 3))
