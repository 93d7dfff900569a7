"""One rule that turns the files of a folder, an uploaded directory or a zip into classes and parts.

A picture's class is the first folder below the root that a person named as a class; whatever lies deeper belongs to it.
Only names and the shape of the tree are looked at. What that means where a tree can be read in more than one way:

* **Wrappers** are taken off: folders that hold nothing but one folder (`pets/cats/…`, the inner folder of a zip).
  Where a single folder holds all pictures it is the class, the deepest that has a name of its own. So one more
  folder round a tree changes no class, and loose pictures beside it do not either.
* **Sessions** (`DCIM`, dates, `second_day`, a `recording` of this app's) and **containers** (`images`, `jpg`, `data`)
  are never classes while a better name stands above or below. `photos`, `originals`, `raw`, `camera` are containers
  too, unless they hold pictures beside a class (`photos` and `drawings`). `batch 1`, `fold_2` and years are containers
  where they hold folders only, else classes. Other plain numbers are classes. What holds the same class folders as a
  container beside it is one too (`raw/cats`, `edited/cats`); apps' folders (`WhatsApp`) are no classes round their own.
* A tree without any folder inside is one class, of the name of the folder; without a name (the files of a zip that lie
  in no folder, or in camera folders only) they are refused. A name that a camera made is never a class.
* **Parts**: `train` beside `test` or `validation` (also `training`, `val`, `valid`, `dev`, `testing`, `eval`,
  `seg_train` beside `seg_test`) are parts if they hold folders, or nothing else lies beside them. What lies beside
  parts of class folders is refused. `train` alone is a wrapper or a class, as any other name. `cats_train` beside
  `dogs_train` and `cats_test` is both, a class and its part.
* **Empty folders** beside classes are classes without pictures, those of other purposes (`annotations`) apart.
* Names in NFC and NFD are one class; of names that differ in what cannot be shown only, the second's are refused.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cnn_core.pictures.class_parts import Folders, splitter
from cnn_core.pictures.clutter import OTHER_THINGS, left_by, other_kind
from cnn_core.pictures.images import ImageRefused, printable
from cnn_core.pictures.limits import LABEL_CHARACTERS
from cnn_core.pictures.naming import (
    alike,
    ill_named,
    is_app,
    is_batch,
    is_keepsake,
    is_own,
    is_session,
    may_be_empty_class,
    named,
    part_of,
    shown,
    taken_together,
)

FOLDERS_DEEP = 100  # a path that goes deeper is refused; what people have is never as deep
_TO_CLASS_FOLDER = "put it into a folder named after its class"
OUTSIDE = "this name points outside the archive"


@dataclass(frozen=True)
class Found:
    """A file met in a listing.

    Args:
        path: With forward slashes, relative; begins with the given folder's own name where there is one. As it was
            met: it may hold characters that are not to be shown (see `Placed.name`).
        size: Bytes, unpacked.
        where: How to get its bytes: a `Path`, or an `archives.Member`.
        refusal: Why it is not taken, if the listing alone tells.
    """

    path: str
    size: int
    where: Any = None
    refusal: ImageRefused | None = None


@dataclass(frozen=True)
class Placed:
    """A file and what it is in its tree.

    Args:
        found: The file.
        label: Its class; empty if it has none.
        part: "", "train", "validation" or "test".
        passed_over: Why it is no business of ours, as a phrase; empty if it is to be read.
        refusal: Why a file that may have been meant as a picture is not taken.
    """

    found: Found
    label: str = ""
    part: str = ""
    passed_over: str = ""
    refusal: ImageRefused | None = None

    @property
    def name(self) -> str:
        """Return its path as it may be shown: without control, direction and broken characters."""
        return printable(self.found.path) or "(no name)"


@dataclass(frozen=True)
class Tree:
    """What a listing holds: every file met, in order of path; nothing disappears.

    Args:
        files: All files.
        labels: All classes, sorted, those without a picture too.
        notes: Sentences about the whole.
    """

    files: tuple[Placed, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _File:
    """A file that may be a picture, on its way to a class."""

    found: Found
    dirs: Folders
    refusal: ImageRefused | None
    part: str = ""
    name: str = ""  # of its class folder
    below: Sequence[str] = ()  # the folders inside that one, on the way to it
    stray: bool = False  # lies beside the parts of a set


@dataclass
class _Folder:
    """A folder of pictures, with the parts taken out."""

    direct: bool = False  # holds pictures itself
    below: dict[str, "_Folder"] = field(default_factory=dict)


def place(found: Sequence[Found], folders: Sequence[str] = ()) -> Tree:
    """Give every file of a listing its class and part, or the reason why it has none.

    Args:
        found: The files, in any order; the result does not depend on it.
        folders: The folders that were met, for classes without a picture; those of files need not be named.

    Returns:
        The files in order of their paths, the classes, and notes.

    Example:
        >>> tree = place([Found("pets/cats/100APPLE/1.jpg", 9), Found("pets/dogs/2.jpg", 9), Found("pets/a.txt", 1)])
        >>> [(file.found.path, file.label, file.passed_over) for file in tree.files]
        ... # doctest: +NORMALIZE_WHITESPACE
        [('pets/a.txt', '', 'a text file'),
         ('pets/cats/100APPLE/1.jpg', 'cats', ''), ('pets/dogs/2.jpg', 'dogs', '')]

    Source:
        DCF 2.0 (CIPA DC-009-2010) 3.2, names of camera folders.
    """
    files: list[_File] = []
    passed: list[Placed] = []
    for one in found:
        parts = _components(one.path)
        outside = (
            ".." in parts or one.path.startswith("/") or (one.refusal is not None and one.refusal.reason == OUTSIDE)
        )
        reason = "" if outside else next(filter(None, map(left_by, parts)), "")
        reason = reason or ("" if outside or not parts else other_kind(parts[-1]))
        if reason:
            passed.append(Placed(one, passed_over=reason))
        elif outside:
            refusal = one.refusal or ImageRefused(one.path, OUTSIDE, "pack the folder again")
            passed.append(Placed(one, refusal=refusal))
        elif len(parts) > FOLDERS_DEEP:
            refusal = ImageRefused(one.path, f"this file lies more than {FOLDERS_DEEP} folders deep", "move it up")
            passed.append(Placed(one, refusal=one.refusal or refusal))
        else:
            files.append(_File(one, _folder_names(parts[:-1]), one.refusal))
    empty = {_own_folders(dirs) for path in folders if len(dirs := _components(path)) <= FOLDERS_DEEP}
    busy: set[Folders] = set()  # folders of programs and data: no class is round them, though one may be in them
    for other in passed:
        if other.passed_over:
            above = _own_folders(_components(other.found.path)[:-1])[:FOLDERS_DEEP]
            empty.add(above)
            if other.passed_over in OTHER_THINGS and above not in busy:
                busy |= {above[:end] for end in range(1, len(above) + 1)}
    hollow = {_folder_names(dirs): dirs not in busy for dirs in empty}

    notes: list[str] = []
    split = splitter(file.dirs for file in files)
    for file in files:
        file.dirs = split(file.dirs)
    hollow = _take_parts(files, {split(dirs): is_hollow for dirs, is_hollow in hollow.items()}, notes)
    parents = _take_classes(files, {dirs for dirs, is_hollow in hollow.items() if is_hollow})
    _repair(files)
    labels = {file.name for file in files} - {""}
    for name in sorted(_empty_classes(files, set(hollow), parents)):
        label = shown(name)
        if label and label not in labels and len(label) <= LABEL_CHARACTERS:
            labels.add(label)
            notes.append(f"The folder {label} holds no pictures.")
    notes += [*alike(labels), *taken_together((file.name, file.below) for file in files if file.name)]
    placed = [Placed(file.found, file.name, file.part, "", file.refusal) for file in files]
    everything = sorted([*passed, *placed], key=lambda one: (one.found.path, one.found.size, str(one.found.where)))
    return Tree(tuple(everything), tuple(sorted(labels)), tuple(notes))


# Names --------------------------------------------------------------------------------------------------------------


def _components(path: str) -> Folders:
    return tuple(part for part in unicodedata.normalize("NFC", path).split("/") if part not in ("", "."))


def _own_folders(dirs: Folders) -> Folders:
    """Return folders down to the first that a system left or that leads outside."""
    for at, name in enumerate(dirs):
        if name == ".." or left_by(name):
            return dirs[:at]
    return dirs


def _folder_names(names: Sequence[str]) -> Folders:
    """Return folders' names; a zip in a listing is a folder of its own name."""
    return tuple(name[:-4] if name.lower().endswith(".zip") and len(name) > 4 else name for name in names)


