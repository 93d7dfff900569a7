"""All receipts: searched by words, page and kind, one of them open."""

import re

import streamlit as st

from cnn_core.receipts.check import kept, receipts, tally
from cnn_core.receipts.commands import text_of
from cnn_core.receipts.records import PAGES, Checked, Kind, Receipt, written
from ui.receipts.one import STANDS, figure, source
from ui.shared.controls import pick, segments
from ui.shared.rows import Link, scrolled
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count

FIRST = "efficientnet_lite0-multiply-adds-notes"  # that has most to say: computed, and not the same
_ANYWHERE = "any"
_BY_SLUG = {re.sub(r"\W+", "-", title.lower()).strip("-"): page for page, title in PAGES.items()}
_PLACES = {_ANYWHERE: "any page"} | {slug: PAGES[page] for slug, page in _BY_SLUG.items()}
_KINDS = {_ANYWHERE: "all"} | {kind.value.replace(" ", "-"): STANDS[kind].lower() for kind in Kind}
_STANDS = "How it stands"
_HEAD = ("Figure", "Published", "Computed here", _STANDS, "Source")
_MAX_CHARACTERS = 60  # characters that one searches by


def every(room: Room) -> None:
    """Show one receipt, and the list of all that fit."""
    found = {each.receipt.key: each for each in kept()}
    titles = {key: _title(each) for key, each in receipts().items()}
    with room.side:
        words = st.text_input(
            "Search the list",
            key="receipts_words",
            max_chars=_MAX_CHARACTERS,
            placeholder="resnet 74.9",
            bind="query-params",
            persist_state="session",
        )
        key = pick("One receipt", titles, FIRST, "receipt", help="Type to search. Each figure's mark opens its own.")
        with room.more("Narrow the list"):
            kind = segments(_STANDS, _KINDS, _ANYWHERE, "receipts_kind")
            place = pick("Shown in", _PLACES, _ANYWHERE, "receipts_page")
    shown = [each for each in found.values() if _fits(each, words or "", kind, place)]
    with room.stage:
        figure(found[key])
    with room.why:
        source(found[key])
        st.header(f"{count(len(shown), 'receipt')} in the list", anchor=False)
        if shown:
            cells = [_cells(each, key) for each in shown]
            scrolled(_HEAD, cells, "All receipts that fit", numbers=("Published", "Computed here"), words=("Figure",))
        else:
            st.info("No receipt has these words. Take one of them away.")
        told(
            "A figure that one reads is worth as much as its source. Here is each published figure that a page shows: "
            "who published it, how it was measured, and, where a laptop can, the same figure computed anew. Where the "
            "two differ, the terms say by what; where nothing can be computed, the receipt says why."
        )
        st.caption(f"{tally(found.values())}. The same on a command line: `python -m cnn_core receipts`.")


def _title(one: Receipt) -> str:
    return f"{one.about}: {one.quantity}, {written(one.value, one.unit)} ({one.source})"


def _fits(checked: Checked, words: str, kind: str, place: str) -> bool:
    one = checked.receipt
    return (
        all(word in text_of(one) for word in words[:_MAX_CHARACTERS].lower().split())
        and kind in (_ANYWHERE, one.kind.value.replace(" ", "-"))
        and (place == _ANYWHERE or _BY_SLUG[place] in one.pages)
    )


def _cells(checked: Checked, chosen: str) -> list[str | Link]:
    one = checked.receipt
    ours = "" if checked.ours is None else written(checked.ours, one.unit)
    stands = one.kind.value if checked.verdict is None or one.kind is Kind.UNVERIFIED else checked.verdict.value
    name = Link(f"{one.about}: {one.quantity}", f"receipts?receipt={one.key}", current=one.key == chosen)
    return [name, written(one.value, one.unit), ours, stands, one.source]
