"""Worker processes that unpack and decode untrusted files, so that no reader's file costs another reader anything.

    with Decoders() as decoders:
        kept = decoders.take("cat.jpg", data=upload)      what is to be kept of it, or ImageRefused

A worker that takes too long, or that a file brings down, is replaced; the file is refused in a sentence.
"""

import atexit
import functools
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cnn_core.pictures import archives, limits
from cnn_core.pictures.archives import ArchiveRefused
from cnn_core.pictures.images import FileRefused, ImageRefused
from cnn_core.pictures.kept import Kept
from cnn_core.pictures.members import Member
from cnn_core.pictures.trees import Tree

_LOOK_EVERY = 0.1  # seconds between two looks for workers that take too long

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(eq=False)
class _Watch:
    """A worker at a file, and until when it may take."""

    worker: subprocess.Popen[bytes]
    until: float
    overdue: bool = False


class _Watchdog:
    """One thread that kills workers which take too long; a timer a file would cost a thread each."""

    def __init__(self) -> None:
        self._watches: set[_Watch] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, worker: subprocess.Popen[bytes], seconds: float) -> _Watch:
        watch = _Watch(worker, time.monotonic() + seconds)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="watchdog of the decoders")
                self._thread.start()
            if not self._watches:
                self._changed.notify()
            self._watches.add(watch)
        return watch

    def leave(self, watch: _Watch) -> None:
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(_LOOK_EVERY if self._watches else None)
                for watch in self._watches:
                    if watch.until < time.monotonic() and not watch.overdue:
                        watch.overdue = True
                        watch.worker.kill()


_WATCHDOG = _Watchdog()


class Decoders:
    """Some worker processes, started when they are needed. Any number of threads may ask.

    Args:
        workers: How many at once; as many as there are processors by default.
        seconds: How long a file may take.

    Example:
        >>> with Decoders(workers=1) as decoders:
        ...     decoders.take("cat.jpg", data=b"%PDF-1.7")
        Traceback (most recent call last):
        cnn_core.pictures.formats.ImageRefused: cat.jpg: this is a PDF document; export the page as PNG and load that.
    """

    def __init__(self, workers: int | None = None, seconds: float = limits.DECODING_SECONDS) -> None:
        self.workers, self.seconds = workers or processors(), seconds
        self._idle: queue.LifoQueue[subprocess.Popen[bytes] | None] = queue.LifoQueue()
        for _ in range(self.workers):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, each when it is idle; one that is asked for again is started anew."""
        for worker in [self._idle.get() for _ in range(self.workers)]:
            _end(worker)
            self._idle.put(None)

    def take(self, name: str, *, data: bytes = b"", path: Path | None = None, member: Member | None = None) -> Kept:
        """Decode a picture: of bytes, of a file, or of an entry of a zip file.

        Args:
            name: For people.
            data: The whole file, if it is in memory.
            path: Where it lies, or the zip that it lies in.
            member: The entry of the zip.

        Raises:
            ImageRefused: If it is not taken.
        """
        header, payload = self._ask(_request("take", name, path, member), data)
        coded, thumbnail = payload
        return Kept(**header["kept"] | {"notes": tuple(header["kept"]["notes"])}, coded=coded, thumbnail=thumbnail)

    def tree(self, path: Path, name: str) -> Tree:
        """Return what a zip holds, by its table of contents: files with their classes and parts.

        Raises:
            ArchiveRefused: If it is not taken at all.
        """
        header, _ = self._ask(_request("tree", name, path, None), b"", ArchiveRefused)
        return archives.from_json(header["tree"])

    def extract(self, name: str, *, path: Path, member: Member) -> bytes:
        """Return an entry of a zip as it is.

        Raises:
            ImageRefused: If it is not taken.
        """
        return self._ask(_request("extract", name, path, member), b"")[1][0]

    def _ask(
        self, request: dict[str, Any], data: bytes, refusal: type[FileRefused] = ImageRefused
    ) -> tuple[dict[str, Any], list[bytes]]:
        view, name = memoryview(data), request["name"]
        with self._borrowed() as slot:
            worker = slot.pop()
            if worker is None or worker.poll() is not None:  # it may have been ended by the system: no file's fault
                _end(worker)
                worker = _start()
            watch = _WATCHDOG.watch(worker, self.seconds)
            try:
                header, payload = _exchange(worker, request | {"bytes": view.nbytes}, view)
            except (OSError, EOFError):  # it is gone
                code = _end(worker)
                slot.append(None)
                if watch.overdue:
                    reason = f"it takes more than {self.seconds:g} seconds to decode"
                    raise refusal(name, reason, "open it elsewhere and save it smaller, as JPEG or PNG") from None
                reason = f"decoding it brought the decoder down (exit code {code})"
                raise refusal(name, reason, "open it elsewhere and save it as PNG") from None
            except BaseException:  # an answer is left half read
                _end(worker)
                slot.append(None)
                raise
            finally:
                _WATCHDOG.leave(watch)
            if watch.overdue or header.get("last"):
                _end(worker)
                slot.append(None)
            else:
                slot.append(worker)
        if header["stderr"]:
            log.info("While %s was decoded, a library said: %s", name, header["stderr"])
        if "fault" in header:
            raise RuntimeError(f"The decoder failed at {name}:\n{header['fault']}")
        if "refused" in header:
            whole, *words = header["refused"]
            raise (ArchiveRefused if whole else ImageRefused)(*words)
        return header, payload

    @contextmanager
    def _borrowed(self) -> Iterator[list[subprocess.Popen[bytes] | None]]:
        """Lend a place for a worker; what is in the list at the end goes back."""
        slot = [self._idle.get()]
        try:
            yield slot
        finally:
            self._idle.put(slot[0] if slot else None)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def shared() -> Decoders:
    """Return the decoders of this process; they end with it."""
    decoders = Decoders()
    atexit.register(decoders.close)
    return decoders


def _request(do: str, name: str, path: Path | None, member: Member | None) -> dict[str, Any]:
    request: dict[str, Any] = {"do": do, "name": name}
    if path is not None:
        request["path"] = str(path)
    if member is not None:
        request["member"] = asdict(member)
    return request


def _start() -> subprocess.Popen[bytes]:
    folders = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # One thread each: there is a worker a processor, and every thread of a library costs address space.
    # Pictures take memory that glibc would give back, and fetch again page by page, with every one of them.
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(folders),
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": str(16 * 2**20),
        "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "cnn_core.pictures.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C is the parent's to handle
    )


def _exchange(
    worker: subprocess.Popen[bytes], request: dict[str, Any], data: memoryview
) -> tuple[dict[str, Any], list[bytes]]:
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(json.dumps(request).encode() + b"\n")
    worker.stdin.write(data)
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    header: dict[str, Any] = json.loads(line)
    payload = [worker.stdout.read(size) for size in header["bytes"]]
    if [len(part) for part in payload] != header["bytes"]:
        raise EOFError
    return header, payload


def _end(worker: subprocess.Popen[bytes] | None) -> int | None:
    if worker is None:
        return None
    worker.kill()  # it holds nothing that could be lost
    code = worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # what was still to be written
                pipe.close()
    return code
