"""What windows read, against cutting an array into windows and against the published figures."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.arithmetic.coverage import CASES, Setting, Sweep, sweep, transposed_size, transposed_sweep
from cnn_core.arithmetic.geometry import Window, output_size

sizes, kernel_sizes, strides, dilations = st.integers(1, 14), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3)
paddings = st.sampled_from(["valid", "same"]) | st.integers(0, 5) | st.tuples(st.integers(0, 5), st.integers(0, 5))


def cut(input_size: int, window: Window) -> np.ndarray:
    """The matrix of a convolution of ones, `(outputs, input_size)`: 1 where the output reads the cell."""
    if window.padding == "same":
        outputs = -(-input_size // window.stride)
        total = max((outputs - 1) * window.stride + window.span - input_size, 0)
        pad = (total // 2, total - total // 2)
    else:
        pad = {"valid": (0, 0)}.get(window.padding, window.padding)  # type: ignore[arg-type]
    line = np.pad(np.arange(1, input_size + 1), pad)
    rows = []
    for start in range(0, len(line) - window.span + 1, window.stride):
        seen = line[start : start + window.span : window.dilation]
        rows.append(np.isin(np.arange(1, input_size + 1), seen))
    return np.array(rows, int).reshape(-1, input_size)


def connections(swept: Sweep) -> np.ndarray:
    """The same matrix, from a sweep."""
    matrix = np.zeros((len(swept.windows), len(swept.input_reads)), int)
    for row, window in enumerate(swept.windows):
        for position in window:
            if (cell := swept.line[position]) is not None:
                matrix[row, cell] += 1
    return matrix


@given(size=sizes, kernel_size=kernel_sizes, stride=strides, padding=paddings, dilation=dilations)
def test_sweep_is_what_cutting_an_array_gives(size, kernel_size, stride, padding, dilation) -> None:
    window = Window(kernel_size, stride, padding, dilation)
    expected = cut(size, window)
    if not len(expected):
        with pytest.raises(ValueError, match="does not fit into an input of"):
            sweep(size, window)
        return
    swept = sweep(size, window)
    assert np.array_equal(connections(swept), expected)
    assert swept.input_reads == tuple(expected.sum(axis=0))
    assert swept.unread == tuple(np.flatnonzero(expected.sum(axis=0) == 0))
    assert swept.before + size + swept.after == len(swept.line) == len(swept.reads)
    read = {position for seen in swept.windows for position in seen}
    ends = [*range(swept.before), *range(swept.before + size, len(swept.line))]
    assert swept.unread_padding == len(set(ends) - read)
    assert set(swept.unread[len(swept.unread) - swept.tail :]) == {
        cell for position, cell in enumerate(swept.line) if cell is not None and position > max(read)
    }


@given(size=sizes, kernel_size=kernel_sizes, stride=strides, padding=paddings, dilation=dilations)
def test_transposed_sweep_is_the_transpose(size, kernel_size, stride, padding, dilation) -> None:
    """Chapter 4: a convolution of i cells to i', transposed, takes i' back to i by the transposed matrix."""
    window = Window(kernel_size, stride, padding, dilation)
    matrix = cut(size, window)
    sides = (padding, padding) if isinstance(padding, int) else padding
    if not len(matrix) or (isinstance(sides, tuple) and max(sides) >= window.span):
        return
    extra = 0 if padding == "same" else (size + (0 if padding == "valid" else sum(sides)) - window.span) % stride
    if padding == "same" and size % stride:  # which Keras does not know when it transposes: it gives s i'
        return
    if padding == "valid" and extra < stride - window.span:  # nor which of the sizes that shrink alike: it gives s i'
        window = Window(kernel_size, stride, 0, dilation)
    swept = transposed_sweep(len(matrix), window, extra)
    assert len(swept.windows) == transposed_size(len(matrix), window, extra) == size
    assert np.array_equal(connections(swept), matrix.T)


@pytest.mark.parametrize("extra", range(3))
def test_extra_chooses_among_the_sizes_that_shrink_alike(extra: int) -> None:
    window = Window(4, stride=3, padding=1)
    size = transposed_size(5, window, extra)
    assert size == 3 * 4 + 4 - 2 + extra
    assert output_size(size, window) == 5


GUIDE = {  # bin/generate_makefile of vdumoulin/conv_arithmetic: i, o, p, k, s; the transposed go from o to i
    "no_padding_no_strides": (4, 2, 0, 3, 1),
    "arbitrary_padding_no_strides": (5, 6, 2, 4, 1),
    "same_padding_no_strides": (5, 5, 1, 3, 1),
    "full_padding_no_strides": (5, 7, 2, 3, 1),
    "no_padding_strides": (5, 2, 0, 3, 2),
    "padding_strides": (5, 3, 1, 3, 2),
    "padding_strides_odd": (6, 3, 1, 3, 2),
}


@pytest.mark.parametrize("name", GUIDE)
def test_cases_are_those_of_the_guide(name: str) -> None:
    i, o, p, k, s = GUIDE[name]
    direct, transposed = CASES[name], CASES[f"{name}_transposed"]
    for case, shape in ((direct, (i, o)), (transposed, (o, i))):
        assert (case.input_size, len(case.sweep().windows)) == shape
        assert (case.sides, case.kernel_size, case.stride, case.dilation) == ((p, p), k, s, 1)
    assert np.array_equal(connections(transposed.sweep()), connections(direct.sweep()).T)


def test_cases_are_complete() -> None:
    assert set(CASES) == {*GUIDE, *(f"{name}_transposed" for name in GUIDE), "dilation"}
    assert [len(CASES["dilation"].sweep().windows), CASES["dilation"].window.span] == [3, 5]


def test_transposed_same_is_what_keras_returns() -> None:
    assert [transposed_size(5, Window(k, s, "same")) for k in (1, 2, 3, 4) for s in (1, 2, 3)] == [5, 10, 15] * 4


@pytest.mark.slow
def test_transposed_sizes_are_those_of_keras() -> None:
    """All kernels and strides, kernels shorter than the stride among them, built by Keras itself."""
    import keras

    for kernel_size, stride, dilation, padding, size in itertools.product(
        range(1, 6), range(1, 6), (1, 2), ("valid", "same"), (1, 2, 5)
    ):
        if stride > 1 and dilation > 1:
            continue
        layer = keras.layers.Conv1DTranspose(1, kernel_size, stride, padding, dilation_rate=dilation)
        expected = layer.compute_output_shape((None, size, 1))[1]
        window = Window(kernel_size, stride, padding, dilation)
        assert transposed_size(size, window) == expected == len(transposed_sweep(size, window).windows), window


def test_transposed_valid_is_what_keras_returns() -> None:
    """Keras 3.15 gave them: 5 cells, kernels of 1 to 4 and strides of 1 to 4; what is drawn is what is computed."""
    sizes = [[5, 10, 15, 20], [6, 10, 15, 20], [7, 11, 15, 20], [8, 12, 16, 20]]
    assert [[transposed_size(5, Window(k, s)) for s in (1, 2, 3, 4)] for k in (1, 2, 3, 4)] == sizes
    swept = transposed_sweep(2, Window(1, 3))
    assert connections(swept).T.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    assert transposed_size(2, Window(1, 3, 0)) == 4, "padding in pixels follows the guide"


def test_half_and_full_count_the_holes() -> None:
    assert Setting(9, 3, padding="half", dilation=3).sides == (3, 3)
    assert Setting(9, 4, padding="full", dilation=2).sides == (6, 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, Window(3, 2), 2), "output_padding is at least 0 and less than the stride of 2; received 2."),
        ((3, Window(3, 2), -1), "output_padding is at least 0 and less than the stride of 2; received -1."),
        ((1, Window(3, padding=2)), "An input of 1 would become an output of -1; expected a longer input, or less"),
        ((9, Window(3, padding=(0, 3))), "takes a padding of at most k_eff - 1 = 2; received (0, 3)."),
        ((0, Window(3)), "input_size is a whole number of at least 1; received 0."),
    ],
)
def test_what_cannot_be_transposed_is_named(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        transposed_sweep(*arguments)
