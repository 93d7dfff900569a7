"""Where a window can stand on an image: padding, output size, and the arguments of all operations checked once."""

import operator
from collections.abc import Iterator

import numpy as np

from cnn_core.arithmetic import geometry
from cnn_core.arithmetic.geometry import Window

IntOrPair = int | tuple[int, int]
Padding = str | int | tuple[int, int]

PADDINGS = ("valid", "same", "full")
EDGES = ("zero", "reflect")  # what lies beyond the border: nothing, or the image mirrored at its outermost pixels


# How large, and what lies beyond the border --------------------------------------------------------------------------


def paddings(
    input_size: int, kernel_size: int, stride: int = 1, padding: str | int = "valid", dilation: int = 1
) -> tuple[int, int]:
    """Return how many pixels are added along one axis, before and after.

    As `geometry.padding_amounts`, and full: k_eff - 1 each.

    Args:
        input_size: Length of the image, in pixels.
        kernel_size: Length of the kernel, in cells; with its dilation it spans k_eff = k + (k - 1)(d - 1) pixels.
        stride: Step, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.

    Returns:
        Pixels before and after, at least 0 each.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> paddings(224, kernel_size=3, stride=2, padding="same")  # the odd pixel goes after
        (0, 1)

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 2; `same` as TensorFlow and Keras define it.
    """
    if padding == "full":
        return (effective_size(kernel_size, dilation) - 1,) * 2
    return geometry.padding_amounts(input_size, Window(kernel_size, stride, padding, dilation))


def output_size(
    input_size: int, kernel_size: int, stride: int = 1, padding: str | int = "valid", dilation: int = 1
) -> int:
    """Return the length of the output along one axis.

    As `geometry.output_size`, which knows no `full`.

    Args:
        input_size: Length of the image, in pixels.
        kernel_size: Length of the kernel, in cells.
        stride: Step, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.

    Returns:
        Length in cells; at least 1.

    Raises:
        ValueError: If the kernel does not fit into the image.

    Example:
        >>> output_size(227, kernel_size=11, stride=4)  # AlexNet conv1
        55

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 2.
    """
    sides = paddings(input_size, kernel_size, stride, padding, dilation)
    return geometry.output_size(input_size, Window(kernel_size, stride, sides, dilation))


def pad(
    image: np.ndarray,
    kernel_size: IntOrPair,
    stride: IntOrPair = 1,
    padding: Padding = "same",
    dilation: IntOrPair = 1,
    edge: str = "zero",
) -> np.ndarray:
    """Return the image with the border that a kernel of this size would read.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel_size: Height and width of the kernel, in cells.
        stride: Step, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.
        edge: `"zero"`, or `"reflect"`: mirrored at the outermost pixel, which is not repeated.

    Returns:
        `(H + added, W + added)`, with the channels if there are any.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> pad(np.array([[1, 2, 3]]), kernel_size=(1, 3), edge="reflect")
        array([[2., 1., 2., 3., 2.]])
    """
    image = as_image(image)
    if edge not in EDGES:
        raise ValueError(f"edge is one of {', '.join(EDGES)}; received {edge!r}.")
    width = border_widths(image, as_pair(kernel_size, "kernel_size"), as_pair(stride, "stride"), padding, dilation)
    return np.pad(image, width) if edge == "zero" else np.pad(image, width, mode="reflect")


# Arguments, checked once ---------------------------------------------------------------------------------------------


def effective_size(kernel_size: int, dilation: int) -> int:
    """k_eff: the pixels between the first and the last cell of a dilated kernel, both included."""
    return Window(kernel_size, dilation=dilation).span


def size_text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def as_pair(value: object, name: str, least: int = 1) -> tuple[int, int]:
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


def as_stride(stride: IntOrPair | None, window: IntOrPair) -> tuple[int, int]:
    return as_pair(window if stride is None else stride, "stride")


def as_image(image: np.ndarray) -> np.ndarray:
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


def as_kernel(kernel: np.ndarray, image: np.ndarray) -> np.ndarray:
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


def border_widths(
    image: np.ndarray, kernel_size: tuple[int, int], stride: tuple[int, int], padding: Padding, dilation: IntOrPair = 1
) -> list[tuple[int, int]]:
    """The pixels to add before and after, for each axis of the image."""
    if isinstance(padding, str):
        if padding not in PADDINGS:
            raise ValueError(f"padding is one of {', '.join(PADDINGS)} or a number of pixels; received {padding!r}.")
        sides: tuple[str | int, str | int] = (padding, padding)
    else:
        sides = as_pair(padding, "padding", least=0)
    holes = as_pair(dilation, "dilation")
    axes = (paddings(*axis) for axis in zip(image.shape[:2], kernel_size, stride, sides, holes, strict=True))
    return [*axes, (0, 0)][: image.ndim]


def pad_with(
    image: np.ndarray, window: tuple[int, int], stride: tuple[int, int], padding: Padding, value: float
) -> np.ndarray:
    """The image with a border of this value, if the window fits and always sees at least one pixel of the image."""
    borders = border_widths(image, window, stride, padding)
    padded = np.pad(image, borders, constant_values=value)
    if any(k > n for k, n in zip(window, padded.shape, strict=False)):
        raise ValueError(
            f"A window of {size_text(window)} does not fit into an image of {size_text(image.shape[:2])} with padding "
            f"{padding!r}; expected an image of at least {size_text(window)}, padding included."
        )
    if any(max(border) >= k for border, k in zip(borders, window, strict=False) if max(border)):
        raise ValueError(
            f"With padding {padding!r} a window of {size_text(window)} would see nothing but padding; expected padding "
            "smaller than the window."
        )
    return padded


def shifted_views(
    padded: np.ndarray, kernel_size: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """For each cell of the kernel: what it sees at all positions at once, a view of `(H', W')` or `(H', W', C)`."""
    (kernel_height, kernel_width), (down, right), (gap_down, gap_right) = kernel_size, stride, dilation
    height = padded.shape[0] - effective_size(kernel_height, gap_down) + 1
    width = padded.shape[1] - effective_size(kernel_width, gap_right) + 1
    for a in range(kernel_height):
        for b in range(kernel_width):
            top, left = a * gap_down, b * gap_right
            yield (a, b), padded[top : top + height : down, left : left + width : right]


def window_sum(padded: np.ndarray, window: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    views = shifted_views(padded, window, stride)
    total = next(views)[1].copy()
    for _, pixels in views:
        total += pixels
    return total
