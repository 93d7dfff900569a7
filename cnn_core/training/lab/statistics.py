"""How sure a figure is, and whether a difference is real. Light: NumPy and SciPy only.

Scores of folds are not independent: their training sets overlap, so that the usual standard error is far too small.
Every interval of the laboratory is Nadeau and Bengio's corrected one.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from cnn_core.training.transfer.evaluation import wilson_interval

METHOD = "95 % interval of the mean over folds by the corrected resampled t (Nadeau & Bengio 2003)"


def corrected_interval(scores: Sequence[float], test_share: float) -> tuple[float, float]:
    """Return the 95 % interval of the expected score.

    mean ± t(n − 1) √((1/n + test/train) s²)

    Args:
        scores: One a fold, over all repeats, at least 2.
        test_share: Pictures tested on for each one trained on.

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


def accuracy_summary(correct: Sequence[int], total: Sequence[int], test_share: float) -> dict[str, Any]:
    """Summarise accuracies of folds.

    Args:
        correct: Right answers, one number a fold.
        total: Answers, likewise.
        test_share: As in `corrected_interval`.

    Returns:
        `scores` (one a fold), `median`, `mean`, `low`, `high` (the 95 % interval of the mean, within 0 and 1) and
        `folds`. Of one fold, and where all folds agree, the interval is Wilson's: a spread of 0 is not certainty.

    Example:
        >>> summary = accuracy_summary([57, 58, 56], [60, 60, 60], test_share=0.25)
        >>> round(summary["median"], 3), round(summary["low"], 3), round(summary["high"], 3)
        (0.95, 0.895, 1.0)
    """
    scores = [c / n for c, n in zip(correct, total, strict=True)]
    if len(set(scores)) == 1:  # no spread between folds; each picture counted once
        tested = total[0] if len(scores) == 1 else round(total[0] * min(len(scores), 1 + 1 / test_share))
        low, high = wilson_interval(round(scores[0] * tested), tested)
    else:
        low, high = corrected_interval(scores, test_share)
    return {
        "scores": scores,
        "median": float(np.median(scores)),
        "mean": float(np.mean(scores)),
        "low": max(0.0, low),
        "high": min(1.0, high),
        "folds": len(scores),
    }


def paired_comparison(
    scores: Sequence[float], reference: Sequence[float], test_share: float, names: tuple[str, str]
) -> dict[str, Any]:
    """Compare two arms on the same folds.

    Args:
        scores: Accuracies of the first arm, one a fold.
        reference: Of the second, in the same order.
        test_share: As in `corrected_interval`.
        names: Of the two, for the words.

    Returns:
        `points` (mean difference, in percentage points), `low`, `high` (95 % interval), `p` (two-sided, None where it
        cannot be told) and `words`.

    Example:
        >>> a, b = [0.95, 0.93, 0.96, 0.94, 0.95], [0.88, 0.87, 0.90, 0.86, 0.88]
        >>> print(paired_comparison(a, b, 0.25, ("fine-tuned", "frozen"))["words"])
        Fine-tuned is 6.8 points better than frozen (95 % interval 5.2 to 8.4): chance alone would hardly do that (p < 0.001).

    Source:
        Nadeau & Bengio 2003, section 4: the corrected resampled t-test, whose errors stay near their nominal rate
        where the plain paired t-test on folds finds differences that are not there.
    """  # noqa: E501
    differences = 100 * (np.asarray(scores, float) - np.asarray(reference, float))
    points, n = float(differences.mean()), len(differences)
    first, second = names[0][:1].upper() + names[0][1:], names[1]
    result: dict[str, Any] = {"points": points, "low": None, "high": None, "p": None}
    better = "better" if points > 0 else "worse"
    size = f"{first} is {abs(points):.1f} points {better} than {second}"
    if not differences.any():
        return result | {"p": 1.0, "words": f"{first} and {second} were equally right in every fold."}
    if n < 2 or math.isclose(float(differences.std()), 0, abs_tol=1e-9):
        return result | {"words": f"{size} in each of {n} folds; that is too little to tell whether it is real."}
    low, high = corrected_interval(differences.tolist(), test_share)
    spread = math.sqrt((1 / n + test_share) * float(differences.var(ddof=1)))
    p = 2 * float(stdtr(n - 1, -abs(points) / spread))
    verdict = "chance alone would hardly do that" if p < 0.05 else "this may well be chance"
    told = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
    words = f"{size} (95 % interval {low:.1f} to {high:.1f}): {verdict} ({told})."
    return result | {"low": low, "high": high, "p": p, "words": words}
