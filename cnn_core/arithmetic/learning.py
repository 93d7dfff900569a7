"""Learning a kernel by gradient descent, from a picture and the filtered picture alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnn_core.arithmetic.convolution import cross_correlate


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
        >>> from cnn_core.arithmetic.kernels import PRESETS
        >>> picture = np.random.default_rng(0).random((32, 32))
        >>> *_, last = learn_kernel(picture, PRESETS["sobel_x"].kernel())
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
