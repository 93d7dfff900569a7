"""The rhythm of a classifier, smaller and deeper: where its memory is, and where its weights are."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn_core.arithmetic.costs import Cost, batch_norm_cost, convolution_cost, dense_cost
from cnn_core.arithmetic.geometry import Window, output_size
from cnn_core.figures import channels as figures
from ui.shared.charts import plot
from ui.shared.controls import segments
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, in_bytes, table

NETWORKS = {"ResNet-18": (2, 2, 2, 2), "ResNet-34": (3, 4, 6, 3)}  # blocks of two 3×3 convolutions a stage
BATCHES = (1, 8, 32, 128, 256)
_WIDTHS, _INPUT, _FLOAT = (64, 128, 256, 512), 224, 4  # channels, pixels, bytes


@dataclass(frozen=True)
class Stage:
    """A part of a network.

    Attributes:
        name: As in the table.
        size: Side of its last map, in cells.
        channels: Of that map.
        numbers: In all maps it computes, for one picture.
        params: Weights and BatchNorm's gamma and beta.
        macs: For one picture.
    """

    name: str
    size: int
    channels: int
    numbers: int
    params: int
    macs: int


def stages(network: str) -> list[Stage]:
    """Count a ResNet with blocks of two 3×3 convolutions, part by part (He et al. 2016, table 1).

    Each convolution is without bias and has a BatchNorm behind it; one map is counted a convolution, a pooling or a
    dense layer, as BatchNorm, ReLU and the addition can work in place.
    """
    size, channels = output_size(_INPUT, Window(7, 2, padding=3)), _WIDTHS[0]
    parts, numbers = [_convolution(7, 3, channels, size)], size * size * channels
    size = output_size(size, Window(3, 2, padding=1))
    found = [_stage("stem", size, channels, numbers + size * size * channels, parts)]
    for number, (blocks, filters) in enumerate(zip(NETWORKS[network], _WIDTHS, strict=True), 1):
        parts, numbers = [], 0
        for block in range(blocks):
            if block == 0 and number > 1:
                size = output_size(size, Window(3, 2, padding=1))
                parts.append(_convolution(1, channels, filters, size))  # the shortcut's projection
                numbers += size * size * filters
            parts += [_convolution(3, channels, filters, size), _convolution(3, filters, filters, size)]
            numbers += 2 * size * size * filters
            channels = filters
        found.append(_stage(f"stage {number}", size, channels, numbers, parts))
    return [*found, _stage("head", 1, 1000, channels + 1000, [dense_cost(channels, 1000)])]


def _convolution(kernel_size: int, channels: int, filters: int, output: int) -> Cost:
    """A convolution without bias and the BatchNorm behind it."""
    cost = convolution_cost(kernel_size, channels, filters, output, bias=False)
    return Cost(cost.params + batch_norm_cost(filters).params, cost.macs)


def _stage(name: str, size: int, channels: int, numbers: int, parts: list[Cost]) -> Stage:
    return Stage(name, size, channels, numbers, sum(part.params for part in parts), sum(part.macs for part in parts))


def rhythm(room: Room) -> None:
    """Draw the maps to scale and show where bytes, parameters and multiply-adds are."""
    with room.side:
        network = segments("Network", list(NETWORKS), "ResNet-18", "channels_rhythm_network")
        batch = segments("Pictures it works on at once", BATCHES, 32, "channels_batch")
    found = stages(network)
    boxes = [figures.Box(_INPUT, 3), *(figures.Box(stage.size, stage.channels) for stage in found[1:-1])]
    first, last = boxes[1], boxes[-1]
    with room.stage:
        plot(
            figures.map_boxes(boxes),
            "channels_boxes",
            "Maps become smaller and deeper: " + ", ".join(f"{box.size}² × {box.channels}" for box in boxes),
        )
        st.markdown(words(found, batch))
        _bars(found, batch)
    with room.why:
        told(
            "Will it fit, and where would you save? Each further stage halves the side and doubles the "
            f"[[channel|channels]]: a map has {first.size**2 * first.channels:,} numbers in stage 1 and "
            f"{last.size**2 * last.channels:,} in stage 4, "
            f"{first.size**2 * first.channels / (last.size**2 * last.channels):g} times fewer. A 3 × 3 convolution, "
            f"though, costs the same in each stage, {_macs(first)} [[MAC|MACs]]. So the memory sits in front, "
            "where maps are large, and the weights sit at the end, where they are deep."
        )
        st.caption(
            f"Drawn to one scale: height is the side of the map, {figures.CHANNELS_TO_SCALE} channels are as thick as "
            "one cell is high; the side that leads away is drawn at 0.3 of its length. Grey: the picture."
        )
        _listed(network, found, batch)


def _bars(found: list[Stage], batch: int) -> None:
    numbers, params = (np.array([getattr(s, name) for s in found]) for name in ("numbers", "params"))
    figure = figures.stage_bars(
        [stage.name for stage in found],
        {
            "bytes of maps": [_FLOAT * batch * s.numbers for s in found],
            "parameters": [s.params for s in found],
            "multiply-adds": [batch * s.macs for s in found],
        },
    )
    plot(
        figure,
        "channels_stages",
        f"Most memory of maps is in {found[int(numbers.argmax())].name}, most weights in "
        f"{found[int(params.argmax())].name}.",
    )


def _listed(network: str, found: list[Stage], batch: int) -> None:
    """The same as numbers, and how they are counted."""
    numbers, params, macs = (sum(getattr(s, name) for s in found) for name in ("numbers", "params", "macs"))
    rows = [
        [name, last, in_bytes(_FLOAT * batch * kept), f"{weights:,}", f"{batch * products / 1e9:,.3g} G"]
        for name, last, kept, weights, products in (
            *((s.name, f"{s.size}²×{s.channels}", s.numbers, s.params, s.macs) for s in found),
            ("**in all**", "", numbers, params, macs),
        )
    ]
    table(["part", "last map", "maps", "params", "MACs"], rows)
    *most, last_count = (str(2 * blocks) for blocks in NETWORKS[network])
    st.caption(
        f"Maps and MACs of {count(batch, 'picture')}. "
        f"{network} at {_INPUT} px (He et al. 2016, arXiv:1512.03385, table 1): 7 × 7 stem with stride 2 and max-pool, "
        f"then stages of {', '.join(most)} and {last_count} convolutions of 3 × 3, with a 1 × 1 projection where the "
        f"side halves, and a dense layer for 1000 classes; {params:,} parameters, as torchvision counts. Maps are "
        "float32, one for each convolution, pooling and dense layer, all kept as in training; BatchNorm, ReLU and the "
        "addition are counted as working in place."
    )


def _macs(box: figures.Box) -> str:
    return f"{convolution_cost(3, box.channels, box.channels, box.size, bias=False).macs:,}"


def words(found: list[Stage], batch: int) -> str:
    """Say where the memory and where the weights are."""
    numbers, params = (np.array([getattr(s, name) for s in found]) for name in ("numbers", "params"))
    memory, weights = int(numbers.argmax()), int(params.argmax())
    early = numbers[:2].sum() / numbers.sum(), params[:2].sum() / params.sum()
    maps, held = _FLOAT * batch * int(numbers.sum()), _FLOAT * int(params.sum())
    even = -(-int(params.sum()) // int(numbers.sum()))
    return (
        f"Most memory of maps is in **{found[memory].name}** ({numbers[memory] / numbers.sum():.0%}), most weights are "
        f"in **{found[weights].name}** ({params[weights] / params.sum():.0%}). Stem and stage 1 together hold "
        f"{early[0]:.0%} of the maps and {early[1]:.1%} of the weights. With {batch} picture{'s' * (batch > 1)} in a "
        f"batch the maps take {in_bytes(maps)} and the weights {in_bytes(held)}, {maps / held:.2g} times as much: "
        f"weights do not grow with the batch, maps do. From {even} picture{'s' * (even > 1)} on the maps are "
        "the larger part."
    )
