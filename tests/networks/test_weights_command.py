"""`python -m cnn_core weights`: what is listed, fetched and checked, and each trouble in one sentence."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from cnn_core.__main__ import main
from cnn_core.networks import backbones, downloads, shipped
from cnn_core.networks.backbones import BACKBONES, BackboneUnavailable
from cnn_core.networks.downloads import PUBLISHED, DownloadRefused, Published
from cnn_core.networks.operator_weights import given

FILE = BACKBONES["mobilenet_v2"].weights_file
VGG = BACKBONES["vgg16"].weights_file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights, and nothing where Keras has its own."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    place = tmp_path / "Gewichte 50% #1"
    place.mkdir()
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", str(place))
    return place


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands for the host of Keras's weights."""
    place = tmp_path / "host"
    for published in PUBLISHED.values():
        (place / published.folder).mkdir(parents=True)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(place)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(downloads, "_ROOT", f"http://127.0.0.1:{server.server_address[1]}")
    yield place
    server.shutdown()
    server.server_close()
    thread.join()


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    main(["weights", "--json", *arguments])
    return {each["name"]: each for each in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("name", [name for name, record in BACKBONES.items() if not record.embedded])
def test_table_is_that_of_the_installed_keras(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record, asked = BACKBONES[name], []

    def get_file(fname: str, origin: str, file_hash: str | None = None, **_: object) -> str:
        asked.append((fname, origin, file_hash or ""))
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with pytest.raises(BackboneUnavailable):
        backbones.build(name)
    published = PUBLISHED[record.weights_file]
    assert asked == [(record.weights_file, published.url(record.weights_file), published.checksum)]
    assert len(published.checksum) == {"": 0, "md5": 32, "sha256": 64}[published.algorithm]


def test_what_there_is_is_listed_with_source_and_licence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / FILE).write_bytes(b"numbers")
    found = listed(capsys)
    assert {name: each["state"] for name, each in found.items()} == {
        "efficientnet_lite0": "built in",
        "lenet5": "built in",
        "mobilenet_v2": "there",
        "efficientnet_v2_b0": "absent",
        "resnet50": "absent",
        "convnext_tiny": "absent",
        "vgg16": "absent",
    }
    assert all(each["source"] and each["licence"] == "Apache-2.0" for each in found.values())
    assert found["vgg16"]["file"] == str(folder / VGG)
    assert main(["weights"]) == 0
    said = capsys.readouterr().out
    assert (
        "mobilenet_v2        there     keras.applications, Sandler et al. 2018, arXiv:1801.04381, Apache-2.0\n" in said
    )
    assert f"SHA-256 {shipped.LENET_SHA256}" in said
    assert backbones.at_hand(BACKBONES["mobilenet_v2"]) and not backbones.at_hand(BACKBONES["vgg16"])
    assert given("alexnet") is None, "downloads alone need no weights.json"


def test_carried_weights_are_what_this_program_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "weights.json").write_text("{}")
    found = listed(capsys, "--check")
    for name in ("efficientnet_lite0", "lenet5"):
        data = Path(found[name]["file"]).read_bytes()
        assert (
            found[name]["sha256"] == hashlib.sha256(data).hexdigest() and found[name]["told"] == "right, by its SHA-256"
        )


def test_own_files_are_listed_and_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.weights.h5").write_bytes(b"numbers")
    digest = hashlib.sha256(b"numbers").hexdigest()
    entry = {"file": "a.weights.h5", "sha256": digest, "source": "Somebody 2026", "licence": "MIT"}
    wrong = entry | {"file": "gone.weights.h5"}
    (folder / "weights.json").write_text(json.dumps({"alexnet": entry, "vgg16": wrong}))
    main(["weights", "--json", "--check"])
    found = {(each["name"], each["source"]): each for each in json.loads(capsys.readouterr().out)}
    assert found["alexnet", "Somebody 2026"]["told"] == "right, by its SHA-256"
    assert "there is no file gone.weights.h5 beside weights.json" in found["vgg16", ""]["told"]
    (folder / "a.weights.h5").write_bytes(b"others")
    assert main(["weights", "--check"]) == 1
    said = capsys.readouterr()
    assert "weights.json says " + digest[:12] in said.out
    assert said.err.endswith("python -m cnn_core: not as they should be: alexnet, vgg16.\n")


def test_fetched_file_is_whole_checked_and_written_down(
    folder: Path, host: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytes(range(256)) * 10_000
    (host / "mobilenet_v2" / FILE).write_bytes(data)
    (host / "vgg16" / VGG).write_bytes(data)
    monkeypatch.setitem(PUBLISHED, VGG, Published("vgg16", "md5", hashlib.md5(data).hexdigest()))
    assert main(["weights", "--fetch", "mobilenet_v2", "vgg16"]) == 0
    assert f"vgg16: fetched into {folder / VGG}.\n" in capsys.readouterr().err
    digest = hashlib.sha256(data).hexdigest()
    assert (folder / "SHA256SUMS").read_text() == f"{digest}  {FILE}\n{digest}  {VGG}\n"
    assert {path.name for path in folder.iterdir()} == {FILE, VGG, "SHA256SUMS"}
    found = listed(capsys, "--check")
    assert found["vgg16"]["told"] == "right, by SHA256SUMS and Keras's MD5"
    assert found["mobilenet_v2"]["told"] == "right, by SHA256SUMS" and found["mobilenet_v2"]["sha256"] == digest
    assert main(["weights", "--fetch", "vgg16"]) == 0
    assert "is there already" in capsys.readouterr().err
    (folder / FILE).write_bytes(data[:-1])
    assert main(["weights", "--check"]) == 1
    assert f"{FILE} has the SHA256" in capsys.readouterr().out


def test_what_is_not_what_was_published_is_not_kept(
    folder: Path, host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (host / "vgg16" / VGG).write_bytes(b"<html>Sign in to the hotel's network</html>")
    assert main(["weights", "--fetch", "vgg16"]) == 2
    said = capsys.readouterr().err
    assert "expected. Nothing was kept: try again, or from another connection." in said and said.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_without_a_connection_there_is_one_sentence(
    folder: Path, host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "--fetch", "all"]) == 2  # the host has none
    said = capsys.readouterr().err
    assert said.startswith(
        f"python -m cnn_core: {FILE} could not be fetched (HTTP Error 404: File not found). Connect and"
    )
    assert said.endswith(f"and put it into {folder}.\n") and said.count("\n") == 1
    assert main(["weights", "--fetch", "alexnet"]) == 2
    assert "'alexnet' cannot be fetched. Known are: all, mobilenet_v2," in capsys.readouterr().err


def test_list_of_checksums_that_is_none_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / FILE).write_bytes(b"numbers")
    (folder / "SHA256SUMS").write_text("5d41402a  something\n")
    assert main(["weights"]) == 2
    assert "line 1, is '5d41402a  something'; 64 hexadecimal digits, two spaces and a name" in capsys.readouterr().err


def test_given_downloads_are_used_and_another_file_is_refused(folder: Path) -> None:
    donor = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(224, 224, 3))
    with h5py.File(folder / FILE, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, donor)
    model = backbones.build("mobilenet_v2")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), donor.get_weights(), strict=True))
    (folder / "SHA256SUMS").write_text(f"{'0' * 64} *{FILE}\n")
    with pytest.raises(
        BackboneUnavailable, match=r"MobileNetV2 are not taken: .* has the SHA256 .*SHA256SUMS has 0000"
    ):
        backbones.build("mobilenet_v2")
    with pytest.raises(DownloadRefused, match="Delete it and fetch it again"):
        downloads.check(folder / FILE)
