"""The channels page: which pixels a neuron really uses, and the reader's own model."""

import json
import re
from html import unescape
from typing import Any

import numpy as np
import pytest

from cnn_core.engine.errors import AskTimedOut, EngineUnreachable
from cnn_core.networks.blueprints import MAX_BYTES, Blueprint, BlueprintRefused
from cnn_core.networks.effective_field import DEPTHS, EffectiveField, FieldGrowth, expected_extent
from ui.channels import own_model

AWAY = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
LITTLE, READ = "uses less than a tenth", "Read a model of your own."


def field(pixels: np.ndarray, layer: str, pretrained: bool) -> EffectiveField:
    """A Gaussian of σ 4 or 2 pixels in a field of 67."""
    sigma = 4.0 if pretrained else 2.0
    places = np.arange(224) - 119.0
    profile = np.exp(-0.5 * (places / sigma) ** 2) * (np.abs(places) <= 33)
    gradient = np.outer(profile, profile)
    gradient /= gradient.sum()
    share = {"block4c_out": 0.08}.get(layer, 0.3)
    return EffectiveField(
        layer,
        pretrained,
        9,
        gradient.astype(np.float32),
        (14, 14),
        67,
        (86, 152),
        119.0,
        round(share * 67**2),
        share,
        0.9 if pretrained else 0.4,
        (119.0, 119.0),
        (sigma, sigma),
    )


def growth(kernel_size: int, depths: tuple[int, ...]) -> FieldGrowth:
    theory = tuple(expected_extent(kernel_size, n) for n in depths)
    sizes = {"linear": theory, "relu": tuple(1.02 * size for size in theory)}
    slopes = {"theory": -0.43, "linear": -0.43, "relu": -0.42}
    fields = tuple(n * (kernel_size - 1) + 1 for n in depths)
    return FieldGrowth(kernel_size, depths, fields, theory, sizes, {"linear": 0.5, "relu": 0.51}, slopes, 12)


ROW = {
    "name": "conv1",
    "kind": "Conv2D",
    "output_shape": (30, None, 8),
    "params": 608,
    "trainable_params": 608,
    "macs": 117600,
    "receptive_field": 5,
    "effective_stride": (2, 1),
    "effective_padding": 0,
    "reason": "",
}
POOL = ROW | {
    "name": "pool",
    "kind": "GlobalAveragePooling2D",
    "params": 0,
    "macs": None,
    "receptive_field": None,
    "effective_stride": None,
    "effective_padding": None,
    "reason": "pool pools globally.",
}
BLUEPRINT = Blueprint("mine_net", "Functional", (ROW, POOL), 608, 608, 117600, 1)


@pytest.fixture
def lesson(page: Any, engine: Any) -> Any:
    engine.asked = []

    def ask(question: str, *args: Any, timeout: float = 30.0) -> Any:
        engine.asked.append((question, args[1:] if question == "effective_field" else args, timeout))
        answer = engine.answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer(*args) if callable(answer) else answer

    engine.ask = ask
    engine.answers |= {"effective_field": field, "field_growth": growth, "read_architecture": BLUEPRINT}
    return lambda **query: page("channels", **query)


def captions(app: Any) -> list[str]:
    return [image.caption for each in app.get("image") for image in each.proto.imgs]


