"""The classic networks against the numbers of their papers, and their unusual layers against NumPy."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest

from cnn_core.networks.summary import LayerRow, layer_table
from cnn_core.networks.zoo.alexnet import LocalResponseNormalization, alexnet
from cnn_core.networks.zoo.googlenet import googlenet
from cnn_core.networks.zoo.lenet import CodeDistances, ScaledTanh, digit_codes, lenet5, lenet5_1998
from cnn_core.networks.zoo.resnet import resnet
from cnn_core.networks.zoo.vgg import vgg
from cnn_core.networks.zoo.weightless import weightless

BUILDERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    **{"lenet5_1998": (lenet5_1998, {}), "lenet5": (lenet5, {})},
    **{"alexnet": (alexnet, {}), "alexnet_ungrouped": (alexnet, {"groups": 1})},
    **{f"vgg{depth}": (vgg, {"depth": depth}) for depth in (16, 19)},
    "googlenet": (googlenet, {}),
    "googlenet_auxiliary": (googlenet, {"auxiliary": True}),
    **{f"resnet{depth}": (resnet, {"depth": depth}) for depth in (18, 34, 50, 101, 152)},
    **{f"plain{depth}": (resnet, {"depth": depth, "residual": False}) for depth in (18, 34)},
}


Outputs = tuple[Any, dict[str, np.ndarray]]


def graph(name: str, **arguments: Any) -> Any:
    build, variant = BUILDERS[name]
    return weightless(build, **variant, **arguments)


@cache
def built(name: str) -> Any:
    return graph(name)


@cache
def rows(name: str) -> dict[str, LayerRow]:
    return {row.name: row for row in layer_table(built(name))}


def field(row: LayerRow) -> tuple[Any, Any, Any]:
    return row.receptive_field, row.effective_stride, row.effective_padding


def last_map(table: dict[str, LayerRow]) -> LayerRow:
    """The last layer of the trunk with a field: what global pooling or the dense layers read."""
    return [row for row in table.values() if row.receptive_field and not row.name.startswith("auxiliary")][-1]


# Parameters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "trainable_params"),
    [
        ("lenet5_1998", 60_000),  # LeCun et al. 1998, section II.B: "60,000 trainable free parameters"
        ("lenet5", 61_706),  # 156 + 2,416 + 48,120 + 10,164 + 850
        ("alexnet", 60_965_224),  # Krizhevsky et al. 2012: "60 million"; to the digit as in Caffe's bvlc_reference
        ("alexnet_ungrouped", 62_378_344),  # arithmetic: conv2, conv4 and conv5 read all maps
        ("vgg16", 138_357_544),  # keras.applications and torchvision
        ("vgg19", 143_667_240),  # keras.applications and torchvision
        ("googlenet", 6_998_552),  # Caffe's bvlc_googlenet without its auxiliary heads
        ("googlenet_auxiliary", 13_378_280),  # Caffe's bvlc_googlenet
        ("resnet18", 11_689_512),  # torchvision, as the four that follow
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
    ],
)
def test_trainable_parameters_are_the_published_ones(name: str, trainable_params: int) -> None:
    model, table = built(name), rows(name).values()
    assert sum(row.trainable_params for row in table) == trainable_params
    assert sum(row.params for row in table) == model.count_params()
    statistics = sum(row.params // 2 for row in table if row.kind == "BatchNormalization")
    assert model.count_params() == trainable_params + statistics


def test_resnet50_differs_from_keras_by_the_terms_of_the_record() -> None:
    assert (
        sum(row.params for row in rows("resnet50").values()) + 26_560 == 25_636_712
    )  # Keras' convolutions have biases
    assert sum(row.params - row.trainable_params for row in rows("resnet50").values()) == 53_120


@pytest.mark.parametrize("depth", [18, 34])
def test_plain_nets_are_the_residual_ones_without_projections(depth: int) -> None:
    residual, plain = (
        sum(row.trainable_params for row in rows(f"{kind}{depth}").values()) for kind in ("resnet", "plain")
    )
    projections = sum(narrow * wide + 2 * wide for narrow, wide in pairwise((64, 128, 256, 512)))
    assert residual - plain == projections == 173_824
    assert not any(row.kind == "Add" for row in rows(f"plain{depth}").values())
    assert sum(row.kind == "Conv2D" for row in rows(f"plain{depth}").values()) == depth - 1


def test_lenet5_1998_has_the_parameters_and_connections_of_each_layer() -> None:
    """Section II.B gives both for each layer, and 340,908 connections in total; a bias is a connection."""
    params, connections = dict.fromkeys(("c1", "s2", "c3", "s4", "c5", "f6"), 0), {}
    for row in rows("lenet5_1998").values():
        layer = row.name.split("_")[0]
        if row.params:
            params[layer] += row.params
            inputs = 4 if layer in ("s2", "s4") else 1  # a unit reads four, with one coefficient
            positions = int(np.prod(row.output_shape))
            connections[layer] = connections.get(layer, 0) + (row.macs or 0) * inputs + positions
    assert params == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert connections == {"c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120, "f6": 10_164}
    assert sum(connections.values()) + 84 * 10 == 340_908


# Szegedy et al. 2015, table 1: weights in units of 1024, multiply-adds in millions. None: the printed number does not
# follow from the filters of its own row, which everybody builds (4c: 463 weights; 5a: 1072 weights and 54 operations).
@pytest.mark.parametrize(
    ("module", "kilo_params", "mega_macs"),
    [
        *(("3a", 159, 128), ("3b", 380, 304), ("4a", 364, 73), ("4b", 437, 88), ("4c", None, 100), ("4d", 580, 119)),
        *(("4e", 840, 170), ("5a", None, None), ("5b", 1388, 71)),
    ],
)
def test_googlenet_modules_cost_what_table_1_says(module: str, kilo_params: int | None, mega_macs: int | None) -> None:
    table = [row for row in rows("googlenet").values() if row.name.startswith(f"inception_{module}_")]
    weights = sum(row.params - row.output_shape[-1] for row in table if row.kind == "Conv2D")  # no biases
    positions = {"3": 28, "4": 14, "5": 7}[module[0]] ** 2
    assert sum(row.macs or 0 for row in table) == weights * positions
    if kilo_params:
        assert weights / 1024 == pytest.approx(kilo_params, rel=0.02)
    if mega_macs:
        assert weights * positions / 1e6 == pytest.approx(mega_macs, abs=1)


# Multiply-adds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "giga_macs", "digits"),
    [
        ("alexnet", 0.724, 3),  # Sze et al. 2017, arXiv:1703.09039, table II (convolutions 0.666, dense 0.0586)
        ("vgg16", 15.470, 3),
        ("resnet50", 3.858, 3),  # stride in the first 1 × 1; torchvision 4.089
        ("resnet18", 1.8, 1),  # He et al. 2016, table 1, as the three that follow
        ("plain34", 3.6, 1),  # their 34 layers are 3.6 with shortcuts that are identities
        ("resnet101", 7.6, 1),
        ("resnet152", 11.3, 1),
    ],
)
def test_multiply_adds_are_the_published_ones(name: str, giga_macs: float, digits: int) -> None:
    counts = [row.macs for row in rows(name).values()]
    assert None not in counts, "a layer is not counted"
    assert round(sum(count or 0 for count in counts) / 1e9, digits) == giga_macs


# Receptive fields ----------------------------------------------------------------------------------------------------

DISTILL = {  # Araujo, Norris & Sim 2019; VGG-19 and ResNet-18, 34, 101, 152 by the same arithmetic
    "alexnet": [("conv1", 11, 4, 0), ("pool1", 19, 8, 0), ("conv2", 51, 8, 16), ("pool5", 195, 32, 64)],
    "alexnet_ungrouped": [("pool5", 195, 32, 64)],
    "vgg16": [("conv1_1", 3, 1, 1), ("pool1", 6, 2, 2), ("pool3", 44, 8, 18), ("pool5", 212, 32, 90)],
    "vgg19": [("pool5", 268, 32, 118)],
    "googlenet": [("inception_5b", 715, 32, 326)],
    "resnet18": [("conv5_block2_out", 435, 32, 215)],
    "resnet34": [("conv5_block3_out", 899, 32, 447)],
    "resnet50": [("conv2_block3_out", 35, 4, 15), ("conv5_block3_out", 483, 32, 239)],
    "resnet101": [("conv5_block3_out", 1027, 32, 511)],
    "resnet152": [("conv5_block3_out", 1507, 32, 751)],
    "plain18": [("conv5_block2_out", 435, 32, 215)],
    "plain34": [("conv5_block3_out", 899, 32, 447)],
    "lenet5_1998": [("c1", 5, 1, 0), ("s2", 6, 2, 0), ("c3", 14, 2, 0), ("s4", 16, 4, 0), ("c5", 32, 4, 0)],
    "lenet5": [("c5", 32, 4, 0)],
}


@pytest.mark.parametrize("name", DISTILL)
def test_receptive_fields(name: str) -> None:
    table = rows(name)
    for layer, *expected in DISTILL[name]:
        assert field(table[layer]) == tuple(expected), layer
    last = last_map(table)
    assert field(last) == tuple(DISTILL[name][-1][1:]), f"{last.name} is the last with a field"


def test_googlenet_field_is_that_of_its_widest_path() -> None:
    path = [(7, 2), (3, 2), (1, 1), (3, 1), (3, 2), *[(5, 1)] * 2, (3, 2), *[(5, 1)] * 5, (3, 2), *[(5, 1)] * 2]
    size, stride = 1, 1
    for kernel_size, step in path:
        size, stride = size + (kernel_size - 1) * stride, stride * step
    assert (size, stride) == (715, 32) == field(last_map(rows("googlenet")))[:2]


@pytest.mark.parametrize("size", [97, 160])
def test_residual_branches_are_aligned_at_any_input_size(size: int) -> None:
    for name in ("resnet18", "resnet50"):
        table = {row.name: row for row in layer_table(graph(name, input_shape=(size, size + 7, 3)))}
        assert last_map(table).receptive_field == {"resnet18": 435, "resnet50": 483}[name]


# Shapes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "input_shape", "feature_map"),
    [
        ("lenet5_1998", (40, 32, 2), (3, 1, 120)),
        ("lenet5", (28, 30, 1), (1, 1, 120)),
        ("lenet5", (64, 64, 3), (9, 9, 120)),
        ("alexnet", (67, 227, 3), (1, 6, 256)),
        ("alexnet", (288, 288, 1), (7, 7, 256)),
        ("vgg16", (32, 100, 3), (1, 3, 512)),
        ("googlenet", (100, 33, 3), (4, 2, 1024)),
        ("googlenet_auxiliary", (65, 299, 3), (3, 10, 1024)),
        ("resnet18", (100, 33, 1), (4, 2, 512)),
        ("resnet50", (448, 65, 3), (14, 3, 2048)),
    ],
)
def test_shapes_follow_the_input_and_the_classes(name: str, input_shape: Any, feature_map: Any) -> None:
    model = graph(name, input_shape=input_shape, num_classes=7)
    outputs = [tuple(output.shape) for output in model.outputs]
    assert outputs == [(None, 7)] * (3 if name == "googlenet_auxiliary" else 1)
    assert last_map({row.name: row for row in layer_table(model)}).output_shape == feature_map
    if name != "lenet5_1998":
        ends = {layer.name: type(layer).__name__ for layer in model.layers}
        assert (ends["logits"], ends["probabilities"]) == ("Dense", "Softmax"), "the last two layers have these names"
        assert model.output_names[0] == "probabilities"


@pytest.mark.parametrize("name", [name for name in BUILDERS if name[-2:] not in ("19", "34", "01", "52")])
def test_names_are_the_builders_own(name: str) -> None:
    def twice() -> Any:  # in one thread, whose counter Keras would number the second one's layers by
        first, second = (build(**variant) for _ in range(2))
        assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
        return second

    build, variant = BUILDERS[name]
    assert weightless(twice).name == name.removesuffix("_auxiliary")


@pytest.mark.parametrize(
    ("build", "arguments", "sentence"),
    [
        (vgg, {"input_shape": (31, 224, 3)}, r"input_shape is \(31, 224, 3\); expected .* at least 32 pixels"),
        (vgg, {"input_shape": (224, 224)}, r"input_shape is \(224, 224\); expected \(height, width, channels\)"),
        (resnet, {"input_shape": 224}, "input_shape is 224; expected"),
        (resnet, {"input_shape": (224, 224, 0)}, "Enlarge the picture"),
        (resnet, {"input_shape": (224.0, 224, 3)}, "input_shape is"),
        (alexnet, {"input_shape": (66, 227, 3)}, "at least 67 pixels"),
        (googlenet, {"input_shape": (64, 64, 3), "auxiliary": True}, "at least 65 pixels"),
        (lenet5_1998, {"input_shape": (28, 28, 1)}, r"at least 32 pixels.*the paper's \(32, 32, 1\)"),
        (lenet5, {"input_shape": (27, 28, 1)}, "at least 28 pixels"),
        (lenet5_1998, {"num_classes": 11}, "num_classes is 11; expected a whole number, 1 to 10"),
        (googlenet, {"num_classes": 0}, "num_classes is 0; expected a whole number, at least 1"),
        (vgg, {"depth": 17}, "depth is 17; expected 16 or 19"),
        (alexnet, {"groups": 3}, "groups is 3; expected 2"),
        (lenet5, {"activation": "swish"}, 'activation is \'swish\'; expected "relu" or "tanh"'),
        (resnet, {"depth": 20}, "depth is 20; a residual net has one of 18, 34, 50, 101, 152"),
        (resnet, {"depth": 50, "residual": False}, "depth is 50; a plain net has one of 18, 34"),
    ],
)
def test_what_is_not_possible_is_a_sentence(build: Any, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        weightless(build, **arguments)


# Numbers against NumPy -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lenet_outputs() -> Outputs:
    """LeNet-5 of 1998 with weights that are not zero anywhere, and all its layers' outputs for two pictures."""
    keras.utils.set_random_seed(3)
    draw = np.random.default_rng(3)
    model = lenet5_1998()
    for weight in model.weights:
        if "bias" in weight.path:
            weight.assign(draw.uniform(-0.5, 0.5, weight.shape))
    pictures = draw.uniform(-0.1, 1.175, (2, 32, 32, 1)).astype("float32")
    tapped = keras.Model(model.input, {layer.name: layer.output for layer in model.layers[1:]})
    return model, {name: np.asarray(value, "float64") for name, value in tapped(pictures).items()}


