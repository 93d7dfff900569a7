"""A walk of ten steps through the app: `tour=3` is its third stop, a view with its settings and what to look at there.

Its ways are plain links, as those of a lesson list: a stop is then what its link says, whatever was turned before. The
stops are a lesson list themselves, the one that comes with the app.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.store.lessons import View
from ui.shared.controls import usable, within
from ui.shared.lesson_list import PAGE, TOUR, carried, foot, way_to
from ui.shared.present import presenting
from ui.shared.thread import query

TITLE = "A walk of ten steps"


@dataclass(frozen=True)
class Stop:
    """A stop of the walk.

    Attributes:
        view: The view, what it is called, and one or two sentences.
        lights: Key of the element to look at.
    """

    view: View
    lights: str


_MAP = "block3a_out"  # of a middle stage: 28 × 28, 40 maps, each a sum of all maps before by kernels of 1 × 1
STOPS = (
    Stop(
        View(
            "",
            {},
            "The whole network",
            "This is a whole network at work on your picture: maps of one stage after the other, then its answer. "
            "In ten steps you will know what every pixel of it means.",
        ),
        "home_zoom",
    ),
    Stop(
        View(
            "convolution",
            {},
            "An edge",
            "All of it is made of this: nine numbers, a kernel, slide over the picture. The map turns red where the "
            "picture looks like them, blue where it looks like their opposite. Pick another one.",
            "convolution/Whole picture",
        ),
        "convolution_kernel_wall",
    ),
    Stop(
        View(
            "convolution",
            {"convolution_view": "Step by step"},
            "One window",
            "At each place the same thing happens: nine products, added up, are one cell of the map. Move the window "
            "and watch the sum.",
            "convolution/Step by step",
        ),
        "convolution_stepper",
    ),
    Stop(
        View(
            "pooling",
            {"pooling_view": "Steps"},
            "Keep the largest",
            "A map soon has more cells than anybody needs. Pooling keeps one number of each window and forgets where "
            "in it that was.",
            "pooling/Steps",
        ),
        "pooling_stepper",
    ),
    Stop(
        View(
            "pooling",
            {"pooling_view": "Shift", "pooling_right": "1"},
            "One pixel to the right",
            "Does it matter that it forgets? Shift the picture by a single pixel, and see what of the pooled map does "
            "not follow.",
            "pooling/Shift",
        ),
        "stage",
    ),
    Stop(
        View(
            "channels",
            {"channels_view": "Field"},
            "How far one neuron sees",
            "Each layer looks at what the one before has seen, so what a neuron sees grows. The frame is all that this "
            "one will ever know of the picture.",
            "channels/Field",
        ),
        "channels_unit",
    ),
    Stop(
        View(
            "",
            {"zoom": _MAP},
            "Forty maps",
            "Back into the real network. A layer does not make one map but many, each by kernels of its own, learnt "
            "and not chosen: these are forty of them.",
        ),
        "home_zoom",
    ),
    Stop(
        View(
            "",
            {"zoom": f"{_MAP}.17"},
            "What a map is made of",
            "Each of them is a sum: the maps of the layer before, every one times a weight that was learnt. The "
            "strongest are drawn one by one, the rest together.",
        ),
        "home_zoom",
    ),
    Stop(
        View(
            "",
            {"zoom": f"{_MAP}.17.12.9"},
            "Down to one product",
            "And this is the ground: the products of one cell, by NumPy, beside what the network itself says. Nothing "
            "in it is more than this.",
        ),
        "home_zoom",
    ),
    Stop(
        View(
            "transfer",
            {},
            "Teach it yours",
            "What it has learnt can be used again: ten photos each of two things of your own, one button, and it tells "
            "them apart.",
        ),
        "transfer_cards",
    ),
)


def stopped(page: str) -> int | None:
    """Return at which stop the link is, from 0; None at none, and if it names one that there is not that is said.

    Args:
        page: Its name in addresses.
    """
    if page == PAGE or TOUR not in st.query_params or not usable(TOUR, within(1, len(STOPS))):
        return None
    return int(st.query_params[TOUR]) - 1


def address(at: int) -> str:
    """Return the address of a stop, as seen from any page.

    Args:
        at: Which, from 0.
    """
    view = STOPS[at].view
    return f"{view.page or './'}?{urlencode(dict(view.query) | {TOUR: str(at + 1)} | query() | carried(presenting()))}"


def bar(page: str, at: int) -> None:
    """Say at the foot of a page what there is to see, and lead on.

    Args:
        page: Its name in addresses; of another page than the stop's it is only said where the walk goes on.
        at: Which stop it is, from 0.
    """
    stop, last = STOPS[at], len(STOPS) - 1
    here = stop.view.page == page
    leave = html(f"{page or './'}?{urlencode((dict(stop.view.query) if here else {}) | query())}")
    out = f'<a href="{leave}" target="_self">{"Done" if at == last else "Leave the walk"}</a>'
    if not here:
        on = way_to(address(at), "Go on", "next", stop.view.title)
        foot("<span></span>", out, on, f"You have left the walk of ten steps at step {at + 1}.")
        return
    st.html(f'<i class="unseen touring"></i><style>{_LIT.replace("KEY", stop.lights)}</style>')
    back = way_to(address(at - 1), "Back", "back") if at else "<span></span>"
    on = way_to(address(at + 1), "Next", "next", STOPS[at + 1].view.title) if at < last else "<span></span>"
    foot(back, f"{at + 1} of {len(STOPS)} · {out}", on, stop.view.note)


_LIT = """
.st-key-KEY { outline: 3px solid var(--cs-selection); outline-offset: 5px; border-radius: 6px; }
@media (prefers-reduced-motion: no-preference) { .st-key-KEY { animation: lit 0.7s ease-in-out 3 alternate; } }
@keyframes lit { from { outline-color: var(--cs-selection); } to { outline-color: transparent; } }
"""
