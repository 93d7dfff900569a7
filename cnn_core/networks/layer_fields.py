"""What the units of a Keras layer see of the input, from what those see that it reads: `summary` walks with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from cnn_core.arithmetic.geometry import Field, Window
from cnn_core.networks import layer_kinds as kinds
from cnn_core.networks.layer_costs import einsum_sizes

Shape = tuple[int | None, ...]
FORMATS = ("channels_last", "channels_first")


@dataclass(frozen=True)
class Axis:
    """A field, whose padding is its own (the known part) and that of the layers that are listed (the unknown part)."""

    field: Field
    unknown: tuple[str, ...] = ()

    @property
    def known(self) -> int:
        """The padding's known part."""
        assert self.field.padding is not None  # the unknown part is kept apart
        return self.field.padding

    def after(self, window: Window, size: int | None, name: str) -> "Axis":
        """The axis behind a window of a layer, which slides over so many positions."""
        field = self.field.after(window, size)
        if field.padding is None:
            return Axis(replace(field, padding=self.field.padding, reach=None), (*self.unknown, name))
        return replace(self, field=field)

    def shifted(self, before: int, size: int | None) -> "Axis":
        """The axis with so many positions more in front of `size` positions, less if negative."""
        reach = self.field.reached(size)
        return replace(self, field=replace(self.field, padding=self.known + before * self.field.stride, reach=reach))


@dataclass(frozen=True)
class Seen:
    """A tensor: its shape, and what its units see or why there is no number for it.

    Attributes:
        tensor: With a `shape`, the batch first.
        axes: What a unit sees along each axis; None if there is no number.
        reason: Why there is none.
        loose: Why the axes are the hull of what a unit sees, and it may see less; empty if they are exact.
    """

    tensor: Any
    axes: tuple[Axis, ...] | None
    reason: str = ""
    loose: str = ""

    @property
    def shape(self) -> Shape:
        return tuple(self.tensor.shape)


def spatial(shape: Shape, channels_first: bool) -> Shape:
    """Return the positions of a shape: without batch and channels.

    >>> spatial((None, 8, 6, 3), channels_first=False)
    (8, 6)
    """
    return shape[2:] if channels_first else shape[1:-1]


def follow(
    layer: Any,
    name: str,
    inputs: Sequence[Seen],
    arguments: Mapping[str, Any],
    tensor: Any,
    channels_first: bool,
) -> Seen:
    """Return what the units of a layer's output see.

    Args:
        layer: It is built.
        name: What it is called in reasons.
        inputs: What the units of the tensors see that it receives.
        arguments: What its `call` receives, by name.
        tensor: Its output.
        channels_first: Whether the channels stand before rows and columns.

    Example:
        >>> image = Seen(keras.Input((9, 9, 3)), (Axis(Field()),) * 2)
        >>> convolution = keras.layers.Conv2D(4, 3, 2)
        >>> seen = follow(convolution, "conv", [image], {}, convolution(image.tensor), False)
        >>> [axis.field for axis in seen.axes]
        [Field(size=3, stride=2, padding=0), Field(size=3, stride=2, padding=0)]
    """
    first, trusted = inputs[0], kinds.is_keras(layer)
    axes, channel = first.axes or (), 1 if channels_first else len(first.shape) - 1
    if trusted and isinstance(layer, keras.layers.SpectralNormalization):  # of the weights, not of what is seen
        return follow(layer.layer, name, inputs, arguments, tensor, channels_first)
    stacks = trusted and kinds.is_part(layer, ("Stack",)) and all(_of_one_channel(each) for each in inputs)
    if stacks and layer.axis % len(tensor.shape) == (1 if channels_first else len(tensor.shape) - 1):
        return _merged(name, inputs, tensor)
    if _of_one_channel(first):
        return Seen(tensor, None, f"{name} ({type(layer).__name__}) {kinds.UNKNOWN}.")
    joins = isinstance(layer, keras.layers.Concatenate) or kinds.is_part(layer, ("Concatenate",))
    if trusted and (joins or isinstance(layer, kinds.MERGES) or kinds.is_part(layer, kinds.MERGING_PARTS)):
        if joins and axes and layer.axis % len(first.shape) != channel:
            return Seen(tensor, None, f"{name} joins images side by side: its neurons see windows of no one size.")
        spatials = {spatial(shape, channels_first) for shape in (tensor.shape, *(each.shape for each in inputs))}
        return _merged(name, inputs, tensor, len(spatials))
    for seen in inputs:
        if seen.axes is None and not (trusted and isinstance(layer, kinds.GLOBAL + kinds.ATTENTION)):
            return Seen(tensor, None, seen.reason)
    trusted = trusted and not (channels_first and getattr(layer, "activation", None) is keras.activations.softmax)
    trusted = trusted and getattr(layer, "data_format", None) in (None, FORMATS[channels_first])
    if trusted and len(inputs) == 1:
        sizes = spatial(first.shape, channels_first)
        if isinstance(layer, kinds.CONVOLUTIONS + kinds.POOLINGS):
            sliding = zip(axes, windows(layer, len(axes)), sizes, strict=True)
            return replace(first, tensor=tensor, axes=tuple(axis.after(w, size, name) for axis, w, size in sliding))
        if isinstance(layer, kinds.PADDINGS + kinds.CROPPINGS):
            sign, sides = (1, layer.padding) if isinstance(layer, kinds.PADDINGS) else (-1, layer.cropping)
            pairs = zip(axes, (sides,) if len(axes) == 1 else sides, sizes, strict=True)
            shifted = tuple(axis.shifted(sign * before, size) for axis, (before, _), size in pairs)
            return replace(first, tensor=tensor, axes=shifted)
        if kinds.is_part(layer, ("GetItem",)):
            cut = _sliced(name, axes, arguments.get("key"), first.shape, channel)
            return Seen(tensor, None, cut) if isinstance(cut, str) else replace(first, tensor=tensor, axes=cut)
        if _is_pixelwise(layer, len(first.shape), channel):
            return replace(first, tensor=tensor)
    return Seen(tensor, None, f"{name} ({type(layer).__name__}) {_why_not(layer, trusted, first, channel)}.")


