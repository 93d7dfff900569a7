"""The reader's picture inside any architecture: first kernels, Grad-CAM, and what one unit sees and listens to.

Keras is imported inside the functions: they answer questions in the engine's worker, and pages read the dataclasses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_core.arithmetic.geometry import Field, unit_interval
from cnn_core.networks import backbones
from cnn_core.networks.effective_field import HELD
from cnn_core.networks.loaded import InspectionRefused, loaded
from cnn_core.networks.zoo.architectures import architecture

if TYPE_CHECKING:
    import keras

MAX_KERNELS = 64
_STEM = "stem_conv/kernel"  # of the embedded network

Box = tuple[int, int, int, int]  # first and last row, first and last column, all included


@dataclass(frozen=True, eq=False)
class Kernels:
    """What the first layer of a network looks for, as it lies on the picture.

    Attributes:
        layer: Name of the convolution.
        kernels: float32 `(kh, kw, C, filters)`, its first 64 kernels; C is 3 or 1.
    """

    layer: str
    kernels: np.ndarray


@dataclass(frozen=True, eq=False)
class GradCam:
    """Where in the picture the evidence for a class is.

    Attributes:
        layer: Whose channels are weighed.
        index: Of the class.
        label: Its name; "class 7" if the classes have none.
        probability: Of the class.
        map: float32 `(h, w)`, at least 0, in units of the class' score over the number of positions.
    """

    layer: str
    index: int
    label: str
    probability: float
    map: np.ndarray


@dataclass(frozen=True, eq=False)
class Unit:
    """One unit of a layer.

    Attributes:
        value: Its response.
        peak: Row and column of the strongest response in its channel.
        peak_value: That response.
        box: What it can see of the picture, by arithmetic; the whole picture where there is no number.
        peak_box: The same of the strongest unit.
        gradient: float32 `(H, W)`, absolute gradient of its response summed over the colours, scaled to a sum of 1;
            0 everywhere if the unit is switched off.
        held: Number of pixels in the smallest set that holds 95% of the gradient.
    """

    value: float
    peak: tuple[int, int]
    peak_value: float
    box: Box
    peak_box: Box
    gradient: np.ndarray
    held: int


def first_kernels(key: str) -> Kernels:
    """Return the first kernels of a network; those of the embedded one without TensorFlow, from its file.

    Args:
        key: One of `ARCHITECTURES`.

    Raises:
        InspectionRefused: If there is no memory for the network.
        ValueError: If there is no such architecture.

    Example:
        >>> found = first_kernels("efficientnet_lite0")
        >>> found.layer, found.kernels.shape
        ('stem_conv', (3, 3, 3, 32))
    """
    if key == backbones.DEFAULT:
        return Kernels(_STEM.partition("/")[0], backbones.embedded_weights(_STEM)[_STEM])
    from cnn_core.networks.layer_kinds import is_part

    subject = loaded(key)
    convolution = subject.first_convolution()
    found = np.asarray(convolution.kernel)[..., :MAX_KERNELS]
    if any(is_part(operation, ("Flip",)) for operation in subject.model.operations):
        found = found[:, :, ::-1]  # Keras' ResNet-50 and VGG-16 turn a picture to blue, green, red first
    return Kernels(convolution.name, found)


def grad_cam(key: str, pixels: np.ndarray, index: int | None = None) -> GradCam:
    """Return where in the picture the evidence for a class is, at the layer that the architecture's record names.

    Args:
        key: One of `ARCHITECTURES`.
        pixels: uint8 `(H, W, 3)`.
        index: Of the class; None for the most probable.

    Raises:
        InspectionRefused: If there is no such class, or if no classifier reads a feature map.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, section 3.
    """
    subject = loaded(key)
    title, layer = architecture(key).title, subject.network.last_feature_map
    if not layer:
        raise InspectionRefused(
            f"{title} has here no classifier that reads a feature map, which Grad-CAM needs. Choose another network."
        )
    index, probabilities, found = _evidence(subject.model, layer, subject.batch(pixels), index)
    answer = subject.answer(index, probabilities)
    return GradCam(layer, index, answer["label"], answer["probability"], found)


def unit(key: str, pixels: np.ndarray, layer: str, row: int, column: int, channel: int) -> Unit:
    """Return a unit's response, the strongest of its channel, what it can see and what it listens to.

    Args:
        key: One of `ARCHITECTURES`.
        pixels: uint8 `(H, W, 3)`.
        layer: One of `network(key).layers`.
        row: Of the unit, from 0.
        column: Of the unit, from 0.
        channel: Of the unit, from 0.

    Raises:
        InspectionRefused: If there is no such layer or unit.
    """
    subject = loaded(key)
    found = subject.layer(layer)
    place = (row, column, channel)
    if not all(0 <= index < size for index, size in zip(place, found.shape, strict=True)):
        raise InspectionRefused(f"{layer} has {found.shape} units along rows, columns and channels; received {place}.")
    batch = subject.batch(pixels)
    maps, by_pixels = subject.listening(layer)(batch, *(np.int32(index) for index in place))
    responses = np.asarray(maps)[0, :, :, channel]
    peak_row, peak_column = (int(n) for n in np.unravel_index(responses.argmax(), responses.shape))
    gradient = np.abs(np.asarray(by_pixels))[0].sum(axis=2, dtype=np.float64)
    total = gradient.sum()
    if total:
        gradient /= total
    ranked = np.cumsum(np.sort(gradient, axis=None)[::-1])
    size = subject.network.input_size
    return Unit(
        float(responses[row, column]),
        (peak_row, peak_column),
        float(responses[peak_row, peak_column]),
        unit_box(found.field, row, column, size),
        unit_box(found.field, peak_row, peak_column, size),
        gradient.astype(np.float32),
        int(np.searchsorted(ranked, HELD * ranked[-1])) + 1 if total else 0,
    )


def unit_box(seen: Field | None, row: int, column: int, input_size: int) -> Box:
    """Return what a unit can see, clipped at the picture's border; all of it if its field is not known.

    Example:
        >>> unit_box(Field(size=5, stride=2, padding=2), row=0, column=3, input_size=32)
        (0, 2, 4, 8)
    """
    if seen is None:
        return 0, input_size - 1, 0, input_size - 1
    return *unit_interval(seen, row, input_size), *unit_interval(seen, column, input_size)


def grad_cam_map(model: "keras.Model", layer: str, batch: np.ndarray, index: int) -> np.ndarray:
    """Return the map of Grad-CAM, α_c = mean over positions of ∂score / ∂f[i, j, c], map = ReLU(Σ_c α_c f[i, j, c]).

    The score is the class' number before the softmax, if the model ends in one.

    Args:
        model: A graph of layers `(1, H, W, C)` → `(1, classes)`; models within it are entered.
        layer: A layer `(1, h, w, channels)`; one of a model within is called `model/layer`.
        batch: float32 `(1, H, W, C)`.
        index: Of the class.

    Returns:
        float32 `(h, w)`.

    Raises:
        InspectionRefused: If the model never calls the layer.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2.
    """
    return _evidence(model, layer, batch, index)[2]


def _evidence(
    model: "keras.Model", layer: str, batch: np.ndarray, index: int | None
) -> tuple[int, np.ndarray, np.ndarray]:
    """The class (None: the most probable), the probabilities of all, and the class' map; in one pass."""
    import tensorflow as tf

    tapped: list[Any] = []
    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def visit(name: str, output: Any) -> None:
            if name == layer:
                tapped.append(output)
                tape.watch(output)  # from here on: the layers below are not on the tape

        scores, output = (each[0] for each in _walked(model, tf.constant(batch), visit))
        if not tapped:
            raise InspectionRefused(f"{model.name} has no layer {layer!r}; inside of a model it is called model/layer.")
        if index is None:
            index = int(np.argmax(scores))
        if not 0 <= index < len(scores):
            raise InspectionRefused(f"{model.name} knows the classes 0 to {len(scores) - 1}; received {index}.")
        score = scores[index]
    gradient, maps = np.asarray(tape.gradient(score, tapped[-1]))[0], np.asarray(tapped[-1])[0]
    found = np.maximum(maps @ gradient.mean(axis=(0, 1)), 0).astype(np.float32)
    return index, _shares(np.asarray(scores), np.asarray(output)), found


