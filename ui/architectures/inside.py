"""Inside one architecture: its graph, its table, the block that carries the idea and the code that builds it."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from cnn_core.arithmetic.tables import csv_text
from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures.graph_layout import blocks_of, layout, total
from cnn_core.networks import atlas, zoo
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from ui.shared.teaching import one_of
from ui.shared.text import asking, plain
from ui.widgets.graph_view.graph_view import graph_view, size

FOLDS = ("folded", "idea", "unfolded")  # as in the link
DEFAULT = "googlenet"
LINK: dict[str, Callable[[str], bool]] = {
    "architectures_inside": one_of(*ARCHITECTURES),
    "architectures_fold": one_of(*FOLDS),
}
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_COLUMNS = {  # of the table: field of a row
    "Layer": "name",
    "Block": "block",
    "Kind": "kind",
    "Output": "output_shape",
    "Params": "params",
    "Trainable": "trainable_params",
    "MACs": "macs",
    "Field": "receptive_field",
    "Stride": "effective_stride",
    "Why not": "reason",
}
_NUMBERS = ("Params", "Trainable", "MACs", "Field", "Stride")


@dataclass(frozen=True)
class Block:
    """The block that carries an idea: what it is called and does, and the functions of the zoo that build it."""

    title: str
    does: str
    module: str
    functions: tuple[str, ...]


_STAGE = Block(
    "A stage of AlexNet",
    "5 × 5 kernels and ReLU, channels normalised by their neighbours, and a pooling whose windows overlap: 3 × 3 at "
    "stride 2.",
    "alexnet",
    ("alexnet",),
)
_UNIFORM = Block(
    "A stage of 3 × 3",
    "The same small kernel again and again: three in a row see 7 × 7 pixels with 27 weights for each pair of channels, "
    "where one large kernel needs 49, and with two more ReLUs.",
    "vgg",
    ("vgg",),
)
_BASIC = Block(
    "The residual block",
    "Two 3 × 3 convolutions; the input goes past them and is added, so that they need to learn only what to change.",
    "resnet",
    ("_block", "_conv"),
)
_BOTTLENECK = Block(
    "The bottleneck block",
    "A 1 × 1 narrows the channels, the 3 × 3 works where they are few, a 1 × 1 widens them again; the input goes past "
    "all three and is added.",
    "resnet",
    ("_block", "_conv"),
)
_CONTROL = Block(
    "The same block without its shortcut",
    "The control of the experiment: the residual block's convolutions, and nothing goes past them.",
    "resnet",
    ("_block", "_conv"),
)
_CIFAR = ("_block", "_option_a", "_conv")
_INVERTED = (
    "The inverted residual block",
    "A 1 × 1 widens the channels, a depthwise kernel works on each alone, and a 1 × 1 without activation narrows them; "
    "the shortcut joins the narrow ends.",
)
BLOCKS: dict[str, Block] = {
    "lenet5_1998": Block(
        "Convolve, then subsample",
        "5 × 5 kernels find features; the mean of each 2 × 2 window, scaled and squashed, forgets their exact place.",
        "lenet",
        ("_convolved", "_subsampled"),
    ),
    "lenet5": Block(
        "Convolve, then pool",
        "5 × 5 kernels find features; the largest of each 2 × 2 window forgets their exact place.",
        "lenet",
        ("lenet5",),
    ),
    **dict.fromkeys(("alexnet", "alexnet_ungrouped"), _STAGE),
    **dict.fromkeys(("vgg16", "vgg19"), _UNIFORM),
    "googlenet": Block(
        "The inception module",
        "Four branches read the same map, 1 × 1, 3 × 3, 5 × 5 and a pooling, and their channels are laid side by side; "
        "1 × 1 convolutions before the large kernels keep them affordable.",
        "googlenet",
        ("_inception", "_conv"),
    ),
    **dict.fromkeys(("resnet18", "resnet34"), _BASIC),
    **dict.fromkeys(("resnet50", "resnet101", "resnet152"), _BOTTLENECK),
    **dict.fromkeys(("plain18", "plain34"), _CONTROL),
    **dict.fromkeys(("cifar_resnet20", "cifar_resnet56"), Block(_BASIC.title, _BASIC.does, "cifar_resnet", _CIFAR)),
    **dict.fromkeys(("cifar_plain20", "cifar_plain56"), Block(_CONTROL.title, _CONTROL.does, "cifar_resnet", _CIFAR)),
    "mobilenet_v1": Block(
        "The depthwise separable pair",
        "One 3 × 3 kernel for each channel alone, then a 1 × 1 convolution that mixes the channels.",
        "mobilenet",
        ("_depthwise", "_conv"),
    ),
    "mobilenet_v2": Block(*_INVERTED, "mobilenet", ("_inverted_residual", "_depthwise", "_conv")),
    "efficientnet_b0": Block(
        "The inverted residual block with squeeze-and-excite",
        f"{_INVERTED[1].removesuffix('.')}; between, the mean of each channel decides how much of it passes.",
        "efficientnet",
        ("_inverted_residual", "_squeeze_and_excite", "_conv"),
    ),
    "efficientnet_lite0": Block(*_INVERTED, "efficientnet_lite", ("_inverted_residual", "_conv_bn", "_bn_relu6")),
    "convnext_tiny": Block(
        "The ConvNeXt block",
        "A 7 × 7 depthwise kernel mixes positions, two dense layers mix channels, four times as wide between them; one "
        "LayerNorm, one GELU, and a learned scale before the input is added.",
        "convnext",
        ("_block", "_norm", "_dense"),
    ),
    "vit_b16": Block(
        "The encoder block",
        "Attention lets every token read every other, then a perceptron works on each alone; past both leads a "
        "shortcut.",
        "vit",
        ("_encoder", "_norm"),
    ),
}


def inside() -> bool:
    """Show one network. True if the reader has chosen the layer of an AlexNet that holds most parameters."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    key = left.selectbox(
        "Network", list(ARCHITECTURES), index=list(ARCHITECTURES).index(DEFAULT), key="architectures_inside", **_LINKED
    )
    fold = right.segmented_control(
        "Blocks at first",
        FOLDS,
        default="idea",
        key="architectures_fold",
        required=True,
        help="*idea* unfolds the one block that carries the network's idea.",
        **_LINKED,
    )
    try:
        with st.spinner(asking("Building the network…")):
            graph = _ask(key)
    except EngineError as trouble:
        st.error(plain(str(trouble)))
        _code(key)
        return False
    record, rows = ARCHITECTURES[key], {row["name"]: row for row in graph["layers"]}
    macs = total(graph["layers"], "macs")
    st.markdown(
        f"**{record.title}** ({record.year}): {record.description} Built here by Keras: **{len(rows)}** layers in "
        f"{len(graph['blocks'])} blocks, **{total(graph['layers'], 'params'):,}** parameters"
        + ("." if macs is None else f", **{macs:,}** multiply-adds for one picture.")
    )
    chosen = _network(key, fold, graph, rows)
    _typical(key, graph, rows)
    _table(key, graph["layers"])
    return key.startswith("alexnet") and chosen == max(rows.values(), key=lambda row: row["params"])["name"]


