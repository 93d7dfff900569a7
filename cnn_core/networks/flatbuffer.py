"""Networks whose weights are fixed, as LiteRT flatbuffers: on a CPU twice as fast as Keras, in a tenth of the memory.

A flatbuffer is made once, held against Keras, and kept as a file that processes map into memory and share. Who asks one
that is there already needs neither Keras nor TensorFlow.
"""

import contextlib
import hashlib
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnn_core.engine.quiet import quiet
from cnn_core.networks.devices import import_keras
from cnn_core.pictures.decoders import processors
from cnn_core.store.location import DEFAULT_LOCATION

if TYPE_CHECKING:
    import keras

FOLDER = DEFAULT_LOCATION / "cache"
TOLERANCE = 1e-4  # of an output; of the largest one where that is above 1
MAX_THREADS = 8  # one picture has no work for more
OPEN = 4  # flatbuffers that a process holds
_PROBES = 3  # pictures by which a new flatbuffer is held against Keras

log = logging.getLogger(__name__)


class FlatbufferRefused(ValueError):
    """A network that LiteRT cannot run, or does not run as Keras does."""


class Flatbuffer:
    """A network, `(N, …)` → float32 `(N, …)`; picture by picture, each on all threads, which is the fastest way.

    Args:
        source: The flatbuffer, or the path of its file, which is then mapped and not read.
        threads: By default as many as this process may use, at most MAX_THREADS.

    Raises:
        FlatbufferRefused: If it is none.
    """

    def __init__(self, source: Path | bytes, threads: int | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        held = {"model_content": source} if isinstance(source, bytes) else {"model_path": str(source)}
        try:
            with quiet():  # it greets on standard error
                self._interpreter = Interpreter(num_threads=threads or _threads(), **held)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise FlatbufferRefused(f"LiteRT does not take it: {' '.join(str(error).split())}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._lock = threading.Lock()  # an interpreter has one picture in work

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Return the output for pictures of any number and dtype, float32, in order.

        Raises:
            ValueError: If they are of another shape.
        """
        expected = tuple(map(int, self._input["shape"][1:]))
        if pictures.shape[1:] != expected:
            raise ValueError(f"This network takes pictures of {expected}; received {pictures.shape[1:]}.")
        outputs = np.empty((len(pictures), *self._output["shape"][1:]), np.float32)
        with self._lock:
            for picture, output in zip(pictures, outputs, strict=True):
                self._interpreter.set_tensor(self._input["index"], picture[None].astype(np.float32))
                self._interpreter.invoke()
                output[...] = self._interpreter.get_tensor(self._output["index"])[0]
        return outputs


def kept(name: str, build: "Callable[[], keras.Model]") -> Flatbuffer:
    """Return a network as a flatbuffer: from this process, from its file, or made now and kept.

    Args:
        name: All that the network depends on, its weights too: another network needs another name.
        build: Makes it in Keras, float32, `(N, …)` → `(N, …)`; only called if there is no file.

    Raises:
        FlatbufferRefused: If there can be none, said by the file that is kept instead, so that it is tried once a
            version.
        Whatever `build` raises.
    """
    with _making:
        key = FOLDER, name
        if key not in _open:
            _open[key] = _read_or_made(FOLDER, name, build)
            while len(_open) > OPEN:
                _open.popitem(last=False)
        _open.move_to_end(key)
        return _open[key]


def data(name: str, build: "Callable[[], keras.Model]") -> tuple[str, bytes]:
    """Return the flatbuffer that `kept` opens as a file, to be run elsewhere: a name with its checksum, and bytes.

    Args:
        name: All that the network depends on, as for `kept`.
        build: Likewise.

    Raises:
        FlatbufferRefused: If there can be none. Whatever `build` raises.
    """
    kept(name, build)
    for path in _whole(FOLDER, _stem(name)):
        return path.name, path.read_bytes()
    made = convert(build())  # nothing could be written
    return f"{_stem(name)}.{_checksum(made)}.tflite", made


def convert(model: "keras.Model", *, int8: bool = False) -> bytes:
    """Return a Keras network as a flatbuffer for one picture at a time: a browser's LiteRT takes no other batch.

    Its variables become constants first: the converter then sees a plain graph and takes a third of the time.

    Args:
        model: `(N, …)` → `(N, …)`, float32.
        int8: Quantise the weights to 8 bits (dynamic range); inputs and outputs stay float32.

    Raises:
        FlatbufferRefused: If the converter does not know one of its operations.

    Source:
        ai.google.dev/edge/litert, "Post-training dynamic range quantization".
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import ConverterError
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    seen = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    traced = tf.function(lambda batch: model(batch, training=False), input_signature=[seen], autograph=False)
    try:
        with quiet(ConverterError, ValueError):
            graph = convert_variables_to_constants_v2(traced.get_concrete_function())
            converter = tf.lite.TFLiteConverter.from_concrete_functions([graph], model)
            if int8:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            made: bytes = converter.convert()
    except (ConverterError, ValueError) as error:
        raise FlatbufferRefused(f"it cannot be converted ({str(error).strip().splitlines()[0]})") from error
    return made


def held_against(model: "keras.Model", made: Flatbuffer) -> float:
    """Return the largest difference between a flatbuffer and Keras on a few pictures, in units of TOLERANCE's scale.

    Raises:
        FlatbufferRefused: If it is above TOLERANCE, or no number.
    """
    random = np.random.default_rng(0)
    size = model.input_shape[1:]
    pictures = random.uniform(0, 255, (_PROBES, *size)).astype(np.float32)  # noise; and smooth, as pictures are
    pictures[1:] = np.linspace(0, 255, size[0], dtype=np.float32)[:, None, None]
    pictures[2] = 255 - pictures[2].swapaxes(0, 1) / 2
    expected = np.asarray(model.predict_on_batch(pictures))
    difference = float(np.abs(made(pictures) - expected).max() / max(1.0, float(np.abs(expected).max())))
    if not difference <= TOLERANCE:
        raise FlatbufferRefused(f"it differs from Keras by {difference:.1e}, more than {TOLERANCE:.0e}")
    return difference


# Keeping --------------------------------------------------------------------------------------------------------------

_making = threading.Lock()  # two threads of a process that want the same network make it once
_open: "OrderedDict[tuple[Path, str], Flatbuffer]" = OrderedDict()


def _read_or_made(folder: Path, name: str, build: "Callable[[], keras.Model]") -> Flatbuffer:
    stem = _stem(name)
    refusal = folder / f"{stem}.refused"
    if refusal.exists():
        raise FlatbufferRefused(refusal.read_text(encoding="utf-8"))
    for path in _whole(folder, stem):
        return Flatbuffer(path)
    import_keras()  # quietly: a command that only asks has not done so
    model = build()
    try:
        data = convert(model)
        made = Flatbuffer(data)
        difference = held_against(model, made)
    except FlatbufferRefused as reason:
        _written(refusal, str(reason).encode())
        raise
    log.info("%s is now a flatbuffer of %.0f MB; it differs from Keras by %.1e", name, len(data) / 1e6, difference)
    path = folder / f"{stem}.{_checksum(data)}.tflite"
    return Flatbuffer(path) if _written(path, data) else made


def _stem(name: str) -> str:
    return f"{name.replace(' ', '-')}-litert-{_version()}"


def _whole(folder: Path, stem: str) -> Iterator[Path]:
    """Files of a flatbuffer whose bytes are those that their names promise; others are removed."""
    for path in sorted(folder.glob(f"{stem}.*.tflite")):
        try:
            if _checksum(path.read_bytes()) == path.name.split(".")[-2]:
                yield path
                continue
            path.unlink()
            reason = "its bytes are not those that were written"
        except OSError as error:
            reason = str(error)
        log.warning("The kept network %s is of no use (%s); it is made again.", path.name, reason)


def _written(path: Path, data: bytes) -> bool:
    """Write a file whole or not at all: several workers may make the same one at once."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        log.warning("%s is not kept (%s); every start makes it again.", path.name, error)
        with contextlib.suppress(OSError):
            partial.unlink()
        return False
    return True


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


@cache
def _version() -> str:
    return version("ai-edge-litert")


def _threads() -> int:
    return min(MAX_THREADS, processors())
