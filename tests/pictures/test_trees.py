"""One rule for every tree of folders: each file has its class and part or a reason, and no class is made up."""

import os
import re
import socket
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_core.pictures.clutter import left_by, other_kind
from cnn_core.pictures.folders import walk
from cnn_core.pictures.images import ImageRefused
from cnn_core.pictures.limits import FILE_BYTES
from cnn_core.pictures.trees import Found, Placed, Tree, place

many = settings(max_examples=200)

LOOSE = "this file lies in no class folder; put it into a folder named after its class."
FOLDERLESS = "this file lies in no folder, so it has no class; put it into a folder named after its class."


def grow(text: str, *folders: str) -> Tree:
    """A tree of `a/b/3`: three pictures in a/b, of `a/b/x.txt`: that file."""
    found = []
    for path in text.split("|"):
        path = path.strip()
        above, _, last = path.rpartition("/")
        names = [f"IMG_{i}.jpg" for i in range(int(last))] if last.isdigit() else [last] if last else []
        found += [Found(f"{above}/{name}" if above else name, 9) for name in names]
    return place(found, folders)


def counts(tree: Tree) -> dict[str, int]:
    taken = [file.label for file in tree.files if not file.passed_over and not file.refusal]
    return {label: taken.count(label) for label in tree.labels}


def refused(tree: Tree) -> list[str]:
    return [str(file.refusal) for file in tree.files if file.refusal]


def passed(tree: Tree) -> dict[str, str]:
    return {file.found.path: file.passed_over for file in tree.files if file.passed_over}


def parts(tree: Tree) -> dict[tuple[str, str], int]:
    taken = [(file.part, file.label) for file in tree.files if not file.passed_over and not file.refusal]
    return {pair: taken.count(pair) for pair in sorted(set(taken))}


