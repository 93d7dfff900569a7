"""MobileNet, EfficientNet, ConvNeXt and ViT: published counts, the outputs of keras.applications, NumPy for ViT."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from cnn_core.networks.zoo.convnext import convnext_tiny
from cnn_core.networks.zoo.efficientnet import efficientnet_b0, lite0
from cnn_core.networks.zoo.mobilenet import mobilenet_v1, mobilenet_v2
from cnn_core.networks.zoo.vit import vit, vit_b16
from cnn_core.networks.zoo.weightless import weightless

BUILDERS = (mobilenet_v1, mobilenet_v2, efficientnet_b0, convnext_tiny, vit_b16)


# Published counts (FACTS.md): trainable by torchvision, all by Keras --------------------------------------------------


@pytest.mark.parametrize(
    ("build", "trainable", "total"),
    [
        (mobilenet_v1, 4_231_976, 4_253_864),  # Keras
        (mobilenet_v2, 3_504_872, 3_538_984),  # torchvision, Keras
        (efficientnet_b0, 5_288_548, 5_330_571 - 7),  # torchvision; Keras but for its normalisation of pixels
        (convnext_tiny, 28_589_128, 28_589_128),  # torchvision and Keras
        (vit_b16, 86_567_656, 86_567_656),  # torchvision
    ],
)
def test_parameters_are_the_published(build: Callable[..., Any], trainable: int, total: int) -> None:
    model = weightless(build)
    assert sum(math.prod(weight.shape) for weight in model.trainable_weights) == trainable
    assert model.count_params() == total
    assert (model.input_shape, model.output_shape) == ((None, 224, 224, 3), (None, 1000))


@pytest.mark.parametrize("build", BUILDERS)
def test_ends_are_logits_and_probabilities(build: Callable[..., Any]) -> None:
    model = weightless(build, input_shape=(64, 96, 3), num_classes=7)
    assert [layer.name for layer in model.layers[-2:]] == ["logits", "probabilities"]
    assert isinstance(model.layers[-1], keras.layers.Softmax) and model.output_shape == (None, 7)
    assert model.name == build.__name__


@pytest.mark.parametrize("build", BUILDERS)
def test_impossible_shapes_and_classes_are_refused(build: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"input_shape is \(8, 8, 3\); expected \(height, width, channels\)"):
        build(input_shape=(8, 8, 3))
    with pytest.raises(ValueError, match=r"num_classes is 0; expected a whole number, at least 1\."):
        weightless(build, num_classes=0)


# The same numbers as keras.applications -------------------------------------------------------------------------------


def same_output(ours: keras.Model, theirs: keras.Model, pixels: np.ndarray) -> None:
    """With random weights, copied in the order of the layers, both say the same, and not by saying nothing."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 1 / math.sqrt(max(math.prod(w.shape[:-1]), 1)), w.shape) for w in theirs.get_weights()]
    weights = [np.abs(new) + 0.5 if new.ndim == 1 else new for new in weights]  # scales and variances are positive
    theirs.set_weights(weights)
    mine = ours.get_weights()
    assert [w.size for w in mine] == [w.size for w in weights]
    ours.set_weights([new.reshape(old.shape) for new, old in zip(weights, mine, strict=True)])
    expected = np.asarray(theirs(pixels, training=False))
    said = np.asarray(ours(pixels, training=False))
    assert np.ptp(expected) > 1e-3, "the reference says the same of every class: nothing is compared"
    np.testing.assert_allclose(said, expected, rtol=2e-4, atol=2e-6)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (2, 64, 64, 3)).astype("float32")


def test_mobilenet_v1_is_that_of_keras(pixels: np.ndarray) -> None:
    theirs = keras.applications.MobileNet(weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3))
    ours = mobilenet_v1(input_shape=(64, 64, 3))
    same_output(keras.Model(ours.input, ours.get_layer("pool").output), theirs, pixels)


def test_mobilenet_v2_is_that_of_keras(pixels: np.ndarray) -> None:
    theirs = keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), classes=10)
    same_output(mobilenet_v2(input_shape=(64, 64, 3), num_classes=10), theirs, pixels)


