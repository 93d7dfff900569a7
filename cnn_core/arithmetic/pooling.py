"""Pooling in NumPy: one number for each window. Conventions as in `convolution`, which offers all of it."""

import numpy as np

from cnn_core.arithmetic.windows import (
    IntOrPair,
    Padding,
    as_image,
    as_pair,
    as_stride,
    border_widths,
    pad_with,
    shifted_views,
    size_text,
    window_sum,
)

# Pooling -------------------------------------------------------------------------------------------------------------


def max_pool(
    image: np.ndarray, window: IntOrPair, stride: IntOrPair | None = None, padding: Padding = "valid"
) -> np.ndarray:
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
    image, window, stride = as_image(image), as_pair(window, "window"), as_stride(stride, window)
    padded = pad_with(image, window, stride, padding, -np.inf)
    views = shifted_views(padded, window, stride)
    pooled = next(views)[1].copy()
    for _, pixels in views:
        np.maximum(pooled, pixels, out=pooled)
    return pooled


def max_pool_argmax(
    image: np.ndarray, window: IntOrPair, stride: IntOrPair | None = None, padding: Padding = "valid"
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
    image, window, stride = as_image(image), as_pair(window, "window"), as_stride(stride, window)
    padded = pad_with(image, window, stride, padding, -np.inf)
    cells, views = zip(*((cell, view) for cell, view in shifted_views(padded, window, stride)), strict=True)
    stack = np.stack(views)  # (window cells, H', W') or (window cells, H', W', C)
    winner = stack.argmax(axis=0)
    (above, _), (before, _) = border_widths(image, window, stride, padding)[:2]
    tops = np.arange(stack.shape[1]) * stride[0] - above
    lefts = np.arange(stack.shape[2]) * stride[1] - before
    trailing = (None,) * (image.ndim - 2)
    rows = tops[(slice(None), None, *trailing)] + np.array(cells)[winner, 0]
    columns = lefts[(None, slice(None), *trailing)] + np.array(cells)[winner, 1]
    return np.take_along_axis(stack, winner[None], axis=0)[0], rows, columns


def average_pool(
    image: np.ndarray, window: IntOrPair, stride: IntOrPair | None = None, padding: Padding = "valid"
) -> np.ndarray:
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
    image, window, stride = as_image(image), as_pair(window, "window"), as_stride(stride, window)
    pixels = window_sum(pad_with(np.ones_like(image), window, stride, padding, 0), window, stride)
    return window_sum(pad_with(image, window, stride, padding, 0), window, stride) / pixels


def l2_pool(
    image: np.ndarray, window: IntOrPair, stride: IntOrPair | None = None, padding: Padding = "valid"
) -> np.ndarray:
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
    image, window, stride = as_image(image), as_pair(window, "window"), as_stride(stride, window)
    return np.sqrt(window_sum(pad_with(image * image, window, stride, padding, 0), window, stride))


def global_average_pool(image: np.ndarray) -> np.ndarray:
    """Average each channel over all positions: `(H, W)` -> `()`, `(H, W, C)` -> `(C,)`, whatever the size.

    Example:
        >>> float(global_average_pool(np.array([[1, 2], [3, 6]])))
        3.0

    Source:
        Lin, Chen & Yan 2014, arXiv:1312.4400, section 3.2.
    """
    image = as_image(image)
    return np.asarray(image.mean(axis=(0, 1), dtype=np.float64).astype(image.dtype))


def global_max_pool(image: np.ndarray) -> np.ndarray:
    """Keep the largest value of each channel: `(H, W)` -> `()`, `(H, W, C)` -> `(C,)`, whatever the size.

    Example:
        >>> float(global_max_pool(np.array([[1, 2], [3, 6]])))
        6.0

    Source:
        Oquab et al. 2015, CVPR.
    """
    return np.asarray(as_image(image).max(axis=(0, 1)))


def unpool(
    pooled: np.ndarray,
    shape: tuple[int, int],
    window: IntOrPair,
    stride: IntOrPair | None = None,
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
    pooled, window = as_image(pooled), as_pair(window, "window")
    stride = as_stride(stride, window)
    canvas = np.zeros((*shape, *pooled.shape[2:]), pooled.dtype)
    padded = pad_with(canvas, window, stride, padding, 0)
    sizes = tuple((n - k) // s + 1 for n, k, s in zip(padded.shape, window, stride, strict=False))
    if sizes != pooled.shape[:2]:
        expected, received = size_text(sizes), size_text(pooled.shape[:2])
        raise ValueError(f"An image of {size_text(shape)} is pooled to {expected}; received a map of {received}.")
    if winners is not None:
        rows, columns = winners
        channels = (np.broadcast_to(np.arange(n), pooled.shape) for n in pooled.shape[2:])
        canvas[(rows, columns, *channels)] = pooled
        return canvas
    count = np.zeros_like(padded)
    for (_, values), (_, windows) in zip(
        shifted_views(padded, window, stride), shifted_views(count, window, stride), strict=True
    ):  # each cell of all windows at once: the views write through
        values += pooled
        windows += 1
    (above, _), (before, _) = border_widths(canvas, window, stride, padding)[:2]
    inside = (slice(above, above + shape[0]), slice(before, before + shape[1]))
    return padded[inside] / np.maximum(count[inside], 1)
