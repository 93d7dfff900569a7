"""The reader's picture through a network: its maps, its first kernels, its answer, the evidence, and one unit."""

import base64
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic.geometry import unit_interval
from cnn_core.engine.errors import EngineError
from cnn_core.figures import home, maps, pooling
from cnn_core.figures import through as figures
from cnn_core.networks.backbones import DEFAULT
from cnn_core.networks.inside import GradCam, Unit, View
from cnn_core.networks.loaded import Layer, Network, weights_bytes
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.pictures.images import Picture
from cnn_core.receipts.networks import backbone_key
from ui.architectures.choice import layer_title, layers, network
from ui.shared.charts import palette, plot, signed
from ui.shared.controls import follow, pick, say
from ui.shared.picture import the_picture
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import plain
from ui.shared.worker import ask
from ui.widgets.unit_picker.unit_picker import Interval, unit_picker
from ui.widgets.wall.wall import Tile, wall

LARGE = 40_000_000  # bytes of weights from which a network is built only when the reader says so
_UNIT = tuple(f"architectures_unit_{axis}" for axis in ("row", "column", "channel"))
_PATIENCE = 120.0  # seconds: a large network may have to be built first
_SIDE = 96  # pixels of a shown map, about


def through(room: Room) -> bool:
    """Show the picture inside a network.

    Returns:
        True if the chosen unit is the strongest of its channel, in the layer that Grad-CAM weighs, and lies where
        Grad-CAM is strongest; only of a network that has learnt.
    """
    picture = the_picture()
    with room.side:
        key = network(
            "Network", DEFAULT, "architectures_network", on_change=_forget, args=("architectures_layer", *_UNIT)
        )
    if not _wanted(room, key):
        return False
    try:
        with room.stage:
            built: Network = ask("look_into", key, words="Building the network…", timeout=180)
        layer = _layer(room, built)
        with room.stage:
            view: View = ask("look_through", key, picture, layer.name, timeout=_PATIENCE)
        channel = _channel(room, view)
        with room.stage:
            _maps(layer, view, channel)
            evidence = _answer(room, picture, built, view)
        with room.why:
            told(
                "The first layers keep a picture of your picture: edges, colours, blobs. Layer by layer the "
                "[[feature map|maps]] get smaller, and there are more of them: each says less about *where* and more "
                "about *what*. Walk through the layers beside and watch where you stop recognising it. "
                "[[Grad-CAM]] then asks backwards: which places spoke for the answer?"
            )
            met = _one_unit(picture, built, layer, view, channel, evidence)
            _first_kernels(built, view)
        return met
    except (EngineError, ValueError) as trouble:
        room.stage.error(plain(str(trouble)))
        return False


def _wanted(room: Room, key: str) -> bool:
    """Whether to build it: small ones at once, large ones when the reader has said so in this visit."""
    size, agreed = weights_bytes(key), st.session_state.setdefault("architectures_agreed", set())
    if size <= LARGE or key in agreed:
        return True
    title = ARCHITECTURES[key].title
    room.stage.info(
        f"{title} has {size / 1e6:,.0f} MB of weights: building it takes some seconds, and answers are slower."
    )
    label = f"Build {title} ({size / 1e6:,.0f} MB)"
    if not room.side.button(label, key="architectures_build", type="primary"):
        return False
    agreed.add(key)
    return True


def _layer(room: Room, built: Network) -> Layer:
    """Ask for a layer; stages end in those that are marked."""
    default = built.stage_ends[min(1, len(built.stage_ends) - 1)]
    _reset("architectures_layer", default)
    titles = layers(built.layers, built.stage_ends)
    with room.side:
        name = pick("Layer", titles, default, "architectures_layer", on_change=_forget, args=_UNIT)
    return next(layer for layer in built.layers if layer.name == name)


def _channel(room: Room, view: View) -> str:
    """Ask for one of the maps that are shown; which these are depends on the picture."""
    shown = [str(channel) for channel in view.channels]
    _reset(_UNIT[2], shown[0])
    asked = st.query_params.get(_UNIT[2], shown[0])
    if asked.isdigit() and asked not in shown:  # other maps vary most in another picture
        st.query_params.pop(_UNIT[2])
    titles = {channel: f"map {channel}" for channel in shown}
    with room.side:
        return pick("Map", titles, shown[0], _UNIT[2], help="Or click it on the stage.")


def _forget(*keys: str) -> None:
    """Have what depends on a choice go back to its default, once that is known."""
    st.session_state.setdefault("architectures_forgotten", set()).update(keys)
    for key in keys:
        st.query_params.pop(key, None)


def _reset(key: str, default: Any) -> None:
    """Before its widget is drawn: a value that was forgotten becomes the default."""
    forgotten: set[str] = st.session_state.get("architectures_forgotten", set())
    if key in forgotten:
        forgotten.discard(key)
        st.session_state[key] = default


# Its maps, its answer and the evidence -------------------------------------------------------------------------------


def _maps(layer: Layer, view: View, channel: str) -> None:
    """Show the maps that vary most; one of them can be chosen."""
    height, width, channels = view.shape
    wall(
        f"{layer_title(layer.name)}: {len(view.channels)} of {channels:,} maps",
        [_tile(view, place) for place in range(len(view.channels))],
        channel,
        "architectures_maps",
        _chosen,
        columns=8,
        sharp=True,
        shape="1",
    )
    st.caption(
        f"{height} × {width} numbers each; these maps vary most. Red is above 0, blue below, each to full colour by "
        "itself."
    )


