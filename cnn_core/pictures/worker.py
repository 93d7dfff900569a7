"""The process in which untrusted files are unpacked and decoded: `python -m cnn_core.pictures.worker`.

It reads requests from standard input and writes answers to standard output, one at a time: a line of JSON, then as many
bytes as that names. It knows nothing of a store. What C libraries write to standard error is caught and goes along with
the answer. It ends with its standard input, and so with whoever started it.
"""

import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from cnn_core.pictures import archives, limits
from cnn_core.pictures.archives import ArchiveRefused
from cnn_core.pictures.images import FileRefused, ImageRefused, take
from cnn_core.pictures.kept import Kept
from cnn_core.pictures.members import Member, extract


def main() -> None:
    """Serve until standard input ends."""
    _limit()
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        os.dup2(2, 1)  # nobody's print may get between the answers
        for line in requests:
            request = json.loads(line)
            header, payload = _answer(request, requests.read(request.get("bytes", 0)))
            header["stderr"] = _written(caught)
            header["bytes"] = [len(part) for part in payload]
            answers.write(json.dumps(header).encode() + b"\n")
            answers.writelines(payload)
            answers.flush()


def _limit() -> None:
    """Bound memory, leave no core dumps, and let those who serve readers go first (where the system can)."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (limits.DECODING_BYTES, limits.DECODING_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def _answer(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    name = request["name"]
    try:
        if request["do"] == "tree":
            return {"tree": archives.to_json(archives.tree(Path(request["path"]), name))}, []
        data = data or _bytes(request)
        if request["do"] == "extract":
            return {}, [data]
        kept = Kept.of(take(data, name))
    except FileRefused as refusal:
        return {"refused": [isinstance(refusal, ArchiveRefused), refusal.name, refusal.reason, refusal.remedy]}, []
    except OSError as error:  # no room to unpack a zip in the zip, say
        reason = f"it could not be unpacked ({error.strerror or error})"
        return {"refused": [request["do"] == "tree", name, reason, "make room on the disk and try again"]}, []
    except MemoryError:
        reason = f"it takes more than {limits.DECODING_BYTES / 10**9:g} GB of memory to decode"
        return {"refused": [False, name, reason, "save it smaller, as JPEG or PNG"], "last": True}, []
    except Exception:  # noqa: BLE001 - a fault of ours: whoever asked raises it
        return {"fault": traceback.format_exc()}, []
    plain = {key: value for key, value in vars(kept).items() if key not in ("coded", "thumbnail")}
    return {"kept": plain}, [kept.coded, kept.thumbnail]


def _bytes(request: dict[str, Any]) -> bytes:
    if "path" not in request:
        return b""
    path, name = Path(request["path"]), request["name"]
    if "member" in request:
        return extract(path, Member.from_json(request["member"]))
    try:
        if path.stat().st_size > limits.FILE_BYTES:
            with path.open("rb") as file:
                return file.read(limits.FILE_BYTES + 1)  # enough for the refusal
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageRefused(name, "there is no such file", "give the path of a picture file") from error
    except OSError as error:
        raise ImageRefused(name, f"this file cannot be read ({error.strerror})", "look at its permissions") from error


def _written(caught: BinaryIO) -> str:
    """Return what was written to standard error since the last answer, its beginning at least."""
    caught.seek(0)
    text = caught.read(2000).decode(errors="replace")
    caught.seek(0)
    caught.truncate()
    return text


if __name__ == "__main__":
    main()
