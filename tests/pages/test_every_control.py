"""Every control of every step acts: turned, it changes something that is computed, or it is disabled and says why."""

import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup, Selectbox

from cnn_core.engine.errors import EngineError
from cnn_core.networks.blueprints import Blueprint
from cnn_core.networks.effective_field import EffectiveField
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from ui.shared import stage
from ui.shared.stage import Step

PAGES = ("convolution", "pooling", "channels", "architectures", "laboratory", "receipts", "lessons")


def graph() -> dict[str, Any]:
    """A chain with the typical block, of two layers, and the stage ends of every architecture."""
    records = ARCHITECTURES.values()
    homes = {f"{block}_{place}": block for block in sorted({each.typical_block for each in records}) for place in "ab"}
    homes |= dict.fromkeys((end for each in records for end in each.stage_ends if end not in homes), "")
    layers = [
        {"name": name, "kind": "Conv2D", "block": block, "params": n, "trainable_params": n, "macs": 7 - n % 5}
        | {"output_shape": (8, 8, 4), "receptive_field": 3 + n % 7, "effective_stride": 1, "reason": ""}
        for n, (name, block) in enumerate(homes.items())
    ]
    return {"layers": layers, "edges": list(pairwise(homes)), "blocks": sorted(set(homes.values()) - {""})}


def blueprint() -> Blueprint:
    """A model of one layer."""
    row = {"name": "conv", "kind": "Conv2D", "output_shape": (8, 8, 4), "params": 112, "trainable_params": 112}
    row |= {"macs": 6912, "receptive_field": 3, "effective_stride": 1, "effective_padding": 1, "reason": ""}
    return Blueprint("one", "Sequential", (row,), 112, 112, 6912, 0)


def listening() -> EffectiveField:
    """A neuron that uses all pixels alike."""
    even = np.full((224, 224), 1 / 224**2, np.float32)
    middle = (112.0, 112.0)
    return EffectiveField("any", True, 1, even, (7, 7), 67, (78, 144), 111.0, 67**2, 1.0, 0.25, middle, (64.7, 64.7))


ANSWERS: dict[str, Any] = {  # of the engine, where a control acts on nothing else
    "architecture_graph": graph(),
    "effective_field": listening(),
    "read_architecture": blueprint(),
}
CONTROLS = {"button_group", "selectbox", "slider", "number_input", "toggle", "checkbox", "multiselect", "radio"}
SHOWN = {"markdown", "caption", "image", "plotly_chart", "bidi_component", "table", "metric", "html"}
SHOWN |= {"info", "success", "warning", "error"}
TIMES = re.compile(r"[\d.]+ ms\b")  # measured anew in each run, so that they would hide a dead control
COMPUTED = {"stage", "why", "estimate"}  # keys of the containers in which something computed is shown


def steps_of(page: str, patch: pytest.MonkeyPatch) -> dict[str, Step]:
    """Read a page's table without drawing it."""
    found: dict[str, Step] = {}
    patch.setattr(stage, "lesson", lambda key, steps, **options: found.update(steps))
    importlib.reload(importlib.import_module(f"pages.{page}"))
    return found


def elements(node: Any, inside: str = "") -> Iterator[tuple[Any, str]]:
    """All elements, each with the key of the nearest container that has one."""
    for child in getattr(node, "children", {}).values():
        if getattr(child, "children", None):
            yield from elements(child, getattr(child, "key", None) or inside)
        else:
            yield child, inside


def shown(app: AppTest) -> list[str]:
    """What stands on the stage and below it, in order: words, pictures by their content, figures, components' data."""
    return [
        TIMES.sub("", str(getattr(node.proto, "spec", "") or node.proto))
        for node, inside in elements(app._tree)
        if inside in COMPUTED and node.type in SHOWN
    ]


def controls(app: AppTest) -> list[Any]:
    """The controls of the step, without those that lead to another one."""
    return [node for node, inside in elements(app._tree) if node.type in CONTROLS and inside != "way"]


class Label(str):
    """What is read on an option; AppTest takes an option's value and knows only what is read."""


@pytest.fixture(autouse=True)
def _options_by_label(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (ButtonGroup, Selectbox):
        formatted = kind.format_func.fget

        def either(control: Any, formatted: Any = formatted) -> Any:
            return lambda value: str(value) if isinstance(value, Label) else formatted(control)(value)

        monkeypatch.setattr(kind, "format_func", property(either))


def others(control: Any) -> Iterator[Any]:
    """Values that a control could have instead."""
    if control.type in ("toggle", "checkbox"):
        yield not control.value
    elif control.type == "number_input":
        for value in (control.value + control.step, control.value - control.step, control.min, control.max):
            if value is not None and control.min <= value <= control.max and value != control.value:
                yield value
    elif control.type == "slider":
        yield from (value for value in (control.max, control.min) if value != control.value)
    elif isinstance(control.value, list):
        yield control.value[1:] if len(control.value) > 1 else [Label(option) for option in control.options]
    else:
        now = None if control.value is None else control.format_func(control.value)  # nothing may be chosen yet
        yield from (Label(option) for option in control.options if option != now)


def dead(app: AppTest) -> list[str]:
    """Turn each control of a step there and back; return those that change nothing and are not disabled."""
    before, idle = shown(app), []
    for control in controls(app):
        if control.disabled:
            continue
        kept = control.value
        for value in others(control):
            current = next(each for each in controls(app) if each.key == control.key)
            current.set_value(value).run()
            assert not app.exception, f"{control.key} = {value!r}"
            if shown(app) != before:
                break
        else:
            idle.append(control.key)
        next(each for each in controls(app) if each.key == control.key).set_value(kept).run()
        assert shown(app) == before, f"{control.key} does not come back"
    return idle


@pytest.mark.parametrize("page_name", PAGES)
def test_no_control_is_dead(page_name: str, page: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        names = list(steps_of(page_name, patch))
    assert names
    engine.answers = defaultdict(lambda: EngineError("The engine is away."), ANSWERS)
    found = {name: dead(page(page_name, **{f"{page_name}_view": name})) for name in names}
    assert {name: idle for name, idle in found.items() if idle} == {}


def test_a_dead_control_would_be_noticed() -> None:
    def script() -> None:
        import streamlit as st

        with st.container(key="stage"):
            st.markdown(f"{st.session_state.get('live', 1)}")
        st.slider("Live", 0, 3, 1, key="live")
        st.toggle("Dead", key="dead")
        st.toggle("Cannot act", key="off", disabled=True)

    assert dead(AppTest.from_function(script, default_timeout=60).run()) == ["dead"]
