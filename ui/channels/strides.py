"""Stride and padding: windows over a line and a square of cells, and the arithmetic of their number."""

from dataclasses import replace
from functools import partial

import streamlit as st

from cnn_core.arithmetic.coverage import CASES, Setting, Sweep, least_extra
from cnn_core.arithmetic.geometry import output_size, padding_amounts, paddings_for
from ui.shared.controls import cell, pick, put_aside, segments, switch, whole
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, formula, plain
from ui.widgets.window_player.window_player import window_player

FREE = "free"
DIMENSIONS = {"1D": "A line", "2D": "A square"}
PADDINGS = {
    "valid": "None (valid)",
    "same": "Keep the size (same)",
    "half": "Half a kernel",
    "full": "As much as fits (full)",
    "explicit": "My own",
}
TITLES = {  # of the guide's cases, which have the guide's names in a link
    "no_padding_no_strides": "No padding, every place",
    "arbitrary_padding_no_strides": "Two cells of padding on each side",
    "same_padding_no_strides": "Half padding: the size stays",
    "full_padding_no_strides": "Full padding: the map grows",
    "no_padding_strides": "Every second place",
    "padding_strides": "Every second place, padded",
    "padding_strides_odd": "Every second place, padded, and one column left over",
    "no_padding_no_strides_transposed": "Transposed: no padding, every place",
    "arbitrary_padding_no_strides_transposed": "Transposed: two cells of padding",
    "same_padding_no_strides_transposed": "Transposed: half padding",
    "full_padding_no_strides_transposed": "Transposed: full padding",
    "no_padding_strides_transposed": "Transposed: every second place",
    "padding_strides_transposed": "Transposed: every second place, padded",
    "padding_strides_odd_transposed": "Transposed: padded, with one cell more",
    "dilation": "A kernel with gaps (dilation)",
    FREE: "My own settings",
}
_START = CASES["no_padding_no_strides"]
_LIMITS = {  # control: smallest, largest
    "input_size": (1, 16),
    "kernel_size": (1, 7),
    "stride": (1, 4),
    "dilation": (1, 3),
    "before": (0, 18),
    "after": (0, 18),
    "extra": (0, 3),
}
_LABELS = {
    "input_size": "Input size: cells a side",
    "kernel_size": "Kernel size k",
    "stride": "Stride s: how far the window jumps",
    "dilation": "Dilation d: distance between its cells",
    "before": "Padding before",
    "after": "Padding after",
    "extra": "Extra cells a",
}


def strides(room: Room) -> bool:
    """Show windows over an input. True if the reader has found a setting in which some input cell is never read."""
    if st.session_state.pop(_key("contradicted"), False):
        _freed()
    with room.side:
        case = pick("An example of the guide", TITLES, "no_padding_no_strides", _key("case"))
        flat = segments("Windows over", DIMENSIONS, "1D", _key("dimensions")) == "1D"
    setting = _setting(CASES.get(case), room)
    if case != FREE and setting != CASES[case]:  # at the first run the link prevails over what the case puts in
        st.session_state[_key("contradicted")] = True
        st.rerun()
    try:
        sweep = setting.sweep()
    except ValueError as refusal:
        room.stage.error(plain(str(refusal)))
        return False
    with room.stage:
        outputs = (1 if flat else len(sweep.windows), len(sweep.windows))
        window_player(
            sweep,
            _key("player"),
            dimensions=1 if flat else 2,
            at=cell(_key("at"), outputs),
            on_move=partial(put_aside, _key("at")),
        )
        _arithmetic(setting, sweep)
    with room.why:
        told(
            "Can a network miss a pixel? Yes: where the [[stride]] jumps further than the window is wide, and at the "
            "end, where the last window stops before the border. [[padding|Padding]] lays cells round the input so "
            "that windows fit there too; [[dilation]] pulls the kernel's cells apart. Here:"
        )
        for sentence in (*_said_of_padding(setting, flat), *_said_of_reads(sweep, flat)):
            st.markdown(f"- {sentence}")
        with st.container(border=True):
            _inverse(setting, sweep)
        st.caption(
            "Examples, sizes and formulas: Dumoulin & Visin 2016, arXiv:1603.07285, chapters 2, 4 and 5. Change a "
            "control and the settings are your own."
        )
    return bool(sweep.unread)


def _key(name: str) -> str:
    return f"channels_window_{name}"


