"""What a convolution and a pooling layer compute, in NumPy, written to be read beside the formula.

Images are `(H, W)` or `(H, W, C)`. float32 and float64 are kept; whole numbers and booleans become float64, so that
uint8 pixels do not overflow; float16 becomes float32. Nothing is written into what was passed in.

Padding is `"valid"` (none), `"same"` (as Keras: the output has ceil(n / stride) cells, and where the padding is odd
its extra pixel goes below and to the right), `"full"` (every position where kernel and image overlap), or the number of
pixels on each side. Strides, dilations and paddings are whole numbers or pairs (rows, columns).
"""

import operator
from collections.abc import Iterator

import numpy as np

Pair = int | tuple[int, int]
Padding = str | int | tuple[int, int]

PADDINGS = ("valid", "same", "full")
EDGES = ("zero", "reflect")  # what lies beyond the border: nothing, or the image mirrored at its outermost pixels


# How large, and what lies beyond the border --------------------------------------------------------------------------


def paddings(
    size: int, kernel_size: int, stride: int = 1, padding: str | int = "valid", dilation: int = 1
) -> tuple[int, int]:
    """Return how many pixels are added along one axis, before and after.

    same: p = max((ceil(n / s) - 1) s + k_eff - n, 0), floor(p / 2) before, the rest after; full: k_eff - 1 each.

    Args:
        size: Length of the image, in pixels.
        kernel_size: Length of the kernel, in cells; with its dilation it spans k_eff = k + (k - 1)(d - 1) pixels.
        stride: Step, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.

    Returns:
        Pixels before and after, at least 0 each.

    Raises:
        ValueError: If the padding is none of these.

    Example:
        >>> paddings(224, kernel_size=3, stride=2, padding="same")  # the odd pixel goes after
        (0, 1)

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 2; `same` as TensorFlow and Keras define it.
    """
    span = _span(kernel_size, dilation)
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return span - 1, span - 1
    if padding == "same":
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        return total // 2, total - total // 2
    (pixels, _) = _pair(padding, "padding", least=0)
    return pixels, pixels


def output_size(size: int, kernel_size: int, stride: int = 1, padding: str | int = "valid", dilation: int = 1) -> int:
    """Return the length of the output along one axis.

    floor((n + p_before + p_after - k_eff) / s) + 1

    Args:
        size: Length of the image, in pixels.
        kernel_size: Length of the kernel, in cells.
        stride: Step, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.

    Returns:
        Length in cells; 0 or less if the kernel does not fit.

    Example:
        >>> output_size(227, kernel_size=11, stride=4)  # AlexNet conv1
        55

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 2.
    """
    padded = size + sum(paddings(size, kernel_size, stride, padding, dilation))
    return (padded - _span(kernel_size, dilation)) // stride + 1


def pad(
    image: np.ndarray,
    kernel_size: Pair,
    stride: Pair = 1,
    padding: Padding = "same",
    dilation: Pair = 1,
    mode: str = "zero",
) -> np.ndarray:
    """Return the image with the border that a kernel of this size would read.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel_size: Height and width of the kernel, in cells.
        stride: Step, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.
        mode: `"zero"`, or `"reflect"`: mirrored at the outermost pixel, which is not repeated.

    Returns:
        `(H + added, W + added)`, with the channels if there are any.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> pad(np.array([[1, 2, 3]]), kernel_size=(1, 3), mode="reflect")
        array([[2., 1., 2., 3., 2.]])
    """
    image = _image(image)
    if mode not in EDGES:
        raise ValueError(f"The edge mode is one of {', '.join(EDGES)}; received {mode!r}.")
    width = _borders(image, _pair(kernel_size, "kernel_size"), _pair(stride, "stride"), padding, dilation)
    return np.pad(image, width) if mode == "zero" else np.pad(image, width, mode="reflect")


