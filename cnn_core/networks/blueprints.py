"""A model that somebody sends as text: its table of layers, from the architecture alone.

The text is Keras' own JSON (`model.to_json()`, or `config.json` of a `.keras` archive). It is checked name by name
before Keras sees it, and built without a single weight. Keras is imported inside the functions: the web process
unpickles a `Blueprint`.
"""

import gc
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from cnn_core.networks import keras2
from cnn_core.networks.keras2_functions import NotRewritten

MAX_BYTES = 2 * 10**6  # of the text; NASNetLarge, the longest of keras.applications, has half of it
MAX_DEPTH = 100  # of nested lists and objects; a layer in a model in a model is at 14
MAX_LAYERS = 2000  # calls of layers; NASNetLarge, the largest of keras.applications, has about half as many
MAX_SEQUENTIAL = 200  # in a Sequential: inside of another model, Keras builds it anew for each layer that it adds
MAX_NUMBER = 10**7  # units, filters, pixels: far above all networks, far below what overflows
MAX_PARAMS = 10**12


class BlueprintRefused(ValueError):
    """A text that is not read as an architecture; the message says what was received and what to do."""


@dataclass(frozen=True)
class Blueprint:
    """What an architecture says of itself.

    Attributes:
        title: The model's name.
        kind: Its class.
        rows: One a layer, the fields of `summary.LayerRow` as a dict: plain, so that they travel without Keras.
        params: All numbers of the model, with BatchNorm's statistics.
        trainable_params: Those that training changes.
        macs: Multiply-adds for one image, of the rows that have a count.
        uncounted: How many rows have none.
    """

    title: str
    kind: str
    rows: tuple[dict[str, Any], ...]
    params: int
    trainable_params: int
    macs: int
    uncounted: int


def read_architecture(text: str, input_size: int | None = None) -> Blueprint:
    """Return the table of a model that is given as Keras' JSON.

    No code of the text is run, no file is read and no weight is made: only names of Keras' own public layers,
    initializers, regularizers, constraints, activations, dtype policies and operators are taken, and variables stay
    uninitialised. How long Keras takes to build it is not limited here: ask with a timeout.

    Args:
        text: JSON of `model.to_json()` or of `config.json`; at most `MAX_BYTES`.
        input_size: Height and width in pixels; None for the size that the model was built with.

    Raises:
        BlueprintRefused: If the text is no such architecture, carries code or classes of its own, is larger than the
            limits above, or does not take this input size.

    Example:
        >>> text = '''{"module": "keras", "class_name": "Sequential", "config": {"name": "tiny", "layers": [
        ...   {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 32, 32, 3]}},
        ...   {"module": "keras.layers", "class_name": "Conv2D", "config": {"filters": 8, "kernel_size": 5}}]}}'''
        >>> tiny = read_architecture(text)
        >>> tiny.title, tiny.params, tiny.rows[-1]["receptive_field"]
        ('tiny', 608, 5)
    """
    if input_size is not None and not (type(input_size) is int and 1 <= input_size <= MAX_NUMBER):
        raise BlueprintRefused(f"input_size is 1 to {MAX_NUMBER:,} pixels; received {_shown(repr(input_size))}.")
    config = _parsed(text)
    if keras2.is_keras2(config):
        config = _of_keras2(config)
    _check(config)
    collecting = gc.isenabled()
    gc.disable()  # a hundred thousand objects are made, and none of them is rubbish yet
    try:
        # Keras keeps uninitialised variables in a list of the thread, and would initialise them at the next occasion.
        with ThreadPoolExecutor(1, "blueprint") as thread:
            return thread.submit(_built, config, input_size).result()
    finally:
        if collecting:
            gc.enable()