# Parts --------------------------------------------------------------------------------------------------------------


def _take_parts(files: list[_File], hollow: dict[Folders, bool], notes: list[str]) -> dict[Folders, bool]:
    """Take the folders of parts out of all paths, from the top down, and note them at the files."""
    depth = 0
    while deeper := [file for file in files if len(file.dirs) > depth and not file.stray]:
        speak = any(part_of(file.dirs[depth])[0] for file in deeper)
        parts, strays = _parts_at([file for file in files if not file.stray], depth) if speak else ({}, [])
        if not parts:
            depth += 1
            continue
        names = named(sorted({printable(folder[-1]) for folder in parts}))
        doubled = _doubled(parts, files)
        for file in strays:
            file.stray = True
            reason = f"this file lies in none of the folders {names}"
            remedy = "put it into a class folder in one of them"
            file.refusal = file.refusal or ImageRefused(file.found.path, reason, remedy)
        for file in files:
            if part := parts.get(file.dirs[: depth + 1], ""):
                file.part = file.part or part
                end = depth + 2 if file.dirs[: depth + 1] in doubled else depth + 1
                file.dirs = file.dirs[:depth] + file.dirs[end:]
        hollow = {
            dirs[:depth] + dirs[depth + 1 :] if dirs[: depth + 1] in parts else dirs: is_hollow
            for dirs, is_hollow in hollow.items()
        }
        notes += {f"The folders {names} are kept apart as parts of the set."} - {*notes}
    return hollow


