"""Which pictures look alike: the cosine of their centred features, by blocks of rows, never all N × N. NumPy."""

import numpy as np

BLOCK = 256  # rows of the similarities that are in memory at once


def directions(features: np.ndarray) -> np.ndarray:
    """Return features `(N, D)` less their mean, each of length 1 (or 0, where it is the mean itself), float32.

    The inner product of two rows is their similarity.

    Example:
        >>> rows = directions(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))
        >>> (rows[0] @ rows.T).round(1).tolist()
        [1.0, -1.0, 1.0, -1.0]
    """
    centred = features - features.mean(axis=0, dtype=np.float64)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(norms > 0, norms, 1.0), np.float32)


def pairs(
    rows: np.ndarray, least: float, most: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs that are alike, the likest first.

    Args:
        rows: What `directions` returned.
        least: Similarity from which a pair counts.
        most: Pairs to return.
        groups: Names, `(N,)`; a pair within one is none, such as two frames of a recording.

    Returns:
        Indices of the first and of the second, which is the later one, and the similarity; each `(pairs,)`.

    Example:
        >>> first, second, similarity = pairs(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), least=0.9, most=5)
        >>> first.tolist(), second.tolist(), similarity.tolist()
        ([0], [2], [1.0])
    """
    found = np.empty(0, int), np.empty(0, int), np.empty(0)
    for start in range(0, len(rows), BLOCK):
        similar = rows[start : start + BLOCK] @ rows[start:].T
        alike = similar >= least
        if groups is not None:
            alike &= groups[start : start + BLOCK, None] != groups[None, start:]
        first, second = np.nonzero(np.triu(alike, k=1))
        new = first + start, second + start, similar[first, second]
        joined = [np.concatenate(both) for both in zip(found, new, strict=True)]
        order = np.argsort(-joined[2], kind="stable")[:most]
        found = joined[0][order], joined[1][order], joined[2][order]
    return found
