"""A download reads a picture file as the page does: every mode and format, the same pixels or the same refusal."""

import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin
from transfer_toys import labelled

from cnn_core.networks.backbones import backbone
from cnn_core.pictures.images import ImageRefused, decode, square
from cnn_core.store.runs import Store
from cnn_core.training.transfer import documents
from cnn_core.training.transfer.spec import Experiment

# Loads each file with the script of a download, in a process that knows nothing of the app.
LOADER = """
import importlib.util, json, sys
import numpy as np
assert importlib.util.find_spec("cnn_core") is None, "a download must not need the app"
from predict import Trouble, load
pixels, refused = {}, {}
for path in sys.argv[1:]:
    try:
        pixels[path] = load(path)
    except Trouble as trouble:
        refused[path] = str(trouble)
np.savez("loaded.npz", **pixels)
print(json.dumps(refused))
"""

HEIGHT, WIDTH = 61, 90
COLOURS = np.asarray(
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)).resize((WIDTH, HEIGHT))
)
DEEP = COLOURS.astype(np.uint16) * 256 + COLOURS[::-1, ::-1]  # high bytes, and low bytes of their own
RGB = Image.fromarray(COLOURS)
GREY16 = Image.fromarray(DEEP[..., 0])
RAMP = Image.fromarray(np.linspace(0, 255, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint8))  # an alpha


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def with_alpha(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(RAMP)
    return image


def png(depth: int, colour: int, samples: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of samples `(H, W, channels)`, which Pillow would not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(f">u{depth // 8}").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in body)


def tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def turned(file_format: str, orientation: int) -> bytes:
    if file_format == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[0x0112] = orientation
        return saved(RGB, "TIFF", tiffinfo=tags)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(RGB, file_format, exif=exif)


def frames(file_format: str) -> bytes:
    others = [Image.fromarray(255 - COLOURS), Image.new("RGB", RGB.size, "red")]
    return saved(RGB, file_format, save_all=True, append_images=others)


TWO = Image.fromarray(COLOURS[..., 0] // 128 * 255).convert("P", colors=2)
FILES: dict[str, Callable[[], bytes]] = {
    # one channel
    "1.png": lambda: saved(RGB.convert("1"), "PNG"),
    "1.tif": lambda: saved(RGB.convert("1"), "TIFF"),
    "1.bmp": lambda: saved(RGB.convert("1"), "BMP"),
    "L.png": lambda: saved(RGB.convert("L"), "PNG"),
    "L.jpg": lambda: saved(RGB.convert("L"), "JPEG"),
    "L.tif": lambda: saved(RGB.convert("L"), "TIFF"),
    "L with a transparent grey.png": lambda: saved(RGB.convert("L"), "PNG", transparency=int(COLOURS[3, 3, 0])),
    "LA.png": lambda: saved(with_alpha(RGB.convert("L")), "PNG"),
    "I;16.png": lambda: saved(GREY16, "PNG"),
    "I;16 with a transparent grey.png": lambda: png(16, 0, DEEP[..., :1], (b"tRNS", struct.pack(">H", DEEP[5, 5, 0]))),
    "LA of 16 bits.png": lambda: png(16, 4, DEEP[..., :2]),
    "I;16.tif": lambda: tiff(DEEP[..., 0], byteorder="<"),
    "I;16B.tif": lambda: tiff(DEEP[..., 0], byteorder=">"),
    "I;16 white is zero.tif": lambda: tiff(DEEP[..., 0], photometric="miniswhite"),
    "I within 16 bits.tif": lambda: tiff(DEEP[..., 0].astype(np.int32)),
    "I beyond 16 bits.tif": lambda: tiff(DEEP[..., 0].astype(np.int32) * 70),
    "I negative.tif": lambda: tiff(DEEP[..., 0].astype(np.int32) - 9000),
    "F.tif": lambda: tiff(DEEP[..., 0] / np.float32(65535)),
    # palettes
    "P.png": lambda: saved(RGB.quantize(32), "PNG"),
    "P of 1 bit.png": lambda: saved(TWO, "PNG", bits=1),
    "P of 2 bits.png": lambda: saved(RGB.quantize(4), "PNG", bits=2),
    "P with a transparent colour.png": lambda: saved(RGB.quantize(32), "PNG", transparency=3),
    "P with alphas.png": lambda: saved(RGB.quantize(32), "PNG", transparency=bytes(range(0, 256, 8))),
    "P.tif": lambda: saved(RGB.quantize(32), "TIFF"),
    "P.gif": lambda: saved(RGB.quantize(32), "GIF"),
    "P.bmp": lambda: saved(RGB.quantize(32), "BMP"),
    # colours
    "RGB.png": lambda: saved(RGB, "PNG"),
    "RGB with a transparent colour.png": lambda: saved(RGB, "PNG", transparency=tuple(map(int, COLOURS[9, 9]))),
    "RGB of 16 bits.png": lambda: png(16, 2, DEEP),
    "RGB of 16 bits with a transparent colour.png": lambda: png(
        16, 2, DEEP, (b"tRNS", struct.pack(">HHH", *map(int, DEEP[9, 9])))
    ),
    "RGB.bmp": lambda: saved(RGB, "BMP"),
    "RGB.tif": lambda: saved(RGB, "TIFF", compression="tiff_lzw"),
    "RGB of 16 bits.tif": lambda: tiff(DEEP, photometric="rgb"),
    "RGB of 16 bits in planes.tif": lambda: tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate"),
    "RGB.webp": lambda: saved(RGB, "WEBP"),
    "RGB.avif": lambda: saved(RGB, "AVIF"),
    "YCbCr.jpg": lambda: saved(RGB, "JPEG", quality=90),
    "YCbCr progressive.jpg": lambda: saved(RGB, "JPEG", progressive=True, subsampling=0),
    "YCbCr.tif": lambda: saved(RGB.convert("YCbCr"), "TIFF"),
    "LAB.tif": lambda: saved(Image.merge("LAB", RGB.split()), "TIFF"),
    "CMYK.jpg": lambda: saved(RGB.convert("CMYK"), "JPEG"),
    "CMYK.tif": lambda: saved(RGB.convert("CMYK"), "TIFF"),
    # transparency
    "RGBA.png": lambda: saved(with_alpha(RGB), "PNG"),
    "RGBA of 16 bits.png": lambda: png(16, 6, np.dstack([DEEP, DEEP[..., :1]])),
    "RGBA.tif": lambda: saved(with_alpha(RGB), "TIFF"),
    "RGBA.webp": lambda: saved(with_alpha(RGB), "WEBP", lossless=True),
    "RGBA.avif": lambda: saved(with_alpha(RGB), "AVIF"),
    "RGBA.bmp": lambda: saved(with_alpha(RGB), "BMP"),
    "five channels.tif": lambda: tiff(np.dstack([COLOURS, COLOURS[..., :2]]), photometric="rgb"),
    # several pictures, turned pictures, large ones
    **{f"frames.{kind.lower()}": lambda kind=kind: frames(kind) for kind in ("GIF", "WEBP", "PNG", "TIFF", "MPO")},
    **{
        f"turned {turn}.{kind.lower()}": lambda kind=kind, turn=turn: turned(kind, turn)
        for kind in ("JPEG", "TIFF")
        for turn in range(1, 9)
    },
    "turned 6.webp": lambda: turned("WEBP", 6),
    "large.jpg": lambda: saved(RGB.resize((1503, 1201)), "JPEG"),
    "large and deep.png": lambda: png(16, 0, np.kron(DEEP[..., :1], np.ones((20, 20, 1), np.uint16))),
    # no pictures
    "cut short.jpg": lambda: saved(RGB, "JPEG")[:900],
    "document.png": lambda: b"%PDF-1.7",
    "empty.png": lambda: b"",
    "narrow.png": lambda: saved(RGB.resize((800, 3)), "PNG"),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray], dict[str, str]]:
    """All files through the script: their folder, what was read, and what was refused."""
    folder = tmp_path_factory.mktemp("download")
    store = Store(tmp_path_factory.mktemp("decoding"))
    experiment = Experiment(labelled(cat=5, dog=5))
    run = store.claim(store.create("transfer", experiment.to_json(), title="toys").id, worker="test")
    assert run
    store.finish(run, "done", environment={"keras": "3.15.1", "tensorflow": "2.21.0"})
    for name, text in documents.scripts(store.get(run.id), "frozen", backbone("efficientnet_lite0")).items():
        (folder / name).write_text(text, encoding="utf-8")
    store.close()
    for name, make in FILES.items():
        (folder / name).write_bytes(make())
    done = subprocess.run([sys.executable, "-c", LOADER, *FILES], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with np.load(folder / "loaded.npz") as archive:
        return folder, dict(archive), json.loads(done.stdout)


@pytest.mark.parametrize("name", FILES)
def test_script_sees_what_the_page_sees(name: str, loaded: tuple[Path, dict[str, np.ndarray], dict[str, str]]) -> None:
    folder, pixels, refused = loaded
    record = backbone("efficientnet_lite0")
    try:
        page = square(decode((folder / name).read_bytes(), name).pixels, record.input_size, record.crop_fraction)
    except ImageRefused as refusal:
        assert refused[name] == str(refusal) and name not in pixels
    else:
        assert pixels[name].dtype == np.float32 and np.array_equal(pixels[name], page)


def test_files_are_of_the_modes_that_they_name() -> None:
    modes = {}
    for name, make in FILES.items():
        try:
            with Image.open(io.BytesIO(make())) as image:
                modes[name] = image.mode
        except OSError:
            modes[name] = "none"
    assert set(modes.values()) >= {"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F", "none"}
    assert modes["I;16B.tif"].startswith("I;16") and modes["P with alphas.png"] == "P"


def test_grey_of_16_bits_is_scaled_and_not_clipped(
    loaded: tuple[Path, dict[str, np.ndarray], dict[str, str]],
) -> None:
    _, pixels, _ = loaded
    assert np.array_equal(pixels["I;16.png"][..., 0], pixels["RGB.png"][..., 0]), "the high byte is the red one"
    assert pixels["I;16.png"].std() > 20, "and no white square"
