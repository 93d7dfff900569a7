"""The laboratory's looks at the data: results of the documented form, an album that changes, an engine that answers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic.measures import FoldAccuracy, wilson
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store.records import Run, to_json
from cnn_core.store.runs import Store
from cnn_core.training.lab.augmentation import AugmentationResult, Effect, Policy
from cnn_core.training.lab.calibration import refusal_curve, refusal_threshold, reliability
from cnn_core.training.lab.labels import (
    Evidence,
    LabelsResult,
    MapPoint,
    Neighbour,
    Pair,
    Refusal,
    Suspect,
    Withheld,
)
from cnn_core.training.lab.results import LabResult
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.lab.studies import STUDIES

CLASSES = ("cat", "dog", "owl")
AWAY = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
ENVIRONMENT = {
    "device": "CPU",
    "keras": "3",
    "tensorflow": "2",
    "python": "3.11",
    "commit": "abc",
    "numpy": "2",
    "seed": 0,
}


COMMON: dict[str, Any] = {
    "classes": CLASSES,
    "pictures": 18,
    "complete": True,
    "intervals": "by folds",
    "seconds": 1.0,
    "cpu_seconds": 1.0,
}


@pytest.fixture
def items(store: Store) -> list[Item]:
    """Six pictures a class; one of them is a dog under the label cat."""
    rng = np.random.default_rng(0)
    pictures = [Picture(rng.integers(0, 256, (12, 12, 3)).astype(np.uint8), f"p{i}.png", ()) for i in range(18)]
    return [sets.keep(store, picture, CLASSES[i // 6]) for i, picture in enumerate(pictures)]


def labels_result(items: list[Item]) -> LabelsResult:
    """A study's result: the first cat looks like a dog, and two dogs like one another."""
    said = np.full((18, 3), 0.05)
    labels = np.arange(18) // 6
    said[np.arange(18), labels] = 0.9
    said[0] = (0.02, 0.95, 0.03)
    right = said.argmax(axis=1) == labels
    first, near = items[0], (items[6], items[7], items[8])
    nearest = tuple(Neighbour(item.digest, item.name, item.label, 0.9 - 0.1 * i) for i, item in enumerate(near))
    pair = Pair(
        items[6].digest,
        items[12].digest,
        names=(items[6].name, items[12].name),
        labels=("dog", "owl"),
        similarity=0.97,
        identical=False,
        across_classes=True,
        across_parts=False,
    )
    points = tuple(
        MapPoint(
            item.digest,
            item.name,
            item.label,
            said=CLASSES[said[i].argmax()],
            right=bool(right[i]),
            probability_of_label=float(said[i, labels[i]]),
            pca=(i, i % 5),
            tsne=(i % 7, i),
        )
        for i, item in enumerate(items)
    )
    chosen = refusal_threshold(said, labels)
    return LabelsResult(
        **COMMON,
        sentences=("1 of 18 labels are likely errors.",),
        accuracy=wilson(17, 18),
        suspects=(Suspect(first.digest, first.name, first.label, "dog", 0.95, 0.02, nearest),),
        duplicates=(pair,),
        map=points,
        calibration=reliability(said, labels, CLASSES),
        none_of_these=Refusal(
            chosen.threshold,
            chosen.kept_right,
            chosen.refused_wrong,
            chosen.words,
            unseen=tuple(Withheld(name, wilson(1, 4)) for name in CLASSES),
            curve=tuple(refusal_curve(said.max(axis=1), right, np.array([0.5, 0.7, 0.96, 0.99]))),
        ),
    )


def finished(store: Store, items: list[Item], kind: str, result: LabResult) -> Run:
    spec = LabSpec(tuple(items), STUDIES[kind].options(), "pets")
    store.create("lab", spec.to_json(), title="pets")
    run = store.claim(store.live()[0].id, worker="test")
    assert run
    store.finish(run, "done", result=result.to_json(), environment=ENVIRONMENT)
    kept = {"source": "pets", "items": [[i.digest, i.label, i.name, i.part] for i in items], "empty_classes": []}
    store.write("albums/ab12.json", to_json(kept).encode())
    return store.get(run.id)


