"""Take LiteRT.js from node_modules, where npm has put what package-lock.json names: `python -m benchmarks.vendor`.

With `--check` nothing is written: what lies in cnn_core/browser/litert is held against node_modules and the lock.
"""

import argparse
import gzip
import hashlib
import json
import sys
import zlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CORE, UTILS = "@litertjs/core", "@litertjs/wasm-utils"
BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal", "litert_wasm_jspi_internal")
_MAP = "\n//# sourceMappingURL=index.js.map"
_CHANGED = "\n// Changed by ConvScope: imports what lies beside it, has no source map.\n"
# Where a file comes from, and what is changed in it, each once: it needs no import map, and says so (licence, 4 b).
FILES: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "index.js": (CORE, "dist/index.js", ((f'from "{UTILS}";', 'from "./wasm-utils.js";'), (_MAP, _CHANGED))),
    "wasm-utils.js": (UTILS, "dist/index.js", ((_MAP, _CHANGED),)),
    **{f"{build}.{kind}": (CORE, f"wasm/{build}.{kind}", ()) for build in BUILDS for kind in ("js", "wasm")},
}


class Differs(Exception):
    """What is kept is not what the lock names."""


def taken(root: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files as they are to be kept, unpacked, and their record.

    Args:
        root: The repository, with package-lock.json and node_modules.

    Raises:
        Differs: If node_modules has another version than the lock, or a file is not as it was when FILES was written.
    """
    locked = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages, licences = {}, set()
    for package in (CORE, UTILS):
        installed = json.loads((root / "node_modules" / package / "package.json").read_text(encoding="utf-8"))
        entry = locked[f"node_modules/{package}"]
        if installed["version"] != entry["version"]:
            versions = f"{installed['version']} and package-lock.json {entry['version']}"
            raise Differs(f"node_modules has {package} {versions}; run npm ci.")
        packages[package] = {"version": entry["version"], "integrity": entry["integrity"]}
        licences.add(installed["license"])
    if licences != {"Apache-2.0"}:
        raise Differs(f"LiteRT.js is now under {', '.join(sorted(licences))}, not Apache-2.0; look at NOTICE first.")
    files, entries = {}, {}
    for name, (package, path, changes) in FILES.items():
        data = (root / "node_modules" / package / path).read_bytes()
        entry = {"from": f"{package}/{path}"}
        for old, new in changes:
            if data.count(old.encode()) != 1:
                raise Differs(f"{package}/{path} has {old.strip()!r} {data.count(old.encode())} times, expected once.")
            data = data.replace(old.encode(), new.encode())
        if changes:
            entry["changed"] = [list(change) for change in changes]
        files[name] = data
        entries[name] = entry | {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    version = packages[CORE]["version"]
    return files, {"version": version, "licence": "Apache-2.0", "packages": packages, "files": entries}


def write(root: Path, folder: Path) -> None:
    """Write the files, compressed, and their record; a file that holds the same stays, whoever compressed it.

    Args:
        root: As in `taken`.
        folder: Where they go; others of ours that lie there are removed.
    """
    files, record = taken(root)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _other(folder, files):
        path = folder / f"{name}.gz"
        if name in files:
            path.write_bytes(gzip.compress(files[name], 9, mtime=0))
        else:
            path.unlink()
    (folder / "LICENSE").write_bytes((root / "LICENSE").read_bytes())  # the same: Apache-2.0; the packages have none
    (folder / "files.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def check(root: Path, folder: Path) -> None:
    """Hold what is kept against what the lock names; how it is compressed does not matter.

    Raises:
        Differs: With what is other, and what to do.
    """
    files, record = taken(root)
    other = _other(folder, files)
    if not other and json.loads((folder / "files.json").read_text(encoding="utf-8")) != record:
        other = ["files.json"]
    if other:
        raise Differs(f"{folder.name} differs from package-lock.json in {', '.join(other)}; run make vendor.")


def _other(folder: Path, files: dict[str, bytes]) -> list[str]:
    """Names of which there is one too many, one too few, or one with other bytes."""
    kept = {path.name.removesuffix(".gz"): path for path in folder.glob("*.gz")}
    names = sorted(kept.keys() | files.keys())
    return [name for name in names if name not in kept or name not in files or _unpacked(kept[name]) != files[name]]


def _unpacked(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return b""  # damaged: certainly other


def main(arguments: list[str] | None = None) -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something is other")
    chosen = parser.parse_args(arguments)
    try:
        (check if chosen.check else write)(ROOT, ROOT / "cnn_core" / "browser" / "litert")
    except (Differs, OSError) as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
