"""What the architectures cost and see, measured from the built networks.

`python -m cnn_core.networks.atlas` writes it down, for all of them or for those that are named.

Importing this needs no Keras, and neither does `read`; everything else builds networks, without their weights.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_core.arithmetic.geometry import Field, Window, receptive_field
from cnn_core.networks.zoo.architectures import ARCHITECTURES, architecture

if TYPE_CHECKING:
    from cnn_core.networks.summary import LayerRow

FILE = Path(__file__).with_name("atlas.json")


def read() -> dict[str, Any]:
    """Return what was measured: `{"provenance": {…}, "architectures": {key: measure(key)}}`; do not change it.

    Raises:
        FileNotFoundError: If the file is not there; `python -m cnn_core.networks.atlas` writes it.

    Example:
        >>> read()["architectures"]["vgg16"]["total_params"]
        138357544
    """
    return _read(FILE)


@cache
def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def measure(key: str) -> dict[str, Any]:
    """Build an architecture at its own input size and measure it.

    Args:
        key: One of `ARCHITECTURES`.

    Returns:
        Plain data:

        - `title`, `input_size`: its name; height and width in pixels.
        - `total_params`, `trainable_params`: with and without BatchNorm's statistics.
        - `macs`: multiply-adds for one image, attention's own products included.
        - `attention_macs`: those among them that are attention's own products, of queries with keys and of what they
          give with values.
        - `depth`: layers with weights by the paper's own counting (the record's).
        - `longest_path`: most convolutions and dense layers in a row from the input to the output, as measured.
        - `receptive_field`: the largest before the classifier or its global pooling, in pixels; None if there is no
          such number.
        - `reason`: why there is none; else empty.
        - `path`: the windows along the path of the largest field, from the input on: `name`, `kind` (`"convolution"`
          or `"pooling"`), `kernel_size`, `stride`, `padding` (`"same"`, `"valid"` or `[before, after]`), `dilation`;
          of a convolution `channels` (in), `filters`, `groups` and `bias`, else None. Empty if there is no number;
          `path_reason` says why.
        - `branches`: whether anything in it is read by more than one layer; the path goes along one of them.

    Raises:
        ValueError: If there is no such architecture.

    Example:
        >>> lenet = measure("lenet5")
        >>> lenet["total_params"], lenet["macs"], lenet["depth"], lenet["receptive_field"]
        (61706, 416520, 5, 32)
        >>> [window["name"] for window in lenet["path"]]
        ['c1', 's2', 'c3', 's4', 'c5']
    """
    network = _build(key)
    last = network.last_with_positions()
    field = network.rows[last].receptive_field
    path = [] if field is None else network.path(last)
    _check(path, network.rows[last], architecture(key).input_shape[0])
    first = next((name for name, row in network.rows.items() if row.products), last)  # where attention begins
    reason = network.rows[first].reason if field is None else ""
    return {
        "title": architecture(key).title,
        "input_size": architecture(key).input_shape[0],
        "total_params": sum(row.params for row in network.rows.values()),
        "trainable_params": sum(row.trainable_params for row in network.rows.values()),
        "macs": sum(row.macs or 0 for row in network.rows.values()),
        "attention_macs": sum(row.products for row in network.rows.values()),
        "depth": architecture(key).depth,
        "longest_path": network.longest_path(),
        "receptive_field": field,
        "reason": reason,
        "path": path,
        "path_reason": reason,
        "branches": network.has_branches(),
    }


def architecture_graph(key: str, input_size: int | None = None, num_classes: int | None = None) -> dict[str, Any]:
    """Return an architecture's graph of layers, for drawing and for tables.

    Args:
        key: One of `ARCHITECTURES`.
        input_size: Height and width in pixels; None for the paper's.
        num_classes: Outputs; None for the paper's.

    Returns:
        Plain data: `title`; `layers`, a dictionary a layer in the graph's order, with the fields of
        `summary.LayerRow` and `block`, the name of its block or empty; `edges`, pairs of names `(from, to)`; `blocks`,
        the blocks' names in order.

    Raises:
        ValueError: If there is no such architecture, or it does not take this input size.

    Example:
        >>> graph = architecture_graph("lenet5")
        >>> graph["edges"][:2], graph["blocks"]
        ([('image', 'c1'), ('c1', 's2')], ['c1', 'c3', 'c5', 'f6'])
    """
    return _graph(key, input_size, num_classes)


@lru_cache(maxsize=48)
def _graph(key: str, input_size: int | None, num_classes: int | None) -> dict[str, Any]:
    network = _build(key, input_size, num_classes)
    blocks = _block_names(list(network.rows), architecture(key).blocks)
    return {
        "title": architecture(key).title,
        "layers": [asdict(row) | {"block": blocks[name]} for name, row in network.rows.items()],
        "edges": [(source, name) for name, sources in network.sources.items() for source in sources],
        "blocks": list(dict.fromkeys(block for block in blocks.values() if block)),
    }


def _block_names(layers: Sequence[str], patterns: Sequence[str]) -> dict[str, str]:
    """Return the block of each layer, empty if it is in none; a block is called by what its first layer matches.

    Args:
        layers: Names of layers, in order.
        patterns: As in `Architecture.blocks`.

    Example:
        >>> patterns = [r"(?:conv|pool)(\\d)", r"(?:fc|dropout)(\\d)"]
        >>> _block_names(["image", "conv1", "pool1", "fc6", "dropout6"], patterns)
        {'image': '', 'conv1': 'conv1', 'pool1': 'conv1', 'fc6': 'fc6', 'dropout6': 'fc6'}
    """
    found: dict[tuple[Any, ...], str] = {}
    blocks = {}
    for layer in layers:
        matches = ((pattern, re.match(pattern, layer)) for pattern in patterns)
        pattern, match = next(((pattern, match) for pattern, match in matches if match), ("", None))
        blocks[layer] = "" if match is None else found.setdefault((pattern, *match.groups()), match.group())
    return blocks


# A network, taken apart ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Network:
    """Rows, layers and sources by the layer's name, in the graph's order."""

    output: str
    rows: Mapping[str, "LayerRow"]
    layers: Mapping[str, Any]
    sources: Mapping[str, tuple[str, ...]]

    def last_with_positions(self) -> str:
        """The layer whose rows and columns (or tokens) the classifier reads."""
        name = self.output
        while len(self.rows[name].output_shape) < 2:
            name = self.sources[name][0]
        return name

    def longest_path(self) -> int:
        """The most convolutions and dense layers in a row; attention is two: into heads, and out of them."""
        longest: dict[str, int] = {}
        for name, sources in self.sources.items():
            own = 2 if self.rows[name].products else int(hasattr(self.layers[name], "kernel"))
            longest[name] = own + max((longest[source] for source in sources), default=0)
        return longest[self.output]

    def has_branches(self) -> bool:
        """Tell whether a layer's output is read by more than one."""
        read = [source for sources in self.sources.values() for source in sources]
        return len(read) > len(set(read))

    def path(self, name: str) -> list[dict[str, Any]]:
        """The windows up to this layer, always by the input that sees most."""
        windows: list[dict[str, Any]] = []
        while self.sources[name]:
            layer = self.layers[name]
            kind = "convolution" if hasattr(layer, "kernel_size") else "pooling" if hasattr(layer, "pool_size") else ""
            if kind:
                windows.append(_window(name, kind, layer, self.rows[name].output_shape[-1]))
            elif type(layer).__name__ == "ZeroPadding2D":
                assert windows[-1]["padding"] == "valid", f"{name} pads what {windows[-1]['name']} pads too"
                windows[-1]["padding"] = list(layer.padding[0])
            name = max(self.sources[name], key=lambda source: self.rows[source].receptive_field or 0)
        return windows[::-1]


