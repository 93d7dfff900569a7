"""The words for labelled pictures: one of them, and when they are too few to learn from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cnn_core.pictures.formats import printable
from cnn_core.pictures.limits import LABEL_CHARACTERS

YOURS = "your pictures"  # the source of a set that a visitor has gathered
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
        burst: The recording that it is a frame of (`bursts`); empty if of none.
    """

    digest: str
    label: str
    name: str
    part: str = ""
    burst: str = ""

    @classmethod
    def from_json(cls, values: Sequence[str]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(*values)

    def to_json(self) -> list[str]:
        """Return plain JSON values: four, as in versions without recordings, and the recording where there is one.

        Example:
            >>> Item.from_json(Item("d1", "cat", "a.png").to_json())
            Item(digest='d1', label='cat', name='a.png', part='', burst='')
            >>> Item("d1", "cat", "a.png").to_json(), Item("d1", "cat", "a.png", burst="b7").to_json()
            (['d1', 'cat', 'a.png', ''], ['d1', 'cat', 'a.png', '', 'b7'])
        """
        return [self.digest, self.label, self.name, self.part, *([self.burst] if self.burst else [])]


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


def flaw(text: str) -> str:
    """Return what is wrong with the name of a class or of a picture, in words that follow it; empty if nothing is.

    Example:
        >>> flaw("crème brûlée"), flaw(""), flaw("a\\0b")
        ('', 'has no name', "has characters in its name that cannot be shown: 'a\\\\x00b'")
    """
    if not isinstance(text, str):
        return f"has the name {quoted(text)}, which is no text"
    if not text.strip():
        return "has no name"
    if len(text) > LABEL_CHARACTERS:
        return f"has a name of {len(text):,} characters; at most {LABEL_CHARACTERS} are allowed"
    if printable(text) != text:
        return f"has characters in its name that cannot be shown: {text!a}"
    return ""


def quoted(value: object) -> str:
    """Return what was received as a refusal shows it: a stranger may send a megabyte where a word is expected.

    Example:
        >>> quoted(2.5), len(quoted("x" * 10**6))
        ('2.5', 201)
    """
    words = repr(value)
    return words if len(words) <= LABEL_CHARACTERS else f"{words[:LABEL_CHARACTERS]}…"


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "file"), count(1200, "picture"), count(2, "class")
        ('1 file', '1,200 pictures', '2 classes')
    """
    plural = noun if number == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {plural}"
