"""Untrusted archives: labelled files come out whole, and nothing that an archive claims is believed."""

import io
import itertools
import os
import re
import struct
import tracemalloc
import unicodedata
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from zips import Entry, read_zip

from cnn_core.pictures import limits
from cnn_core.pictures.archives import ArchiveRefused
from cnn_core.pictures.images import ImageRefused, decode

ROOT = Path(__file__).resolve().parents[2]
many = settings(max_examples=200)

REPACK = "pack the folder again, as an ordinary zip without a password"
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def make_zip(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def hand_made(
    name: bytes,
    packed: bytes,
    *,
    size: int | None = None,
    checksum: int | None = None,
    method: int = 0,
    flags: int = 0,
    attributes: int = 0,
) -> bytes:
    """A zip of one entry from its specification (APPNOTE 4.3), with whatever fields the test wants to lie about."""
    size = len(packed) if size is None else size
    checksum = zlib.crc32(packed) if checksum is None else checksum
    fields = struct.pack("<HHHHHIII", 20, flags, method, 0, 0x21, checksum, len(packed), size)
    local = LOCAL + fields + struct.pack("<HH", len(name), 0) + name + packed
    central = CENTRAL + b"\x14\x03" + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, attributes, 0) + name
    return local + central + END + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def refusals(data: bytes) -> list[str]:
    items = list(read_zip(data, "pets.zip"))
    assert all(isinstance(item, ImageRefused) for item in items)
    return [str(item) for item in items]


def labels(data: bytes) -> list[tuple[str, str]]:
    return [(item.label, item.name) for item in read_zip(data, "pets.zip") if isinstance(item, Entry)]


# ---------------------------------------------------------------- labels and names


def test_the_first_folder_of_a_persons_own_is_the_label():
    data = make_zip(
        ("set/cats/1.jpg", b"1"),
        ("set/dogs/100APPLE/2.jpg", b"2"),
        ("set/dogs/a/b/3.jpg", b"3"),
        ("./set/cats/4", b"4"),
    )
    assert list(read_zip(data, "pets.zip")) == [
        Entry("cats", "set/cats/1.jpg", b"1"),
        Entry("dogs", "set/dogs/100APPLE/2.jpg", b"2"),
        Entry("dogs", "set/dogs/a/b/3.jpg", b"3"),
        Entry("cats", "./set/cats/4", b"4"),
    ]


def test_the_label_survives_a_long_path():
    path = "/".join(["folder"] * 60 + ["cats", "1.jpg"])
    (entry,) = read_zip(make_zip((path, b"1")), "pets.zip")
    assert (entry.label, entry.name) == ("cats", path)
    assert refusals(hand_made(path.encode(), b"1", flags=1))[0].startswith(path[:200] + ": this entry is encrypted")


def test_what_systems_add_is_passed_over():
    added = [
        "__MACOSX/cats/._1.jpg",
        "cats/.DS_Store",
        ".git/cats/1.jpg",
        "cats/Thumbs.db",
        "cats/desktop.ini",
        "cats/",
        "dogs\\",
    ]
    data = make_zip(("cats/1.jpg", b"1"), *((name, b"") for name in added))
    assert [item.name for item in read_zip(data, "pets.zip")] == ["cats/1.jpg"]


@pytest.mark.parametrize("name", ["1.jpg", "./1.jpg", " /1.jpg"])
def test_a_file_in_no_folder_is_refused(name):
    assert refusals(make_zip((name, b"1"))) == [
        f"{name}: this file lies in no folder, so it has no class; put it into a folder named after its class."
    ]


def test_a_file_without_a_name_is_refused():
    assert refusals(hand_made(b"", b"x"))[0].startswith("(no name): this file lies in no folder")


@pytest.mark.parametrize(
    "name",
    [
        "../evil/1.jpg",
        "cats/../../1.jpg",
        "/cats/1.jpg",
        "C:\\cats\\1.jpg",
        "C:cats/1.jpg",
        "..\\cats\\1.jpg",
        "\\\\host\\cats\\1.jpg",
        "../.hidden/1.jpg",
    ],
)
def test_a_name_that_points_outside_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = name.replace("\\", "/")
    assert refusals(make_zip((name, b"1"))) == [f"{seen}: this name points outside the archive; {REPACK}."]
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_refused():
    data = hand_made(b"cats/link", b"/etc/passwd", attributes=0o120777 << 16)
    assert refusals(data) == ["cats/link: this is a link, not a file; pack the file that it points to."]


