"""Stacks to start from: some that teach, and the path of the largest field through every network of the atlas."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cnn_core.arithmetic.costs import convolution_cost
from cnn_core.arithmetic.stacks.table import CHANNELS, Stack, StackError, StackLayer, default_name, from_rows

_ATLAS = Path(__file__).parents[2] / "networks" / "atlas.json"


@dataclass(frozen=True)
class Preset:
    """A stack to start from; of a network with branches the path of the largest field.

    Attributes:
        title: For people.
        input_size: Side of the picture it was made for, in pixels.
        stack: Its layers.
        path_reason: Why the path ends before the network does; empty if it does not.
        total_params: Of the whole network, BatchNorm's statistics included; None of a stack that is no network.
        macs: Of the whole network; None of a stack that is no network.
        path_params: Of the path's convolutions in the network, where the input may have other channels: those of its
            own pictures, or of more branches; None of a stack that is no network.
        attention_macs: Those of `macs` that are attention's own products.
        branches: Whether the network has parallel branches, of which the path takes one.
    """

    title: str
    input_size: int
    stack: Stack
    path_reason: str = ""
    total_params: int | None = None
    macs: int | None = None
    path_params: int | None = None
    attention_macs: int = 0
    branches: bool = False


def _equal(count: int, kernel_size: int) -> Stack:
    names = (default_name("convolution", number) for number in range(1, count + 1))
    return tuple(StackLayer(name, "convolution", kernel_size, padding="same", filters=64) for name in names)


TEACHING = {
    f"{word}_{k}x{k}": Preset(f"{word.capitalize()} {k}×{k}", 32, _equal(count, k))
    for word, count, k in (("two", 2, 3), ("three", 3, 3), ("one", 1, 5), ("one", 1, 7))
}


@cache
def presets() -> dict[str, Preset]:
    """Return the teaching stacks and every architecture of the timeline (`cnn_core/networks/atlas.json`), by key.

    Raises:
        StackError: If the atlas is not there.
    """
    return TEACHING | read_atlas(_ATLAS)


def read_atlas(path: Path) -> dict[str, Preset]:
    """Return the path of the largest field of each architecture of an atlas, by key; `_` for what no name can have.

    Groups that do not divide the channels which the path alone brings (other branches are missing) are taken as one.

    Raises:
        StackError: If there is no such file.
    """
    try:
        architectures = json.loads(path.read_text(encoding="utf-8"))["architectures"]
    except FileNotFoundError:
        raise StackError(
            f"The table of architectures {path.name} is missing, expected it in {path.parent}; install ConvScope again."
        ) from None
    return {
        key: Preset(
            facts["title"],
            facts["input_size"],
            from_rows(_path_rows(facts["path"])),
            facts["path_reason"],
            facts["total_params"],
            facts["macs"],
            sum(
                convolution_cost(e["kernel_size"], e["channels"], e["filters"], 1, e["groups"], e["bias"]).params
                for e in facts["path"]
                if e["kind"] == "convolution"
            ),
            facts["attention_macs"],
            facts["branches"],
        )
        for key, facts in architectures.items()
    }


def _path_rows(path: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows, channels = [], CHANNELS
    for entry in path:
        groups = entry["groups"] if entry["groups"] and channels % entry["groups"] == 0 else 1
        rows.append({**entry, "name": re.sub(r"\W", "_", entry["name"], flags=re.A), "groups": groups})
        channels = entry["filters"] or channels
    return rows
