"""What runs in a browser: scripts that the app's components and the page that is taken away share, and their runtime.

The runtime is LiteRT.js, kept here as `make vendor` took it from the npm registry's packages: `litert/files.json` says
which, under what licence, and what its files hold. Each lies compressed, as it is sent.
"""

import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LITERT = HERE / "litert"
RECORD = LITERT / "files.json"


@cache
def record() -> dict[str, Any]:
    """Return what `files.json` says: `version`, `licence`, `packages`, and `files` by name, with `sha256` and `bytes`.

    Example:
        >>> sorted(record()), record()["licence"]
        (['files', 'licence', 'packages', 'version'], 'Apache-2.0')
    """
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


@cache
def litert_hash() -> str:
    """Return twelve digits that stand for all files of the runtime: other files, another name.

    Example:
        >>> len(litert_hash())
        12
    """
    sums = "".join(f"{name} {file['sha256']}\n" for name, file in sorted(record()["files"].items()))
    return hashlib.sha256(sums.encode()).hexdigest()[:12]


def packed(name: str) -> Path:
    """Return where a file of the runtime lies, gzip-compressed.

    Raises:
        KeyError: If there is none of this name.

    Example:
        >>> packed("../index.js")
        Traceback (most recent call last):
        KeyError: "LiteRT.js has no file '../index.js' here."
    """
    if name not in record()["files"]:
        raise KeyError(f"LiteRT.js has no file {name!r} here.")
    return LITERT / f"{name}.gz"


def litert(name: str) -> bytes:
    """Return a file of the runtime, unpacked.

    Raises:
        KeyError: If there is none of this name.

    Example:
        >>> data = litert("litert_wasm_internal.wasm")
        >>> data[:4], hashlib.sha256(data).hexdigest() == record()["files"]["litert_wasm_internal.wasm"]["sha256"]
        (b'\\x00asm', True)
    """
    return gzip.decompress(packed(name).read_bytes())


def scripts() -> dict[str, str]:
    """Return our own modules, by file name; they import each other from the same folder, and nothing else.

    Example:
        >>> {"camera.js", "network.js"} <= set(scripts())
        True
    """
    files = sorted(path for path in HERE.glob("*.js") if not path.name.endswith(".test.js"))
    return {path.name: path.read_text(encoding="utf-8") for path in files}
