"""Claims about convolution and pooling, each measured on a picture or on random maps, beside what theory says.

Two words are kept apart. *Equivariant*: when the picture moves, the map moves along. *Invariant*: it does not change.
Both are numbers here, relative L2 errors: ‖a − b‖ / ‖b‖.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnn_core.ops import (
    Pair,
    average_pool,
    binomial,
    cross_correlate,
    global_average_pool,
    max_pool,
    max_pool_argmax,
    relu,
    unpool,
)

FILLS = ("reflect", "zero", "wrap")  # what comes in where a picture moves out of the way
BORDERS = ("real", *FILLS)  # "real": the window moves over a larger picture, so that nothing is made up

TO_THE_RIGHT = tuple((0, pixels) for pixels in range(9))

SOBEL_X = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


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


# Shifts --------------------------------------------------------------------------------------------------------------


def shift(image: np.ndarray, dy: int, dx: int, fill: str = "reflect") -> np.ndarray:
    """Return the image moved by whole pixels within its frame.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        dy: Pixels downwards; negative is upwards.
        dx: Pixels to the right; negative is to the left.
        fill: What comes in: `"reflect"` (mirrored at the border), `"zero"`, or `"wrap"` (what went out on the other
            side).

    Returns:
        The same shape and type.

    Raises:
        ValueError: If the fill is none of these.

    Example:
        >>> image = np.array([[1, 2, 3, 4]])
        >>> [shift(image, 0, 1, fill).tolist() for fill in ("reflect", "zero", "wrap")]
        [[[2, 1, 2, 3]], [[0, 1, 2, 3]], [[4, 1, 2, 3]]]
    """
    if fill not in FILLS:
        raise ValueError(f"fill is one of {', '.join(FILLS)}; received {fill!r}.")
    if fill == "wrap":
        return np.roll(image, (dy, dx), axis=(0, 1))
    border = [(max(dy, 0), max(-dy, 0)), (max(dx, 0), max(-dx, 0)), (0, 0)][: image.ndim]
    padded = np.pad(image, border) if fill == "zero" else np.pad(image, border, mode="reflect")
    top, left = max(-dy, 0), max(-dx, 0)
    return padded[top : top + image.shape[0], left : left + image.shape[1]]


def relative_change(moved: np.ndarray, reference: np.ndarray) -> float:
    """Return ‖moved − reference‖ / ‖reference‖: 0 if nothing changed, infinite if there was nothing before.

    Example:
        >>> relative_change(np.array([3.0, 5.0]), np.array([3.0, 4.0]))
        0.2
    """
    difference = np.subtract(moved, reference, dtype=np.float64)  # uint8 would overflow
    change, norm = float(np.linalg.norm(difference)), float(np.linalg.norm(reference))
    return change / norm if norm else math.inf if change else 0.0


@dataclass(frozen=True)
class Operation:
    """A way from a feature map to a smaller one.

    Attributes:
        name: Key in OPERATIONS.
        title: As people write it.
        smaller: True if it steps by the stride; else its output has the size of the map.
        apply: Feature map and stride → representation.
    """

    name: str
    title: str
    smaller: bool
    apply: Callable[[np.ndarray, int], np.ndarray]


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("none", "No pooling", False, lambda features, stride: features),
        Operation("max_pool", "Max-pool", True, lambda features, stride: max_pool(features, stride)),
        Operation("average_pool", "Average-pool", True, lambda features, stride: average_pool(features, stride)),
        # A convolution with a stride computes exactly these cells of the one without.
        Operation(
            "strided_convolution", "Strided convolution", True, lambda features, stride: features[::stride, ::stride]
        ),
        # `blur_pool` without its reflected border, so that every number comes from the picture.
        Operation(
            "blur_pool", "Blur-pool", True, lambda features, stride: cross_correlate(features, binomial(3), stride)
        ),
        Operation(
            "max_blur_pool", "Max-pool, anti-aliased", True,
            lambda features, stride: cross_correlate(max_pool(features, stride, stride=1), binomial(3), stride),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class ShiftResponse:
    """How one operation answers to one shift; the errors are relative (L2).

    Attributes:
        operation: Name in OPERATIONS.
        dy: Shift downwards, in pixels.
        dx: Shift to the right, in pixels.
        change: Of the representation, cell by cell.
        equivariance_error: What is left of it after moving the representation back by shift / stride cells.
        whole_cells: True if that is a whole number of cells; else it was moved by linear interpolation.
        invariance_error: Change of the global average of the representation.
    """

    operation: str
    dy: int
    dx: int
    change: float
    equivariance_error: float
    whole_cells: bool
    invariance_error: float


def shift_response(
    image: np.ndarray,
    operations: Sequence[str] = tuple(OPERATIONS),
    shifts: Sequence[tuple[int, int]] = TO_THE_RIGHT,
    *,
    stride: int = 2,
    kernel: np.ndarray | None = SOBEL_X,
    border: str = "real",
) -> list[ShiftResponse]:
    """Measure how much a shift of the picture changes what comes out of pooling.

    All operations start from the same feature map, the ReLU of one convolution, so that they differ in nothing but how
    they make it smaller. Nothing is padded.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        operations: Names in OPERATIONS.
        shifts: Pixels (downwards, to the right).
        stride: Of all operations that have one; also the window of those that pool.
        kernel: Of the convolution; None to pool the picture itself, without ReLU.
        border: `"real"` looks at the part of the picture that leaves room for all shifts, so that what moves in was
            there before; or a `fill` of `shift`, for pictures too small for that.

    Returns:
        One record for each operation and shift, in the order given.

    Raises:
        ValueError: If an operation is unknown, or the picture too small.

    Example:
        >>> picture = np.random.default_rng(0).random((40, 40))
        >>> for response in shift_response(picture, ["max_pool"], [(0, 0), (0, 1), (0, 2)]):
        ...     print(response.dx, round(response.change, 2), round(response.equivariance_error, 2))
        0 0.0 0.0
        1 0.68 0.57
        2 0.99 0.0

    Source:
        Zhang 2019, arXiv:1904.11486, section 3: what steps by a stride is equivariant only to its multiples.
    """
    unknown = [name for name in operations if name not in OPERATIONS]
    if unknown:
        raise ValueError(f"There is no operation {unknown[0]!r}. Choose of: {', '.join(OPERATIONS)}.")
    if stride < 1:
        raise ValueError(f"stride is a whole number of at least 1; received {stride}.")
    views = _views(image, [(0, 0), *shifts], border)
    maps = [view if kernel is None else relu(cross_correlate(view, kernel)) for view in views]
    responses = []
    for operation in (OPERATIONS[name] for name in operations):
        step = stride if operation.smaller else 1
        reference, *moved = (operation.apply(features, stride) for features in maps)
        summary = global_average_pool(reference)
        for (dy, dx), representation in zip(shifts, moved, strict=True):
            responses.append(
                ShiftResponse(
                    operation.name, dy, dx,
                    change=relative_change(representation, reference),
                    equivariance_error=relative_change(*_carried_back(representation, reference, (dy, dx), step)),
                    whole_cells=dy % step == 0 and dx % step == 0,
                    invariance_error=relative_change(global_average_pool(representation), summary),
                )
            )  # fmt: skip
    return responses


def equivariance_error(image: np.ndarray, kernel: np.ndarray, shift: Pair, stride: int = 1) -> float:
    """Measure whether a feature map moves along with the picture.

    The part of the picture that leaves room for the shift is convolved before and after (valid padding), and the map
    moved back by shift / stride cells, between cells by linear interpolation.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel: As for `cross_correlate`.
        shift: Pixels to the right, or (downwards, to the right).
        stride: Of the convolution.

    Returns:
        Relative L2 error: 0, or rounding, if the shift is a multiple of the stride.

    Raises:
        ValueError: If the picture is too small.

    Example:
        >>> picture = np.random.default_rng(0).random((16, 16))
        >>> equivariance_error(picture, SOBEL_X, shift=4), equivariance_error(picture, SOBEL_X, shift=4, stride=2)
        (0.0, 0.0)
        >>> round(equivariance_error(picture, SOBEL_X, shift=3, stride=2), 1)  # noise has nothing between two cells
        1.1
    """
    offset = shift if isinstance(shift, tuple) else (0, shift)
    reference, moved = (cross_correlate(view, kernel, stride) for view in _views(image, [(0, 0), offset], "real"))
    return relative_change(*_carried_back(moved, reference, offset, stride))


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


def localise_error(window: int, trials: int = 500, seed: int = 0, with_indices: bool = False) -> Localisation:
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
        >>> localise_error(4).worst_error, localise_error(4, with_indices=True).worst_error  # √(1.5² + 1.5²), and none
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


# Learning a kernel ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """One moment of learning: the kernel after `step` steps, and its mean squared error."""

    step: int
    loss: float
    kernel: np.ndarray


def whiten(image: np.ndarray) -> np.ndarray:
    """Return the picture with all spatial frequencies equally strong, mean 0 and variance 1.

    In a photograph neighbouring pixels are nearly equal, so that gradient descent sees the coarse part of a kernel
    thousands of times better than the fine part, and would need as many steps. Whitening leaves the picture's outlines
    (its phases) and takes that away.

    Args:
        image: `(H, W)`.

    Returns:
        float64 `(H, W)`; all 0 if the picture is of one colour.

    Raises:
        ValueError: If the image is not 2-D.

    Example:
        >>> white = whiten(np.outer(np.arange(8.0), np.arange(8.0)) ** 2)
        >>> bool(abs(white.mean()) < 1e-12), round(float(white.std()), 6)
        (True, 1.0)

    Source:
        LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.3 (decorrelate the inputs); whitening of natural
        images: Atick & Redlich 1992.
    """
    if image.ndim != 2:
        raise ValueError(f"One channel is whitened at a time, (H, W); received {image.shape}.")
    pixels = image.astype(np.float64)
    spectrum = np.fft.fft2(pixels - pixels.mean())
    strength = np.abs(spectrum)
    heard = strength > 1e-12 * pixels.size * float(np.abs(pixels).max())  # the rest is rounding, not picture
    white = np.fft.ifft2(np.where(heard, spectrum / np.where(heard, strength, 1), 0)).real
    return white / white.std() if heard.any() else np.zeros_like(white)


def learn_kernel(
    image: np.ndarray,
    target: np.ndarray,
    steps: int = 60,
    learning_rate: float = 0.1,
    seed: int = 0,
    *,
    flip: bool = False,
    every: int = 1,
) -> Iterator[Frame]:
    """Recover a kernel by gradient descent from a picture and the filtered picture alone.

    The pair is (x, y) with x the whitened picture and y = x ⋆ target, or y = x * target with `flip`. The layer is one
    kernel w of the same size, drawn at random, and computes x ⋆ w. x is scaled so that the loss is curved by 2 where it
    is curved most: close to variance 1, less for a tiny picture. With N cells in y:

    loss = Σ (x ⋆ w − y)² / N        gradient = 2 / N · x ⋆ (x ⋆ w − y), a cross-correlation as well

    Args:
        image: `(H, W)`, larger than the kernel. A picture that does not vary in some direction leaves the kernel
            undetermined there: the loss vanishes all the same.
        target: `(kh, kw)`, the kernel to be found.
        steps: Of gradient descent.
        learning_rate: Step size; below 1 the loss falls, above 1 it grows.
        seed: Of the first kernel.
        flip: Filter by true convolution. The layer cross-correlates, so that it learns the target turned by 180°.
        every: A frame is yielded every so many steps, and at the last.

    Yields:
        Frames, beginning with step 0. It ends early if the loss grows beyond all bounds.

    Raises:
        ValueError: If an argument is out of range; also if the kernel does not fit.

    Example:
        >>> picture = np.random.default_rng(0).random((32, 32))
        >>> *_, last = learn_kernel(picture, SOBEL_X)
        >>> last.step, np.round(last.kernel, 2).tolist()
        (60, [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])

    Source:
        Goodfellow, Bengio & Courville 2016, Deep Learning, section 9.5: the gradients of a convolution.
    """
    target = np.asarray(target, np.float64)
    if target.ndim != 2:
        raise ValueError(f"One kernel is learnt, (kh, kw); received {target.shape}.")
    if steps < 0 or every < 1 or not 0 < learning_rate < math.inf:
        raise ValueError(
            "steps are at least 0, every at least 1 and the learning rate is above 0; "
            f"received {steps}, {every} and {learning_rate}."
        )
    picture = whiten(image)
    picture /= _sharpest(picture, target.shape) or 1.0
    filtered = cross_correlate(picture, target[::-1, ::-1] if flip else target)
    return _descend(picture, filtered, target.shape, steps, learning_rate, seed, every)


def _sharpest(picture: np.ndarray, kernel_size: tuple[int, ...]) -> float:
    """Root of the largest eigenvalue of the mean of p pᵀ over all patches p: half the loss' sharpest curvature."""
    if any(k > n for k, n in zip(kernel_size, picture.shape, strict=True)):
        return 0.0  # cross_correlate says what is wrong
    height, width = (n - k + 1 for n, k in zip(picture.shape, kernel_size, strict=True))
    patches = sliding_window_view(picture, (height, width)).reshape(-1, height * width)  # (kh kw, N)
    return float(np.sqrt(np.linalg.eigvalsh(patches @ patches.T / (height * width))[-1].clip(0)))


