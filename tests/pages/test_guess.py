"""A guess before the answer: asked once, compared, never in the way."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic.kernels import PRESETS
from cnn_core.pictures.bundled import BUNDLED


def number() -> None:
    import streamlit as st

    from ui.shared.guess import guess

    truth = st.session_state.get("truth", 37.2)
    if guess("any_guess", "How much is it?", (0, 100, "%"), truth):
        st.markdown(f"It is {truth:.1f}%.")


def choice() -> None:
    import streamlit as st

    from ui.shared.guess import guess

    if guess("any_guess", "What is it?", ("edges", "a *blur*"), "a *blur*"):
        st.markdown("It blurs.")


def words(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown]


@pytest.mark.parametrize(
    ("pressed", "verdict"),
    [
        ("any_guess_0", "You said 10%, it is 37%: more than it looks."),
        ("any_guess_1", "You said 30%, it is 37%: well seen."),
        ("any_guess_4", "You said 90%, it is 37%: less than it looks."),
    ],
)
def test_number_is_asked_for_and_then_compared(pressed: str, verdict: str) -> None:
    app = AppTest.from_function(number, default_timeout=60).run()
    assert words(app) == ["**Guess first.** How much is it?"]
    app.button(key=pressed).click().run()
    assert words(app) == [verdict, "It is 37.2%."]
    assert not app.button


def test_words_are_compared_and_none_is_taken_for_markdown() -> None:
    app = AppTest.from_function(choice, default_timeout=60).run()
    assert [button.label for button in app.button] == ["edges", "a \\*blur\\*", "Show me"]
    app.button(key="any_guess_0").click().run()
    assert words(app) == ["You said edges, it is a \\*blur\\*: good to have looked.", "It blurs."]


def test_nobody_has_to_guess() -> None:
    app = AppTest.from_function(number, default_timeout=60).run()
    app.button(key="any_guess_show").click().run()
    assert words(app) == ["It is 37.2%."]


def test_it_is_asked_once_and_compared_only_with_what_was_asked_about() -> None:
    app = AppTest.from_function(number, default_timeout=60).run()
    app.button(key="any_guess_0").click().run()
    app.session_state["truth"] = 80.0
    app.run()
    assert words(app) == ["It is 80.0%."]
    app.session_state["truth"] = 37.2
    app.run()
    assert words(app)[0] == "You said 10%, it is 37%: more than it looks."


@pytest.mark.parametrize(("show", "asks"), [("", False), ("stride", False), ("guess", True), ("stride,guess", True)])
def test_in_present_mode_it_is_a_control_like_others(show: str, asks: bool) -> None:
    app = AppTest.from_function(number, default_timeout=60)
    app.query_params["present"], app.query_params["show"] = "1", show
    assert words(app.run()) == (["**Guess first.** How much is it?"] if asks else ["It is 37.2%."])


# In the lessons: others are in test_pooling and test_channels_effective -----------------------------------------------


def pressed(app: Any, key: str) -> list[str]:
    assert not app.exception
    assert len([button for button in app.button if button.key == f"{key}_show"]) == 1
    return words(app.button(key=f"{key}_0").click().run())


def test_convolution_asks_how_much_of_the_map_is_next_to_nothing(page: Any) -> None:
    app = page("convolution", picture="bar", convolution_kernel="sobel_x")
    image = ops.grey(BUNDLED["bar"].load().pixels / 255.0)
    response = abs(ops.cross_correlate(image, PRESETS["sobel_x"].kernel()))
    share = (response < 0.05 * response.max()).mean()
    said = pressed(app, "convolution_guess")
    assert any(words.startswith(f"You said 10%, it is {share:.0%}:") for words in said)
    assert f"**{share:.0%}** of the map is next to 0, within a twentieth of its largest." in said


def test_architectures_asks_how_much_is_in_one_layer(page: Any, engine: Any) -> None:
    row = {"kind": "Conv2D", "block": "", "output_shape": (8, 8, 4), "macs": 7, "trainable_params": 0}
    row |= {"receptive_field": 3, "effective_stride": 1, "reason": ""}
    rows = [row | {"name": name, "params": params} for name, params in (("one", 10), ("two", 83), ("three", 7))]
    engine.answers["architecture_graph"] = {"layers": rows, "edges": [("one", "two"), ("two", "three")], "blocks": []}
    said = pressed(page("architectures", architectures_view="Inside"), "architectures_guess")
    assert "You said 10%, it is 83%: more than it looks." in said
    assert "Its largest layer holds **83.0%** of all its parameters. Which is it?" in said
