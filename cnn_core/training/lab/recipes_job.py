"""Carrying out the study of recipes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cnn_core.training import heads
from cnn_core.training.examples import Some
from cnn_core.training.heads import Head
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.recipes import RIGHT, RecipesOptions, RecipesResult, Tried
from cnn_core.training.lab.tuning import Tuner, constant_rates
from cnn_core.training.loop import Diverged

RecipesBench = Bench[RecipesOptions, RecipesResult]

_DISCRIMINATION = 2.6  # a block's rate divided by that of the block below it


@dataclass(frozen=True)
class Recipe:
    """One way.

    Attributes:
        title: For people.
        rates: (blocks, epochs, block rate, head rate) → each epoch's rates, bottom to top, the head last.
        head_first: The head starts as the linear probe; otherwise at random.
        batchnorm_training: BatchNorm normalises by the batch and moves its statistics.
    """

    title: str
    rates: Callable[[int, int, float, float], list[list[float]]] = constant_rates
    head_first: bool = True
    batchnorm_training: bool = False


def gradual_rates(blocks: int, epochs: int, block_rate: float, head_rate: float) -> list[list[float]]:
    """Return rates that wake the blocks from the top down, all of them in the last epoch.

    Example:
        >>> gradual_rates(2, 2, 1e-4, 1e-3)
        [[0.0, 0.0001, 0.001], [0.0001, 0.0001, 0.001]]
    """
    awake = [-(-blocks * (epoch + 1) // epochs) for epoch in range(epochs)]
    return [[0.0] * (blocks - count) + [block_rate] * count + [head_rate] for count in awake]


def discriminative_rates(blocks: int, epochs: int, block_rate: float, head_rate: float) -> list[list[float]]:
    """Return rates that fall by 2.6 from each block to the one below it.

    Example:
        >>> [[round(rate, 6) for rate in epoch] for epoch in discriminative_rates(3, 1, 1e-4, 1e-3)]
        [[1.5e-05, 3.8e-05, 0.0001, 0.001]]
    """
    rates = [block_rate / _DISCRIMINATION ** (blocks - 1 - block) for block in range(blocks)]
    return [[*rates, head_rate]] * epochs


def _times(factor: float) -> Callable[[int, int, float, float], list[list[float]]]:
    return lambda blocks, epochs, block_rate, head_rate: constant_rates(blocks, epochs, factor * block_rate, head_rate)


_RECIPES = {  # by the keys of RECIPES
    "head_first": Recipe("Head first, then all blocks at a low rate"),
    "at_once": Recipe("All at once, from a random head", head_first=False),
    "gradual": Recipe("Block by block from the top", gradual_rates),
    "discriminative": Recipe("Lower rates at the bottom", discriminative_rates),
    "rate_10": Recipe("Rate 10 times higher", _times(10)),
    "rate_100": Recipe("Rate 100 times higher", _times(100)),
    "batchnorm_training": Recipe("BatchNorm left training", batchnorm_training=True),
}


def study(bench: RecipesBench) -> None:
    """Try every recipe on the same folds; the right one comes first, and the others are compared with it."""
    options = bench.options
    features = bench.features(share=0.1)
    folds = bench.folds[: options.training_splits]
    probes = [heads.fit(features[fold.train], bench.labels[fold.train]) for fold in folds]
    tuners: dict[bool, tuple[Tuner, Any]] = {}
    known = {tried.name for tried in bench.result.recipes}
    for index, name in enumerate(options.recipes):
        if name in known:
            continue
        recipe, begin, share = _RECIPES[name], 0.1 + 0.9 * index / len(options.recipes), 0.9 / len(options.recipes)
        if recipe.batchnorm_training not in tuners:
            tuners[recipe.batchnorm_training] = _tuner(bench, recipe, begin)
        tuner, inputs = tuners[recipe.batchnorm_training]
        try:
            tried = _paired(bench, _try(bench, name, probes, tuner, inputs, begin, share))
        except Diverged as trouble:  # that is its result
            tried = Tried(name, recipe.title, error=str(trouble))
        recipes = (*bench.result.recipes, tried)
        bench.show(replace(bench.result, trained_blocks=tuple(tuner.blocks), recipes=recipes))


def _tuner(bench: RecipesBench, recipe: Recipe, begin: float) -> tuple[Tuner, Any]:
    frozen = len(bench.record.block_starts) - bench.options.unfreeze_blocks
    tuner = Tuner(bench.base(), bench.record, frozen, len(bench.classes), recipe.batchnorm_training)
    return tuner, bench.maps(frozen, bench.ticker("feature maps", begin, 0.0, len(bench.items)))


def _try(
    bench: RecipesBench, name: str, probes: list[Head], tuner: Tuner, inputs: Any, begin: float, share: float
) -> Tried:
    options, recipe, folds = bench.options, _RECIPES[name], bench.folds[: len(probes)]
    rates = recipe.rates(len(tuner.blocks), options.epochs, options.fine_tune_learning_rate, options.head_learning_rate)
    correct, distances, drifts, losses = [], [], [], []
    for index, (fold, probe) in enumerate(zip(folds, probes, strict=True)):
        start, each = begin + share * index / len(folds), share / len(folds)
        head, labels = probe if recipe.head_first else None, bench.labels[fold.train]
        check = bench.checker(recipe.title, start, each)
        seed = options.seed + index
        losses.append(
            tuple(tuner.train(Some(inputs, fold.train), labels, rates, options.batch_size, seed, head, check))
        )
        correct.append(bench.right(tuner.probabilities(Some(inputs, fold.test)), fold))
        distances.append(tuner.distances())
        drifts.append(tuner.statistics_drift())
    return Tried(
        name,
        recipe.title,
        accuracy=bench.accuracy(correct),
        distances=tuple(sum(values) / len(values) for values in zip(*distances, strict=True)),
        statistics_drift=tuple(max(values) for values in zip(*drifts, strict=True)),
        losses=tuple(losses),
    )


def _paired(bench: RecipesBench, tried: Tried) -> Tried:
    """Compare a recipe with the right one, where that came through and is another."""
    right = next((each for each in bench.result.recipes if each.name == RIGHT), None)
    if right is None or right.accuracy is None or tried.accuracy is None:
        return tried
    return replace(tried, paired=bench.paired(tried.accuracy, right.accuracy, (tried.title, right.title)))
