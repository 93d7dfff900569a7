"""Inside one architecture: its graph, its table and totals, its typical block and the code of that."""

import ast
import csv
import io
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.engine.errors import EngineUnreachable
from cnn_core.figures.graph_layout import layout
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from tests.opening import open_view
from ui.architectures import blocks, inside, layer_table
from ui.architectures.choice import layer_title
from ui.widgets.graph_view import graph_view
from ui.widgets.graph_view.graph_view import size

SIDES = {"image": 32, "c1": 28, "s2": 14, "c3": 10, "s4": 5, "c5": 1}
LENET = {  # of LeCun et al. 1998 with full c3, by arithmetic: channels, parameters, multiply-adds, field
    "image": ("InputLayer", 1, 0, 0, 1),
    "c1": ("Conv2D", 6, 6 * (25 + 1), 28**2 * 6 * 25, 5),
    "s2": ("MaxPooling2D", 6, 0, 0, 6),
    "c3": ("Conv2D", 16, 16 * (6 * 25 + 1), 10**2 * 16 * 6 * 25, 14),
    "s4": ("MaxPooling2D", 16, 0, 0, 16),
    "c5": ("Conv2D", 120, 120 * (16 * 25 + 1), 120 * 16 * 25, 32),
    "flatten": ("Flatten", 120, 0, 0, None),
    "f6": ("Dense", 84, 84 * (120 + 1), 84 * 120, None),
    "logits": ("Dense", 10, 10 * (84 + 1), 10 * 84, None),
    "probabilities": ("Softmax", 10, 0, 0, None),
}
HOMES = {"c1": "c1", "s2": "c1", "c3": "c3", "s4": "c3"}


def lenet() -> dict[str, Any]:
    layers = [
        {
            "name": name,
            "kind": kind,
            "block": HOMES.get(name, ""),
            "params": params,
            "trainable_params": params,
            "output_shape": (SIDES[name],) * 2 + (channels,) if name in SIDES else (channels,),
            "macs": macs,
            "receptive_field": field,
            "effective_stride": None,
            "effective_padding": None,
            "reason": "" if field else "flatten mixes positions.",
        }
        for name, (kind, channels, params, macs, field) in LENET.items()
    ]
    names = list(LENET)
    edges = list(pairwise(names))
    return {"title": "LeNet-5", "layers": layers, "edges": edges, "blocks": ["c1", "c3"]}


def _script() -> None:
    import streamlit as st

    from ui.architectures.inside import inside
    from ui.shared import stage

    st.session_state.done = inside(stage.room())


@pytest.fixture
def lesson(store: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    engine.answers["architecture_graph"] = lenet()
    views: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(inside, "graph_view", lambda layout, rows, key, **given: views.append((layout, given)))

    def open_lesson(**query: str) -> AppTest:
        app = open_view(_script, **{f"architectures_{name}": value for name, value in query.items()})
        app.views = views  # type: ignore[attr-defined]
        return app

    return open_lesson


def drawn(app: Any) -> list[str]:
    """Names of the nodes of the whole network, as last drawn; a folded block in brackets."""
    layout, _ = next(view for view in reversed(app.views) if view[1].get("on_fold"))
    return [f"[{node.name}]" if node.folded else node.name for node in layout.nodes]


def words(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.warning, app.error) for element in kind)


def test_totals_agree_with_the_record_and_its_source(lesson: Any) -> None:
    app = lesson(inside="lenet5")
    said = words(app)
    assert "**10** layers in 2 blocks, **61,706** parameters, **416,520** multiply-adds" in said
    assert "add up to **61,706** trainable parameters; published are 61,706" in said
    assert "Multiply-adds: **416,520**, on record 416,520. All agree." in said
    assert not app.warning and not app.error


def test_parameters_that_are_not_trained_are_told_apart(lesson: Any, engine: Any) -> None:
    """As BatchNorm's statistics: the count is not the one that papers print."""
    engine.answers["architecture_graph"]["layers"][1]["trainable_params"] -= 6
    assert "**61,706** parameters, 61,700 of them trainable, **416,520** multiply-adds" in words(
        lesson(inside="lenet5")
    )


