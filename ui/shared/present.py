"""Present mode, for a projector or a frame in a course's page: `?present=1&show=kernel,stride`.

No navigation, no header, larger type, and of the controls only those that `show` names. A control's name is its name in
the link without the page: `convolution_stride` is `stride`. What is not named keeps the value that the link gives it.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import streamlit as st

PRESENT, SHOW = "present", "show"
MAX_NAMES = 12
_NAME = re.compile("[a-z0-9_]{1,60}")
_OFFERED = "present_offered"  # in the session: the controls of each view, by page and step
_VIEW = "present_view"


def presenting() -> bool:
    """Tell whether the link asks for present mode."""
    return st.query_params.get(PRESENT) == "1"


def _named() -> list[str]:
    """Return the names of the controls that stay."""
    given = st.query_params.get(SHOW, "").split(",")[:MAX_NAMES]
    return [name for name in given if _NAME.fullmatch(name)]


def _name_of(key: str) -> str:
    """Return how `show` names a control.

    Example:
        >>> _name_of("convolution_stride"), _name_of("architectures_unit_row")
        ('stride', 'unit_row')
    """
    return key.partition("_")[2]


def shows(key: str, label: str = "") -> bool:
    """Tell whether a control is drawn, and remember that this view has it.

    Args:
        key: Of the widget.
        label: As it is read; empty if it is not offered to whoever makes a link.
    """
    if label:
        view: str = st.session_state.get(_VIEW, "")
        st.session_state.setdefault(_OFFERED, {}).setdefault(view, {})[_name_of(key)] = _short(label)
    return not presenting() or bool({key, _name_of(key)} & {*_named()})


def view_opened(view: str) -> None:
    """Say which view is drawn next: its controls are those that are met from here on.

    Args:
        view: Page and step.
    """
    st.session_state[_VIEW] = view
    st.session_state.setdefault(_OFFERED, {})[view] = {}


def offered() -> dict[str, str]:
    """Return the controls of the view that was drawn last, by their names in `show`, as they are read."""
    found: dict[str, str] = st.session_state.get(_OFFERED, {}).get(st.session_state.get(_VIEW, ""), {})
    return dict(found)


def query(names: Iterable[str]) -> dict[str, str]:
    """Return what a link says besides for present mode with these controls.

    Example:
        >>> query(["kernel", "stride"]), query([])
        ({'present': '1', 'show': 'kernel,stride'}, {'present': '1'})
    """
    shown = ",".join(names)
    return {PRESENT: "1"} | ({SHOW: shown} if shown else {})


def style(page: str) -> None:
    """Make the page's form that of present mode; controls that are not made by `controls` go by their look.

    Args:
        page: Its name in addresses.
    """
    if not presenting():
        return
    kept = [f".st-key-{page or 'home'}_{name}" for name in _named()] + [f".st-key-{name}" for name in _named()]
    kept += [f"{each}_wall" for each in kept]
    css = Path(__file__).parents[1].joinpath("present.css").read_text(encoding="utf-8")
    css = css.replace(".named", f":is({', '.join(kept) or '.nothing'})")
    st.html(f'<i class="unseen"></i><style>{css}</style>')


def _short(label: str) -> str:
    """Return a label without what explains it.

    Example:
        >>> _short("Stride: how far the window jumps"), _short("The border is filled (*valid* has none)")
        ('Stride', 'The border is filled')
    """
    return re.split(r": | \(", label)[0].replace("*", "")
