"""Pictures of a network's inside: its first kernels, and what of the picture a unit can see."""

import numpy as np

from cnn_core.arithmetic.geometry import Field, unit_interval
from cnn_core.figures.maps import enlarged
from cnn_core.figures.palette import LIGHT, Palette, rgb

_GAP = 2  # pixels between two tiles
_PATCH = 32  # pixels of the picture that are shown of a unit at least, along an axis
_BEYOND = 127  # grey beyond the picture's border: what a network that scales to −1 … 1 has there, zero


def kernels(weights: np.ndarray, columns: int, side: int = 44) -> np.ndarray:
    """Lay the kernels of a first layer side by side; middle grey is 0, and each reaches full colour by itself.

    Args:
        weights: `(kh, kw, C, n)`, C 3 (shown as red, green and blue) or 1.
        columns: Kernels in a row.
        side: Pixels of a kernel, about.

    Returns:
        uint8 `(H, W, 3)`.

    Example:
        >>> kernels(np.ones((3, 3, 3, 32)), columns=8).shape  # four rows of eight, 42 + 2 · 2 pixels each
        (184, 368, 3)
    """
    tiles = []
    for kernel in np.moveaxis(weights, 3, 0):
        limit = float(np.abs(kernel).max()) or 1.0
        tile = np.round(127.5 + 127.5 * kernel / limit).astype(np.uint8)
        tile = tile if tile.shape[2] == 3 else tile[..., :1].repeat(3, axis=2)
        tiles.append(_framed(enlarged(tile, side), (128, 128, 128)))
    return _laid(tiles, columns)


def patch(image: np.ndarray, field: Field | None, row: int, column: int, palette: Palette = LIGHT) -> np.ndarray:
    """Cut out what a unit can see; of a small field with what is about it, and a frame.

    Args:
        image: uint8 `(S, S, 3)`, as the network saw it.
        field: Of the unit's map, along both axes; None where it sees all.
        row: Of the unit.
        column: Of the unit.
        palette: Of the theme: the selection frames what it can see.

    Returns:
        uint8 `(k, k, 3)`, grey beyond the picture's border; the whole picture if the field is not smaller.

    Example:
        >>> image = np.zeros((64, 64, 3), np.uint8)
        >>> patch(image, Field(40, 4, 4), 0, 5).shape, patch(image, Field(80, 4, 4), 0, 5).shape
        ((40, 40, 3), (64, 64, 3))
        >>> patch(image, Field(4, 2, 0), 0, 5).shape  # 32 pixels, each as 4 × 4
        (128, 128, 3)
    """
    if field is None or field.padding is None or field.size >= len(image):
        return image
    reach = max(0, -(-(_PATCH - field.size) // 2))  # pixels about the field
    wide = np.pad(image, [(len(image), len(image))] * 2 + [(0, 0)], constant_values=_BEYOND)
    first = [len(image) + unit_interval(field, place)[0] - reach for place in (row, column)]
    side = field.size + 2 * reach
    shown = wide[first[0] : first[0] + side, first[1] : first[1] + side]
    if not reach:
        return shown
    shown = enlarged(shown, 4 * side)
    frame = slice(4 * reach - _GAP, 4 * (reach + field.size) + _GAP)
    shown[frame, frame] = _framed(shown[frame, frame], rgb(palette.selection), inside=True)
    return shown


def _framed(tile: np.ndarray, colour: tuple[int, int, int], inside: bool = False) -> np.ndarray:
    """A picture with a frame round it, or on its own border."""
    height, width = (size - 2 * _GAP * inside for size in tile.shape[:2])
    framed = np.empty((height + 2 * _GAP, width + 2 * _GAP, 3), np.uint8)
    framed[:] = colour
    if height > 0 and width > 0:
        framed[_GAP:-_GAP, _GAP:-_GAP] = tile[_GAP:-_GAP, _GAP:-_GAP] if inside else tile
    return framed[: tile.shape[0], : tile.shape[1]] if inside else framed


def _laid(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    """Tiles of one size in rows; what is missing in the last row is middle grey."""
    blank = np.full_like(tiles[0], 128)
    padded = tiles + [blank] * (-len(tiles) % columns)
    return np.concatenate([np.concatenate(padded[n : n + columns], 1) for n in range(0, len(padded), columns)])
