"""Texts of Keras 2, small and made here, give the table of the same network in Keras 3, layer by layer."""

import json
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cnn_core.networks.blueprints import Blueprint, BlueprintRefused, read_architecture
from cnn_core.networks.summary import layer_table


def layer(kind: str, *calls: Any, module: bool = False, **config: Any) -> dict[str, Any]:
    """A layer as Keras 2 writes it in a graph; from 2.13 on with a module."""
    written = {"class_name": kind, "config": {**config, "trainable": True, "dtype": "float32"}}
    if module:
        written |= {"module": "keras.layers", "registered_name": None, "build_config": {"input_shape": [9]}}
    return written | {"name": config["name"], "inbound_nodes": list(calls)}


def image(*shape: int | None, name: str = "image") -> dict[str, Any]:
    config = {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False, "ragged": False, "name": name}
    return {"class_name": "InputLayer", "config": config, "name": name, "inbound_nodes": []}


def operator(function: str, call: Any, name: str = "", kind: str = "TFOpLambda") -> dict[str, Any]:
    config = {"name": name or f"tf.{function}", "trainable": True, "dtype": "float32", "function": function}
    return {"class_name": kind, "config": config, "name": config["name"], "inbound_nodes": [call]}


def graph(*listed: dict[str, Any], name: str = "old") -> dict[str, Any]:
    first, last = listed[0]["name"], listed[-1]["name"]
    config = {"name": name, "trainable": True, "layers": list(listed)}
    config |= {"input_layers": [[first, 0, 0]], "output_layers": [[last, 0, 0]]}
    return {"class_name": "Functional", "config": config, "keras_version": "2.12.0", "backend": "tensorflow"}


def sequential(*listed: dict[str, Any]) -> dict[str, Any]:
    plain = [{"class_name": each["class_name"], "config": each["config"]} for each in listed]
    return {"class_name": "Sequential", "config": {"name": "old", "layers": plain}, "keras_version": "2.12.0"}


def read(config: dict[str, Any]) -> Blueprint:
    return read_architecture(json.dumps(config))


NUMBERS = ("output_shape", "params", "trainable_params", "macs", "receptive_field", "effective_stride")


def same(config: dict[str, Any], model: Any) -> Blueprint:
    """The text's table is that of the model, whatever its layers are called."""
    found = read(config)
    expected = layer_table(model)
    assert [[row[n] for n in NUMBERS] for row in found.rows] == [[getattr(r, n) for n in NUMBERS] for r in expected]
    return found


OLD = {"time_major": False, "rng_type": None, "kernel_initializer": {"class_name": "GlorotUniform", "config": {}}}


def test_options_that_are_gone() -> None:
    given = {"batch_input_shape": [None, 32, 32, 4]}
    norm = {"axis": [3], "momentum": 0.9, "fused": True, "renorm": False}
    config = sequential(
        layer("Conv2D", name="a", filters=8, kernel_size=[3, 3], padding="same", groups=2, **given),
        layer("BatchNormalization", name="b", **norm),
        layer("DepthwiseConv2D", name="c", kernel_size=[3, 3], groups=1, kernel_regularizer=None),
        layer("SeparableConv2D", name="d", filters=6, kernel_size=[3, 3], groups=1, kernel_constraint=None),
        layer("LeakyReLU", name="e", alpha=0.3),
        layer("ThresholdedReLU", name="f", theta=1.0),
        layer("RandomFlip", name="g", mode="horizontal", rng_type=None, auto_vectorize=True),
        layer("SpatialDropout2D", name="h", rate=0.1, noise_shape=None),
        layer("Conv2DTranspose", name="i", filters=2, kernel_size=[2, 2], strides=[2, 2], groups=1),
    )
    now = [layers.Conv2D(8, 3, padding="same", groups=2), layers.BatchNormalization(), layers.DepthwiseConv2D(3)]
    now += [layers.SeparableConv2D(6, 3), layers.LeakyReLU(), layers.ReLU(threshold=1.0), layers.RandomFlip()]
    now += [layers.SpatialDropout2D(0.1), layers.Conv2DTranspose(2, 2, 2)]
    same(config, keras.Sequential([keras.Input((32, 32, 4)), *now]))
    listed = {**config, "config": config["config"]["layers"]}  # as Keras 2.1 wrote it
    assert read(listed).rows == read(config).rows
    del config["keras_version"]  # as in config.json of a `.keras` archive
    assert read(config).params == read(listed).params