@pytest.fixture
def look(page: Any, store: Store, items: list[Item]) -> Any:
    run = finished(store, items, "labels", labels_result(items))
    query = {"laboratory_view": "Data", "run": run.id, "set": "ab12"}
    return lambda name, **more: page("laboratory", laboratory_look=name, **query, **more)


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info, *app.success])


def figure(app: AppTest, part: str) -> Any:
    import json

    found = [chart.proto.spec for chart in app.get("plotly_chart")]
    return next(json.loads(spec) for spec in found if part in spec)


def labels_of(app: AppTest, item: Item) -> list[str]:
    return [entry.label for entry in app.session_state.album.items if entry.digest == item.digest]


def test_map_marks_what_is_judged_otherwise(look: Any) -> None:
    app = look("Map")
    assert not app.exception and not app.warning
    drawn = figure(app, "judged dog")["data"]
    assert [trace["name"] for trace in drawn] == list(CLASSES)
    assert drawn[0]["marker"]["symbol"] == ["circle"] * 5 + ["x"]
    assert drawn[0]["text"][5] == "p0.png: is cat, judged dog" and drawn[0]["customdata"][5] == 0
    assert "Crosses: 1 picture judged otherwise than labelled." in words(app)
    app.selectbox(key=next(b.key for b in app.selectbox if b.key.startswith("laboratory_find"))).select(3).run()
    assert len(figure(app, "judged dog")["data"]) == 4, "the picture found by name is ringed"
    assert figure(look("Map", laboratory_projection="t-SNE"), "judged dog")["data"][1]["x"] != drawn[1]["x"]


def test_suspect_is_moved_marked_as_older_and_the_move_undone(look: Any, items: list[Item], store: Store) -> None:
    app = look("Labels")
    assert "**1 label may be wrong**, the surest first; 0 decided." in words(app)
    assert "**p0.png** is labelled **cat** (2%), looks like **dog** (95%)" in words(app)
    key = f"0_{items[0].digest[:12]}"
    app.button(key=f"laboratory_move_{key}").click().run()
    assert labels_of(app, items[0]) == ["dog"] and not app.exception
    older = "**This result is older than your pictures**: 1 picture moved since. Measure again when you are done."
    assert older in [warning.value for warning in app.warning]
    assert "1 decided" in words(app) and ":material/check: now **dog**" in words(app)
    app.button(key="laboratory_undo").click().run()
    assert labels_of(app, items[0]) == ["cat"] and not app.warning
    app.button(key=f"laboratory_remove_{key}").click().run()
    assert labels_of(app, items[0]) == [] and ":material/check: removed" in words(app)
    app.button(key="laboratory_undo").click().run()
    assert labels_of(app, items[0]) == ["cat"] and not any(b.key == "laboratory_undo" for b in app.button)


def test_kept_suspect_is_remembered_for_the_visit(look: Any, items: list[Item]) -> None:
    app = look("Labels")
    key = f"0_{items[0].digest[:12]}"
    app.button(key=f"laboratory_keep_{key}").click().run()
    app.run()
    assert ":material/check: kept as it is" in words(app) and "1 decided" in words(app)
    assert labels_of(app, items[0]) == ["cat"] and not app.warning
    app.button(key=f"laboratory_anew_{key}").click().run()
    assert "0 decided" in words(app)


def test_look_alikes_stand_side_by_side_and_one_can_go(look: Any, items: list[Item]) -> None:
    app = look("Look-alikes", laboratory_pairs="Across-classes")
    assert "cosine 0.970" in words(app) and "1 under two labels" in words(app)
    app.button(key=f"laboratory_drop_Across-classes_0_1_{items[12].digest[:12]}").click().run()
    assert labels_of(app, items[12]) == [] and labels_of(app, items[6]) == ["dog"]
    assert "None (in two parts of a split)." in words(look("Look-alikes", laboratory_pairs="Across-parts"))


