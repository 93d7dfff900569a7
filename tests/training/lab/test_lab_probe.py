"""The weight decay that a study chooses within its own pictures."""

import numpy as np

from cnn_core.training import heads
from cnn_core.training.lab.probe import SPARED, fit_within


def test_decay_is_chosen_by_pictures_left_out() -> None:
    rng, y = np.random.default_rng(0), np.repeat(np.arange(3), 30)
    clear = rng.normal(0, 1, (3, 10))[y] + rng.normal(0, 0.2, (90, 10))
    noise, usual = rng.normal(size=clear.shape), heads.usual_decay(90)
    assert fit_within(clear, y).decay == min(SPARED) * usual
    assert fit_within(noise, y).decay == max(SPARED) * usual
    assert fit_within(clear[::15], y[::15]).decay == heads.usual_decay(6), "two a class are too few to choose by"
