"""Integers only: output size, padding, receptive fields. Standard library only.

Everything is along one axis; an image has two. Positions are pixels of the input, counted from 0.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

Padding = str | int | tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A kernel that slides along one axis.

    Attributes:
        kernel_size: Number of cells.
        stride: Step, in pixels.
        padding: `"valid"`, `"same"`, pixels on each side, or pixels `(before, after)`.
        dilation: Distance between two cells, in pixels.

    Raises:
        ValueError: If one of them is out of range.
    """

    kernel_size: int
    stride: int = 1
    padding: Padding = "valid"
    dilation: int = 1

    def __post_init__(self) -> None:
        for name in ("kernel_size", "stride", "dilation"):
            whole_number(getattr(self, name), name)
        sides = self.padding if isinstance(self.padding, tuple) else (self.padding, self.padding)
        if self.padding not in ("valid", "same") and (len(sides) != 2 or not all(_is_whole(side, 0) for side in sides)):
            raise ValueError(
                'padding is "valid", "same", a whole number of at least 0 or a pair (before, after) of them; '
                f"received {self.padding!r}."
            )

    @property
    def span(self) -> int:
        """k_eff = k + (k - 1)(d - 1): the pixels from the first to the last cell."""
        return self.kernel_size + (self.kernel_size - 1) * (self.dilation - 1)


# Size and padding ----------------------------------------------------------------------------------------------------


