"""What all studies of the laboratory share: pictures, features, folds, progress, and the reader's wish to stop."""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from cnn_core.arithmetic.statistics import accuracy_summary
from cnn_core.networks import backbones
from cnn_core.networks.forward import cached_features, network_input, pooled
from cnn_core.store.report import Report, Stopped
from cnn_core.store.runs import Store
from cnn_core.training.lab.probe import fit_probe
from cnn_core.training.lab.spec import Study
from cnn_core.training.lab.splits import repeated_folds, usable


class Bench:
    """The workplace of one study.

    Attributes:
        items: The pictures that take part, sorted by class.
        labels: Their classes as indices, int32 `(N,)`.
        classes: Names of the classes.
        record: The study's backbone.
        folds: The same divisions for every arm.
        result: What is known so far, plain JSON; a stopped study leaves it as it is.
    """

    def __init__(self, store: Store, study: Study, report: Report, precision: str) -> None:
        self.started = time.perf_counter()
        self.store, self.report, self.precision, self.options = store, report, precision, study.options
        self.items, notes = usable(study.items)
        self.classes = tuple(sorted({item.label for item in self.items}))
        self.labels = np.array([self.classes.index(item.label) for item in self.items], np.int32)
        self.record = backbones.backbone(self.options.backbone)
        self.folds = repeated_folds(self.items, self.options.folds, self.options.repeats, self.options.seed)
        self.test_share = 1 / (self.options.folds - 1)
        self.result: dict[str, Any] = {
            "kind": self.options.kind,
            "classes": list(self.classes),
            "pictures": len(self.items),
            "notes": notes,
            "sentences": [],
        }
        self._pixels: np.ndarray | None = None

    @property
    def training_folds(self) -> list[Any]:
        """Return the few divisions that networks are trained on."""
        return self.folds[: self.options.training_splits]

    def base(self) -> keras.Model:
        """Build the study's backbone anew; the caller may change it."""
        return backbones.build(self.record.name)

    def progress(self, phase: str, fraction: float) -> None:
        """Tell how far the study is, 0 to 1.

        Raises:
            Stopped: If the reader wants it to end.
        """
        self.report.update(phase=phase, fraction=round(fraction, 4), arm="")
        if self.report.should_stop:
            raise Stopped

    def features(self, share: float, record: backbones.Backbone | None = None) -> np.ndarray:
        """Return the pooled features of all pictures, float32 `(N, channels)`, from the cache where it has them.

        Args:
            share: Part of the whole progress that this takes.
            record: Another backbone than the study's.
        """
        record = record or self.record
        vectors, computed = cached_features(
            self.store,
            self.items,
            record,
            self.precision,
            lambda: pooled(backbones.build(record.name)),
            lambda done: self._tick("features", done / len(self.items) * share),
        )
        self.result["features_computed"] = self.result.get("features_computed", 0) + computed
        return vectors

    def pixels(self) -> np.ndarray:
        """Return the pictures as the backbone looks at them, uint8 `(N, size, size, 3)`."""
        if self._pixels is None:
            self._pixels = network_input(self.store, self.items, self.record)
        return self._pixels

    def _tick(self, phase: str, fraction: float) -> bool:
        self.report.update(phase=phase, fraction=round(fraction, 4), arm="")
        return self.report.should_stop

    def ticker(self, phase: str, start: float, share: float, total: int) -> Callable[[int], bool]:
        """Return who counts pictures of a pass over `total` of them and says whether to stop."""
        return lambda done: self._tick(phase, start + share * done / total)

    def checker(self, phase: str, start: float, share: float) -> Callable[[float], None]:
        """Return who hears which part of a training is done; raises `Stopped` if the reader wants it to end."""
        return lambda done: self.progress(phase, start + share * done)

    def probe_counts(self, features: np.ndarray, phase: str, start: float, share: float) -> list[int]:
        """Return how many pictures a linear probe gets right in each fold."""
        counts = []
        for index, fold in enumerate(self.folds):
            self.progress(phase, start + share * index / len(self.folds))
            probe = fit_probe(features[fold.train], self.labels[fold.train])
            said = probe.probabilities(features[fold.test]).argmax(axis=1)
            counts.append(int((said == self.labels[fold.test]).sum()))
        return counts

    def accuracy(self, counts: list[int]) -> dict[str, Any]:
        """Summarise right answers of the first folds, as many as there are counts."""
        return accuracy_summary(counts, [len(fold.test) for fold in self.folds[: len(counts)]], self.test_share)

    def say(self, sentence: str) -> None:
        """Add what the figures mean, computed from them."""
        self.result["sentences"] = [*self.result["sentences"], sentence]
