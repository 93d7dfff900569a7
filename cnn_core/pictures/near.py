"""Which pictures are nearly the same: frames of a burst or a film, a photo saved twice. They must not straddle a split.

A network that has learnt one frame of a burst knows the next: tested on that it looks better than it is. Two pictures
are near if 16 × 16 coloured means of their middle squares, each less its own mean, have a cosine of ALIKE or more.
Groups are chains: the first frame of a film need not be like the last.

Measured (`tests/pictures/test_near.py`, and on clothing5): between 300 photos of clothing the highest cosine is 0.94;
of frames that a hand moves by up to 1% of the side and 0.7°, with noise and exposure of ± 7%, 93% of the pairs reach
0.96, of frames moved twice as far 54%, and chains join what single pairs miss.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from cnn_core.pictures import kept
from cnn_core.pictures.bursts import owners, together
from cnn_core.pictures.items import Item, count
from cnn_core.store.runs import Store

ALIKE = 0.96
_SIDE = 16
_FLAT = 4.0  # grey levels: a picture that varies less is a colour, and like every other of it
_BLOCK = 512


def sketch(pixels: np.ndarray) -> np.ndarray:
    """Return a picture's sketch, float32 `(3 · SIDE²,)` of length 1; zeros for a flat one, which is like none.

    Args:
        pixels: uint8 `(H, W, 3)`, a square.

    Example:
        >>> ramp = np.tile(np.arange(96, dtype=np.uint8)[:, None, None], (1, 96, 3))
        >>> float(sketch(ramp) @ sketch(ramp // 2 + 40)) > ALIKE, bool(sketch(np.zeros((96, 96, 3), np.uint8)).any())
        (True, False)
    """
    small = np.asarray(Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    if small.mean(axis=2).std() < _FLAT:
        return np.zeros(small.size, np.float32)
    centred = (small - small.mean()).reshape(-1)
    return np.asarray(centred / np.linalg.norm(centred), np.float32)


def chains(sketches: np.ndarray) -> list[list[int]]:
    """Return the groups of two or more that are joined by a chain of near pairs, as indices.

    Args:
        sketches: `(N, D)`.
    """
    parent = list(range(len(sketches)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    for start in range(0, len(sketches), _BLOCK):
        near = sketches[start : start + _BLOCK] @ sketches[start:].T >= ALIKE
        for first, second in zip(*np.nonzero(np.triu(near, k=1)), strict=True):
            parent[root(int(second) + start)] = root(int(first) + start)
    groups: dict[int, list[int]] = defaultdict(list)
    for index in range(len(sketches)):
        groups[root(index)].append(index)
    return [group for group in groups.values() if len(group) > 1]


def groups(store: Store, items: Iterable[Item]) -> dict[str, str]:
    """Return for each picture that is nearly the same as another the name of its group: the first digest in it.

    Args:
        store: Has their thumbnails.
        items: Pictures in any order; copies count once.
    """
    digests = sorted({item.digest for item in items})
    if not digests:
        return {}
    sketches = np.stack([sketch(_thumbnail(store, digest)) for digest in digests])
    return {digests[index]: digests[min(group)] for group in chains(sketches) for index in group}


def _thumbnail(store: Store, digest: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(kept.small(store, digest))).convert("RGB"))


def loosened(items: Sequence[Item], near: Mapping[str, str], least: int) -> tuple[dict[str, str], list[str]]:
    """Dissolve the groups of classes that would otherwise be too few groups to divide; say so.

    A recording (`bursts`) is never dissolved: where a class has too few of those, its groups stay, and whoever divides
    it refuses.

    Args:
        items: Labelled pictures.
        near: Their groups.
        least: Groups that a class needs.

    Returns:
        The groups that are left, to be joined with the recordings (`bursts.together`), and sentences.

    Example:
        >>> film = [Item(str(n), "cup", f"{n}.png") for n in range(9)]
        >>> loosened(film, {str(n): "0" for n in range(9)}, least=3)[1]
        ["The pictures of 'cup' are frames of 1 scene: it is in training and test alike, and the test is too easy."]
    """
    kept_apart, notes = dict(near), []
    of: dict[str, set[str]] = defaultdict(set)
    for item in items:
        of[item.label].add(item.digest)
    joined, recorded = together(items, near), together(items)
    owner = owners(items, joined)
    for label in sorted(of):
        scenes = {joined.get(digest, digest) for digest in of[label]}
        if any(digest in recorded for digest in of[label]):  # before one background all classes' recordings are alike
            scenes = {scene for scene in scenes if owner[scene] == label}
        apart = {recorded.get(digest, digest) for digest in of[label]}
        if len(scenes) < least <= len(apart):
            touched = {near[digest] for digest in of[label] if digest in near}
            kept_apart = {digest: group for digest, group in kept_apart.items() if group not in touched}
            notes.append(
                f"The pictures of {label!r} are frames of {count(max(1, len(scenes)), 'scene')}: "
                f"{'it is' if len(scenes) < 2 else 'they are'} in training and test alike, and the test is too easy."
            )
    return kept_apart, notes
