"""Carrying out the study of size, and fitting its law."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
from scipy.optimize import least_squares
from scipy.stats import spearmanr

from cnn_core.arithmetic.statistics import corrected_interval
from cnn_core.arithmetic.verdicts import student
from cnn_core.networks import backbones
from cnn_core.training import heads
from cnn_core.training.examples import Some
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.size import ARMS, SIZES, Fit, Law, LawCurve, SizeArm, SizeOptions, SizePoint, SizeResult
from cnn_core.training.lab.splits import nested_draws
from cnn_core.training.lab.tuning import BATCHNORM_MOMENTUM, Tuner, constant_rates

_BOOTSTRAPS = 300
MIN_SIZES = 4
_TRAINED_SIZES = (5, 20)  # and the largest: of the arms that train blocks
_WEIGHTS = {"frozen": 0.1, "fine_tuned": 0.4, "scratch": 2.0}  # of the progress

SizeBench = Bench[SizeOptions, SizeResult]


def study(bench: SizeBench) -> None:
    """Measure every arm at every size, then fit its law."""
    features = bench.features(share=0.1)
    begin, whole = 0.1, sum(_WEIGHTS[name] for name in bench.options.arms)
    for name in bench.options.arms:
        share = 0.9 * _WEIGHTS[name] / whole
        if bench.result.arm(name).law is None:
            (_frozen if name == "frozen" else _trained)(bench, features, name, begin, share)
            _fit_arm(bench, name)
        begin += share


def _fit_arm(bench: SizeBench, name: str) -> None:
    arm = bench.result.arm(name)
    errors = 1 - np.array([point.accuracy.scores for point in arm.points])  # (sizes, folds)
    law = fit_law([point.pictures for point in arm.points], errors, bench.options.seed, bench.test_share)
    _show(bench, replace(arm, law=law))


def _draws(bench: SizeBench, fold_index: int) -> dict[int, np.ndarray]:
    """Return the training sets within one fold, as indices of all pictures, the full fold last."""
    train = bench.folds[fold_index].train
    smallest = int(np.bincount(bench.labels[train]).min())
    sizes = sorted({size for size in bench.options.sizes if size < 0.8 * smallest} | {smallest})
    seed = bench.options.seed + 1000 * fold_index
    return {size: train[index] for size, index in nested_draws(bench.labels[train], sizes, seed).items()}


def _common_sizes(bench: SizeBench, folds: int) -> list[int]:
    """Return the sizes that every fold can fill; the largest is the smallest of the folds' largest."""
    draws = [set(_draws(bench, index)) for index in range(folds)]
    return sorted(set.intersection(*draws)) or sorted(draws[0])


def _frozen(bench: SizeBench, features: np.ndarray, name: str, begin: float, share: float) -> None:
    correct: dict[int, list[int]] = {size: [] for size in _common_sizes(bench, len(bench.folds))}
    for index, fold in enumerate(bench.folds):
        bench.progress("frozen", begin + share * index / len(bench.folds))
        draws = _draws(bench, index)
        for size, counts in correct.items():
            probe = heads.fit(features[draws[size]], bench.labels[draws[size]])
            counts.append(bench.right(probe.probabilities(features[fold.test]), fold))
    _keep(bench, name, correct)


def _trained(bench: SizeBench, features: np.ndarray, name: str, begin: float, share: float) -> None:
    """Train with as many steps at every size as the epochs give at the largest: fewer pictures, not less training."""
    options, folds = bench.options, bench.folds[: bench.options.training_splits]
    sizes = _common_sizes(bench, len(folds))
    if options.sizes == SIZES:  # nothing chosen: a few
        sizes = sorted({size for size in sizes if size in _TRAINED_SIZES} | {sizes[-1]})
    correct = {point.pictures: bench.counts(point.accuracy) for point in bench.result.arm(name).points}
    tuner, rate, fixed = _tuner(bench, name)
    inputs = bench.maps(fixed, bench.ticker(name, begin, 0.1 * share, len(bench.items)))
    largest = sizes[-1] * len(bench.classes)
    for done, (index, size) in enumerate((index, size) for size in sizes for index in range(len(folds))):
        if index < len(correct.setdefault(size, [])):  # an earlier attempt knows
            continue
        draw, fold = _draws(bench, index)[size], folds[index]
        steps = options.epochs * _steps(largest, options.batch_size)
        epochs = max(1, round(steps / _steps(len(draw), options.batch_size)))
        rates = constant_rates(len(tuner.blocks), epochs, rate, options.head_learning_rate)
        head = heads.fit(features[draw], bench.labels[draw]) if name == "fine_tuned" else None
        each = 0.9 * share / (len(sizes) * len(folds))
        check = bench.checker(f"{name}, {size} a class", begin + 0.1 * share + each * done, each)
        tuner.train(Some(inputs, draw), bench.labels[draw], rates, options.batch_size, options.seed, head, check)
        correct[size].append(bench.right(tuner.probabilities(Some(inputs, fold.test)), fold))
        _keep(bench, name, correct)


def _tuner(bench: SizeBench, name: str) -> tuple[Tuner, float, int]:
    """Return the network of an arm, the rate of its blocks, and how many of them stay fixed."""
    options, classes = bench.options, len(bench.classes)
    if name == "fine_tuned":
        frozen = len(bench.record.block_starts) - options.unfreeze_blocks
        return Tuner(bench.base(), bench.record, frozen, classes), options.fine_tune_learning_rate, frozen
    keras.utils.set_random_seed(options.seed)
    base = backbones.build(bench.record.name, pretrained=False)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCHNORM_MOMENTUM
    tuner = Tuner(base, bench.record, 0, classes, batchnorm_training=True)
    return tuner, options.head_learning_rate, 0


