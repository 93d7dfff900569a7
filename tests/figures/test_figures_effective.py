"""The picture under a unit's gradient: red where it listens, a frame about what it can see, in either theme."""

import numpy as np
import pytest

from cnn_core.figures.effective import listened
from cnn_core.figures.palette import DARK, LIGHT, Palette, rgb


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_a_unit_is_red_where_it_listens_and_framed_where_it_can_see(palette: Palette) -> None:
    grey, gradient = np.full((96, 96, 3), 100, np.uint8), np.zeros((96, 96))
    gradient[50, 46], gradient[51, 47] = 1, 0.25
    shown = listened(grey, gradient, 2, (40, 59, 40, 59), palette)
    assert shown.shape == (480, 480, 3)  # 48 pixels about the middle of the box, 10 times as large
    cells = shown.reshape(48, 10, 48, 10, 3)[:, 5, :, 5]  # the middle of each
    red = np.array(rgb(palette.positive))
    assert np.abs(cells[24, 20] - (0.05 * 100 + 0.95 * red)).max() <= 0.5, "row 50 is the 25th from 26 on"
    assert np.abs(cells[25, 21] - (0.4 * 100 + 0.6 * red)).max() <= 0.5, "by the root of its gradient"
    assert (cells == 100).all(axis=2).sum() == 48 * 48 - 2, "all else is the picture, without its colours"
    frame = (shown == rgb(palette.selection)).all(axis=2)
    assert frame.sum() == 4 * 3 * 200 - 4 * 9, "three pixels wide, within the 20 pixels that it can see"
    rows, columns = np.nonzero(frame)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (140, 339, 140, 339)


def test_a_unit_that_listens_to_nothing_is_framed_all_the_same() -> None:
    shown = listened(np.zeros((96, 96, 3), np.uint8), np.zeros((96, 96)), 0, (0, 7, 40, 47))
    assert set(map(tuple, shown.reshape(-1, 3))) == {(0, 0, 0), rgb(LIGHT.selection)}
