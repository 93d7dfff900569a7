"""How sure a figure is, and whether a difference is real. A page never imports this: SciPy takes its time.

Scores of folds are not independent: their training sets overlap, so that the usual standard error is far too small.
Every interval of the laboratory is Nadeau and Bengio's corrected one.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from scipy.special import stdtr, stdtrit  # Student's t: a tenth of the time that scipy.stats takes to import

from cnn_core.arithmetic.measures import FoldAccuracy, PairedAnswers, wilson
from cnn_core.arithmetic.verdicts import PairedDifference

METHOD = (
    "95% interval of the mean over folds by the corrected resampled t (Nadeau & Bengio 2003); where folds do not "
    "differ Wilson's"
)


def paired_answers(names: tuple[str, str], first: Sequence[bool], second: Sequence[bool]) -> PairedAnswers:
    """Compare two arms on the same pictures.

    Args:
        names: Of the two.
        first: Whether the first was right, a value a picture.
        second: Of the second, in the same order.

    Returns:
        How many pictures only the first got right, how many only the second, and the two-sided p-value of McNemar's
        exact test: how often chance alone would split them at least so unequally.

    Example:
        >>> found = paired_answers(("a", "b"), [True, True, False, True], [True, False, True, False])
        >>> found.only_first, found.only_second, found.p
        (2, 1, 1.0)

    Source:
        McNemar 1947, Psychometrika 12, 153–157, in its exact binomial form; Dietterich 1998 recommends it for
        comparing two classifiers on one test set.
    """
    pairs = list(zip(first, second, strict=True))
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    differing = only_first + only_second
    tail = sum(math.comb(differing, count) for count in range(min(only_first, only_second) + 1))
    p = min(1.0, float(Fraction(2 * tail, 2**differing)))
    return PairedAnswers(*names, only_first, only_second, p)


def fisher_exact(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Return how likely two shares lie so far apart by chance: Fisher's exact test, two-sided.

    The probabilities of all tables with these margins that are no likelier than the one found (Fisher 1922; as in R and
    SciPy), in whole numbers.

    Args:
        first: How many of one group are right, and how many there are.
        second: Likewise of the other.

    Example:
        >>> round(fisher_exact((3, 4), (1, 4)), 4)  # the lady tasting tea
        0.4857
    """
    (right, many), (other, more) = first, second
    both = right + other
    tables = [math.comb(many, k) * math.comb(more, both - k) for k in range(max(0, both - more), min(many, both) + 1)]
    found = math.comb(many, right) * math.comb(more, other)
    return sum(table for table in tables if table <= found) / math.comb(many + more, both)


def corrected_interval(scores: Sequence[float], test_share: float) -> tuple[float, float]:
    """Return the 95% interval of the expected score.

    mean ± t(n − 1) √((1/n + test/train) s²)

    Args:
        scores: One a fold, over all repeats, at least 2.
        test_share: Pictures tested on for each one trained on.

    Raises:
        ValueError: If there are fewer than 2 scores.

    Example:
        >>> [round(bound, 3) for bound in corrected_interval([0.9, 0.94, 0.92, 0.96, 0.93], test_share=0.25)]
        [0.888, 0.972]

    Source:
        Nadeau & Bengio 2003, Machine Learning 52, 239–281, section 4; for repeated folds Bouckaert & Frank 2004.
    """
    n = len(scores)
    if n < 2:
        raise ValueError(f"Received {n} scores; an interval over folds needs at least 2.")
    spread = math.sqrt((1 / n + test_share) * float(np.var(scores, ddof=1)))
    half = float(stdtrit(n - 1, 0.975)) * spread
    mean = float(np.mean(scores))
    return mean - half, mean + half


def accuracy_summary(correct: Sequence[int], total: Sequence[int], test_share: float) -> FoldAccuracy:
    """Summarise accuracies of folds.

    Args:
        correct: Right answers, one number a fold.
        total: Answers, likewise.
        test_share: As in `corrected_interval`.

    Returns:
        Of one fold, and where all folds agree, the interval is Wilson's: a spread of 0 is not certainty.

    Example:
        >>> summary = accuracy_summary([57, 58, 56], [60, 60, 60], test_share=0.25)
        >>> round(summary.median, 3), round(summary.low, 3), round(summary.high, 3)
        (0.95, 0.895, 1.0)
    """
    scores = [c / n for c, n in zip(correct, total, strict=True)]
    if len(set(scores)) == 1:  # no spread between folds; each picture counted once
        tested = total[0] if len(scores) == 1 else round(total[0] * min(len(scores), 1 + 1 / test_share))
        found = wilson(round(scores[0] * tested), tested)
        low, high = found.low, found.high
    else:
        low, high = corrected_interval(scores, test_share)
    return FoldAccuracy(
        tuple(scores), float(np.median(scores)), float(np.mean(scores)), max(0.0, low), min(1.0, high), len(scores)
    )


def paired_comparison(
    scores: Sequence[float], reference: Sequence[float], test_share: float, names: tuple[str, str], tested: int = 0
) -> PairedDifference:
    """Compare two arms on the same folds.

    Args:
        scores: Accuracies of the first arm, one a fold.
        reference: Of the second, in the same order.
        test_share: As in `corrected_interval`.
        names: Of the two, for the words.
        tested: Different pictures that were tested on in all folds together; 0 if that is not known.

    Returns:
        The mean difference with its interval and two-sided p-value, None where they cannot be told.

    Example:
        >>> a, b = [0.95, 0.93, 0.96, 0.94, 0.95], [0.88, 0.87, 0.90, 0.86, 0.88]
        >>> print(paired_comparison(a, b, 0.25, ("fine-tuned", "frozen")).words)
        Fine-tuned is 6.8 points better than frozen (95% interval 5.2 to 8.4): chance alone would hardly do that (p < 0.001).

    Source:
        Nadeau & Bengio 2003, section 4: the corrected resampled t-test, whose errors stay near their nominal rate
        where the plain paired t-test on folds finds differences that are not there.
    """  # noqa: E501
    differences = 100 * (np.asarray(scores, float) - np.asarray(reference, float))
    points, n = float(differences.mean()), len(differences)
    if not differences.any():
        return PairedDifference(0.0, None, None, 1.0, names, n, tested)
    if n < 2 or math.isclose(float(differences.std()), 0, abs_tol=1e-9):
        return PairedDifference(points, None, None, None, names, n, tested)
    low, high = corrected_interval(differences.tolist(), test_share)
    spread = math.sqrt((1 / n + test_share) * float(differences.var(ddof=1)))
    p = 2 * float(stdtr(n - 1, -abs(points) / spread))
    return PairedDifference(points, max(-100.0, low), min(100.0, high), p, names, n, tested)
