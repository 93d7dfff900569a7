"""The words for labelled pictures: one of them, and when they are too few to learn from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

MIN_CLASSES = 2
MIN_PICTURES = 5  # a class: 3 to train on, 1 to choose with, 1 to test on
FEW_PICTURES = 10


class SpecRefused(ValueError):
    """An option or a set of pictures that no experiment can be made of; the text says what to change."""


@dataclass(frozen=True)
class Item:
    """One labelled picture.

    Attributes:
        digest: Content of the picture; its pixels are in the store under it.
        label: Name of its class.
        name: File name, for people.
        part: `train`, `validation` or `test` where that is fixed beforehand; empty where the split decides.
    """

    digest: str
    label: str
    name: str
    part: str = ""

    @classmethod
    def from_json(cls, values: Sequence[str]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(*values)

    def to_json(self) -> list[str]:
        """Return plain JSON values.

        Example:
            >>> Item.from_json(Item("d1", "cat", "a.png").to_json())
            Item(digest='d1', label='cat', name='a.png', part='')
        """
        return [self.digest, self.label, self.name, self.part]


def shortage(labels: Sequence[str]) -> str:
    """Return why these labels are too few for an experiment, as a sentence; empty if they suffice.

    Example:
        >>> shortage(["cat"] * 8 + ["dog"] * 4)
        "The class 'dog' has 4 pictures; at least 5 are needed. Add 1 more."
        >>> shortage(["cat"] * 8)
        'There is 1 class; at least 2 are needed. Add pictures of another class.'
    """
    counts = dict(sorted(Counter(labels).items()))
    if len(counts) < MIN_CLASSES:
        have = f"is {len(counts)} class" if len(counts) == 1 else "are no classes"
        return f"There {have}; at least {MIN_CLASSES} are needed. Add pictures of another class."
    for label, count in counts.items():
        if count < MIN_PICTURES:
            have = "1 picture" if count == 1 else f"{count} pictures"
            return (
                f"The class {label!r} has {have}; at least {MIN_PICTURES} are needed. Add {MIN_PICTURES - count} more."
            )
    return ""
