"""An app with one of each thing that `benchmarks/wire.py` speaks with."""

import streamlit as st


def first() -> None:
    st.markdown(f"visitor {st.context.cookies.get('_streamlit_xsrf', 'nobody')[:2]}")
    value = st.slider("Size", 0, 10, 5, key="size", bind="query-params")
    st.markdown(f"size {value}, link {st.query_params.to_dict()}")
    st.markdown("long " * 5000)
    kind = st.segmented_control("Kind", ["max", "mean"], default="max")
    st.markdown(f"kind {kind}")
    for file in st.file_uploader("Files", accept_multiple_files=True):
        st.markdown(f"{file.name} has {len(file.getvalue())} bytes")
    if st.button("Fail"):
        raise RuntimeError("as it was asked to")
    if st.button("Refuse"):
        st.error("No.")
    if st.button("Again"):
        st.rerun()
    part()


@st.fragment
def part() -> None:
    st.session_state.drawn = st.session_state.get("drawn", 0) + 1
    st.markdown(f"part {st.session_state.drawn}, {st.toggle('Turn')}")


@st.fragment(run_every=0.05)
def clock() -> None:
    st.session_state.ticks = st.session_state.get("ticks", 0) + 1
    st.markdown(f"tick {st.session_state.ticks}")


pages = [
    st.Page(first, title="First", url_path="", default=True),
    st.Page(clock, title="Clock", url_path="clock"),
]
st.navigation(pages).run()
