"""What Keras and the embedded network say of a picture: asked of a worker, answered in numbers.

The network is a flatbuffer and a linear head in NumPy: where that is made, nothing but `convolve_keras` needs Keras.
"""

import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from cnn_core.arithmetic.convolution import IntOrPair, Padding, prepare
from cnn_core.networks import backbones
from cnn_core.networks.forward import every_block, trunk
from cnn_core.pictures.images import square

SHIFTS = tuple(range(9))  # pixels
_SCALED = 256  # pixels to which the shorter side is scaled; the network is evaluated on 224 in their middle


def classify(pixels: np.ndarray, top: int = 5) -> list[dict[str, Any]]:
    """Return what the embedded network sees in a picture.

    Args:
        pixels: uint8 `(H, W, 3)`.
        top: Number of answers.

    Returns:
        `index`, `label` and `probability` of the most probable ImageNet classes, best first.
    """
    record = backbones.backbone(backbones.DEFAULT)
    batch = square(pixels, record.input_size, record.crop_fraction)[None]
    return answers(trunk(record)(batch)[0], top)


def answers(maps: np.ndarray, top: int = 5) -> list[dict[str, Any]]:
    """Return what the embedded network's classifier says of its last maps, `(7, 7, 1280)`; as `classify`."""
    probabilities = _softmax(_logits(maps.mean(axis=(0, 1))))
    return [
        {"index": int(index), "label": backbones.imagenet_labels()[index], "probability": float(probabilities[index])}
        for index in probabilities.argsort()[::-1][:top]
    ]


def convolve_keras(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: IntOrPair = 1,
    padding: Padding = "valid",
    dilation: IntOrPair = 1,
    flip: bool = False,
    edge: str = "zero",
) -> tuple[np.ndarray, float]:
    """Return what `keras.ops.conv` makes of an image and a kernel, to be held against `ops.cross_correlate`.

    Keras pads `same` itself. It knows neither `full` nor a reflected border: these are laid round the image first. Nor
    does TensorFlow take a stride and a dilation together: the kernel's holes are then filled with zeros, which is what
    dilation means.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel: `(kh, kw)`, laid on each channel by itself; `(kh, kw, C)`; or `(kh, kw, C, filters)`.
        stride: Step between two positions, in pixels.
        padding: `"valid"`, `"same"`, `"full"` or pixels on each side.
        dilation: Distance between two cells of the kernel, in pixels.
        flip: Turn the kernel by 180° first: true convolution.
        edge: What padding is made of, `"zero"` or `"reflect"`.

    Returns:
        The map, float32, in the shape of `cross_correlate`; and the seconds of the call, the second of two, without
        what the first has to set up.

    Raises:
        ValueError: If the kernel does not fit into the padded image.

    Example:
        >>> image = np.array([[0, 0, 1, 1, 0, 0]])
        >>> convolve_keras(image, np.array([[-1, 0, 1]]))[0]
        array([[ 1.,  1., -1., -1.]], dtype=float32)
    """
    import keras

    grey = np.ndim(image) == 2
    image = np.asarray(image, np.float32)
    padded, kernel, steps, holes = prepare(image, kernel, stride, padding, dilation, edge)
    by_keras = padding == "same" and edge == "zero"
    pixels = image if by_keras else padded
    weights = kernel[::-1, ::-1] if flip else kernel
    if max(steps) > 1 and max(holes) > 1:
        weights, holes = _with_holes(weights, holes), (1, 1)
    # Keras wants (N, H, W, C) and (kh, kw, C, filters). A 2-D kernel takes each channel as a picture of its own.
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    batch = np.moveaxis(pixels, 2, 0)[..., None] if kernel.ndim == 2 else pixels[None]
    weights = weights.reshape(*weights.shape[:2], batch.shape[3], -1)
    seconds = 0.0
    for _ in range(2):
        start = time.perf_counter()
        output = keras.ops.conv(
            batch,
            weights,
            strides=steps,
            padding="same" if by_keras else "valid",
            data_format="channels_last",
            dilation_rate=holes,
        )
        answer = np.asarray(output, np.float32)  # (N, H', W', filters)
        seconds = time.perf_counter() - start
    feature_map = np.moveaxis(answer[..., 0], 0, 2) if kernel.ndim == 2 else answer[0]
    one = kernel.ndim == 3 or (kernel.ndim == 2 and grey)
    return (feature_map[:, :, 0] if one else feature_map), seconds


