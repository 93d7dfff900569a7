"""Rows of Keras models against published tables, and against pixels that are changed one by one."""

import random
from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cnn_core.arithmetic.costs import convolution_cost, depthwise_cost, separable_cost, transposed_cost
from cnn_core.arithmetic.geometry import Field, unit_interval
from cnn_core.networks import layer_kinds as kinds
from cnn_core.networks.summary import LayerRow, layer_table


@cache
def application(name: str) -> Any:
    return getattr(keras.applications, name)(weights=None)


def by_name(model: Any, input_size: Any = None) -> dict[str, LayerRow]:
    return {row.name: row for row in layer_table(model, input_size)}


def numbers(row: LayerRow) -> tuple[Any, Any, Any]:
    return row.receptive_field, row.effective_stride, row.effective_padding


# Published figures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    [
        ("VGG16", 138_357_544, 15.470),
        ("ResNet50", 25_636_712, 3.858),
        ("MobileNet", 4_253_864, 0.569),
        ("ConvNeXtTiny", 28_589_128, None),
        ("InceptionV3", 23_851_784, None),
        ("EfficientNetB0", 5_330_571, None),
    ],
)
def test_totals_of_published_models(name: str, params: int, giga_macs: float | None) -> None:
    model = application(name)
    rows = layer_table(model)
    assert sum(row.params for row in rows) == model.count_params() == params
    assert sum(row.trainable_params for row in rows) == sum(int(np.prod(v.shape)) for v in model.trainable_weights)
    assert all(row.macs is not None for row in rows)
    if giga_macs:
        assert round(sum(row.macs or 0 for row in rows) / 1e9, 3) == giga_macs


@pytest.mark.parametrize(
    ("name", "layer", "expected"),
    [
        ("VGG16", "block1_conv1", (3, 1, 1)),
        ("VGG16", "block1_pool", (6, 2, 2)),
        ("VGG16", "block2_pool", (16, 4, 6)),
        ("VGG16", "block3_pool", (44, 8, 18)),
        ("VGG16", "block4_pool", (100, 16, 42)),
        ("VGG16", "block5_pool", (212, 32, 90)),
        ("MobileNet", "conv_pw_1_relu", (7, 2, 2)),
        ("MobileNet", "conv_pw_5_relu", (43, 8, 14)),
        ("MobileNet", "conv_pw_13_relu", (315, 32, 126)),
        ("InceptionV3", "mixed10", (1311, 32, 618)),
    ],
)
def test_fields_of_the_distill_table_in_keras(name: str, layer: str, expected: tuple[int, int, int]) -> None:
    assert numbers(by_name(application(name), 224)[layer]) == expected


def test_resnet50_of_keras_ends_like_the_table() -> None:
    row = by_name(application("ResNet50"))["conv5_block3_out"]
    assert (row.receptive_field, row.effective_stride) == (483, 32)


def slim_conv(x: Any, filters: int, size: int, stride: int = 1, name: str | None = None) -> Any:
    """TF-Slim's `conv2d_same`: explicit padding, independent of the input size, if there is a stride."""
    if stride == 1:
        return layers.Conv2D(filters, size, padding="same", name=name)(x)
    x = layers.ZeroPadding2D(((size - 1) // 2, size - 1 - (size - 1) // 2))(x)
    return layers.Conv2D(filters, size, stride, name=name)(x)


def slim_resnet(units: tuple[int, ...]) -> Any:
    """ResNet v1 of TF-Slim: the stride of a block is in its last unit."""
    inputs = keras.Input((224, 224, 3))
    x = layers.MaxPooling2D(3, 2, "same", name="pool1")(slim_conv(inputs, 2, 7, 2, name="conv1"))
    for block, count in enumerate(units, start=1):
        for unit in range(count):
            stride = 2 if unit == count - 1 and block < len(units) else 1
            shortcut = layers.MaxPooling2D(1, stride)(x) if stride > 1 else x
            x = layers.Conv2D(2, 1)(slim_conv(layers.Conv2D(2, 1)(x), 2, 3, stride))
            x = layers.Add(name=f"block{block}" if unit == count - 1 else None)([shortcut, x])
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ((3, 4, 6, 3), [(35, 8, 15), (99, 16, 47), (291, 32, 143), (483, 32, 239)]),
        ((3, 4, 23, 3), [(35, 8, 15), (99, 16, 47), (835, 32, 415), (1027, 32, 511)]),
        ((3, 8, 36, 3), [(35, 8, 15), (163, 16, 79), (1315, 32, 655), (1507, 32, 751)]),
    ],
)
def test_resnets_of_tf_slim(units: tuple[int, ...], expected: list[tuple[int, int, int]]) -> None:
    rows = by_name(slim_resnet(units))
    assert [numbers(rows[f"block{block}"]) for block in (1, 2, 3, 4)] == expected


