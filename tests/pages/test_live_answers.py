"""Live answers beside a result: nothing before the switch, then a run that makes the parts, then the component."""

import json
from typing import Any

import numpy as np
import pytest

from cnn_core.networks.backbones import backbone
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.transfer.manifest import Part, Steps, manifest
from cnn_core.training.transfer.results import LiveParts, Transfer
from cnn_core.training.transfer.spec import Experiment
from tests.pages.test_transfer import finish
from ui.shared.serving import PARTS, RUNTIME
from ui.widgets.live import live

SWITCH = "transfer_live_on"
SPEC = {"arms": ["frozen", "fine_tuned"]}


@pytest.fixture
def run(store: Store) -> Run:
    """A finished run of two arms."""
    pictures = [
        sets.keep(store, Picture(np.full((30, 30, 3), 100 * n + 5 * i, np.uint8), f"{label}{i}.png"), label)
        for n, label in enumerate(("cat", "dog"))
        for i in range(6)
    ]
    return finish(store, store.create("transfer", Experiment(tuple(pictures)).to_json(), title="two kinds"))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the component is given."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(live, "_live", lambda *, data, key: found.append(data | {"key": key}))
    return found


def make_manifest(store: Store, run: Run, *arms: str) -> dict[str, Any]:
    parts = {arm: Part.of(f"{run.id}/{arm}.tflite", b"...") for arm in arms}
    record = backbone("efficientnet_lite0")
    made = manifest(Transfer.from_json(run.result), record, {arm: Steps((arm,)) for arm in arms}, parts)
    store.write(keys.live(run.id, keys.MANIFEST), json.dumps(made).encode())
    return made


def test_nothing_is_made_or_loaded_before_the_switch_is_on(
    page: Any, store: Store, run: Run, engine: Any, shown: list[dict[str, Any]]
) -> None:
    app = page("transfer", run=run.id)
    assert not app.exception and not app.toggle(key=SWITCH).value
    assert (engine.submitted, shown) == ([], [])


def test_switch_begins_the_run_that_makes_the_parts_at_once_and_its_end_brings_the_answers(
    page: Any, store: Store, run: Run, engine: Any, shown: list[dict[str, Any]]
) -> None:
    app = page("transfer", run=run.id)
    app.toggle(key=SWITCH).set_value(True).run()
    assert not app.exception
    making = next(each for each in store.recent() if each.kind == "live")
    assert store.get(making.id).spec == {"run": run.id} | SPEC and engine.submitted == [making.id]
    assert making.title == "live answers of two kinds"
    app.run()
    assert engine.submitted == [making.id], "it is begun once"
    claimed = store.claim(making.id, "w")
    assert claimed
    store.beat(claimed, {"phase": "converting, fine-tuned", "fraction": 0.3})
    app.run()
    assert any("converting, fine-tuned" in bar.proto.text for bar in app.get("progress")) and shown == []

    made = make_manifest(store, run, "frozen", "fine_tuned")
    store.finish(claimed, "done", result=LiveParts(("trunk",), 3).to_json())
    app.run()
    assert not app.exception
    assert shown[-1]["manifest"] == made and shown[-1]["key"] == f"transfer_live_{run.id}"
    assert (shown[-1]["runtime"], shown[-1]["parts"]) == (RUNTIME, PARTS)
    assert shown[-1]["colours"].keys() == {"frozen", "fine_tuned"}
    assert "reduced copy" in "\n".join(caption.value for caption in app.caption)


def test_parts_of_other_arms_than_the_run_has_now_are_made_again(
    page: Any, store: Store, run: Run, engine: Any, shown: list[dict[str, Any]]
) -> None:
    make_manifest(store, run, "frozen")
    app = page("transfer", run=run.id)
    app.toggle(key=SWITCH).set_value(True).run()
    assert len(engine.submitted) == 1 and shown == []


def test_run_that_failed_is_begun_again_by_its_button_only(page: Any, store: Store, run: Run, engine: Any) -> None:
    app = page("transfer", run=run.id)
    app.toggle(key=SWITCH).set_value(True).run()
    claimed = store.claim(engine.submitted[0], "w")
    assert claimed
    store.finish(claimed, "failed", error="The disk is full.")
    app.run()
    assert any("The disk is full." in error.value for error in app.error) and len(engine.submitted) == 1


def test_only_the_owner_of_a_run_has_its_parts_made(
    page: Any, store: Store, run: Run, engine: Any, shown: list[dict[str, Any]]
) -> None:
    store.give([run.id], "a" * 40)
    app = page("transfer", run=run.id)
    app.toggle(key=SWITCH).set_value(True).run()
    said = "Only whoever started this run can make its networks ready for browsers."
    assert said in [caption.value for caption in app.caption] and engine.submitted == []
    make_manifest(store, run, "frozen", "fine_tuned")  # by its owner: then it is everybody's who has the link
    app.run()
    assert len(shown) == 1
