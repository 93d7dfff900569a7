"""Many small pictures of one size in one PNG: one image to send and to decode, however many maps a layer has.

Maps come as codes of one byte. The codes *are* the pixels, and the theme is the palette of the file: nothing is
coloured, and a sheet takes a third of the bytes of red, green and blue.
"""

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cnn_core.arithmetic.codes import ZERO
from cnn_core.figures.maps import signed
from cnn_core.figures.palette import LIGHT, Palette, rgb

GAP = 0  # the code of what lies between two tiles: nothing, so the paper is seen


@dataclass(frozen=True)
class Sheet:
    """Tiles of one size, row by row, in one picture.

    Attributes:
        png: The picture, a file.
        across: Tiles in a row.
        down: Rows of tiles.
        cell: Width and height of a tile, in pixels of the picture.
        gap: Pixels between two tiles.
    """

    png: bytes
    across: int
    down: int
    cell: tuple[int, int]
    gap: int


def sheet(
    codes: np.ndarray, columns: int, *, gap: int = 1, palette: Palette = LIGHT, of_weights: bool = False
) -> Sheet:
    """Lay coded maps side by side; 0 is the paper they lie on, as in `maps.signed`.

    Args:
        codes: uint8 `(n, h, w)`: 128 is 0, 1 and 255 full colour below and above.
        columns: Tiles in a row.
        gap: Pixels between two tiles.
        palette: Of the theme.
        of_weights: Colour them as weights.

    Raises:
        ValueError: If these are no codes of at least one map.

    Example:
        >>> laid = sheet(np.full((5, 7, 7), 128, np.uint8), columns=3)
        >>> laid.across, laid.down, laid.cell, laid.gap
        (3, 2, (7, 7), 1)
    """
    if codes.dtype != np.uint8 or codes.ndim != 3 or not codes.size:
        raise ValueError(f"Expected codes of maps, uint8 (n, h, w); received {codes.dtype} {codes.shape}.")
    laid, down = _laid(codes, columns, gap, GAP)
    picture = Image.fromarray(laid)
    picture.putpalette(_palette(palette, of_weights))
    columns = min(columns, len(codes))
    return Sheet(_png(picture, transparency=GAP), columns, down, (codes.shape[2], codes.shape[1]), gap)


def sheet_of(pictures: Sequence[np.ndarray], columns: int, *, gap: int = 1, palette: Palette = LIGHT) -> Sheet:
    """Lay coloured pictures side by side.

    Args:
        pictures: uint8 `(h, w, 3)`, of one size.
        columns: Tiles in a row.
        gap: Pixels between two tiles, the paper of the theme.
        palette: Of the theme.

    Raises:
        ValueError: If they are not of one size.

    Example:
        >>> sheet_of([np.zeros((4, 6, 3), np.uint8)] * 3, columns=2).cell
        (6, 4)
    """
    sizes = {picture.shape for picture in pictures}
    if len(sizes) != 1:
        raise ValueError(f"Expected at least one picture, all of one size; received {sorted(sizes)}.")
    tiles = np.stack(list(pictures))
    laid, down = _laid(tiles, columns, gap, np.array(rgb(palette.paper), np.uint8))
    return Sheet(_png(Image.fromarray(laid)), min(columns, len(tiles)), down, (tiles.shape[2], tiles.shape[1]), gap)


def _laid(tiles: np.ndarray, columns: int, gap: int, between: np.ndarray | int) -> tuple[np.ndarray, int]:
    """Tiles `(n, h, w, ...)` as one picture, and how many rows of them."""
    number, height, width, *colours = tiles.shape
    columns = min(columns, number)
    rows = -(-number // columns)
    padded = np.empty((rows * columns, height + gap, width + gap, *colours), np.uint8)
    padded[:] = between
    padded[:number, :height, :width] = tiles
    grid = padded.reshape(rows, columns, height + gap, width + gap, *colours).swapaxes(1, 2)
    whole = grid.reshape(rows * (height + gap), columns * (width + gap), *colours)
    return whole[: whole.shape[0] - gap, : whole.shape[1] - gap], rows


@functools.cache
def _palette(palette: Palette, of_weights: bool) -> bytes:
    """The colour of each of the 256 codes."""
    values = (np.arange(256) - ZERO) / (255 - ZERO)
    return signed(values[None], 1.0, palette, of_weights=of_weights)[0].tobytes()


def _png(picture: Image.Image, **more: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=4, **more)
    return buffer.getvalue()