# ---------------------------------------------------------------- classes


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        # class folders, with and without a folder round them
        ("cats/2 | dogs/3", {"cats": 2, "dogs": 3}),
        ("pets/cats/2 | pets/dogs/3", {"cats": 2, "dogs": 3}),
        ("a/b/c/cats/2 | a/b/c/dogs/3", {"cats": 2, "dogs": 3}),
        ("./cats/2 | dogs/3", {"cats": 2, "dogs": 3}),
        # deeper folders belong to the class
        ("d/disc/6 | d/disc/second_day/6 | d/bar/6 | d/bar/second_day/6", {"bar": 12, "disc": 12}),
        ("s/disc/100APPLE/6 | s/disc/101APPLE/6 | s/bar/100APPLE/6", {"bar": 6, "disc": 12}),
        ("pets/cats/siamese/2 | pets/cats/persian/1 | pets/dogs/pug/1", {"cats": 3, "dogs": 1}),
        ("pets/cats/2024-05-01/2 | pets/dogs/2024-05-02/1", {"cats": 2, "dogs": 1}),
        ("pets/cats/DCIM/100CANON/2 | pets/dogs/DCIM/101_PANA/1", {"cats": 2, "dogs": 1}),
        ("pets/cats/a/b/c/d/2 | pets/dogs/1", {"cats": 2, "dogs": 1}),
        # what keeps pictures is no class
        ("set/images/cats/2 | set/images/dogs/1", {"cats": 2, "dogs": 1}),
        ("set/cats/images/2 | set/dogs/images/1", {"cats": 2, "dogs": 1}),
        ("set/cats/images/2 | set/dogs/1", {"cats": 2, "dogs": 1}),
        ("set/Photos/cats/2 | set/cats/originals/1 | set/dogs/1", {"cats": 3, "dogs": 1}),
        ("data/raw/cats/2 | data/raw/dogs/1", {"cats": 2, "dogs": 1}),
        ("set/2024-05-01/cats/2 | set/2024-05-02/cats/1 | set/2024-05-02/dogs/1", {"cats": 3, "dogs": 1}),
        ("DCIM/cats/2 | DCIM/dogs/1", {"cats": 2, "dogs": 1}),
        ("pets/2023/cats/2 | pets/2024/cats/1 | pets/2024/dogs/1", {"cats": 3, "dogs": 1}),
        ("set/batch_1/cats/2 | set/batch_2/cats/1 | set/batch_2/dogs/1", {"cats": 3, "dogs": 1}),
        # unless a person means them
        ("set/photos/2 | set/drawings/1", {"drawings": 1, "photos": 2}),
        ("set/original/2 | set/forged/1", {"forged": 1, "original": 2}),
        ("meat/raw/2 | meat/cooked/1", {"cooked": 1, "raw": 2}),
        ("set/batch_1/2 | set/batch_2/1", {"batch_1": 2, "batch_2": 1}),
        ("digits/0/1 | digits/1/1 | digits/9/1", {"0": 1, "1": 1, "9": 1}),
        ("coins/1999/1 | coins/2001/2", {"1999": 1, "2001": 2}),
        ("set/12345678/1 | set/87654321/2", {"12345678": 1, "87654321": 2}),
        # one class
        ("cats/2", {"cats": 2}),
        ("pets/cats/2", {"cats": 2}),
        ("cats/images/2", {"cats": 2}),
        ("cats/100APPLE/2", {"cats": 2}),
        ("cats/100APPLE/2 | cats/101APPLE/2", {"cats": 4}),
        ("cats/2 | cats/second_day/2", {"cats": 4}),
        ("cats/2 | cats/DCIM/100APPLE/2 | cats/DCIM/101APPLE/2", {"cats": 6}),
        ("holiday/2024-05-01/2 | holiday/2024-05-02/2", {"holiday": 4}),
        ("photos/2", {"photos": 2}),
        ("train/2", {"train": 2}),
        ("set/images/2", {"set": 2}),
        ("cats/train/2", {"cats": 2}),
        # train is a class where it is none of two parts
        ("v/train/1 | v/bus/1 | v/car/1", {"bus": 1, "car": 1, "train": 1}),
        ("v/train/1 | v/test/1 | v/car/1", {"car": 1, "test": 1, "train": 1}),
        ("v/train/steam/1 | v/train/electric/1 | v/bus/1", {"bus": 1, "train": 2}),
        # zips in a listing are folders
        ("pets/cats.zip/2 | pets/dogs.ZIP/dogs/1", {"cats": 2, "dogs": 1}),
        ("cats.zip/2 | dogs/1", {"cats": 2, "dogs": 1}),
        # the same classes kept twice
        ("p/raw/cats/2 | p/raw/dogs/1 | p/processed/cats/2 | p/processed/dogs/1", {"cats": 4, "dogs": 2}),
        ("p/images/cats/2 | p/images/dogs/1 | p/images_224/cats/2 | p/images_224/dogs/1", {"cats": 4, "dogs": 2}),
        ("p/cats/young/1 | p/cats/old/1 | p/dogs/young/1 | p/dogs/old/1", {"cats": 2, "dogs": 2}),
        # what phones and apps make round their pictures
        ("me/DCIM/Camera/2 | me/Pictures/Screenshots/1 | me/WhatsApp/Media/WhatsApp Images/1", {"me": 4}),
        ("p/cats/WhatsApp/Media/WhatsApp Images/Sent/2 | p/dogs/Android/media/1", {"cats": 2, "dogs": 1}),
        ("logos/WhatsApp/2 | logos/Telegram/1", {"Telegram": 1, "WhatsApp": 2}),
        # three digits and five letters that no camera wrote
        ("notes/100euros/2 | notes/200euros/1", {"100euros": 2, "200euros": 1}),
        ("p/cats/100apple/2 | p/dogs/101NCD90/1", {"cats": 2, "dogs": 1}),
        # names
        ("n/.22/a.txt | n/CATS/1 | n/b.c/2", {"CATS": 1, "b.c": 2}),
        ("n/猫/1 | n/собаки/1 | n/🐕/1", {"собаки": 1, "猫": 1, "🐕": 1}),
    ],
)
def test_a_class_is_the_first_folder_that_a_person_named(tree, expected):
    assert counts(grow(tree)) == expected
    assert refused(grow(tree)) == []


@pytest.mark.parametrize(
    ("tree", "expected", "lost"),
    [
        ("p/loose.jpg | p/cats/2 | p/dogs/1", {"cats": 2, "dogs": 1}, {"p/loose.jpg": LOOSE}),
        ("loose.jpg | cats/2 | dogs/1", {"cats": 2, "dogs": 1}, {"loose.jpg": FOLDERLESS}),
        ("a.jpg | p/cats/2 | p/dogs/1", {"cats": 2, "dogs": 1}, {"a.jpg": FOLDERLESS}),
        ("o/a.jpg | o/p/cats/2 | o/p/dogs/1", {"cats": 2, "dogs": 1}, {"o/a.jpg": LOOSE}),
        ("p/100APPLE/a.jpg | p/cats/2 | p/dogs/1", {"cats": 2, "dogs": 1}, {"p/100APPLE/a.jpg": LOOSE}),
        ("p/images/a.jpg | p/cats/2 | p/dogs/1", {"cats": 2, "dogs": 1}, {"p/images/a.jpg": LOOSE}),
        ("p/Photos from 2023/a.jpg | p/cats/2 | p/dogs/1", {"cats": 2, "dogs": 1}, {"p/Photos from 2023/a.jpg": LOOSE}),
        ("p/thumbnails/a.jpg | p/cats/2 | p/dogs/1", {"cats": 2, "dogs": 1}, {"p/thumbnails/a.jpg": LOOSE}),
        ("a.jpg", {}, {"a.jpg": FOLDERLESS}),
        ("100APPLE/a.jpg | 101APPLE/b.jpg", {}, {"100APPLE/a.jpg": LOOSE, "101APPLE/b.jpg": LOOSE}),
        ("DCIM/100CANON/a.jpg", {}, {"DCIM/100CANON/a.jpg": LOOSE}),
        ("./a.jpg", {}, {"./a.jpg": FOLDERLESS}),
    ],
)
def test_a_picture_without_a_class_is_refused(tree, expected, lost):
    assert counts(grow(tree)) == expected
    assert refused(grow(tree)) == [f"{name}: {why}" for name, why in lost.items()]


