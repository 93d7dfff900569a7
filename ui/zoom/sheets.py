"""What is kept of a walk: the scenes as they are drawn, for all readers. The answers behind them are much larger.

A scene is known by the network, the picture, the place and the theme; a cell is none of it, and asked anew each time.
"""

import base64
import functools
import io
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from cnn_core.networks.backbones import DEFAULT
from cnn_core.networks.zoom import lite
from cnn_core.networks.zoom import plan as plans
from cnn_core.networks.zoom.answers import Strip
from cnn_core.networks.zoom.plan import Plan
from cnn_core.networks.zoom.source import by_table
from cnn_core.pictures.images import Picture
from ui.shared.charts import palette
from ui.shared.picture import forgotten
from ui.shared.worker import ask
from ui.zoom import scenes, sums
from ui.zoom.place import Place

_PATIENCE = 180.0  # seconds: the network has to be built at first
_SCENES = 64  # kept, about 150 kB each
_QUALITY = 90  # of the picture as it is shown, JPEG


def plan(network: str) -> Plan:
    """Return how a network is walked through."""
    if network == DEFAULT:
        return _lite()
    if (table := by_table(network)) is not None:
        return table
    found: Plan = ask("zoom_plan", network, words="Building the network…", timeout=_PATIENCE)
    return found


_lite = functools.cache(lite.plan)


def seen(found: Plan, picture: Picture) -> np.ndarray:
    """Return the middle of a picture, as a network sees it, uint8 `(S, S, 3)`; nobody can write on it."""
    return _seen(found.key, picture.digest, found, picture.pixels)


def strip(found: Plan, picture: Picture) -> Strip:
    """Return what a network makes of a picture, stage by stage, and its answer.

    Raises:
        EngineError: If there is no answer.
        ValueError: The question's own refusal.
    """
    return _strip(found.key, picture.digest, seen(found, picture))


def scene(found: Plan, place: Place, picture: Picture, order: str = "varied") -> dict[str, Any]:
    """Return what is drawn at a place; of a cell, its map's; of a layer, its maps in an order of `scenes.ORDERS`.

    Raises:
        EngineError: If there is no answer.
        ValueError: The question's own refusal.
    """
    drawn = _scene(found.key, picture.digest, place.map, palette().paper, order, found, picture)
    return sums.at_cell(drawn, place.cell) if place.cell else drawn


@forgotten
@st.cache_resource(max_entries=32, show_spinner=False)
def _seen(network: str, digest: str, _plan: Plan, _pixels: np.ndarray) -> np.ndarray:
    middle = plans.seen(_plan, _pixels)
    middle.flags.writeable = False
    return middle


@forgotten
@st.cache_data(max_entries=32, show_spinner=False)
def _strip(network: str, digest: str, _picture: np.ndarray) -> Strip:
    answer: Strip = _asked("zoom_strip", network, _picture)
    return answer


@forgotten
@st.cache_data(max_entries=_SCENES, show_spinner=False, hash_funcs={Place: lambda place: place.text})
def _scene(
    network: str, digest: str, place: Place, paper: str, order: str, _plan: Plan, _picture: Picture
) -> dict[str, Any]:
    middle = seen(_plan, _picture)
    shown = address(plans.looked(_plan, middle))
    if place.channel is not None:
        found = _asked("zoom_map", network, middle, place.node, place.channel)
        return sums.made(_plan, found, shown, palette())
    if place.node:
        maps = _asked("zoom_maps", network, middle, place.node)
        return scenes.layer(_plan, maps, shown, palette(), order)
    return scenes.whole(_plan, strip(_plan, _picture), shown, palette())


def _asked(question: str, *about: Any) -> Any:
    return ask(question, *about, words="", keep=False, timeout=_PATIENCE)  # a worker that has rested builds anew


def address(picture: np.ndarray) -> str:
    """Return a picture as it is shown, as an address: a fifth of the bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
