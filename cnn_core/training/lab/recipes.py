"""Ways to fine-tune side by side: what each costs, and what it does to the pretrained weights.

All train the same topmost blocks of the same network on the same folds with the same number of steps; what lies below
is fixed in all of them. Each is compared with the right one: head first, then all blocks at a low rate.

Source:
    Kumar et al. 2022, arXiv:2202.10054 (head first keeps the features); Howard & Ruder 2018, arXiv:1801.06146, section
    3.2 (discriminative rates: a factor of 2.6 a layer) and 3.3 (gradual unfreezing); Keras guide "Transfer learning
    and fine-tuning" on BatchNormalization.
"""

from dataclasses import dataclass
from typing import ClassVar

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.training.lab.results import LabResult, of_folds
from cnn_core.training.lab.spec import UpperBlocks, in_proportion
from cnn_core.training.spec import choices
from cnn_core.training.study import Study

RECIPES = {  # the first is what the others are compared with
    "head_first": "head first",
    "at_once": "at once",
    "gradual": "gradual",
    "discriminative": "lower rates below",
    "rate_10": "rate × 10",
    "rate_100": "rate × 100",
    "batchnorm_training": "BatchNorm trains",
}
RIGHT = next(iter(RECIPES))


@dataclass(frozen=True)
class RecipesOptions(UpperBlocks):
    """Options of the study.

    Example:
        >>> RecipesOptions(recipes=("rate_100", "gradual")).recipes
        ('head_first', 'gradual', 'rate_100')
    """

    kind: ClassVar[str] = "recipes"

    recipes: tuple[str, ...] = choices(
        tuple(RECIPES),
        lambda: RECIPES,
        "Beside head first, then all",
        "The first is always tried: the others are compared with it.",
    )

    def check(self) -> None:
        """Put the right recipe first, whatever else is tried."""
        super().check()
        object.__setattr__(self, "recipes", tuple(name for name in RECIPES if name in (RIGHT, *self.recipes)))


@dataclass(frozen=True)
class Tried:
    """What one recipe did.

    Attributes:
        name: Key of RECIPES.
        title: For people.
        error: Why it has no figures, as a sentence: it diverged.
        accuracy: Of its networks.
        paired: With the right recipe, in points; None for itself.
        distances: ‖w − w₀‖ / ‖w₀‖ of each trained block, mean over folds.
        statistics_drift: The same of BatchNorm's moving statistics, the largest of the folds: exactly 0 where they are
            fixed.
        losses: Of each epoch, for each fold.
    """

    name: str
    title: str
    error: str = ""
    accuracy: FoldAccuracy | None = None
    paired: PairedDifference | None = None
    distances: tuple[float, ...] = ()
    statistics_drift: tuple[float, ...] = ()
    losses: tuple[tuple[float, ...], ...] = ()

    @property
    def words(self) -> str:
        """What it cost, and by how much it moved what was pretrained."""
        if self.accuracy is None:
            return f"{self.title}: {self.error}"
        drift, moved = max(self.statistics_drift, default=0.0), max(self.distances, default=0.0)
        kept = "BatchNorm's statistics not at all" if drift == 0 else f"BatchNorm's statistics by {drift:.1%}"
        right = self.accuracy
        accuracy = f"{self.title}: accuracy {right.mean:.3f} ({right.low:.3f} to {right.high:.3f})."
        told = self.paired.words if self.paired else accuracy
        return f"{told} Weights moved by {moved:.1%} at most, {kept}."


@dataclass(frozen=True)
class RecipesResult(LabResult):
    """What the study has found: the blocks that were trained, and the recipes, the right one first."""

    trained_blocks: tuple[str, ...] = ()
    recipes: tuple[Tried, ...] = ()

    def told(self) -> tuple[str, ...]:
        """Return what each recipe cost."""
        return tuple(tried.words for tried in self.recipes)

    def accuracies(self) -> list[Accuracy]:
        """Return a row a recipe that came through."""
        return [of_folds(tried.title, tried.accuracy) for tried in self.recipes if tried.accuracy]

    @property
    def trap(self) -> str:
        """What the drift of BatchNorm's statistics shows, in words; empty while no recipe came through."""
        came_through = [tried for tried in self.recipes if tried.accuracy]
        moved = [f"“{tried.title}”" for tried in came_through if max(tried.statistics_drift, default=0.0) > 0]
        if not came_through:
            return ""
        if not moved:
            return "Here no recipe moved a statistic: layer.trainable = False on each BatchNorm layer holds it."
        others = len(came_through) - len(moved)
        return (
            f"{'Only ' if others else ''}{', '.join(moved)} moved them. In Keras 3 training=False at the base's call "
            "no longer protects them once the base is unfrozen; layer.trainable = False on each BatchNorm layer does"
            + (": all other recipes moved exactly 0." if others else ".")
        )


def _work(options: RecipesOptions) -> float:
    return options.training_splits * options.epochs * len(options.recipes) * options.unfreeze_blocks


STUDY = Study(
    key=RecipesOptions.kind,
    question="How should I fine-tune?",
    options=RecipesOptions,
    result=RecipesResult,
    job="cnn_core.training.lab.recipes_job:study",
    seconds=in_proportion(313.0, _work, RecipesOptions()),
)