# Running a graph of layers -------------------------------------------------------------------------------------------


def _walked(model: "keras.Model", inputs: Any, visit: Callable[[str, Any], None]) -> tuple[Any, Any]:
    """Scores before the softmax, and the output; `visit` sees each layer's output on the way."""
    last: tuple[Any, Any] = (None, None)  # the operation that was called last, and its first argument

    def run(graph: Any, tensors: Any, prefix: str) -> Any:
        def step(operation: Any) -> Callable[..., Any]:
            inner = getattr(operation, "_functional", operation)  # a Sequential's graph

            def call(*args: Any, **kwargs: Any) -> Any:
                nonlocal last
                if hasattr(inner, "_run_through_graph"):
                    return run(inner, args[0], f"{prefix}{operation.name}/")
                last = (operation, args[0])
                output = operation(*args, **kwargs)
                visit(prefix + operation.name, output)
                return output

            return call

        return graph._run_through_graph(tensors, operation_fn=step)

    output = run(getattr(model, "_functional", model), inputs, "")
    return _scores(*last, output), output


def _scores(operation: Any, inputs: Any, output: Any) -> Any:
    """What the classes are ranked by, before a softmax."""
    import keras

    from cnn_core.networks.zoo.lenet import CodeDistances

    if isinstance(operation, CodeDistances):
        return -output  # LeNet-5 of 1998 answers with the nearest code
    if isinstance(operation, keras.layers.Softmax):
        return inputs
    if getattr(operation, "activation", None) is keras.activations.softmax:
        return inputs @ operation.kernel + operation.bias if isinstance(operation, keras.layers.Dense) else inputs
    return output


def _shares(scores: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Probabilities: what the network says, or, if that is none, the softmax of its scores."""
    if np.isclose(output.sum(), 1, atol=1e-3):
        return output
    shares: np.ndarray = np.exp(scores - scores.max())
    return shares / shares.sum()
