"""Keras networks as one walks through them: plans against tables, and every node of small graphs against Keras."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cnn_core.arithmetic import costs
from cnn_core.arithmetic.layers import Sliding
from cnn_core.networks import atlas, backbones, loaded
from cnn_core.networks.loaded import InspectionRefused, Network, Subject
from cnn_core.networks.summary import layer_table
from cnn_core.networks.zoo.architectures import ARCHITECTURES, architecture
from cnn_core.networks.zoo.weightless import weightless
from cnn_core.networks.zoom import keras_source, lenet, lite, made, plan, source, strip
from cnn_core.networks.zoom.keras_plan import read
from cnn_core.networks.zoom.plan import Node, Plan

TOLERANCE = 1e-4  # of the range of a map
SIDE = 21


def facts(key: str, ends: tuple[str, ...] | None = None, **more: Any) -> Network:
    size, _, channels = architecture(key).input_shape
    stages = architecture(key).stage_ends if ends is None else ends
    return Network(key, False, loaded.RANDOM, size, channels, 1.0, (), stages, "", False, **more)


def plan_of(key: str) -> Plan:
    return read(weightless(architecture(key).build), facts(key))


# Plans ----------------------------------------------------------------------------------------------------------------


def test_the_embedded_network_is_read_as_its_own_table_has_it() -> None:
    """Two ways to the same plan: from the graph of layers, and from the table of the paper's stages."""
    record = backbones.backbone(backbones.DEFAULT)
    subject = loaded.loaded(backbones.DEFAULT)
    assert read(subject.model, subject.network) == lite.plan()
    assert subject.network.crop_fraction == record.crop_fraction


WITH_OTHERS = ("efficientnet_b0", "googlenet", "alexnet", "convnext_tiny")
WITHOUT_OTHERS = (
    "lenet5",
    "vgg16",
    "resnet18",
    "resnet50",
    "plain18",
    "cifar_resnet20",
    "mobilenet_v1",
    "mobilenet_v2",
)


@pytest.mark.parametrize("key", [*WITHOUT_OTHERS, *WITH_OTHERS])
def test_multiply_adds_of_all_nodes_are_those_of_the_atlas(key: str) -> None:
    whole = plan_of(key)
    assert not [node.name for node in whole.nodes if node.kind == "other"] or key not in WITHOUT_OTHERS
    assert sum(macs(whole, node) for node in whole.nodes) == atlas.read()["architectures"][key]["macs"]


def macs(whole: Plan, node: Node) -> int:
    if node.kind in ("convolution", "depthwise"):
        assert node.window is not None
        channels = whole.node(node.inputs[0]).shape[2]
        sizes = (node.window.kernel_size, channels, node.shape[2], node.shape[:2], node.groups)
        return costs.convolution_cost(*sizes, bias=False).macs
    return int(np.prod(whole.node(node.inputs[0]).shape)) * node.shape[2] if node.kind == "dense" else 0


@pytest.mark.parametrize("key", ["resnet50", "googlenet", "lenet5_1998", "convnext_tiny", "vit_b16"])
def test_fields_shapes_and_inputs_are_those_of_the_graph(key: str) -> None:
    model = weightless(architecture(key).build)
    whole, rows = read(model, facts(key)), {row.name: row for row in layer_table(model)}
    known = {node.name for node in whole.nodes}
    assert [name for stage in whole.stages for name in stage.nodes] == [node.name for node in whole.nodes[1:]]
    assert all(name in known for node in whole.nodes for name in node.inputs)
    for node in whole.nodes:
        row = rows[node.name]
        assert row.output_shape[-1] == node.shape[2]
        if node.field is not None:
            numbers = row.receptive_field, row.effective_stride, row.effective_padding
            assert numbers == (node.field.size, node.field.stride, node.field.padding)
        else:
            assert node.reason


@pytest.mark.parametrize("key", sorted(ARCHITECTURES))
def test_every_network_has_stages_and_says_what_it_does_not_know(key: str) -> None:
    whole = plan_of(key)
    assert whole.shown(), "the strip shows something"
    assert whole.stages[-1].title == "answer" and not whole.pretrained and "random weights" in whole.weights
    for node in whole.nodes:
        assert node.kind != "other" or len(node.reason) > 20
    assert len(whole.shown()) == {"lenet5": 2, "lenet5_1998": 2}.get(key, len(whole.shown())) >= 2


def test_transformer_is_shown_at_its_quarters() -> None:
    whole = plan_of("vit_b16")
    assert [node.name for _, node in whole.shown()] == ["patches_conv", *(f"encoder{n}_out" for n in (3, 6, 9, 12))]
    assert whole.node("encoder1_mlp2").window == Sliding((1, 1)), "a dense layer at each position is 1 × 1"
    reason = "attention weighs all positions by how well each suits this one, so that it has no kernel"
    assert (whole.node("encoder1_attention").kind, whole.node("encoder1_attention").reason) == ("other", reason)


