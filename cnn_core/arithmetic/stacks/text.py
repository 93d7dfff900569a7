"""A stack as text, for a link: `v1`, then a layer after each `-`, in characters that a URL does not escape."""

import re
from collections.abc import Iterable

from cnn_core.arithmetic.stacks.table import Stack, StackError, StackLayer, default_name, from_rows, to_rows

MAX_TEXT = 20_000  # characters: above what the longest stack takes
_VERSION = "v1"
_LAYER = re.compile(
    r"[cm](?P<kernel_size>\d{1,2})(?:s(?P<stride>\d{1,2}))?(?:p(?P<padding>s|\d{1,3}(?:_\d{1,3})?))?"
    r"(?:d(?P<dilation>\d{1,2}))?"
    r"(?:x(?P<filters>\d{1,5}))?(?:g(?P<groups>\d{1,5}))?(?P<bias>b0)?(?:\.(?P<name>[A-Za-z0-9_]+))?",
    re.ASCII,
)


def to_text(stack: Iterable[StackLayer]) -> str:
    """Write a stack for a link.

    `c` convolution or `m` max-pooling, kernel size, then what is not the default: `s` stride (1), `p` padding (none;
    `s` same, pixels, or before_after), `d` dilation (1), `x` filters, `g` groups (1), `b0` for no bias, `.` name
    (conv1, pool2, ...).

    >>> to_text([StackLayer("conv1", "convolution", 3, filters=64), StackLayer("halve", "pooling", 2, 2, "same")])
    'v1-c3x64-m2s2ps.halve'
    >>> to_text([StackLayer("conv1", "convolution", 3, filters=6, groups=3, bias=False)])
    'v1-c3x6g3b0'
    """
    stack = tuple(stack)
    parts = [_VERSION]
    for number, (layer, row) in enumerate(zip(stack, to_rows(stack), strict=True), 1):
        padding = {"valid": "", "same": "ps"}.get(row["padding"], f"p{row['padding'].replace(', ', '_')}")
        parts.append(
            f"{'m' if layer.kind == 'pooling' else 'c'}{layer.kernel_size}"
            + (f"s{layer.stride}" if layer.stride > 1 else "")
            + padding
            + (f"d{layer.dilation}" if layer.dilation > 1 else "")
            + (f"x{layer.filters}" if layer.filters else "")
            + (f"g{layer.groups}" if layer.groups > 1 else "")
            + ("b0" if layer.kind == "convolution" and not layer.bias else "")
            + ("" if layer.name == default_name(layer.kind, number) else f".{layer.name}")
        )
    return "-".join(parts)


def from_text(text: str) -> Stack:
    """Read what `to_text` writes.

    The text may come from anybody: StackError says which layer cannot be read, what was received, what is expected.

    >>> [layer.name for layer in from_text("v1-c3psx64-m2s2.halve")]
    ['conv1', 'halve']
    """
    if len(text) > MAX_TEXT:
        raise StackError(f"The stack has {len(text):,} characters, expected at most {MAX_TEXT:,}; remove layers.")
    version, *parts = text.strip().split("-")
    if version != _VERSION:
        raise StackError(f"A stack starts with {_VERSION}-, as in v1-c3x64-m2s2; received “{version[:40]}”.")
    rows = []
    for number, part in enumerate(parts, 1):
        match = _LAYER.fullmatch(part)
        pooling = part[:1] == "m"
        if not match or (pooling and any(match[column] for column in ("dilation", "filters", "groups", "bias"))):
            raise StackError(f"Layer {number}: received “{part[:40]}”, expected a layer such as c3s1psx64 or m2s2.")
        padding = {None: "valid", "s": "same"}.get(match["padding"]) or match["padding"].replace("_", ",")
        kind = "pooling" if pooling else "convolution"
        given = {column: cell for column, cell in match.groupdict().items() if cell}
        given |= {"kind": kind, "padding": padding, "bias": not match["bias"]}
        rows.append({"stride": 1, "dilation": 1} | given)
    return from_rows(rows)
