"""Wrong preprocessings, each defined by what the first convolution receives instead of the right values. No Keras.

A network carries its preprocessing inside. A wrong one is put before it as the picture that makes the first
convolution receive exactly what the faulty pipeline would have given it: with the right preprocessing x → A x + b
(measured on the network, not looked up) and the wrong value w, the picture A⁻¹(w − b).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cnn_core.networks.backbones import Backbone
from cnn_core.pictures.images import square

_IMAGENET_MEAN, _IMAGENET_STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's convert("L")
EXTREME_ASPECT = 2.0
_GREY_TOLERANCE = 8  # difference of channels that JPEG's chroma leaves in a grey picture


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """What a network's own first layers do to a pixel (r, g, b) of 0 to 255: `matrix @ pixel + offset`."""

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return what the first convolution receives for pixels `(..., 3)`."""
        return pixels @ self.matrix.T + self.offset

    def inverse(self, received: np.ndarray) -> np.ndarray:
        """Return the pixels for which the first convolution receives this."""
        return (received - self.offset) @ np.linalg.inv(self.matrix).T

    @property
    def order(self) -> np.ndarray:
        """Return the matrix that only puts the channels in the network's order."""
        return (np.abs(self.matrix) > 1e-9).astype(float)

    @property
    def is_identity(self) -> bool:
        """True if the network takes the pixels as they are."""
        return np.allclose(self.matrix, np.eye(3)) and np.allclose(self.offset, 0)


@dataclass(frozen=True)
class Distortion:
    """One mistake.

    Attributes:
        name: Key in DISTORTIONS.
        title: For people.
        about: What the first convolution receives.
        values: (pixels 0…255 float `(..., 3)`, the right preprocessing) → pixels to give to the network instead.
        look: (picture, the network's facts) → uint8 `(S, S, 3)`; None for the right crop.
        size: Side of the network's input in relation to the right one.
    """

    name: str
    title: str
    about: str
    values: Callable[[np.ndarray, Preprocessing], np.ndarray] = lambda pixels, right: pixels
    look: Callable[[np.ndarray, Backbone], np.ndarray] | None = None
    size: float = 1.0


def _receives(wrong: Callable[[np.ndarray, Preprocessing], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda pixels, right: right.inverse(wrong(pixels, right))


def _other_family(pixels: np.ndarray, right: Preprocessing) -> np.ndarray:
    """The normalisation of another family: PyTorch's, or ±1 for a network that has PyTorch's."""
    torch = (pixels / 255 - _IMAGENET_MEAN) / _IMAGENET_STD
    span = float(np.diff(right(np.array([[0.0] * 3, [255.0] * 3])), axis=0).mean())
    has_it = abs(span - float((1 / _IMAGENET_STD).mean())) < 0.1
    return (pixels / 127.5 - 1 if has_it else torch) @ right.order.T


def _stretched(picture: np.ndarray, record: Backbone) -> np.ndarray:
    size = record.input_size
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))


