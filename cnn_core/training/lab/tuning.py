"""Training the upper blocks of a network again and again from the same start.

The main experiment trains once and keeps the best epoch (`transfer.training`). A study trains dozens of times: here
the step is traced once, every block has a learning rate of its own, every training starts from
the same weights and the last epoch counts, so that arms differ in nothing but what is asked.

The lower blocks are fixed; their feature maps are computed once. The head starts as the linear probe on the
pretrained features (Kumar et al. 2022, arXiv:2202.10054: probe first, then fine-tune) or at random.
"""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers

from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import Batches, Network, compiled, forward, lower
from cnn_core.training.examples import Examples, Inputs
from cnn_core.training.heads import Head
from cnn_core.training.loop import Epoch, Listener, Steps, Training

BATCHNORM_MOMENTUM = 0.9  # of a network from scratch; at 0.99 a few hundred steps leave the statistics near their start
_STATISTICS = ("moving_mean", "moving_variance")


def block_outputs(base: keras.Model, record: Backbone) -> list[keras.KerasTensor]:
    """Return the output of every block, bottom to top."""
    return [*(base.get_layer(name).input for name in record.block_starts[1:]), base.output]


def block_layers(base: keras.Model, record: Backbone, block: int) -> list[keras.layers.Layer]:
    """Return the layers of one block; those below the first block count as part of it."""
    outputs = block_outputs(base, record)
    start = base.input if block == 0 else outputs[block - 1]
    return [la for la in keras.Model(start, outputs[block]).layers if not isinstance(la, layers.InputLayer)]


class Tuner:
    """The blocks above a cut, and a linear head.

    Args:
        base: Network without classifier; changed in place. If lower blocks stay fixed, they are the pretrained ones.
        record: Its facts.
        frozen_blocks: How many of the lowest blocks stay fixed, fewer than all.
        classes: Outputs of the head.
        batchnorm_training: Leave BatchNorm as an ordinary trainable layer: it normalises by the batch and moves its
            statistics. Otherwise each is fixed by its own `trainable=False`.
    """

    def __init__(
        self,
        base: keras.Model,
        record: Backbone,
        frozen_blocks: int,
        classes: int,
        batchnorm_training: bool = False,
    ) -> None:
        outputs = block_outputs(base, record)
        boundary = outputs[frozen_blocks - 1] if frozen_blocks else base.input
        self._lower: Network | None = lower(record, frozen_blocks) if frozen_blocks else None
        self.blocks = list(record.block_starts[frozen_blocks:])
        of_block = [block_layers(base, record, i) for i in range(frozen_blocks, len(outputs))]
        base.trainable = False
        for layer in (layer for block in of_block for layer in block):
            layer.trainable = batchnorm_training or not isinstance(layer, layers.BatchNormalization)
        pooled = layers.GlobalAveragePooling2D(name="pool", dtype="float32")(base.output)
        self._head = layers.Dense(classes, activation="softmax", name="probabilities", dtype="float32")
        said = self._head(pooled)
        self.model = keras.Model(boundary, said)
        self._layers = of_block
        groups = [[v for layer in block for v in layer.trainable_variables] for block in of_block]
        groups.append(self._head.trainable_variables)
        self._steps = Steps(self.model, [(keras.optimizers.Adam(0.0), group) for group in groups])
        self._statistics = [
            [
                getattr(layer, name)
                for layer in block
                if isinstance(layer, layers.BatchNormalization)
                for name in _STATISTICS
            ]
            for block in of_block
        ]
        self._start = [variable.numpy().copy() for variable in self.model.variables]
        self._start_of = {id(v): value for v, value in zip(self.model.variables, self._start, strict=True)}

    def inputs(self, pixels: Batches, tick: Callable[[int], bool]) -> np.ndarray:
        """Return what the trained part looks at, in memory: maps at the cut, or the pixels where nothing is fixed."""
        return forward(self._lower, pixels, tick) if self._lower else pixels[:]

    def train(
        self,
        inputs: Inputs,
        labels: np.ndarray,
        rates: Sequence[Sequence[float]],
        batch_size: int,
        seed: int,
        head: Head | None = None,
        check: Callable[[float], None] = lambda done: None,
    ) -> list[float]:
        """Train from the start weights.

        Args:
            inputs: As `inputs` or `Bench.maps` returned them, `(N, …)`.
            labels: int32 `(N,)`.
            rates: For each epoch Adam's rate for each block, bottom to top, and for the head last.
            batch_size: Pictures a step.
            seed: Of the order, and of a random head.
            head: Where the head starts; None starts it at random (Glorot).
            check: Called after each epoch with the part that is done; may raise `Stopped`.

        Returns:
            The mean loss of each epoch.

        Raises:
            Diverged: If the loss is not a number.
        """
        self._reset(head, seed)
        training = Training(self._steps, Examples(inputs, labels), batch_size, seed)

        def done(epoch: Epoch) -> None:
            check(epoch.epoch / len(rates))

        training.run(len(rates), Listener(epoch=done), rates=rates)
        return [epoch.loss for epoch in training.history]

    def probabilities(self, inputs: Inputs) -> np.ndarray:
        """Return what the network says now, float32 `(N, classes)`."""
        return forward(compiled(self.model), inputs)

    def distances(self) -> list[float]:
        """Return for each block ‖w − w₀‖ / ‖w₀‖ of its kernels and biases, w₀ being the pretrained ones."""
        norms = []
        for block in self._layers:
            convolutions = [layer for layer in block if not isinstance(layer, layers.BatchNormalization)]
            weights = [v for layer in convolutions for v in layer.trainable_variables]
            moved = sum(float(np.sum((v.numpy() - self._start_of[id(v)]) ** 2)) for v in weights)
            before = sum(float(np.sum(self._start_of[id(v)] ** 2)) for v in weights)
            norms.append(math.sqrt(moved / before) if before else 0.0)
        return norms

    def statistics_drift(self) -> list[float]:
        """Return for each block ‖s − s₀‖ / ‖s₀‖ of its BatchNorm statistics (moving means and variances)."""
        drifts = []
        for variables in self._statistics:
            moved = sum(float(np.sum((v.numpy() - self._start_of[id(v)]) ** 2)) for v in variables)
            before = sum(float(np.sum(self._start_of[id(v)] ** 2)) for v in variables)
            drifts.append(math.sqrt(moved / before) if before else 0.0)
        return drifts

    def _reset(self, head: Head | None, seed: int) -> None:
        for variable, value in zip(self.model.variables, self._start, strict=True):
            variable.assign(value)
        self._steps.forget()
        if head:
            for variable, value in zip((self._head.kernel, self._head.bias), head.dense(), strict=True):
                variable.assign(value)
        else:
            kernel = keras.initializers.GlorotUniform(seed)(self._head.kernel.shape)
            self._head.kernel.assign(kernel)
            self._head.bias.assign(np.zeros(self._head.bias.shape))


def constant_rates(blocks: int, epochs: int, block_rate: float, head_rate: float) -> list[list[float]]:
    """Return one rate for all blocks and one for the head, the same in every epoch.

    Example:
        >>> constant_rates(2, 1, 1e-4, 1e-3)
        [[0.0001, 0.0001, 0.001]]
    """
    return [[block_rate] * blocks + [head_rate]] * epochs