def test_a_name_that_appears_twice_is_taken_once():
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = make_zip(("cats/1.jpg", b"first"), ("cats/1.jpg", b"second"), ("Cats/1.jpg", b"third"))
    first, second, third = read_zip(data, "pets.zip")
    assert (first.data, third.data) == (b"first", b"third")
    assert str(second) == "cats/1.jpg: this name appears twice in the archive; rename one of the two files."


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("café".encode(), "café"),  # UTF-8 that does not say so
        ("café".encode("cp437"), "café"),  # the old code page, rightly
        (unicodedata.normalize("NFD", "café").encode(), "café"),  # as macOS writes it
        ("क्\u200dष\u00a0x".encode(), "क्\u200dष x"),
        (b"pets\\cats", "cats"),  # as old Windows programs write it
        (b"ca\nts\x1b", "ca ts\ufffd"),
    ],
)
def test_names_are_repaired_or_made_harmless(raw, label):
    assert labels(hand_made(raw + b"/1.jpg", b"x"))[0][0] == label


def test_labels_of_one_name_in_two_unicode_forms_agree():
    names = [unicodedata.normalize(form, "crème/1.jpg") for form in ("NFC", "NFD")]
    data = make_zip((names[0], b"x"), (names[1].replace("1", "2"), b"y"))
    assert {label for label, _ in labels(data)} == {"crème"}


@many
@given(
    st.dictionaries(
        st.tuples(
            st.sampled_from(["cats", "dogs", "猫"]),
            st.lists(st.sampled_from(["a", "100APPLE", "猫"]), max_size=3),
            st.integers(0, 99),
        ).map(lambda three: "/".join(["pets", three[0], *three[1], f"{three[2]}.jpg"])),
        st.binary(max_size=300),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_goes_in_comes_out(files, method):
    other = {"pets/birds/1.jpg": b"tweet", "pets/fish/1.jpg": b""}
    items = list(read_zip(make_zip(*files.items(), *other.items(), method=method), "pets.zip"))
    assert [(item.label, item.name, item.data) for item in items] == [
        (name.split("/")[1], name, data) for name, data in (files | other).items()
    ]


def test_entries_decode_and_refusals_are_of_one_kind():
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 5, 3), 7, np.uint8)).save(buffer, "PNG")
    data = make_zip(("cats/1.png", buffer.getvalue()), ("cats/notes", b"some notes"), ("2.png", b""))
    good, text, lost = read_zip(data, "pets.zip")
    assert (decode(good.data, good.name).pixels == 7).all()
    with pytest.raises(ImageRefused, match="^cats/notes: this is plain text"):
        decode(text.data, text.name)
    assert (lost.name, lost.reason) == ("2.png", "this file lies in no folder, so it has no class")


# ---------------------------------------------------------------- entries that lie


@pytest.mark.parametrize("flags", [0x1, 0x40, 0x2000])
def test_an_encrypted_entry_is_refused(flags):
    assert refusals(hand_made(b"cats/1.jpg", b"x", flags=flags)) == [
        "cats/1.jpg: this entry is encrypted; pack the folder again, as an ordinary zip without a password."
    ]


@pytest.mark.parametrize("method", [9, 12, 14, 93, 98])
def test_an_unsupported_method_is_refused(method):
    reason = f"cats/1.jpg: this entry is compressed by method {method}, which is not supported; pack the folder again"
    assert refusals(hand_made(b"cats/1.jpg", b"x", method=method))[0].startswith(reason)


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize(("declared", "has"), [(10, "more"), (0, "more"), (9_999, "more"), (10_001, "10000")])
def test_an_entry_that_lies_about_its_size_is_refused(method, declared, has):
    content = bytes(range(250)) * 40
    packed = content if method == 0 else deflate(content)
    # The checksum is that of the declared part: zipfile alone would return it without a complaint.
    data = hand_made(b"cats/1.jpg", packed, size=declared, checksum=zlib.crc32(content[:declared]), method=method)
    assert refusals(data) == [f"cats/1.jpg: this entry declares {declared} bytes and has {has}; {REPACK}."]