def _keep(bench: SizeBench, name: str, correct: dict[int, list[int]]) -> None:
    points = [SizePoint(size, bench.accuracy(counts)) for size, counts in correct.items() if counts]
    _show(bench, SizeArm(name, tuple(points)))


def _show(bench: SizeBench, arm: SizeArm) -> None:
    known = {each.name: each for each in bench.result.arms} | {arm.name: arm}
    bench.show(replace(bench.result, arms=tuple(known[name] for name in ARMS if name in known)))


def _steps(pictures: int, batch_size: int) -> int:
    return -(-pictures // batch_size)


# The law -------------------------------------------------------------------------------------------------------------


def fit_law(sizes: Sequence[int], errors: np.ndarray, seed: int = 0, test_share: float = 0.0) -> Law:
    """Fit error = a n^(−b) + c to the mean errors and predict the error at twice the largest size.

    Args:
        sizes: Pictures a class, rising.
        errors: Error rates `(sizes, draws)`; a column is one division of the pictures, the same for all sizes.
        seed: Of the bootstrap, which draws whole columns: the divisions differ, their sizes belong together.
        test_share: Pictures tested on for each one trained on; 0 for divisions that share none.

    Returns:
        The fit where the data support one, else why they do not. A bootstrap takes divisions for independent, and of
        few for a normal distribution: its intervals are stretched as Nadeau & Bengio's are (√(1 + n · test_share)) and
        by Student's t over the normal's, and kept within what is possible.

    Example:
        >>> n = np.array([1, 2, 5, 10, 20, 40])
        >>> noise = np.random.default_rng(0).normal(0, 0.005, (6, 10))
        >>> law = fit_law(n.tolist(), (0.5 * n**-0.5 + 0.05)[:, None] + noise)
        >>> round(law.fit.b, 1), round(law.fit.predicted, 2)
        (0.5, 0.89)
    """
    n, mean = np.array(sizes, float), errors.mean(axis=1)
    if reason := _refusal(n, errors, test_share):
        return Law(reason)
    best = _fit(n, mean)
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, errors.shape[1], (_BOOTSTRAPS, errors.shape[1]))
    fits = np.array([_fit(n, errors[:, chosen].mean(axis=1), best) for chosen in columns])
    at = 2 * sizes[-1]
    now, then = _law(n[-1], best), _law(at, best)
    thens = _law(at, fits.T)
    gains = 100 * (_law(n[-1], fits.T) - thens)
    draws, gain = errors.shape[1], float(100 * (now - then))
    stretch = math.sqrt(1 + draws * test_share) * student(draws - 1) / NormalDist().inv_cdf(0.975)

    def interval(middle: Any, of: np.ndarray, most: float) -> Any:
        found = np.percentile(of, (2.5, 97.5), axis=0)
        return np.clip(middle + stretch * (found - middle), 0, most)

    low, high = interval(1 - then, 1 - thens, 1).tolist()
    gain_low, gain_high = interval(gain, gains, 100 * float(now)).tolist()
    grid = np.unique(np.geomspace(n[0], at, 40).round(3))
    drawn = 1 - _law(grid, best)
    band = interval(drawn, 1 - np.array([_law(grid, fit) for fit in fits]), 1)
    curve = LawCurve(*(tuple(line.tolist()) for line in (grid, np.clip(drawn, 0, 1), *band)))
    a, b, c = best.tolist()
    predicted = min(1.0, max(0.0, float(1 - then)))
    low, high = min(low, predicted), max(high, predicted)
    return Law("", Fit(a, b, c, at, predicted, low, high, gain, min(gain_low, gain), max(gain_high, gain), curve, True))


def _refusal(n: np.ndarray, errors: np.ndarray, test_share: float) -> str:
    """Return why these errors support no law of three numbers; empty if they do."""
    if len(n) < MIN_SIZES:
        return f"No law is fitted to {len(n)} sizes: its three numbers need at least {MIN_SIZES}."
    if errors.shape[1] < 3:
        return f"No law is fitted to {errors.shape[1]} draws a size: without at least 3 its uncertainty is unknown."
    mean = errors.mean(axis=1)
    falls = spearmanr(n, mean).statistic if mean.std() > 0 else 0.0
    surely, _ = corrected_interval((errors[0] - errors[-1]).tolist(), test_share)
    if falls > -0.6 or surely <= 0:
        return (
            f"No law is fitted: the error does not fall clearly, {mean[0]:.3f} at {n[0]:.0f} pictures a class and "
            f"{mean[-1]:.3f} at {n[-1]:.0f}."
        )
    return ""


def _law(n: Any, numbers: Any) -> Any:
    a, b, c = numbers
    return a * np.asarray(n, float) ** -b + c


def _slopes(n: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    a, b, _ = numbers
    power = n**-b
    return np.stack([power, -a * power * np.log(n), np.ones_like(n)], axis=1)


def _fit(n: np.ndarray, error: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    first = np.array([max(error[0] - error[-1], 0.01), 0.5, max(0.5 * error[-1], 1e-3)]) if start is None else start
    low, high = np.array([0.0, 0.01, 0.0]), np.array([2.0, 3.0, 1.0])
    inside = np.clip(first, low + 1e-6, high - 1e-6)
    found = least_squares(
        lambda numbers: _law(n, numbers) - error, inside, jac=lambda numbers: _slopes(n, numbers), bounds=(low, high)
    )
    return np.asarray(found.x)
