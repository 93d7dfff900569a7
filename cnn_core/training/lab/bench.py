"""What all studies of the laboratory share: pictures, features, folds, progress, and the reader's wish to stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from cnn_core.arithmetic.measures import FoldAccuracy
from cnn_core.arithmetic.statistics import METHOD, accuracy_summary, paired_comparison
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.networks import backbones
from cnn_core.networks.forward import Network, Pictures, See, cached_features, network_input
from cnn_core.networks.maps import Maps
from cnn_core.pictures import kept, near
from cnn_core.pictures.bursts import together
from cnn_core.store.report import Report, Stopped
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.heads import Head
from cnn_core.training.lab.results import STOPPED, LabResult
from cnn_core.training.lab.spec import LabOptions, LabSpec, commonest_share
from cnn_core.training.lab.splits import Fold, repeated_folds, usable

if TYPE_CHECKING:
    import keras

Options = TypeVar("Options", bound=LabOptions)
Found = TypeVar("Found", bound=LabResult)


class Bench(Generic[Options, Found]):
    """The workplace of one study.

    Args:
        store: Holds the pictures; receives features.
        spec: Pictures and options.
        report: Is told of progress and of what is found, and says when to stop.
        precision: Dtype policy.
        known: What an earlier attempt has found, or an empty result: what it has need not be found again.

    Attributes:
        items: The pictures that take part, sorted by class.
        labels: Their classes as indices, int32 `(N,)`.
        classes: Names of the classes.
        record: The network as which pictures are looked at.
        folds: The same divisions for every arm.
        result: What is known so far.
        recorded: Names of what belongs together by recording, `(N,)`; None where nothing was recorded.
        heads: By which it has judged the pictures, one a fold, to be kept; most studies keep none.
    """

    def __init__(self, store: Store, spec: LabSpec, report: Report, precision: str, known: Found) -> None:
        self._clock = time.perf_counter() - known.seconds, time.process_time() - known.cpu_seconds
        self.store, self.report, self.precision = store, report, precision
        self.options: Options = spec.options  # type: ignore[assignment]  # of the study that this bench is for
        alike = known.near if known.pictures else near.groups(store, spec.items)  # an attempt divides as the one before
        grouped = alike
        self.items, notes = usable(spec.items, alike)
        self.classes = tuple(sorted({item.label for item in self.items}))
        self.labels = np.array([self.classes.index(item.label) for item in self.items], np.int32)
        bursts = together(self.items)
        self.recorded = np.array([bursts.get(item.digest, item.digest) for item in self.items]) if bursts else None
        self.record = backbones.backbone(self.options.network)
        alike, too_easy = near.loosened(self.items, alike, self.options.folds)
        options = self.options
        self.folds = repeated_folds(self.items, options.folds, options.repeats, options.seed, alike)
        self.test_share = 1 / (self.options.folds - 1)
        self.result: Found = replace(
            known,
            classes=self.classes,
            pictures=len(self.items),
            notes=(*notes, *too_easy, *kept.remarks(store, self.items)),
            sentences=tuple(sentence for sentence in known.sentences if sentence != STOPPED),
            intervals=METHOD,
            near=grouped,
            chance=commonest_share(item.label for item in self.items),
            complete=False,
        )
        self.heads: list[Head] = []

    def show(self, result: Found) -> None:
        """Hand over what is known by now: it is kept, whatever happens to the study afterwards."""
        wall, processor = self._clock
        self.result = replace(
            result.settled(),
            seconds=round(time.perf_counter() - wall, 3),
            cpu_seconds=round(time.process_time() - processor, 3),
        )
        self.report.found(self.result.to_json())

    def end_early(self) -> None:
        """Say that this is not all that was to be measured."""
        self.show(replace(self.result, sentences=(STOPPED,)))

    # Progress ---------------------------------------------------------------------------------------------------------

    def progress(self, phase: str, fraction: float) -> None:
        """Tell how far the study is, 0 to 1.

        Raises:
            Stopped: If the reader wants it to end.
        """
        if self._tick(phase, fraction):
            raise Stopped

    def _tick(self, phase: str, fraction: float) -> bool:
        self.report.update(phase=phase, fraction=round(fraction, 4), arm="")
        return self.report.should_stop

    def ticker(self, phase: str, start: float, share: float, total: int) -> Callable[[int], bool]:
        """Return who counts pictures of a pass over `total` of them and says whether to stop."""
        return lambda done: self._tick(phase, start + share * done / total)

    def checker(self, phase: str, start: float, share: float) -> Callable[[float], None]:
        """Return who hears which part of a training is done; raises `Stopped` if the reader wants it to end."""
        return lambda done: self.progress(phase, start + share * done)

    # Pictures and networks --------------------------------------------------------------------------------------------

    def base(self) -> "keras.Model":
        """Build the study's backbone anew; the caller may change it."""
        return backbones.build(self.record.name)

    def pixels(self) -> Pictures:
        """Return the pictures as the backbone looks at them, uint8 `(N, size, size, 3)`, read batch by batch."""
        return Pictures(self.store, self.items, self.record)

    def maps(self, blocks: int, tick: Callable[[int], bool]) -> Maps | np.ndarray:
        """Return what the lowest blocks make of the pictures, kept on disk, or without any of them the pixels.

        Raises:
            Stopped: If `tick`, which counts the pictures, said so.
        """
        if not blocks:
            return self.pixels()[:]
        maps = Maps(self.store, self.items, self.record, blocks, self.precision)
        maps.prepare(tick)
        return maps

    def features(self, share: float, record: backbones.Backbone | None = None) -> np.ndarray:
        """Return the pooled features of all pictures, float32 `(N, channels)`, from the cache where it has them.

        Args:
            share: Part of the whole progress that this takes.
            record: Another backbone than the study's.
        """
        return self.vectors(self.ticker("features", 0.0, share, len(self.items)), record=record)

    def vectors(
        self,
        tick: Callable[[int], bool],
        what: str = "pool",
        extractor: Callable[[], Network] | None = None,
        record: backbones.Backbone | None = None,
        see: See = network_input,
    ) -> np.ndarray:
        """Return what an extractor makes of all pictures, as `cached_features` does, and count what was computed."""
        record = record or self.record
        found, computed = cached_features(self.store, self.items, record, self.precision, tick, what, extractor, see)
        self.result = replace(self.result, features_computed=self.result.features_computed + computed)
        return found

    # Figures ----------------------------------------------------------------------------------------------------------

    def right(self, probabilities: np.ndarray, fold: Fold) -> int:
        """Return how many answers on a fold's test pictures are right."""
        return int((probabilities.argmax(axis=1) == self.labels[fold.test]).sum())

    def probe_counts(self, features: np.ndarray, phase: str, start: float, share: float) -> list[int]:
        """Return how many pictures a linear probe gets right in each fold."""
        counts = []
        for index, fold in enumerate(self.folds):
            self.progress(phase, start + share * index / len(self.folds))
            probe = heads.fit(features[fold.train], self.labels[fold.train])
            counts.append(self.right(probe.probabilities(features[fold.test]), fold))
        return counts

    def accuracy(self, counts: Sequence[int]) -> FoldAccuracy:
        """Summarise right answers of the first folds, as many as there are counts."""
        return accuracy_summary(counts, [len(fold.test) for fold in self.folds[: len(counts)]], self.test_share)

    def counts(self, accuracy: FoldAccuracy) -> list[int]:
        """Return the right answers in each fold that an accuracy summarises."""
        return [round(score * len(fold.test)) for score, fold in zip(accuracy.scores, self.folds, strict=False)]

    def paired(self, accuracy: FoldAccuracy, reference: FoldAccuracy, names: tuple[str, str]) -> PairedDifference:
        """Compare two arms on those of the first folds that both have."""
        both = min(accuracy.folds, reference.folds)
        tested = len(set(np.concatenate([fold.test for fold in self.folds[:both]]).tolist()))
        return paired_comparison(accuracy.scores[:both], reference.scores[:both], self.test_share, names, tested)
