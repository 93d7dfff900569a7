"""A network's graph as a drawing: blocks folded to one node, every node in a cell of its own, branches in columns.

Standard library only. A row holds what lies equally deep: the row of a node is the length of the longest path to it, so
that every edge leads down. An edge over several rows runs straight down a column of its own.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

Pair = tuple[str, str]


@dataclass(frozen=True)
class Node:
    """A layer, or a block that is folded.

    Attributes:
        name: The layer's name, or the block's. The two may be the same: a block's `layers` are several.
        block: The block that it is, or is a layer of; empty if it is in none.
        layers: Names of its layers, in the graph's order.
    """

    name: str
    block: str
    layers: tuple[str, ...]

    @property
    def folded(self) -> bool:
        """True if it stands for several layers."""
        return len(self.layers) > 1


@dataclass(frozen=True)
class Edge:
    """What flows from one node to another, by their index.

    Attributes:
        source, target: Index of the node.
        column: Where it runs down between the rows of the two; None if the target is in the next row.
        skip: True if another path leads from the source to the target: this one goes past it.
    """

    source: int
    target: int
    column: int | None = None
    skip: bool = False


@dataclass(frozen=True)
class Layout:
    """Nodes with their cells, `(row, column)` each; row 0 is the top, column 0 that of the input."""

    nodes: tuple[Node, ...]
    cells: tuple[tuple[int, int], ...]
    edges: tuple[Edge, ...]


def blocks_of(layers: Mapping[str, str], edges: Sequence[Pair]) -> dict[str, str]:
    """Return the block of each layer such that folding makes no circle.

    A layer that can only be reached from its block by leaving it begins another block, with `(2)` to its name.
    A block of one layer is none.

    Args:
        layers: Name of the block, or empty, by the layer's name, in the graph's order.
        edges: From layer to layer.

    Raises:
        ValueError: If an edge leads to an unknown layer or backwards.

    Example:
        >>> layers = {"a": "x", "b": "", "c": "x", "d": "x"}
        >>> blocks_of(layers, [("a", "b"), ("b", "c"), ("c", "d")])
        {'a': '', 'b': '', 'c': 'x (2)', 'd': 'x (2)'}
    """
    sources = _sources(layers, edges)
    part: dict[str, str] = {}  # of each layer so far: a block's name, or for no block its own behind a line break
    parts: dict[str, list[str]] = {}  # of each block
    above: dict[str, set[str]] = {}  # the parts from which a part takes its input
    for layer, block in layers.items():
        came = {part[source] for source in sources[layer]}
        own = f"\n{layer}"
        if block:
            known = parts.setdefault(block, [])
            if not known or any(_reaches(known[-1], start, above) for start in came - {known[-1]}):
                known.append(_free_name(block, len(known) + 1, layers.values()))
            own = known[-1]
        part[layer] = own
        above.setdefault(own, set()).update(came - {own})
    sizes: dict[str, int] = {}
    for own in part.values():
        sizes[own] = sizes.get(own, 0) + 1
    return {layer: own if sizes[own] > 1 else "" for layer, own in part.items()}


def _free_name(block: str, number: int, taken: Collection[str]) -> str:
    if number == 1:
        return block
    return next(name for n in count(number) if (name := f"{block} ({n})") not in taken)


def _reaches(start: str, end: str, above: Mapping[str, set[str]]) -> bool:
    """Whether a path leads down from one part to another."""
    seen, waiting = {end}, [end]
    while waiting:
        if (here := waiting.pop()) == start:
            return True
        new = above[here] - seen
        seen |= new
        waiting.extend(new)
    return False


def _sources(layers: Mapping[str, str], edges: Sequence[Pair]) -> dict[str, list[str]]:
    places = {layer: place for place, layer in enumerate(layers)}
    sources: dict[str, list[str]] = {layer: [] for layer in layers}
    for source, target in edges:
        if not places.get(source, len(places)) < places.get(target, -1):
            raise ValueError(
                f"An edge leads from {source!r} to {target!r}; expected two of the {len(layers)} layers, the first "
                "before the second. List the layers in the order of the graph."
            )
        sources[target].append(source)
    return sources


def layout(layers: Mapping[str, str], edges: Sequence[Pair], unfolded: Collection[str] = ()) -> Layout:
    """Lay a graph out.

    Args:
        layers: Name of the block, or empty, by the layer's name, in the graph's order.
        edges: From layer to layer.
        unfolded: Blocks whose layers are drawn one by one, as `blocks_of` names them.

    Returns:
        The layout. No two nodes share a cell, and no edge runs down through a node.

    Raises:
        ValueError: If an edge leads to an unknown layer or backwards.

    Example:
        >>> layers = {"image": "", "conv": "block", "add": "block", "logits": ""}
        >>> edges = [("image", "conv"), ("conv", "add"), ("image", "add"), ("add", "logits")]
        >>> [(node.name, node.layers) for node in layout(layers, edges).nodes]
        [('image', ('image',)), ('block', ('conv', 'add')), ('logits', ('logits',))]
        >>> open = layout(layers, edges, unfolded=["block"])
        >>> open.cells, open.edges[2]
        (((0, 0), (1, 0), (2, 0), (3, 0)), Edge(source=0, target=2, column=1, skip=True))

    Source: the first steps of Sugiyama, Tagawa & Toda 1981, Methods for Visual Understanding of Hierarchical System
        Structures; columns are taken greedily, as in a log of commits.
    """
    nodes, pairs = _folded(blocks_of(layers, edges), edges, unfolded)
    targets: list[list[int]] = [[] for _ in nodes]
    rows = [0] * len(nodes)
    for source, target in pairs:  # by the target's place: rows of sources are final
        rows[target] = max(rows[target], rows[source] + 1)
        targets[source].append(target)
    columns, lanes = _columns(rows, pairs)
    drawn = tuple(
        Edge(source, target, lanes.get((source, target)), _is_skip(source, target, targets, rows))
        for source, target in pairs
    )
    return Layout(tuple(nodes), tuple(zip(rows, columns, strict=True)), drawn)


def _folded(
    blocks: Mapping[str, str], edges: Sequence[Pair], unfolded: Collection[str]
) -> tuple[list[Node], list[tuple[int, int]]]:
    """Nodes, each behind those it takes its inputs from, and the edges, by their target.

    Branches come in the order in which they are joined, as code and papers list them.
    """
    members: dict[tuple[str, str], list[str]] = {}
    for layer, block in blocks.items():
        members.setdefault(("", block) if block and block not in unfolded else (layer, block), []).append(layer)
    home = {layer: key for key, names in members.items() for layer in names}
    sources: dict[tuple[str, str], dict[tuple[str, str], None]] = {key: {} for key in members}
    for source, target in edges:
        if home[source] != home[target]:
            sources[home[target]][home[source]] = None
    order: dict[tuple[str, str], int] = {}
    for key in reversed(members):  # the network's end first, and with it all that leads there
        for ready in _before(key, sources, order):
            order[ready] = len(order)
    nodes = [Node(layer or block, block, tuple(members[layer, block])) for layer, block in order]
    return nodes, [(order[source], place) for key, place in order.items() for source in sources[key]]


def _before(
    key: tuple[str, str], sources: Mapping[tuple[str, str], Collection[tuple[str, str]]], done: Collection[Any]
) -> Iterator[tuple[str, str]]:
    """All that leads to a node and is not done, and the node; without recursion: networks are deep."""
    stack = [key]
    while stack:
        here = stack[-1]
        missing = [source for source in sources[here] if source not in done]
        stack.extend(reversed(missing))
        if not missing:
            stack.pop()
            if here not in done:
                yield here


def _is_skip(source: int, target: int, targets: Sequence[Sequence[int]], rows: Sequence[int]) -> bool:
    """Whether another path leads to the target."""
    if rows[target] == rows[source] + 1:
        return False
    waiting = [here for here in targets[source] if here != target]
    seen = set(waiting)
    while waiting:
        here = waiting.pop()
        if here == target:
            return True
        new = {after for after in targets[here] if rows[after] <= rows[target]} - seen
        seen |= new
        waiting.extend(new)
    return False


def _columns(rows: Sequence[int], edges: Sequence[tuple[int, int]]) -> tuple[list[int], dict[tuple[int, int], int]]:
    """A column for each node and for each edge over several rows; siblings lie side by side, deepest branch straight.

    Row by row: edges that pass keep their column, the rest takes the nearest free one to where it comes from.
    """
    depth = [0] * len(rows)  # edges to the end
    incoming: list[list[int]] = [[] for _ in rows]
    outgoing: list[list[int]] = [[] for _ in rows]
    for source, target in reversed(edges):
        depth[source] = max(depth[source], depth[target] + 1)
        incoming[target].append(source)
        outgoing[source].append(target)
    columns = [0] * len(rows)
    lanes: dict[tuple[int, int], int] = {}
    in_row: list[list[int]] = [[] for _ in range(max(rows, default=-1) + 1)]
    for node, row in enumerate(rows):
        in_row[row].append(node)
    for row, here in enumerate(in_row):
        taken = {column for (_, target), column in lanes.items() if rows[target] > row}
        # What enters this row: nodes, and edges that begin above and end below.
        wanted: list[tuple[int, int, int, tuple[int, int] | None]] = []
        for node in here:
            arrivals = [lanes.get((source, node), columns[source]) for source in incoming[node]]
            branch = len(incoming[node]) == 1
            offset = _offset(node, incoming[node][0], outgoing, rows, depth) if branch else 0
            wanted.append((abs(offset), min(arrivals, key=abs, default=0) + offset, node, None))
        for source in in_row[row - 1] if row else ():
            for target in outgoing[source]:
                if rows[target] > row:
                    offset = _offset(target, source, outgoing, rows, depth)
                    wanted.append((abs(offset), columns[source] + offset, target, (source, target)))
        for _, column, node, edge in sorted(wanted, key=lambda item: (item[3] is not None, item[0], item[2])):
            column = _free(column, taken)
            taken.add(column)
            if edge is None:
                columns[node] = column
            else:
                lanes[edge] = column
    return columns, lanes


def _offset(
    node: int, source: int, outgoing: Sequence[Sequence[int]], rows: Sequence[int], depth: Sequence[int]
) -> int:
    """Columns from the source to one of its targets: the next on the longest way to the end lies straight below."""
    siblings = sorted(outgoing[source], key=lambda target: (rows[target] > rows[source] + 1, target))
    straight = max(siblings, key=lambda target: (rows[target] == rows[source] + 1, depth[target], -target))
    return siblings.index(node) - siblings.index(straight)


def _free(wanted: int, taken: Collection[int]) -> int:
    """The nearest free column; of two equally near the outer one."""
    side = 1 if wanted >= 0 else -1
    return next(column for n in count() for column in (wanted + side * n, wanted - side * n) if column not in taken)


def total(rows: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """Add one number of all layers; None if it is not known of one of them.

    Args:
        rows: One of each layer, as `summary.LayerRow` has them.
        name: `params`, `trainable_params` or `macs`.

    Example:
        >>> total([{"macs": 2}, {"macs": 3}], "macs"), total([{"macs": 2}, {"macs": None}], "macs")
        (5, None)
    """
    numbers = [row[name] for row in rows]
    return None if None in numbers else sum(numbers)
