"""Zips as people have them: names of every code page, Zip64, zips in zips; from disk, one entry at a time."""

import io
import json
import os
import random
import re
import struct
import tracemalloc
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest

from cnn_core.pictures import code_pages, limits, members
from cnn_core.pictures.archives import (
    ArchiveRefused,
    Listing,
    contents,
    from_json,
    to_json,
)
from cnn_core.pictures.images import ImageRefused
from cnn_core.pictures.members import Member, extract
from cnn_core.pictures.trees import Found, Placed, Tree, place

REPACK = "pack the folder again, as an ordinary zip without a password"


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
        archive.comment = comment
    return buffer.getvalue()


def raw_zip(*files: tuple[bytes, bytes, bytes, bytes], flags: int = 0) -> bytes:
    """A zip by its specification (APPNOTE 4.3) of (name, content, extra field, comment) as they stand in the file."""
    body, table = b"", b""
    for name, data, extra, comment in files:
        fields = struct.pack("<HHHHHIII", 20, flags, 0, 0, 0x21, zlib.crc32(data), len(data), len(data))
        table += (
            b"PK\x01\x02"
            + b"\x14\x00"
            + fields
            + struct.pack("<HHHHHII", len(name), len(extra), len(comment), 0, 0, 0, len(body))
        )
        table += name + extra + comment
        body += b"PK\x03\x04" + fields + struct.pack("<HH", len(name), 0) + name + data
    return (
        body + table + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(table), len(body), 0)
    )


def named(*names: bytes) -> bytes:
    return raw_zip(*((name, b"x%d" % number, b"", b"") for number, name in enumerate(names)))


@pytest.fixture
def listed(tmp_path):
    def read(data: bytes, name: str = "pets.zip") -> Listing:
        (tmp_path / "archive").write_bytes(data)
        return contents(tmp_path / "archive", name)

    return read


@pytest.fixture
def unpacked(tmp_path, listed):
    def read(data: bytes) -> dict[str, bytes]:
        tree = from_json(json.loads(json.dumps(to_json(place(listed(data).files)))))
        return {file.found.path: extract(tmp_path / "archive", file.found.where) for file in tree.files}

    return read


def labels(listing: Listing) -> dict[str, int]:
    tree = place(listing.files, listing.folders)
    taken = [file.label for file in tree.files if not file.passed_over and not file.refusal]
    return {label: taken.count(label) for label in tree.labels}


def refused(listing: Listing) -> list[str]:
    return [str(file.refusal) for file in place(listing.files, listing.folders).files if file.refusal]


# ---------------------------------------------------------------- names

# Everyday classes as a person would name them.
CLASSES = {
    "cp932": "猫 犬 ソファ いす 椅子 机 花 表 能 りんご バナナ 自転車 鳥 赤 笑顔 正常 不良品 テーブル ねこ 紅葉 ｶﾒﾗ",
    "gbk": "猫 狗 椅子 沙发 桌子 花 苹果 香蕉 自行车 鸟 红色 树木 正常 异常 不合格 向日葵 塑料 猫咪 饺子 厨余垃圾",
    "cp950": "貓 狗 椅子 沙發 桌子 花 蘋果 香蕉 腳踏車 鳥 紅色 功能 正常 異常 不合格 向日葵 塑膠 貓咪 許願 餃子",
    "cp949": "고양이 개 의자 소파 책상 꽃 사과 바나나 자전거 새 빨강 나무 정상 불량품 해바라기 플라스틱 강아지 밥",
    "cp866": "кошки собаки стулья диван стол цветы яблоки машины птицы красный дерево норма брак пластик кот пёс",
    "cp1251": "кошки собаки стулья диван стол цветы яблоки машины птицы красный дерево норма брак пластик кот пёс",
    "cp437": "café crème Mädchen Äpfel Hündchen niño garçon forêt élève Bäume Vögel Löwe bébé légumes Küche pájaro",
    "cp850": "maçã mãe avião cão leão limão café crème Mädchen niño Água pêche",
    "cp1252": "café crème Mädchen Äpfel niño garçon forêt Bäume Löwe légumes Küche pájaro maçã avião chêne",
}


@pytest.mark.parametrize("codec", CLASSES)
def test_two_classes_in_any_code_page_are_read(codec):
    words, draw = CLASSES[codec].split(), random.Random(7)
    wrong = []
    for _ in range(300):
        pair = draw.sample(words, 2)
        raw = [f"{word}/IMG_{number}.jpg".encode(codec) for word in pair for number in range(3)]
        if [name.decode(code_pages.guess(raw)) for name in raw] != [name.decode(codec) for name in raw]:
            wrong.append(pair)
    assert len(wrong) <= 9, wrong[:5]  # 97 of 100