# LeCun et al. 1998, table I: a row is a map of S2, a column a map of C3.
TABLE_1 = (
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
)


def test_sparse_c3_is_the_sum_over_the_maps_of_table_1(lenet_outputs: Outputs) -> None:
    model, outputs = lenet_outputs
    maps, expected = outputs["s2_squash"], np.zeros((2, 10, 10, 16))
    kernels = [model.get_layer(f"c3_of{n}").get_weights() for n in (3, 4, 6)]
    columns = [(kernel[..., i], bias[i]) for kernel, bias in kernels for i in range(len(bias))]
    for column, (kernel, bias) in enumerate(columns):
        read = [row for row in range(6) if TABLE_1[row][column] == "X"]
        assert kernel.shape == (5, 5, len(read))
        for r, c in np.ndindex(10, 10):
            expected[:, r, c, column] = (maps[:, r : r + 5, c : c + 5, read] * kernel).sum((1, 2, 3)) + bias
    np.testing.assert_allclose(outputs["c3"], expected, atol=1e-5)


def test_sub_sampling_adds_four_times_a_coefficient_plus_a_bias(
    lenet_outputs: Outputs,
) -> None:
    model, outputs = lenet_outputs
    for name, read in (("s2", "c1_squash"), ("s4", "c3_squash")):
        x = outputs[read]
        sums = x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]
        coefficient, bias = model.get_layer(name).get_weights()
        np.testing.assert_allclose(outputs[name], sums * coefficient.ravel() + bias, atol=1e-5)
        squashed = 1.7159 * np.tanh(2 / 3 * outputs[name])
        np.testing.assert_allclose(outputs[f"{name}_squash"], squashed, atol=1e-5)
    np.testing.assert_allclose(ScaledTanh()(np.ones(1, "float32")), [1], atol=1e-4)  # why the constants are these


