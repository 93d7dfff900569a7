"""Every control of a view, and what of it a link says: one way to make one, whatever it is.

A control's key is its name in the link. A value there that it cannot have is said in a sentence, and the default is
used; none crashes a page. Controls of numbers and plain words are bound to the link by Streamlit. Where what is read
differs from what a link holds (`key` and *title* of an option), the link is kept here, for Streamlit would write the
title into it. In present mode (`present`) a control that is not named there is not drawn, and has the link's value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

from ui.shared.present import shows
from ui.shared.text import plain

Option = TypeVar("Option")
_BOUND: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_DIGITS = 12  # of a number in a link that are read


def segments(
    label: str,
    options: Sequence[Option] | Mapping[Option, str],
    default: Option,
    key: str,
    *,
    place: Any = st,
    **more: Any,
) -> Option:
    """Ask for one of a few, all in sight.

    Args:
        label: What it controls, in a newcomer's words.
        options: What can be chosen; of a mapping the values are shown and the keys are in the link.
        default: Chosen at first.
        key: Of the widget, and its name in the link.
        place: Where it stands.
        more: As `st.segmented_control` takes it: `help`, `disabled`, `on_change`.
    """
    if not isinstance(options, Mapping):
        if not shows(key, label):
            return _said(key, one_of(*options), {str(option): option for option in options}.__getitem__, default)
        bound = _bound(key, one_of(*options))
        chosen: Option | None = place.segmented_control(
            label, list(options), default=default, key=key, required=True, wrap=True, **bound, **more
        )
        return default if chosen is None else chosen  # an empty parameter clears even what is required
    return _titled(place.segmented_control, label, options, default, key, required=True, wrap=True, **more)


def pick(
    label: str,
    options: Sequence[Option] | Mapping[Option, str],
    default: Option,
    key: str,
    *,
    place: Any = st,
    **more: Any,
) -> Option:
    """Ask for one of many, in a list that opens; arguments as of `segments`."""
    if not isinstance(options, Mapping):
        if not shows(key, label):
            return _said(key, one_of(*options), {str(option): option for option in options}.__getitem__, default)
        bound = _bound(key, one_of(*options))
        chosen: Option = place.selectbox(label, list(options), list(options).index(default), key=key, **bound, **more)
        return chosen
    return _titled(place.selectbox, label, options, default, key, **more)


def whole(label: str, low: int, high: int, default: int, key: str, *, place: Any = st, **more: Any) -> int:
    """Ask for a whole number by typing it."""
    if not shows(key, label):
        return _said(key, within(low, high), int, default)
    bound = _bound(key, within(low, high))
    return min(high, max(low, int(place.number_input(label, low, high, default, key=key, **bound, **more))))


def slide(
    label: str, low: int, high: int, default: int, key: str, *, step: int = 1, place: Any = st, **more: Any
) -> int:
    """Ask for a whole number by a slider."""
    if not shows(key, label):
        return _said(key, within(low, high, step), int, default)
    bound = _bound(key, within(low, high, step))
    return min(high, max(low, int(place.slider(label, low, high, default, step, key=key, **bound, **more))))


def switch(label: str, default: bool, key: str, *, place: Any = st, **more: Any) -> bool:
    """Ask for yes or no."""
    if not shows(key, label):
        return _said(key, one_of("true", "false"), "true".__eq__, default)
    bound = _bound(key, one_of("true", "false"))
    return bool(place.toggle(label, default, key=key, **bound, **more))


# What a reader does within a component: not written into the address, for Back would then go through every step of it,
# but said by Share.


def cell(key: str, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the cell of a grid that the reader has gone to, or the link says; None if neither is on it.

    Args:
        key: Its name in the link, `row,column`.
        shape: Of the grid: rows, columns.
    """

    def there(text: str) -> bool:
        row, comma, column = text.partition(",")
        return bool(comma) and within(0, shape[0] - 1)(row) and within(0, shape[1] - 1)(column)

    text = aside(key, there)
    if text is None:
        return None
    row, _, column = text.partition(",")
    return int(row), int(column)


def aside(key: str, good: Callable[[str], bool]) -> str | None:
    """Return what the reader has last put aside, or else the link says; None if it is not `good` here."""
    own: str | None = st.session_state.get(_ASIDE, {}).get(key)
    if own is not None:
        return own if good(own) else None  # other controls may have taken its place away
    return st.query_params.get(key) if usable(key, good) else None