def _tile(view: View, place: int) -> Tile:
    step = max(1, view.shape[0] // _SIDE)  # large maps keep every k-th of their pixels
    values = view.maps[::step, ::step, place].astype(np.float32)
    channel = str(view.channels[place])
    about = f"Map {channel}: {values.min():.3g} to {values.max():.3g}"
    return Tile(channel, channel, about, maps.png(maps.enlarged(signed(values)[0], _SIDE)))


def _chosen(channel: str) -> None:
    st.session_state[_UNIT[2]] = channel


def _answer(room: Room, picture: Picture, built: Network, view: View) -> GradCam | None:
    """Show what the network sees and says, and where the evidence for a class is."""
    first, left, right = st.container(key="answer").columns(3, wrap=False)
    size = f"{built.input_size} × {built.input_size}"
    caption = f"What it sees: {size}{', grey' if built.channels == 1 else ''}"
    first.image(maps.enlarged(view.seen, 224), caption=caption, alt=f"Your picture. {caption}", width="stretch")
    index = None
    if view.top:
        likely = view.top[0]
        alt = f"It says {likely['label']} with {likely['probability']:.1%}."
        plot(home.labels(view.top), "architectures_top", alt, right)
        named = {entry["label"]: entry["index"] for entry in view.top}
        key = f"architectures_class_{picture.digest[:12]}"
        index = named[room.side.selectbox("Evidence for", list(named), key=key)]
    else:
        why = "these weights come without a classifier" if built.pretrained else "its weights are random"
        right.info(f"No names of classes here: {why}.")
    mark = receipt(backbone_key(built.key)) if built.pretrained else ""
    room.side.caption(f"**{ARCHITECTURES[built.key].title}**, {plain(built.weights)}{mark}.")
    if not built.last_feature_map:
        left.info("No Grad-CAM here: no classifier reads a feature map.")
        return None
    found: GradCam = ask("grad_cam", built.key, picture, index, timeout=_PATIENCE)
    caption = f"Evidence (Grad-CAM) for {found.label}, {found.probability:.1%}"
    shown = pooling.evidence(view.seen, found.map, float(found.map.max()) or 1.0)
    alt = f"{caption}: {maps.said(found.map)}"
    left.image(maps.enlarged(shown, 224), caption=plain(caption), alt=alt, width="stretch")
    if not built.pretrained:
        st.caption("With random weights Grad-CAM shows what any wiring shows: no evidence, but still a pattern.")
    return found


def _first_kernels(built: Network, view: View) -> None:
    kernel_height, kernel_width, _, count = view.kernels.shape
    st.header("What does its first layer look for?", anchor=False)
    columns = 16 if count >= 16 else 8 if count >= 8 else 3
    caption = f"{count} first kernels of {kernel_height} × {kernel_width}, {layer_title(view.kernels_layer)}; middle "
    caption += "grey is 0" + ("" if built.pretrained else "; random weights")
    st.image(maps.png(figures.kernels(view.kernels, columns)), caption=caption, alt=caption, width="content")


# One unit ------------------------------------------------------------------------------------------------------------


def _one_unit(
    picture: Picture, built: Network, layer: Layer, view: View, channel: str, evidence: GradCam | None
) -> bool:
    """Show what one unit says, what it can see, and which pixels it listens to."""
    st.header("Which pixels does one unit use?", anchor=False)
    size, count, map_number = built.input_size, layer.shape[0], int(channel)
    row, column = _place(layer)
    unit: Unit = ask("unit", built.key, picture, layer.name, row, column, map_number, timeout=_PATIENCE)
    st.button(
        f"Go to the strongest of map {channel}: {unit.peak}", key="architectures_peak", on_click=_go, args=unit.peak
    )
    unit_picker(
        _url(view.seen),
        "architectures_unit",
        input_size=size,
        layer=layer_title(layer.name),
        unit=(row, column),
        intervals=[_interval(layer, index, size) for index in range(count)],
        on_pick=_picked,
    )
    left, right = st.columns([2, 3], vertical_alignment="center")
    caption = "Framed: what it can see. Coloured: the fewest pixels that hold 95 % of its gradient"
    shown = figures.listened(view.seen, unit.gradient, unit.held, unit.box, palette())
    top, bottom, first, last = unit.box
    alt = f"{unit.held:,} pixels hold 95 % of its gradient, within rows {top}–{bottom}, columns {first}–{last}"
    left.image(shown, caption=caption, alt=alt, width="stretch")
    right.markdown(_words(unit, layer, row, column, map_number, size))
    if evidence is None or layer.name != evidence.layer or not built.pretrained:
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
            follow(key, range(count), count // 2)
            axis = key.rpartition("_")[2]
            place.append(int(st.number_input(f"Unit, {axis}", 0, count - 1, key=key, width=150)))
            say(key, place[-1], count // 2)
    return place[0], place[1]


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
    words = f"Unit ({row}, {column}) of map {channel} says **{_number(unit.value)}**; "
    words += (
        "it is the strongest of its map. "
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


def _url(seen: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(maps.png(seen)).decode()
