"""What numbers can carry: when a difference is a finding, and in which words. Light: no NumPy, no SciPy.

A sentence that draws a conclusion is a function of numbers and first asks what they must have: something was learnt
(`more_than_guessing`), there are repetitions enough for an interval (`over_seeds`), the interval lies within what is
possible and leaves out "no difference", enough pictures changed their answer (FEWEST), and one of many comparisons was
not bound to come out so (`holm`). Where one is missing it says which, and concludes nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cnn_core.arithmetic.written import minus

LEVEL = 0.05
FEWEST = 6  # pictures that must change sides: 2 / 2⁶ is the first two-sided sign test below 0.05


@dataclass(frozen=True)
class Mean:
    """A mean over independent repetitions, with its 95% interval by Student's t.

    `low` and `high` are None where there is no spread to judge by: one repetition, or all of them exactly alike.
    """

    value: float
    low: float | None
    high: float | None
    count: int

    @property
    def above(self) -> bool:
        """True if the interval lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def below(self) -> bool:
        """True if the interval lies below 0."""
        return self.high is not None and self.high < 0


def more_than_guessing(low: float, chance: float) -> bool:
    """Tell whether an accuracy, of which `low` is the lower end of its interval, is beyond always guessing one class.

    Example:
        >>> more_than_guessing(0.25, chance=0.2), more_than_guessing(0.15, chance=0.2)
        (True, False)
    """
    return low > chance


def over_seeds(values: Sequence[float], least: float = -math.inf, most: float = math.inf) -> Mean:
    """Return the mean of independent repetitions with its interval, which is kept within what is possible.

    Args:
        values: A value a repetition, at least one.
        least, most: What a value can be.

    Example:
        >>> found = over_seeds([0.1, 0.2, 0.3], least=-1, most=1)
        >>> round(found.low, 3), round(found.high, 3), found.above
        (-0.048, 0.448, False)
        >>> over_seeds([0.2]).above, over_seeds([0.2, 0.2]).above  # no spread is no certainty
        (False, False)
    """
    n = len(values)
    mean = min(max(math.fsum(values) / n, min(values)), max(values))  # rounding must not carry it outside
    if n < 2:
        return Mean(mean, None, None, n)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    if deviation <= 1e-9 * max(1.0, abs(mean)):
        return Mean(mean, None, None, n)
    half = student(n - 1) * deviation / math.sqrt(n)
    return Mean(mean, max(least, mean - half), min(most, mean + half), n)


@cache
def student(degrees_of_freedom: int) -> float:
    """Return the 97.5% point of Student's t: within so many standard errors lies 95%.

    Example:
        >>> [round(student(n), 3) for n in (1, 2, 19)]
        [12.706, 4.303, 2.093]

    Source:
        Abramowitz & Stegun 1964, 26.7.3 and 26.7.4 (the distribution for a whole number of degrees of freedom).
    """
    low, high = 0.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees_of_freedom) < 1 - LEVEL else (low, middle)
    return (low + high) / 2


def two_sided(t: float, degrees_of_freedom: int) -> float:
    """Return how often chance alone would carry Student's t as far from 0.

    Example:
        >>> round(two_sided(-2.093, 19), 3)
        0.05
    """
    return max(0.0, 1 - _within(abs(t), degrees_of_freedom))


def _within(t: float, degrees_of_freedom: int) -> float:
    """How much of Student's t lies between −t and t."""
    angle = math.atan(t / math.sqrt(degrees_of_freedom))
    odd = degrees_of_freedom % 2
    term = total = math.cos(angle) if odd else 1.0
    for k in range(2 + odd, degrees_of_freedom - 1, 2):
        term *= (k - 1) / k * math.cos(angle) ** 2
        total += term
    if not odd:
        return math.sin(angle) * total
    return 2 / math.pi * (angle + (math.sin(angle) * total if degrees_of_freedom > 1 else 0.0))


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number: below 0.05 are those that stand beside all the others.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]

    Source:
        Holm 1979, Scandinavian Journal of Statistics 6, 65–70.
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    found, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        found[index] = largest
    return found