def _why_not(layer: Any, trusted: bool, first: Seen, channel: int) -> str:
    """Why a layer's units see windows of no size that could be told."""
    if trusted and isinstance(layer, kinds.ON_AN_AXIS):
        return "works along positions, with numbers of all of them: from here on a neuron sees the whole image"
    if trusted and kinds.is_part(layer, kinds.REDUCING_PARTS):
        over = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
        along = {axis % len(first.shape) if isinstance(axis, int) else None for axis in over}
        if along != {channel}:
            return "sums up positions: from here on a neuron sees the whole image"
    return next((why for kinds, why in kinds.REFUSED if trusted and isinstance(layer, kinds)), kinds.UNKNOWN)


def _is_pixelwise(layer: Any, rank: int, channel: int) -> bool:
    """Whether each position of the output depends on the same position of the input only."""
    if isinstance(layer, kinds.ON_AN_AXIS) or kinds.is_part(layer, ("Softmax", "LogSoftmax", "Split")):
        numbers = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
        return {number % rank for number in numbers} == {channel}
    if kinds.is_part(layer, kinds.REDUCING_PARTS):
        return layer.keepdims and layer.axis not in (None, []) and _axes(layer.axis, rank) == {channel}
    if isinstance(layer, keras.layers.EinsumDense):
        return channel == rank - 1 and _weighs_channels(layer, rank)
    if isinstance(layer, keras.layers.Dense) or kinds.is_ours(layer):
        return channel == rank - 1  # along the last axis: of each pixel, if that is the channels
    return isinstance(layer, kinds.PIXELWISE) or kinds.is_part(layer, kinds.PIXELWISE_PARTS)


def _axes(axis: Any, rank: int) -> set[int]:
    return {each % rank for each in (axis if isinstance(axis, (list, tuple)) else (axis,))}


def _weighs_channels(layer: Any, rank: int) -> bool:
    """Whether an equation leaves batch and positions where they are, and its kernel does not know them."""
    kernel = tuple(layer.kernel.shape)
    (given, weights), result, _ = einsum_sizes(layer.equation, [(None,) * rank, kernel])
    return len(result) == rank and result[:-1] == given[:-1] and not set(given[:-1]) & set(weights)


