"""The first two levels of a walk: the whole network as a strip, and all maps of a layer."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn_core.arithmetic.codes import ZERO
from cnn_core.arithmetic.written import minus
from cnn_core.figures.mosaic import sheet
from cnn_core.figures.palette import Palette
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoom.answers import Maps, Strip
from cnn_core.networks.zoom.plan import Node, Plan
from cnn_core.pictures.items import count
from ui.architectures.choice import layer_title
from ui.widgets.wall.wall import laid
from ui.widgets.zoom.zoom import WHOLE
from ui.zoom.place import Place, offered

ORDERS = {"varied": "Those that vary most first", "number": "By number"}  # of all maps of a layer
LARGEST = "The largest first"  # what the first of these means where each map is one number
PICTURE = "picture"  # id of its panel, in every scene: it flies from one to the next
_IN_A_ROW = 4  # maps of a stage in the strip
_ACROSS = 32  # tiles in a row of a sheet of all maps: of the file, not of the screen
_TILES = ((40, 84), (130, 56), (400, 40))  # up to so many maps, so many pixels for each
_LEAST = 30
_MOST = 1280  # maps of a layer that are drawn; a hidden layer of VGG-16 has 4,096
_ANSWERS = 5
_BRIGHT = 99.5  # percent of a map's cells keep below full colour, as in `figures.maps.signed`
_COLOURS = ("red", "green", "blue")
_PARTS = r"(_relu6?|_bn|_norm|_conv)$"  # what of a layer's name a newcomer need not read


def whole(plan: Plan, strip: Strip, seen: str, palette: Palette) -> dict[str, Any]:
    """Return the scene of the whole network: the picture, the maps of each stage, the answer.

    Args:
        plan: Of the network.
        strip: What it makes of the picture.
        seen: The picture as the network sees it, as an address.
        palette: Of the theme.
    """
    stages = len(strip.stages)
    panels: list[dict[str, Any]] = [_picture(plan, seen, None, [1, 1, 1, 1], None)]
    sheets = {}
    for number, mosaic in enumerate(strip.stages, 1):
        node = plan.node(mosaic.node)
        sheets[f"s{number}"] = laid(sheet(vivid(mosaic.coded.codes), _IN_A_ROW, palette=palette))
        tiles = [
            _tile(plan, node, channel, float(low), float(high))
            for channel, low, high in zip(mosaic.channels, mosaic.low, mosaic.high, strict=True)
        ]
        height, width, channels = mosaic.shape
        panels.append(
            {
                "id": f"stage{number}",
                "kind": "sheet",
                "wide": [number + 1, 1, 1, 1],
                "narrow": [number + 1, 1, 1, 1],
                "title": f"{mosaic.title} · {height} × {width} · {count(channels, 'map')}",
                "about": "Click a map: see what it is made of. Click a title: all maps of that layer.",
                "sheet": f"s{number}",
                "tiles": tiles,
                "go": node.name,
            }
        )
    panels.append(_answer(plan, strip.top, [stages + 2, 1, 1, 1]))
    ids = [panel["id"] for panel in panels]
    return {
        "label": f"{title(plan)}, from your picture to its answer",
        "level": 0,
        "place": WHOLE,
        "trail": [{"place": WHOLE, "title": title(plan)}],
        "at": None,
        "sheets": sheets,
        "wide": ["minmax(0, 1fr)"] * (stages + 2),
        "narrow": [],
        "panels": panels,
        "joins": [{"from": a, "to": b, "text": ""} for a, b in itertools.pairwise(ids)],
    }


def layer(plan: Plan, maps: Maps, seen: str, palette: Palette, order: str = "varied") -> dict[str, Any]:
    """Return the scene of a layer: all its maps, and the other layers of its stage.

    Args:
        plan: Of the network.
        maps: The layer's.
        seen: The picture as the network sees it, as an address.
        palette: Of the theme.
        order: One of ORDERS.
    """
    node = plan.node(maps.node)
    height, width = maps.coded.codes.shape[1:] if maps.shape[:2] == (1, 1) else maps.shape[:2]
    channels = maps.shape[2]
    numbers = range(channels) if order == "number" else maps.order
    drawn = [int(channel) for channel in numbers[:_MOST]]
    tiles = [
        _tile(plan, node, channel, float(maps.low[channel]), float(maps.high[channel]))
        | {"at": [int(n) for n in maps.peaks[channel]]}
        for channel in drawn
    ]
    first = LARGEST if order == "varied" and (height, width) == (1, 1) else ORDERS[order]
    some = f" The first {_MOST:,} are drawn." if channels > _MOST else ""
    about = (
        f"{channels:,} maps of {height} × {width}, {first.lower()}.{some} Click one: see what it is made of."
        if channels > 1
        else f"One map of {height} × {width}. Click it: see what it is made of."
    )
    panels = [
        _picture(plan, seen, node, [1, 1, 1, 2], [1, 1, 1, 1]),
        {
            "id": "steps",
            "kind": "steps",
            "wide": [2, 1, 1, 1],
            "narrow": [2, 1, 1, 1],
            "title": "",
            "about": "",
            "tiles": _neighbours(plan, node),
        },
        {
            "id": node.name,
            "kind": "sheet",
            "wide": [2, 2, 1, 1],
            "narrow": [1, 2, 2, 1],
            "title": "",
            "about": about,
            "sheet": "all",
            "tile": next((pixels for most, pixels in _TILES if channels <= most), _LEAST),
            "tiles": tiles,
        },
    ]
    return {
        "label": f"{node_title(node)} of {title(plan)}: all maps",
        "level": 1,
        "place": node.name,
        "trail": trail(plan, Place(node.name)),
        "at": None,
        "sheets": {"all": laid(sheet(vivid(maps.coded.codes[drawn]), _ACROSS, palette=palette))},
        "wide": ["170px", "minmax(0, 1fr)"],
        "narrow": ["96px", "minmax(0, 1fr)"],
        "panels": panels,
        "joins": [],
    }


def title(plan: Plan) -> str:
    """Return the network's title; weights that nobody has trained are called so wherever it stands."""
    return ARCHITECTURES[plan.key].title + ("" if plan.pretrained else ", random weights")


