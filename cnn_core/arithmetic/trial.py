"""A small synthetic frame on which what computes elsewhere is tried, before it is believed."""

import numpy as np

SHAPE = (45, 64)  # odd and even, so that a padding is uneven along one axis


def trial_frame() -> np.ndarray:
    """Return a frame with flat places, edges, stripes that become finer, and noise; other ones in each colour.

    Returns:
        uint8 `(45, 64, 3)`, always the same.

    Example:
        >>> frame = trial_frame()
        >>> frame.shape, frame.dtype.name, len(np.unique(frame)) > 150
        ((45, 64, 3), 'uint8', True)
    """
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
    sky = np.stack([0.55 + 0.1 * y / 45, 0.7 + 0.1 * y / 45, 0.85 - 0.1 * y / 45], axis=2)
    frame = np.where((y > 30)[..., None], (0.35, 0.45, 0.3), sky)
    frame = np.where(((y - 14) ** 2 + (x - 15) ** 2 < 90)[..., None], (0.95, 0.75, 0.2), frame)
    frame = np.where(((abs(x - 38) < 5) & (y > 8) & (y < 40))[..., None], (0.75, 0.2, 0.25), frame)
    finer = 0.5 + 0.5 * np.sin(0.045 * (x - 46) ** 2)
    frame = np.where(((x > 46) & (y > 12) & (y < 36))[..., None], finer[..., None] * (0.9, 0.9, 1.0), frame)
    noise = np.random.default_rng(17).normal(0, 0.02, frame.shape)
    return np.round(255 * np.clip(frame + noise, 0, 1)).astype(np.uint8)
