"""What a reader does within a component: kept beside the address, checked when a link says it."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from ui.shared.controls import asides, cell, put_aside

    shape = (st.number_input("rows", 1, 9, 3), 4)
    place = cell("toy_at", shape)
    st.markdown(f"at {place}")
    st.button("go", on_click=put_aside, args=("toy_at", "2,1"))
    st.button("nothing", on_click=put_aside, args=("toy_of", ""))
    st.button("elsewhere", on_click=put_aside, args=("other_at", "0,0"))
    st.markdown(f"shared {asides('toy')}")


def opened(at: str | None = None) -> Any:
    app = AppTest.from_function(script, default_timeout=60)
    if at is not None:
        app.query_params["toy_at"] = at
    app.run()
    assert not app.exception
    return app


def said(app: Any) -> list[str]:
    return [element.value for element in app.markdown]


def test_nobody_has_gone_anywhere() -> None:
    assert said(opened()) == ["at None", "shared {}"]


def test_link_says_where() -> None:
    app = opened("2,3")
    assert said(app)[0] == "at (2, 3)" and not app.warning


@pytest.mark.parametrize("at", ["", "3,0", "0,4", "1", "1,2,3", "-1,0", "a,b", "1e309,0", "९,0"])
def test_link_with_an_impossible_place_is_told(at: str) -> None:
    app = opened(at)
    assert said(app)[0] == "at None" and "which is not possible here" in app.warning[0].value


def test_where_the_reader_goes_is_kept_beside_the_address_and_shared() -> None:
    app = opened("0,0")
    for button in app.button:
        button.click().run()
    assert said(app) == ["at (2, 1)", "shared {'toy_at': '2,1'}"], "of this page, and nothing that is empty"
    assert app.query_params["toy_at"] in ("0,0", ["0,0"])


def test_place_that_another_control_has_taken_away_is_no_fault_of_a_link() -> None:
    app = opened()
    app.button[0].click().run()
    app.number_input[0].set_value(2).run()
    assert said(app)[0] == "at None" and not app.warning
    app.number_input[0].set_value(3).run()
    assert said(app)[0] == "at (2, 1)"


def bound() -> None:
    import streamlit as st

    from ui.shared.controls import pick, segments, slide, switch, whole

    st.markdown(f"{slide('a', 0, 9, 3, 'toy_slide')} {whole('b', 0, 9, 3, 'toy_whole')}")
    st.markdown(f"{segments('c', 'xy', 'x', 'toy_segments')} {pick('d', 'xy', 'x', 'toy_pick')}")
    st.markdown(f"{switch('e', False, 'toy_switch')}")


@pytest.mark.parametrize("bad", ["nonsense", "1e309", ""])
@pytest.mark.parametrize("key", ["toy_slide", "toy_whole", "toy_segments", "toy_pick", "toy_switch"])
def test_going_back_to_an_impossible_link_is_told_and_the_control_goes_on(key: str, bad: str) -> None:
    app = AppTest.from_function(bound, default_timeout=60).run()
    app.query_params[key] = bad  # as Back does, within a visit: the control is bound to it already
    app.run()
    assert not app.exception and len(app.warning) == 1
    assert "which is not possible here; the default is used" in app.warning[0].value
    assert said(app) == ["3 3", "x x", "False"] and key not in app.query_params
    app.run()
    assert not app.exception and not app.warning
    app.query_params[key] = good = {"toy_slide": "5", "toy_whole": "5", "toy_switch": "true"}.get(key, "y")
    app.run()
    assert not app.exception and not app.warning and app.query_params[key] in (good, [good]), "it is bound again"
