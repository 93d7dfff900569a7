"""The reader of PyTorch's legacy files, against files written here opcode by opcode, without PyTorch."""

import hashlib
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_core.networks.zoo.torch_file import WeightFileRefused, read_torch_file

MAGIC = 0x1950A86A20F9469CFC6C
LITTLE = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
STORAGES = {"<f4": "FloatStorage", "<i8": "LongStorage"}


# A pickle by hand (pickletools.py lists the opcodes): what `torch.save` would write -----------------------------------


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def several(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


EMPTY_DICT = named("collections", "OrderedDict") + b")R"


def tensor(key: str, storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    kind = named("torch", STORAGES[storage.dtype.str])
    storage_id = several(text("storage"), kind, text(key), text("cpu"), number(storage.size), b"N") + b"Q"
    sizes = several(*map(number, shape)), several(*map(number, strides))
    view = several(storage_id, number(offset), *sizes, b"\x89", EMPTY_DICT)
    return named("torch._utils", "_rebuild_tensor_v2") + view + b"R"


def body(**tensors: bytes) -> bytes:
    pairs = b"".join(text(name) + value for name, value in tensors.items())
    return b"\x80\x02" + EMPTY_DICT + b"(" + pairs + b"u."


def written(path: Path, objects: bytes, storages: dict[str, np.ndarray], magic: int = MAGIC, system=LITTLE) -> Path:
    data = b"".join(pickle.dumps(part, 2) for part in (magic, 1001, system)) + objects
    data += pickle.dumps(list(storages), 2)
    for values in storages.values():
        data += struct.pack("<q", values.size) + values.tobytes()
    path.write_bytes(data)
    return path


def read(path: Path) -> dict[str, np.ndarray]:
    return read_torch_file(path, hashlib.sha256(path.read_bytes()).hexdigest())


# Numbers --------------------------------------------------------------------------------------------------------------


@st.composite
def strided(draw: st.DrawFn) -> tuple[np.ndarray, int, tuple[int, ...], tuple[int, ...]]:
    """A storage and a view of it: any order of the axes in memory, with gaps, from any offset."""
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    order = draw(st.permutations(range(len(shape))))
    strides, reach = [0] * len(shape), draw(st.integers(1, 2))
    for axis in order:
        strides[axis] = reach
        reach = reach * max(shape[axis], 1) + draw(st.integers(0, 2))
    offset = draw(st.integers(0, 5))
    dtype = draw(st.sampled_from(sorted(STORAGES)))
    size = offset + reach + draw(st.integers(0, 3))
    seed = draw(st.integers(0, 2**16))
    storage = np.random.default_rng(seed).integers(-(2**20), 2**20, size).astype(dtype)
    return storage, offset, shape, tuple(strides)


def element_by_element(storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]):
    """The definition of a strided view, without NumPy's."""
    out = np.zeros(shape, storage.dtype)
    for index in np.ndindex(shape):
        out[index] = storage[offset + sum(i * s for i, s in zip(index, strides, strict=True))]
    return out


@settings(max_examples=150)
@given(views=st.lists(strided(), min_size=1, max_size=3))
def test_round_trip_of_strided_tensors(tmp_path_factory: pytest.TempPathFactory, views: list) -> None:
    path = tmp_path_factory.mktemp("torch") / "weights.pth"
    tensors = {f"t{i}": tensor(str(i), *view) for i, view in enumerate(views)}
    found = read(written(path, body(**tensors), {str(i): view[0] for i, view in enumerate(views)}))
    assert list(found) == list(tensors)
    for array, view in zip(found.values(), views, strict=True):
        expected = element_by_element(*view)
        assert array.dtype == expected.dtype and array.shape == expected.shape and array.flags.c_contiguous
        assert np.array_equal(array, expected)


def test_two_tensors_may_share_a_storage(tmp_path: Path) -> None:
    values = np.arange(6, dtype="<f4")
    objects = body(rows=tensor("0", values, 0, (2, 3), (3, 1)), turned=tensor("0", values, 0, (3, 2), (1, 3)))
    found = read(written(tmp_path / "weights.pth", objects, {"0": values}))
    assert found["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]


# Refusals -------------------------------------------------------------------------------------------------------------

VALUES = np.arange(6, dtype="<f4")
GOOD = body(weight=tensor("0", VALUES, 0, (6,), (1,)))


def refusal(path: Path) -> str:
    with pytest.raises(WeightFileRefused) as caught:
        read(path)
    return str(caught.value)


def test_another_checksum_is_refused_before_anything_is_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"cos\nsystem\n" + several(text("echo run by the pickle")) + b"R.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(WeightFileRefused) as caught:
        read_torch_file(path, "0" * 64)
    assert str(caught.value) == (
        f"weights.pth has checksum {digest[:16]}…, expected 0000000000000000…. Reinstall the package that holds it."
    )
    assert capfd.readouterr().out == ""


class Evil:
    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, f"{os.system.__module__}.system"),
        (eval, "builtins.eval"),
        (getattr, "builtins.getattr"),
        (io.open, "io.open"),
        (pickle.loads, "_pickle.loads"),
        (bytearray, "builtins.bytearray"),
    ],
)
@pytest.mark.parametrize("place", ["magic", "system", "tensors", "keys"])
def test_any_other_name_is_refused_wherever_it_stands(tmp_path: Path, function, name: str, place: str) -> None:
    parts = {"magic": MAGIC, "protocol": 1001, "system": LITTLE, "tensors": None, "keys": ["0"]}
    data = b""
    for part, value in parts.items():
        if part == place:
            data += pickle.dumps(Evil(function, "touch broken-in"), 4)
        else:
            data += GOOD if part == "tensors" else pickle.dumps(value, 2)
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    module, _, attribute = name.rpartition(".")
    said = refusal(path)
    # Some protocols name os.system's module nt or posix, and protocol 4 io.open's _io.
    assert said.startswith("The weight file asks for ") and said.endswith(
        f".{attribute}; only tensors are read. Do not use this file."
    )
    assert module in said and not Path("broken-in").exists()


