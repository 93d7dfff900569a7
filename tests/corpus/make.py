"""Write the corpus anew: `python -m tests.corpus.make`. Each file was once a fault, or stands at an edge.

`EXPECTED` says of each what becomes of it: an empty text where it is taken, else words of the refusal.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
EXPECTED = {
    "pictures": {
        "16-bit.png": "",
        "16-bit-colour.png": "",
        "16-bit.tif": "",
        "animated.gif": "",
        "bomb.bmp": "megapixels",
        "bomb.gif": "megapixels",
        "bomb.png": "megapixels",
        "chunk-of-4-gb.png": "cut short",
        "cmyk.jpg": "",
        "damaged-exif.jpg": "",
        "empty.jpg": "empty",
        "extreme.png": "a side more than 50 times the other",
        "fails-in-the-middle.png": "damaged",
        "float.tif": "",
        "loop-of-pages.tif": "",
        "one-bit.png": "",
        "one-pixel.png": "",
        "orientation-3.jpg": "",
        "orientation-6.jpg": "",
        "orientation-8.jpg": "",
        "orientation-99.jpg": "",
        "page.html.png": "a web page",
        "palette-transparent.gif": "",
        "palette-transparent.png": "",
        "progressive.jpg": "",
        "transparent.webp": "",
        "truncated.jpg": "cut short",
        "truncated.png": "cut short",
        "truncated.tif": "damaged",
        "truncated.webp": "damaged",
        "zip.jpg": "a zip archive",
    },
    "zips": {
        "absolute.zip": "outside the archive",
        "bomb.zip": "as a zip bomb does",
        "comment.zip": "no files",
        "directory-only.zip": "no files",
        "duplicate.zip": "twice",
        "encrypted.zip": "encrypted",
        "hostile-names.zip": "",
        "link.zip": "a link",
        "long-name.zip": "",
        "lying-size.zip": "declares",
        "nested-4.zip": "more than 3 deep",
        "no-zip.zip": "not a zip archive",
        "overlapping.zip": "overlap",
        "traversal.zip": "outside the archive",
        "truncated.zip": "damaged or cut short",
    },
    "models": {
        "brackets.json": "levels deep",
        "chain.json": "at most 200",
        "code.json": "Python code",
        "convolutions.json": "",
        "half-a-character.json": "no class",
        "huge.json": "parameters",
        "infinite.json": "",
        "keras2.json": "",
        "negative.json": "cannot",
        "no-json.json": "not JSON",
        "recurrent.json": "",
        "vocabulary.json": "no class",
    },
    "bundles": {
        "another-picture.zip": "another than it was",
        "damaged-picture.zip": "is damaged",
        "escaping.zip": "content of no picture",
        "hostile-class.zip": "cannot be shown",
        "long-source.zip": "which is no text",
        "no-json.zip": "is damaged",
        "no-text.zip": "is not what ConvScope writes there",
        "no-numbers.zip": "expected",
        "no-pictures.zip": "lacks",
        "whole.zip": "",
    },
}


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def picture(seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """A soft pattern."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode)


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *between: tuple[bytes, bytes]) -> bytes:
    """A PNG of any header, by its specification (W3C 2003)."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *between, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def pictures() -> Iterator[tuple[str, bytes]]:
    """Files that somebody may call a picture."""
    plain, wide = picture(), np.arange(24 * 16, dtype=np.uint16).reshape(16, 24) * 170
    yield "16-bit.png", encoded(Image.fromarray(wide), "PNG")
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.repeat(wide, 3, axis=1))
    yield "16-bit-colour.png", png(24, 16, 16, 2, rows)
    yield "16-bit.tif", encoded(Image.fromarray(wide), "TIFF")
    blank = Image.new("RGB", (24, 16), "white")
    yield "animated.gif", encoded(blank, "GIF", save_all=True, append_images=[plain, blank])
    bmp = encoded(plain, "BMP")
    yield "bomb.bmp", bmp[:18] + struct.pack("<ii", 60_000, 60_000) + bmp[26:]
    gif = encoded(plain, "GIF")
    yield "bomb.gif", gif[:6] + struct.pack("<HH", 65_535, 65_535) + gif[10:]
    yield "bomb.png", png(30_000, 30_000, 1, 0, bytes(100_000))
    whole = encoded(plain, "PNG")
    at = whole.index(b"IDAT")
    yield "chunk-of-4-gb.png", whole[: at - 4] + b"\xff\xff\xff\xff" + whole[at:]
    yield "cmyk.jpg", encoded(plain.convert("CMYK"), "JPEG")
    jpeg = encoded(plain, "JPEG", quality=90)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40
    yield "damaged-exif.jpg", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    yield "empty.jpg", b""
    yield "extreme.png", encoded(Image.new("RGB", (5000, 1)), "PNG")
    yield "fails-in-the-middle.png", whole[: at + 20] + b"\0" * 20 + whole[at + 40 :]
    yield "float.tif", encoded(Image.fromarray(np.linspace(0, 1, 384, dtype=np.float32).reshape(16, 24)), "TIFF")
    tiff = encoded(plain, "TIFF")
    (first,) = struct.unpack("<I", tiff[4:8])
    after = first + 2 + 12 * struct.unpack("<H", tiff[first : first + 2])[0]
    yield "loop-of-pages.tif", tiff[:after] + tiff[4:8] + tiff[after + 4 :]
    yield "one-bit.png", encoded(plain.convert("1"), "PNG")
    yield "one-pixel.png", encoded(Image.new("RGB", (1, 1), "teal"), "PNG")
    for orientation in (3, 6, 8, 99):
        tags = Image.Exif()
        tags[0x0112] = orientation
        yield f"orientation-{orientation}.jpg", encoded(plain, "JPEG", exif=tags)
    yield "page.html.png", b"<!DOCTYPE html><html><body><img src='cat.png'></body></html>"
    palette = plain.convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    yield "palette-transparent.gif", encoded(palette, "GIF", transparency=3)
    yield "palette-transparent.png", encoded(palette, "PNG", transparency=bytes(range(0, 256, 32)))
    yield "progressive.jpg", encoded(plain, "JPEG", progressive=True)
    faint = plain.copy()
    faint.putalpha(ImageOps.invert(plain.convert("L")))
    yield "transparent.webp", encoded(faint, "WEBP")
    webp = encoded(plain, "WEBP")
    yield "truncated.jpg", jpeg[: len(jpeg) * 2 // 3]
    yield "truncated.png", whole[: len(whole) * 2 // 3]
    yield "truncated.tif", tiff[: len(tiff) * 2 // 3]
    yield "truncated.webp", webp[: len(webp) * 2 // 3]
    yield "zip.jpg", zipped([("cats/1.jpg", jpeg)])


def zipped(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip whose bytes are the same each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def by_hand(name: bytes, data: bytes, *, size: int | None = None, flags: int = 0, attributes: int = 0) -> bytes:
    """A zip of one stored entry (APPNOTE 4.3) with fields that lie."""
    size = len(data) if size is None else size
    fields = struct.pack("<HHHHHIII", 20, flags, 0, 0, 0x21, zlib.crc32(data), len(data), size)
    local = b"PK\3\4" + fields + struct.pack("<HH", len(name), 0) + name + data
    central = b"PK\1\2\x14\x03" + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, attributes, 0) + name
    return local + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def zips() -> Iterator[tuple[str, bytes]]:
    """Archives of pictures."""
    cat, dog = encoded(picture(1), "PNG"), encoded(picture(2), "PNG")
    both = zipped([("pets/cats/1.png", cat), ("pets/dogs/2.png", dog)])
    yield "absolute.zip", zipped([("/etc/cats/1.png", cat)])
    yield "bomb.zip", zipped([("pets/cats/1.png", bytes(10**7)), ("pets/dogs/2.png", dog)])
    yield "comment.zip", both[:-2] + struct.pack("<H", 22) + b"PK\5\6" + bytes(18)
    yield "directory-only.zip", zipped([("pets/", b""), ("pets/cats/", b"")])
    yield "duplicate.zip", _with_duplicate(cat, dog)
    yield "encrypted.zip", by_hand(b"cats/1.png", cat, flags=1)
    hostile = ["=HYPERLINK(1)", "<b>bold<b>", "a|b", "\u202egpj", "$x^2$", "CON", "nul ", "猫", "a\tb"]
    yield "hostile-names.zip", zipped([(f"pets/{name}/{index}.png", cat) for index, name in enumerate(hostile)])
    yield "link.zip", by_hand(b"cats/1.png", b"/etc/passwd", attributes=0xA1FF << 16)
    yield "long-name.zip", zipped([("pets/cats/" + "x" * 30_000 + ".png", cat), ("pets/dogs/2.png", dog)])
    yield "lying-size.zip", by_hand(b"cats/1.png", cat, size=len(cat) - 9)
    nested = zipped([("cats/1.png", cat)])
    for depth in range(4):
        nested = zipped([(f"{depth}.zip", nested)])
    yield "nested-4.zip", nested
    yield "no-zip.zip", b"%PDF-1.7\n"
    yield "overlapping.zip", _overlapping(cat)
    yield "traversal.zip", zipped([("../../../cats/1.png", cat), ("cats\\..\\..\\2.png", cat)])
    yield "truncated.zip", both[: len(both) - 30]


def _with_duplicate(cat: bytes, dog: bytes) -> bytes:
    return zipped([("pets/cats/1.png", cat), ("pets/cats/2.png", dog)]).replace(b"cats/2.png", b"cats/1.png")


def _overlapping(data: bytes) -> bytes:
    """Two lines of the table of contents for one entry, as in a bomb that needs no nesting (Fifield 2019)."""
    once = by_hand(b"cats/1.png", data)
    at, end = once.index(b"PK\1\2"), once.rindex(b"PK\5\6")
    line = once[at:end]
    twice = line + line.replace(b"1.png", b"2.png")
    return once[:at] + twice + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(twice), at, 0)


def _layer(kind: str, **config: object) -> dict[str, object]:
    return {"module": "keras.layers", "class_name": kind, "config": config}


def _model(*layers: object) -> bytes:
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}).encode()


def models() -> Iterator[tuple[str, bytes]]:
    """Texts of architectures."""
    image = _layer("InputLayer", batch_shape=[None, 32, 32, 3])
    row = _layer("InputLayer", batch_shape=[None, 10])
    convolution = _layer("Conv2D", filters=8, kernel_size=3, padding="same")
    yield "brackets.json", b"[" * 20_000
    yield "chain.json", _model(image, *[_layer("ReLU")] * 300)
    yield "code.json", _model(row, _layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "4w"}}))
    pool = _layer("MaxPooling2D", pool_size=2)
    rest = (_layer("BatchNormalization"), pool, _layer("Flatten"), _layer("Dense", units=10, activation="softmax"))
    yield "convolutions.json", _model(image, convolution, *rest)
    yield "half-a-character.json", b'{"class_name": "\\ud800", "config": {}}'
    million = _layer("InputLayer", batch_shape=[None, 10**6])
    yield "huge.json", _model(million, _layer("Dense", units=10**7))
    yield "infinite.json", _model(row, _layer("Dropout", rate=0.5), _layer("LeakyReLU", negative_slope=float("inf")))
    old = {"class_name": "Dense", "config": {"name": "d", "units": 4, "batch_input_shape": [None, 3]}}
    config = {"name": "old", "layers": [old]}
    yield "keras2.json", json.dumps({"class_name": "Sequential", "config": config, "keras_version": "2.4.0"}).encode()
    yield "negative.json", _model(image, _layer("Conv2D", filters=-1, kernel_size=0))
    yield "no-json.json", b"model = keras.Sequential()"
    words = _layer("InputLayer", batch_shape=[None, 20])
    recurrent = (_layer("Embedding", input_dim=100, output_dim=8), _layer("GRU", units=4), _layer("Dense", units=2))
    yield "recurrent.json", _model(words, *recurrent)
    yield "vocabulary.json", _model(row, _layer("StringLookup", vocabulary="/etc/passwd"))


def bundles() -> Iterator[tuple[str, bytes]]:
    """Zips that call themselves a trained network's; what of them comes back are settings and pictures."""
    from cnn_core.pictures.images import take

    files = {f"{index}.png": encoded(picture(10 + index), "PNG") for index in range(12)}
    taken = {name: take(data, name) for name, data in files.items()}
    digests = {name: each.picture.digest for name, each in taken.items()}
    items = [[digest, ("moss", "bark")[index % 2], name, ""] for index, (name, digest) in enumerate(digests.items())]
    settings = {"source": "corpus", "items": items, "options": {"epochs": 3}}
    kept = [(f"pictures/{digests[name]}.{each.suffix}", each.coded) for name, each in taken.items()]

    def bundle(changed: object = settings, pictures: list[tuple[str, bytes]] = kept) -> bytes:
        text = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return zipped([("settings/experiment.json", text), *pictures], zipfile.ZIP_STORED)

    first, second, *others = kept
    yield "another-picture.zip", bundle(pictures=[(first[0], second[1]), second, *others])
    yield "damaged-picture.zip", bundle(pictures=[(first[0], first[1][:60]), second, *others])
    yield "escaping.zip", bundle(settings | {"items": [["../../secret", *item[1:]] for item in items]})
    yield "hostile-class.zip", bundle(settings | {"items": [[item[0], "a\u202eb", *item[2:]] for item in items]})
    yield "long-source.zip", bundle(settings | {"source": ["x" * 5000]})
    yield "no-json.zip", bundle(b'{"source": NaN, "items": [' + b"[" * 20_000)
    yield "no-text.zip", bundle(b"\0\0\0\0" + json.dumps(settings).encode())
    yield "no-numbers.zip", bundle(settings | {"options": {"epochs": "1e999", "seed": None}})
    yield "no-pictures.zip", bundle(pictures=[])
    yield "whole.zip", bundle()


KINDS = {"pictures": pictures, "zips": zips, "models": models, "bundles": bundles}


def main() -> None:
    """Write all of them."""
    for kind, made in KINDS.items():
        folder = HERE / kind
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, data in made():
            (folder / name).write_bytes(data)
        print(f"{kind}: {len(list(folder.iterdir()))} files, {sum(f.stat().st_size for f in folder.iterdir()):,} bytes")


if __name__ == "__main__":
    main()