def _built(config: dict[str, Any], input_size: int | None) -> Blueprint:
    """The table of a checked architecture; in a graph, where even what a layer computes at once is not computed."""
    import keras
    import tensorflow as tf

    from cnn_core.networks.summary import layer_table

    broken = (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
        AssertionError,
        tf.errors.OpError,
    )
    with tf.Graph().as_default(), keras.StatelessScope(initialize_variables=False):
        try:
            model = _model(config)
        except RecursionError as error:
            raise BlueprintRefused(_TOO_LONG) from error
        except broken as error:
            raise BlueprintRefused(f"Keras cannot build this architecture: {_first_line(error)}.") from error
        if not isinstance(model, keras.Model):
            raise BlueprintRefused(f"The text describes a {type(model).__name__}; expected a whole model.")
        if not model.built:
            raise BlueprintRefused("The model does not say its input shape. Add a keras.Input and export it again.")
        try:
            rows = layer_table(model, input_size)
        except broken as error:
            raise BlueprintRefused(f"The table cannot be made: {_first_line(error)}.") from error
    params = sum(row.params for row in rows)
    if params > MAX_PARAMS:
        raise BlueprintRefused(f"The model has {params:,} parameters; at most {MAX_PARAMS:,} are counted here.")
    return Blueprint(
        title=model.name,
        kind=type(model).__name__,
        rows=tuple(asdict(row) for row in rows),
        params=params,
        trainable_params=sum(row.trainable_params for row in rows),
        macs=sum(row.macs for row in rows if row.macs is not None),
        uncounted=sum(row.macs is None for row in rows),
    )


def _model(config: dict[str, Any]) -> Any:
    """The object that the text describes."""
    import keras

    inner = config["config"]
    if config["class_name"] != "Sequential" or not all("module" in layer for layer in inner["layers"]):
        return keras.saving.deserialize_keras_object(config, safe_mode=True)
    layers = [keras.saving.deserialize_keras_object(layer, safe_mode=True) for layer in inner["layers"]]
    model = keras.Sequential(layers, name=inner.get("name"))  # at once, where from_config takes quadratic time
    if not model.built and inner.get("build_input_shape"):
        model.build(inner["build_input_shape"])
    return model


def _first_line(error: BaseException) -> str:
    words = str(error).rpartition("Exception encountered:")[2]  # Keras puts whole configs before it
    line = next(iter(words.strip().splitlines()), type(error).__name__)
    sentences = re.split(r"(?<=\.) (?=[A-Z])", line)  # and objects of Python into the last
    kept = [s for s in sentences if not re.search(r"<\w+ |[=:] ?<|object at 0x|KerasTensor", s)]
    return _shown(" ".join(kept).rstrip(".") or type(error).__name__, 300)


def _shown(words: object, length: int = 60) -> str:
    """Words of the text as they can be shown: not long, and without halves of characters."""
    line = str(words).encode("utf-8", "replace").decode()
    return line if len(line) <= length else f"{line[:length]}…"


# The text, checked before Keras sees it ------------------------------------------------------------------------------


def _parsed(text: str) -> dict[str, Any]:
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise BlueprintRefused(
            f"The text has {size:,} bytes, at most {MAX_BYTES:,} are read. Send the architecture only, without weights."
        )
    try:
        config = json.loads(text)
    except RecursionError as error:
        raise BlueprintRefused(_TOO_DEEP) from error
    except ValueError as error:
        raise BlueprintRefused(
            f"This is not JSON ({_first_line(error)}). Expected the text of model.to_json()."
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str) or "config" not in config:
        raise BlueprintRefused(
            "This JSON is no architecture of Keras: it has no class_name and config. Expected that of model.to_json()."
        )
    return config