def _parts_at(files: list[_File], depth: int) -> tuple[dict[Folders, str], list[_File]]:
    """Return the folders of that depth that are parts, and the files that lie beside parts of class folders."""
    beside: dict[Folders, dict[Folders, list[_File]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        if len(file.dirs) >= depth:
            beside[file.dirs[:depth]][file.dirs[: depth + 1]].append(file)  # a loose file under its own folder
    parts: dict[Folders, str] = {}
    strays: list[_File] = []
    for above, kids in beside.items():
        spoken = {kid: part_of(kid[-1]) for kid in kids if kid != above}
        counts: dict[str, set[str]] = defaultdict(set)
        for part, before in spoken.values():
            if part:
                counts[before].add(part)
        here = {kid: part for kid, (part, before) in spoken.items() if part and len(counts[before]) > 1}
        if not here:
            continue
        first = [kid for kid, part in here.items() if part == "train"] or list(here)
        hold_folders = all(len(file.dirs) > depth + 1 for kid in first for file in kids[kid])
        others = [kid for kid in kids if kid not in here]
        if hold_folders or not set(others) - {above}:
            parts |= here
            strays += [file for kid in others for file in kids[kid]] if hold_folders else []
    for above in {folder[:-1] for folder in parts if depth}:  # cats has train and test, dogs has train only
        for other, kids in beside.items():
            if other[:-1] == above[:-1] and all(kid != other and part_of(kid[-1])[0] for kid in kids):
                parts |= {kid: part_of(kid[-1])[0] for kid in kids}
    return parts, strays


def _doubled(parts: dict[Folders, str], files: list[_File]) -> set[Folders]:
    """Return the parts that hold nothing but a folder of the same part, as `test/test`, that is no class elsewhere."""
    below: dict[Folders, set[Folders]] = {folder: set() for folder in parts}
    for file in files:
        for end in {len(folder) for folder in parts} if file.dirs else ():
            below.get(file.dirs[:end], set()).add(file.dirs[end : end + 1])
    alone = {folder: kid[0] for folder, (kid, *more) in below.items() if kid and not more}
    kids = [kid for one in below.values() for kid in one]
    return {folder for folder, kid in alone.items() if part_of(kid)[0] == parts[folder] and kids.count((kid,)) == 1}


# Classes ------------------------------------------------------------------------------------------------------------


def _take_classes(files: list[_File], empty: set[Folders]) -> set[Folders]:
    """Give every file the folder that is its class, and return the folders that hold class folders."""
    files = [file for file in files if not file.stray]
    root = _Folder()
    for file in files:
        node = root
        for name in file.dirs:
            node = node.below.setdefault(name, _Folder())
        node.direct = True
    chain, node = _unwrapped(root, {dirs for dirs in empty if dirs and may_be_empty_class(dirs[-1])})
    parents: set[Folders] = set()
    copies = _copies(node)
    for file in files:
        at = _class_at(node, file.dirs[len(chain) :], copies) if file.dirs[: len(chain)] == chain else None
        if at is not None:
            file.name, *file.below = file.dirs[len(chain) + at :]
            parents.add(file.dirs[: len(chain) + at])
    if parents:
        for file in files:
            if not file.name:
                _refuse_loose(file)
        return parents
    whole = [at for at, name in enumerate(chain) if is_own(name) and not part_of(name)[0]][-1:]
    whole = whole or [at for at, name in enumerate(chain) if not is_session(name)][:1]
    for file in files:
        if whole:
            file.name = chain[whole[0]]
        else:
            _refuse_loose(file)
    return {chain[: whole[0]]} if whole else set()


def _unwrapped(root: _Folder, empty: set[Folders]) -> tuple[Folders, _Folder]:
    """Return the innermost folder that holds all class folders, and the way there."""
    chain: Folders = ()
    node = root
    beside: dict[Folders, set[str]] = defaultdict(set)
    for dirs in empty:
        beside[dirs[:-1]].add(dirs[-1])
    while len(node.below) == 1:
        ((name, kid),) = node.below.items()
        if (node.direct or beside[chain] - {name}) and not _holds_classes(kid):
            break
        chain += (name,)
        node = kid
    return chain, node


def _holds_classes(node: _Folder) -> bool:
    while len(node.below) == 1 and not node.direct:
        (node,) = node.below.values()
    return not node.direct and sum(map(is_own, node.below)) > 1


def _copies(node: _Folder) -> set[str]:
    """Return the folders that hold the same class folders as a container beside them: `raw/cats` and `edited/cats`."""
    kept = {inner for name, kid in node.below.items() if not is_own(name) for inner in kid.below if is_own(inner)}
    return {name for name, kid in node.below.items() if is_own(name) and len(kid.below) > 1 and {*kid.below} <= kept}


def _class_at(node: _Folder, dirs: Folders, copies: set[str]) -> int | None:
    """Return which of the folders on the way to a file is its class."""
    if dirs and dirs[0] in copies and (len(dirs) == 1 or not may_be_empty_class(dirs[0])):
        return None
    for at, name in enumerate(dirs):
        here = node.below[name]
        if is_own(name) and not (at == 0 and name in copies) and (here.direct or not is_app(name)):
            if not is_batch(name) or here.direct or not any(map(is_own, here.below)):
                return at
        elif is_keepsake(name) and here.direct and any(map(is_own, node.below)):
            return at
        node = here
    return None


def _refuse_loose(file: _File) -> None:
    in_none = not any(name.strip(" .") for name in _components(file.found.path)[:-1])
    reason = "this file lies in no folder, so it has no class" if in_none else "this file lies in no class folder"
    file.refusal = file.refusal or ImageRefused(file.found.path, reason, _TO_CLASS_FOLDER)


def _repair(files: list[_File]) -> None:
    """Make classes' names harmless, without making one of two."""
    refused = ill_named({file.name for file in files if file.name})
    for file in files:
        if file.name in refused:
            file.refusal = file.refusal or ImageRefused(file.found.path, *refused[file.name])
            file.name = ""
        file.name = shown(file.name)


def _empty_classes(files: list[_File], empty: set[Folders], parents: set[Folders]) -> set[str]:
    """Return the names of the folders that lie where class folders lie, and hold no picture."""
    if not files:  # nothing but empty folders
        parents = {()}
        while len(below := {dirs[: len(one) + 1] for one in parents for dirs in empty if len(dirs) > len(one)}) == 1:
            if not any(len(dirs) > len(next(iter(below))) for dirs in empty):
                break
            parents = below
    found = {
        dirs[: len(one) + 1] for one in parents for dirs in empty if dirs[: len(one)] == one and len(dirs) > len(one)
    }
    full = {file.dirs[:end] for end in {len(dirs) for dirs in found} for file in files}
    return {d[-1] for d in found - full if may_be_empty_class(d[-1])}