@pytest.mark.slow
def test_efficientnet_b0_is_that_of_keras(pixels: np.ndarray) -> None:
    theirs = keras.applications.EfficientNetB0(weights=None, input_shape=(64, 64, 3), classes=10)
    behind = theirs.get_layer("stem_conv_pad").input  # without Keras' normalisation of pixels
    same_output(efficientnet_b0(input_shape=(64, 64, 3), num_classes=10), keras.Model(behind, theirs.output), pixels)


@pytest.mark.slow
def test_convnext_tiny_is_that_of_keras(pixels: np.ndarray) -> None:
    theirs = keras.applications.ConvNeXtTiny(
        weights=None, input_shape=(64, 64, 3), classes=10, include_preprocessing=False
    )
    same_output(convnext_tiny(input_shape=(64, 64, 3), num_classes=10), theirs, pixels)


# ViT, from the paper's equations in NumPy -----------------------------------------------------------------------------


def numpy_vit(weights: dict[str, np.ndarray], image: np.ndarray, patch: int, depth: int, heads: int) -> np.ndarray:
    """Equations 1 to 4 and appendix A of Dosovitskiy et al. 2021, for one image."""

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        return x * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    def softmax(x: np.ndarray) -> np.ndarray:
        x = np.exp(x - x.max(-1, keepdims=True))
        return x / x.sum(-1, keepdims=True)

    def gelu(x: np.ndarray) -> np.ndarray:
        return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))

    kernel = weights["patches_conv/kernel"]
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    tokens = [weights["class_token/token"][0, 0]]
    for row in range(rows):
        for column in range(columns):
            window = image[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
            tokens.append(np.tensordot(window, kernel, 3) + weights["patches_conv/bias"])
    z = np.stack(tokens) + weights["positions/table"][0]
    for block in range(1, depth + 1):
        name, normed = f"encoder{block}", norm(z, f"encoder{block}_norm1")
        part = {
            which: np.einsum("td,dhk->htk", normed, weights[f"{name}_attention/{which}/kernel"])
            + weights[f"{name}_attention/{which}/bias"][:, None, :]
            for which in ("query", "key", "value")
        }
        size = z.shape[1] // heads
        attended = softmax(part["query"] @ part["key"].transpose(0, 2, 1) / math.sqrt(size)) @ part["value"]
        out = f"{name}_attention/attention_output"
        z = z + np.einsum("htk,hkd->td", attended, weights[f"{out}/kernel"]) + weights[f"{out}/bias"]
        hidden = norm(z, f"{name}_norm2") @ weights[f"{name}_mlp1/kernel"] + weights[f"{name}_mlp1/bias"]
        z = z + gelu(hidden) @ weights[f"{name}_mlp2/kernel"] + weights[f"{name}_mlp2/bias"]
    return softmax(norm(z, "encoder_norm")[0] @ weights["logits/kernel"] + weights["logits/bias"])


def test_vit_follows_the_equations() -> None:
    model = vit(input_shape=(16, 24, 3), num_classes=5, patch_size=8, depth=2, width=12, mlp_width=20, heads=3)
    rng = np.random.default_rng(2)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    weights = {weight.path: np.asarray(weight, np.float64) for weight in model.weights}
    images = rng.normal(0, 1, (3, 16, 24, 3)).astype("float32")
    expected = [numpy_vit(weights, image.astype(np.float64), patch=8, depth=2, heads=3) for image in images]
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(np.asarray(model(images)), expected, rtol=1e-3, atol=1e-5)


def test_vit_is_saved_and_loaded(tmp_path: Any) -> None:
    model = vit(input_shape=(16, 16, 3), num_classes=3, patch_size=8, depth=1, width=8, mlp_width=8, heads=2)
    model.save(tmp_path / "vit.keras")
    image = np.random.default_rng(3).normal(size=(1, 16, 16, 3)).astype("float32")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "vit.keras")(image), model(image), rtol=1e-5)


def test_vit_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"Patches of 16 pixels tile the image; received an image of 224 × 230\."):
        vit_b16(input_shape=(224, 230, 3))
    with pytest.raises(ValueError, match=r"The heads divide .*; received 5 heads and a width of 48\."):
        vit(width=48, heads=5)


def test_lite0_takes_the_arguments_of_the_others() -> None:
    assert weightless(lite0, input_shape=(64, 64, 3), num_classes=4).output_shape == (None, 4)
    with pytest.raises(ValueError, match=r"takes a square of three channels; received \(64, 32, 3\)\."):
        lite0(input_shape=(64, 32, 3))
