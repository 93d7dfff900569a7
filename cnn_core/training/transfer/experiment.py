"""One experiment from its pictures to its figures: what a worker runs for a run of kind `transfer`."""

import gc
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from cnn_core.engine.errors import on_purpose, sentence
from cnn_core.networks import backbones, devices
from cnn_core.networks.forward import Batches, Pictures, cached_features, compiled, forward, lower
from cnn_core.pictures import kept, sets
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.report import Outcome, Report, Stopped
from cnn_core.store.runs import Run, Store
from cnn_core.training.transfer import answers, training
from cnn_core.training.transfer.evaluation import compare, evaluate
from cnn_core.training.transfer.export import in_float32, keep_backbone, save_model
from cnn_core.training.transfer.live import Live
from cnn_core.training.transfer.results import Arm, EpochFigures, Transfer
from cnn_core.training.transfer.spec import Experiment

_ORDER = ("frozen", "fine_tuned", "scratch")  # quick before slow: the reader has the frozen arm's answer after seconds

log = logging.getLogger(__name__)


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Carry out a run's experiment.

    An arm is a result at once: whatever happens to the others, or to this process, it stays. An attempt after another
    trains only what is not there yet.

    Args:
        run: Its spec is an `Experiment` as JSON, its result what earlier attempts have found.
        store: Holds the pictures; receives features and models.
        report: Is told of progress and of each arm, and says when to stop.

    Returns:
        A `Transfer` and the environment; the trouble, if an arm failed and another did not. A stopped run returns the
        arms that learnt something, measured as they are.

    Raises:
        Whatever made all arms fail.
    """
    found = devices.find()
    experiment = Experiment.from_json(run.spec)
    with devices.placed(found) as replicas:
        result = _Laboratory(run, store, report, experiment, found.precision).run()
    environment = devices.environment(found) | {"seed": experiment.options.seed, "replicas": replicas}
    return Outcome(result.to_json(), environment, result.trouble)


class _Laboratory:
    """The things that the arms of one experiment share."""

    def __init__(self, run: Run, store: Store, report: Report, experiment: Experiment, precision: str) -> None:
        self.started = time.perf_counter()
        self.id, self.store, self.report, self.precision = run.id, store, report, precision
        self.options, self.classes = experiment.options, experiment.classes
        self.record = backbones.backbone(self.options.backbone)
        self.split = sets.split(experiment.items, self.options.seed)
        self.remarks = kept.remarks(store, experiment.items)
        before = Transfer.from_json(run.result) if run.result else Transfer((), {})
        self.seconds_before = before.seconds
        self.arms = {name: arm for name, arm in before.arms.items() if store.exists(keys.file(run.id, name))}
        self.failed = dict(before.failed)
        whole = {name: arm for name, arm in self.arms.items() if not arm.stopped}
        self.missing = [name for name in _ORDER if name in self.options.arms and name not in whole]
        self.live = Live(report, self.options, self.split.sizes, whole)
        self._fixed_blocks = len(self.record.block_starts) - self.options.unfreeze_blocks
        self._head: tuple[keras.Model, Any, dict[str, float]] | None = None

    def run(self) -> Transfer:
        train = {"scratch": self._scratch, "frozen": self._frozen, "fine_tuned": self._fine_tuned}
        first_error: Exception | None = None
        for name in self.missing:
            if self.report.should_stop:
                break
            try:
                self._measure(name, train[name])
            except Stopped:
                break
            except Exception as error:  # noqa: BLE001  whatever it is, the figures of the other arms are worth having
                first_error = first_error or error
                self._fail(name, error)
            self.report.found(self._found().to_json())
        if first_error and not self.arms:
            raise first_error
        self.live.phase("done")
        return self._found()

    def _found(self) -> Transfer:
        arms = {name: self.arms[name] for name in self.options.arms if name in self.arms}
        return Transfer(
            classes=self.classes,
            split_sizes=dict(self.split.sizes),
            arms=arms,
            compared=compare(arms),
            failed=dict(self.failed),
            notes=(*self.split.notes, *self.remarks),
            seconds=round(self.seconds_before + time.perf_counter() - self.started, 3),
        )

    def _measure(self, name: str, train: Callable[[], tuple[training.Arm, float]]) -> None:
        self.live.arm = name
        self.failed.pop(name, None)
        started = time.perf_counter()
        arm, feature_seconds = train()
        train_seconds = time.perf_counter() - started - feature_seconds
        stopped = self.report.should_stop
        self.live.phase("testing")
        started = time.perf_counter()
        model = in_float32(arm.model)  # what is measured is what is kept
        probabilities = self._said(name, model)
        figures = evaluate(probabilities, self.split.test, self.classes)
        size = save_model(self.store, self.id, name, model)
        self.store.remove(keys.checkpoint(self.id, name))
        seconds = {"features": feature_seconds, "training": train_seconds, "testing": time.perf_counter() - started}
        self.arms[name] = Arm(
            **vars(figures),
            history=tuple(EpochFigures(**entry) for entry in arm.history),
            best_epoch=arm.best_epoch,
            trainable_params=arm.trainable_params,
            total_params=arm.total_params,
            model_bytes=size,
            seconds={phase: round(value, 3) for phase, value in (seconds | arm.seconds).items()},
            stopped=stopped,
        )

    def _said(self, name: str, model: keras.Model) -> np.ndarray:
        """Return what an arm's network says of the test pictures, its fixed part by features or maps; `(N, classes)`.

        On a GPU's float16 the fixed part would be another than that of the network that is kept.
        """
        pictures = self._pictures("test")
        if self.precision != "float32":
            return forward(compiled(model), pictures)
        fixed, trained = answers.parts(model, name, self.record, self.options.unfreeze_blocks)
        if name == "frozen":
            items = self.split.test
            vectors, _ = cached_features(self.store, items, self.record, self.precision, lambda done: False)
            return forward(trained, vectors)
        return forward((lambda batch: trained(fixed(batch))) if fixed else trained, pictures)

    def _fail(self, name: str, error: Exception) -> None:
        if on_purpose(error):
            log.info("Run %s, arm %s: %s", self.id, name, error)
            self.store.remove(keys.checkpoint(self.id, name))  # it would come to the same end
        else:
            log.exception("Run %s, arm %s failed", self.id, name)
        self.failed[name] = sentence(error, what="arm")
        traceback.clear_frames(error.__traceback__)  # they hold the pictures and the network: the next arm needs room
        gc.collect()

    # The arms, each with the seconds its features took ----------------------------------------------------------------

    def _frozen(self) -> tuple[training.Arm, float]:
        head, watch, seconds = self._trained_head()
        return training.frozen(self._base(), _copy(head), watch), seconds["features"]

    def _fine_tuned(self) -> tuple[training.Arm, float]:
        fresh = self._head is None
        head, watch, seconds = self._trained_head()
        self.live.head_again(watch.history)
        self.live.phase("blocks")

        def prepare(pictures: Batches) -> np.ndarray:
            maps = forward(lower(self.record, self._fixed_blocks), pictures, self.live.tick("feature_maps"))
            self.live.phase("blocks")
            return maps

        listener, base = self.live.listener("blocks"), self._base()
        keep_backbone(self.store, self.record, base)
        try:
            arm = training.fine_tuned(
                base,
                _copy(head),
                watch,
                self._data(),
                self.options,
                listener,
                prepare,
                self._keeper("fine_tuned"),
            )
        except Stopped:  # before a block has moved
            if "frozen" in self.arms:
                raise
            arm = training.frozen(self._base(), _copy(head), watch)  # the head is what was learnt so far
        arm.seconds["head"] = seconds["head"]
        return arm, seconds["features"] if fresh else 0.0

    def _scratch(self) -> tuple[training.Arm, float]:
        keras.utils.set_random_seed(self.options.seed)
        self.live.phase("all")
        base = backbones.build(self.options.backbone, pretrained=False)
        listener, keeper = self.live.listener("all"), self._keeper("scratch")
        return training.scratch(base, len(self.classes), self._data(), self.options, listener, keeper), 0.0

    def _keeper(self, arm: str) -> training.Keeper:
        """Return where the arm's checkpoint is: an attempt after a worker's death goes on from it."""
        key = keys.checkpoint(self.id, arm)

        def load() -> bytes | None:
            return self.store.read(key) if self.store.exists(key) else None

        return training.Keeper(lambda checkpoint: self.store.write(key, checkpoint), load)

    def _trained_head(self) -> tuple[keras.Model, Any, dict[str, float]]:
        """Train the linear head once; the frozen and the fine-tuned arm both begin with it."""
        if self._head is None:
            tick = self.live.tick("features")
            started = time.perf_counter()
            items = self.split.train + self.split.validation
            vectors, computed = cached_features(self.store, items, self.record, self.precision, tick)
            seconds = {"features": time.perf_counter() - started}
            self.report.update(features={"pictures": len(items), "computed": computed})
            started = time.perf_counter()
            count = len(self.split.train)
            labels = self._labels("train"), self._labels("validation")
            data = training.Data(vectors[:count], labels[0], vectors[count:], labels[1])
            self.live.phase("head")
            head, watch = training.train_head(data, len(self.classes), self.options, self.live.listener("head"))
            self._head = head, watch, seconds | {"head": time.perf_counter() - started}
        return self._head

    def _base(self) -> keras.Model:
        return backbones.build(self.options.backbone)

    # Pictures ---------------------------------------------------------------------------------------------------------

    def _items(self, part: str) -> tuple[Item, ...]:
        items: tuple[Item, ...] = getattr(self.split, part)
        return items

    def _labels(self, part: str) -> np.ndarray:
        return np.array([self.classes.index(item.label) for item in self._items(part)], np.int32)

    def _pictures(self, part: str) -> Pictures:
        return Pictures(self.store, self._items(part), self.record)

    def _data(self) -> training.Data:
        return training.Data(
            self._pictures("train"), self._labels("train"), self._pictures("validation"), self._labels("validation")
        )


def _copy(head: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(head)
    copy.set_weights(head.get_weights())
    return copy
