"""The column that trains: one button, how long it will take, and settings of which none needs changing."""

from collections import Counter

import streamlit as st

from cnn_core.networks.backbones import DEFAULT, backbone
from cnn_core.pictures.items import Item
from cnn_core.training.transfer.live import expected_seconds
from cnn_core.training.transfer.spec import ARM_TITLES, Experiment, Options
from ui.shared.beginning import begin_run
from ui.shared.charts import palette
from ui.shared.session import Album
from ui.shared.text import count, duration, plain
from ui.transfer.settings import changed, settings
from ui.widgets.focus.focus import STARTED

ABOUT = {
    "frozen": "keeps what it has learnt from other photos; only its last layer learns your classes",
    "fine_tuned": "adapts its upper layers to your pictures, too",
    "scratch": "begins with random weights: it has only your pictures",
}


def train(album: Album, trouble: str) -> None:
    """Let the reader start a run.

    Args:
        album: The pictures.
        trouble: Why they cannot be learnt yet, empty if they can.
    """
    go, estimate = st.container(), st.container(key="estimate")
    options, refusal = settings(equal=_equal(album))
    trouble = trouble or refusal
    if (
        go.button(
            "Train and compare",
            type="primary",
            key="transfer_start",
            disabled=bool(trouble),
            icon=":material/play_arrow:",
            width="stretch",
        )
        and options
    ):
        _start(album, options)
    with estimate:
        if trouble:
            st.info(plain(trouble))
        if options:
            st.markdown(_expected(options, album.items))
            for arm in options.arms:
                dot = f'<span style="color:{palette().arms[arm]}">●</span>'
                st.markdown(f"{dot} **{ARM_TITLES[arm]}** {ABOUT[arm]}.", unsafe_allow_html=True)
            if len(options.arms) > 1:
                st.markdown("Which will be right more often? Guess before you press.")


def _equal(album: Album) -> bool:
    """Tell whether all classes have equally many pictures to learn from."""
    learnt = Counter(item.label for item in album.items if item.part != "test")
    return len(set(learnt.values())) < 2


def _expected(options: Options, items: list[Item]) -> str:
    words = f"**About {duration(max(10.0, round(expected_seconds(options, len(items)), -1)))}** on two cores"
    if options.backbone != DEFAULT:
        words += f" with {backbone(DEFAULT).title}; {plain(backbone(options.backbone).title)} takes longer"
    different = changed(options)
    return f"{words}." + (f" Changed: {plain('; '.join(different))}." if different else "")


def _start(album: Album, options: Options) -> None:
    experiment = Experiment(tuple(album.items), options, album.source)
    settings = "; ".join(changed(options))  # what tells it from the run before it
    title = f"{album.title}, {count(len(album.classes), 'class')}{settings and f' ({settings})'}"
    run = begin_run("transfer", experiment.to_json(), title)
    if run is None:
        return
    st.query_params.from_dict({"run": run.id})
    st.session_state[STARTED] = run.id
    st.rerun()
