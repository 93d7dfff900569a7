"""Sheets of tiles: what is decoded is what was laid, tile by tile."""

import io

import numpy as np
import pytest
from PIL import Image

from cnn_core.figures.maps import signed
from cnn_core.figures.mosaic import Sheet, sheet, sheet_of
from cnn_core.figures.palette import DARK, LIGHT, Palette


def tile(laid: Sheet, number: int) -> Image.Image:
    """Cut a tile out of the file, as the browser does."""
    picture = Image.open(io.BytesIO(laid.png))
    row, column = divmod(number, laid.across)
    left, top = column * (laid.cell[0] + laid.gap), row * (laid.cell[1] + laid.gap)
    return picture.convert("RGBA").crop((left, top, left + laid.cell[0], top + laid.cell[1]))


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(("count", "columns", "gap"), [(1, 8, 1), (7, 3, 1), (8, 4, 2), (5, 5, 0)])
def test_tile_of_a_sheet_is_its_map_in_the_colours_of_maps(
    palette: Palette, weights: bool, count: int, columns: int, gap: int
) -> None:
    codes = np.random.default_rng(count).integers(1, 256, (count, 5, 4), np.uint8)
    laid = sheet(codes, columns, gap=gap, palette=palette, of_weights=weights)
    assert (laid.across, laid.down) == (min(columns, count), -(-count // columns))
    width, height = Image.open(io.BytesIO(laid.png)).size
    assert (width, height) == (laid.across * (4 + gap) - gap, laid.down * (5 + gap) - gap)
    for number in range(count):
        expected, _ = signed((codes[number].astype(float) - 128) / 127, 1.0, palette, of_weights=weights)
        found = np.asarray(tile(laid, number))
        assert np.array_equal(found[..., :3], expected)
        assert (found[..., 3] == 255).all()


def test_what_lies_between_tiles_lets_the_page_through() -> None:
    laid = sheet(np.full((3, 4, 4), 255, np.uint8), 2)
    pixels = np.asarray(Image.open(io.BytesIO(laid.png)).convert("RGBA"))
    assert (pixels[:, 4, 3] == 0).all() and (pixels[4, :, 3] == 0).all()
    assert (pixels[5:, 5:, 3] == 0).all(), "the place without a tile"


def test_a_sheet_of_codes_is_a_third_of_one_in_colours() -> None:
    codes = np.random.default_rng(0).integers(1, 256, (24, 28, 28), np.uint8)
    colours = [signed((each.astype(float) - 128) / 127, 1.0)[0] for each in codes]
    assert len(sheet(codes, 6).png) < 0.45 * len(sheet_of(colours, 6).png)


def test_sheet_of_pictures_holds_their_pixels() -> None:
    pictures = list(np.random.default_rng(1).integers(0, 256, (5, 3, 6, 3), np.uint8))
    laid = sheet_of(pictures, 2, palette=DARK)
    for number, picture in enumerate(pictures):
        assert np.array_equal(np.asarray(tile(laid, number))[..., :3], picture)


def test_what_is_no_tile_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected codes of maps, uint8 \(n, h, w\); received float64 \(2, 3, 3\)\."):
        sheet(np.zeros((2, 3, 3)), 2)
    with pytest.raises(ValueError, match=r"all of one size; received \[\(2, 2, 3\), \(3, 2, 3\)\]"):
        sheet_of([np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)], 2)
