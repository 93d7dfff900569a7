"""Where one is in a network: the link says it, in one parameter, and nothing else does."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.errors import StreamlitAPIException

from cnn_core.networks.zoom.plan import Node, Plan
from ui.shared.controls import within
from ui.shared.text import plain
from ui.widgets.zoom.zoom import WHOLE

PARAMETER = "zoom"
_NAME = re.compile(r"[A-Za-z0-9_]+")  # of a node that has a link


@dataclass(frozen=True)
class Place:
    """A place in a network; the more is given, the nearer.

    Attributes:
        node: Name of a layer; empty for the whole network.
        channel: One of its maps.
        cell: Row and column in it.

    Example:
        >>> Place("block3b_out", 17, (12, 9)).text, Place("block3b_out").level, Place().text
        ('block3b_out.17.12.9', 1, '')
    """

    node: str = ""
    channel: int | None = None
    cell: tuple[int, int] | None = None

    @property
    def level(self) -> int:
        """0 the whole, 1 a layer's maps, 2 one map, 3 one cell."""
        return sum((bool(self.node), self.channel is not None, self.cell is not None))

    @property
    def text(self) -> str:
        """As a link says it."""
        parts = [self.node, self.channel, *(self.cell or ())]
        return ".".join(str(part) for part in parts if part is not None)

    @property
    def map(self) -> "Place":
        """The map in which it is."""
        return replace(self, cell=None)


def nearest(text: str, plan: Plan) -> Place:
    """Return the nearest place that there is to what a link says.

    Args:
        text: `node`, `node.channel` or `node.channel.row.column`.
        plan: Of the network.
    """
    name, *numbers = text.split(".")
    found = next((node for node in plan.nodes if node.name == name), None)
    if found is None or not offered(found):
        return Place()
    height, width, channels = found.shape
    if not numbers or not within(0, channels - 1)(numbers[0]):
        return Place(name)
    there = Place(name, int(numbers[0]))
    cell = numbers[1:]
    if len(cell) != 2 or not (within(0, height - 1)(cell[0]) and within(0, width - 1)(cell[1])):
        return there
    return replace(there, cell=(int(cell[0]), int(cell[1])))


def offered(node: Node) -> bool:
    """Tell whether a node has a link: some graphs have names that no address takes as they are."""
    return bool(_NAME.fullmatch(node.name))


def of_link(plan: Plan) -> Place:
    """Return where the link leads; if that is nowhere, say so in a sentence and go as near as there is something."""
    text = st.query_params.get(PARAMETER)
    if text is None:
        return Place()
    place = nearest(text, plan)
    if place.text == text:
        return place
    instead = f"you see {plain(place.text)} in its place" if place.node else "you see the whole network"
    shown = plain(text[:40]) or "nothing"
    st.warning(f"The link says {PARAMETER}={shown}, which is not possible here; {instead}.")
    with suppress(StreamlitAPIException):
        go(place.text)
    return place


def go(text: str) -> None:
    """Go to a place: one entry in the browser's history, so that Back leads up again."""
    if text in ("", WHOLE):
        st.query_params.pop(PARAMETER, None)
    elif st.query_params.get(PARAMETER) != text:
        st.query_params[PARAMETER] = text
