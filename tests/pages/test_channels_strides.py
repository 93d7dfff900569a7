"""The view of stride and padding, by itself."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic.coverage import CASES
from tests.opening import open_view

NAMES = (
    "case",
    "dimensions",
    "input_size",
    "kernel_size",
    "stride",
    "dilation",
    "padding",
    "transposed",
    "before",
    "after",
    "extra",
    "wanted",
)


def script() -> None:
    import streamlit as st

    from ui.channels import strides
    from ui.shared import stage

    st.session_state["found"] = strides.strides(stage.room())


def opened(**query: object) -> AppTest:
    assert {*query} <= {*NAMES}
    return open_view(script, **{f"channels_window_{name}": value for name, value in query.items()})


def words(app: Any) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.error) for element in kind)


@pytest.mark.parametrize("name", CASES)
def test_every_case_of_the_guide_opens_by_its_link(name: str) -> None:
    app, case = opened(case=name, dimensions="2D"), CASES[name]
    assert app.number_input(key="channels_window_input_size").value == case.input_size
    assert app.number_input(key="channels_window_stride").value == case.stride
    assert app.toggle(key="channels_window_transposed").value is case.transposed
    assert rf"\mathbf{{{len(case.sweep().windows)}}}" in words(app), "the output size, computed"
    assert not app.error and not app.warning
    assert app.session_state["found"] is False, "the guide's cases read every cell"


def test_a_changed_control_makes_the_case_free_and_keeps_the_rest() -> None:
    app = opened(case="arbitrary_padding_no_strides")
    app.number_input(key="channels_window_stride").set_value(3).run()
    assert app.selectbox(key="channels_window_case").value == "free"
    assert r"\frac{5 + 2 + 2 - 4}{3} \right\rfloor + 1 = \mathbf{2}" in words(app)
    app.selectbox(key="channels_window_case").set_value("dilation").run()
    assert app.number_input(key="channels_window_stride").value == 1
    assert r"= 3 + 2 \cdot 1 = 5" in words(app)


def test_a_link_that_contradicts_its_case_is_taken_at_its_word() -> None:
    app = opened(case="padding_strides", stride=4, after=3)
    assert app.selectbox(key="channels_window_case").value == "free"
    assert r"\frac{5 + 1 + 3 - 3}{4} \right\rfloor + 1 = \mathbf{2}" in words(app), "what it does not say is the case's"
    app.run()
    assert app.number_input(key="channels_window_stride").value == 4


def test_cells_that_are_never_read_are_counted() -> None:
    app = opened(case="free", input_size=6, kernel_size=3, stride=2)
    assert "**1 cell on the right is never read**" in words(app)
    assert app.session_state["found"] is True
    app.segmented_control(key="channels_window_dimensions").set_value("2D").run()
    assert "**1 column on the right and 1 row at the bottom are never read**" in words(app)
    assert "That makes 11 of 36 cells." in words(app)
    app.number_input(key="channels_window_kernel_size").set_value(1).run()
    assert "**2 columns and 2 rows between the windows' cells are never read.**" in words(app)
    app.number_input(key="channels_window_stride").set_value(1).run()
    assert app.session_state["found"] is False


def test_same_says_where_its_odd_cell_stands() -> None:
    app = opened(case="free", input_size=6, kernel_size=3, stride=2, padding="same", dimensions="2D")
    assert "0 left and above, 1 right and below. The odd cell goes after, to the **right and the bottom**" in words(app)
    assert r"\left\lceil \frac{6}{2} \right\rceil = \mathbf{3}" in words(app)
    assert [app.number_input(key=f"channels_window_{side}").value for side in ("before", "after")] == [0, 1]


def test_explicit_padding_starts_from_what_was_there() -> None:
    app = opened(case="free", input_size=6, kernel_size=3, stride=2, padding="same")
    app.segmented_control(key="channels_window_padding").set_value("explicit").run()
    assert [app.number_input(key=f"channels_window_{side}").value for side in ("before", "after")] == [0, 1]
    app.number_input(key="channels_window_before").set_value(2).run()
    assert r"\frac{6 + 2 + 1 - 3}{2} \right\rfloor + 1 = \mathbf{4}" in words(app)
    assert r"\frac{6 + 2 + 1 - 3}" in words(
        opened(case="free", input_size=6, stride=2, padding="explicit", before=2, after=1)
    )


def test_paddings_of_a_wanted_size_are_found() -> None:
    app = opened(case="free", input_size=9, kernel_size=5, stride=2, wanted=5, padding="full")
    assert "Before + after: **2 + 2** or **2 + 3**." in words(app)
    app.number_input(key="channels_window_wanted").set_value(2).run()
    assert "None: even without padding the output is 3." in words(app)


def test_transposed_says_which_sizes_it_may_stand_for() -> None:
    app = opened(case="padding_strides_odd_transposed")
    assert r"= 2 \cdot 2 + 3 - 1 - 1 + 1 = \mathbf{6}" in words(app)
    assert "makes 3 of an input of 5 or 6. The extra $a$ takes 6." in words(app)
    app.number_input(key="channels_window_stride").set_value(1).run()
    assert app.number_input(key="channels_window_extra").value == 0, "a is less than the stride"
    assert not app.exception and not app.error


def test_transposed_answers_at_its_smallest_and_with_same() -> None:
    app = opened(case="free", transposed="true", input_size=1, stride=2, padding="explicit", before=1, after=2, extra=1)
    assert "makes 1 of an input of 1. The extra $a$ takes 1." in words(app)
    app = opened(case="free", transposed="true", input_size=4, stride=2, padding="same")
    assert "makes 4 of an input of 7 or 8. *same* always takes 8." in words(app)


def test_transposed_says_what_is_laid_round_the_stretched_input() -> None:
    app = opened(case="free", transposed="true", input_size=4, kernel_size=3, dilation=2)
    assert "padding is $k_e$ − 1 − p = 4 before and 4 after, the kernel" in words(app), "5 - 1, not 3 - 1"
    app = opened(case="free", transposed="true", input_size=4, kernel_size=1, stride=2, padding="same")
    assert "padding is k − 1 − p = 0 before and 0 after + a = 1, the kernel" in words(app), "Keras' a of a short kernel"


def test_what_does_not_fit_is_said_and_the_controls_stay() -> None:
    app = opened(case="free", input_size=2, kernel_size=3)
    assert "A kernel that spans 3 pixels does not fit into an input of 2" in app.error[0].value
    assert app.session_state["found"] is False
    app.number_input(key="channels_window_input_size").set_value(3).run()
    assert not app.error
    app = opened(case="free", input_size=1, kernel_size=3, padding="full", transposed="true")
    assert "would become an output of -1" in app.error[0].value


@pytest.mark.parametrize(
    ("name", "value"), [("case", "strided"), ("stride", 9), ("padding", "SAME"), ("before", -1), ("wanted", "1e309")]
)
def test_what_the_link_asks_in_vain_is_said(name: str, value: object) -> None:
    app = opened(**{name: value})
    assert str(value) in app.warning[0].value and "the default is used" in app.warning[0].value
