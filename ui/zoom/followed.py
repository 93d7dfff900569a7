"""The place that the reader follows, in a walk: marked on the picture, its cell first, what each network says there."""

from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic.codes import ZERO
from cnn_core.arithmetic.spots import Point, Spot, Windows
from cnn_core.engine.errors import EngineError
from cnn_core.figures.spots import ringed
from cnn_core.networks import loaded
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoom import plan as plans
from cnn_core.networks.zoom.answers import Cell, Mosaic
from cnn_core.networks.zoom.plan import Node, Plan
from cnn_core.networks.zoom.source import by_table
from cnn_core.pictures.images import Picture
from ui.laboratory.depth import classes_part
from ui.shared.controls import switch
from ui.shared.navigation import PAGES
from ui.shared.rows import Link, scrolled
from ui.shared.text import count, plain
from ui.shared.thread import in_square, of_square, query
from ui.shared.thread import place as followed_spot
from ui.shared.worker import ask
from ui.zoom import scenes, sheets, sums
from ui.zoom.place import PARAMETER, Place

OUTSIDE = (
    "The place that you follow lies outside what this network sees: the middle of your picture. Choose another one "
    "there, or a picture of which it sees more."
)


def shown(scene: dict[str, Any], plan: Plan, place: Place, picture: Picture) -> dict[str, Any]:
    """Return a scene with the followed place in it: a ring on the picture, and the cell there before any other.

    Args:
        scene: As it is kept for everybody.
        plan: Of the network.
        place: Where one is in it.
        picture: The reader's.
    """
    where = point(plan, picture)
    if where is None:
        return scene
    there = followed_spot()
    assert there is not None
    marked = _marked(plan.key, picture.digest, there, plan, picture, where)
    panels = [
        panel | {"source": marked} if panel["id"] == scenes.PICTURE and "source" in panel else panel
        for panel in scene["panels"]
    ]
    if place.level == 2 and (found := cell(plan.node(place.node), plan, where)):
        scene = scene | {"at": list(found)}
    return scene | {"panels": panels}


def outside(plan: Plan, picture: Picture) -> bool:
    """Tell whether a place is followed of which the network sees nothing."""
    return followed_spot() is not None and point(plan, picture) is None


def cell(node: Node, plan: Plan, where: Point) -> tuple[int, int] | None:
    """Return the cell of a node that is nearest to a point of what the network sees; None of what is no map."""
    if node.shape[:2] == (1, 1):
        return None
    return _windows(node, plan).nearest(where)


def spot(node: Node, plan: Plan, at: tuple[int, int], picture: Picture) -> Spot:
    """Return the place in the picture at which a cell looks."""
    return of_square(_windows(node, plan).centre(at), picture, plan.input_size, plan.crop_fraction)


def responses(picture: Picture) -> None:
    """Show what each network at hand says at the followed place: of each stage the map that is strongest there."""
    st.subheader("What networks say at the place that you follow", anchor=False)
    rows: list[list[str | Link]] = []
    quick, slow = _at_hand()
    if slow and switch(f"Ask {count(len(slow), 'more network')}, loaded first", False, "zoom_more_networks"):
        quick += slow
    for key in quick:
        try:
            rows += _rows(sheets.plan(key), picture)
        except (EngineError, ValueError) as trouble:
            st.error(plain(str(trouble)))
    if rows:
        scrolled(
            ("Network", "Layer", "Strongest there", "It says", "Its range"),
            rows,
            "What networks say at the followed place",
            numbers=("It says", "Its range"),
        )
        st.caption("Of the maps on the strip, the one of each stage that is strongest there, against its own range.")
    _depth()


def _at_hand() -> tuple[list[str], list[str]]:
    """Return the networks with trained weights on this machine: those that answer at once, and those to be loaded."""
    known = [key for key in ARCHITECTURES if loaded.at_hand(key)]
    return [key for key in known if by_table(key)], [key for key in known if not by_table(key)]


def _rows(plan: Plan, picture: Picture) -> list[list[str | Link]]:
    where = point(plan, picture)
    if where is None:
        return [[scenes.title(plan), "–", "outside what it sees", "–", "–"]]
    rows: list[list[str | Link]] = []
    for mosaic in sheets.strip(plan, picture).stages:
        node = plan.node(mosaic.node)
        at = _windows(node, plan).nearest(where)
        number = _strongest(mosaic, at)
        channel = mosaic.channels[number]
        found: Cell = ask("zoom_cell", plan.key, sheets.seen(plan, picture), node.name, channel, *at, words="")
        text = Place(node.name, channel, at).text
        address = f"architectures?architectures_view=Picture&architectures_network={plan.key}&{PARAMETER}={text}"
        address += "".join(f"&{name}={value}" for name, value in query().items())
        rows.append(
            [
                scenes.title(plan),
                f"{scenes.node_title(node)}, {node.shape[0]} × {node.shape[1]}",
                Link(f"{scenes.called(plan, node, channel)}, cell {at[0]}, {at[1]}", address),
                sums.number(found.value),
                scenes.between(float(mosaic.low[number]), float(mosaic.high[number])),
            ]
        )
    return rows


def _depth() -> None:
    told, own = classes_part()
    if told:
        whose = "your classes" if own else "five kinds of clothing, an example,"
        st.markdown(f"**At which depth do {whose} come apart?** {plain(told)}")
    st.page_link(
        PAGES / "laboratory.py",
        label="At which depth your own classes come apart",
        icon=":material/science:",
        query_params={"laboratory_view": "Depth"} | query(),
    )


def _strongest(mosaic: Mosaic, at: tuple[int, int]) -> int:
    """Return which map of a stage is the strongest at a cell, each against its own limit."""
    codes = mosaic.coded.codes
    row, column = (
        min(index // -(-whole // kept), kept - 1)
        for index, whole, kept in zip(at, mosaic.shape[:2], codes.shape[1:], strict=True)
    )
    return int(np.abs(codes[:, row, column].astype(np.int16) - ZERO).argmax())


def _windows(node: Node, plan: Plan) -> Windows:
    """How a node's cells look at the picture: by their fields, or where those are unknown each at its share."""
    height, width, _ = node.shape
    if node.field is not None and node.field.padding is not None:
        size, stride, before = node.field.size, node.field.stride, node.field.padding
        return Windows((height, width), (size, size), (stride, stride), (before, before))
    side = max(1, plan.input_size // max(height, width))
    return Windows((height, width), (side, side), (side, side))


def point(plan: Plan, picture: Picture) -> Point | None:
    """Return where the followed place is in what a network sees; None if it is not there, or none is followed."""
    return in_square(picture, plan.input_size, plan.crop_fraction)


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs={Spot: lambda there: there.text})
def _marked(network: str, digest: str, there: Spot, _plan: Plan, _picture: Picture, _point: Point) -> str:
    return sheets.address(ringed(plans.looked(_plan, sheets.seen(_plan, _picture)), _point))
