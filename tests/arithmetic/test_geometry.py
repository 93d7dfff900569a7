"""The arithmetic against published figures, and against counting."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnn_core.arithmetic.costs import (
    Cost,
    batch_norm_cost,
    convolution_cost,
    dense_cost,
    depthwise_cost,
    separable_cost,
)
from cnn_core.arithmetic.geometry import (
    Field,
    Window,
    layers_to_reach,
    output_size,
    padding_amounts,
    paddings_for,
    receptive_field,
    unit_centre,
    unit_interval,
)

WINDOWS = [
    Window(kernel_size, stride, padding, dilation)
    for kernel_size in (1, 2, 3, 5)
    for stride in (1, 2, 3)
    for padding in ("valid", "same", 1, (0, 2))
    for dilation in (1, 2)
]


def positions(input_size: int, window: Window) -> list[int]:
    """Where the window's first cell can stand, found by trying."""
    before, after = padding_amounts(input_size, window)
    return [at for at in range(-before, input_size + after, window.stride) if at + window.span <= input_size + after]


@pytest.mark.parametrize("window", WINDOWS)
def test_output_size_counts_the_positions(window: Window) -> None:
    for input_size in range(9, 20):
        assert output_size(input_size, window) == len(positions(input_size, window))
        if window.padding == "same":
            assert output_size(input_size, window) == -(-input_size // window.stride)


@pytest.mark.parametrize(
    ("input_size", "window", "expected"),
    [
        (4, Window(3), 2),  # the ten pictures of conv_arithmetic: Dumoulin & Visin 2016, chapter 2
        (5, Window(4, padding=2), 6),
        (5, Window(3, padding=1), 5),
        (5, Window(3, padding=2), 7),
        (5, Window(3, stride=2), 2),
        (5, Window(3, stride=2, padding=1), 3),
        (6, Window(3, stride=2, padding=1), 3),
        (7, Window(3, dilation=2), 3),
        (227, Window(11, stride=4), 55),
        (224, Window(7, stride=2, padding=3), 112),
    ],
)
def test_output_size_agrees_with_the_guide(input_size: int, window: Window, expected: int) -> None:
    assert output_size(input_size, window) == expected


def test_output_size_refuses_a_kernel_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="spans 5 pixels does not fit into an input of 4, 4 with its padding"):
        output_size(4, Window(3, dilation=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, "kernel_size is a whole number of at least 1; received 0."),
        ({"kernel_size": 3, "stride": 1.5}, "stride is a whole number of at least 1; received 1.5."),
        ({"kernel_size": 3, "dilation": True}, "dilation is a whole number of at least 1; received True."),
        ({"kernel_size": 3, "padding": "SAME"}, "received 'SAME'."),
        ({"kernel_size": 3, "padding": -1}, "received -1."),
        ({"kernel_size": 3, "padding": (1, 2, 3)}, "received (1, 2, 3)."),
    ],
)
def test_window_says_what_it_received(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Window(**arguments)  # type: ignore[arg-type]


def test_paddings_for_finds_all_that_work() -> None:
    for input_size in (5, 8, 11):
        for window in (Window(3), Window(4, stride=2), Window(3, stride=3, dilation=2)):
            for wanted in range(1, 8):
                found = paddings_for(input_size, wanted, window.kernel_size, window.stride, window.dilation)
                totals = [
                    total
                    for total in range(60)
                    if input_size + total >= window.span
                    and output_size(input_size, Window(window.kernel_size, window.stride, (0, total), window.dilation))
                    == wanted
                ]
                assert [sum(sides) for sides in found] == totals
                assert all(after - before in (0, 1) for before, after in found)


def test_costs_of_the_literature() -> None:
    assert convolution_cost(3, 256, 256, 56).params == 590_080
    grouped = convolution_cost(5, 96, 256, 27, groups=2)  # AlexNet conv2: Krizhevsky et al. 2012
    assert grouped.params == 5 * 5 * 48 * 256 + 256
    assert dense_cost(32 * 32, 32 * 32, bias=False).params == 1_048_576
    assert batch_norm_cost(64, scale=False) == Cost(params=64, macs=0, statistics=128)
    assert convolution_cost((1, 7), 128, 192, (17, 17), bias=False).params == 7 * 128 * 192
    full, cheap = convolution_cost(3, 512, 512, 14, bias=False), separable_cost(3, 512, 512, 14, bias=False)
    assert cheap.macs / full.macs == pytest.approx(1 / 512 + 1 / 9)  # Howard et al. 2017, section 3.1
    assert depthwise_cost(3, 8, 10, multiplier=2).params == 3 * 3 * 8 * 2 + 16


def test_costs_refuse_groups_that_do_not_divide() -> None:
    with pytest.raises(ValueError, match="received 3 groups, 8 channels and 9 filters"):
        convolution_cost(3, 8, 9, 10, groups=3)


def test_receptive_field_of_vgg16() -> None:
    three, pool = Window(3, padding="same"), Window(2, stride=2)
    stack = [w for convolutions in (2, 2, 3, 3, 3) for w in [*[three] * convolutions, pool]]
    for input_size in (None, 224, 225):
        assert receptive_field(stack, input_size) == Field(212, 32, 90)
    assert receptive_field(stack[:10]) == Field(44, 8, 18)


def test_receptive_field_padding_depends_on_parity() -> None:
    halve = Window(3, stride=2, padding="same")
    assert [receptive_field([halve, halve], size).padding for size in (224, 223, 225)] == [0, 1, 3]
    assert receptive_field([halve, halve]) == Field(7, 4, None)
    assert receptive_field([Window(1, stride=2, padding="same"), Window(2, 2, "same")]) == Field(3, 4, 0)
    with pytest.raises(ValueError, match="depends on the input size"):
        unit_centre(receptive_field([halve]), 0)


def test_unit_interval_agrees_with_following_the_windows_back() -> None:
    windows = [Window(3, 2, "same"), Window(3, 1, (2, 0), 2), Window(2, 2), Window(5, 1, "same")]
    for input_size in (40, 41, 42, 43):
        sizes = [input_size]
        for window in windows:
            sizes.append(output_size(sizes[-1], window))
        field = receptive_field(windows, input_size)
        for unit in range(sizes[-1]):
            first = last = unit
            for window, size in reversed(list(zip(windows, sizes, strict=False))):
                before, _ = padding_amounts(size, window)
                first, last = first * window.stride - before, last * window.stride - before + window.span - 1
            assert unit_interval(field, unit) == (first, last)
            low, high = unit_interval(field, unit, input_size)
            pixels = read(windows, sizes, unit)
            assert unit_centre(field, unit) == (first + last) / 2
            assert max(first, 0) <= low <= min(pixels) and max(pixels) <= high <= min(last, input_size - 1)


def read(windows: list[Window], sizes: list[int], unit: int) -> set[int]:
    """The pixels that come into a unit, cell by cell: a cell that is no unit of the map before is a zero."""
    units = {unit}
    for window, size in reversed(list(zip(windows, sizes, strict=False))):
        before, _ = padding_amounts(size, window)
        cells = {u * window.stride - before + k * window.dilation for u in units for k in range(window.kernel_size)}
        units = {cell for cell in cells if 0 <= cell < size}
    return units


@given(
    windows=st.lists(
        st.builds(Window, st.integers(1, 5), st.integers(1, 4), st.sampled_from(["valid", "same", 1, (2, 0)])),
        min_size=1,
        max_size=4,
    ),
    input_size=st.integers(30, 60),
)
def test_pixels_that_a_stride_leaves_over_do_not_come_back(windows: list[Window], input_size: int) -> None:
    """Without dilation, and if no unit sees padding alone, the interval is exact at every unit, at the borders too."""
    assume(all(isinstance(w.padding, str) or max(padding_amounts(1, w)) < w.kernel_size for w in windows))
    sizes = [input_size]
    for window in windows:
        try:
            sizes.append(output_size(sizes[-1], window))
        except ValueError:
            return
    field = receptive_field(windows, input_size)
    for unit in range(sizes[-1]):
        pixels = read(windows, sizes, unit)
        assert unit_interval(field, unit, input_size) == (min(pixels), max(pixels))


def test_unit_that_sees_only_what_was_cut_off_is_refused() -> None:
    field = Field(size=1, stride=1, padding=0, reach=(3, 9))
    assert unit_interval(field, 3, 12) == (3, 3)
    with pytest.raises(ValueError, match=r"pixels 2 to 2, nothing but padding; .* input of 12, of which 3 to 9 come"):
        unit_interval(field, 2, 12)


def test_unit_interval_refuses_a_unit_that_sees_padding_only() -> None:
    with pytest.raises(ValueError, match="Unit 0 sees pixels -4 to -2, nothing but padding"):
        unit_interval(receptive_field([Window(3, padding=4)]), 0, input_size=10)


@pytest.mark.parametrize(("kernel_size", "stride"), [(2, 1), (3, 1), (5, 1), (3, 2), (2, 3)])
def test_layers_to_reach_is_the_fewest(kernel_size: int, stride: int) -> None:
    for field in range(1, 60):
        layers = layers_to_reach(field, kernel_size, stride)
        assert receptive_field([Window(kernel_size, stride)] * layers).size >= field
        assert not layers or receptive_field([Window(kernel_size, stride)] * (layers - 1)).size < field


def test_layers_to_reach_refuses_kernels_of_one_cell() -> None:
    assert layers_to_reach(1, kernel_size=1) == 0
    with pytest.raises(ValueError, match="never see more than one pixel; received a field of 3"):
        layers_to_reach(3, kernel_size=1)
