"""What a browser needs to answer as a run's networks do: their parts, in order, and what tests them. Light: no Keras.

A manifest is plain JSON, the same for the live answers of the app and for a page that is taken home:

    size, crop       the network's input: the middle square of `crop` of the short side, scaled to `size` pixels
    classes          names, in the order of all probabilities
    preprocessing    `inside`: the parts take RGB, 0 to 255
    arms             arm -> title; steps (parts, flatbuffers run one after another, batch 1); head (a part), if any
    parts            name -> url (relative to the manifest), sha256 (hex), bytes
    threshold        arm -> below this probability of its likeliest class, the answer is "none of these"
    parity           pictures: name, url, seen (sha256 of the uint8 input), expected (arm -> probabilities)
    tolerance        the largest difference of a probability under which the browser's answers count
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_core.networks.backbones import Backbone
from cnn_core.pictures import kept
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.transfer.results import Answer, Transfer
from cnn_core.training.transfer.spec import ARM_TITLES

_PICTURES = 10
TOLERANCE = 1e-3
_SURE = 0.95  # of its answers to test pictures an arm was at least as sure as its threshold
SHARED = "shared"  # in the place of a run's id: parts that all runs of a backbone have in common
_RUN = re.compile(r"[0-9a-f]+")
_FILE = re.compile(r"[A-Za-z0-9_.-]+\.(?:tflite|bin|png|jpg|webp)")


@dataclass(frozen=True)
class Part:
    """A file that a network is made of, as the manifest tells of it."""

    url: str
    sha256: str
    size: int

    @classmethod
    def of(cls, url: str, data: bytes) -> "Part":
        """Return what a manifest says of these bytes.

        Example:
            >>> Part.of("model.tflite", b"abc").sha256[:12]
            'ba7816bf8f01'
        """
        return cls(url, hashlib.sha256(data).hexdigest(), len(data))


@dataclass(frozen=True)
class Steps:
    """How an arm is run: flatbuffers one after another, then a linear head on the means over positions, if it has one.

    Attributes:
        steps: Names of parts.
        head: Name of a part, as `head_bytes` makes it; empty if the last step gives probabilities.
    """

    steps: tuple[str, ...]
    head: str = ""


def manifest(
    found: Transfer,
    record: Backbone,
    arms: Mapping[str, Steps],
    parts: Mapping[str, Part],
    parity: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the manifest of some arms of a run.

    Args:
        found: What the run has found.
        record: Its backbone.
        arms: Which, and how each is run.
        parts: That their steps and heads name.
        parity: Test pictures, each as `parity_picture` makes it.

    Example:
        >>> from cnn_core.networks.backbones import backbone
        >>> made = manifest(
        ...     Transfer(("cat", "dog"), {}),
        ...     backbone("efficientnet_lite0"),
        ...     {"frozen": Steps(("trunk",), "head")},
        ...     {"trunk": Part.of("trunk.tflite", b"..."), "head": Part.of("head.bin", b"...")},
        ... )
        >>> made["arms"]["frozen"], made["size"], made["crop"]
        ({'title': 'Frozen', 'steps': ['trunk'], 'head': 'head'}, 224, 0.875)
    """
    return {
        "size": record.input_size,
        "crop": record.crop_fraction,
        "classes": list(found.classes),
        "preprocessing": "inside",  # of all networks here, `backbones.build` has put it there
        "arms": {
            arm: {"title": ARM_TITLES[arm], "steps": list(how.steps)} | ({"head": how.head} if how.head else {})
            for arm, how in arms.items()
        },
        "parts": {name: {"url": part.url, "sha256": part.sha256, "bytes": part.size} for name, part in parts.items()},
        "threshold": {arm: threshold(found.arms[arm].answers) for arm in arms if arm in found.arms},
        "parity": list(parity),
        "tolerance": TOLERANCE,
    }


