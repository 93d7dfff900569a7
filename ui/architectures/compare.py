"""Two architectures side by side: what they cost, what a unit sees of the same picture, how their maps shrink."""

import base64
import math
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic.geometry import Window, output_size, receptive_field, unit_centre, unit_interval
from cnn_core.arithmetic.written import minus
from cnn_core.figures import architectures as figures
from cnn_core.figures import fields, maps
from cnn_core.networks import atlas, loaded
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.networks.zoo.pairing import Pair, error_of, paired, said_of
from cnn_core.networks.zoo.records import Result
from cnn_core.pictures.images import Picture, square
from cnn_core.receipts.networks import recipe, result_key
from ui.architectures.choice import network
from ui.architectures.record import short
from ui.shared.charts import plot
from ui.shared.picture import the_picture
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, plain, table
from ui.shared.worker import answered

_SIDES = {"left": "vgg16", "right": "resnet50"}
_DRAWN = 256  # pixels to which a small input is enlarged, cell by cell
_TENTH = 10
_DEPTH = "depth, as the paper counts"


def compare(room: Room) -> bool:
    """Show two architectures side by side.

    Returns:
        True if one has at most a tenth of the other's parameters and yet the smaller error (ImageNet, top-1, one crop,
        recipes of one generation).
    """
    with room.side:
        one, other = (
            network(label, _SIDES[side], f"architectures_{side}")
            for label, side in (("One", "left"), ("The other", "right"))
        )
        st.button("Swap", icon=":material/swap_horiz:", key="architectures_swap", on_click=_swap, args=(one, other))
    with room.stage:
        _cost(one, other)
    with room.why:
        told(
            "AlexNet and VGG bought fewer mistakes with more weights. Is that the only way? Look for a "
            "small one that beats a large one: what it saves is mostly in its last layers, and in how it mixes "
            "channels. Fewer weights need not be less work: that is counted in multiply-adds ([[MAC]])."
        )
        st.header("What does one neuron see of your picture?", anchor=False)
        for place, side, key in zip(st.columns(2, gap="large"), _SIDES, (one, other), strict=True):
            with place:
                _field(the_picture(), key, side)
        st.header("How fast do the maps shrink?", anchor=False)
        _stages(one, other)
    return leaner_and_better(one, other)


def _swap(one: str, other: str) -> None:
    st.session_state.architectures_left, st.session_state.architectures_right = other, one


def leaner_and_better(one: str, other: str) -> bool:
    """Return whether one has at most a tenth of the other's parameters, and the smaller error by a recipe as good."""
    small, large = sorted((one, other), key=lambda key: int(_facts(key)["trainable_params"]))
    pair = paired(architecture(small), architecture(large))
    if pair is None or not pair.alike:
        return False
    few, many = _errors(pair)
    return bool(_TENTH * _facts(small)["trainable_params"] <= _facts(large)["trainable_params"] and few < many)


def _times(one: float, other: float) -> str:
    """Say how two quantities compare.

    >>> _times(138, 25.5), _times(1, 4), _times(7, 7)
    ('5.41 × as much', '4 × less', 'the same')
    """
    if one == other:
        return "the same"
    ratio = max(one, other) / min(one, other)
    written = f"{ratio:.3g}" if ratio < 1000 else f"{ratio:,.0f}"
    return f"{written} × {'as much' if one > other else 'less'}"


def _facts(key: str) -> dict[str, Any]:
    facts: dict[str, Any] = atlas.read()["architectures"][key]
    return facts


def _errors(pair: Pair) -> tuple[float, float]:
    one, other = (error_of(result, "top-1") for result in (pair.one, pair.other))
    assert one is not None and other is not None, "a pair has both"
    return one, other


# Cost ----------------------------------------------------------------------------------------------------------------


def _cost(one: str, other: str) -> None:
    names = [plain(architecture(key).title) for key in (one, other)]
    left, right = _facts(one), _facts(other)
    quantities = {
        "trainable parameters": [each["trainable_params"] for each in (left, right)],
        "multiply-adds": [each["macs"] for each in (left, right)],
        _DEPTH: [each["depth"] for each in (left, right)],
        "convolutions and dense layers in a row": [each["longest_path"] for each in (left, right)],
        "input, pixels a side": [each["input_size"] for each in (left, right)],
    }
    ratios = {title: _times(a, b) for title, (a, b) in quantities.items()} | {_DEPTH: "each its own way"}
    rows = [[title, f"{a:,}", f"{b:,}", ratios[title]] for title, (a, b) in quantities.items()]
    seen = [each["receptive_field"] for each in (left, right)]
    written = ["whole image" if field is None else f"{field:,} px" for field in seen]
    rows.append(["receptive field", *written, "–" if None in seen else _times(*seen)])
    pair = paired(architecture(one), architecture(other))
    cells = ["–", "–", "–"]
    if pair:
        a, b = _errors(pair)
        sides = ((one, pair.one, a), (other, pair.other, b))
        cells = [f"{error:.4g}%{receipt(result_key(key, result, 'top-1'))}" for key, result, error in sides]
        cells.append(minus(f"{a - b:+.1f} points") if pair.alike else "other recipes")
    rows.append(["ImageNet error, top-1, one crop", *cells])
    table(["", *names, f"{names[0]} has"], rows)
    st.markdown(_words(names, quantities, pair))
    st.caption(
        "Attention's own products are counted among the multiply-adds. "
        + (
            f"Errors are published, not computed. {names[0]}: {plain(_origin(pair.one))}. {names[1]}: "
            f"{plain(_origin(pair.other))}."
            if pair
            else "A – in the last row: of at least one of the two no error on one crop was published."
        )
    )


