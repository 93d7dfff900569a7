"""Read a PyTorch weight file of the legacy (pre-zip) format without PyTorch, and without running what is in it.

A pickle can run anything. The reader below knows three names (an ordered dictionary, the rebuilding of a tensor, the
types of storage) and refuses every other, so that a file can hold numbers and nothing else.
"""

import hashlib
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGE_DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class WeightFileRefused(ValueError):
    """The file is not the one it should be, or holds something else than tensors."""


class _Tensor(NamedTuple):
    storage: str  # key of the storage in the file
    offset: int  # elements from the start of the storage to the first element
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements


class _TensorUnpickler(pickle.Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.dtypes: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, shape, strides)
        if module == "torch" and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        raise WeightFileRefused(
            f"The weight file asks for {module}.{name}; only tensors are read. Do not use this file."
        )

    def persistent_load(self, pid: Any) -> str:
        _, dtype, key, *_ = pid  # ("storage", type, key, device, number of elements, view)
        self.dtypes[key] = dtype
        return str(key)


def read_torch_file(path: str | Path, sha256: str) -> dict[str, np.ndarray]:
    """Return the tensors of a legacy PyTorch state dictionary by name.

    Args:
        path: The file.
        sha256: Its expected checksum, in hexadecimal; compared before a byte is interpreted.

    Returns:
        Contiguous arrays in PyTorch's layout (convolutions are `(out, in / groups, kh, kw)`).

    Raises:
        WeightFileRefused: If the checksum differs, the format is another one, or the file holds more than tensors.
        FileNotFoundError: If there is no such file.

    Source:
        Legacy layout of `torch.save`: magic number, protocol, system, objects, storage keys, then each storage as an
        int64 count followed by its elements. Tensors are *strided* views of a storage: this project's file keeps
        convolutions in the memory order of TensorFlow, so reading them without their strides gives other numbers.
    """
    path = Path(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise WeightFileRefused(
            f"{path.name} has checksum {digest[:16]}…, expected {sha256[:16]}…. Reinstall the package that holds it."
        )
    with path.open("rb") as file:
        try:
            tensors, storages = _parse(file)
        except WeightFileRefused:
            raise
        except (pickle.UnpicklingError, EOFError, LookupError, TypeError, AttributeError, ValueError) as error:
            raise WeightFileRefused(f"{path.name} is not a PyTorch file of the legacy format ({error}).") from error
    if not all(isinstance(tensor, _Tensor) and tensor.storage in storages for tensor in tensors.values()):
        raise WeightFileRefused(f"{path.name} holds more than tensors and their storages. Do not use this file.")
    return {name: _strided(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


def _parse(file: BinaryIO) -> tuple[dict[str, _Tensor], dict[str, np.ndarray]]:
    magic = _TensorUnpickler(file).load()
    if magic != _MAGIC:
        raise WeightFileRefused("The weight file is not a PyTorch file of the legacy format (wrong magic number).")
    _protocol, system = (_TensorUnpickler(file).load() for _ in range(2))
    if not system["little_endian"]:
        raise WeightFileRefused("The weight file holds big-endian numbers; only little-endian ones are read.")
    unpickler = _TensorUnpickler(file)
    tensors: dict[str, _Tensor] = unpickler.load()
    storages: dict[str, np.ndarray] = {}
    for key in _TensorUnpickler(file).load():
        dtype = np.dtype(unpickler.dtypes[key])
        count = int.from_bytes(file.read(8), "little")
        data = file.read(count * dtype.itemsize)
        if len(data) != count * dtype.itemsize:
            raise WeightFileRefused(f"The weight file is cut short: storage {key} should hold {count} numbers.")
        storages[key] = np.frombuffer(data, dtype)
    if not isinstance(tensors, dict):
        raise WeightFileRefused(f"The weight file holds a {type(tensors).__name__} instead of named tensors.")
    return tensors, storages


def _strided(tensor: _Tensor, storage: np.ndarray) -> np.ndarray:
    negative = min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0
    if 0 in tensor.shape and not negative:
        return np.empty(tensor.shape, storage.dtype)
    reach = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if negative or reach >= storage.size:
        raise WeightFileRefused(f"A tensor of shape {tensor.shape} reaches outside its storage of {storage.size}.")
    view = np.lib.stride_tricks.as_strided(
        storage[tensor.offset :], tensor.shape, [s * storage.itemsize for s in tensor.strides], writeable=False
    )
    return view.copy(order="C")  # ascontiguousarray would make a number an array of one
