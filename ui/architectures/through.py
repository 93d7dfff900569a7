"""The reader's picture through any network: the walk into it, its first kernels, and the evidence for its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_core.engine.errors import EngineError
from cnn_core.figures import maps, pooling
from cnn_core.figures import through as figures
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.networks.inside import GradCam, Kernels
from cnn_core.networks.loaded import weights_bytes
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoom.plan import Plan, looked
from cnn_core.pictures.images import Picture
from cnn_core.receipts.networks import backbone_key
from ui.architectures.choice import layer_title, network
from ui.shared.controls import switch
from ui.shared.picture import the_picture
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, in_bytes, plain
from ui.shared.worker import answered
from ui.zoom import sheets
from ui.zoom.place import PARAMETER, go
from ui.zoom.zoom import zoom

LARGE = 40_000_000  # bytes of weights from which a network is built only when the reader says so
_OLD = tuple(f"architectures_{name}" for name in ("layer", "unit_channel", "unit_row", "unit_column"))
_PATIENCE = 120.0  # seconds: a large network may have to be built first


def through(room: Room) -> bool:
    """Let the reader walk into a network.

    Returns:
        True if the reader has come to the products of one cell.
    """
    with room.side:
        key = network("Network", DEFAULT, "architectures_network", on_change=_from_the_whole, width=300)
    if not _wanted(room, key):
        return False
    try:
        with room.stage:
            plan = sheets.plan(key)
    except (EngineError, ValueError) as trouble:
        room.stage.error(plain(str(trouble)))
        return False
    _translate(plan)
    with room.stage:
        place = zoom(key, "architectures_zoom")
    evidence = room.why.container()
    with room.why:
        told(
            "The first layers keep a picture of your picture: edges, colours, blobs. Layer by layer the "
            "[[feature map|maps]] get smaller, and there are more of them: each says less about *where* and more "
            "about *what*. Walk on through any of them, down to one sum: a network is nothing else, many times over."
        )
    if not place.level:
        _whole(room, evidence, plan)
    return place.cell is not None


def _wanted(room: Room, key: str) -> bool:
    """Whether to build it: small ones at once, large ones when the reader has said so in this visit."""
    size, agreed = weights_bytes(key), st.session_state.setdefault("architectures_agreed", set())
    if size <= LARGE or key in agreed:
        return True
    title = ARCHITECTURES[key].title
    room.stage.info(f"{title} has {in_bytes(size)} of weights: building it takes some seconds, and answers are slower.")
    label = f"Build {title} ({in_bytes(size)})"
    if not room.side.button(label, key="architectures_build", type="primary"):
        return False
    agreed.add(key)
    return True


# Where the link leads ------------------------------------------------------------------------------------------------


def _from_the_whole() -> None:
    """Begin at the whole of another network: its layers have other names."""
    go("")


def _translate(plan: Plan) -> None:
    """Turn a link to a layer and unit, as they were made before one could walk, into one to the place; once."""
    query = st.query_params.to_dict()
    old = [query.pop(name, "") for name in _OLD]
    if not any(old):
        return
    if PARAMETER not in query:
        query[PARAMETER] = _place(plan, *old)
    st.query_params.from_dict(query)


def _place(plan: Plan, layer: str, channel: str, row: str, column: str) -> str:
    """The place that an old link means; what is not there is left to the walk, which says so."""
    name = layer or plan.shown()[:2][-1][1].name  # where one began without a choice
    node = next((each for each in plan.nodes if name in (each.name, each.weights, each.norm)), None)
    if not channel:  # which it was depended on the picture
        return node.name if node else name
    place = f"{node.name if node else name}.{channel}"
    if not node or not (row or column):
        return place
    middle = [str(count // 2) for count in node.shape[:2]]
    return f"{place}.{row or middle[0]}.{column or middle[1]}"


# The whole network ---------------------------------------------------------------------------------------------------


def _whole(room: Room, evidence: DeltaGenerator, plan: Plan) -> None:
    """Show, besides its maps, which weights it has, the evidence for its answer and its first kernels."""
    picture = the_picture()
    try:
        found = sheets.strip(plan, picture)
    except (EngineError, ValueError):
        return  # the walk has said why
    mark = receipt(backbone_key(plan.key)) if plan.pretrained and plan.key in BACKBONES else ""
    if switch("Where is the evidence? (Grad-CAM)", False, "architectures_evidence", place=room.side):
        chosen = _class(room, plan.key, picture, found.top)
        with evidence:
            _evidence(plan, picture, chosen)
    with room.why:
        if mark:
            st.caption(f"**{plain(ARCHITECTURES[plan.key].title)}**: {plain(plan.weights)}{mark}.")
        _first_kernels(plan)


def _class(room: Room, key: str, picture: Picture, top: Sequence[Mapping[str, Any]]) -> int | None:
    """Ask for a class among those that the network names; None for the most probable, where it names none."""
    if not top:
        return None
    named = {entry["label"]: int(entry["index"]) for entry in top}
    name = f"architectures_class_{key}_{picture.digest[:12]}"
    return named[room.side.selectbox("Evidence for", list(named), key=name, width=240)]


def _evidence(plan: Plan, picture: Picture, index: int | None) -> None:
    """Show which places of the picture spoke for a class; that takes a gradient, and so TensorFlow."""
    found: GradCam | None = answered("grad_cam", plan.key, picture, index, timeout=_PATIENCE)
    if found is None:
        return
    seen = looked(plan, sheets.seen(plan, picture))
    shown = pooling.evidence(seen, found.map, float(found.map.max()) or 1.0)
    caption = f"Evidence (Grad-CAM) for {found.label}, {found.probability:.1%}"
    left, right = st.columns([1, 4], vertical_alignment="center")
    left.image(
        maps.enlarged(shown, 224), caption=plain(caption), alt=f"{caption}: {maps.said(found.map)}", width="stretch"
    )
    told(
        "[[Grad-CAM]] asks backwards, from the answer to the last maps that still lie on the picture: which places "
        "spoke for this class? Choose another class, and see whether it looks elsewhere.",
        right,
    )
    if not plan.pretrained:
        right.caption("With random weights it shows what any wiring shows: no evidence, but still a pattern.")


def _first_kernels(plan: Plan) -> None:
    found: Kernels | None = answered("first_kernels", plan.key, timeout=_PATIENCE)
    if found is None:
        return
    height, width, _, count = found.kernels.shape
    st.header("What does its first layer look for?", anchor=False)
    columns = 16 if count >= 16 else 8 if count >= 8 else 3
    caption = f"{count} first kernels of {dimensions(height, width)}, {layer_title(found.layer)}; middle grey is 0"
    caption += "" if plan.pretrained else "; random weights"
    st.image(maps.png(figures.kernels(found.kernels, columns)), caption=caption, alt=caption, width="content")