def test_a_lie_costs_no_memory():
    packed = deflate(bytes(50 * 2**20))
    data = hand_made(b"cats/1.jpg", packed, size=10, checksum=zlib.crc32(bytes(10)), method=8)
    tracemalloc.start()
    try:
        assert refusals(data) == [f"cats/1.jpg: this entry declares 10 bytes and has more; {REPACK}."]
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_damaged_entry_is_refused_and_the_next_one_taken():
    good = bytearray(make_zip(("cats/1.jpg", b"A" * 50), ("cats/2.jpg", b"B" * 50), method=zipfile.ZIP_STORED))
    good[good.index(b"A" * 50)] ^= 1
    first, second = read_zip(bytes(good), "pets.zip")
    assert str(first) == f"cats/1.jpg: this entry is damaged (its checksum differs); {REPACK}."
    assert second == Entry("cats", "cats/2.jpg", b"B" * 50)


def test_two_headers_that_differ_are_refused():
    data = hand_made(b"cats/1.jpg", b"x").replace(b"cats/1.jpg", b"dogs/1.jpg", 1)
    assert refusals(data) == [f"cats/1.jpg: this entry is damaged (its two headers differ); {REPACK}."]


def test_a_damaged_stream_is_refused():
    data = hand_made(b"cats/1.jpg", b"\xff\xff\xff", size=9, method=8)
    assert re.fullmatch(rf"cats/1\.jpg: this entry is damaged \(Error -3 .+\); {REPACK}\.", refusals(data)[0])


def test_a_bomb_is_refused_by_its_ratio():
    size = 64_001
    assert re.fullmatch(
        rf"cats/1\.bmp: this entry unpacks to \d{{3,4}} times its size, as a zip bomb does; {REPACK}\.",
        refusals(make_zip(("cats/1.bmp", bytes(size))))[0],
    )
    assert labels(make_zip(("cats/1.bmp", bytes(size - 1)))) == [("cats", "cats/1.bmp")]  # small: cannot hurt
    assert labels(make_zip(("cats/1.bmp", bytes(size)), method=zipfile.ZIP_STORED)) == [("cats", "cats/1.bmp")]


def test_a_large_entry_is_refused_unread():
    data = hand_made(b"cats/1.jpg", b"x", size=limits.FILE_BYTES + 10**6)
    assert refusals(data) == [
        "cats/1.jpg: this file unpacks to 26.0 MB and the limit is 25 MB; save it smaller, for instance as JPEG."
    ]


# ---------------------------------------------------------------- archives that are refused


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "pets.zip: this file is empty (0 bytes); copy or upload it again."),
        (make_zip(), "pets.zip: this archive holds no files; zip a folder that holds a folder for each class."),
        (make_zip(("cats/", b""), ("__MACOSX/1", b"")), "pets.zip: this archive holds no files; zip a folder"),
        (make_zip(("cats/1.jpg", b"x"))[:-1], "pets.zip: this zip archive is damaged or cut short: its table of"),
        (b"Rar!\x1a\x07\0", "pets.zip: this is a compressed archive, not a zip archive; zip a folder of pictures."),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "pets.zip: this is a JPEG file, not a zip archive; zip a folder of pictures."),
        (b"hello", "pets.zip: this is plain text, not a zip archive; zip a folder of pictures."),
        (b"\0\xff\0\xfe" * 9, "pets.zip: this is a file of no known format, not a zip archive; zip a folder"),
    ],
)
def test_what_is_no_archive_is_refused(data, sentence):
    with pytest.raises(ArchiveRefused, match="^" + re.escape(sentence)) as caught:
        read_zip(data, "pets.zip")
    assert str(caught.value) == f"pets.zip: {caught.value.reason}; {caught.value.remedy}."


def test_a_name_that_is_not_the_utf8_it_says_costs_nothing():
    (entry,) = read_zip(hand_made(b"caf\x82/1.jpg", b"x", flags=0x800), "pets.zip")
    assert (entry.label, entry.data) == ("café", b"x")