@st.cache_data(max_entries=len(ARCHITECTURES), show_spinner=False)
def _ask(key: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.current().ask("architecture_graph", key, timeout=60.0)
    return answer


def _network(key: str, fold: str, graph: Mapping[str, Any], rows: Mapping[str, Any]) -> str:
    """Draw all of it; returns the layer that the reader has chosen in it."""
    layers, edges = {name: row["block"] for name, row in rows.items()}, graph["edges"]
    blocks = blocks_of(layers, edges)
    known = set(blocks.values()) - {""}
    first = {"folded": set(), "idea": {ARCHITECTURES[key].typical_block}, "unfolded": known}[fold]
    toggled: set[tuple[str, str, str]] = st.session_state.setdefault("architectures_toggled", set())
    unfolded = known & (first ^ {block for *where, block in toggled if where == [key, fold]})
    widget = f"architectures_graph_{key}"

    def take_fold() -> None:
        toggled.symmetric_difference_update({(key, fold, st.session_state[widget]["fold"])})

    def take_choice() -> None:
        st.session_state.architectures_chosen = (key, st.session_state[widget]["choose"])

    of, chosen = st.session_state.get("architectures_chosen", ("", ""))
    chosen = chosen if of == key and chosen in rows else ""
    drawn = layout(layers, edges, unfolded)
    title = ARCHITECTURES[key].title
    graph_view(drawn, rows, widget, label=title, chosen=chosen, on_fold=take_fold, on_choose=take_choice)
    st.caption(
        "Click a block to unfold it, its label to fold it, a layer to choose it. Keys: arrows move, Enter folds and "
        "unfolds, Space chooses, + and − zoom, 0 fits. Orange curves go past other layers."
    )
    if chosen:
        st.markdown(f"Chosen: {_share(rows[chosen], graph['layers'])}")
    return chosen


def _share(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    shares = []
    for name, noun in (("params", "parameters"), ("macs", "multiply-adds")):
        every = total(rows, name)
        if every and row[name] is not None:
            shares.append(f"**{row[name] / every:.1%}** of the {noun} ({row[name]:,} of {every:,})")
    return f"**{plain(row['name'])}** has " + " and ".join(shares or ["no number of its own"]) + "."


def _typical(key: str, graph: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
    """The block that carries the idea, with what flows into it."""
    name, block = ARCHITECTURES[key].typical_block, BLOCKS[key]
    st.subheader(block.title)
    st.markdown(f"{block.does} Here as `{name}`, with its input on top.")
    members = {layer for layer, row in rows.items() if row["block"] == name}
    edges = [edge for edge in graph["edges"] if edge[1] in members]
    sources = {source for source, _ in edges}
    layers = {layer: name if layer in members else "" for layer in rows if layer in members | sources}
    graph_view(layout(layers, edges, [name]), rows, f"architectures_typical_{key}", label=block.title, height=900)
    _code(key)


def _code(key: str) -> None:
    block = BLOCKS[key]
    with st.expander(f"The code that builds it, from `cnn_core/networks/zoo/{block.module}.py`"):
        st.code(source(block.module, block.functions), language="python")


@cache
def source(module: str, functions: tuple[str, ...]) -> str:
    """Return the text of functions of a module of the zoo without their docstrings; the module is only read.

    Raises:
        ValueError: If the module has no such function.
    """
    text = Path(zoo.__path__[0], f"{module}.py").read_text(encoding="utf-8")
    found = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    if missing := [name for name in functions if name not in found]:
        raise ValueError(f"cnn_core/networks/zoo/{module}.py has no function {', '.join(missing)}.")
    return "\n\n\n".join(_without_docstring(text.splitlines(), found[name]) for name in functions)


def _without_docstring(lines: list[str], function: ast.FunctionDef) -> str:
    last, first = function.end_lineno, function.body[0]
    assert last is not None and first.end_lineno is not None  # parsed from text
    if ast.get_docstring(function) is None:
        return "\n".join(lines[function.lineno - 1 : last])
    return "\n".join(lines[function.lineno - 1 : first.lineno - 1] + lines[first.end_lineno : last])


def _table(key: str, rows: list[dict[str, Any]]) -> None:
    st.subheader("Every layer")
    columns = {title: [_cell(row[field]) for row in rows] for title, field in _COLUMNS.items()}
    number = st.column_config.NumberColumn
    st.dataframe(
        columns,
        hide_index=True,
        key=f"architectures_table_{key}",
        height=420,
        alt=f"A row for each layer of {ARCHITECTURES[key].title}.",
        column_config={title: number(title, format="localized") for title in _NUMBERS}
        | {"MACs": number("MACs", format="localized", width=110)}
        | {"Layer": st.column_config.TextColumn("Layer", pinned=True, width="medium")},
    )
    st.download_button(
        "Table as CSV",
        _csv(columns),
        f"{key}.csv",
        "text/csv",
        on_click="ignore",
        key=f"architectures_csv_{key}",
        icon=":material/download:",
    )
    st.caption(
        "Click a heading to sort. MACs: multiply-adds of convolutions, dense layers and attention. Field and stride in "
        "pixels of the input; where there is none, the last column says why."
    )
    (st.markdown if (words := _totals(key, rows))[0] else st.warning)(words[1])


def _totals(key: str, rows: list[dict[str, Any]]) -> tuple[bool, str]:
    """Whether the columns add up to what is on record, and the sums in words."""
    record, noted = ARCHITECTURES[key].counts[0], atlas.read()["architectures"][key]
    trainable, macs = total(rows, "trainable_params"), total(rows, "macs")
    assert trainable is not None  # every layer knows its own
    terms = " ".join(f"{'+' if n > 0 else '−'} {abs(n):,} ({name})" for name, n in record.terms.items())
    counted = trainable + sum(record.terms.values())
    there = f"{record.count:,} ({plain(record.whose)})"
    words = f"The columns add up to **{trainable:,}** trainable parameters"
    words += f"; {terms} = {counted:,}, published are {there}. " if terms else f"; published are {there}. "
    on_record = noted["macs"] + noted["attention_macs"]
    words += f"Multiply-adds: **{'not known of all' if macs is None else f'{macs:,}'}**, on record {on_record:,}."
    agrees = counted == record.count and macs == on_record
    return agrees, words + (" All agree." if agrees else " **They do not agree.**")


def _cell(value: Any) -> Any:
    return size(value) if isinstance(value, list | tuple) else value


def _csv(columns: Mapping[str, list[Any]]) -> str:
    return csv_text(list(columns), zip(*columns.values(), strict=True))
