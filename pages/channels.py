"""Channels, stride, padding, parameters, receptive field: exact arithmetic, and what is measured beside it."""

import streamlit as st

from cnn_core.pictures.bundled import BUNDLED
from ui.lessons import costs, effective, fields, layers, own_model, rhythm, strides
from ui.picture import OWN, adopt_own, choose_picture
from ui.teaching import challenges, check_link, glossary, one_of

VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {  # as in the link: title, terms
    "Layer": ("A layer as a tensor", ("kernel", "channel", "feature map")),
    "Stride": ("Stride and padding", ("stride", "padding", "dilation")),
    "Cost": ("Cheaper convolutions", ("MAC", "1×1 convolution", "depthwise separable", "bottleneck")),
    "Rhythm": ("The rhythm: small and deep", ("channel", "MAC")),
    "Field": ("Receptive-field calculator", ("receptive field", "effective stride", "effective padding")),
    "Effective": ("What a unit really listens to", ("receptive field", "effective receptive field")),
    "Yours": ("Your own model", ("receptive field", "MAC")),
}

adopt_own()
check_link(
    {
        "picture": one_of(*BUNDLED, OWN),
        "channels_view": one_of(*VIEWS),
        **layers.LINK,
        **strides.LINK,
        **costs.LINK,
        **rhythm.LINK,
        **fields.LINK,
        **effective.LINK,
        **own_model.LINK,
    }
)

st.title("Channels, stride and what a unit sees")
st.markdown(
    "How many numbers a layer holds, how many it multiplies, how large its map is and which pixels each unit can see: "
    "whole numbers, shown with their working, for any layer and any network."
)
view = st.segmented_control(
    "View",
    list(VIEWS),
    default="Layer",
    key="channels_view",
    label_visibility="collapsed",
    bind="query-params",
    persist_state="session",
    required=True,
    wrap=True,
)
title, terms = VIEWS[view]
st.header(title, divider="gray")
glossary(*terms)
picture = choose_picture() if view in ("Layer", "Field", "Effective") else None
done = dict.fromkeys(VIEWS, False)
if view == "Layer" and picture:
    done[view] = layers.tensor(picture)
elif view == "Stride":
    done[view] = strides.strides()
elif view == "Cost":
    done[view] = costs.costs()
elif view == "Rhythm":
    rhythm.rhythm()
elif view == "Field" and picture:
    done[view] = fields.calculator(picture)
elif view == "Effective" and picture:
    done[view] = effective.effective(picture)
else:
    done[view] = own_model.own_model()

challenges(
    "channels",
    [
        ("Build the layer of 590,080 parameters.", done["Layer"]),
        ("Find a stride that leaves part of the input unread.", done["Stride"]),
        ("Find a layer for which the separable convolution saves less than 4×.", done["Cost"]),
        ("Build a stack whose units see the whole picture.", done["Field"]),
        (
            "Find a layer that, trained or at random, listens to less than a tenth of what it could see.",
            done["Effective"],
        ),
        ("Read a model of your own.", done["Yours"]),
    ],
)
