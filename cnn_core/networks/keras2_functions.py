"""TensorFlow's functions that a model of Keras 2 called between its layers, as operators of Keras 3; no Keras here."""

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

Call = tuple[list[Any], dict[str, Any]]  # arguments in order, and by name


class NotRewritten(ValueError):
    """A part that has no counterpart in Keras 3; the message is a sentence that says which."""


def operator(layer: Mapping[str, Any], calls: list[Call]) -> tuple[dict[str, Any], list[Call]]:
    """Return the operator of Keras 3 that computes what a `TFOpLambda` or `SlicingOpLambda` does, and its call.

    Raises:
        NotRewritten: If there is none here.

    Example:
        >>> layer = {"config": {"function": "math.add"}}
        >>> operator(layer, [([{"class_name": "__keras_tensor__"}], {"y": 2.0})])[0]["class_name"]
        'Add'
    """
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
