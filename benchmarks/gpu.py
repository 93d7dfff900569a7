# ruff: noqa: T201, TID251
"""A GPU against the Keras guide's way on the same one: `python -m benchmarks.gpu`. Skipped, and said, without a GPU.

In one process, in the precision that suits the device (`mixed_float16` on tensor cores), the embedded network:

    features        pictures/s, `predict` against `networks/forward`, 512 pictures of 224 × 224
    training        ms a step of 32 pictures, every weight, `train_on_batch` against `training/loop`

Both ways take turns; printed are medians.
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from cnn_core.networks import devices

PICTURES, BATCH, TURNS = 512, 32, 7


def main() -> int:
    """Measure and print; return the exit code."""
    if not devices.accelerated():
        print("benchmarks.gpu: skipped, the driver lists no GPU here (`nvidia-smi -L`).")
        return 0
    found = devices.find()
    print(f"{found}; medians of {TURNS} turns\n\n| | Keras guide | ConvScope | × |\n|---|---|---|---|")
    with devices.placed(found):
        for what, unit, (guide, ours) in (
            ("features", "pictures/s", features(PICTURES, TURNS)),
            ("training", "steps/s", training(TURNS)),
        ):
            print(f"| {what}, {unit} | {guide:,.1f} | {ours:,.1f} | {ours / guide:.2f} |")
    return 0


def features(count: int, turns: int) -> tuple[float, float]:
    """Return pictures a second of `predict` and of ours."""
    from cnn_core.networks import backbones
    from cnn_core.networks.forward import compiled, forward, pooled

    model = pooled(backbones.build(backbones.DEFAULT))
    pixels = np.random.default_rng(0).integers(0, 256, (count, 224, 224, 3)).astype(np.uint8)
    ways = (
        lambda: model.predict(pixels, batch_size=BATCH, verbose=0),
        lambda: forward(compiled(model), pixels),
    )
    return _rates(ways, count, turns)


def training(turns: int, steps: int = 20) -> tuple[float, float]:
    """Return steps a second of `train_on_batch` and of ours, every weight trained."""
    import keras

    from cnn_core.networks import backbones
    from cnn_core.training.loop import Steps
    from cnn_core.training.transfer.training import _joined

    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (BATCH, 224, 224, 3)).astype(np.float32), rng.integers(0, 5, BATCH)
    guide, ours = (_joined(backbones.build(backbones.DEFAULT, pretrained=False), 5) for _ in range(2))
    guide.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    taken = Steps(ours, [(keras.optimizers.Adam(1e-3), ours.trainable_variables)])

    def by_guide() -> None:
        for _ in range(steps):
            guide.train_on_batch(pixels, labels)

    def by_us() -> None:
        for _ in range(steps):
            taken.step(pixels, labels)

    return _rates((by_guide, by_us), steps, turns)


def _rates(ways: tuple[Callable[[], object], Callable[[], object]], count: int, turns: int) -> tuple[float, float]:
    for way in ways:
        way()  # traced
    seconds: list[list[float]] = [[], []]
    for _ in range(turns):
        for taken, way in zip(seconds, ways, strict=True):
            began = time.perf_counter()
            way()
            taken.append(time.perf_counter() - began)
    guide, ours = (count / statistics.median(taken) for taken in seconds)
    return guide, ours


if __name__ == "__main__":
    sys.exit(main())
