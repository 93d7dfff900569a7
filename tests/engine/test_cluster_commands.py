"""The commands of a cluster: what they refuse, in which words, before anything is started."""

import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from cnn_core.engine import cluster, cluster_check, tls
from cnn_core.engine.client import NO_ASKER, AskTimedOut, Engine
from cnn_core.store.runs import Store

STORE = "sqlite:///{}/runs.sqlite memory://cluster"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tls.make(tmp_path / "tls")
    monkeypatch.setenv("CONVSCOPE_ENGINE", "tls://127.0.0.1:9")
    monkeypatch.setenv("CONVSCOPE_TLS", str(tmp_path / "tls"))
    monkeypatch.setenv("CONVSCOPE_STORE", STORE.format(tmp_path))
    return tmp_path


def test_certificates_are_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.main(["certificates", str(tmp_path / "tls")]) == 0
    assert "good for a year" in capsys.readouterr().out
    assert (tmp_path / "tls" / "tls.key").stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    before = (tmp_path / "tls" / "tls.crt").read_bytes()
    assert cluster.main(["certificates", str(tmp_path / "tls")]) == 2
    assert "has tls.key already. Remove it first" in capsys.readouterr().err.replace("tls.crt", "tls.key")
    assert (tmp_path / "tls" / "tls.crt").read_bytes() == before


@pytest.mark.parametrize("command", [["scheduler"], ["worker", "run"], ["worker", "ask"]])
def test_without_certificates_nothing_is_started(
    command: list[str], settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CONVSCOPE_TLS")
    assert cluster.main(command) == 2
    said = capsys.readouterr().err
    assert "CONVSCOPE_TLS is not set. Whoever reaches a scheduler may run code on its workers" in said
    monkeypatch.setenv("CONVSCOPE_TLS", str(settings))
    assert cluster.main(command) == 2
    assert "there is no tls.crt and no tls.key and no ca.crt. Expected is a folder with" in capsys.readouterr().err


def test_a_folder_is_no_store_for_several_machines(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for location in ("", str(settings)):
        monkeypatch.setenv("CONVSCOPE_STORE", location)
        assert cluster.main(["worker", "run"]) == 2
        said = capsys.readouterr().err
        assert f"CONVSCOPE_STORE is {location!r}; several machines need a store that all of them reach" in said


def test_address_without_tls_is_refused(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for address in ("", "tcp://scheduler:8786", "scheduler"):
        monkeypatch.setenv("CONVSCOPE_ENGINE", address)
        assert cluster.main(["worker", "ask"]) == 2
        assert f"CONVSCOPE_ENGINE is {address!r}; expected the scheduler's address" in capsys.readouterr().err


def test_web_server_with_half_a_folder_of_certificates_says_so(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings / "tls" / "tls.key").unlink()
    engine = Engine(Store(settings / "store"), "tls://127.0.0.1:9")
    status = engine.status()
    assert not status.reachable and "where there is no tls.key. Expected is a folder" in status.message
    engine.close()


def test_check_says_what_is_wrong(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.main(["check"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("well: the certificates end on ")
    assert said[1] == "well: the database keeps and gives; its clock is 0 s behind this one"
    assert said[2].startswith("well: the object store keeps and gives")
    assert said[3].startswith("NOT WELL: the scheduler. The engine at tls://127.0.0.1:9 cannot be reached")


def test_clocks_that_are_apart_are_told(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.default()
    monkeypatch.setattr(cluster_check.time, "time", lambda: 1_000_000.0)
    for apart, well in ((59, True), (-59, True), (61, False), (-1000, False)):
        good, words = cluster_check._clock(lambda apart=apart: 1_000_000.0 + apart, "the database")
        assert good is well and ("Have both set by a time server (NTP)" in words) is not well
        assert f"its clock is {abs(apart)} s {'ahead of' if apart > 0 else 'behind'} this one" in words
    store.close()


def test_question_to_a_cluster_without_a_worker_for_it(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Store.default(), "tls://127.0.0.1:9")
    look = {"workers": [{"address": "tls://w", "lanes": ["RUN"]}], "deaths": {}, "lost": {}, "busy": False}
    monkeypatch.setattr(engine._connection, "look", lambda _: look)
    now = cluster_check.time.monotonic()
    future = Mock(key="ask-1")
    engine._check_patience(future, deadline=now + 59, timeout=60)  # it may come back
    assert not future.release.called
    with pytest.raises(AskTimedOut, match="No worker of this cluster answers questions") as refused:
        engine._check_patience(future, deadline=now + 40, timeout=60)
    assert str(refused.value) == NO_ASKER and future.release.called