def test_alexnet_v2_of_tf_slim() -> None:
    model = keras.Sequential([keras.Input((224, 224, 3)), layers.Conv2D(2, 11, 4, name="conv1")])
    model.add(layers.MaxPooling2D(3, 2, name="pool1"))
    model.add(layers.Conv2D(2, 5, padding="same", name="conv2"))
    model.add(layers.MaxPooling2D(3, 2, name="pool2"))
    for number in (3, 4, 5):
        model.add(layers.Conv2D(2, 3, padding="same", name=f"conv{number}"))
    model.add(layers.MaxPooling2D(3, 2, name="pool5"))
    rows = by_name(model)
    expected = {
        "conv1": (11, 4, 0),
        "pool1": (19, 8, 0),
        "conv2": (51, 8, 16),
        "pool2": (67, 16, 16),
        "conv3": (99, 16, 32),
        "conv4": (131, 16, 48),
        "conv5": (163, 16, 64),
        "pool5": (195, 32, 64),
    }
    assert {name: numbers(rows[name]) for name in expected} == expected


# Input sizes ---------------------------------------------------------------------------------------------------------


def test_input_size_decides_the_padding_by_parity() -> None:
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3, 2, padding="same", name="conv")])
    assert [by_name(model, size)["conv"].effective_padding for size in (224, 225, (224, 225))] == [0, 1, (0, 1)]
    unknown = by_name(model)["conv"]
    assert numbers(unknown) == (3, 2, None) and unknown.macs is None
    assert "SAME padding of conv depends on it" in unknown.reason and "multiply-adds depend on it" in unknown.reason


def test_input_size_changes_shapes_and_macs_but_not_the_model() -> None:
    model = application("VGG16")
    calls = [len(layer._inbound_nodes) for layer in model.layers]
    rows = by_name(model, 448)
    assert rows["block5_pool"].output_shape == (14, 14, 512)
    assert rows["block1_conv2"].macs == convolution_cost(3, 64, 64, 448).macs
    assert rows["fc1"].macs is None and "weights for 25088 numbers and receives 100352" in rows["fc1"].reason
    assert sum(row.params for row in rows.values()) == model.count_params()
    assert [len(layer._inbound_nodes) for layer in model.layers] == calls


@pytest.mark.parametrize("input_size", [0, (1, 2, 3), 1.5])
def test_input_size_is_checked(input_size: Any) -> None:
    with pytest.raises(ValueError, match="input_size is a whole number or 2 of them"):
        layer_table(application("VGG16"), input_size)


def test_input_size_too_small_names_the_layer() -> None:
    with pytest.raises(ValueError, match="block5_pool does not take"):
        layer_table(application("VGG16"), 20)


# Layers of all kinds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "cost"),
    [
        (layers.Conv2D(6, 3, groups=2), convolution_cost(3, 4, 6, 10, groups=2)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), depthwise_cost(3, 4, 10, multiplier=2)),
        (layers.SeparableConv2D(6, 3, depth_multiplier=2), separable_cost(3, 4, 6, 10, multiplier=2)),
        (layers.Conv2DTranspose(6, 4, 2, "same"), transposed_cost(4, 4, 6, 12)),
        (layers.Conv2D(6, (1, 7), padding="same", use_bias=False), convolution_cost((1, 7), 4, 6, 12, bias=False)),
    ],
)
def test_costs_agree_with_geometry(layer: Any, cost: Any) -> None:
    row = layer_table(keras.Sequential([keras.Input((12, 12, 4)), layer]))[-1]
    assert (row.params, row.macs) == (cost.params, cost.macs)


