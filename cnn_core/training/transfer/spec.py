"""What an experiment is asked to do: parsed and checked once, immutable afterwards. Light: no Keras."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.items import Item, SpecRefused, shortage

ARMS = ("scratch", "frozen", "fine_tuned")


@dataclass(frozen=True)
class Options:
    """The controls of an experiment.

    Attributes:
        arms: Which of ARMS run; kept in the order of ARMS.
        backbone: Key in `backbones.BACKBONES`.
        epochs: Passes over the training pictures; the fine-tuned arm makes as many for its head, then for its blocks.
        batch_size: Pictures a step.
        head_learning_rate: Adam's rate for new weights (every head, and all of `scratch`).
        fine_tune_learning_rate: Adam's rate for pretrained blocks; 10 to 100 times lower nudges without erasing.
        unfreeze_blocks: How many of the topmost blocks the fine-tuned arm trains.
        augment: Show mirrored, shifted and zoomed copies to the arms that train on pixels.
        seed: Of the split, the new weights, the order and the augmentation.
    """

    arms: tuple[str, ...] = ("frozen", "fine_tuned")
    backbone: str = DEFAULT
    epochs: int = 10
    batch_size: int = 16
    head_learning_rate: float = 1e-3
    fine_tune_learning_rate: float = 1e-4
    unfreeze_blocks: int = 4
    augment: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [arm for arm in self.arms if arm not in ARMS]
        if unknown or not self.arms:
            raise SpecRefused(f"arms is {','.join(self.arms) or 'empty'}; expected one or more of {', '.join(ARMS)}.")
        object.__setattr__(self, "arms", tuple(arm for arm in ARMS if arm in self.arms))
        if self.backbone not in BACKBONES:
            raise SpecRefused(f"backbone is {self.backbone!r}; expected one of {', '.join(BACKBONES)}.")
        blocks = len(BACKBONES[self.backbone].block_starts)
        for name, low, high in (
            ("epochs", 1, 200),
            ("batch_size", 1, 256),
            ("head_learning_rate", 1e-7, 1.0),
            ("fine_tune_learning_rate", 1e-7, 1.0),
            ("unfreeze_blocks", 1, blocks),
            ("seed", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            fraction = isinstance(high, int) and not isinstance(value, int)
            if fraction or not low <= value <= high:
                raise SpecRefused(f"{name} is {value}; expected {low} to {high}{', whole' if fraction else ''}.")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Options":
        """Read back what `to_json` wrote."""
        known = {entry.name for entry in fields(cls)}
        chosen: dict[str, Any] = {key: value for key, value in values.items() if key in known}
        return cls(**chosen | {"arms": tuple(chosen["arms"])})

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"arms": list(self.arms)}


@dataclass(frozen=True)
class Experiment:
    """Pictures and options: all that a run needs, by value.

    Raises:
        SpecRefused: If there are too few classes or pictures.
    """

    items: tuple[Item, ...]
    options: Options = field(default_factory=Options)
    source: str = "your pictures"

    def __post_init__(self) -> None:
        if trouble := shortage([item.label for item in self.items if item.part != "test"]):
            raise SpecRefused(trouble)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, sorted; a label's index is its place here."""
        return tuple(sorted({item.label for item in self.items}))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Experiment":
        """Read back what `to_json` wrote."""
        items = tuple(Item.from_json(entry) for entry in values["items"])
        return cls(items, Options.from_json(values["options"]), values["source"])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        items = [item.to_json() for item in self.items]
        return {"items": items, "options": self.options.to_json(), "source": self.source}
