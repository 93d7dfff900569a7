"""The near levels of a walk: one map as the sum that it is, and a cell of it."""

import base64
from typing import Any

import numpy as np

from cnn_core.arithmetic.written import minus
from cnn_core.figures.mosaic import sheet
from cnn_core.figures.palette import Palette
from cnn_core.networks.zoom.answers import Made
from cnn_core.networks.zoom.plan import Node, Plan
from ui.widgets.wall.wall import laid
from ui.zoom import scenes
from ui.zoom.place import Place, offered

ROWS = 4  # of the grid, at least: the sum and what follows it stand one below the other
_SIZES = ((1, 170), (3, 110))  # up to so many inputs, so many pixels for each
_SMALL, _SMALLEST = 56, 54  # pixels of a map, of a kernel
_BARE = ("input", "add", "concatenate", "pad", "pointwise")  # kinds without a kernel
_WORDS = {"max_pool": "largest", "average_pool": "mean", "global_pool": "mean"}
_ACTIVATIONS = {
    "relu6": "ReLU6: cut at 0 and 6",
    "relu": "ReLU: cut at 0",
    "silu": "SiLU: z · sigmoid(z)",
    "gelu": "GELU: z · Φ(z)",
    "scaled_tanh": "1.7159 · tanh(2/3 z)",
}


