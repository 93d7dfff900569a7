"""The scale of the loss under float16.

Source:
    Micikevicius et al. 2018, arXiv:1710.03740, section 3.2.
"""

import tensorflow as tf


class LossScale:
    """What the loss is multiplied by, and the gradients divided by, so that these do not underflow in float16.

    A step whose gradients are not finite is skipped and halves it; 2,000 good ones double it. Keras'
    `LossScaleOptimizer` does the same, but has a scale for each optimizer, and under a `MirroredStrategy` (3.15) it
    looks at the first replica's gradients only.
    """

    first, growth_steps = 2.0**15, 2000

    def __init__(self) -> None:
        self.value = tf.Variable(self.first, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
        self._good = tf.Variable(0, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
        self.variables = [self.value, self._good]

    def forget(self) -> None:
        """Begin anew."""
        self.value.assign(self.first)
        self._good.assign(0)

    def follow(self, finite: tf.Tensor) -> None:
        """Change as a step's gradients ask for."""
        good = tf.where(finite, self._good + 1, 0)
        grow = tf.equal(good, self.growth_steps)
        self.value.assign(self.value * tf.where(grow, 2.0, tf.where(finite, 1.0, 0.5)))
        self._good.assign(tf.where(grow, 0, good))
