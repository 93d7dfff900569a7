"""A convnet knows beforehand that neighbours belong together; a ViT has to find out. What is that worth, and when?

Both networks have as many parameters (within 2 %), the same pictures, the same optimizer, schedule and number of steps,
and each the learning rate that suits it best. A control moves the pixels of all pictures by one permutation: the
information is the same, the neighbourhood is gone, and with it what the convnet knew. The ViT's patches go too (the
four pixels of a token are no neighbours any more); beyond them it had assumed nothing that could be lost.

Source:
    Dosovitskiy et al. 2021, arXiv:2010.11929, section 4.3 (accuracy against pictures of pre-training, figures 3 and 4);
    the permutation of pixels: Zhang et al. 2017, arXiv:1611.03530, section 2.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from cnn_core.networks import devices
from cnn_core.networks.zoo.vit import vit
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Run, Store
from cnn_core.training.studies.digits import SIDE, Digits, digits, standardised
from cnn_core.training.studies.spec import InductiveBias
from cnn_core.training.studies.training import Trainer, batches
from cnn_core.training.transfer.training import Diverged

NETS = ("convnet", "vit")
VALIDATION = 300  # of the training pictures: for the learning rate, never trained on
TUNING_SIZE = 200
PERMUTATION_SEED = 0


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


BUILDERS: dict[str, Callable[[], keras.Model]] = {"convnet": convnet, "vit": small_vit}


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Train both networks on ever more pictures.

    Args:
        run: Its spec is a `spec.InductiveBias` as JSON.
        store: Not used: the figures are the result.
        report: Is told `phase` (`tuning`, `training`), `arm`, `fraction` and `points` as far as they have come.

    Returns:
        The result and the environment. `params` of both networks; `tuning`: `net`, `shuffled`, `learning_rate`,
        `validation_accuracy` (None if the loss was not a number) for each try, on `tuning_size` pictures;
        `learning_rates`: for each net the chosen one, `natural` and `shuffled`; `points`: `net`, `shuffled`, `size`,
        `seed`, `test_accuracy`, `train_loss` (the last step's epoch) and `seconds`; `pictures`: sizes of the parts.
        A stopped run has the points that it had.
    """
    started = time.perf_counter()
    found = devices.find()
    spec = InductiveBias.from_json(run.spec)
    study = _Study(spec, report)
    study.run()
    result = {
        "params": {net: trainer.model.count_params() for net, trainer in study.trainers.items()},
        "tuning": study.tuning,
        "tuning_size": study.tuning_size,
        "learning_rates": study.rates,
        "points": study.points,
        "pictures": {"train": study.limit, "validation": VALIDATION, "test": len(study.data[False].test)},
        "seconds": round(time.perf_counter() - started, 3),
    }
    return Outcome(result, devices.environment(found) | {"seed": spec.seed})


class _Study:
    """Two networks, the pictures with and without order, and what has been found so far."""

    def __init__(self, spec: InductiveBias, report: Report) -> None:
        self.spec, self.report = spec, report
        report.update(reaction=10)
        report.update(phase="preparing", arm="", fraction=0.0, points=[])
        natural = standardised(digits())
        self.data = {False: natural, True: permuted(natural)}
        self.limit = len(natural.train) - VALIDATION
        self.tuning_size = min(TUNING_SIZE, self.limit)
        self.trainers = {net: Trainer(build, keras.optimizers.Adam()) for net, build in BUILDERS.items()}
        self.tuning: list[dict[str, Any]] = []
        self.points: list[dict[str, Any]] = []
        self.rates: dict[str, dict[str, float]] = {}
        self._orders = (False, True) if spec.shuffled else (False,)
        conditions = len(NETS) * len(self._orders)
        self._trainings = conditions * (len(spec.learning_rates) + len(spec.sizes) * spec.seeds)
        self._done = 0

    def run(self) -> None:
        self.report.update(phase="tuning")
        for shuffled in self._orders:
            for net in NETS:
                if not self._tune(net, shuffled):
                    return
        self.report.update(phase="training")
        # Seed after seed, so that a run that is stopped has whole curves.
        for seed in self.spec.seed_list():
            for shuffled in self._orders:
                for size in self.spec.sizes:
                    for net in NETS:
                        if not self._measure(net, shuffled, size, seed):
                            return
        self.report.update(phase="done", arm="", fraction=1.0)

    def _tune(self, net: str, shuffled: bool) -> bool:
        """Try the learning rates from one seed that is not used again; False if stopped."""
        data = self.data[shuffled]
        tries: list[dict[str, Any]] = []
        for rate in self.spec.learning_rates:
            try:
                if self._train(net, shuffled, self.tuning_size, self.spec.seed + self.spec.seeds, rate) is None:
                    return False
                held_out, labels = data.train[self.limit :], data.train_labels[self.limit :]
                accuracy: float | None = 1 - self.trainers[net].error(held_out, labels)
            except Diverged:
                accuracy = None
            tries.append({"net": net, "shuffled": shuffled, "learning_rate": rate, "validation_accuracy": accuracy})
        self.tuning += tries
        best = max(tries, key=lambda entry: (entry["validation_accuracy"] or 0.0, -entry["learning_rate"]))
        self.rates.setdefault(net, {})["shuffled" if shuffled else "natural"] = best["learning_rate"]
        return True

    def _measure(self, net: str, shuffled: bool, size: int, seed: int) -> bool:
        """One point of a curve; False if stopped."""
        self.report.update(arm=net, size=size, seed=seed, shuffled=shuffled)
        started = time.perf_counter()
        rate = self.rates[net]["shuffled" if shuffled else "natural"]
        loss = self._train(net, shuffled, size, seed, rate)
        if loss is None:
            return False
        data = self.data[shuffled]
        point = {
            "net": net,
            "shuffled": shuffled,
            "size": size,
            "seed": seed,
            "test_accuracy": 1 - self.trainers[net].error(data.test, data.test_labels),
            "train_loss": loss,
            "seconds": round(time.perf_counter() - started, 3),
        }
        self.points = [*self.points, point]
        self.report.update(points=self.points)
        return True

    def _train(self, net: str, shuffled: bool, size: int, seed: int, rate: float) -> float | None:
        """Train for the steps of the spec; the mean loss of the last epoch, or None if stopped."""
        trainer, data, spec = self.trainers[net], self.data[shuffled], self.spec
        trainer.optimizer.learning_rate = rate
        trainer.start(seed)
        rng = np.random.default_rng(seed)
        chosen = balanced(data.train_labels[: self.limit], size, rng)
        pictures, labels = data.train[chosen], data.train_labels[chosen]
        taken, loss = 0, float("nan")
        while taken < spec.steps:
            before = taken

            def listen(batch: int, loss: float, error: float, before: int = before) -> bool:
                trainer.optimizer.learning_rate = annealed(rate, (before + batch) / spec.steps)
                self.report.update(fraction=(self._done + (before + batch) / spec.steps) / self._trainings)
                return self.report.should_stop

            shown = list(batches(pictures, labels, spec.batch_size, rng))[: spec.steps - taken]
            epoch = trainer.epoch(iter(shown), listen)
            if epoch is None:
                return None
            taken, loss = taken + len(shown), epoch.loss
        self._done += 1
        return loss


def annealed(rate: float, done: float) -> float:
    """Return the learning rate after a fraction of the steps: a half cosine from its start to zero, for both networks.

    Example:
        >>> [round(annealed(0.01, done), 5) for done in (0.0, 0.5, 1.0)]
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
    order = np.random.default_rng(PERMUTATION_SEED).permutation(SIDE * SIDE)
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
