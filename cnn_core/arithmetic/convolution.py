"""What a convolution and a pooling layer compute, in NumPy, written to be read beside the formula.

Images are `(H, W)` or `(H, W, C)`. float32 and float64 are kept; whole numbers and booleans become float64, so that
uint8 pixels do not overflow; float16 becomes float32. Nothing is written into what was passed in.

Padding is `"valid"` (none), `"same"` (as Keras: the output has ceil(n / stride) cells, and where the padding is odd
its extra pixel goes below and to the right), `"full"` (every position where kernel and image overlap), or the number of
pixels on each side. Strides, dilations and paddings are whole numbers or pairs (rows, columns).
"""

import numpy as np

from cnn_core.arithmetic.pooling import (
    average_pool,
    global_average_pool,
    global_max_pool,
    l2_pool,
    max_pool,
    max_pool_argmax,
    unpool,
)
from cnn_core.arithmetic.windows import (
    IntOrPair,
    Padding,
    as_image,
    as_kernel,
    as_pair,
    effective_size,
    output_size,
    pad,
    paddings,
    shifted_views,
    size_text,
)

__all__ = [
    "IntOrPair",
    "Padding",
    "average_pool",
    "binomial",
    "blur_pool",
    "convolve",
    "cross_correlate",
    "cross_correlate_loop",
    "global_average_pool",
    "global_max_pool",
    "grey",
    "l2_pool",
    "max_pool",
    "max_pool_argmax",
    "output_size",
    "pad",
    "paddings",
    "prepare",
    "relu",
    "unpool",
]


def prepare(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: IntOrPair = 1,
    padding: Padding = "valid",
    dilation: IntOrPair = 1,
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
    image = as_image(image)
    kernel = as_kernel(np.asarray(kernel), image)
    if image.ndim == 2 and kernel.ndim > 2:
        image = image[:, :, None]  # (H, W) -> (H, W, 1)
    size = (kernel.shape[0], kernel.shape[1])
    steps, holes = as_pair(stride, "stride"), as_pair(dilation, "dilation")
    padded = pad(image, size, steps, padding, holes, edge)
    span = (effective_size(size[0], holes[0]), effective_size(size[1], holes[1]))
    if span[0] > padded.shape[0] or span[1] > padded.shape[1]:
        spanning = "" if span == size else f", spanning {size_text(span)} with its dilation,"
        raise ValueError(
            f"A kernel of {size_text(size)}{spanning} does not fit into an image of {size_text(image.shape[:2])} "
            f"with padding {padding!r}; expected an image of at least {size_text(span)}, padding included."
        )
    return padded, kernel, steps, holes


# Convolution ---------------------------------------------------------------------------------------------------------


def cross_correlate(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: IntOrPair = 1,
    padding: Padding = "valid",
    dilation: IntOrPair = 1,
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
    for (a, b), pixels in shifted_views(padded, kernel.shape[:2], steps, holes):  # pixels: (H', W') or (H', W', C)
        weighted = pixels * kernel[a, b] if kernel.ndim == 2 else pixels @ kernel[a, b]
        feature_map = weighted if feature_map is None else np.add(feature_map, weighted, out=feature_map)
    assert feature_map is not None  # a kernel has at least one cell
    return feature_map


def convolve(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: IntOrPair = 1,
    padding: Padding = "valid",
    dilation: IntOrPair = 1,
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
    stride: IntOrPair = 1,
    padding: Padding = "valid",
    dilation: IntOrPair = 1,
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
    span_down, span_right = effective_size(kernel.shape[0], gap_down), effective_size(kernel.shape[1], gap_right)
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
    image = as_image(image)
    if image.ndim == 2:
        return image
    if image.shape[2] != 3:
        raise ValueError(f"A picture has three channels, (H, W, 3); received {image.shape}.")
    return image @ np.array([0.299, 0.587, 0.114], image.dtype)


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
    bordered = pad(image, size, padding="same", edge="reflect")  # as before a filter of stride 1
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
    size, _ = as_pair(size, "size")
    row = np.ones(1)
    for _ in range(size - 1):
        row = np.convolve(row, [0.5, 0.5])
    return np.outer(row, row)