def test_what_lies_too_deep_is_refused():
    deep = "a/" * 100 + "1.jpg"
    tree = place([Found(deep, 1), Found("cats/" + "a/" * 99 + "1.jpg", 1), Found("dogs/1.jpg", 1)])
    assert refused(tree)[0] == f"{deep[:200]}: this file lies more than 100 folders deep; move it up."
    assert counts(tree) == {"dogs": 1}


def test_a_hostile_tree_is_placed_in_time():
    found = [Found(f"{'train/test/' * 40}{number}/{number}.jpg", 1) for number in range(2000)]
    found += [Found(f"{'test/train/' * 49}{number}.jpg", 1) for number in range(2000)]
    found += [Found("b/" * 30_000 + f"{number}.jpg", 1) for number in range(20)]
    assert len(place(found, ["c/" * 30_000]).files) == len(found)


def test_hundreds_of_classes():
    tree = place([Found(f"set/class {i:03}/{j}.jpg", 1) for i in range(700) for j in range(3)])
    assert counts(tree) == {f"class {i:03}": 3 for i in range(700)}


# ---------------------------------------------------------------- parts

CLASSES = "{0}/cats/2 | {0}/dogs/1"


@pytest.mark.parametrize(
    ("one", "other", "part"),
    [
        ("train", "test", "test"),
        ("Train", "VAL", "validation"),
        ("training", "validation", "validation"),
        ("TRAINING_SET", "test_set", "test"),
        ("train", "valid", "validation"),
        ("train", "dev", "validation"),
        ("train", "eval", "test"),
        ("Training", "Testing", "test"),
        ("seg_train/seg_train", "seg_test/seg_test", "test"),
        ("train/images", "test/images", "test"),
        ("train/pets", "test/pets", "test"),
        ("train2017", "val2017", "validation"),
        ("train1", "test1", "test"),
        ("01_train", "02_test", "test"),
        ("train (1)", "test (1)", "test"),
        ("train_small", "test_small", "test"),
        ("Train_Set_2", "Test_Set_2", "test"),
    ],
)
@pytest.mark.parametrize("above", ["", "pets/", "data/images/"])
def test_parts_are_kept_apart_and_their_classes_joined(one, other, part, above):
    tree = grow(f"{CLASSES.format(above + one)} | {above}{other}/cats/3")
    assert parts(tree) == {("train", "cats"): 2, ("train", "dogs"): 1, (part, "cats"): 3}
    assert refused(tree) == []
    first, second = sorted({one.split("/")[0], other.split("/")[0]})
    assert tree.notes == (f"The folders {first} and {second} are kept apart as parts of the set.",)


def test_three_parts():
    tree = grow(" | ".join(CLASSES.format(f"pets/{part}") for part in ("train", "val", "test")))
    assert parts(tree) == {
        (part, label): n for part in ("test", "train", "validation") for label, n in (("cats", 2), ("dogs", 1))
    }


def test_every_class_may_hold_its_parts():
    tree = grow("p/cats/train/3 | p/cats/test/1 | p/dogs/train/2 | p/dogs/val/1 | p/birds/train/2")
    expected = {("test", "cats"): 1, ("train", "cats"): 3, ("train", "dogs"): 2, ("train", "birds"): 2}
    assert parts(tree) == expected | {("validation", "dogs"): 1}


def test_a_class_called_train_in_parts():
    tree = grow("v/train/train/2 | v/train/bus/2 | v/test/train/1 | v/test/bus/1")
    assert parts(tree) == {(part, label): n for part, n in (("test", 1), ("train", 2)) for label in ("bus", "train")}


@pytest.mark.parametrize("above", ["", "p/", "data/images/"])
@pytest.mark.parametrize(
    "names",
    [
        ("cats_train", "dogs_train", "cats_test", "dogs_test"),
        ("Cats-Training", "Dogs Training", "Cats-Testing", "Dogs Testing"),
        ("train/cats_train", "train/dogs_train", "test/cats_test", "test/dogs_test"),
        ("train_cats", "train_dogs", "test_cats", "test_dogs"),
        ("train/train_cats", "train/train_dogs", "test/test_cats", "test/test_dogs"),
    ],
)
def test_folders_named_after_class_and_part(above, names):
    tree = grow(f"{above}{names[0]}/2 | {above}{names[1]}/1 | {above}{names[2]}/3 | {above}{names[3]}/1")
    assert refused(tree) == []
    assert {(part, label.lower()): n for (part, label), n in parts(tree).items()} == {
        ("train", "cats"): 2,
        ("train", "dogs"): 1,
        ("test", "cats"): 3,
        ("test", "dogs"): 1,
    }


