"""One number a map: global average pooling as a network's head, what it saves, and the evidence that comes with it."""

from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic import experiments
from cnn_core.arithmetic.written import minus
from cnn_core.figures import maps
from cnn_core.figures import pooling as figures
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.images import Picture, square
from ui.pooling.settings import side_by_side
from ui.shared.charts import plot
from ui.shared.controls import whole
from ui.shared.picture import the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, formula, plain, table
from ui.shared.worker import answered


def head(room: Room) -> None:
    """Count the parameters of both heads; show where in the picture the evidence is."""
    with room.side:
        side = whole("Side of the last map, in cells", 1, 32, 7, "pooling_map")
        classes = whole("Classes it can say", 2, 20000, 1000, "pooling_classes")
        with room.more("Channels"):
            channels = whole("Channels: how many maps there are", 1, 4096, 512, "pooling_channels")
    flattened, averaged = _dense(side * side * channels, classes), _dense(channels, classes)
    sides = sorted({1, 2, 3, 5, 7, 10, 14, 20, 28, 32, side})
    curve = [_dense(n * n * channels, classes) for n in sides]
    with room.stage:
        plot(
            figures.heads(sides, curve, [averaged] * len(sides), side),
            "pooling_heads",
            f"A flattened map of {side} × {side} needs {flattened:,} parameters, its global average {averaged:,} "
            "whatever its size.",
        )
        times = flattened / averaged
        fewer = "as many" if side == 1 else f"{times:,.{0 if times >= 100 else 1}f} times fewer"
        st.markdown(
            f"Every cell wired to every class: **{flattened:,}** parameters. One mean a map: **{averaged:,}**, {fewer}."
        )
        evidence = st.container()
    with room.why:
        told(
            "The last maps say *what* is *where*. Does a class need the where? Lin, Chen & Yan 2014 (arXiv:1312.4400) "
            "keep one number of each map, its mean: [[global average pooling]]. Far fewer weights, and the average "
            "takes a map of any size: the same weights serve. Flattened, each size needs new ones."
        )
        for product, total in ((f"{side}^2 \\cdot {channels}", flattened), (f"{channels}", averaged)):
            st.markdown(rf"${product} \cdot {classes} + {classes} = {total:,}$".replace(",", "{,}"))
        flat = [(n, _dense(n * n * channels, classes)) for n in (5, 7, 10)]
        rows = [[f"{32 * n} px: {n} × {n}", f"{total:,}", f"{averaged:,}"] for n, total in flat]
        table(["Picture, at 1/32", "flatten", "global average"], rows)
    picture = the_picture()
    with evidence:
        found = answered("class_activation", picture)
        if found:
            _evidence(picture, found)
    if found:
        with room.why:
            _checked(found)


def _evidence(picture: Picture, found: list[dict[str, Any]]) -> None:
    """Show where the evidence for each label is."""
    network = BACKBONES[DEFAULT]
    seen = square(picture.pixels, network.input_size, network.crop_fraction)
    limit = _limit(found)
    st.header("And the where comes back for nothing", anchor=False)
    side_by_side(
        [
            (
                figures.evidence(seen, entry["map"], limit),
                f"{entry['label']}, {entry['probability']:.1%}",
                f"evidence {maps.said(np.asarray(entry['map']))}",
            )
            for entry in found
        ]
    )
    st.caption(
        f"Red: the place speaks for the label, full at {limit:.1f}; grey: it does not, or speaks against it. Asked of "
        f"{network.title}, which ends in a global average."
    )


def _checked(found: list[dict[str, Any]]) -> None:
    """Show that the maps are the logits, taken apart."""
    sums = [(float(e["map"].mean()), e["bias"], float(e["map"].mean()) + e["bias"], e["logit"]) for e in found]
    gap = max(abs(total - logit) for _, _, total, logit in sums)
    is_rounding = gap <= 1e-4 * max(1.0, *(abs(logit) for *_, logit in sums))
    told(
        f"Where is the evidence? The last layer is linear, so it may be applied at each place before the average: a "
        f"{dimensions(*found[0]['map'].shape)} map of evidence, a [[class activation map]] (Zhou et al. 2016, "
        "arXiv:1512.04150). "
        f"Its mean plus the bias {'*is*' if is_rounding else 'should be'} the [[logit]]; the largest gap is {gap:.1g}, "
        f"{'' if is_rounding else 'more than '}rounding."
    )
    formula(r"M_{ij} = \sum_c w_c f_{ijc} \qquad \text{logit} = \operatorname{mean}(M) + b")
    rows = [[minus(f"{value:.3f}") for value in row] for row in sums]
    labels = [plain(entry["label"]) for entry in found]
    table(["", "mean", "bias", "sum", "logit"], [[word, *row] for word, row in zip(labels, rows, strict=True)])


def _limit(found: list[dict[str, Any]]) -> float:
    return max(1e-6, *(float(entry["map"].max()) for entry in found))


def _dense(inputs: int, outputs: int) -> int:
    """Parameters of a dense layer: a map of one cell to a map of one cell."""
    count = experiments.dense_versus_convolution(1, channels_in=inputs, channels_out=outputs)
    return count.dense_weights + count.dense_biases
