"""What an experiment on transfer is asked to do: parsed and checked once, immutable afterwards. Light: no Keras."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.spec import OnPictures, Spec, choice, choices, flag, number, seed

ARM_TITLES = {"frozen": "Frozen", "fine_tuned": "Fine-tuned", "scratch": "From scratch"}  # in the order of a page
KEPT_COPIES = 4  # of a picture, whose maps are kept: each epoch of blocks sees the next one, and then again the first
ARMS = ("scratch", "frozen", "fine_tuned")  # in the order of a result
_MAX_BLOCKS = max(len(record.block_starts) for record in BACKBONES.values())


@dataclass(frozen=True)
class Options(Spec):
    """The controls of an experiment; each field tells what it is.

    Example:
        >>> Options(unfreeze_blocks=18)
        Traceback (most recent call last):
        cnn_core.pictures.items.SpecRefused: unfreeze_blocks is 18; expected 1 to 17, as EfficientNet-Lite0 has.
    """

    arms: tuple[str, ...] = choices(
        ("frozen", "fine_tuned"),
        lambda: ARMS,
        "Arms",
        "Frozen: pretrained features fixed, a linear head is fitted. Fine-tuned: the head first, then the top blocks "
        "at a low rate. From scratch: the same network from random weights; minutes on a CPU.",
    )
    backbone: str = choice(
        DEFAULT, lambda: tuple(BACKBONES), "Backbone", "The pretrained network whose features are used."
    )
    epochs: int = number(
        10,
        1,
        200,
        "Epochs",
        "Passes over the training pictures of what is trained in small steps: blocks, and networks from scratch. "
        "A head on fixed features needs no number: it is solved to its end, which takes a second.",
    )
    batch_size: int = number(16, 1, 256, "Batch size", "Pictures a step.")
    head_learning_rate: float = number(
        1e-3, 1e-7, 1.0, "Learning rate from scratch", "Of a network whose weights all begin at random."
    )
    fine_tune_learning_rate: float = number(
        1e-4,
        1e-7,
        1.0,
        "Learning rate of pretrained blocks",
        "Of what is unfrozen; 10 to 100 times lower than that of new weights nudges without erasing.",
    )
    unfreeze_blocks: int = number(
        4, 1, _MAX_BLOCKS, "Blocks to unfreeze", "Topmost blocks that the fine-tuned arm trains."
    )
    augment: bool = flag(
        False,
        "Augment: mirror, shift and zoom while training",
        "Mirror, shift and zoom pictures a little, but not for the frozen arm, whose features are computed once. "
        f"Fine-tuning sees {KEPT_COPIES} copies of each picture in turn, from scratch new ones every epoch.",
    )
    seed: int = seed()
    class_weights: bool = flag(
        False,
        "Let every class count the same",
        "Where classes are unequal a big one is learnt better than a small one; with this a picture of a class that "
        "has half as many counts twice.",
    )

    def check(self) -> None:
        """Refuse more blocks than the backbone has."""
        record = BACKBONES[self.backbone]
        if self.unfreeze_blocks > (blocks := len(record.block_starts)):
            raise SpecRefused(
                f"unfreeze_blocks is {self.unfreeze_blocks}; expected 1 to {blocks}, as {record.title} has."
            )


@dataclass(frozen=True)
class Experiment(OnPictures[Options]):
    """Pictures and options: all that a run needs, by value."""

    options: Options = field(default_factory=Options)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote.

        Raises:
            SpecRefused: If an option is not known or out of bounds, or if there are too few pictures.
        """
        return cls.read(values, Options)