_TOO_LONG = (
    "Keras cannot build this architecture: its layers form a longer chain than it can follow, some hundred one behind "
    "the other. Send a part of it."
)
_TOO_DEEP = f"The text nests more than {MAX_DEPTH} levels deep. Expected the text of model.to_json()."
_VALUES = ("__tensor__", "__numpy__")
_MARKS = ("__keras_tensor__", "__slice__", "__ellipsis__", *_VALUES)  # what Keras writes beside classes
_CODE = ("Lambda", "__lambda__", "__typespec__")
_OURS = "convscope"  # the package that layers of the zoo are registered in
_DTYPE = re.compile(r"bool|u?int\d{1,2}|b?float\d{1,2}")
# They read files, hold programs of another library, or compute tables when they are made.
_REFUSED = {
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
    "JaxLayer",
    "FlaxLayer",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
    "Hashing",
    "HashedCrossing",
    "Discretization",
    "MelSpectrogram",
    "STFTSpectrogram",
    "Pipeline",
    "RandAugment",
    "AugMix",
    "Layer",
    "Wrapper",
    "InputSpec",
}
_CALLS_FUNCTIONS = {"Map", "Scan", "AssociativeScan", "VectorizedMap", "Cond", "Switch", "WhileLoop", "ForiLoop", "JVP"}


def _check(config: dict[str, Any]) -> None:
    """Refuse all that is not plain architecture; drop what concerns training and how a loop is computed."""
    for node in _nodes(config):
        node.pop("compile_config", None)
        if "unroll" in node:  # the same network, but Keras would write out each step
            node["unroll"] = False
        if "class_name" in node:
            _allowed(node)
    if _calls(config) > MAX_LAYERS:
        raise BlueprintRefused(
            f"The model has more than {MAX_LAYERS:,} calls of layers, a shared model counted at each of its calls. "
            "Send a part of it."
        )


def _calls(value: Any) -> int:
    """Calls of layers: a model that calls a model twice that calls a model twice takes Keras four times as long."""
    if isinstance(value, list):
        return sum(map(_calls, value))
    if not isinstance(value, dict):
        return 0
    within = sum(_calls(item) for name, item in value.items() if name != "inbound_nodes")
    if _known().get((str(value.get("module") or ""), str(value.get("class_name")))) not in ("layer", "model"):
        return within
    nodes = value.get("inbound_nodes")
    return (within + 1) * (max(1, len(nodes)) if isinstance(nodes, list) else 1)


def _of_keras2(config: dict[str, Any]) -> dict[str, Any]:
    """The text as Keras 3 would have written it."""
    for _ in _nodes(config):
        pass  # not too deep to be walked through
    try:
        return keras2.rewrite(config)
    except RecursionError as error:
        raise BlueprintRefused(_TOO_DEEP) from error
    except NotRewritten as error:
        raise BlueprintRefused(_shown(error, 300)) from error
    except (TypeError, LookupError, AttributeError, ValueError) as error:
        raise BlueprintRefused(
            f"The text is written as by Keras 2, but not as Keras 2 writes it ({_first_line(error)})."
        ) from error


