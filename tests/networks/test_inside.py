"""The picture inside a network: Grad-CAM against class activation, units against brute force."""

import keras
import numpy as np
import pytest
from skimage import data

from cnn_core.arithmetic.geometry import Field
from cnn_core.networks import backbones, embedded, inside
from cnn_core.networks import loaded as zoo
from cnn_core.networks.backbones import DEFAULT
from cnn_core.networks.first_layer import first_layer
from cnn_core.networks.inside import InspectionRefused, first_kernels, grad_cam, grad_cam_map, unit, unit_box
from cnn_core.networks.zoo.architectures import ARCHITECTURES

CAT = data.chelsea()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of this test only, trained ones only where they ship."""
    monkeypatch.setattr(zoo, "_subjects", type(zoo._subjects)())
    monkeypatch.setattr(backbones, "at_hand", lambda record: record.embedded)


# Grad-CAM ------------------------------------------------------------------------------------------------------------


def test_grad_cam_is_the_class_activation_map_where_the_network_ends_in_an_average() -> None:
    for expected in embedded.class_activation(CAT, top=2):
        found = grad_cam(DEFAULT, CAT, expected["index"])
        cam = expected["map"]  # α_c = w_c / positions (Selvaraju et al. 2017, section 3.1)
        np.testing.assert_allclose(found.map, np.maximum(cam, 0) / cam.size, atol=1e-5)
        assert found.layer == ARCHITECTURES[DEFAULT].last_feature_map
        assert (found.label, found.probability) == (expected["label"], pytest.approx(expected["probability"], abs=1e-4))
    assert grad_cam(DEFAULT, CAT).label == embedded.classify(CAT, top=1)[0]["label"], "the most probable by default"


def small(nested: bool) -> keras.Model:
    """The same layers and weights in a row, or with those in the middle in models within models."""
    layers = keras.layers
    keras.utils.set_random_seed(3)
    first, conv = layers.Conv2D(4, 3, name="first"), layers.Conv2D(5, 3, activation="relu", name="conv")
    norm, last = layers.BatchNormalization(name="norm"), layers.Conv2D(6, 3, name="last")
    pool, flat = layers.MaxPooling2D(2, name="pool"), layers.Flatten(name="flat")
    head = layers.Dense(3, activation="softmax", name="head")
    image = keras.Input((20, 20, 3))
    if not nested:
        return keras.Model(image, head(flat(pool(last(norm(conv(first(image))))))), name="plain")
    inside = keras.Sequential([keras.Input((18, 18, 4)), conv, norm], name="inside")
    between = keras.Input((18, 18, 4))
    middle = keras.Model(between, last(inside(between)), name="middle")
    return keras.Model(image, head(flat(pool(middle(first(image))))), name="nested")


@pytest.mark.parametrize(
    ("layer", "path"), [("first", "first"), ("conv", "middle/inside/conv"), ("last", "middle/last"), ("pool", "pool")]
)
def test_grad_cam_enters_models_within_models(layer: str, path: str) -> None:
    batch = np.random.default_rng(0).standard_normal((1, 20, 20, 3), np.float32)
    flat, nested = small(nested=False), small(nested=True)
    for ours, theirs in zip(nested.weights, flat.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    within, alone = grad_cam_map(nested, path, batch, 1), grad_cam_map(flat, layer, batch, 1)
    np.testing.assert_allclose(within, alone, rtol=1e-4, atol=1e-7)


def test_grad_cam_is_its_formula_with_a_gradient_by_differences() -> None:
    batch = np.random.default_rng(1).standard_normal((1, 20, 20, 3), np.float32)
    model = small(nested=False)
    below = keras.Model(model.input, model.get_layer("pool").output)
    features = np.asarray(below(batch))[0]  # (7, 7, 6)
    kernel, bias = (np.asarray(weight, np.float64) for weight in model.get_layer("head").weights)

    def score(maps: np.ndarray) -> float:
        return float((maps.reshape(-1) @ kernel + bias)[2])

    weights = np.zeros(6)
    for channel in range(6):  # the sum of a channel's gradient: what a rise of all its positions changes
        raised = features.astype(np.float64)
        raised[..., channel] += 1e-3
        weights[channel] = (score(raised) - score(features.astype(np.float64))) / 1e-3 / 49
    np.testing.assert_allclose(
        grad_cam_map(model, "pool", batch, 2), np.maximum(features @ weights, 0), rtol=1e-3, atol=1e-5
    )


def test_grad_cam_refuses_what_it_cannot_weigh(fresh: None) -> None:
    with pytest.raises(InspectionRefused, match="inside of a model it is called model/layer"):
        grad_cam_map(small(nested=True), "conv", np.zeros((1, 20, 20, 3), np.float32), 0)
    with pytest.raises(InspectionRefused, match="classes 0 to 9; received 10"):
        grad_cam("lenet5", CAT, 10)


# Kernels, weights, answers --------------------------------------------------------------------------------------------


def test_first_kernels_of_the_embedded_network_are_those_of_keras() -> None:
    found, model = first_kernels(DEFAULT), backbones.classifier()
    assert found.layer == zoo.loaded(DEFAULT).first_convolution().name
    np.testing.assert_array_equal(found.kernels, np.asarray(model.get_layer(found.layer).kernel))


def test_first_layer_of_the_embedded_network_computes_what_keras_computes() -> None:
    import keras

    model, pixels = backbones.classifier(), np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    ends = [model.get_layer(name).output for name in ("stem_bn", "stem_relu6")]
    found = keras.Model(model.input, ends)(pixels[None].astype(np.float32))
    for wanted, relu in zip(found, (False, True), strict=True):
        assert np.abs(first_layer().maps(pixels, relu=relu) - np.asarray(wanted)[0]).max() < 1e-4


def test_first_kernels_are_sixty_four_at_most(fresh: None) -> None:
    found = first_kernels("resnet18")
    kernel = np.asarray(zoo.loaded("resnet18").model.get_layer("conv1_conv").kernel)
    assert found.layer == "conv1_conv" and found.kernels.shape == (7, 7, 3, 64)
    np.testing.assert_array_equal(found.kernels, kernel[..., :64])


def test_first_kernels_lie_on_the_picture_where_a_network_reads_blue_green_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ResNet-50 and VGG-16 of Keras do: red, green and blue alone get the answers that the kernels say."""
    image = keras.Input((3, 3, 3))
    conv = keras.layers.Conv2D(5, 3, use_bias=False, name="conv1")
    model = keras.Model(image, conv(keras.ops.flip(image, axis=-1)))
    facts = zoo.Network("vgg16", True, "", 3, 3, 1.0, (), (), "", False)
    monkeypatch.setattr(inside, "loaded", lambda key: zoo.Subject(facts, model))
    found = first_kernels("vgg16").kernels
    for colour in range(3):
        alone = np.zeros((1, 3, 3, 3), np.float32)
        alone[..., colour] = 1
        np.testing.assert_allclose(found[:, :, colour].sum((0, 1)), np.asarray(model(alone))[0, 0, 0], atol=1e-6)


