"""The page that is taken home, and the command that writes it: whole, without an address of anybody else, tested."""

import hashlib
import io
import json
import posixpath
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_core.__main__ import main
from cnn_core.arithmetic.measures import Share
from cnn_core.arithmetic.written import in_bytes
from cnn_core.networks.backbones import backbone
from cnn_core.pictures import decoders, intake, sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.transfer import export, formats, manifest
from cnn_core.training.transfer.results import Answer, Arm, ClassFigures, Transfer
from cnn_core.training.transfer.spec import Options

LITE = backbone("efficientnet_lite0")
NETWORK = b"a network " * 1000
CLASSES = ("<b>mug</b>", "cup")
PROGRAM = "python -m cnn_core: "


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    store = Store.default()
    yield store
    store.close()


def item(store: Store, number: int, label: str) -> Item:
    pixels = np.full((30, 40, 3), 7 * number, np.uint8)
    return sets.keep(store, Picture(pixels, f"{number}.png"), label)


def arm(items: list[Item], right: int) -> Arm:
    answers = [
        Answer(each.digest, each.name, each.label, each.label, 0.5 + n / 100, 0.5) for n, each in enumerate(items)
    ]
    figures = (ClassFigures(CLASSES[0], 1.0, 1.0, 1.0, 1), ClassFigures(CLASSES[1], 0.0, 0.0, 0.0, 0))
    share = Share(right, len(items), 0.2, 1.0)
    return Arm(
        share, ((1, 0), (0, 0)), figures, tuple(answers), (), 1, 10, 100, 1000, {"training": 1.0, "features": 1.0}
    )


@pytest.fixture
def run(store: Store) -> Run:
    """A finished run whose frozen arm was the better one; its LiteRT file is there, and has passed."""
    items = [item(store, number, CLASSES[number % 2]) for number in range(30)]
    arms = {"frozen": arm(items[:20], 19), "fine_tuned": arm(items[:20], 18)}
    found = Transfer(CLASSES, {"train": 8, "validation": 2, "test": 20}, arms)
    spec = {"items": [each.to_json() for each in items], "options": Options().to_json(), "source": "cups"}
    claimed = store.claim(store.create("transfer", spec, title="cups").id, "w")
    assert claimed
    about = {"keras": "3", "tensorflow": "2", "device": "CPU"}
    store.finish(claimed, "done", result=found.to_json(), environment=about)
    keep_test(store, claimed, "frozen", items[:10])
    return store.get(claimed.id)


def keep_test(store: Store, run: Run, name: str, items: list[Item], **more: Any) -> None:
    seen = np.zeros((224, 224, 3), np.uint8)
    said = {name: dict(zip(CLASSES, (0.75, 0.25), strict=True))}
    parity = [manifest.parity_picture(each.name, f"pictures/{each.digest}.webp", seen, said, CLASSES) for each in items]
    entry = {"name": "tflite", "file": f"{name}.tflite", "passed": True, "words": "fine.", "batch": 1} | more
    told = {"pictures": [each.name for each in items], "parity": parity, "formats": [entry]}
    store.write(keys.self_test(run.id, name), json.dumps(told).encode())
    store.write(keys.file(run.id, name, "tflite"), NETWORK)


# The files ------------------------------------------------------------------------------------------------------------


def test_page_is_whole_and_asks_nobody_else(store: Store, run: Run) -> None:
    files = export.web_page(store, run, "frozen", LITE)
    index = files["index.html"].decode()
    for address in re.findall(r'(?:src|href)="([^"]+)"', index):
        assert address in files or address in ("data:,", "http://localhost:8000"), address
    for name in files:
        if name.startswith("scripts/") and name.endswith(".js"):
            text = files[name].decode()
            for imported in re.findall(r"from '([^']+)'", text):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(name), imported)) in files, (name, imported)
            assert not re.search(r"https?://[\w/]", text), name
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', index)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["connect-src"] == rules["style-src"] == "'self'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'", "no inline script, no eval"
    assert "<style" not in index and "style=" not in index and not re.search(r"<script[^>]*>[^<]", index)


def test_page_has_the_network_its_labels_and_what_tests_it(store: Store, run: Run) -> None:
    files = export.web_page(store, run, "frozen", LITE)
    assert files["model.tflite"] == NETWORK and json.loads(files["labels.json"]) == list(CLASSES)
    told = json.loads(files["manifest.json"])
    part, checksum = told["parts"]["model"], hashlib.sha256(NETWORK).hexdigest()
    assert part == {"url": f"model.tflite?{checksum[:12]}", "sha256": checksum, "bytes": len(NETWORK)}
    assert told["arms"] == {"frozen": {"title": "Frozen", "steps": ["model"]}} and told["classes"] == list(CLASSES)
    assert (told["size"], told["crop"], told["tolerance"]) == (224, 0.875, 1e-3)
    assert told["threshold"]["frozen"] == pytest.approx(0.51), "the second of 20: 95% are at least as sure"
    assert len(told["parity"]) == 10
    for picture in told["parity"]:
        assert files[picture["url"]] and picture["expected"] == {"frozen": [0.75, 0.25]}
    assert set(files) > {"litert/index.js", "litert/litert_wasm_compat_internal.wasm", "LICENCES.txt", "README.txt"}


def test_words_beside_the_page_tell_how_to_open_it_and_who_made_what(store: Store, run: Run) -> None:
    files = export.web_page(store, run, "frozen", LITE)
    words, licences = files["README.txt"].decode(), files["LICENCES.txt"].decode()
    assert words.startswith("<b>mug</b> or cup?\n") and f"run {run.id}, frozen" in words
    assert "python -m http.server 8000" in words and "https:// or on localhost" in words and "at least 51%" in words
    assert in_bytes(sum(map(len, files.values()))) in words and "{" not in words
    assert "LiteRT.js 2.5.3" in licences and "licence: Apache-2.0" in licences and "TERMS AND CONDITIONS" in licences
    without = export.web_page(store, run, "frozen", LITE, pictures=False)
    assert json.loads(without["manifest.json"])["parity"] == []
    assert not [name for name in without if name.startswith("pictures/")]
    assert "made without pictures, so that nothing is compared" in without["README.txt"].decode()


