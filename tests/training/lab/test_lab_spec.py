"""What a study may be asked: refusals in sentences, JSON and back, specs of version 0.1."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.training.lab.augmentation import AugmentationOptions
from cnn_core.training.lab.backbones import BackbonesOptions
from cnn_core.training.lab.depth import DepthOptions
from cnn_core.training.lab.labels import LabelsOptions
from cnn_core.training.lab.recipes import RECIPES, RecipesOptions
from cnn_core.training.lab.sabotage import SabotageOptions
from cnn_core.training.lab.size import SizeOptions
from cnn_core.training.lab.spec import LabOptions, LabSpec
from cnn_core.training.lab.studies import STUDIES, read

DIVISIONS = {"folds": st.integers(2, 20), "repeats": st.integers(2, 20), "seed": st.integers(0, 2**31 - 1)}
OPTIONS = st.one_of(
    st.builds(DepthOptions, **DIVISIONS, frozen_blocks=st.lists(st.integers(-17, 17)).map(tuple)),
    st.builds(SizeOptions, **DIVISIONS, sizes=st.lists(st.integers(1, 500), min_size=1).map(tuple)),
    st.builds(RecipesOptions, **DIVISIONS, recipes=st.lists(st.sampled_from(list(RECIPES)), min_size=1).map(tuple)),
    st.builds(SabotageOptions, **DIVISIONS),
    st.builds(BackbonesOptions, **DIVISIONS, backbones=st.just(("resnet50", "mobilenet_v2"))),
    st.builds(LabelsOptions, **DIVISIONS, flip=st.floats(0, 0.5)),
    st.builds(AugmentationOptions, **DIVISIONS, head_learning_rate=st.floats(1e-7, 1)),
)
# As version 0.1 wrote every spec, whatever the study.
OF_VERSION_0_1 = ("depth", "size", "recipes", "sabotage", "backbones", "labels", "augmentation")
OLD = {
    "kind": "depth",
    "backbone": "efficientnet_lite0",
    "folds": 5,
    "repeats": 2,
    "training_splits": 2,
    "epochs": 2,
    "batch_size": 16,
    "head_learning_rate": 0.001,
    "fine_tune_learning_rate": 0.0001,
    "unfreeze_blocks": 6,
    "frozen_blocks": [],
    "arms": ["frozen", "fine_tuned"],
    "sizes": [1, 2, 5, 10, 20, 50, 100, 200, 500],
    "recipes": [
        "head_first",
        "at_once",
        "gradual",
        "discriminative",
        "rate_10",
        "rate_100",
        "batchnorm_training",
    ],
    "policies": ["all"],
    "backbones": [],
    "flip": 0.0,
    "seed": 0,
}


def pictures(per_class: int, part: str = "") -> tuple[Item, ...]:
    return tuple(Item(f"{label}{i}", label, f"{label}{i}.png", part) for label in "ab" for i in range(per_class))


@given(OPTIONS)
def test_spec_comes_back_from_json(options: LabOptions) -> None:
    spec = LabSpec(pictures(20), options, "somewhere")
    values = json.loads(json.dumps(spec.to_json()))
    assert list(values) == ["items", "options", "source"] and values["options"]["kind"] == options.kind
    assert read(values) == spec


@pytest.mark.parametrize("kind", OF_VERSION_0_1)
def test_spec_of_version_0_1_is_read(kind: str) -> None:
    defaults = {"size": (2, 3, 4), "recipes": (3, 4, 2), "augmentation": (3, 3, 2)}.get(kind, (2, 2, 2))
    changed = dict(zip(("training_splits", "epochs", "repeats"), defaults, strict=True))
    values = {"items": [["d", "a", "n", ""]] * 5 + [["e", "b", "n", ""]] * 5, "source": "mine"}
    spec = read(values | {"options": OLD | {"kind": kind, "folds": 4, "seed": 7} | changed})
    assert spec.options == STUDIES[kind].options(folds=4, seed=7), "what was of other studies is read over"
    with pytest.raises(SpecRefused, match="'kernel' is no option here; expected some of folds, repeats, seed"):
        read(values | {"options": {"kind": kind, "kernel": 3}})


def test_unknown_study_is_refused() -> None:
    with pytest.raises(SpecRefused) as refusal:
        read({"items": [], "options": OLD | {"kind": "width"}, "source": ""})
    assert str(refusal.value) == f"kind is 'width'; expected one of {', '.join(STUDIES)}."


@pytest.mark.parametrize(
    ("options", "wrong", "message"),
    [
        (DepthOptions, {"backbone": "lenet"}, "backbone is 'lenet'; expected one of efficientnet_lite0"),
        (DepthOptions, {"folds": 3.5}, "folds is 3.5; expected a whole number from 2 to 20."),
        (DepthOptions, {"folds": True}, "folds is True; expected a whole number from 2 to 20."),
        (SabotageOptions, {"seed": 1.5}, "seed is 1.5; expected a whole number from 0 to 2147483647."),
        (DepthOptions, {"training_splits": 11}, "training_splits is 11; expected 1 to 10, which is folds × repeats."),
        (DepthOptions, {"frozen_blocks": (18,)}, "frozen_blocks has 18; efficientnet_lite0 has 17 blocks."),
        (SizeOptions, {"arms": ()}, "arms has 0 values; expected 1 or more of frozen, fine_tuned, scratch."),
        (SizeOptions, {"sizes": (0, 5)}, "sizes is 0; expected a whole number from 1 to 100000."),
        (SizeOptions, {"unfreeze_blocks": 18}, "unfreeze_blocks is 18; expected 1 to 17: efficientnet_lite0 has no mo"),
        (RecipesOptions, {"recipes": ("luck",)}, "recipes is 'luck'; expected one of head_first"),
        (LabelsOptions, {"flip": 0.6}, "flip is 0.6; expected a number from 0.0 to 0.5."),
        (AugmentationOptions, {"policies": ("all", "spin")}, "policies is 'spin'; expected one of all, mirror"),
    ],
)
def test_options_out_of_range_are_refused_in_a_sentence(options: type[LabOptions], wrong: dict, message: str) -> None:
    with pytest.raises(SpecRefused) as refusal:
        options(**wrong)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("kind", list(STUDIES))
def test_two_divisions_are_enough_for_every_study(kind: str) -> None:
    """No study may refuse them for a number of trainings that nobody has asked for."""
    options = STUDIES[kind].options.of(folds=2, repeats=1)
    assert getattr(options, "training_splits", 2) == 2
    with pytest.raises(SpecRefused, match=r"folds is 2\.0; expected a whole number from 2 to 20"):
        STUDIES[kind].options.of(folds=2.0)


@pytest.mark.parametrize("kind", ["sabotage", "backbones", "labels"])
def test_study_that_trains_nothing_has_no_option_of_training(kind: str) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'epochs'"):
        STUDIES[kind].options.of(epochs=3)


def test_right_recipe_is_always_there_and_first() -> None:
    assert RecipesOptions(recipes=("rate_100", "gradual")).recipes == ("head_first", "gradual", "rate_100")


def test_study_needs_every_class_in_every_fold() -> None:
    with pytest.raises(SpecRefused) as refusal:
        LabSpec(pictures(6), DepthOptions(folds=8))
    assert str(refusal.value) == (
        "The class 'a' has 6 pictures and there are 8 folds. Choose fewer folds or add pictures: every class must be "
        "in every fold."
    )
    with pytest.raises(SpecRefused, match="There are no classes; at least 2 are needed"):
        LabSpec(pictures(9, part="test"), DepthOptions())


@pytest.mark.parametrize(
    ("kind", "chosen", "pictures", "seconds"),
    [
        ("depth", {}, 300, 62),
        ("depth", {"epochs": 4, "frozen_blocks": (0,)}, 600, 62 * 2),
        ("size", {}, 300, 71),
        ("size", {"arms": ("frozen",)}, 300, 71 * 2 / 8),
        ("recipes", {"recipes": ("at_once",), "unfreeze_blocks": 3}, 300, 313 / 7),
        ("sabotage", {"backbones": ("resnet50", "mobilenet_v2")}, 150, 101),
        ("backbones", {"backbones": ("resnet50",)}, 300, 3.5),
        ("labels", {"repeats": 1}, 300, 11.5),
        ("augmentation", {"policies": ("mirror", "shift", "zoom")}, 300, 278),
    ],
)
def test_cost_goes_with_pictures_and_work(kind: str, chosen: dict, pictures: int, seconds: float) -> None:
    study = STUDIES[kind]
    assert study.seconds(study.options.of(**chosen), pictures) == pytest.approx(seconds)


def test_every_option_has_words_for_a_control() -> None:
    for study in STUDIES.values():
        assert STUDIES[study.options.kind] is study
        for entry in fields(study.options):
            bounds = entry.metadata["bounds"]
            assert bounds.label and bounds.about.endswith("."), (study.key, entry.name)
            assert bool(bounds.empty) == (bounds.fewest == 0), (study.key, entry.name)


def test_records_and_views_load_nothing_that_computes() -> None:
    """They are the page's: what they show was computed where the numbers were made."""
    script = """
import importlib, sys
from cnn_core.training.lab import commands, studies
from ui.laboratory.views import RUNS, VIEWS
for view in VIEWS.values():
    importlib.import_module(view.module)
heavy = {"keras", "tensorflow", "scipy", "sklearn"} & sys.modules.keys()
assert not heavy, heavy
"""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
