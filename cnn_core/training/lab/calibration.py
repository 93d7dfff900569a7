"""Whether probabilities mean what they say, and below which one to answer "none of these"."""

from collections.abc import Sequence

import numpy as np

from cnn_core.arithmetic.measures import wilson
from cnn_core.arithmetic.verdicts import over_seeds
from cnn_core.training.lab.labels import Bin, ClassError, RefusalPoint, Reliability, Threshold

_BINS = 10
_THRESHOLDS = tuple(percent / 100 for percent in range(0, 101, 1))
_KEPT = 0.95  # share of the right answers that a threshold must keep


def reliability(probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Reliability:
    """Compare confidence with accuracy.

    Args:
        probabilities: Of pictures that the network was not trained on, `(N, classes)`.
        labels: int `(N,)`.
        classes: Names.

    Example:
        >>> said = np.array([[0.8, 0.2]] * 10)
        >>> round(reliability(said, np.array([0] * 6 + [1] * 4), "ab").ece, 3)  # 80% sure, 60% right
        0.2

    Source:
        Guo et al. 2017, arXiv:1706.04599, equations 2 and 3; per class Kull et al. 2019, arXiv:1910.12656.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = _bins(confidence, right)
    ece = _error(bins, len(labels))
    per_class = tuple(
        ClassError(name, _error(_bins(probabilities[:, j], labels == j), len(labels))) for j, name in enumerate(classes)
    )
    gap = over_seeds((100 * (confidence - right)).tolist(), -100, 100)
    return Reliability(bins, ece, per_class, gap.value, gap.low, gap.high)


def refusal_threshold(probabilities: np.ndarray, labels: np.ndarray) -> Threshold:
    """Return the highest threshold on the largest probability that keeps 95% of the right answers.

    Args:
        probabilities: Of pictures that the network was not trained on, `(N, classes)`.
        labels: int `(N,)`.

    Example:
        >>> said = np.array([[0.9, 0.1]] * 19 + [[0.6, 0.4]])
        >>> refusal_threshold(said, np.array([0] * 20)).threshold
        0.9

    Source:
        Hendrycks & Gimpel 2017, arXiv:1610.02136 (the largest softmax probability as baseline for misfits).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    if not right.any():
        return Threshold(0.0, 0.0, 0.0, "No answer was right.")
    sure = np.sort(confidence[right])
    threshold = float(sure[int((1 - _KEPT) * len(sure) + 1e-9)])
    kept = float((confidence[right] >= threshold).mean())
    refused = float((confidence[~right] < threshold).mean()) if (~right).any() else 0.0
    wrong = f"withholds {refused:.0%} of the wrong ones" if (~right).any() else "there were no wrong ones"
    words = f'Answering "none of these" below {threshold:.2f} keeps {kept:.0%} of the right answers and {wrong}.'
    return Threshold(threshold, kept, refused, words)


def refusal_curve(
    own: np.ndarray, right: np.ndarray, unseen: np.ndarray, thresholds: Sequence[float] = _THRESHOLDS
) -> list[RefusalPoint]:
    """Return what each threshold on the largest probability does.

    Args:
        own: Largest probability of each of the reader's pictures, `(N,)`.
        right: Whether that answer is right, bool `(N,)`.
        unseen: Largest probability of pictures of classes that the network was not shown, `(M,)`.
        thresholds: To try.

    Returns:
        A point a threshold: the share of own pictures at or above it, the accuracy of these (1 if there are none), and
        the share of unseen ones below it.

    Example:
        >>> refusal_curve(np.array([0.9, 0.6]), np.array([True, False]), np.array([0.5, 0.8]), thresholds=[0.7])
        [RefusalPoint(threshold=0.7, answered=0.5, accuracy=1.0, unseen_refused=0.5)]

    Source:
        Hendrycks & Gimpel 2017, arXiv:1610.02136.
    """
    return [
        RefusalPoint(
            float(threshold),
            answered=float((own >= threshold).mean()),
            accuracy=float(right[own >= threshold].mean()) if (own >= threshold).any() else 1.0,
            unseen_refused=float((unseen < threshold).mean()),
        )
        for threshold in thresholds
    ]


def _bins(confidence: np.ndarray, right: np.ndarray) -> tuple[Bin, ...]:
    # Not scikit-learn's calibration_curve: it keeps no sizes, which the error and the intervals need, and puts what
    # lies on an edge into the lower bin.
    of = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return tuple(
        Bin(
            index / _BINS,
            float(confidence[of == index].mean()),
            wilson(int(right[of == index].sum()), int((of == index).sum())),
        )
        for index in np.unique(of).tolist()
    )


def _error(bins: Sequence[Bin], total: int) -> float:
    return sum(each.right.total * abs(each.right.value - each.confidence) for each in bins) / total