def test_random_weights_are_said_to_be_so_and_are_the_same_in_every_worker(fresh: None) -> None:
    def maps() -> np.ndarray:
        subject = zoo.loaded("cifar_resnet20")
        return np.asarray(subject.cut("stage2_block3_out")(subject.batch(CAT)))

    first = maps()
    zoo._subjects.clear()
    again, facts = maps(), zoo.loaded("cifar_resnet20").network
    assert "random weights" in facts.weights and not facts.pretrained and not facts.classifies
    np.testing.assert_array_equal(first, again)
    assert np.isfinite(first).all() and first.std() > 0


@pytest.mark.parametrize("key", ["lenet5_1998", "lenet5"])
def test_lenet_sees_grey_and_its_evidence_is_for_the_nearest_code(key: str, fresh: None) -> None:
    subject = zoo.loaded(key)
    seen = subject.seen(CAT)
    assert seen.shape == (32, 32, 3) and (seen == seen[..., :1]).all()
    said = np.asarray(subject.model(subject.batch(CAT)))[0]
    found = grad_cam(key, CAT)
    assert found.index == (said.argmin() if key == "lenet5_1998" else said.argmax())
    assert found.layer == ARCHITECTURES[key].last_feature_map


def test_backbones_come_with_their_weights_and_their_own_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    build = backbones.build
    monkeypatch.setattr(zoo, "_subjects", type(zoo._subjects)())
    monkeypatch.setattr(backbones, "at_hand", lambda record: True)
    monkeypatch.setattr(backbones, "build", lambda name: build(name, pretrained=False))  # the weights are not here
    facts = zoo.loaded("mobilenet_v2").network
    assert facts.pretrained and not facts.classifies and "without their classifier" in facts.weights
    shapes = {layer.name: layer.shape for layer in facts.layers}
    assert [shapes[end] for end in facts.stage_ends] == [
        *((112, 112, 16), (56, 56, 24), (28, 28, 32), (14, 14, 96), (7, 7, 1280)),
    ]
    with pytest.raises(InspectionRefused, match="no classifier"):
        grad_cam("mobilenet_v2", CAT)


