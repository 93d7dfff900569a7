"""What excites a map: in many pictures, the visitor's own among them, the place at which it is strongest."""

import io
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from cnn_core.engine.errors import EngineError
from cnn_core.figures.through import patch
from cnn_core.networks.backbones import BACKBONES
from cnn_core.networks.zoom.answers import Excited, Exciting
from cnn_core.networks.zoom.plan import Node, Plan, seen
from cnn_core.pictures import kept
from cnn_core.pictures.bundled import BUNDLED, PHOTOS
from cnn_core.pictures.images import DECODING_ERRORS
from cnn_core.store.visitors import OwnPicture
from ui.shared.charts import palette
from ui.shared.picture import bundled, choose, chosen, forgotten, lend
from ui.shared.session import Album, store, visitor
from ui.shared.text import count, dimensions, plain
from ui.shared.worker import ask
from ui.widgets.wall.wall import Tile, wall
from ui.zoom.place import Place, go
from ui.zoom.scenes import called, node_title
from ui.zoom.sums import number

SHOWN = 8  # patches
MAX_PICTURES = 400  # of the visitor's pictures that are searched
KEY = "zoom_excites"
_WISHED = f"{KEY}_wished"  # in the session: all of the visitor's pictures are to be searched, here and further on
_OPENED = f"{KEY}_opened"  # in the session: another picture was chosen, for which the whole page is drawn anew
_LARGE = 96  # pixels of a patch from which a JPEG is as good


@dataclass(frozen=True)
class Searched:
    """A picture that is searched: its name for people; of one of the installation its key in `BUNDLED`."""

    name: str
    bundled: str = ""


def excites(plan: Plan, place: Place) -> None:
    """Show what excites a map, where its network's weights are known by name; else nothing.

    Args:
        plan: Of the network.
        place: The map.
    """
    if plan.pretrained and plan.key in BACKBONES and plan.node(place.node).kind != "input":
        _excites(plan, place)


@st.fragment
def _excites(plan: Plan, place: Place) -> None:
    if st.session_state.pop(_OPENED, False):
        st.rerun()
    pictures, left_out = _pictures()
    bar = st.empty()
    try:
        found, lost = _search(plan, place, pictures, bar)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    node, channel = plan.node(place.node), place.channel or 0
    tiles = []
    for each in found.pictures:
        try:
            tiles.append(_tile(plan, node, each, pictures[each.digest]))
        except DECODING_ERRORS:  # it was there when it was searched
            lost.append(each.digest)
    of = f"{called(plan, node, channel)} of {node_title(node)}"
    if tiles:
        wall(
            f"What excites {of}",
            tiles,
            "",
            KEY,
            partial(_open, place, node, found, pictures),
            columns=SHOWN,
            shape="1 / 1",
            enters=True,
        )
    else:
        st.markdown(f"**What excites {of}:** none of these pictures.")
    st.caption(" ".join([*_told(plan, node, found, bool(tiles)), *left_out]))
    if lost:
        names = ", ".join(plain(pictures[digest].name) for digest in lost)
        st.warning(
            f"{names} cannot be read any more and {'was' if len(lost) == 1 else 'were'} left out: remove "
            f"{'it' if len(lost) == 1 else 'them'} from your set, or bring {'it' if len(lost) == 1 else 'them'} again."
        )
    if found.left:
        st.button(
            f"Search {found.left:,} more of your pictures",
            key=f"{KEY}_all",
            icon=":material/search:",
            on_click=lambda: st.session_state.update({_WISHED: True}),
        )


# Which pictures -------------------------------------------------------------------------------------------------------