def test_totals_that_differ_are_not_hidden(lesson: Any, engine: Any) -> None:
    engine.answers["architecture_graph"]["layers"][1]["trainable_params"] += 1
    app = lesson(inside="lenet5")
    assert "add up to **61,707** trainable" in app.warning[0].value
    assert "They do not agree." in app.warning[0].value


def test_unknown_multiply_adds_make_no_sum(lesson: Any, engine: Any) -> None:
    engine.answers["architecture_graph"]["layers"][1]["macs"] = None
    app = lesson(inside="lenet5")
    assert "Multiply-adds: **not known of all**" in app.warning[0].value
    assert "multiply-adds for one picture" not in words(app)


@pytest.mark.parametrize(
    ("fold", "nodes"),
    [("folded", ["[c1]", "[c3]"]), ("idea", ["c1", "s2", "[c3]"]), ("unfolded", ["c1", "s2", "c3", "s4"])],
)
def test_link_says_which_blocks_are_folded_at_first(lesson: Any, fold: str, nodes: list[str]) -> None:
    app = lesson(inside="lenet5", fold=fold)
    assert drawn(app) == ["image", *nodes, "c5", "flatten", "f6", "logits", "probabilities"]


def test_block_folds_and_unfolds_and_comes_back(lesson: Any) -> None:
    app = lesson(inside="lenet5", fold="folded")
    for expected in (["image", "c1", "s2", "[c3]"], ["image", "[c1]", "[c3]", "c5"]):
        toggle(app, "c1")
        app.run()
        assert drawn(app)[:4] == expected
    toggle(app, "c3")
    app.segmented_control(key="architectures_fold").set_value("unfolded").run()
    assert drawn(app)[1:5] == ["c1", "s2", "c3", "s4"]
    app.segmented_control(key="architectures_fold").set_value("folded").run()
    assert drawn(app)[1:4] == ["[c1]", "c3", "s4"], "what was unfolded is still so"


def toggle(app: Any, block: str) -> None:
    """What the component's callback does; AppTest has no components."""
    toggled = app.session_state.architectures_toggled
    toggled ^= {("lenet5", "folded", block)}


def test_layer_with_most_parameters_of_alexnet_is_the_challenge(lesson: Any, engine: Any) -> None:
    app = lesson(inside="alexnet")
    assert app.session_state.done is False
    app.session_state.architectures_chosen = ("alexnet", "f6")
    app.run()
    assert app.session_state.done is False
    assert "Chosen: **F6** has **16.5%** of the parameters (10,164 of 61,706)" in words(app)
    app.session_state.architectures_chosen = ("alexnet", "c5")
    assert app.run().session_state.done is True
    app.session_state.architectures_chosen = ("lenet5", "c5")  # of another network
    app.run()
    assert app.session_state.done is False and "Chosen" not in words(app)
    app.selectbox(key="architectures_inside").set_value("lenet5").run()
    assert app.session_state.done is False and "Chosen: **C5** has **78.0%**" in words(app)


def test_table_holds_every_layer_and_the_reason_for_a_missing_field(lesson: Any) -> None:
    app = lesson(inside="lenet5")
    rows = table(app)
    assert [row["Layer"] for row in rows] == list(LENET)
    assert [row["Params"] for row in rows] == [f"{row[2]:,}" for row in LENET.values()]
    assert [row["Field"] for row in rows if row["Field"]] == [str(row[4]) for row in LENET.values() if row[4]]
    assert {row["Why not"] for row in rows if not row["Field"]} == {"flatten mixes positions."}
    assert 'tabindex="0" role="region" aria-label="Every layer of LeNet-5"' in scrolled(app)
    kept = list(
        csv.DictReader(io.StringIO(layer_table.csv({title: [row[title] for row in rows] for title in rows[0]})))
    )
    assert sum(int(row["MACs"].replace(",", "")) for row in kept) == 416_520 and kept[1]["Output"] == "28 × 28 × 6"


def scrolled(app: AppTest) -> str:
    """The box in which the table of all layers scrolls."""
    return next(each.proto.body for each in app.get("html") if "<tbody>" in each.proto.body)


def table(app: AppTest) -> list[dict[str, str]]:
    """The rows of the table of all layers, as they are read."""
    head, body = scrolled(app).split("<tbody>")
    titles = re.findall(r"<th scope[^>]*>(.*?)</th>", head)
    rows = re.findall(r"<tr>(.*?)</tr>", body)
    return [dict(zip(titles, re.findall(r"<td[^>]*>(.*?)</td>", row), strict=True)) for row in rows]