@pytest.mark.parametrize("codec", ["cp932", "gbk", "cp950", "cp949", "cp866", "cp1251", "cp1252"])
def test_names_in_a_code_page_come_out_with_a_note(codec, listed):
    words = CLASSES[codec].split()[:4]
    listing = listed(named(*(f"{word}/{number}.jpg".encode(codec) for word in words for number in range(2))))
    assert labels(listing) == dict.fromkeys(sorted(words), 2)
    (note,) = listing.notes
    assert re.fullmatch(rf"names read as (Japanese|Russian|Korean|.+ Chinese|Western European) \({codec}\)", note)


@pytest.mark.parametrize(
    ("codec", "words"), [("cp932", "表 能"), ("cp932", "ソファ いす"), ("cp950", "功 許"), ("cp950", "蓋 育")]
)
def test_a_second_byte_5c_is_no_backslash(codec, words, listed):
    first, second = words.split()
    assert b"\\" in first.encode(codec)
    assert labels(listed(named(*(f"{word}/1.jpg".encode(codec) for word in (first, second))))) == {first: 1, second: 1}


def test_backslashes_of_windows_are_separators(listed):
    listing = listed(named("pets\\猫\\1.jpg".encode("cp932"), "pets\\表\\2.jpg".encode("cp932"), b"pets\\dogs\\3.jpg"))
    assert labels(listing) == {"dogs": 1, "猫": 1, "表": 1}


@pytest.mark.parametrize("words", ["café crème", "猫 犬", "кошки собаки", "été öl", "🐕 🐈", "고양이 개", "ñandú 1"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_utf8_that_does_not_say_so_needs_no_note(words, form, listed):
    listing = listed(named(*(unicodedata.normalize(form, f"{word}/1.jpg").encode() for word in words.split())))
    assert labels(listing) == dict.fromkeys(sorted(words.split()), 1)
    assert listing.notes == []


def unicode_path(raw: bytes, name: str, version: int = 1, checksum: int | None = None) -> bytes:
    value = struct.pack("<BI", version, zlib.crc32(raw) if checksum is None else checksum) + name.encode()
    return struct.pack("<HH", 0x5455, 1) + b"\0" + struct.pack("<HH", 0x7075, len(value)) + value


def test_a_unicode_path_field_is_believed_where_it_fits(listed, unpacked):
    raw = "кошки/1.jpg".encode("cp866"), "собаки/1.jpg".encode("cp866")
    good = raw_zip(*((name, b"x", unicode_path(name, name.decode("cp866")), b"") for name in raw))
    assert labels(listed(good)) == {"кошки": 1, "собаки": 1} and listed(good).notes == []
    assert list(unpacked(good)) == ["кошки/1.jpg", "собаки/1.jpg"]
    for field in ({"version": 2}, {"checksum": 1}):  # renamed since, or of another kind: the code page is guessed
        bad = raw_zip(*((name, b"x", unicode_path(name, "evil/1.jpg", **field), b"") for name in raw))
        assert labels(listed(bad)) == {"кошки": 1, "собаки": 1}
        assert listed(bad).notes == ["names read as Russian (cp866)"]


def test_a_unicode_path_that_is_no_text_is_passed_by(listed):
    raw = b"caf\x82/1.jpg"
    extra = struct.pack("<HHBI", 0x7075, 8, 1, zlib.crc32(raw)) + b"\xff\xfe/"
    assert labels(listed(raw_zip((raw, b"x", extra, b"")))) == {"café": 1}


@pytest.mark.parametrize("codec", ["cp932", "cp866", "cp850"])
def test_names_that_are_not_utf8_as_they_are_said_to_be(codec, listed, unpacked):
    one, other = {"cp932": ("猫", "表"), "cp866": ("кошки", "собаки"), "cp850": ("Löwe", "Bär")}[codec]
    files = [(f"{label}/1.jpg".encode(codec), label.encode(), b"", b"") for label in (one, other)]
    data = raw_zip(*files, flags=0x800)
    assert labels(listed(data)) == {one: 1, other: 1}
    assert sorted(unpacked(data).values()) == sorted([one.encode(), other.encode()])


@pytest.mark.parametrize("extra", [b"UT\x09\0\x01", b"\x99\x99\xff\xff", b"\xfe\xca\0\0\x99\x99\x05\0", b"\0\0\0"])
def test_a_field_without_room_costs_nothing(extra, listed):
    data = raw_zip((b"cats/1.jpg", b"x", extra, extra), (b"dogs/1.jpg", b"y", extra, extra))
    assert labels(listed(data)) == {"cats": 1, "dogs": 1}


def test_names_never_merge(listed):
    listing = listed(named(b"a\x01/1.jpg", b"a\x02/2.jpg", b"b/3.jpg"))
    assert labels(listing) == {"a\ufffd": 1, "b": 1}
    assert "looks the same as another's" in refused(listing)[0]


# ---------------------------------------------------------------- layouts

PETS = (("pets/cats/1.jpg", b"meow"), ("pets/dogs/2.jpg", b"woof"))


def zip64(files, in_extra: bool) -> bytes:
    """As programs write that use Zip64 from the start: sizes and offsets in the extra field, a Zip64 end record."""
    body, table, most = b"", b"", 0xFFFFFFFF
    for name, data in files:
        raw = name.encode()
        head = struct.pack("<HHHHHI", 45, 0x800, 0, 0, 0x21, zlib.crc32(data))
        sizes = struct.pack("<II", *((most, most) if in_extra else (len(data), len(data))))
        local = struct.pack("<HHQQ", 1, 16, len(data), len(data)) if in_extra else b""
        central = struct.pack("<HHQQQ", 1, 24, len(data), len(data), len(body)) if in_extra else b""
        table += b"PK\x01\x02" + b"\x2d\x03" + head + sizes
        table += (
            struct.pack("<HHHHHII", len(raw), len(central), 0, 0, 0, 0, most if in_extra else len(body)) + raw + central
        )
        body += b"PK\x03\x04" + head + sizes + struct.pack("<HH", len(raw), len(local)) + raw + local + data
    end = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, len(files), len(files), len(table), len(body))
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, len(body) + len(table), 1)
    last = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, most, most, 0)
    return body + table + b"PK\x06\x06" + end + locator + last


