"""On the reader's own camera: the kernel of this page, or all of a network's first layer, computed in the browser."""

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic.trial import trial_frame
from cnn_core.networks.first_layer import FirstLayer
from ui.convolution.kernel import Settings, choose_kernel, lay_kernel
from ui.convolution.whole import CHANNELS
from ui.shared.controls import aside, put_aside, segments, switch, within
from ui.shared.picture import grey, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import formula, plain
from ui.shared.worker import answered
from ui.widgets.live_kernel.live_kernel import Looking, live_kernel

BY = {"kernel": "one kernel", "network": "a network's first layer"}
_MAP = "convolution_map"  # which map of the layer is shown large, as a link says it
_FEW = 1 / 12  # of the frame's pixels


def camera(room: Room) -> bool:
    """Lay kernels on the camera. True if the map has less than a twelfth of the frame's pixels."""
    with room.side:
        by = segments("What is laid on the camera", BY, "kernel", "convolution_by")
    few = _layer(room) if by == "network" else _kernel(room)
    with room.why:
        told(
            "Nothing is guessed here: every frame of your camera is multiplied and added by the rule of this page, in "
            "your own browser. Hold an edge upright before Sobel x and turn it slowly: the [[kernel]] answers to "
            "upright edges most, to level ones not at all. What stands still and what moves are alike to it, for it "
            "sees one frame at a time."
        )
    return few


def _kernel(room: Room) -> bool:
    """Show the kernel of this page."""
    picture, frame = the_picture(), trial_frame()
    kernels, laying, looking = (room.side.container() for _ in range(3))
    channel = segments("Look at", CHANNELS, "grey", "convolution_channel", place=looking)
    rectify = _relu(looking)
    with kernels:
        kernel = choose_kernel(picture.digest, grey(picture))
    with laying:
        settings = lay_kernel(room, kernel)
    colours = frame / 255.0
    image = ops.grey(colours) if channel == "grey" else colours[..., CHANNELS.index(channel) - 1]
    try:
        seen = settings.apply(image, kernel)
    except ValueError as refusal:
        room.stage.error(plain(str(refusal)))
        return False
    with room.stage:
        live_kernel(
            _looking(settings, kernel, channel, rectify),
            "convolution_live",
            frame=frame,
            maps=(ops.relu(seen) if rectify else seen)[None],
        )
    return seen.size < _FEW * image.size


def _looking(settings: Settings, kernel: np.ndarray, channel: str, rectify: bool) -> Looking:
    return Looking(
        kernel[None, None],
        channel,
        stride=settings.stride,
        padding=settings.padding,
        dilation=settings.dilation,
        edge=settings.edge,
        flip=settings.flip,
        relu=rectify,
    )


def _layer(room: Room) -> bool:
    """Show the first layer of the network that the app carries with it."""
    rectify = _relu(room.side)
    with room.stage:
        layer: FirstLayer | None = answered("first_layer", words="Reading the first layer…")
    if layer is None:
        return False
    frame, count = trial_frame(), layer.kernel.shape[3]
    maps, asked = np.moveaxis(layer.maps(frame, relu=rectify), 2, 0), aside(_MAP, within(1, count))
    with room.stage:
        live_kernel(
            Looking(
                np.transpose(layer.kernel, (3, 2, 0, 1)).astype(np.float64),
                "colours",
                layer.rescaled,
                layer.stride,
                "same",
                scale=layer.scale,
                shift=layer.shift,
                relu=rectify,
                ceiling=layer.ceiling,
            ),
            "convolution_live",
            frame=frame,
            maps=maps,
            chosen=int(asked) - 1 if asked else liveliest(maps),
            on_choose=lambda at: put_aside(_MAP, str(int(at) + 1)),
        )
    with room.why:
        told(
            f"These {count} kernels of 3 × 3 × 3 nobody chose: EfficientNet-Lite0 has learnt them from ImageNet's "
            "photographs. Each reads all three colours, two pixels further at every step, and its sums are scaled and "
            "shifted by numbers from its training, too (BatchNorm). Each map has its own scale of colours. Press one "
            "to see it large: some find edges of one direction, some find colours, and some hardly anything."
        )
        formula(
            r"y = \min(6, \max(0,\; s_c\,(w_c \star \tfrac{x - 127}{128}) + b_c))"
            if rectify
            else r"y = s_c\,(w_c \star \tfrac{x - 127}{128}) + b_c"
        )
    return False


def liveliest(maps: np.ndarray) -> int:
    """Return which map varies most, measured by its own range: a flat one is nothing to begin with.

    Args:
        maps: `(filters, H, W)`.

    Example:
        >>> liveliest(np.array([[[5.0, 5.0]], [[-1.0, 1.0]], [[0.0, 0.0]]]))
        1
    """
    most = np.abs(maps).max(axis=(1, 2))
    return int((maps.std(axis=(1, 2)) / np.where(most, most, 1)).argmax())


def _relu(place: DeltaGenerator) -> bool:
    return switch("ReLU: what is negative becomes 0", False, "convolution_relu", place=place)
