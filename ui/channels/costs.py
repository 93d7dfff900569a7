"""Cheaper convolutions: 1×1, depthwise, separable, grouped, bottleneck; on paper and on this machine."""

import math
from collections.abc import Sequence

import streamlit as st

from cnn_core.figures import channels as figures
from cnn_core.networks.layer_times import (
    LayerTime,
    Variant,
    cells_on_map,
    separable_saving,
    too_large,
    variants,
)
from ui.shared.charts import plot
from ui.shared.controls import segments, whole
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, dimensions, formula, plain, table
from ui.shared.worker import answered, forget

SIZES, MAX_MAP, MAX_CHANNELS = {size: f"{size} × {size}" for size in (1, 3, 5, 7)}, 224, 2048
_WEAK = 4  # the task: a separable convolution that saves less

Shapes = tuple[int, int, int, int, int]  # map size, channels, filters, kernel size, groups


def costs(room: Room) -> bool:
    """Hold six layers of the same shapes against each other. True if the separable one saves less than four times."""
    with room.side:
        size = segments("Size of the kernel", SIZES, 3, "channels_cost_kernel")
        filters = whole("Channels out: the maps it makes", 1, MAX_CHANNELS, 512, "channels_cost_out")
        channels = whole("Channels in", 1, MAX_CHANNELS, 512, "channels_cost_in")
    with room.more("Size of the map, groups"):
        side = whole("Side of the map, in cells", 1, MAX_MAP, 14, "channels_cost_map")
        groups = whole("Groups of the grouped convolution", 1, MAX_CHANNELS, 32, "channels_groups")
    fitting = math.gcd(groups, channels, filters)
    shapes = (side, channels, filters, size, fitting)
    named = variants(*shapes)
    full, separable = named[0].cost, named[3].cost
    saving = full.macs / separable.macs
    with room.stage:
        table(
            [f"{side}² map, {channels} → {filters}", "params", "MACs", "full ÷ it"],
            [[v.title, f"{v.cost.params:,}", f"{v.cost.macs:,}", _times(full.macs / v.cost.macs)] for v in named],
        )
        if fitting != groups:
            st.warning(
                f"Groups divide the channels in and out; {groups} does not divide {channels} and {filters}. "
                f"Counted with {fitting}, the largest divisor of all three."
            )
        plot(
            figures.cost_bars(named),
            "channels_costs_bars",
            f"The separable layer holds {separable.params / full.params:.1%} of the full one's parameters and needs "
            f"{separable.macs / full.macs:.1%} of its multiply-adds.",
        )
    with room.why:
        told(
            "A phone runs on a battery. Where could a layer save work? A full convolution looks at the "
            "neighbours and mixes the channels at once. Done one after the other, [[depthwise separable]], it makes a "
            f"map of the same shape with **{_fewer(saving)}** [[MAC|MACs]]. Depthwise alone mixes no channels, "
            "a [[1×1 convolution]] alone sees no neighbours; a [[bottleneck]] does the costly part on fewer channels."
        )
        st.caption(
            "; ".join(f"*{v.title}*: {v.shape}" for v in named[2:])
            + ". Stride 1, padding *same*, no biases: the BatchNorm behind each has its own."
        )
        _saving(side, saving, filters, size)
        _measured(shapes, named)
    return saving < _WEAK


def _times(ratio: float) -> str:
    return f"{ratio:,.3g}×" if ratio < 1000 else f"{ratio:,.0f}×"


def _fewer(saving: float) -> str:
    """Say how many times fewer multiply-adds; a 1 × 1 kernel or a single filter takes more."""
    if saving == 1:
        return "as many"
    return f"{_times(saving)} fewer" if saving > 1 else f"{_times(1 / saving)} as many"


def _saving(side: int, saving: float, filters: int, size: int) -> None:
    """What MobileNet saves, where it fades."""
    st.header("MobileNet's saving, and where it fades", anchor=False)
    left, right = st.columns([3, 2])
    plot(
        figures.saving_curves(filters, size),
        "channels_costs_saving",
        f"With {count(filters, 'filter')} of {size} × {size} the separable layer takes {_fewer(saving)} multiply-adds; "
        "the fewer filters, the less it saves.",
        left,
    )
    with right:
        formula(r"\frac{k^2 C_{in} + C_{in} C_{out}}{k^2 C_{in} C_{out}} = \frac1{C_{out}} + \frac1{k^2}")
        share = rf"\frac1{{{filters}}} + \frac1{{{size**2}}} = {1 / saving:.4f}"
        st.markdown(rf"$\displaystyle {share}$: **{_fewer(saving)}** multiply-adds.")
        st.markdown(_where_it_fades(side, filters, size))
        st.caption(
            "Howard et al. 2017, arXiv:1704.04861, section 3.1: 8 to 9 times with 3 × 3 kernels"
            f"{receipt('separable-saving')}."
        )


def _where_it_fades(side: int, filters: int, size: int) -> str:
    cells, eight = cells_on_map(side, size), next(n for n in range(1, 200) if separable_saving(n, 9) >= 8)
    few = [f"{n}: {separable_saving(n, 9):.2f}×" for n in (4, 16, 64)]
    words = (
        f"With 3 × 3 the saving reaches 8× from {eight} filters on, and never 9×. With few filters it fades "
        f"({', '.join(few)}); the channels in do not matter. "
    )
    if size == 1:
        return words + "A 1 × 1 kernel has no neighbours to separate: the depthwise part only comes on top."
    if cells < 0.8 * size**2:
        words += (
            f"On a map of {dimensions(side, side)} only {cells:.3g} of the {size**2} cells lie on the map on average, "
            f"the others on padding. Products that count are **{_fewer(separable_saving(filters, cells))}**. "
        )
    return words + "No more than k² can be saved: what is left is the 1×1 part."


# Measured ------------------------------------------------------------------------------------------------------------


def _measured(shapes: Shapes, named: Sequence[Variant]) -> None:
    """Time the variants in the worker: when the view is opened, and whenever the reader asks."""
    st.header("Measured on this machine", anchor=False)
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
    times: list[LayerTime] | None = answered("layer_times", *shapes, words="Measuring…")
    if times is None:
        st.button("Try again", key="channels_costs_retry", icon=":material/refresh:")
        return
    separable = times[3].median / times[0].median
    plot(
        figures.time_bars(named, times),
        "channels_costs_times",
        f"The separable layer takes {separable:.0%} of the full one's time on this machine.",
    )
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
        "Measure again",
        key="channels_costs_again",
        icon=":material/refresh:",
        on_click=forget,
        args=("layer_times", *shapes),
    )


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
            f"{_fewer(full.cost.macs / worst.cost.macs)} MACs it is {_times(reference.median / taken.median)} as "
            f"fast. It does {worst.macs_per_number:.3g} MACs for each number it reads or writes, the full convolution "
            f"{full.macs_per_number:.3g}; and of its {taken.median:.2f} ms the mere call takes {taken.overhead:.2f} ms."
        )
    return " ".join(words)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