def put_aside(key: str, text: str) -> None:
    """Keep, for a link that is shared, what the reader has done within a component."""
    st.session_state.setdefault(_ASIDE, {})[key] = text


def asides(page: str) -> dict[str, str]:
    """Return what a shared link says of a page besides its address."""
    own: dict[str, str] = st.session_state.get(_ASIDE, {})
    return {key: text for key, text in own.items() if text and key.startswith(f"{page}_")}


_ASIDE = "link_aside"

# What a link may say --------------------------------------------------------------------------------------------------


def usable(key: str, good: Callable[[str], bool]) -> bool:
    """Say so if the link's value of a parameter cannot be used, and take it away; before its widget is made."""
    text = st.query_params.get(key)
    if text is None or good(text):
        return True
    shown = plain(text[:40]) or "nothing"
    st.warning(f"The link says {plain(key)}={shown}, which is not possible here; the default is used.")
    with suppress(StreamlitAPIException):  # Back led here, and the control holds it: drawn unbound, it lets go of it
        del st.query_params[key]
    return False


def _bound(key: str, good: Callable[[str], bool]) -> dict[str, Any]:
    """Return how a control is bound to the link: not for this once, where that cannot be used.

    Streamlit reads the link as it came, even what was just taken out of it, and 1e309 is no number to it.
    """
    return _BOUND if usable(key, good) else {}


def _said(key: str, good: Callable[[str], bool], read: Callable[[str], Option], default: Option) -> Option:
    """Return what the link says of a control that present mode does not draw, or else the default."""
    text = st.query_params.get(key)
    return read(text) if usable(key, good) and text is not None else default


def one_of(*options: object) -> Callable[[str], bool]:
    """Return a check for `usable`: the text is one of these."""
    texts = {str(option) for option in options}
    return lambda text: text in texts


def within(low: int, high: int, step: int = 1) -> Callable[[str], bool]:
    """Return a check for `usable`: the text is a whole number, between these and on the step.

    Example:
        >>> [within(0, 8, 2)(text) for text in ("4", "5", "10", "1e309", "-1", "")]
        [True, False, False, False, False, False]
    """

    def good(text: str) -> bool:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
            return False
        return low <= int(text) <= high and (int(text) - low) % step == 0

    return good


# A control whose options have titles ----------------------------------------------------------------------------------


def _titled(
    widget: Callable[..., Option], label: str, options: Mapping[Option, str], default: Option, key: str, **more: Any
) -> Option:
    follow(key, options, default)
    if not shows(key, label):
        hidden: Option = st.session_state[key]
        return hidden
    chosen = widget(label, list(options), key=key, format_func=lambda option: options[option], **more)
    chosen = default if chosen is None else chosen
    say(key, chosen, default)
    return chosen


def follow(key: str, options: Iterable[Option], default: Option) -> None:
    """Set a control, before it is made, to what the link says, if the reader has come by it or gone back to it."""
    seen = st.session_state.setdefault(_SEEN, {})
    by_text = {str(option): option for option in options}
    if usable(key, by_text.__contains__) and (asked := st.query_params.get(key)) != seen.get(key):
        st.session_state[key] = default if asked is None else by_text[asked]
    if st.session_state.get(key) not in by_text.values():  # drawn for the first time, or again on this page
        kept = st.session_state.setdefault(_KEPT, {}).get(key)
        st.session_state[key] = kept if kept in by_text.values() else default


def say(key: str, chosen: Option, default: Option) -> None:
    """Put a control's value into the link, unless it is the default."""
    asked, text = st.query_params.get(key), str(chosen)
    if chosen != default and asked != text:
        st.query_params[key] = text
    elif chosen == default and asked not in (None, text):
        del st.query_params[key]
    st.session_state.setdefault(_SEEN, {})[key] = st.query_params.get(key)
    st.session_state.setdefault(_KEPT, {})[key] = chosen


_KEPT = "link_kept"  # what was chosen: Streamlit forgets a control that is not drawn
_SEEN = "link_seen"  # what this page has last read of, or written into, the link


def page_opened(page: str) -> None:
    """Say which page is drawn: on another one no parameter of the link has been seen, and controls keep their values.

    Without this, a page without parameters would look like one on which the reader had gone back to the defaults.
    """
    if st.session_state.get("link_page") != page:
        st.session_state.link_page = page
        st.session_state[_SEEN] = {}
