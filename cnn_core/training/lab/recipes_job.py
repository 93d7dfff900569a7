"""Ways to fine-tune side by side: what each costs, and what it does to the pretrained weights.

All train the same topmost blocks of the same network on the same folds with the same number of steps; what lies below
is fixed in all of them. Each is compared with the right one: head first, then all blocks at a low rate.

Source:
    Kumar et al. 2022, arXiv:2202.10054 (head first keeps the features); Howard & Ruder 2018, arXiv:1801.06146, section
    3.2 (discriminative rates: a factor of 2.6 a layer) and 3.3 (gradual unfreezing); Keras guide "Transfer learning
    and fine-tuning" on BatchNormalization.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnn_core.arithmetic.statistics import paired_comparison
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.probe import Probe, fit_probe
from cnn_core.training.lab.spec import RECIPES
from cnn_core.training.lab.tuning import Tuner, constant_rates
from cnn_core.training.transfer.training import Diverged

DISCRIMINATION = 2.6  # a block's rate divided by that of the block below it


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
    rates = [block_rate / DISCRIMINATION ** (blocks - 1 - block) for block in range(blocks)]
    return [[*rates, head_rate]] * epochs


def _times(factor: float) -> Callable[[int, int, float, float], list[list[float]]]:
    return lambda blocks, epochs, block_rate, head_rate: constant_rates(blocks, epochs, factor * block_rate, head_rate)


_RECIPES = {
    "head_first": Recipe("Head first, then all blocks at a low rate"),
    "at_once": Recipe("All at once, from a random head", head_first=False),
    "gradual": Recipe("Block by block from the top", gradual_rates),
    "discriminative": Recipe("Lower rates at the bottom", discriminative_rates),
    "rate_10": Recipe("Rate 10 times higher", _times(10)),
    "rate_100": Recipe("Rate 100 times higher", _times(100)),
    "batchnorm_training": Recipe("BatchNorm left training", batchnorm_training=True),
}


def study(bench: Bench) -> None:
    """Fill the bench's result with `trained_blocks` and `recipes`, an entry each, the right one first.

    An entry has `name`, `title`, `accuracy` (or `error`, a sentence, where it diverged), `paired` (against the right
    recipe, in points), `distances` (‖w − w₀‖ / ‖w₀‖ of each trained block, mean over folds), `statistics_drift` (the
    same of BatchNorm's moving statistics: exactly 0 where they are fixed) and `losses`.
    """
    options = bench.options
    features = bench.features(share=0.1)
    probes = [fit_probe(features[fold.train], bench.labels[fold.train]) for fold in bench.training_folds]
    bench.result["recipes"] = []
    tuners: dict[bool, tuple[Tuner, Any]] = {}
    scores: dict[str, list[float]] = {}
    for index, name in enumerate(options.recipes):
        recipe, begin, share = _RECIPES[name], 0.1 + 0.9 * index / len(options.recipes), 0.9 / len(options.recipes)
        if recipe.batchnorm_training not in tuners:
            tuners[recipe.batchnorm_training] = _tuner(bench, recipe, begin)
        entry: dict[str, Any] = {"name": name, "title": recipe.title}
        try:
            entry |= _try(bench, recipe, probes, *tuners[recipe.batchnorm_training], begin, share)
        except Diverged as trouble:  # that is its result
            entry["error"] = str(trouble)
        else:
            scores[name] = entry["accuracy"]["scores"]
            if name != RECIPES[0] and RECIPES[0] in scores:
                names = recipe.title, _RECIPES[RECIPES[0]].title
                entry["paired"] = paired_comparison(scores[name], scores[RECIPES[0]], bench.test_share, names)
        bench.result["trained_blocks"] = tuners[recipe.batchnorm_training][0].blocks
        bench.result["recipes"] = [*bench.result["recipes"], entry]
        bench.say(_words(entry))


def _tuner(bench: Bench, recipe: Recipe, begin: float) -> tuple[Tuner, Any]:
    frozen = len(bench.record.block_starts) - bench.options.unfreeze_blocks
    count = len(bench.items)
    tuner = Tuner(bench.base(), bench.record, frozen, len(bench.classes), count, recipe.batchnorm_training)
    return tuner, tuner.inputs(bench.pixels(), bench.ticker("feature maps", begin, 0.0, count))


def _try(
    bench: Bench, recipe: Recipe, probes: list[Probe], tuner: Tuner, inputs: Any, begin: float, share: float
) -> dict[str, Any]:
    options, folds = bench.options, bench.training_folds
    rates = recipe.rates(len(tuner.blocks), options.epochs, options.fine_tune_learning_rate, options.head_learning_rate)
    correct, distances, drifts, losses = [], [], [], []
    for index, (fold, probe) in enumerate(zip(folds, probes, strict=True)):
        start, each = begin + share * index / len(folds), share / len(folds)
        head, labels = probe if recipe.head_first else None, bench.labels[fold.train]
        check = bench.checker(recipe.title, start, each)
        seed = options.seed + index
        losses.append(tuner.train(inputs[fold.train], labels, rates, options.batch_size, seed, head, check))
        said = tuner.probabilities(inputs[fold.test]).argmax(axis=1)
        correct.append(int((said == bench.labels[fold.test]).sum()))
        distances.append(tuner.distances())
        drifts.append(tuner.statistics_drift())
    return {
        "accuracy": bench.accuracy(correct),
        "distances": [sum(values) / len(values) for values in zip(*distances, strict=True)],
        "statistics_drift": [max(values) for values in zip(*drifts, strict=True)],
        "losses": losses,
    }


def _words(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return f"{entry['title']}: {entry['error']}"
    drift = max(entry["statistics_drift"])
    kept = "BatchNorm's statistics not at all" if drift == 0 else f"BatchNorm's statistics by {100 * drift:.1f} %"
    moved = f"Weights moved by {100 * max(entry['distances']):.1f} % at most, {kept}."
    accuracy = f"{entry['title']}: accuracy {entry['accuracy']['mean']:.3f}."
    return f"{entry['paired']['words'] if 'paired' in entry else accuracy} {moved}"
