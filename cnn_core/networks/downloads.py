"""The weights that `keras.applications` downloads: where they lie, what they must be, and how they are fetched.

They are looked for in the folder that CONVSCOPE_WEIGHTS names, for machines without a connection, then where Keras has
its own. `SHA256SUMS` beside them, as `sha256sum` writes it, says what each was when it was fetched. No Keras here.
"""

import hashlib
import os
import re
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

SETTING = "CONVSCOPE_WEIGHTS"
SUMS = "SHA256SUMS"
HOST = "storage.googleapis.com"  # where keras.applications keeps its weights
_ROOT = f"https://{HOST}/tensorflow/keras-applications"
_PATIENCE = 30.0  # seconds without a byte
_PIECE = 1 << 20


class DownloadRefused(ValueError):
    """A file that cannot be had, or is not what it should be; the text says which, why, and what to do."""


@dataclass(frozen=True)
class Published:
    """Where a file is published, and the checksum by which Keras 3.15 knows it; without one nothing vouches for it."""

    folder: str
    algorithm: str = ""
    checksum: str = ""

    def url(self, file: str) -> str:
        """Return the address of the file."""
        return f"{_ROOT}/{self.folder}/{file}"


# Source: keras.applications 3.15, WEIGHTS_HASHES and `file_hash`; a test holds the table to the installed Keras.
PUBLISHED = {
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5": Published("mobilenet_v2"),
    "efficientnetv2-b0_notop.h5": Published("efficientnet_v2", "md5", "893217f2bb855e2983157299931e43ff"),
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5": Published(
        "resnet", "md5", "4d473c1dd8becc155b73f8504c6f6626"
    ),
    "convnext_tiny_notop.h5": Published(
        "convnext", "sha256", "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"
    ),
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5": Published("vgg16", "md5", "6d6bbae143d832006294945121d1f1fc"),
}


def given_folder() -> Path | None:
    """Return the folder that CONVSCOPE_WEIGHTS names; None if it names none."""
    place = os.environ.get(SETTING, "").strip()
    return Path(place).expanduser() if place else None


def _kept_by_keras() -> Path:
    """Return the folder of Keras's own downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"


def place(file: str) -> Path:
    """Return where a file is, or would be downloaded to by Keras."""
    folder = given_folder()
    return folder / file if folder is not None and (folder / file).is_file() else _kept_by_keras() / file


def target(file: str) -> Path:
    """Return where `fetch` puts a file."""
    return (given_folder() or _kept_by_keras()) / file


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    return _digest(path, "sha256")


def recorded(path: Path) -> str:
    """Return the SHA-256 that `SHA256SUMS` beside a file has for it; empty if it has none.

    Raises:
        DownloadRefused: If a line of it is none.
    """
    try:
        text = (path.parent / SUMS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    for number, line in enumerate(filter(None, text.splitlines()), 1):
        found = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)
        if not found:
            raise DownloadRefused(
                f"{SUMS} in {path.parent}, line {number}, is {line[:80]!r}; 64 hexadecimal digits, two spaces and a "
                "name are expected. Write it anew by `sha256sum * > SHA256SUMS`."
            )
        if found[2] == path.name:
            return found[1].lower()
    return ""


def check(path: Path) -> str:
    """Look at a file; return in words what it was held against.

    Raises:
        DownloadRefused: If it is another file than was published or recorded.
    """
    published, known = PUBLISHED.get(path.name, Published("")), recorded(path)
    for algorithm, wanted, by in (
        ("sha256", known, SUMS),
        (published.algorithm, published.checksum, "Keras"),
    ):
        if wanted and (found := _digest(path, algorithm)) != wanted:
            raise DownloadRefused(
                f"{path} has the {algorithm.upper()} {found[:12]}…, {by} has {wanted[:12]}…: it is damaged, or another "
                "file. Delete it and fetch it again."
            )
    against = [SUMS] * bool(known) + [f"Keras's {published.algorithm.upper()}"] * bool(published.checksum)
    return " and ".join(against)


def fetch(file: str, told: Callable[[int, int], None] = lambda done, size: None) -> Path:
    """Download a file, whole or not at all, into CONVSCOPE_WEIGHTS or Keras's own folder, and write its SHA-256 down.

    Args:
        file: A name in PUBLISHED.
        told: Is given how many bytes are there, and of how many (0 if the host does not say).

    Raises:
        DownloadRefused: Without a connection, without room, or if something else came.
    """
    folder, published = target(file).parent, PUBLISHED[file]
    url = published.url(file)
    partial = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
            size, done = int(answer.headers.get("Content-Length") or 0), 0
            with tempfile.NamedTemporaryFile(dir=folder, suffix=".partial", delete=False) as output:
                partial = Path(output.name)
                while piece := answer.read(_PIECE):
                    output.write(piece)
                    done += len(piece)
                    told(done, size)
        if size and done != size:
            raise HTTPException(f"{done:,} of {size:,} bytes came")
        if published.checksum and (found := _digest(partial, published.algorithm)) != published.checksum:
            raise DownloadRefused(
                f"What {url} gave has the {published.algorithm.upper()} {found[:12]}…; {published.checksum[:12]}… is "
                "expected. Nothing was kept: try again, or from another connection."
            )
        _record(folder, file, sha256(partial))
        partial.chmod(0o644)
        partial.replace(folder / file)
    except (OSError, HTTPException) as error:
        by = f"whose {published.algorithm.upper()} is {published.checksum}" if published.checksum else "as it is there"
        raise DownloadRefused(
            f"{file} could not be fetched ({error}). Connect and try again, or fetch {url} elsewhere, {by}, and put it "
            f"into {folder}."
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
    return folder / file


def _record(folder: Path, file: str, digest: str) -> None:
    recorded(folder / file)  # refuses what it could not write anew
    sums = folder / SUMS
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.exists() else []
    others = [line for line in lines if line and line[66:] != file]
    sums.write_text("\n".join([*others, f"{digest}  {file}"]) + "\n", encoding="utf-8")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
