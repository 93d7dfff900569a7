"""Train a small convnet and a small ViT on ever more digits, natural and shuffled."""

import math
import time
from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from cnn_core.arithmetic.statistics import share
from cnn_core.networks import devices
from cnn_core.networks.zoo.vit import vit
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Store
from cnn_core.training.loop import Diverged
from cnn_core.training.studies.digits import SIDE, Digits, digits, standardised
from cnn_core.training.studies.inductive_bias import (
    NETS,
    ORDERS,
    InductiveBias,
    InductiveBiasResult,
    Point,
    Try,
    largest,
    leads,
    trainings,
)
from cnn_core.training.studies.repeats import Pictures
from cnn_core.training.studies.training import Trainer, batches

_VALIDATION = 300  # of the training pictures: for the learning rate, never trained on
_TUNING_SIZE = 200
_PERMUTATION_SEED = 0


def convnet() -> keras.Model:
    """Build three 3 × 3 convolutions and a dense layer, `(N, 8, 8, 1)` → `(N, 10)` probabilities.

    Example:
        >>> ratio = convnet().count_params() / small_vit().count_params()
        >>> 0.98 < ratio < 1.02
        True
    """
    image = x = keras.Input((SIDE, SIDE, 1), name="image")
    for number, filters in enumerate((24, 40, 44), 1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}")(x)
        if number < 3:
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(10, name="logits")(x)
    return keras.Model(image, layers.Softmax(name="probabilities")(x), name="convnet")


def small_vit() -> keras.Model:
    """Build a ViT of two blocks on 16 patches of 2 × 2 pixels, `(N, 8, 8, 1)` → `(N, 10)` probabilities."""
    return vit(
        input_shape=(SIDE, SIDE, 1),
        num_classes=10,
        patch_size=2,
        depth=2,
        width=36,
        mlp_width=96,
        heads=4,
        name="small_vit",
    )