def _freed() -> None:
    """The case no longer holds: what it had put into the controls goes into the link."""
    st.session_state[_key("case")] = FREE
    for name in ("padding", "transposed", *_LIMITS):  # only what is set while a control is on the page reaches the link
        st.session_state[_key(name)] = st.session_state[_key(name)]


def _put(name: str, value: object, always: bool) -> None:
    """Set a control before it is made; if not always, only where neither the reader nor the link has."""
    if always or (_key(name) not in st.session_state and _key(name) not in st.query_params):
        st.session_state[_key(name)] = value


def _number(name: str, why_not: str = "") -> int:
    low, high = _LIMITS[name]
    label = f"{_LABELS[name]} ({why_not})" if why_not else _LABELS[name]
    return whole(label, low, high, low, _key(name), disabled=bool(why_not), on_change=_freed)


def _setting(case: Setting | None, room: Room) -> Setting:
    """Show the controls, filled by the case if there is one."""
    start = case or _START
    named = "explicit" if isinstance(start.padding, tuple) else start.padding
    sizes = {
        "input_size": start.input_size,
        "kernel_size": start.kernel_size,
        "stride": start.stride,
        "dilation": start.dilation,
        "extra": start.extra,
    }
    for name, value in {**sizes, "padding": named, "transposed": start.transposed}.items():
        _put(name, value, always=case is not None)
    with room.side:
        stride = _number("stride")
        padding = segments("Padding: cells laid round the input", PADDINGS, "valid", _key("padding"), on_change=_freed)
    with room.more("Sizes, gaps, transposed"):
        size, kernel_size, dilation = _number("input_size"), _number("kernel_size"), _number("dilation")
        transposed = switch("Transposed: from the map back to the input", False, _key("transposed"), on_change=_freed)
        explicit = padding == "explicit"
        given = case.padding if case and explicit else None
        setting = Setting(size, kernel_size, stride, "valid" if explicit else padding, dilation, transposed)
        sides = given if isinstance(given, tuple) else setting.sides
        for name, value in zip(("before", "after"), sides, strict=True):
            _put(name, value, always=case is not None or not explicit)
        growing = transposed and padding != "same" and stride > 1
        least = least_extra(setting.window) if not explicit else 0
        given_extra = max(st.session_state.get(_key("extra"), 0), least)
        _put("extra", min(given_extra, stride - 1) if growing else 0, always=True)
        by_name = "" if explicit else "of *My own* padding"
        chosen = (_number("before", by_name), _number("after", by_name))
        extra = _number("extra", "" if growing else "of a transposed convolution with a stride")
    return Setting(size, kernel_size, stride, chosen if explicit else padding, dilation, transposed, extra)


# What the numbers are ------------------------------------------------------------------------------------------------


def _arithmetic(setting: Setting, sweep: Sweep) -> None:
    """The formula, and the same with numbers put in."""
    window, (before, after), outputs = setting.window, setting.sides, len(sweep.windows)
    n, k, s, span = setting.input_size, window.kernel_size, window.stride, window.span
    if window.dilation > 1:
        formula(rf"k_e = k + (k - 1)(d - 1) = {k} + {k - 1} \cdot {window.dilation - 1} = {span}")
    effective = "k_e" if window.dilation > 1 else "k"
    if setting.transposed:
        extra = outputs - (s * (n - 1) + span - before - after)
        formula(rf"o' = s\,(i' - 1) + {effective} - p_b - p_a + a")
        formula(rf"\phantom{{o'}} = {s} \cdot {n - 1} + {span} - {before} - {after} + {extra} = \mathbf{{{outputs}}}")
        return
    formula(rf"o = \left\lfloor \frac{{n + p_b + p_a - {effective}}}{{s}} \right\rfloor + 1")
    formula(
        rf"\phantom{{o}} = \left\lfloor \frac{{{n} + {before} + {after} - {span}}}{{{s}}} \right\rfloor + 1 "
        rf"= \mathbf{{{outputs}}}"
    )
    if window.padding == "same":
        formula(
            rf"\phantom{{o}} = \left\lceil \frac{{n}}{{s}} \right\rceil = \left\lceil \frac{{{n}}}{{{s}}} "
            rf"\right\rceil = \mathbf{{{outputs}}}\quad\text{{(same)}}"
        )


