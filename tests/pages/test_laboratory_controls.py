"""The controls of a study that is not there yet: one of every kind of option, without a line of its own in `ui`."""

from typing import Any

from streamlit.testing.v1 import AppTest


def script() -> None:
    import dataclasses
    from typing import ClassVar

    import streamlit as st

    from cnn_core.training.lab.results import LabResult
    from cnn_core.training.lab.spec import LabOptions, several_networks
    from cnn_core.training.spec import choices, flag, number, numbers
    from cnn_core.training.study import Study
    from ui.laboratory.controls import controls, expected

    @dataclasses.dataclass(frozen=True)
    class Toy(LabOptions):
        kind: ClassVar[str] = "toy"
        whiten: bool = flag(False, "Whiten", "The features, before anything else.")
        widths: tuple[int, ...] = numbers((), 1, 9, "Widths", "Some.", fewest=0, empty="All widths")
        names: tuple[str, ...] = choices(("b",), lambda: "abc", "Names", "Some of three.")
        rate: float = number(1e-3, 1e-7, 1.0, "Rate", "Adam's.")
        share: float = number(0.2, 0.0, 0.5, "Share", "Of the labels.")
        backbones: tuple[str, ...] = several_networks()

    toy = Study("toy", "What?", Toy, LabResult, "nowhere:study", lambda options, _: 60.0 * len(options.backbones))
    options, refusal = controls(toy)
    st.session_state["found"] = (options.to_json() if options else None, refusal)
    st.caption(expected(toy, options or Toy(), 300)[0])


def opened() -> Any:
    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    return app


def test_every_kind_of_option_has_a_control_with_its_default() -> None:
    app = opened()
    options, refusal = app.session_state["found"]
    assert refusal == "" and options == {
        **{"kind": "toy", "folds": 5, "repeats": 2, "seed": 0, "whiten": False, "widths": [], "names": ["b"]},
        **{"rate": 1e-3, "share": 0.2, "backbones": []},
    }
    assert app.multiselect(key="laboratory_toy_widths").placeholder == "All widths"
    assert app.multiselect(key="laboratory_toy_backbones").placeholder == "All that are here"


def test_what_is_chosen_reaches_the_options_and_what_they_will_take() -> None:
    app = opened()
    app.toggle(key="laboratory_toy_whiten").set_value(True)
    app.multiselect(key="laboratory_toy_backbones").set_value(["efficientnet_lite0"]).run()
    options, _ = app.session_state["found"]
    assert options["whiten"] is True and options["backbones"] == ["efficientnet_lite0"]
    assert app.caption[-1].value == "About 1 minute.", "a network is a minute"


def test_refusal_calls_an_option_as_its_control_is_called() -> None:
    app = opened()
    app.button_group(key="laboratory_toy_names").set_value([]).run()
    assert app.session_state["found"] == (None, "Names has 0 values; expected 1 or more of a, b, c.")