def test_zeros_around_a_map_are_the_padding_of_the_convolution_that_reads_them_alone() -> None:
    image = keras.Input((9, 9, 3), name="image")
    padded = layers.ZeroPadding2D(((2, 1), (0, 3)), name="pad")(image)
    alone = keras.Model(image, layers.Conv2D(4, 3, name="conv")(padded))
    shared = keras.Model(image, [layers.Conv2D(4, 3, name="conv")(padded), layers.MaxPooling2D(2, name="pool")(padded)])
    nodes = read(alone, facts("vgg16", ())).nodes
    assert [(node.name, node.inputs) for node in nodes] == [("image", ()), ("conv", ("image",))]
    assert nodes[1].window == Sliding((3, 3), padding=((2, 1), (0, 3)))
    kinds = {node.name: node.kind for node in read(shared, facts("vgg16", ())).nodes}
    assert kinds == {"image": "input", "pad": "pad", "conv": "convolution", "pool": "max_pool"}


def test_a_fork_is_never_taken_into_what_follows() -> None:
    image = keras.Input((9, 9, 3), name="image")
    summed = layers.Conv2D(4, 3, name="conv")(image)
    normed = layers.BatchNormalization(name="norm")(summed)
    model = keras.Model(image, layers.Add(name="out")([layers.ReLU(name="relu")(normed), summed]))
    found = {node.name: node for node in read(model, facts("vgg16", ())).nodes}
    assert (found["conv"].norm, found["conv"].activation) == ("", "")
    assert (found["relu"].kind, found["relu"].norm, found["relu"].activation) == ("pointwise", "norm", "relu")
    assert found["out"].inputs == ("relu", "conv")


def test_what_is_not_understood_is_other_with_a_reason() -> None:
    image = keras.Input((8, 8, 4), name="image")
    inner = keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(4, 1)], name="inner")
    twice = layers.Conv2D(4, 3, padding="same", name="twice")
    x = twice(twice(inner(image)))
    x = layers.SeparableConv2D(4, 3, padding="same", name="separable")(x)
    x = layers.Lambda(lambda maps: maps * 2, name="code")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="many")(x)
    x = layers.LeakyReLU(name="leaky")(x)
    x = layers.Conv2D(3, 1, activation="softmax", name="shares")(x)
    found = {node.name: node for node in read(keras.Model(image, x), facts("vgg16", ())).nodes}
    kinds = {name: node.kind for name, node in found.items()}
    assert kinds == {"image": "input", "twice": "convolution"} | dict.fromkeys(
        ("inner", "twice_2", "separable", "code", "many", "leaky", "shares"), "other"
    )
    assert found["inner"].reason.startswith("Sequential is a model within the model")
    assert found["twice_2"].reason == "it is called more than once"
    assert found["separable"].reason == "SeparableConv2D is two convolutions in one layer"
    assert found["leaky"].reason == "LeakyReLU is no sum that this walk knows"


def test_only_graphs_of_layers_on_one_picture_are_read() -> None:
    images = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    with pytest.raises(InspectionRefused, match="graphs of layers on one picture; vgg16 is none"):
        read(keras.Model(images, layers.Add()(images)), facts("vgg16", ()))


# Every node against Keras ---------------------------------------------------------------------------------------------


def strided(x: Any) -> Any:
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False, name="a")(x)
    x = layers.ReLU(6.0, name="a_relu")(layers.BatchNormalization(name="a_norm")(x))
    x = layers.DepthwiseConv2D((3, 5), padding="same", name="b")(x)
    x = layers.Activation("swish", name="b_swish")(layers.BatchNormalization(scale=False, name="b_norm")(x))
    x = layers.Conv2D(12, (1, 3), dilation_rate=2, padding="same", name="c")(x)
    x = layers.Activation("gelu", name="c_gelu")(x)
    x = layers.Conv2D(9, 3, groups=3, activation="tanh", name="d")(x)
    return layers.Conv2D(6, 2, 3, activation="sigmoid", name="e")(x)


def pooled(x: Any) -> Any:
    x = layers.Conv2D(4, 3, name="a")(layers.Rescaling(1 / 128, -1.0, name="scaled")(x))
    big, mean = layers.MaxPooling2D(3, 2, "same", name="big")(x), layers.AveragePooling2D(4, 2, "same", name="mean")(x)
    x = layers.Concatenate(name="both")([big, mean])
    x = layers.ReLU(name="both_relu")(layers.BatchNormalization(name="both_norm")(x))
    x = layers.MaxPooling2D(2, name="smaller")(layers.ZeroPadding2D(((1, 2), (0, 1)), name="pad")(x))
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    x = layers.Dense(7, activation="relu", name="hidden")(x)
    return layers.Softmax(name="shares")(layers.Dense(5, name="scores")(x))


