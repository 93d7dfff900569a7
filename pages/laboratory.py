"""The transfer laboratory: studies of the reader's own pictures, with error bars."""

import streamlit as st

from ui.lab import backbones as backbones_view
from ui.lab import depth as depth_view
from ui.lab import kept as kept_view
from ui.lab import recipes as recipes_view
from ui.lab import sabotage as sabotage_view
from ui.lab import size as size_view
from ui.lab.runs import VIEW_OF, kind_of_link
from ui.session import Album
from ui.teaching import check_link, one_of

VIEWS = {  # as in the link: the question
    "Depth": "How deep do the features transfer?",
    "Pictures": "How many pictures do I need?",
    "Recipes": "How should I fine-tune?",
    "Preprocessing": "What does wrong preprocessing cost?",
    "Backbones": "Which network should I take?",
    "Data": "Which pictures hurt?",
    "Augmentation": "What does augmentation do?",
    "Runs": "All my runs",
}

check_link({"laboratory_view": one_of(*VIEWS), **backbones_view.LINK, **kept_view.LINK})
album = Album.current()
linked = VIEW_OF.get(kind_of_link())
if "laboratory_view" not in st.query_params and (linked or "laboratory_view" not in st.session_state):
    st.session_state.laboratory_view = linked or "Depth"
if not album.is_sample and not {"set", "run"} & set(st.query_params):
    album.save()  # a reload brings the pictures back

st.title("The transfer laboratory")
st.markdown(
    "What to freeze, how deep, with how many pictures, at which rate, and what goes wrong: on **your pictures**, "
    "the same divisions for every arm, so that differences are paired and have error bars."
)
view = st.segmented_control(
    "View",
    list(VIEWS),
    key="laboratory_view",
    wrap=True,
    required=True,
    bind="query-params",
    persist_state="session",
    label_visibility="collapsed",
)
assert view is not None  # required, and set above where no link names one
st.header(VIEWS[view], divider="gray")
if view == "Depth":
    depth_view.depth(album)
elif view == "Pictures":
    size_view.size(album)
elif view == "Recipes":
    recipes_view.recipes(album)
elif view == "Preprocessing":
    sabotage_view.sabotage(album)
elif view == "Backbones":
    backbones_view.backbones(album)
elif view == "Data":
    from ui.lab.data import data

    data(album)
elif view == "Augmentation":
    from ui.lab.augmentation import augmentation

    augmentation(album)
else:
    kept_view.kept()