_BUILDERS: dict[str, Callable[[], keras.Model]] = {"convnet": convnet, "vit": small_vit}


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Train both networks on ever more pictures.

    Every point stands in the result at once. A later attempt measures the others only, at the learning rates that were
    chosen. A point whose loss is not a number any more is left out, and the run is done in part.

    Args:
        run: Its spec is an `InductiveBias` as JSON; its result, what an earlier attempt has found.
        store: Not used: the figures are the result.
        report: Is told `phase` (`tuning`, `training`), `arm`, `fraction` and `so_far`, the result until now.

    Returns:
        An `InductiveBiasResult` and the environment. A stopped run has the points that it had.
    """
    found = devices.find()
    options = InductiveBias.from_json(run.spec)
    before = InductiveBiasResult.from_json(run.result) if run.result else None
    study = _Study(options, report, before)
    study.run()
    environment = devices.environment(found) | {"seed": options.seed}
    return Outcome(study.result().to_json(), environment, " ".join(study.trouble))


class _Study:
    """Two networks, the pictures with and without order, and what has been found so far."""

    def __init__(self, options: InductiveBias, report: Report, before: InductiveBiasResult | None) -> None:
        self.options, self.report = options, report
        report.update(reaction=10)
        report.update(phase="preparing", arm="", fraction=0.0)
        natural = standardised(digits())
        self.data = {False: natural, True: permuted(natural)}
        self.limit = len(natural.train) - _VALIDATION
        self.tuning_size = min(_TUNING_SIZE, self.limit)
        self.trainers = {net: Trainer(build, keras.optimizers.Adam()) for net, build in _BUILDERS.items()}
        self.tuning = before.tuning if before else ()
        self.points = before.points if before else ()
        self.rates = before.learning_rates if before else {}
        self.trouble: list[str] = []
        self._started, self._earlier = time.perf_counter(), before.seconds if before else 0.0
        self._orders = (False, True) if options.shuffled else (False,)
        self._done = 0

    def result(self) -> InductiveBiasResult:
        """All that is known so far."""
        tested = len(self.data[False].test)
        return InductiveBiasResult(
            params={net: trainer.model.count_params() for net, trainer in self.trainers.items()},
            tuning=self.tuning,
            tuning_size=self.tuning_size,
            learning_rates=self.rates,
            points=self.points,
            leads=leads(self.points),
            largest=largest(self.points, tested, share),
            pictures=Pictures(self.limit, tested, _VALIDATION),
            seconds=round(self._earlier + time.perf_counter() - self._started, 3),
        )

    def run(self) -> None:
        self.report.update(phase="tuning")
        for shuffled in self._orders:
            for net in NETS:
                if ORDERS[shuffled] in self.rates.get(net, {}):
                    self._done += len(self.options.learning_rates)
                elif not self._tune(net, shuffled):
                    return
        self.report.update(phase="training")
        measured = {(point.net, point.shuffled, point.size, point.seed) for point in self.points}
        # Seed after seed, so that a run that is stopped has whole curves.
        for seed in self.options.seed_list:
            for shuffled in self._orders:
                for size in self.options.sizes:
                    for net in NETS:
                        if (net, shuffled, size, seed) in measured:
                            self._done += 1
                        elif not self._measure(net, shuffled, size, seed):
                            return
        self.report.update(phase="done", arm="", fraction=1.0)

    def _tune(self, net: str, shuffled: bool) -> bool:
        """Try the learning rates from one seed that is not used again; False if stopped."""
        data, options = self.data[shuffled], self.options
        tries: list[Try] = []
        for rate in options.learning_rates:
            try:
                if self._train(net, shuffled, self.tuning_size, options.seed + options.seeds, rate) is None:
                    return False
                held_out, labels = data.train[self.limit :], data.train_labels[self.limit :]
                accuracy: float | None = 1 - self.trainers[net].error(held_out, labels)
            except Diverged:
                accuracy = None
                self._done += 1
            tries.append(Try(net, shuffled, rate, accuracy))
        best = max(tries, key=lambda each: (each.validation_accuracy or 0.0, -each.learning_rate))
        self.tuning = (*self.tuning, *tries)
        self.rates = self.rates | {net: self.rates.get(net, {}) | {ORDERS[shuffled]: best.learning_rate}}
        self.report.found(self.result().to_json())
        return True

    def _measure(self, net: str, shuffled: bool, size: int, seed: int) -> bool:
        """One point of a curve; False if stopped."""
        self.report.update(arm=net, size=size, seed=seed, shuffled=shuffled)
        started = time.perf_counter()
        try:
            loss = self._train(net, shuffled, size, seed, self.rates[net][ORDERS[shuffled]])
        except Diverged as trouble:  # the other points are worth having
            self.trouble.append(f"{net}, {size} pictures, {ORDERS[shuffled]}, seed {seed}: {trouble}")
            self._done += 1
            return True
        if loss is None:
            return False
        data = self.data[shuffled]
        accuracy = 1 - self.trainers[net].error(data.test, data.test_labels)
        seconds = round(time.perf_counter() - started, 3)
        self.points = (*self.points, Point(net, shuffled, size, seed, accuracy, loss, seconds))
        result = self.result().to_json()
        self.report.found(result)
        self.report.update(so_far=result)
        return True

    def _train(self, net: str, shuffled: bool, size: int, seed: int, rate: float) -> float | None:
        """Train for the steps of the options; the mean loss of the last epoch, or None if stopped."""
        trainer, data, options = self.trainers[net], self.data[shuffled], self.options
        trainer.optimizer.learning_rate = rate
        trainer.start(seed)
        rng = np.random.default_rng(seed)
        chosen = balanced(data.train_labels[: self.limit], size, rng)
        pictures, labels = data.train[chosen], data.train_labels[chosen]
        taken, loss, all_of_them = 0, float("nan"), trainings(options)
        while taken < options.steps:
            before = taken

            def listen(batch: int, loss: float, error: float, before: int = before) -> bool:
                trainer.optimizer.learning_rate = _annealed(rate, (before + batch) / options.steps)
                self.report.update(fraction=(self._done + (before + batch) / options.steps) / all_of_them)
                return self.report.should_stop

            shown = list(batches(pictures, labels, options.batch_size, rng))[: options.steps - taken]
            epoch = trainer.epoch(iter(shown), listen)
            if epoch is None:
                return None
            taken, loss = taken + len(shown), epoch.loss
        self._done += 1
        return loss


def _annealed(rate: float, done: float) -> float:
    """Return the learning rate after a fraction of the steps: a half cosine from its start to zero, for both networks.

    Example:
        >>> [round(_annealed(0.01, done), 5) for done in (0.0, 0.5, 1.0)]
        [0.01, 0.005, 0.0]

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983, section 3; Dosovitskiy et al. 2021, table 3.
    """
    return 0.5 * rate * (1 + math.cos(math.pi * done))


def permuted(data: Digits) -> Digits:
    """Return the digits with the pixels of every picture in one other order.

    Example:
        >>> natural = digits()
        >>> shuffled = permuted(natural)
        >>> bool(np.allclose(np.sort(shuffled.test[0], axis=None), np.sort(natural.test[0], axis=None)))
        True
    """
    order = np.random.default_rng(_PERMUTATION_SEED).permutation(SIDE * SIDE)
    train, test = (part.reshape(len(part), -1)[:, order].reshape(part.shape) for part in (data.train, data.test))
    return Digits(train, data.train_labels, test, data.test_labels, data.test_indices)


def balanced(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return places of so many pictures, equally many of each digit as far as possible, in a random order.

    Example:
        >>> labels = np.repeat(np.arange(10), 20)
        >>> np.bincount(labels[balanced(labels, 55, np.random.default_rng(0))]).tolist()
        [6, 6, 6, 6, 6, 5, 5, 5, 5, 5]
    """
    order = rng.permutation(len(labels))
    rounds = np.zeros(len(labels), int)  # the how-manieth of its digit a picture is in this order
    for digit in np.unique(labels):
        places = np.flatnonzero(labels[order] == digit)
        rounds[places] = np.arange(len(places))
    first = np.lexsort((labels[order], rounds))[:size]
    return order[first]
