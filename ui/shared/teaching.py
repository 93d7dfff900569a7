"""What lessons share: words with their meaning, and tasks that the page checks."""

import re
from typing import Any

import streamlit as st

from cnn_core.arithmetic.escaping import html
from ui.shared.progress import before, note

GLOSSARY = {
    "kernel": "The weights that slide over the picture; also called filter. One kernel makes one output map.",
    "feature map": "What a kernel makes of a picture: one number for each position.",
    "stride": "How far the window moves between two positions. Stride 2 halves height and width.",
    "padding": "Cells laid round the picture so that windows fit at its border: *valid* none, *same* so many that "
    "stride 1 keeps the size, *full* as many as let a window touch the picture at all.",
    "dilation": "Distance between two cells of the kernel: 2 leaves a gap of one pixel, and sees further.",
    "cross-correlation": "Sliding a kernel as it is. Deep-learning libraries call it convolution.",
    "convolution": "In mathematics the kernel is turned by 180° first. A learnt kernel just learns turned.",
    "equivariance": "Shift the picture, and the map shifts along: $f(T x) = T f(x)$.",
    "invariance": "Shift the picture, and the answer stays the same: $f(T x) = f(x)$.",
    "pooling": "One number for each window: its largest, its mean, the root of its sum of squares.",
    "global average pooling": "One number for each whole map: its mean. The usual bridge to a classifier.",
    "unpooling": "Spreading a pooled map out again: each value fills its window, or, if the winner's place (its index) "
    "was kept, returns to it.",
    "aliasing": "Detail too fine for the smaller grid turns into something else, and changes with each pixel of shift. "
    "A blur before the stride weakens it; it does not end it.",
    "logit": "A network's number for one class before softmax makes probabilities of them.",
    "class activation map": "How much each place of the last map speaks for one class; its mean plus the bias is the "
    "logit.",
    "channel": "One of the maps that lie behind each other: red, green and blue of a picture, or what each kernel of "
    "the layer before has made.",
    "MAC": "Multiply-add: one multiplication and one addition. 1 MAC = 2 FLOPs; biases are not counted.",
    "1×1 convolution": "A dense layer at each pixel: it mixes channels and looks at no neighbour.",
    "depthwise separable": "Each channel convolved alone (depthwise), then a 1×1 convolution that mixes channels.",
    "bottleneck": "A 1×1 convolution to fewer channels, the expensive kernel there, and a 1×1 back.",
    "receptive field": "The pixels that can change a neuron at all: arithmetic on kernel sizes and strides, whatever "
    "the weights.",
    "effective receptive field": "The pixels that do change a neuron, measured by the gradient: mostly the middle of "
    "its receptive field.",
    "residual": "Adding a block's input to its output: it learns the difference only, and doing nothing is easy.",
    "degradation": "A deeper network with a *higher training error*: it does not overfit, it is harder to train.",
    "attention": "Each place of the picture takes a weighted mean of all places; the weights depend on the contents.",
    "inductive bias": "What a network takes for granted before it sees data. Convolution: neighbours belong together, "
    "and what is useful here is useful everywhere.",
    "Grad-CAM": "Where a class comes from: the maps of a layer, weighted by how much the class's logit rises with each "
    "(Selvaraju et al. 2017).",
    "effective stride": "How far, in pixels of the picture, the fields of two neighbouring neurons lie apart.",
    "effective padding": "How far the first neuron's field reaches beyond the border of the picture.",
}


_TERM = re.compile(r"\[\[([^\]|]+)(?:\|([^\]]+))?\]\]")


def told(text: str, place: Any = st) -> None:
    """Show prose in which the glossary's words are dotted: their meaning comes at hover, touch or focus.

    Args:
        text: Markdown; a word is written `[[stride]]`, or `[[stride|strides]]` where it stands in another form.
        place: Where.
    """
    place.markdown(_TERM.sub(_term, text), unsafe_allow_html=True)


def _term(found: re.Match[str]) -> str:
    term, shown = found[1], found[2] or found[1]
    meaning = html(re.sub(r"[*$]|\\\\", "", GLOSSARY[term]))
    return f'<span class="term" tabindex="0" role="note" aria-label="{html(shown)}: {meaning}">{shown}</span>'


def task(page: str, step: str, words: str, met: bool) -> None:
    """Show what to try; it is ticked off as soon as it is seen done, and stays so for this session.

    Who is in a class has it noted there, and ticked off from then on.
    """
    name = f"{page}_tasks"
    if name not in st.session_state:
        st.session_state[name] = before(page)
    done: set[str] = st.session_state[name]
    if met and step not in done:
        done.add(step)
        note(page, step)
    mark = ":material/check_circle:" if step in done else ":material/radio_button_unchecked:"
    said = f"{mark} {words}" + (" **Done.**" if step in done else "")
    st.markdown(f'**Try this** <span role="status">{said}</span>', unsafe_allow_html=True)  # spoken when it changes