def _nodes(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All objects of the text, outer ones first; refuses depth and large numbers on the way."""
    stack: list[tuple[Any, int, str]] = [(config, 1, "")]
    while stack:
        value, depth, key = stack.pop()
        if depth > MAX_DEPTH:
            raise BlueprintRefused(_TOO_DEEP)
        if isinstance(value, dict):
            yield value
            if value.get("class_name") not in _VALUES:
                stack.extend((item, depth + 1, name) for name, item in value.items())
        elif isinstance(value, list):
            stack.extend((item, depth + 1, key) for item in value)
        elif isinstance(value, int) and abs(value) > MAX_NUMBER and key != "seed":
            raise BlueprintRefused(
                f"The text says {_shown(key)} = {_shown(value, 20)}; numbers up to {MAX_NUMBER:,} are read."
            )


def _allowed(node: dict[str, Any]) -> None:
    """Refuse a class that is not Keras' own."""
    name, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    shown = _shown(name)
    if name in _CODE:
        raise BlueprintRefused(
            f"The model holds {shown}, which is Python code, and no code is run here. Replace it by layers of Keras."
        )
    if name in _MARKS and "module" not in node:
        inner = node.get("config")
        if name in _VALUES and not (isinstance(inner, dict) and _DTYPE.fullmatch(str(inner.get("dtype")))):
            raise BlueprintRefused(f"The text holds a constant of a type that is not read here ({shown}).")
        return
    if name == "function":
        if module not in ("builtins", "keras.activations", None) or str(node.get("config")) not in _activations():
            raise BlueprintRefused(
                f"The model uses the function {_shown(node.get('config'))}, which is none of keras.activations. Use "
                "one of those."
            )
        return
    zoo = str(module).startswith("cnn_core.networks.zoo.") and registered == f"{_OURS}>{name}"
    own = not (zoo or registered in (None, "", name)) or not isinstance(node.get("config"), dict)
    kind = None if own else _known().get((str(module or ""), str(name)))
    if kind is None:
        where = f" of {_shown(module)}" if module else ""
        raise BlueprintRefused(
            f"The model holds {shown}{where}, which is no class of Keras that is read here. Custom classes and "
            "subclassed models are Python code; only models of Keras' own layers (Sequential, functional) have a table."
        )
    if kind == "model":
        listed = node["config"].get("layers")
        if not isinstance(listed, list):
            raise BlueprintRefused(f"The model {shown} lists no layers: it is a subclassed model, only Python code.")
        if name == "Sequential" and len(listed) > MAX_SEQUENTIAL:
            raise BlueprintRefused(
                f"A Sequential model of {len(listed):,} layers; at most {MAX_SEQUENTIAL} are read. Build it with the "
                "functional API."
            )
        node["module"], node["registered_name"] = f"keras.src.models.{str(name).lower()}", None  # Keras 2 had others
    elif not module:
        node["module"], node["registered_name"] = _home(str(name)), None  # or Keras reads it as Keras 1 wrote it


@cache
def _activations() -> frozenset[str]:
    import keras

    return frozenset(name for name, value in vars(keras.activations).items() if callable(value))


@cache
def _known() -> dict[tuple[str, str], str]:
    """(module, class) → what it is, for all classes that may be built; without a module (Keras 2) by its name alone."""
    import keras

    from cnn_core.networks.zoo.alexnet import LocalResponseNormalization
    from cnn_core.networks.zoo.lenet import Channels, CodeDistances, ScaledTanh
    from cnn_core.networks.zoo.vit import ClassToken, Positions

    known: dict[tuple[str, str], str] = {}

    def add(cls: type, name: str, what: str, *modules: str) -> None:
        known.update({(module, name): what for module in (*modules, cls.__module__, "")})

    for module in ("layers", "initializers", "regularizers", "constraints"):
        for name, cls in vars(getattr(keras, module)).items():
            if isinstance(cls, type) and name not in _REFUSED:
                add(cls, name, "layer" if issubclass(cls, keras.layers.Layer) else "part", f"keras.{module}")
    for cls in (keras.dtype_policies.DTypePolicy, keras.dtype_policies.FloatDTypePolicy):
        add(cls, cls.__name__, "part", "keras", "keras.dtype_policies", "keras.mixed_precision")
    for cls in _subclasses(keras.Operation):
        if cls.__module__.startswith(("keras.src.ops.", "keras.src.applications.")) and cls.__name__ not in (
            *_CALLS_FUNCTIONS,
            "Function",
        ):
            known[cls.__module__, cls.__name__] = "layer"
    for cls in (ClassToken, Positions, LocalResponseNormalization, ScaledTanh, Channels, CodeDistances):
        known[cls.__module__, cls.__name__] = "layer"
    for name in ("Sequential", "Functional", "Model"):
        modules = ("", "keras", "keras.models", f"keras.src.models.{name.lower()}", f"keras.src.engine.{name.lower()}")
        known.update({(module, name): "model" for module in modules})
    return known


def _home(name: str) -> str:
    """Where a class is that came without a module."""
    places = ("keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints", "keras.dtype_policies")
    return next(place for place in places if (place, name) in _known())


def _subclasses(cls: type) -> Iterator[type]:
    each: type
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)
