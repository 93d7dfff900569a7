"""The pooling page."""

from typing import Any

import numpy as np
import pytest

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import shifts
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.pictures.bundled import BUNDLED
from ui.pooling import shift

VIEWS = {  # and what each asks
    "Shift": "What survives a shift?",
    "Steps": "What does one window keep?",
    "EQ-N2.2": "Does the pooled map notice that the 9 has moved?",
    "Cost": "What does it forgive, and what does it forget?",
    "Stride": "Could a convolution do the same?",
    "Head": "What if one number a map were enough?",
}


def column(drift: float) -> dict[str, list[Any]]:
    return {"drift": [drift * n for n in range(9)], "agrees": [n < 6 for n in range(9)], "probability": [0.5] * 9}


OWNER = {"pooling_shift": "Shift", "pooling_channels": "Head"}  # of a control: the step that draws it
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


def done(app: Any) -> bool:
    """True if the step's task is ticked off."""
    (task,) = [element.value for element in app.markdown if element.value.startswith("**Try this**")]
    return str(task).endswith("**Done.**")


def words(app: Any) -> str:
    kinds = (app.markdown, app.info, app.success, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.mark.parametrize("view", VIEWS)
def test_pooling_view_shows_without_exception_or_warning(lesson: Any, view: str) -> None:
    app = lesson(pooling_view=view)
    assert not app.exception
    assert not app.error
    assert not [warning.value for warning in app.warning if "link" in warning.value]
    assert [title.value for title in app.title] == [VIEWS[view]]


def test_pooling_begins_with_a_shift_and_leads_on(lesson: Any) -> None:
    app = lesson()
    for question in VIEWS.values():
        assert app.title[0].value == question
        following = [button for button in app.button if button.key == "pooling_view_next"]
        if following:
            following[0].click().run()
    assert [button.label for button in app.button if button.key == "pooling_view_after"] == [
        "Next **· Channels: many maps at once**"
    ]


@pytest.mark.parametrize(
    ("picture", "kind"),
    [("bar", "max"), ("digit-3", "average"), ("bar", "l2"), ("digit-3", "global-average"), ("bar", "global-max")],
)
def test_pooling_of_a_tiny_picture_steps_in_every_kind(lesson: Any, picture: str, kind: str) -> None:
    app = lesson(
        picture=picture,
        pooling_view="Steps",
        pooling_kind=kind,
        pooling_window="3",
        pooling_stride="2",
        pooling_padding="same",
    )
    assert not app.exception
    assert not app.error
    assert "of the picture's energy" in words(app)
    assert app.get("bidi_component"), "it can be stepped through"


def test_pooling_says_the_truth_about_the_chapters_example(lesson: Any) -> None:
    app = lesson(pooling_view="EQ-N2.2")
    assert "[[9, 1], [0, 3]] becomes [[2, 9], [1, 3]]: **crossed**" in app.warning[0].value
    assert not done(app)
    app.segmented_control(key="pooling_direction").set_value("left").run()
    assert "[[9, 1], [0, 3]] becomes [[9, 2], [3, 1]]: **absorbed**" in app.success[0].value
    assert done(app)


def test_pooling_does_not_take_a_round_trip_for_absorption(lesson: Any) -> None:
    app = lesson(pooling_view="EQ-N2.2", pooling_direction="right", pooling_size="3")
    assert "round trip" in app.info[0].value
    assert not done(app)


def test_pooling_link_values_are_used(lesson: Any) -> None:
    app = lesson(
        picture="bar",
        pooling_view="Steps",
        pooling_kind="average",
        pooling_window="3",
        pooling_stride="2",
        pooling_padding="same",
    )
    assert app.segmented_control(key="pooling_kind").value == "average"
    assert app.segmented_control(key="pooling_window").value == 3
    assert app.segmented_control(key="pooling_stride").value == "2"
    assert "6 × 6 became **3 × 3**" in words(app)
    assert done(app), "it is halved by overlapping windows"


@pytest.mark.parametrize("view", ["Steps", "Shift"])
def test_pooling_disables_what_cannot_act_and_says_why(lesson: Any, view: str) -> None:
    app = lesson(pooling_view=view, pooling_kind="global-average")
    window = app.segmented_control(key="pooling_window")
    assert window.disabled
    assert window.label == "Window: its side (here it is the whole map)"
    if view == "Steps":
        padding = app.segmented_control(key="pooling_padding")
        assert padding.disabled and "none is needed" in padding.label


def test_pooling_draws_only_a_steps_own_controls(lesson: Any) -> None:
    shared = {"pooling_kind", "pooling_window", "pooling_stride", "pooling_padding"}
    drawn = {view: {control.key for control in lesson(pooling_view=view).segmented_control} & shared for view in VIEWS}
    assert drawn == {
        "Shift": shared - {"pooling_padding"},
        "Steps": shared,
        "EQ-N2.2": set(),
        "Cost": {"pooling_window"},
        "Stride": shared - {"pooling_kind"},
        "Head": set(),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pooling_kind", "median"),
        ("pooling_window", "7"),
        ("pooling_stride", "0"),
        ("pooling_view", "Nowhere"),
        ("pooling_shift", "99"),
        ("pooling_channels", "0"),
        ("pooling_channels", "1e309"),
        ("pooling_view", ""),
        ("pooling_kind", ""),
        ("pooling_stride", ""),
        ("pooling_window", ""),
    ],
)
def test_pooling_says_what_a_link_asks_in_vain(lesson: Any, name: str, value: str) -> None:
    view = {"pooling_view": value} if name == "pooling_view" else {"pooling_view": OWNER.get(name, "Steps")}
    app = lesson(**view | {name: value})
    assert not app.exception
    assert len(app.warning) == 1
    assert f"={value or 'nothing'}, which is not possible here; the default is used" in app.warning[0].value


