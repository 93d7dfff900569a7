"""Pooling: what it keeps, what it throws away, and what a shift does to the rest."""

from typing import Any

import streamlit as st

from ui.pooling import head as pooling_head
from ui.pooling import views
from ui.shared.picture import grey, the_picture
from ui.shared.teaching import challenges, check_link, glossary, one_of
from ui.shared.text import formula

VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {  # as in the link: title, terms
    "Steps": ("Step by step", ("pooling", "stride", "padding")),
    "Shift": ("What a shift changes", ("equivariance", "invariance", "aliasing", "logit")),
    "EQ-N2.2": ("The chapter's example", ("feature map", "invariance")),
    "Cost": ("What it costs", ("unpooling",)),
    "Head": ("Global average pooling as the head", ("global average pooling", "class activation map", "logit")),
    "Stride": ("Pool, or stride?", ("stride", "kernel")),
}
WINDOWS, STRIDES, PADDINGS = (2, 3, 4), ("window", "1", "2", "3", "4"), ("valid", "same")

check_link(
    {
        "pooling_view": one_of(*VIEWS),
        "pooling_kind": one_of(*views.KINDS),
        "pooling_window": one_of(*WINDOWS),
        "pooling_stride": one_of(*STRIDES),
        "pooling_padding": one_of(*PADDINGS),
        "pooling_shift": one_of(*range(9)),
        "pooling_axis": one_of(*views.AXES),
        "pooling_direction": one_of(*views.DIRECTIONS),
        "pooling_size": one_of(1, 2, 3),
        "pooling_row": one_of(*range(12)),
        "pooling_column": one_of(*range(12)),
        "pooling_map": one_of(*range(1, 33)),
        "pooling_channels": one_of(*range(1, 4097)),
        "pooling_classes": one_of(*range(2, 20001)),
        "pooling_width": one_of(*views.CHANNELS),
        "pooling_filter": one_of(*views.FILTERS),
    }
)

st.title("Pooling")
st.markdown(
    "A window slides over the map and writes one number for all it sees: fewer cells, no weights. What that hides, "
    "and what it loses, is measured here on your picture."
)
picture = the_picture()
image = grey(picture)

left, right = st.columns([1, 1])
with left:
    options: dict[str, Any] = {"bind": "query-params", "persist_state": "session", "required": True, "wrap": True}
    kind = st.segmented_control("Pooling", list(views.KINDS), default="max", key="pooling_kind", **options)
    whole = kind.startswith("global")
    options["disabled"] = whole
    with st.container(horizontal=True):
        window = st.segmented_control("Window", WINDOWS, default=2, key="pooling_window", **options)
        stride = st.segmented_control("Stride", STRIDES, default="window", key="pooling_stride", **options)
        padding = st.segmented_control("Padding", PADDINGS, default="valid", key="pooling_padding", **options)
settings = views.Settings(kind, window, window if stride == "window" else int(stride), padding)
with right:
    formula(views.KINDS[kind])
    try:
        pooled = settings.apply(image)
    except ValueError as refusal:
        st.error(f"{refusal}")
        st.stop()
    st.markdown(
        f"{image.shape[0]} × {image.shape[1]} become **{pooled.shape[0]} × {pooled.shape[1]}**"
        + (": one window, the whole picture." if whole else f": window $k = {window}$, stride $s = {settings.stride}$.")
        + " Nothing here is learnt."
    )

view = st.segmented_control(
    "View",
    list(VIEWS),
    default="Steps",
    key="pooling_view",
    label_visibility="collapsed",
    **options | {"disabled": False},
)
title, terms = VIEWS[view]
st.header(title, divider="gray")
glossary(*terms)
if view == "Steps":
    views.steps(image, settings)
elif view == "Shift":
    views.shift(picture, image, settings)
elif view == "EQ-N2.2":
    views.example()
elif view == "Cost":
    views.cost(settings)
elif view == "Head":
    pooling_head.head(picture)
else:
    views.stride(image, settings)

overlap = not whole and window > settings.stride
halved = pooled.shape == tuple(-(-n // 2) for n in image.shape)
challenges(
    "pooling",
    [
        ("Halve the picture with windows that overlap, as AlexNet does.", overlap and halved),
        # The views tick these off themselves: they run alone.
        ("Find a shift that max-pooling of the chapter's map absorbs.", False),
        ("Shift your picture so that every pooling is exactly equivariant, with a stride above 1.", False),
    ],
)
