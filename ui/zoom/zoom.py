"""A walk into a network on the reader's picture: from the whole network to one product, and back."""

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_core.engine.errors import EngineError
from cnn_core.figures.effective import listened
from cnn_core.networks.backbones import DEFAULT
from cnn_core.networks.inside import Unit
from cnn_core.networks.zoom.answers import Cell
from cnn_core.networks.zoom.plan import Plan
from cnn_core.networks.zoom.strip import of_an_average
from cnn_core.pictures.images import Picture
from ui.shared.charts import palette
from ui.shared.controls import segments, switch
from ui.shared.picture import the_picture
from ui.shared.text import count, plain
from ui.shared.thread import follow_button
from ui.shared.thread import place as followed_spot
from ui.shared.worker import answered, ask
from ui.widgets.zoom.zoom import zoom as walk
from ui.zoom import followed, products, sheets
from ui.zoom.excites import excites
from ui.zoom.place import Place, go, of_link
from ui.zoom.scenes import LARGEST, ORDERS

_PATIENCE = 120.0  # seconds: a worker that has rested builds the network anew


def zoom(network: str, key: str) -> Place:
    """Show where one is in a network; the link says where.

    Args:
        network: Key of its architecture.
        key: Of the widget.

    Returns:
        The place.
    """
    picture = the_picture()
    try:
        plan = sheets.plan(network)
        place = of_link(plan)
        order = _order(plan, place)
        with st.spinner("Asking the network…"):
            scene = followed.shown(sheets.scene(plan, place, picture, order), plan, place, picture)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        st.caption("Here the network would be drawn: what each stage makes of your picture.")
        return Place()

    sent: tuple[Place, list[int]] | None = st.session_state.pop(f"{key}_sent", None)
    if place.cell and sent and sent[0] == place.map:
        scene |= {"at": sent[1]}  # to the byte what the browser has: it keeps the scene, and is at the cell already

    def moved(row: int, column: int) -> None:
        st.session_state[f"{key}_sent"] = (place.map, scene["at"])
        go(replace(place, cell=(row, column)).text)

    number = st.container()  # at each level, so that the walk stays one element
    walk(scene, key, on_go=go, on_move=moved)
    if network != DEFAULT and not place.node:
        st.caption(plain(f"{plan.weights[:1].upper()}{plan.weights[1:].rstrip('.')}."))
    if followed.outside(plan, picture):
        st.caption(followed.OUTSIDE)
    if place.cell:
        _cell(plan, place, picture, number)
    elif place.channel is not None:
        excites(plan, place)
    elif not place.level and followed_spot():
        followed.responses(picture)
    return place


def _order(plan: Plan, place: Place) -> str:
    """Ask in which order all maps of a layer lie."""
    if place.level != 1 or plan.node(place.node).shape[2] == 1:
        return next(iter(ORDERS))
    node = plan.node(place.node)
    numbers = node.shape[:2] == (1, 1) and not of_an_average(plan, node)
    orders = ORDERS | ({"varied": LARGEST} if numbers else {})
    return segments("Order of the maps", orders, next(iter(ORDERS)), "zoom_order", label_visibility="collapsed")


def _cell(plan: Plan, place: Place, picture: Picture, number: DeltaGenerator) -> None:
    """Show how a cell comes about, above the walk and so in sight, its products, and that it is the network's own."""
    assert place.cell is not None
    middle = sheets.seen(plan, picture)
    try:
        where = (place.node, place.channel, *place.cell)
        cell: Cell = ask("zoom_cell", plan.key, middle, *where, words="", keep=False, timeout=_PATIENCE)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    if cell.reason:
        _listening(plan, place, picture)
        return
    number.html(products.formula(cell))
    if said := products.agreement(cell):
        st.caption(plain(said))
    st.html(products.products(plan, cell))
    if plan.node(place.node).shape[:2] != (1, 1):
        _follow(plan, place, picture)
    _listening(plan, place, picture)


def _follow(plan: Plan, place: Place, picture: Picture) -> None:
    """Let the reader follow the place at which the cell looks."""
    assert place.cell is not None
    node = plan.node(place.node)
    here = followed.point(plan, picture)
    at_it = here is not None and followed.cell(node, plan, here) == place.cell
    follow_button("zoom_follow", followed.spot(node, plan, place.cell, picture), here=at_it)


def _listening(plan: Plan, place: Place, picture: Picture) -> None:
    """Show, if the reader wants it, which pixels the cell listens to; that takes a gradient, and so TensorFlow."""
    node = plan.node(place.node)
    if place.cell is None or node.kind == "input" or node.shape[:2] == (1, 1):
        return
    if not switch("Which pixels does it listen to?", False, "zoom_listens"):
        return
    about = (plan.key, picture, place.node, *place.cell, place.channel)
    unit: Unit | None = answered("unit", *about, timeout=_PATIENCE)
    if unit is None:
        return
    left, right = st.columns([2, 3], vertical_alignment="center")
    caption = "Framed: what it can see. Coloured: the fewest pixels that hold 95% of its gradient"
    shown = listened(sheets.seen(plan, picture), unit.gradient, unit.held, unit.box, palette())
    top, bottom, first, last = unit.box
    alt = f"95% of its gradient lies in {count(unit.held, 'pixel')}, within rows {top}–{bottom}, columns {first}–{last}"
    left.image(shown, caption=caption, alt=alt, width="stretch")
    area = (bottom - top + 1) * (last - first + 1)
    right.markdown(
        f"It listens to **{count(unit.held, 'pixel')}** for 95% of its gradient: {unit.held / area:.1%} of what "
        "it can see."
        if unit.held
        else "**It is switched off**: its gradient is 0, no small change of any pixel changes it."
    )
