"""All that somebody has here, to take away: pictures, sets as folders, runs as JSON, networks, in bounded zips.

    README.txt                                  what is what
    picture/<name>.jpg                          the own picture
    sets/<set>/<class>/<picture>.jpg            a set; below `train` and `test` where some are for testing; frames of
                                                a recording lie in a folder `recording <id>` of their own
    pictures/<digest>.jpg                       pictures that only runs use
    runs/<title> <id>/run.json                  what was asked and found, when, by what; beside it the networks
    links.json                                  the links with which pictures travel
    teaching.json                               lists of views, classes with their students, one's own tasks in others'

A set comes back by giving its folder, or a zip of it, among the pictures.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath

from cnn_core.pictures import bursts, kept
from cnn_core.pictures.albums import Album
from cnn_core.pictures.formats import printable
from cnn_core.store import classes, keys, lessons, shares, visitors
from cnn_core.store.belongings import held
from cnn_core.store.records import RunNotFound
from cnn_core.store.references import Holder
from cnn_core.store.runs import Store

_PART = 100_000_000  # bytes of one zip, which is in memory while it is made; what is larger alone is one alone
_NAME = 80  # characters of a folder's or a file's name
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
_WORDS = """All that you have on this ConvScope server, as of this download.

picture/   the picture that you brought last
sets/      your sets, a folder a class; give a set's folder (or a zip of it) among the pictures to have it back
pictures/  pictures that only runs use, under the digests by which run.json names them
runs/      what each run was asked and has found (run.json), and its networks
links.json the links with which pictures of yours travel
teaching.json  your lists of views, your classes with what students did, and what you did as a student

Where there are several zips, unpack them into one folder.
"""


@dataclass(frozen=True)
class Entry:
    """A file of the zip: its path, about how many bytes it has, and what it is: one of the rest, or an empty folder.

    Attributes:
        path: In the zip; of a picture without its suffix.
        size: In bytes.
        text: Its contents.
        digest: Of a picture.
        key: Of an object of the store.
        run: Id of the run that it tells of.
    """

    path: str
    size: int = 0
    text: str = ""
    digest: str = ""
    key: str = ""
    run: str = ""


@dataclass
class Part:
    """One zip: the entries in it and their bytes."""

    entries: list[Entry] = field(default_factory=list)
    size: int = 0


def parts(store: Store, owner: str, most: int = _PART) -> list[Part]:
    """Return which zips all that an owner has makes.

    Args:
        store: Where it is.
        owner: Whose.
        most: Bytes of one.
    """
    found = [Part()]
    for entry in _entries(store, owner):
        if found[-1].entries and found[-1].size + entry.size > most:
            found.append(Part())
        found[-1].entries.append(entry)
        found[-1].size += entry.size
    return found


def packed(store: Store, part: Part) -> bytes:
    """Return a zip; what was deleted since it was planned is named in `MISSING.txt`."""
    buffer, missing = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w") as archive:  # pictures and networks hardly shrink: stored as they are
        for entry in part.entries:
            try:
                archive.writestr(*_file(store, entry))
            except (FileNotFoundError, RunNotFound):
                missing.append(entry.path)
        if missing:
            archive.writestr("MISSING.txt", "\n".join(["Deleted while this was made:", *missing, ""]))
    return buffer.getvalue()


def _file(store: Store, entry: Entry) -> tuple[str, bytes]:
    if entry.digest:
        data, suffix = kept.file(store, entry.digest)
        return f"{entry.path}.{suffix}", data
    if entry.run:
        about = {k: v for k, v in asdict(store.get(entry.run)).items() if k not in ("owner", "worker", "beat")}
        return entry.path, json.dumps(about, ensure_ascii=False, indent=1).encode()
    return entry.path, store.read(entry.key) if entry.key else entry.text.encode()


def _entries(store: Store, owner: str) -> Iterator[Entry]:
    yield Entry("README.txt", len(_WORDS), text=_WORDS)
    known, mine = visitors.read(store, owner), held(store, owner)
    runs = [each for each in mine if each.kind == keys.RUN]
    sets = [(each, album) for each in known.sets if (album := Album.open(store, owner, each.id))]
    sizes = _sizes(store, mine)
    taken: set[str] = set()
    told: set[str] = set()  # the pictures that are in a set, or are the own one

    def picture(folder: str, name: str, digest: str) -> Iterator[Entry]:
        if digest in sizes:  # what is lost is on no page either
            told.add(digest)
            stem = name.rpartition(".")[0] if PurePosixPath(name).suffix.lower() in _SUFFIXES else name
            yield Entry(_free(f"{folder}/{_plain(stem)}", taken), sizes[digest], digest=digest)

    if known.own:
        yield from picture("picture", known.own.name, known.own.digest)
    for each, album in sets:
        folder = _free(f"sets/{_plain(each.name or album.source)}", taken)
        divided = any(item.part for item in album.items)  # then no class may lie beside the folders of the parts
        for item in album.items:
            part = f"{item.part or 'train'}/" if divided else ""
            recorded = f"/{bursts.folder(item.burst)}" if item.burst else ""  # so that it comes back as a recording
            yield from picture(f"{folder}/{part}{_plain(item.label)}{recorded}", item.name, item.digest)
        yield from (Entry(f"{folder}/{'train/' * divided}{_plain(label)}/") for label in album.empty_classes)
    for run in runs:
        yield from _run(store, run, taken)
    for digest in sorted({digest for run in runs for digest in run.pictures} - told):
        yield from picture("pictures", digest, digest)
    if given := shares.given(store, owner):
        text = json.dumps([asdict(share) for share in given], ensure_ascii=False, indent=1)
        yield Entry("links.json", len(text), text=text)
    if taught := _taught(store, owner):
        text = json.dumps(taught, ensure_ascii=False, indent=1)
        yield Entry("teaching.json", len(text), text=text)


def _taught(store: Store, owner: str) -> dict[str, object]:
    """Return an owner's lists of views, classes and own tasks; nothing where there are none."""
    teaches = [
        asdict(each) | {"students": [asdict(one) for one in classes.students(store, each.token, by=owner)]}
        for each in classes.of(store, owner)
    ]
    attends = [
        {"class": each.title} | asdict(mine)
        for each in classes.attended(store, owner)
        if (mine := classes.student(store, each.token, owner))
    ]
    found = {"lists": [asdict(each) for each in lessons.of(store, owner)], "classes": teaches, "attended": attends}
    return {name: each for name, each in found.items() if each}


