"""A stack of convolutions and poolings that a reader edits: its rows and what comes out of them.

One axis stands for both: kernels, strides and pictures are square. All arithmetic is that of `geometry`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnn_core.arithmetic.costs import convolution_cost
from cnn_core.arithmetic.geometry import Field, Padding, Window, output_size

KINDS = ("convolution", "pooling")
COLUMNS = ("name", "kind", "kernel_size", "stride", "padding", "dilation", "filters", "groups", "bias")
LIMITS = {"kernel_size": 99, "stride": 99, "padding": 999, "dilation": 99, "filters": 16384, "groups": 16384}
MAX_LAYERS, MAX_NAME, MAX_PIXELS = 256, 40, 10**9  # a field of more pixels is no picture's
CHANNELS = 3  # of a picture


class StackError(ValueError):
    """A stack that is not one; `str` is one sentence: where, what was received, what is expected."""


@dataclass(frozen=True)
class StackLayer:
    """A convolution with ReLU, or a max-pooling.

    Attributes:
        name: Letters, digits and `_`, a letter first.
        kind: `"convolution"` or `"pooling"`.
        kernel_size: Cells along each axis, 1 to 99.
        stride: Step, in pixels of its input, 1 to 99.
        padding: `"valid"`, `"same"`, or pixels `(before, after)`, 0 to 999; one number is kept as a pair, 0 as valid.
        dilation: Distance between two cells, 1 to 99; 1 for a pooling.
        filters: Channels of its output, 1 to 16384; 0 for a pooling, which keeps those of its input.
        groups: Groups of channels that do not see each other, 1 to 16384; they divide channels in and filters. As many
            as channels: depthwise. 1 for a pooling.
        bias: Whether each filter has one; a pooling is kept as having none.

    Raises:
        StackError: If one of them is out of range.

    Example:
        >>> StackLayer("conv1", "convolution", 7, stride=2, padding=3, filters=64).padding
        (3, 3)
    """

    name: str
    kind: str
    kernel_size: int
    stride: int = 1
    padding: Padding = "valid"
    dilation: int = 1
    filters: int = 0
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        if not re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_NAME - 1}}}", self.name):
            raise _wrong("name", self.name, f"at most {MAX_NAME} letters, digits and _, a letter first")
        if self.kind not in KINDS:
            raise _wrong("kind", self.kind, " or ".join(KINDS))
        for name in ("kernel_size", "stride", "dilation", "groups"):
            _in_range(name, getattr(self, name), least=1)
        if not isinstance(self.bias, bool):
            raise _wrong("bias", self.bias, _BIASES)
        sides = self.padding if isinstance(self.padding, tuple) else (self.padding, self.padding)
        if not isinstance(self.padding, str):
            for side in sides:
                _in_range("padding", side, least=0)
            object.__setattr__(self, "padding", "valid" if sides == (0, 0) else sides)
        elif self.padding not in ("valid", "same"):
            raise _wrong("padding", self.padding, _PADDINGS)
        if self.kind == "convolution":
            _in_range("filters", self.filters, least=1)
            return
        for name, default in (("filters", 0), ("dilation", 1), ("groups", 1)):
            if getattr(self, name) != default:
                raise _wrong(name, getattr(self, name), f"{default or 'none'} for a pooling")
        object.__setattr__(self, "bias", False)

    @property
    def window(self) -> Window:
        """The window that slides along one axis."""
        return Window(self.kernel_size, self.stride, self.padding, self.dilation)


Stack = tuple[StackLayer, ...]
_BIASES = "true or false"
_PADDINGS = f"same, valid, pixels on each side, or two numbers: before, after (0 to {LIMITS['padding']})"


def _wrong(column: str, received: object, expected: str) -> StackError:
    shown = "nothing" if received is None or received == "" else f"“{str(received)[:40]}”"
    return StackError(f"{column}: received {shown}, expected {expected}.")


def _in_range(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LIMITS[name]:
        raise _wrong(name, value, f"a whole number from {least} to {LIMITS[name]}")


def _checked(layers: Iterable[StackLayer], channels: int = CHANNELS) -> Stack:
    """The layers as a stack: not too many, names unique, fields that a picture can have, groups that divide."""
    stack = tuple(layers)
    if len(stack) > MAX_LAYERS:
        raise StackError(f"Received {len(stack)} layers, expected at most {MAX_LAYERS}; remove some.")
    seen: dict[str, int] = {}
    field = Field()
    for number, layer in enumerate(stack, 1):
        if layer.name in seen:
            expected = f"another than that of layer {seen[layer.name]}"
            raise StackError(f"Layer {number}, {_wrong('name', layer.name, expected)}")
        seen[layer.name] = number
        if layer.kind == "convolution":
            if channels % layer.groups or layer.filters % layer.groups:
                expected = f"a divisor of its {channels:,} channels in and of its {layer.filters:,} filters"
                raise StackError(f"Layer {number}, {_wrong('groups', layer.groups, expected)}")
            channels = layer.filters
        field = field.after(layer.window)
        if max(field.size, field.stride) > MAX_PIXELS:
            raise StackError(
                f"Layer {number}, stride: received a field of {field.size:,} pixels at stride {field.stride:,}, "
                f"expected at most {MAX_PIXELS:,}; make kernels or strides smaller."
            )
    return stack


# Rows of a table -----------------------------------------------------------------------------------------------------


def to_rows(stack: Iterable[StackLayer]) -> list[dict[str, Any]]:
    """Return the table of a stack, a cell for each of `COLUMNS`; None where a pooling has no number.

    >>> to_rows([StackLayer("pool1", "pooling", 3, 2, (0, 1))])[0]["padding"]
    '0, 1'
    """
    return [
        {column: getattr(layer, column) for column in COLUMNS}
        | {"padding": _padding_text(layer.padding, ", "), "filters": layer.filters or None}
        | ({"groups": None, "bias": None} if layer.kind == "pooling" else {})
        for layer in stack
    ]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> Stack:
    """Read an edited table.

    Args:
        rows: A cell for each of `COLUMNS`, as typed: numbers, text or None. A missing name becomes `conv3` or `pool3`
            in row 3, missing groups 1, a missing bias True; a pooling's filters, groups and bias are not read.

    Returns:
        The stack.

    Raises:
        StackError: For the first cell that cannot be read: row (from 1), column, what was received, what is expected.

    Example:
        >>> from_rows([{"kind": "convolution", "kernel_size": "x"}])
        Traceback (most recent call last):
            ...
        cnn_core.arithmetic.stacks.table.StackError: Layer 1, kernel_size: received “x”, expected a whole number from 1 to 99.
    """  # noqa: E501
    taken = {_text(row.get("name")) for row in rows}
    layers = []
    for number, row in enumerate(rows, 1):
        try:
            kind = _text(row.get("kind"))
            name = _text(row.get("name")) or _free_name(kind, number, taken)
            taken.add(name)
            sizes: dict[str, Any] = {key: _number(key, row.get(key)) for key in ("kernel_size", "stride", "dilation")}
            sizes |= {} if kind == "pooling" else _filters(row)
            layers.append(StackLayer(name, kind, padding=_padding(row.get("padding")), **sizes))
        except StackError as refusal:
            raise StackError(f"Layer {number}, {refusal}") from None
    return _checked(layers)


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _number(column: str, cell: object) -> int:
    """A whole number, also if the table holds it as text or as 3.0; its range is the layer's to check."""
    text = _text(cell)
    match = re.fullmatch(r"(-?\d{1,9})(\.0)?", text, re.ASCII)
    if isinstance(cell, bool) or not match:
        raise _wrong(column, cell, f"a whole number from 1 to {LIMITS[column]}")
    return int(match[1])


