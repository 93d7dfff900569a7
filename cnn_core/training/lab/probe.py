"""The studies' linear head where pictures can be left out to choose its weight decay. Light: no Keras."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from cnn_core.training import heads
from cnn_core.training.heads import Head

SPARED = (0.01, 0.1, 1.0, 10.0)  # times the usual weight decay: the candidates
INNER_FOLDS = 3


def fit_within(features: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None) -> Head:
    """Fit a head with the weight decay that has the least log-loss on folds within its own training pictures.

    Args:
        features: `(N, D)`.
        labels: int `(N,)`, every class from 0 to the largest at least once. Where one has fewer than INNER_FOLDS
            pictures there is nothing to choose by, and the usual decay is taken.
        groups: Names `(N,)` of what belongs together, such as frames of one recording: in one fold, and where a class
            has fewer than INNER_FOLDS of them the usual decay is taken, too. By default every picture stands alone.

    Raises:
        ValueError: If a class is missing.
    """
    usual = heads.usual_decay(len(labels))
    of = [np.unique(groups[labels == label]).size for label in np.unique(labels)] if groups is not None else []
    if min([*np.bincount(labels), *of]) < INNER_FOLDS:
        return heads.fit(features, labels, usual)
    losses, decays = np.zeros(len(SPARED)), [times * usual for times in SPARED]
    divider = StratifiedKFold if groups is None else StratifiedGroupKFold
    for train, test in divider(INNER_FOLDS, shuffle=True, random_state=0).split(features, labels, groups):
        if np.unique(labels[train]).size < np.unique(labels).size:  # groups so unequal that a fold has all of a class
            continue
        for index, head in enumerate(heads.regularisation_path(features[train], labels[train], decays)):
            said = head.probabilities(features[test])[np.arange(len(test)), labels[test]]
            losses[index] -= np.log(np.maximum(said, 1e-12)).sum()
    return heads.fit(features, labels, decays[int(losses.argmin())])
