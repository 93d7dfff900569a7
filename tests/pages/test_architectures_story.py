"""The story of the ideas: a card each, its numbers, and what its network makes of the reader's picture."""

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.engine.errors import EngineError
from cnn_core.networks import atlas, backbones
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from tests import walks
from tests.opening import open_view
from ui.architectures import story
from ui.architectures.history import IDEAS
from ui.zoom import sheets

CHANCE = "Random weights here: its maps of your picture would be chance."
LITE0 = "efficientnet_lite0"


def script() -> None:
    """A page of the timeline alone."""

    from ui.architectures import timeline
    from ui.shared import stage

    timeline.timeline(stage.room("story"))


@pytest.fixture
def told(store: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open the timeline where only the embedded network has trained weights, or those that the test names."""
    engine.asked = []
    engine.answers |= walks.answers(walks.small())
    monkeypatch.setattr(sheets, "_lite", walks.small)

    def ask(question: str, key: str, *args: Any, timeout: float = 0.0, **more: Any) -> Any:
        engine.asked.append((question, key))
        answer = engine.answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer(key, *args, **more)

    engine.ask = ask

    def open_at(*keys: str, **query: str) -> AppTest:
        monkeypatch.setattr(story, "at_hand", lambda key: key == LITE0 or key in keys)
        return open_view(script, **query)

    return open_at


def captions(app: AppTest) -> list[str]:
    return [
        image.caption.replace("\\", "").replace("\u00a0×\u00a0", " × ")
        for each in app.get("image")
        for image in each.proto.imgs
    ]


def chances(app: AppTest) -> int:
    return [each.value for each in app.caption].count(CHANCE)


def test_cards_come_in_the_order_of_ideas_each_with_its_network(told: Any) -> None:
    app = told()
    heads = [each.value for each in app.markdown if each.value.startswith("## ") and "·" in each.value]
    expected = [(ARCHITECTURES[key].year, name.capitalize()) for name, (key, _) in IDEAS.items()]
    assert heads == [f"## {year} · {name}" for year, name in expected]
    said = [each.value for each in app.markdown if "**What it put right.**" in each.value][: len(IDEAS)]
    for text, (key, _) in zip(said, IDEAS.values(), strict=True):
        assert text.startswith(f"**{ARCHITECTURES[key].title}.**")


def test_every_number_has_a_receipt(told: Any) -> None:
    said = [each.value for each in told().markdown if re.match(r"\*\*[^*]+\.\*\* .*parameters:small", each.value, re.S)]
    assert len(said) == len(IDEAS)
    assert all("receipts?receipt=" in each for each in said)
    errors = [each for each in said if "top-1 error on ImageNet" in each]
    assert len(errors) == len(IDEAS) - 1, "LeNet-5 was never measured on it"
    assert all("top-1 error on ImageNet:small[[:material/receipt_long:]" in each for each in errors)
    assert any("no top-1 error of it on ImageNet was published." in each for each in said)
    control = next(each for each in said if each.startswith("**Plain-34.**"))
    assert "**28.5%** top-1 error" in control and "not measured in one pass" in control, "He et al. 2016, table 2"


def test_bars_are_shares_of_the_dearest(told: Any) -> None:
    tables = [each.proto.body for each in told().get("html") if '<table class="costs">' in each.proto.body]
    facts = atlas.read()["architectures"]
    for field, place in (("trainable_params", 0), ("macs", 1)):
        counts = [facts[key][field] for key, _ in IDEAS.values()]
        shown = [float(re.findall(r"width: ([\d.]+)%", table)[place]) for table in tables]
        assert shown == [round(100 * count / max(counts), 1) for count in counts]


def test_embedded_network_is_asked_and_random_weights_are_called_so(told: Any, engine: Any) -> None:
    app = told()
    assert engine.asked == [("zoom_strip", LITE0)], "one question, and none that needs TensorFlow"
    assert captions(app) == [
        "EfficientNet-Lite0, of the same idea: 12 of its last maps of your picture, 16 × 16 each. It says tabby, 75.0%."
    ]
    assert chances(app) == len(IDEAS) - 1


def test_another_network_with_trained_weights_is_asked_when_wanted(told: Any, engine: Any) -> None:
    engine.answers["zoom_plan"] = lambda key: walks.small()
    app = told("resnet50")
    assert ("zoom_strip", "resnet50") not in engine.asked and chances(app) == len(IDEAS) - 2
    app.button(key="story_ask_resnet50").click().run()
    assert not app.exception and len(captions(app)) == 2
    assert captions(app)[0].startswith("ResNet-50: 12 of its last maps"), "it brought the idea itself"


def test_weights_that_the_worker_has_not_are_said_to_be_random(told: Any, engine: Any) -> None:
    from dataclasses import replace

    untrained = replace(walks.small(), pretrained=False, weights="random weights")
    engine.answers["zoom_plan"] = lambda key: untrained
    app = told("resnet50")
    app.button(key="story_ask_resnet50").click().run()
    assert len(captions(app)) == 1 and "ResNet-50: random weights." in [each.value for each in app.caption]


def test_trouble_is_a_sentence_in_its_card(told: Any, engine: Any) -> None:
    engine.answers["zoom_strip"] = EngineError("The engine is away.")
    app = told()
    assert not app.error and "The engine is away." in [each.value for each in app.caption]
    assert not captions(app)


def test_one_idea_alone_is_told_when_it_is_chosen(told: Any) -> None:
    app = told(architectures_idea="multi-scale")
    heads = [each.value for each in app.markdown if each.value.startswith("## 2014 ·")]
    assert heads == ["## 2014 · Multi-scale"] and chances(app) == 1


def test_card_finds_its_network_in_the_figure(told: Any) -> None:
    app = told()
    app.button(key="story_find_depthwise").click().run()
    assert app.selectbox(key="architectures_one").value == "mobilenet_v1"


def test_card_leads_into_its_network(page: Any) -> None:
    app = page("architectures", zoom="stem_relu6")
    app.button(key="story_walk_compound_scaling").click().run()
    assert not app.exception and not app.warning
    assert app.segmented_control(key="architectures_view").value == "Picture"
    assert app.selectbox(key="architectures_network").value == LITE0
    assert "zoom" not in app.query_params, "from the whole network"


def test_weights_at_hand_are_those_of_the_network_that_brought_the_idea_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "at_hand", lambda key: key in backbones.BACKBONES)
    found = {idea: story.network_at_hand(idea) for idea in IDEAS}
    assert found["residual"] == "resnet50" and found["depthwise"] == "mobilenet_v2" and found["template"] == ""
    assert set(found.values()) - {""} <= set(backbones.BACKBONES)