def residual(x: Any) -> Any:
    x = layers.Conv2D(6, 3, 2, name="a")(layers.ZeroPadding2D(1, name="a_pad")(x))
    y = layers.Conv2D(6, 3, padding="same", name="b")(layers.LayerNormalization(name="norm")(x))
    x = layers.ReLU(name="out")(layers.Add(name="sum")([x, y, layers.Conv2D(6, 1, name="c")(x)]))
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    gate = layers.Activation("sigmoid", name="gate")(layers.Conv2D(6, 1, name="excite")(gate))
    x = layers.Multiply(name="weighed")([gate, x])
    x = layers.Multiply(name="squared")([x, layers.Activation("tanh", name="bent")(x)])
    x = layers.Dense(8, name="each")(x)
    return layers.Dense(5, activation="softmax", name="answer")(layers.GlobalAveragePooling2D(name="pool")(x))


TOYS: dict[str, Callable[[Any], Any]] = {"strided": strided, "pooled": pooled, "residual": residual}


def subject_of(model: keras.Model, ends: tuple[str, ...] = (), **more: Any) -> Subject:
    size, _, channels = model.input_shape[1:]
    return Subject(Network("vgg16", False, loaded.RANDOM, size, channels, 1.0, (), ends, "", False, **more), model)


def lively(model: keras.Model) -> keras.Model:
    """Numbers by chance also where Keras begins with 0 and 1."""
    random = np.random.default_rng(4)
    for variable in model.weights:
        shape = tuple(variable.shape)
        drawn = random.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]) or 1)
        variable.assign(random.uniform(0.5, 2, shape) if variable.path.endswith("variance") else drawn)
    return model


@pytest.mark.parametrize("name", TOYS)
def test_every_node_of_small_graphs_is_as_keras_says(name: str) -> None:
    keras.utils.set_random_seed(5)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    model = lively(keras.Model(image, TOYS[name](image)))
    held_to_keras(subject_of(model, preprocessing=(1.0, 0.0) if name == "pooled" else (1 / 127.5, -1.0)))


@pytest.mark.parametrize("key", ["lenet5", "lenet5_1998"])
def test_every_node_of_lenet_is_as_keras_says(key: str) -> None:
    held_to_keras(loaded.loaded(key))


def held_to_keras(subject: Subject) -> None:
    """Three cells, and the whole map, of each node: NumPy against the layer's own output."""
    side, random = subject.network.input_size, np.random.default_rng(6)
    seen = random.integers(0, 256, (side, side, 3)).astype(np.uint8)
    found = keras_source.Keras(subject, seen)
    batch = subject.taken(found.seen)
    for node in found.plan.nodes:
        cut = keras.Model(subject.model.input, subject.model.get_layer(node.name).output)
        expected = batch[0] if node.name == "image" else np.asarray(cut(batch))[0].reshape(node.shape)
        np.testing.assert_allclose(found.maps(node.name), expected, atol=1e-5 * np.abs(expected).max())
        for _ in range(3):
            row, column, channel = (int(random.integers(size)) for size in node.shape)
            cell = made.cell_of(found, node.name, channel, row, column)
            limit = TOLERANCE * (made.scale_of(expected, channel) or 1)
            assert cell.value == pytest.approx(float(expected[row, column, channel]), abs=limit), node.name
            assert cell.engine == pytest.approx(cell.value, abs=limit) and cell.by == "Keras"
            assert bool(cell.reason) == (node.kind == "other")
            total = cell.scale * (cell.sums.sum() + cell.rest + cell.bias) + cell.shift
            assert cell.reason or total == pytest.approx(cell.before, abs=1e-6 + 1e-6 * abs(cell.before))
            np.testing.assert_allclose((cell.values * cell.weights).sum(axis=(1, 2)), cell.sums, rtol=1e-4, atol=1e-6)
            whole = made.made_of(found, node.name, channel)
            if not strip.of_an_average(found.plan, node):
                assert np.abs(whole.output - expected[..., channel]).max() <= limit, node.name
        strip.maps_of(found, node.name)


