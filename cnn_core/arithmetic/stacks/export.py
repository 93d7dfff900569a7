"""A stack to take away: as CSV, and as Keras code that builds it."""

from collections.abc import Iterable, Sequence

from cnn_core.arithmetic.stacks.table import CHANNELS, COLUMNS, StackError, StackLayer, StackRow, stack_table, to_rows
from cnn_core.arithmetic.tables import csv_text


def to_csv(rows: Iterable[StackRow]) -> str:
    """Return the table as CSV, one line a layer, empty where there is no number.

    >>> from cnn_core.arithmetic.stacks.text import from_text
    >>> print(to_csv(stack_table(from_text("v1-m2s2"), 8)).splitlines()[1])
    pool1,pooling,2,2,valid,1,,,,4,3,2,2,0,0,0,
    """
    results = ("output_size", "channels", "receptive_field", "effective_stride", "effective_padding")
    table = []
    for row, cells in zip(rows := list(rows), to_rows(row.layer for row in rows), strict=True):
        field = (row.field.size, row.field.stride, row.field.padding)
        table.append((*cells.values(), row.output_size, row.channels, *field, row.params, row.macs, row.reason))
    return csv_text((*COLUMNS, *results, "params", "macs", "reason"), table)


def to_keras(stack: Sequence[StackLayer], input_size: int, channels: int = CHANNELS) -> str:
    """Return Python code that builds the stack as a Keras model named `model`.

    Raises:
        StackError: If Keras cannot build it: no layers, a kernel that does not fit, a stride with a dilation.

    Example:
        >>> from cnn_core.arithmetic.stacks.text import from_text
        >>> print(to_keras(from_text("v1-c3psx8"), input_size=32))
        import keras
        <BLANKLINE>
        model = keras.Sequential([
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
        ])
        <BLANKLINE>
    """
    if not stack:
        raise StackError("The stack has no layers, expected at least one; add one.")
    reason = stack_table(stack, input_size, channels)[-1].reason
    if reason:
        raise StackError(reason)
    lines, taken, channels_in = [], {layer.name for layer in stack}, channels
    for layer in stack:
        if layer.stride > 1 and layer.dilation > 1:
            raise StackError(
                f"{layer.name}: received stride {layer.stride} and dilation {layer.dilation}, expected one of them to "
                "be 1; Keras builds no convolution with both."
            )
        if isinstance(layer.padding, tuple):  # behind a ReLU a zero and a pooling's minus infinity are the same
            name = layer.name + "_pad"
            while name in taken:
                name += "_"
            taken.add(name)
            lines.append(f'ZeroPadding2D(({layer.padding}, {layer.padding}), name="{name}")')
        options = (f", strides={layer.stride}" if layer.stride > 1 or layer.kind == "pooling" else "") + (
            ', padding="same"' if layer.padding == "same" else ""
        )
        if layer.kind == "pooling":
            lines.append(f'MaxPooling2D({layer.kernel_size}{options}, name="{layer.name}")')
            continue
        options += f", dilation_rate={layer.dilation}" if layer.dilation > 1 else ""
        options += "" if layer.bias else ", use_bias=False"
        if 1 < layer.groups == channels_in == layer.filters:
            call = f"DepthwiseConv2D({layer.kernel_size}{options}"
        else:
            groups = f", groups={layer.groups}" if layer.groups > 1 else ""
            call = f"Conv2D({layer.filters}, {layer.kernel_size}{options}{groups}"
        lines.append(f'{call}, activation="relu", name="{layer.name}")')
        channels_in = layer.filters
    body = "".join(f"    keras.layers.{line},\n" for line in lines)
    shape = f"    keras.Input(({input_size}, {input_size}, {channels})),\n"
    return f"import keras\n\nmodel = keras.Sequential([\n{shape}{body}])\n"