def prepare(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    edge: str = "zero",
) -> tuple[np.ndarray, np.ndarray, tuple[int, int], tuple[int, int]]:
    """Check the arguments of a convolution and bring them into one form.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel: As for `cross_correlate`.
        stride: Step between two positions, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.
        edge: What padding is made of, `"zero"` or `"reflect"`.

    Returns:
        The padded image (with a channel axis if the kernel has one), the kernel in the image's type, and stride and
        dilation as pairs.

    Raises:
        ValueError: If the kernel does not fit into the padded image, in size or in channels.

    Example:
        >>> prepare(np.ones((5, 5)), np.ones((3, 3)), padding="same")[0].shape
        (7, 7)
    """
    image = _image(image)
    kernel = _kernel(np.asarray(kernel), image)
    if image.ndim == 2 and kernel.ndim > 2:
        image = image[:, :, None]  # (H, W) -> (H, W, 1)
    size = (kernel.shape[0], kernel.shape[1])
    steps, holes = _pair(stride, "stride"), _pair(dilation, "dilation")
    padded = pad(image, size, steps, padding, holes, edge)
    span = (_span(size[0], holes[0]), _span(size[1], holes[1]))
    if span[0] > padded.shape[0] or span[1] > padded.shape[1]:
        spanning = "" if span == size else f", spanning {_by(span)} with its dilation,"
        raise ValueError(
            f"A kernel of {_by(size)}{spanning} does not fit into an image of {_by(image.shape[:2])} with padding "
            f"{padding!r}; expected an image of at least {_by(span)}, padding included."
        )
    return padded, kernel, steps, holes


# Convolution ---------------------------------------------------------------------------------------------------------


def cross_correlate(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    *,
    edge: str = "zero",
) -> np.ndarray:
    """Slide a kernel over an image: what deep-learning libraries call a convolution.

    out[i, j] = Σ_a Σ_b kernel[a, b] · image[i s + a d, j s + b d]

    Computed as written, but one kernel cell at a time for all outputs at once: k² multiplications of whole images.

    Args:
        image: `(H, W)` or `(H, W, C)`; a 2-D image counts as one channel.
        kernel: `(kh, kw)`, laid on each channel by itself; `(kh, kw, C)`, summed over the channels;
            or `(kh, kw, C, filters)`, one output channel a filter.
        stride: Step between two positions, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.
        edge: What padding is made of, `"zero"` or `"reflect"`.

    Returns:
        `(H', W')` of one channel, `(H', W', C)` of a 2-D kernel on channels, `(H', W', filters)` of a 4-D one.

    Raises:
        ValueError: If the kernel does not fit into the padded image, in size or in channels.

    Example:
        >>> cross_correlate(np.array([[0, 0, 1, 1, 0, 0]]), np.array([[-1, 0, 1]]))
        array([[ 1.,  1., -1., -1.]])

    Source:
        Goodfellow, Bengio & Courville 2016, Deep Learning, equation 9.6.
    """
    padded, kernel, steps, holes = prepare(image, kernel, stride, padding, dilation, edge)
    feature_map: np.ndarray | None = None
    for (a, b), pixels in _shifted(padded, kernel.shape[:2], steps, holes):  # pixels: (H', W') or (H', W', C)
        weighted = pixels * kernel[a, b] if kernel.ndim == 2 else pixels @ kernel[a, b]
        feature_map = weighted if feature_map is None else np.add(feature_map, weighted, out=feature_map)
    assert feature_map is not None  # a kernel has at least one cell
    return feature_map


def convolve(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    *,
    edge: str = "zero",
) -> np.ndarray:
    """Convolve in the sense of mathematics: the kernel is turned by 180° first.

    out[i, j] = Σ_a Σ_b kernel[a, b] · image[i s + (k - 1 - a) d, j s + (k - 1 - b) d]

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel: As for `cross_correlate`; only its rows and columns are turned.
        stride: Step between two positions, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.
        edge: What padding is made of, `"zero"` or `"reflect"`.

    Returns:
        As `cross_correlate`.

    Raises:
        ValueError: If the kernel does not fit into the padded image, in size or in channels.

    Example:
        >>> convolve(np.array([[0, 0, 1, 0, 0]]), np.array([[1, 2, 3]]))  # a single point brings out the kernel itself
        array([[1., 2., 3.]])

    Source:
        Goodfellow, Bengio & Courville 2016, Deep Learning, equation 9.5.
    """
    turned = np.flip(kernel, (0, 1)[: np.ndim(kernel)])  # a kernel without columns is refused in its own words
    return cross_correlate(image, turned, stride, padding, dilation, edge=edge)


