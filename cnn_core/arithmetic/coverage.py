"""Which cells each window reads along one axis, for convolutions and transposed ones. Standard library only.

A line is the input with its zeros: padding at both ends and, for a transposed convolution, zeros between its cells.
"""

from dataclasses import dataclass

from cnn_core.arithmetic.geometry import Padding, Window, output_size, padding_amounts


@dataclass(frozen=True)
class Sweep:
    """Windows over a line.

    Attributes:
        line: For each position the input cell that stands there, from 0; None where a zero stands.
        before: Positions of padding at the start of the line.
        after: Positions of padding at its end.
        windows: For each output the positions of the line that it reads, in order.
    """

    line: tuple[int | None, ...]
    before: int
    after: int
    windows: tuple[tuple[int, ...], ...]

    @property
    def reads(self) -> tuple[int, ...]:
        """How many windows read each position of the line."""
        counts = [0] * len(self.line)
        for window in self.windows:
            for position in window:
                counts[position] += 1
        return tuple(counts)

    @property
    def input_reads(self) -> tuple[int, ...]:
        """How many windows read each cell of the input.

        >>> sweep(5, Window(3)).input_reads  # the borders less
        (1, 2, 3, 2, 1)
        """
        return tuple(count for count, cell in zip(self.reads, self.line, strict=True) if cell is not None)

    @property
    def unread(self) -> tuple[int, ...]:
        """The input cells that no window reads.

        >>> sweep(6, Window(3, stride=2)).unread, sweep(6, Window(1, stride=2)).unread
        ((5,), (1, 3, 5))
        """
        return tuple(cell for cell, count in enumerate(self.input_reads) if count == 0)

    @property
    def tail(self) -> int:
        """The input cells at the end that no window reaches.

        >>> sweep(6, Window(3, stride=2)).tail, sweep(6, Window(1, stride=2)).tail
        (1, 1)
        """
        return sum(cell is not None for cell in self.line[self.windows[-1][-1] + 1 :])

    @property
    def unread_padding(self) -> int:
        """The positions of padding that no window reads.

        >>> sweep(6, Window(3, stride=2, padding=1)).unread_padding  # the odd case of the guide
        1
        """
        ends = (*self.reads[: self.before], *self.reads[len(self.line) - self.after :])
        return ends.count(0)


def sweep(input_size: int, window: Window) -> Sweep:
    """Return what each window of a convolution reads.

    Args:
        input_size: Length of the input, in cells.
        window: Kernel size, stride, padding and dilation.

    Raises:
        ValueError: If the kernel does not fit into the input.

    Example:
        >>> sweep(4, Window(3, stride=2, padding="same"))  # the odd cell of padding stands after
        Sweep(line=(0, 1, 2, 3, None), before=0, after=1, windows=((0, 1, 2), (2, 3, 4)))

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 2.
    """
    before, after = padding_amounts(input_size, window)
    line = (*[None] * before, *range(input_size), *[None] * after)
    return Sweep(line, before, after, _windows(output_size(input_size, window), window, window.stride))


def transposed_size(input_size: int, window: Window, output_padding: int = 0) -> int:
    """Return the length of a transposed convolution's output along one axis.

    o' = s (i' - 1) + k_eff - p_before - p_after + a; with `same`, as Keras, s i', and with `valid` no less: there
    Keras' a is at least s - k_eff.

    Args:
        input_size: Length of the input i', in cells.
        window: Of the convolution that is transposed.
        output_padding: The guide's a, less than the stride: of the s input sizes that this convolution shrinks to i' it
            chooses one. With `same` it is given, with `valid` never less than s - k_eff.

    Raises:
        ValueError: If `output_padding` is out of range or no output is left.

    Example:
        >>> window = Window(3, stride=2, padding=1)
        >>> transposed_size(3, window), transposed_size(3, window, output_padding=1)
        (5, 6)

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, section 4.6, relationship 14.
    """
    before, after, output_padding = _transposed_padding(input_size, window, output_padding)
    size = window.stride * (input_size - 1) + window.span - before - after + output_padding
    if size < 1:
        raise ValueError(
            f"An input of {input_size} would become an output of {size}; expected a longer input, or less padding than "
            f"{before} + {after}, which a transposed convolution cuts off."
        )
    return size


def least_output_padding(window: Window) -> int:
    """Return the cells that Keras adds after a transposed convolution whose kernel is shorter than its stride.

    Its `valid` and `same` give each input cell all places of its stride; padding in pixels, as the guide has it, none.

    >>> [least_output_padding(window) for window in (Window(2, 3), Window(2, 3, padding=0), Window(3, 2))]
    [1, 0, 0]
    """
    return max(window.stride - window.span, 0) if isinstance(window.padding, str) else 0


