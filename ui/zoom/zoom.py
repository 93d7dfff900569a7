"""A walk into a network on the reader's picture: from the whole network to one product, and back."""

import streamlit as st

from cnn_core.engine.errors import EngineError
from cnn_core.networks.zoom.answers import Cell
from cnn_core.networks.zoom.plan import Plan
from cnn_core.pictures.images import Picture
from ui.shared.picture import the_picture
from ui.shared.text import plain
from ui.shared.worker import ask
from ui.widgets.zoom.zoom import zoom as walk
from ui.zoom import products, sheets
from ui.zoom.place import Place, go, of_link


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
        with st.spinner("Asking the network…"):
            scene = sheets.scene(plan, place, picture)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        st.caption("Here the network would be drawn: what each stage makes of your picture.")
        return Place()

    def moved(row: int, column: int) -> None:
        go(Place(place.node, place.channel, (row, column)).text)

    walk(scene, key, on_go=go, on_move=moved)
    if place.cell:
        _cell(plan, place, picture)
    return place


def _cell(plan: Plan, place: Place, picture: Picture) -> None:
    """Show the products of a cell, and that they are the network's own number."""
    assert place.cell is not None
    middle = sheets.seen(plan, picture)
    try:
        cell: Cell = ask("zoom_cell", plan.key, middle, place.node, place.channel, *place.cell, words="", keep=False)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    st.html(products.formula(cell))
    if said := products.agreement(cell):
        st.caption(plain(said))
    st.html(products.products(plan, cell))
