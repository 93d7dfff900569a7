"""Which devices this process computes on, and how a run uses them.

Source:
    Keras guide "Multi-GPU distributed training with TensorFlow"; `MirroredStrategy` is the only one that trains Keras 3
    on TensorFlow (`keras.distribution` accepts TensorFlow and silently does nothing).
"""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cnn_core.engine.preload import gpus
from cnn_core.engine.quiet import quiet


def import_keras() -> None:
    """Import Keras and TensorFlow, if they are not yet, without what the latter writes meanwhile."""
    if "keras" in sys.modules:
        return
    with quiet():
        import keras  # noqa: F401


@dataclass(frozen=True)
class Devices:
    """What was found.

    Attributes:
        kind: `GPU` or `CPU`.
        names: Names of the devices in use, for people.
        precision: Keras dtype policy that suits them: `mixed_float16` on tensor cores, else `float32`.
        replicas: Device strings a run is mirrored over; one or none means no mirroring.
    """

    kind: str
    names: tuple[str, ...]
    precision: str
    replicas: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.names)} ({self.precision})"


@cache
def find() -> Devices:
    """Find the devices and prepare them: memory growth on, so that workers share a GPU with others. Once a process.

    Where the driver knows of no GPU, TensorFlow is not asked: to import it takes seconds, and not every run needs it.

    Raises:
        RuntimeError: If TensorFlow has used the GPUs already (call this before anything else in a worker).
    """
    processor = f"{_processor()}, {os.cpu_count()} cores"
    if not gpus() and "tensorflow" not in sys.modules:
        return Devices("CPU", (processor,), "float32")
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)
    if found:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in found]
        # Tensor cores: compute capability 7.0 (Volta) and newer (NVIDIA, mixed precision training guide).
        tensor_cores = all(entry.get("compute_capability", (0, 0)) >= (7, 0) for entry in details)
        names = tuple(entry.get("device_name", gpu.name) for entry, gpu in zip(details, found, strict=True))
        replicas = tuple(f"GPU:{index}" for index in range(len(found)))
        return Devices("GPU", names, "mixed_float16" if tensor_cores else "float32", replicas)
    logical = tuple(f"CPU:{index}" for index in range(len(tf.config.list_logical_devices("CPU"))))
    return Devices("CPU", (processor,), "float32", logical)


@cache
def accelerated() -> bool:
    """Tell whether this process computes on a GPU; asks the driver first, and TensorFlow only if there is one."""
    return bool(gpus()) and find().kind == "GPU"


@contextlib.contextmanager
def placed(devices: Devices) -> Iterator[Any]:
    """Build and train models inside this: mirrored over several devices, plain on one; in the right precision.

    Yields:
        The number of replicas; a batch is divided among them.
    """
    if len(devices.replicas) <= 1 and devices.precision == "float32" and "keras" not in sys.modules:
        yield 1  # as Keras begins
        return
    import keras
    import tensorflow as tf

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(devices.precision)
    try:
        if len(devices.replicas) > 1:
            strategy = tf.distribute.MirroredStrategy(list(devices.replicas))
            with strategy.scope():
                yield strategy.num_replicas_in_sync
        else:
            yield 1
    finally:
        keras.config.set_dtype_policy(before)


def environment(devices: Devices) -> dict[str, Any]:
    """Return what a result depends on besides its spec: versions and devices."""
    return {
        "python": platform.python_version(),
        "keras": version("keras"),
        "tensorflow": _tensorflow(),
        "numpy": version("numpy"),
        "platform": platform.platform(),
        "device": str(devices),
        "replicas": max(1, len(devices.replicas)),
        "commit": _commit(),
    }


def _tensorflow() -> str:
    try:
        return version("tensorflow")
    except PackageNotFoundError:  # the smaller package of the same thing, without what a GPU needs
        return version("tensorflow-cpu")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:  # not Linux
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def _commit() -> str:
    """Return the checkout's commit, or `unknown` outside one."""
    import subprocess

    folder = os.path.dirname(os.path.abspath(__file__))
    try:
        asked = subprocess.run(["git", "-C", folder, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    except OSError:  # no git on this machine
        return "unknown"
    return asked.stdout.strip() or "unknown"
