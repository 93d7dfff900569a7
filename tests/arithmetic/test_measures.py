"""Wilson's interval is SciPy's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from cnn_core.arithmetic.measures import wilson


@given(st.integers(1, 5000), st.data())
def test_wilson_is_that_of_scipy(total: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, total))
    found, expected = wilson(correct, total), binomtest(correct, total).proportion_ci(method="wilson")
    assert (found.correct, found.total, found.value) == (correct, total, correct / total)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("correct", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_share_of_nothing_is_refused(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"Received {correct} correct of {total}; expected 0 to total"):
        wilson(correct, total)
