"""One experiment from its pictures to its figures: what a worker runs for a run of kind `transfer`."""

import gc
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_core.engine.errors import on_purpose, sentence
from cnn_core.networks import backbones, devices
from cnn_core.networks.forward import Pictures, See, cached_features, compiled, forward, network_input
from cnn_core.networks.maps import Maps
from cnn_core.pictures import kept, near, sets
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report, Stopped
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.heads import Head, Pass
from cnn_core.training.transfer import answers, export, measuring
from cnn_core.training.transfer.evaluation import compare, evaluate
from cnn_core.training.transfer.live import Live
from cnn_core.training.transfer.results import Arm, EpochFigures, Transfer
from cnn_core.training.transfer.shift import Shift
from cnn_core.training.transfer.spec import KEPT_COPIES, Experiment

if TYPE_CHECKING:
    import keras

    from cnn_core.training.transfer import training

_ORDER = ("frozen", "fine_tuned", "scratch")  # quick before slow: the reader has the frozen arm's answer after seconds

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Fitted:
    """The head of the frozen and the fine-tuned arm, and how it came to be."""

    head: Head
    history: list[dict[str, Any]]
    feature_seconds: float
    seconds: float


@dataclass
class _Frozen:
    """A frozen arm as a head alone: its network is written when somebody wants it (`export.network_file`)."""

    head: Head
    history: list[dict[str, Any]]
    trainable_params: int
    total_params: int
    best_epoch: int
    seconds: dict[str, float] = field(default_factory=dict)


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
        self.attempt = run.attempt
        self.options, self.classes = experiment.options, experiment.classes
        self.record = backbones.backbone(self.options.backbone)
        before = Transfer.from_json(run.result) if run.result else Transfer((), {})
        # An attempt after another divides as that did: its arms have been tested on that test part.
        self.near = before.near if before.arms else near.groups(store, experiment.items)
        self.split = sets.split(experiment.items, self.options.seed, self.near)
        self.remarks = kept.remarks(store, experiment.items)
        self.seconds_before = before.seconds
        self.arms = {name: arm for name, arm in before.arms.items() if export.has_network(store, run.id, name)}
        self.failed = dict(before.failed)
        whole = {name: arm for name, arm in self.arms.items() if not arm.stopped}
        self.missing = [name for name in _ORDER if name in self.options.arms and name not in whole]
        self.live = Live(report, self.options, self.split.sizes, whole)
        self._fixed_blocks = len(self.record.block_starts) - self.options.unfreeze_blocks
        self._head: _Fitted | None = None
        self.shift: Shift | None = None

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
        self.shift = self._shift()
        self.live.phase("done")
        return self._found()

    def _shift(self) -> Shift | None:
        """Compare validation and test: where an arm fell, the pictures may be of another kind."""
        if not self.arms or self.report.should_stop:
            return None
        head = self._head.head if self._head else None

        def vectors(items: Sequence[Item]) -> np.ndarray:
            return self._vectors(tuple(items))[0]

        def said(features: np.ndarray) -> np.ndarray:
            assert head is not None
            return np.asarray(head.probabilities(features).argmax(axis=1))

        return measuring.measure(
            self.store, self.split, self.arms, self.classes, self.near, vectors, said if head else None
        )

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
            near=self.near,
            shift=self.shift,
        )

    def _measure(self, name: str, train: "Callable[[], tuple[training.Arm | _Frozen, float]]") -> None:
        self.live.arm = name
        self.failed.pop(name, None)
        started = time.perf_counter()
        arm, feature_seconds = train()
        train_seconds = time.perf_counter() - started - feature_seconds
        stopped = self.report.should_stop
        self.live.phase("testing")
        started = time.perf_counter()
        if isinstance(arm, _Frozen):
            size = export.save_head(self.store, self.id, name, arm.head, arm.total_params)
            probabilities = arm.head.probabilities(self._vectors(self.split.test)[0])
        else:
            model = export.in_float32(arm.model)  # what is measured is what is kept
            size = export.save_model(self.store, self.id, name, model)
            probabilities = self._said(name, model)
        figures = evaluate(probabilities, self.split.test, self.classes)
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
            weight_decay=self._head.head.decay if self._head and name != "scratch" else None,
        )

    def _said(self, name: str, model: "keras.Model") -> np.ndarray:
        """Return what an arm's network says of the test pictures, its fixed part by features or maps; `(N, classes)`.

        On a GPU's float16 the fixed part would be another than that of the network that is kept.
        """
        pictures = self._pictures("test")
        if self.precision != "float32":
            return forward(compiled(model), pictures)
        fixed, trained = answers.parts(model, name, self.record, self.options.unfreeze_blocks)
        if name == "frozen":
            return forward(trained, self._vectors(self.split.test)[0])
        if not fixed:
            return forward(trained, pictures)
        maps = self._maps("test")
        maps.prepare()
        return forward(trained, maps)

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

    def _frozen(self) -> "tuple[training.Arm | _Frozen, float]":
        fitted = self._fitted()
        if self.record.embedded and self.precision == "float32":
            head = fitted.head
            trainable = head.kernel.size + head.bias.size
            total = self.record.params_without_top + trainable
            return _Frozen(head, fitted.history, trainable, total, len(fitted.history)), fitted.feature_seconds
        return _training().frozen(self._base(), fitted.head, fitted.history), fitted.feature_seconds

    def _fine_tuned(self) -> "tuple[training.Arm, float]":
        training = _training()
        fresh = self._head is None
        fitted = self._fitted()
        self.live.head(fitted.history, whole=True)
        self.live.phase("blocks")

        listener, base = self.live.listener("blocks"), self._base()
        export.keep_backbone(self.store, self.record, base)
        try:
            started = time.perf_counter()
            maps = self._prepared()
            map_seconds = time.perf_counter() - started
            keeper = self._keeper("fine_tuned")
            arm = training.fine_tuned(base, fitted.head, fitted.history, maps, self.options, listener, keeper)
            arm.seconds["feature_maps"] = map_seconds
        except Stopped:  # before a block has moved
            if "frozen" in self.arms:
                raise
            arm = training.frozen(self._base(), fitted.head, fitted.history)  # the head is what was learnt so far
        arm.seconds["head"] = fitted.seconds
        return arm, fitted.feature_seconds if fresh else 0.0

    def _scratch(self) -> "tuple[training.Arm, float]":
        training = _training()
        import keras

        keras.utils.set_random_seed(self.options.seed)
        self.live.phase("all")
        base = backbones.build(self.options.backbone, pretrained=False)
        listener, keeper = self.live.listener("all"), self._keeper("scratch")
        return training.scratch(base, len(self.classes), self._pixels(), self.options, listener, keeper), 0.0

    def _keeper(self, arm: str) -> "training.Keeper":
        """Return where the arm's checkpoint is: an attempt after a worker's death goes on from it."""
        key = keys.checkpoint(self.id, arm)

        def load() -> bytes | None:
            return self.store.read(key) if self.store.exists(key) else None

        def save(checkpoint: bytes) -> None:
            self.store.write(key, checkpoint)
            self.report.update(kept=arm)

        def resumed(epochs: int) -> None:
            why = " after its worker was lost" if self.attempt > 1 else ", where it had been broken off"
            self.report.update(note=f"Went on from {f'epoch {epochs}' if epochs else 'its first epoch'}{why}.")

        return _training().Keeper(save, load, resumed)

    def _fitted(self) -> _Fitted:
        """Fit the linear head once; the frozen and the fine-tuned arm both begin with it."""
        if self._head is None:
            started = time.perf_counter()
            items, count = self.split.train + self.split.validation, len(self.split.train)
            vectors, computed = self._vectors(items, self.live.tick("features"))
            features = time.perf_counter() - started
            self.report.update(features={"pictures": len(items), "computed": computed})
            self.live.phase("head")
            started = time.perf_counter()
            seconds: list[float] = []

            def heard(passes: list[Pass]) -> bool:
                seconds.append(time.perf_counter() - started - sum(seconds))
                return self.live.head(_history(passes, seconds))

            truth = self._labels("train"), self._labels("validation")
            weights = heads.class_weights(truth[0]) if self.options.class_weights else None
            head, passes = heads.fit_best(
                vectors[:count], truth[0], vectors[count:], truth[1], tell=heard, weights=weights
            )
            history = _history(passes, seconds)
            self.live.head(history, whole=True)
            self._head = _Fitted(head, history, features, time.perf_counter() - started)
        return self._head

    def _vectors(
        self, items: tuple[Item, ...], tick: Callable[[int], bool] = lambda done: False
    ) -> tuple[np.ndarray, int]:
        return cached_features(self.store, items, self.record, self.precision, tick)

    def _base(self) -> "keras.Model":
        return backbones.build(self.options.backbone)

    # Pictures ---------------------------------------------------------------------------------------------------------

    def _items(self, part: str) -> tuple[Item, ...]:
        items: tuple[Item, ...] = getattr(self.split, part)
        return items

    def _labels(self, part: str) -> np.ndarray:
        return np.array([self.classes.index(item.label) for item in self._items(part)], np.int32)

    def _pictures(self, part: str) -> Pictures:
        return Pictures(self.store, self._items(part), self.record)

    def _pixels(self) -> "training.Data":
        train, validation = (self._pictures(part)[:] for part in ("train", "validation"))
        return _training().Data(train, self._labels("train"), validation, self._labels("validation"))

    def _maps(self, part: str, copy: int | None = None) -> Maps:
        """Return what the fixed blocks make of a part's pictures, or of one of their augmented copies."""
        see: See = network_input
        what = ""
        if copy is not None:
            from cnn_core.training import copies

            see, what = copies.kept_copy(copy)
        return Maps(self.store, self._items(part), self.record, self._fixed_blocks, self.precision, see, what)

    def _prepared(self) -> "training.Data":
        """Return the maps to learn from, computed as far as they were not kept."""
        numbers = range(min(KEPT_COPIES, self.options.epochs)) if self.options.augment else (None,)
        train = [self._maps("train", number) for number in numbers]
        validation = self._maps("validation")
        for maps in (*train, validation):
            maps.prepare(self.live.tick("feature_maps"))
        self.live.phase("blocks")
        labels = self._labels("train"), self._labels("validation")
        return _training().Data(train[0], labels[0], validation, labels[1], train[1:])


def _training() -> Any:
    """Import the arms that need Keras, quietly: a frozen one alone does without."""
    devices.import_keras()
    from cnn_core.training.transfer import training

    return training


def _history(passes: list[Pass], seconds: list[float]) -> list[dict[str, Any]]:
    return [{"phase": "head", **asdict(one), "seconds": took} for one, took in zip(passes, seconds, strict=False)]
