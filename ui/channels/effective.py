"""The effective receptive field: which of the pixels that a unit can see it really listens to."""

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import effective as figures
from cnn_core.networks.effective_field import (
    BLOCKS,
    DEPTHS,
    HELD,
    MARGIN,
    NETWORK,
    EffectiveField,
    FieldGrowth,
    expected_extent,
)
from cnn_core.pictures.images import Picture, square
from ui.shared.teaching import one_of
from ui.shared.text import asking, plain, table

LINK: dict[str, Callable[[str], bool]] = {
    "channels_block": one_of(*BLOCKS),
    "channels_stack": one_of(*DEPTHS),
}
LITTLE = 0.10  # of its field: who finds a unit that listens to less has done the challenge
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_EVEN = 0.25  # what the inner quarter of the area holds of a gradient that is the same everywhere


def effective(picture: Picture) -> bool:
    """Show what a unit of the embedded network listens to. True if one listens to less than a tenth of its field."""
    ends = [BLOCKS[number] for number in NETWORK.stage_ends]
    block = st.selectbox(
        f"Layer of {NETWORK.title}: the end of a block",
        BLOCKS,
        index=BLOCKS.index("block3b"),
        key="channels_block",
        help=f"Stages end with {', '.join(ends)}.",
        **_LINKED,
    )
    found = _found(picture, f"{block}_out")
    if found:
        _pictures(picture, found)
        st.markdown(_words(found))
        st.plotly_chart(
            figures.profiles(found),
            key="channels_profiles",
            config={"displayModeBar": False},
            alt="Gradient by column, pretrained and random, with Gaussians of the same spread.",
        )
        st.caption(
            "Solid: the gradient summed over all rows; dotted: the Gaussian of the same spread; dashed: the borders of "
            f"the theoretical field. Gradient 1 on all channels of one unit, mean over {found[0].windows} windows "
            f"shifted by up to {2 * MARGIN} px. Luo et al. 2016, arXiv:1701.04128."
        )
    _law()
    return any(field.share < LITTLE for field in found)


def _found(picture: Picture, layer: str) -> list[EffectiveField]:
    try:
        with st.spinner(asking("Asking the network…")):
            return [_ask(picture.digest, layer, pretrained, picture.pixels) for pretrained in (True, False)]
    except EngineError as trouble:
        st.error(plain(str(trouble)))
        return []


@st.cache_data(max_entries=100, show_spinner=False)
def _ask(digest: str, layer: str, pretrained: bool, _pixels: np.ndarray) -> EffectiveField:
    answer: EffectiveField = client.current().ask("effective_field", _pixels, layer, pretrained, timeout=60.0)
    return answer


def _pictures(picture: Picture, found: list[EffectiveField]) -> None:
    seen = square(picture.pixels, NETWORK.input_size + 2 * MARGIN, 1.0)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    for column, field in zip(st.columns(2), found, strict=True):
        caption = f"{_weights(field)}: {field.held:,} pixels, {field.share:.1%} of the field"
        shown = figures.listened(seen, field.gradient, field.held, field.box)
        column.image(shown, caption=caption, alt=caption, width="stretch")
    st.caption(
        f"Blue: what the unit in the middle of the map can see. Orange: the fewest pixels that hold {HELD:.0%} of its "
        "gradient, the stronger the more."
    )


def _words(found: list[EffectiveField]) -> str:
    """What was measured, in sentences that the numbers choose."""
    trained, random = found
    (first, last), size = trained.box, trained.receptive_field
    side = last - first + 1
    words = f"By arithmetic the unit's field is **{size} × {size}** pixels"
    words += f", of which {side} × {side} lie in the picture. " if side < size else ". "
    words += (
        f"With its trained weights it listens to **{trained.share:.1%}** of {'these' if side < size else 'them'}, "
        f"with random weights to **{random.share:.1%}**. "
    )
    words += (
        f"The inner quarter of the area holds {trained.inner:.1%} of the gradient trained, {random.inner:.1%} random. "
    )
    dominates = {
        (True, True): "**the middle dominates**, trained or not",
        (True, False): "the middle dominates **by training**, not by architecture",
        (False, True): "**training has undone** much of the middle's weight",
        (False, False): "**here the middle does not dominate**",
    }[trained.inner > 2 * _EVEN, random.inner > 2 * _EVEN]
    words += f"Spread evenly it would be {_EVEN:.0%}: {dominates}. "
    ratio = trained.sigma[1] / random.sigma[1]
    change = "wider" if ratio > 1.05 else "narrower" if ratio < 0.95 else "as wide"
    than = "as" if change == "as wide" else "than"
    sigmas = f"σ {trained.sigma[1]:.1f} px against {random.sigma[1]:.1f} px"
    return words + f"Trained, the effective field is {change} {than} at random ({sigmas})."


def _weights(field: EffectiveField) -> str:
    return "pretrained" if field.pretrained else "random weights"


def _law() -> None:
    """The effective field grows with the root of the depth, the theoretical with the depth."""
    st.subheader("Deeper: the field grows with n, what is listened to with √n")
    kernel_size = st.segmented_control(
        "Kernel of all layers", list(DEPTHS), default=3, key="channels_stack", format_func=str, required=True, **_LINKED
    )
    depths = DEPTHS[kernel_size]
    fields = [depth * (kernel_size - 1) + 1 for depth in depths]
    theory = [expected_extent(kernel_size, depth) for depth in depths]
    measured = _grown(kernel_size)
    st.plotly_chart(
        figures.growth(depths, fields, theory, measured),
        key="channels_growth",
        config={"displayModeBar": False},
        alt="Theoretical and effective field against depth, and their ratio, measured and in theory.",
    )
    st.markdown(
        r"$\displaystyle \sigma_n = \sqrt{n \, (k^2 - 1) / 12}$, "
        r"effective $4 \sigma_n \sim \sqrt n$, theoretical $n (k - 1) + 1$, ratio $\sim 1 / \sqrt n$"
    )
    if measured is None:
        return
    linear, relu = (measured.growth[kind] for kind in ("linear", "relu"))
    table(
        ["fitted exponent of n", "theory", "linear", "ReLU"],
        [
            ["effective size", "0.50", f"{linear:.2f}", f"{relu:.2f}"],
            [
                "effective : theoretical",
                *(f"{measured.shrinkage[kind]:.2f}".replace("-", "−") for kind in ("theory", "linear", "relu")),
            ],
        ],
    )
    gap = max(
        abs(size / expected - 1)
        for sizes in measured.sizes.values()
        for size, expected in zip(sizes, theory, strict=True)
    )
    st.markdown(
        f"{measured.runs} random stacks a point, squared gradient of one unit: at most **{gap:.1%}** from theory. The "
        "ratio's exponent nears −½ only for deep stacks, because of the + 1. Luo et al. fit 0.56 and −0.43, counting "
        "pixels above a threshold."
    )


def _grown(kernel_size: int) -> FieldGrowth | None:
    try:
        with st.spinner(asking("Measuring random stacks…")):
            return _grow(kernel_size)
    except EngineError as trouble:
        st.error(plain(str(trouble)))
        return None


@st.cache_data(max_entries=8, show_spinner=False)
def _grow(kernel_size: int) -> FieldGrowth:
    answer: FieldGrowth = client.current().ask("field_growth", kernel_size, DEPTHS[kernel_size], timeout=60.0)
    return answer
