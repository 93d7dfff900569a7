"""Claims about convolution and pooling, each measured on the chapter's examples or on random maps, beside theory."""

from dataclasses import dataclass

import numpy as np

from cnn_core.arithmetic.convolution import IntOrPair, cross_correlate, max_pool, max_pool_argmax, unpool
from cnn_core.arithmetic.shifts import SOBEL_X, shift

# The two examples ----------------------------------------------------------------------------------------------------


def bar(size: int = 6, width: int = 2) -> np.ndarray:
    """Return a picture of a bright vertical bar in the middle of a dark square.

    Args:
        size: Height and width of the picture.
        width: Of the bar, at most the size.

    Returns:
        float64 `(size, size)`, 0 and 1.

    Raises:
        ValueError: If the bar is wider than the picture.

    Example:
        >>> bar()[0]
        array([0., 0., 1., 1., 0., 0.])
    """
    if not 0 <= width <= size or size < 1:
        raise ValueError(f"A bar is 0 to {size} pixels wide in a picture of {size}; received {width}.")
    image = np.zeros((size, size))
    left = (size - width) // 2
    image[:, left : left + width] = 1
    return image


def bar_edges(size: int = 6, width: int = 2) -> np.ndarray:
    """Return what Sobel x finds in the bar: + at its left edge, − at its right one.

    0 shows only where three columns are equal: not with the bar of 2 in 6 pixels, but for instance with 4 in 8.

    Args:
        size: Height and width of the picture.
        width: Of the bar.

    Returns:
        `(size - 2, size - 2)`, every row the same.

    Raises:
        ValueError: If the bar is wider than the picture, or the picture smaller than the kernel.

    Example:
        >>> bar_edges()[0], bar_edges(8, 4)[0]
        (array([ 4.,  4., -4., -4.]), array([ 4.,  4.,  0.,  0., -4., -4.]))
    """
    return cross_correlate(bar(size, width), SOBEL_X)


def peak_map() -> np.ndarray:
    """Return a feature map with one peak, a 9 at row 1, column 1: float64 `(4, 4)`."""
    return np.array([[0.0, 1, 0, 0], [2, 9, 1, 0], [0, 0, 3, 1], [0, 0, 1, 0]])


@dataclass(frozen=True)
class PooledShift:
    """What a shift does to a max-pooled map.

    Attributes:
        before: Pooled map of the image.
        after: Pooled map of the shifted image.
        peak_before: Row and column of the largest value in `before`.
        peak_after: The same in `after`.
    """

    before: np.ndarray
    after: np.ndarray
    peak_before: tuple[int, int]
    peak_after: tuple[int, int]

    @property
    def absorbed(self) -> bool:
        """True if the peak is still in the same window."""
        return self.peak_before == self.peak_after

    @property
    def identical(self) -> bool:
        """True if not a single pooled value changed: rarer than `absorbed`, for the neighbours move too."""
        return bool(np.array_equal(self.before, self.after))


def pooled_shift(image: np.ndarray, dy: int, dx: int, window: int = 2, fill: str = "wrap") -> PooledShift:
    """Max-pool an image before and after a shift.

    Args:
        image: `(H, W)`.
        dy: Pixels downwards.
        dx: Pixels to the right.
        window: Of the pooling, which is also its stride.
        fill: What comes in, as for `shift`.

    Returns:
        Both maps and where their peaks are.

    Example:
        >>> right, left = pooled_shift(peak_map(), 0, 1), pooled_shift(peak_map(), 0, -1)
        >>> right.after.tolist(), right.absorbed  # the peak crossed into the next window
        ([[2.0, 9.0], [1.0, 3.0]], False)
        >>> left.after.tolist(), left.absorbed
        ([[9.0, 2.0], [3.0, 1.0]], True)
    """
    before, after = max_pool(image, window), max_pool(shift(image, dy, dx, fill), window)
    return PooledShift(before, after, _peak(before), _peak(after))


@dataclass(frozen=True)
class Absorption:
    """How much of a shift a max-pool hides, over random maps.

    Attributes:
        window: Of the pooling, which is also its stride.
        shift: Pixels to the right.
        absorbed: Fraction of maps whose peak stayed in its window.
        theory: The same by thought: the peak stands in each of the window's w columns alike, and stays in the window
            from w − shift of them: (w − shift) / w.
        change: Mean relative L2 change of the pooled map, all its cells counting.
    """

    window: int
    shift: int
    absorbed: float
    theory: float
    change: float