def test_padding_cropping_and_pixelwise_layers() -> None:
    stack = [layers.ZeroPadding2D(((1, 2), (3, 4))), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    stack += [layers.Dropout(0.1), layers.LayerNormalization(), layers.Dense(5), layers.Cropping2D(2)]
    rows = layer_table(keras.Sequential([keras.Input((12, 12, 4)), *stack]))
    assert [row.effective_padding for row in rows[1:]] == [(1, 3)] * 7 + [(-1, 1)]
    assert rows[3].params == 16 and rows[3].trainable_params == 8 and rows[3].macs == 0
    assert rows[7].macs == 13 * 17 * 4 * 5 and not any(row.reason for row in rows)


def squeeze(x: Any) -> Any:
    return layers.Multiply()([x, layers.Dense(4)(layers.GlobalAveragePooling2D(keepdims=True, name="gap")(x))])


class Mine(layers.Conv2D):
    pixelwise = True  # what a layer of the zoo says of itself is not believed of others

    def call(self, inputs: Any) -> Any:
        return keras.ops.flip(super().call(inputs), axis=1)


class Flat(layers.Flatten):
    pixelwise = True


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda x: layers.GlobalAveragePooling2D(name="gap")(x), "gap (GlobalAveragePooling2D) pools globally"),
        (squeeze, "gap (GlobalAveragePooling2D) pools globally: from here on a neuron sees the whole image"),
        (lambda x: layers.Dense(3)(layers.Flatten()(x)), "from here on a neuron sees the whole image"),
        (lambda x: layers.MultiHeadAttention(1, 2)(x, x), "attention"),
        (lambda x: layers.Attention()([x, x]), "attention"),
        (lambda x: layers.MultiHeadAttention(1, 2)(*[layers.Reshape((144, 4))(x)] * 2), "attention"),
        (lambda x: layers.Reshape((144, 4))(x), "rearranges positions"),
        (lambda x: layers.Conv2DTranspose(4, 2, 2, activation="softmax")(x), "enlarges"),
        (lambda x: layers.Activation(lambda y: keras.ops.flip(y, axis=1))(x), "does not know"),
        (lambda x: layers.Lambda(lambda y: y)(x), "does not know"),
        (lambda x: layers.UpSampling2D()(x), "enlarges"),
        (lambda x: layers.Conv2DTranspose(4, 2, 2)(x), "enlarges"),
        (
            lambda x: layers.LayerNormalization(axis=(1, 2, 3))(x),
            "with numbers of all of them: from here on a neuron sees",
        ),
        (lambda x: layers.Softmax(axis=1)(x), "works along positions"),
        (lambda x: layers.EinsumDense("bhwc,hd->bdwc", output_shape=(5, 12, 4))(x), "weighs positions too"),
        (lambda x: layers.Resizing(6, 6)(x), "resamples"),
        (lambda x: layers.LSTM(3)(layers.Reshape((144, 4))(x)), "rearranges positions"),
        (lambda x: layers.ConvLSTM1D(3, 3)(x), "one after the other: a neuron sees all that came before"),
        (lambda x: layers.TimeDistributed(layers.Conv1D(3, 3))(x), "works at each step by itself"),
        (lambda x: keras.ops.mean(x, axis=(1, 2)), "sums up positions"),
        (lambda x: keras.ops.concatenate([x, x], axis=1), "side by side"),
        (lambda x: x[:, ::-1], "turns the image round"),
        (lambda x: x[:, 3], "takes positions out"),
        (lambda x: layers.GroupNormalization(2)(x), "whole image"),
        (lambda x: Mine(4, 3)(x), "(Mine) is a layer of which this table does not know"),
        (lambda x: Flat()(x), "mixes positions"),
        (lambda x: layers.Concatenate(axis=1)([x, x]), "side by side"),
        (lambda x: layers.Add()([x, layers.Conv2D(4, 12)(x)]), "spreads one value over many positions"),
    ],
)
def test_no_number_has_a_reason(build: Callable[[Any], Any], reason: str) -> None:
    inputs = keras.Input((12, 12, 4))
    model = keras.Model(inputs, build(inputs))
    rows = layer_table(model)
    assert numbers(rows[-1]) == (None, None, None) and reason in rows[-1].reason
    assert sum(row.params for row in rows) == model.count_params()


def test_branches_that_are_not_aligned_have_a_hull() -> None:
    inputs = keras.Input((12, 12, 4))
    wide = layers.Conv2D(4, 3, 2, padding="same")(inputs)
    short = layers.Conv2D(4, 1, 2, padding="same")(inputs)
    model = keras.Model(inputs, layers.ReLU()(layers.Add(name="add")([wide, short])))
    expected = "A neuron sees at most 3 pixels: the branches of add are not aligned, by 1 pixel."
    rows = layer_table(model)[-2:]
    assert [row.reason for row in rows] == [expected] * 2 and [row.hull for row in rows] == [3, 3]
    assert [numbers(row) for row in rows] == [(None, 2, 0)] * 2
    assert numbers(layer_table(model, 13)[-1]) == (3, 2, 1)  # an odd size pads on both sides
    unequal = layers.Concatenate()([layers.Conv2D(4, 3, 2)(inputs), layers.Conv2D(4, 8)(inputs)])
    assert "effective strides from different paths" in layer_table(keras.Model(inputs, unequal))[-1].reason


