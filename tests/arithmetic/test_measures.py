"""Wilson's interval without SciPy is SciPy's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.arithmetic.measures import wilson
from cnn_core.arithmetic.statistics import share


@given(st.integers(1, 5000), st.data())
def test_wilson_is_that_of_scipy(total: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, total))
    light, exact = wilson(correct, total), share(correct, total)
    assert (light.correct, light.total) == (correct, total)
    assert (light.low, light.high) == pytest.approx((exact.low, exact.high), abs=1e-12)
