"""Whether the test pictures are like those that were trained on, and in what not: the values, and their words. Light.

Validation pictures are of the training part's kind. Where a network that does well on them fails on the test pictures,
it is not the network that has changed: the pictures are others, and its test accuracy tells of those, its validation
accuracy of these. `measuring` finds it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnn_core.arithmetic.measures import Share
from cnn_core.arithmetic.verdicts import LEVEL, more_than_guessing
from cnn_core.training.lab.labels import Neighbour

_EVEN = 0.5  # what guessing the part gets right: as many pictures of each, class by class


@dataclass(frozen=True)
class Fall:
    """An arm, or a class of it, on validation and on test pictures; `p` of Fisher's exact test, corrected by Holm."""

    name: str
    validation: Share
    test: Share
    p: float

    @property
    def beyond_chance(self) -> bool:
        """True if the test is worse beyond chance."""
        return self.p < LEVEL and self.test.value < self.validation.value


@dataclass(frozen=True)
class Trait:
    """A number of every picture: its medians in both parts; `p` of Mann and Whitney's test, corrected by Holm."""

    name: str
    train: float
    test: float
    p: float

    @property
    def words(self) -> str:
        """How the test pictures differ in it; empty if that may be chance.

        Example:
            >>> Trait("brightness", 134.0, 92.0, 0.001).words
            'their brightness is lower (median 92 against 134)'
        """
        if not self.p < LEVEL or self.train == self.test:
            return ""
        way = "higher" if self.test > self.train else "lower"
        return f"their {self.name} is {way} (median {self.test:.3g} against {self.train:.3g})"


@dataclass(frozen=True)
class Missed:
    """A test picture that was missed, and the training pictures most like it."""

    digest: str
    name: str
    label: str
    said: str
    nearest: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Shift:
    """What was found where an arm does worse on the test pictures than on the validation pictures beyond chance.

    Attributes:
        arms: Every arm on both.
        told_apart: How often a linear head on the kept features tells a test picture from a training picture, across
            folds, class by class as many of each; None where there are too few.
        classes: The same of the first arm that fell, class by class, the deepest fall first.
        traits: What pictures of the parts look like.
        missed: The surest mistakes.
    """

    arms: tuple[Fall, ...]
    told_apart: Share | None = None
    classes: tuple[Fall, ...] = ()
    traits: tuple[Trait, ...] = ()
    missed: tuple[Missed, ...] = ()

    @property
    def fell(self) -> Fall | None:
        """The first arm that fell beyond chance."""
        return next((arm for arm in self.arms if arm.beyond_chance), None)

    @property
    def unlike(self) -> bool:
        """True if an arm fell and the features tell the parts apart: only then the pictures are said to be others."""
        apart = self.told_apart
        return self.fell is not None and apart is not None and more_than_guessing(apart.low, _EVEN)

    @property
    def headline(self) -> str:
        """The sentence that comes before all others; empty if nothing fell beyond chance."""
        fall = self.fell
        if fall is None:
            return ""
        both = f"Validation {fall.validation.value:.1%}, test {fall.test.value:.1%}"
        if self.unlike:
            return f"{both}: the test pictures are not like the training ones"
        return f"{both}: beyond chance, and nothing tells why"

    def words(self, titles: Mapping[str, str]) -> list[str]:
        """Return in what the parts differ, a sentence each.

        Args:
            titles: Of the arms.
        """
        if self.fell is None:
            return []
        told = [
            f"{titles.get(arm.name, arm.name)}: {_of(arm.validation)} on validation pictures, {_of(arm.test)} on test "
            f"pictures{'' if arm.beyond_chance else ', which may be chance'}."
            for arm in self.arms
        ]
        if self.told_apart is None:
            told.append("There are too few pictures to tell whether a classifier knows the parts apart.")
        else:
            apart, share = self.told_apart, f"{_of(self.told_apart)}, where guessing is right on half"
            told.append(
                "A linear head on the kept features tells test pictures from training pictures of the same class: "
                f"{share}."
                if more_than_guessing(apart.low, _EVEN)
                else f"On the kept features the parts cannot be told apart beyond chance ({share}): look at the labels."
            )
        fell = [fall for fall in self.classes if fall.beyond_chance]
        if fell:
            named = ", ".join(f"{fall.name} ({_of(fall.validation)} to {_of(fall.test)})" for fall in fell)
            told.append(f"Classes that fall beyond chance: {named}.")
        if traits := [trait.words for trait in self.traits if trait.words]:
            told.append(f"The test pictures look different: {'; '.join(traits)}.")
        return told


def _of(share: Share) -> str:
    return f"{share.value:.1%} of {share.total}"


def card_words(shift: Shift | None, parts: Sequence[str], sizes: Mapping[str, int]) -> str:
    """Return what a model card says of how test and training pictures go together.

    Args:
        shift: What was found; None where it was not looked at.
        parts: The fixed part of every picture, empty where the division was drawn.
        sizes: Pictures of `train`, `validation` and `test`.
    """
    if shift is not None and shift.headline:
        return f"{shift.headline}. What it gets right on other pictures depends on which of them they are like."
    if "test" in parts:
        told = "" if shift is None else "; it does no worse on them than on its validation pictures beyond chance"
        return (
            f"Its {sizes['test']} test pictures were set apart beforehand{told}. Whether yours are like them is "
            "for you to judge."
        )
    return (
        f"Its {sizes['test']} test pictures were drawn at random from the same set as those it was trained on; of "
        "pictures from elsewhere these figures say nothing."
    )