def test_the_name_of_a_refused_archive_is_harmless():
    with pytest.raises(ArchiveRefused, match=r"^pets \ufffd\.zip: "):
        read_zip(b"", "pets\n\u202e.zip")


def test_overlapping_entries_are_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/1.jpg", os.urandom(500))
        archive.filelist.append(archive.filelist[0])  # a second line in the table of contents, the same bytes
    assert zipfile.ZipFile(buffer).namelist() == ["cats/1.jpg"] * 2  # zipfile opens it
    with pytest.raises(
        ArchiveRefused, match=r"^pets\.zip: entries of this archive overlap, as in a zip bomb; pack the"
    ):
        read_zip(buffer.getvalue(), "pets.zip")


def test_an_entry_that_reaches_into_the_table_of_contents_is_refused():
    data = bytearray(hand_made(b"cats/1.jpg", b"x"))
    at = data.index(CENTRAL) + 20
    data[at : at + 4] = struct.pack("<I", 9)  # packed bytes
    with pytest.raises(ArchiveRefused, match="overlap"):
        read_zip(bytes(data), "pets.zip")


def test_too_many_entries_are_refused_before_they_are_listed(monkeypatch):
    data = make_zip(*((f"cats/{i}.jpg", b"x") for i in range(4)))
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 4)
    assert len(list(read_zip(data, "pets.zip"))) == 4
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 3)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ArchiveRefused, match=r"^pets\.zip: this archive holds more than 3 files; take fewer pictures"):
        read_zip(data, "pets.zip")


def test_too_much_in_total_is_refused_before_anything_is_unpacked(monkeypatch):
    data = make_zip(
        *((f"cats/{i}.jpg", os.urandom(10**6)) for i in range(3)), ("../out.jpg", os.urandom(10**6)), ("._1", bytes(9))
    )
    monkeypatch.setattr(limits, "ZIP_UNPACKED", 3 * 10**6)
    assert len(labels(data)) == 3  # what is refused or passed over does not count
    monkeypatch.setattr(limits, "ZIP_UNPACKED", 2 * 10**6)
    with pytest.raises(ArchiveRefused, match="this archive unpacks to 3 MB and the limit is 2 MB; take fewer or"):
        read_zip(data, "pets.zip")


def test_a_large_archive_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "ZIP_BYTES", 10**6)
    with pytest.raises(ArchiveRefused, match="this archive has 2 MB and the limit is 1 MB; take fewer or smaller"):
        read_zip(bytes(2 * 10**6), "pets.zip")


def test_many_small_entries_may_not_shrink_too_much_together():
    files = [(f"cats/{i}.bmp", bytes(50_000)) for i in range(100)]
    with pytest.raises(
        ArchiveRefused, match=r"^pets\.zip: this archive unpacks to \d{3} times its size, as a zip bomb"
    ):
        read_zip(make_zip(*files), "pets.zip")
    assert len(labels(make_zip(*files, ("dogs/1.jpg", os.urandom(60_000))))) == 101


def test_entries_are_unpacked_one_at_a_time():
    data = make_zip(*((f"cats/{i}.jpg", os.urandom(2**20)) for i in range(12)), method=zipfile.ZIP_STORED)
    tracemalloc.start()
    try:
        assert sum(len(item.data) for item in read_zip(data, "pets.zip")) == 12 * 2**20
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------- damage

