"""A test of exports as a run: it tells how far it is, stops between formats, and goes on where it was broken off."""

import hashlib
import importlib.util
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from transfer_toys import Outcome

from cnn_core.arithmetic.escaping import markdown
from cnn_core.networks import backbones, flatbuffer
from cnn_core.pictures import kept
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.training.transfer import answers, formats, onnx_extra
from cnn_core.training.transfer.export import FORMAT_TITLES, bundle, self_test_of
from cnn_core.training.transfer.results import SelfTest
from tests.reports import FakeReport


def cheap(monkeypatch: pytest.MonkeyPatch, *, failing: str = "") -> list[str]:
    """Have formats be converted and tested at once; returns the files as they are tested."""
    tested: list[str] = []

    def convert(model: object, int8: bool = False) -> bytes:
        if failing == ("int8" if int8 else "tflite"):
            raise MemoryError
        return b"converted"

    def ask(folder: Path, name: str, file: str, *rest: object) -> dict[str, Any]:
        tested.append(name)
        return {"name": name, "file": file, "tolerance": None, "passed": True, "words": "fine"}

    monkeypatch.setattr(flatbuffer, "convert", convert)
    monkeypatch.setattr(formats, "to_onnx", convert)
    monkeypatch.setattr(formats, "_tested", ask)
    return tested


def export_run(outcome: Outcome, result: dict[str, Any] | None = None) -> Run:
    spec = {"run": outcome.run.id, "arm": "scratch"}
    run = outcome.store.claim(outcome.store.create("exports", spec, title="exports").id, "w")
    assert run
    return replace(run, result=result or {})


def test_run_of_a_test_tells_how_far_it_is_and_stops_between_formats(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = cheap(monkeypatch)
    report = FakeReport(lambda progress: progress.get("fraction") == 0.5)
    found = formats.run(export_run(outcome), outcome.store, report)
    assert tested == ["keras", "tflite"] and not found.trouble
    assert [each["phase"] for each in report.told if "testing" in each.get("phase", "")] == [
        "testing Keras, 1 of 4",
        "testing LiteRT (float), 2 of 4",
        "testing LiteRT (8-bit weights), 3 of 4",
    ]
    assert set(FORMAT_TITLES) == set(keys.FORMATS) == set(formats.TOLERANCES)
    known = SelfTest.from_json(found.result)
    assert [entry["name"] for entry in known.formats] == ["keras", "tflite"] and len(known.pictures) == 10
    kept = self_test_of(outcome.store, outcome.run.id, "scratch")
    assert kept and kept["formats"] == list(known.formats), "what was tested is offered"


def test_run_of_a_test_that_fails_keeps_what_was_tested_and_goes_on_there(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap(monkeypatch, failing="int8")
    report, run = FakeReport(), export_run(outcome)
    with pytest.raises(MemoryError):
        formats.run(run, outcome.store, report)
    kept = SelfTest.from_json(report.kept[-1])
    assert [entry["name"] for entry in kept.formats] == ["keras", "tflite"]
    tested = cheap(monkeypatch)
    found = formats.run(export_run(outcome, report.kept[-1]), outcome.store, FakeReport())
    assert tested == ["int8", "onnx"]
    assert [entry["name"] for entry in SelfTest.from_json(found.result).formats] == ["keras", "tflite", "int8", "onnx"]


def test_litert_files_of_an_earlier_version_are_made_anew_for_one_picture_at_a_time(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = cheap(monkeypatch)
    known = [{"name": name, "file": name, "passed": True, "words": "fine"} for name in formats.TOLERANCES]
    found = formats.export_formats(outcome.run.id, "scratch", location=outcome.store.location, known=known)
    assert tested == ["tflite", "int8"]
    assert [(entry["name"], entry.get("batch")) for entry in found["formats"]] == [
        *(("keras", None), ("tflite", 1), ("int8", 1), ("onnx", None))
    ]


def test_network_that_litert_refuses_is_said_and_costs_the_others_nothing(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = cheap(monkeypatch)

    def refuse(model: object, int8: bool = False) -> bytes:
        raise flatbuffer.FlatbufferRefused("it cannot be converted (no such operation)")

    monkeypatch.setattr(flatbuffer, "convert", refuse)
    chosen = ("keras", "tflite")
    found = formats.export_formats(outcome.run.id, "scratch", location=outcome.store.location, wanted=chosen)
    assert tested == ["keras"] and [entry["passed"] for entry in found["formats"]] == [True, False]
    assert found["formats"][1]["words"] == "scratch.tflite: it cannot be converted (no such operation); not offered."


def test_self_test_tells_what_the_page_has_said_of_what_the_network_sees(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap(monkeypatch)
    found = formats.export_formats(outcome.run.id, "frozen", location=outcome.store.location, wanted=())
    assert [picture["name"] for picture in found["parity"]] == found["pictures"] and len(found["parity"]) == 10
    for picture in found["parity"][:2]:
        pixels = kept.pixels(outcome.store, Path(picture["url"]).stem)
        side = min(pixels.shape[:2])  # what `square` says, by Pillow alone
        scale = round(224 / 0.875) / side
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        shown = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
        left, top = (size[0] - 224) // 2, (size[1] - 224) // 2
        seen = np.asarray(shown.crop((left, top, left + 224, top + 224)))
        assert hashlib.sha256(seen.tobytes()).hexdigest() == picture["seen"]
        said = answers.predict(outcome.run.id, pixels, location=outcome.store.location)["frozen"]
        assert picture["expected"]["frozen"] == pytest.approx(list(said.values()), abs=1e-5)


def without(monkeypatch: pytest.MonkeyPatch, *absent: str) -> None:
    """Have packages be as if they were not installed."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in absent else real(name, *rest))


@pytest.mark.slow
def test_onnx_that_is_not_installed_is_left_out_with_the_command_and_made_once_it_is(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap(monkeypatch)
    with monkeypatch.context() as lean:
        without(lean, "tf2onnx", "onnxruntime")
        found = SelfTest.from_json(formats.run(export_run(outcome), outcome.store, FakeReport()).result)
    reason = "ONNX is not offered: this installation lacks tf2onnx, onnxruntime, which you get by “make app ONNX=1”."
    assert found.formats[-1] == {"name": "onnx", "words": reason, "passed": False}
    record = backbones.backbone("efficientnet_lite0")
    with zipfile.ZipFile(io.BytesIO(bundle(outcome.store, outcome.run, "scratch", record, pictures=False))) as archive:
        assert "scratch.onnx" not in archive.namelist() and markdown(reason) in archive.read("model_card.md").decode()

    tested, run = cheap(monkeypatch), export_run(outcome)
    again = replace(run, spec={**run.spec, "again": "onnx"})
    found = SelfTest.from_json(formats.run(again, outcome.store, FakeReport()).result)
    assert tested == ["onnx"] and all(entry["passed"] for entry in found.formats)
    assert [entry["name"] for entry in found.formats] == ["keras", "tflite", "int8", "onnx"]


def test_command_that_brings_onnx_is_the_one_of_this_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert onnx_extra.missing() == ""
    without(monkeypatch, "onnx")
    assert onnx_extra.missing().endswith("lacks onnx, which you get by “make app ONNX=1”.")
    monkeypatch.setattr(onnx_extra, "_MAKEFILE", tmp_path / "Makefile")  # `pip install .` leaves none
    assert onnx_extra.missing().endswith("lacks onnx, which you get by “pip install onnx”.")