def test_a_class_named_after_one_part_only():
    tree = grow("p/cats_train/2 | p/cats_test/1 | p/dogs_train/1")
    assert parts(tree) == {("train", "cats"): 2, ("test", "cats"): 1, ("train", "dogs"): 1}


@pytest.mark.parametrize(
    "names", [("train station", "test tube"), ("toy_train", "steam_train"), ("pre_test", "post_test", "other")]
)
def test_names_that_only_end_as_parts_do_stay(names):
    assert counts(grow(" | ".join(f"p/{name}/1" for name in names))) == dict.fromkeys(names, 1)
    tree = grow(" | ".join(f"p/{part}/{name}/1" for name in names for part in ("train", "test")))
    assert counts(tree) == dict.fromkeys(names, 2) and len(parts(tree)) == 2 * len(names)


def test_masks_beside_the_pictures_are_refused():
    tree = grow("p/images/cats/2 | p/images/dogs/1 | p/masks/cats/a.png | p/masks/dogs/b.png")
    assert counts(tree) == {"cats": 2, "dogs": 1}
    assert refused(tree) == [f"p/masks/cats/a.png: {LOOSE}", f"p/masks/dogs/b.png: {LOOSE}"]


def test_what_lies_beside_parts_is_refused():
    tree = grow(
        f"{CLASSES.format('p/train')} | {CLASSES.format('p/test')} | p/unlabelled/a.jpg | p/b.jpg | p/test/c.jpg"
    )
    beside = "this file lies in none of the folders test and train; put it into a class folder in one of them."
    assert refused(tree) == [f"p/b.jpg: {beside}", f"p/test/c.jpg: {LOOSE}", f"p/unlabelled/a.jpg: {beside}"]
    assert tree.labels == ("cats", "dogs")


def test_a_part_without_class_folders_is_refused():
    tree = grow("train/cats/1 | train/dogs/1 | test/a.jpg")
    assert refused(tree) == [f"test/a.jpg: {LOOSE}"] and tree.labels == ("cats", "dogs")


def test_an_empty_part_is_no_class():
    tree = grow("train/a/1 | val/a/1 | train/b/1", "test", "test/a")
    assert tree.labels == ("a", "b")


@pytest.mark.parametrize("inner", ["test", "Test", "test_images", "test/images"])
def test_a_part_that_holds_itself_only_is_no_class(inner):
    tree = grow(f"{CLASSES.format('p/train')} | p/test/{inner}/a.jpg")
    assert refused(tree) == [f"p/test/{inner}/a.jpg: {LOOSE}"] and tree.labels == ("cats", "dogs")


def test_a_class_of_a_parts_name_stays():
    tree = grow("p/train/test/2 | p/train/control/2 | p/test/test/1")
    assert parts(tree) == {("train", "test"): 2, ("train", "control"): 2, ("test", "test"): 1}


@pytest.mark.parametrize(("one", "other"), [("train1", "train2"), ("test 1", "test 2"), ("1 train", "2 trains")])
def test_counted_names_of_one_part_are_classes(one, other):
    assert counts(grow(f"p/{one}/2 | p/{other}/1")) == {one: 2, other: 1}


def test_one_part_alone_is_no_part():
    assert parts(grow(CLASSES.format("train"))) == {("", "cats"): 2, ("", "dogs"): 1}


# ---------------------------------------------------------------- classes without a picture


def test_empty_folders_are_classes_and_told():
    tree = grow(
        "e/disc/6 | e/bar/6 | e/third/PUT_PICTURES_HERE.txt", "e", "e/fourth", "e/disc/sub", "e/.git", "e/third"
    )
    assert counts(tree) == {"bar": 6, "disc": 6, "fourth": 0, "third": 0}
    assert tree.notes == ("The folder fourth holds no pictures.", "The folder third holds no pictures.")


@pytest.mark.parametrize("folder", ["Annotations", "labels", "images", "100APPLE", "@eaDir", "docs", "scripts"])
def test_empty_folders_of_other_purposes_are_no_classes(folder):
    tree = grow("set/cats/2 | set/dogs/1", f"set/{folder}")
    assert (tree.labels, tree.notes) == (("cats", "dogs"), ())


def test_folders_beside_the_one_that_holds_the_classes_are_none():
    assert grow("set/images/cats/2 | set/images/dogs/1 | set/tools/a.py").labels == ("cats", "dogs")


def test_empty_folders_of_parts():
    tree = grow("p/train/cats/1 | p/test/cats/1", "p/train/dogs", "p/test/dogs", "p/test/cats")
    assert counts(tree) == {"cats": 2, "dogs": 0}


