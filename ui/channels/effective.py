"""The effective receptive field: which of the pixels that a neuron can see it really uses."""

import numpy as np
import streamlit as st

from cnn_core.arithmetic.spots import Point
from cnn_core.arithmetic.written import minus
from cnn_core.figures import effective as figures
from cnn_core.figures import maps
from cnn_core.figures.spots import ringed
from cnn_core.networks.effective_field import (
    BLOCKS,
    DEPTHS,
    HELD,
    MARGIN,
    NETWORK,
    EffectiveField,
    FieldGrowth,
    expected_extent,
)
from cnn_core.pictures.images import Picture, square
from cnn_core.receipts.check import kept
from ui.shared.charts import palette, plot
from ui.shared.controls import pick, segments
from ui.shared.guess import guess
from ui.shared.picture import the_picture
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, formula, table
from ui.shared.thread import in_square, place
from ui.shared.worker import answered


def _title(block: str) -> str:
    """Name the end of a block for people: the network's own name is in the link."""
    if not block.startswith("block"):
        return "The last layer"
    stage, number = block[5:-1], ord(block[-1]) - ord("a") + 1
    return f"Stage {stage}, block {number}"


TITLES = {block: _title(block) for block in BLOCKS}
LITTLE = 0.10  # of its field: who finds a neuron that uses less has done the task
_EVEN = 0.25  # what the inner quarter of the area holds of a gradient that is the same everywhere
_SQUARE = NETWORK.input_size + 2 * MARGIN  # pixels of the picture's middle that the windows lie in
_WIDTH = 690  # pixels, of two square pictures side by side: together no higher than half a screen


def effective(room: Room) -> bool:
    """Show which pixels a neuron of the embedded network uses. True if one uses less than a tenth of its field."""
    picture = the_picture()
    with room.side:
        block = pick(f"Where in {NETWORK.title} the neuron is", TITLES, "block3b", "channels_block")
        st.caption("The earlier a layer, the less its neurons can see. Each is the neuron in the middle of a map.")
    with room.stage:
        found = _found(picture, f"{block}_out")
        if found:
            pictures = st.container()
            tells = guess(
                "channels_guess",
                f"*{TITLES[block]}*: of the pixels that one neuron can see, how many does it really use, once trained?",
                (0, 100, "%"),
                100 * found[0].share,
            )
            with pictures:
                _pictures(picture, found, tells)
            if tells:
                st.markdown(_words(found, TITLES[block]) + _at_the_place(picture, found[0]))
            trained, random = (field.sigma[1] for field in found)
            plot(
                figures.profiles(found),
                "channels_profiles",
                f"The gradient along the columns: its spread is {trained:.1f} px trained, {random:.1f} px random.",
            )
    with room.why:
        told(
            "Does a neuron use all that it can see? Its [[receptive field]] says which pixels *can* change it. How "
            "much each of them *does* is its gradient, and that is measured here: the [[effective receptive field]]. "
            "The middle is on many paths through the layers, the border on few; so most of it is wasted, unless "
            "training changes that."
        )
        if found:
            st.caption(
                "Solid: the gradient summed over all rows; dotted: the Gaussian of the same spread; dashed: the "
                "borders of what it can see. Gradient 1 on all channels of one neuron, mean over "
                f"{found[0].windows} windows shifted by up to {2 * MARGIN} px. Luo et al. 2016, arXiv:1701.04128."
            )
        _law()
    return any(field.share < LITTLE for field in found)


def _found(picture: Picture, layer: str) -> list[EffectiveField]:
    """Measure the neuron, trained and at random; nothing if there is no answer."""
    trained = answered("effective_field", picture, layer, True)
    random = answered("effective_field", picture, layer, False) if trained else None
    return [trained, random] if random else []


def _pictures(picture: Picture, found: list[EffectiveField], tells: bool) -> None:
    seen = square(picture.pixels, _SQUARE, 1.0)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    if point := _point(picture):
        seen = ringed(seen, point)
    columns = st.container(width=_WIDTH).columns(2, wrap=False)
    for column, field in zip(columns, found, strict=True):
        caption = _weights(field) + (f": {field.held:,} pixels, {field.share:.1%}" if tells else "")
        shown = maps.png(figures.listened(seen, field.gradient, field.held, field.box * 2, palette()))
        column.image(shown, caption=caption, alt=caption, width="stretch", output_format="PNG")
    st.caption(
        f"Frame: what the neuron can see. Red: the fewest pixels that hold {HELD:.0%} of its gradient, the "
        f"stronger the more{', and their share of the frame' * tells}."
    )


