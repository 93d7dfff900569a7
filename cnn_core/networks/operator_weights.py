"""Trained weights that whoever runs ConvScope gives it, for architectures whose weights nothing can download.

CONVSCOPE_WEIGHTS names a folder with a file `weights.json` and the files that it lists:

    {"alexnet": {"file": "alexnet.weights.h5", "sha256": "…", "source": "…", "licence": "…", "labels": "imagenet",
                 "preprocessing": {"factor": 1.0, "summand": [-123.7, -116.8, -103.9]}}}

Only numbers are read, as `model.save_weights` writes them: never a .keras file, which may hold code. The checksum is
looked at first. What is wrong is refused, and random weights are never given in its place. No Keras here.
"""

import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_core.networks import backbones, downloads
from cnn_core.networks.zoo.architectures import ARCHITECTURES, architecture

if TYPE_CHECKING:
    import keras

SETTING = downloads.SETTING
LIST = "weights.json"
SUFFIX = ".weights.h5"
_NEEDED = ("file", "sha256", "source", "licence")
_OPTIONAL = ("labels", "preprocessing")

Numbers = float | tuple[float, ...]


class WeightsRefused(ValueError):
    """Weights that were given cannot be taken: what was found, what is expected, what to do."""


@dataclass(frozen=True)
class Given:
    """What is given for one architecture.

    Attributes:
        key: In `ARCHITECTURES`.
        path: Of the file.
        sha256: Its checksum, 64 hexadecimal digits.
        source: Who trained them, on what.
        licence: Of the weights.
        labels: Of the classes; empty if nothing is said of them.
        preprocessing: Factor and summand, a number each or one a channel, by which 0–255 becomes what the network
            takes; None for those of the architecture's record.
    """

    key: str
    path: Path
    sha256: str
    source: str
    licence: str
    labels: tuple[str, ...] = ()
    preprocessing: tuple[Numbers, Numbers] | None = None

    @property
    def weights(self) -> str:
        """Which weights, in words."""
        return f"trained: {self.source} ({self.licence}); given by whoever runs this server"


def given(key: str) -> Given | None:
    """Return what is given for an architecture; None if nothing is, or the setting is empty.

    Raises:
        WeightsRefused: If the folder, its list or this entry cannot be understood.
        ValueError: If there is no such architecture.
    """
    architecture(key)
    folder = downloads.given_folder()
    entry = None if folder is None else _listed(folder).get(key)
    return None if folder is None or entry is None else _read(folder, key, entry)


def listed() -> dict[str, Given | WeightsRefused]:
    """Return all that is given, by architecture; in place of an entry that cannot be understood, why.

    Raises:
        WeightsRefused: If the folder or its list cannot be understood.
    """
    folder = downloads.given_folder()
    found: dict[str, Given | WeightsRefused] = {}
    for key in [] if folder is None else _listed(folder):
        try:
            if entry := given(key):
                found[key] = entry
        except WeightsRefused as refusal:
            found[key] = refusal
    return found


