"""Where a store lies of which nothing is said."""

import os
from pathlib import Path

import platformdirs
import pytest

from cnn_core.store.location import default_location


def test_checkout_that_cannot_be_written_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    mine = Path(platformdirs.user_data_dir("convscope", False))
    assert default_location(tmp_path) == mine, "no checkout"
    (tmp_path / "app.py").touch()
    assert default_location(tmp_path) == tmp_path / "var"
    asked: list[str] = []

    def nobody_may(path: "os.PathLike[str]", mode: int) -> bool:
        asked.append(os.fspath(path))
        return False

    monkeypatch.setattr(os, "access", nobody_may)  # whoever runs the tests as root may write anything
    assert default_location(tmp_path) == mine
    (tmp_path / "var").mkdir()
    assert default_location(tmp_path) == mine
    assert asked == [str(tmp_path), str(tmp_path / "var")]
