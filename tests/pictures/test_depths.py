"""Numbers of any depth and layout: the right pixels, or a true refusal; no garbage, no whole file called damaged."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterable

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from cnn_core.pictures.images import ImageRefused, Picture, restored, take

Y, X = np.mgrid[0:70, 0:93]
GREY = (((X - 40) ** 2 + (Y - 30) ** 2 < 400) * 94 + X + Y).astype(np.uint8)
GREY = ((GREY.astype(int) - GREY.min()) * 255 // (int(GREY.max()) - GREY.min())).astype(np.uint8)  # a disc, 0 to 255
RGB = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)
WIDE = RGB.astype(np.uint16) * 257


def tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def read(data: bytes) -> Picture:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taken = take(data, "deep")
    np.testing.assert_array_equal(restored(taken.coded, taken.orientation), taken.picture.pixels)
    return taken.picture


def shows(data: bytes, expected: np.ndarray, *notes: str, tolerance: int = 0) -> None:
    picture = read(data)
    expected = expected if expected.ndim == 3 else expected[..., None].repeat(3, axis=2)
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.pixels.astype(int) - expected.astype(int)).max() <= tolerance
    assert picture.notes == notes


# ---------------------------------------------------------------- TIFF by hand, for what tifffile does not write


def packed(values: np.ndarray, bits: int) -> bytes:
    """Rows of samples, the highest bit first, each row to whole bytes."""
    rows = values.reshape(len(values), -1).astype(np.uint64)
    ones = (rows[..., None] >> np.arange(bits - 1, -1, -1, dtype=np.uint64)) & np.uint64(1)
    return np.packbits(ones.astype(np.uint8).reshape(len(rows), -1), axis=1).tobytes()


def tiff_of(pieces: Iterable[bytes], order: str = "<", big: bool = False, **tags: int | tuple[int, ...]) -> bytes:
    """A TIFF with these strips; tags by number, as t256=width."""
    entries = {int(tag[1:]): value if isinstance(value, tuple) else (value,) for tag, value in tags.items()}
    body, offsets, pieces = b"", [], list(pieces)
    for piece in pieces:
        offsets.append((16 if big else 8) + len(body))
        body += piece + bytes(len(piece) % 2)
    entries |= {273: tuple(offsets), 279: tuple(map(len, pieces))}
    start = (16 if big else 8) + len(body)
    table, after = b"", b""
    size, inline = (20, 8) if big else (12, 4)
    beyond = start + (8 if big else 2) + size * len(entries) + inline
    for tag, values in sorted(entries.items()):
        data = struct.pack(f"{order}{len(values)}I", *values)
        table += struct.pack(order + ("HHQ" if big else "HHI"), tag, 4, len(values))
        if len(data) <= inline:
            table += data.ljust(inline, b"\0")
        else:
            table += struct.pack(order + ("Q" if big else "I"), beyond + len(after))
            after += data
    name = {"<": b"II", ">": b"MM"}[order]
    head = name + (struct.pack(order + "HHHQ", 43, 8, 0, start) if big else struct.pack(order + "HI", 42, start))
    count = struct.pack(order + ("Q" if big else "H"), len(entries))
    return head + body + count + table + bytes(inline) + after


def tags_of(values: np.ndarray, bits: int, photometric: int, **more: int | tuple[int, ...]) -> dict:
    channels = values.shape[2] if values.ndim == 3 else 1
    height, width = values.shape[:2]
    return {
        "t256": width, "t257": height, "t258": (bits,) * channels, "t259": 1, "t262": photometric, "t277": channels,
        "t278": height, **more,
    }  # fmt: skip


# ---------------------------------------------------------------- layouts


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (32, 48)])
@pytest.mark.parametrize("predictor", [None, 2])
def test_16_bit_colours_in_every_layout(byteorder, compression, planar, tile, predictor):
    samples = WIDE if planar == "contig" else np.moveaxis(WIDE, 2, 0)
    predictor = predictor if compression == "zlib" else None
    options = {"byteorder": byteorder, "compression": compression, "planarconfig": planar, "predictor": predictor}
    data = tiff(samples, photometric="rgb", tile=tile, rowsperstrip=None if tile else 17, **options)
    shows(data, RGB, "16-bit values scaled to 8-bit")


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "zstd"])
@pytest.mark.parametrize("predictor", [1, 2])
def test_16_bit_grey_as_libtiff_writes_it(compression, predictor):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if predictor == 2 and compression != "packbits":
        tags[317] = 2
    buffer = io.BytesIO()
    Image.fromarray(WIDE[..., 0]).save(buffer, "TIFF", compression=compression, tiffinfo=tags)
    shows(buffer.getvalue(), GREY, "16-bit values scaled to 8-bit")


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_bigtiff_and_byte_order(order, big):
    planes = [WIDE[..., k].astype(f"{order}u2").tobytes() for k in range(3)]
    shows(tiff_of(planes, order, big, **tags_of(WIDE, 16, 2), t284=2), RGB, "16-bit values scaled to 8-bit")


def test_8_bit_planes_and_white_is_zero():
    shows(tiff(np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate"), RGB)
    for samples, note in ((GREY, ()), (WIDE[..., 0], ("16-bit values scaled to 8-bit",))):
        shows(tiff(samples, photometric="miniswhite"), 255 - GREY, *note)
        shows(tiff(samples, photometric="miniswhite", byteorder=">", compression="zlib"), 255 - GREY, *note)
    shows(tiff_of([GREY.tobytes()], **tags_of(GREY, 8, 0), t284=2), 255 - GREY)  # planes of one channel are none


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 7, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
def test_packed_samples_of_any_depth(bits, channels):
    values = ((RGB if channels == 3 else GREY).astype(int) * (2**bits - 1) + 127) // 255
    data = tiff_of([packed(values, bits)], **tags_of(values, bits, 2 if channels == 3 else 1))
    expected = values >> (bits - 8) if bits > 8 else (2 * values * 255 + 2**bits - 1) // (2 * (2**bits - 1))
    shows(
        data,
        expected,
        *([f"{bits}-bit values scaled to 8-bit"] if bits > 8 else []),
        tolerance=int(bits in (3, 5, 6, 7)),
    )


def test_orientation_and_pages():
    turned = tiff(
        np.moveaxis(np.rot90(WIDE), 2, 0), photometric="rgb", planarconfig="separate", extratags=[(274, 3, 1, 6, True)]
    )
    shows(turned, RGB, "turned upright (EXIF orientation 6)", "16-bit values scaled to 8-bit")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for _ in range(3):
            writer.write(WIDE[..., 0], photometric="minisblack", contiguous=False)
    shows(buffer.getvalue(), GREY, "first page of several", "16-bit values scaled to 8-bit")


@pytest.mark.parametrize("blank", [0, 65535, 9000])
@pytest.mark.parametrize("number", [1, 3])
def test_the_first_deep_page_that_shows_something(blank, number):
    pages = np.stack([*[np.full((70, 93), blank, np.uint16)] * number, WIDE[..., 0], WIDE[..., 1]])
    said = f"page {number + 1}: those before it are blank", "16-bit values scaled to 8-bit"
    shows(tiff(pages, photometric="minisblack", volumetric=False), GREY, *said)


def test_deep_pages_that_are_all_blank_or_damaged_further_on():
    blank = np.full((2, 70, 93), 30000, np.uint16)
    expected, said = np.full((70, 93), 30000 >> 8, np.uint8), ("first page of several", "16-bit values scaled to 8-bit")
    whole = tiff(blank, photometric="minisblack")
    height, other = (struct.pack("<HHII", 257, 4, 1, rows) for rows in (70, 7100))
    before, _, after = whole.rpartition(height)
    for data in (whole, before + other + after):
        picture = read(data)
        assert (picture.pixels == expected[0, 0]).all() and picture.notes[:2] == said


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("flag", [{"subfiletype": 1}, {"extratags": [(255, "H", 1, 2, True)]}])
def test_a_preview_is_not_taken_for_the_picture(kind, flag):
    picture = RGB if kind is np.uint8 else WIDE
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(picture[::5, ::5], photometric="rgb", **flag)
        file.write(picture, photometric="rgb")
        file.write(picture[::2, ::2], photometric="rgb", **flag)
    notes = ["page 2: those before it are previews", "16-bit values scaled to 8-bit"]
    shows(buffer.getvalue(), RGB, *notes[: 1 + (kind is np.uint16)])


def test_a_lone_preview_is_the_picture():
    shows(tiff(WIDE, photometric="rgb", subfiletype=1), RGB, "16-bit values scaled to 8-bit")


def test_bytes_are_not_counted_as_pixels(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", X.size)  # 16-bit RGB has six bytes a pixel, and Pillow bears two
    shows(tiff(WIDE, photometric="rgb", compression="deflate"), RGB, "16-bit values scaled to 8-bit")
    shows(tiff((GREY / 255).astype(np.float64)), GREY, "64-bit floating-point values from 0 to 1 scaled to 8-bit")


def test_a_large_deep_picture_is_scaled_down():
    large = np.kron(WIDE[..., 0], np.ones((20, 20), np.uint16))
    picture = read(tiff(large, photometric="miniswhite"))
    assert picture.pixels.shape == (771, 1024, 3)
    assert np.abs(picture.pixels[::11, ::11, 0].mean() - (255 - GREY).mean()) < 2
    assert picture.notes == ("16-bit values scaled to 8-bit", "scaled down from 1860 x 1400 to 1024 x 771 pixels")


# ---------------------------------------------------------------- alpha, inks, palettes, further channels


def test_grey_and_colours_with_alpha_at_16_bits():
    alpha = np.full_like(WIDE[..., :1], 65535)
    note = "16-bit values scaled to 8-bit"
    shows(
        tiff(
            np.dstack([WIDE[..., :1], alpha]),
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=["unassalpha"],
        ),
        GREY,
        note,
    )
    shows(tiff(np.dstack([WIDE, alpha]), photometric="rgb", extrasamples=["unassalpha"]), RGB, note)
    half = np.where(X[..., None] < 50, 65535, 0).astype(np.uint16)
    expected = np.where(X[..., None] < 50, RGB, 255)
    for kind, colours in (("unassalpha", WIDE), ("assocalpha", WIDE * (half > 0))):
        data = tiff(np.dstack([colours, half]).astype(np.uint16), photometric="rgb", extrasamples=[kind])
        shows(data, expected, note, "transparency laid on white")


def test_inks_and_palettes_at_16_bits():
    inks = np.dstack([RGB, GREY // 3])
    eight = read(tiff(inks, photometric="separated"))
    deep = read(tiff(inks.astype(np.uint16) * 257, photometric="separated"))
    np.testing.assert_array_equal(deep.pixels, eight.pixels)
    table = np.random.default_rng(1).integers(0, 65536, (3, 65536), dtype=np.uint16)
    shows(tiff(WIDE[..., 0], photometric="palette", colormap=table), table.T[WIDE[..., 0]] >> 8)


def test_further_channels_are_left_out_and_noted_where_the_colours_are_known():
    for samples, note in ((RGB, ()), (WIDE, ("16-bit values scaled to 8-bit",))):
        data = tiff(np.dstack([samples, samples[..., :2]]), photometric="rgb")
        shows(data, RGB, "2 of 5 channels left out, which the file does not call colours", *note)


@pytest.mark.parametrize("channels", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_bands_that_are_no_colours_are_refused_as_what_they_are(channels, kind, planar):
    bands = np.repeat(GREY[..., None], channels, axis=2).astype(kind)
    if channels == 2 and planar == "contig":
        pieces, more = [bands.tobytes()], {}
    elif planar == "contig":
        pieces, more = [bands.tobytes()], {"t338": (0,) * (channels - 1)}
    else:
        pieces, more = [GREY.astype(kind).tobytes()] * channels, {"t284": 2, "t338": (0,) * (channels - 1)}
    data = tiff_of(pieces, **tags_of(bands, 8 * bands.itemsize, 1), **more)
    if channels == 2 and more:  # grey and something: the grey is known
        assert read(data).notes[0] == "1 of 2 channels left out, which the file does not call colours"
        return
    remedy = "save three of them as RGB" if channels > 2 else "save one of them as grey"
    with pytest.raises(
        ImageRefused, match=f"^bands: this TIFF file has {channels} channels and does not say .*; {remedy}"
    ):
        take(data, "bands")


# ---------------------------------------------------------------- signed, wide, floating-point


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (GREY.astype(int) - 128, "i1 integers from -128 to 127"),
        (GREY.astype(int) * 200 - 30000, "i2 integers from -30000 to 21000"),
        (GREY.astype(int) * 2**24, "u4 integers from 0 to 4278190080"),
        (GREY.astype(int) * 300, "u4 integers from 0 to 76500"),
        (GREY.astype(int) * -1, "i4 integers from -255 to 0"),
    ],
)
def test_numbers_without_a_white_are_refused_with_the_numbers_of_the_file(samples, words):
    kind, words = words.split(" ", 1)
    for photometric in ("minisblack", "miniswhite"):
        with pytest.raises(
            ImageRefused, match=rf"^x\.tif: its pixels are {words}, whose white is not defined; save it"
        ):
            take(tiff(samples.astype(kind), photometric=photometric), "x.tif")


def test_numbers_with_a_white_are_taken():
    shows(tiff(WIDE[..., 0].astype(np.uint32)), GREY, "16-bit values scaled to 8-bit")
    shows(tiff((WIDE[..., 0] >> 1).astype(np.int16)), GREY, "15-bit values scaled to 8-bit")


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("predictor", [None, 3])
def test_fractions_are_taken_and_other_floats_refused(kind, predictor):
    options = {"compression": "zlib"} if predictor else {}
    fractions = (RGB / 255).astype(kind)
    bits = 8 * fractions.itemsize
    if predictor:  # Photoshop technical note 3: bytes by significance, then differences; tifffile does not write it
        rows = fractions.astype(f">{kind}").reshape(len(fractions), -1)
        planes = rows.view(np.uint8).reshape(len(rows), -1, bits // 8).swapaxes(1, 2).reshape(len(rows), -1, 3)
        planes = np.diff(planes, axis=1, prepend=np.zeros((len(rows), 1, 3), np.uint8))
        data = tiff_of(
            [zlib.compress(planes.astype(np.uint8).tobytes())],
            **{**tags_of(RGB, bits, 2), "t259": 8},
            t317=3,
            t339=(3,) * 3,
        )
    else:
        data = tiff(fractions, photometric="rgb", **options)
    shows(data, RGB, f"{bits}-bit floating-point values from 0 to 1 scaled to 8-bit")
    with pytest.raises(ImageRefused, match=r"floating-point numbers from 0 to 255, whose white is not defined"):
        take(tiff(GREY.astype(kind)), "x.tif")
    with pytest.raises(ImageRefused, match=r"floating-point numbers, some of them no number or infinite"):
        take(tiff(np.where(GREY > 200, np.nan, 0).astype(kind)), "x.tif")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(GREY.astype(np.complex64)), "this is a TIFF file of complex numbers, which is not read here"),
        (tiff(WIDE, photometric="cielab"), r"of a kind that is not read here \(3 channels of 16 bits, CIE L\*a\*b\*"),
        (
            tiff_of([bytes(99)], **tags_of(GREY, 8, 1) | {"t259": 34712}),
            r"with compression 34712 \(JPEG 2000\), which is not read here",
        ),
        (tiff_of([bytes(99)], **tags_of(GREY, 8, 1) | {"t259": 32809}), r"with compression 32809 \(ThunderScan\)"),
        (tiff_of([bytes(99)], **tags_of(GREY, 16, 1) | {"t259": 34887}), r"with compression 34887 \(LERC\)"),
        (
            tiff_of([bytes(99)], **tags_of(RGB, 8, 2) | {"t258": (5, 6, 5)}),
            "of channels of 5, 6, 5 bits|1 channel|kind that is not",
        ),
    ],
)
def test_whole_files_of_other_kinds_are_not_called_damaged(data, words):
    with pytest.raises(ImageRefused, match=words) as caught:
        take(data, "x.tif")
    assert caught.value.remedy == "save it as PNG and load that"


def test_a_cut_tiff_is_damaged():
    data = tiff(np.moveaxis(WIDE, 2, 0), photometric="rgb", planarconfig="separate")
    for keep in (len(data) // 3, len(data) - 100):
        with pytest.raises(ImageRefused, match="damaged"):
            take(data[:keep], "x.tif")


# ---------------------------------------------------------------- few bits in a 16-bit file


def deep_png(values: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2] if values.ndim == 3 else 1]
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    body = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in body
    )


FILES = {
    "grey png": lambda values: deep_png(values[..., 0]),
    "colour png": deep_png,
    "grey tiff": lambda values: tiff(values[..., 0], byteorder="<"),
    "big-endian grey tiff": lambda values: tiff(values[..., 0], byteorder=">"),
    "colour tiff": lambda values: tiff(values, photometric="rgb", byteorder="<"),
    "big-endian colour tiff": lambda values: tiff(values, photometric="rgb", byteorder=">"),
    "planar tiff": lambda values: tiff(np.moveaxis(values, 2, 0), photometric="rgb", planarconfig="separate"),
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_fewer_bits_are_stretched_by_what_the_file_holds(file, bits):
    values = (RGB.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    expected = RGB if "grey" not in file else GREY
    shows(FILES[file](values), expected, f"{bits}-bit values in a 16-bit file stretched to 8-bit", tolerance=1)


@pytest.mark.parametrize("bits", [9, 11, 12, 13])
def test_fewer_bits_are_stretched_by_what_the_file_says(bits):
    values = (GREY.astype(np.uint32) * (2**bits - 1) // 255 // 4).astype(np.uint16)  # dark, but not for the whole depth
    note = f"{bits}-bit values in a 16-bit file stretched to 8-bit"
    for data in (
        deep_png(values, (b"sBIT", bytes([bits]))),
        tiff(values, extratags=[(281, 3, 1, 2**bits - 1, True)]),
        tiff(values, byteorder=">", extratags=[(341, 3, 1, 2**bits - 1, True)]),
    ):
        shows(data, values >> (bits - 8), note, "very dark")


def test_bits_that_were_scaled_up_are_not_stretched_again():
    twelve = GREY.astype(np.uint32) * 4095 // 255 // 20
    scaled = (twelve << 4).astype(np.uint16)  # as the PNG specification asks for, dark
    picture = read(deep_png(scaled | np.uint16(0), (b"sBIT", b"\x0c")))
    assert picture.notes[0] != "12-bit values in a 16-bit file stretched to 8-bit"
    dark = (GREY // 8).astype(np.uint16) * 257  # 8 bits made 16: truly dark
    picture = read(deep_png(dark))
    np.testing.assert_array_equal(picture.pixels[..., 0], GREY // 8)
    assert picture.notes == ("16-bit values scaled to 8-bit", "very dark")


@pytest.mark.parametrize("bits", [9, 10, 11, 12, 14])
def test_alpha_is_of_the_depth_that_the_file_says(bits):
    white = (1 << bits) - 1
    colours = (WIDE.astype(np.int64) * white // 65535).astype(np.uint16)
    half = np.full((70, 93, 1), white // 4, np.uint16)  # alone, it would pass for white of two bits less
    alpha = np.where(np.arange(93)[None, :, None] < 46, white, half[:, :1]).astype(np.uint16)
    expected = np.asarray(
        Image.alpha_composite(
            Image.new("RGBA", (93, 70), "white"),
            Image.fromarray(np.concatenate([RGB, (alpha >> (bits - 8)).astype(np.uint8)], axis=2)),
        )
    )[..., :3]
    notes = f"{bits}-bit values in a 16-bit file stretched to 8-bit", "transparency laid on white"
    for opacity in (alpha, np.where(alpha == white, 0, alpha)):
        if opacity is not alpha:
            expected = np.where(np.arange(93)[None, :, None] < 46, np.uint8(255), expected)
        data = deep_png(np.concatenate([colours, opacity], axis=2), (b"sBIT", bytes([bits] * 4)))
        shows(data, expected, *notes, tolerance=2)


def test_faint_alpha_without_a_word_is_of_the_depth_of_the_colours():
    faint = np.where(np.arange(93)[None, :, None] < 46, 1000, 0).astype(np.uint16) + np.zeros((70, 1, 1), np.uint16)
    picture = read(deep_png(np.concatenate([WIDE >> 4, faint], axis=2)))
    assert int(picture.pixels.min()) > 180  # a quarter of the colour on white


def test_the_depth_of_the_file_is_told_as_it_is():
    shows(tiff(GREY.astype(np.uint32)), GREY, "8-bit values in a 32-bit file stretched to 8-bit")


def test_alpha_is_stretched_by_its_own_depth_and_a_key_is_compared_before():
    values = (GREY.astype(np.uint32) * 4095 // 255).astype(np.uint16)
    for white in (4095, 65535):
        alpha = np.where(X < 50, white, 0).astype(np.uint16)
        expected = np.where(X < 50, values >> 4, 255)
        note = "12-bit values in a 16-bit file stretched to 8-bit"
        shows(deep_png(np.dstack([values, alpha])), expected, note, "transparency laid on white")
        colours = np.dstack([values, values, values, alpha])
        shows(deep_png(colours), expected, note, "transparency laid on white")
    key = int(values[3, 7])
    data = deep_png(values, (b"tRNS", struct.pack(">H", key)))
    expected = np.where(values == key, 255, values >> 4)
    shows(data, expected, "12-bit values in a 16-bit file stretched to 8-bit", "transparency laid on white")
