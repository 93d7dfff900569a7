"""Degradation: the deeper plain net is worse on its own training pictures, and the deeper residual net is not.

Source:
    He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, sections 1 and 4.2.
"""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from cnn_core.networks import devices
from cnn_core.networks.summary import layer_table
from cnn_core.networks.zoo.cifar_resnet import cifar_resnet
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Run, Store
from cnn_core.training.studies.digits import digits, standardised
from cnn_core.training.studies.published import ARMS
from cnn_core.training.studies.spec import MOMENTUM, Degradation
from cnn_core.training.studies.training import Trainer, batches
from cnn_core.training.transfer.training import Diverged

CRITERION = (
    "The training loss is the mean cross-entropy over the batches of the last epoch, each before its step. In every "
    "seed the deep plain net's is above the shallow plain net's, and the deep residual net's is not above the shallow "
    "residual net's."
)


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Train the four nets from each seed.

    Args:
        run: Its spec is a `spec.Degradation` as JSON.
        store: Not used: the figures are the result.
        report: Is told `phase`, `arm`, `seed`, `fraction` and `curves`, which are `arms` as far as they have come.

    Returns:
        The result and the environment. `arms` has for each of `published.ARMS` its `depth`, `residual`, `params`,
        `trainable_params`, `macs`, and `seeds`: for each its `seed`, whether it is `complete`, `error` (a sentence if
        the loss was not a number any more) and `epochs` with `epoch`, `train_loss`, `train_error`, `test_error` (of
        the test pictures, after the epoch) and `seconds`. `verdict` is that of `judge`. A stopped run has the epochs
        that it had ended.
    """
    started = time.perf_counter()
    found = devices.find()
    spec = Degradation.from_json(run.spec)
    study = _Study(spec, report)
    study.run()
    result = {
        "arms": study.arms,
        "verdict": judge(study.arms),
        "criterion": CRITERION,
        "pictures": {"train": len(study.data.train), "test": len(study.data.test)},
        "seconds": round(time.perf_counter() - started, 3),
    }
    return Outcome(result, devices.environment(found) | {"seed": spec.seed})


def judge(arms: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Hold the training losses to CRITERION.

    Args:
        arms: As in the result of `run`.

    Returns:
        `plain` and `residual`: for each seed that both depths have completed `seed`, `shallow` and `deep` (losses) and
        `deep_above`. `shown`: whether the criterion holds; None without a completed seed of each kind.
    """
    verdict: dict[str, Any] = {}
    for kind in ("plain", "residual"):
        shallow, deep = (_last_losses(arms.get(f"{kind}_{depth}", {})) for depth in ("shallow", "deep"))
        verdict[kind] = [
            {"seed": seed, "shallow": shallow[seed], "deep": deep[seed], "deep_above": deep[seed] > shallow[seed]}
            for seed in shallow
            if seed in deep
        ]
    degrades = [entry["deep_above"] for entry in verdict["plain"]]
    cured = [not entry["deep_above"] for entry in verdict["residual"]]
    return verdict | {"shown": all(degrades) and all(cured) if degrades and cured else None}


def _last_losses(arm: dict[str, Any]) -> dict[int, float]:
    return {entry["seed"]: entry["epochs"][-1]["train_loss"] for entry in arm.get("seeds", ()) if entry["complete"]}


class _Study:
    """The four networks and what they have learnt so far."""

    def __init__(self, spec: Degradation, report: Report) -> None:
        self.spec, self.report = spec, report
        report.update(reaction=20)  # a network of 56 layers is traced before its first step
        report.update(phase="preparing", arm="", seed=spec.seed, fraction=0.0, curves={})
        self.data = standardised(digits(spec.input_size))
        self.steps = len(self.data.train) // min(spec.batch_size, len(self.data.train))
        self.arms: dict[str, dict[str, Any]] = {}
        self._trainers: dict[str, Trainer] = {}
        self._macs = {arm: self.depth(arm) for arm in ARMS}  # in proportion
        self._done = 0.0

    def depth(self, arm: str) -> int:
        return self.spec.deep_depth if arm.endswith("deep") else self.spec.shallow_depth

    def run(self) -> None:
        # Seed after seed, so that a run that is stopped has whole comparisons.
        for seed in self.spec.seed_list():
            for arm in ARMS:
                if self.report.should_stop:
                    return
                self._train(arm, seed)
        self.report.update(phase="done", arm="", fraction=1.0)

    def _train(self, arm: str, seed: int) -> None:
        self.report.update(phase="training", arm=arm, seed=seed)
        trainer = self._trainer(arm)
        entry: dict[str, Any] = {"seed": seed, "complete": False, "error": "", "epochs": []}
        self.arms[arm]["seeds"] = [*self.arms[arm]["seeds"], entry]
        trainer.start(seed)
        rng = np.random.default_rng(seed)
        data, done = self.data, self._done
        share = self._macs[arm] / sum(self._macs.values()) / self.spec.seeds
        try:
            for number in range(1, self.spec.epochs + 1):
                started = time.perf_counter()
                shown = batches(data.train, data.train_labels, self.spec.batch_size, rng)
                epoch = trainer.epoch(shown, self._listen(done + share * (number - 1) / self.spec.epochs, share))
                if epoch is None:
                    return
                figures = {
                    "epoch": number,
                    "train_loss": epoch.loss,
                    "train_error": epoch.error,
                    "test_error": trainer.error(data.test, data.test_labels),
                    "seconds": round(time.perf_counter() - started, 3),
                }
                entry["epochs"] = [*entry["epochs"], figures]
                self._show()
            entry["complete"] = True
        except Diverged as trouble:  # the other nets' figures are worth having
            entry["error"] = str(trouble)
        self._show()
        self._done = done + share

    def _listen(self, before: float, share: float) -> Callable[[int, float, float], bool]:
        def heard(batch: int, loss: float, error: float) -> bool:
            self.report.update(fraction=before + share / self.spec.epochs * batch / self.steps)
            return self.report.should_stop

        return heard

    def _show(self) -> None:
        # Lists are replaced, never changed in place, so that the heartbeat's thread reads whole ones.
        curves = {arm: figures | {"seeds": [dict(e) for e in figures["seeds"]]} for arm, figures in self.arms.items()}
        self.report.update(curves=curves)

    def _trainer(self, arm: str) -> Trainer:
        if arm not in self._trainers:
            spec, residual = self.spec, arm.startswith("residual")
            depth, shape = self.depth(arm), (spec.input_size, spec.input_size, 1)

            def build() -> keras.Model:
                return cifar_resnet(
                    depth=depth, residual=residual, input_shape=shape, width=spec.width, batch_norm=spec.batch_norm
                )

            trainer = Trainer(build, keras.optimizers.SGD(spec.learning_rate, momentum=MOMENTUM))
            rows = layer_table(trainer.model)
            self._trainers[arm] = trainer
            self.arms[arm] = {
                "depth": depth,
                "residual": residual,
                "params": sum(row.params for row in rows),
                "trainable_params": sum(row.trainable_params for row in rows),
                "macs": sum(row.macs or 0 for row in rows),
                "seeds": [],
            }
        return self._trainers[arm]