def transposed_sweep(input_size: int, window: Window, output_padding: int = 0) -> Sweep:
    """Return what each window reads of the direct convolution that equals a transposed one.

    The input is stretched by s - 1 zeros between its cells and padded by k_eff - 1 - p; the kernel, turned by 180°,
    then moves by one.

    Args:
        input_size: Length of the input i', in cells.
        window: Of the convolution that is transposed; its padding at most k_eff - 1 on each side.
        output_padding: As for `transposed_size`; positions of padding that are added after.

    Raises:
        ValueError: If `output_padding` or the padding is out of range, or no output is left.

    Example:
        >>> transposed_sweep(2, Window(2, stride=2))  # each output reads one cell
        Sweep(line=(None, 0, None, 1, None), before=1, after=1, windows=((0, 1), (1, 2), (2, 3), (3, 4)))

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 4.
    """
    size = transposed_size(input_size, window, output_padding)
    cut_before, cut_after, output_padding = _transposed_padding(input_size, window, output_padding)
    if max(cut_before, cut_after) > window.span - 1:
        raise ValueError(
            f"A transposed convolution takes a padding of at most k_eff - 1 = {window.span - 1}; received "
            f"({cut_before}, {cut_after})."
        )
    before, after = window.span - 1 - cut_before, window.span - 1 - cut_after + output_padding
    gap = window.stride - 1
    stretched = [cell for index in range(input_size) for cell in (index, *[None] * gap)][: -gap or None]
    return Sweep((*[None] * before, *stretched, *[None] * after), before, after, _windows(size, window, 1))


def _windows(count: int, window: Window, stride: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(range(n * stride, n * stride + window.span, window.dilation)) for n in range(count))


def _transposed_padding(input_size: int, window: Window, output_padding: int) -> tuple[int, int, int]:
    """Padding before and after of the convolution that is transposed, and a."""
    if not 0 <= output_padding < window.stride:
        raise ValueError(
            f"output_padding is at least 0 and less than the stride of {window.stride}; received {output_padding}."
        )
    before, after = padding_amounts(input_size * window.stride, window)
    least = least_output_padding(window)
    return before, after, least if window.padding == "same" else max(output_padding, least)


# Settings, and those that the guide draws ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """A convolution, or a transposed one, along one axis.

    Attributes:
        input_size: Length of the input, in cells: of the transposed convolution, if it is one.
        kernel_size: Number of cells.
        stride: Step, in cells.
        padding: As for `geometry.Window`, or `"half"`, floor(k_eff / 2), or `"full"`, k_eff - 1 cells on each side.
        dilation: Distance between two cells of the kernel.
        transposed: Whether the convolution is transposed.
        output_padding: Of a transposed convolution: cells added to the output's end.
    """

    input_size: int
    kernel_size: int
    stride: int = 1
    padding: Padding = "valid"
    dilation: int = 1
    transposed: bool = False
    output_padding: int = 0

    @property
    def window(self) -> Window:
        """The window of the direct convolution.

        >>> Setting(5, 3, padding="full").window
        Window(kernel_size=3, stride=1, padding=2, dilation=1)
        """
        span = Window(self.kernel_size, dilation=self.dilation).span
        sides: dict[Padding, Padding] = {"half": span // 2, "full": span - 1}
        return Window(self.kernel_size, self.stride, sides.get(self.padding, self.padding), self.dilation)

    @property
    def sides(self) -> tuple[int, int]:
        """Cells of padding before and after: of the direct convolution, if this one is transposed.

        >>> Setting(6, 3, stride=2, padding="same").sides
        (0, 1)
        """
        return padding_amounts(self.input_size * (self.stride if self.transposed else 1), self.window)

    def sweep(self) -> Sweep:
        """What each window reads; ValueError if there is none.

        >>> [len(case.sweep().windows) for case in (CASES["padding_strides"], CASES["padding_strides_transposed"])]
        [3, 5]
        """
        if self.transposed:
            return transposed_sweep(self.input_size, self.window, self.output_padding)
        return sweep(self.input_size, self.window)


# The animations of conv_arithmetic: Dumoulin & Visin 2016, arXiv:1603.07285, chapters 2, 4 and 5.
CASES: dict[str, Setting] = {
    "no_padding_no_strides": Setting(4, 3),
    "arbitrary_padding_no_strides": Setting(5, 4, padding=(2, 2)),
    "same_padding_no_strides": Setting(5, 3, padding="half"),
    "full_padding_no_strides": Setting(5, 3, padding="full"),
    "no_padding_strides": Setting(5, 3, stride=2),
    "padding_strides": Setting(5, 3, stride=2, padding=(1, 1)),
    "padding_strides_odd": Setting(6, 3, stride=2, padding=(1, 1)),
    "no_padding_no_strides_transposed": Setting(2, 3, transposed=True),
    "arbitrary_padding_no_strides_transposed": Setting(6, 4, padding=(2, 2), transposed=True),
    "same_padding_no_strides_transposed": Setting(5, 3, padding="half", transposed=True),
    "full_padding_no_strides_transposed": Setting(7, 3, padding="full", transposed=True),
    "no_padding_strides_transposed": Setting(2, 3, stride=2, transposed=True),
    "padding_strides_transposed": Setting(3, 3, stride=2, padding=(1, 1), transposed=True),
    "padding_strides_odd_transposed": Setting(3, 3, stride=2, padding=(1, 1), transposed=True, output_padding=1),
    "dilation": Setting(7, 3, dilation=2),
}
