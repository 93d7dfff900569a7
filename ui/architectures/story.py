"""The history as a story: an idea a card, with the network that brought it and what it makes of one's own picture."""

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.engine.errors import EngineError
from cnn_core.figures.mosaic import sheet
from cnn_core.networks import atlas
from cnn_core.networks.loaded import at_hand
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoo.pairing import error_of
from cnn_core.networks.zoo.records import Result
from cnn_core.networks.zoom.source import by_table
from cnn_core.receipts.networks import counts_key, result_key
from ui.architectures.history import EVENTS, IDEAS
from ui.architectures.record import apart, published_error, short
from ui.shared.charts import palette
from ui.shared.picture import the_picture
from ui.shared.receipts import marked, receipt
from ui.shared.text import dimensions, plain
from ui.zoom import sheets
from ui.zoom.place import go
from ui.zoom.scenes import vivid

_SHARES = (4, 3)  # of a card's width: words, and what is seen
_MAPS, _ACROSS = 18, 6  # of the last stage
_COSTS = {"parameters": "trainable_params", "multiply-adds": "macs"}


def story(idea: str, which: str, results: Mapping[str, Result]) -> None:
    """Tell the ideas in order.

    Args:
        idea: The only one to be told; empty for all.
        which: `"top-1"` or `"top-5"`.
        results: The published error of each network that has one, measured alike; where there is none, one that was
            measured otherwise is said to be so.
    """
    st.html(Path(__file__).with_suffix(".css"))
    beside = {}
    for name, (key, sentence) in IDEAS.items():
        if idea not in ("", name):
            continue
        with st.container(border=True, key=f"story_card_{_slug(name)}"):
            head, costs = st.columns(_SHARES, vertical_alignment="center")
            record = ARCHITECTURES[key]
            head.markdown(f"## {record.year} · {name.capitalize()}")
            costs.html(_costs(key))
            left, beside[name] = st.columns(_SHARES)
            with left:
                _told(key, sentence, which, results.get(key) or published_error(record, which, "as-published"))
    for name, place in beside.items():  # last: the words need not wait for them
        with place:
            _seen_by(name, IDEAS[name][0])


def events() -> None:
    """Name what is numbered in the figure."""
    with st.expander("Numbered in the figure: history, not computed"):
        st.markdown("\n".join(f"{number}. {year}: {text}" for number, (year, text) in enumerate(EVENTS, 1)))
        st.caption(
            "Before the axis: the neocognitron, local receptive fields in stages. Fukushima 1980, "
            "doi:10.1007/BF00344251."
        )


def network_at_hand(idea: str) -> str:
    """Return a network of an idea whose trained weights are on this machine, the one that brought it if it can be.

    Returns:
        Its key; empty if there is none.

    Example:
        >>> network_at_hand("compound scaling"), network_at_hand("control")
        ('efficientnet_lite0', '')
    """
    alike = [IDEAS[idea][0], *(key for key, record in ARCHITECTURES.items() if record.idea == idea)]
    return next(filter(at_hand, alike), "")


def _slug(idea: str) -> str:
    return idea.replace(" ", "_")


def _told(key: str, sentence: str, which: str, result: Result | None) -> None:
    record = ARCHITECTURES[key]
    st.markdown(
        marked(f"**{plain(record.title)}.** {sentence}\n\n**What it put right.** {plain(record.fixed)}\n\n")
        + _published(key, which, result)
    )


def _costs(key: str) -> str:
    """What it costs, as bars beside the dearest of the story."""
    facts, rows = atlas.read()["architectures"], []
    for title, field in _COSTS.items():
        most = max(facts[each][field] for each, _ in IDEAS.values())
        bar = f'<i style="width: {100 * facts[key][field] / most:.1f}%"></i>'
        rows.append(f"<tr><th>{title}</th><td>{bar}</td><td>{html(short(facts[key][field]))}</td></tr>")
    return f'<table class="costs"><caption>{html(ARCHITECTURES[key].title)}</caption>{"".join(rows)}</table>'


def _published(key: str, which: str, result: Result | None) -> str:
    """Its number, and where that and its parameters are from."""
    parameters = f"{short(atlas.read()['architectures'][key]['trainable_params'])} parameters"
    parameters += receipt(counts_key(key, 0))
    if result is None:
        return f"{parameters}; no {which} error of it on ImageNet was published."
    error = f"**{error_of(result, which):.1f}%** {which} error on ImageNet{receipt(result_key(key, result, which))}"
    why = apart(result, "multiply-adds")
    return f"{error}, {parameters}" + (f" ({plain(why)})." if why else ".")


# What it makes of the reader's picture -------------------------------------------------------------------------------


def _seen_by(idea: str, brought: str) -> None:
    """Show the last maps of a network of the idea, where its weights are trained, and the ways on."""
    key = network_at_hand(idea)
    asked: set[str] = st.session_state.setdefault("story_asked", set())
    if not key:
        st.caption("Random weights here: its maps of your picture would be chance.")
    elif by_table(key) or key in asked:
        _maps(key, brought)
    else:  # it has to be built, and TensorFlow loaded
        label = f"See what {ARCHITECTURES[key].title} makes of your picture"
        st.button(label, key=f"story_ask_{key}", on_click=asked.add, args=(key,))
    with st.container(horizontal=True, gap="small"):
        title = ARCHITECTURES[key or brought].title
        if _way(f"Walk into {title}", f"story_walk_{_slug(idea)}", _walk, key or brought):
            st.rerun()  # the whole page: it has another step now
        _way("In the figure", f"story_find_{_slug(idea)}", _find, brought)


def _maps(key: str, brought: str) -> None:
    try:
        with st.spinner("Asking the network…"):
            plan = sheets.plan(key)
            found = sheets.strip(plan, the_picture())
    except (EngineError, ValueError) as trouble:
        st.caption(plain(str(trouble)))
        return
    who = ARCHITECTURES[key].title + ("" if key == brought else ", of the same idea")
    if not plan.pretrained:  # the worker is another machine, and has not got them
        st.caption(f"{plain(who)}: {plain(plan.weights)}.")
        return
    last = found.stages[-1]
    height, width, _ = last.shape
    said = f"It says {found.top[0]['label']}, {found.top[0]['probability']:.1%}." if found.top else ""
    drawn = f"{len(last.channels[:_MAPS])} of its last maps of your picture, {dimensions(height, width)} each"
    caption = f"{who}: {drawn}. {said}"
    picture = sheet(vivid(last.coded.codes[:_MAPS]), _ACROSS, palette=palette()).png
    st.image(picture, caption=plain(caption.strip()), alt=caption.strip(), width="stretch")


def _way(label: str, key: str, go_there: Callable[[str], None], network: str) -> bool:
    return bool(st.button(label, key=key, type="tertiary", on_click=go_there, args=(network,)))


def _walk(key: str) -> None:
    """Go to the step in which one walks through a network."""
    st.session_state.architectures_view, st.session_state.architectures_network = "Picture", key
    go("")


def _find(key: str) -> None:
    st.session_state.architectures_one = key
