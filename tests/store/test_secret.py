"""The secret of a server: made once, shared by all who share the store, and the environment's if that gives one."""

from pathlib import Path

import pytest

from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.store.secret import LEAST, SETTING, server_secret, signed, unsigned
from cnn_core.store.settings import SettingRefused


def test_secret_is_made_once_and_replicas_share_it(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "one"), Store(tmp_path / "one")
    assert server_secret(first) == server_secret(second) == first.read(keys.SECRET)
    assert len(server_secret(first)) == 64
    other = Store(tmp_path / "two")
    assert server_secret(other) != server_secret(first)
    for store in (first, second, other):
        store.close()


def test_secret_of_the_environment_prevails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "g" * LEAST)
    store = Store(tmp_path)
    assert server_secret(store) == b"g" * LEAST and not store.exists(keys.SECRET)
    store.close()


def test_secret_that_can_be_guessed_is_refused_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "convscope")
    store = Store(tmp_path)
    with pytest.raises(SettingRefused, match="^CONVSCOPE_SECRET has a length of 9; expected at least 32 random") as it:
        server_secret(store)
    assert "convscope" not in str(it.value) and not store.exists(keys.SECRET)
    store.close()


@pytest.mark.parametrize("text", ["", ".", "ab", "ab.", "abc." + signed("ab", b"s")[3:], signed("ab", b"t"), "é.ü"])
def test_only_what_was_signed_with_this_secret_is_read(text: str) -> None:
    assert unsigned(text, b"s") == ""
    assert unsigned(signed("ab", b"s"), b"s") == "ab"
