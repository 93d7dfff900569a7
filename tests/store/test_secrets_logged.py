"""What the store says of its faults goes into logs: no password, no key of a link."""

import errno
import logging
import traceback
from pathlib import Path

import pytest
import sqlalchemy as sa

from cnn_core.store import keys, shares, tables
from cnn_core.store.location import LocationRefused
from cnn_core.store.runs import Store
from tests.writers import locked
from ui.shared.faults import toasted

PASSWORD, KEY = "5ec2e7", "c0ffee" * 6


def whole(error: BaseException) -> str:
    """All that a log holds of an error, with those that caused it."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_database_that_does_not_answer_is_told_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("psycopg")
    engine = tables.connect(f"postgresql+psycopg://anna:{PASSWORD}@127.0.0.1:1/none?connect_timeout=5")
    with caplog.at_level(logging.DEBUG), pytest.raises(sa.exc.OperationalError) as caught:
        engine.connect()
    assert "127.0.0.1" in whole(caught.value)
    assert PASSWORD not in whole(caught.value) + repr(engine) + caplog.text


@pytest.mark.parametrize("url", [f"postgresql://anna:{PASSWORD}@db/convscope", f"s3://anna:{PASSWORD}@bucket/x"])
def test_one_url_is_refused_and_makes_no_folder_of_its_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        LocationRefused, match=r"^The store received one URL, of \w+, without an object store\. Set"
    ) as no:
        Store(url)
    assert PASSWORD not in whole(no.value) and list(tmp_path.iterdir()) == []


def test_fault_is_logged_without_what_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tables, "BUSY", 0.1)
    store = Store(tmp_path)
    token = shares.give(store, "a" * 40).token
    with locked(store), toasted():
        store.lists.add(keys.private(KEY), "0123456789ab")
    with locked(store), toasted():
        store.lists.remove(keys.shares("a" * 40), [token])
    with toasted():
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / keys.share(token)))
    assert caplog.text.count("A callback met a fault of the store") == 3 and "is locked" in caplog.text
    assert "No space left on device" in caplog.text
    assert KEY not in caplog.text and token not in caplog.text
    store.close()
