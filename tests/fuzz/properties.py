"""What holds for whatever a stranger sends: an end within the limits, a result or one sentence, nothing beside.

Each property takes bytes or text and returns what became of it: an empty text where it was taken, else the refusal.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cnn_core.networks.blueprints import Blueprint, BlueprintRefused, read_architecture
from cnn_core.pictures import intake, kept, limits
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.formats import FileRefused
from cnn_core.pictures.images import ImageRefused, restored
from cnn_core.pictures.items import SpecRefused
from cnn_core.pictures.picture import MAX_SIDE, Picture
from cnn_core.store.runs import Store
from cnn_core.training.transfer.export import BundleRefused, read_bundle
from cnn_core.training.transfer.spec import Experiment
from tests.waiting import promised

ROOT = Path(__file__).resolve().parents[2]
READING = 60.0  # seconds for a model's text: ui/channels/own_model.PATIENCE
LONGEST = 1000  # characters of a sentence: a name of 200 and what is wrong with it
_INNER = re.compile(  # what is of the server or of Python, and helps nobody who reads it
    "|".join(map(re.escape, {str(ROOT), sys.prefix, sys.base_prefix, tempfile.gettempdir()}))
    + r"|site-packages|Traceback|\.py\b|0x[0-9a-f]{6}|object at|brought the decoder down|seconds to decode"
    r"|has no attribute|indices must be|unhashable|codec can't|NoneType"
)


def sentence(text: str) -> str:
    """Return a refusal, if it is one sentence that may be shown."""
    assert text.strip() and text.endswith(".") and len(text) <= LONGEST, text
    assert text.isprintable() or not set(text) & set("\n\r\0\x1b\u202e"), text
    assert not (inner := _INNER.search(text)), f"{inner}: {text}"
    text.encode()
    return text


@contextmanager
def nothing_beside(room: Path) -> Iterator[None]:
    """Hold that nothing is written into a folder or left among temporary files, whatever names say."""
    before = {*room.rglob("*")}
    yield
    assert {*room.rglob("*")} == before


def a_picture(data: bytes, decoders: Decoders, name: str = "cat.jpg") -> str:
    """A file is a picture that is kept to the bit, or is refused; the worker that decodes it stays within limits."""
    began = time.monotonic()
    try:
        taken = decoders.take(name, data=data)
    except ImageRefused as refusal:
        took = time.monotonic() - began - limits.DECODING_SECONDS
        assert took < 2 or took < promised(2)
        return sentence(str(refusal))
    assert min(taken.width, taken.height) >= 1 and max(taken.width, taken.height) <= MAX_SIDE
    pixels = restored(taken.coded, taken.orientation)
    assert pixels.shape == (taken.height, taken.width, 3) and pixels.dtype == np.uint8
    assert Picture(pixels, "again").digest == taken.digest
    for secret in (b"Exif", b"tEXt", b"http://ns.adobe.com"):
        assert secret not in taken.coded[:4096], "metadata are cut away"
    return ""


def a_zip(data: bytes, decoders: Decoders, store: Store, room: Path) -> str:
    """A zip is read file by file; each line says what became of it, and no name leads outside."""
    path = room / "in" / "upload.zip"
    path.write_bytes(data)
    told = []
    with nothing_beside(room):
        try:
            taken = intake.from_zip(path, "pets.zip", decoders)
            for line in taken.lines(decoders, lambda picture: kept.keep(store, picture)):
                assert line.accepted == bool(line.digest) == (not line.reason)
                assert len(line.label) <= limits.LABEL_CHARACTERS and line.label.isprintable()
                if line.remedy:
                    told.append(sentence(f"{line.reason}; {line.remedy}."))
        except FileRefused as refusal:
            return sentence(str(refusal))
    assert sum(taken.summary.labels.values()) <= limits.ZIP_ENTRIES
    return " ".join(told)


def a_model(text: str) -> str:
    """A text is a table of layers, or is refused before it costs much."""
    began = time.monotonic()
    try:
        found = read_architecture(text)
    except BlueprintRefused as refusal:
        return sentence(str(refusal))
    finally:
        assert time.monotonic() - began < READING
    assert isinstance(found, Blueprint) and found.rows
    assert found.params == sum(row["params"] for row in found.rows) >= found.trainable_params >= 0
    return ""


def a_bundle(data: bytes, decoders: Decoders, store: Store, room: Path) -> str:
    """A zip that calls itself a trained network's gives settings within their bounds, or a refusal."""
    path = room / "in" / "upload.zip"
    path.write_bytes(data)
    with nothing_beside(room):
        try:
            taken = intake.from_zip(path, "mine.zip", decoders)
            found = read_bundle(taken, "mine.zip", store, decoders)
        except (FileRefused, BundleRefused, SpecRefused) as refusal:
            return sentence(str(refusal))
    assert Experiment.from_json(found.to_json()) == found
    assert all(kept.pixels(store, item.digest).size for item in found.items)
    return ""