def test_tokens_lie_as_their_patches_do(fresh: None) -> None:
    from cnn_core.networks.zoo.vit import vit

    size = {"patch_size": 8, "depth": 1, "width": 12, "mlp_width": 24, "heads": 2}
    model = vit(input_shape=(32, 32, 3), num_classes=3, **size)
    layers = tuple(zoo._layers(model))
    facts = zoo.Network("vit_b16", False, zoo.RANDOM, 32, 3, 1.0, layers, ("encoder1_out",), "", False)
    zoo._subjects["vit_b16"] = zoo.Subject(facts, model)
    maps = np.asarray(zoo.loaded("vit_b16").cut("class_token")(zoo.loaded("vit_b16").batch(CAT)))
    np.testing.assert_allclose(
        maps, np.asarray(zoo.loaded("vit_b16").cut("patches_conv")(zoo.loaded("vit_b16").batch(CAT)))
    )
    seen = unit("vit_b16", CAT, "encoder1_out", 1, 2, 3)
    assert seen.box == (0, 31, 0, 31), "attention sees all"
    outside = seen.gradient.copy()
    outside[8:16, 16:24] = 0
    assert outside.sum() > 0, "and listens beyond its patch"
    with pytest.raises(InspectionRefused, match="no classifier that reads a feature map"):
        grad_cam("vit_b16", CAT)


# One unit ------------------------------------------------------------------------------------------------------------


def test_unit_is_found_by_brute_force() -> None:
    model = backbones.classifier()
    layer, row, column, channel = "block2b_out", 5, 50, 7
    seen = zoo.loaded(DEFAULT).seen(CAT)
    cut = keras.Model(model.input, model.get_layer(layer).output)
    responses = np.asarray(cut(seen[None].astype(np.float32)))[0, ..., channel]
    found = unit(DEFAULT, CAT, layer, row, column, channel)
    assert found.value == pytest.approx(float(responses[row, column]), rel=1e-4)
    best = max(((r, c) for r in range(56) for c in range(56)), key=lambda place: responses[place])
    assert found.peak == best and found.peak_value == pytest.approx(float(responses[best]), rel=1e-4)
    top, bottom, left, right = found.box
    inside = found.gradient[top : bottom + 1, left : right + 1]
    assert inside.sum() == pytest.approx(1, abs=1e-5), "no gradient outside of the box"
    assert found.gradient.sum() == pytest.approx(1, abs=1e-5)
    ranked = sorted(found.gradient.ravel().tolist(), reverse=True)
    assert sum(ranked[: found.held]) >= 0.9499 > sum(ranked[: found.held - 1]) - 1e-4
    changed = seen.astype(np.float32)  # a pixel of the strongest gradient changes it, one outside of the box does not
    changed[np.unravel_index(found.gradient.argmax(), found.gradient.shape)] += 20
    assert abs(float(cut(changed[None])[0, row, column, channel]) - found.value) > 1e-3
    changed = seen.astype(np.float32)
    changed[bottom + 1 :] = 0
    assert float(cut(changed[None])[0, row, column, channel]) == pytest.approx(found.value, abs=1e-3)


def test_unit_that_is_off_listens_to_nothing(fresh: None) -> None:
    subject = zoo.loaded("lenet5")
    responses = np.asarray(subject.cut("c3")(subject.batch(CAT)))[0]
    row, column, channel = (int(n) for n in np.argwhere(responses == 0)[0])
    found = unit("lenet5", CAT, "c3", row, column, channel)
    assert (found.value, found.held, float(found.gradient.sum())) == (0, 0, 0)


def test_unit_refuses_what_is_not_there(fresh: None) -> None:
    with pytest.raises(InspectionRefused, match=r"c3 has \(10, 10, 16\) units .* received \(0, 10, 0\)"):
        unit("lenet5", CAT, "c3", 0, 10, 0)
    with pytest.raises(InspectionRefused, match="no feature map 'flatten'. Its stages end in s2, s4, c5"):
        unit("lenet5", CAT, "flatten", 0, 0, 0)
    with pytest.raises(ValueError, match="No architecture is called 'lenet6'"):
        first_kernels("lenet6")


def test_box_is_clipped_and_whole_where_there_is_no_field() -> None:
    assert unit_box(Field(7, 2, 3), 0, 15, 32) == (0, 3, 27, 31)
    assert unit_box(None, 3, 3, 32) == (0, 31, 0, 31)


# Memory --------------------------------------------------------------------------------------------------------------


def test_networks_are_kept_within_the_budget(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "BUDGET", zoo.weights_bytes("lenet5") + zoo.weights_bytes("lenet5_1998"))
    for key in ("lenet5", "lenet5_1998", "lenet5"):
        zoo.loaded(key)
    assert list(zoo._subjects) == ["lenet5_1998", "lenet5"]
    zoo.loaded("cifar_plain20")
    assert list(zoo._subjects) == ["cifar_plain20"], "one that is larger than the budget is alone"


def test_network_that_does_not_fit_is_refused(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Free:
        available = 1_000_000_000

    monkeypatch.setattr(zoo.psutil, "virtual_memory", Free)
    with pytest.raises(InspectionRefused, match="VGG-16 has 553 MB .* 1 GB are free. Choose a smaller network"):
        first_kernels("vgg16")
