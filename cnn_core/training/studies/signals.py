"""What depth does to signals before any training, and how hard it is to learn to do nothing: runs of some seconds.

Source:
    Signals: He et al. 2015, arXiv:1502.01852, section 2.2: He's initialisation keeps the variance of a plain ReLU net.
    It does so far from borders; small maps lose what their kernels see of the padding's zeros.
    Gradients: Yang et al. 2019, arXiv:1902.08129: BatchNorm makes them grow towards the input, by a factor a layer, in
    a net without shortcuts. (He et al. 2016, section 4.1, saw "healthy norms"; it is a matter of depth.)
    The identity: He et al. 2016, arXiv:1512.03385, sections 1 and 3.1.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from cnn_core.networks import devices
from cnn_core.networks.zoo.cifar_resnet import cifar_resnet
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Store
from cnn_core.training.studies.causes import Identity, IdentityOptions, NetSignals, Signals, SignalsOptions
from cnn_core.training.studies.digits import digits, standardised

PATCHES = 64
CLASSES = 10
SEEDS = 3  # of the identity
MAX_DEPTH, MAX_WIDTH, MAX_STEPS, MAX_BLOCKS, MAX_SEEDS = 110, 64, 1000, 8, 10


def patches(pixels: np.ndarray | None, size: int, count: int, seed: int) -> np.ndarray:
    """Return square patches of a picture at random places, or digits, of zero mean and unit variance.

    Args:
        pixels: uint8 `(H, W, 3)`, or None for handwritten digits.
        size: Pixels along each side of a patch.
        count: Number of patches.
        seed: Of the places.

    Returns:
        float32 `(count, size, size, C)`, C 3 for a picture and 1 for digits.

    Raises:
        SpecRefused: If the picture is smaller than a patch, or all of one colour.
    """
    rng = np.random.default_rng(seed)
    if pixels is None:
        data = standardised(digits(size)).train
        return data[rng.choice(len(data), count, replace=False)]
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        raise SpecRefused(f"The picture has {height} × {width} pixels; patches of {size} do not fit. Enlarge it.")
    rows, columns = rng.integers(0, height - size + 1, count), rng.integers(0, width - size + 1, count)
    cut = np.stack([pixels[r : r + size, c : c + size] for r, c in zip(rows, columns, strict=True)]).astype(np.float32)
    deviation = cut.std()
    if deviation == 0:
        raise SpecRefused("The picture has one colour only: there is no signal to follow. Choose another picture.")
    return (cut - cut.mean()) / deviation


# Signals at initialisation -------------------------------------------------------------------------------------------


def signals(
    pixels: np.ndarray | None = None,
    *,
    depths: Sequence[int] = (20, 56),
    width: int = 8,
    size: int = 8,
    seed: int = 0,
    known: Sequence[Mapping[str, Any]] = (),
    tell: Callable[[list[dict[str, Any]]], bool] = lambda records: False,
) -> list[dict[str, Any]]:
    """Follow signals forwards and gradients backwards through CIFAR nets that have not been trained.

    Args:
        pixels: uint8 `(H, W, 3)`, of which 64 patches are shown; None for 64 handwritten digits.
        depths: Layers with weights, each 6n + 2, at most 110.
        width: Filters of the first stage.
        size: Pixels along each side of a patch.
        seed: Of weights, patches and labels.
        known: Records of an earlier attempt, which are not computed again.
        tell: Called with all records so far before each further net; returns True to stop.

    Returns:
        For each depth, plain and residual, with and without BatchNorm, a record: `depth`, `residual`, `batch_norm`;
        `layers`, names of the convolutions from the input on, and for each of them `variance` (of what it puts out,
        over patches, places and channels) and `gradient_norm` (Euclidean, of the loss by its kernel); `blocks`, names
        of the blocks' outputs (the stem's first), and `block_variance`, the same of what is carried on there. The loss
        is the cross-entropy with labels drawn at random: a net that knows nothing has nothing to do with right or
        wrong. BatchNorm works with the statistics of the batch, as in training.

    Raises:
        SpecRefused: If a number is out of bounds, or no patches can be had.
    """
    if not depths or max(depths) > MAX_DEPTH or not 1 <= width <= MAX_WIDTH or not 4 <= size <= 32:
        raise SpecRefused(
            f"depths is {list(depths)}, width {width}, size {size}; expected depths up to {MAX_DEPTH}, a width of 1 to "
            f"{MAX_WIDTH}, a size of 4 to 32."
        )
    shown = patches(pixels, size, PATCHES, seed)
    labels = np.random.default_rng(seed).integers(0, CLASSES, PATCHES)
    records = [dict(record) for record in known]
    for depth, batch_norm, residual in itertools.product(depths, (False, True), (False, True)):
        net_kind: dict[str, Any] = {"depth": depth, "residual": residual, "batch_norm": batch_norm}
        if any(net_kind.items() <= record.items() for record in records):
            continue
        if tell(records):
            break
        keras.utils.set_random_seed(seed)
        net = cifar_resnet(**net_kind, input_shape=shown.shape[1:], width=width)
        records.append(net_kind | follow(net, shown, labels))
    return records


def run_signals(run: Run, store: Store, report: Report) -> Outcome:
    """Carry out a run of kind `signals` on handwritten digits.

    Args:
        run: Its spec is a `SignalsOptions` as JSON; what its result has already is not computed again.
        store: Not needed.
        report: Is told `phase`, `fraction` and each net that was followed, and says when to stop.
    """
    options = SignalsOptions.from_json(run.spec)
    every, known = 4 * len(options.depths), Signals.from_json(run.result).to_json()["nets"]

    def tell(records: list[dict[str, Any]]) -> bool:
        report.update(phase=f"following the signals, net {len(records) + 1} of {every}", fraction=len(records) / every)
        if records:
            report.found(_signals(records))
        return report.should_stop

    report.update(reaction=20, phase="preparing", fraction=0.0)
    records = signals(depths=options.depths, known=known, tell=tell)
    return Outcome(_signals(records), devices.environment(devices.find()) | {"seed": 0})


def _signals(records: list[dict[str, Any]]) -> dict[str, Any]:
    return Signals(tuple(NetSignals(**record) for record in records)).to_json()


def follow(net: keras.Model, shown: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return variances and gradients along one network; see `signals`.

    Args:
        net: `(N, H, W, C)` → probabilities.
        shown: float32 `(N, H, W, C)`.
        labels: `(N,)`, the loss's classes.
    """
    convolutions = [layer for layer in net.layers if isinstance(layer, layers.Conv2D)]
    blocks = [layer for layer in net.layers if layer.name.endswith("_out")]
    logits = net.get_layer("logits").output
    inner = keras.Model(net.input, [logits, *(layer.output for layer in convolutions + blocks)])
    with tf.GradientTape() as tape:
        said, *maps = inner(shown, training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, said))
    gradients = tape.gradient(loss, [layer.kernel.value for layer in convolutions])
    variances = [float(np.var(np.asarray(each, np.float64))) for each in maps]
    return {
        "layers": [layer.name for layer in convolutions],
        "variance": variances[: len(convolutions)],
        "gradient_norm": [float(np.linalg.norm(np.asarray(each, np.float64))) for each in gradients],
        "blocks": [layer.name for layer in blocks],
        "block_variance": variances[len(convolutions) :],
    }


