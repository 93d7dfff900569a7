"""What is kept of a picture: the coded pixels of the file that came in, and nothing else of it."""

import importlib.util
import io
import json
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from cnn_core.pictures.images import ImageRefused, Taken, restored, take
from cnn_core.pictures.limits import PHOTO_PIXELS, PICTURE_PIXELS, SIDE

ROOT = Path(__file__).resolve().parents[2]
SECRET = b"SecretPlace"
GPS = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 29: "2026:11:28"}


def scene(height: int = 96, width: int = 128, seed: int = 0) -> np.ndarray:
    rough = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))


def encode(pixels: np.ndarray | Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


# ---------------------------------------------------------------- an independent walker of what is in a file


def contents(data: bytes) -> list[str]:
    """The parts of a kept file in order, by the formats' specifications; fails where it has a part too many."""
    if data.startswith(b"\xff\xd8"):
        return jpeg_parts(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return png_parts(data)
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    kind, length = data[12:16].decode(), int.from_bytes(data[16:20], "little")
    assert kind in ("VP8 ", "VP8L") and len(data) == 20 + length + length % 2
    return [kind]


def jpeg_parts(data: bytes) -> list[str]:
    parts, at = [], 2
    while True:
        assert data[at] == 0xFF
        marker = data[at + 1]
        if marker == 0xD9:
            assert at + 2 == len(data), "something follows the end of the picture"
            return [*parts, "EOI"]
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xE0:
            assert body[:6] + body[7:] == b"JFIF\0\x01\0\0\x01\0\x01\0\0", "JFIF without density and thumbnail"
        elif marker == 0xEE:
            assert len(body) == 12 and body[:11] == b"Adobe\0d\0\0\0\0" and body[11] in (0, 1, 2)
        else:
            assert marker in (0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD), f"a segment FF{marker:02X}"
        parts.append(f"{marker:02X}")
        if marker == 0xDA:
            while data[at] != 0xFF or data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
                at += 1


def png_parts(data: bytes) -> list[str]:
    parts, at, packed, header = [], 8, b"", b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        assert kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND")
        packed += body if kind == b"IDAT" else b""
        header = body if kind == b"IHDR" else header
        parts.append(kind.decode())
        at += 12 + length
    inflating = zlib.decompressobj()
    inflating.decompress(packed)
    assert inflating.eof and not inflating.unused_data, "something follows the compressed pixels"
    assert ("PLTE" in parts) == (header[9] == 3) and parts[-1] == "IEND"
    return parts


def check(taken: Taken) -> None:
    """The promises of every picture that is kept."""
    contents(taken.coded)
    head = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG", "webp": b"RIFF"}[taken.suffix]
    assert taken.coded.startswith(head)
    assert taken.orientation in range(1, 9)
    pixels = restored(taken.coded, taken.orientation)
    assert pixels.dtype == np.uint8 and not pixels.flags.writeable
    np.testing.assert_array_equal(pixels, taken.picture.pixels)
    with Image.open(io.BytesIO(taken.coded)) as image:
        assert not image.getexif() and not {"icc_profile", "comment", "xmp", "photoshop", "exif"} & set(image.info)


def plain(data: bytes) -> np.ndarray:
    """The pixels by Pillow alone, turned by Pillow."""
    from PIL import ImageOps

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


# ---------------------------------------------------------------- files as cameras and editors write them


def exif(orientation: int = 1) -> bytes:
    found = Image.Exif()
    found[0x010F], found[0x0110], found[0x0112] = "SecretPlace Corp", "Model", orientation
    found.get_ifd(0x8825).update(GPS)
    found.get_ifd(0x8769)[0x927C] = b"MakerNote " + SECRET * 9
    found.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + SECRET
    return found.tobytes()


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def camera(orientation: int = 1, **options: object) -> bytes:
    """A JPEG with all that phones, cameras and editors put into one."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    thumbnail = encode(scene(40, 60, 5), "JPEG")
    data = encode(
        scene(), "JPEG", quality=88, exif=exif(orientation), icc_profile=profile, comment=SECRET,
        xmp=b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>", **options,
    )  # fmt: skip
    more = (
        segment(0xE1, b"Exif\0\0second" + thumbnail)
        + segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x0b" + SECRET)
        + segment(0xE2, b"FPXR\0" + SECRET)
        + segment(0xEC, b"Ducky" + SECRET)
        + segment(0xFE, SECRET)
    )
    at = data.index(b"\xff\xdb")
    return data[:at] + more + data[at:]


CAMERAS = {
    "baseline": lambda: camera(),
    "progressive": lambda: camera(progressive=True),
    "restart markers": lambda: camera(restart_marker_blocks=3),
    "4:4:4": lambda: camera(subsampling=0),
    "polyglot": lambda: camera() + b"PK\x05\x06" + bytes(18) + SECRET,
    "two pictures": lambda: camera() + encode(scene(30, 40), "JPEG", comment=SECRET),
    "fill bytes": lambda: camera()[:2] + b"\xff\xff" + camera()[2:],
}


@pytest.mark.parametrize("name", CAMERAS)
def test_a_camera_file_keeps_its_coded_pixels_and_nothing_else(name: str) -> None:
    data = CAMERAS[name]()
    assert data.count(SECRET) >= 10
    taken = take(data, "photo.jpg")
    check(taken)
    assert (taken.suffix, taken.orientation) == ("jpg", 1)
    assert SECRET not in taken.coded and b"Exif" not in taken.coded and len(taken.coded) < len(data) - 2000
    np.testing.assert_array_equal(taken.picture.pixels, plain(data))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_returned_and_the_coded_pixels_stay(orientation: int) -> None:
    data = camera(orientation)
    taken = take(data, "photo.jpg")
    check(taken)
    assert taken.orientation == orientation
    np.testing.assert_array_equal(taken.picture.pixels, plain(data))
    assert taken.coded == take(camera(1), "photo.jpg").coded


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    taken = take(encode(scene(), "JPEG", exif=exif(orientation)), "photo.jpg")
    check(taken)
    assert taken.orientation == 1 and taken.picture.notes == ()


@pytest.mark.parametrize(("mode", "transform"), [("RGB", 0), ("RGB", 1), ("L", None)])
def test_what_decides_colours_is_kept(mode: str, transform: int | None) -> None:
    data = encode(Image.fromarray(scene()).convert(mode), "JPEG")
    if transform is not None:  # Adobe's segment in place of JFIF's: RGB or YCbCr
        data = data[:2] + segment(0xEE, b"Adobe\0\x64\x80\0\0\0" + bytes([transform])) + data[20:]
    taken = take(data, "photo.jpg")
    check(taken)
    assert taken.suffix == "jpg" and ("EE" in contents(taken.coded)) == (transform is not None)
    np.testing.assert_array_equal(taken.picture.pixels, plain(data))


def test_comments_between_the_scans_are_cut() -> None:
    data = encode(scene(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    at = data.rindex(b"\xff\xc4", 0, at) if data[at - 1] != 0xFF else at
    taken = take(data[:at] + segment(0xFE, SECRET) + data[at:], "photo.jpg")
    check(taken)
    assert taken.coded == take(data, "photo.jpg").coded and taken.suffix == "jpg"


def test_inks_and_odd_files_are_coded_anew_without_loss() -> None:
    data = encode(Image.fromarray(scene()).convert("CMYK"), "JPEG", comment=SECRET)
    taken = take(data, "inks.jpg")
    check(taken)
    assert taken.suffix == "webp"
    np.testing.assert_array_equal(taken.picture.pixels, plain(data))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def annotated_png(image: Image.Image, **options: object) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add_text("Secret", SECRET.decode(), zip=True)
    text.add_itxt("XML:com.adobe.xmp", "<x/>" + SECRET.decode())
    data = encode(image, "PNG", pnginfo=text, exif=exif(6), icc_profile=SECRET * 30, dpi=(300, 300), **options)
    extra = (
        chunk(b"gAMA", struct.pack(">I", 10000))
        + chunk(b"prVt", SECRET)
        + chunk(b"tIME", bytes([7, 234, 1, 1, 1, 1, 1]))
    )
    return data[:33] + extra + data[33:] + b"tail" + SECRET


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA"])
def test_a_png_keeps_its_coded_pixels_and_nothing_else(mode: str) -> None:
    image = Image.fromarray(scene())
    image = image.quantize(40) if mode == "P" else image.convert(mode)
    data = annotated_png(image)
    taken = take(data, "drawing.png")
    check(taken)
    assert (taken.suffix, taken.orientation) == ("png", 6)
    assert SECRET not in taken.coded and len(taken.coded) < len(data)
    np.testing.assert_array_equal(taken.picture.pixels, plain(encode(image, "PNG", exif=exif(6))))


def test_what_hides_behind_the_compressed_pixels_of_a_png_is_cut() -> None:
    pixels = scene(20, 30)
    raw = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)

    def png(packed: bytes) -> bytes:
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")

    behind = take(png(zlib.compress(raw) + SECRET), "polyglot.png")
    check(behind)
    assert behind.suffix == "png" and SECRET not in behind.coded
    more_rows = take(png(zlib.compress(raw + SECRET, 0)), "rows.png")  # rows that the header does not count
    check(more_rows)
    assert SECRET not in more_rows.coded
    for taken in (behind, more_rows):
        np.testing.assert_array_equal(taken.picture.pixels, pixels)


def test_transparency_that_hides_nothing_is_cut_and_other_is_laid_on_white() -> None:
    image = Image.fromarray(scene()).quantize(40)
    whole = take(encode(image, "PNG", transparency=bytes([255] * 40)), "whole.png")
    check(whole)
    assert whole.suffix == "png" and whole.picture.notes == ()
    holes = take(encode(image, "PNG", transparency=bytes([0] + [255] * 39)), "holes.png")
    check(holes)
    assert holes.suffix == "webp" and holes.picture.notes == ("transparency laid on white",)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_keeps_its_coded_pixels_and_nothing_else(mode: str, lossless: bool) -> None:
    image = Image.fromarray(scene()).convert(mode)
    data = encode(image, "WEBP", lossless=lossless, exif=exif(8), icc_profile=SECRET * 9, xmp=SECRET) + b"tail" + SECRET
    taken = take(data, "photo.webp")
    check(taken)
    assert (taken.suffix, taken.orientation) == ("webp", 8)
    assert SECRET not in taken.coded
    np.testing.assert_array_equal(taken.picture.pixels, plain(encode(image, "WEBP", lossless=lossless, exif=exif(8))))


def test_a_phone_photo_of_two_pictures_keeps_the_first() -> None:
    data = encode(Image.fromarray(scene()), "MPO", save_all=True, append_images=[Image.fromarray(scene(seed=2))])
    taken = take(data, "phone.jpg")
    check(taken)
    assert taken.picture.notes == ("first of 2 pictures in the file",) and taken.suffix == "jpg"
    assert len(taken.coded) < 0.7 * len(data)


# ---------------------------------------------------------------- large pictures, other formats


def test_a_large_photo_is_kept_as_a_jpeg_of_high_quality() -> None:
    large = scene(1500, 2000)
    data = encode(large, "JPEG", quality=90, exif=exif(6))
    taken = take(data, "photo.jpg")
    check(taken)
    assert (taken.suffix, taken.orientation, taken.picture.pixels.shape) == ("jpg", 1, (1024, 768, 3))
    assert len(taken.coded) < 0.2 * len(taken.picture.png())
    ideal = np.asarray(Image.fromarray(np.rot90(large, -1)).resize((768, 1024), Image.Resampling.LANCZOS))
    assert np.abs(taken.picture.pixels - ideal.astype(float)).mean() < 1
    assert taken.picture.notes[-1] == "scaled down from 1500 x 2000 to 768 x 1024 pixels"
    assert taken.coded == take(data, "photo.jpg").coded


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_a_large_picture_of_a_lossless_file_is_kept_without_loss(file_format: str) -> None:
    large = scene(900, 1500)
    data = encode(large, file_format, **({"lossless": True, "method": 0} if file_format == "WEBP" else {}))
    taken = take(data, "large")
    check(taken)
    ideal = Image.fromarray(large).resize((1024, 614), Image.Resampling.LANCZOS, reducing_gap=3.0)
    np.testing.assert_array_equal(taken.picture.pixels, np.asarray(ideal))
    assert taken.suffix == "webp"


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "TIFF", "AVIF"])
def test_other_formats_are_coded_anew_without_loss(file_format: str) -> None:
    data = encode(scene(), file_format)
    taken = take(data, "picture")
    check(taken)
    np.testing.assert_array_equal(taken.picture.pixels, plain(data))


def test_restored_reads_the_pictures_of_version_0_1() -> None:
    picture = take(camera(), "photo.jpg").picture
    np.testing.assert_array_equal(restored(picture.png()), picture.pixels)
    with pytest.raises(OSError, match="cannot identify"):
        restored(b"%PDF")


def test_limits_are_those_of_the_table() -> None:
    def header(width: int, height: int) -> bytes:
        return (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
            + chunk(b"IDAT", b"")
        )

    jpeg = bytearray(encode(scene(8, 8), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    assert PHOTO_PIXELS == 64_000_000 and PICTURE_PIXELS == 50_000_000 and SIDE == 20_000
    for height, width, reason in [
        (8001, 8000, "of 8000 x 8001 pixels takes 64.1 megapixels to decode; scale it down to at most 64 megapixels"),
        (450, 20001, "has 20001 x 450 pixels, a side more than 20,000; scale it down to at most 20,000 pixels a side"),
    ]:
        jpeg[at : at + 4] = struct.pack(">HH", height, width)
        with pytest.raises(ImageRefused, match=reason):
            take(bytes(jpeg), "large.jpg")
    with pytest.raises(ImageRefused, match="of 8000 x 6251 pixels takes 50.1 megapixels to decode"):
        take(header(8000, 6251), "large.png")
    jpeg[at : at + 4] = struct.pack(">HH", 7999, 8000)  # 63.99 MP; libjpeg fills up what is missing
    assert take(bytes(jpeg), "just.jpg").picture.pixels.shape == (1024, 1024, 3)


# ---------------------------------------------------------------- files that others made


def others() -> list[Path]:
    found = []
    for package in ("skimage", "sklearn", "matplotlib", "streamlit", "distributed"):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            found += [path for path in Path(place).rglob("*") if path.suffix in (".jpg", ".jpeg", ".png", ".webp")]
    return sorted(found)


def test_pictures_of_installed_packages_are_kept_without_metadata() -> None:
    files = others()
    assert len(files) > 10
    kept = 0
    for file in files:
        data = file.read_bytes()
        try:
            taken = take(data, file.name)
        except ImageRefused as refusal:
            assert re.search("more than 50 times the other|nothing to see", refusal.reason), refusal
            continue
        check(taken)
        kept += taken.suffix != "webp" and len(taken.coded) <= len(data)
    assert kept > 5


def test_photos_of_a_set_keep_their_size() -> None:
    folder = ROOT.parent / "shared" / "data" / "clothing5"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the photos are absent: ../shared/data/clothing5")
        pytest.skip("the photos are absent: ../shared/data/clothing5")
    sizes = {"uploaded": 0, "kept": 0, "png": 0}
    for file in sorted(folder.rglob("*.jpg"))[::6]:
        data = file.read_bytes()
        taken = take(data, file.name)
        check(taken)
        sizes["uploaded"] += len(data)
        sizes["kept"] += len(taken.coded)
        sizes["png"] += len(taken.picture.png())
    assert sizes["kept"] <= sizes["uploaded"] < 0.2 * sizes["png"], json.dumps(sizes)


@pytest.mark.parametrize("options", [{"quality": 90}, {"quality": 30}, {"lossless": True}])
@pytest.mark.parametrize("size", [(64, 48), (301, 200)])
def test_bytes_behind_the_pixels_in_the_chunk_of_a_webp_are_not_kept(options, size):
    noise = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "WEBP", **options)
    plain = buffer.getvalue()
    assert take(plain, "a.webp").coded == plain  # nothing to cut
    length = int.from_bytes(plain[16:20], "little")
    body = plain[20 : 20 + length] + b"a secret, behind the picture"
    chunk = plain[12:16] + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
    taken = take(b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk, "a.webp")
    assert b"secret" not in taken.coded
    np.testing.assert_array_equal(taken.picture.pixels, take(plain, "a.webp").picture.pixels)
