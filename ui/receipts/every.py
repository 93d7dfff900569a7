"""All receipts: searched by words, page and kind, one of them open."""

import html
import re
from collections.abc import Sequence

import streamlit as st

from cnn_core.receipts.check import kept, receipts, tally
from cnn_core.receipts.commands import text_of
from cnn_core.receipts.records import PAGES, Checked, Kind, Receipt, written
from ui.receipts.one import STANDS, figure, source
from ui.shared.controls import pick, segments
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count

FIRST = "efficientnet_lite0-multiply-adds-notes"  # that has most to say: computed, and not the same
_ANYWHERE = "any"
_BY_SLUG = {re.sub(r"\W+", "-", title.lower()).strip("-"): page for page, title in PAGES.items()}
_PLACES = {_ANYWHERE: "any page"} | {slug: PAGES[page] for slug, page in _BY_SLUG.items()}
_KINDS = {_ANYWHERE: "all"} | {kind.value.replace(" ", "-"): STANDS[kind].lower() for kind in Kind}
_NUMBERS, _NUMBER = ("Published", "Computed here"), ' class="number"'
_MOST_WORDS = 60  # characters that one searches by


def every(room: Room) -> None:
    """Show one receipt, and the list of all that fit."""
    found = {each.receipt.key: each for each in kept()}
    titles = {key: _title(each) for key, each in receipts().items()}
    with room.side:
        words = st.text_input(
            "Search the list",
            key="receipts_words",
            max_chars=_MOST_WORDS,
            placeholder="resnet 74.9",
            bind="query-params",
            persist_state="session",
        )
        key = pick("One receipt", titles, FIRST, "receipt", help="Type to search. Each figure's mark opens its own.")
        with room.more("Narrow the list"):
            kind = segments("How it stands", _KINDS, _ANYWHERE, "receipts_kind")
            place = pick("Shown in", _PLACES, _ANYWHERE, "receipts_page")
    shown = [each for each in found.values() if _fits(each, words or "", kind, place)]
    with room.stage:
        figure(found[key])
    with room.why:
        source(found[key])
        st.header(f"{count(len(shown), 'receipt')} in the list", anchor=False)
        if shown:
            st.html(rows(shown, key))
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
        all(word in text_of(one) for word in words[:_MOST_WORDS].lower().split())
        and kind in (_ANYWHERE, one.kind.value.replace(" ", "-"))
        and (place == _ANYWHERE or _BY_SLUG[place] in one.pages)
    )


def rows(found: Sequence[Checked], chosen: str) -> str:
    """Return the list as a table in a box of its own that keys scroll; the names of figures open them."""
    heads = ("Figure", "Published", "Computed here", "Stands", "Source")
    head = "".join(f'<th scope="col"{_NUMBER if title in _NUMBERS else ""}>{title}</th>' for title in heads)
    return (
        '<div class="rows" tabindex="0" role="region" aria-label="All receipts that fit">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(_row(each, chosen) for each in found)}</tbody></table>"
        "</div>"
    )


def _row(checked: Checked, chosen: str) -> str:
    one = checked.receipt
    ours = "" if checked.ours is None else written(checked.ours, one.unit)
    stands = one.kind.value if checked.verdict is None or one.kind is Kind.UNVERIFIED else checked.verdict.value
    current = ' aria-current="true"' if one.key == chosen else ""
    words = html.escape(f"{one.about}: {one.quantity}")
    name = f'<a href="receipts?receipt={one.key}" target="_self"{current}>{words}</a>'
    numbers = "".join(f'<td class="number">{html.escape(text)}</td>' for text in (written(one.value, one.unit), ours))
    texts = "".join(f"<td>{html.escape(text)}</td>" for text in (stands, one.source))
    return f'<tr><td class="words">{name}</td>{numbers}{texts}</tr>'