def words(app: Any) -> str:
    kinds = (app.markdown, app.info, app.success, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\u00a0×\u00a0", " × ")


def questions(engine: Any, name: str) -> list[Any]:
    return [args for question, args, _ in engine.asked if question == name]


# What a neuron really uses -------------------------------------------------------------------------------------------


def test_effective_view_says_what_was_measured(lesson: Any, engine: Any) -> None:
    app = lesson(channels_view="Effective")
    assert not app.exception and not app.error
    app.button(key="channels_guess_show").click().run()
    said = words(app)
    assert "*Stage 3, block 2*: by arithmetic one neuron can see **67 × 67** pixels. " in said
    assert "With its trained weights it really uses **30.0%** of them" in said
    assert "holds 90.0% of the gradient trained, 40.0% random. Spread evenly it would be 25%" in said
    assert "the middle dominates **by training**" in said
    assert "effective field is wider than at random (σ 4.0 px against 2.0 px)" in said
    assert "at most **2.0%** from theory" in said
    assert questions(engine, "effective_field") == [("block3b_out", True), ("block3b_out", False)]
    assert questions(engine, "field_growth") == [(3, DEPTHS[3])]
    assert len(app.get("plotly_chart")) == 2


def test_effective_asks_for_a_guess_before_it_tells(lesson: Any) -> None:
    app = lesson(channels_view="Effective")
    asked = "**Guess first.** *Stage 3, block 2*: of the pixels that one neuron can see, how many does it really use"
    assert asked in words(app) and "%" not in "".join(captions(app))
    app.button(key="channels_guess_4").click().run()
    assert "You said 90%, it is 30%: less than it looks." in words(app)
    assert "With its trained weights it really uses **30.0%** of them" in words(app)
    assert "30.0%" in captions(app)[0]


def test_effective_task_is_done_by_a_layer_that_uses_little(lesson: Any) -> None:
    app = lesson(channels_view="Effective", channels_block="block3a")
    assert "**Done.**" not in "".join(m.value for m in app.markdown if LITTLE in m.value)
    app.selectbox(key="channels_block").set_value("block4c").run()
    assert "**Done.**" in "".join(m.value for m in app.markdown if LITTLE in m.value)


def test_effective_asks_once_for_each_picture_layer_and_kernel(lesson: Any, engine: Any) -> None:
    app = lesson(channels_view="Effective", channels_block="top", channels_stack="5")
    assert questions(engine, "field_growth") == [(5, DEPTHS[5])]
    asked = len(engine.asked)
    app.segmented_control(key="channels_stack").set_value(7).run()
    assert engine.asked[asked:] == [("field_growth", (7, DEPTHS[7]), 60.0)], "the picture is not asked again"
    app.segmented_control(key="channels_stack").set_value(5).run()
    assert len(engine.asked) == asked + 1


def test_effective_goes_on_without_the_engine(lesson: Any, engine: Any) -> None:
    engine.answers |= {"effective_field": AWAY, "field_growth": AWAY}
    app = lesson(channels_view="Effective")
    assert not app.exception
    assert [error.value for error in app.error] == [str(AWAY), str(AWAY)]
    assert len(app.get("plotly_chart")) == 1, "the theory needs no engine"
    assert r"\sigma_n" in words(app)


@pytest.mark.parametrize(("name", "value"), [("channels_block", "block9z"), ("channels_stack", "4")])
def test_effective_says_what_a_link_asks_in_vain(lesson: Any, name: str, value: str) -> None:
    app = lesson(channels_view="Effective", **{name: value})
    assert not app.exception
    assert value in app.warning[0].value and "the default is used" in app.warning[0].value


# The reader's own model ----------------------------------------------------------------------------------------------

TEXT = json.dumps({"class_name": "Functional", "config": {}})


@pytest.fixture
def cells() -> Any:
    """Read the table: header, then rows."""

    def read(app: Any) -> list[list[str]]:
        (shown,) = [each.proto.body for each in app.get("html") if "<table" in each.proto.body]
        rows = re.findall(r"<tr>(.*?)</tr>", shown)
        return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]

    return read


def test_own_model_opens_with_an_example_that_says_it_is_one(lesson: Any, engine: Any, cells: Any) -> None:
    app = lesson(channels_view="Yours")
    assert not app.exception and not app.error
    assert questions(engine, "read_architecture") == [(own_model._EXAMPLE[1], None)]
    assert "**An example, not yours**, read by Keras here: **mine_net**" in words(app)
    assert len(cells(app)) == 3
    assert app.button(key="channels_own_example").disabled
    assert "**Done.**" not in "".join(m.value for m in app.markdown if READ in m.value)


def test_own_model_shows_table_totals_and_csv(lesson: Any, engine: Any, cells: Any) -> None:
    app = lesson(channels_view="Yours")
    app.file_uploader(key="channels_own_file").upload("net_1.json", TEXT.encode())
    app.run()
    assert not app.exception and not app.error
    assert "**mine_net** (Functional, from net_1.json): 2 rows, **608** parameters" in words(app)
    assert "**117,600** multiply-adds for one image without those of 1 row: see *Why not*" in words(app)
    header, *rows = cells(app)
    assert header[:3] == ["Layer", "Kind", "Why not"], "at the end it is out of sight"
    table = dict(zip(header, zip(*rows, strict=True), strict=True))
    assert table["Field"] == ("5", "–") and table["Stride"] == ("2 × 1", "–")
    assert table["Output"] == ("30 × any × 8",) * 2
    assert table["Why not"] == ("", "pool pools globally.")
    assert questions(engine, "read_architecture")[1:] == [(TEXT, None)]
    assert "**Done.**" in "".join(m.value for m in app.markdown if READ in m.value)
    app.number_input(key="channels_own_size").set_value(96).run()
    assert questions(engine, "read_architecture")[2:] == [(TEXT, 96)]
    assert "at 96 × 96 pixels" in words(app)