def cross_correlate_loop(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    *,
    edge: str = "zero",
) -> np.ndarray:
    """Slide a kernel over an image one position at a time: slow and obvious, the measure of `cross_correlate`.

    Args:
        image: `(H, W)`.
        kernel: `(kh, kw)`.
        stride: Step between two positions, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.
        edge: What padding is made of, `"zero"` or `"reflect"`.

    Returns:
        `(H', W')`.

    Raises:
        ValueError: If the kernel does not fit into the padded image, or either is not 2-D.

    Example:
        >>> cross_correlate_loop(np.array([[0, 0, 1, 1, 0, 0]]), np.array([[-1, 0, 1]]))
        array([[ 1.,  1., -1., -1.]])
    """
    if np.ndim(image) != 2 or np.ndim(kernel) != 2:
        raise ValueError(
            f"The loop takes a 2-D image and a 2-D kernel; received {np.shape(image)} and {np.shape(kernel)}."
        )
    padded, kernel, (down, right), (gap_down, gap_right) = prepare(image, kernel, stride, padding, dilation, edge)
    span_down, span_right = _span(kernel.shape[0], gap_down), _span(kernel.shape[1], gap_right)
    rows = []
    for top in range(0, padded.shape[0] - span_down + 1, down):
        row = []
        for left in range(0, padded.shape[1] - span_right + 1, right):
            seen = padded[top : top + span_down : gap_down, left : left + span_right : gap_right]  # under the kernel
            row.append((seen * kernel).sum())
        rows.append(row)
    return np.array(rows, padded.dtype)


def relu(image: np.ndarray) -> np.ndarray:
    """Return the image with everything below zero set to zero.

    Example:
        >>> relu(np.array([[-2.0, 3.0]]))
        array([[0., 3.]])
    """
    return np.maximum(image, 0)


def grey(image: np.ndarray) -> np.ndarray:
    """Return the brightness of a picture: 0.299 R + 0.587 G + 0.114 B.

    Args:
        image: `(H, W, 3)`, or `(H, W)`, which is grey already.

    Returns:
        `(H, W)`, in the range of the picture.

    Raises:
        ValueError: If the image has other than three channels.

    Example:
        >>> grey(np.full((1, 2, 3), 100, np.uint8))
        array([[100., 100.]])

    Source:
        ITU-R BT.601, luma; as Pillow converts to "L".
    """
    image = _image(image)
    if image.ndim == 2:
        return image
    if image.shape[2] != 3:
        raise ValueError(f"A picture has three channels, (H, W, 3); received {image.shape}.")
    return image @ np.array([0.299, 0.587, 0.114], image.dtype)


# Pooling -------------------------------------------------------------------------------------------------------------


def max_pool(image: np.ndarray, window: Pair, stride: Pair | None = None, padding: Padding = "valid") -> np.ndarray:
    """Keep the largest value of each window, in each channel by itself.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        window: Height and width of the window, in pixels.
        stride: Step between two windows; by default the window, so that none overlap.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side, fewer than the window. Padding never wins.

    Returns:
        `(H', W')`, with the channels if there are any.

    Raises:
        ValueError: If the window does not fit into the image.

    Example:
        >>> max_pool(np.array([[1, 2, 0, 0], [3, 4, 0, 5]]), window=2)
        array([[4., 5.]])

    Source:
        Zhou & Chellappa 1988; as `keras.ops.max_pool`.
    """
    image, window, stride = _image(image), _pair(window, "window"), _stride(stride, window)
    padded = _pad_with(image, window, stride, padding, -np.inf)
    views = _shifted(padded, window, stride)
    pooled = next(views)[1].copy()
    for _, pixels in views:
        np.maximum(pooled, pixels, out=pooled)
    return pooled