def absorbed_fraction(window: int, shift: int = 1, trials: int = 1000, seed: int = 0) -> Absorption:
    """Measure how often max-pooling absorbs a shift.

    Each map has 4 × 4 windows of independent values, uniform in 0..1, and is moved to the right; what leaves comes back
    on the left. A shift is *absorbed* if the map's largest value is found in the same cell of the pooled map as before.
    That says nothing of the other cells: `change` does.

    Args:
        window: Of the pooling, in pixels.
        shift: Pixels to the right, 0 to the window.
        trials: Number of random maps.
        seed: Of the random numbers.

    Returns:
        Measured fraction, theory and change.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> result = absorbed_fraction(window=2)
        >>> round(result.absorbed, 1), result.theory
        (0.5, 0.5)
    """
    if window < 1 or trials < 1 or not 0 <= shift <= window:
        raise ValueError(
            "window and trials are at least 1 and the shift is 0 to the window; "
            f"received window {window}, trials {trials} and shift {shift}."
        )
    maps = np.random.default_rng(seed).random((4 * window, 4 * window, trials))  # one channel a trial
    before, after = max_pool(maps, window), max_pool(np.roll(maps, shift, axis=1), window)  # (4, 4, trials)
    stayed = before.reshape(16, trials).argmax(axis=0) == after.reshape(16, trials).argmax(axis=0)
    change = np.linalg.norm(after - before, axis=(0, 1)) / np.linalg.norm(before, axis=(0, 1))
    return Absorption(window, shift, float(stayed.mean()), (window - shift) / window, float(change.mean()))


@dataclass(frozen=True)
class Localisation:
    """How well a peak is found again after pooling and unpooling.

    Attributes:
        window: Of the pooling, which is also its stride.
        with_indices: True if the winners' places were kept.
        mean_error: Distance between the peak and where it is found, in pixels.
        worst_error: The largest one.
        theory: Expected mean: 0 with indices, else the mean distance of a window's pixels from its centre.
    """

    window: int
    with_indices: bool
    mean_error: float
    worst_error: float
    theory: float


def localisation_error(window: int, trials: int = 500, seed: int = 0, with_indices: bool = False) -> Localisation:
    """Measure what pooling costs where position counts: pool, unpool, and look for the peak.

    The peak is looked for as the centre of all pixels that hold the largest value: without indices that is the whole
    window.

    Args:
        window: Of the pooling, in pixels.
        trials: Number of random maps, 6 × 6 windows each.
        seed: Of the random numbers.
        with_indices: Keep the winners' places and unpool with them.

    Returns:
        Errors in pixels.

    Raises:
        ValueError: If the window or the number of trials is below 1.

    Example:
        >>> lost, kept = localisation_error(4), localisation_error(4, with_indices=True)
        >>> lost.worst_error, kept.worst_error  # √(1.5² + 1.5²), and none
        (2.1213203435596424, 0.0)
    """
    if window < 1 or trials < 1:
        raise ValueError(f"window and trials are at least 1; received {window} and {trials}.")
    size = 6 * window
    maps = np.random.default_rng(seed).random((size, size, trials))  # one channel a trial
    pooled, rows, columns = max_pool_argmax(maps, window)
    unpooled = unpool(pooled, (size, size), window, winners=(rows, columns) if with_indices else None)
    distances = np.linalg.norm(_centre_of_peak(unpooled) - _centre_of_peak(maps), axis=0)
    offsets = np.arange(window) - (window - 1) / 2
    expected = 0.0 if with_indices else float(np.hypot(offsets[:, None], offsets).mean())
    return Localisation(window, with_indices, float(distances.mean()), float(distances.max()), expected)


# Why not dense -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of two layers from an image to a map of the same height and width."""

    inputs: int
    outputs: int
    dense_weights: int
    dense_biases: int
    convolution_weights: int
    convolution_biases: int


def dense_versus_convolution(
    size: IntOrPair, kernel_size: int = 3, channels_in: int = 1, channels_out: int = 1
) -> ParameterCount:
    """Count the parameters of a dense layer and of a convolution between the same two images.

    dense: (H W C_in)(H W C_out) + H W C_out        convolution: k² C_in C_out + C_out, whatever the size

    Args:
        size: Height and width, in pixels, of the input and (padding `same`) of the output.
        kernel_size: Of the convolution.
        channels_in: Of the input.
        channels_out: Of the output: filters.

    Returns:
        Weights and biases of both.

    Raises:
        ValueError: If one of them is below 1.

    Example:
        >>> count = dense_versus_convolution(32)
        >>> count.dense_weights, count.convolution_weights, count.convolution_biases
        (1048576, 9, 1)
    """
    height, width = size if isinstance(size, tuple) else (size, size)
    if min(height, width, kernel_size, channels_in, channels_out) < 1:
        raise ValueError(
            "Sizes and channels are at least 1; received "
            f"{height} × {width} pixels, kernel size {kernel_size}, channels {channels_in} and {channels_out}."
        )
    inputs, outputs = height * width * channels_in, height * width * channels_out
    weights = kernel_size**2 * channels_in * channels_out
    return ParameterCount(inputs, outputs, inputs * outputs, outputs, weights, channels_out)


# Private -------------------------------------------------------------------------------------------------------------


def _peak(image: np.ndarray) -> tuple[int, int]:
    """Row and column of the largest value, the first of equal ones."""
    row, column = np.unravel_index(image.argmax(), image.shape)
    return int(row), int(column)


def _centre_of_peak(maps: np.ndarray) -> np.ndarray:
    """Mean row and column of the pixels that hold the largest value: `(H, W, N)` -> `(2, N)`."""
    highest = maps == maps.max(axis=(0, 1))
    count = highest.sum(axis=(0, 1))
    rows = (highest.sum(axis=1) * np.arange(maps.shape[0])[:, None]).sum(axis=0)
    columns = (highest.sum(axis=0) * np.arange(maps.shape[1])[:, None]).sum(axis=0)
    return np.stack([rows / count, columns / count])
