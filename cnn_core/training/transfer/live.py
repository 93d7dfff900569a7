"""What a reader sees of an experiment while it goes on: phase, fraction, curves."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cnn_core.store.report import Report
from cnn_core.training.transfer.results import Arm
from cnn_core.training.transfer.spec import KEPT_COPIES, Options

MAX_POINTS = 240  # of one curve of batches; beyond it every other point is dropped

# Seconds a picture on one core-pair of a laptop: they divide the bar among the phases, and say roughly how long it will
# take.
_FEATURE, _BLOCK, _HEAD, _ALL = 0.012, 0.0016, 0.001, 0.06
_PASSES = 30  # that a head usually takes
_TOLD = 0.1  # of a phase must be done before it tells how long the rest of it takes


@dataclass(frozen=True)
class Listener:
    """Who is told of batches and epochs, and may say stop."""

    batch: Callable[[float, float, float], None]  # epochs done (a fraction too), loss, accuracy of this epoch so far
    epoch: Callable[[dict[str, Any]], None]
    should_stop: Callable[[], bool]


class Live:
    """Turns batches and epochs into progress that a page can draw.

    The progress holds `phase`, `arm`, `fraction` (0 to 1), `left` (seconds, roughly) and `curves`: for each arm
    `batches` (epochs done, loss, accuracy; means of the epoch so far) and `epochs` (the history so far).

    Args:
        report: Is told.
        options: Of the experiment.
        sizes: Pictures of each part.
        kept: Arms that an earlier attempt has trained: their curves are shown, and cost nothing any more.
    """

    def __init__(
        self, report: Report, options: Options, sizes: Mapping[str, int], kept: Mapping[str, Arm] | None = None
    ) -> None:
        self.report, self.arm = report, ""
        kept = kept or {}
        arms = set(options.arms) - set(kept)
        self._pictures = sizes["train"] + sizes["validation"]
        self._epochs = options.epochs
        histories = {name: [asdict(entry) for entry in arm.history] for name, arm in kept.items()}
        self._curves: dict[str, dict[str, list[Any]]] = {
            arm: {"batches": [], "epochs": histories.get(arm, [])} for arm in options.arms
        }
        self._stride: dict[str, int] = {}
        self._seen = 0
        looks = _looks(options)
        self._passes = {"feature_maps": sizes["validation"] + looks * sizes["train"]}  # pictures, of others each once
        costs = _costs(options, arms)
        total = sum(costs.values())
        self._share = {phase: cost / total for phase, cost in costs.items() if cost}
        self._expected = {phase: cost * (self._pictures + sizes["test"]) for phase, cost in costs.items() if cost}
        self._spent: dict[str, float] = {}  # seconds
        self._heard = ("", time.perf_counter())  # the phase that was told of last, and when
        self._done: dict[str, float] = {}
        # A batch, or the tracing of a network before its first, may take seconds: a stop waits for it rather than
        # losing what was learnt.
        report.update(reaction=15)
        report.update(phase="preparing", arm="", fraction=0.0, curves=self._curves)

    def phase(self, name: str) -> None:
        """Say that another phase begins."""
        self._seen = 0
        self._heard = (name, time.perf_counter())
        self.report.update(phase=name, arm=self.arm, fraction=1.0 if name == "done" else self._fraction())

    def tick(self, phase: str) -> Callable[[int], bool]:
        """Begin or go on with a phase that passes over the pictures, part after part; return who counts them.

        The counter takes the number of pictures of this part that are done, and tells whether to stop.
        """
        self.phase(phase)
        before, all_pictures = self._done.get(phase, 0.0), self._passes.get(phase, self._pictures)

        def done(pictures: int) -> bool:
            self._progress(phase, before + pictures / all_pictures)
            return self.report.should_stop

        return done

    def listener(self, phase: str) -> Listener:
        """Return who listens to the training of a phase."""
        arm = self.arm
        start = len(self._curves[arm]["epochs"])

        def batch(done: float, loss: float, accuracy: float) -> None:
            self._add_batch(arm, (round(done, 4), loss, accuracy))
            self._progress(phase, (done - start) / self._epochs)

        def epoch(entry: dict[str, Any]) -> None:
            self._curves[arm]["epochs"] = [*self._curves[arm]["epochs"], entry]
            self._progress(phase, (entry["epoch"] - start) / self._epochs)

        return Listener(batch, epoch, lambda: self.report.should_stop)

    def head(self, history: Sequence[dict[str, Any]], *, whole: bool = False) -> bool:
        """Show a head's passes, with which the fine-tuned arm begins too, the `whole` of them; return True to stop."""
        self._curves[self.arm]["epochs"] = list(history)
        self._progress("head", 1.0 if whole else len(history) / _PASSES)
        return self.report.should_stop

    def _add_batch(self, arm: str, point: tuple[float, float, float]) -> None:
        points = self._curves[arm]["batches"]
        self._seen += 1
        if self._seen % self._stride.setdefault(arm, 1):
            return
        points = [*points, point]
        if len(points) > MAX_POINTS:
            points, self._stride[arm] = points[1::2], 2 * self._stride[arm]
        self._curves[arm]["batches"] = points

    def _progress(self, phase: str, done: float) -> None:
        self._done[phase] = min(1.0, done)
        (last, then), now = self._heard, time.perf_counter()
        if last == phase:
            self._spent[phase] = self._spent.get(phase, 0.0) + now - then
        self._heard = (phase, now)
        self.report.update(
            phase=phase,
            arm=self.arm,
            fraction=self._fraction(),
            left=round(self._left(), 1),
            curves=_snapshot(self._curves),
        )

    def _left(self) -> float:
        """Return the seconds that are left: of a phase that goes on by its own pace, of those to come as expected.

        The whole bar's pace would not be honest: features that were kept pass in no time, and promise the same of the
        training. Where reading photos has taken longer than expected, so will the rest.
        """
        read = [phase for phase in ("features", "feature_maps") if self._done.get(phase, 0.0) >= _TOLD]
        usual = sum(self._expected.get(phase, 0.0) * self._done[phase] for phase in read)
        pace = max(1.0, sum(self._spent.get(phase, 0.0) for phase in read) / usual) if usual else 1.0
        left = 0.0
        for phase, expected in self._expected.items():
            done = self._done.get(phase, 0.0)
            own = self._spent.get(phase, 0.0) / done if done >= _TOLD else expected * pace
            left += (1 - done) * own
        return left

    def _fraction(self) -> float:
        return sum(self._share.get(phase, 0.0) * done for phase, done in self._done.items())


