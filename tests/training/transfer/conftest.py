"""One small experiment with all arms, trained once for all tests that look at its outcome."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from transfer_toys import Outcome, carry_out, few_textures, unpack

from cnn_core.pictures.items import Item
from cnn_core.store.runs import Store


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store that these experiments share."""
    store = Store(tmp_path_factory.mktemp("shelf"))
    yield store
    store.close()


PARTS = {"train": 6, "validation": 2, "test": 4}


@pytest.fixture(scope="session")
def textures(shelf: Store) -> tuple[Item, ...]:
    return few_textures(shelf, PARTS)


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """All three arms, two epochs of three steps, the last two blocks unfrozen; in a store without kept features."""
    store = Store(tmp_path_factory.mktemp("outcome"))
    arms = ("scratch", "frozen", "fine_tuned")
    yield carry_out(store, few_textures(store, PARTS), arms=arms, epochs=2, batch_size=6, unfreeze_blocks=2)
    store.close()


@pytest.fixture(scope="session")
def unpacked(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fine-tuned arm's download, unpacked; not to be changed."""
    return unpack(outcome, "fine_tuned", tmp_path_factory.mktemp("download"))