def test_output_is_the_distance_to_codes_that_are_not_weights(
    lenet_outputs: Outputs,
) -> None:
    model, outputs = lenet_outputs
    codes = digit_codes()
    expected = [[np.sum((x - code) ** 2) for code in codes] for x in outputs["f6_squash"]]
    np.testing.assert_allclose(outputs["distances"], expected, rtol=1e-5)
    assert model.get_layer("distances").weights == []
    own = np.asarray(CodeDistances()(codes))
    assert set(np.unique(codes)) == {-1.0, 1.0} and (np.diag(own) == 0).all(), "a code is at distance 0 of itself"
    assert (own[~np.eye(10, dtype=bool)] >= 4 * 11).all(), "any two digits differ in many pixels"


def test_lenet5_1998_starts_within_the_range_of_appendix_a_and_can_learn() -> None:
    keras.utils.set_random_seed(0)
    model = lenet5_1998()
    for name, inputs in (("c1", 25), ("s2", 4), ("c3_of3", 75), ("c3_of6", 150), ("c5", 400), ("f6", 120)):
        largest = np.abs(model.get_layer(name).get_weights()[0]).max()
        assert 0.3 * 2.4 / inputs < largest <= 2.4 / inputs, name
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    model.train_on_batch(np.random.default_rng(0).random((4, 32, 32, 1)), np.zeros((4, 10)))
    for weight, new, old in zip(model.weights, model.get_weights(), before, strict=True):
        assert (new != old).any(), f"the gradient does not reach {weight.path}"