def threshold(answers: Sequence[Answer]) -> float:
    """Return the probability that an arm gave its likeliest class in at least 95% of its answers to test pictures.

    A picture of which it is less sure is, by what the run itself has measured, none of its classes.

    Args:
        answers: To the test pictures, right or wrong; of none it is 0, which refuses nothing.

    Example:
        >>> said = [Answer("", "", "cat", "cat", p / 100, p / 100) for p in range(50, 90)]  # of forty two may be less
        >>> threshold(said), threshold(said[:10]), threshold([])
        (0.52, 0.5, 0.0)
    """
    sure = sorted(answer.probability for answer in answers)
    return sure[int((1 - _SURE) * len(sure) + 1e-9)] if sure else 0.0


def parity_answers(answers: Sequence[Answer], most: int = _PICTURES) -> list[Answer]:
    """Return the test pictures by which a network is held against another form of itself: of all classes alike.

    Example:
        >>> answers = [Answer(str(n), "", "", "", 0.0, 0.0) for n in range(20)]
        >>> [int(answer.digest) for answer in parity_answers(answers, 3)]
        [0, 10, 19]
    """
    return [answers[i] for i in np.unique(np.linspace(0, len(answers) - 1, most).round().astype(int))]


def parity_picture(
    name: str, url: str, seen: np.ndarray, expected: Mapping[str, Mapping[str, float]], classes: Sequence[str]
) -> dict[str, Any]:
    """Return a picture of `parity`.

    Args:
        name: Of its file.
        url: Where the browser finds it, upright.
        seen: What the network sees of it, uint8 `(size, size, 3)`.
        expected: What each arm says of it here.
        classes: In the order of the manifest.
    """
    digest = hashlib.sha256(np.ascontiguousarray(seen, np.uint8).tobytes()).hexdigest()
    said = {arm: [of[name] for name in classes] for arm, of in expected.items()}
    return {"name": name, "url": url, "seen": digest, "expected": said}


def head_bytes(kernel: np.ndarray, bias: np.ndarray) -> bytes:
    """Return a linear head as a part: float32 little-endian, kernel `(channels, classes)` row by row, then bias.

    Example:
        >>> np.frombuffer(head_bytes(np.array([[1, 2], [3, 4]]), np.array([5, 6])), "<f4")
        array([1., 2., 3., 4., 5., 6.], dtype=float32)
    """
    return b"".join(np.ascontiguousarray(part, "<f4").tobytes() for part in (kernel, bias))


# Read by whoever serves it -------------------------------------------------------------------------------------------


def live_manifest(store: Store, run_id: str) -> dict[str, Any] | None:
    """Return the manifest of a run's live answers, None if it was not made (yet).

    The urls of its parts and pictures are relative to the app's route of parts: `<run>/<file>` and `shared/<file>`.
    """
    try:
        found: dict[str, Any] = json.loads(store.read(keys.live(run_id, keys.MANIFEST)))
        return found
    except FileNotFoundError:
        return None


def part_bytes(store: Store, of: str, file: str) -> bytes:
    """Return what lies at `<of>/<file>` of the route of parts.

    Args:
        store: Holds it.
        of: A run's id, a secret, or SHARED.
        file: Its name; of a run only what its manifest names.

    Raises:
        FileNotFoundError: If there is no such part.
    """
    if not _FILE.fullmatch(file):
        raise FileNotFoundError(f"{file} is the name of no part.")
    if of == SHARED:
        return store.read(keys.shared_part(file))
    url, known = f"{of}/{file}", (live_manifest(store, of) if _RUN.fullmatch(of) else None) or {}
    if any(part["url"] == url for part in known.get("parts", {}).values()):
        return store.read(keys.live(of, file))
    if any(picture["url"] == url for picture in known.get("parity", ())):
        return kept.file(store, file.partition(".")[0])[0]
    raise FileNotFoundError(f"Run {of} has no part {file}.")
