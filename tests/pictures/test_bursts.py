"""Recordings: a burst is a group that no division tears apart; on its own frames accuracy would lie."""

import io
import zipfile
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cnn_core.pictures import bursts, intake, near, trees
from cnn_core.pictures.albums import Album
from cnn_core.pictures.bursts import together
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.pictures.kept import Kept
from cnn_core.pictures.sets import Split, keep, split
from cnn_core.store.runs import Store
from cnn_core.training import reading, takeout
from cnn_core.training.lab import likeness
from cnn_core.training.lab.labels import LabelsOptions
from cnn_core.training.lab.probe import fit_within
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.lab.splits import repeated_folds, usable
from cnn_core.training.transfer.spec import Experiment, Options

PARTS = ("train", "validation", "test")


def recorded(label: str, *frames: int, part: str = "") -> list[Item]:
    """Recordings of a class, each of so many frames."""
    return [
        Item(f"{label}{burst}-{frame}", label, f"{frame}.jpg", part, burst=f"{label}{burst}")
        for burst, number in enumerate(frames)
        for frame in range(number)
    ]


def sides(divided: Split) -> dict[str, set[str]]:
    """The parts in which each recording has a frame."""
    found: dict[str, set[str]] = defaultdict(set)
    for part in PARTS:
        for item in getattr(divided, part):
            found[item.burst].add(part)
    return found


# What is written --------------------------------------------------------------------------------------------------


def test_json_of_a_picture_is_as_it_was_where_nothing_is_recorded() -> None:
    assert Item("d1", "cat", "a.png", "test").to_json() == ["d1", "cat", "a.png", "test"]
    assert Item.from_json(["d1", "cat", "a.png", "test"]) == Item("d1", "cat", "a.png", "test")
    frame = Item("d1", "cat", "a.png", burst="b7")
    assert frame.to_json() == ["d1", "cat", "a.png", "", "b7"] and Item.from_json(frame.to_json()) == frame


def test_spec_keeps_recordings_and_reads_one_that_knows_none() -> None:
    items = (*recorded("cup", 3, 3, 3), *recorded("pen", 3, 3, 3))
    spec = Experiment(items, Options())
    assert Experiment.from_json(spec.to_json()) == spec
    old = spec.to_json() | {"items": [entry[:4] for entry in spec.to_json()["items"]]}
    assert Experiment.from_json(old).to_json() == old


# Groups -----------------------------------------------------------------------------------------------------------


def test_groups_without_a_recording_are_what_they_were() -> None:
    items = [Item(f"d{n}", "a", "") for n in range(4)]
    assert together(items, {"d2": "d1", "d1": "d1"}) == {"d2": "d1", "d1": "d1"}
    assert together(items) == {}


def test_recordings_and_near_duplicates_are_joined_by_chains() -> None:
    items = [
        Item("d1", "a", "", burst="one"),
        Item("d2", "a", "", burst="one"),
        Item("d3", "a", "", burst="two"),
        Item("d3", "a", "", burst="three"),  # the very frame, in two recordings
        Item("d4", "a", "", burst="three"),
        Item("d5", "a", ""),
        Item("d6", "a", ""),
        Item("d7", "a", ""),
    ]
    alike = {"d2": "near", "d5": "near", "d6": "other", "d7": "other"}
    assert together(items, alike) == {
        **dict.fromkeys(("d1", "d2", "d5"), "d1"),
        **dict.fromkeys(("d3", "d4"), "d3"),
        **dict.fromkeys(("d6", "d7"), "other"),
    }
    assert together(items[::-1], alike) == together(items, alike)


RECORDED = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(0, 4), st.sampled_from(["", "", "", "test"])),
    min_size=2,
    max_size=40,
)