def test_pooling_shift_is_judged_by_numbers(lesson: Any) -> None:
    app = lesson(pooling_view="Shift")
    said = words(app)
    assert "Shift by 1 and the pooled map cannot follow: it moves in steps of 2." in said
    assert "**Strided convolution** changes most" in said
    assert "In steps of 2 none follows a shift by 1" in said
    assert "logits drift by **0.010**" in said
    assert "**62%**" in said
    assert not done(app)
    app.slider(key="pooling_shift").set_value(4).run()
    assert "the pooled map follows exactly, by 2 cells: moved back, **0%** of it differs" in words(app)
    assert "error below 1e-9, *equivariant* to this shift" in words(app)
    assert done(app)
    app.segmented_control(key="pooling_axis").set_value("down").run()
    assert "logits drift by **0.080**" in words(app)


def test_pooling_says_how_much_did_not_follow(lesson: Any) -> None:
    app = lesson(picture="digit-3", pooling_view="Shift", pooling_shift="2", pooling_kind="average", pooling_stride="4")
    image, _ = shift._large(ops.grey(BUNDLED["digit-3"].load().pixels / 255.0))
    before, after = (
        ops.average_pool(ops.relu(ops.cross_correlate(image[:, 8 - by : 64 - by], shifts.SOBEL_X)), 2, 4)
        for by in (0, 2)
    )
    halfway, there = (after[:, :-1] + after[:, 1:]) / 2, before[:, :-1]  # 2/4 of a cell
    wanted = np.linalg.norm(halfway - there) / np.linalg.norm(there)
    assert f"**{wanted:.0%}** of it differs" in words(app)


@pytest.mark.parametrize(("view", "shown"), [("Shift", "image"), ("Head", "plotly_chart")])
def test_pooling_says_that_the_engine_is_away_and_goes_on(lesson: Any, engine: Any, view: str, shown: str) -> None:
    away = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    engine.answers |= {"shift_agreement": away, "class_activation": away}
    app = lesson(pooling_view=view)
    assert app.error[0].value == "The engine cannot be reached. Try again in a moment."
    assert app.get(shown), "what needs no engine is shown"


def test_pooling_asks_the_network_once_for_each_picture(lesson: Any, engine: Any) -> None:
    asked = []

    def ask(question: str, pixels: np.ndarray, **_: Any) -> Any:
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
    app = lesson(picture="digit-7", pooling_view="Stride")
    assert "*is* average-pooling: max |Δ| = 0 on your picture" in words(app)
    assert "| parameters | 0 | 16,448 |" in words(app)
    app.segmented_control(key="pooling_filter").set_value("edges").run()
    assert "something else than average-pooling" in words(app)


def test_pooling_unpooling_costs_pixels_unless_indices_are_kept(lesson: Any) -> None:
    app = lesson(pooling_view="Cost", pooling_window="4")
    assert "(theory 1.50) and 2.12 px at worst" in words(app)


def test_pooling_finds_the_peak_in_the_middle_of_a_window_of_three(lesson: Any) -> None:
    app = lesson(pooling_view="Cost", pooling_window="3")
    assert done(app), "row 4 and column 7 are the middle of their windows"
    app.slider(key="pooling_row").set_value(5).run()
    assert "**1.07 px** away in the mean" in words(app)