def test_branches_of_unknown_alignment_are_refused() -> None:
    inputs = keras.Input((None, None, 4))
    halves = [layers.Conv2D(4, size, 2, padding="same")(inputs) for size in (1, 3)]
    row = layer_table(keras.Model(inputs, layers.Add()(halves)))[-1]
    assert row.receptive_field is None and "whether the branches" in row.reason
    stem = layers.Conv2D(4, 3, 2, padding="same", name="stem")(inputs)
    row = layer_table(keras.Model(inputs, layers.Add()([stem, layers.Conv2D(4, 3, padding="same")(stem)])))[-1]
    assert numbers(row) == (7, 2, None) and "SAME padding of stem" in row.reason


def seen_pixels(model: Any, length: int) -> list[tuple[int, int]]:
    """First and last pixel that each unit changes with, along one axis."""
    found = [np.flatnonzero(pixels) for pixels in measured(model, length)]
    return [(int(each[0]), int(each[-1])) for each in found]


def test_what_was_cut_off_is_not_seen() -> None:
    """A `same` convolution puts zeros where a crop has cut: its first unit sees no pixel before."""
    stack = [layers.Cropping1D((2, 3)), layers.Conv1D(1, 3, padding="same"), layers.Conv1D(1, 3, padding="same")]
    model = keras.Sequential([keras.Input((12, 1)), *stack])
    row = layer_table(model)[-1]
    assert (row.receptive_field, row.effective_padding, row.reach) == (5, 0, ((2, 8),))
    predicted = [unit_interval(Field(5, 1, 0, row.reach[0]), unit, 12) for unit in range(7)]
    assert predicted == seen_pixels(model, 12) == [(2, 4), (2, 5), (2, 6), (3, 7), (4, 8), (5, 8), (6, 8)]
    padded = [layers.Cropping1D(2), layers.ZeroPadding1D(2), layers.Conv1D(1, 3)]
    model = keras.Sequential([keras.Input((12, 1)), *padded])
    assert layer_table(model)[-1].reach == ((2, 9),)
    assert seen_pixels(model, 12)[0] == unit_interval(Field(3, 1, 0, (2, 9)), 0, 12) == (2, 2)


def test_slices_cut_and_leave_out() -> None:
    """`preprocess_input` turns the channels round as a slice; positions are cut off and left out as by a pooling."""
    inputs = keras.Input((20, 16, 3))
    turned = keras.applications.vgg16.preprocess_input(inputs)
    row = layer_table(keras.Model(inputs, layers.Conv2D(2, 3, 2)(turned)))[-1]
    assert numbers(row) == (3, 2, 0) and not row.reason
    row = layer_table(keras.Model(inputs, layers.Conv2D(2, 3)(inputs[:, 4:, -10:-2, 1:])))[-1]
    assert (numbers(row), row.output_shape) == ((3, 1, (-4, -6)), (14, 6, 2))
    signal = keras.Input((20, 1))
    model = keras.Model(signal, layers.Conv1D(1, 2)(signal[:, 3:17:3]))
    size, stride, padding = numbers(layer_table(model)[-1])
    assert (size, stride, padding) == (4, 3, -3)
    assert seen_pixels(model, 20) == [unit_interval(Field(4, 3, -3), unit, 20) for unit in range(4)]
    row = layer_table(keras.Model(inputs, keras.ops.split(inputs, 3, axis=-1)[1]))[-1]
    assert numbers(row) == (1, 1, 0)
    free = keras.Input((None, None, 3))
    assert "where get_item" in layer_table(keras.Model(free, free[:, -4:]))[-1].reason


def test_layers_around_layers_and_equations_are_followed() -> None:
    inputs = keras.Input((16, 12, 3))
    x = layers.EinsumDense("bhwc,cd->bhwd", output_shape=(None, None, 5))(inputs)
    x = layers.SpectralNormalization(layers.Conv2D(4, 3, padding="same"))(x)
    x = layers.EinsumDense("...c,cd->...d", output_shape=6)(x)
    rows = layer_table(keras.Model(inputs, layers.Conv2D(7, 3)(layers.RMSNormalization()(x))))
    assert [row.output_shape for row in rows[1:]] == [(16, 12, n) for n in (5, 4, 6, 6)] + [(14, 10, 7)]
    assert numbers(rows[-1]) == (5, 1, 1) and rows[-1].macs == 14 * 10 * 9 * 6 * 7
    assert not any(row.reason for row in rows)


