"""The studies' linear head where pictures can be left out to choose its weight decay. Light: no Keras."""

import numpy as np
from sklearn.model_selection import StratifiedKFold

from cnn_core.training import heads
from cnn_core.training.heads import Head

SPARED = (0.01, 0.1, 1.0, 10.0)  # times the usual weight decay: the candidates
INNER_FOLDS = 3


def fit_within(features: np.ndarray, labels: np.ndarray) -> Head:
    """Fit a head with the weight decay that has the least log-loss on folds within its own training pictures.

    Args:
        features: `(N, D)`.
        labels: int `(N,)`, every class from 0 to the largest at least once. Where one has fewer than INNER_FOLDS
            pictures there is nothing to choose by, and the usual decay is taken.

    Raises:
        ValueError: If a class is missing.
    """
    usual = heads.usual_decay(len(labels))
    if np.bincount(labels).min() < INNER_FOLDS:
        return heads.fit(features, labels, usual)
    losses, decays = np.zeros(len(SPARED)), [times * usual for times in SPARED]
    for train, test in StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=0).split(features, labels):
        for index, head in enumerate(heads.path(features[train], labels[train], decays)):
            said = head.probabilities(features[test])[np.arange(len(test)), labels[test]]
            losses[index] -= np.log(np.maximum(said, 1e-12)).sum()
    return heads.fit(features, labels, decays[int(losses.argmin())])
