"""A job's report that writes nowhere."""

from collections.abc import Callable, Mapping
from typing import Any

from cnn_core.store.records import plain


class FakeReport:
    """Remembers all that it is told; asks to stop when `stop_when` says so of the progress so far."""

    def __init__(self, stop_when: Callable[[dict[str, Any]], bool] = lambda progress: False) -> None:
        self.told: list[dict[str, Any]] = []
        self.kept: list[dict[str, Any]] = []
        self.progress: dict[str, Any] = {}
        self.stop_when, self.should_stop, self.lost = stop_when, False, False

    def update(self, **progress: Any) -> None:
        self.told.append(plain(progress))
        self.progress.update(self.told[-1])
        self.should_stop = self.should_stop or self.stop_when(self.progress)

    def found(self, result: Mapping[str, Any]) -> None:
        self.kept.append(plain(result))

    @property
    def fractions(self) -> list[float]:
        return [told["fraction"] for told in self.told if "fraction" in told]
