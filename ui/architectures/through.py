"""The reader's picture through a network: its maps, its first kernels, its answer, the evidence, and one unit."""

import base64
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic.geometry import unit_interval
from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import home, maps, pooling
from cnn_core.figures import through as figures
from cnn_core.networks.backbones import DEFAULT
from cnn_core.networks.inside import GradCam, Unit, View
from cnn_core.networks.loaded import Layer, Network, weights_bytes
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.pictures.images import Picture
from ui.shared.teaching import check_link, one_of
from ui.shared.text import asking, plain
from ui.widgets.unit_picker.unit_picker import Interval, unit_picker

LARGE = 40_000_000  # bytes of weights from which a network is built only when the reader says so
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_UNIT = tuple(f"architectures_unit_{axis}" for axis in ("row", "column", "channel"))
LINK: dict[str, Callable[[str], bool]] = {
    "architectures_network": one_of(*ARCHITECTURES),
    "architectures_layer": lambda name: re.fullmatch(r"\w{1,80}", name) is not None,  # checked once they are known
    **dict.fromkeys(_UNIT, lambda number: re.fullmatch(r"\d{1,5}", number) is not None),
}


def through(picture: Picture) -> bool:
    """Show the picture inside a network.

    Returns:
        True if the chosen unit is the strongest of its channel, in the layer that Grad-CAM weighs, and lies where
        Grad-CAM is strongest; only of a network that has learnt.
    """
    key = st.selectbox(
        "Network",
        list(ARCHITECTURES),
        index=list(ARCHITECTURES).index(DEFAULT),
        key="architectures_network",
        on_change=_forget,
        args=("architectures_layer", *_UNIT),
        **_LINKED,
    )
    if not _wanted(key):
        return False
    try:
        with st.spinner(asking("Building the network…")):
            network = _network(key)
        st.markdown(f"**{ARCHITECTURES[key].title}**, {plain(network.weights)}.")
        layer = _layer(network)
        with st.spinner(asking("Asking the network…")):
            view = _view(picture.digest, key, layer.name, picture.pixels)
        evidence = _answer(picture, network, view)
        channel = _maps(network, layer, view)
        return _one_unit(picture, network, layer, view, channel, evidence)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return False


def _wanted(key: str) -> bool:
    """Whether to build it: small ones at once, large ones when the reader has said so in this visit."""
    size, agreed = weights_bytes(key), st.session_state.setdefault("architectures_agreed", set())
    if size <= LARGE or key in agreed:
        return True
    title = ARCHITECTURES[key].title
    st.info(f"{title} has {size / 1e6:,.0f} MB of weights: building it takes some seconds, and answers are slower.")
    if not st.button(f"Build {title} ({size / 1e6:,.0f} MB)", key="architectures_build"):
        return False
    agreed.add(key)
    return True


def _layer(network: Network) -> Layer:
    """Ask for a layer; stages end in those that are marked."""
    layers = {layer.name: layer for layer in network.layers}
    names, default = list(layers), network.stage_ends[min(1, len(network.stage_ends) - 1)]
    _reset("architectures_layer", default)
    check_link({"architectures_layer": one_of(*names)})
    name = st.selectbox(
        "Layer",
        names,
        names.index(default),
        key="architectures_layer",
        on_change=_forget,
        args=_UNIT,
        help=f"Stages end with {', '.join(network.stage_ends)}.",
        **_LINKED,
    )
    return layers[name]


def _forget(*keys: str) -> None:
    """Have what depends on a choice go back to its default, once that is known."""
    st.session_state.setdefault("architectures_forgotten", set()).update(keys)


def _reset(key: str, default: Any) -> None:
    """Before its widget is drawn: a value that was forgotten becomes the default."""
    forgotten: set[str] = st.session_state.get("architectures_forgotten", set())
    if key in forgotten:
        forgotten.discard(key)
        st.session_state[key] = default


# The answer and its evidence -----------------------------------------------------------------------------------------


