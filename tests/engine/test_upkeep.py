"""The host's hour: it collects, says what, and outlives what goes wrong."""

import logging
import os

import pytest

from cnn_core.engine.upkeep import Upkeep
from cnn_core.store import keys, terms
from cnn_core.store.runs import Store
from tests.waiting import eventually


def test_host_collects_again_and_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(terms.DAYS, "soon")
    nobodys = keys.picture("0" * 64)
    store.write(nobodys, b"x")
    assert store.folder
    os.utime(store.folder / "objects" / nobodys, (1.0, 1.0))
    upkeep = Upkeep(store, first=0.0, every=0.02)
    upkeep.start()
    eventually(lambda: "Nothing is collected: CONVSCOPE_KEEP_DAYS is 'soon'" in caplog.text, 10, "it is told")
    assert store.exists(nobodys)
    monkeypatch.delenv(terms.DAYS)
    eventually(lambda: not store.exists(nobodys), 10, "it is collected")
    eventually(lambda: "Collected:\nremoved" in caplog.text, 10, "it is told")
    upkeep.stop()
    assert not upkeep._thread.is_alive()


def test_it_ends_at_once_while_it_waits(store: Store) -> None:
    upkeep = Upkeep(store)
    upkeep.start()
    upkeep.stop()
    assert not upkeep._thread.is_alive()
