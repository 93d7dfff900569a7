"""Feature maps as pictures: uint8 arrays for `st.image`, quicker than a heatmap."""

import functools
import io

import numpy as np
from PIL import Image

from cnn_core.arithmetic.written import minus
from cnn_core.figures.palette import LIGHT, Palette, rgb

_STEPS = 1000  # colours of either sign: more than a screen tells apart, and a table is quicker than the sum
_NEXT_TO_0 = 0.05  # of the strongest: to the eye it is the paper


@functools.cache
def _colours(negative: str, zero: str, positive: str) -> np.ndarray:
    low, middle, high = (np.array(rgb(colour), np.float64) for colour in (negative, zero, positive))
    scale = [np.linspace(low, middle, _STEPS + 1)[:-1], np.linspace(middle, high, _STEPS + 1)]
    return np.round(np.concatenate(scale)).astype(np.uint8)


def signed(
    feature_map: np.ndarray, limit: float | None = None, palette: Palette = LIGHT, *, of_weights: bool = False
) -> tuple[np.ndarray, float]:
    """Colour a map: 0 is the paper it lies on, red positive, blue negative; of weights green and brown.

    Args:
        feature_map: `(H, W)`.
        limit: Value of the full colour; by default the 99.5th percentile of the absolute values, so that one bright
            cell does not pale all others.
        palette: Of the theme.
        of_weights: Colour it as weights.

    Returns:
        uint8 `(H, W, 3)` and the limit.

    Example:
        >>> picture, limit = signed(np.array([[-2.0, 0.0, 2.0]]), limit=2.0)
        >>> picture.tolist()
        [[[33, 102, 172], [250, 250, 247], [178, 24, 43]]]
    """
    if limit is None:
        limit = float(np.percentile(np.abs(feature_map), 99.5)) or float(np.abs(feature_map).max()) or 1.0
    steps = np.rint(np.clip(feature_map / limit, -1, 1) * _STEPS).astype(np.intp)
    ends = (palette.weight_negative, palette.weight_positive) if of_weights else (palette.negative, palette.positive)
    return _colours(ends[0], palette.paper, ends[1])[steps + _STEPS], limit


def said(feature_map: np.ndarray) -> str:
    """Say what a map shows, for who does not see it: its range, where it is strongest, how much of it is next to 0.

    Args:
        feature_map: `(H, W)`.

    Example:
        >>> said(np.array([[0.0, 0.0, 4.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]))
        'from −1 to 4, strongest at the top right, 78% next to 0'
        >>> said(np.zeros((2, 2)))
        '0 everywhere'
    """
    sizes = np.abs(feature_map)
    if not sizes.max():
        return "0 everywhere"
    row, column = np.unravel_index(sizes.argmax(), sizes.shape)
    vertical = ("top", "middle", "bottom")[3 * int(row) // sizes.shape[0]]
    across = ("left", "centre", "right")[3 * int(column) // sizes.shape[1]]
    share = 100 * float((sizes < _NEXT_TO_0 * sizes.max()).mean())
    between = minus(f"from {feature_map.min():.3g} to {feature_map.max():.3g}")
    return f"{between}, strongest at the {vertical} {across}, {share:.0f}% next to 0"


def grey(image: np.ndarray) -> np.ndarray:
    """Stretch a map to 0..255, uint8 `(H, W)`; one of a single value becomes mid-grey.

    Example:
        >>> grey(np.array([[1.0, 2.0, 3.0]])).tolist()
        [[0, 128, 255]]
    """
    low, high = float(image.min()), float(image.max())
    if high == low:
        return np.full(image.shape, 128, np.uint8)
    return np.round(255 * (image - low) / (high - low)).astype(np.uint8)


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """Repeat pixels so that the longer side is about `side`; a small map stays sharp on the screen."""
    factor = max(1, side // max(image.shape[:2]))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def png(picture: np.ndarray) -> bytes:
    """Return a uint8 picture, `(H, W)` or `(H, W, 3)`, as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