PUBLISHED = [("Xception", 75, 43), ("Xception", 75, 59), ("NASNetMobile", 64, 5), ("NASNetMobile", 64, 29)]


@pytest.mark.parametrize(("name", "side", "hull"), PUBLISHED)
def test_hull_of_branches_of_published_networks(name: str, side: int, hull: int) -> None:
    """Which rows of a picture change the unit in the middle? The weights are positive, so that nothing cancels."""
    whole = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(side, side, 3))
    row = next(row for row in layer_table(whole) if row.hull == hull)
    assert row.receptive_field is None and isinstance(row.hull, int)
    assert row.reason.startswith(f"A neuron sees at most {row.hull} pixels: the branches of ")
    model = keras.Model(whole.input, whole.get_layer(row.name).output)
    for variable in model.weights:  # of a BatchNorm: nothing is moved
        value = 0.1 if "kernel" in variable.path else 0.0 if variable.path.endswith(("beta", "mean")) else 1.0
        variable.assign(np.full(variable.shape, value))
    pictures = np.ones((side + 1, side, side, 3), "float32")
    for number in range(side):
        pictures[number + 1, number] += 100
    middle = model.output_shape[1] // 2
    pieces = range(16, side, 16)
    answers = np.concatenate(
        [np.asarray(model(part))[:, middle, middle].sum(axis=-1) for part in np.split(pictures, pieces)]
    )
    changed = np.flatnonzero(answers[1:] != answers[0])
    stride, padding = row.effective_stride, row.effective_padding
    assert isinstance(stride, int) and isinstance(padding, int)
    assert (changed[0], changed[-1]) == unit_interval(Field(row.hull, stride, padding), middle, side)
    assert changed[0] > 0 and changed[-1] < side - 1, "away from the borders"


def test_nested_and_shared_models_count_once() -> None:
    inner = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(3, 3, padding="same", name="conv")], name="in"
    )
    middle_in = keras.Input((None, None, 3))
    middle = keras.Model(middle_in, layers.Add()([middle_in, inner(middle_in)]), name="mid")
    inputs = keras.Input((20, 20, 3))
    model = keras.Model(inputs, layers.MaxPooling2D(name="pool")(middle(middle(inputs))))
    rows = layer_table(model)
    assert [row.name for row in rows if row.kind == "Conv2D"] == ["mid/in/conv"] * 2
    assert [row.params for row in rows if row.kind == "Conv2D"] == [84, 0]
    assert [row.macs for row in rows if row.kind == "Conv2D"] == [20 * 20 * 81] * 2
    assert sum(row.params for row in rows) == model.count_params() == 84
    assert numbers(rows[-1]) == (6, 2, 2)


def test_operators_are_followed() -> None:
    inputs = keras.Input((12, 12, 3), name="image")
    x = keras.ops.relu(layers.Conv2D(3, 3, padding="same")(inputs) * 2.0 + 1.0)
    row = layer_table(keras.Model({"image": inputs}, {"sum": x + inputs}))[-1]
    assert (row.kind, row.macs, numbers(row)) == ("Add", 0, (3, 1, 1))


def test_frozen_layers_train_nothing() -> None:
    layer = layers.Conv2D(2, 3)
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    layer.trainable = False
    assert [(row.params, row.trainable_params) for row in layer_table(model)] == [(0, 0), (56, 0)]