def _origin(result: Result) -> str:
    return f"{result.whose}, {recipe(result)}"


def _words(names: list[str], quantities: dict[str, list[int]], pair: Pair | None) -> str:
    """The differences in a sentence or two."""
    if names[0] == names[1]:
        return "The same network twice: choose another on either side."
    params, macs = quantities["trainable parameters"], quantities["multiply-adds"]
    said = (
        f"**{names[0]}** ({short(params[0])} parameters, {short(macs[0])} MACs) beside **{names[1]}** "
        f"({short(params[1])}, {short(macs[1])}): in parameters {_times(*params)}, in multiply-adds {_times(*macs)}"
    )
    if (params[0] - params[1]) * (macs[0] - macs[1]) < 0:
        said += ". The one with fewer weights works more: it uses each at more places"
    if pair is None:
        return f"{said}."
    one, other = _errors(pair)
    note = plain(said_of(pair))
    if not pair.alike:
        return f"{said}. On one crop: {one:.1f}% errors against {other:.1f}%. **{note}**"
    verdict = "as many errors" if one == other else "more errors" if one > other else "fewer errors"
    errors = f"{verdict}: {one:.1f}% against {other:.1f}%"
    return f"{said}. On one crop, by recipes of one generation, it makes {errors}. {note}"


# Field ---------------------------------------------------------------------------------------------------------------


def _field(picture: Picture, key: str, place: str) -> None:
    """Draw the field of the unit in the middle of the last map over the picture, at the network's input size."""
    facts, title = _facts(key), plain(architecture(key).title)
    side, field = facts["input_size"], facts["receptive_field"]
    url = _data_url(picture.digest, picture.pixels, side, architecture(key).input_shape[2] == 1)
    boxes, units = _boxes(key) if facts["path"] else ([(0, side - 1)], 1)
    first, last = boxes[-1]
    plot(
        fields.nested(url, side, boxes, len(boxes) - 1),
        f"architectures_field_{place}",
        f"{title}: the middle neuron sees pixels {first} to {last} of {side} along either axis.",
    )
    if field is None:
        st.markdown(f"**{title}**: no number. {plain(facts['reason'])}")
        return
    within = last - first + 1
    beyond = f"; {field - within:,} of them along each axis lie beyond the picture" if within < field else ""
    st.markdown(
        f"**{title}** reads {dimensions(side, side)} pixels. Its middle neuron sees "
        f"**{dimensions(field, field)}**{beyond}. "
        + (f"Neighbours' fields lie {_stride(key)} px apart." if units > 1 else "It is the only one.")
    )


def _stride(key: str) -> int:
    return math.prod(window["stride"] for window in _facts(key)["path"])


@st.cache_data(max_entries=32, show_spinner=False)
def _boxes(key: str) -> tuple[list[tuple[int, int]], int]:
    """First and last pixel that the middle unit sees after each window of the longest path; units in the end."""
    side = units = _facts(key)["input_size"]
    windows: list[Window] = []
    boxes = []
    for each in _facts(key)["path"]:
        padding = each["padding"] if isinstance(each["padding"], str) else tuple(each["padding"])
        windows.append(Window(each["kernel_size"], each["stride"], padding, each["dilation"]))
        units = output_size(units, windows[-1])
        field = receptive_field(windows, side)
        off = {unit: abs(unit_centre(field, unit) - (side - 1) / 2) for unit in range(units)}
        boxes.append(unit_interval(field, min(off, key=off.__getitem__), side))
    return boxes, units


@st.cache_data(max_entries=32, show_spinner=False)
def _data_url(digest: str, _pixels: np.ndarray, side: int, grey: bool) -> str:
    image = square(_pixels, side, 1.0)
    if grey:
        image = loaded.grey(image)  # as the network sees it
    return "data:image/png;base64," + base64.b64encode(maps.png(maps.enlarged(image, _DRAWN))).decode()


# Maps ----------------------------------------------------------------------------------------------------------------


def _stages(one: str, other: str) -> None:
    shapes = {}
    for key in dict.fromkeys((one, other)):
        found = _shapes(key)
        if found is None:
            return
        shapes[key] = found
    networks, without = [], []
    for key in dict.fromkeys((one, other)):
        title = architecture(key).title
        stages = [figures.Stage(name, shape[0], shape[2]) for name, shape in shapes[key].items() if len(shape) == 3]
        networks.append((title, int(_facts(key)["input_size"]), stages))
        without += [
            f"{plain(title)} ends in {shape[0]:,} tokens of {shape[1]:,} numbers: no map, so no square."
            for shape in shapes[key].values()
            if len(shape) == 2
        ]
    plot(
        figures.stage_maps(networks),
        "architectures_stages",
        "; ".join(
            f"{title}: input {side}, then "
            + ", ".join(f"{stage.size} × {stage.size} × {stage.channels}" for stage in stages)
            for title, side, stages in networks
        ),
    )
    smallest = [f"{plain(title)} goes from {side} to {stages[-1].size}" for title, side, stages in networks if stages]
    st.caption(
        "To one scale: the input, then the map at the end of each stage, with its channels below. "
        + " ".join([*([f"{'; '.join(smallest)}."] if smallest else []), *without])
    )


def _shapes(key: str) -> dict[str, list[int]] | None:
    """Output shapes of the layers that end the stages, from the network that the engine builds."""
    graph = answered("architecture_graph", key, words="Building both networks…", timeout=180)
    if graph is None:
        return None
    shapes = {layer["name"]: list(layer["output_shape"]) for layer in graph["layers"]}
    return {name: shapes[name] for name in architecture(key).stage_ends}
