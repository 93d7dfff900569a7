"""A followed place on pictures: a ring about it, and what is right around it."""

import io

import numpy as np
from PIL import Image, ImageDraw

from cnn_core.arithmetic.spots import Point, Spot
from cnn_core.figures.palette import DARK, LIGHT, rgb

_RADIUS = 0.045  # of the longer side
_LEAST = 4  # pixels
_AROUND = 5  # part of the shorter side that is shown of what is around it
_QUALITY = 88  # of a JPEG


def ringed(picture: np.ndarray, point: Point) -> np.ndarray:
    """Draw a ring about a point, light within dark, so that it is seen on any picture.

    Args:
        picture: uint8 `(H, W)` or `(H, W, 3)`.
        point: Down and right, in its pixels.

    Returns:
        uint8 `(H, W, 3)`.

    Example:
        >>> drawn = ringed(np.zeros((100, 100), np.uint8), (50.0, 50.0))
        >>> drawn.shape, drawn[50, 50].tolist(), bool(drawn[50, 40:60].any())
        ((100, 100, 3), [0, 0, 0], True)
    """
    image = Image.fromarray(picture).convert("RGB")
    radius = max(_LEAST, _RADIUS * max(image.size))
    pen, draw = max(1, round(radius / 5)), ImageDraw.Draw(image)
    down, right = point
    for more, width, colour in ((pen, 3 * pen, LIGHT.ink), (0, pen, DARK.selection)):
        around = radius + more
        box = (right - around, down - around, right + around, down + around)
        draw.ellipse(box, outline=rgb(colour), width=width)
    return np.asarray(image)


def around(picture: np.ndarray, spot: Spot, side: int) -> bytes:
    """Return what is right around a place, with the ring.

    Args:
        picture: uint8 `(H, W, 3)`.
        spot: The place; near a border it is not in the middle.
        side: Of what is returned, in pixels.

    Returns:
        A JPEG file, `(side, side)`.
    """
    wanted = max(1, min(picture.shape[:2]) // _AROUND)
    point = spot.point(picture.shape)
    tops = [
        min(max(0, round(each - wanted / 2)), length - wanted)
        for each, length in zip(point, picture.shape, strict=False)
    ]
    part = picture[tops[0] : tops[0] + wanted, tops[1] : tops[1] + wanted]
    shown = np.asarray(Image.fromarray(part).resize((side, side), Image.Resampling.BILINEAR))
    where = tuple((each - top) * side / wanted for each, top in zip(point, tops, strict=True))
    buffer = io.BytesIO()
    Image.fromarray(ringed(shown, (where[0], where[1]))).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