def shift_agreement(pixels: np.ndarray, shifts: Sequence[int] = SHIFTS) -> dict[str, Any]:
    """Measure how the embedded network's answer changes while the picture moves.

    The network is evaluated on the central 224 × 224 pixels of a picture whose shorter side is scaled to 256. That
    leaves 16 pixels on each side: the window is moved within them, so that the picture shifts and what comes in at its
    border was there before. Unshifted, the network sees what `classify` shows it.

    Args:
        pixels: uint8 `(H, W, 3)`.
        shifts: Pixels to the right and, each in turn, downwards; negative for left and up; at most 16.

    Returns:
        Plain JSON: `index`, `label` and `probability` of the answer to the unshifted picture; `shifts`; for `right`
        and `down` one entry a shift of `drift` (relative L2 change of the 1000 logits), `agrees` (the same top-1) and
        `probability` (of the unshifted answer); and `agreement`, the share of all windows but the unshifted that agree
        (None without any).

    Raises:
        ValueError: If a shift is larger than the margin.

    Source:
        Zhang 2019, arXiv:1904.11486, section 4 (consistency: how often two shifts get the same answer).
    """
    record = backbones.backbone(backbones.DEFAULT)
    margin = (_SCALED - record.input_size) // 2
    shifts = [int(pixel) for pixel in shifts]
    if any(abs(pixel) > margin for pixel in shifts):
        raise ValueError(f"The picture leaves room for shifts of at most {margin} pixels; received {shifts}.")
    whole = shown_to_shifts(pixels)
    offsets = [(0, 0), *((0, s) for s in shifts if s), *((s, 0) for s in shifts if s)]  # (down, right)
    size = record.input_size
    windows = [whole[margin - dy : margin - dy + size, margin - dx : margin - dx + size] for dy, dx in offsets]
    logits = _logits(trunk(record)(np.stack(windows)).mean(axis=(1, 2)))  # (N, 1000)
    probabilities = _softmax(logits)
    top, reference = int(logits[0].argmax()), np.linalg.norm(logits[0])
    answers = {
        offset: {
            "drift": float(np.linalg.norm(row - logits[0]) / reference),
            "agrees": bool(row.argmax() == top),
            "probability": float(shares[top]),
        }
        for offset, row, shares in zip(offsets, logits, probabilities, strict=True)
    }
    agreeing = [answers[offset]["agrees"] for offset in offsets[1:]]
    return {
        "index": top,
        "label": backbones.imagenet_labels()[top],
        "probability": answers[0, 0]["probability"],
        "shifts": shifts,
        "right": _columns([answers[0, s] for s in shifts]),
        "down": _columns([answers[s, 0] for s in shifts]),
        "agreement": sum(agreeing) / len(agreeing) if agreeing else None,
    }


def shown_to_shifts(pixels: np.ndarray) -> np.ndarray:
    """Return what `answer_at` takes of a picture: its middle, scaled, uint8 `(256, 256, 3)`.

    Example:
        >>> shown_to_shifts(np.zeros((300, 451, 3), np.uint8)).shape
        (256, 256, 3)
    """
    return square(pixels, _SCALED, 1.0)