def max_pool_argmax(
    image: np.ndarray, window: Pair, stride: Pair | None = None, padding: Padding = "valid"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Max-pool and say which pixel won each window; of equal ones the first, read row by row.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        window: Height and width of the window, in pixels.
        stride: Step between two windows; by default the window.
        padding: As for `max_pool`.

    Returns:
        The pooled map, and the row and the column of each winner in the image; three arrays of one shape.

    Raises:
        ValueError: If the window does not fit into the image.

    Example:
        >>> pooled, rows, columns = max_pool_argmax(np.array([[1, 2, 0, 0], [3, 4, 0, 5]]), window=2)
        >>> rows, columns
        (array([[1, 1]]), array([[1, 3]]))

    Source:
        Zeiler & Fergus 2014, arXiv:1311.2901, section 2.1 ("switches").
    """
    image, window, stride = _image(image), _pair(window, "window"), _stride(stride, window)
    padded = _pad_with(image, window, stride, padding, -np.inf)
    cells, views = zip(*((cell, view) for cell, view in _shifted(padded, window, stride)), strict=True)
    stack = np.stack(views)  # (window cells, H', W') or (window cells, H', W', C)
    winner = stack.argmax(axis=0)
    (above, _), (before, _) = _borders(image, window, stride, padding)[:2]
    tops = np.arange(stack.shape[1]) * stride[0] - above
    lefts = np.arange(stack.shape[2]) * stride[1] - before
    trailing = (None,) * (image.ndim - 2)
    rows = tops[(slice(None), None, *trailing)] + np.array(cells)[winner, 0]
    columns = lefts[(None, slice(None), *trailing)] + np.array(cells)[winner, 1]
    return np.take_along_axis(stack, winner[None], axis=0)[0], rows, columns


def average_pool(image: np.ndarray, window: Pair, stride: Pair | None = None, padding: Padding = "valid") -> np.ndarray:
    """Average each window, in each channel by itself. Only pixels of the image count, not those of the padding.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        window: Height and width of the window, in pixels.
        stride: Step between two windows; by default the window.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side, fewer than the window.

    Returns:
        `(H', W')`, with the channels if there are any.

    Raises:
        ValueError: If the window does not fit into the image.

    Example:
        >>> average_pool(np.array([[2, 4, 9]]), window=(1, 2), padding="same")  # the 9 is not averaged with padding
        array([[3., 9.]])

    Source:
        LeCun et al. 1990 (sub-sampling); as `keras.ops.average_pool`.
    """
    image, window, stride = _image(image), _pair(window, "window"), _stride(stride, window)
    pixels = _window_sum(_pad_with(np.ones_like(image), window, stride, padding, 0), window, stride)
    return _window_sum(_pad_with(image, window, stride, padding, 0), window, stride) / pixels


def l2_pool(image: np.ndarray, window: Pair, stride: Pair | None = None, padding: Padding = "valid") -> np.ndarray:
    """Take the length of each window as a vector: the root of the sum of its squares, in each channel by itself.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        window: Height and width of the window, in pixels.
        stride: Step between two windows; by default the window.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side, fewer than the window.

    Returns:
        `(H', W')`, with the channels if there are any. A window of n equal pixels v gives v √n.

    Raises:
        ValueError: If the window does not fit into the image.

    Example:
        >>> l2_pool(np.array([[3, 4], [0, 0]]), window=2)
        array([[5.]])

    Source:
        Sermanet, Chintala & LeCun 2012, arXiv:1204.3968 (Lp pooling, p = 2, without weights).
    """
    image, window, stride = _image(image), _pair(window, "window"), _stride(stride, window)
    return np.sqrt(_window_sum(_pad_with(image * image, window, stride, padding, 0), window, stride))


def global_average_pool(image: np.ndarray) -> np.ndarray:
    """Average each channel over all positions: `(H, W)` -> `()`, `(H, W, C)` -> `(C,)`, whatever the size.

    Example:
        >>> float(global_average_pool(np.array([[1, 2], [3, 6]])))
        3.0

    Source:
        Lin, Chen & Yan 2014, arXiv:1312.4400, section 3.2.
    """
    image = _image(image)
    return np.asarray(image.mean(axis=(0, 1), dtype=np.float64).astype(image.dtype))


def global_max_pool(image: np.ndarray) -> np.ndarray:
    """Keep the largest value of each channel: `(H, W)` -> `()`, `(H, W, C)` -> `(C,)`, whatever the size.

    Example:
        >>> float(global_max_pool(np.array([[1, 2], [3, 6]])))
        6.0

    Source:
        Oquab et al. 2015, CVPR.
    """
    return np.asarray(_image(image).max(axis=(0, 1)))


def blur_pool(image: np.ndarray, stride: int = 2, size: int = 3) -> np.ndarray:
    """Blur, then keep every `stride`-th pixel, so that what is too fine for the smaller grid does not alias.

    After a max-pool of stride 1 this is Zhang's anti-aliased max-pool; after a convolution of stride 1, his strided
    convolution.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        stride: Every how many pixels one is kept.
        size: Of the binomial filter, in pixels: 3 is [1, 2, 1] / 4 in both directions.

    Returns:
        `(ceil(H / stride), ceil(W / stride))`, with the channels if there are any. The border is reflected.

    Raises:
        ValueError: If the stride or the size is no positive whole number.

    Example:
        >>> blur_pool(np.array([[0, 0, 8, 0, 0]] * 5))
        array([[0., 4., 0.],
               [0., 4., 0.],
               [0., 4., 0.]])

    Source:
        Zhang 2019, arXiv:1904.11486, section 3.2.
    """
    bordered = pad(image, size, padding="same", mode="reflect")  # as before a filter of stride 1
    return cross_correlate(bordered, binomial(size), stride)


def binomial(size: int) -> np.ndarray:
    """Return the blur filter of a row of Pascal's triangle: sum 1, close to a Gaussian of variance (size - 1) / 4.

    Args:
        size: Height and width.

    Returns:
        float64 `(size, size)`.

    Raises:
        ValueError: If the size is no positive whole number.

    Example:
        >>> binomial(3) * 16
        array([[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]])
    """
    size, _ = _pair(size, "size")
    row = np.ones(1)
    for _ in range(size - 1):
        row = np.convolve(row, [0.5, 0.5])
    return np.outer(row, row)


def unpool(
    pooled: np.ndarray,
    shape: tuple[int, int],
    window: Pair,
    stride: Pair | None = None,
    padding: Padding = "valid",
    winners: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Undo a max-pool as well as it can be done.

    With the winners' places each value goes back to its pixel and all others are 0. Without them nobody knows where in
    its window a value stood: it fills the window (where windows overlap, their average; 0 where there was none).

    Args:
        pooled: `(H', W')` or `(H', W', C)`.
        shape: Height and width to return.
        window: Of the pooling.
        stride: Of the pooling; by default the window.
        padding: Of the pooling.
        winners: Rows and columns from `max_pool_argmax`.

    Returns:
        `(H, W)`, with the channels if there are any.

    Raises:
        ValueError: If an image of this shape is not pooled to a map of this size.

    Example:
        >>> pooled, *winners = max_pool_argmax(np.array([[1, 2], [7, 3]]), window=2)
        >>> unpool(pooled, (2, 2), window=2, winners=tuple(winners))
        array([[0., 0.],
               [7., 0.]])
        >>> unpool(pooled, (2, 2), window=2)
        array([[7., 7.],
               [7., 7.]])

    Source:
        Zeiler & Fergus 2014, arXiv:1311.2901, section 2.1.
    """
    pooled, window = _image(pooled), _pair(window, "window")
    stride = _stride(stride, window)
    canvas = np.zeros((*shape, *pooled.shape[2:]), pooled.dtype)
    padded = _pad_with(canvas, window, stride, padding, 0)
    sizes = tuple((n - k) // s + 1 for n, k, s in zip(padded.shape, window, stride, strict=False))
    if sizes != pooled.shape[:2]:
        expected, received = _by(sizes), _by(pooled.shape[:2])
        raise ValueError(f"An image of {_by(shape)} is pooled to {expected}; received a map of {received}.")
    if winners is not None:
        rows, columns = winners
        channels = (np.broadcast_to(np.arange(n), pooled.shape) for n in pooled.shape[2:])
        canvas[(rows, columns, *channels)] = pooled
        return canvas
    count = np.zeros_like(padded)
    for (_, values), (_, windows) in zip(
        _shifted(padded, window, stride), _shifted(count, window, stride), strict=True
    ):  # each cell of all windows at once: the views write through
        values += pooled
        windows += 1
    (above, _), (before, _) = _borders(canvas, window, stride, padding)[:2]
    inside = (slice(above, above + shape[0]), slice(before, before + shape[1]))
    return padded[inside] / np.maximum(count[inside], 1)


# Arguments, checked once ---------------------------------------------------------------------------------------------


def _span(kernel_size: int, dilation: int) -> int:
    """k_eff: the pixels between the first and the last cell of a dilated kernel, both included."""
    return kernel_size + (kernel_size - 1) * (dilation - 1)


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _pair(value: object, name: str, least: int = 1) -> tuple[int, int]:
    """A whole number or a pair of them, as a pair (rows, columns)."""
    try:
        values = value if isinstance(value, tuple) else (value, value)
        if any(isinstance(number, bool) for number in values):
            raise TypeError
        down, right = (operator.index(number) for number in values)
        if min(down, right) < least:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} is a whole number of at least {least} or a pair of them; received {value!r}."
        ) from None
    return down, right