def load(model: "keras.Model", given: Given) -> None:
    """Put the weights into a model of its architecture.

    Raises:
        WeightsRefused: If the file is another than was listed, or is of another architecture.
    """
    found = downloads.sha256(given.path)
    if found != given.sha256:
        raise _refused(
            f"{given.path.name} has the SHA-256 {found[:12]}…",
            f"{LIST} says {given.sha256[:12]}…",
            "Fetch the file again, or correct the list",
        )
    title = architecture(given.key).title
    try:
        held = _numbers_in(given.path)
        if held != model.count_params():
            raise ValueError(f"it holds {held:,} numbers, {title} has {model.count_params():,}")
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # that a layer is not in the file, and stays random
            model.load_weights(given.path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise _refused(
            f"{given.path.name} is no file of weights for {title} ({str(error).splitlines()[0].rstrip('.')[:160]})",
            f"what save_weights writes of the model that `architecture({given.key!r}).build()` gives is expected",
            "Write it anew",
        ) from error


def _numbers_in(path: Path) -> int:
    """How many numbers a file of weights holds, without an optimizer's."""
    import h5py

    sizes: list[int] = []

    def visit(name: str, found: Any) -> None:
        if isinstance(found, h5py.Dataset) and not name.startswith("optimizer/"):
            sizes.append(int(found.size))

    with h5py.File(path) as file:
        file.visititems(visit)
    return sum(sizes)


def _refused(received: str, expected: str, remedy: str) -> WeightsRefused:
    return WeightsRefused(f"{SETTING}: {received}; {expected}. {remedy}.")


def _listed(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise _refused("it names no folder that can be read", "a folder is expected", "Correct it, or leave it out")
    example = '{"alexnet": {"file": …, "sha256": …, "source": …, "licence": …}}'
    try:
        found = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if any((folder / file).is_file() for file in downloads.PUBLISHED):  # those alone are a use of it, too
            return {}
        remedy = "Write it, or fetch weights of Keras: python -m cnn_core weights --fetch all"
        raise _refused(f"its folder has no {LIST}", f"a list such as {example} is expected", remedy) from error
    except (OSError, ValueError) as error:
        received = f"{LIST} cannot be read ({error})"
        raise _refused(received, f"JSON such as {example} is expected", "Correct it") from error
    if not isinstance(found, dict):
        raise _refused(f"{LIST} is {type(found).__name__}", f"an object such as {example} is expected", "Correct it")
    if unknown := sorted(set(found) - set(ARCHITECTURES)):
        known = ", ".join(ARCHITECTURES)
        raise _refused(f"{LIST} names {unknown[0]!r}", f"an architecture is one of {known}", "Correct the name")
    return found


def _read(folder: Path, key: str, entry: Any) -> Given:
    where = f"the entry {key!r} of {LIST}"
    fields = entry if isinstance(entry, dict) else {}
    if missing := [name for name in _NEEDED if not isinstance(fields.get(name), str) or not fields[name].strip()]:
        raise _refused(f"{where} has no text {missing[0]!r}", f"{', '.join(_NEEDED)} are expected", "Add it")
    if unknown := sorted(set(fields) - {*_NEEDED, *_OPTIONAL}):
        known = ", ".join((*_NEEDED, *_OPTIONAL))
        raise _refused(f"{where} has a field {unknown[0]!r}", f"its fields are {known}", "Correct or remove it")
    name, digest = fields["file"], fields["sha256"].lower()
    if not name.endswith(SUFFIX) or Path(name).name != name:
        raise _refused(
            f"{where} has the file {name!r}",
            f"a name that ends in {SUFFIX}, of a file beside {LIST}, is expected (a .keras file may hold code)",
            "Save the weights alone, by `model.save_weights`",
        )
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        remedy = f"Write what `sha256sum {name}` says"
        raise _refused(
            f"{where} has the sha256 {fields['sha256'][:80]!r}", "64 hexadecimal digits are expected", remedy
        )
    if not (folder / name).is_file():
        raise _refused(f"there is no file {name} beside {LIST}", f"{where} names it", "Put it there")
    labels = _labels(where, key, fields.get("labels"))
    taken = fields.get("preprocessing")
    preprocessing = None if taken is None else _preprocessing(where, key, taken)
    return Given(key, folder / name, digest, fields["source"].strip(), fields["licence"].strip(), labels, preprocessing)


def _labels(where: str, key: str, said: Any) -> tuple[str, ...]:
    if said is None:
        return ()
    count = architecture(key).num_classes
    labels = backbones.imagenet_labels() if said == "imagenet" else said
    fits = isinstance(labels, list | tuple) and len(labels) == count
    if not fits or not all(isinstance(label, str) and label.strip() for label in labels):
        received = f"{len(said)} labels" if isinstance(said, list) else f"the labels {said!r}"
        raise _refused(
            f"{where} has {received}", f'{count} texts, or "imagenet" for 1000, are expected', "Correct them"
        )
    return tuple(labels)


def _preprocessing(where: str, key: str, said: Any) -> tuple[Numbers, Numbers]:
    channels = architecture(key).input_shape[2]

    def numbers(value: Any) -> Numbers | None:
        if _is_number(value):
            return float(value)
        if isinstance(value, list) and len(value) == channels and all(map(_is_number, value)):
            return tuple(map(float, value))
        return None

    found = [numbers(said.get(name)) for name in ("factor", "summand")] if isinstance(said, dict) else [None]
    if None in found or set(said) != {"factor", "summand"}:
        raise _refused(
            f"{where} has the preprocessing {str(said)[:80]}",
            f'{{"factor": …, "summand": …}}, a number each or {channels}, is expected: x becomes factor · x + summand',
            "Correct it",
        )
    factor, summand = found
    assert factor is not None and summand is not None
    return factor, summand


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
