"""What excites a channel: in which of many pictures its map is largest, and where.

What is found in a picture is kept in the store, of all channels of a node at once, as other features are: it goes when
the picture goes. One question looks at a few pictures, so that none waits long behind it; of more it is asked again.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache

import numpy as np

from cnn_core.networks import backbones, forward
from cnn_core.networks.loaded import InspectionRefused
from cnn_core.networks.zoom import held
from cnn_core.networks.zoom import source as sources
from cnn_core.networks.zoom.answers import Excited, Exciting
from cnn_core.networks.zoom.plan import Plan, seen
from cnn_core.networks.zoom.source import Source
from cnn_core.pictures import kept
from cnn_core.pictures.bundled import BUNDLED, PHOTOS
from cnn_core.pictures.images import DECODING_ERRORS
from cnn_core.store.runs import Store

AT_ONCE, SECONDS = 24, 0.5  # pictures that one question looks at, and how long, at most
MAX_PICTURES = 500  # pictures that are asked about
_PRECISION = "float32"


def exciting(
    key: str, node: str, channel: int, digests: Sequence[str], most: int = 9, *, location: str | None = None
) -> Exciting:
    """Return the pictures that excite a channel most; of those that nobody has looked at, look at a few.

    Args:
        key: One of `BACKBONES` that one can walk into: what they compute is the same everywhere, and can be kept.
        node: One of the plan's.
        channel: From 0.
        digests: Of pictures in the store, or of those that come with the installation; at most MAX_PICTURES.
        most: Pictures that are returned.
        location: Of the store; by default the one of this process.

    Raises:
        InspectionRefused: If one cannot walk into the network, there is no such node or channel, or too many pictures.
        BackboneUnavailable: If it is no backbone.
    """
    plan, record = sources.plan(key), backbones.backbone(key)
    channels = plan.node(node).shape[2]
    if not 0 <= channel < channels:
        raise InspectionRefused(f"{node} has the maps 0 to {channels - 1}; received {channel}.")
    if len(digests) > MAX_PICTURES:
        raise InspectionRefused(f"At most {MAX_PICTURES} pictures are searched at once; received {len(digests):,}.")
    until = time.monotonic() + SECONDS
    come = {digest: vector for digest, vector in _of_bundled(key, node).items() if digest in digests}
    own = [digest for digest in dict.fromkeys(digests) if digest not in come]
    name = forward.extractor_id(record, _PRECISION, f"peaks {node}")
    store = Store(location) if location else Store.default()
    try:
        known = store.features.read(name, own)
        missing = [digest for digest in own if digest not in known]
        fresh, lost = _looked_at(store, plan, node, missing, until)
        store.features.write(name, fresh)
    finally:
        store.close()
    there = come | {digest: np.frombuffer(vector, np.float32) for digest, vector in (known | fresh).items()}
    vectors = {digest: there[digest] for digest in dict.fromkeys(digests) if digest in there}
    left = len(missing) - len(fresh) - len(lost)
    return ranked(plan, node, channel, vectors, most, left, lost)


def ranked(
    plan: Plan,
    node: str,
    channel: int,
    vectors: Mapping[str, np.ndarray],
    most: int = 9,
    left: int = 0,
    lost: Iterable[str] = (),
) -> Exciting:
    """Return the pictures whose map of a channel is largest, each with its place; of equal ones the first.

    Args:
        plan: Of the network.
        node: One of the plan's.
        channel: From 0.
        vectors: What `peaks` has found in each picture, by digest.
        most: Pictures that are returned.
        left: Pictures that nobody has looked at.
        lost: Pictures that cannot be read.
    """
    _, width, channels = plan.node(node).shape
    order = sorted(vectors, key=lambda digest: -float(vectors[digest][channel]))
    excited = [digest for digest in order if vectors[digest][channel] > 0]
    found = tuple(
        Excited(digest, float(vectors[digest][channel]), divmod(int(vectors[digest][channels + channel]), width))
        for digest in excited[:most]
    )
    return Exciting(node, channel, found, len(vectors), len(order) - len(excited), left, tuple(lost))


def peaks(source: Source, node: str) -> np.ndarray:
    """Return where each map of a node is largest, of equal cells the first.

    Args:
        source: A network on a picture.
        node: One of the plan's.

    Returns:
        float32 `(2 C,)`: the value of each channel, then the number of its cell, row by row.
    """
    maps = source.maps(node)
    flat = maps.reshape(-1, maps.shape[-1])
    places = flat.argmax(axis=0)
    values = np.take_along_axis(flat, places[None], axis=0)[0]
    return np.concatenate([values, places]).astype(np.float32)


@cache
def bundled() -> dict[str, str]:
    """Return the photos that come with the installation: names in `BUNDLED` by their digests."""
    return {BUNDLED[name].load().digest: name for name in PHOTOS}


@lru_cache(maxsize=64)
def _of_bundled(key: str, node: str) -> dict[str, np.ndarray]:
    """What is found in the photos of the installation, kept by this process: they belong to nobody's store."""
    plan = sources.plan(key)
    return {digest: _peaks(plan, BUNDLED[name].load().pixels, node) for digest, name in bundled().items()}


def _peaks(plan: Plan, pixels: np.ndarray, node: str) -> np.ndarray:
    with held.apart():
        return peaks(sources.source(plan.key, seen(plan, pixels)), node)


def _looked_at(
    store: Store, plan: Plan, node: str, digests: Sequence[str], until: float
) -> tuple[dict[str, bytes], list[str]]:
    """Look at the first of these pictures, at one at least; return what was found, and which cannot be read."""
    fresh: dict[str, bytes] = {}
    lost: list[str] = []
    for digest in digests[:AT_ONCE]:
        try:
            pixels = kept.pixels(store, digest)
        except DECODING_ERRORS:  # the page names it
            lost.append(digest)
            continue
        fresh[digest] = _peaks(plan, pixels, node).tobytes()
        if time.monotonic() > until:
            break
    return fresh, lost
