"""The words for signals before training and for blocks that learn the identity."""

import numpy as np
import pytest
from scipy.stats import t

from cnn_core.training.studies.causes import Identity, NetSignals, identity_words, signal_words


def net(carried: float, rate: float, last: float = 1.0) -> NetSignals:
    """A net of 11 convolutions whose variance and gradients change by a constant factor a layer."""
    gradients = [last * rate ** (10 - layer) for layer in range(11)]
    variances = [carried ** (layer / 10) for layer in range(11)]
    return NetSignals(12, False, True, [f"conv{n}" for n in range(11)], variances, gradients, [], [])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (net(1e-3, 1.0), "the signal **dies out**; towards the input the gradient **keeps its size**"),
        (net(1e3, 0.9), "the signal **explodes**; towards the input the gradient **shrinks**"),
        (net(1.0, 0.4), "the signal **is kept**; towards the input the gradient **shrinks and is tiny**"),
        (net(1.0, 1.1), "the signal **is kept**; towards the input the gradient **grows**"),
        (net(1.0, 2.0), "towards the input the gradient **grows and is huge**"),
    ],
)
def test_signals_are_told_by_their_numbers(found: NetSignals, said: str) -> None:
    words = signal_words([found])
    assert words.startswith("* plain, with BatchNorm: ") and words.endswith(said)


def test_rates_are_those_of_the_gradients() -> None:
    found = net(0.5, 1.1)
    assert found.rate == pytest.approx(1.1) and found.growth == pytest.approx(1.1**10)
    assert found.carried == pytest.approx(0.5)


def test_identity_says_how_soon_how_near_and_how_often() -> None:
    slow, quick = [1.0, 0.5, 0.02, 0.02], [0.8, 0.005, 0.002, 0.001]
    slower = [1.0, 0.5, 0.02, 0.022]
    said = identity_words(Identity([0, 1], 1.0, plain=[slow, slower], residual=[quick, quick]))
    assert "The **plain** block begins at 1 and ends at 0.021, never below 0.01." in said
    assert "The **residual** block begins at 0.8 and ends at 0.001, below 0.01 after 1 steps." in said
    ratios = np.log([20.0, 22.0])
    low, high = np.exp(t.interval(0.95, 1, ratios.mean(), ratios.std(ddof=1) / np.sqrt(2)))
    assert said.endswith(
        f"At the end the **residual** one is nearer to the identity, by a factor of {np.exp(ratios.mean()):.1f} (95% "
        f"interval {low:.1f} to {high:.1f})."
    )
    once = identity_words(Identity([0, 1], 1.0, plain=[slow, quick], residual=[quick, quick]))
    assert "below 0.01 after 1 steps (1 of 2 seeds never)" in once
    assert once.endswith("Which of them is nearer to the identity at the end cannot be told from 2 seeds.")