def _stride(stride: Pair | None, window: Pair) -> tuple[int, int]:
    return _pair(window if stride is None else stride, "stride")


def _image(image: np.ndarray) -> np.ndarray:
    """The image as floating-point numbers."""
    image = np.asarray(image)
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError(f"An image is (H, W) or (H, W, C) and not empty; received shape {image.shape}.")
    if image.dtype == np.float16:
        return image.astype(np.float32)
    if image.dtype in (np.float32, np.float64):
        return image
    if image.dtype.kind not in "biu":
        raise ValueError(f"An image is made of real numbers; received {image.dtype}.")
    return image.astype(np.float64)


def _kernel(kernel: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The kernel in the image's type, if it fits the image's channels."""
    if kernel.ndim not in (2, 3, 4) or not kernel.size or kernel.dtype.kind not in "biuf":
        raise ValueError(
            "A kernel is (kh, kw), (kh, kw, channels) or (kh, kw, channels, filters), of real numbers and not empty; "
            f"received {kernel.dtype} of shape {kernel.shape}."
        )
    channels = image.shape[2] if image.ndim == 3 else 1
    if kernel.ndim > 2 and kernel.shape[2] != channels:
        raise ValueError(
            f"The kernel of shape {kernel.shape} reads {kernel.shape[2]} channels and the image of shape {image.shape} "
            f"has {channels}; expected a kernel (kh, kw), (kh, kw, {channels}) or (kh, kw, {channels}, filters)."
        )
    return kernel.astype(image.dtype, copy=False)


def _borders(
    image: np.ndarray, kernel_size: tuple[int, int], stride: tuple[int, int], padding: Padding, dilation: Pair = 1
) -> list[tuple[int, int]]:
    """The pixels to add before and after, for each axis of the image."""
    if isinstance(padding, str):
        if padding not in PADDINGS:
            raise ValueError(f"padding is one of {', '.join(PADDINGS)} or a number of pixels; received {padding!r}.")
        sides: tuple[str | int, str | int] = (padding, padding)
    else:
        sides = _pair(padding, "padding", least=0)
    holes = _pair(dilation, "dilation")
    axes = (paddings(*axis) for axis in zip(image.shape[:2], kernel_size, stride, sides, holes, strict=True))
    return [*axes, (0, 0)][: image.ndim]


def _pad_with(
    image: np.ndarray, window: tuple[int, int], stride: tuple[int, int], padding: Padding, value: float
) -> np.ndarray:
    """The image with a border of this value, if the window fits and always sees at least one pixel of the image."""
    borders = _borders(image, window, stride, padding)
    padded = np.pad(image, borders, constant_values=value)
    if any(k > n for k, n in zip(window, padded.shape, strict=False)):
        raise ValueError(
            f"A window of {_by(window)} does not fit into an image of {_by(image.shape[:2])} with padding {padding!r}; "
            f"expected an image of at least {_by(window)}, padding included."
        )
    if any(max(border) >= k for border, k in zip(borders, window, strict=False) if max(border)):
        raise ValueError(
            f"With padding {padding!r} a window of {_by(window)} would see nothing but padding; expected padding "
            "smaller than the window."
        )
    return padded


def _shifted(
    padded: np.ndarray, kernel_size: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """For each cell of the kernel: what it sees at all positions at once, a view of `(H', W')` or `(H', W', C)`."""
    (kernel_height, kernel_width), (down, right), (gap_down, gap_right) = kernel_size, stride, dilation
    height = padded.shape[0] - _span(kernel_height, gap_down) + 1
    width = padded.shape[1] - _span(kernel_width, gap_right) + 1
    for a in range(kernel_height):
        for b in range(kernel_width):
            top, left = a * gap_down, b * gap_right
            yield (a, b), padded[top : top + height : down, left : left + width : right]


def _window_sum(padded: np.ndarray, window: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    views = _shifted(padded, window, stride)
    total = next(views)[1].copy()
    for _, pixels in views:
        total += pixels
    return total
