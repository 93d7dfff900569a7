"""What a study of the laboratory is asked to do: parsed and checked once, immutable afterwards. Light: no Keras."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.items import Item, SpecRefused, shortage

KINDS = {
    "depth": "How deep do the features transfer?",
    "size": "How many pictures do I need?",
    "recipes": "How should I fine-tune?",
    "sabotage": "What does wrong preprocessing cost?",
    "backbones": "Which network should I take?",
    "labels": "Which pictures hurt?",
    "augmentation": "Does augmentation help?",
}
SIZE_ARMS = ("frozen", "fine_tuned", "scratch")
RECIPES = (
    "head_first",
    "at_once",
    "gradual",
    "discriminative",
    "rate_10",
    "rate_100",
    "batchnorm_training",
)
# Parts of `transfer.training.augmentation`, in its order behind the whole.
POLICIES = {"all": "Mirror, shift and zoom", "mirror": "Mirror", "shift": "Shift", "zoom": "Zoom"}
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
# What differs from the defaults of LabOptions, so that a study of 300 pictures takes a minute on two cores.
DEFAULTS: dict[str, dict[str, Any]] = {
    "depth": {"training_splits": 2, "epochs": 2},
    "size": {"training_splits": 2, "epochs": 3, "repeats": 4},
    "recipes": {"training_splits": 3, "epochs": 4},
    "augmentation": {"training_splits": 3, "epochs": 3},
}


@dataclass(frozen=True)
class LabOptions:
    """The controls of a study; each study reads those that concern it.

    Attributes:
        kind: Key in KINDS.
        backbone: Key in `backbones.BACKBONES`.
        folds: Parts into which the pictures are divided; each is tested on once a repeat.
        repeats: How often they are divided anew.
        training_splits: How many of the folds x repeats a study trains a network on; training is slow.
        epochs: Passes over the training pictures where blocks are trained; for `augmentation` also the copies of each.
        batch_size: Pictures a step.
        head_learning_rate: Adam's rate for new weights.
        fine_tune_learning_rate: Adam's rate for pretrained blocks.
        unfreeze_blocks: Topmost blocks that a fine-tuned network trains.
        frozen_blocks: For `depth`: how many of the lowest blocks stay fixed, one training each; negative counts from
            the top. Empty takes the upper stage ends; 0 trains the whole network, which takes minutes.
        arms: For `size`: of SIZE_ARMS.
        sizes: For `size`: pictures a class.
        recipes: For `recipes`: of RECIPES; the first of RECIPES is what the others are compared with.
        policies: For `augmentation`: of POLICIES.
        backbones: For `sabotage` and `backbones`: names; empty for all that are on this machine.
        flip: For `labels`: share of the labels that are exchanged at random beforehand, to measure the finding.
        seed: Of splits, draws, order and new weights.

    Raises:
        SpecRefused: If an option is out of range.

    Example:
        >>> LabOptions("depth", folds=1)
        Traceback (most recent call last):
        cnn_core.pictures.items.SpecRefused: folds is 1; expected 2 to 20.
    """

    kind: str
    backbone: str = DEFAULT
    folds: int = 5
    repeats: int = 2
    training_splits: int = 3
    epochs: int = 4
    batch_size: int = 16
    head_learning_rate: float = 1e-3
    fine_tune_learning_rate: float = 1e-4
    unfreeze_blocks: int = 6
    frozen_blocks: tuple[int, ...] = ()
    arms: tuple[str, ...] = ("frozen", "fine_tuned")
    sizes: tuple[int, ...] = SIZES
    recipes: tuple[str, ...] = RECIPES
    policies: tuple[str, ...] = ("all",)
    backbones: tuple[str, ...] = ()
    flip: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, chosen, known in (
            ("kind", (self.kind,), tuple(KINDS)),
            ("backbone", (self.backbone,), tuple(BACKBONES)),
            ("backbones", self.backbones or (self.backbone,), tuple(BACKBONES)),
            ("arms", self.arms, SIZE_ARMS),
            ("recipes", self.recipes, RECIPES),
            ("policies", self.policies, tuple(POLICIES)),
        ):
            unknown = [value for value in chosen if value not in known]
            if unknown or not chosen:
                received = unknown[0] if unknown else "empty"
                raise SpecRefused(f"{name} is {received}; expected one or more of {', '.join(known)}.")
        blocks = len(BACKBONES[self.backbone].block_starts)
        for name, low, high in (
            ("folds", 2, 20),
            ("repeats", 1, 20),
            ("training_splits", 1, self.folds * self.repeats),
            ("epochs", 1, 100),
            ("batch_size", 1, 256),
            ("head_learning_rate", 1e-7, 1.0),
            ("fine_tune_learning_rate", 1e-7, 1.0),
            ("unfreeze_blocks", 1, blocks),
            ("flip", 0.0, 0.5),
            ("seed", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise SpecRefused(f"{name} is {value}; expected {low} to {high}.")
        for frozen in self.frozen_blocks:
            if not -blocks <= frozen <= blocks:
                raise SpecRefused(f"frozen_blocks has {frozen}; {self.backbone} has {blocks} blocks.")
        if not self.sizes or min(self.sizes) < 1:
            raise SpecRefused(f"sizes is {list(self.sizes)}; expected pictures a class, each at least 1.")
        object.__setattr__(self, "sizes", tuple(sorted(set(self.sizes))))
        object.__setattr__(self, "recipes", tuple(name for name in RECIPES if name in (RECIPES[0], *self.recipes)))

    @classmethod
    def of(cls, kind: str, **chosen: Any) -> "LabOptions":
        """Return a study's options: what is chosen, and this kind's defaults for the rest.

        Example:
            >>> LabOptions.of("size", folds=4).epochs
            3
        """
        return cls(kind, **DEFAULTS.get(kind, {}) | chosen)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "LabOptions":
        """Read back what `to_json` wrote."""
        known = {entry.name for entry in fields(cls)}
        chosen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        return cls(**chosen)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Study:
    """Pictures and options: all that a run of kind `lab` needs, by value.

    Pictures whose `part` is `test` take no part in it: what is chosen here can still be tested on them.

    Raises:
        SpecRefused: If there are too few classes or pictures.
    """

    items: tuple[Item, ...]
    options: LabOptions
    source: str = "your pictures"

    def __post_init__(self) -> None:
        labels = [item.label for item in self.items if item.part != "test"]
        if trouble := shortage(labels):
            raise SpecRefused(trouble)
        counts = Counter(labels)
        fewest = min(counts, key=lambda label: counts[label])
        if counts[fewest] < self.options.folds:
            raise SpecRefused(
                f"The class {fewest!r} has {counts[fewest]} pictures and there are {self.options.folds} folds. "
                "Choose fewer folds or add pictures: every class must be in every fold."
            )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Study":
        """Read back what `to_json` wrote."""
        items = tuple(Item.from_json(entry) for entry in values["items"])
        return cls(items, LabOptions.from_json(values["options"]), values["source"])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        items = [item.to_json() for item in self.items]
        return {"items": items, "options": self.options.to_json(), "source": self.source}