def test_models_of_code_only_say_so() -> None:
    class Code(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    model = Code()
    with pytest.raises(ValueError, match="isn't built"):
        layer_table(model)
    model(np.zeros((1, 4), "float32"))
    (row,) = layer_table(model)
    assert row.params == model.count_params() == 15 and "Not a graph of layers" in row.reason


def test_channels_first_and_one_axis() -> None:
    inputs = keras.Input((3, 20, 24))
    x = layers.Conv2D(4, 3, 2, data_format="channels_first", padding="same")(inputs)
    rows = layer_table(keras.Model(inputs, x), (21, 24))
    assert numbers(rows[-1]) == (3, 2, (1, 0)) and rows[-1].output_shape == (4, 11, 12)
    signal = keras.Sequential([keras.Input((20, 3)), layers.Conv1D(4, 3, padding="causal", dilation_rate=2)])
    assert numbers(layer_table(signal)[-1]) == (5, 1, 4)


# Brute force: which outputs change with a pixel? ---------------------------------------------------------------------


def random_window(draw: random.Random) -> dict[str, Any]:
    stride = draw.choice((1, 1, 2, 3))
    dilation = draw.choice((1, 2)) if stride == 1 else 1
    padding = draw.choice(("valid", "same"))
    return {"kernel_size": draw.randint(1, 5), "strides": stride, "dilation_rate": dilation, "padding": padding}


def random_layer(draw: random.Random, x: Any) -> Any:
    """A convolution, depthwise, separable, pooling, padding, cropping, or two branches that meet."""
    kind = draw.choice(("conv", "conv", "conv", "depthwise", "separable", "pool", "pad", "crop", "branch", "branch"))
    window = random_window(draw)
    if kind == "conv":
        return layers.Conv1D(2, **window)(x)
    if kind == "depthwise":
        return layers.DepthwiseConv1D(**window)(x)
    if kind == "separable":
        return layers.SeparableConv1D(2, **window)(x)
    if kind == "pool":
        return layers.AveragePooling1D(window["kernel_size"], window["strides"], window["padding"])(x)
    if kind == "pad":
        return layers.ZeroPadding1D((draw.randint(0, 3), draw.randint(0, 3)))(x)
    if kind == "crop":
        return layers.Cropping1D((draw.randint(0, 2), draw.randint(0, 2)))(x)
    stride, sizes = draw.choice((1, 2)), [draw.randint(1, 5) for _ in range(2)]
    branches = [layers.Conv1D(x.shape[-1], size, stride, padding="same")(x) for size in sizes]
    return draw.choice((layers.Add, layers.Concatenate))()([*branches, x] if stride == 1 else branches)


def measured(model: Any, length: int) -> np.ndarray:
    """`(outputs, inputs)`: whether an output changes with an input pixel. The weights are positive, nothing cancels."""
    for variable in model.weights:
        variable.assign(np.full(variable.shape, 1.0 if "bias" not in variable.path else 0.0))
    pixels = np.concatenate([np.zeros((1, length, 1)), np.eye(length)[:, :, None]]).astype("float32")
    answers = np.asarray(model(pixels))
    return (np.abs(answers[1:] - answers[:1]).max(axis=-1) > 0).T


def check_stack(seed: int) -> bool:
    """Whether some unit's field was measured; what the table says must be what the pixels say, at each unit."""
    draw = random.Random(seed)
    length = draw.randint(120, 160)
    inputs = x = keras.Input((length, 1))
    for _ in range(draw.randint(1, 4)):
        x = random_layer(draw, x)
    model = keras.Model(inputs, x)
    row = layer_table(model)[-1]
    sees = measured(model, length)
    assert row.output_shape == (len(sees), x.shape[-1])
    if row.receptive_field is None:
        assert "not aligned" in row.reason
    size, stride, padding = row.hull or row.receptive_field, row.effective_stride, row.effective_padding
    assert isinstance(size, int) and isinstance(stride, int) and isinstance(padding, int) and row.reach
    field = Field(size, stride, padding, row.reach[0])
    # Borders are bounds where windows have holes, units see padding alone, or branches lose other pixels; else exact.
    bounds = (*kinds.MERGES, *kinds.PADDINGS)
    holes = any(getattr(layer, "dilation_rate", (1,))[0] > 1 or isinstance(layer, bounds) for layer in model.layers)
    exact = 0
    for unit, pixels in enumerate(sees):
        found = np.flatnonzero(pixels)
        if not len(found):
            continue  # nothing but padding
        low, high = unit_interval(field, unit, length)
        assert low <= found[0] and found[-1] <= high, (seed, unit)
        first, last = unit_interval(field, unit)
        inside = first >= 20 and last < length - 20
        if not holes or inside:
            exact += 1
            assert (found[0], found[-1]) == (low, high), (seed, unit)
    return exact > 0


def test_fields_are_what_changed_pixels_say() -> None:
    assert sum(check_stack(seed) for seed in range(40)) >= 35


@pytest.mark.slow
def test_fields_are_what_changed_pixels_say_at_length() -> None:
    assert sum(check_stack(seed) for seed in range(1000, 1400)) >= 350
