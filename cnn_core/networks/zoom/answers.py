"""What a zoom says at each of its levels: plain values, for pages and for the worker. No Keras."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_core.arithmetic.codes import Coded

Pair = tuple[int, int]
Input = tuple[str, int]  # node and channel
Box = tuple[int, int, int, int]  # first and last row, first and last column, all included


@dataclass(frozen=True, eq=False)
class Mosaic:
    """A stage on the strip.

    Attributes:
        title: Of the stage.
        node: Its last one.
        shape: `(h, w, C)` of that.
        channels: Those shown, n of them: which vary most over the picture, the most first.
        coded: `(n, h', w')`, each with a limit of its own.
        low: float32 `(n,)`, smallest value of each whole map.
        high: float32 `(n,)`, largest value.
        peaks: int32 `(n, 2)`, row and column of the largest value in the whole map.
    """

    title: str
    node: str
    shape: tuple[int, int, int]
    channels: tuple[int, ...]
    coded: Coded
    low: np.ndarray
    high: np.ndarray
    peaks: np.ndarray


@dataclass(frozen=True, eq=False)
class Strip:
    """A whole network on a picture.

    Attributes:
        key: Of the network.
        seen_shape: `(S, S, 3)`, of what it looks at.
        stages: One mosaic a stage that ends in maps.
        top: `index`, `label` and `probability` of the most probable classes, best first; empty if its answers mean
            nothing.
    """

    key: str
    seen_shape: tuple[int, int, int]
    stages: tuple[Mosaic, ...]
    top: list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Maps:
    """All maps of a node.

    Attributes:
        node: Its name.
        shape: `(h, w, C)`. Of a classifier after a global average `(1, 1, C)`, while its maps are the class maps,
            in the size of what was averaged.
        coded: `(C, h', w')`: every `step`-th row and column, each map with a limit of its own.
        step: At least 1.
        low: float32 `(C,)`, smallest value of each whole map.
        high: float32 `(C,)`, largest value.
        peaks: int32 `(C, 2)`, row and column of the largest value in the whole map.
        order: int32 `(C,)`: the channels, first what varies most over the picture; of one number a map the largest.
    """

    node: str
    shape: tuple[int, int, int]
    coded: Coded
    step: int
    low: np.ndarray
    high: np.ndarray
    peaks: np.ndarray
    order: np.ndarray


@dataclass(frozen=True, eq=False)
class Made:
    """One map and what it is made of: `before = scale · (Σ parts + bias) + shift`, then the activation.

    Attributes:
        node: Its name.
        kind: Of the node.
        channel: From 0.
        output: float32 `(h, w)`, whole. Of a classifier after a global average the class map, in units of the logit,
            whose mean and the bias are the logit.
        low: Smallest value of the output.
        high: Largest value.
        peak: Row and column of that.
        inputs: Node and channel of the n inputs that are told singly, the strongest first. Of the
            input itself it is (`picture`, channel), its pixels.
        input_codes: `(n, h', w')`, each with a limit of its own.
        part_codes: `(n + 2, h', w')`: what each input adds, what all others add together, and the sum of all; one
            limit for all, so that they can be added by eye.
        kernels: float32 `(n, kh, kw)`; of an average its shares, of a maximum `(n, 0, 0)`.
        share: float32 `(n,)`: the part's mean square, of the sum of those of all inputs.
        others: How many inputs are not told singly.
        bias: Before the scale.
        scale: 1 without a BatchNorm.
        shift: 0 without one.
        activation: Its name; empty without one.
        factor: Of a product of two maps that with which the input is multiplied: node and channel.
        reason: Why it is not told what the map is made of: then there are no inputs. Empty where it is told.
    """

    node: str
    kind: str
    channel: int
    output: np.ndarray
    low: float
    high: float
    peak: Pair
    inputs: tuple[Input, ...]
    input_codes: Coded
    part_codes: Coded
    kernels: np.ndarray
    share: np.ndarray
    others: int
    bias: float
    scale: float
    shift: float
    activation: str
    factor: Input | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of a map, and every product that it is made of; computed in float64.

    Attributes:
        node: Its name.
        kind: Of the node.
        channel: From 0.
        row: From 0.
        column: From 0.
        inputs: Node and channel of the n inputs that are told singly: those whose sums are the largest here, by size.
            Of the input itself it is (`picture`, channel), its pixel.
        values: float64 `(n, kh, kw)`, what lies under the window; 0 in the padding.
        weights: float32 `(n, kh, kw)`; of a maximum 1 at the winner.
        inside: bool `(kh, kw)`; False in the padding.
        corner: Row and column of the window's first cell in the map that it reads; negative in the padding.
        sums: float64 `(n,)`, Σ values · weights of each.
        rest: The sums of all other inputs, added.
        others: How many these are.
        bias: Before the scale.
        scale: 1 without a BatchNorm.
        shift: 0 without one.
        before: scale · (Σ sums + rest + bias) + shift.
        activation: Its name; empty without one.
        value: After the activation; of a softmax the share.
        engine: The same number as the network itself gives it; None where it does not.
        by: Who computes the network: `LiteRT` or `Keras`.
        range: What a difference is held against: largest minus smallest value of the map, or of all maps of the
            node, where that of the map is less than a tenth of it.
        box: What the cell can see of the picture, clipped.
        factor: Of a product of two maps that with which the input is multiplied: node and channel.
        reason: Why it is not told what the cell is made of: then there are no inputs, and `value` is the network's.
            Empty where it is told.
    """

    node: str
    kind: str
    channel: int
    row: int
    column: int
    inputs: tuple[Input, ...]
    values: np.ndarray
    weights: np.ndarray
    inside: np.ndarray
    corner: Pair
    sums: np.ndarray
    rest: float
    others: int
    bias: float
    scale: float
    shift: float
    before: float
    activation: str
    value: float
    engine: float | None
    by: str
    range: float
    box: Box
    factor: Input | None = None
    reason: str = ""


@dataclass(frozen=True)
class Excited:
    """A picture, and where in it a map is largest.

    Attributes:
        digest: Of the picture.
        value: There.
        cell: Row and column in the map; of equal ones the first.
    """

    digest: str
    value: float
    cell: Pair


@dataclass(frozen=True)
class Exciting:
    """What of many pictures excites a channel.

    Attributes:
        node: Its name.
        channel: From 0.
        pictures: The largest first; none that leaves the whole map at 0 or below.
        looked: Pictures that were looked at by now.
        silent: How many of these leave the whole map at 0 or below.
        left: How many are still to be looked at: the question is asked again.
        lost: Digests of those that cannot be read; to be left out when it is asked again.
    """

    node: str
    channel: int
    pictures: tuple[Excited, ...]
    looked: int
    silent: int
    left: int
    lost: tuple[str, ...]