def _filters(row: Mapping[str, Any]) -> dict[str, Any]:
    """What only a convolution has."""
    filters = _number("filters", row.get("filters"))
    groups = _number("groups", row.get("groups")) if _text(row.get("groups")) else 1
    bias = _text(row.get("bias")).lower() or "true"
    if bias not in ("true", "false"):
        raise _wrong("bias", row["bias"], _BIASES)
    return {"filters": filters, "groups": groups, "bias": bias == "true"}


def _padding(cell: object) -> Padding:
    text = ",".join(map(str, cell)) if isinstance(cell, (list, tuple)) else _text(cell).lower()
    if text in ("same", "valid"):
        return text
    match = re.fullmatch(r"(\d{1,3})(\.0)?(\s*[,;]\s*(\d{1,3}))?", text, re.ASCII)
    if not match:
        raise _wrong("padding", cell, _PADDINGS)
    return int(match[1]), int(match[4] or match[1])


def _padding_text(padding: Padding, between: str) -> str:
    if not isinstance(padding, tuple):
        return str(padding)
    return str(padding[0]) if padding[0] == padding[1] else between.join(map(str, padding))


def default_name(kind: str, number: int) -> str:
    """Return the name of a layer that was given none.

    >>> default_name("pooling", 2)
    'pool2'
    """
    return f"{'pool' if kind == 'pooling' else 'conv'}{number}"