@pytest.mark.parametrize(
    ("tree", "folders", "expected"),
    [
        ("pets/cats/1 | pets/cats/sub/2", ["pets/dogs"], {"cats": 3, "dogs": 0}),
        ("pets/cats/siamese/1", ["pets/dogs"], {"cats": 1, "dogs": 0}),
        ("pets/cats/1", ["pets/dogs", "pets/birds"], {"birds": 0, "cats": 1, "dogs": 0}),
        ("cats/1 | dogs/1 | cats/sub/a.txt", ["cats/new"], {"cats": 1, "dogs": 1}),
        ("outer/pets/cats/1 | outer/pets/dogs/1", ["outer/new folder"], {"cats": 1, "dogs": 1}),
        ("outer/pets/cats/1 | outer/tools/a.py", [], {"cats": 1}),
        ("cats/1", ["cats/new"], {"cats": 1}),
    ],
)
def test_an_empty_class_beside_a_single_one(tree, folders, expected):
    assert counts(grow(tree, *folders)) == expected


def test_a_class_that_took_folders_together_says_so():
    mine = " | ".join(f"My Photos/garments/{name}/3" for name in ("dress", "hat", "pants", "shoes"))
    tree = grow(f"{mine} | My Photos/more from Anna.zip/hat/1")
    assert counts(tree) == {"garments": 12, "more from Anna": 1}
    told = "were taken together as one class, garments; if each is a class, move them out"
    assert tree.notes == (f"the folders dress, hat, pants and shoes in garments {told}",)


@pytest.mark.parametrize(
    "tree",
    [
        "d/disc/6 | d/disc/second_day/6 | d/bar/2",
        "p/cats/2 | p/cats/siamese/1 | p/cats/persian/1 | p/dogs/1",
        "p/cats/2024-05-01/2 | p/cats/2024-05-02/2 | p/dogs/1",
        "p/cats/images/2 | p/cats/siamese/1 | p/dogs/1",
        "p/cats/batch_1/2 | p/cats/batch_2/1 | p/dogs/1",
    ],
)
def test_sessions_and_folders_beside_pictures_of_their_class_are_not_told(tree):
    assert grow(tree).notes == ()


def test_a_tree_without_a_picture():
    assert counts(place([], ["pets", "pets/cats", "pets/dogs"])) == {"cats": 0, "dogs": 0}
    assert place([]) == Tree((), (), ())


# ---------------------------------------------------------------- names


def test_two_unicode_forms_are_one_class():
    nfc, nfd = (unicodedata.normalize(form, "crème brûlée") for form in ("NFC", "NFD"))
    tree = place([Found(f"{nfc}/1.jpg", 1), Found(f"{nfd}/2.jpg", 1), Found("bar/3.jpg", 1)])
    assert counts(tree) == {nfc: 2, "bar": 1}


def test_long_names_stay_apart():
    stem = "Animalia_Arthropoda_Insecta_Lepidoptera_Danaus_"
    tree = grow(f"l/{stem}plexippus/2 | l/{stem}gilippus/1 | l/Plantae/1")
    assert counts(tree) == {f"{stem}plexippus": 2, f"{stem}gilippus": 1, "Plantae": 1}


def test_a_name_over_the_limit_is_refused():
    tree = place([Found(f"p/{'x' * 200}/1.jpg", 1), Found(f"p/{'y' * 201}/2.jpg", 1)])
    assert tree.labels == ("x" * 200,)
    assert [file.refusal.reason for file in tree.files if file.refusal] == [
        "the name of its class folder has 201 characters, the limit is 200"
    ]


def test_names_are_made_harmless_and_never_one_of_two():
    tree = place([Found(f"p/{name}/1.jpg", 1) for name in ("a\u202eb", "a\u202db", "cats", "cats ", "x\ny")])
    assert tree.labels == ("a\ufffdb", "cats", "x y")
    assert [(file.name, file.refusal.reason) for file in tree.files if file.refusal] == [
        ("p/a\ufffdb/1.jpg", "the name of its class folder looks the same as another's: a\ufffdb"),
        ("p/cats /1.jpg", "the name of its class folder looks the same as another's: cats"),
    ]


def test_lookalikes_are_told():
    tree = grow("p/Cats/1 | p/cats/1 | p/dogs/1")
    assert tree.labels == ("Cats", "cats", "dogs")
    assert tree.notes == (
        "The classes Cats and cats are kept apart, though only small differences of their names tell them apart.",
    )


@pytest.mark.parametrize("path", ["../cats/1.jpg", "cats/../1.jpg", "/cats/1.jpg", "../.git/1.jpg"])
def test_what_points_outside_is_refused(path):
    (file,) = place([Found(path, 1)]).files
    assert file.refusal.reason == "this name points outside the archive"


def test_a_refusal_of_the_listing_stays_and_has_its_class():
    why = ImageRefused("p/cats/1.jpg", "this entry is encrypted", "pack the folder again")
    tree = place([Found("p/cats/1.jpg", 1, None, why), Found("p/dogs/1.jpg", 1), Found("p/cats/a.txt", 1, None, why)])
    assert [(file.label, file.refusal, file.passed_over) for file in tree.files] == [
        ("cats", why, ""),
        ("", None, "a text file"),
        ("dogs", None, ""),
    ]


