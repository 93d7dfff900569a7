"""The pooling page."""

from typing import Any

import numpy as np
import pytest

from cnn_core.engine.errors import EngineUnreachable

VIEWS = ("Steps", "Shift", "EQ-N2.2", "Cost", "Head", "Stride")


def column(drift: float) -> dict[str, list[Any]]:
    return {"drift": [drift * n for n in range(9)], "agrees": [n < 6 for n in range(9)], "probability": [0.5] * 9}


SHIFTED = {
    "index": 281,
    "label": "tabby",
    "probability": 0.5,
    "shifts": list(range(9)),
    "agreement": 0.625,
    "right": column(0.01),
    "down": column(0.02),
}
ACTIVE = [
    {
        "index": n,
        "label": label,
        "probability": 0.3,
        "logit": 2.5,
        "bias": 0.5,
        "map": np.linspace(1, 3, 49, dtype=np.float32).reshape(7, 7),
    }
    for n, label in enumerate(("tabby", "tiger cat", "lynx"))
]


@pytest.fixture
def lesson(page: Any, engine: Any) -> Any:
    engine.answers |= {"shift_agreement": SHIFTED, "class_activation": ACTIVE}
    return lambda **query: page("pooling", **query)


def words(app: Any) -> str:
    kinds = (app.markdown, app.info, app.success, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.mark.parametrize("view", VIEWS)
def test_pooling_view_shows_without_exception_or_warning(lesson: Any, view: str) -> None:
    app = lesson(pooling_view=view)
    assert not app.exception
    assert not app.error
    assert not [warning.value for warning in app.warning if "link" in warning.value]
    assert "Try this (0 of 3)" in [element.value for element in app.subheader]


@pytest.mark.parametrize(
    ("picture", "kind"),
    [("bar", "max"), ("digit-3", "average"), ("bar", "l2"), ("digit-3", "global-average"), ("bar", "global-max")],
)
def test_pooling_of_a_tiny_picture_steps_in_every_kind(lesson: Any, picture: str, kind: str) -> None:
    app = lesson(picture=picture, pooling_kind=kind, pooling_window="3", pooling_stride="2", pooling_padding="same")
    assert not app.exception
    assert not app.error
    assert "of the picture's energy" in words(app)


def test_pooling_says_the_truth_about_the_chapters_example(lesson: Any) -> None:
    app = lesson(pooling_view="EQ-N2.2")
    assert "[[9, 1], [0, 3]] becomes [[2, 9], [1, 3]]: **crossed**" in app.warning[0].value
    app.segmented_control(key="pooling_direction").set_value("left").run()
    assert "[[9, 1], [0, 3]] becomes [[9, 2], [3, 1]]: **absorbed**" in app.success[0].value
    assert "Try this (1 of 3)" in [element.value for element in app.subheader]


def test_pooling_does_not_take_a_round_trip_for_absorption(lesson: Any) -> None:
    app = lesson(pooling_view="EQ-N2.2", pooling_direction="right", pooling_size="3")
    assert "round trip" in app.info[0].value
    assert "Try this (0 of 3)" in [element.value for element in app.subheader]


def test_pooling_link_values_are_used(lesson: Any) -> None:
    app = lesson(pooling_kind="average", pooling_window="3", pooling_stride="2", pooling_padding="same", picture="bar")
    assert app.segmented_control(key="pooling_kind").value == "average"
    assert app.segmented_control(key="pooling_window").value == 3
    assert "6 × 6 become **3 × 3**: window $k = 3$, stride $s = 2$." in words(app)
    assert "Try this (1 of 3)" in [element.value for element in app.subheader], "it is halved by overlapping windows"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pooling_kind", "median"),
        ("pooling_window", "7"),
        ("pooling_stride", "0"),
        ("pooling_view", "Nowhere"),
        ("pooling_shift", "99"),
        ("pooling_channels", "0"),
    ],
)
def test_pooling_says_what_a_link_asks_in_vain(lesson: Any, name: str, value: str) -> None:
    app = lesson(**{name: value})
    assert not app.exception
    assert len(app.warning) == 1
    assert value in app.warning[0].value and "the default is used" in app.warning[0].value


def test_pooling_shift_is_judged_by_numbers(lesson: Any) -> None:
    app = lesson(pooling_view="Shift")
    said = words(app)
    assert "**Strided convolution** changes most" in said
    assert "not *equivariant* to a shift between strides" in said
    assert "logits drift by **0.010**" in said
    assert "**62%**" in said
    app.slider(key="pooling_shift").set_value(4).run()
    assert "error below 1e-9, *equivariant* to this shift" in words(app)
    assert "Try this (1 of 3)" in [element.value for element in app.subheader]
    app.segmented_control(key="pooling_axis").set_value("down").run()
    assert "logits drift by **0.080**" in words(app)


@pytest.mark.parametrize("view", ["Shift", "Head"])
def test_pooling_says_that_the_engine_is_away_and_goes_on(lesson: Any, engine: Any, view: str) -> None:
    away = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    engine.answers |= {"shift_agreement": away, "class_activation": away}
    app = lesson(pooling_view=view)
    assert app.error[0].value == "The engine cannot be reached. Try again in a moment."
    assert app.get("plotly_chart"), "what needs no engine is shown"
    assert "Try this (0 of 3)" in [element.value for element in app.subheader]


def test_pooling_asks_the_network_once_for_each_picture(lesson: Any, engine: Any) -> None:
    asked = []

    def ask(question: str, pixels: np.ndarray) -> Any:
        asked.append((question, pixels.shape))
        return engine.answers[question]

    engine.ask = ask
    app = lesson(pooling_view="Shift")
    app.slider(key="pooling_shift").set_value(3).run()
    assert asked == [("shift_agreement", (300, 451, 3))]
    app.button(key="visitor_change").click().run()
    app.button(key="picture_take_coffee").click().run()
    assert asked[1:] == [("shift_agreement", (400, 600, 3))]


def test_pooling_counts_the_parameters_of_both_heads(lesson: Any) -> None:
    app = lesson(pooling_view="Head")
    assert "**25,089,000**" in words(app) and "**513,000**" in words(app)
    assert "2.000 | 0.500 | 2.500 | 2.500" in words(app), "mean of the map + bias = logit"
    app.number_input(key="pooling_classes").set_value(10).run()
    assert f"**{7 * 7 * 512 * 10 + 10:,}**" in words(app) and f"**{512 * 10 + 10:,}**" in words(app)


def test_pooling_strided_convolution_of_equal_weights_is_average_pooling(lesson: Any) -> None:
    app = lesson(pooling_view="Stride", picture="digit-7")
    assert "*is* average-pooling: max |Δ| = 0 on your picture" in words(app)
    assert "| parameters | 0 | 16,448 |" in words(app)
    app.segmented_control(key="pooling_filter").set_value("edges").run()
    assert "something else than average-pooling" in words(app)


def test_pooling_unpooling_costs_pixels_unless_indices_are_kept(lesson: Any) -> None:
    app = lesson(pooling_view="Cost", pooling_window="4")
    assert "(theory 1.50) and 2.12 px at worst" in words(app)