def padding_amounts(input_size: int, window: Window) -> tuple[int, int]:
    """Return how many pixels are added before and after.

    same: p = max((ceil(n / s) - 1) s + k_eff - n, 0), floor(p / 2) before and the rest after.

    Args:
        input_size: Length of the input, in pixels; at least 1.
        window: Kernel size, stride, padding and dilation.

    Returns:
        Pixels before and after, at least 0 each.

    Example:
        >>> padding_amounts(224, Window(kernel_size=3, stride=2, padding="same"))  # the odd pixel goes after
        (0, 1)

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 2; `same` as TensorFlow and Keras define it.
    """
    whole_number(input_size, "input_size")
    if window.padding == "same":
        covered = (-(-input_size // window.stride) - 1) * window.stride + window.span
        total = max(covered - input_size, 0)
        return total // 2, total - total // 2
    if isinstance(window.padding, str):  # valid
        return 0, 0
    return window.padding if isinstance(window.padding, tuple) else (window.padding, window.padding)


def output_size(input_size: int, window: Window) -> int:
    """Return the length of the output along one axis.

    floor((n + p_before + p_after - k_eff) / s) + 1; with `same` that is ceil(n / s).

    Args:
        input_size: Length of the input, in pixels.
        window: Kernel size, stride, padding and dilation.

    Returns:
        Length of the output, in pixels; at least 1.

    Raises:
        ValueError: If the kernel does not fit into the input.

    Example:
        >>> output_size(227, Window(kernel_size=11, stride=4))  # AlexNet conv1
        55

    Source:
        Dumoulin & Visin 2016, arXiv:1603.07285, chapter 2.
    """
    padded = input_size + sum(padding_amounts(input_size, window))
    if padded < window.span:
        raise ValueError(
            f"A kernel that spans {window.span} pixels does not fit into an input of {input_size}, {padded} with its "
            f"padding; expected an input of at least {window.span}, padding included."
        )
    return (padded - window.span) // window.stride + 1


def paddings_for(
    input_size: int, wanted: int, kernel_size: int, stride: int = 1, dilation: int = 1
) -> list[tuple[int, int]]:
    """Return the paddings that give an output of the wanted length: `output_size` solved for its padding.

    Args:
        input_size: Length of the input, in pixels.
        wanted: Length of the output, in pixels.
        kernel_size: Number of cells of the kernel.
        stride: Step, in pixels.
        dilation: Distance between two cells, in pixels.

    Returns:
        `(before, after)` for each total that works, smallest first, split evenly with an odd pixel after; any other
        split of the same total works too. Empty if the output is smaller even without padding asked for.

    Example:
        >>> paddings_for(224, wanted=112, kernel_size=7, stride=2)
        [(2, 3), (3, 3)]
        >>> paddings_for(5, wanted=1, kernel_size=3)  # without padding it is 3 already
        []
    """
    window = Window(kernel_size, stride, dilation=dilation)
    least = (whole_number(wanted, "wanted") - 1) * stride + window.span - whole_number(input_size, "input_size")
    return [(total // 2, total - total // 2) for total in range(max(least, 0), least + stride)]


# Receptive field -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """What the units of a feature map see of the input, along one axis.

    Attributes:
        size: Receptive field, in pixels.
        stride: Effective stride: distance between the fields of two neighbours, in pixels.
        padding: Effective padding: pixels of the first field beyond the border; None if it depends on an unknown size.
        reach: First and last pixel that come through the maps before: what a stride left over or a crop cut off does
            not come back with a later padding. None if it is not known; two fields may differ in it and are equal.
    """

    size: int = 1
    stride: int = 1
    padding: int | None = 0
    reach: tuple[int, int] | None = dataclasses.field(default=None, compare=False, repr=False)

    def after(self, window: Window, input_size: int | None = None) -> "Field":
        """Return the field behind one more window; `same` with a stride needs the length of this feature map.

        r' = r + (k_eff - 1) S        S' = S s        P' = P + p_before S

        >>> Field(size=5, stride=1, padding=2).after(Window(2, stride=2))  # VGG-16, pool1
        Field(size=6, stride=2, padding=2)
        """
        before = _padding_before(window, input_size)
        padding = None if before is None or self.padding is None else self.padding + before * self.stride
        size, stride = self.size + (window.span - 1) * self.stride, self.stride * window.stride
        return Field(size, stride, padding, self.reached(input_size))

    def reached(self, units: int | None) -> tuple[int, int] | None:
        """Return the first and the last pixel that so many units see, of those that come through the maps before.

        >>> Field(size=3, stride=2).reached(units=3), Field(size=3, stride=2, reach=(0, 5)).reached(units=3)
        ((0, 6), (0, 5))
        """
        if units is None or self.padding is None:
            return None
        first, last = -self.padding, (units - 1) * self.stride - self.padding + self.size - 1
        return (first, last) if self.reach is None else (max(first, self.reach[0]), min(last, self.reach[1]))


def receptive_field(windows: Iterable[Window], input_size: int | None = None) -> Field:
    """Return receptive field, effective stride and effective padding behind a stack of windows.

    Args:
        windows: From the input to the output.
        input_size: Length of the input, in pixels; only `same` with a stride needs it, where its parity matters.

    Returns:
        The field of the last window's outputs; its padding is None if it depends on an input size that is not given.

    Example:
        >>> three = Window(3, padding="same")
        >>> receptive_field([three, three, three])  # three 3×3 see as much as one 7×7
        Field(size=7, stride=1, padding=3)
        >>> halve = Window(3, stride=2, padding="same")
        >>> [receptive_field([halve], input_size).padding for input_size in (224, 225, None)]
        [0, 1, None]

    Source: Araujo, Norris & Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.
    """
    field = Field()
    for window in windows:
        field = field.after(window, input_size)
        input_size = None if input_size is None else output_size(input_size, window)
    return field


def unit_centre(field: Field, index: int) -> float:
    """Return where the centre of a unit's field lies, in input pixels: u S - P + (r - 1) / 2.

    A position x.5 lies between two pixels; padding may put it outside of the input (Araujo et al. 2019, Distill).

    >>> unit_centre(Field(size=6, stride=2, padding=2), index=0)
    0.5
    """
    first, last = unit_interval(field, index)
    return (first + last) / 2


def unit_interval(field: Field, index: int, input_size: int | None = None) -> tuple[int, int]:
    """Return the first and the last pixel that a unit sees, both included.

    Args:
        field: Receptive field of the feature map.
        index: Position of the unit, from 0.
        input_size: Length of the input, to clip at its borders and to what comes through; if None, pixels outside of
            it are padding.

    Raises:
        ValueError: If the field's padding is not known, or if the unit sees nothing but padding.

    Example:
        >>> vgg16 = Field(size=212, stride=32, padding=90)
        >>> unit_interval(vgg16, 0), unit_interval(vgg16, 0, input_size=224)
        ((-90, 121), (0, 121))
        >>> halved = Field().after(Window(3, stride=2), 8)  # three windows over pixels 0 to 6
        >>> unit_interval(halved.after(Window(3, padding="same"), 3), 2, input_size=8)
        (2, 6)

    Source: Araujo, Norris & Sim 2019, Distill.
    """
    if field.padding is None:
        raise ValueError(f"The padding depends on the input size; expected a field with a known one, received {field}.")
    first = whole_number(index, "index", least=0) * field.stride - field.padding
    last = first + field.size - 1
    if input_size is None:
        return first, last
    reach = field.reach or (0, input_size)
    low, high = max(reach[0], 0), min(reach[1], whole_number(input_size, "input_size") - 1)
    if last < low or first > high:
        raise ValueError(
            f"Unit {index} sees pixels {first} to {last}, nothing but padding; expected a unit whose field meets an "
            f"input of {input_size}{f', of which {low} to {high} come through' if field.reach else ''}."
        )
    return max(first, low), min(last, high)


def layers_to_reach(field: int, kernel_size: int, stride: int = 1) -> int:
    """Return how many equal layers it takes until a unit sees at least so many pixels; 0 for a field of 1.

    ValueError if no number of layers does: a kernel of one cell sees no more than one pixel.

    >>> layers_to_reach(224, kernel_size=3), layers_to_reach(224, kernel_size=3, stride=2)
    (112, 7)
    """
    window = Window(kernel_size, stride)
    if whole_number(field, "field") > 1 and kernel_size == 1:
        raise ValueError(f"Kernels of one cell never see more than one pixel; received a field of {field}.")
    if stride == 1:
        return -(-(field - 1) // max(kernel_size - 1, 1))
    layers, reached = 0, Field()
    while reached.size < field:
        layers, reached = layers + 1, reached.after(window)
    return layers


# Arguments, checked once ---------------------------------------------------------------------------------------------


def _padding_before(window: Window, input_size: int | None) -> int | None:
    """The pixels before; None if the input size decides and is not known."""
    if input_size is not None or window.padding != "same":
        return padding_amounts(1 if input_size is None else input_size, window)[0]
    found = {padding_amounts(size, window)[0] for size in range(1, window.stride + 1)}  # one size a remainder
    return found.pop() if len(found) == 1 else None


def _is_whole(value: object, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def whole_number(value: int, name: str, least: int = 1) -> int:
    """Return an argument that is a whole number of at least `least`.

    Raises:
        ValueError: If it is not; its name is said.
    """
    if not _is_whole(value, least):
        raise ValueError(f"{name} is a whole number of at least {least}; received {value!r}.")
    return value
