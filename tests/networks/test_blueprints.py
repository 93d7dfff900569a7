"""An architecture from a stranger: read if it is one, refused with a sentence if not, and never built in memory."""

import json
import pickle
from dataclasses import asdict
from typing import Any

import keras
import psutil
import pytest

from cnn_core.networks import atlas
from cnn_core.networks.blueprints import MAX_BYTES, MAX_LAYERS, Blueprint, BlueprintRefused, read_architecture
from cnn_core.networks.summary import layer_table
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoo.weightless import weightless

IMAGE = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 32, 32, 3]}}


def vector(length: int) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, length]}}


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": kind, "config": config}


def sequential(*layers: Any) -> str:
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": list(layers)}})


def activation(**function: Any) -> str:
    return sequential(vector(3), layer("Activation", activation=function))


# What is read --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("VGG16", 138_357_544, 15_470_264_320),
        ("ResNet50", 25_636_712, None),
        ("MobileNet", 4_253_864, None),
        ("ConvNeXtTiny", 28_589_128, None),
        ("MobileNetV3Small", None, None),
    ],
)
def test_published_network_has_the_same_table_as_the_model_itself(name, params, macs) -> None:
    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None)
        rows = layer_table(model)
    blueprint = read_architecture(model.to_json())
    assert blueprint.rows == tuple(asdict(row) for row in rows)
    assert blueprint.params == model.count_params() == (params or model.count_params())
    assert blueprint.trainable_params == sum(row.trainable_params for row in rows)
    assert blueprint.macs == (macs or blueprint.macs)
    assert blueprint.uncounted == sum(row.macs is None for row in rows)
    assert pickle.loads(pickle.dumps(blueprint)) == blueprint


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["InceptionResNetV2", "NASNetMobile", "EfficientNetV2B0", "DenseNet121", "Xception", "MobileNetV3Large"]
)
def test_more_published_networks_are_read(name) -> None:
    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None)
    assert read_architecture(model.to_json()).params == model.count_params()


def test_input_size_is_used() -> None:
    with keras.StatelessScope(initialize_variables=False):
        text = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(None, None, 3)).to_json()
    assert read_architecture(text).uncounted > 0, "without a size the multiply-adds are not known"
    sized = read_architecture(text, 224)
    assert (sized.uncounted, sized.rows[-1]["output_shape"]) == (0, (7, 7, 1024))


def test_rnn_attention_and_operators_are_read() -> None:
    words = keras.Input((20,))
    x = keras.layers.Embedding(1000, 16)(words)
    x = keras.layers.Bidirectional(keras.layers.LSTM(8, return_sequences=True, unroll=True))(x)
    x = keras.layers.MultiHeadAttention(2, 4)(x, x)
    x = keras.ops.relu(x[:, 1:] + 1)
    model = keras.Model(words, keras.layers.Dense(2)(x), name="words")
    blueprint = read_architecture(model.to_json())
    assert (blueprint.title, blueprint.params) == ("words", model.count_params())
    assert any("sees the whole image" in row["reason"] for row in blueprint.rows) or blueprint.rows[0]["reason"]


OF_THE_ZOO = ("lenet5_1998", "lenet5", "alexnet", "vit_b16", "googlenet")  # all that have layers of our own, and one


@pytest.mark.parametrize(
    "key", [k if k in OF_THE_ZOO else pytest.param(k, marks=pytest.mark.slow) for k in ARCHITECTURES]
)
def test_networks_of_the_zoo_are_read_as_their_own_text(key: str) -> None:
    blueprint = read_architecture(weightless(ARCHITECTURES[key].build).to_json())
    facts = atlas.read()["architectures"][key]
    assert (blueprint.params, blueprint.trainable_params) == (facts["total_params"], facts["trainable_params"])
    assert (blueprint.macs, blueprint.uncounted) == (facts["macs"], 0)