# ---------------------------------------------------------------- clutter

CLUTTER = {
    "macOS": "__MACOSX/cats/._1.jpg .DS_Store ._IMG_1.jpg .AppleDouble/1.jpg .Spotlight-V100/x "
    ".fseventsd/1 .Trashes/1.jpg :2eDS_Store",
    "Windows": "autorun.inf AUTORUN.ICO 1.jpg:Zone.Identifier 2.jpg:Zone.Identifier:$DATA Thumbs.db:encryptable "
    "Thumbs.db ehthumbs.db desktop.ini Desktop.INI $RECYCLE.BIN/$R1.jpg THUMBS.DB RECYCLER/1.jpg",
    "a network drive": "@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg #recycle/1.jpg @Recycle/1.jpg .@__thumb/1.jpg "
    "SYNOFILE_THUMB_XL.jpg @Recently-Snapshot/1.jpg #snapshot/1.jpg #RECYCLE/1.jpg SYNOPHOTO_THUMB_SM.jpg "
    "SYNOPHOTO:THUMB_B.jpg 1.jpg@SynoEAStream",
    "Linux": "lost+found/1 .Trash-1000/files/1.jpg .thumbnails/1.png .directory",
    "Picasa": ".picasaoriginals/1.jpg .PicasaOriginals/1.jpg Picasa.ini .picasa.ini",
    "a phone": ".nomedia LOST.DIR/1 .trashed-1700000000-IMG.jpg",
    "a notebook": ".ipynb_checkpoints/1-checkpoint.jpg",
    "version control": ".git/1.jpg .svn/1.jpg .gitignore .gitkeep",
    "a Python program": "__pycache__/1.jpg",
    "a sync program": ".stfolder/1 .dropbox.cache/1.jpg",
}
LEFT = [(path, by) for by, paths in CLUTTER.items() for path in paths.split()]
LEFT += [("Icon\r", "macOS"), ("Icon\uf00d", "macOS"), ("1.jpg\uf03aZone.Identifier", "Windows")]  # as NAS write them
LEFT.append(("System Volume Information/1.jpg", "Windows"))


@pytest.mark.parametrize(("path", "by"), LEFT)
@pytest.mark.parametrize("above", ["", "pets/", "pets/cats/", "pets/cats/day/"])
def test_what_systems_leave_is_passed_over_at_any_level(path, by, above):
    tree = place([Found("pets/cats/1.jpg", 1), Found("pets/dogs/1.jpg", 1), Found(above + path, 1)])
    assert counts(tree) == {"cats": 1, "dogs": 1}
    assert passed(tree) == {above + path: f"left by {by}"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "a text file"),
        ("LABELS.CSV", "a table or list"),
        ("a.json", "a file of data"),
        ("a.xml", "a file of data"),
        ("README.md", "a text file"),
        ("LICENSE", "a text file"),
        ("AUTPRINT.MRK", "a camera's list or preview"),
        ("a.py", "a program or notebook"),
        ("a.ipynb", "a program or notebook"),
        ("a.ini", "a file of data"),
        ("a.log", "a text file"),
        ("a.npy", "a file of data"),
        ("a.yaml", "a file of data"),
        ("IMG_1.AAE", "a phone's note of an edit"),
        (".hidden.jpg", "a hidden file or folder"),
    ],
)
def test_what_is_plainly_no_picture_is_passed_over(name, kind):
    tree = place([Found(f"pets/cats/{name}", 1), Found("pets/cats/1.jpg", 1), Found("pets/dogs/1.jpg", 1)])
    assert passed(tree) == {f"pets/cats/{name}": kind}


@pytest.mark.parametrize(
    "name",
    ["1.JPG", "1.jfif", "1.jpe", "1", "1.heic", "1.mov", "1.pdf", "1.docx", "1.odd", "1.", "txt", "1.zip", "a.cr2"],
)
def test_everything_else_is_read_by_content(name):
    assert not other_kind(name)
    tree = place([Found(f"pets/cats/{name}", 1), Found("pets/dogs/1.jpg", 1)])
    assert counts(tree) == {"cats": 1, "dogs": 1} and not passed(tree)


@pytest.mark.parametrize("name", ["cats", "Trash", "icon", "thumbs", "git", "cache", "...", "keep"])
def test_a_persons_own_names_are_not_clutter(name):
    assert left_by(name) == ""


# ---------------------------------------------------------------- properties

NAMES = st.sampled_from(
    ["cats", "dogs", "crème", "猫", "7", "images", "100APPLE", "train", "test", "2024-05-01", "photos"]
)
OWN = st.sampled_from(["cats", "dogs", "crème", "猫", "7", "big dogs"])
FILES = st.sampled_from(["1.jpg", "2.JPG", "3", "notes.txt", ".DS_Store", "é.png"])