def answer_at(seen: np.ndarray, down: int, right: int, top: int = 5) -> list[dict[str, Any]]:
    """Return what the embedded network says of a picture that was moved by whole pixels.

    It sees the window of `shift_agreement`: what comes in at the border was there before. Unmoved, this is what
    `classify` says.

    Args:
        seen: `shown_to_shifts` of the picture, uint8 `(256, 256, 3)`.
        down: Pixels downwards, of those of `seen`; negative is upwards; at most 16.
        right: Pixels to the right; negative is to the left; at most 16.
        top: Number of answers.

    Returns:
        `index`, `label` and `probability` of the most probable ImageNet classes, best first.

    Raises:
        ValueError: If the picture is not of that size, or a shift is larger than the margin.
    """
    size = backbones.backbone(backbones.DEFAULT).input_size
    margin = (_SCALED - size) // 2
    if seen.shape != (_SCALED, _SCALED, 3):
        raise ValueError(f"A picture to be moved is of shape {(_SCALED, _SCALED, 3)}; received {seen.shape}.")
    if max(abs(down), abs(right)) > margin:
        raise ValueError(f"The picture leaves room for shifts of at most {margin} pixels; received {[down, right]}.")
    window = seen[margin - down : margin - down + size, margin - right : margin - right + size]
    return answers(trunk(backbones.backbone(backbones.DEFAULT))(window[None])[0], top)


def class_activation(pixels: np.ndarray, top: int = 3) -> list[dict[str, Any]]:
    """Return where in the picture the evidence for the most probable classes is.

    The embedded network averages its last feature map f (7 × 7 × 1280) over all positions and feeds that to a linear
    layer, so that a class' logit is an average over positions of the map

    M[i, j] = Σ_c w[c] f[i, j, c]        logit = mean of M + bias

    Args:
        pixels: uint8 `(H, W, 3)`; the network sees the central square (`images.square`).
        top: Number of classes.

    Returns:
        For each class, most probable first: `index`, `label`, `probability`, `logit`, `bias` and `map`, float32
        `(7, 7)`, in units of the logit; negative where the picture speaks against the class.

    Raises:
        ValueError: If `top` is not 1 to 1000.

    Source:
        Zhou et al. 2016, arXiv:1512.04150, section 2, equations 1 and 2; there without a bias.
    """
    if not 1 <= top <= 1000:
        raise ValueError(f"The network knows 1000 classes; received top={top}.")
    record = backbones.backbone(backbones.DEFAULT)
    features = trunk(record)(square(pixels, record.input_size, record.crop_fraction)[None])[0]  # (7, 7, 1280)
    logits = _logits(features.mean(axis=(0, 1)))
    probabilities = _softmax(logits)
    kernel, bias = head()
    return [
        {
            "index": int(index),
            "label": backbones.imagenet_labels()[index],
            "probability": float(probabilities[index]),
            "logit": float(logits[index]),
            "bias": float(bias[index]),
            "map": (features @ kernel[:, index]).astype(np.float32),
        }
        for index in logits.argsort()[::-1][:top]
    ]


# The linear head, and what belongs to it ---------------------------------------------------------------------------


head = cache(backbones.classifier_head)


def _logits(features: np.ndarray) -> np.ndarray:
    kernel, bias = head()
    return features @ kernel + bias


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def make() -> None:
    """Make the network's flatbuffers once, so that no question need; for set-up."""
    trunk(backbones.backbone(backbones.DEFAULT))
    warm()


def warm() -> None:
    """Open what the first question on the front page asks; for a worker's start."""
    every_block(backbones.backbone(backbones.DEFAULT))
    head()


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in ("drift", "agrees", "probability")}


def _with_holes(kernel: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    """A dilated kernel written out: zeros between its cells."""
    height, width = ((k - 1) * d + 1 for k, d in zip(kernel.shape[:2], dilation, strict=True))
    written = np.zeros((height, width, *kernel.shape[2:]), kernel.dtype)
    written[:: dilation[0], :: dilation[1]] = kernel
    return written


if __name__ == "__main__":
    make()