def _answer(picture: Picture, network: Network, view: View) -> GradCam | None:
    """Show what the network sees and says, and where the evidence for a class is."""
    left, middle, right = st.columns([2, 2, 3])
    size = f"{network.input_size} × {network.input_size}"
    caption = f"What it sees: {size}{', grey' if network.channels == 1 else ''}"
    left.image(maps.enlarged(view.seen, 224), caption=caption, alt=caption, width="stretch")
    index = None
    with right:
        if view.top:
            said = ", ".join(f"{entry['label']} {entry['probability']:.1%}" for entry in view.top)
            st.plotly_chart(home.labels(view.top), key="architectures_top", config={"displayModeBar": False}, alt=said)
            labels = {entry["label"]: entry["index"] for entry in view.top}
            chosen = st.selectbox("Evidence for", list(labels), key=f"architectures_class_{picture.digest[:12]}")
            index = labels[chosen]
        else:
            why = "these weights come without a classifier" if network.pretrained else "its weights are random"
            st.info(f"No names of classes here: {why}.")
    if not network.last_feature_map:
        middle.info("No Grad-CAM here: no classifier reads a feature map.")
        return None
    found = _evidence(picture.digest, network.key, index, picture.pixels)
    caption = f"Grad-CAM at {found.layer}: {found.label}, {found.probability:.1%}"
    shown = pooling.evidence(view.seen, found.map, float(found.map.max()) or 1.0)
    middle.image(maps.enlarged(shown, 224), caption=plain(caption), alt=caption, width="stretch")
    if not network.pretrained:
        st.caption("With random weights Grad-CAM shows what any wiring shows: no evidence, but still a pattern.")
    return found


def _maps(network: Network, layer: Layer, view: View) -> int:
    """Show the maps that vary most, and the first kernels; return the chosen channel."""
    height, width, channels = view.shape
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(f"{layer.name}: {channels:,} maps of {height} × {width}")
        shown = [str(channel) for channel in view.channels]
        _reset(_UNIT[2], shown[0])
        if st.session_state.get(_UNIT[2], shown[0]) not in shown:  # other maps vary most in another picture
            st.session_state[_UNIT[2]] = shown[0]
        channel = st.selectbox("Channel (framed)", shown, key=_UNIT[2], **_LINKED)
        picture = figures.mosaic(view.maps, columns=4, chosen=shown.index(channel))
        caption = f"The {len(shown)} channels that vary most, from the left: {', '.join(shown)}"
        st.image(maps.png(picture), caption=caption, alt=caption, width="stretch")
    with right:
        kernel_height, kernel_width, _, count = view.kernels.shape
        st.subheader(f"{view.kernels_layer}: {kernel_height} × {kernel_width} kernels")
        columns = 8 if count >= 8 else 3
        caption = f"{count} first kernels, middle grey is 0" + ("" if network.pretrained else "; random weights")
        picture = figures.kernels(view.kernels, columns)
        st.image(maps.png(picture), caption=caption, alt=caption, width="stretch")
    return int(channel)


# One unit ------------------------------------------------------------------------------------------------------------


def _one_unit(
    picture: Picture, network: Network, layer: Layer, view: View, channel: int, evidence: GradCam | None
) -> bool:
    """Show what one unit says, what it can see, and which pixels it listens to."""
    st.subheader("One unit")
    row, column = _place(layer)
    asked = (picture.digest, network.key, layer.name, row, column, channel)
    unit = _unit(*asked, picture.pixels)
    st.button(
        f"Go to the strongest of channel {channel}: {unit.peak}", key="architectures_peak", on_click=_go, args=unit.peak
    )
    size, count = network.input_size, layer.shape[0]
    unit_picker(
        _url(view.seen),
        "architectures_unit",
        input_size=size,
        layer=layer.name,
        unit=(row, column),
        intervals=[_interval(layer, index, size) for index in range(count)],
        on_pick=_picked,
    )
    left, right = st.columns([2, 3], vertical_alignment="center")
    caption = "Blue: what it can see. Orange: the fewest pixels that hold 95 % of its gradient"
    shown = figures.listened(view.seen, unit.gradient, unit.held, unit.box)
    left.image(shown, caption=caption, alt=caption, width="stretch")
    right.markdown(_words(unit, layer, row, column, channel, size))
    if evidence is None or layer.name != evidence.layer or not network.pretrained:
        return False
    best = tuple(int(n) for n in np.unravel_index(evidence.map.argmax(), evidence.map.shape))
    right.markdown(f"Grad-CAM for {plain(evidence.label)} is strongest at {best}.")
    return (row, column) == unit.peak == best


