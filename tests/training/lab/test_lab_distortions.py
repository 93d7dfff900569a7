"""Each mistake is what it says: what the first convolution of the real network receives, against the formula."""

import keras
import numpy as np
import pytest
from PIL import Image

from cnn_core.networks import backbones
from cnn_core.pictures.images import square
from cnn_core.training.lab.distortions import DISTORTIONS, Preprocessing, likely_mismatches, not_applicable
from cnn_core.training.lab.sabotage_job import measured_preprocessing

LITE = backbones.backbone("efficientnet_lite0")
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
RECEIVED = {
    "unit_range": lambda x: x / 255,
    "raw_range": lambda x: x,
    "scaled_twice": lambda x: (x / 255 - 127) / 128,
    "channels_swapped": lambda x: (x[..., ::-1] - 127) / 128,
    "mean_forgotten": lambda x: x / 128,
    "other_family": lambda x: (x / 255 - MEAN) / STD,
    "grey": lambda x: np.repeat((x @ [0.299, 0.587, 0.114] - 127)[..., None] / 128, 3, axis=-1),
}


@pytest.fixture(scope="module")
def lite() -> keras.Model:
    return backbones.build("efficientnet_lite0")


def test_preprocessing_of_the_embedded_network_is_measured(lite: keras.Model) -> None:
    found = measured_preprocessing(lite)
    assert found.matrix == pytest.approx(np.eye(3) / 128, abs=1e-6)
    assert found.offset == pytest.approx(np.full(3, -127 / 128), abs=1e-6)


@pytest.mark.parametrize("name", sorted(RECEIVED))
def test_first_convolution_receives_the_mistake(lite: keras.Model, name: str) -> None:
    right = measured_preprocessing(lite)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3)).astype(float)
    given = DISTORTIONS[name].values(pixels, right).astype(np.float32)
    received = np.asarray(keras.Model(lite.input, lite.get_layer("stem_conv").input)(given))
    assert received == pytest.approx(RECEIVED[name](pixels), abs=1e-3 * np.abs(RECEIVED[name](pixels)).max())
    assert not_applicable(DISTORTIONS[name], right) == ""


def test_caffe_network_is_measured_and_its_mistakes_keep_its_order() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68])(keras.ops.flip(image, axis=-1))
    x = keras.layers.ZeroPadding2D(3)(x)
    right = measured_preprocessing(keras.Model(image, keras.layers.Conv2D(2, 3)(x)))
    pixel = np.array([10.0, 20.0, 30.0])
    assert right(pixel) == pytest.approx([30 - 103.939, 20 - 116.779, 10 - 123.68], abs=1e-4)
    assert right(DISTORTIONS["unit_range"].values(pixel, right)) == pytest.approx(
        np.array([30, 20, 10]) / 255, abs=1e-4
    )
    assert right(DISTORTIONS["channels_swapped"].values(pixel, right)) == pytest.approx(right(pixel[::-1]), abs=1e-4)


def test_mistake_that_is_none_is_not_counted() -> None:
    raw = Preprocessing(np.eye(3), np.zeros(3))
    assert not_applicable(DISTORTIONS["raw_range"], raw) == "This network takes raw values: raw is right."
    unit = Preprocessing(np.eye(3) / 255, np.zeros(3))
    assert not_applicable(DISTORTIONS["unit_range"], unit) == "Here this is the right one."
    torch = Preprocessing(np.diag(1 / 255 / STD), -MEAN / STD)
    pixel = np.array([[12.0, 130.0, 250.0]])
    assert torch(DISTORTIONS["other_family"].values(pixel, torch)) == pytest.approx(pixel / 127.5 - 1, abs=1e-6)


def test_looks_are_what_they_say() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (300, 500, 3)).astype(np.uint8)
    crop = square(picture, 224, LITE.crop_fraction)
    look = {name: entry.look for name, entry in DISTORTIONS.items() if entry.look}
    assert sorted(look) == ["half_size", "lying", "stretched"]
    assert np.array_equal(np.rot90(look["lying"](picture, LITE), -1), crop)
    assert look["half_size"](picture, LITE).shape == (112, 112, 3) and DISTORTIONS["half_size"].size == 0.5
    whole = np.asarray(Image.fromarray(picture).resize((224, 224), Image.Resampling.BICUBIC))
    assert np.array_equal(look["stretched"](picture, LITE), whole)


def test_mismatches_are_named_with_their_remedy() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    assert likely_mismatches([colour] * 3, LITE) == []
    wide = np.concatenate([colour] * 3, axis=1)
    grey = np.repeat(colour[..., :1], 3, axis=-1)
    notes = ["16-bit values scaled to 8-bit", "turned upright (EXIF orientation 6)"]
    found = likely_mismatches([colour, wide, grey, colour[:60, :60]], LITE, notes)
    assert [sentence.partition(" pictures ")[0] for sentence in found] == ["1 of 4"] * 5
    for words, sentence in zip(
        ("is grey", "is smaller than 112", "is more than 2 times as long", "scaled to 8", "was turned"),
        found,
        strict=True,
    ):
        assert words in sentence
