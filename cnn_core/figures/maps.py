"""Feature maps as pictures: uint8 arrays for `st.image`, quicker than a heatmap, and the legend that goes with them."""

import io

import numpy as np
from PIL import Image

_NEGATIVE, _ZERO, _POSITIVE = (np.array(rgb, np.float64) for rgb in ((33, 102, 172), (247, 247, 247), (178, 24, 43)))
_STEPS = 1000  # colours of either sign: more than a screen tells apart, and a table is quicker than the sum
_COLOURS = np.round(
    np.concatenate([np.linspace(_NEGATIVE, _ZERO, _STEPS + 1)[:-1], np.linspace(_ZERO, _POSITIVE, _STEPS + 1)])
).astype(np.uint8)


def signed(feature_map: np.ndarray, limit: float | None = None) -> tuple[np.ndarray, float]:
    """Colour a map: white is 0, red positive, blue negative.

    Args:
        feature_map: `(H, W)`.
        limit: Value of the full colour; by default the 99.5th percentile of the absolute values, so that one bright
            cell does not pale all others.

    Returns:
        uint8 `(H, W, 3)` and the limit.

    Example:
        >>> picture, limit = signed(np.array([[-2.0, 0.0, 2.0]]), limit=2.0)
        >>> picture.tolist()
        [[[33, 102, 172], [247, 247, 247], [178, 24, 43]]]
    """
    if limit is None:
        limit = float(np.percentile(np.abs(feature_map), 99.5)) or float(np.abs(feature_map).max()) or 1.0
    steps = np.rint(np.clip(feature_map / limit, -1, 1) * _STEPS).astype(np.intp)
    return _COLOURS[steps + _STEPS], limit


def legend(width: int = 256, height: int = 10) -> np.ndarray:
    """Return the colour scale from −limit to +limit, uint8 `(height, width, 3)`."""
    return signed(np.tile(np.linspace(-1, 1, width), (height, 1)), limit=1.0)[0]


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