def test_sequences() -> None:
    words = {"batch_input_shape": [None, 7], "input_length": 7, "input_dim": 50, "output_dim": 6}
    inner = {"class_name": "LSTM", "config": {"name": "inner", "units": 5, "return_sequences": True, **OLD}}
    config = sequential(
        layer("Embedding", name="words", **words),
        layer("Bidirectional", name="both", layer=inner, merge_mode="concat"),
        layer("GRU", name="gru", units=3, reset_after=True, implementation=2, **OLD),
    )
    now = [layers.Embedding(50, 6), layers.Bidirectional(layers.LSTM(5, return_sequences=True)), layers.GRU(3)]
    same(config, keras.Sequential([keras.Input((7,)), *now]))


def test_states_that_are_passed_on() -> None:
    states = [[["first", 0, 0, {}], ["again", 0, 1, {}], ["again", 0, 2, {}]]]
    options = {"units": 4, "return_sequences": True, "return_state": True}
    config = graph(
        image(7, 3, name="first"),
        layer("LSTM", [["first", 0, 0, {}]], name="again", **options, **OLD),
        layer("LSTM", *states, name="last", **options, **OLD),
    )
    inputs = keras.Input((7, 3))
    _, *kept = layers.LSTM(**options)(inputs)
    model = keras.Model(inputs, layers.LSTM(**options)(inputs, initial_state=kept)[0])
    same(config, model)


def test_names_with_a_slash_stay_apart() -> None:
    config = graph(
        image(8, 8, 3, name="in/put"),
        layer("Conv2D", [["in/put", 0, 0, {}]], name="a/b", filters=4, kernel_size=[1, 1]),
        layer("Conv2D", [["in/put", 0, 0, {}]], name="a_b", filters=4, kernel_size=[3, 3], padding="same"),
        layer("Add", [["a/b", 0, 0, {}], ["a_b", 0, 0, {}]], name="sum/out"),
        name="top/model",
    )
    found = read(config)
    assert found.title == "top_model"
    assert [row["name"] for row in found.rows] == ["in_put", "a_b_1", "a_b", "sum_out"]
    assert [row["params"] for row in found.rows] == [0, 16, 112, 0] and found.rows[-1]["receptive_field"] == 3


def test_nested_and_shared_models() -> None:
    inner = sequential(image(8, 8, 3), layer("Conv2D", name="c", filters=3, kernel_size=[3, 3], padding="same"))
    inner = {**inner, "config": {**inner["config"], "name": "twin"}, "name": "twin"}
    inner["inbound_nodes"] = [[["one", 0, 0, {}]], [["twin", 1, 0, {}]]]
    config = graph(image(8, 8, 3, name="one"), inner, layer("ReLU", [["twin", 2, 0, {}]], name="end"))
    twin = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same")])
    inputs = keras.Input((8, 8, 3))
    found = same(config, keras.Model(inputs, layers.ReLU()(twin(twin(inputs)))))
    assert [row["receptive_field"] for row in found.rows] == [1, 3, 5, 5]


def test_a_model_at_the_end_of_a_model() -> None:
    inner = graph(image(8, 8, 3), layer("Flatten", [["image", 0, 0, {}]], name="flat"), name="within")
    inner |= {"name": "within", "inbound_nodes": [[["one", 0, 0, {}]]]}
    config = graph(image(8, 8, 3, name="one"), inner)
    config["config"]["output_layers"] = [["within", 1, 0]]
    assert read(config).rows[-1]["output_shape"] == (192,)


def test_attention_with_arguments_by_name() -> None:
    calls = [[["image", 0, 0, {"value": ["image", 0, 0], "return_attention_scores": False}]]]
    shapes = {"query_shape": [None, 6, 8], "key_shape": [None, 6, 8], "value_shape": [None, 6, 8]}
    options = {"num_heads": 2, "key_dim": 4, "softmax_robust_masking": False}
    config = graph(image(6, 8), layer("MultiHeadAttention", *calls, name="att", **options, **shapes))
    inputs = keras.Input((6, 8))
    same(config, keras.Model(inputs, layers.MultiHeadAttention(2, 4)(inputs, inputs)))