def test_response_normalisation_is_the_formula_of_section_3_3() -> None:
    x = np.random.default_rng(0).normal(0, 50, (1, 2, 3, 7)).astype("float32")
    expected = np.empty(x.shape)
    for channel in range(7):
        near = x[..., max(channel - 2, 0) : channel + 3].astype("float64")
        expected[..., channel] = x[..., channel] / (2 + 1e-4 * (near**2).sum(-1)) ** 0.75
    np.testing.assert_allclose(LocalResponseNormalization()(x), expected, rtol=1e-5)


@pytest.fixture(scope="module")
def small_alexnet() -> Any:
    keras.utils.set_random_seed(1)
    return alexnet(input_shape=(67, 67, 3), num_classes=5)


@pytest.mark.parametrize(("name", "independent"), [("conv2", True), ("conv3", False), ("conv4", True), ("conv5", True)])
def test_groups_of_alexnet_read_their_own_half(small_alexnet: Any, name: str, independent: bool) -> None:
    layer = small_alexnet.get_layer(name)
    maps = np.random.default_rng(0).random((1, 7, 7, layer.input.shape[-1])).astype("float32")
    other = maps.copy()
    other[..., maps.shape[-1] // 2 :] += 1.0
    changed = (np.asarray(layer(maps)) != np.asarray(layer(other))).any((0, 1, 2))
    half = layer.filters // 2
    assert changed[:half].any() != independent and changed[half:].any()


def test_alexnet_starts_as_section_5_says(small_alexnet: Any) -> None:
    assert [small_alexnet.get_layer(name).get_weights()[1].mean() for name in ("conv1", "conv2", "fc6")] == [0, 1, 1]
    assert small_alexnet.get_layer("conv3").get_weights()[0].std() == pytest.approx(0.01, rel=0.01)


def test_residual_block_with_a_silent_branch_is_the_identity() -> None:
    keras.utils.set_random_seed(2)
    model = resnet(depth=18, input_shape=(32, 32, 3), num_classes=4)
    model.get_layer("conv2_block2_2_bn").gamma.assign(np.zeros(64))
    names = ("conv2_block1_out", "conv2_block2_out", "conv3_block1_out", "probabilities")
    tapped = keras.Model(model.input, [model.get_layer(name).output for name in names])
    x, y, after, probabilities = (
        np.asarray(out) for out in tapped(np.random.default_rng(0).normal(size=(2, 32, 32, 3)))
    )
    assert x.any() and (x == y).all(), "relu(x + 0) is x for an x that is not negative"
    assert after.shape == (2, 4, 4, 128)
    np.testing.assert_allclose(probabilities.sum(1), [1, 1], rtol=1e-5)


@pytest.mark.parametrize("name", ["lenet5_1998", "alexnet", "googlenet"])
def test_configuration_round_trip_needs_no_custom_objects(name: str) -> None:
    again = weightless(keras.models.model_from_json, json_string=built(name).to_json())
    assert layer_table(again) == list(rows(name).values())