def windows(layer: Any, rank: int) -> list[Window]:
    """Return how a convolution or a pool slides along each of so many axes."""
    sizes = layer.pool_size if isinstance(layer, kinds.POOLINGS) else layer.kernel_size
    dilations = getattr(layer, "dilation_rate", 1)
    columns = (value if isinstance(value, tuple) else (value,) * rank for value in (sizes, layer.strides, dilations))
    found = [Window(k, s, dilation=d) for k, s, d in zip(*columns, strict=True)]
    return [replace(w, padding=(w.span - 1, 0) if layer.padding == "causal" else layer.padding) for w in found]


def _of_one_channel(seen: Seen) -> bool:
    """Whether a slice has taken one channel out, and with it the axis."""
    return seen.axes is not None and len(seen.axes) == len(seen.shape) - 1


def _sliced(name: str, axes: Sequence[Axis], key: Any, shape: Shape, channel: int) -> tuple[Axis, ...] | str:
    """The axes of `x[key]`, or why there are none: positions are cut off and left out, channels are taken anyhow."""
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    dots = [index for index, each in enumerate(keys) if each is Ellipsis]
    gap = len(shape) - len(keys) + len(dots)
    where = dots[0] if dots else len(keys)
    keys[where : where + len(dots)] = [slice(None)] * gap
    if len(keys) == len(shape) and isinstance(keys[channel], int):
        keys[channel] = slice(None)  # one channel alone
    if not all(isinstance(each, slice) for each in keys) or len(keys) != len(shape) or keys[0] != slice(None):
        return f"{name} (GetItem) takes positions out: from here on they are not those of the image."
    cut = []
    for axis, (number, size) in zip(axes, ((n, s) for n, s in enumerate(shape) if n not in (0, channel)), strict=True):
        along: slice = keys[number]
        step = 1 if along.step is None else along.step
        if step < 1:
            return f"{name} (GetItem) turns the image round: its neurons see it the other way."
        start = 0 if along.start is None else along.start
        if size is None and start < 0:
            return f"Unknown input size: where {name} begins depends on it."
        start = start if size is None else slice(start, None).indices(size)[0]
        left = axis.shifted(-start, size)
        cut.append(left.after(Window(1, step), None if size is None else size - start, name) if step > 1 else left)
    return tuple(cut)


# Branches ------------------------------------------------------------------------------------------------------------


def _merged(name: str, branches: Sequence[Seen], tensor: Any, sizes: int = 1) -> Seen:
    """The largest of the branches if their centres agree, else the hull of all; of different sizes none."""
    for branch in branches:
        if branch.axes is None:
            return Seen(tensor, None, branch.reason)
    if sizes > 1:
        return Seen(tensor, None, f"{name} spreads one value over many positions, so that its neurons differ.")
    merged, apart = [], []
    for index, along in enumerate(zip(*(branch.axes or () for branch in branches), strict=True)):
        direction = ("vertical", "horizontal")[index] if len(branches[0].axes or ()) == 2 else f"axis {index}"
        if len({axis.field.stride for axis in along}) > 1:
            return Seen(tensor, None, _NOT_ALIGNED.format(direction, name))
        if len({axis.unknown for axis in along}) > 1:
            return Seen(tensor, None, f"Unknown input size: whether the branches of {name} are aligned depends on it.")
        merged.append(_hull(along))
        centres = [(axis.field.size - 1) / 2 - axis.known for axis in along]
        apart.append(max(centres) - min(centres))
    loose = next((branch.loose for branch in branches if branch.loose), "")
    if any(apart):
        by = " and ".join(f"{shift:g}" for shift in dict.fromkeys(apart))
        loose = loose or f"the branches of {name} are not aligned, by {by} {'pixel' if by == '1' else 'pixels'}."
    return Seen(tensor, tuple(merged), loose=loose)


def _hull(along: Sequence[Axis]) -> Axis:
    """From the first to the last pixel that a unit sees through any of the branches."""
    padding = max(axis.known for axis in along)
    size = padding + max(axis.field.size - axis.known for axis in along)
    reaches = [axis.field.reach for axis in along]
    known = [reach for reach in reaches if reach is not None]
    reach = (min(r[0] for r in known), max(r[1] for r in known)) if len(known) == len(reaches) else None
    return Axis(Field(size, along[0].field.stride, padding, reach), along[0].unknown)


# The words of google-research/receptive_field, which accompanies the paper.
_NOT_ALIGNED = "Graph is not aligned since effective strides from different paths is different in {} direction (at {})."