def _said_of_padding(setting: Setting, flat: bool) -> list[str]:
    """Where padding stands, and why."""
    (before, after), window, said = setting.sides, setting.window, []
    first, last = ("left", "right") if flat else ("left and above", "right and below")
    if window.padding == "same":
        odd = f" The odd cell goes after, to the **{'right' if flat else 'right and the bottom'}**, as in Keras." * (
            after > before
        )
        said.append(f"*same* needs {count(before + after, 'cell')} of padding: {before} {first}, {after} {last}.{odd}")
    elif setting.padding in ("half", "full"):
        rule = "⌊k/2⌋" if setting.padding == "half" else "k − 1"
        wider = ", with the span of the dilated kernel for k" if window.dilation > 1 else ""
        even = " With an odd k and stride 1 the size stays." if setting.padding == "half" else ""
        said.append(f"*{setting.padding}* is {rule} = {before} on each side{wider}.{even}")
    if setting.transposed:
        stretched, inner = window.stride * (setting.input_size - 1) + 1, window.span - 1
        said.append(
            "Drawn is the direct convolution that equals it: "
            + (f"{window.stride - 1} × 0 between two cells stretches the input to {stretched}, " * (window.stride > 1))
            + f"padding is k − 1 − p = {inner - before} before and {inner - after} after"
            + (f" + a = {setting.extra}" if setting.extra else "")
            + ", the kernel is turned by 180° and moves by 1."
        )
    return said


def _said_of_reads(sweep: Sweep, flat: bool) -> list[str]:
    """How often cells are read, and which never are."""
    power, reads, unread, tail = 1 if flat else 2, sweep.input_reads, len(sweep.unread), sweep.tail
    cells, least, most = len(reads), min(reads), max(reads)
    if least == most:
        said = [f"Each input cell is read {count(most**power, 'time')}."]
    else:
        peak = reads.index(most)
        hill = (
            list(reads) == [*sorted(reads[:peak]), *sorted(reads[peak:], reverse=True)]
            and max(reads[0], reads[-1]) < most
        )
        said = [
            f"Input cells are read {least**power} to {count(most**power, 'time')}, "
            f"{'borders less' if hill else 'unevenly'}."
        ]
    if tail:
        where = f"{count(tail, 'cell')} on the right {_are(tail)} never read"
        if not flat:
            where = f"{count(tail, 'column')} on the right and {count(tail, 'row')} at the bottom are never read"
        said.append(f"**{where}**: the stride does not fit, and the last window ends before.")
    if between := unread - tail:
        what = count(between, "cell") if flat else f"{count(between, 'column')} and {count(between, 'row')}"
        said.append(f"**{what} between the windows' cells {_are(between * power)} never read.**")
    if unread and not flat:
        said.append(f"That makes {cells**2 - (cells - unread) ** 2} of {cells**2} cells.")
    if sweep.unread_padding:
        lost = sweep.unread_padding
        said.append(f"{count(lost, 'cell')} of padding {_are(lost)} never read{'' if flat else ', along each axis'}.")
    return said


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _inverse(setting: Setting, sweep: Sweep) -> None:
    """Which paddings give a wanted size; of a transposed convolution, which sizes it stands for."""
    window, n, outputs = setting.window, setting.input_size, len(sweep.windows)
    if setting.transposed:
        near = range(max(1, outputs - window.stride + 1), outputs + window.stride)
        fitting = (size for size in near if size + sum(padding_amounts(size, window)) >= window.span)
        sizes = [size for size in fitting if output_size(size, window) == n]
        st.markdown("**Asked backwards**")
        st.markdown(
            f"This convolution, not transposed, makes {n} of an input of {' or '.join(map(str, sizes))}. "
            + (f"{'*same* always takes' if window.padding == 'same' else 'The extra $a$ takes'} {outputs}.")
        )
        return
    st.markdown("**Asked backwards: which padding gives a wanted size?**")
    _put("wanted", outputs, always=False)
    wanted = whole("Wanted output size", 1, 64, 1, _key("wanted"), width=180)
    found = paddings_for(n, wanted, window.kernel_size, window.stride, window.dilation)
    if found:
        pairs = " or ".join(f"**{before} + {after}**" for before, after in found)
        st.markdown(
            f"Before + after: {pairs}." + f" Any other split of the sum gives {wanted} too." * any(map(sum, found))
        )
    else:
        bare = output_size(n, replace(window, padding="valid"))
        st.markdown(f"None: even without padding the output is {bare}. Raise the stride, or take a larger kernel.")
    if window.padding == "same":
        st.caption(f"*same* takes {' + '.join(map(str, setting.sides))}.")
