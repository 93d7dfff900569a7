"""The pooling page."""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import shifts
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.figures import pooling as figures
from cnn_core.pictures.bundled import BUNDLED
from ui.pooling import shift
from ui.pooling.settings import Settings

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


OWNER = {
    "pooling_right": "Shift",
    "pooling_shift": "Shift",
    "pooling_channels": "Head",
}  # of a control: the step that draws it
SHIFTED = {
    "index": 281,
    "label": "tabby",
    "probability": 0.5,
    "shifts": list(range(9)),
    "agreement": 0.625,
    "right": column(0.01),
    "down": column(0.02),
}


def shift_agreement(pixels: np.ndarray, shifts: Sequence[int]) -> dict[str, Any]:
    """As much in every direction."""
    return SHIFTED | {"shifts": list(shifts)}


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


CATS = ("tabby", "tiger cat", "lynx", "tub")


def cats(*shares: float) -> list[dict[str, Any]]:
    """A network's answer, the likeliest first."""
    found = [{"index": n, "label": CATS[n], "probability": share} for n, share in enumerate(shares)]
    return sorted(found, key=lambda entry: -entry["probability"])


def answer_at(seen: np.ndarray, down: int, right: int, top: int) -> list[dict[str, Any]]:
    """Sure of one thing until it has moved by four pixels."""
    assert seen.shape == (256, 256, 3)
    return cats(0.46, 0.31, 0.1) if abs(down) + abs(right) < 4 else cats(0.3, 0.38, 0.1)


@pytest.fixture
def lesson(page: Any, engine: Any) -> Any:
    engine.answers |= {"shift_agreement": shift_agreement, "class_activation": ACTIVE, "answer_at": answer_at}
    return lambda **query: page("pooling", **query)


def done(app: Any) -> bool:
    """True if the step's task is ticked off."""
    (task,) = [element.value for element in app.markdown if element.value.startswith("**Try this**")]
    return "**Done.**" in task


