"""What a network says to the reader's picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cnn_core.engine.errors import EngineError
from cnn_core.figures.home import labels
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.networks.zoom.answers import Strip
from cnn_core.pictures.images import Picture
from cnn_core.receipts.networks import backbone_key
from ui.shared.charts import plot
from ui.shared.receipts import receipt
from ui.shared.text import plain
from ui.zoom import sheets

_SURE, _NEAR = 0.7, 0.5  # of a first answer; of it, a second one that is as good


def look(picture: Picture) -> Strip | None:
    """Return what a network makes of a picture, or None after saying why there is no answer."""
    try:
        with st.spinner("Asking the network…"):
            return sheets.strip(sheets.plan(DEFAULT), picture)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        st.button("Ask again", key="home_again", icon=":material/replay:")  # whatever is pressed, the page asks anew
        return None


def answer(found: Sequence[Mapping[str, Any]]) -> None:
    """Show what it says and how sure it is.

    Args:
        found: Its labels with their probabilities, the likeliest first.
    """
    st.header(plain(_said(found)))
    spoken = ", ".join(f"{entry['label']} {entry['probability']:.1%}" for entry in found)
    plot(labels(found), "home_labels", f"It says {spoken}.")
    network = BACKBONES[DEFAULT]
    st.caption(
        f"{network.title}: right on {network.top1}% of ImageNet's validation pictures, say its release notes"
        f"{receipt(backbone_key(network.name))}. It knows a thousand words; a picture of anything else is called "
        "by one of them, too."
    )


def _said(found: Sequence[Mapping[str, Any]]) -> str:
    """Return a network's answer as one would say it.

    Args:
        found: Its labels with their probabilities, the likeliest first.

    Example:
        >>> _said([{"label": "tabby", "probability": 0.9}, {"label": "lynx", "probability": 0.1}])
        'It says: tabby'
        >>> _said([{"label": "tiger cat", "probability": 0.4}, {"label": "tabby", "probability": 0.3}])
        'It says: tiger cat, or tabby'
        >>> _said([{"label": "comb", "probability": 0.1}])
        'It is not sure: perhaps comb'
        >>> _said([{"label": "comb", "probability": 0.1}, {"label": "brush", "probability": 0.09}])
        'It is not sure: perhaps comb, or brush'
    """
    first, second = found[0], found[1] if len(found) > 1 else {"label": "", "probability": 0.0}
    near = first["probability"] < _SURE and second["probability"] > _NEAR * first["probability"]
    words = f"{first['label']}, or {second['label']}" if near else first["label"]
    return f"It says: {words}" if first["probability"] >= _SURE / 2 else f"It is not sure: perhaps {words}"