def test_bundle_with_the_page_comes_back_as_one_without(store: Store, run: Run, tmp_path: Path) -> None:
    store.write(keys.file(run.id, "frozen"), b"weights")
    plain, whole = (export.bundle(store, run, "frozen", LITE, page=page) for page in (False, True))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        names = [name.removeprefix("web/") for name in archive.namelist() if name.startswith("web/")]
        assert sorted(names) == sorted(export.web_page(store, run, "frozen", LITE))
        assert "`web/README.txt` says how" in archive.read("model_card.md").decode()
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("web/")]
        assert "web/" not in archive.read("model_card.md").decode()
    assert len(whole) - len(plain) == pytest.approx(export.web.page_bytes(len(NETWORK)), rel=0.1), "as it is told"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.zip"
        path.write_bytes(whole)
        other = Store(tmp_path / "other")
        taken = intake.from_zip(path, "b.zip", decoders.shared())
        restored = export.read_bundle(taken, "b.zip", other, decoders.shared())
        other.close()
    assert [list(each.to_json()) for each in restored.items] == [list(each) for each in run.spec["items"]]


@pytest.mark.parametrize(("more", "arm"), [({"passed": False}, "frozen"), ({"batch": None}, "frozen"), ({}, "scratch")])
def test_network_without_a_tested_file_has_no_page(store: Store, run: Run, more: dict[str, Any], arm: str) -> None:
    if more:
        keep_test(store, run, "frozen", [], **more)
    assert not export.has_page(export.self_test_of(store, run.id, arm))
    with pytest.raises(export.NoPage, match=f"a LiteRT file of {arm} that has passed its test. Test the exports first"):
        export.web_page(store, run, arm, LITE)


# The command ----------------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The line with which a command ends that writes nothing."""
    assert main(["export", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    *_, line = said.err.splitlines()
    assert line.startswith(PROGRAM)
    return line.removeprefix(PROGRAM)


def test_command_writes_the_page_of_the_better_arm(
    store: Store, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page"
    assert main(["export", run.id, "--format", "web", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "fine." and f"-m http.server 8000 --directory {out}" in said.out
    assert said.err == "The frozen arm, which had the most right answers; --arm names another.\n"
    files = export.web_page(store, run, "frozen", LITE)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == set(files)
    assert (out / "model.tflite").read_bytes() == NETWORK
    bare = ["--format", "web", "--arm", "frozen", "--no-pictures", "--out", str(tmp_path / "bare")]
    assert main(["export", run.id, *bare]) == 0
    assert not (tmp_path / "bare" / "pictures").exists() and capsys.readouterr().err == ""


def test_command_tests_a_format_before_it_writes_it(
    store: Store, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = {"int8": True, "onnx": False}

    def tested(run_id: str, arm: str, *, wanted: set[str], known: Any, tell: Any, location: str) -> dict[str, Any]:
        told: dict[str, Any] = {"formats": list(known), "pictures": [], "parity": []}
        for name in sorted(wanted - {"keras"}):
            tell(told, name)
            file = keys.FORMATS[name].format(arm=arm)
            words = f"{file}: beyond 1e-03: not offered."
            told["formats"].append({"name": name, "file": file, "batch": 1, "words": words, "passed": passes[name]})
            store.write(keys.file(run_id, arm, name), name.encode())
        store.write(keys.self_test(run_id, arm), json.dumps(told).encode())
        return told

    monkeypatch.setattr(formats, "export_formats", tested)
    out = tmp_path / "small"
    assert main(["export", run.id, "--format", "int8", "--arm", "frozen", "--out", str(out)]) == 0
    assert capsys.readouterr().err == "Testing LiteRT (8-bit weights) in a fresh process …\n"
    assert (out / "frozen.int8.tflite").read_bytes() == b"int8"
    assert 'MODEL = "frozen.int8.tflite"' in (out / "predict.py").read_text(encoding="utf-8")
    assert {"labels.json", "model_card.md", "images.py"} <= {path.name for path in out.iterdir()}
    said = refused(capsys, run.id, "--format", "onnx", "--arm", "frozen", "--out", tmp_path / "other")
    assert said == "Nothing was written: frozen.onnx: beyond 1e-03: not offered."
    assert not (tmp_path / "other").exists()


def test_command_that_cannot_be_carried_out_ends_in_one_line(
    store: Store, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web = ("--format", "web", "--out")
    said = refused(capsys, run.id, *web, tmp_path / "a" / "b")
    assert said == f"--out: the folder {tmp_path / 'a'} does not exist. Create it first."
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    said = refused(capsys, run.id, *web, tmp_path / "full")
    assert said == f"--out: {tmp_path / 'full'} is there and not an empty folder. Name a new one."
    said = refused(capsys, run.id, "--arm", "scratch", *web, tmp_path / "out")
    assert said == f"--arm: run {run.id} has no arm 'scratch'; it has frozen, fine_tuned."
    waiting = store.create("transfer", {}, title="waits")
    said = refused(capsys, waiting.id, *web, tmp_path / "out")
    assert said == f"Run {waiting.id} has no trained network (its state is queued). Choose another run."
    assert "There is no run 'abc' in this store." in refused(capsys, "abc", *web, tmp_path / "out")
    assert not (tmp_path / "out").exists()