# The identity --------------------------------------------------------------------------------------------------------


def learn_identity(
    pixels: np.ndarray | None = None,
    *,
    steps: int = 200,
    seeds: Sequence[int] = (0, 1, 2),
    filters: int = 16,
    blocks: int = 1,
    size: int = 8,
    learning_rate: float = 1e-2,
    known: Mapping[str, Sequence[Sequence[float]]] | None = None,
    tell: Callable[[dict[str, Any]], bool] = lambda found: False,
) -> dict[str, Any]:
    """Train plain and residual blocks to give back what they get.

    Both are two 3 × 3 convolutions with a ReLU between, the same weights at the start, the same patches, Adam. The
    plain block can be the identity exactly (x = relu(x) − relu(−x)); it has to find it. The residual one only has to
    fall silent. There is no ReLU behind them, which would forbid values below zero.

    Args:
        pixels: uint8 `(H, W, 3)`, of which patches are shown; None for handwritten digits.
        steps: Steps of training, each on 64 patches.
        seeds: Repetitions, each with other weights and patches.
        filters: Channels between the two convolutions.
        blocks: So many blocks behind each other, at most 8.
        size: Pixels along each side of a patch.
        learning_rate: Of Adam.
        known: `plain` and `residual` of an earlier attempt, whose seeds are not trained again.
        tell: Called with all that is found so far before each seed; returns True to stop.

    Returns:
        `seeds`, those that were trained; `plain` and `residual`: for each seed the loss before every step and after the
        last, the mean squared distance to the input. `silent` is the loss of a block that puts out zeros: 1, as patches
        have unit variance.

    Raises:
        SpecRefused: If a number is out of bounds, or no patches can be had.
    """
    bounds = {"steps": MAX_STEPS, "filters": MAX_WIDTH, "blocks": MAX_BLOCKS, "seeds": MAX_SEEDS}
    chosen = {"steps": steps, "filters": filters, "blocks": blocks, "seeds": len(seeds)}
    for name, most in bounds.items():
        if not 1 <= chosen[name] <= most:
            raise SpecRefused(f"{name}: {chosen[name]}; expected 1 to {most}.")
    curves = {kind: [list(curve) for curve in (known or {}).get(kind, ())] for kind in ("plain", "residual")}

    def found() -> dict[str, Any]:
        return {"seeds": list(seeds[: len(curves["plain"])]), "silent": 1.0, **curves}

    for seed in seeds[len(curves["plain"]) :]:
        if tell(found()):
            break
        shown = patches(pixels, size, 4 * PATCHES, seed)
        losses = {}
        for kind in curves:
            keras.utils.set_random_seed(seed)
            net = _blocks(shown.shape[1:], filters, blocks, residual=kind == "residual")
            losses[kind] = _identity_losses(net, shown, steps, learning_rate)
        for kind, curve in losses.items():
            curves[kind].append(curve)
    return found()