def _place(layer: Layer) -> tuple[int, int]:
    """Ask for row and column; a link or another layer may have left what is not there."""
    place = []
    with st.container(horizontal=True):
        for key, count in zip(_UNIT, layer.shape[:2], strict=False):
            _reset(key, count // 2)
            if (value := st.session_state.get(key)) is not None:
                st.session_state[key] = min(max(value, 0), count - 1)
            axis = key.rpartition("_")[2]
            place.append(st.number_input(f"Unit, {axis}", 0, count - 1, count // 2, key=key, width=150, **_LINKED))
    return int(place[0]), int(place[1])


def _go(row: int, column: int) -> None:
    st.session_state[_UNIT[0]], st.session_state[_UNIT[1]] = row, column


def _picked() -> None:
    row, column = st.session_state.architectures_unit["unit"]
    _go(int(row), int(column))


def _interval(layer: Layer, index: int, size: int) -> Interval:
    """What the units of a row or column can see; all of the picture where there is no number for it."""
    if layer.field is None:
        return 0, size - 1, 0, size - 1
    first, last = unit_interval(layer.field, index)
    if last < 0 or first >= size:
        return first, last, None, None
    return first, last, *unit_interval(layer.field, index, size)


def _words(unit: Unit, layer: Layer, row: int, column: int, channel: int, size: int) -> str:
    top, bottom, left, right = unit.box
    area = (bottom - top + 1) * (right - left + 1)
    words = f"Unit ({row}, {column}) of channel {channel} says **{_number(unit.value)}**; "
    words += (
        "it is the strongest of its channel. "
        if (row, column) == unit.peak
        else f"the strongest, **{_number(unit.peak_value)}**, is at {unit.peak}, which sees rows {unit.peak_box[0]}–"
        f"{unit.peak_box[1]} and columns {unit.peak_box[2]}–{unit.peak_box[3]} of the {size}. "
    )
    if layer.field is None:
        words += f"There is no number for what it can see, so the box is the whole picture. {plain(layer.reason)} "
    else:
        words += (
            f"By arithmetic it sees {layer.field.size} × {layer.field.size} pixels, "
            f"{bottom - top + 1} × {right - left + 1} of them in the picture. "
        )
    if not unit.held:
        return words + "**It is switched off**: its gradient is 0, no small change of any pixel changes it."
    return words + (
        f"It listens to **{unit.held:,} pixels** for 95 % of its gradient: {unit.held / area:.1%} of what it can see."
    )


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


# Asked once ----------------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=32, show_spinner=False)
def _network(key: str) -> Network:
    answer: Network = client.current().ask("look_into", key, timeout=180.0)
    return answer


@st.cache_data(max_entries=60, show_spinner=False)
def _view(digest: str, key: str, layer: str, _pixels: np.ndarray) -> View:
    answer: View = client.current().ask("look_through", key, _pixels, layer, timeout=120.0)
    return answer


@st.cache_data(max_entries=100, show_spinner=False)
def _evidence(digest: str, key: str, index: int | None, _pixels: np.ndarray) -> GradCam:
    answer: GradCam = client.current().ask("grad_cam", key, _pixels, index, timeout=120.0)
    return answer


@st.cache_data(max_entries=200, show_spinner=False)
def _unit(digest: str, key: str, layer: str, row: int, column: int, channel: int, _pixels: np.ndarray) -> Unit:
    answer: Unit = client.current().ask("unit", key, _pixels, layer, row, column, channel, timeout=120.0)
    return answer


def _url(seen: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(maps.png(seen)).decode()