def _pictures() -> tuple[dict[str, Searched], list[str]]:
    """Return what is searched, by digest: photos of the installation, the visitor's picture and set; and what not."""
    found = {bundled(name).digest: Searched(BUNDLED[name].title, name) for name in PHOTOS}
    shown, said = chosen().kept, []
    if shown:
        found.setdefault(shown.digest, Searched(shown.name))
    if visitor().current or "album" in st.session_state:  # nobody is given a sample set by looking here
        items = Album.current().items
        every = -(-len(items) // MAX_PICTURES)
        for item in items[:: every or 1]:
            found.setdefault(item.digest, Searched(item.name))
        if every > 1:
            said = [f"Of your {len(items):,} pictures one in {every} is searched."]
    return found, said


def _search(plan: Plan, place: Place, pictures: dict[str, Searched], bar: DeltaGenerator) -> tuple[Exciting, list[str]]:
    """Ask, once, or if it is wished until all were searched; return the answer, and which cannot be read."""
    digests, lost = list(pictures), list[str]()
    while True:
        about = (plan.key, place.node, place.channel, digests, SHOWN)
        found: Exciting = ask("zoom_peaks", *about, words="", keep=False, location=store().location)
        lost += found.lost
        digests = [digest for digest in digests if digest not in found.lost]
        if not found.left or not st.session_state.get(_WISHED):
            bar.empty()
            return found, lost
        bar.progress(found.looked / len(digests), f"Searching your pictures: {found.looked:,} of {len(digests):,}")


# What is shown --------------------------------------------------------------------------------------------------------


def _told(plan: Plan, node: Node, found: Exciting, some: bool) -> list[str]:
    """Say what one sees, and how many pictures it is true of."""
    said = []
    side = node.field.size if node.field else plan.input_size
    if some:
        area = f"what that cell can see, {dimensions(side, side)} pixels"
        sees = area if side < plan.input_size else "it sees all of it"
        several = len(found.pictures) > 1
        said.append(f"The strongest place in {'each of ' * several}{count(len(found.pictures), 'picture')}: {sees}.")
        if node.field and side < plan.input_size:
            said.append("Grey lies beyond the border.")
        if several:
            said.append("What do they have in common?")
    said.append(
        f"Searched: {count(found.looked, 'picture')}, the {len(PHOTOS)} photos that come with ConvScope among them."
        if found.looked > len(PHOTOS)
        else f"Searched: the {len(PHOTOS)} photos that come with ConvScope. Pictures that you bring are searched too."
    )
    if found.silent:
        leave = "leaves" if found.silent == 1 else "leave"
        said.append(f"{found.silent:,} of these pictures {leave} it at 0 or below everywhere.")
    return said


def _tile(plan: Plan, node: Node, each: Excited, of: Searched) -> Tile:
    value = number(each.value, 3)
    height, width = node.shape[:2]
    where = f"at row {each.cell[0]}, column {each.cell[1]} of {dimensions(height, width)}"
    where = "" if (height, width) == (1, 1) else where
    drawn = _patch(plan.key, node.name, each.digest, each.cell, palette().selection, plan, of)
    return Tile(each.digest, f"{value} · {of.name}", f"{where}. Open this picture there".strip(". "), drawn)


@forgotten
@st.cache_data(max_entries=400, show_spinner=False)
def _patch(
    network: str, name: str, digest: str, cell: tuple[int, int], frame: str, _plan: Plan, _of: Searched
) -> bytes:
    """What a cell sees of a picture, as a file."""
    pixels = bundled(_of.bundled).pixels if _of.bundled else kept.pixels(store(), digest)
    middle = seen(_plan, pixels)
    shown = patch(middle, _plan.node(name).field, *cell, palette())
    buffer = io.BytesIO()
    kind = ("JPEG", {"quality": 88}) if len(shown) >= _LARGE else ("PNG", {})
    Image.fromarray(np.ascontiguousarray(shown)).save(buffer, kind[0], **kind[1])
    return buffer.getvalue()


def _open(place: Place, node: Node, found: Exciting, pictures: dict[str, Searched], digest: str) -> None:
    """Make one of the pictures the one that is walked through, and go to its cell."""
    of, cell = pictures[digest], next(each.cell for each in found.pictures if each.digest == digest)
    if of.bundled:
        choose(of.bundled)
    else:
        lend(OwnPicture(digest, of.name))
    go(Place(place.node, place.channel, None if node.shape[:2] == (1, 1) else cell).text)
    st.session_state[_OPENED] = True
