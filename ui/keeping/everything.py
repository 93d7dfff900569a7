"""All that a reader has here: how much, until when; taken home as zips, deleted one by one or as a whole."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from cnn_core.store.belongings import Belonging, Belongings, belongings
from cnn_core.store.keys import SET
from cnn_core.store.settings import SettingRefused
from cnn_core.store.terms import Terms, anonymous
from cnn_core.training import takeout
from ui.keeping.deletion import KINDS, delete_all, delete_one, last_done
from ui.shared.header import NOT_KEPT
from ui.shared.rows import scrolled
from ui.shared.session import keeps_visits, store, visit
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, in_bytes, plain

_HEAD = ("What", "Name", "Kept until", "Size", "Pictures")  # what matters most is in sight on a phone


def everything(room: Room) -> None:
    """Show what the reader has, and offer to take it away or to delete it."""
    try:
        terms = Terms.from_environment()
    except SettingRefused as refusal:
        room.stage.error(plain(f"{refusal} Until whoever runs this server mends it, nothing is collected."))
        terms = Terms(math.inf)
    mine = belongings(store(), visit(), terms)
    with room.stage:
        _told(mine)
        if mine.things or mine.links:
            scrolled(
                _HEAD,
                _rows(mine, terms),
                "Everything of yours on this server",
                numbers=("Pictures", "Size"),
                words=("Name",),
            )
            _undoable(mine)
    with room.side:
        last_done()
        if mine.things or mine.links:
            _take_away(mine)
            delete_one(mine)
            delete_all(mine)
    with room.why:
        _terms(terms)


def _told(mine: Belongings) -> None:
    if not keeps_visits():
        st.info(NOT_KEPT, icon=":material/cookie_off:")
    if not mine.things and not mine.links:
        st.markdown(
            "**Nothing of yours is kept here.** When you bring pictures, train a network or make a lesson list, "
            "that is listed on this page, with the date until which it stays."
        )
        return
    st.markdown(
        f"**{_sum(mine)}: {in_bytes(mine.bytes)} in all.** It is kept so that you find it again when you come back. "
        "Nobody else is shown any of it, unless you give them a link."
    )


def _sum(mine: Belongings) -> str:
    parts = [count(len(mine.of(kind)), noun) for kind, noun in KINDS.items() if mine.of(kind)]
    parts += [count(len(mine.links), "link")] if mine.links else []
    return f"You have {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f"You have {parts[0]}"


def _rows(mine: Belongings, terms: Terms) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [
        (KINDS[each.kind].capitalize(), each.title, _until(each, terms), in_bytes(each.bytes), f"{each.pictures:,}")
        for kind in KINDS
        for each in mine.of(kind)
    ]
    for link in mine.links:
        pictures = bool(link.picture) + (len(link.pictures.items) if link.pictures else 0)
        rows.append(("Link", f"given on {_date(link.made)}", "you take it back", "", f"{pictures:,}"))
    return rows


def _undoable(mine: Belongings) -> None:
    """Say which pictures a size counts and the column of pictures does not."""
    if kept := [f"{count(each.undone, 'picture')} of “{plain(each.title)}”" for each in mine.of(SET) if each.undone]:
        st.caption(f"The size also counts what Undo would bring back: {', '.join(kept)}.")


def _until(thing: Belonging, terms: Terms) -> str:
    if thing.live:
        return f"{_days(terms)} after its end" if math.isfinite(terms.days) else "you delete it"
    if thing.opened:
        return "others take it off their list"
    return "you delete it" if math.isinf(thing.until) else _date(thing.until)


def _days(terms: Terms) -> str:
    return f"{terms.days:g} {'day' if terms.days == 1 else 'days'}"


def _date(when: float) -> str:
    """Return a day for people.

    Example:
        >>> _date(1_795_910_400.0)
        '29 Nov 2026'
    """
    return f"{datetime.fromtimestamp(when, UTC):%-d %b %Y}"


def _take_away(mine: Belongings) -> None:
    """Offer everything as zips; each is made when it is asked for."""
    st.subheader("Take it with you", anchor=False)
    planned = takeout.parts(store(), visit())
    for number, part in enumerate(planned, 1):
        of = f", part {number} of {len(planned)}" if len(planned) > 1 else ""
        st.download_button(
            f"Download all of mine{of} ({in_bytes(part.size)})",
            partial(takeout.packed, store(), part),
            f"convscope-mine{f'-{number}' if of else ''}.zip",
            "application/zip",
            key=f"keeping_download_{number}",
            on_click="ignore",
            icon=":material/download:",
            help="Pictures, sets as folders, networks, runs and lessons as JSON. A set’s folder can be given again",
        )


def _terms(terms: Terms) -> None:
    st.header("How long, and what exactly", anchor=False)
    days = _days(terms)
    if math.isfinite(terms.days):
        told(
            f"**How long.** A run is kept for {days} from its end, a set or a picture for {days} from its last change. "
            "A run that somebody else has opened by its link stays as long as it is in their list, and pictures that "
            "travel with a link stay until you take the link back."
        )
    else:
        told("**How long.** What you have here is kept until you delete it.")
    told(
        "**Of lessons.** A lesson list is kept as long as a set is, from its last change. A class keeps of each "
        "student the name that they gave, when they joined and when they did which task; its last change is the "
        "last that any student did. Only its teacher sees it; who leaves a class, or deletes all, is forgotten by it."
    )
    if math.isfinite(terms.most_bytes):
        told(
            f"**How much.** All visitors together may fill {in_bytes(terms.most_bytes)}. When it is full, the oldest "
            "goes first, also before its date; what is worth keeping is worth downloading."
        )
    told(
        "**What of a picture.** Its pixels, at most 1,024 a side, without what the camera wrote: no place, no time. "
        "With them a small copy, and the numbers that networks have made of it, which go with it."
    )
    told(
        "**What deleting does.** What you delete is gone from every page at once, and so are its bytes, unless another "
        "run, set or visitor uses the very same picture. Of pictures that came in less than an hour ago the bytes go "
        "within two hours: the same picture may be on its way into somebody’s set just now."
    )
    if anonymous(visit()):
        told(
            "**Who you are here.** A random number in a cookie; nothing else is known of you. Whoever clears the "
            "cookies leaves all this behind, and it goes when its time is over."
        )
