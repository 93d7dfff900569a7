"""Read a PyTorch weight file of the legacy (pre-zip) format without PyTorch, and without running what is in it.

A pickle can run anything. The reader below knows three names (an ordered dictionary, the rebuilding of a tensor, the
types of storage) and refuses every other, so that a file can hold numbers and nothing else.
"""

import hashlib
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

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
        magic, _protocol, system = (_TensorUnpickler(file).load() for _ in range(3))
        if magic != _MAGIC or not system["little_endian"]:
            raise WeightFileRefused(f"{path.name} is not a little-endian PyTorch file of the legacy format.")
        unpickler = _TensorUnpickler(file)
        tensors: dict[str, _Tensor] = unpickler.load()
        storages: dict[str, np.ndarray] = {}
        for key in _TensorUnpickler(file).load():
            dtype = np.dtype(unpickler.dtypes[key])
            count = int.from_bytes(file.read(8), "little")
            storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: _strided(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


def _strided(tensor: _Tensor, storage: np.ndarray) -> np.ndarray:
    reach = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if min(tensor.strides, default=0) < 0 or not 0 <= reach < storage.size:
        raise WeightFileRefused(f"A tensor of shape {tensor.shape} reaches outside its storage of {storage.size}.")
    view = np.lib.stride_tricks.as_strided(
        storage[tensor.offset :], tensor.shape, [s * storage.itemsize for s in tensor.strides], writeable=False
    )
    return np.ascontiguousarray(view)
