"""Architectures from LeNet to ViT as real networks: their numbers, their insides, the experiments that decided."""

import streamlit as st

from cnn_core.pictures.bundled import BUNDLED
from ui.lessons import compare, degradation, inductive_bias, inside, lenet, through, timeline
from ui.picture import OWN, adopt_own, choose_picture
from ui.teaching import challenges, check_link, glossary, one_of

VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {  # as in the link: title, terms
    "Timeline": ("One idea after the other", ("MAC", "residual", "depthwise separable", "attention")),
    "Inside": ("Inside one", ("MAC", "receptive field", "bottleneck", "residual")),
    "Picture": ("Your picture through it", ("feature map", "Grad-CAM", "receptive field")),
    "Compare": ("Two side by side", ("MAC", "receptive field")),
    "Degradation": ("Why depth alone failed", ("residual", "degradation")),
    "LeNet": ("LeNet-5, trained here", ("kernel", "feature map", "pooling")),
    "Prior": ("What the convolution's prior is worth", ("inductive bias", "attention")),
}

adopt_own()
check_link(
    {
        "picture": one_of(*BUNDLED, OWN),
        "architectures_view": one_of(*VIEWS),
        **timeline.LINK,
        **inside.LINK,
        **through.LINK,
        **compare.LINK,
        **degradation.LINK,
        **lenet.LINK,
        **inductive_bias.LINK,
    }
)

st.title("Architectures, from LeNet to ViT")
st.markdown(
    "Each is built as its paper says and counted to the last parameter. Look inside, put your picture through, and run "
    "the experiments that decided what came next."
)
view = st.segmented_control(
    "View",
    list(VIEWS),
    default="Timeline",
    key="architectures_view",
    wrap=True,
    required=True,
    bind="query-params",
    persist_state="session",
    label_visibility="collapsed",
)
title, terms = VIEWS[view]
st.header(title, divider="gray")
glossary(*terms)
picture = choose_picture() if view in ("Picture", "Compare") else None
done = dict.fromkeys(VIEWS, False)
if view == "Timeline":
    done[view] = timeline.timeline()
elif view == "Inside":
    done[view] = inside.inside()
elif view == "Picture" and picture:
    done[view] = through.through(picture)
elif view == "Compare" and picture:
    done[view] = compare.compare(picture)
elif view == "Degradation":
    done[view] = degradation.degradation()
elif view == "LeNet":
    done[view] = lenet.lenet()
else:
    done[view] = inductive_bias.inductive_bias()

challenges(
    "architectures",
    [
        ("Find the network in which each parameter takes part in the most multiply-adds.", done["Timeline"]),
        ("Open AlexNet and choose the layer that holds most parameters.", done["Inside"]),
        ("Find a unit that is the strongest of its channel and lies where Grad-CAM is strongest.", done["Picture"]),
        ("Find two networks, one with at most a tenth of the other's parameters and fewer errors.", done["Compare"]),
        ("Run the degradation experiment here at settings of your own, until it has a verdict.", done["Degradation"]),
        ("Train LeNet-5 here, then draw a digit it cannot decide on: two at 30 % or more each.", done["LeNet"]),
        ("Mark the number of pictures at which shuffling costs the convnet most of its lead.", done["Prior"]),
    ],
)