def test_own_model_marks_the_hull_of_branches_that_are_not_aligned(lesson: Any, engine: Any, cells: Any) -> None:
    why = "A neuron sees at most 43 pixels: the branches of add are not aligned, by 4 pixels."
    row = ROW | {"receptive_field": None, "hull": 43, "reason": why}
    engine.answers["read_architecture"] = Blueprint("net", "Functional", (row, POOL), 608, 608, 117600, 0)
    table = cells(lesson(channels_view="Yours"))
    assert "≤ 43" in table[1] and why in table[1] and "≤" not in "".join(table[2])


def test_own_model_table_is_no_markup_of_the_models(lesson: Any, engine: Any, cells: Any) -> None:
    engine.answers["read_architecture"] = Blueprint(
        "<b>net", "Functional", (ROW | {"name": "<img src=x>"},), 608, 608, 117600, 0
    )
    app = lesson(channels_view="Yours")
    assert cells(app)[1][0] == "<img src=x>"
    assert not [each for each in app.markdown if "<img" in each.value]


def test_own_model_survives_a_change_of_steps(lesson: Any, engine: Any, cells: Any) -> None:
    app = lesson(channels_view="Yours")
    app.text_area(key="channels_own_text").set_value(TEXT).run()
    assert "from the pasted text" in words(app)
    app.segmented_control(key="channels_view").set_value("Effective").run()
    app.segmented_control(key="channels_view").set_value("Yours").run()
    assert "from the pasted text" in words(app) and cells(app)
    assert len(questions(engine, "read_architecture")) == 2, "the example, and once the text"


def test_own_model_goes_back_to_the_example_which_is_no_model_of_ones_own(lesson: Any, engine: Any) -> None:
    app = lesson(channels_view="Yours")
    app.text_area(key="channels_own_text").set_value(TEXT).run()
    app.button(key="channels_own_example").click().run()
    assert "**An example, not yours**" in words(app)
    assert "from the pasted text" not in words(app)


def test_own_model_example_is_an_architecture() -> None:
    from cnn_core.networks.blueprints import read_architecture

    blueprint = read_architecture(own_model._EXAMPLE[1])
    assert [row["receptive_field"] for row in blueprint.rows] == [1, 3, 7, 9, None, None]
    assert blueprint.params == 28 * 32 + 9 * 32 + 33 * 64 + 65 * 10


def test_own_model_keeps_the_text_when_it_is_refused(lesson: Any, engine: Any) -> None:
    app = lesson(channels_view="Yours")
    engine.answers["read_architecture"] = BlueprintRefused("The model holds Lambda, which is Python code.")
    app.text_area(key="channels_own_text").set_value("{}").run()
    assert app.error[0].value == "The model holds Lambda, which is Python code."
    assert app.text_area(key="channels_own_text").value == "{}"
    assert "**Done.**" not in "".join(m.value for m in app.markdown if READ in m.value)


def test_own_model_that_ended_a_worker_is_asked_again_only_on_wish(lesson: Any, engine: Any) -> None:
    app = lesson(channels_view="Yours")
    engine.answers["read_architecture"] = AskTimedOut("The answer took longer than 30 s and was given up.")
    app.text_area(key="channels_own_text").set_value(TEXT).run()
    app.run()
    assert "longer than 30 s" in app.error[0].value
    assert len(questions(engine, "read_architecture")) == 2, "the example, then this; not at each rerun"
    engine.answers["read_architecture"] = BLUEPRINT
    app.button(key="channels_own_again").click().run()
    assert not app.error and not app.exception
    assert len(questions(engine, "read_architecture")) == 3


@pytest.mark.parametrize(
    ("data", "said"), [(b"\xff\xfe\x00", "is no text in UTF-8"), (b" " * (MAX_BYTES + 1), "2,000,001 bytes")]
)
def test_own_model_file_that_is_no_text_is_refused_at_once(lesson: Any, engine: Any, data: bytes, said: str) -> None:
    app = lesson(channels_view="Yours")
    app.file_uploader(key="channels_own_file").upload("net.json", data)
    app.run()
    assert said in app.error[0].value
    assert len(questions(engine, "read_architecture")) == 1, "only the example"
