# ruff: noqa: T201
"""`python -m benchmarks.intake [FOLDER …]`: pictures a second and bytes a picture, against plain Pillow in threads.

Without folders it takes photos that come with scikit-image and scikit-learn, as they are and enlarged to 12 megapixels
as a phone makes them. Plain Pillow does what anybody would write: open, turn upright, RGB, reduce to 1,024 pixels with
`thumbnail` (which decodes large JPEGs at a fraction of their size), a thumbnail of 96 pixels, both written as JPEG; in
as many threads as there are workers. It has no limits, no refusals, no digest and no zip.
"""

import io
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps

from cnn_core.pictures import intake, kept
from cnn_core.pictures.bundled import BUNDLED
from cnn_core.pictures.decoders import Decoders, processors
from cnn_core.pictures.images import MAX_SIDE
from cnn_core.store.runs import Store

COPIES = 60  # of each set, a few bytes apart


def main(folders: Sequence[str]) -> None:
    """Print a table: each set through the intake and through plain Pillow, in turns, the better of three each."""
    with tempfile.TemporaryDirectory() as scratch:
        sets = [Path(folder) for folder in folders] or _photos(Path(scratch))
        print(f"{processors()} processors; the better of three, in turns")
        print(f"{'set':<28}{'files':>7}{'intake':>12}{'Pillow':>12}{'ratio':>8}{'kept':>10}{'file':>10}{'0.1':>10}")
        for folder in sets:
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            ours: list[float] = []
            theirs: list[float] = []
            sizes = []
            with Decoders() as decoders:
                list(intake.from_folder(folder).at_most(2, "to warm up", "no more").lines(decoders))
                for _ in range(3):
                    with _measured(ours):
                        sizes.append(_intake(folder, decoders))
                    with _measured(theirs):
                        _plain(files)
            uploaded = sum(path.stat().st_size for path in files) / len(files)
            ratio = min(theirs) / min(ours)
            print(
                f"{folder.name:<28}{len(files):>7}{len(files) / min(ours):>10.1f}/s{len(files) / min(theirs):>10.1f}/s"
                f"{ratio:>8.2f}{sizes[0] / 1000:>8.0f} kB{uploaded / 1000:>7.0f} kB{_as_png(files) / 1000:>7.0f} kB"
            )


@contextmanager
def _measured(into: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)


def _intake(folder: Path, decoders: Decoders) -> float:
    """Take a folder into a new store; return the bytes a picture, thumbnail and record included."""
    with tempfile.TemporaryDirectory() as place:
        store = Store(place)
        accepted = sum(
            line.accepted
            for line in intake.from_folder(folder).lines(decoders, lambda picture: kept.keep(store, picture))
        )
        store.close()
        objects = (path for path in (Path(place) / "objects").rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in objects) / max(accepted, 1)


def _plain(files: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(processors()) as threads:
        list(threads.map(_plain_one, files, itertools.count(), itertools.repeat(Path(place))))


def _plain_one(path: Path, number: int, place: Path) -> None:
    with Image.open(path) as image:
        if max(image.size) > MAX_SIDE:
            image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.save(place / f"{number}.jpg", quality=95)
    ImageOps.fit(upright, (kept.THUMBNAIL, kept.THUMBNAIL)).save(place / f"{number}.small.jpg", quality=80)


def _as_png(files: Sequence[Path]) -> float:
    """Return the bytes a picture as version 0.1 kept it, of a few of them."""
    sizes = []
    for path in files[:: max(1, len(files) // 20)]:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        upright.save(buffer, "PNG", compress_level=1)
        sizes.append(buffer.tell())
    return sum(sizes) / len(sizes)


def _photos(scratch: Path) -> list[Path]:
    """Write photos as JPEG files: of the size they have, and of a phone's."""
    names = ("chelsea", "coffee", "astronaut", "rocket", "china", "flower")
    for folder, megapixels, copies in (("photos", 0, COPIES), ("phone, 12 MP", 12, COPIES // 5)):
        (scratch / folder / "all").mkdir(parents=True)
        for name in names:
            image = Image.fromarray(BUNDLED[name].load().pixels)
            if megapixels:
                scale = (megapixels * 10**6 / (image.width * image.height)) ** 0.5
                image = image.resize((round(image.width * scale), round(image.height * scale)))
            first = scratch / folder / "all" / f"{name} 0.jpg"
            for copy in range(copies):
                # Other pixels, so that each is kept.
                if megapixels:
                    image.save(first.with_stem(f"{name} {copy}"), quality=80 + copy)
                else:
                    image.rotate(copy / 10).save(first.with_stem(f"{name} {copy}"), quality=90)
    return [scratch / "photos", scratch / "phone, 12 MP"]


if __name__ == "__main__":
    main(sys.argv[1:])