def _window(name: str, kind: str, layer: Any, filters: int | None) -> dict[str, Any]:
    """An entry of a path; a DepthwiseConv2D, which has no `groups`, has one for each channel."""
    pooling = kind == "pooling"
    return {
        "name": name,
        "kind": kind,
        "kernel_size": (layer.pool_size if pooling else layer.kernel_size)[0],
        "stride": layer.strides[0],
        "padding": layer.padding,
        "dilation": 1 if pooling else layer.dilation_rate[0],
        "channels": None if pooling else layer.input.shape[-1],
        "filters": None if pooling else filters,
        "groups": None if pooling else getattr(layer, "groups", layer.input.shape[-1]),
        "bias": None if pooling else layer.use_bias,
    }


def _check(path: Sequence[Mapping[str, Any]], row: "LayerRow", input_size: int) -> None:
    """The windows must give the field that the graph has."""
    if path:
        paddings = (w["padding"] if isinstance(w["padding"], str) else tuple(w["padding"]) for w in path)
        windows = [
            Window(w["kernel_size"], w["stride"], padding, w["dilation"])
            for w, padding in zip(path, paddings, strict=True)
        ]
        field = Field(row.receptive_field, row.effective_stride, row.effective_padding)  # type: ignore[arg-type]
        along = receptive_field(windows, input_size)
        if along != field:
            raise AssertionError(f"The path to {row.name} gives {along}, the graph {field}.")


def _build(key: str, input_size: int | None = None, num_classes: int | None = None) -> _Network:
    """Build a network without weights and take it apart."""
    record = architecture(key)  # before the import: a wrong name needs no Keras
    from cnn_core.networks.summary import layer_table
    from cnn_core.networks.zoo.weightless import weightless

    shape = None if input_size is None else (input_size, input_size, record.input_shape[2])
    model = weightless(record.build, input_shape=shape, num_classes=num_classes)
    rows = {row.name: row for row in layer_table(model)}
    layers = {name: model.get_layer(name) for name in rows}
    sources = {
        name: tuple(dict.fromkeys(tensor._keras_history.operation.name for tensor in node.input_tensors))
        for name, layer in layers.items()
        for node in layer._inbound_nodes
    }
    return _Network(model.output_names[0], rows, layers, sources)


def main(keys: Sequence[str] = ()) -> None:
    """Measure architectures and write the file; without any key all of them.

    Raises:
        ValueError: If there is no such architecture, or if those that are left were measured by other versions.
    """
    for key in keys:
        architecture(key)
    versions = _versions()
    provenance = {
        "command": "python -m cnn_core.networks.atlas",
        "versions": versions,
        "date": datetime.now(UTC).date().isoformat(),
    }
    known: dict[str, Any] = {}
    if keys:
        content = json.loads(FILE.read_text(encoding="utf-8"))
        known, earlier = content["architectures"], content["provenance"]["versions"]
        if earlier != versions:
            raise ValueError(f"{FILE.name} was measured by {earlier}, here are {versions}. Measure all: give no key.")
    measured = {key: measure(key) if key in keys or key not in known else known[key] for key in ARCHITECTURES}
    content = {"provenance": provenance, "architectures": measured}
    FILE.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _versions() -> dict[str, str]:
    import tensorflow as tf  # itself, not its package: that is called tensorflow-cpu here and there

    return {"keras": version("keras"), "tensorflow": tf.__version__, "python": sys.version.split()[0]}


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(sys.argv[1:])
