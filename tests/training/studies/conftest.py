"""The store that the tests of the studies share."""

from collections.abc import Iterator

import pytest

from cnn_core.store.runs import Store


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("studies"))
    yield store
    store.close()
