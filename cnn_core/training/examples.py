"""What a training shows its network: arrays, or what gives arrays when it is asked for some of it. NumPy alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Inputs(Protocol):
    """What a network sees, `(N, …)`: an array, or what gives arrays when it is asked for some of it."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice | np.ndarray, /) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Some:
    """Some of these inputs, by their indices, in this order."""

    inputs: Inputs
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, part: slice | np.ndarray) -> np.ndarray:
        return self.inputs[self.indices[part]]


@dataclass(frozen=True)
class Examples:
    """What the network sees, `(N, …)`, and what it should say, int `(N,)`.

    Of augmented examples `others` are further copies: one epoch sees `inputs`, the next one the first of these, and
    after the last it is the turn of `inputs` again.
    """

    inputs: Inputs
    labels: np.ndarray
    others: Sequence[Inputs] = ()

    def seen(self, epoch: int) -> Inputs:
        """Return what an epoch shows, counted from 0."""
        return (self.inputs, *self.others)[epoch % (1 + len(self.others))]
