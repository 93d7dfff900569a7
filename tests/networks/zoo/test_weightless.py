"""Networks without weights: nothing is left behind that would fill memory later."""

import keras
import pytest
from keras import layers

from cnn_core.networks.zoo.vgg import vgg
from cnn_core.networks.zoo.weightless import weightless


def test_weightless_networks_leave_nothing_that_the_next_model_would_fill() -> None:
    model = weightless(vgg, depth=16)
    layers.Dense(2).build((None, 3))
    keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x + 1)])  # Keras fills what is pending at such a layer
    assert len(model.weights) == 32 and all(weight._value is None for weight in model.weights)
    with pytest.raises(ValueError, match="depth is 11"):
        weightless(vgg, depth=11)
