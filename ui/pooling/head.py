"""Global average pooling as a network's head: what it saves, and the map of evidence that comes with it."""

import streamlit as st

from cnn_core.arithmetic import experiments
from cnn_core.figures import pooling as figures
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.images import Picture, square
from ui.pooling.views import LINKED, asked, plot, size_text
from ui.shared.text import formula, plain, table


def head(picture: Picture) -> None:
    """Count the parameters of both heads; show where in the picture the evidence is."""
    with st.container(horizontal=True):
        size = st.number_input("Side of the last map", 1, 32, 7, key="pooling_map", **LINKED)
        channels = st.number_input("Channels", 1, 4096, 512, key="pooling_channels", **LINKED)
        classes = st.number_input("Classes", 2, 20000, 1000, key="pooling_classes", **LINKED)
    flattened, averaged = _dense(size * size * channels, classes), _dense(channels, classes)
    left, right = st.columns([3, 2])
    sides = sorted({1, 2, 3, 5, 7, 10, 14, 20, 28, 32, size})
    curve = [_dense(n * n * channels, classes) for n in sides]
    plot(figures.heads(sides, curve, [averaged] * len(sides), size), "heads", "Parameters of both heads.", left)
    with right:
        for product, total in ((f"{size}^2 \\cdot {channels}", flattened), (f"{channels}", averaged)):
            st.markdown(rf"${product} \cdot {classes} + {classes} = {total:,}$".replace(",", "{,}"))
        st.markdown(
            f"Flatten + dense: **{flattened:,}** parameters. Global average + dense: **{averaged:,}**, "
            f"{flattened / averaged:.3g} times fewer (Lin, Chen & Yan 2014, arXiv:1312.4400)."
        )
        flat = [(n, _dense(n * n * channels, classes)) for n in (5, 7, 10)]
        rows = [[f"{32 * n} px: {n} × {n}", f"{total:,}", f"{averaged:,}"] for n, total in flat]
        table(["Picture, at 1/32", "flatten", "global average"], rows)
        st.caption("The average takes a map of any size: the same weights serve. Flattened, each size needs new ones.")
    st.subheader("Where is the evidence?")
    found = asked("class_activation", picture)
    if found is None:
        return
    network = BACKBONES[DEFAULT]
    seen = square(picture.pixels, network.input_size, network.crop_fraction)
    limit = max(1e-6, *(float(entry["map"].max()) for entry in found))
    for column, entry in zip(st.columns(len(found)), found, strict=True):
        caption = f"{entry['label']}, {entry['probability']:.1%}"
        column.image(figures.evidence(seen, entry["map"], limit), caption=plain(caption), alt=caption, width="stretch")
    formula(r"M_{ij} = \sum_c w_c f_{ijc} \qquad \text{logit} = \operatorname{mean}(M) + b")
    sums = [(float(e["map"].mean()), e["bias"], float(e["map"].mean()) + e["bias"], e["logit"]) for e in found]
    rows = [[f"{value:.3f}".replace("-", "−") for value in row] for row in sums]
    labels = [plain(entry["label"]) for entry in found]
    table(["", "mean", "bias", "sum", "logit"], [[w, *row] for w, row in zip(labels, rows, strict=True)])
    gap = max(abs(total - logit) for _, _, total, logit in sums)
    st.markdown(
        f"The mean of the map plus the bias *is* the logit; the largest gap is {gap:.0e}, rounding. Since "
        f"{network.title} ends in a global average, its linear layer can be applied at each place before averaging: "
        f"a {size_text(found[0]['map'])} map of evidence for nothing (Zhou et al. 2016, arXiv:1512.04150). Orange: the "
        f"place speaks for the label, full at {limit:.1f}; grey: it does not, or speaks against it."
    )


def _dense(inputs: int, outputs: int) -> int:
    """Parameters of a dense layer: a map of one cell to a map of one cell."""
    count = experiments.dense_versus_convolution(1, channels_in=inputs, channels_out=outputs)
    return count.dense_weights + count.dense_biases
