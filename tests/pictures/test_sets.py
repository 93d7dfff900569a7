"""Labelled pictures: folders, samples, and the split that no duplicate may straddle."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.pictures.kept import file, notes, pixels, remarks, small
from cnn_core.pictures.sets import SAMPLES, keep, read_sample, split
from cnn_core.store.runs import Store

PARTS = ("train", "validation", "test")


def items(**classes: int) -> list[Item]:
    """Different pictures: so many of each class."""
    return [Item(f"{label}{i}", label, f"{label} {i}.jpg") for label, count in classes.items() for i in range(count)]


# The split ------------------------------------------------------------------------------------------------------------


@st.composite
def collections(draw: st.DrawFn) -> list[Item]:
    """2 to 4 classes of 5 to 14 different pictures, some of them there more than once, some of them fixed."""
    found: list[Item] = []
    for label in "abcd"[: draw(st.integers(2, 4))]:
        for index in range(draw(st.integers(5, 14))):
            copies = draw(st.sampled_from([1, 1, 1, 2, 3]))
            for copy in range(copies):
                part = draw(st.sampled_from(["", "", "", "", "", "train", "validation", "test"]))
                found.append(Item(f"{label}{index}", label, f"{index}-{copy}.png", part))
    return found


def as_sets(divided) -> dict[str, set[Item]]:
    return {part: set(getattr(divided, part)) for part in PARTS}


many = settings(max_examples=150)


@many
@given(given_items=collections(), seed=st.integers(0, 5), data=st.data())
def test_split_keeps_duplicates_together_and_forgets_nothing(
    given_items: list[Item], seed: int, data: st.DataObject
) -> None:
    try:
        divided = split(given_items, seed)
    except SpecRefused as refusal:  # so many fixed that too few are free
        assert str(refusal).endswith("Add different pictures.")
        assert any(item.part for item in given_items)
        return
    parts = as_sets(divided)
    digests = {part: {item.digest for item in found} for part, found in parts.items()}
    assert not digests["train"] & digests["validation"]
    assert not digests["train"] & digests["test"] and not digests["validation"] & digests["test"]
    left = Counter(given_items)
    left.subtract(Counter([*divided.train, *divided.validation, *divided.test]))
    assert set(left.values()) <= {0, 1}
    gone = [item for item, count in left.items() if count]
    noted = sum(int(note.split()[0]) for note in divided.notes)
    assert len(gone) == noted  # the notes account for every picture that is missing
    assert all(item.digest in digests["test"] | digests["validation"] for item in gone)
    # What is fixed is where it should be, or noted; what is free is everywhere.
    for part, found in parts.items():
        assert all(item.part in ("", part) for item in found)
    free = {item.digest: item.label for item in given_items}
    for item in given_items:
        if item.part:
            free.pop(item.digest, None)
    has_test = any(item.part == "test" for item in given_items)
    for label in {item.label for item in given_items}:
        count = sum(1 for each in free.values() if each == label)
        fifth = max(1, round(0.2 * count)) if count else 0
        expected = {"validation": fifth, "test": 0 if has_test else min(fifth, count - fifth)}
        expected["train"] = count - sum(expected.values())
        for part in PARTS:
            assert sum(1 for digest in digests[part] if free.get(digest) == label) == expected[part], (label, part)
    assert divided.sizes == {part: len(getattr(divided, part)) for part in PARTS}
    assert split(data.draw(st.permutations(given_items)), seed) == divided


def test_split_is_stratified_by_fifths() -> None:
    divided = split(items(cat=50, dog=20, owl=5), seed=3)
    counts = {part: Counter(item.label for item in getattr(divided, part)) for part in PARTS}
    assert counts["validation"] == counts["test"] == {"cat": 10, "dog": 4, "owl": 1}
    assert counts["train"] == {"cat": 30, "dog": 12, "owl": 3}
    assert divided.notes == ()


def test_split_depends_on_the_seed() -> None:
    pictures = items(cat=20, dog=20)
    assert split(pictures, 0) == split(pictures, 0)
    assert len({split(pictures, seed).test for seed in range(8)}) == 8


def test_fixed_parts_stay() -> None:
    pictures = [Item(f"{i}", "ab"[i % 2], "", ("train", "train", "validation", "test")[i // 2 % 4]) for i in range(32)]
    divided = split(pictures, 0)
    assert divided.sizes == {"train": 16, "validation": 8, "test": 8}
    assert all(item.part == part for part in PARTS for item in getattr(divided, part))
    assert as_sets(split(pictures, 1)) == as_sets(divided)


def test_free_pictures_beside_a_fixed_test_are_not_tested_on() -> None:
    pictures = [*items(cat=10, dog=10), Item("x", "cat", "x.jpg", "test"), Item("y", "dog", "y.jpg", "test")]
    divided = split(pictures, 0)
    assert {item.digest for item in divided.test} == {"x", "y"}
    assert divided.sizes == {"train": 16, "validation": 4, "test": 2}


def test_test_pictures_are_left_out_of_training() -> None:
    pictures = items(cat=10, dog=10)
    leaked = [Item(pictures[i].digest, pictures[i].label, "again.jpg", "test") for i in (0, 1, 10)]
    divided = split(pictures + leaked, 0)
    assert {item.name for item in divided.test} == {"again.jpg"}
    assert not {item.digest for item in leaked} & {item.digest for item in divided.train + divided.validation}
    assert divided.notes == ("3 pictures left out of training: also in the test part.",)


@pytest.mark.parametrize("seed", range(5))
def test_free_copy_of_a_fixed_picture_goes_where_that_is(seed: int) -> None:
    pictures = items(cat=10, dog=10)
    fixed = [
        Item(pictures[0].digest, "cat", "fixed.jpg", "train"),
        Item(pictures[1].digest, "cat", "fixed.jpg", "validation"),
        Item(pictures[1].digest, "cat", "both.jpg", "train"),
    ]
    divided = split(pictures + fixed, seed)
    assert {item.digest for item in divided.train} >= {pictures[0].digest}
    where = [item.name for item in divided.validation if item.digest == pictures[1].digest]
    assert where == ["cat 1.jpg", "fixed.jpg"]
    assert divided.notes == ("1 picture left out of training: also in the validation part.",)


def test_picture_with_two_labels_is_left_out() -> None:
    pictures = items(cat=10, dog=10)
    divided = split([*pictures, Item(pictures[0].digest, "dog", "a dog, someone says.jpg")], 0)
    assert sum(divided.sizes.values()) == 19
    assert divided.notes == ("1 picture left out: the same picture has two labels.",)


def test_too_few_different_pictures_are_refused() -> None:
    copies = [Item("same", "dog", f"{i}.jpg") for i in range(20)]
    with pytest.raises(SpecRefused) as caught:
        split(items(cat=10) + copies, 0)
    assert str(caught.value) == (
        "After leaving out duplicates the class 'dog' has too few different pictures to train and test on. "
        "Add different pictures."
    )


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("train", "No pictures are left to test on. Add different pictures."),
        ("test", "No pictures are left to choose the best epoch with (the validation part). Add different pictures."),
    ],
)
def test_missing_part_is_refused(part: str, message: str) -> None:
    pictures = [Item(f"{i}", "ab"[i % 2], "", "train") for i in range(20)]
    if part == "test":
        pictures += [Item("x", "a", "", "test"), Item("y", "b", "", "test")]
    with pytest.raises(SpecRefused) as caught:
        split(pictures, 0)
    assert str(caught.value) == message


@pytest.fixture
def memory(request: pytest.FixtureRequest):
    store = Store(f"sqlite:// memory://{request.node.name}")  # no disk: samples are hundreds of files
    yield store
    store.close()


# Keeping pictures -----------------------------------------------------------------------------------------------------


def noise(seed: int, height: int = 40, width: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@settings(max_examples=25)
@given(seed=st.integers(0, 9), height=st.integers(1, 50), width=st.integers(1, 50))
def test_kept_pixels_come_back(tmp_path_factory: pytest.TempPathFactory, seed: int, height: int, width: int) -> None:
    store = Store(f"sqlite:// memory://kept-{seed}-{height}-{width}")
    picture = Picture(noise(seed, height, width), "noise.png")
    item = keep(store, picture, "grey", "test")
    assert item == Item(picture.digest, "grey", "noise.png", "test")
    again = pixels(store, item.digest)
    assert again.dtype == np.uint8 and np.array_equal(again, picture.pixels)
    assert keep(store, Picture(again, "noise.png"), "grey", "test") == item
    store.close()


def test_picture_is_written_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = store.write
    monkeypatch.setattr(store, "write", lambda key, data: (written.append(key), write(key, data)))
    picture = Picture(noise(1), "one.png")
    assert keep(store, picture, "a").digest == keep(store, Picture(noise(1), "two.png"), "b").digest
    assert len(written) == len(set(written)) == 2, "the picture and its record"
    assert written[-1] == f"pictures/{picture.digest}.json", "the record last: it says that the picture is there"


def test_picture_of_version_01_is_read_on(store: Store) -> None:
    picture = Picture(noise(2), "old.png")
    store.write(f"pictures/{picture.digest}.png", picture.png())
    np.testing.assert_array_equal(pixels(store, picture.digest), noise(2))
    assert small(store, picture.digest)[:3] == b"\xff\xd8\xff"
    assert file(store, picture.digest) == (picture.png(), "png")
    assert notes(store, picture.digest) == ()


def test_remarks_count_what_was_done_and_name_one(store: Store) -> None:
    done = {"a.jpg": ("scaled down from 9 x 9 to 4 x 4 pixels",), "b.jpg": ("scaled down from 8 x 8 to 4 x 4 pixels",)}
    items = [
        keep(store, Picture(noise(number), name, done.get(name, ())), "cat")
        for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg"))
    ]
    assert remarks(store, [*items, items[0]]) == [
        "2 pictures: scaled down from 8 x 8 to 4 x 4 pixels, or alike (a.jpg first)."
    ]
    assert remarks(store, items[:1]) == ["1 picture: scaled down from 9 x 9 to 4 x 4 pixels (a.jpg)."]


# Sample sets ----------------------------------------------------------------------------------------------------------


def test_textures_of_different_parts_come_from_different_regions(memory: Store) -> None:
    from skimage import data

    found = read_sample(memory, "textures")
    assert Counter((item.label, item.part) for item in found) == {
        (label, part): count
        for label in ("brick", "grass", "gravel")
        for part, count in (("train", 40), ("validation", 8), ("test", 16))
    }
    assert len({item.digest for item in found}) == len(found) == 192
    for label in ("brick", "grass", "gravel"):
        photo = getattr(data, label)()
        owner = np.full(photo.shape, "", "U10")
        rows: dict[str, set[int]] = defaultdict(set)
        for item in (item for item in found if item.label == label):
            patch = pixels(memory, item.digest)
            assert np.array_equal(patch, patch[..., :1].repeat(3, axis=-1))
            patch = patch[..., 0]
            # Where the patch is, found in the photo itself: by its first pixels, then by all of it.
            windows = np.lib.stride_tricks.sliding_window_view(photo, 6, axis=1)
            starts = np.argwhere((windows == patch[0, :6]).all(axis=-1))
            places = [(y, x) for y, x in starts if np.array_equal(photo[y : y + 64, x : x + 64], patch)]
            assert len(places) == 1
            y, x = places[0]
            region = owner[y : y + 64, x : x + 64]
            assert (region == "").all()  # nobody else's pixels
            region[:] = item.part
            rows[item.part] |= set(range(y, y + 64))
        assert not (rows["train"] & rows["test"]) and not (rows["train"] & rows["validation"])
        assert not rows["validation"] & rows["test"]
    assert split(found, 0).sizes == {"train": 120, "validation": 24, "test": 48}


def test_digits_are_dark_on_light_and_forty_each(memory: Store) -> None:
    found = read_sample(memory, "digits")
    assert Counter(item.label for item in found) == {str(digit): 40 for digit in range(10)}
    assert {item.part for item in found} == {""}
    values = pixels(memory, found[0].digest)
    assert values.shape == (64, 64, 3) and values[0, 0].min() > 200 and values.min() < 60


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
def test_samples_say_where_they_come_from(sample) -> None:
    assert "CC" in sample.credit and sample.title and sample.about.endswith(".")
    assert SAMPLES[sample.name] is sample
