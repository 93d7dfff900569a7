"""A network as a graph: nodes to step through, blocks to fold. Python lays it out, the browser draws and scrolls."""

from collections.abc import Callable, Mapping
from typing import Any

from cnn_core.figures.graph_layout import Layout, Node, total
from ui.widgets.frontend import frontend

_graph = frontend(__file__)
_FAMILIES = {  # colour of a node's edge, by what its class is called
    "convolution": ("Conv",),
    "dense": ("Dense", "Distances"),
    "normalisation": ("Norm",),
    "activation": ("ReLU", "Activation", "Tanh", "Softmax"),
    "pooling": ("Pool",),
    "joining": ("Add", "Concatenate", "Multiply"),
    "attention": ("Attention",),
}
_SHORT = {
    "BatchNormalization": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "LocalResponseNormalization": "LocalNorm",
    "GlobalAveragePooling": "GlobalAvgPool",
    "AveragePooling": "AvgPool",
    "MaxPooling": "MaxPool",
    "MultiHeadAttention": "Attention",
    "InputLayer": "Input",
}
_WIDEST = 24  # letters that fit into a node


def graph_view(
    layout: Layout,
    rows: Mapping[str, Mapping[str, Any]],
    key: str,
    *,
    label: str,
    named: Callable[[str], str] = str,
    height: int = 560,
    chosen: str = "",
    on_fold: Callable[[], None] | None = None,
    on_choose: Callable[[], None] | None = None,
) -> None:
    """Show the graph.

    Args:
        layout: Nodes, their cells, and edges.
        rows: What is known of each layer, by its name: the fields of `summary.LayerRow`.
        key: Of the widget; `st.session_state[key]` holds `fold` or `choose` when the callback is called.
        label: What the graph shows, for a screen reader.
        named: Writes the name of a layer or block as people read it.
        height: Of the window onto the graph, in pixels, at most.
        chosen: Name of the layer that is marked.
        on_fold: Called when the reader folds or unfolds the block named `fold`; None if nothing folds.
        on_choose: Called when the reader chooses the layer named `choose`; None if nothing is chosen.
    """
    nodes = [
        _drawn(node, cell, [rows[layer] for layer in node.layers], named)
        for node, cell in zip(layout.nodes, layout.cells, strict=True)
    ]
    data: dict[str, Any] = {
        "nodes": nodes,
        "edges": [[edge.source, edge.target, edge.column, edge.skip] for edge in layout.edges],
        "label": label,
        "height": height,
        "chosen": chosen,
        "folds": on_fold is not None,
        "chooses": on_choose is not None,
    }
    _graph(data=data, key=key, on_fold_change=on_fold or _nothing, on_choose_change=on_choose or _nothing)


def _nothing() -> None:
    """A trigger needs a callback."""


def _drawn(
    node: Node, cell: tuple[int, int], rows: list[Mapping[str, Any]], named: Callable[[str], str]
) -> dict[str, Any]:
    """What the browser needs to draw a node and to say what it is."""
    last, title = rows[-1], node.name
    kind = f"{len(rows)} layers" if node.folded else _short(last["kind"])
    if not node.folded and title.startswith(f"{node.block}_"):
        title = title.removeprefix(f"{node.block}_")  # the frame says the block
    title = named(title)
    shape, what = size(last["output_shape"]), f"block of {kind}" if node.folded else last["kind"]
    return {
        "name": node.name,
        "title": title if len(title) <= _WIDEST else title[: _WIDEST - 1] + "…",
        "kind": kind,
        "shape": shape,
        "family": "block" if node.folded else _family(last["kind"]),
        "row": cell[0],
        "column": cell[1],
        "block": node.block,
        "frame": named(node.block) if node.block else "",
        "folded": node.folded,
        "said": f"{named(node.name)}: {what}, output {shape}, {_numbers(rows)}",
    }


def _short(kind: str) -> str:
    kind = kind.removesuffix("2D").removesuffix("1D")
    return _SHORT.get(kind, kind)


def _family(kind: str) -> str:
    return next((family for family, parts in _FAMILIES.items() if any(part in kind for part in parts)), "other")


def size(shape: Any) -> str:
    """Write an output's shape.

    >>> size((7, 7, 512)), size((10,)), size((None, 3))
    ('7 × 7 × 512', '10', 'any × 3')
    """
    return " × ".join("any" if length is None else str(length) for length in shape) or "one number"


def _numbers(rows: list[Mapping[str, Any]]) -> str:
    """Parameters, multiply-adds and field, or why there is none."""
    macs, field, reasons = total(rows, "macs"), rows[-1]["receptive_field"], [row["reason"] for row in rows]
    parts = [
        f"{total(rows, 'params'):,} parameters",
        "multiply-adds not known" if macs is None else f"{macs:,} multiply-adds",
        "no receptive field" if field is None else f"receptive field {_extent(field)} px",
    ]
    reason = reasons[-1] if field is None else next((why for why in reasons if why), "") if macs is None else ""
    return ", ".join(parts) + (f": {reason}" if reason else ".")


def _extent(extent: int | tuple[int, ...]) -> str:
    return f"{extent:,}" if isinstance(extent, int) else " × ".join(f"{length:,}" for length in extent)
