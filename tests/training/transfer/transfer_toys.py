"""What the tests of the experiment share: a few pictures, a whole small experiment."""

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cnn_core.networks.backbones import backbone
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store.records import Run
from cnn_core.store.report import how_it_ended
from cnn_core.store.runs import Store
from cnn_core.training.transfer.export import bundle, network_file
from cnn_core.training.transfer.results import Arm, Transfer
from cnn_core.training.transfer.spec import Experiment, Options
from tests.reports import FakeReport


@dataclass
class Outcome:
    """What one experiment left behind."""

    store: Store
    run: Run
    experiment: Experiment
    report: FakeReport
    result: Transfer
    environment: dict[str, Any]
    arms: dict[str, Arm] = field(init=False)

    def __post_init__(self) -> None:
        self.arms = self.result.arms

    def model(self, arm: str) -> Any:
        from cnn_core.training.transfer.answers import load_model

        return load_model(network_file(self.store, self.run, arm))


def few_textures(store: Store, per_class: dict[str, int]) -> tuple[Item, ...]:
    """Some patches of brick, grass and gravel: so many of each class for each part."""
    left = {(label, part): n for label in ("brick", "grass", "gravel") for part, n in per_class.items()}
    found: list[Item] = []
    for picture, label, part in sets.SAMPLES["textures"].pictures():
        if left.get((label, part), 0):
            left[label, part] -= 1
            found.append(sets.keep(store, picture, label, part))
    return tuple(found)


def carry_out(store: Store, items: tuple[Item, ...], report: FakeReport | None = None, **options: Any) -> Outcome:
    experiment = Experiment(items, Options(**{"head_learning_rate": 0.01} | options), source="textures")
    return attempt(store, store.create("transfer", experiment.to_json(), title="textures").id, report)


def attempt(store: Store, run_id: str, report: FakeReport | None = None) -> Outcome:
    """Carry out a queued run, as a worker does."""
    from cnn_core.training.transfer import experiment as job

    report, run = report or FakeReport(), store.claim(run_id, worker="test")
    assert run
    experiment = Experiment.from_json(run.spec)
    ended = job.run(run, store, report)
    assert store.finish(run, **how_it_ended(ended, "", report.should_stop, {}))
    kept = store.get(run.id)
    return Outcome(store, kept, experiment, report, Transfer.from_json(kept.result), kept.environment)


def unpack(outcome: Outcome, arm: str, folder: Path) -> Path:
    """An arm's download, as a reader unpacks it."""
    data = bundle(outcome.store, outcome.run, arm, backbone("efficientnet_lite0"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def labelled(**counts: int) -> tuple[Item, ...]:
    """Records of so many pictures of each class; no store has them."""
    return tuple(Item(f"{label}{i}", label, f"{i}.png") for label, count in counts.items() for i in range(count))


def picture(seed: int, height: int, width: int) -> Picture:
    """A smooth picture of random colours."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    large = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    return Picture(np.asarray(large), f"colours {seed}.png")
