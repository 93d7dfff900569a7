"""The front door: a first look at one's own picture through a network's eyes, and where to go on."""

import streamlit as st

from ui.home.answer import answer
from ui.home.ways import ways
from ui.shared.picture import chosen, notes, the_picture
from ui.shared.picture_dialog import drop_picture
from ui.shared.text import plain

st.title("Drop a photo. See what each layer makes of it.", anchor=False)
st.markdown("A real network, trained on 1.3 million pictures, looks at yours.")
picture, title = the_picture(), chosen().title
left, right = st.container(key="front").columns([3, 4], gap="medium")
with left:
    st.image(picture.pixels, caption=plain(title), alt=title, width="stretch")
    notes(picture)
with right:
    answer(picture)
    if drop_picture("home_picture"):
        st.rerun()
ways()