@pytest.mark.parametrize("name", ["HalfStorage", "_C", "load", "FloatTensor"])
def test_other_names_of_torch_are_refused_too(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "weights.pth", b"\x80\x02" + named("torch", name) + b".", {})
    assert refusal(path) == f"The weight file asks for torch.{name}; only tensors are read. Do not use this file."


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (7,), (1,)),
        (1, (6,), (1,)),
        (0, (2, 3), (4, 1)),
        (6, (), ()),
        (-1, (2,), (1,)),
        (5, (2,), (-1,)),
        (0, (2, -1), (1, 1)),
    ],
)
def test_tensor_outside_its_storage_is_refused(tmp_path: Path, offset: int, shape, strides) -> None:
    path = written(tmp_path / "weights.pth", body(weight=tensor("0", VALUES, offset, shape, strides)), {"0": VALUES})
    assert refusal(path) == f"A tensor of shape {shape} reaches outside its storage of 6."


def test_wrong_magic_is_refused(tmp_path: Path) -> None:
    said = refusal(written(tmp_path / "weights.pth", GOOD, {"0": VALUES}, magic=MAGIC + 1))
    assert said == "The weight file is not a PyTorch file of the legacy format (wrong magic number)."


def test_big_endian_is_refused(tmp_path: Path) -> None:
    said = refusal(written(tmp_path / "weights.pth", GOOD, {"0": VALUES}, system={"little_endian": False}))
    assert said == "The weight file holds big-endian numbers; only little-endian ones are read."


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 a zip, as torch writes today", b"\x89PNG", pickle.dumps(MAGIC, 2)])
def test_other_formats_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    assert refusal(path).startswith("weights.pth is not a PyTorch file of the legacy format (")


def test_every_cut_is_refused(tmp_path: Path) -> None:
    whole = written(tmp_path / "weights.pth", GOOD, {"0": VALUES})
    assert read(whole)["weight"].tolist() == VALUES.tolist()
    data = whole.read_bytes()
    for length in range(len(data)):
        whole.write_bytes(data[:length])
        refusal(whole)
    whole.write_bytes(data[:-1])
    assert refusal(whole) == "The weight file is cut short: storage 0 should hold 6 numbers."


def test_storage_that_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    said = refusal(written(tmp_path / "weights.pth", GOOD, {}))
    assert said == "weights.pth holds more than tensors and their storages. Do not use this file."


def test_missing_file_is_not_disguised(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing.pth"):
        read_torch_file(tmp_path / "nothing.pth", "0" * 64)
