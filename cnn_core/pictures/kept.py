"""Pictures in the store: what is kept of one, and how it comes back. Their keys begin with the picture's digest.

Beside the coded pixels lies a record: how they are coded, how they are to be turned, what was done to them on the way
in, and a thumbnail. It is written last: a picture without one is not there, or is a PNG of version 0.1.
"""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_core.pictures.coded import lossless
from cnn_core.pictures.images import Picture, Taken, restored, thumbnail
from cnn_core.pictures.items import Item, count
from cnn_core.store import keys
from cnn_core.store.runs import Store

THUMBNAIL = 96  # pixels a side


@dataclass(frozen=True)
class Kept:
    """All that is kept of a picture.

    Attributes:
        digest: Its content (`Picture.digest`).
        name: Of the file that it came in; not kept.
        width, height: Upright, in pixels.
        suffix: Of the coding: "jpg", "png" or "webp".
        orientation: EXIF orientation that makes the coded pixels upright, 1 to 8.
        notes: What was done to them, one phrase each.
        coded: The pixels in that coding, without metadata.
        thumbnail: The middle square, JPEG.
    """

    digest: str
    name: str
    width: int
    height: int
    suffix: str
    orientation: int
    notes: tuple[str, ...]
    coded: bytes
    thumbnail: bytes

    @classmethod
    def of(cls, taken: Taken) -> "Kept":
        """Return what is to be kept of a file that was just decoded."""
        picture = taken.picture
        height, width, _ = picture.pixels.shape
        return cls(
            digest=picture.digest,
            name=picture.name,
            width=width,
            height=height,
            suffix=taken.suffix,
            orientation=taken.orientation,
            notes=picture.notes,
            coded=taken.coded,
            thumbnail=thumbnail(picture.pixels, THUMBNAIL),
        )

    def picture(self) -> Picture:
        """Return its pixels, decoded from what is kept."""
        return Picture(restored(self.coded, self.orientation), self.name, self.notes)


def keep(store: Store, kept: Kept) -> None:
    """Put a picture into the store, once, however often it comes.

    Raises:
        OSError: If the store takes nothing; a picture that is kept in part counts as not kept.
    """
    record_key = keys.picture_record(kept.digest)
    if store.touch(record_key):  # wanted anew: it is not collected before whoever wants it has said so
        return
    record = {name: getattr(kept, name) for name in ("width", "height", "suffix", "orientation", "notes")}
    record["thumbnail"] = base64.b64encode(kept.thumbnail).decode()  # a file more would take as long as a decoding
    store.write(keys.picture(kept.digest, kept.suffix), kept.coded)
    store.write(record_key, json.dumps(record, ensure_ascii=False).encode())


def hold(store: Store, digests: Iterable[str]) -> None:
    """Count pictures as wanted now: they are not collected for an hour (`terms.GRACE`), though nothing names them."""
    for digest in digests:
        store.touch(keys.picture_record(digest))


def lost(store: Store, digests: Collection[str]) -> set[str]:
    """Return which of these pictures are not kept (any more)."""
    there = store.stored_at([key for digest in digests for key in keys.picture_files(digest)])
    kept_ones = {owner.name for key in there if (owner := keys.owner(key))}
    return {digest for digest in digests if digest not in kept_ones}


def pixels(store: Store, digest: str) -> np.ndarray:
    """Return a kept picture, upright, uint8 `(H, W, 3)`.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = record(store, digest)
    return restored(store.read(keys.picture(digest, found["suffix"])), found["orientation"])


def notes(store: Store, digest: str) -> tuple[str, ...]:
    """Return what was done to a picture on its way in; nothing is known of those of version 0.1."""
    return tuple(record(store, digest)["notes"])


def remarks(store: Store, items: Iterable[Item]) -> list[str]:
    """Return what was done to the pictures of a set on their way in, and what is odd about them, in sentences.

    For example "12 pictures: scaled down from 4032 x 3024 to 1024 x 768 pixels, or alike (IMG_0001.jpg first)."
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)  # the note without its numbers -> digest -> name
    words: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for note in notes(store, item.digest):
            kind = re.sub(r"\d+", "…", note)
            found[kind].setdefault(item.digest, item.name)
            words[kind].add(note)
    return [
        f"{count(len(names), 'picture')}: {min(words[kind])}{', or alike' if len(words[kind]) > 1 else ''} "
        f"({next(iter(names.values()))}{' first' if len(names) > 1 else ''})."
        for kind, names in found.items()
    ]


def small(store: Store, digest: str) -> bytes:
    """Return a kept picture's thumbnail, JPEG."""
    found = record(store, digest).get("thumbnail")
    return base64.b64decode(found) if found else thumbnail(pixels(store, digest), THUMBNAIL)  # none in version 0.1


def file(store: Store, digest: str) -> tuple[bytes, str]:
    """Return a kept picture as a file that shows it upright, and its suffix."""
    found = record(store, digest)
    coded = store.read(keys.picture(digest, found["suffix"]))
    if found["orientation"] == 1:
        return coded, found["suffix"]
    return lossless(restored(coded, found["orientation"]))


def record(store: Store, digest: str) -> dict[str, Any]:
    """Return how a picture is kept; a picture of version 0.1 is an upright PNG of which nothing was written down."""
    try:
        found: dict[str, Any] = json.loads(store.read(keys.picture_record(digest)))
        return found
    except FileNotFoundError:
        return {"suffix": "png", "orientation": 1, "notes": []}