@given(RECORDED, st.integers(0, 20))
def test_no_recording_straddles_whatever_the_pictures(pictures: list[tuple[str, int, int, str]], seed: int) -> None:
    items = [
        Item(f"d{n}", label, "", part, burst=f"burst {burst}" if burst else "")
        for n, (label, burst, _, part) in enumerate(pictures)
    ]
    alike = {f"d{n}": f"group {group}" for n, (*_, group, _) in enumerate(pictures) if group}
    try:
        divided = split(items, seed, alike)
    except SpecRefused:
        return
    assert all(len(parts) == 1 for burst, parts in sides(divided).items() if burst)
    assert split(items[::-1], seed, alike) == divided, "whatever the order"
    placed = Counter(item.digest for part in PARTS for item in getattr(divided, part))
    gone = len(items) - sum(placed.values())
    assert set(placed.values()) <= {1}
    assert gone == sum(int(note.split()[0]) for note in divided.notes if " left out" in note), divided.notes


@given(st.lists(st.integers(1, 9), min_size=3, max_size=8), st.integers(0, 9))
def test_class_of_three_recordings_is_in_every_part_though_all_look_alike(frames: list[int], seed: int) -> None:
    """A cup held up three times before one wall is one scene: recordings are kept whole, and it is said."""
    items = [*recorded("cup", *frames), *recorded("pen", 4, 4, 4)]
    alike = {item.digest: "wall" for item in items}
    divided = split(items, seed, alike)
    for part in PARTS:
        assert {item.label for item in getattr(divided, part)} == {"cup", "pen"}, part
    assert all(len(parts) == 1 for parts in sides(divided).values())
    assert sum("it is in training and test alike" in note for note in divided.notes) == 2


def test_split_says_what_was_recorded() -> None:
    items = [*recorded("cup", 9, 8, 7), *recorded("pen", 5, 5, 5, 5), *(Item(f"x{n}", "pen", "") for n in range(3))]
    divided = split(items, 0, {"x0": "x0", "x1": "x0"})
    assert divided.notes == (
        "44 pictures are frames of 7 recordings: each recording is on one side of the split.",
        "2 pictures are nearly the same as others, in 1 group: each group is on one side of the split.",
    )


def test_frames_of_a_recording_that_is_tested_on_are_not_learnt() -> None:
    items = [*recorded("cup", 4, 4, 4), *recorded("pen", 4, 4, 4)]
    tested = [Item("cup9", "cup", "", "test", burst="cup0"), Item("pen9", "pen", "", "test")]
    divided = split([*items, *tested], 0)
    assert sides(divided)["cup0"] == {"test"}
    assert divided.notes[0] == "4 pictures left out of training: of a recording that is in the test part."
    kept, notes = usable([*items, *tested])
    assert "cup0" not in {item.burst for item in kept}
    assert "4 pictures left out: nearly the same as pictures of the test part, or of one recording with them." in notes


# Too few ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cups", "message"),
    [
        (
            recorded("cup", 40),
            "The class 'cup' has 1 recording. All frames of a recording stay on one side of the split, so at least 3 "
            "are needed: to train on, to choose with and to test on. Record 2 more times, from elsewhere or in another "
            "light.",
        ),
        (
            [*recorded("cup", 40), Item("x", "cup", "")],
            "The class 'cup' has 1 recording and 1 other picture. All frames of a recording stay on one side of the "
            "split, so at least 3 are needed: to train on, to choose with and to test on. Record once more, from "
            "elsewhere or in another light.",
        ),
        (
            [*recorded("cup", 40), Item("x", "cup", "", "test")],
            "The class 'cup' has 1 recording. All frames of a recording stay on one side of the split, so at least 2 "
            "are needed: to train on and to choose with. Record once more, from elsewhere or in another light.",
        ),
        ([*recorded("cup", 20, 20, part="test"), *recorded("cup", 0, 0, 6, 6)], ""),
        (recorded("cup", 2, 2, 2), ""),
        ([*recorded("cup", 40), Item("x", "cup", ""), Item("y", "cup", "")], ""),
        (recorded("cup", 40, part="train"), ""),
    ],
)
def test_class_of_too_few_recordings_is_refused_before_training(cups: list[Item], message: str) -> None:
    pens = [Item(f"p{n}", "pen", "") for n in range(10)]
    assert bursts.shortage([*cups, *pens]) == message
    if message:
        for refused in (lambda: Experiment((*cups, *pens), Options()), lambda: split([*cups, *pens], 0)):
            with pytest.raises(SpecRefused) as refusal:
                refused()
            assert str(refusal.value) == message
    else:
        Experiment((*cups, *pens), Options())


