"""The toy network in the place of a backbone."""

from collections.abc import Iterator

import pytest
from lab_toys import TOY, toy_network

from cnn_core.networks import backbones, flatbuffer
from cnn_core.store.runs import Store


@pytest.fixture
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("shelf"))
    yield store
    store.close()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`toy` is a backbone of this machine, and the only one."""
    monkeypatch.setitem(backbones.BACKBONES, "toy", TOY)
    monkeypatch.setattr(backbones, "build", toy_network)
    monkeypatch.setattr(flatbuffer, "FOLDER", tmp_path_factory.mktemp("flatbuffers"))
    monkeypatch.setattr(backbones, "unavailable", lambda record: "" if record is TOY else f"{record.title} is away.")
