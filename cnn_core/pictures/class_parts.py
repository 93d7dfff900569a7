"""Folders that are named after a class and a part of the set in one: `cats_train`, `test_dogs`."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from cnn_core.pictures.naming import PART, PART_OF, is_own, part_of, plain

Folders = tuple[str, ...]  # those that a file lies in, the outermost first

_PART_FIRST = re.compile(rf"(?P<part>{'|'.join(PART_OF)})[ _.-]+(?P<after>.+)", re.IGNORECASE)


def splitter(paths: Iterable[Folders]) -> Callable[[Folders], Folders]:
    """Return what takes `cats_train` for `cats/train`, where all folders beside it are named in this way.

    Args:
        paths: The folders that pictures lie in.

    Example:
        >>> split = splitter([("pets", "cats_train"), ("pets", "cats_test"), ("pets", "dogs_train")])
        >>> split(("pets", "cats_train", "100APPLE"))
        ('pets', 'cats', 'train', '100APPLE')
    """
    beside: dict[Folders, dict[str, bool]] = defaultdict(dict)
    parts: dict[str, set[str]] = defaultdict(set)  # of the folders in which a name lies
    for dirs in set(paths):
        for at, name in enumerate(dirs):
            group = beside[dirs[:at]]
            group[name] = group.get(name, True) and not any(map(is_own, dirs[at + 1 :]))
            parts[name].add(part_of(dirs[at - 1])[0] if at else "")
    halves = {
        above: pairs
        for above, group in beside.items()
        if all(len(parts[name]) == 1 for name in group)  # train/toy_train and test/toy_train are one class
        and (pairs := _class_parts(above[-1] if above else "", group))
    }
    if not halves:
        return lambda dirs: dirs

    def split(dirs: Folders) -> Folders:
        pairs = (halves.get(dirs[:at], {}).get(name, (name,)) for at, name in enumerate(dirs))
        return tuple(name for pair in pairs for name in pair)

    return split


def _class_parts(above: str, names: Mapping[str, bool]) -> dict[str, tuple[str, str]]:
    """Return class and part of folders beside each other that are named after both; nothing if they are not.

    Args:
        above: Name of the folder that they lie in.
        names: Theirs, and whether they may be classes: no folder in them has a name of its own.

    Example:
        >>> _class_parts("pets", dict.fromkeys(["Cats_train", "Cats_test", "Dogs_train"], True))
        {'Cats_train': ('Cats', 'train'), 'Cats_test': ('Cats', 'test'), 'Dogs_train': ('Dogs', 'train')}
        >>> _class_parts("pets", dict.fromkeys(["train_station", "test_tube"], True))
        {}
    """
    if not all(names.values()):
        return {}
    whole = part_of(above)[0]
    for pattern, group in ((PART, "before"), (_PART_FIRST, "after")):
        found = {name: match for name in names if (match := pattern.fullmatch(" ".join(name.split())))}
        pairs = {
            name: (label, match["part"])
            for name, match in found.items()
            if (label := (match[group] or "").strip(" _.-"))
        }
        parts = defaultdict(set)
        for label, part in pairs.values():
            parts[plain(label)].add(PART_OF[part.casefold()])
        alone = [each for each in parts.values() if each != {whole} and len(each) < 2]
        is_meant = len(alone) < len(parts) if group == "before" else not alone
        if len(parts) > 1 and is_meant and len(pairs) == len(names):
            return pairs
    return {}
