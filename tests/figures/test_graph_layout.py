"""Layouts of random graphs, and of the shapes that matter: a skip, branches, a block that folding would tie."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.figures.graph_layout import Layout, blocks_of, layout, total

Graph = tuple[dict[str, str], list[tuple[str, str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph of up to 14 layers, of which some are in one of three blocks, wherever they lie."""
    count = draw(st.integers(1, 14))
    layers = {f"layer{n}": draw(st.sampled_from(["", "a", "b", "c"])) for n in range(count)}
    edges = []
    for target in range(1, count):
        for source in draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=3)):
            edges.append((f"layer{source}", f"layer{target}"))
    return layers, draw(st.permutations(edges))


def reachable(edges: Sequence[tuple[Any, Any]]) -> dict[Any, set[Any]]:
    """What lies below each node, by repeated squaring of the relation: no code in common with the module."""
    below: dict[Any, set[Any]] = {}
    for source, target in edges:
        below.setdefault(source, set()).add(target)
        below.setdefault(target, set())
    while True:
        new = {node: found.union(*(below[other] for other in found)) for node, found in below.items()}
        if new == below:
            return below
        below = new


def check(drawn: Layout, layers: dict[str, str], edges: list[tuple[str, str]]) -> None:
    cells, nodes = drawn.cells, drawn.nodes
    assert len(set(cells)) == len(cells) == len(nodes), "two nodes share a cell"
    assert sorted(layer for node in nodes for layer in node.layers) == sorted(layers), "a layer is lost or doubled"
    home = {layer: index for index, node in enumerate(nodes) for layer in node.layers}
    expected = {(home[a], home[b]) for a, b in edges if home[a] != home[b]}
    assert {(edge.source, edge.target) for edge in drawn.edges} == expected, "an edge is lost or invented"
    assert len(drawn.edges) == len(expected), "an edge is drawn twice"
    runs: set[tuple[int, int]] = set()
    for edge in drawn.edges:
        above, below = cells[edge.source][0], cells[edge.target][0]
        assert above < below, f"{nodes[edge.target]} is not below {nodes[edge.source]}"
        assert (edge.column is None) == (below == above + 1), "only an edge over several rows has a column"
        if edge.column is not None:
            run = {(row, edge.column) for row in range(above + 1, below)}
            assert not run & set(cells), "an edge runs through a node"
            assert not run & runs, "two edges run on top of each other"
            runs |= run
    below_of = reachable([(edge.source, edge.target) for edge in drawn.edges])
    for edge in drawn.edges:
        others = {other.target for other in drawn.edges if other.source == edge.source} - {edge.target}
        around = any(edge.target in below_of[other] for other in others)
        assert edge.skip == around, f"{edge} {'is' if around else 'is not'} a skip"
    for index, (row, _) in enumerate(cells):
        arrivals = [cells[edge.source][0] for edge in drawn.edges if edge.target == index]
        assert row == max(arrivals, default=-1) + 1, "a row is the longest path"


@given(graphs(), st.sets(st.sampled_from(["a", "b", "c", "a (2)", "b (2)"])))
def test_any_graph_is_laid_out_without_loss_or_overlap(graph: Graph, unfolded: set[str]) -> None:
    layers, edges = graph
    drawn = layout(layers, edges, unfolded)
    check(drawn, layers, edges)
    for node in drawn.nodes:
        assert not (node.folded and node.block in unfolded), f"{node.block} is to be unfolded"
        assert not node.folded or {layers[layer] for layer in node.layers} == {node.block.partition(" ")[0]}


@given(graphs(), st.data())
def test_folded_blocks_hold_the_sum_of_their_layers(graph: Graph, data: st.DataObject) -> None:
    layers, edges = graph
    macs = st.one_of(st.none(), st.integers(0, 9))
    rows = {layer: {"params": data.draw(st.integers(0, 99)), "macs": data.draw(macs)} for layer in layers}
    nodes = layout(layers, edges).nodes
    sums = [total([rows[layer] for layer in node.layers], "params") for node in nodes]
    assert sum(n for n in sums if n is not None) == sum(row["params"] for row in rows.values())
    for node in nodes:
        numbers = [rows[layer]["macs"] for layer in node.layers]
        expected = None if any(n is None for n in numbers) else sum(numbers)
        assert total([rows[layer] for layer in node.layers], "macs") == expected


@given(graphs())
def test_blocks_are_split_only_where_folding_would_make_a_circle(graph: Graph) -> None:
    layers, edges = graph
    if not edges:
        return
    blocks = blocks_of(layers, edges)
    home = {layer: block or f"alone {layer}" for layer, block in blocks.items()}
    below = reachable([(home[a], home[b]) for a, b in edges if home[a] != home[b]])
    assert not [block for block, found in below.items() if block in found], "a circle of folded blocks"
    whole = {layer: block or f"alone {layer}" for layer, block in layers.items()}
    uncut = reachable([(whole[a], whole[b]) for a, b in edges if whole[a] != whole[b]])
    if not any(block in found for block, found in uncut.items()):
        assert not any("(2)" in block for block in blocks.values()), "split without need"


def test_inception_has_its_branches_side_by_side_in_the_order_they_are_joined() -> None:
    # Keras lists the layers of equal depth the other way round.
    layers = dict.fromkeys(["x", "pool", "reduce5", "reduce3", "project", "five", "three", "one", "join"], "")
    edges = [
        ("x", "pool"),
        ("x", "reduce5"),
        ("x", "reduce3"),
        ("pool", "project"),
        ("reduce5", "five"),
        ("reduce3", "three"),
        ("x", "one"),
        ("one", "join"),
        ("three", "join"),
        ("five", "join"),
        ("project", "join"),
    ]
    drawn = layout(layers, edges)
    check(drawn, layers, edges)
    cells = {node.name: cell for node, cell in zip(drawn.nodes, drawn.cells, strict=True)}
    assert [cells[name] for name in ("one", "reduce3", "reduce5", "pool")] == [(1, -1), (1, 0), (1, 1), (1, 2)]
    assert [cells[name][1] for name in ("x", "three", "five", "project", "join")] == [0, 0, 1, 2, 0]
    assert not any(edge.skip for edge in drawn.edges), "branches go past nothing"


def test_residual_block_has_its_shortcut_beside_it() -> None:
    layers = {"x": "", "conv1": "block", "conv2": "block", "add": "block"}
    edges = [("x", "conv1"), ("conv1", "conv2"), ("x", "add"), ("conv2", "add")]
    (skip,) = [edge for edge in layout(layers, edges, ["block"]).edges if edge.skip]
    assert (skip.source, skip.target, skip.column) == (0, 3, 1)
    assert [edge.skip for edge in layout(layers, edges).edges] == [False], "folded, it is inside"


def test_deep_chain_needs_no_recursion() -> None:
    layers = {f"layer{n}": "" for n in range(5000)}
    edges = [(f"layer{n}", f"layer{n + 1}") for n in range(4999)]
    assert layout(layers, edges).cells[-1] == (4999, 0)


@pytest.mark.parametrize("edge", [("b", "a"), ("a", "a"), ("a", "z"), ("z", "a")])
def test_edge_to_nowhere_or_backwards_is_refused(edge: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=rf"leads from '{edge[0]}' to '{edge[1]}'; expected two of the 2 layers"):
        layout({"a": "", "b": ""}, [edge])


def test_empty_graph_is_empty() -> None:
    assert layout({}, []) == Layout((), (), ())
