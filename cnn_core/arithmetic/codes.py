"""Maps as one byte a cell, to be sent and drawn: 128 is zero, so that a sign has a colour."""

from dataclasses import dataclass

import numpy as np

ZERO = 128
STEPS = 127  # on each side


@dataclass(frozen=True, eq=False)
class Coded:
    """Maps as bytes.

    Attributes:
        codes: uint8 `(n, h, w)`, 1 to 255; 0 is none of them and is left for what is no map.
        limits: float32 `(n,)`: a value is (code − 128) / 127 · limit.
    """

    codes: np.ndarray
    limits: np.ndarray

    def values(self) -> np.ndarray:
        """Return the maps that the codes stand for, float32 `(n, h, w)`."""
        return (self.codes.astype(np.float32) - ZERO) / STEPS * self.limits[:, None, None]


def coded(maps: np.ndarray, limits: np.ndarray | float | None = None) -> Coded:
    """Return maps as bytes.

    Args:
        maps: `(h, w, n)`, finite.
        limits: The absolute value that is told by the last code, one a map or one for all; larger ones are cut. None
            for the largest of each map.

    Raises:
        ValueError: If there are values that are no numbers, or a limit is below 0.

    Example:
        >>> found = coded(np.array([[[-2.0, 0.0], [1.0, 0.0]]]))
        >>> found.codes.tolist(), found.limits.tolist()
        ([[[1, 192]], [[128, 128]]], [2.0, 0.0])
    """
    maps = np.moveaxis(np.asarray(maps), 2, 0)
    if not np.isfinite(maps).all():
        raise ValueError("Only finite numbers can be coded; received maps with infinities or NaN.")
    if limits is None:
        limits = np.abs(maps).max(axis=(1, 2), initial=0)
    limits = np.broadcast_to(np.asarray(limits, np.float32), maps.shape[:1]).copy()
    if (limits < 0).any():
        raise ValueError(f"A limit is at least 0; received {limits.min()}.")
    factors = np.divide(STEPS, limits, out=np.zeros_like(limits), where=limits > np.finfo(np.float32).tiny)
    steps = np.rint(maps * factors[:, None, None])
    return Coded((np.clip(steps, -STEPS, STEPS) + ZERO).astype(np.uint8), limits)