@pytest.mark.parametrize(
    "disguise",
    [
        {"registered_name": "convscope>Mine"},
        {"module": "os", "registered_name": "convscope>ScaledTanh"},
        {"class_name": "digit_codes", "registered_name": "convscope>digit_codes"},
        {"class_name": "Path", "registered_name": "convscope>Path"},
        {"module": "cnn_core.networks.zoo.vit"},
        {"config": {"name": "x", "activation": "tanh"}},
    ],
)
def test_our_layers_open_no_door(disguise: dict[str, Any]) -> None:
    ours = {
        "module": "cnn_core.networks.zoo.lenet",
        "class_name": "ScaledTanh",
        "registered_name": "convscope>ScaledTanh",
    }
    assert read_architecture(sequential(IMAGE, ours | {"config": {"name": "x"}})).rows[-1]["receptive_field"] == 1
    with pytest.raises(BlueprintRefused, match="no class of Keras|cannot build"):
        read_architecture(sequential(IMAGE, ours | {"config": {"name": "x"}} | disguise))


def test_chain_of_a_thousand_additions_is_refused_with_a_sentence() -> None:
    def tensor(name: str) -> dict[str, Any]:
        config = {"shape": [None, 3], "dtype": "float32", "keras_history": [name, 0, 0]}
        return {"class_name": "__keras_tensor__", "config": config}

    def chain(length: int) -> str:
        listed = [vector(3) | {"name": "a0", "inbound_nodes": []}]
        listed[0]["config"]["name"] = "a0"
        for number in range(1, length + 1):
            call = {"args": [tensor(f"a{number - 1}"), 1.0], "kwargs": {}}
            add = {"module": "keras.src.ops.numpy", "class_name": "Add", "config": {"name": f"a{number}"}}
            listed.append(add | {"name": f"a{number}", "inbound_nodes": [call]})
        inner = {"name": "f", "layers": listed, "input_layers": ["a0", 0, 0], "output_layers": [f"a{length}", 0, 0]}
        return json.dumps({"module": "keras.src.models.functional", "class_name": "Functional", "config": inner})

    assert len(read_architecture(chain(100)).rows) == 101
    with pytest.raises(BlueprintRefused, match=r"longer chain than it can follow.* Send a part of it\.$") as refusal:
        read_architecture(chain(1000))
    assert "<" not in str(refusal.value)


def test_training_is_dropped() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("adam", "mse")
    config = json.loads(model.to_json())
    config["compile_config"]["loss"] = {"module": "os", "class_name": "system", "config": {}}
    assert read_architecture(json.dumps(config)).params == 15


def test_keras_2_text_is_read() -> None:
    inner = {"name": "i", "batch_input_shape": [None, 28, 28, 1], "dtype": "float32", "sparse": False, "ragged": False}
    kernel = {"class_name": "GlorotUniform", "config": {"seed": None}}
    convolution = {
        "name": "c",
        "filters": 32,
        "kernel_size": [3, 3],
        "activation": "relu",
        "kernel_initializer": kernel,
    }
    text = json.dumps(
        {
            "class_name": "Sequential",
            "keras_version": "2.4.0",
            "backend": "tensorflow",
            "config": {
                "name": "old",
                "layers": [
                    {"class_name": "InputLayer", "config": inner},
                    {"class_name": "Conv2D", "config": convolution},
                    {"class_name": "Flatten", "config": {"name": "f"}},
                    {"class_name": "Dense", "config": {"name": "d", "units": 10}},
                ],
            },
        }
    )
    assert read_architecture(text).params == (9 + 1) * 32 + (26 * 26 * 32 + 1) * 10


# What it may not cost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (sequential(vector(10**5), layer("Dense", units=10**5)), 10**10 + 10**5),
        (sequential(vector(10), layer("Embedding", input_dim=10**7, output_dim=10**4)), 10**11),
        (sequential(vector(10**7), layer("Normalization")), 2 * 10**7 + 1),
        (
            sequential(
                vector(10**4),
                layer(
                    "Dense",
                    units=10**5,
                    kernel_initializer={"module": "keras.initializers", "class_name": "Orthogonal", "config": {}},
                ),
            ),
            10**9 + 10**5,
        ),
    ],
)
def test_huge_model_takes_no_memory(text, params) -> None:
    read_architecture(sequential(vector(2), layer("Dense", units=2)))  # what TensorFlow sets up once
    before = psutil.Process().memory_info().rss
    assert read_architecture(text).params == params
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])  # would initialise what was left behind
    assert model.count_params() == 6
    assert psutil.Process().memory_info().rss - before < 50e6


