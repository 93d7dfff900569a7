"""Inside one architecture: its graph, the block that carries the idea, the code that builds it, and every layer."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cnn_core.figures.graph_layout import blocks_of, layout, total
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from ui.architectures.blocks import BLOCKS, source
from ui.architectures.choice import layer_title, network
from ui.architectures.layer_table import layer_table
from ui.shared.controls import aside, put_aside, segments
from ui.shared.guess import guess
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import plain
from ui.shared.worker import answered
from ui.widgets.graph_view.graph_view import graph_view

FOLDS = {"folded": "outline", "idea": "key block", "unfolded": "everything"}  # as in the link, and as read
DEFAULT = "googlenet"


def inside(room: Room) -> bool:
    """Show one network. True if the reader has chosen the layer of an AlexNet that holds most parameters."""
    with room.side:
        key = network("Network", DEFAULT, "architectures_inside")
        fold = segments(
            "Show",
            FOLDS,
            "idea",
            "architectures_fold",
            help="*key block* unfolds the one block that carries the network's idea.",
        )
    with room.stage:
        graph: dict[str, Any] | None = answered("architecture_graph", key, words="Building the network…", timeout=180)
    if graph is None:
        with room.why:
            _code(key)
        return False
    rows = {row["name"]: row for row in graph["layers"]}
    with room.stage:
        chosen = _drawn(key, fold, graph, rows)
        _fullest(graph["layers"])
    with room.side:
        st.markdown(_built(key, graph))
        st.caption(
            "Keys: arrows move, Enter folds and unfolds, Space chooses, + and − zoom, 0 fits. Curves that go past "
            "other layers are shortcuts."
        )
    with room.why:
        told(
            "A network is a list of simple steps, and most of it is one idea repeated: a block. See the block and you "
            "have seen the network. Where would you look for its weights, in the many layers that see the picture, or "
            "in the few at the end? Order the table below by parameters."
        )
        _typical(key, graph, rows)
        st.header("What does each layer hold?", anchor=False)
        layer_table(key, graph["layers"])
    return key.startswith("alexnet") and chosen == max(rows.values(), key=lambda row: row["params"])["name"]


def _built(key: str, graph: Mapping[str, Any]) -> str:
    record, macs = ARCHITECTURES[key], total(graph["layers"], "macs")
    params, trainable = (total(graph["layers"], name) or 0 for name in ("params", "trainable_params"))
    return (
        f"**{record.title}** ({record.year}): {record.description} Built here by Keras: **{len(graph['layers'])}** "
        f"layers in {len(graph['blocks'])} blocks, **{params:,}** parameters"
        + (f", {trainable:,} of them trainable" if trainable < params else "")
        + ("." if macs is None else f", **{macs:,}** multiply-adds for one picture.")
    )


def _fullest(rows: list[dict[str, Any]]) -> None:
    """Say how much of the network is in one layer, without saying in which: that is to be found."""
    every, most = total(rows, "params"), max(row["params"] for row in rows)
    if not every or not guess(
        "architectures_guess",
        "Of all its weights, how many lie in its largest layer?",
        (0, 100, "%"),
        100 * most / every,
    ):
        return
    st.markdown(f"Its largest layer holds **{most / every:.1%}** of all its parameters. Which is it?")


def _drawn(key: str, fold: str, graph: Mapping[str, Any], rows: Mapping[str, Any]) -> str:
    """Draw all of it; returns the layer that the reader has chosen in it."""
    layers, edges = {name: row["block"] for name, row in rows.items()}, graph["edges"]
    blocks = blocks_of(layers, edges)
    known = set(blocks.values()) - {""}
    first = {"folded": set(), "idea": {ARCHITECTURES[key].typical_block}, "unfolded": known}[fold]
    if "architectures_toggled" not in st.session_state:  # at first it is as the link says
        linked = aside("architectures_turned", lambda text: set(text.split(",")) <= known)
        st.session_state.architectures_toggled = {(key, fold, block) for block in (linked or "").split(",") if block}
    toggled: set[tuple[str, str, str]] = st.session_state.architectures_toggled
    turned = {block for *where, block in toggled if where == [key, fold]}
    unfolded = known & (first ^ turned)
    widget = f"architectures_graph_{key}"

    def take_fold() -> None:
        toggled.symmetric_difference_update({(key, fold, st.session_state[widget]["fold"])})

    def take_choice() -> None:
        st.session_state.architectures_chosen = (key, st.session_state[widget]["choose"])

    shown = (key, aside("architectures_at", rows.__contains__) or "")
    of, chosen = st.session_state.get("architectures_chosen") or shown
    chosen = chosen if of == key and chosen in rows else ""
    put_aside("architectures_turned", ",".join(sorted(turned)))
    put_aside("architectures_at", chosen)
    drawn = layout(layers, edges, unfolded)
    title = ARCHITECTURES[key].title
    graph_view(
        drawn,
        rows,
        widget,
        label=f"{title}, {len(rows)} layers",
        named=layer_title,
        height=340,
        chosen=chosen,
        on_fold=take_fold,
        on_choose=take_choice,
    )
    st.markdown(
        f"Chosen: {_share(rows[chosen], graph['layers'])}"
        if chosen
        else "Click a block to unfold it, its label to fold it, a layer to choose it."
    )
    return chosen


def _share(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    shares = []
    for name, noun in (("params", "parameters"), ("macs", "multiply-adds")):
        every = total(rows, name)
        if every and row[name] is not None:
            shares.append(f"**{row[name] / every:.1%}** of the {noun} ({row[name]:,} of {every:,})")
    return f"**{plain(layer_title(row['name']))}** has " + " and ".join(shares or ["no number of its own"]) + "."


def _typical(key: str, graph: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
    """The block that carries the idea, with what flows into it."""
    name, block = ARCHITECTURES[key].typical_block, BLOCKS[key]
    st.header(block.title, anchor=False)
    st.markdown(f"{block.does} Here as “{layer_title(name)}”, with its input on top.")
    members = {layer for layer, row in rows.items() if row["block"] == name}
    edges = [edge for edge in graph["edges"] if edge[1] in members]
    sources = {source for source, _ in edges}
    layers = {layer: name if layer in members else "" for layer in rows if layer in members | sources}
    drawn = layout(layers, edges, [name])
    graph_view(drawn, rows, f"architectures_typical_{key}", label=block.title, named=layer_title, height=560)
    _code(key)


def _code(key: str) -> None:
    block = BLOCKS[key]
    with st.expander(f"The code that builds it, from `cnn_core/networks/zoo/{block.module}.py`"):
        st.code(source(block.module, block.functions), language="python", wrap_lines=True)