def expected_seconds(options: Options, pictures: int) -> float:
    """Return how long a run takes with EfficientNet-Lite0 on two cores, roughly; kept features make it shorter.

    Args:
        options: Of the experiment.
        pictures: Of all classes together.

    Example:
        >>> round(expected_seconds(Options(), 360))
        32
        >>> expected_seconds(Options(epochs=20), 360) > expected_seconds(Options(), 360)
        True
    """
    return pictures * sum(_costs(options, set(options.arms)).values())


def _looks(options: Options) -> int:
    return min(KEPT_COPIES, options.epochs) if options.augment else 1


def _costs(options: Options, arms: Collection[str]) -> dict[str, float]:
    """Seconds a picture of each phase."""
    steps = options.epochs
    return {
        "features": _FEATURE if {"frozen", "fine_tuned"} & set(arms) else 0.0,
        "head": _HEAD if {"frozen", "fine_tuned"} & set(arms) else 0.0,
        "feature_maps": _looks(options) * _FEATURE if "fine_tuned" in arms else 0.0,
        "blocks": _BLOCK * options.unfreeze_blocks * steps if "fine_tuned" in arms else 0.0,
        "all": _ALL * steps if "scratch" in arms else 0.0,
    }


def _snapshot(curves: dict[str, dict[str, list[Any]]]) -> dict[str, dict[str, list[Any]]]:
    # The lists are replaced, never changed in place, so that the heartbeat's thread reads whole ones.
    return {arm: dict(curve) for arm, curve in curves.items()}
