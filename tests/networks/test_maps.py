"""Maps on disk: as fresh ones, whoever made them; mended, bounded, and harmless to other processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cnn_core.networks import backbones, maps
from cnn_core.networks.forward import lower, network_input
from cnn_core.networks.maps import Maps
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store.report import Stopped
from cnn_core.store.runs import Store

DEFAULT = backbones.backbone(backbones.DEFAULT)
BLOCKS = 13
SIZE = 16 + 4 * 7 * 7 * 192  # bytes of a file
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("maps"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def items(shelf: Store) -> list[Item]:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (5, 40, 50, 3)).astype(np.uint8)
    return [sets.keep(shelf, Picture(pixels, str(number)), "a") for number, pixels in enumerate(pictures)]


@pytest.fixture(scope="module")
def expected(shelf: Store, items: list[Item]) -> np.ndarray:
    base = backbones.build(backbones.DEFAULT)
    import keras

    below = keras.Model(base.input, base.get_layer(DEFAULT.block_starts[BLOCKS]).input)
    return np.asarray(below.predict(network_input(shelf, items, DEFAULT), verbose=0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where maps are kept, empty."""
    monkeypatch.setattr(maps, "FOLDER", tmp_path / "maps")
    return tmp_path / "maps"


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures the lower blocks have looked at, a number a batch."""
    batches: list[int] = []

    def counting(record: backbones.Backbone, blocks: int, precision: str) -> object:
        network = lower(record, blocks)
        return lambda pictures: batches.append(len(pictures)) or network(pictures)

    monkeypatch.setattr(maps, "_network", counting)
    return batches


def opened(shelf: Store, items: list[Item], **chosen: object) -> Maps:
    return Maps(shelf, items, DEFAULT, BLOCKS, "float32", **chosen)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def test_kept_maps_are_those_of_keras_in_any_order(
    folder: Path, shelf: Store, items: list[Item], expected: np.ndarray, computed: list[int]
) -> None:
    opened(shelf, items).prepare()
    again = opened(shelf, items)
    again.prepare()
    assert computed == [5] and len(again) == 5
    for part in (slice(0, 5), slice(3, 9), np.array([4, 0, 0, 2])):
        found = again[part]
        assert found.dtype == np.float32 and found.shape == expected[part].shape
        assert np.abs(found - expected[part]).max() < 1e-4 * np.abs(expected).max()
    assert computed == [5], "all were there"
    assert [path.parent.name for path in files(folder)] == 5 * [
        "efficientnet_lite0-579344248a93-13-blocks-224px-of-256-bicubic-float32"
    ]
    assert all(path.stat().st_size == SIZE for path in files(folder))


def test_only_what_is_missing_is_computed(folder: Path, shelf: Store, items: list[Item], computed: list[int]) -> None:
    opened(shelf, items[:2]).prepare()
    some = opened(shelf, [*items[:4], items[3]])
    some.prepare()
    assert computed == [2, 2]
    assert np.array_equal(some[3:4], some[4:5])
    opened(shelf, items)[:]  # nobody prepared the last one
    assert computed == [2, 2, 1] and len(files(folder)) == 5


def test_another_cut_precision_or_look_is_another_map(folder: Path, shelf: Store, items: list[Item]) -> None:
    def mirrored(store: Store, items: list[Item], record: backbones.Backbone) -> np.ndarray:
        return network_input(store, items, record)[:, :, ::-1]

    one = items[:1]
    plain = opened(shelf, one)[:]
    seen = opened(shelf, one, see=mirrored, what="mirrored")[:]
    assert np.abs(seen - plain).max() > 0.1
    assert Maps(shelf, one, DEFAULT, 16, "float32")[:].shape == (1, 7, 7, 320)
    Maps(shelf, one, DEFAULT, BLOCKS, "mixed_float16")[:]
    assert len({path.parent for path in files(folder)}) == 4
    assert np.array_equal(opened(shelf, one)[:], plain)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-100], "its bytes are not those that were written"),
        (lambda data: data[:1000] + b"\0" + data[1001:], "its bytes are not those that were written"),
        (lambda data: data[:4] + b"\1" + data[5:], "its bytes are not those that were written"),
        (lambda data: b"", "unpack_from requires a buffer of at least 16 bytes"),
    ],
)
def test_damaged_map_is_made_again_and_said(
    damage, reason: str, folder: Path, shelf: Store, items: list[Item], computed: list[int], warned
) -> None:
    before = opened(shelf, items[:2])[:]
    path = files(folder)[0]
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert np.array_equal(opened(shelf, items[:2])[:], before)
    (said,) = warned()
    assert said.startswith(f"The kept map {path.name} is of no use ({reason}") and said.endswith("); it is made again.")
    assert computed == [2, 1] and path.read_bytes() == whole


def test_half_written_file_is_nobodys(folder: Path, shelf: Store, items: list[Item], monkeypatch, warned) -> None:
    """A process that dies while it writes leaves a file that no map is read from, and that goes in its turn."""
    monkeypatch.setattr(Path, "replace", lambda self, target: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception):
        opened(shelf, items[:1])[:]
    (left,) = files(folder)
    assert left.name.startswith(f"{items[0].digest}.map.") and left.suffix == ".partial"
    monkeypatch.undo()
    monkeypatch.setattr(maps, "FOLDER", folder)
    monkeypatch.setattr(maps, "LIMIT", 2 * SIZE)
    os.utime(left, (1, 1))
    opened(shelf, items[:2]).prepare()
    assert [path.name for path in files(folder)] == sorted(f"{item.digest}.map" for item in items[:2])
    assert warned() == []


def test_folder_that_cannot_be_written_costs_time_only(
    folder: Path, shelf: Store, items: list[Item], expected: np.ndarray, computed: list[int], warned
) -> None:
    folder.write_text("a file")
    unkept = opened(shelf, items)
    for _ in range(2):
        assert np.abs(unkept[:] - expected).max() < 1e-4 * np.abs(expected).max()
    (said,) = warned()
    assert said.startswith("Maps are not kept (") and said.endswith("); they are computed anew each time.")
    assert computed == [5, 5]


# Room -----------------------------------------------------------------------------------------------------------------


def test_least_recently_used_go_first(
    folder: Path, shelf: Store, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "LIMIT", 4 * SIZE)
    opened(shelf, items[:4]).prepare()
    for age, item in zip((10, 20, 30, 40), items, strict=False):
        os.utime(folder / files(folder)[0].parent.name / f"{item.digest}.map", (age, age))
    opened(shelf, items[:1]).prepare()  # the oldest is used again
    opened(shelf, items[4:]).prepare()
    assert {path.stem for path in files(folder)} == {items[index].digest for index in (0, 2, 3, 4)}


def test_more_maps_than_there_is_room_for(
    folder: Path, shelf: Store, items: list[Item], expected: np.ndarray, computed: list[int], warned, monkeypatch
) -> None:
    monkeypatch.setattr(maps, "LIMIT", 3 * SIZE + 10)
    many = opened(shelf, items)
    many.prepare()
    for _ in range(2):
        assert np.abs(many[:] - expected).max() < 1e-4 * np.abs(expected).max()
    assert len(files(folder)) == 3 and computed == [5, 2, 2]
    assert warned() == ["Within 0.0 GB is no room for 2 of 5 maps: they are computed each time they are asked for."]


def test_stop_keeps_what_was_computed(folder: Path, shelf: Store, items: list[Item], monkeypatch) -> None:
    monkeypatch.setattr(maps, "BATCH", 2)
    done: list[int] = []
    with pytest.raises(Stopped):
        opened(shelf, items).prepare(lambda count: bool(done.append(count)) or count == 4)
    assert done == [0, 2, 4] and len(files(folder)) == 4
    opened(shelf, items).prepare(done.append)
    assert done[3:] == [4, 5]


def test_two_processes_make_the_same_maps_at_once(folder: Path, shelf: Store, items: list[Item]) -> None:
    program = (
        "import sys; from pathlib import Path; from cnn_core.networks import backbones, maps\n"
        "from cnn_core.pictures.items import Item; from cnn_core.store.runs import Store\n"
        "maps.FOLDER = Path(sys.argv[1]); store = Store(sys.argv[2]); sys.stdin.readline()\n"
        "items = [Item(digest, '', '') for digest in sys.argv[3:]]\n"
        "made = maps.Maps(store, items, backbones.backbone(backbones.DEFAULT), 13, 'float32')\n"
        "made.prepare(); print(float(made[:].sum(dtype=float)), 'tensorflow' in sys.modules)\n"
    )
    command = [sys.executable, "-c", program, str(folder), shelf.location, *(item.digest for item in items)]
    lower(DEFAULT, BLOCKS)  # its flatbuffer is there
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    said = [process.communicate("\n") for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    expected = float(opened(shelf, items)[:].sum(dtype=float))
    assert [answer for answer, _ in said] == [f"{expected} False\n"] * 2, "and without TensorFlow"
    assert len(files(folder)) == 5 and not any("use" in errors for _, errors in said)
