"""Architectures as Keras 2 wrote them, rewritten as Keras 3 writes them: text to text, and no Keras here.

Of what Keras 2 wrote, Keras 3 reads what has not changed since. Rewritten are the shape of an input, options that are
gone, names with a slash, calls of layers, and the functions of TensorFlow that a model called between its layers.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cnn_core.networks.keras2_functions import Call, NotRewritten, operator


def is_keras2(config: Mapping[str, Any]) -> bool:
    """Return whether an architecture is of Keras 2: by its version, else by what only Keras 2 wrote.

    >>> is_keras2({"keras_version": "2.4.0"}), is_keras2({"keras_version": "3.1.1"})
    (True, False)
    >>> is_keras2({"config": {"layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3]}}]}})
    True
    """
    version = str(config.get("keras_version") or "")
    if version:
        return version.startswith(("1.", "2."))
    stack: list[Any] = [config]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            calls = value.get("inbound_nodes")
            written = isinstance(calls, list) and calls and all(isinstance(call, list) for call in calls)
            if written or "batch_input_shape" in value or value.get("class_name") in _OPERATORS:
                return True
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return False


def rewrite(config: dict[str, Any]) -> dict[str, Any]:
    """Return an architecture of Keras 2 as Keras 3 would write it.

    Classes are not judged here: those of others come out as they went in.

    Args:
        config: What the JSON says, nested no deeper than Python can follow; it is not changed.

    Raises:
        NotRewritten: If there is a function of TensorFlow in it that has no counterpart here.

    Example:
        >>> layers = [{"class_name": "Conv2D", "config": {"filters": 8, "batch_input_shape": [None, 32, 32, 3]}}]
        >>> new = rewrite({"class_name": "Sequential", "config": layers})  # as Keras 2.1 wrote it
        >>> [layer["config"] for layer in new["config"]["layers"]]
        [{'batch_shape': [None, 32, 32, 3], 'dtype': 'float32'}, {'filters': 8}]
    """
    new = _node(config)
    return {key: value for key, value in new.items() if key not in ("keras_version", "backend", "build_config")}


# Objects -------------------------------------------------------------------------------------------------------------

_MODELS = ("Sequential", "Functional", "Model")
_OPERATORS = ("TFOpLambda", "SlicingOpLambda")
_OLD_MODULE = re.compile(r"(tf_)?keras\..*|tensorflow\.python\..*|tensorflow\.keras\..*")
_GONE = {  # option → classes that had it, by the beginning of their names; none: all
    **dict.fromkeys(("batch_input_shape", "rng_type", "force_generator", "auto_vectorize", "time_major"), ("",)),
    **dict.fromkeys(("fused", "renorm", "renorm_clipping", "renorm_momentum"), ("BatchNorm", "SyncBatchNorm")),
    **dict.fromkeys(("virtual_batch_size", "adjustment"), ("BatchNorm",)),
    **dict.fromkeys(("kernel_initializer", "kernel_regularizer", "kernel_constraint"), ("Separable", "DepthwiseConv")),
    **dict.fromkeys(("query_shape", "key_shape", "value_shape", "softmax_robust_masking"), ("MultiHeadAttention",)),
    **dict.fromkeys(("trainable", "noise_shape"), ("SpatialDropout",)),
    "ragged": ("InputLayer",),
    "input_length": ("Embedding",),
}
_TRANSPOSED_OR_DEPTHWISE = re.compile(r"(Separable|Depthwise)Conv\dD|Conv\dDTranspose")
_LOST = ("LocallyConnected1D", "LocallyConnected2D", "TensorFlowOpLayer", "DenseFeatures")
_RECURRENT = re.compile(r"LSTM|GRU|SimpleRNN|RNN|Bidirectional|ConvLSTM\dD")
_APPLICATIONS = {
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
    **dict.fromkeys(("LayerScale", "StochasticDepth"), "keras.src.applications.convnext"),
}
_RENAMED = {"ThresholdedReLU": "ReLU", "Policy": "DTypePolicy", "SyncBatchNormalization": "BatchNormalization"}
_SHAPED = {"LeakyReLU": ("alpha", "negative_slope"), "ThresholdedReLU": ("theta", "threshold")}


def _value(value: Any) -> Any:
    """Anything within: objects of classes are rewritten."""
    if isinstance(value, list):
        return [_value(each) for each in value]
    if isinstance(value, dict):
        return _node(value) if isinstance(value.get("class_name"), str) else {k: _value(v) for k, v in value.items()}
    return value


def _node(node: dict[str, Any]) -> dict[str, Any]:
    name, config = node["class_name"], node.get("config")
    new = {key: value for key, value in node.items() if key != "build_config"}
    if _OLD_MODULE.fullmatch(str(node.get("module") or "")):
        new["module"] = None  # whatever its file was called then
    if name in _LOST:
        raise NotRewritten(f"The model holds {name}, which Keras 3 no longer has. Replace it by a layer that it has.")
    if not new.get("module"):
        if name in _APPLICATIONS:
            new["registered_name"] = None  # registered, though Keras' own
        kind = "layers" if isinstance(config, dict) and "name" in config else "initializers"
        new["module"] = f"keras.{kind}" if name == "Identity" else _APPLICATIONS.get(name)
    if name == "Sequential" and isinstance(config, list):
        config = {"name": "sequential", "layers": config}
    if not isinstance(config, dict):
        return new
    if name in _MODELS and isinstance(config.get("layers"), list):
        new["config"] = _sequential(config) if name == "Sequential" else _graph(config)
        return new
    return {**new, "class_name": _RENAMED.get(name, name), "config": _options(name, config)}


def _options(name: str, config: dict[str, Any]) -> dict[str, Any]:
    gone = {key for key, classes in _GONE.items() if name.startswith(classes)}
    if name == "InputLayer":
        gone -= {"batch_input_shape"}
    if _TRANSPOSED_OR_DEPTHWISE.fullmatch(name) and config.get("groups") == 1:
        gone.add("groups")  # it was written, and never could be another
    old, spelled = _SHAPED.get(name, ("", ""))
    new = {
        {"batch_input_shape": "batch_shape", old: spelled}.get(key, key): _value(value)
        for key, value in config.items()
        if key not in gone
    }
    if name.endswith("BatchNormalization") and isinstance(new.get("axis"), list) and len(new["axis"]) == 1:
        new["axis"] = new["axis"][0]
    policy = new.get("dtype")
    if isinstance(policy, dict) and policy.get("class_name") == "DTypePolicy" and isinstance(policy["config"], dict):
        new["dtype"] = policy["config"].get("name")
    if new.get("activation") == "softmax_v2":
        new["activation"] = "softmax"
    return new


def _sequential(config: dict[str, Any]) -> dict[str, Any]:
    layers = [_value(layer) for layer in config["layers"]]
    first = config["layers"][0] if config["layers"] else None
    given = first.get("config") if isinstance(first, dict) else None
    shape = given.get("batch_input_shape") if isinstance(given, dict) else None
    if isinstance(first, dict) and shape is not None and first.get("class_name") != "InputLayer":
        layers.insert(0, {"class_name": "InputLayer", "config": {"batch_shape": shape, "dtype": "float32"}})
    names = _names(layer.get("config", {}).get("name") for layer in layers if isinstance(layer, dict))
    for layer in layers:
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict) and "name" in layer["config"]:
            layer["config"]["name"] = names.get(layer["config"]["name"], layer["config"]["name"])
    return {**config, "layers": layers, "name": _plain(config.get("name", "sequential"))}


# A graph of layers ---------------------------------------------------------------------------------------------------


def _graph(config: dict[str, Any]) -> dict[str, Any]:
    """A functional model: each layer with its calls."""
    listed = config["layers"]
    if not all(isinstance(layer, dict) and isinstance(layer.get("config"), dict) for layer in listed):
        return config  # for others to refuse
    names = _names(layer.get("name") for layer in listed)
    kinds = {layer.get("name"): layer["class_name"] for layer in listed}
    layers = []
    for layer in listed:
        new = _node({key: value for key, value in layer.items() if key != "inbound_nodes"})
        calls = layer.get("inbound_nodes") or []
        if layer["class_name"] in _OPERATORS:
            new, calls = operator(layer, [_call(call, names, kinds, flat=True) for call in calls])
        else:
            calls = [_call(call, names, kinds) if isinstance(call, list) else call for call in calls]
            if _RECURRENT.fullmatch(layer["class_name"]):
                calls = [_with_states(call) for call in calls]
        name = names.get(layer.get("name"), layer.get("name"))
        new["config"] = {**new["config"], "name": name}
        layers.append({**new, "name": name, "inbound_nodes": [_written(call) for call in calls]})
    ends: dict[str, Any] = {
        key: _ends(config[key], names, kinds) for key in ("input_layers", "output_layers") if key in config
    }
    return {**config, "name": _plain(config.get("name")), "layers": layers, **ends}


def _names(found: Any) -> dict[Any, Any]:
    """What layers are called where a name has no slash; no two alike."""
    listed = list(found)
    taken = {name for name in listed if name == _plain(name)}
    names: dict[Any, Any] = {}
    alike: Counter[Any] = Counter()
    for name in listed:
        new = plain = _plain(name)
        while new != name and new in taken:
            alike[plain] += 1
            new = f"{plain}_{alike[plain]}"
        taken.add(new)
        names[name] = new
    return names


def _plain(name: Any) -> Any:
    return name.replace("/", "_") if isinstance(name, str) else name


def _is_tensor(value: Any, kinds: Mapping[Any, str]) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in kinds
        and all(isinstance(number, int) for number in value[1:3])
    )


def _place(value: list[Any], names: Mapping[Any, Any], kinds: Mapping[Any, str]) -> list[Any]:
    """Which output of which call: Keras 2 counts a model's own making as its first call, Keras 3 does not."""
    return [names[value[0]], value[1] - (kinds[value[0]] in _MODELS), value[2]]


def _ends(value: Any, names: Mapping[Any, Any], kinds: Mapping[Any, str]) -> Any:
    if _is_tensor(value, kinds):
        graph = kinds[value[0]] in _MODELS and kinds[value[0]] != "Sequential"  # of it Keras 3 subtracts one itself
        return [names[value[0]], value[1] if graph else _place(value, names, kinds)[1], value[2]]
    ends = [_ends(each, names, kinds) for each in value] if isinstance(value, list) else value
    return ends[0] if isinstance(value, list) and len(value) == 1 else ends  # one tensor, not a list of one


def _call(call: Any, names: Mapping[Any, Any], kinds: Mapping[Any, str], flat: bool = False) -> Call:
    """A call as Keras 2 writes it: the first argument, each tensor of it with the arguments by name."""
    options: dict[str, Any] = {}

    def given(value: Any) -> Any:
        if isinstance(value, list) and len(value) == 4 and value[0] in ("_CONSTANT_VALUE", "_CONSTANT"):
            options.update(value[3] or {})
            return value[2]
        if _is_tensor(value, kinds):
            options.update((value[3] or {}) if len(value) == 4 else {})
            return _tensor(_place(value, names, kinds))
        if isinstance(value, list):
            return [given(each) for each in value]
        return {key: given(each) for key, each in value.items()} if isinstance(value, dict) else value

    first = given(call)
    if isinstance(first, list) and len(first) == 1 and not flat:
        first = first[0]
    by_name = {key: given(value) for key, value in options.items() if not (key == "name" or value is None)}
    return [first], by_name


def _with_states(call: Any) -> Any:
    """A recurrent layer that is given its first states: Keras 2 lists them behind the sequence."""
    if isinstance(call, tuple) and isinstance(call[0][0], list):
        (sequence, *states), options = call[0][0], call[1]
        return [sequence], {**options, "initial_state": states}
    return call


def _tensor(place: list[Any]) -> dict[str, Any]:
    """A tensor of the graph; Keras takes its shape from where it comes from."""
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": place}}


def _written(call: Any) -> Any:
    return {"args": call[0], "kwargs": call[1]} if isinstance(call, tuple) else call