def test_products_of_two_maps_lead_to_both() -> None:
    image = keras.Input((SIDE, SIDE, 3), name="image")
    subject = subject_of(lively(keras.Model(image, residual(image))), preprocessing=(1 / 127.5, -1.0))
    found = keras_source.Keras(subject, np.full((SIDE, SIDE, 3), 90, np.uint8))
    gated, gate = made.made_of(found, "weighed", 2), float(found.maps("gate")[0, 0, 2])
    assert (gated.inputs, gated.factor) == ((("out", 2),), ("gate", 2)) and gated.kernels.tolist() == [[[gate]]]
    assert made.made_of(found, "squared", 2).kernels.size == 0, "a number for each cell is none for all"
    cell = made.cell_of(found, "squared", 2, 4, 5)
    assert (cell.inputs, cell.factor) == ((("weighed", 2),), ("bent", 2))
    assert cell.weights.item() == pytest.approx(float(found.maps("bent")[4, 5, 2]))


def test_channels_of_a_concatenation_come_from_where_they_were() -> None:
    found = keras_source.Keras(loaded.loaded("lenet5_1998"), np.full((32, 32, 3), 200, np.uint8))
    assert made.made_of(found, "c3", 7).inputs == (("c3_of4", 1),)
    assert made.made_of(found, "c3_of3_maps", 3).inputs == (("s2_squash", 1),), "table I: the second map reads 1, 2, 3"


def test_maps_of_the_picture_asked_about_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keras_source.forget()
    key = "lenet5_1998"
    subject, passes = loaded.loaded(key), []
    walk = keras_source.walk(subject)
    counted = keras_source.Walk(walk.plan, lambda batch: (passes.append(1), walk.run(batch))[1])
    monkeypatch.setattr(subject, "walk", counted)
    seen = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    assert strip.strip(key, seen).top == [], "random weights answer nothing"
    made.made(key, seen.copy(), "c3", 3)
    made.cell(key, seen, "c5_squash", 3, 0, 0)
    assert len(passes) == 1
    strip.maps(key, 255 - seen, "c3")
    assert len(passes) == 2
    with pytest.raises(ValueError, match="read-only"):
        source.source(key, seen).maps("c3")[0] = 0


# LeNet-5 without Keras ------------------------------------------------------------------------------------------------


def test_the_shipped_lenet_is_its_keras_model_by_numpy() -> None:
    subject = loaded.loaded("lenet5")
    assert read(subject.model, subject.network) == lenet.plan() == strip.plan("lenet5")
    assert lenet.plan().pretrained and "ten digits only" in lenet.plan().weights
    for seed in range(3):
        seen = np.random.default_rng(seed).integers(0, 256, (32, 32, 3)).astype(np.uint8)
        ours, theirs = lenet.Lenet(seen), keras_source.Keras(subject, seen)
        for node in lenet.plan().nodes:
            expected = theirs.maps(node.name)
            np.testing.assert_allclose(ours.maps(node.name), expected, atol=1e-5 * np.abs(expected).max())
            row, column, channel = (size // 2 for size in node.shape)
            limit = float(1e-4 * np.ptp(expected))
            cell = made.cell_of(ours, node.name, channel, row, column)
            assert cell.value == pytest.approx(float(expected[row, column, channel]), abs=limit)
            assert cell.engine is None and cell.by == "NumPy"
        assert [each["index"] for each in ours.answers(3)] == [each["index"] for each in theirs.answers(3)]


def test_a_digit_is_read_by_the_shipped_lenet_without_keras() -> None:
    code = (
        "import json, sys, numpy as np\n"
        "from cnn_core.networks.zoom import made, strip\n"
        "from cnn_core.pictures.bundled import BUNDLED\n"
        "from cnn_core.networks.zoom.plan import seen\n"
        "pixels = seen(strip.plan('lenet5'), BUNDLED['digit-7'].load().pixels)\n"
        "for node in strip.plan('lenet5').nodes:\n"
        "    strip.maps('lenet5', pixels, node.name)\n"
        "    made.made('lenet5', pixels, node.name, 0)\n"
        "    made.cell('lenet5', pixels, node.name, 0, 0, 0)\n"
        "heavy = [name for name in ('keras', 'tensorflow', 'scipy') if name in sys.modules]\n"
        "print(json.dumps([strip.strip('lenet5', pixels).top[0]['label'], heavy]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.stderr == "" and json.loads(done.stdout) == ["7", []]


def test_a_classifier_is_a_share_of_all_classes() -> None:
    seen = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    shares = [float(made.made("lenet5", seen, "probabilities", digit).output[0, 0]) for digit in range(10)]
    model = loaded.loaded("lenet5").model
    expected = np.asarray(model(plan.looked(strip.plan("lenet5"), seen)[None, ..., :1] / np.float32(255)))[0]
    np.testing.assert_allclose(shares, expected, atol=1e-5)
    assert [each["index"] for each in strip.strip("lenet5", seen).top] == list(expected.argsort()[::-1][:5])