def test_evidence_of_the_wrong_picture(look: Any, engine: Any, items: list[Item]) -> None:
    answer = Evidence(
        "cat",
        "dog",
        probabilities={"cat": 0.02, "dog": 0.95, "owl": 0.03},
        maps={"cat": np.zeros((2, 2), np.float32), "dog": np.eye(2, dtype=np.float32)},
        seen=np.zeros((8, 8, 3), np.uint8),
        nearest=(Neighbour(items[7].digest, "p7.png", "dog", 0.5),),
    )
    engine.answers["lab_evidence"] = answer
    app = look("Evidence")
    assert not app.exception and not app.error
    captions = str([image.proto for image in app.get("image")])
    assert "Evidence for dog (what was said), 95%" in captions and "Evidence for cat (its label), 2%" in captions
    chosen = next(box for box in app.selectbox if box.key.startswith("laboratory_evidence"))
    assert chosen.options == ["p0.png: cat, judged dog"], "only what is judged wrong"


def test_evidence_says_that_the_engine_is_away(look: Any, engine: Any) -> None:
    engine.answers["lab_evidence"] = AWAY
    app = look("Evidence")
    assert [error.value for error in app.error] == ["The engine cannot be reached. Try again in a moment."]
    assert any(button.key == "laboratory_start_labels" for button in app.button), "the rest of the page stands"


def test_calibration_and_refusal_say_what_was_measured(look: Any) -> None:
    app = look("Calibration")
    assert app.metric[0].value == f"{abs(17 / 18 - (17 * 0.9 + 0.95) / 18):.3f}"  # one bin: all between 0.9 and 1
    assert figure(app, "as sure as right")
    app = look("None-of-these", laboratory_threshold="80")
    assert [metric.value for metric in app.metric] == ["100%", "94.4%", "50%"]
    assert "50% of the pictures of a class it does not know still get an answer" in words(app)
    app.slider(key="laboratory_threshold").set_value(97).run()
    assert [metric.value for metric in app.metric][::2] == ["0%", "75%"]


def test_link_is_checked_and_a_stopped_study_says_so(look: Any, store: Store, items: list[Item], page: Any) -> None:
    app = look("Mapp")
    assert any("laboratory_look=Mapp" in warning.value for warning in app.warning)
    run = finished(store, items, "labels", replace(labels_result(items), calibration=None))
    app = page("laboratory", laboratory_view="Data", run=run.id, set="ab12", laboratory_look="Calibration")
    assert "The study was stopped before it came to this. Measure it again." in words(app)


# Augmentation ---------------------------------------------------------------------------------------------------------


def accuracy(mean: float) -> FoldAccuracy:
    return FoldAccuracy((mean,), mean, mean, mean - 0.05, mean + 0.05, 1)


@pytest.fixture
def measured(store: Store, items: list[Item]) -> Run:
    effect = Effect(accuracy(0.9), PairedDifference(1.5, -0.5, 3.5, 0.1, "The head with augmentation is better."))
    result = AugmentationResult(
        **COMMON,
        sentences=("The head with augmentation is better.",),
        copies=3,
        without={"frozen": accuracy(0.885), "fine_tuned": accuracy(0.9)},
        policies=(Policy("all", "Mirror, shift and zoom", {"frozen": effect, "fine_tuned": effect}),),
    )
    return finished(store, items, "augmentation", result)


def test_sheet_stands_before_the_study_and_the_effect_beneath(page: Any, engine: Any, measured: Run) -> None:
    engine.answers["augmented_sheet"] = np.zeros((6, 5, 8, 8, 3), np.uint8)
    app = page("laboratory", laboratory_view="Augmentation", set="ab12", run=measured.id)
    assert not app.exception and not app.error
    assert "Each row: the picture as the network sees it" in str(app.get("image")[0].proto)
    drawn = figure(app, "points gained")["data"]
    assert drawn[0]["x"] == [1.5] and drawn[0]["error_x"]["arrayminus"] == [2.0]
    assert "| 88.5% | 90.0% (85.0% – 95.0%) |" in words(app)
    app.segmented_control(key="laboratory_policy").set_value("mirror").run()
    assert app.session_state.laboratory_augmentation_policies == ["mirror"], "the study follows the sheet"
    assert "The figures are of other copies than the sheet above shows." in words(app)


def test_augmentation_without_the_engine_still_shows_the_effect(page: Any, engine: Any, measured: Run) -> None:
    engine.answers["augmented_sheet"] = AWAY
    app = page("laboratory", laboratory_view="Augmentation", set="ab12", run=measured.id)
    assert [error.value for error in app.error] == ["The engine cannot be reached. Try again in a moment."]
    assert figure(app, "points gained")
