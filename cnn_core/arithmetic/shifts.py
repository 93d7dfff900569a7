"""What a shift of the picture does to a feature map, to a pooled map and to their summaries: measured, not asserted.

Two words are kept apart. *Equivariant*: when the picture moves, the map moves along. *Invariant*: it does not change.
Both are numbers here, relative L2 errors: ‖a − b‖ / ‖b‖.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cnn_core.arithmetic.convolution import (
    IntOrPair,
    average_pool,
    binomial,
    cross_correlate,
    global_average_pool,
    max_pool,
    relu,
)

FILLS = ("reflect", "zero", "wrap")  # what comes in where a picture moves out of the way
_BORDERS = ("real", *FILLS)  # "real": the window moves over a larger picture, so that nothing is made up

_TO_THE_RIGHT = tuple((0, pixels) for pixels in range(9))

SOBEL_X = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def shift(image: np.ndarray, dy: int, dx: int, fill: str = "reflect") -> np.ndarray:
    """Return the image moved by whole pixels within its frame.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        dy: Pixels downwards; negative is upwards.
        dx: Pixels to the right; negative is to the left.
        fill: What comes in: `"reflect"` (mirrored at the border), `"zero"`, or `"wrap"` (what went out on the other
            side).

    Returns:
        The same shape and type.

    Raises:
        ValueError: If the fill is none of these.

    Example:
        >>> image = np.array([[1, 2, 3, 4]])
        >>> [shift(image, 0, 1, fill).tolist() for fill in ("reflect", "zero", "wrap")]
        [[[2, 1, 2, 3]], [[0, 1, 2, 3]], [[4, 1, 2, 3]]]
    """
    if fill not in FILLS:
        raise ValueError(f"fill is one of {', '.join(FILLS)}; received {fill!r}.")
    if fill == "wrap":
        return np.roll(image, (dy, dx), axis=(0, 1))
    border = [(max(dy, 0), max(-dy, 0)), (max(dx, 0), max(-dx, 0)), (0, 0)][: image.ndim]
    padded = np.pad(image, border) if fill == "zero" else np.pad(image, border, mode="reflect")
    top, left = max(-dy, 0), max(-dx, 0)
    return padded[top : top + image.shape[0], left : left + image.shape[1]]


def relative_change(moved: np.ndarray, reference: np.ndarray) -> float:
    """Return ‖moved − reference‖ / ‖reference‖: 0 if nothing changed, infinite if there was nothing before.

    Example:
        >>> relative_change(np.array([3.0, 5.0]), np.array([3.0, 4.0]))
        0.2
    """
    difference = np.subtract(moved, reference, dtype=np.float64)  # uint8 would overflow
    change, norm = float(np.linalg.norm(difference)), float(np.linalg.norm(reference))
    return change / norm if norm else math.inf if change else 0.0


@dataclass(frozen=True)
class Operation:
    """A way from a feature map to a smaller one.

    Attributes:
        name: Key in OPERATIONS.
        title: As people write it.
        smaller: True if it steps by the stride; else its output has the size of the map.
        apply: Feature map and stride → representation.
    """

    name: str
    title: str
    smaller: bool
    apply: Callable[[np.ndarray, int], np.ndarray]


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("none", "No pooling", False, lambda features, stride: features),
        Operation("max_pool", "Max-pool", True, lambda features, stride: max_pool(features, stride)),
        Operation("average_pool", "Average-pool", True, lambda features, stride: average_pool(features, stride)),
        # A convolution with a stride computes exactly these cells of the one without.
        Operation(
            "strided_convolution", "Strided convolution", True, lambda features, stride: features[::stride, ::stride]
        ),
        # `blur_pool` without its reflected border, so that every number comes from the picture.
        Operation(
            "blur_pool", "Blur-pool", True, lambda features, stride: cross_correlate(features, binomial(3), stride)
        ),
        Operation(
            "max_blur_pool",
            "Max-pool, anti-aliased",
            True,
            lambda features, stride: cross_correlate(max_pool(features, stride, stride=1), binomial(3), stride),
        ),
    )
}


@dataclass(frozen=True)
class ShiftResponse:
    """How one operation answers to one shift; the errors are relative (L2).

    Attributes:
        operation: Name in OPERATIONS.
        dy: Shift downwards, in pixels.
        dx: Shift to the right, in pixels.
        change: Of the representation, cell by cell.
        equivariance_error: What is left of it after moving the representation back by shift / stride cells.
        whole_cells: True if that is a whole number of cells; else it was moved by linear interpolation.
        invariance_error: Change of the global average of the representation.
    """

    operation: str
    dy: int
    dx: int
    change: float
    equivariance_error: float
    whole_cells: bool
    invariance_error: float


def shift_response(
    image: np.ndarray,
    operations: Sequence[str] = tuple(OPERATIONS),
    shifts: Sequence[tuple[int, int]] = _TO_THE_RIGHT,
    *,
    stride: int = 2,
    kernel: np.ndarray | None = SOBEL_X,
    border: str = "real",
) -> list[ShiftResponse]:
    """Measure how much a shift of the picture changes what comes out of pooling.

    All operations start from the same feature map, the ReLU of one convolution, so that they differ in nothing but how
    they make it smaller. Nothing is padded.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        operations: Names in OPERATIONS.
        shifts: Pixels (downwards, to the right).
        stride: Of all operations that have one; also the window of those that pool.
        kernel: Of the convolution; None to pool the picture itself, without ReLU.
        border: `"real"` looks at the part of the picture that leaves room for all shifts, so that what moves in was
            there before; or a `fill` of `shift`, for pictures too small for that.

    Returns:
        One record for each operation and shift, in the order given.

    Raises:
        ValueError: If an operation is unknown, or the picture too small.

    Example:
        >>> picture = np.random.default_rng(0).random((40, 40))
        >>> for response in shift_response(picture, ["max_pool"], [(0, 0), (0, 1), (0, 2)]):
        ...     print(response.dx, round(response.change, 2), round(response.equivariance_error, 2))
        0 0.0 0.0
        1 0.68 0.57
        2 0.99 0.0

    Source:
        Zhang 2019, arXiv:1904.11486, section 3: what steps by a stride is equivariant only to its multiples.
    """
    unknown = [name for name in operations if name not in OPERATIONS]
    if unknown:
        raise ValueError(f"There is no operation {unknown[0]!r}. Choose of: {', '.join(OPERATIONS)}.")
    if stride < 1:
        raise ValueError(f"stride is a whole number of at least 1; received {stride}.")
    views = _views(image, [(0, 0), *shifts], border)
    maps = [view if kernel is None else relu(cross_correlate(view, kernel)) for view in views]
    responses = []
    for operation in (OPERATIONS[name] for name in operations):
        step = stride if operation.smaller else 1
        reference, *moved = (operation.apply(features, stride) for features in maps)
        summary = global_average_pool(reference)
        for (dy, dx), representation in zip(shifts, moved, strict=True):
            responses.append(
                ShiftResponse(
                    operation.name,
                    dy,
                    dx,
                    change=relative_change(representation, reference),
                    equivariance_error=relative_change(*carried_back(representation, reference, (dy, dx), step)),
                    whole_cells=dy % step == 0 and dx % step == 0,
                    invariance_error=relative_change(global_average_pool(representation), summary),
                )
            )
    return responses


def equivariance_error(image: np.ndarray, kernel: np.ndarray, shift: IntOrPair, stride: int = 1) -> float:
    """Measure whether a feature map moves along with the picture.

    The part of the picture that leaves room for the shift is convolved before and after (valid padding), and the map
    moved back by shift / stride cells, between cells by linear interpolation.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel: As for `cross_correlate`.
        shift: Pixels to the right, or (downwards, to the right).
        stride: Of the convolution.

    Returns:
        Relative L2 error: 0, or rounding, if the shift is a multiple of the stride.

    Raises:
        ValueError: If the picture is too small.

    Example:
        >>> picture = np.random.default_rng(0).random((16, 16))
        >>> equivariance_error(picture, SOBEL_X, shift=4), equivariance_error(picture, SOBEL_X, shift=4, stride=2)
        (0.0, 0.0)
        >>> round(equivariance_error(picture, SOBEL_X, shift=3, stride=2), 1)  # noise has nothing between two cells
        1.1
    """
    offset = shift if isinstance(shift, tuple) else (0, shift)
    reference, moved = (cross_correlate(view, kernel, stride) for view in _views(image, [(0, 0), offset], "real"))
    return relative_change(*carried_back(moved, reference, offset, stride))


def carried_back(
    moved: np.ndarray, reference: np.ndarray, shift: tuple[int, int], stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """Undo the shift of a representation, in cells, between two of them by linear interpolation.

    Args:
        moved: Representation of the moved picture, `(h, w)` or `(h, w, C)`.
        reference: That of the picture before, of the same shape.
        shift: Pixels (downwards, to the right).
        stride: Pixels between two cells.

    Returns:
        The representation moved back, and the reference, both where both are there.

    Raises:
        ValueError: If nothing is left to compare.

    Example:
        >>> back, there = carried_back(np.array([[9, 1, 2, 3]]), np.array([[1, 2, 3, 4]]), (0, 2), stride=2)
        >>> back.tolist(), there.tolist()
        ([[1, 2, 3]], [[1, 2, 3]])
    """
    for axis, pixels in enumerate(shift):
        whole, rest = divmod(pixels, stride)  # whole is rounded down, 0 <= rest < stride
        length, reach = reference.shape[axis], whole + (rest > 0)
        start, stop = max(0, -whole), min(length, length - reach)
        if stop <= start:
            raise ValueError(
                f"After a shift of {pixels} pixels nothing is left to compare in a map of {length} cells of {stride} "
                f"{'pixel' if stride == 1 else 'pixels'}."
            )
        near = _cells(moved, axis, start + whole, stop + whole)
        if rest:
            far, share = _cells(moved, axis, start + reach, stop + reach), rest / stride
            moved = (1 - share) * near + share * far
        else:
            moved = near
        reference = _cells(reference, axis, start, stop)
    return moved, reference


def _views(image: np.ndarray, shifts: Sequence[tuple[int, int]], border: str) -> list[np.ndarray]:
    """The picture moved by each of the shifts, all of one size."""
    if border not in _BORDERS:
        raise ValueError(f"border is one of {', '.join(_BORDERS)}; received {border!r}.")
    if border != "real":
        return [shift(image, dy, dx, border) for dy, dx in shifts]
    down, right = zip(*shifts, strict=True)
    top, left = max(0, *down), max(0, *right)  # room for what moves down or to the right comes from above and the left
    height, width = image.shape[0] - top + min(0, *down), image.shape[1] - left + min(0, *right)
    if height < 1 or width < 1:
        raise ValueError(
            f"An image of {image.shape[0]} × {image.shape[1]} leaves no room for shifts of {min(0, *down)} to {top} "
            f"pixels downwards and {min(0, *right)} to {left} to the right; expected a larger image or smaller shifts."
        )
    return [image[top - dy : top - dy + height, left - dx : left - dx + width] for dy, dx in shifts]


def _cells(image: np.ndarray, axis: int, start: int, stop: int) -> np.ndarray:
    return image[start:stop] if axis == 0 else image[:, start:stop]
