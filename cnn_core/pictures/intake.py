"""From what people have (a folder, a zip, some files) to pictures in the store, or a sentence for each that is not.

    intake = from_folder(Path("pets"))
    for line in intake.lines(decoders, keep):     one for every file met, taken or not
        ...
    print(intake.summary.words())                 212 added, 3 skipped

Every page and every command takes pictures in this way, so that the same tree has the same classes everywhere.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

from cnn_core.pictures import folders, trees
from cnn_core.pictures.bursts import burst_of
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.images import FileRefused, ImageRefused
from cnn_core.pictures.items import Item, count
from cnn_core.pictures.kept import Kept
from cnn_core.pictures.trees import Found, Placed


class NotKept(Exception):
    """The store took a picture no more: its disk is full, it is away."""


class Origin(TypedDict, total=False):
    """Where the bytes of a file are, as `Decoders.take` wants it."""

    data: bytes
    path: Path
    member: Any


@dataclass(frozen=True)
class Line:
    """What became of one file.

    Attributes:
        file: Its path below what was given.
        label: Its class, empty if it has none.
        part: `train`, `validation` or `test` where a folder says so, else empty.
        accepted: It is a picture of the set now.
        notes: What was done to its pixels.
        reason: Why it is not taken, or is passed over.
        remedy: What to do about it; empty if it is passed over.
        digest: Of its pixels, if it was accepted.
        burst: The recording that it is a frame of; empty if of none.
    """

    file: str
    label: str = ""
    part: str = ""
    accepted: bool = False
    notes: tuple[str, ...] = ()
    reason: str = ""
    remedy: str = ""
    digest: str = ""
    burst: str = ""

    @property
    def passed_over(self) -> bool:
        """True for what a system left and for what is plainly no picture: nobody meant it to be taken."""
        return not self.accepted and not self.remedy

    @property
    def item(self) -> Item:
        """The labelled picture, of an accepted file."""
        return Item(self.digest, self.label, self.file.rpartition("/")[2], self.part, self.burst)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; the recording only where there is one.

        Example:
            >>> Line("pets/cats/1.jpg", "cats", accepted=True, digest="3fa9").to_json()["label"]
            'cats'
        """
        found = {name: value for name, value in vars(self).items() if name != "digest"} | {"notes": list(self.notes)}
        return found if self.burst else {name: value for name, value in found.items() if name != "burst"}

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}" + (f"; {self.remedy}." if self.remedy else ".")


@dataclass
class Summary:
    """The lines, counted.

    Attributes:
        accepted, refused, passed_over: Files.
        labels: Accepted files of each class; a class without any has 0.
    """

    accepted: int = 0
    refused: int = 0
    passed_over: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line) -> None:
        """Count a line."""
        if line.accepted:
            self.accepted += 1
            self.labels[line.label] += 1
        elif line.passed_over:
            self.passed_over += 1
        else:
            self.refused += 1

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"summary": vars(self) | {"labels": dict(sorted(self.labels.items()))}}

    def words(self, known: int = 0, taken: str = "added") -> str:
        """Return what every page and command says at the end.

        Args:
            known: Accepted pictures that were there already.
            taken: What is done with the others; `intake` on the command line keeps none.

        Example:
            >>> Summary(accepted=212, refused=3).words(), Summary(accepted=2, passed_over=1).words(known=1)
            ('212 added, 3 skipped', '1 added, 1 there already, 1 other file passed over')
        """
        parts = [f"{self.accepted - known:,} {taken}"]
        if known:
            parts.append(f"{known:,} there already")
        if self.refused:
            parts.append(f"{self.refused:,} skipped")
        if self.passed_over:
            parts.append(f"{count(self.passed_over, 'other file')} passed over")
        return ", ".join(parts)