class Pipe(io.RawIOBase):
    """What cannot be gone back in, so that sizes follow the data."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += bytes(data)
        return len(data)


def streamed() -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in PETS:
            archive.writestr(name, data)
    assert b"PK\x07\x08" in pipe.data
    return pipe.data


def forced() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in PETS:
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(data)
    return buffer.getvalue()


LAYOUTS = {
    "stored": packed(*PETS),
    "deflated": packed(*PETS, method=zipfile.ZIP_DEFLATED),
    "comment": packed(*PETS, comment=b"PK\x05 from my phone " * 50),
    "prefix": b"#!/bin/sh\nexit\n" * 9 + packed(*PETS),
    "zip64 end": zip64(PETS, in_extra=False),
    "zip64 sizes": zip64(PETS, in_extra=True),
    "zip64 prefix": b"MZ" + bytes(500) + zip64(PETS, in_extra=True),
    "zip64 local": forced(),
    "data descriptor": streamed(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(layout, unpacked):
    assert unpacked(LAYOUTS[layout]) == dict(PETS)


def test_a_zip64_that_claims_too_many_files_is_refused_unlisted(listed, monkeypatch):
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 1)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ArchiveRefused, match=r"^pets\.zip: this archive holds more than 1 files; take fewer pictures"):
        listed(LAYOUTS["zip64 sizes"])


def test_twenty_thousand_entries_are_listed_and_one_more_refused(listed):
    files = [(f"{number % 50}/{number}.jpg", b"") for number in range(limits.ZIP_ENTRIES)]
    assert len(listed(packed(*files)).files) == 20_000
    with pytest.raises(ArchiveRefused, match="this archive holds more than 20,000 files; take fewer pictures"):
        listed(packed(*files, ("0/more.jpg", b"")))


def test_a_table_of_contents_beyond_measure_is_refused_unread(listed, monkeypatch):
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 10)
    data = raw_zip(*((b"cats/%d.jpg" % number, b"x", b"", bytes(60_000)) for number in range(3)))
    with pytest.raises(ArchiveRefused, match="its table of contents, at the end, cannot be read"):
        listed(data)


def test_an_archive_is_never_in_memory(tmp_path):
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(40):
            archive.writestr(f"cats/{number}.jpg", os.urandom(10**6))
    tracemalloc.start()
    try:
        files = contents(path, "large.zip").files
        assert tracemalloc.get_traced_memory()[1] < 10**6
        assert sum(len(extract(path, file.where)) for file in files) == 40 * 10**6
        assert tracemalloc.get_traced_memory()[1] < 4 * 10**6
    finally:
        tracemalloc.stop()


def test_an_entry_that_was_changed_since_is_refused(tmp_path, listed):
    (file,) = listed(packed(("cats/1.jpg", b"meow"))).files
    (tmp_path / "archive").write_bytes(packed(("cats/1.jpg", b"woof")))
    with pytest.raises(ImageRefused, match=r"^cats/1\.jpg: this entry is damaged \(its checksum differs\); pack the"):
        extract(tmp_path / "archive", file.where)
    (tmp_path / "archive").write_bytes(b"PK")
    with pytest.raises(ImageRefused, match=r"^cats/1\.jpg: this entry is damaged \(its two headers differ\); pack the"):
        extract(tmp_path / "archive", file.where)


def test_folders_of_their_own_are_listed(listed):
    listing = listed(packed(("pets/", b""), ("pets/cats/1.jpg", b"x"), ("pets/dogs/", b""), ("../evil/", b"")))
    assert listing.folders == ["pets", "pets/dogs"]
    assert labels(listing) == {"cats": 1, "dogs": 0}


def test_json_keeps_everything():
    member = Member("a.zip/b/1.jpg", 1, 2, 3, 8, 4, "ff00", Member("a.zip", 5, 6, 7, 0, 8, "612e7a6970"))
    why = ImageRefused("x", "this entry is encrypted", "pack it")
    files = (
        Placed(Found("a.zip/b/1.jpg", 3, member), "b", "train"),
        Placed(Found("x", 0, None, why), refusal=why),
        Placed(Found("\udcff/y", 1), passed_over="a text file"),
    )
    back = from_json(json.loads(json.dumps(to_json(Tree(files, ("b",), ("a note",))))))
    assert (back.files[0], back.files[2], back.labels, back.notes) == (files[0], files[2], ("b",), ("a note",))
    refusals = [back.files[1].refusal, back.files[1].found.refusal]
    assert [str(refusal) for refusal in refusals] == ["x: this entry is encrypted; pack it."] * 2


# ---------------------------------------------------------------- zips in a zip

CATS = packed(("1.jpg", b"meow"), ("2.jpg", b"purr"), method=zipfile.ZIP_DEFLATED)
DOGS = packed(("dogs/1.jpg", b"woof"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_in_the_zip_is_a_folder(method, listed, unpacked):
    data = packed(("pets/cats.zip", CATS), ("pets/dogs.ZIP", DOGS), ("pets/birds/1.jpg", b"tweet"), method=method)
    assert labels(listed(data)) == {"birds": 1, "cats": 2, "dogs": 1}
    assert unpacked(data) == {
        "pets/cats.zip/1.jpg": b"meow",
        "pets/cats.zip/2.jpg": b"purr",
        "pets/dogs.ZIP/dogs/1.jpg": b"woof",
        "pets/birds/1.jpg": b"tweet",
    }


@pytest.mark.parametrize("inner", ["", "train/"])
def test_zips_of_parts_are_parts(inner, listed):
    train = packed((f"{inner}cats/1.jpg", b"x"), (f"{inner}dogs/2.jpg", b"y"))
    test = packed((f"{inner.replace('train', 'test')}cats/1.jpg", b"z"))
    tree = place(*listed(packed(("train.zip", train), ("test.zip", test)))[:2])
    assert [(file.part, file.label) for file in tree.files] == [("test", "cats"), ("train", "cats"), ("train", "dogs")]


def nested(depth: int) -> bytes:
    data = packed(("cats/1.jpg", b"meow"))
    for level in range(depth - 1, 0, -1):
        data = packed((f"level{level}.zip", data), method=zipfile.ZIP_DEFLATED)
    return data


def test_three_deep_and_no_deeper(listed, unpacked):
    assert unpacked(nested(3)) == {"level1.zip/level2.zip/cats/1.jpg": b"meow"}
    assert refused(listed(nested(4))) == [
        "level1.zip/level2.zip/level3.zip: this zip lies in zips that lie in zips, more than 3 deep; "
        "unpack it and zip the folder once."
    ]


def test_a_zip_in_the_zip_is_unpacked_once_for_all_its_entries(tmp_path, listed, monkeypatch):
    files = listed(packed(("cats.zip", CATS), ("dogs.zip", DOGS))).files
    opened = []
    real = members.tempfile.TemporaryFile
    monkeypatch.setattr(members.tempfile, "TemporaryFile", lambda: opened.append(1) or real())
    for _ in range(2):
        for file in files:
            extract(tmp_path / "archive", file.where)
    assert len(opened) == 4  # cats and dogs, twice


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (b"", "this file is empty (0 bytes); copy or upload it again."),
        (b"\xff\xd8\xff\xe0", "this is a JPEG file, not a zip archive; zip a folder of pictures."),
        (
            CATS[:-1],
            "this zip archive is damaged or cut short: its table of contents, at the end, cannot be read; copy",
        ),
        (packed(), "this archive holds no files; zip a folder of pictures."),
    ],
)
def test_a_bad_zip_in_the_zip_costs_itself_only(inner, why, listed):
    listing = listed(packed(("a.zip", inner), ("dogs/1.jpg", b"woof"), ("cats/1.jpg", b"meow")))
    assert labels(listing) == {"cats": 1, "dogs": 1}
    assert refused(listing)[0].startswith("a.zip: " + why)


def test_a_damaged_entry_that_is_a_zip_is_refused(listed):
    data = bytearray(packed(("a.zip", DOGS), ("cats/1.jpg", b"meow")))
    data[data.index(b"woof")] ^= 1
    assert refused(listed(bytes(data))) == [f"a.zip: this entry is damaged (its checksum differs); {REPACK}."]


def test_what_zips_in_the_zip_ask_for_counts_towards_the_whole(listed, monkeypatch):
    inner = packed(*((f"{number}.jpg", os.urandom(1000)) for number in range(5)))
    data = packed(("cats.zip", inner), ("dogs.zip", inner), method=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 12)
    assert len(listed(data).files) == 10
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 11)
    with pytest.raises(ArchiveRefused, match=r"^pets\.zip: this archive holds more than 11 files"):
        listed(data)
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 12)
    monkeypatch.setattr(limits, "ZIP_UNPACKED", 15_000)
    with pytest.raises(ArchiveRefused, match=r"^pets\.zip: this archive unpacks to 0 MB and the limit is 0 MB"):
        listed(data)


def test_a_bomb_of_zips_is_refused(listed):
    data = packed((f"{0}.bmp", bytes(60_000)), method=zipfile.ZIP_DEFLATED)
    for _ in range(2):
        data = packed(*((f"{number}.zip", data) for number in range(30)), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(ArchiveRefused, match=r"^pets\.zip: this archive unpacks to \d+ times its size, as a zip bomb"):
        listed(data)


def test_names_of_a_zip_in_the_zip_are_read_by_themselves(listed):
    inner = named("猫/1.jpg".encode("cp932"), "ソファ/2.jpg".encode("cp932"))
    listing = listed(packed(("日本.zip", inner), ("日本/кошки/3.jpg", b"x")))
    assert listing.notes == ["names in 日本.zip read as Japanese (cp932)"]


def test_traversal_in_a_zip_in_the_zip(listed):
    listing = listed(packed(("a.zip", packed(("../../evil/1.jpg", b"x"), ("/abs/2.jpg", b"y"))), ("cats/1.jpg", b"z")))
    assert [text.partition(";")[0] for text in refused(listing)] == [
        "a.zip/../../evil/1.jpg: this name points outside the archive",
        "a.zip//abs/2.jpg: this name points outside the archive",
    ]


# ---------------------------------------------------------------- the shared cases


@pytest.fixture(scope="module")
def cases() -> Path:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "cases" / "zips"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the cases are absent: ../shared/data/cases/zips")
        pytest.skip("the cases are absent: ../shared/data/cases/zips")
    return folder


@pytest.mark.parametrize(
    ("name", "expected", "notes"),
    [
        ("sjis_sofa", {"いす": 6, "ソファ": 6}, ["names read as Japanese (cp932)"]),
        ("sjis_table_ability", {"能": 6, "表": 6}, ["names read as Japanese (cp932)"]),
        ("winrar_unicode_path", {"кошки": 6, "собаки": 6}, []),
        ("nested_day", {"cats": 12, "dogs": 12}, []),
        ("nas", {"cats": 6, "dogs": 6}, []),
    ],
)
def test_the_shared_zips(cases, name, expected, notes):
    path = cases / f"{name}.zip"
    listing = contents(path, path.name)
    assert labels(listing) == expected and listing.notes == notes and not refused(listing)
    assert all(extract(path, file.where).startswith(b"\x89PNG") for file in listing.files)


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        ("gbk", ("健康", "病害")),
        ("gbk", ("合格", "划痕")),
        ("gbk", ("良性", "恶性")),
        ("cp950", ("健康", "病害")),
        ("cp949", ("건강", "질병")),
        ("cp949", ("양성", "악성")),
        ("cp949", ("정상", "폐렴")),
        ("cp949", ("벼", "콩")),
    ],
)
def test_names_of_what_is_sound_and_what_is_ill(codec, names):
    assert code_pages.guess([f"{name}/1.jpg".encode(codec) for name in names]) == codec