@pytest.mark.parametrize(("order", "column"), [("params", 2), ("macs", 3), ("field", 4)])
def test_table_can_be_ordered(lesson: Any, order: str, column: int) -> None:
    rows = table(lesson(inside="lenet5", order=order))
    amounts = [LENET[row["Layer"]][column] or 0 for row in rows]
    assert amounts == sorted(amounts, reverse=True) and len(rows) == len(LENET)


def test_typical_block_is_drawn_with_its_input_and_shown_as_code(lesson: Any) -> None:
    app = lesson(inside="lenet5")
    layout, given = app.views[-1]
    assert given["label"] == "Convolve, then pool"
    assert [(node.name, node.block) for node in layout.nodes] == [("image", ""), ("c1", "c1"), ("s2", "c1")]
    assert 'layers.Conv2D(6, 5, activation=activation, name="c1")' in app.code[0].value


def test_code_is_there_when_the_engine_is_not(lesson: Any, engine: Any) -> None:
    engine.answers["architecture_graph"] = EngineUnreachable("The engine cannot be reached.")
    app = lesson(inside="vit_b16")
    assert app.error[0].value == "The engine cannot be reached."
    assert "MultiHeadAttention" in app.code[0].value and app.session_state.done is False


@pytest.mark.parametrize("key", ARCHITECTURES)
def test_code_of_every_block_is_the_builders_own(key: str) -> None:
    block = blocks.BLOCKS[key]
    text = blocks.source(block.module, block.functions)
    tree = ast.parse(text)
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == list(block.functions)
    assert not [node for node in tree.body if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)]
    assert "layers." in text
    module = ARCHITECTURES[key].builder.partition(":")[0]
    builder = Path(blocks.__file__).parents[2] / "cnn_core" / "networks" / "zoo" / f"{module}.py"
    assert block.module == module or f"from cnn_core.networks.zoo.{block.module} import" in builder.read_text("utf-8")


def test_missing_function_is_named() -> None:
    with pytest.raises(ValueError, match=r"cnn_core/networks/zoo/vgg\.py has no function _block\."):
        blocks.source("vgg", ("_block",))


def test_shapes_are_written_for_people() -> None:
    assert (size((7, None, 512)), size([10]), size(())) == ("7 × any × 512", "10", "one number")


def test_nodes_and_frames_have_names_for_people_and_keep_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[dict[str, Any]] = []
    monkeypatch.setattr(graph_view, "_graph", lambda data, **given: drawn.append(data))
    layers = {"block2b_expand_conv": "block2b", "block2b_out": "block2b"}
    known = {"params": 0, "macs": 0, "receptive_field": 3, "reason": "", "output_shape": (4, 4, 2), "kind": "Conv2D"}
    graph = layout(layers, [("block2b_expand_conv", "block2b_out")], ["block2b"])
    graph_view.graph_view(graph, dict.fromkeys(layers, known), "one", label="two layers", named=layer_title)
    (data,) = drawn
    assert [node["title"] for node in data["nodes"]] == ["Expand, convolution", "Output"]
    assert {node["frame"] for node in data["nodes"]} == {"Block 2b"}
    assert data["nodes"][1]["said"].startswith("Block 2b, output: Conv2D, output 4 × 4 × 2")
    assert [node["name"] for node in data["nodes"]] == list(layers)  # what is sent back when one is chosen


def test_link_opens_what_was_turned_and_chosen(lesson: Any) -> None:
    app = lesson(inside="lenet5", fold="folded", turned="c1", at="c5")
    assert "Chosen: **C5** has" in words(app) and not app.warning
    assert app.session_state.link_aside == {"architectures_turned": "c1", "architectures_at": "c5"}
    layout, given = next(view for view in reversed(app.views) if view[1].get("on_fold"))
    assert given["chosen"] == "c5" and {node.block for node in layout.nodes if not node.folded} >= {"c1"}
    wrong = lesson(inside="lenet5", turned="c1,nothing", at="nothing")
    assert [warning.value.partition("=")[0] for warning in wrong.warning] == [
        "The link says architectures_turned",
        "The link says architectures_at",
    ]
