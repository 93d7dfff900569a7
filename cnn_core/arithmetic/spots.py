"""A place in a picture that is followed from map to map: where it is, and which unit is nearest to it.

Along an axis a pixel p covers what lies from p to p + 1, so that a window's middle is a number with a half.
"""

import math
import re
from dataclasses import dataclass

MILLE = 1000
_TEXT = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
Pair = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Spot:
    """A place in a picture, whatever its size.

    Attributes:
        down: Per mille of the height, from the top; 0 to 1000.
        right: Per mille of the width, from the left; 0 to 1000.

    Example:
        >>> Spot.read("412.305"), Spot.read("412"), Spot.read("412.1305"), Spot(412, 305).text
        (Spot(down=412, right=305), None, None, '412.305')
    """

    down: int
    right: int

    @classmethod
    def read(cls, text: str) -> "Spot | None":
        """Return what a link says; None if that is no place."""
        found = _TEXT.fullmatch(text)
        if found is None or max(int(each) for each in found.groups()) > MILLE:
            return None
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def at(cls, point: Point, shape: tuple[int, ...]) -> "Spot":
        """Return the place of a point.

        Args:
            point: Down and right, in pixels.
            shape: Height and width of the picture; beyond its border it is the border.

        Example:
            >>> Spot.at((0.5, 150.0), (100, 100))
            Spot(down=5, right=1000)
        """
        down, right = (
            round(MILLE * min(1.0, max(0.0, each / length))) for each, length in zip(point, shape, strict=False)
        )
        return cls(down, right)

    @property
    def text(self) -> str:
        """As a link says it."""
        return f"{self.down}.{self.right}"

    def point(self, shape: tuple[int, ...]) -> Point:
        """Return where it is in a picture of this height and width, in pixels."""
        return self.down / MILLE * shape[0], self.right / MILLE * shape[1]

    def pixel(self, shape: tuple[int, ...]) -> Pair:
        """Return the row and column in which it is.

        Example:
            >>> Spot(1000, 500).pixel((10, 10))
            (9, 5)
        """
        down, right = (min(length - 1, int(each)) for each, length in zip(self.point(shape), shape, strict=False))
        return down, right


@dataclass(frozen=True)
class Windows:
    """How the units of a map look at what is below them, along both axes; pixels are those of that.

    Attributes:
        count: Rows and columns of units.
        span: Pixels that one sees, from its first to its last.
        stride: From one to the next.
        before: Padding above and left.
    """

    count: Pair
    span: Pair
    stride: Pair = (1, 1)
    before: Pair = (0, 0)

    def centre(self, unit: Pair) -> Point:
        """Return the middle of what a unit sees.

        Example:
            >>> Windows((4, 4), (3, 3), (2, 2), (1, 1)).centre((0, 1))
            (0.5, 2.5)
        """
        down, right = (
            at * stride - before + span / 2
            for at, stride, before, span in zip(unit, self.stride, self.before, self.span, strict=True)
        )
        return down, right

    def nearest(self, point: Point) -> Pair:
        """Return the unit whose window's middle is nearest to a point, of two as near the later one.

        Example:
            >>> windows = Windows((4, 4), (3, 3), (2, 2), (1, 1))
            >>> windows.nearest((0.5, 2.5)), windows.nearest((99.0, 3.5))
            ((0, 1), (3, 2))
        """
        row, column = (
            min(count - 1, max(0, math.floor((each + before - span / 2) / stride + 0.5)))
            for each, count, before, span, stride in zip(
                point, self.count, self.before, self.span, self.stride, strict=True
            )
        )
        return row, column