def node_title(node: Node) -> str:
    """Return a node's name in words.

    Example:
        >>> from types import SimpleNamespace as Node
        >>> [node_title(Node(name=name)) for name in ("block3b_depthwise_relu6", "stem_relu6", "s2")]
        ['Block 3b, depthwise', 'Stem', 'S2']
    """
    return layer_title(re.sub(_PARTS, "", node.name) or node.name)


def called(plan: Plan, node: Node, channel: int) -> str:
    """Return what a map is called: a colour of the picture, a class of the answer, else its number."""
    if node.kind == "input" and node.shape[2] == len(_COLOURS):
        return _COLOURS[channel]
    if node.kind == "input" and node.shape[2] == 1:
        return "grey"
    if node.kind == "dense" and channel < len(plan.labels) == node.shape[2]:
        return plan.labels[channel]
    return f"map {channel}"


def trail(plan: Plan, place: Place) -> list[dict[str, str]]:
    """Return the way from the whole network to a map, each with its link."""
    way = [{"place": WHOLE, "title": title(plan)}]
    if place.node:
        way.append({"place": place.node, "title": node_title(plan.node(place.node))})
    if place.channel is not None:
        way.append({"place": place.map.text, "title": called(plan, plan.node(place.node), place.channel)})
    return way


def picture_window(node: Node) -> dict[str, Any] | None:
    """Return how a node's cells lie on the picture: their receptive fields; None where there is no number for it."""
    if node.field is None or node.field.padding is None:
        return None
    size, stride, padding = node.field.size, node.field.stride, node.field.padding
    return {"size": [size] * 2, "stride": [stride] * 2, "before": [padding] * 2, "dilation": [1, 1]}


def between(low: float, high: float) -> str:
    """Write a map's range.

    Example:
        >>> between(-1.23456, 4.0)
        'from −1.23 to 4'
    """
    return minus(f"from {low:.3g} to {high:.3g}")