def run_identity(run: Run, store: Store, report: Report) -> Outcome:
    """Carry out a run of kind `identity` on handwritten digits.

    Args:
        run: Its spec is an `IdentityOptions` as JSON; seeds that its result has already are not trained again.
        store: Not needed.
        report: Is told `phase`, `fraction` and the curves of each seed, and says when to stop.
    """
    options, known = IdentityOptions.from_json(run.spec), Identity.from_json(run.result)

    def tell(found: dict[str, Any]) -> bool:
        done = len(found["seeds"])
        report.update(phase=f"training, seed {done + 1} of {SEEDS}", fraction=done / SEEDS)
        if done:
            report.found(Identity(**found).to_json())
        return report.should_stop

    report.update(reaction=20, phase="preparing", fraction=0.0)
    curves = {"plain": known.plain, "residual": known.residual}
    found = learn_identity(blocks=options.blocks, seeds=range(SEEDS), known=curves, tell=tell)
    return Outcome(Identity(**found).to_json(), devices.environment(devices.find()) | {"seed": 0})


def _identity_losses(net: keras.Model, shown: np.ndarray, steps: int, learning_rate: float) -> list[float]:
    """The loss before each step, on a part of the patches, and after the last on all of them."""
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(net.trainable_variables)

    def step(batch: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(net(batch) - batch))
        variables = net.trainable_variables
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss

    traced = tf.function(step)
    starts = [number % 4 * PATCHES for number in range(steps)]
    losses = [float(traced(tf.constant(shown[start : start + PATCHES]))) for start in starts]
    return [*losses, float(np.mean(np.square(np.asarray(net(shown)) - shown)))]


def _blocks(shape: tuple[int, ...], filters: int, blocks: int, residual: bool) -> keras.Model:
    image = x = keras.Input(shape, name="image")
    for number in range(1, blocks + 1):
        before = x
        for part, count, activation in ((1, filters, "relu"), (2, shape[-1], None)):
            name = f"block{number}_conv{part}"
            x = layers.Conv2D(
                count, 3, padding="same", activation=activation, kernel_initializer="he_normal", name=name
            )(x)
        x = layers.Add(name=f"block{number}_out")([before, x]) if residual else x
    return keras.Model(image, x, name="residual" if residual else "plain")
