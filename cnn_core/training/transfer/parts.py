"""A run's networks as parts that a browser runs: what all runs share once, and what the run has trained."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_core.networks import devices, flatbuffer
from cnn_core.networks.backbones import Backbone, at_hand, backbone
from cnn_core.networks.forward import shared_part
from cnn_core.pictures import kept
from cnn_core.pictures.images import square
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report, Stopped
from cnn_core.store.runs import Store
from cnn_core.training.transfer import answers
from cnn_core.training.transfer.export import in_float32, kept_head
from cnn_core.training.transfer.manifest import (
    SHARED,
    Part,
    Steps,
    head_bytes,
    manifest,
    parity_answers,
    parity_picture,
)
from cnn_core.training.transfer.results import LiveParts, Transfer
from cnn_core.training.transfer.spec import ARM_TITLES

if TYPE_CHECKING:
    import keras

_REACTION = 60  # seconds within which a stop is heard: between two conversions

Tell = Callable[[str, float], bool]


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Carry out a run of kind `live`: make what a browser needs to answer as another run's networks do.

    Args:
        run: Its spec has `run`, a finished run, and `arms`, those of it that are wanted.
        store: Holds the networks; receives their parts, and the manifest.
        report: Is told `phase` and `fraction`, and says when to stop.
    """

    def tell(phase: str, fraction: float) -> bool:
        report.update(phase=phase, fraction=fraction)
        return report.should_stop

    report.update(reaction=_REACTION)
    made = make(store, store.get(run.spec["run"]), run.spec["arms"], tell)
    size = sum(part["bytes"] for part in made["parts"].values())
    return Outcome(LiveParts(tuple(made["parts"]), size).to_json(), devices.environment(devices.find()))


def make(store: Store, run: Run, arms: list[str], tell: Tell = lambda phase, fraction: False) -> dict[str, Any]:
    """Make the parts of a run's networks, keep them and their manifest, and return it.

    Args:
        store: Holds the networks.
        run: A finished run.
        arms: Of its arms.
        tell: Called with what comes next and the share that is done; returns True to stop.

    Raises:
        NoModel: If an arm has no trained network.
        FlatbufferRefused: If one cannot be a flatbuffer.
        Stopped: If `tell` said so.
    """
    found = Transfer.from_json(run.result) if run.result else None
    if not found or (missing := [arm for arm in arms if arm not in found.arms]):
        name = missing[0] if found else "any arm"
        raise answers.NoModel(f"Run {run.id} has no trained network {name!r} to run in a browser. Choose another run.")
    making = _Making(store, run, backbone(run.spec["options"]["backbone"]), "fine_tuned" in arms)
    steps = {}
    for number, arm in enumerate(arms):
        if tell(f"converting, {ARM_TITLES[arm].lower()}", number / (len(arms) + 1)):
            raise Stopped
        steps[arm] = making.steps(arm)
    if tell("asking the networks about test pictures", len(arms) / (len(arms) + 1)):
        raise Stopped
    pictures = [
        making.picture(answer.digest, answer.name, arms, found)
        for answer in parity_answers(found.arms[arms[0]].answers)
    ]
    made = manifest(found, making.record, steps, making.parts, pictures)
    store.write(keys.live(run.id, keys.MANIFEST), json.dumps(made, ensure_ascii=False).encode())
    return made


@dataclass
class _Making:
    """The parts of one run, as they are made."""

    store: Store
    run: Run
    record: Backbone
    beside_fine_tuned: bool  # then the frozen arm goes through the same lower blocks, which run once a picture
    parts: dict[str, Part] = field(default_factory=dict)

    def steps(self, arm: str) -> Steps:
        """Make an arm's parts and say how they are run."""
        shared = arm != "scratch" and at_hand(self.record)  # no question fetches weights
        head = kept_head(self.store, self.run.id, arm)
        if shared and arm == "frozen" and head:
            return self._frozen(*head.dense())
        model = in_float32(answers.load_model(self.store.read(keys.file(self.run.id, arm))))
        if shared and arm == "frozen":
            return self._frozen(*model.get_layer("probabilities").get_weights())
        if shared:
            upper = _above(model, self.record.block_starts[self._fixed])
            return Steps((self._lower(), self._converted(f"{arm}-upper", upper)))
        return Steps((self._converted(arm, model),))

    def _frozen(self, kernel: np.ndarray, bias: np.ndarray) -> Steps:
        head = self._own("frozen-head", "bin", head_bytes(kernel, bias))
        if not self.beside_fine_tuned:
            return Steps((self._shared("trunk", *shared_part(self.record)),), head)
        above = self._shared(f"above{self._fixed}", *shared_part(self.record, self._fixed, above=True))
        return Steps((self._lower(), above), head)

    def _lower(self) -> str:
        return self._shared(f"lower{self._fixed}", *shared_part(self.record, self._fixed))

    @property
    def _fixed(self) -> int:
        """How many blocks the fine-tuned arm has left as they were."""
        return len(self.record.block_starts) - int(self.run.spec["options"]["unfreeze_blocks"])

    def picture(self, digest: str, name: str, arms: list[str], found: Transfer) -> dict[str, Any]:
        """Ask the networks, as the page does, about a picture by which the browser will be measured."""
        pixels = kept.pixels(self.store, digest)
        said = answers.predict(self.run.id, pixels, location=self.store.location)
        seen = square(pixels, self.record.input_size, self.record.crop_fraction)
        url = f"{self.run.id}/{digest}.{kept.file(self.store, digest)[1]}"
        return parity_picture(name, url, seen, {arm: said[arm] for arm in arms}, found.classes)

    def _shared(self, name: str, file: str, data: bytes) -> str:
        if not self.store.exists(key := keys.shared_part(file)):
            self.store.write(key, data)
        self.parts[name] = Part.of(f"{SHARED}/{file}", data)
        return name

    def _converted(self, name: str, model: "keras.Model") -> str:
        return self._own(name, "tflite", flatbuffer.convert(model))

    def _own(self, name: str, suffix: str, data: bytes) -> str:
        part = Part.of("", data)
        file = f"{name}.{part.sha256[:12]}.{suffix}"
        self.store.write(keys.live(self.run.id, file), data)
        self.parts[name] = Part(f"{self.run.id}/{file}", part.sha256, part.size)
        return name


def _above(model: "keras.Model", layer: str) -> "keras.Model":
    """Return what was trained above the fixed blocks: the maps that a layer reads → probabilities."""
    import keras

    return keras.Model(model.get_layer(layer).input, model.output)