# A difference on the same folds ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PairedDifference:
    """What one arm is ahead of another on the same folds, in percentage points.

    Attributes:
        points: On average over the folds.
        low, high: The 95% interval, within −100 and 100; None where there are too few folds to tell.
        p: Two-sided; None likewise.
        names: Of the two, for the words.
        folds: How many; 0 where version 0.1 did not write it down.
        tested: Different pictures that were tested on in them; 0 where that is not known.
        adjusted: `p` corrected by Holm for the comparisons that stand beside it; None before they are known.
        family: How many these are, this one among them.
    """

    points: float
    low: float | None
    high: float | None
    p: float | None
    names: tuple[str, str]
    folds: int = 0
    tested: int = 0
    adjusted: float | None = None
    family: int = 1

    @property
    def pictures(self) -> int | None:
        """By how many of the pictures they differ; None where that is not known."""
        return round(abs(self.points) * self.tested / 100) if self.tested else None

    @property
    def beyond_chance(self) -> bool:
        """True if it is a finding: its interval, its p-value among all of them, and its pictures say so."""
        return self.better or self.worse

    @property
    def better(self) -> bool:
        """True if the first is better beyond chance."""
        return self._stands and self.low is not None and 0 < self.low <= self.points

    @property
    def worse(self) -> bool:
        """True if the first is worse beyond chance."""
        return self._stands and self.high is not None and self.points <= self.high < 0

    @property
    def _stands(self) -> bool:
        if self.p is None or self.low is None or self.high is None or not self.p < LEVEL:
            return False
        among = self.adjusted is None or self.adjusted < LEVEL
        return among and (self.pictures is None or self.pictures >= FEWEST)

    @property
    def words(self) -> str:
        """The difference and what it says, in a sentence.

        Example:
            >>> print(PairedDifference(-10.0, -100.0, 80.0, 0.4, ("rate × 10", "head first"), 2).words)
            Rate × 10 is 10.0 points worse than head first (95% interval −100.0 to 80.0): 2 folds cannot tell (p = 0.400).
        """  # noqa: E501
        first, second = self.names[0][:1].upper() + self.names[0][1:], self.names[1]
        if self.low is None or self.high is None or self.p is None:
            if not self.points:
                return f"{first} and {second} were equally right in every fold."
            where = f"in each of {self.folds} folds" if self.folds > 1 else "in every fold"
            why = "without a spread between folds nothing tells"
            if self.folds == 1:
                where, why = "in one fold", "one fold cannot tell"
            return f"{self._size(first, second)} {where}: {why} whether it is more than chance."
        interval = f"(95% interval {signed(self.low)} to {signed(self.high)})"
        return f"{self._size(first, second)} {interval}: {self._verdict(self.p)}."

    def _size(self, first: str, second: str) -> str:
        if round(abs(self.points), 1) == 0:
            return f"{first} is as good as {second} on average"
        return f"{first} is {abs(self.points):.1f} points {'better' if self.points > 0 else 'worse'} than {second}"

    def _verdict(self, p: float) -> str:
        alone, among = _p(p), "" if self.adjusted is None else _p(self.adjusted)
        if self.family > 1:
            among = f"{among} after Holm's correction for {self.family} comparisons"
        if self.beyond_chance:
            return f"chance alone would hardly do that ({among or alone})"
        few = self.pictures is not None and self.pictures < FEWEST
        if p < LEVEL and few:
            return f"that is {self.pictures} of {self.tested} pictures, too few to tell it from chance"
        if self.adjusted is None or self.adjusted < LEVEL or not p < LEVEL:
            assert self.low is not None and self.high is not None
            blind = self.high - self.low >= 100  # half of all that is possible
            told = f"{self.folds} folds cannot tell" if blind and self.folds else "this may well be chance"
            return f"{told} ({alone})"
        more = ". More folds would tell" if 0 < self.folds < 5 else ""
        return f"beyond chance alone ({alone}), not beside the others ({among}){more}"


def _p(value: float) -> str:
    return f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"


def signed(value: float) -> str:
    """Return a number with one digit behind the point and a minus as it is printed.

    Example:
        >>> signed(-1.26), signed(-0.01)
        ('−1.3', '0.0')
    """
    return minus(f"{value:.1f}")