def _half(picture: np.ndarray, record: Backbone) -> np.ndarray:
    return square(picture, record.input_size // 2, record.crop_fraction)


def _lying(picture: np.ndarray, record: Backbone) -> np.ndarray:
    return np.rot90(square(picture, record.input_size, record.crop_fraction))


DISTORTIONS: dict[str, Distortion] = {
    entry.name: entry
    for entry in (
        Distortion(
            "unit_range",
            "[0, 1] instead of its own scale",
            "x / 255",
            _receives(lambda x, right: x @ right.order.T / 255),
        ),
        Distortion("raw_range", "raw [0, 255]", "x", _receives(lambda x, right: x @ right.order.T)),
        Distortion(
            "scaled_twice",
            "scaled to [0, 1] before a network that scales by itself",
            "the right preprocessing of x / 255",
            lambda x, right: x / 255,
        ),
        Distortion("channels_swapped", "BGR instead of RGB", "blue and red exchanged", lambda x, right: x[..., ::-1]),
        Distortion(
            "mean_forgotten",
            "mean not subtracted",
            "scaled rightly, without the offset",
            _receives(lambda x, right: right(x) - right.offset),
        ),
        Distortion(
            "other_family",
            "another family's mean and scale",
            "(x / 255 − ImageNet mean) / deviation as in PyTorch, or x / 127.5 − 1 where that is right",
            _receives(_other_family),
        ),
        Distortion(
            "half_size", "half the input size", "the right values at half the width and height", look=_half, size=0.5
        ),
        Distortion(
            "stretched", "stretched instead of cropped", "the whole picture, its aspect ratio lost", look=_stretched
        ),
        Distortion(
            "grey",
            "grey, one channel repeated",
            "luminance in all channels",
            lambda x, right: np.repeat((x @ _LUMA)[..., None], 3, axis=-1),
        ),
        Distortion("lying", "EXIF ignored: lying on its side", "every picture turned by 90°", look=_lying),
    )
}


def not_applicable(distortion: Distortion, right: Preprocessing) -> str:
    """Return why a mistake is none for this network, as a sentence; empty if it is one.

    Example:
        >>> as_it_is = Preprocessing(np.eye(3), np.zeros(3))
        >>> not_applicable(DISTORTIONS["raw_range"], as_it_is)
        'This network takes raw values: raw is right.'
    """
    probe = np.array([[0.0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [80, 120, 200]])
    if distortion.look or not np.allclose(right(distortion.values(probe, right)), right(probe), atol=1e-3):
        return ""
    return "This network takes raw values: raw is right." if right.is_identity else "Here this is the right one."


def likely_mismatches(pictures: Iterable[np.ndarray], record: Backbone, notes: Sequence[str] = ()) -> list[str]:
    """Return which mismatches a set of pictures is likely to suffer, a sentence each with the remedy.

    Args:
        pictures: uint8 `(H, W, 3)` each; looked at one after another.
        record: The backbone they are meant for.
        notes: What was done to the pictures when they were read (`images.Picture.notes`), if known.

    Example:
        >>> from cnn_core.networks.backbones import backbone
        >>> grey = [np.full((28, 28, 3), 90, np.uint8)] * 4
        >>> for sentence in likely_mismatches(grey, backbone("efficientnet_lite0")): print(sentence)
        4 of 4 pictures are grey: grey photos are fine, but colour helps; train on grey ones if you will ask about grey ones.
        4 of 4 pictures are smaller than 112 px, half of what the network looks at: enlarged they are blurred; use larger originals, or compare the probes of lower stages.
    """  # noqa: E501
    total, size = 0, record.input_size
    grey = tiny = wide = 0
    for picture in pictures:
        shorter, longer = sorted(picture.shape[:2])
        total += 1
        grey += _is_grey(picture)
        tiny += shorter < size / 2
        wide += longer > EXTREME_ASPECT * shorter
    deep = sum("-bit values" in note for note in notes)
    turned = sum("turned upright" in note for note in notes)
    sentences = (
        (grey, "are grey: grey photos are fine, but colour helps; train on grey ones if you will ask about grey ones."),
        (
            tiny,
            f"are smaller than {size // 2} px, half of what the network looks at: enlarged they are blurred; use "
            "larger originals, or compare the probes of lower stages.",
        ),
        (
            wide,
            f"are more than {EXTREME_ASPECT:.0f} times as long as wide: the crop of the middle loses over half of "
            "them; cut them to squares yourself.",
        ),
        (
            deep,
            "had more than 8 bits: only the high byte is kept; stretch their contrast before, the same way for "
            "training and use.",
        ),
        (
            turned,
            "were turned upright by their EXIF data: a script that ignores it feeds them lying; apply it there "
            "too (predict.py does).",
        ),
    )
    return [f"{count} of {total} pictures {words}" for count, words in sentences if count]


def _is_grey(picture: np.ndarray) -> bool:
    values = picture.astype(np.int16)
    return bool(np.percentile(values.max(axis=-1) - values.min(axis=-1), 99) <= _GREY_TOLERANCE)