def _picture(plan: Plan, seen: str, node: Node | None, wide: list[int], narrow: list[int] | None) -> dict[str, Any]:
    side = plan.input_size
    about = f"the middle of it, {side} × {side} pixels, as the network sees it"
    found = {
        "id": PICTURE,
        "kind": "picture",
        "wide": wide,
        "narrow": narrow or wide,
        "title": "Your picture",
        "about": about,
        "source": seen,
        "shape": [side, side],
    }
    window = picture_window(node) if node else None
    return found | ({"window": window} if window else {})


def _answer(plan: Plan, top: Sequence[dict[str, Any]], wide: list[int]) -> dict[str, Any]:
    last = plan.nodes[-1]
    dense = last.name if last.kind == "dense" and offered(last) else ""
    bars = [
        {"title": entry["label"], "share": float(entry["probability"])}
        | ({"go": Place(dense, int(entry["index"])).text} if dense else {})
        for entry in top[:_ANSWERS]
    ]
    panel = {"id": "answer", "wide": wide, "narrow": wide, "title": "Its answer", "about": ""}
    if not bars:
        why = "these weights come without a classifier" if plan.pretrained else "its weights are random"
        return panel | {"kind": "number", "text": f"It names no classes: {why}."}
    return panel | {"kind": "bars", "bars": bars}


def _tile(plan: Plan, node: Node, channel: int, low: float, high: float) -> dict[str, Any]:
    place = Place(node.name, channel).text
    return {
        "id": place,
        "title": called(plan, node, channel),
        "about": f"{node_title(node)}: {between(low, high)}",
        "go": place,
    }


def _neighbours(plan: Plan, node: Node) -> list[dict[str, str]]:
    """The layers of a stage, in order."""
    stage = plan.stage_of(node.name)
    steps, before = [], ""
    for each in [plan.node(name) for name in stage.nodes] if stage else [node]:
        block, _, part = node_title(each).partition(", ")
        said = part if part and block == before else node_title(each)  # a block is named once
        before = block
        if offered(each):
            about = f"{node_title(each)}: {_shape(each)}"
            steps.append({"id": each.name, "title": said, "about": about, "go": each.name})
    return steps


def _shape(node: Node) -> str:
    """Say what a node does, and what comes out.

    Example:
        >>> from types import SimpleNamespace as Some
        >>> _shape(Some(kind="depthwise", window=Some(kernel_size=(3, 3)), shape=(28, 28, 40)))
        'depthwise, 3 × 3; 28 × 28, 40 maps'
    """
    height, width, channels = node.shape
    size = f", {node.window.kernel_size[0]} × {node.window.kernel_size[1]}" if node.window else ""
    return f"{node.kind.replace('_', ' ')}{size}; {height} × {width}, {count(channels, 'map')}"


def vivid(codes: np.ndarray, *, together: bool = False) -> np.ndarray:
    """Stretch coded maps so that half a percent of the cells have full colour: one bright cell does not pale a map.

    Args:
        codes: uint8 `(n, h, w)`.
        together: All by as much, so that they can be compared.

    Example:
        >>> vivid(np.array([[[128, 129, 130]]], np.uint8)).tolist()
        [[[128, 192, 255]]]
    """
    if not codes.size:
        return codes
    away = codes.astype(np.int16) - ZERO
    limits = np.percentile(np.abs(away), _BRIGHT, axis=None if together else (1, 2), keepdims=not together)
    limits = np.where(limits > 0, limits, np.abs(away).max(axis=(1, 2), keepdims=True))
    stretched = np.rint(away * (255 - ZERO) / np.maximum(limits, 1))
    return (np.clip(stretched, ZERO - 255, 255 - ZERO) + ZERO).astype(np.uint8)


def coded(values: np.ndarray, limit: float) -> np.ndarray:
    """Code maps or kernels on one limit, as `arithmetic.codes` does.

    Args:
        values: `(n, h, w)`.
        limit: Of full colour.

    Returns:
        uint8 `(n, h, w)`.

    Example:
        >>> coded(np.array([[[-2.0, 0.0, 1.0]]]), 2.0).tolist()
        [[[1, 128, 192]]]
    """
    return np.asarray(np.rint(np.clip(values / (limit or 1.0), -1, 1) * 127) + 128, np.uint8)