def _descend(
    picture: np.ndarray,
    filtered: np.ndarray,
    kernel_size: tuple[int, ...],
    steps: int,
    learning_rate: float,
    seed: int,
    every: int,
) -> Iterator[Frame]:
    """Gradient descent; it never sees the target, only what the target did."""
    kernel = np.random.default_rng(seed).standard_normal(kernel_size) / math.sqrt(math.prod(kernel_size))
    patches = sliding_window_view(picture, filtered.shape)  # (kh, kw, H', W')
    first = None
    for step in range(steps + 1):
        error = cross_correlate(picture, kernel) - filtered  # (H', W')
        loss = float(np.mean(error**2))
        first = loss if first is None else first
        diverged = loss > 1e6 * max(first, 1.0)
        if step % every == 0 or step == steps or diverged:
            yield Frame(step, loss, kernel.copy())
        if diverged:
            return
        gradient = 2 / error.size * np.einsum("abij,ij->ab", patches, error)  # cross_correlate(picture, error)
        kernel -= learning_rate * gradient


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
    size: Pair, kernel_size: int = 3, channels_in: int = 1, channels_out: int = 1
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


def _views(image: np.ndarray, shifts: Sequence[tuple[int, int]], border: str) -> list[np.ndarray]:
    """The picture moved by each of the shifts, all of one size."""
    if border not in BORDERS:
        raise ValueError(f"border is one of {', '.join(BORDERS)}; received {border!r}.")
    if border != "real":
        return [shift(image, dy, dx, border) for dy, dx in shifts]
    down, right = zip(*shifts, strict=True)
    top, left = max(0, *down), max(0, *right)  # room for what moves down or to the right comes from above and the left
    height, width = image.shape[0] - top + min(0, *down), image.shape[1] - left + min(0, *right)
    if height < 1 or width < 1:
        raise ValueError(
            f"An image of {image.shape[0]} × {image.shape[1]} leaves no room for shifts of {min(0, *down)} to {top} "
            f"pixels downwards and {min(0, *right)} to {left} to the right; expected a larger image or smaller shifts."
        )
    return [image[top - dy : top - dy + height, left - dx : left - dx + width] for dy, dx in shifts]


def _carried_back(
    moved: np.ndarray, reference: np.ndarray, shift: tuple[int, int], stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """Undo the shift of a representation, in cells; return it and the reference where both are there."""
    for axis, pixels in enumerate(shift):
        whole, rest = divmod(pixels, stride)  # whole is rounded down, 0 <= rest < stride
        length, reach = reference.shape[axis], whole + (rest > 0)
        start, stop = max(0, -whole), min(length, length - reach)
        if stop <= start:
            raise ValueError(
                f"After a shift of {pixels} pixels nothing is left to compare in a map of {length} cells of {stride} "
                f"{'pixel' if stride == 1 else 'pixels'}."
            )
        near = _cells(moved, axis, start + whole, stop + whole)
        if rest:
            far, share = _cells(moved, axis, start + reach, stop + reach), rest / stride
            moved = (1 - share) * near + share * far
        else:
            moved = near
        reference = _cells(reference, axis, start, stop)
    return moved, reference


def _cells(image: np.ndarray, axis: int, start: int, stop: int) -> np.ndarray:
    return image[start:stop] if axis == 0 else image[:, start:stop]
