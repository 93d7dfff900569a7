"""What an experiment may be asked: refusals in sentences, JSON and back."""

import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.networks.backbones import BACKBONES
from cnn_core.pictures.items import Item, SpecRefused, shortage
from cnn_core.training.spec import bounds_of
from cnn_core.training.transfer.spec import ARMS, Experiment, Options

OPTIONS = st.sampled_from(sorted(BACKBONES)).flatmap(
    lambda backbone: st.builds(
        Options,
        arms=st.lists(st.sampled_from(ARMS), min_size=1).map(tuple),
        backbone=st.just(backbone),
        epochs=st.integers(1, 200),
        batch_size=st.integers(1, 256),
        head_learning_rate=st.floats(1e-7, 1),
        fine_tune_learning_rate=st.floats(1e-7, 1),
        unfreeze_blocks=st.integers(1, len(BACKBONES[backbone].block_starts)),
        augment=st.booleans(),
        seed=st.integers(0, 2**31 - 1),
        class_weights=st.booleans(),
    )
)


def ten(*labels: str) -> tuple[Item, ...]:
    return tuple(Item(f"{label}{i}", label, f"{label} {i}.png", "") for label in labels for i in range(10))


@given(options=OPTIONS)
def test_options_survive_json(options: Options) -> None:
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_experiment_survives_json() -> None:
    items = (*ten("cat", "Übung ✓"), Item("x", "cat", "x.png", "test"))
    experiment = Experiment(items, Options(arms=("scratch",), seed=7), source="my folder")
    assert Experiment.from_json(json.loads(json.dumps(experiment.to_json()))) == experiment
    assert experiment.classes == ("cat", "Übung ✓")


def test_options_of_version_01_are_read() -> None:
    written = {
        "arms": ["frozen", "fine_tuned"],
        "backbone": "mobilenet_v2",
        "epochs": 3,
        "batch_size": 16,
        "head_learning_rate": 0.001,
        "fine_tune_learning_rate": 0.0001,
        "unfreeze_blocks": 4,
        "augment": True,
        "seed": 7,
    }
    assert Options.from_json(written) == Options(backbone="mobilenet_v2", epochs=3, augment=True, seed=7)
    assert Options.from_json(written).to_json() == written | {"class_weights": False}


def test_unknown_option_is_refused() -> None:
    with pytest.raises(SpecRefused, match="'colour' is no option here; expected some of arms, backbone, epochs, batch"):
        Options.from_json(Options(seed=3).to_json() | {"colour": "blue"})


def test_every_option_tells_people_what_it_is() -> None:
    told = {entry.name: bounds_of(entry) for entry in fields(Options)}
    assert all(bounds.label and bounds.about.endswith(".") for bounds in told.values())


def test_arms_keep_one_order() -> None:
    assert Options(arms=("fine_tuned", "scratch", "fine_tuned")).arms == ("scratch", "fine_tuned")


def test_defaults_fine_tune_ten_to_a_hundred_times_slower() -> None:
    assert 10 <= Options().head_learning_rate / Options().fine_tune_learning_rate <= 100
    assert Options().arms == ("frozen", "fine_tuned")
    with pytest.raises(FrozenInstanceError):
        Options().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"arms": ()}, "arms has 0 values; expected 1 or more of scratch, frozen, fine_tuned."),
        ({"arms": ("frozen", "hot")}, "arms is 'hot'; expected one of scratch, frozen, fine_tuned."),
        ({"backbone": "alexnet"}, f"backbone is 'alexnet'; expected one of {', '.join(BACKBONES)}."),
        ({"epochs": 0}, "epochs is 0; expected a whole number from 1 to 200."),
        ({"epochs": 201}, "epochs is 201; expected a whole number from 1 to 200."),
        ({"epochs": 2.5}, "epochs is 2.5; expected a whole number from 1 to 200."),
        ({"epochs": True}, "epochs is True; expected a whole number from 1 to 200."),
        ({"seed": 1.5}, "seed is 1.5; expected a whole number from 0 to 2147483647."),
        ({"augment": 1}, "augment is 1; expected true or false."),
        ({"batch_size": 0}, "batch_size is 0; expected a whole number from 1 to 256."),
        ({"head_learning_rate": 2.0}, "head_learning_rate is 2.0; expected a number from 1e-07 to 1.0."),
        (
            {"fine_tune_learning_rate": float("nan")},
            "fine_tune_learning_rate is nan; expected a number from 1e-07 to 1.0.",
        ),
        ({"unfreeze_blocks": 18}, "unfreeze_blocks is 18; expected 1 to 17, as EfficientNet-Lite0 has."),
        ({"backbone": "vgg16", "unfreeze_blocks": 6}, "unfreeze_blocks is 6; expected 1 to 5, as VGG-16 has."),
        ({"seed": -1}, "seed is -1; expected a whole number from 0 to 2147483647."),
    ],
)
def test_wrong_option_is_refused_with_what_is_expected(wrong: dict, message: str) -> None:
    with pytest.raises(SpecRefused) as caught:
        Options(**wrong)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "There are no classes; at least 2 are needed. Add pictures of another class."),
        (["a"] * 9, "There is 1 class; at least 2 are needed. Add pictures of another class."),
        (["b"] * 4 + ["a"] * 9, "The class 'b' has 4 pictures; at least 5 are needed. Add 1 more."),
        (["b"] * 5 + ["a"], "The class 'a' has 1 picture; at least 5 are needed. Add 4 more."),
        (["b"] * 5 + ["a"] * 5, ""),
    ],
)
def test_shortage(labels: list[str], message: str) -> None:
    assert shortage(labels) == message


def test_test_pictures_do_not_make_up_for_a_shortage() -> None:
    items = (*ten("cat"), *(Item(f"d{i}", "dog", "", "test") for i in range(10)))
    with pytest.raises(SpecRefused, match="There is 1 class; at least 2 are needed"):
        Experiment(items)
