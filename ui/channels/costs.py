"""Cheaper convolutions: 1×1, depthwise, separable, grouped, bottleneck; on paper and on this machine."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import channels as figures
from cnn_core.networks.layer_times import (
    LayerTime,
    Variant,
    cells_on_map,
    separable_saving,
    too_large,
    variants,
)
from ui.shared.teaching import one_of
from ui.shared.text import asking, plain, table

SIZES, MOST_MAP, MOST_CHANNELS = (1, 3, 5, 7), 224, 2048
_WEAK = 4  # the task: a separable convolution that saves less
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_CHOICE = _LINKED | {"required": True, "wrap": True}
LINK: dict[str, Callable[[str], bool]] = {
    "channels_cost_map": one_of(*range(1, MOST_MAP + 1)),
    "channels_cost_in": one_of(*range(1, MOST_CHANNELS + 1)),
    "channels_cost_out": one_of(*range(1, MOST_CHANNELS + 1)),
    "channels_cost_kernel": one_of(*SIZES),
    "channels_groups": one_of(*range(1, MOST_CHANNELS + 1)),
}

Shapes = tuple[int, int, int, int, int]  # map size, channels, filters, kernel size, groups


def costs() -> bool:
    """Hold six layers of the same shapes against each other. True if the separable one saves less than four times."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = st.number_input("Side of the map", 1, MOST_MAP, 14, key="channels_cost_map", **_LINKED)
        channels = st.number_input("Channels in", 1, MOST_CHANNELS, 512, key="channels_cost_in", **_LINKED)
        filters = st.number_input("Channels out", 1, MOST_CHANNELS, 512, key="channels_cost_out", **_LINKED)
        groups = st.number_input("Groups", 1, MOST_CHANNELS, 32, key="channels_groups", **_LINKED)
        size = st.segmented_control("Kernel", SIZES, default=3, key="channels_cost_kernel", **_CHOICE)
    side = int(np.clip(side, 1, MOST_MAP))
    channels, filters, groups = (int(np.clip(count, 1, MOST_CHANNELS)) for count in (channels, filters, groups))
    if (fitting := math.gcd(groups, channels, filters)) != groups:
        st.warning(
            f"Groups divide the channels in and out; {groups} does not divide {channels} and {filters}. "
            f"Counted with {fitting}, the largest divisor of all three."
        )
    shapes = (side, channels, filters, size, fitting)
    named = variants(*shapes)
    full = named[0].cost
    table(
        [f"{side}² map, {channels} → {filters}", "params", "MACs", "cheaper"],
        [[v.title, f"{v.cost.params:,}", f"{v.cost.macs:,}", _times(full.macs / v.cost.macs)] for v in named],
    )
    st.caption(
        "; ".join(f"*{v.title}*: {v.shape}" for v in named[2:])
        + ". Stride 1, padding *same*, no biases: the BatchNorm "
        "behind each has its own. Depthwise alone mixes no channels, 1×1 alone sees no neighbours; separable is both."
    )
    _plot(figures.cost_bars(named), "bars", "Parameters and multiply-adds of six layers as shares of the full one's.")
    saving = _saving(side, channels, filters, size)
    _measured(shapes, named)
    return saving < _WEAK


def _plot(figure: Any, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=f"channels_costs_{key}", config={"displayModeBar": False}, alt=alt)


def _times(ratio: float) -> str:
    return f"{ratio:,.3g}×" if ratio < 1000 else f"{ratio:,.0f}×"


def _saving(side: int, channels: int, filters: int, size: int) -> float:
    """What MobileNet saves, where it fades; returns how many times cheaper the separable convolution is."""
    st.subheader("MobileNet's saving, and where it fades")
    _, _, _, separable, *_ = named = variants(side, channels, filters, size, 1)
    saving = named[0].cost.macs / separable.cost.macs
    left, right = st.columns([3, 2])
    with left:
        _plot(figures.saving_curves(filters, size), "saving", "How many times cheaper, against the filters.")
    with right:
        st.markdown(
            r"$\displaystyle \frac{k^2 C_{in} + C_{in} C_{out}}{k^2 C_{in} C_{out}} = \frac1{C_{out}} + \frac1{k^2}$"
        )
        share = rf"\frac1{{{filters}}} + \frac1{{{size**2}}} = {1 / saving:.4f}"
        st.markdown(rf"$\displaystyle {share}$, **{saving:.2f}×** cheaper.")
        st.markdown(_where_it_fades(side, filters, size))
        st.caption("Howard et al. 2017, arXiv:1704.04861, section 3.1: 8 to 9 times with 3 × 3 kernels.")
    return saving


