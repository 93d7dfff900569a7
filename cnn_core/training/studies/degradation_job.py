"""Train the four nets of the degradation study from each seed: plain and residual, shallow and deep."""

import time
from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np

from cnn_core.arithmetic.statistics import share
from cnn_core.networks import devices
from cnn_core.networks.summary import layer_table
from cnn_core.networks.zoo.cifar_resnet import cifar_resnet
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Store
from cnn_core.training.loop import Diverged
from cnn_core.training.studies.degradation import (
    ARMS,
    CRITERION,
    Arm,
    Degradation,
    DegradationResult,
    Repetition,
    judge,
)
from cnn_core.training.studies.digits import digits, standardised
from cnn_core.training.studies.repeats import EpochFigures, Pictures, right_on_average
from cnn_core.training.studies.training import Trainer, batches

_MOMENTUM = 0.9


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Train the four nets from each seed.

    A net that has ended stands in the result at once. A later attempt trains the others only, each from its start.

    Args:
        run: Its spec is a `Degradation` as JSON; its result, what an earlier attempt has found.
        store: Not used: the figures are the result.
        report: Is told `phase`, `arm`, `seed`, `fraction` and `so_far`, the result as far as it has come.

    Returns:
        A `DegradationResult` and the environment. A stopped run has the epochs that it had ended.
    """
    found = devices.find()
    options = Degradation.from_json(run.spec)
    before = DegradationResult.from_json(run.result) if run.result else None
    study = _Study(options, report, before)
    study.run()
    return Outcome(study.result().to_json(), devices.environment(found) | {"seed": options.seed})


class _Study:
    """The four networks and what they have learnt so far."""

    def __init__(self, options: Degradation, report: Report, before: DegradationResult | None) -> None:
        self.options, self.report = options, report
        report.update(reaction=20)  # a network of 56 layers is traced before its first step
        report.update(phase="preparing", arm="", seed=options.seed, fraction=0.0)
        self.data = standardised(digits(options.input_size))
        self.steps = len(self.data.train) // min(options.batch_size, len(self.data.train))
        self.arms: dict[str, Arm] = {}
        if before:
            self.arms = {
                name: replace(arm, seeds=tuple(each for each in arm.seeds if each.ended))
                for name, arm in before.arms.items()
            }
        self._started, self._earlier = time.perf_counter(), before.seconds if before else 0.0
        self._trainers: dict[str, Trainer] = {}
        self._macs = {arm: self.depth(arm) for arm in ARMS}  # in proportion
        self._done = 0.0

    def depth(self, arm: str) -> int:
        return self.options.deep_depth if arm.endswith("deep") else self.options.shallow_depth

    def result(self) -> DegradationResult:
        """All that is known so far."""
        tested = len(self.data.test)
        arms = {}
        for name, arm in self.arms.items():
            last = arm.last_accuracies
            accuracy = share(right_on_average(last, tested), tested) if last else None
            arms[name] = replace(arm, accuracy=accuracy)
        seconds = round(self._earlier + time.perf_counter() - self._started, 3)
        pictures = Pictures(len(self.data.train), tested)
        return DegradationResult(arms, judge(arms, pictures), CRITERION, pictures, seconds)

    def run(self) -> None:
        # Seed after seed, so that a run that is stopped has whole comparisons.
        for seed in self.options.seed_list:
            for arm in ARMS:
                if self.report.should_stop:
                    return
                share_of_all = self._macs[arm] / sum(self._macs.values()) / self.options.seeds
                if seed not in self._ended(arm):
                    self._train(arm, seed, share_of_all)
                self._done += share_of_all
        self.report.update(phase="done", arm="", fraction=1.0)

    def _ended(self, arm: str) -> set[int]:
        return {each.seed for each in self.arms[arm].seeds if each.ended} if arm in self.arms else set()

    def _train(self, arm: str, seed: int, share_of_all: float) -> None:
        self.report.update(phase="training", arm=arm, seed=seed)
        trainer = self._trainer(arm)
        self._put(arm, Repetition(seed))
        trainer.start(seed)
        rng = np.random.default_rng(seed)
        data, epochs = self.data, self.options.epochs
        figures: tuple[EpochFigures, ...] = ()
        try:
            for number in range(1, epochs + 1):
                started = time.perf_counter()
                shown = batches(data.train, data.train_labels, self.options.batch_size, rng)
                before = self._done + share_of_all * (number - 1) / epochs
                epoch = trainer.epoch(shown, self._listen(before, share_of_all / epochs))
                if epoch is None:
                    return
                test_error = trainer.error(data.test, data.test_labels)
                seconds = round(time.perf_counter() - started, 3)
                figures = (*figures, EpochFigures(number, epoch.loss, epoch.error, test_error, seconds))
                self._put(arm, Repetition(seed, epochs=figures))
            self._put(arm, Repetition(seed, complete=True, epochs=figures))
        except Diverged as trouble:  # the other nets' figures are worth having
            self._put(arm, Repetition(seed, error=str(trouble), epochs=figures))
        self.report.found(self.result().to_json())

    def _listen(self, before: float, share_of_all: float) -> Callable[[int, float, float], bool]:
        def heard(batch: int, loss: float, error: float) -> bool:
            self.report.update(fraction=before + share_of_all * batch / self.steps)
            return self.report.should_stop

        return heard

    def _put(self, arm: str, repetition: Repetition) -> None:
        """Write down what a net has learnt from a seed, in place of what was known of it, and show it."""
        known = self.arms[arm]
        others = [each for each in known.seeds if each.seed != repetition.seed]
        seeds = sorted([*others, repetition], key=lambda each: each.seed)
        self.arms[arm] = replace(known, seeds=tuple(seeds))
        self.report.update(so_far=self.result().to_json())

    def _trainer(self, arm: str) -> Trainer:
        if arm not in self._trainers:
            options, residual = self.options, arm.startswith("residual")
            depth, shape = self.depth(arm), (options.input_size, options.input_size, 1)

            def build() -> keras.Model:
                return cifar_resnet(
                    depth=depth,
                    residual=residual,
                    input_shape=shape,
                    width=options.width,
                    batch_norm=options.batch_norm,
                )

            trainer = Trainer(build, keras.optimizers.SGD(options.learning_rate, momentum=_MOMENTUM))
            rows = layer_table(trainer.model)
            self._trainers[arm] = trainer
            params, trainable = sum(row.params for row in rows), sum(row.trainable_params for row in rows)
            macs = sum(row.macs or 0 for row in rows)
            self.arms.setdefault(arm, Arm(depth, residual, params, trainable, macs))
        return self._trainers[arm]