def paths(names: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    path = st.tuples(st.lists(names, min_size=least, max_size=4), FILES).map(lambda pair: "/".join([*pair[0], pair[1]]))
    return st.lists(path, max_size=12, unique=True)


def facts(tree: Tree, cut: int = 0) -> list[tuple[str, str, str, str, bool]]:
    def row(file: Placed) -> tuple[str, str, str, str, bool]:
        path = unicodedata.normalize("NFC", file.found.path)[cut:]
        return path, file.label, file.part, file.passed_over, file.refusal is None

    return sorted(map(row, tree.files))


@many
@given(paths(NAMES), st.lists(NAMES, max_size=3))
def test_every_file_appears_once_and_every_class_is_a_folder(files, folders):
    tree = place([Found(path, 1) for path in files], folders)
    assert [file.found.path for file in tree.files] == sorted(files)
    met = {name for path in files for name in path.split("/")[:-1]} | set(folders)
    assert set(tree.labels) <= met and "100APPLE" not in tree.labels and "2024-05-01" not in tree.labels
    for file in tree.files:
        assert bool(file.label) + bool(file.passed_over) + (file.refusal is not None) == 1
        assert not file.label or file.label in tree.labels


@many
@given(paths(NAMES), st.randoms(use_true_random=False))
def test_order_and_unicode_form_do_not_matter(files, random):
    expected = place([Found(path, 1) for path in files])
    shuffled = random.sample(files, len(files))
    forms = [unicodedata.normalize(random.choice(["NFC", "NFD"]), path) for path in shuffled]
    other = place([Found(path, 1) for path in forms])
    assert facts(other) == facts(expected) and other.labels == expected.labels and other.notes == expected.notes


@many
@given(paths(NAMES), st.lists(st.tuples(st.integers(0, 11), st.sampled_from([path for path, _ in LEFT])), max_size=5))
def test_clutter_changes_no_class(files, clutter):
    expected = place([Found(path, 1) for path in files])
    added = {
        "/".join([*files[at % len(files)].split("/")[:-1], path]) if files else path for at, path in clutter
    } - set(files)
    tree = place([Found(path, 1) for path in [*files, *added]])
    assert [fact for fact in facts(tree) if fact[0] not in added] == facts(expected)
    assert tree.labels == expected.labels


@many
@given(paths(OWN, least=1), st.sampled_from(["w", "my pets"]))
def test_one_more_folder_round_it_changes_no_class(files, wrapper):
    tree = place([Found(f"{wrapper}/{path}", 1) for path in files])
    bare = place([Found(path, 1) for path in files])
    assert facts(tree, len(wrapper) + 1) == facts(bare)
    assert tree.labels == bare.labels


# ---------------------------------------------------------------- folders of this machine


def plant(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def read(folder: Path) -> Tree:
    return place(*walk(folder))


def six(folder: str, suffix: str = "png", first: int = 0) -> list[str]:
    return [f"{folder}/{folder.split('/')[0]}{i}.{suffix}" for i in range(first, first + 6)]


CASES = {
    "partly_nested": (
        [*six("disc"), *six("disc/second_day", first=6), *six("bar"), *six("bar/second_day", first=6)],
        {"bar": 12, "disc": 12},
    ),
    "sessions": ([*six("disc/100APPLE"), *six("disc/101APPLE", first=6), *six("bar/100APPLE")], {"bar": 6, "disc": 12}),
    "checkpoints": (
        [*six("disc"), *six("bar"), *six(".ipynb_checkpoints"), *six("bar/.ipynb_checkpoints")],
        {"bar": 6, "disc": 6},
    ),
    "jfif": ([*six("disc", "jfif"), *six("disc", "jpg"), *six("bar", "JPG")], {"bar": 6, "disc": 12}),
    "heic_mixed": ([*six("disc", "HEIC"), *six("disc", "jpg"), *six("bar", "jpg")], {"bar": 6, "disc": 12}),
    "long_names": ([*six("x" * 40 + "a"), *six("x" * 40 + "b")], {"x" * 40 + "a": 6, "x" * 40 + "b": 6}),
    "empty_class": ([*six("disc"), *six("bar"), "third/PUT_PICTURES_HERE.txt"], {"bar": 6, "disc": 6, "third": 0}),
    "accents": ([*six(unicodedata.normalize("NFD", "crème brûlée")), *six("bar")], {"crème brûlée": 6, "bar": 6}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_cases(case, tmp_path):
    files, expected = CASES[case]
    tree = read(plant(tmp_path / case, *files))
    assert counts(tree) == expected and len(tree.files) == len(files) and not refused(tree)
    for file in tree.files:
        assert file.found.where.is_file() or left_by(file.found.where.name)
        assert file.found.path.startswith(case + "/")


def test_a_folder_is_listed_with_its_sizes_and_folders(tmp_path):
    plant(tmp_path / "pets", "cats/1.jpg", "cats/sub/2.jpg", "@eaDir/1.jpg/THUMB.jpg")
    (tmp_path / "pets" / "dogs").mkdir()
    found, folders = walk(tmp_path / "pets")
    assert [(file.path, file.size) for file in found] == [
        ("pets/@eaDir/1.jpg/THUMB.jpg", 22),
        ("pets/cats/1.jpg", 10),
        ("pets/cats/sub/2.jpg", 14),
    ]
    assert folders == ["pets", "pets/@eaDir", "pets/@eaDir/1.jpg", "pets/cats", "pets/cats/sub", "pets/dogs"]
    tree = place(found, folders)
    assert counts(tree) == {"cats": 2, "dogs": 0} and passed(tree) == {found[0].path: "left by a network drive"}


def test_links_are_told(tmp_path):
    root = plant(tmp_path / "pets", "cats/1.jpg", "dogs/1.jpg")
    (root / "cats" / "2.jpg").symlink_to(root / "dogs" / "1.jpg")
    (root / "cats" / "loop").symlink_to(root, target_is_directory=True)
    (root / "cats" / "lost.jpg").symlink_to(root / "nothing")
    tree = read(root)
    assert counts(tree) == {"cats": 2, "dogs": 1}
    loop, lost = refused(tree)
    assert loop == "pets/cats/loop: this is a link to a folder, which is not followed; copy the folder to its place."
    assert re.fullmatch(
        r"pets/cats/lost\.jpg: this is a link that leads nowhere \(.+\); put the file itself there\.", lost
    )


def test_what_is_no_ordinary_file_is_told(tmp_path, monkeypatch):
    root = plant(tmp_path / "pets", "cats/1.jpg", "dogs/1.jpg")
    os.mkfifo(root / "cats" / "pipe.jpg")
    monkeypatch.chdir(root / "cats")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        why = "this is no ordinary file (a pipe, a socket or a device); put the file itself there."
        assert refused(read(root)) == [f"pets/cats/pipe.jpg: {why}", f"pets/cats/socket: {why}"]


def test_what_cannot_be_read_is_told(tmp_path, monkeypatch):
    root = plant(tmp_path / "pets", "cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "shut/3.jpg")
    scandir, access = os.scandir, os.access  # a test may run as root, whom nothing is shut to

    def shut(path):
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", shut)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "2.jpg" and access(path, mode))
    assert refused(read(root)) == [
        "pets/cats/2.jpg: this file cannot be read (Permission denied); allow reading it.",
        "pets/shut: this folder cannot be read (Permission denied); allow reading it, or take it out.",
    ]


def test_a_large_file_is_refused_unread(tmp_path):
    root = plant(tmp_path / "pets", "cats/1.jpg", "dogs/1.jpg")
    with (root / "cats" / "1.jpg").open("wb") as file:
        file.truncate(FILE_BYTES + 1)
    assert refused(read(root)) == [
        "pets/cats/1.jpg: this file has 25.1 MB and the limit is 25 MB; save it smaller, for instance as JPEG."
    ]


def test_names_that_are_no_text_stay_apart(tmp_path):
    root = plant(tmp_path / "pets", "dogs/1.jpg")
    for name in (b"caf\xe9", b"caf\xe8"):
        folder = os.fsencode(root) + b"/" + name
        os.mkdir(folder)
        Path(os.fsdecode(folder), "1.jpg").write_bytes(b"x")
    assert read(root).labels == ("caf\\xe8", "caf\\xe9", "dogs")


def test_a_hidden_folder_that_is_asked_for_is_read(tmp_path):
    root = plant(tmp_path / ".pets", "cats/1.jpg", "dogs/1.jpg")
    assert counts(read(root)) == {"cats": 1, "dogs": 1}


def test_there_is_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        walk(tmp_path / "nothing")


# ---------------------------------------------------------------- the shared cases


@pytest.fixture(scope="module")
def cases() -> Path:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "cases"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the cases are absent: ../shared/data/cases")
        pytest.skip("the cases are absent: ../shared/data/cases")
    return folder


def test_the_shared_folders(cases):
    stem = "Animalia_Arthropoda_Insecta_Lepidoptera_Danaus_"
    for name, expected in {
        "accents_train": {"bar": 6, "crème brûlée": 6},
        "accents_test": {"bar": 3, "crème brûlée": 3},
        "checkpoints": {"bar": 6, "disc": 6},
        "empty_class": {"bar": 6, "disc": 6, "third": 0},
        "heic_mixed": {"bar": 6, "disc": 12},
        "jfif": {"bar": 6, "disc": 12},
        "long_names": {stem + "gilippus": 6, stem + "plexippus": 6, "Plantae": 6},
        "partly_nested": {"bar": 12, "disc": 12},
        "sessions": {"bar": 12, "disc": 12},
    }.items():
        tree = read(cases / "folders" / name)
        assert counts(tree) == expected, name
        assert not refused(tree)
        assert tree.notes == (("The folder third holds no pictures.",) if name == "empty_class" else ())