def _where_it_fades(side: int, filters: int, size: int) -> str:
    cells, eight = cells_on_map(side, size), next(n for n in range(1, 200) if separable_saving(n, 9) >= 8)
    few = [f"{n}: {separable_saving(n, 9):.2f}×" for n in (4, 16, 64)]
    words = (
        f"With 3 × 3 the saving reaches 8× from {eight} filters on, and never 9×. With few filters it fades "
        f"({', '.join(few)}); the channels in do not matter. "
    )
    if size == 1:
        words += "A 1 × 1 kernel has no space to separate: the depthwise part only comes on top. "
    elif cells < 0.8 * size**2:
        words += (
            f"On a map of {side} × {side} only {cells:.3g} of the {size**2} cells lie on the map in the mean, the "
            f"others on padding. Products that count are **{separable_saving(filters, cells):.2f}×** fewer. "
        )
    return words + "No more than k² can be saved: what is left is the 1×1 part."


# Measured ------------------------------------------------------------------------------------------------------------


def _measured(shapes: Shapes, named: Sequence[Variant]) -> None:
    """Time the variants in the worker: when the view is opened, and whenever the reader asks."""
    st.subheader("Measured on this machine")
    if refusal := too_large(*shapes[:4]):
        st.info(refusal)
        return
    wanted = st.session_state.setdefault("channels_costs_wanted", shapes)
    if shapes != wanted:  # a control answers at once; seconds of measuring are for those who ask
        st.button(
            "Measure this layer",
            key="channels_costs_measure",
            icon=":material/timer:",
            on_click=st.session_state.__setitem__,
            args=("channels_costs_wanted", shapes),
        )
        return
    try:
        with st.spinner(asking("Measuring…")):
            times = _ask(*shapes)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        st.button("Try again", key="channels_costs_retry", icon=":material/refresh:")
        return
    _plot(figures.time_bars(named, times), "times", "Multiply-adds and measured times as shares of the full layer's.")
    pairs = list(zip(named, times, strict=True))
    table(
        ["layer", "ms", "speed", "GMAC/s"],
        [[v.title, f"{t.median:.2f}", f"{times[0].median / t.median:.2g}×", f"{_rate(v, t):.3g}"] for v, t in pairs],
    )
    st.markdown(verdict(named, times))
    agree = all(v.cost.params == t.params for v, t in pairs)
    st.caption(
        f"{plain(times[0].device)}; batch 1, float32, compiled, {times[0].repeats} times each in turns: medians, "
        f"whiskers are quartiles. A call that computes nothing takes {times[0].overhead:.2f} ms. "
        "Keras computes grouped convolutions by XLA and the others by TensorFlow's own kernels. "
        + ("It counts the same parameters." if agree else "")
    )
    if not agree:
        st.warning("Keras counts other parameters than the table above: one of them is wrong.")
    st.button(
        "Measure again", key="channels_costs_again", icon=":material/refresh:", on_click=lambda: _ask.clear(*shapes)
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _ask(map_size: int, channels: int, filters: int, kernel_size: int, groups: int) -> list[LayerTime]:
    return client.current().ask("layer_times", map_size, channels, filters, kernel_size, groups, timeout=60)


def _rate(variant: Variant, time: LayerTime) -> float:
    """Multiply-adds a second, in thousand millions."""
    return variant.cost.macs / time.median / 1e6


def verdict(named: Sequence[Variant], times: Sequence[LayerTime]) -> str:
    """Say in words where fewer multiply-adds were not faster.

    One variant counts as slower than another if its first quartile lies above the other's third.
    """
    (full, reference), *others = list(zip(named, times, strict=True))
    words = []
    slower = [v.title for v, t in others if v.cost.macs < full.cost.macs and t.lower > reference.upper]
    if slower:
        words.append(f"**Fewer MACs, and yet slower than the full convolution: {', '.join(slower)}.**")
    for v, t in others:
        cheaper_than = [w.title for w, u in others if v.cost.macs < w.cost.macs and t.lower > u.upper]
        if cheaper_than:
            words.append(f"**{v.title.capitalize()}** takes longer than {_listed(cheaper_than)}, with fewer MACs.")
    if not words:
        words.append("Here the order of the times is that of the MACs, within the quartiles.")
    slowness = [(_rate(full, reference) / _rate(v, t), v, t) for v, t in others]
    factor, worst, taken = max(slowness, key=lambda entry: entry[0])
    if factor > 1:
        words.append(
            f"A MAC costs most in {worst.title}: **{factor:.3g} times** as long as in the full convolution. With "
            f"{_times(full.cost.macs / worst.cost.macs)} fewer MACs it is {_times(reference.median / taken.median)} as "
            f"fast. It does {worst.macs_per_number:.3g} MACs for each number it reads or writes, the full convolution "
            f"{full.macs_per_number:.3g}; and of its {taken.median:.2f} ms the mere call takes {taken.overhead:.2f} ms."
        )
    return " ".join(words)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
