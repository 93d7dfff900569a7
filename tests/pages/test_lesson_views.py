"""A page of lessons made of two small views."""

from typing import Any

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from cnn_core.pictures.images import Picture
    from ui.shared.lessons import View, lessons
    from ui.shared.teaching import one_of

    def even() -> bool:
        return st.number_input("Number", 0, 9, 1, key="toy_number", bind="query-params") % 2 == 0

    def seen(picture: Picture) -> None:
        st.markdown(f"{picture.name} is looked at")

    views = {
        "Even": View("Even numbers", ("stride",), even, {"toy_number": one_of(*range(10))}, "Find an even number."),
        "Seen": View("A picture", (), seen, picture=True),
    }
    lessons("toy", "Toys", "Two of them.", views)


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def words(app: Any) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.subheader, app.warning) for element in kind)


def test_first_view_is_shown_with_its_words_and_without_a_picture() -> None:
    app = opened()
    assert [header.value for header in app.header] == ["Even numbers"] and app.title[0].value == "Toys"
    assert "How far the window moves" in words(app), "the glossary's stride"
    assert not app.selectbox and "Try this (0 of 1)" in words(app)


def test_task_is_ticked_off_when_its_view_says_so() -> None:
    app = opened(toy_number="4")
    assert "Try this (1 of 1)" in words(app) and "Find an even number. **Done.**" in words(app)
    app.segmented_control(key="toy_view").set_value("Seen").run()
    assert "Try this (1 of 1)" in words(app), "it stays so for this visit"


def test_view_of_a_picture_has_one_and_no_task() -> None:
    app = opened(toy_view="Seen")
    assert "chelsea is looked at" in words(app) and "Try this (0 of 1)" in words(app)


def test_link_of_any_view_is_checked_on_all() -> None:
    app = opened(toy_view="Seen", toy_number="11")
    assert [warning.value for warning in app.warning] == [
        r"The link says toy\_number=11, which is not possible here; the default is used."
    ]