def _free_name(kind: str, number: int, taken: set[str]) -> str:
    while default_name(kind, number) in taken:
        number += 1
    return default_name(kind, number)


# Results -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StackRow:
    """What there is after one layer, along each axis.

    Attributes:
        layer: The layer.
        output_size: Side of its feature map; None if the picture is used up.
        channels: Of its feature map.
        field: Receptive field, effective stride, effective padding, in pixels of the picture.
        params: Weights and biases, those that the layer has.
        macs: Multiply-adds; None if the picture is used up.
        reason: Why a number is missing; empty if none is.
    """

    layer: StackLayer
    output_size: int | None
    channels: int
    field: Field
    params: int
    macs: int | None
    reason: str = ""


def stack_table(stack: Iterable[StackLayer], input_size: int, channels: int = CHANNELS) -> list[StackRow]:
    """Return what there is after each layer.

    Args:
        stack: From the picture on.
        input_size: Side of the picture, in pixels.
        channels: Of the picture.

    Returns:
        A row a layer. Where a kernel does not fit any more it says so, and has only what no size is needed for.

    Raises:
        StackError: If the channels of the picture cannot be divided into the groups of a layer.

    Example:
        >>> from cnn_core.arithmetic.stacks.text import from_text
        >>> rows = stack_table(from_text("v1-c11s4x96-m3s2"), input_size=227)  # AlexNet
        >>> [(row.output_size, row.field.size, row.field.stride, row.params) for row in rows]
        [(55, 11, 4, 34944), (27, 19, 8, 0)]

    Source: Araujo, Norris & Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.
    """
    rows: list[StackRow] = []
    field, reason = Field(), ""
    size: int | None = input_size
    for layer in _checked(stack, channels):
        field = field.after(layer.window, size)
        if size is not None:
            try:
                size = output_size(size, layer.window)
            except ValueError as refusal:
                size, reason = None, f"{layer.name}: {refusal}"
        params = 0
        macs: int | None = 0
        if layer.kind == "convolution":
            cost = convolution_cost(layer.kernel_size, channels, layer.filters, size or 1, layer.groups, layer.bias)
            params, macs, channels = cost.params, cost.macs, layer.filters
        rows.append(StackRow(layer, size, channels, field, params, None if size is None else macs, reason))
    return rows


def centre_unit(row: StackRow, input_size: int) -> int:
    """Return the index of the unit whose field's centre is nearest to that of the picture.

    Raises:
        ValueError: If the layer has no units, or none whose place is known.

    Example:
        >>> centre_unit(stack_table([StackLayer("a", "pooling", 3, stride=2)], input_size=7)[0], input_size=7)
        1
    """
    if row.output_size is None or row.field.padding is None:
        raise ValueError(f"After {row.layer.name} there are no units; expected a layer that fits the picture.")
    beyond = (input_size - row.field.size) / 2 + row.field.padding
    return min(max(round(beyond / row.field.stride), 0), row.output_size - 1)
