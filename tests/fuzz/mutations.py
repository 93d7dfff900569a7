"""Files that were whole, spoilt as strangers' files are: a byte, a stretch, an end, a length, a part of another."""

import json
import struct
import zlib
from typing import Any

from hypothesis import strategies as st

_EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\1", b"\1\0\0\0")
_PLACE = st.floats(0, 1, exclude_max=True)
_CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _PLACE, st.binary(min_size=1, max_size=2)),
        st.tuples(st.just("put"), _PLACE, st.sampled_from(_EXTREMES)),
        st.tuples(st.just("insert"), _PLACE, st.binary(min_size=1, max_size=20)),
        st.tuples(st.just("cut"), _PLACE, st.integers(1, 40)),
        st.tuples(st.just("double"), _PLACE, st.integers(1, 200)),
        st.tuples(st.just("end"), _PLACE, st.none()),
        st.tuples(st.just("splice"), _PLACE, st.integers(0, 2**16)),
    ),
    min_size=1,
    max_size=6,
)


def files(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return spoilt files; those that carry checksums are made whole again now and then, so that more is read."""
    return st.builds(
        lambda number, changes, head, mend: _changed(seeds, number, changes, head, mend),
        st.integers(0, len(seeds) - 1),
        _CHANGES,
        st.booleans(),
        st.booleans(),
    )


def _changed(seeds: list[bytes], number: int, changes: list[tuple[str, float, Any]], head: bool, mend: bool) -> bytes:
    data = seeds[number]
    for what, place, value in changes:
        at = int(place * (min(200, len(data)) if head else len(data)))
        if what == "put":
            data = data[:at] + value + data[at + len(value) :]
        elif what == "insert":
            data = data[:at] + value + data[at:]
        elif what == "cut":
            data = data[:at] + data[at + value :]
        elif what == "double":
            data = data[: at + value] + data[at:]
        elif what == "end":
            data = data[:at]
        else:
            other = seeds[value % len(seeds)]
            data = data[:at] + other[int(place * len(other)) :]
    return _mended(data) if mend and data.startswith(b"\x89PNG\r\n\x1a\n") else data


def _mended(data: bytes) -> bytes:
    """Return a PNG with the checksums of its chunks as they should be."""
    whole, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        if at + 12 + length > len(data):
            break
        whole += [data[at : at + 4], body, struct.pack(">I", zlib.crc32(body))]
        at += 12 + length
    return b"".join([*whole, data[at:]])


_ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2.5, 10**7, 10**7 + 1, 10**30, 1e308, float("inf"), float("nan")),
    *("", "same", "relu", "a" * 500, "\ud800", "<b>", "../../etc/passwd", "{}", "channels_first", "float16"),
    *([], {}, [[]], [None, None, None], {"class_name": "Dense"}, {"class_name": "__numpy__", "config": {"value": 1}}),
]


def texts(seeds: list[str]) -> st.SearchStrategy[str]:
    """Return JSON with values, keys and parts that do not belong there, and texts that are no JSON any more."""
    steps = st.tuples(st.sampled_from(["put", "drop", "double", "move"]), _PLACE, st.integers(0, 2**16))
    parsed = st.builds(_rewritten, st.sampled_from(seeds), st.lists(steps, min_size=1, max_size=5))
    raw = files([seed.encode("utf-8", "surrogatepass") for seed in seeds]).map(lambda data: data.decode("latin-1"))
    return st.one_of(parsed, parsed, parsed, raw)


def _rewritten(seed: str, steps: list[tuple[str, float, int]]) -> str:
    value = json.loads(seed)
    for what, place, number in steps:
        places = list(_places(value))
        if not places:
            break
        holder, key = places[int(place * len(places))]
        if what == "put":
            holder[key] = _ODD[number % len(_ODD)]
        elif what == "drop":
            del holder[key]
        elif what == "double" and isinstance(holder, list):
            holder.insert(int(key), holder[key])
        else:
            other, where = places[number % len(places)]
            holder[key] = json.loads(json.dumps(other[where]))
    return json.dumps(value)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place of a JSON value: what holds it, and its key or number."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else []
        for key in keys:
            found.append((here, key))
            waiting.append(here[key])
    return found
