"""Gather, train, try: the three columns before a run."""

import streamlit as st

from ui.shared.session import Album, visitor
from ui.shared.sets import set_bar
from ui.transfer.cards import cards
from ui.transfer.earlier import earlier
from ui.transfer.example import awaits, example
from ui.transfer.pictures_in import add_pictures
from ui.transfer.train import train

FEW = 3  # classes whose cards a keyboard goes through without a way past them


def build(trouble: str = "") -> None:
    """Let the reader gather pictures and start a run.

    Args:
        trouble: To be said first, if anything.
    """
    with st.container(key="teach_title"):
        st.title("Teach a network your own categories", anchor=False)
        st.markdown(
            "Frozen against fine-tuned: one keeps what it has learnt, one adapts it. Which is right more often?"
        )
    if trouble:
        st.error(trouble)
    album = Album.current()
    # What comes and goes has a place from the first: else a camera below would be built anew, and closed by that.
    with st.container(key="teach_skip"):
        if len(album.classes) > FEW or not album.is_sample:
            st.html('<a class="skip" href="#training">Skip the pictures, go to training</a>')
    gathered, trained, tried = st.columns([4, 3, 4], gap="medium")
    with gathered:
        st.header("Gather", anchor=False)
        with st.container():
            if not album.is_sample or album.past or visitor().sets:  # else there is nothing to switch or to take back
                set_bar(album)
        add_pictures(album)
        lacking = cards(album)
    with trained, st.container(key="controls"):
        st.html('<span id="training"></span>')
        st.header("Train", anchor=False)
        train(album, lacking)
    with tried:
        with st.container(key="try_title"):
            st.header("Try", anchor=False)
        earlier()
        example()
        awaits()