class Intake:
    """Files with their classes, ready to be decoded.

    Args:
        files: From `trees.place`, or made by hand.
        origin: Where a file's bytes are.
        labels: All classes, those without a picture too.
        notes: Sentences about the whole.
        burst: The recording that all files are frames of; by default what a file's folder names.

    Attributes:
        summary: Grows while `lines` is read.
    """

    def __init__(
        self,
        files: Sequence[Placed],
        origin: Callable[[Found], Origin],
        labels: Sequence[str] = (),
        notes: Sequence[str] = (),
        burst: str = "",
    ) -> None:
        self.files, self.notes, self.origin, self.burst = files, tuple(notes), origin, burst
        self.summary = Summary(labels=Counter(dict.fromkeys(labels, 0)))

    def lines(self, decoders: Decoders, keep: Callable[[Kept], None] = lambda kept: None) -> Iterator[Line]:
        """Decode all files, several at once, and yield what became of each, in their order.

        Args:
            decoders: Where it happens.
            keep: Puts a picture into the store before the next is held.

        Raises:
            NotKept: If the store fails; `summary` says how many it had taken.
        """

        def become(placed: Placed) -> Line:
            at, named = placed.name, Line(placed.name, placed.label, placed.part)
            if placed.passed_over:
                return Line(at, reason=placed.passed_over)
            try:
                if placed.refusal:
                    raise placed.refusal
                kept = decoders.take(at, **self.origin(placed.found))
            except ImageRefused as refusal:
                return Line(at, placed.label, placed.part, reason=refusal.reason, remedy=refusal.remedy)
            try:
                keep(kept)
            except OSError as error:
                raise NotKept(f"The server could not keep the pictures ({error.strerror or error})") from error
            burst = self.burst or burst_of(at)
            return replace(named, accepted=True, notes=kept.notes, digest=kept.digest, burst=burst)

        with ThreadPoolExecutor(decoders.workers, thread_name_prefix="intake") as threads:
            waiting: deque[Future[Line]] = deque()
            try:
                for placed in self.files:
                    waiting.append(threads.submit(become, placed))
                    if len(waiting) > 2 * decoders.workers:
                        yield self._counted(waiting.popleft().result())
                while waiting:
                    yield self._counted(waiting.popleft().result())
            finally:
                for future in waiting:
                    future.cancel()

    def at_most(self, number: int, reason: str, remedy: str) -> "Intake":
        """Return the same, with only so many files to be read; the others are refused for this reason."""
        files, left = [], number
        for placed in self.files:
            if not placed.passed_over and not placed.refusal:
                left -= 1
                if left < 0:
                    placed = replace(placed, refusal=ImageRefused(placed.name, reason, remedy))
            files.append(placed)
        return Intake(files, self.origin, list(self.summary.labels), self.notes, self.burst)

    def _counted(self, line: Line) -> Line:
        self.summary.add(line)
        return line


def from_path(path: Path, decoders: Decoders) -> Intake:
    """Take in a folder, a zip or a picture of this machine.

    Raises:
        FileNotFoundError: If there is nothing.
        ArchiveRefused: If it is a zip that is not taken at all.
    """
    if path.is_dir():
        return from_folder(path)
    if is_zip(path):
        return from_zip(path, path.name, decoders)
    return from_files([(path.name, lambda: {"path": path})])


def is_zip(path: Path) -> bool:
    """Tell whether a file is called a zip or begins as one."""
    with path.open("rb") as file:
        return path.suffix.lower() == ".zip" or file.read(4) in (b"PK\3\4", b"PK\5\6")


def from_folder(folder: Path) -> Intake:
    """Take in a folder of this machine."""
    tree = trees.place(*folders.walk(folder))
    return Intake(tree.files, lambda file: {"path": file.where}, tree.labels, tree.notes)


def from_zip(path: Path, name: str, decoders: Decoders) -> Intake:
    """Take in a zip file of this machine; a worker reads its table of contents.

    Raises:
        ArchiveRefused: If it is not taken at all.
    """
    tree = decoders.tree(path, name)
    return Intake(tree.files, lambda file: {"path": path, "member": file.where}, tree.labels, tree.notes)


def from_upload(files: Sequence[tuple[str, int, Callable[[], bytes]]]) -> Intake:
    """Take in an uploaded folder: relative path, size and bytes of each file."""
    tree = trees.place([Found(path, size, data) for path, size, data in files])
    return Intake(tree.files, lambda file: {"data": file.where()}, tree.labels, tree.notes)


def from_files(files: Sequence[tuple[str, Callable[[], Origin]]], label: str = "", burst: str = "") -> Intake:
    """Take in files one by one, all of one class, or the frames of a recording."""
    placed = [Placed(Found(name, 0, origin), label, "", "", None) for name, origin in files]
    return Intake(placed, lambda file: file.where(), [label] if label else [], burst=burst)


def refused(refusal: FileRefused) -> Line:
    """Return the line of what is refused as a whole."""
    return Line(refusal.name, reason=refusal.reason, remedy=refusal.remedy)