def _sizes(store: Store, mine: list[Holder]) -> dict[str, int]:
    """Return the bytes of the coded pixels of every picture that is there."""
    wanted = {digest for each in mine for digest in each.pictures}
    there = store.stored_at([keys.picture(digest, suffix) for digest in wanted for suffix in keys.CODINGS])
    return {picture.name: stored.size for key, stored in there.items() if (picture := keys.owner(key))}


def _run(store: Store, run: Holder, taken: set[str]) -> Iterator[Entry]:
    folder = _free(f"runs/{_plain(run.title)} {run.name}", taken)
    yield Entry(f"{folder}/run.json", run.size, run=run.name)
    for key, stored in sorted(store.stored(keys.run(run.name)).items()):
        name = key.removeprefix(f"{keys.run(run.name)}/")
        if not name.endswith((".partial", ".checkpoint")):  # of no use to anybody but the worker
            yield Entry(f"{folder}/{name}", stored.size, key=key)


def _plain(name: str) -> str:
    """Return a name that any file system takes and shows, and that leads to no other folder.

    Example:
        >>> _plain("../../etc/passwd"), _plain("  a:b|c?. "), _plain("..."), _plain("con")
        ('__.._etc_passwd', 'a_b_c_', '_', 'con_')
    """
    name = re.sub(r'[\\/:*?"<>|\ufffd]', "_", printable(name)).strip()[:_NAME].rstrip(". ")
    name = re.sub(r"^\.+", "_", name)  # else it is hidden, and passed over when it comes back
    reserved = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, re.IGNORECASE)
    return (f"{name}_" if reserved else name) or "_"


def _free(path: str, taken: set[str]) -> str:
    """Return a path that no other entry has, whatever the case of letters; the second of a name gets a number."""
    found, number = path, 2
    while found.casefold() in taken:
        found, number = f"{path} ({number})", number + 1
    taken.add(found.casefold())
    return found