CONTENT = {"cats/1.jpg": bytes(range(200)), "dogs/2.jpg": b"woof " * 60, "dogs/3.jpg": b"\x89PNG"}
ARCHIVES = [make_zip(*CONTENT.items(), method=method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]


@pytest.mark.parametrize("data", ARCHIVES, ids=["stored", "deflated"])
def test_a_truncated_archive_is_refused_wherever_it_is_cut(data):
    for length in range(1, len(data)):
        with pytest.raises(
            ArchiveRefused, match=r"^cut\.zip: this (zip archive is damaged or cut short|is plain text)"
        ):
            read_zip(data[:length], "cut.zip")


@pytest.mark.parametrize("data", ARCHIVES, ids=["stored", "deflated"])
def test_no_flipped_bit_changes_what_is_taken(data):
    originals = set(CONTENT.values())
    taken = 0
    for at, bit in itertools.product(range(len(data)), (0, 3, 7)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << bit
        try:
            items = list(read_zip(bytes(flipped), "flipped.zip"))
        except ArchiveRefused as refusal:
            assert str(refusal).startswith("flipped.zip: ")
            continue
        for item in items:
            if isinstance(item, Entry):
                assert item.data in originals
                taken += 1
    assert taken > len(data)  # most damage spares two of the three


@many
@given(
    st.sampled_from(ARCHIVES), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6)
)
def test_damage_is_a_refusal(data, changes):
    damaged = bytearray(data)
    for where, value in changes:
        damaged[int(where * len(data))] = value
    try:
        items = list(read_zip(bytes(damaged), "damaged.zip"))
    except ArchiveRefused as refusal:
        assert refusal.reason and refusal.remedy
    else:
        assert all(isinstance(item, Entry | ImageRefused) for item in items)


@many
@given(st.sampled_from([b"", LOCAL, END, b"PK"]), st.binary(max_size=200))
def test_random_bytes_are_refused(prefix, tail):
    with pytest.raises(ArchiveRefused, match=r"^random\.zip: this "):
        read_zip(prefix + tail, "random.zip")


# ---------------------------------------------------------------- the shared hostile files


@pytest.fixture(scope="module")
def hostile() -> Path:
    folder = ROOT.parent / "shared" / "data" / "hostile" / "zips"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the hostile files are absent: ../shared/data/hostile/zips")
        pytest.skip("the hostile files are absent: ../shared/data/hostile/zips")
    return folder


def test_hostile_archives_get_one_sentence(hostile):
    for name, reason in {
        "empty0.zip": "this file is empty (0 bytes)",
        "trunc.zip": "this zip archive is damaged or cut short: its table of contents, at the end, cannot be read",
        "overlap.zip": "entries of this archive overlap, as in a zip bomb",
    }.items():
        with pytest.raises(ArchiveRefused, match=f"^{re.escape(f'{name}: {reason}')}; "):
            read_zip((hostile / name).read_bytes(), name)


def test_hostile_entries_are_refused_for_the_right_reason(hostile):
    outside = "this name points outside the archive"
    for name, reasons in {
        "enc.zip": ["this entry is encrypted"],
        "method9.zip": ["this entry is compressed by method 9, which is not supported"],
        "method93.zip": ["this entry is compressed by method 93, which is not supported"],
        "method98.zip": ["this entry is compressed by method 98, which is not supported"],
        "slip.zip": [outside, outside, outside, outside, "this is a link, not a file"],
        "ratio.zip": ["this file unpacks to 209.8 MB and the limit is 25 MB"] * 3,
        "lie.zip": ["this file lies in no folder, so it has no class"],
    }.items():
        assert [item.reason for item in read_zip((hostile / name).read_bytes(), name)] == reasons


def test_hostile_lie_is_found_in_a_folder_too(hostile):
    data = (hostile / "lie.zip").read_bytes()
    at = data.index(CENTRAL)
    size, packed = struct.unpack_from("<I", data, at + 24)[0], data[30 + len("a.jpg") : at]
    moved = hand_made(b"cats/a.jpg", packed, size=size, checksum=zlib.crc32(bytes(size)), method=8)
    assert refusals(moved) == [f"cats/a.jpg: this entry declares 10 bytes and has more; {REPACK}."]


def test_hostile_names_are_handled(hostile):
    assert labels((hostile / "mojibake.zip").read_bytes()) == [("café", "café/1.jpg")]
    items = list(read_zip((hostile / "dup.zip").read_bytes(), "dup.zip"))
    assert [(type(item).__name__, item.name) for item in items] == [
        ("Entry", "a/1.jpg"),
        ("ImageRefused", "a/1.jpg"),
        ("Entry", "A/1.JPG"),
        ("Entry", "café/猫.jpg"),
    ]


def test_hostile_bombs_cost_no_memory(hostile):
    for name in ("ratio.zip", "overlap.zip", "lie.zip"):
        data = (hostile / name).read_bytes()
        tracemalloc.start()
        try:
            list(read_zip(data, name))
        except ArchiveRefused as refusal:
            assert "overlap" in refusal.reason
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 2**20, name
