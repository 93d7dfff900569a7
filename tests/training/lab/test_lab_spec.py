"""What a study may be asked: refusals in sentences, JSON and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.training.lab.spec import KINDS, RECIPES, LabOptions, Study

OPTIONS = st.builds(
    LabOptions.of,
    st.sampled_from(sorted(KINDS)),
    folds=st.integers(2, 20),
    repeats=st.integers(2, 20),
    flip=st.floats(0, 0.5),
    sizes=st.lists(st.integers(1, 500), min_size=1).map(tuple),
    recipes=st.lists(st.sampled_from(RECIPES), min_size=1).map(tuple),
    frozen_blocks=st.lists(st.integers(-17, 17)).map(tuple),
)


def pictures(per_class: int, part: str = "") -> tuple[Item, ...]:
    return tuple(Item(f"{label}{i}", label, f"{label}{i}.png", part) for label in "ab" for i in range(per_class))


@given(OPTIONS)
def test_study_comes_back_from_json(options: LabOptions) -> None:
    study = Study(pictures(20), options, "somewhere")
    assert Study.from_json(json.loads(json.dumps(study.to_json()))) == study


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"kind": "width"},
            "kind is width; expected one or more of depth, size, recipes, sabotage, backbones, labels, augmentation.",
        ),
        ({"backbone": "lenet"}, "backbone is lenet; expected one or more of efficientnet_lite0"),
        ({"arms": ()}, "arms is empty; expected one or more of frozen, fine_tuned, scratch."),
        ({"recipes": ("luck",)}, "recipes is luck; expected one or more of head_first"),
        ({"flip": 0.6}, "flip is 0.6; expected 0.0 to 0.5."),
        ({"training_splits": 11}, "training_splits is 11; expected 1 to 10."),
        ({"unfreeze_blocks": 18}, "unfreeze_blocks is 18; expected 1 to 17."),
        ({"frozen_blocks": (18,)}, "frozen_blocks has 18; efficientnet_lite0 has 17 blocks."),
        ({"sizes": (0, 5)}, "sizes is [0, 5]; expected pictures a class, each at least 1."),
    ],
)
def test_options_out_of_range_are_refused_in_a_sentence(wrong: dict, message: str) -> None:
    with pytest.raises(SpecRefused) as refusal:
        LabOptions(**{"kind": "depth"} | wrong)
    assert str(refusal.value).startswith(message)


def test_right_recipe_is_always_there_and_first() -> None:
    assert LabOptions("recipes", recipes=("rate_100", "gradual")).recipes == ("head_first", "gradual", "rate_100")


def test_study_needs_every_class_in_every_fold() -> None:
    with pytest.raises(SpecRefused) as refusal:
        Study(pictures(6), LabOptions("depth", folds=8))
    assert str(refusal.value) == (
        "The class 'a' has 6 pictures and there are 8 folds. Choose fewer folds or add pictures: every class must be "
        "in every fold."
    )
    with pytest.raises(SpecRefused, match="There are no classes; at least 2 are needed"):
        Study(pictures(9, part="test"), LabOptions("depth"))
