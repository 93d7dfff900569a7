"""A followed place: said by a link, and found again by brute force in whatever looks at the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from cnn_core.arithmetic.geometry import Window, output_size, padding_amounts
from cnn_core.arithmetic.spots import Spot, Windows
from cnn_core.figures.spots import around, ringed
from cnn_core.pictures.picture import framed, square


@pytest.mark.parametrize(
    "text", ["", "1", "1.2.3", "-1.2", "1001.0", "0.1001", "1e2.3", "٣.1", " 1.2", "nan.nan", "9.99999"]
)
def test_what_is_no_place_is_none(text: str) -> None:
    assert Spot.read(text) is None


@given(some.integers(0, 1000), some.integers(0, 1000))
def test_link_says_the_place(down: int, right: int) -> None:
    assert Spot.read(Spot(down, right).text) == Spot(down, right)


@given(some.integers(1, 900), some.integers(1, 900), some.data())
def test_pixel_is_found_again(height: int, width: int, data: some.DataObject) -> None:
    row, column = data.draw(some.integers(0, height - 1)), data.draw(some.integers(0, width - 1))
    assert Spot.at((row + 0.5, column + 0.5), (height, width)).pixel((height, width)) == (row, column)


@given(
    some.integers(12, 256),
    some.builds(
        Window, some.integers(1, 5), some.integers(1, 4), some.sampled_from(["valid", "same"]), some.integers(1, 2)
    ),
    some.floats(0, 1),
)
def test_nearest_unit_is_that_of_brute_force(side: int, window: Window, share: float) -> None:
    count, (before, _) = output_size(side, window), padding_amounts(side, window)
    windows = Windows((count, count), (window.span,) * 2, (window.stride,) * 2, (before,) * 2)
    point = share * side
    pixels = [np.arange(window.span) + unit * window.stride - before for unit in range(count)]
    middles = np.array([(seen + 0.5).mean() for seen in pixels])
    row, column = windows.nearest((point, point))
    assert row == column
    assert abs(middles[row] - point) == pytest.approx(np.abs(middles - point).min())
    assert windows.centre((row, column)) == pytest.approx((middles[row], middles[row]))


def test_frame_is_what_is_cut() -> None:
    shape = (300, 451)
    height, width, top, left = framed(shape, 224, 0.875)
    white = np.zeros((*shape, 3), np.uint8)
    row, column = 130, 260
    white[row - 4 : row + 5, column - 4 : column + 5] = 255
    found = square(white, 224, 0.875)[..., 0].astype(float)
    middle = np.array(np.nonzero(found > 127)).mean(axis=1) + 0.5
    expected = ((row + 0.5) / 300 * height - top, (column + 0.5) / 451 * width - left)
    assert middle == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (3, 3), (1, 400, 3)])
def test_ring_is_about_the_place_and_leaves_it_free(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 90, np.uint8)
    drawn = ringed(picture, (shape[0] / 2, shape[1] / 2))
    assert drawn.shape == (*shape[:2], 3) and (picture == 90).all()
    if min(shape[:2]) > 10:
        assert (drawn[shape[0] // 2, shape[1] // 2] == 90).all() and (drawn != 90).any()


@pytest.mark.parametrize("spot", [Spot(0, 0), Spot(1000, 1000), Spot(500, 500)])
@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 300, 3), (100, 80, 3)])
def test_what_is_around_is_a_picture_at_each_border(spot: Spot, shape: tuple[int, ...]) -> None:
    assert around(np.full(shape, 7, np.uint8), spot, 40).startswith(b"\xff\xd8\xff")