def _words(found: list[EffectiveField], where: str) -> str:
    """What was measured, in sentences that the numbers choose."""
    trained, random = found
    (first, last), size = trained.box, trained.receptive_field
    side = last - first + 1
    words = f"*{where}*: by arithmetic one neuron can see **{dimensions(size, size)}** pixels"
    words += f", of which {dimensions(side, side)} lie in the picture. " if side < size else ". "
    words += (
        f"With its trained weights it really uses **{trained.share:.1%}** of {'these' if side < size else 'them'}, "
        f"with random weights **{random.share:.1%}**. "
    )
    words += (
        f"The inner quarter of the area holds {trained.inner:.1%} of the gradient trained, {random.inner:.1%} random. "
    )
    dominates = {
        (True, True): "**the middle dominates**, trained or not",
        (True, False): "the middle dominates **by training**, not by architecture",
        (False, True): "**training has undone** much of the middle's weight",
        (False, False): "**here the middle does not dominate**",
    }[trained.inner > 2 * _EVEN, random.inner > 2 * _EVEN]
    words += f"Spread evenly it would be {_EVEN:.0%}: {dominates}. "
    ratio = trained.sigma[1] / random.sigma[1]
    change = "wider" if ratio > 1.05 else "narrower" if ratio < 0.95 else "as wide"
    than = "as" if change == "as wide" else "than"
    sigmas = f"σ {trained.sigma[1]:.1f} px against {random.sigma[1]:.1f} px"
    return words + f"Trained, the effective field is {change} {than} at random ({sigmas})."


def _point(picture: Picture) -> Point | None:
    """Where the followed place is in what the network sees here."""
    point = in_square(picture, _SQUARE, 1.0)
    return (point[0] - MARGIN, point[1] - MARGIN) if point else None


def _at_the_place(picture: Picture, field: EffectiveField) -> str:
    """Say whether the neuron uses the place that the reader follows; empty if none is followed."""
    if place() is None:
        return ""
    point, (first, last) = _point(picture), field.box
    row, column = (int(each) for each in point) if point else (-1, -1)
    if not (first <= row <= last and first <= column <= last):
        return " **The place that you follow** lies outside of what it can see: nothing there can change it."
    least = np.partition(field.gradient, -field.held, axis=None)[-field.held]
    if field.gradient[row, column] >= least > 0:
        return f" **The place that you follow** is one of the {field.held:,} pixels that it uses."
    return " **The place that you follow** is one that it can see, but hardly uses."


def _weights(field: EffectiveField) -> str:
    return "trained on ImageNet" if field.pretrained else "random weights"


def _law() -> None:
    """The effective field grows with the root of the depth, the theoretical with the depth."""
    st.header("Deeper: what it can see grows with n, what it uses with √n", anchor=False)
    kernels = {size: f"{size} × {size}" for size in DEPTHS}
    kernel_size = segments("Kernel of all layers of a stack", kernels, 3, "channels_stack")
    depths = DEPTHS[kernel_size]
    fields = [depth * (kernel_size - 1) + 1 for depth in depths]
    theory = [expected_extent(kernel_size, depth) for depth in depths]
    measured: FieldGrowth | None = answered(
        "field_growth", kernel_size, DEPTHS[kernel_size], words="Measuring random stacks…"
    )
    plot(
        figures.growth(depths, fields, theory, measured),
        "channels_growth",
        f"With {depths[-1]} layers it can see {fields[-1]} pixels and uses about {theory[-1]:.0f} of them.",
    )
    formula(
        r"\sigma_n = \sqrt{n \, (k^2 - 1) / 12}, \quad \text{used } 4 \sigma_n \sim \sqrt n, \quad "
        r"\text{seen } n (k - 1) + 1, \quad \text{ratio } \sim 1 / \sqrt n"
    )
    if measured is None:
        return
    linear, relu = (measured.growth[kind] for kind in ("linear", "relu"))
    table(
        ["fitted exponent of n", "theory", "linear", "ReLU"],
        [
            ["effective size", "0.50", f"{linear:.2f}", f"{relu:.2f}"],
            [
                "effective : theoretical",
                *(minus(f"{measured.shrinkage[kind]:.2f}") for kind in ("theory", "linear", "relu")),
            ],
        ],
    )
    gap = max(
        abs(size / expected - 1)
        for sizes in measured.sizes.values()
        for size, expected in zip(sizes, theory, strict=True)
    )
    st.markdown(
        f"{measured.runs} random stacks a point, squared gradient of one neuron: at most **{gap:.1%}** from theory. "
        "The ratio's exponent nears −½ only for deep stacks, because of the + 1. Counting pixels above a threshold, as "
        f"Luo et al. do, gives {_by_threshold()} for 5 to 40 layers{receipt('effective-exponents')}."
    )


def _by_threshold() -> str:
    """The two exponents by 4.55% of the centre, as they were computed."""
    found = next(each for each in kept() if each.receipt.key == "effective-exponents")
    field, share = found.ours if isinstance(found.ours, tuple) else (0.0, 0.0)
    return minus(f"{field:.2f} and {share:.2f}")