def test_unrolled_loop_is_not_unrolled() -> None:
    long = {**vector(1), "config": {"batch_shape": [None, 10**6, 8]}}
    assert read_architecture(sequential(long, layer("LSTM", units=8, unroll=True))).params == 544


# What is refused -----------------------------------------------------------------------------------------------------


FUNCTION = {"class_name": "function", "module": "builtins", "registered_name": "x"}
REFUSED = {
    "empty": ("", "not JSON"),
    "prose": ("model", "not JSON"),
    "list": ("[]", "no architecture of Keras"),
    "no config": ('{"class_name": "Sequential"}', "no architecture of Keras"),
    "long": (" " * (MAX_BYTES + 1), r"2,000,001 bytes, at most 2,000,000"),
    "brackets": ("[" * 200_000, "levels deep"),
    "nested": ('{"class_name": "Sequential", "config": {"layers": ' + "[" * 120 + "]" * 120 + "}}", "levels deep"),
    "digits": ('{"class_name": "Sequential", "config": ' + "9" * 5000 + "}", "not JSON"),
    "units": (sequential(vector(3), layer("Dense", units=10**30)), r"units = 1000.*numbers up to 10,000,000"),
    "weights": (sequential(vector(10**6), layer("Dense", units=10**6)), "1,000,001,000,000 parameters"),
    "chain": (sequential(IMAGE, *[layer("ReLU")] * 300), "301 layers; at most 200"),
    "layers": (
        json.dumps({"class_name": "Functional", "config": {"layers": [layer("ReLU")] * 20_000}}),
        f"more than {MAX_LAYERS:,} calls of layers",
    ),
    "calls": (
        json.dumps({"class_name": "Functional", "config": {"layers": [layer("ReLU") | {"inbound_nodes": [0] * 5000}]}}),
        "calls of layers",
    ),
    "lambda": (
        sequential(vector(3), layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "4w"}})),
        "Lambda, which is Python code",
    ),
    "marshal": (activation(class_name="__lambda__", config={"code": "4wEAAAA="}), "__lambda__, which is Python code"),
    "function": (activation(**FUNCTION, config="eval"), "function eval, which is none of keras.activations"),
    "get_file": (activation(**FUNCTION | {"module": "keras.utils"}, config="get_file"), "function get_file"),
    "system": (activation(module="os", class_name="system", config={}), "system of os, which is no class of Keras"),
    "custom": (
        sequential(IMAGE, {"module": None, "class_name": "Mine", "registered_name": "my>Mine", "config": {}}),
        "Mine, which is no class of Keras",
    ),
    "disguised": (sequential(IMAGE, layer("Dense", units=3) | {"registered_name": "my>Dense"}), "no class of Keras"),
    "subclass": ('{"module": "me", "class_name": "Net", "registered_name": "Net", "config": {}}', "subclassed models"),
    "empty subclass": ('{"module": "keras", "class_name": "Model", "config": {}}', "lists no layers"),
    "files": (sequential(vector(3), layer("StringLookup", vocabulary="/etc/passwd")), "StringLookup"),
    "saved model": (sequential(vector(3), layer("TFSMLayer", filepath="/tmp")), "TFSMLayer"),
    "torch": (sequential(vector(3), layer("TorchModuleWrapper", module="x")), "TorchModuleWrapper"),
    "loop": (sequential(vector(3), {"module": "keras.src.ops.core", "class_name": "Map", "config": {}}), "Map of"),
    "bytes": (
        sequential(
            vector(3),
            layer("Dense", units={"class_name": "__numpy__", "config": {"value": [1], "dtype": "S1000000000"}}),
        ),
        "constant of a type",
    ),
    "names": (sequential(vector(3), {"module": ["keras"], "class_name": ["Dense"], "config": {}}), "no class of Keras"),
    "half a character": ('{"class_name": "\\ud800", "config": {}}', r"holds \?, which is no class"),
    "argument": (sequential(vector(3), layer("Dense", units=-3)), "cannot build.*units"),
    "unknown argument": (sequential(vector(3), layer("Dense", units=3, bogus=1)), "cannot build.*bogus"),
    "strings": (sequential("a"), "cannot build|no class"),
    "no input": (sequential(layer("Dense", units=3)), "does not say its input shape"),
    "a layer": (json.dumps(layer("Dense", units=3)), "describes a Dense; expected a whole model"),
    "kernel": (sequential(IMAGE, layer("Conv2D", filters=1, kernel_size=50)), "cannot build"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_or_broken_text_is_refused_with_a_sentence(name) -> None:
    text, words = REFUSED[name]
    with pytest.raises(BlueprintRefused, match=words) as refusal:
        read_architecture(text)
    sentence = str(refusal.value)
    assert len(sentence) < 600 and "\n" not in sentence, sentence
    sentence.encode()  # can be shown


def test_models_that_call_models_twice_are_refused_before_they_are_built() -> None:
    with keras.StatelessScope(initialize_variables=False):
        image = keras.Input((4,))
        model = keras.Model(image, keras.layers.Dense(4)(image), name="m")
        for number in range(3):
            image = keras.Input((4,))
            model = keras.Model(image, model(model(image)), name=f"m{number}")
    config = json.loads(model.to_json())
    assert len(read_architecture(json.dumps(config)).rows) == 9, "8 calls of one Dense, and the input"
    for number in range(12):
        outer = json.loads(model.to_json())
        outer["config"]["name"] = name = f"outer{number}"
        inner = outer["config"]["layers"][1]
        outer["config"]["layers"][1] = config | {
            "name": config["config"]["name"],
            "inbound_nodes": inner["inbound_nodes"],
        }
        config = outer
    assert len(json.dumps(config)) < 100_000 and config["config"]["name"] == name
    with pytest.raises(BlueprintRefused, match="a shared model counted at each of its calls"):
        read_architecture(json.dumps(config))


def test_graph_with_a_cycle_is_refused() -> None:
    def call(source: str) -> dict[str, Any]:
        config = {"shape": [None, 3], "dtype": "float32", "keras_history": [source, 0, 0]}
        return {"args": [{"class_name": "__keras_tensor__", "config": config}], "kwargs": {}}

    layers = [
        vector(3) | {"name": "a", "inbound_nodes": []},
        layer("Dense", units=3, name="b") | {"name": "b", "inbound_nodes": [call("c")]},
        layer("Dense", units=3, name="c") | {"name": "c", "inbound_nodes": [call("b")]},
    ]
    inner = {"name": "f", "layers": layers, "input_layers": [["a", 0, 0]], "output_layers": [["c", 0, 0]]}
    text = json.dumps({"module": "keras.src.models.functional", "class_name": "Functional", "config": inner})
    with pytest.raises(BlueprintRefused, match="cannot build.*loops") as refusal:
        read_architecture(text)
    assert "<" not in str(refusal.value), "an object of Python is no sentence"


@pytest.mark.parametrize("size", [0, -1, 10**9, True, "224", 2.5])
def test_input_size_is_checked(size) -> None:
    with pytest.raises(BlueprintRefused, match="input_size is 1 to"):
        read_architecture(sequential(IMAGE, layer("Conv2D", filters=1, kernel_size=3)), size)


def test_input_size_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BlueprintRefused, match=r"table cannot be made: .*\(2, 2, 3\)"):
        read_architecture(sequential(IMAGE, layer("Conv2D", filters=1, kernel_size=3)), 2)


def test_blueprint_travels_without_keras() -> None:
    blueprint = read_architecture(sequential(IMAGE, layer("Conv2D", filters=1, kernel_size=3)))
    assert isinstance(blueprint, Blueprint)
    assert b"summary" not in pickle.dumps(blueprint), "unpickling LayerRow would import Keras"
