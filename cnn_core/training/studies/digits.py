"""The handwritten digits that ship: 1,797 pictures of 8 × 8 pixels, and how a drawing is made like them. Light.

Source:
    scikit-learn `load_digits`: the test part of UCI's Optical Recognition of Handwritten Digits (Alpaydin & Kaynak
    1998, CC BY 4.0): bitmaps of 32 × 32, normalised to the digit's extent; each number counts the ink of 4 × 4 pixels.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageFilter

from cnn_core.pictures import bundled

SIDE = 8
_TRAINING_PICTURES = 1438  # of 1,797; the rest is for testing
_BITMAP = 32
_INK = 0.3  # of a picture, on average and much the same for every digit: the strokes are thick
_PURPOSE_SEED = 0  # of the division into training and testing, the same in every study


class DrawingRefused(ValueError):
    """A drawing that no digit can be made of; the text says what to do."""


@dataclass(frozen=True)
class Digits:
    """Training and test pictures, float32 `(N, H, W, 1)`, and their digits, int32 `(N,)`.

    `test_indices` are the places of the test pictures in `load_digits`.
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    test_indices: np.ndarray


@cache
def _original() -> tuple[np.ndarray, np.ndarray]:
    ink, labels = bundled.digits()
    return (ink / 16).astype(np.float32), labels.astype(np.int32)


def digits(size: int = SIDE, border: int = 0) -> Digits:
    """Return the digits, ink 0 to 1, always divided in the same way.

    Args:
        size: Pixels along each side, enlarged from 8 by bicubic interpolation.
        border: Pixels without ink that are added on every side.

    Returns:
        1,438 training and 359 test pictures of `(size + 2 · border)` pixels along each side. The people who wrote them
        are not told apart in the source, so that the same hand is in both parts.

    Example:
        >>> found = digits(28, border=2)
        >>> found.train.shape, found.test.shape, float(found.train.max())
        ((1438, 32, 32, 1), (359, 32, 32, 1), 1.0)
    """
    ink, labels = _original()
    order = np.random.default_rng(_PURPOSE_SEED).permutation(len(ink))
    large = np.stack([enlarged(picture, size) for picture in ink])
    large = np.pad(large, ((0, 0), (border, border), (border, border)))[..., None]
    train, test = np.split(order, [_TRAINING_PICTURES])
    return Digits(large[train], labels[train], large[test], labels[test], test)


@dataclass(frozen=True)
class Nearest:
    """The training picture of one digit that is most like a drawing: its ink, and the distance (Euclidean)."""

    digit: int
    pixels: np.ndarray
    distance: float


def nearest_seen(small: np.ndarray) -> list[Nearest]:
    """Return for each digit the training picture that is most like a drawing, as `like_the_digits` returns it.

    Example:
        >>> found = nearest_seen(digits().train[3, ..., 0])
        >>> min(found, key=lambda each: each.distance).digit == int(digits().train_labels[3])
        True
    """
    data = digits()
    distances = np.linalg.norm((data.train[..., 0] - small).reshape(len(data.train), -1), axis=1)
    found = []
    for digit in range(10):
        of = np.flatnonzero(data.train_labels == digit)
        best = int(of[distances[of].argmin()])
        found.append(Nearest(digit, data.train[best, ..., 0], float(distances[best])))
    return found


@cache
def usual_distance() -> float:
    """Return how near the nearest training picture lies for 99 of 100 test pictures; what lies farther is new."""
    data = digits()
    train, test = (part.reshape(len(part), -1).astype(np.float64) for part in (data.train, data.test))
    squared = (test**2).sum(1)[:, None] + (train**2).sum(1) - 2 * test @ train.T
    return float(np.percentile(np.sqrt(np.maximum(squared, 0)).min(axis=1), 99))


def enlarged(ink: np.ndarray, size: int) -> np.ndarray:
    """Return one picture `(H, W)` of ink 0 to 1 at `size` × `size`, bicubic; overshoots are cut off."""
    if ink.shape == (size, size):
        return ink.astype(np.float32)
    resized = Image.fromarray(ink.astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized, np.float32), 0, 1)


def standardised(data: Digits) -> Digits:
    """Return the digits without the mean training picture, as in He et al. 2016, and in units of its deviation."""
    mean, deviation = data.train.mean(axis=0), data.train.std()
    train, test = (((part - mean) / deviation).astype(np.float32) for part in (data.train, data.test))
    return Digits(train, data.train_labels, test, data.test_labels, data.test_indices)


def like_the_digits(drawing: np.ndarray) -> np.ndarray:
    """Return a drawing as the digits were made: cut to its ink, 32 × 32, strokes as thick as theirs, 4 × 4 counted.

    Args:
        drawing: float `(H, W)`, 0 (paper) to 1 (ink), of any size.

    Returns:
        float32 `(8, 8)`, 0 to 1.

    Raises:
        DrawingRefused: If it is no such array, or has no ink.

    Example:
        >>> drawing = np.zeros((100, 60))
        >>> drawing[20:80, 30:34] = 1.0  # a thin vertical stroke
        >>> like_the_digits(drawing)[4].round(1).tolist()
        [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    """
    if drawing.ndim != 2 or not np.isfinite(drawing).all() or drawing.min() < 0 or drawing.max() > 1:
        raise DrawingRefused(f"A drawing is rows and columns of ink from 0 to 1; received an array {drawing.shape}.")
    rows, columns = np.nonzero(drawing > 0.1)
    if not len(rows):
        raise DrawingRefused("The drawing has no ink. Draw a digit first.")
    cut = drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    missing = [max(cut.shape) - n for n in cut.shape]
    square = np.pad(cut, [(n // 2, n - n // 2) for n in missing])
    grey = Image.fromarray(np.round(255 * square).astype(np.uint8))
    bitmap = grey.resize((_BITMAP, _BITMAP), Image.Resampling.BOX)
    while np.asarray(bitmap, np.float32).mean() < 0.75 * 255 * _INK:
        bitmap = bitmap.filter(ImageFilter.MaxFilter(3))
    small = np.asarray(bitmap, np.float32).reshape(SIDE, _BITMAP // SIDE, SIDE, _BITMAP // SIDE).mean(axis=(1, 3))
    return small / 255
