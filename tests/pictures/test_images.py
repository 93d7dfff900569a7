"""Untrusted pictures: what comes in right comes out right, and everything else is refused in one sentence."""

import io
import os
import pickle
import re
import struct
import subprocess
import sys
import textwrap
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from cnn_core.pictures import limits
from cnn_core.pictures.images import MAX_SIDE, ImageRefused, Picture, decode, square, thumbnail
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
few = settings(max_examples=60)
many = settings(max_examples=250)


# ---------------------------------------------------------------- files made by hand, or by Pillow


def encode(image: Image.Image | np.ndarray, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def png_file(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG from its specification: rows are the packed samples without filter bytes."""
    stride = len(rows) // height
    raw = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(raw, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def tiff_file(data: bytes, **tags: int) -> bytes:
    """A little-endian TIFF with one strip or tile; tags by number, as t256=width."""
    entries = {int(tag[1:]): value for tag, value in tags.items()}
    offset, length = (324, 325) if 322 in entries else (273, 279)
    entries |= {offset: 8 + 2 + 12 * (len(entries) + 2) + 4, length: len(data)}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + data


def chunk_names(data: bytes) -> list[bytes]:
    names, at = [], 8
    while at < len(data):
        names.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return names


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """colour * alpha + white * (1 - alpha), in exact integers, to the nearest."""
    colour, alpha = colour.astype(int), alpha.astype(int)
    return ((2 * (colour * alpha + 255 * (255 - alpha)) + 255) // 510).astype(np.uint8)


def changes(picture: Picture) -> tuple[str, ...]:
    """What was done to the pixels: the notes without those that only tell how little there is to see."""
    return tuple(note for note in picture.notes if not re.match("very small|very dark|nearly black|nearly blank", note))


def check_invariants(picture: Picture) -> None:
    pixels = picture.pixels
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    assert min(pixels.shape[:2]) >= 1 and max(pixels.shape[:2]) <= MAX_SIDE
    assert not pixels.flags.writeable and pixels.flags.c_contiguous
    assert re.fullmatch("[0-9a-f]{64}", picture.digest)
    assert all(isinstance(note, str) and note for note in picture.notes)


# ---------------------------------------------------------------- round trips

LOSSLESS = {
    "RGB": [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("WEBP", {"lossless": True}),
    ],
    "L": [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("GIF", {}), ("WEBP", {"lossless": True})],
    "1": [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "group4"}), ("GIF", {})],
    "P": [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("GIF", {})],
    "RGBA": [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})],
    "LA": [("PNG", {}), ("TIFF", {})],
    "I;16": [("PNG", {}), ("TIFF", {})],
}
CASES = [(mode, *case) for mode, cases in LOSSLESS.items() for case in cases]


def sample(mode: str, height: int, width: int, seed: int) -> tuple[Image.Image, np.ndarray]:
    """A random image of a mode and, by numpy alone, what it must look like: uint8 (H, W, 3)."""
    values = noise(height, width, 4, seed)
    grey, alpha = values[..., :1], values[..., 3:]
    if mode == "RGB":
        return Image.fromarray(values[..., :3]), values[..., :3]
    if mode == "L":
        return Image.fromarray(grey[..., 0]), grey.repeat(3, axis=2)
    if mode == "1":
        return Image.fromarray(grey[..., 0] > 127), np.where(grey > 127, 255, 0).astype(np.uint8).repeat(3, axis=2)
    if mode == "P":
        palette = noise(1, 256, 3, seed + 1)[0]
        image = Image.frombytes("P", (width, height), grey.tobytes())
        image.putpalette(palette.tobytes())
        return image, palette[grey[..., 0]]
    if mode == "RGBA":
        return Image.fromarray(values), on_white(values[..., :3], alpha)
    if mode == "LA":
        return Image.fromarray(values[..., [0, 3]], "LA"), on_white(grey, alpha).repeat(3, axis=2)
    wide = values[..., 0].astype(np.uint16) * 256 + values[..., 1]
    wide[0, 0] |= 0x4000  # not to be taken for fewer bits
    return Image.fromarray(wide), (wide // 256).astype(np.uint8)[..., None].repeat(3, axis=2)


@many
@given(case=st.sampled_from(CASES), height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 999))
def test_decode_returns_the_pixels_of_a_lossless_file(case, height, width, seed):
    mode, file_format, options = case
    image, expected = sample(mode, height, width, seed)
    picture = decode(encode(image, file_format, **options), "round.trip")
    check_invariants(picture)
    np.testing.assert_array_equal(picture.pixels, expected)


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("RGB", "JPEG"),
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGB", "WEBP"),
        ("RGB", "AVIF"),
        ("YCbCr", "TIFF"),
        ("LAB", "TIFF"),
        ("CMYK", "TIFF"),
    ],
)
def test_decode_converts_other_colour_spaces(mode, file_format):
    y, x = np.mgrid[0:48, 0:64]
    ramp = np.stack([60 + 2 * x, 200 - 2 * y, 90 + x + y], axis=2).astype(np.uint8)  # smooth, inside every gamut
    image = Image.fromarray(ramp)
    expected = ramp if mode != "L" else (ramp @ [0.299, 0.587, 0.114])[..., None].repeat(3, axis=2)
    picture = decode(encode(image.convert(mode), file_format), "ramp")
    assert np.abs(picture.pixels - expected.astype(float)).mean() < 3
    assert changes(picture) == ()


def test_decode_takes_ink_from_cmyk():
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255], [0, 0, 0, 51]]], np.uint8)
    pixels = decode(encode(Image.fromarray(inks, "CMYK"), "TIFF"), "inks.tif").pixels
    assert pixels.tolist() == [[[255] * 3, [0, 255, 255], [255, 0, 0], [0] * 3, [204] * 3]]


@pytest.mark.parametrize("side", range(1, 8))
def test_decode_takes_tiny_pictures(side):
    assert decode(encode(noise(side, side), "PNG"), "tiny.png").pixels.shape == (side, side, 3)


# ---------------------------------------------------------------- 16 bits, floats, transparency


def test_decode_scales_16_bits_and_does_not_clip():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = decode(encode(values, "PNG"), "ramp.png")
    assert changes(picture) == ("16-bit values scaled to 8-bit",)
    np.testing.assert_array_equal(picture.pixels[..., 0], values // 256)
    assert np.abs(picture.pixels[..., 1] - values / 257).max() < 1  # the exact scale, 65535 / 255


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_decode_scales_16_bit_tiff_of_either_byte_order(order):
    values = np.arange(0, 65536, 16, dtype=order).reshape(64, 64)
    image = Image.frombytes("I;16B" if order == ">u2" else "I;16", (64, 64), values.tobytes())
    np.testing.assert_array_equal(decode(encode(image, "TIFF"), "ramp.tif").pixels[..., 2], values // 256)


def test_decode_scales_16_bit_colour_as_16_bit_grey():
    rgb = np.random.default_rng(3).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    picture = decode(png_file(7, 5, 16, 2, rgb.astype(">u2").tobytes()), "deep.png")
    assert changes(picture) == ("16-bit values scaled to 8-bit",)
    np.testing.assert_array_equal(picture.pixels, rgb // 256)


def test_decode_scales_12_bit_tiff():
    data = bytes.fromhex("000fff 800123")  # 0, 4095, 2048, 291
    tags = {"t256": 4, "t257": 1, "t258": 12, "t259": 1, "t262": 1, "t277": 1, "t278": 1}
    picture = decode(tiff_file(data, **tags), "scan.tif")
    assert picture.pixels[0, :, 0].tolist() == [0, 255, 128, 18]
    assert changes(picture) == ("12-bit values scaled to 8-bit",)


def test_decode_takes_16_bits_in_32_but_refuses_to_guess_a_white():
    values = np.array([[0, 255, 256, 65535]], np.int32)
    assert decode(encode(values, "TIFF"), "wide.tif").pixels[0, :, 0].tolist() == [0, 0, 1, 255]
    with pytest.raises(ImageRefused, match=r"^deep\.tif: its pixels are integers from 0 to 65536, whose white"):
        decode(encode(values + np.int32([[0, 0, 0, 1]]), "TIFF"), "deep.tif")
    with pytest.raises(ImageRefused, match=r"integers from -1 to 65534, .* save it with 8 or 16 bits a channel"):
        decode(encode(values - np.int32(1), "TIFF"), "signed.tif")
    with pytest.raises(ImageRefused, match=r"^float\.tif: its pixels are floating-point numbers from 0 to 2, whose wh"):
        decode(encode(np.linspace(0, 2, 16, dtype=np.float32).reshape(4, 4), "TIFF"), "float.tif")


def test_decode_lays_every_alpha_of_every_grey_on_white():
    grey, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    picture = decode(encode(np.stack([grey, grey, grey, alpha], axis=2), "PNG"), "veil.png")
    np.testing.assert_array_equal(picture.pixels[..., 0], on_white(grey, alpha))
    assert changes(picture) == ("transparency laid on white",)


def test_decode_does_not_note_an_alpha_that_hides_nothing():
    opaque = np.dstack([noise(4, 5), np.full((4, 5), 255, np.uint8)])
    assert changes(decode(encode(opaque, "PNG"), "opaque.png")) == ()


@pytest.mark.parametrize(
    ("depth", "colour", "rows", "key", "expected"),
    [
        (1, 0, b"\x40", (1,), [0, 255]),  # samples 0, 1: black, and white that is transparent anyway
        (1, 0, b"\x40", (0,), [0, 255]),  # white on transparent: laid on black, or nothing would show
        (2, 0, b"\x60", (2,), [85, 255]),  # samples 1, 2
        (4, 0, b"\x5a", (5,), [255, 170]),
        (8, 0, b"\x07\x08", (7,), [255, 8]),
        (16, 0, b"\x42\x34\x42\x35", (0x4234,), [255, 0x42]),  # the low byte tells them apart
        (8, 2, b"\x01\x01\x01\x02\x02\x02", (1, 1, 1), [255, 2]),
        (16, 2, b"\x41\x00" * 3 + b"\x42\x00" * 3, (0x4100,) * 3, [255, 0x42]),
    ],
)
def test_decode_makes_the_transparent_colour_of_a_png_white(depth, colour, rows, key, expected):
    data = png_file(2, 1, depth, colour, rows, (b"tRNS", struct.pack(f">{len(key)}H", *key)))
    assert decode(data, "key.png").pixels[0].tolist() == [[value] * 3 for value in expected]


def test_decode_lays_palette_transparency_on_white():
    palette = bytes([10, 20, 30, 200, 100, 0, 7, 7, 7])
    for transparency in (b"\x00\x80", b"\xff\x40\x00"):
        data = png_file(3, 1, 8, 3, b"\x00\x01\x02", (b"PLTE", palette), (b"tRNS", transparency))
        alpha = np.frombuffer(transparency.ljust(3, b"\xff"), np.uint8)[:, None]
        expected = on_white(np.frombuffer(palette, np.uint8).reshape(3, 3), alpha)
        np.testing.assert_array_equal(decode(data, "palette.png").pixels[0], expected)
    image = Image.frombytes("P", (3, 1), b"\x00\x01\x02")
    image.putpalette(palette)
    pixels = decode(encode(image, "GIF", transparency=1), "palette.gif").pixels
    assert pixels[0].tolist() == [[10, 20, 30], [255, 255, 255], [7, 7, 7]]


# ---------------------------------------------------------------- orientation

# EXIF 2.3, tag 0x0112: where the stored row 0 and the stored column 0 are to be seen.
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    row_0, column_0 = SIDES[orientation]
    seen = stored if row_0 in ("top", "bottom") else stored.swapaxes(0, 1)
    seen = seen[::-1] if "bottom" in (row_0, column_0) else seen
    return seen[:, ::-1] if "right" in (row_0, column_0) else seen


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", SIDES)
def test_decode_turns_upright_once(file_format, orientation):
    corners = np.array([[[250, 10, 10], [10, 250, 10]], [[10, 10, 250], [240, 240, 240]]], np.uint8)
    stored = corners.repeat(16, axis=0).repeat(32, axis=1)  # (32, 64, 3): corners survive JPEG
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(encode(stored, file_format, exif=exif), "turned")
    expected = upright(stored, orientation)
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.pixels - expected.astype(float)).mean() < 10  # a wrong turn gives 90 and more
    assert changes(picture) == (() if orientation == 1 else (f"turned upright (EXIF orientation {orientation})",))
    again = decode(picture.png(), "again.png")
    assert (again.digest, changes(again)) == (picture.digest, ())


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_decode_turns_and_scales_16_bits(file_format):
    stored = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decode(encode(stored, file_format, exif=exif), "deep")
    np.testing.assert_array_equal(picture.pixels[..., 0], upright(stored, 6) // 256)
    assert changes(picture) == ("turned upright (EXIF orientation 6)", "16-bit values scaled to 8-bit")


def test_decode_takes_a_picture_with_damaged_exif_and_says_so():
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encode(noise(8, 16), "PNG")
    picture = decode(encode(noise(8, 16), "PNG", exif=b"Exif\0\0" + b"XX" + exif.tobytes()[8:]), "holiday.png")
    assert picture.digest == decode(plain, "plain.png").digest
    assert changes(picture) == ("not turned: its EXIF data could not be read",)


# ---------------------------------------------------------------- animation, size


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_decode_takes_the_first_frame_of_an_animation(file_format):
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime", "blue")]
    picture = decode(encode(frames[0], file_format, save_all=True, append_images=frames[1:]), "moving")
    assert changes(picture) == ("first frame of an animation of 3",)
    assert np.abs(picture.pixels - np.array([255.0, 0, 0])).max() < 10


def test_decode_takes_the_first_page():
    pages = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime")]
    picture = decode(encode(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "scan.tif")
    assert changes(picture) == ("first page of several",)
    assert (picture.pixels == [255, 0, 0]).all()


def test_decode_takes_the_first_picture_of_a_phone_photo():
    pages = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime")]
    picture = decode(encode(pages[0], "MPO", save_all=True, append_images=pages[1:]), "phone.jpg")
    assert changes(picture) == ("first of 2 pictures in the file",)
    assert np.abs(picture.pixels - np.array([255.0, 0, 0])).max() < 10


def test_decode_scales_down_without_aliasing():
    y, x = np.mgrid[0:1536, 0:2048]
    checkers = ((x + y) % 2 * 255).astype(np.uint8)
    picture = decode(encode(checkers, "PNG", compress_level=1), "checkers.png")
    assert picture.pixels.shape == (768, 1024, 3)
    assert changes(picture) == ("scaled down from 2048 x 1536 to 1024 x 768 pixels",)
    inner = picture.pixels[8:-8, 8:-8].astype(float)
    assert inner.min() >= 126 and inner.max() <= 129  # nearest neighbour would leave black or white


def test_decode_keeps_what_fits():
    assert changes(decode(encode(noise(MAX_SIDE, 30), "BMP"), "fits.bmp")) == ()
    assert decode(encode(noise(MAX_SIDE + 1, 30), "BMP"), "over.bmp").pixels.shape == (MAX_SIDE, 30, 3)


def test_decode_refuses_extreme_shapes():
    assert decode(encode(noise(1, 50), "PNG"), "line.png").pixels.shape == (1, 50, 3)
    assert decode(encode(noise(60, 3000), "PNG"), "band.png").pixels.shape == (20, 1024, 3)
    with pytest.raises(ImageRefused, match="51 x 1 pixels, a side more than 50 times the other; crop it"):
        decode(encode(noise(1, 51), "PNG"), "line.png")


def test_decode_refuses_a_file_over_the_limit():
    with pytest.raises(ImageRefused, match=r"^big\.jpg: this file has 25\.1 MB and the limit is 25 MB; save it"):
        decode(bytes(limits.FILE_BYTES + 1), "big.jpg")


# ---------------------------------------------------------------- identity


@pytest.mark.parametrize("shape", [(37, 53), (1100, 300)])  # as it is, and scaled down
def test_digest_is_the_same_in_every_lossless_format(shape):
    pixels = np.asarray(Image.fromarray(noise(*(side // 8 + 1 for side in shape))).resize(shape[::-1]))
    opaque = np.dstack([pixels, np.full(shape, 255, np.uint8)])
    files = [
        encode(pixels, "PNG"),
        encode(opaque, "PNG"),
        encode(pixels, "BMP"),
        encode(pixels, "TIFF"),
        encode(pixels, "TIFF", compression="packbits"),
        encode(pixels, "WEBP", lossless=True, method=0),
        png_file(shape[1], shape[0], 16, 2, (pixels.astype(">u2") * 257).tobytes()),
    ]
    assert len({decode(data, "copy").digest for data in files}) == 1


def test_digest_tells_pixels_and_shapes_apart():
    pixels = noise(4, 6)
    other = pixels.copy()
    other[3, 5, 2] ^= 1
    pictures = [Picture(p, "x") for p in (pixels, other, pixels.reshape(6, 4, 3), pixels[:, ::-1])]
    assert len({picture.digest for picture in pictures}) == 4
    assert Picture(pixels[:, ::-1][:, ::-1], "another name", ("a note",)).digest == pictures[0].digest


def test_large_jpeg_looks_like_its_lossless_copy():
    # To the bit they agree no longer: the JPEG is decoded at half its size, and kept as a JPEG.
    jpeg = encode(np.asarray(Image.fromarray(noise(40, 50)).resize((5000, 4000))), "JPEG")
    with Image.open(io.BytesIO(jpeg)) as image:
        copy = encode(
            image.convert("RGB"),
            "BMP",
        )
    photo, lossless = (
        decode(jpeg, "photo.jpg"),
        decode(encode(Image.open(io.BytesIO(copy)), "PNG", compress_level=1), "copy.png"),
    )
    assert photo.pixels.shape == lossless.pixels.shape
    assert np.abs(photo.pixels - lossless.pixels.astype(float)).mean() < 1.5
    assert changes(photo) == changes(lossless) == ("scaled down from 5000 x 4000 to 1024 x 819 pixels",)


def test_png_is_lossless_and_carries_no_metadata():
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x010F] = "SecretCamera"
    text.add_text("Comment", "SecretPlace")
    data = encode(noise(9, 11), "PNG", exif=exif, pnginfo=text, icc_profile=b"SecretProfile" * 20, dpi=(300, 300))
    assert {b"eXIf", b"tEXt", b"iCCP", b"pHYs"} <= set(chunk_names(data))  # they were there
    picture = decode(data, "private.png")
    assert set(chunk_names(picture.png())) == {b"IHDR", b"IDAT", b"IEND"}
    np.testing.assert_array_equal(decode(picture.png(), "public.png").pixels, noise(9, 11))


def test_picture_is_read_only_also_after_pickling():
    source = noise(4, 5)
    picture = Picture(source, "x.png", ("a note",))
    source[:] = 0
    np.testing.assert_array_equal(picture.pixels, noise(4, 5))
    copy = pickle.loads(pickle.dumps(picture))
    assert (copy.digest, copy.name, copy.notes) == (picture.digest, "x.png", ("a note",))
    for each in (picture, copy, decode(picture.png(), "y.png")):
        with pytest.raises(ValueError, match="read-only"):
            each.pixels[0, 0, 0] = 1


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 5, 3)), np.zeros((4, 5), np.uint8), np.zeros((4, 5, 4), np.uint8), np.zeros((0, 5, 3), np.uint8)],
)
def test_picture_refuses_other_arrays(pixels):
    with pytest.raises(ValueError, match=re.escape(f"uint8 (H, W, 3); received {pixels.dtype} {pixels.shape}")):
        Picture(pixels, "x")


def test_picture_refuses_a_large_array():
    with pytest.raises(ValueError, match=r"at most 1024 pixels a side; received \(1025, 1, 3\)"):
        Picture(np.zeros((1025, 1, 3), np.uint8), "x")


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "cat.jpg: this file is empty (0 bytes); copy or download it again."),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "cat.jpg: this is a PostScript file; export it as PNG and load that."),
        (b"%PDF-1.7\n", "cat.jpg: this is a PDF document; export the page as PNG and load that."),
        (b'<?xml version="1.0"?>\n<svg>', "cat.jpg: this is an SVG drawing; export it as PNG and load that."),
        (b"<!DOCTYPE html><svg>", "cat.jpg: this is a web page; save the picture itself, not its page."),
        (b"\0\0\0\x18ftypheic", "cat.jpg: this is a HEIC photo; save it as JPEG (iPhone: Camera, Formats, Most "),
        (b"\0\0\0\x18ftypmp42", "cat.jpg: this is a video; save one of its frames as PNG and load that."),
        (b"PK\x03\x04", "cat.jpg: this is a zip archive; load it as an archive of pictures, or unpack it first."),
        (b"Rar!\x1a\x07", "cat.jpg: this is a compressed archive; unpack it and load the pictures."),
        (b"\xfd7zXZ\0", "cat.jpg: this is a compressed archive; unpack it and load the pictures."),
        (b"P5\n80 60\n255\n", "cat.jpg: this is a Netpbm picture; save it as JPEG or PNG and load that."),
        (b"p5 and p6 are notes", "cat.jpg: this is plain text; choose a picture: JPEG, PNG, WebP, GIF, BMP, TIFF or "),
        (bytes(128) + b"DICM", "cat.jpg: this is a DICOM picture; save it as JPEG or PNG and load that."),
        (b"v/1\x01\2", "cat.jpg: this is a picture of high dynamic range; save it as JPEG or PNG and load that."),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "cat.jpg: this is a note where Git LFS keeps the file, not the file; fetch the file itself, with git lfs ",
        ),
        (b"8BPS\0\x01", "cat.jpg: this is a Photoshop file; save it as JPEG or PNG and load that."),
        (
            "a note, née\n".encode(),
            "cat.jpg: this is plain text; choose a picture: JPEG, PNG, WebP, GIF, BMP, TIFF or ",
        ),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + bytes(40),
            "cat.jpg: this is a PNG file with a damaged header; copy or download it again",
        ),
        (b"\xff\xd8\xff\xd9", "cat.jpg: this is a JPEG file with a damaged header; copy or download it again"),
        (b"RIFF\x04\0\0\0WEBP", "cat.jpg: this is a WebP file with a damaged header; copy or download it again"),
        (b"GIF89a", "cat.jpg: this is a GIF file with a damaged header; copy or download it again"),
        (b"II*\0\x08\0\0\0", "cat.jpg: this is a TIFF file with a damaged header; copy or download it again"),
        (b"\xff\xd8\xff\xe0\x7f\xff", "cat.jpg: the picture is damaged or cut short (Truncated File Read); copy or "),
        (b"\0\xff\0\xfe" * 9, "cat.jpg: this is a file of no known format; choose a picture: JPEG, PNG, WebP, GIF, "),
    ],
)
def test_decode_says_what_it_received(data, sentence):
    with pytest.raises(ImageRefused, match="^" + re.escape(sentence)) as caught:
        decode(data, "cat.jpg")
    assert str(caught.value) == f"cat.jpg: {caught.value.reason}; {caught.value.remedy}."
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("file_format", ["EPS", "PPM", "ICO", "TGA", "PCX", "SGI", "JPEG2000", "PDF"])
def test_decode_leaves_other_formats_of_pillow_alone(file_format):
    with pytest.raises(ImageRefused, match=r"^cat\.png: this is "):
        decode(encode(noise(16, 16), file_format), "cat.png")


def test_decode_makes_names_harmless():
    with pytest.raises(ImageRefused) as caught:
        decode(b"", "a\n\u202e\udcffb" + "c" * 999)
    assert caught.value.name == "a \ufffd\ufffdb" + "c" * 195
    assert decode(encode(noise(2, 2), "PNG"), "\x1b[2Jcat.png").name == "\ufffd[2Jcat.png"


PHOTO = np.asarray(Image.fromarray(noise(6, 8)).resize((64, 48)))
EXIF = Image.Exif()
EXIF[0x0112], EXIF[0x010F] = 6, "maker"
FILES = [
    encode(PHOTO, "PNG", exif=EXIF),
    encode(PHOTO, "JPEG", exif=EXIF),
    encode(PHOTO, "JPEG", progressive=True),
    encode(PHOTO, "WEBP", exif=EXIF),
    encode(PHOTO, "WEBP", lossless=True),
    encode(PHOTO, "GIF"),
    encode(PHOTO, "BMP"),
    encode(PHOTO, "TIFF", exif=EXIF),
    encode(PHOTO, "TIFF", compression="tiff_lzw"),
    encode(PHOTO, "AVIF", exif=EXIF),
    encode(PHOTO, "TIFF", compression="jpeg"),
    encode(Image.fromarray(PHOTO).convert("P"), "PNG", transparency=3),
    encode(PHOTO, "WEBP", save_all=True, append_images=[Image.fromarray(PHOTO[::-1])]),
    encode(PHOTO, "GIF", save_all=True, append_images=[Image.fromarray(PHOTO[::-1])]),
]
WHOLE = [decode(data, "whole").digest for data in FILES]


@pytest.mark.parametrize(("index", "keep"), [(6, 30), (6, 40), (6, 53), (10, -1), (10, -60)])
def test_a_file_that_is_cut_in_what_describes_it_is_not_called_whole(index, keep):
    with pytest.raises(ImageRefused, match=r"(damaged|cut short).*; copy or download it again"):
        decode(FILES[index][:keep], "cut")


@many
@given(index=st.integers(0, len(FILES) - 1), keep=st.floats(0, 1, exclude_max=True))
def test_decode_never_shows_half_of_a_truncated_file(index, keep):
    data = FILES[index]
    try:
        picture = decode(data[: int(keep * len(data))], "cut")
    except ImageRefused as refusal:
        assert re.fullmatch(r"cut: th(is|e) .+; (copy|choose|save) .+\.", str(refusal))
    else:
        assert picture.digest == WHOLE[index]  # only what follows the pixels is missing


@many
@given(
    index=st.integers(0, len(FILES) - 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    in_header=st.booleans(),
)
def test_decode_of_a_damaged_file_is_a_picture_or_a_refusal(index, flips, in_header):
    data = bytearray(FILES[index])
    for where, value in flips:
        data[int(where * (min(120, len(data)) if in_header else len(data)))] = value
    try:
        check_invariants(decode(bytes(data), "damaged"))
    except ImageRefused as refusal:
        assert str(refusal).startswith("damaged: ") and str(refusal).endswith(".")


@many
@given(
    prefix=st.sampled_from([data[:length] for data in FILES for length in (0, 2, 4, 12, 30)]),
    tail=st.binary(max_size=300),
)
def test_decode_of_random_bytes_is_a_refusal(prefix, tail):
    try:
        check_invariants(decode(prefix + tail, "random"))
    except ImageRefused as refusal:
        assert refusal.name == "random" and refusal.reason and refusal.remedy


# ---------------------------------------------------------------- bombs


def flat_png(side: int) -> bytes:
    return png_file(side, side, 1, 0, bytes((side + 7) // 8 * side))


def webp_header(side: int) -> bytes:
    """A lossless WebP of side x side whose pixels are all one colour code: 34 bytes."""
    bits = (side - 1) | (side - 1) << 14
    body = b"\x2f" + struct.pack("<I", bits) + b"\x07\x10\x11\x11\x88\x88\xfe\x07\0"
    chunk = b"WEBPVP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk)) + chunk


def tile_bomb() -> bytes:
    """A TIFF of 64 x 64 pixels in one tile of 10000 x 10000."""
    tags = {"t256": 64, "t257": 64, "t258": 8, "t259": 8, "t262": 1, "t277": 1, "t322": 10000, "t323": 10000}
    return tiff_file(zlib.compress(bytes(10000 * 10000), 1), **tags)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (flat_png(9400), r"this picture of 9400 x 9400 pixels takes 88 megapixels to decode"),
        (flat_png(10000), r"this picture of 10000 x 10000 pixels takes 100 megapixels to decode"),  # Pillow warns
        (flat_png(13500), r"this picture has far more than 50 megapixels"),  # Pillow raises
        (webp_header(8000), r"this picture of 8000 x 8000 pixels takes 64 megapixels to decode"),
    ],
    ids=["png 88 MP", "png 100 MP", "png 182 MP", "webp 64 MP"],
)
def test_decode_refuses_bombs_without_a_warning(data, reason):
    assert len(data) < 30_000
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ImageRefused, match=reason + "; scale it down to at most 50 megapixels"):
            decode(data, "bomb")
    assert caught == []


def test_decode_leaves_the_warning_filters_as_they_were():
    before = list(warnings.filters)
    decode(FILES[0], "a.png")
    with pytest.raises(ImageRefused):
        decode(b"", "b.png")
    assert warnings.filters == before


def test_decode_refuses_where_a_warning_comes_through(monkeypatch):
    monkeypatch.setattr(warnings, "filterwarnings", lambda *_, **__: None)  # as when another thread restores them
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageRefused, match="this picture has far more than 50 megapixels"):
            decode(flat_png(10000), "bomb.png")
        with pytest.raises(ImageRefused, match=r"the picture is damaged or cut short \(Invalid APNG"):
            decode(png_file(1, 1, 8, 0, b"\0", (b"acTL", bytes(8))), "odd.png")


MEMORY_CHECK = """
    import io, resource, sys
    from pathlib import Path
    from PIL import Image
    from cnn_core.pictures.images import ImageRefused, decode

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 60 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for file in sys.argv[1:]:
        data = Path(file).read_bytes()
        Image.MAX_IMAGE_PIXELS = None
        try:
            Image.open(io.BytesIO(data)).load()
        except (MemoryError, OSError):
            pass
        else:
            sys.exit(f"{file}: decoding it fits into 60 MiB, so this check proves nothing")
        try:
            decode(data, file)
        except ImageRefused as refusal:
            if "megapixels" not in refusal.reason:
                sys.exit(f"refused for another reason: {refusal}")
        else:
            sys.exit(f"{file}: not refused")
"""


def check_memory(*files: Path) -> None:
    """Refuse the bombs in a process with 60 MiB to spare, in which Pillow alone runs out of memory."""
    command = [sys.executable, "-c", textwrap.dedent(MEMORY_CHECK), *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE * 60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS, which only Linux enforces")
def test_decode_refuses_bombs_without_memory(tmp_path):
    bombs = {"88MP.png": flat_png(9400), "tile.tif": tile_bomb()}
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    check_memory(*(tmp_path / name for name in bombs))


# ---------------------------------------------------------------- for the network, for the contact sheet


def test_square_takes_the_middle_of_256():
    pixels = noise(256, 300)
    np.testing.assert_array_equal(square(pixels, 224, 0.875), pixels[16:240, 38:262])
    np.testing.assert_array_equal(square(pixels, 256, 1.0), pixels[:, 22:278])


@few
@given(height=st.integers(60, 400), width=st.integers(60, 400), size=st.sampled_from([32, 96, 224]))
def test_square_samples_where_it_should(height, width, size):
    # A ramp along each axis: away from the border any interpolation returns the coordinate that it sampled.
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 / (width - 1), y * 255 / (height - 1), 0 * x], axis=2).round().astype(np.uint8)
    result = square(pixels, size, 0.875)
    assert result.shape == (size, size, 3) and result.dtype == np.uint8
    scale = min(height, width) / round(size / 0.875)
    middle = np.arange(size) - (size - 1) / 2
    inner = slice(size // 8, -size // 8)
    for channel, side in ((0, width), (1, height)):
        line = result.mean(axis=0 if channel == 0 else 1)[:, channel]
        expected = ((side - 1) / 2 + middle * scale) * 255 / (side - 1)
        assert np.abs(line - expected)[inner].max() < 1.5 + scale * 255 / side  # rounding, and one pixel of the crop


def test_square_antialiases():
    y, x = np.mgrid[0:1024, 0:1024]
    checkers = ((x + y) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    assert np.abs(square(checkers, 224, 0.875)[4:-4, 4:-4] - 127.5).max() < 4


@pytest.mark.parametrize(("size", "fraction"), [(0, 0.875), (224, 0.0), (224, 1.5)])
def test_square_refuses_impossible_crops(size, fraction):
    with pytest.raises(ValueError, match=rf"received {size} and {fraction}"):
        square(noise(8, 8), size, fraction)


def test_thumbnail_is_a_small_jpeg_of_the_middle():
    pixels = np.full((60, 180, 3), 255, np.uint8)
    pixels[:, 60:120] = [200, 30, 30]
    data = thumbnail(pixels, 48)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("JPEG", (48, 48))
        assert np.abs(np.asarray(image) - np.array([200.0, 30, 30]))[:, 2:-2].max() < 12
    assert len(data) < 2000


# ---------------------------------------------------------------- the shared hostile files


@pytest.fixture(scope="module")
def hostile() -> Path:
    folder = ROOT.parent / "shared" / "data" / "hostile"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the hostile files are absent: ../shared/data/hostile")
        pytest.skip("the hostile files are absent: ../shared/data/hostile")
    return folder


def read_png(data: bytes) -> np.ndarray | None:
    """What a non-interlaced PNG looks like on white, by its specification alone; None if it is interlaced."""
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunks[kind] = chunks.get(kind, b"") + data[at + 8 : at + 8 + length]
        at += 12 + length
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if interlaced:
        return None
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    stride, step = (width * channels * depth + 7) // 8, max(1, channels * depth // 8)
    raw = zlib.decompress(chunks[b"IDAT"])
    lines, above = [], bytes(stride)
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for i in range(stride):
            left, up = line[i - step] if i >= step else 0, above[i]
            corner = above[i - step] if i >= step else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(guess - value))
            line[i] = line[i] + (0, left, up, (left + up) // 2, paeth)[kind] & 255
        lines.append(line)
        above = bytes(line)
    packed = np.array(lines, np.uint8)
    if depth == 16:
        samples = packed.reshape(height, -1, 2).astype(int) @ [256, 1]
    else:
        bits = np.unpackbits(packed, axis=1).reshape(height, -1, depth)
        samples = bits @ (1 << np.arange(depth)[::-1])
    samples = samples[:, : width * channels].reshape(height, width, channels)
    to_8 = (lambda v: v >> 8) if depth == 16 else (lambda v: v * 255 // (2**depth - 1))
    alpha = np.full((height, width, 1), 255)
    key = chunks.get(b"tRNS")
    if colour == 3:
        pixels = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[samples[..., 0]]
        if key:
            alpha = np.frombuffer(key.ljust(256, b"\xff"), np.uint8)[samples]
        return on_white(pixels, alpha)
    if colour in (4, 6):
        return on_white(to_8(samples[..., :-1]), to_8(samples[..., -1:])) + np.zeros((1, 1, 3), np.uint8)
    if key:
        is_key = (samples == struct.unpack(f">{channels}H", key)).all(axis=2, keepdims=True)
        alpha = np.where(is_key, 0, 255)
    return on_white(to_8(samples), alpha) + np.zeros((1, 1, 3), np.uint8)


def test_pngsuite_decodes_as_specified(hostile):
    compared = 0
    for file in sorted((hostile / "pngsuite").glob("[!x]*.png")):
        picture = decode(file.read_bytes(), file.name)
        check_invariants(picture)
        expected = read_png(file.read_bytes())
        if expected is not None:
            np.testing.assert_array_equal(picture.pixels, expected, err_msg=file.name)
            compared += 1
    assert compared > 120


def test_pngsuite_interlacing_changes_nothing(hostile):
    folder = hostile / "pngsuite"
    pairs = [
        (file, file.name.replace("basi", "basn").replace("i3p", "n3p")) for file in folder.glob("*i[0-9][gpa]*.png")
    ]
    pairs = [(file, folder / name) for file, name in pairs if name != file.name]
    assert len(pairs) >= 20
    for interlaced, plain in pairs:
        assert decode(interlaced.read_bytes(), "i").digest == decode(plain.read_bytes(), "n").digest, interlaced.name


def test_pngsuite_broken_files_are_refused(hostile):
    broken = sorted((hostile / "pngsuite").glob("x*.png"))
    refused = set()
    for file in broken:
        try:
            check_invariants(decode(file.read_bytes(), file.name))
        except ImageRefused as refusal:
            assert str(refusal).startswith(f"{file.name}: th")
            refused.add(file.name)
    assert {file.name for file in broken} - refused == {"xcsn0g01.png"}  # a wrong checksum; the pixels are whole
    assert len(refused) == 13


def test_hostile_pictures_are_refused_for_the_right_reason(hostile):
    for name, reason in {
        "eps_named_cat.jpg": "this is a PostScript file; export it as PNG",
        "png_88MP_1bit.png": "this picture of 9400 x 9400 pixels takes 88 megapixels to decode; scale it down",
        "png_169MP_1bit.png": "this picture of 13000 x 13000 pixels takes 169 megapixels to decode; scale it down",
        "png_1x60000.png": "this picture has 1 x 60000 pixels, a side more than 50 times the other; crop it",
    }.items():
        with pytest.raises(ImageRefused, match=f"^{re.escape(name)}: {reason}"):
            decode((hostile / name).read_bytes(), name)


def test_hostile_picture_below_the_limit_is_decoded(hostile):
    with pytest.raises(ImageRefused, match=r"^large\.png: this picture is fully transparent: nothing to see; save it"):
        decode((hostile / "png_48MP_rgba.png").read_bytes(), "large.png")


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS, which only Linux enforces")
def test_hostile_bombs_cost_no_memory(hostile):
    check_memory(hostile / "png_88MP_1bit.png", hostile / "png_169MP_1bit.png")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"II\x1a\0\x1a\0\0\0HEAPCCDR", "a camera raw file"),  # Canon CRW
        (b"IIII", "a camera raw file"),  # Phase One IIQ
        (b"MMMM", "a camera raw file"),
        (b"II*\0\x10\0\0\0IIII", "a camera raw file"),
        (b"MMOR\0\0\0\x08", "a camera raw file"),  # Olympus ORF
        (b"ARRI", "a camera raw file"),
        (b"\0\0\0\x08wide\0\0\1\0mdat", "a video"),  # QuickTime before 2001
        (b"\0\0\2\0moov", "a video"),
        (b"RIFF\0\1\0\0AVI LIST", "a video"),
        (b"\0\0\1\xba", "a video"),
        (b"FLV\1", "a video"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video"),  # WMV
    ],
)
def test_camera_raw_and_videos_of_further_makers(head, what):
    with pytest.raises(ImageRefused, match=rf"^a\.jpg: this is {what}; (develop it|save one of its frames)"):
        decode(head + bytes(2000), "a.jpg")


def test_a_picture_just_over_the_limit_is_not_said_to_be_of_it():
    buffer = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(buffer, "PNG")
    said = r"10000 x 5001 pixels takes 50\.1 megapixels to decode; scale it down to at most 50 megapixels"
    with pytest.raises(ImageRefused, match=said):
        decode(buffer.getvalue(), "a.png")