def test_study_refuses_more_folds_than_recordings() -> None:
    items = (*recorded("cup", 9, 9, 9), *recorded("pen", 4, 4, 4, 4, 4))
    message = (
        "The class 'cup' has 3 recordings and there are 5 folds. All frames of a recording are in one fold: choose "
        "fewer folds or record more often."
    )
    for refused in (lambda: LabSpec(items, LabelsOptions()), lambda: repeated_folds(items, 5, 1, 0)):
        with pytest.raises(SpecRefused) as refusal:
            refused()
        assert str(refusal.value) == message
    assert LabSpec(items, LabelsOptions(folds=3)).options.folds == 3


def test_recording_is_in_one_fold() -> None:
    items = [*recorded("cup", 9, 8, 7), *recorded("pen", 4, 4, 4, 4)]
    for fold in repeated_folds(items, 3, 4, 0):
        assert not {items[i].burst for i in fold.train} & {items[i].burst for i in fold.test}
        assert {items[i].label for i in fold.test} == {"cup", "pen"}


def test_weight_decay_is_chosen_by_other_recordings() -> None:
    """One feature tells the class a little, 40 tell the recording: to lean on them pays on its own frames only."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(24), 12)
    labels = group % 2
    signature = rng.normal(size=(24, 40))[group] * 3
    features = np.hstack([labels[:, None] + rng.normal(size=(len(group), 1)), signature])
    features = (features + rng.normal(0, 0.1, features.shape)).astype(np.float32)
    assert fit_within(features, labels).decay < fit_within(features, labels, group).decay
    assert fit_within(features, labels, np.arange(len(group))).decay == fit_within(features, labels).decay


def test_frames_of_one_recording_are_no_near_duplicates_to_be_told_of() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    first, second, _ = likeness.pairs(rows, 0.9, 9, np.array(["b7", "b7", "picture 2", "picture 3"]))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 3), (1, 3)]
    first, second, _ = likeness.pairs(rows, 0.9, 9)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (0, 3), (1, 3)]


# The difference ---------------------------------------------------------------------------------------------------


def test_accuracy_on_a_burst_s_own_frames_lies_and_on_a_fresh_burst_it_does_not() -> None:
    """Labels are drawn for each recording: nothing tells them, so whoever is right more often than half was told.

    A frame is its recording's light and place, and noise; the answer is the class of the nearest training frame.
    """
    own, fresh = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        items, pixels = [], {}
        for burst, label in enumerate(rng.permutation(["cup", "pen"] * 20)):
            place = rng.uniform(0, 255, 64)
            for frame in range(8):
                item = Item(f"{burst}-{frame}", str(label), "", burst=f"{burst}")
                pixels[item.digest] = place + rng.normal(0, 12, 64)
                items.append(item)

        def accuracy(divided: Split, seen: dict[str, np.ndarray] = pixels) -> float:
            known = np.stack([seen[item.digest] for item in divided.train])
            asked = np.stack([seen[item.digest] for item in divided.test])
            nearest = ((asked[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1)
            said = [divided.train[index].label for index in nearest]
            return float(np.mean([one == item.label for one, item in zip(said, divided.test, strict=True)]))

        own.append(accuracy(split([Item(item.digest, item.label, "") for item in items], seed)))
        fresh.append(accuracy(split(items, seed)))
    assert np.mean(own) > 0.99, own
    assert 0.25 < np.mean(fresh) < 0.75, fresh


# Coming and going -------------------------------------------------------------------------------------------------


def test_recording_comes_in_as_one_burst_and_from_its_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (40, 60, 3), dtype=np.uint8) for _ in range(3)]
    kept: list[Kept] = []
    root = tmp_path / "set"
    id_ = bursts.new_burst()
    for label in ("cup", "pen"):
        folder = root / label / bursts.folder(id_)
        folder.mkdir(parents=True)
        for number, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / f"frame {number}.png")
    Image.fromarray(frames[0]).save(root / "pen" / "lone.png")
    with Decoders(1) as decoders:
        lines = list(intake.from_folder(root).lines(decoders, kept.append))
        files = [(f"{n}.png", lambda path=path: {"path": path}) for n, path in enumerate(folder.iterdir())]
        taken = intake.from_files(files, "cup", burst="0123456789abcdef").at_most(2, "two", "fewer")
        direct = list(taken.lines(decoders, kept.append))
    assert {(line.label, line.item.burst) for line in lines} == {("cup", id_), ("pen", id_), ("pen", "")}
    assert [line.item.burst for line in direct] == ["0123456789abcdef"] * 2 + [""]
    assert direct[0].to_json()["burst"] == "0123456789abcdef" and "burst" not in direct[2].to_json()


def test_folder_of_a_recording_is_no_class() -> None:
    id_ = bursts.new_burst()
    found = trees.place([trees.Found(f"my set/cup/{bursts.folder(id_)}/{n}.jpg", 9) for n in range(3)])
    assert {file.label for file in found.files} == {"cup"}
    assert {bursts.burst_of(file.found.path) for file in found.files} == {id_}


def test_near_duplicates_alone_are_loosened_as_before() -> None:
    film = [Item(str(n), "cup", "") for n in range(9)]
    loose, notes = near.loosened(film, {item.digest: "0" for item in film}, 3)
    assert loose == {} and notes == [
        "The pictures of 'cup' are frames of 1 scene: it is in training and test alike, and the test is too easy."
    ]
    whole = [Item(str(n), "cup", "", burst="b") for n in range(9)]
    kept, said = near.loosened(whole, {item.digest: "0" for item in whole}, 3)
    assert set(kept) == {item.digest for item in whole} and said == []


def test_albums_and_what_is_taken_away_keep_recordings(tmp_path: Path) -> None:
    rng, ids = np.random.default_rng(1), {"cup": bursts.new_burst(), "pen": bursts.new_burst()}
    store = Store(str(tmp_path / "store"))
    items = []
    for label, burst in ids.items():
        for number in range(3):
            item = keep(store, Picture(rng.integers(0, 256, (40, 60, 3), np.uint8), f"{number}.jpg", ()), label)
            items.append(replace(item, burst=burst if number else ""))
    album = Album(store, "a" * 40, "abc", "your pictures", items)
    album.save()
    album.rename("cup", "mug")
    read = Album.open(store, "a" * 40, "abc")
    assert read and {(item.label, item.burst) for item in read.items} == {
        *(("mug", burst) for burst in ("", ids["cup"])),
        *(("pen", burst) for burst in ("", ids["pen"])),
    }
    assert [item.burst for item in read.past[-1].items] == [item.burst for item in items]
    (part,) = takeout.parts(store, "a" * 40)
    with zipfile.ZipFile(io.BytesIO(takeout.packed(store, part))) as archive:
        archive.extractall(tmp_path / "mine")
    other = Store(str(tmp_path / "other"))
    back = reading.read(other, tmp_path / "mine" / "sets" / "Your pictures")
    other.close()
    store.close()
    assert {(item.digest, item.label, item.burst) for item in back} == {
        (item.digest, item.label, item.burst) for item in read.items
    }