@pytest.mark.parametrize("module", [False, True])
def test_mixed_precision_and_modules(module: bool) -> None:
    config = graph(
        image(8, 8, 3),
        layer("Conv2D", [["image", 0, 0, {}]], name="c", filters=4, kernel_size=[3, 3], module=module),
    )
    config["config"]["layers"][1]["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    if module:
        config["module"], config["registered_name"] = "keras.src.engine.functional", "Functional"
    assert read(config).params == 112


# Functions of TensorFlow between layers ------------------------------------------------------------------------------


def test_pictures_prepared_as_resnet_wants_them() -> None:
    """`preprocess_input` of Keras 2: the channels turned round, the mean taken away."""
    key = {"slice_spec": [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]}
    config = graph(
        image(32, 32, 3),
        operator("__operators__.getitem", ["image", 0, 0, key], kind="SlicingOpLambda"),
        operator("nn.bias_add", ["tf.__operators__.getitem", 0, 0, {"bias": [-103.9, -116.8, -123.7]}]),
        layer("Conv2D", [["tf.nn.bias_add", 0, 0, {}]], name="conv", filters=4, kernel_size=[3, 3]),
    )
    found = read(config)
    assert found.rows[-1]["output_shape"] == (30, 30, 4) and (found.params, found.macs) == (112, 30 * 30 * 108)
    assert found.rows[-1]["receptive_field"] == 3 and not any(row["reason"] for row in found.rows)


X = ["image", 0, 0]
OPERATORS = {  # call, what it gives
    "__operators__.add": (["_CONSTANT_VALUE", -1, 1.0, {"y": X, "name": None}], (8, 6, 4)),
    "math.multiply": ([*X, {"y": 2.0, "name": None}], (8, 6, 4)),
    "math.subtract": ([*X, {"y": [0.5, 0.4, 0.3, 0.2]}], (8, 6, 4)),
    "math.truediv": ([*X, {"y": X}], (8, 6, 4)),
    "math.maximum": ([*X, {"y": 0.0}], (8, 6, 4)),
    "math.pow": ([*X, {"y": 2.0}], (8, 6, 4)),
    "math.square": ([*X, {}], (8, 6, 4)),
    "math.rsqrt": ([*X, {}], (8, 6, 4)),
    "math.abs": ([*X, {}], (8, 6, 4)),
    "nn.relu6": ([*X, {"name": None}], (8, 6, 4)),
    "nn.leaky_relu": ([*X, {"alpha": 0.1}], (8, 6, 4)),
    "nn.gelu": ([*X, {}], (8, 6, 4)),
    "nn.softmax": ([*X, {"axis": -1}], (8, 6, 4)),
    "clip_by_value": ([*X, {"clip_value_min": 0.0, "clip_value_max": 6.0}], (8, 6, 4)),
    "cast": ([*X, {"dtype": "float16"}], (8, 6, 4)),
    "identity": ([*X, {}], (8, 6, 4)),
    "math.l2_normalize": ([*X, {"axis": -1}], (8, 6, 4)),
    "math.reduce_mean": ([*X, {"axis": [1, 2]}], (4,)),
    "math.reduce_max": ([*X, {"axis": -1, "keepdims": True}], (8, 6, 1)),
    "concat": ([[*X, {"axis": -1}], [*X, {"axis": -1}]], (8, 6, 8)),
    "stack": ([[*X, {"axis": 1}], [*X, {"axis": 1}]], (2, 8, 6, 4)),
    "split": ([*X, {"num_or_size_splits": [1, 3], "axis": -1}], (8, 6, 1)),
    "reshape": ([*X, {"shape": [-1, 48, 4]}], (48, 4)),
    "compat.v1.transpose": ([*X, {"perm": [0, 2, 1, 3]}], (6, 8, 4)),
    "expand_dims": ([*X, {"axis": 1}], (1, 8, 6, 4)),
    "linalg.matmul": ([*X, {"b": X, "transpose_b": True}], (8, 6, 6)),
    "image.resize": ([*X, {"size": [16, 12]}], (16, 12, 4)),
    "pad": ([*X, {"paddings": [[0, 0], [1, 2], [3, 4], [0, 0]]}], (11, 13, 4)),
    "__operators__.getitem": ([*X, {"slice_spec": [{"start": None}, {"start": 1, "stop": -1}]}], (6, 6, 4)),
}


@pytest.mark.parametrize("function", OPERATORS)
def test_function_gives_the_shape_that_tensorflow_gives(function: str) -> None:
    call, shape = OPERATORS[function]
    row = read(graph(image(8, 6, 4), operator(function, call))).rows[-1]
    assert row["output_shape"] == shape
    assert row["macs"] == (8 * 6 * 6 * 4 if function == "linalg.matmul" else 0), row["reason"]


def test_function_computes_what_tensorflow_computes() -> None:
    """The rewritten text, run: here it is ours, so that it may be."""
    import tensorflow as tf

    from cnn_core.networks import keras2

    picture = np.random.default_rng(0).normal(size=(1, 4, 3, 2)).astype("float32")
    cases = {
        "math.subtract": (["_CONSTANT_VALUE", -1, 1.0, {"y": X}], lambda x: 1.0 - x),
        "linalg.matmul": ([*X, {"b": X, "transpose_a": True}], lambda x: tf.matmul(x, x, transpose_a=True)),
        "split": ([*X, {"num_or_size_splits": [1, 2], "axis": 2}], lambda x: tf.split(x, [1, 2], 2)[0]),
        "nn.gelu": ([*X, {}], tf.nn.gelu),
        "nn.leaky_relu": ([*X, {}], tf.nn.leaky_relu),
        "nn.softmax": ([*X, {"axis": 1}], lambda x: tf.nn.softmax(x, 1)),
        "__operators__.getitem": (
            [*X, {"slice_spec": [{"start": None}, {"start": 1, "step": 2}]}],
            lambda x: x[:, 1::2],
        ),
        "pad": (
            [*X, {"paddings": [[0, 0], [1, 0], [2, 1], [0, 0]]}],
            lambda x: tf.pad(x, [[0, 0], [1, 0], [2, 1], [0, 0]]),
        ),
    }
    for function, (call, truth) in cases.items():
        text = keras2.rewrite(graph(image(4, 3, 2), operator(function, call)))
        text["module"] = "keras.src.models.functional"
        for each in text["config"]["layers"]:
            each["module"] = each.get("module") or "keras.layers"
        answer = keras.saving.deserialize_keras_object(text)(picture)
        answer = answer[0] if isinstance(answer, list) else answer
        np.testing.assert_allclose(np.asarray(answer), truth(picture), rtol=1e-5, atol=1e-6, err_msg=function)


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (operator("nn.conv2d", [*X, {"filters": [1]}]), r"calls tf\.nn\.conv2d of TensorFlow, which is not read here"),
        (operator("py_function", [*X, {}]), r"calls tf\.py_function of TensorFlow"),
        (operator("pad", [*X, {"paddings": [[1, 1]]}]), r"tf\.pad of TensorFlow with options"),
        (operator("nn.relu", [*X, {"x": 3}]), "written as by Keras 2, but not as Keras 2 writes it"),
        (layer("LocallyConnected2D", [[*X, {}]], name="c"), "LocallyConnected2D, which Keras 3 no longer has"),
        (layer("Lambda", [[*X, {}]], name="c", function=["4wEAAAA=", None, None]), "Lambda, which is Python code"),
        (layer("Conv2DTranspose", [[*X, {}]], name="c", filters=2, kernel_size=2, groups=2), "groups"),
        (layer("Conv2D", [[*X, {}]], name="c", filters=2, kernel_size=2, bogus=1), "bogus"),
        (layer("Conv2D", [["nowhere", 0, 0, {}]], name="c", filters=2, kernel_size=2), "cannot build"),
        (layer("Mine", [[*X, {}]], name="c"), "Mine, which is no class of Keras"),
    ],
)
def test_what_is_refused(listed: dict[str, Any], words: str) -> None:
    with pytest.raises(BlueprintRefused, match=words) as refusal:
        read(graph(image(8, 8, 3), listed))
    assert len(str(refusal.value)) < 600 and "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [[]], [["image"]], [[["image", 0, 0, 3]]], [{"args": 1}]])
@pytest.mark.parametrize("place", ["inbound_nodes", "config", "name", "class_name"])
def test_broken_texts_are_refused_or_read(place: str, value: Any) -> None:
    config = graph(image(8, 8, 3), operator("nn.relu", [*X, {}]), layer("ReLU", [["tf.nn.relu", 0, 0, {}]], name="c"))
    for index in (1, 2):
        broken = json.loads(json.dumps(config))
        broken["config"]["layers"][index][place] = value
        try:
            read(broken)
        except BlueprintRefused as refusal:
            assert len(str(refusal)) < 600 and "\n" not in str(refusal)


def test_many_names_that_become_one_take_no_time() -> None:
    many = [layer("ReLU", name="/".join(f"{n:014b}").replace("0/", "_").replace("1/", "/")) for n in range(9000)]
    with pytest.raises(BlueprintRefused, match="calls of layers"):
        read(graph(image(8, 8, 3), *many))