def words(app: Any) -> str:
    kinds = (app.markdown, app.info, app.success, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\u00a0×\u00a0", " × ")


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


def test_pooling_halves_as_alexnet_does_without_padding(lesson: Any) -> None:
    assert done(lesson(pooling_view="Steps", pooling_window="3", pooling_stride="2"))
    assert not done(lesson(pooling_view="Steps", pooling_window="3"))


@pytest.mark.parametrize(("stride", "unseen"), [("2", False), ("4", True)])
def test_pooling_says_what_no_window_saw(lesson: Any, stride: str, unseen: bool) -> None:
    app = lesson(pooling_view="Steps", pooling_kind="average", pooling_stride=stride)
    assert ("Red are also pixels that no window saw" in words(app)) == unseen
    mean = float(words(app).partition("(mean ")[2].partition(")")[0])
    assert abs(mean) < 1e-9, "the mean of a window is the mean of its pixels"


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (40, 1)])
def test_pooling_takes_a_picture_smaller_than_a_window(lesson: Any, bring: Any, size: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", size, "grey").save(buffer, "PNG")
    app = bring(lesson(), "tiny.png", buffer.getvalue())
    for view in VIEWS:
        app.query_params["pooling_view"] = view
        app.run()
        assert not app.exception, view


def test_pooling_of_a_picture_without_edges_says_that_nothing_can_follow(lesson: Any, bring: Any) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(buffer, "PNG")
    app = bring(lesson(), "grey.png", buffer.getvalue())
    assert "Its map is 0 everywhere" in words(app) and not done(app)


@pytest.mark.parametrize("by", [(0, -3), (-2, 0), (0, 4)])
def test_pooling_curves_go_as_far_as_the_picture_moves(by: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((40, 40))
    line = shift._line(by)
    drawn = figures.shift_curves(shifts.shift_response(image, shifts=line), 3).to_json()
    assert all(list(curve["x"]) == list(range(9)) for curve in drawn["data"])


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
        ("pooling_right", "-9"),
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


def shown(app: Any) -> Any:
    """Answer "Show me" where the lesson asks for a guess first."""
    asked = [button for button in app.button if button.key == "pooling_guess_show"]
    return asked[0].click().run() if asked else app


def test_pooling_shift_is_judged_by_numbers(lesson: Any) -> None:
    app = shown(lesson(pooling_view="Shift"))
    said = words(app)
    assert (
        "Shift by 1 px right and the pooled map cannot follow: it moves in steps of 2. Moved back by 1/2 cell" in said
    )
    assert "**Strided convolution** changes most" in said
    assert "In steps of 2 none follows a shift by 1 px right" in said
    assert "Moved to the right by up to 8 px, its logits drift by up to 0.080 of their length." in said
    assert "**62%**" in said
    assert not done(app)
    app.slider(key="pooling_right").set_value(4).run()
    assert "the pooled map follows exactly, by 2 cells: moved back, it differs by **0%**" in words(app)
    assert "error below 1e-9, *equivariant* to this shift" in words(app)
    assert done(app)
    app.slider(key="pooling_down").set_value(-6).run()
    assert "Shift by 4 px right and 6 px up and the pooled map follows exactly, by 2 and 3 cells" in words(app)
    assert "Moved up by up to 8 px, its logits drift by up to 0.160 of their length." in words(app)
    assert "Over all shifts to the left and up it keeps its first answer in **62%**" in words(app)


@pytest.mark.parametrize(("right", "down", "way"), [(-5, 2, "to the left"), (-2, -7, "up"), (3, 8, "down")])
def test_pooling_marks_in_the_plot_how_far_the_picture_was_moved(lesson: Any, right: int, down: int, way: str) -> None:
    app = lesson(pooling_view="Shift", pooling_right=str(right), pooling_down=str(down))
    (chart,) = (each for each in app.get("plotly_chart") if "its logits drift" in each.proto.alt)
    drawn = json.loads(chart.proto.spec)
    (curve,), (line,) = drawn["data"], drawn["layout"]["shapes"]
    assert f"Moved {way} by up to 8 px" in chart.proto.alt
    assert curve["x"] == list(range(9)) and line["x0"] == line["x1"] == max(abs(right), abs(down))


def test_pooling_shows_the_network_changing_its_mind(lesson: Any, engine: Any) -> None:
    app = lesson(pooling_view="Shift")
    assert "**Does a whole network change its mind?** tabby 46% → 46%: it stays with it." in words(app)
    app.slider(key="pooling_down").set_value(-3).run()
    assert "tabby 46% → tiger cat 38%: **it changed its mind**." in words(app)
    drawn = json.loads(
        next(each for each in app.get("plotly_chart") if "changed its mind" in each.proto.alt).proto.spec
    )
    before, after = (trace for trace in drawn["data"] if trace["mode"] == "markers")
    assert (before["y"], before["x"]) == (["tabby", "tiger cat", "lynx"], [0.46, 0.31, 0.1])
    assert after["x"] == [0.3, 0.38, 0.1]
    app.slider(key="pooling_down").set_value(0).run()
    app.slider(key="pooling_right").set_value(0).run()
    assert "It says tabby 46%. Move the picture and see." in words(app)
    assert "Nothing has moved yet." in words(app)


@pytest.mark.parametrize(("asked", "by"), [("down", (3, 0)), ("right", (0, 3))])
def test_pooling_reads_links_of_one_axis(lesson: Any, asked: str, by: tuple[int, int]) -> None:
    app = lesson(pooling_shift="3", pooling_axis=asked)
    assert (app.slider(key="pooling_down").value, app.slider(key="pooling_right").value) == by
    assert not {"pooling_axis", "pooling_shift"} & {*app.query_params}
    app.run()
    assert (app.slider(key="pooling_down").value, app.slider(key="pooling_right").value) == by
    assert not app.warning


def test_pooling_moves_to_where_a_hand_lets_go(lesson: Any) -> None:
    app = lesson()
    app.session_state["pooling_right"], app.session_state["pooling_down"] = 5, -2  # as the component's callback does
    app.run()
    assert "shifted by 5 px right and 2 px up" in words(app)
    (hand,) = app.get("bidi_component")
    assert json.loads(hand.proto.json)["at"] == [-2, 5]


def test_pooling_asks_for_a_guess_once_before_it_tells(lesson: Any) -> None:
    app = lesson(picture="digit-3", pooling_shift="2", pooling_kind="average", pooling_stride="4")
    asked = "**Guess first.** Moved back to where it was, by how much will the pooled map differ?"
    assert asked in words(app) and "cannot follow" not in words(app)
    assert [button.label for button in app.button if "guess" in str(button.key)] == [
        *(f"{number}%" for number in (10, 30, 50, 70, 90)),
        "Show me",
    ]
    assert app.get("bidi_component"), "the picture is there, whatever is asked"
    app.button(key="pooling_guess_0").click().run()
    wanted = 100 * differing("digit-3", (0, 2), 2, 4)
    assert f"You said 10%, it is {wanted:.0f}%: more than it looks." in words(app)
    assert "cannot follow" in words(app) and asked not in words(app)
    app.slider(key="pooling_right").set_value(3).run()
    assert "You said" not in words(app), "it was about another shift"
    assert asked not in words(app)
    assert not [name for name in app.query_params if "guess" in name]


def test_pooling_shows_whoever_would_not_guess(lesson: Any) -> None:
    app = shown(lesson())
    assert "cannot follow" in words(app) and "You said" not in words(app)


@pytest.mark.parametrize(("show", "asks"), [("", False), ("right", False), ("guess", True), ("pooling_guess", True)])
def test_pooling_asks_in_present_mode_where_that_is_named(lesson: Any, show: str, asks: bool) -> None:
    app = lesson(present="1", show=show)
    assert ("Guess first" in words(app)) == asks
    assert ("cannot follow" in words(app)) != asks
    (hand,) = app.get("bidi_component")
    assert json.loads(hand.proto.json)["still"], "neither of its numbers is named"


def test_pooling_lets_the_hand_move_where_both_numbers_are_named(lesson: Any) -> None:
    (hand,) = lesson(present="1", show="right,down").get("bidi_component")
    assert not json.loads(hand.proto.json)["still"]


def rolled(name: str, by: tuple[int, int]) -> np.ndarray:
    """The map of a picture that was rolled; what came around lies in the rim that nobody sees."""
    image, _ = shift._large(ops.grey(BUNDLED[name].load().pixels / 255.0))
    return ops.relu(ops.cross_correlate(np.roll(image, by, axis=(0, 1))[8:-8, 8:-8], shifts.SOBEL_X))


def differing(name: str, by: tuple[int, int], window: int, stride: int) -> float:
    """How much of an average-pooled map does not follow half a cell to the right."""
    before, after = (ops.average_pool(rolled(name, each), window, stride) for each in ((0, 0), by))
    assert by == (0, stride // 2)
    halfway, there = (after[:, :-1] + after[:, 1:]) / 2, before[:, :-1]
    return float(np.linalg.norm(halfway - there) / np.linalg.norm(there))


def test_pooling_says_how_much_did_not_follow(lesson: Any) -> None:
    link = {"pooling_shift": "2", "pooling_kind": "average", "pooling_stride": "4"}
    app = shown(lesson(picture="digit-3", pooling_view="Shift", **link))
    wanted = differing("digit-3", (0, 2), 2, 4)
    assert f"it differs by **{wanted:.0%}**" in words(app)


@pytest.mark.parametrize("by", [(0, 1), (3, -8), (-8, 8), (-4, -6), (8, 0)])
@pytest.mark.parametrize("kind", ["max", "global-average"])
def test_pooling_moves_a_picture_as_rolling_does(kind: str, by: tuple[int, int]) -> None:
    image, _ = shift._large(ops.grey(BUNDLED["digit-3"].load().pixels / 255.0))
    moved = shift.moved_by(image, Settings(kind, 2, 2), by)
    assert np.array_equal(moved.features, rolled("digit-3", by))
    if kind == "max":
        assert np.array_equal(moved.pooled, ops.max_pool(rolled("digit-3", by), 2))
    if kind == "max" and not any(pixels % 2 for pixels in by):  # whole cells: nothing differs where nothing came in
        assert np.array_equal(moved.back, moved.there) and moved.change == 0
        down, right = (pixels // 2 for pixels in by)
        still = np.roll(ops.max_pool(rolled("digit-3", (0, 0)), 2), (down, right), axis=(0, 1))
        rows, columns = (slice(max(0, n), size + min(0, n)) for n, size in zip((down, right), still.shape, strict=True))
        assert np.array_equal(moved.pooled[rows, columns], still[rows, columns])
    if kind == "global-average":
        assert moved.change == pytest.approx(abs(rolled("digit-3", by).mean() / rolled("digit-3", (0, 0)).mean() - 1))


@pytest.mark.parametrize(("view", "shown"), [("Shift", "bidi_component"), ("Head", "plotly_chart")])
def test_pooling_says_that_the_engine_is_away_and_goes_on(lesson: Any, engine: Any, view: str, shown: str) -> None:
    away = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    engine.answers |= {"shift_agreement": away, "class_activation": away, "answer_at": away}
    app = lesson(pooling_view=view)
    assert app.error[0].value == "The engine cannot be reached. Try again in a moment."
    assert app.get(shown), "what needs no engine is shown"


def test_pooling_asks_the_network_once_for_each_picture(lesson: Any, engine: Any) -> None:
    asked = []

    def ask(question: str, pixels: np.ndarray, *by: int, **_: Any) -> Any:
        asked.append((question, pixels.shape, by[:2]))
        return answer_at(pixels, *by) if question == "answer_at" else SHIFTED

    engine.ask = ask
    app = lesson(pooling_view="Shift")
    seen = (256, 256, 3)
    first = [
        ("answer_at", seen, (0, 0)),
        ("answer_at", seen, (0, 1)),
        ("shift_agreement", (300, 451, 3), (tuple(range(9)),)),
    ]
    assert asked == first
    app.slider(key="pooling_right").set_value(3).run()
    assert asked[3:] == [("answer_at", seen, (0, 3))], "what it said before is known"
    asked.clear()
    app.button(key="visitor_change").click().run()
    app.button(key="picture_take_coffee").click().run()
    assert [(question, by) for question, _, by in asked] == [
        ("answer_at", (0, 0)),
        ("answer_at", (0, 3)),
        ("shift_agreement", (tuple(range(9)),)),
    ]


def test_pooling_counts_the_parameters_of_both_heads(lesson: Any) -> None:
    app = lesson(pooling_view="Head")
    assert "**25,089,000**" in words(app) and "**513,000**" in words(app)
    assert "2.000 | 0.500 | 2.500 | 2.500" in words(app), "mean of the map + bias = logit"
    app.number_input(key="pooling_map").set_value(1).run()
    assert "**513,000**, as many." in words(app)
    app.number_input(key="pooling_map").set_value(32).run()
    assert "1,022 times fewer" in words(app)
    app.number_input(key="pooling_map").set_value(7).run()
    app.number_input(key="pooling_classes").set_value(10).run()
    assert f"**{7 * 7 * 512 * 10 + 10:,}**" in words(app) and f"**{512 * 10 + 10:,}**" in words(app)


@pytest.mark.parametrize(("logit", "said"), [(2.5, "*is*"), (2.6, "should be")])
def test_pooling_says_whether_the_evidence_adds_up(lesson: Any, engine: Any, logit: float, said: str) -> None:
    engine.answers["class_activation"] = [entry | {"logit": logit} for entry in ACTIVE]
    told = words(lesson(pooling_view="Head"))
    assert f"Its mean plus the bias {said} the" in told and ("more than rounding" in told) == (said != "*is*")


def test_pooling_strided_convolution_of_equal_weights_is_average_pooling(lesson: Any) -> None:
    app = lesson(picture="digit-7", pooling_view="Stride")
    assert "*is* average-pooling: on your picture the largest difference is 0." in words(app)
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
