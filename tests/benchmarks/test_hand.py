"""A control gets another value that it has: within its bounds, one of its options, not the one that it shows."""

import random

from streamlit.proto.Element_pb2 import Element
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.hand import another
from benchmarks.wire import Drawn


def drawn(kind: str, **fields: object) -> Drawn:
    element = Element()
    getattr(element, kind).SetInParent()
    proto = getattr(element, kind)
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(proto, name).extend(value)
        else:
            setattr(proto, name, value)
    return Drawn(element, "", "")


def test_a_slider_stays_within_its_bounds_and_on_its_steps() -> None:
    chance, seen = random.Random(0), set()
    for _ in range(200):
        state = another(drawn("slider", min=-1, max=1, step=0.5, default=[0, 1]), None, chance)
        assert state is not None
        low, high = state.double_array_value.data
        assert low <= high
        seen |= {low, high}
    assert seen == {-1, -0.5, 0, 0.5, 1}
    words = another(drawn("slider", options=["a", "b"], default=[0]), None, chance)
    assert words is not None and set(words.string_array_value.data) <= {"a", "b"}


def test_an_option_is_another_than_the_one_that_is_chosen() -> None:
    chance, kept = random.Random(0), WidgetState(string_value="b")
    for kind in ("selectbox", "radio"):
        control = drawn(kind, options=["a", "b"], default=0)
        assert another(control, None, chance) == kept
        assert another(control, kept, chance) == WidgetState(string_value="a")
        assert another(drawn(kind, options=["a"], default=0), None, chance) is None
    switch = drawn("checkbox", default=True)
    assert another(switch, None, chance) == WidgetState(bool_value=False)
    assert another(switch, WidgetState(bool_value=False), chance) == WidgetState(bool_value=True)


def test_a_number_stays_within_its_bounds() -> None:
    chance = random.Random(0)
    control = drawn("number_input", default=1.0, step=1.0, min=0.0, max=2.0, has_min=True, has_max=True)
    states = [another(control, None, chance) for _ in range(50)]
    assert {state.double_value for state in states if state} == {0, 1, 2}
