"""Architectures as Keras 2 wrote them, rewritten as Keras 3 writes them: text to text, and no Keras here.

Of what Keras 2 wrote, Keras 3 reads what has not changed since. Rewritten are the shape of an input, options that are
gone, names with a slash, calls of layers, and the functions of TensorFlow that a model called between its layers.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any


class NotRewritten(ValueError):
    """A part that has no counterpart in Keras 3; the message is a sentence that says which."""


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
        raise NotRewritten(f"The model holds {name}, which Keras 3 has no more. Replace it by a layer that it has.")
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
            new, calls = _operator(layer, [_call(call, names, kinds, flat=True) for call in calls])
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


Call = tuple[list[Any], dict[str, Any]]  # arguments in order, and by name


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


# Functions of TensorFlow between layers ------------------------------------------------------------------------------


def _operator(layer: Mapping[str, Any], calls: list[Call]) -> tuple[dict[str, Any], list[Call]]:
    """The operator of Keras 3 that computes the same."""
    function = str(layer["config"].get("function")).removeprefix("compat.v1.").removeprefix("compat.v2.")
    if len(calls) != 1 or function not in _FUNCTIONS:
        raise NotRewritten(
            f"The model calls tf.{function} of TensorFlow, which is not read here. Replace it by a layer of Keras."
        )
    made = _FUNCTIONS[function](*calls[0][0], **calls[0][1])
    if made is None:
        raise NotRewritten(
            f"The model calls tf.{function} of TensorFlow with options that are not read here. Replace it by a layer "
            "of Keras."
        )
    kind, options, arguments = made
    new = {"module": _modules(kind), "class_name": kind.rpartition(":")[2], "config": options, "registered_name": None}
    return new, [([_constant(value) for value in arguments], {})]


def _modules(kind: str) -> str:
    return {"layer": "keras.layers"}.get(kind.partition(":")[0], f"keras.src.ops.{kind.partition(':')[0]}")


def _constant(value: Any) -> Any:
    """Lists of numbers as the array that they were."""
    if isinstance(value, list) and value and not _holds(value, dict):
        return {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}
    return value


def _holds(value: Any, kind: type) -> bool:
    return any(_holds(each, kind) for each in value) if isinstance(value, list) else isinstance(value, kind)


Made = tuple[str, dict[str, Any], list[Any]] | None  # module:class, its options, its arguments; None: not read
Function = Callable[..., Made]


def _of_one(kind: str) -> Function:
    return lambda x, **_: (kind, {}, [x])


def _of_two(kind: str) -> Function:
    return lambda x, y=None, **_: (kind, {}, [x, y]) if y is not None else None


def _reduced(kind: str) -> Function:
    return lambda x, axis=None, keepdims=False, **_: (kind, {"axis": axis, "keepdims": keepdims}, [x])


def _matmul(a: Any, b: Any = None, transpose_a: bool = False, transpose_b: bool = False, **_: Any) -> Made:
    if not transpose_a and not transpose_b:
        return "numpy:Matmul", {}, [a, b]
    left, right = "ji" if transpose_a else "ij", "kj" if transpose_b else "jk"
    return "numpy:Einsum", {"subscripts": f"...{left},...{right}->...ik"}, [a, b]


def _bias(x: Any, bias: Any = None, data_format: str | None = None, **_: Any) -> Made:
    return ("numpy:Add", {}, [x, bias]) if data_format in (None, "NHWC", "N...C") else None


def _split(x: Any, num_or_size_splits: Any = None, axis: int = 0, **_: Any) -> Made:
    if isinstance(num_or_size_splits, int):
        return "numpy:Split", {"indices_or_sections": num_or_size_splits, "axis": axis}, [x]
    if not isinstance(num_or_size_splits, list) or not all(isinstance(n, int) for n in num_or_size_splits):
        return None
    ends = list(accumulate(num_or_size_splits[:-1]))
    return "numpy:Split", {"indices_or_sections": ends, "axis": axis}, [x]


def _resize(x: Any, size: Any = None, method: str = "bilinear", **_: Any) -> Made:
    if not isinstance(size, list) or len(size) != 2:
        return None
    return "layer:Resizing", {"height": size[0], "width": size[1], "interpolation": method}, [x]


def _pad(x: Any, paddings: Any = None, mode: str = "CONSTANT", **_: Any) -> Made:
    plain = isinstance(paddings, list) and len(paddings) == 4 and [paddings[0], paddings[3]] == [[0, 0]] * 2
    return ("layer:ZeroPadding2D", {"padding": paddings[1:3]}, [x]) if plain and mode == "CONSTANT" else None


def _sliced(x: Any, slice_spec: Any = None, **_: Any) -> Made:
    keys = [_key(key) for key in (slice_spec if isinstance(slice_spec, list) else [slice_spec])]
    return "numpy:GetItem", {}, [x, keys]


def _key(key: Any) -> Any:
    if isinstance(key, dict) and "class_name" not in key:
        return {"class_name": "__slice__", "config": {name: key.get(name) for name in ("start", "stop", "step")}}
    if isinstance(key, dict) and key["class_name"] == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return key


_FUNCTIONS: dict[str, Function] = {
    **{f"nn.{name}": _of_one(f"nn:{kind}") for name, kind in (("relu", "Relu"), ("relu6", "Relu6"), ("elu", "Elu"))},
    **{f"nn.{name}": _of_one(f"nn:{kind}") for name, kind in (("selu", "Selu"), ("silu", "Silu"), ("swish", "Silu"))},
    **dict.fromkeys(("nn.sigmoid", "math.sigmoid"), _of_one("nn:Sigmoid")),
    **dict.fromkeys(("nn.softplus", "math.softplus"), _of_one("nn:Softplus")),
    **dict.fromkeys(("nn.tanh", "math.tanh"), _of_one("numpy:Tanh")),
    **dict.fromkeys(("math.negative", "__operators__.neg"), _of_one("numpy:Negative")),
    **{f"math.{name}": _of_one(f"numpy:{name.capitalize()}") for name in ("square", "sqrt", "exp", "log")},
    "math.abs": _of_one("numpy:Absolute"),
    "math.rsqrt": _of_one("math:Rsqrt"),
    **dict.fromkeys(("identity", "stop_gradient"), _of_one("layer:Identity")),
    **dict.fromkeys(("math.add", "__operators__.add"), _of_two("numpy:Add")),
    **dict.fromkeys(("math.truediv", "math.divide", "__operators__.truediv"), _of_two("numpy:TrueDivide")),
    **{f"math.{name}": _of_two(f"numpy:{name.capitalize()}") for name in ("subtract", "multiply", "maximum")},
    **{f"__operators__.{name}": _of_two(f"numpy:{kind}") for name, kind in (("sub", "Subtract"), ("mul", "Multiply"))},
    "math.minimum": _of_two("numpy:Minimum"),
    "math.pow": _of_two("numpy:Power"),
    "nn.bias_add": _bias,
    **{f"math.reduce_{name}": _reduced(f"numpy:{name.capitalize()}") for name in ("mean", "sum", "max", "min")},
    "nn.softmax": lambda x, axis=-1, **_: ("nn:Softmax", {"axis": axis}, [x]),
    "nn.gelu": lambda x, approximate=False, **_: ("nn:Gelu", {"approximate": approximate}, [x]),
    "nn.leaky_relu": lambda x, alpha=0.2, **_: ("nn:LeakyRelu", {"negative_slope": alpha}, [x]),
    "clip_by_value": lambda x, clip_value_min=None, clip_value_max=None, **_: (
        "numpy:Clip",
        {"x_min": clip_value_min, "x_max": clip_value_max},
        [x],
    ),
    "cast": lambda x, dtype=None, **_: ("core:Cast", {"dtype": dtype}, [x]) if isinstance(dtype, str) else None,
    "concat": lambda x, axis=0, **_: ("numpy:Concatenate", {"axis": axis}, [x]),
    "stack": lambda x, axis=0, **_: ("numpy:Stack", {"axis": axis}, [x]),
    "split": _split,
    "reshape": lambda x, shape=None, **_: ("numpy:Reshape", {"newshape": shape}, [x]),
    "transpose": lambda x, perm=None, **_: ("numpy:Transpose", {"axes": perm}, [x]),
    "expand_dims": lambda x, axis=None, **_: ("numpy:ExpandDims", {"axis": axis}, [x]),
    "squeeze": lambda x, axis=None, **_: ("numpy:Squeeze", {"axis": axis}, [x]),
    **dict.fromkeys(("linalg.matmul", "matmul"), _matmul),
    **dict.fromkeys(
        ("math.l2_normalize", "linalg.l2_normalize"),
        lambda x, axis=None, **_: ("layer:UnitNormalization", {"axis": axis}, [x]),
    ),
    "image.resize": _resize,
    "pad": _pad,
    "__operators__.getitem": _sliced,
}