def made(plan: Plan, found: Made, seen: str, palette: Palette) -> dict[str, Any]:
    """Return the scene of a map: inputs, kernels, their products as maps, the sum, and what becomes of it.

    The same scene shows a cell of it: `at` says which, `level` that one is there.

    Args:
        plan: Of the network.
        found: The map.
        seen: The picture as the network sees it, as an address.
        palette: Of the theme.
    """
    node = plan.node(found.node)
    place = Place(found.node, found.channel)
    if found.reason:
        return _untold(plan, node, found, seen, palette)
    count = len(found.inputs)
    rows = max(count + bool(found.others), ROWS)
    each = max(1, rows // max(1, count + bool(found.others)))
    parts = scenes.vivid(found.part_codes.codes, together=True)
    sheets: dict[str, Any] = {
        "output": laid(sheet(scenes.vivid(_whole(found.output)), 1, palette=palette)),
        "parts": laid(sheet(parts, count + 2, palette=palette)),
    }
    if count:
        sheets["inputs"] = laid(sheet(scenes.vivid(found.input_codes.codes), count, palette=palette))
    if not _kernel_said(found):
        codes = scenes.coded(found.kernels, float(np.abs(found.kernels).max()))
        sheets["kernels"] = laid(sheet(codes, count, palette=palette, of_weights=True))
    panels = [_picture(plan, seen, node, rows), _output(plan, node, found, rows)]
    joins: list[dict[str, str]] = []
    for row in range(count):
        panels += _row(plan, node, found, row, each)
        joins += _joined(found, row)
    if found.others:
        panels.append(_rest(found, count * each + 1, count))
        joins.append({"from": "rest", "to": "sum", "text": ""})
    panels += _sum(node, found, rows, count)
    size = next((pixels for most, pixels in _SIZES if count <= most), _SMALL)
    return {
        "label": f"{scenes.called(plan, node, found.channel)} of {scenes.node_title(node)}, {scenes.title(plan)}: "
        "what it is made of",
        "level": 2,
        "place": place.text,
        "trail": scenes.trail(plan, place),
        "at": [int(n) for n in found.peak],
        "single": _single(node, found),
        "sheets": sheets,
        "wide": [
            "minmax(96px, 220px)",  # on a tablet all give way, so that the map itself stays in sight
            f"minmax({min(size, _SMALL)}px, {size}px)",
            f"minmax({_SMALLEST}px, {max(_SMALLEST, size // 2)}px)",
            f"minmax({min(size, _SMALL)}px, {size}px)",
            "minmax(96px, 150px)",
            "minmax(180px, 430px)",
        ],
        "narrow": ["76px", "64px", "76px", "minmax(0, 1fr)"],
        "panels": panels,
        "joins": [*joins, {"from": "sum", "to": place.text, "text": ""}],
    }


def _untold(plan: Plan, node: Node, found: Made, seen: str, palette: Palette) -> dict[str, Any]:
    """The scene of a map of which it is not told what it is made of: the way down ends here."""
    place = Place(found.node, found.channel)
    panels = [_picture(plan, seen, node, ROWS), _output(plan, node, found, ROWS)]
    panels[1]["wide"] = [3, 1, 1, ROWS]
    why = {"wide": [2, 1, 1, ROWS], "narrow": [1, 3, 4, 1], "title": "", "about": ""}
    return {
        "label": f"{scenes.called(plan, node, found.channel)} of {scenes.node_title(node)}, {scenes.title(plan)}",
        "level": 2,
        "place": place.text,
        "trail": scenes.trail(plan, place),
        "at": [int(n) for n in found.peak],
        "single": False,
        "sheets": {"output": laid(sheet(scenes.vivid(_whole(found.output)), 1, palette=palette))},
        "wide": ["minmax(96px, 260px)", "minmax(150px, 300px)", "minmax(180px, 430px)"],
        "narrow": ["76px", "64px", "76px", "minmax(0, 1fr)"],
        "panels": [*panels, why | {"id": "then", "kind": "number", "text": found.reason}],
        "joins": [],
    }


def at_cell(scene: dict[str, Any], cell: tuple[int, int]) -> dict[str, Any]:
    """Return a map's scene with one of its cells opened."""
    return scene | {"level": 3, "at": list(cell)}


def affine(found: Any) -> list[str]:
    """Say what becomes of the sum, a line a step.

    Args:
        found: What has `kind`, `bias`, `scale`, `shift` and `activation`.

    Example:
        >>> from types import SimpleNamespace as Found
        >>> affine(Found(kind="convolution", bias=0.0, scale=2.0, shift=-1.5, activation="relu6"))
        ['× 2 − 1.5 (BatchNorm)', 'ReLU6: cut at 0 and 6']
    """
    lines = []
    if found.bias:
        lines.append(f"{signed(found.bias)} (bias)")
    if found.scale != 1 or found.shift:
        why = "scaled by the network" if found.kind == "input" else "BatchNorm" if found.shift else "scaled"
        lines.append(f"× {number(found.scale)} {f'{signed(found.shift)} ' if found.shift else ''}({why})")
    if found.activation:
        lines.append(_ACTIVATIONS.get(found.activation, found.activation))
    return lines


def number(value: float, digits: int = 4) -> str:
    """Write a number, with a true minus.

    Example:
        >>> number(-0.12345678), number(12.0)
        ('−0.1235', '12')
    """
    return minus(f"{value:.{digits}g}")


def signed(value: float, digits: int = 4) -> str:
    """Write a number as it is added.

    Example:
        >>> signed(-0.5), signed(2)
        ('− 0.5', '+ 2')
    """
    return f"{'−' if value < 0 else '+'} {number(abs(value), digits)}"


_SAME = {"size": [1, 1], "stride": [1, 1], "before": [0, 0], "dilation": [1, 1]}


def _single(node: Node, found: Made) -> bool:
    """Whether all of the map makes one number: a class map, whose mean is the class's."""
    return node.shape[:2] == (1, 1) != found.output.shape


def _kernel_said(found: Made, row: int = 0) -> str:
    """A kernel in words, where it is one number or has none; empty where it is drawn."""
    if found.kind in _WORDS:
        return _WORDS[found.kind]
    if found.kind in _BARE or not found.kernels.size:
        return "×" if found.factor else found.kind
    return number(float(found.kernels[row, 0, 0]), 3) if found.kernels.shape[1:] == (1, 1) else ""


def _whole(output: np.ndarray) -> np.ndarray:
    return scenes.coded(output[None], float(np.abs(output).max()))


def _picture(plan: Plan, seen: str, node: Node, rows: int) -> dict[str, Any]:
    window = scenes.picture_window(node)
    side = plan.input_size
    return {
        "id": scenes.PICTURE,
        "kind": "picture",
        "wide": [1, 1, 1, rows],
        "narrow": [4, 1, 1, 1],
        "title": "Your picture",
        "about": "framed: what the cell can see" if window else "the cell can see all of it",
        "source": seen,
        "shape": [side, side],
    } | ({"window": window} if window else {})


def _output(plan: Plan, node: Node, found: Made, rows: int) -> dict[str, Any]:
    values = np.ascontiguousarray(found.output, np.float32)
    called = scenes.called(plan, node, found.channel)
    return {
        "id": Place(found.node, found.channel).text,
        "kind": "map",
        "wide": [6, 1, 1, rows],
        "narrow": [1, 1, 3, 2],
        "title": f"{called[:1].upper()}{called[1:]}, {values.shape[0]} × {values.shape[1]}",
        "about": f"{scenes.node_title(node)}, {scenes.between(found.low, found.high)}",
        "sheet": "output",
        "index": 0,
        "shape": list(values.shape),
        "text": number(float(values[0, 0])) if values.size == 1 else "",
        "values": base64.b64encode(values.tobytes()).decode(),
        "window": _SAME,
    }


def _row(plan: Plan, node: Node, found: Made, row: int, each: int) -> list[dict[str, Any]]:
    """An input, its kernel, and what they make."""
    name, channel = found.inputs[row]
    known = name in {entry.name for entry in plan.nodes}  # else it is the picture, before the network scales it
    source = plan.node(name) if known else node
    top, place = row * each + 1, Place(name, channel).text
    share = f"{float(found.share[row]):.0%} of the sum"
    alone = _alone(found)
    several = (
        len({each for each, _ in found.inputs}) > 1 or found.kind == "concatenate"
    )  # layers: their names are of use
    title = scenes.node_title(source) if known else name
    called = scenes.node_title(source) if several else str(channel) if len(found.inputs) > 1 else ""
    narrow = row + 3
    panels: list[dict[str, Any]] = [
        {
            "id": place,
            "kind": "map",
            "wide": [2, top, 1, each],
            "narrow": [1, narrow, 1, 1],
            "title": called or scenes.called(plan, source, channel),
            "small": len(found.inputs) > 1 and not several,
            "about": f"{scenes.called(plan, source, channel)} of {title}, an input",
            "sheet": "inputs",
            "index": row,
            "shape": list(source.shape[:2]),
            "window": _window(node, source, found),
        }
        | ({"go": place} if known and offered(source) else {}),
    ]
    if not alone:
        part = {
            "id": f"part{row}",
            "kind": "map",
            "wide": [4, top, 1, each],
            "narrow": [3, narrow, 1, 1],
            "title": "",
            "about": f"input {channel} × its kernel: {share}",
            "sheet": "parts",
            "index": row,
            "shape": list(found.output.shape),
            "window": _SAME,
        }
        panels.append(part)
    if found.kind in _BARE:
        return panels
    slots = {
        "id": f"kernel{row}",
        "wide": [3, top, 1, each],
        "narrow": [2, narrow, 1, 1],
        "title": "",
        "look": "kernel",
    }
    if found.factor:
        by = plan.node(found.factor[0])
        about = f"times {scenes.node_title(by)}"
        gate = {"kind": "map", "text": _kernel_said(found, row), "shape": [1, 1], "about": about}
        return [*panels, slots | gate | ({"go": Place(*found.factor).text} if offered(by) else {})]
    if text := _kernel_said(found, row):
        return [*panels, slots | {"kind": "number", "text": text, "about": ""}]
    kernel = found.kernels[row]
    numbers = "; ".join(", ".join(number(float(n), 3) for n in line) for line in kernel)
    shape = list(kernel.shape)
    about = f"kernel {shape[0]} × {shape[1]}: {numbers}"
    return [*panels, slots | {"kind": "map", "about": about, "sheet": "kernels", "index": row, "shape": shape}]


def _window(node: Node, source: Node, found: Made) -> dict[str, Any]:
    if node.kind == "dense" and not _single(node, found):
        return _SAME | {"size": list(source.shape[:2])}
    if node.window is None:
        return _SAME
    (top, _), (left, _) = node.window.padding
    return {
        "size": list(node.window.kernel_size),
        "stride": list(node.window.stride),
        "before": [top, left],
        "dilation": list(node.window.dilation),
    }


def _joined(found: Made, row: int) -> list[dict[str, str]]:
    place = Place(*found.inputs[row]).text
    result = "sum" if _alone(found) else f"part{row}"
    if found.kind in _BARE:
        joins = [(place, result, "")]
    else:
        joins = [(place, f"kernel{row}", "" if found.kind in _WORDS else "×"), (f"kernel{row}", result, "=")]
    if not _alone(found):
        joins.append((result, "sum", ""))
    return [{"from": a, "to": b, "text": text} for a, b, text in joins]


def _alone(found: Made) -> bool:
    """Whether there is one part, which then is the sum."""
    return len(found.inputs) == 1 and not found.others


def _rest(found: Made, top: int, count: int) -> dict[str, Any]:
    return {
        "id": "rest",
        "kind": "map",
        "wide": [4, top, 1, 1],
        "narrow": [3, count + 3, 1, 1],
        "title": f"+{found.others:,}",
        "small": True,
        "about": f"the other {found.others:,} inputs together",
        "sheet": "parts",
        "index": count,
        "shape": list(found.output.shape),
        "window": _SAME,
    }


def _sum(node: Node, found: Made, rows: int, count: int) -> list[dict[str, Any]]:
    """The sum, and what becomes of it."""
    half = rows // 2
    alone = _alone(found)
    lines = affine(found)
    if _single(node, found):
        lines = [f"mean over its {found.output.size} cells", *lines]
    return [
        {
            "id": "sum",
            "kind": "map",
            "look": "" if alone else "end",
            "wide": [4, 1, 1, rows] if alone else [5, 1, 1, half],
            "narrow": [3, 3, 1, 1] if alone else [4, 2, 1, 1],
            "title": "" if alone else "Their sum",
            "about": "" if alone else "all parts added, cell by cell",
            "sheet": "parts",
            "index": count + 1,
            "shape": list(found.output.shape),
            "window": _SAME,
        },
        {
            "id": "then",
            "kind": "number",
            "look": "" if alone else "start",
            "wide": [5, 1, 1, rows] if alone else [5, half + 1, 1, rows - half],
            "narrow": [1, count + 3 + bool(found.others), 4, 1],
            "title": "",
            "about": "",
            "text": "\n".join(lines),
        },
    ]
