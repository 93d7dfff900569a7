"""Nothing to see, little to see, and true reasons for what is not read."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cnn_core.pictures.formats import recognise
from cnn_core.pictures.images import ImageRefused, Picture, decode, restored, take
from cnn_core.pictures.seen import quality_notes

ROOT = Path(__file__).resolve().parents[2]
Y, X = np.mgrid[0:64, 0:80]
SCENE = np.stack([60 + X, 200 - 2 * Y, 90 + X // 2], axis=2).astype(np.uint8)
ALONE = {"save_all": True, "loop": 0}


def encode(pixels: np.ndarray | Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def refused(data: bytes, name: str = "x") -> str:
    with pytest.raises(ImageRefused) as caught:
        decode(data, name)
    return str(caught.value)


# ---------------------------------------------------------------- transparency


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_alpha_that_is_0_everywhere_is_no_alpha(file_format: str) -> None:
    hidden = np.dstack([SCENE, np.zeros((64, 80), np.uint8)])
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    picture = decode(encode(hidden, file_format, **options), "hidden")
    np.testing.assert_array_equal(picture.pixels, SCENE)
    assert picture.notes == ("transparency left out: it hides the whole picture",)


def test_a_bmp_whose_fourth_byte_is_empty_shows_its_colours() -> None:
    body = np.dstack([SCENE[::-1, :, ::-1], np.zeros((64, 80), np.uint8)]).tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bytearray(bmp(80, 64, 32, 3, body, 108))
    data[14 + 40 : 14 + 56] = masks
    picture = decode(bytes(data), "v4.bmp")
    np.testing.assert_array_equal(picture.pixels, SCENE)
    assert picture.notes == ("transparency left out: it hides the whole picture",)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "GIF"])
def test_a_picture_without_anything_is_refused(file_format: str) -> None:
    empty = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert refused(encode(empty, file_format)) == (
        "x: this picture is fully transparent: nothing to see; save it without transparency."
    )


@pytest.mark.parametrize(("ink", "ground"), [(255, "black"), (250, "black"), (0, "white"), (128, "white")])
def test_white_ink_is_laid_on_black(ink: int, ground: str) -> None:
    drawn = ((X - 40) ** 2 + (Y - 30) ** 2 < 300).astype(np.uint8)
    data = encode(np.dstack([np.full((64, 80), ink, np.uint8), drawn * 255]), "PNG")
    picture = decode(data, "ink.png")
    expected = np.where(drawn, ink, 0 if ground == "black" else 255)
    np.testing.assert_array_equal(picture.pixels[..., 1], expected)
    note = {"black": "transparency laid on black: on white nothing shows", "white": "transparency laid on white"}[
        ground
    ]
    assert picture.notes == (note,)


# ---------------------------------------------------------------- frames


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("colour", ["white", "black", (0, 0, 0, 0)])
def test_blank_frames_are_passed_over(file_format: str, colour: object) -> None:
    blank = Image.new("RGBA", (80, 64), colour)
    shown = Image.fromarray(SCENE).convert("RGBA")
    options = {"lossless": True} if file_format == "WEBP" else {"quality": 90} if file_format == "AVIF" else {}
    other = Image.new("RGBA", (80, 64), (250, 250, 250, 255))  # so that equal frames are not merged into one
    data = encode(blank, file_format, append_images=[other, shown, blank], disposal=2, **ALONE, **options)
    taken = take(data, "moving")
    assert np.abs(taken.picture.pixels - SCENE.astype(float)).mean() < 12
    assert taken.picture.notes[0] == "frame 3 of an animation of 4: those before it are blank"
    np.testing.assert_array_equal(restored(taken.coded, taken.orientation), taken.picture.pixels)


def test_of_blank_frames_alone_the_first_is_taken_after_a_bounded_search() -> None:
    frames = [Image.new("RGB", (40, 40), (level, 9, 9)) for level in range(60)]
    picture = decode(encode(frames[0], "GIF", append_images=frames[1:], **ALONE), "dull.gif")
    assert picture.pixels[0, 0].tolist() == [0, 9, 9]
    assert picture.notes[0] == "first frame of an animation of 60"


def test_a_damaged_later_frame_does_not_cost_the_first() -> None:
    blank = Image.new("RGB", (80, 64), "red")
    data = encode(blank, "GIF", append_images=[Image.fromarray(SCENE)], **ALONE)
    assert decode(data[: len(data) - 900], "cut.gif").pixels[0, 0].tolist() == [255, 0, 0]


def test_a_blank_first_page_is_passed_over() -> None:
    blank = Image.new("RGB", (80, 64), "white")
    picture = decode(encode(blank, "TIFF", save_all=True, append_images=[Image.fromarray(SCENE)]), "scan.tif")
    np.testing.assert_array_equal(picture.pixels, SCENE)
    assert picture.notes == ("page 2: those before it are blank",)


# ---------------------------------------------------------------- little to see


@pytest.mark.parametrize(
    ("pixels", "notes"),
    [
        (SCENE, []),
        (SCENE // 4, ["very dark"]),
        (np.zeros_like(SCENE), ["nearly black"]),
        (SCENE // 60, ["nearly black"]),
        (np.full_like(SCENE, 255), ["nearly blank: almost one colour"]),
        (np.full_like(SCENE, 120) + (X % 3)[..., None].astype(np.uint8), ["nearly blank: almost one colour"]),
        (SCENE[:31], ["very small: 80 x 31 pixels"]),
        (np.where((X % 9 == 0) & (Y > 9), 0, 255)[..., None].repeat(3, 2).astype(np.uint8), []),  # a drawing
    ],
)
def test_quality_is_told(pixels: np.ndarray, notes: list[str]) -> None:
    assert quality_notes(pixels) == notes
    assert list(decode(Picture(pixels, "x").png(), "x.png").notes) == notes


def test_quality_uses_the_thresholds_of_cleanvision() -> None:
    # image_property_issue_manager.py: dark below 0.32 of the 99th percentile of sqrt(.241 R² + .691 G² + .068 B²) / 255
    for grey, is_dark in ((80, True), (83, False)):
        pixels = np.clip(grey - X[..., None] % 40, 0, 255).astype(np.uint8).repeat(3, axis=2)
        assert (quality_notes(pixels) == ["very dark"]) == is_dark == (grey / 255 < 0.32)


# ---------------------------------------------------------------- camera raw


def raw_like(**below: object) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(SCENE[::4, ::4], photometric="rgb", subfiletype=1, subifds=1)
        writer.write(SCENE[..., 0].astype(np.uint16), **{"photometric": "cfa", **below})
    return buffer.getvalue()


def test_camera_raw_files_are_refused_and_their_preview_is_not_taken() -> None:
    sentence = "x: this is a camera raw file; develop it, that is export it as JPEG or PNG, and load that."
    dng = io.BytesIO()
    tifffile.imwrite(dng, SCENE, photometric="rgb", extratags=[(50706, 1, 4, bytes([1, 4, 0, 0]), True)])
    pef = io.BytesIO()
    tifffile.imwrite(pef, SCENE[..., 0], photometric="cfa")
    for data in (
        raw_like(),
        raw_like(photometric="minisblack"),
        dng.getvalue(),
        pef.getvalue(),
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(40),  # CR2
        b"\0\0\0\x18ftypcrx " + bytes(40),  # CR3
        b"IIRO\x08\0\0\0" + bytes(40),  # ORF
        b"MMOR\0\x08\0\0" + bytes(40),
        b"IIU\0\x08\0\0\0" + bytes(40),  # RW2
        b"FUJIFILMCCD-RAW 0201" + bytes(40),  # RAF
    ):
        assert refused(data) == sentence


def test_pyramids_and_pages_of_ordinary_tiffs_are_read() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(SCENE, photometric="rgb", subifds=2, extratags=[(271, 2, 0, "A maker of scanners", True)])
        for step in (2, 4):
            writer.write(SCENE[::step, ::step], photometric="rgb", subfiletype=1)
    picture = decode(buffer.getvalue(), "pyramid.tif")
    np.testing.assert_array_equal(picture.pixels, SCENE)
    assert picture.notes == ()


# ---------------------------------------------------------------- true reasons


def bmp(width: int, height: int, bits: int, coding: int, body: bytes, header: int = 40) -> bytes:
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, coding, len(body), 0, 0, 0, 0).ljust(
        header, b"\0"
    )
    return b"BM" + struct.pack("<IHHI", 14 + header + len(body), 0, 0, 14 + header) + info + body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            bmp(8, 4, 2, 0, bytes(16)),
            "this is a BMP file of a kind that is not read here (2 bits a pixel, header of 40 by",
        ),
        (
            bmp(8, 4, 64, 0, bytes(256)),
            "this is a BMP file of a kind that is not read here (64 bits a pixel, header of 4",
        ),
        (
            bmp(8, 4, 0, 4, bytes(99)),
            "this is a BMP file of a kind that is not read here (0 bits a pixel, coded as JPEG,",
        ),
        (
            bmp(8, 4, 24, 4, bytes(99), 64),
            "this is a BMP file of a kind that is not read here (24 bits a pixel, coded as run-",
        ),
    ],
)
def test_whole_bmps_of_other_kinds_are_not_called_damaged(data: bytes, words: str) -> None:
    assert refused(data).startswith(f"x: {words}")
    assert refused(data).endswith("; save it as PNG and load that.")


@pytest.mark.parametrize(
    ("marker", "bits", "channels", "words"),
    [
        (0xC0, 12, 3, "this is a JPEG of 12 bits a channel, which is not read here"),
        (0xC3, 8, 3, "this is a lossless JPEG, which is not read here"),
        (0xC0, 8, 2, "this is a JPEG of 2 channels, which is not read here"),
    ],
)
def test_jpegs_of_other_kinds_are_not_called_damaged(marker: int, bits: int, channels: int, words: str) -> None:
    data = bytearray(encode(SCENE, "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4], data[at + 9] = marker, bits, channels
    assert refused(bytes(data)) == f"x: {words}; save it as PNG and load that."


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def test_whole_avifs_of_other_kinds_are_not_called_damaged() -> None:
    data = box(b"ftyp", b"avif\0\0\0\0avifmif1") + box(b"meta", bytes(40)) + box(b"mdat", bytes(9))
    assert refused(data).startswith("x: this AVIF file is of a kind that is not read here")
    cut = encode(SCENE, "AVIF")
    assert "damaged" in refused(cut[: len(cut) - 60])


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_heic_is_one_sentence(brand: bytes) -> None:
    data = box(b"ftyp", brand + b"\0\0\0\0mif1heic") + box(b"meta", bytes(40)) + box(b"mdat", bytes(9))
    assert refused(data) == "x: this is a HEIC photo; save it as JPEG (iPhone: Camera, Formats, Most Compatible)."
    assert recognise(box(b"ftyp", b"mif1\0\0\0\0mif1avif")) == ("an AVIF file", "")


def test_pngs_that_end_too_early_are_cut_short() -> None:
    data = encode(SCENE, "PNG")
    end = data.index(b"IEND") - 4
    assert "the picture is cut short (its last chunk IEND is missing); copy" in refused(data[:end])
    assert "the picture is cut short (its last chunk IEND is missing)" in refused(data[: end + 9])
    at = data.index(b"IDAT")
    huge = data[: at - 4] + struct.pack(">I", 2**31 - 1) + data[at:]  # as libpng's huge_IDAT.png
    assert "the picture is cut short (its chunk IDAT of 2,147,483,647 bytes ends beyond the file)" in refused(huge)
    text = data[:end] + struct.pack(">I", 500) + b"tEXtComment"  # as Pillow's truncated_end_chunk.png
    assert "the picture is cut short" in refused(text)
    assert zlib.crc32(b"IEND") == struct.unpack(">I", data[-4:])[0]


# ---------------------------------------------------------------- the shared cases


@pytest.fixture(scope="module")
def cases() -> Path:
    folder = ROOT.parent / "shared" / "data" / "cases"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the cases are absent: ../shared/data/cases")
        pytest.skip("the cases are absent: ../shared/data/cases")
    return folder


def test_the_shared_cases_come_right(cases: Path) -> None:
    def pixels(name: str) -> np.ndarray:
        taken = take((cases / name).read_bytes(), name)
        np.testing.assert_array_equal(restored(taken.coded, taken.orientation), taken.picture.pixels)
        return taken.picture.pixels

    with tifffile.TiffFile(cases / "tiff/rgb16_planar_le.tif") as file:
        planes = np.moveaxis(file.asarray(), 0, 2)
    assert np.abs(pixels("tiff/rgb16_planar_le.tif") - planes / 257.0).max() < 1
    white0 = pixels("tiff/white0_16bit.tif")
    assert (white0.min(), white0.max()) == (84, 169) and white0[48, 48, 0] > white0[2, 48, 0]  # the disc is brighter
    assert np.abs(pixels("tiff/graya16.tif").astype(int) - pixels("exp16/gray16.png")).max() <= 1
    for name in ("depth16/gray12in16.png", "depth16/depth_mm16.png"):
        assert len(np.unique(pixels(name))) > 40 and pixels(name).max() > 160
    for name in ("invisible/bmp32_v4_alpha0.bmp", "invisible/gif_first_blank.gif"):
        assert pixels(name).std() > 20
    for name, words in {
        "tiff/int8signed.tif": "integers from -44 to 40, whose white is not defined",
        "tiff/bands5_u8.tif": "5 channels and does not say what they mean; save three of them as RGB",
        "rawthumb/camera_raw_like.nef": "this is a camera raw file; develop it",
        "folders/heic_mixed/disc/IMG_0000.HEIC": "this is a HEIC photo; save it as JPEG",
    }.items():
        assert words in refused((cases / name).read_bytes(), name)
    assert pixels("folders/jfif/disc/d10.jfif").shape == (48, 48, 3)
