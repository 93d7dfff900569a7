"""The convolution page: every view, links, and figures that the chapter states."""

import io
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks import embedded
from ui.widgets.kernel_editor import kernel_editor

STEPS = (
    "Whole picture",
    "Step by step",
    "On camera",
    "Why not dense",
    "Learn the kernel",
    "The chapter's example",
    "Proof",
)


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\u00a0×\u00a0", " × ")


def choose(app: Any, preset: str) -> Any:
    """Choose a kernel on the wall, as its component would."""
    app.session_state["convolution_kernel"] = kernels.to_text(kernels.PRESETS[preset].kernel())
    return app.run()


@pytest.fixture
def convolution(page: Any, engine: Any) -> Any:
    engine.ask = lambda question, image, kernel, *rest, **_: explain_in_numpy(image, kernel, *rest)
    return lambda step="Whole picture", **link: page("convolution", convolution_view=step, **link)


def explain_in_numpy(image: Any, kernel: Any, stride: int, padding: str, dilation: int, flip: bool, edge: str) -> Any:
    """Stand in for the worker: Keras itself is compared in tests/networks/test_embedded.py."""
    operation = ops.convolve if flip else ops.cross_correlate
    return operation(image.astype(np.float32), kernel, stride, padding, dilation, edge=edge), 0.001


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("picture", ["chelsea", "bar", "digit-3"])
def test_every_step_works_on_large_and_tiny_pictures(convolution: Any, step: str, picture: str) -> None:
    app = convolution(step, picture=picture)
    assert not app.exception
    assert not app.error
    assert app.title[0].value.endswith("?"), "a step begins with a question"


def test_kernel_in_the_link_is_used_and_changes_are_written_back(page: Any) -> None:
    app = page("convolution", convolution_kernel="0,0,0;0,2,0;0,0,0")
    assert app.query_params["convolution_kernel"] == "0,0,0;0,2,0;0,0,0"
    app.button(key="convolution_kernel_Negate").click().run()
    assert app.query_params["convolution_kernel"] == "0,0,0;0,-2,0;0,0,0"
    app.button(key="convolution_kernel_Larger").click().run()
    assert kernels.from_text(app.query_params["convolution_kernel"]).shape == (4, 4)


def test_kernel_that_is_none_is_said_and_the_default_used(page: Any) -> None:
    app = page("convolution", convolution_kernel="1,2;3")
    assert "A kernel is square" in texts(app)
    assert app.query_params["convolution_kernel"] == kernels.to_text(kernels.PRESETS["sobel_x"].kernel())


def test_impossible_values_of_a_link_are_said(page: Any) -> None:
    app = page("convolution", convolution_stride="9", picture="nobody")
    assert "convolution_stride=9, which is not possible here" in texts(app)
    assert "picture=nobody" in texts(app)
    assert not app.exception


def test_chosen_kernel_is_said_and_stands_in_the_link(convolution: Any) -> None:
    app = choose(convolution(), "laplacian")
    assert app.query_params["convolution_kernel"] == "0,1,0;1,-4,1;0,1,0"
    assert kernels.PRESETS["laplacian"].meaning in texts(app)


def test_size_of_a_kernel_that_has_several_can_be_chosen(convolution: Any) -> None:
    app = choose(convolution(), "box")
    app.segmented_control(key="convolution_kernel_size_box_3").set_value(5).run()
    assert np.allclose(kernels.from_text(app.query_params["convolution_kernel"]), np.full((5, 5), 1 / 25))
    assert not app.exception


def test_first_link_holds_nothing_but_what_was_chosen(convolution: Any, page: Any) -> None:
    assert dict(page("convolution").query_params) == {}


def tiny(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (40, 1)])
def test_picture_smaller_than_the_kernel_is_told_on_every_step(
    convolution: Any, bring: Any, size: tuple[int, int]
) -> None:
    app = bring(convolution(), "tiny.png", tiny(*size))
    for step in STEPS:
        app.query_params["convolution_view"] = step
        app.run()
        assert not app.exception
        if step not in ("On camera", "The chapter's example"):
            said = [each.value for each in (*app.error, *app.info)]
            assert any("does not fit" in each or "Choose a larger one." in each for each in said), step


def test_cell_that_no_kernel_can_have_loses_nothing(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def grid(*, data: Any, key: str, on_edited_change: Any) -> None:
        def type_into_it() -> None:
            st.session_state[key] = {"edited": "1,5000;3,4"}
            on_edited_change()

        st.button("Type", key="typed", on_click=type_into_it)

    monkeypatch.setattr(kernel_editor, "_grid", grid)
    app = page("convolution", convolution_kernel="1,2;3,4")
    app.button(key="typed").click().run()
    assert "received '5000'. The kernel stays as it was." in texts(app)
    assert app.query_params["convolution_kernel"] == "1,2;3,4"
    assert not app.run().warning


def test_change_of_a_kernel_that_no_link_can_hold_is_refused_before_it_is_made(page: Any) -> None:
    app = page("convolution", convolution_kernel="900,-899.999;0,0")
    button = app.button(key="convolution_kernel_Normalise")
    assert button.disabled and "between −1000 and 1000; received '900000'" in button.help.replace("\\", "")


def test_kernel_that_does_not_fit_is_refused_with_both_sizes(page: Any) -> None:
    app = page("convolution", picture="bar", convolution_kernel=kernels.to_text(np.ones((7, 7))))
    assert "7 × 7" in app.error[0].value
    assert "6 × 6" in app.error[0].value


def test_uneven_same_padding_is_drawn_and_said(page: Any) -> None:
    app = page("convolution", convolution_kernel="1,1;1,1", convolution_view="Step by step")
    app.segmented_control(key="convolution_padding").set_value("same").run()
    assert "Keras puts the odd pixel after" in texts(app)


def test_proof_compares_three_ways(convolution: Any) -> None:
    app = convolution("Proof")
    assert "Keras computes the same map" in texts(app)
    assert "NumPy, the plain loop" in texts(app)
    assert "def cross_correlate_loop" in app.code[0].value


def test_proof_says_that_keras_cannot_be_asked(page: Any, engine: Any) -> None:
    engine.answers["convolve"] = EngineUnreachable("The engine cannot be reached.")
    app = page("convolution", convolution_view="Proof")
    assert "Keras could not be asked: The engine cannot be reached." in texts(app)
    assert "NumPy, vectorised" in texts(app)


def test_dense_view_states_the_chapters_figures(convolution: Any) -> None:
    shown = texts(convolution("Why not dense"))
    assert "1,048,576" in shown
    assert "150,528" in shown
    assert "differs by **0** (relative)" in shown


def test_dense_layer_is_counted_for_the_picture_as_it_is(convolution: Any) -> None:
    assert f"**{(170 * 256) ** 2:,}** weights" in texts(convolution("Why not dense")), "Chelsea is 170 × 256 here"
    app = convolution("Why not dense", picture="digit-3", convolution_shift="20")
    assert "it is moved by 2 px" in texts(app) and "back by 2 it" in texts(app)
    assert "20 pixels or more and watch the map follow. **Done.**" not in texts(app)


@pytest.mark.parametrize(("width", "said"), [(1, True), (3, False)])
def test_zero_on_a_bar_of_one_cell_is_no_flat_region(convolution: Any, width: int, said: bool) -> None:
    app = convolution("The chapter's example")
    app.slider(key="convolution_bar").set_value(width).run()
    assert "Here a flat region shows" in texts(app)
    assert ("Right on a bar of one cell a 0 is its two edges" in texts(app)) == said


@pytest.mark.parametrize(("picture", "said"), [("bar", True), ("digit-3", False), ("chelsea", False)])
def test_kernel_that_a_picture_cannot_determine_is_told(convolution: Any, picture: str, said: bool) -> None:
    """All rows of the bar are alike: only sums of columns can be learnt from it."""
    assert ("varies too little to tell" in texts(convolution("Learn the kernel", picture=picture))) == said


def test_example_is_the_chapters_map_and_its_flat_region_appears(convolution: Any) -> None:
    app = convolution("The chapter's example")
    assert "**[4, 4, −4, −4]**" in texts(app)
    assert "There is no 0 in this map" in texts(app)
    app.slider(key="convolution_bar_size").set_value(9).run()
    assert "Here a flat region shows" in texts(app)


def test_learning_recovers_the_kernel_and_its_turn(convolution: Any) -> None:
    app = convolution("Learn the kernel")
    assert "no weight is off by more than" in texts(app)
    app.toggle(key="convolution_flip").set_value(True).run()
    assert "it learns the kernel *turned*" in texts(app)


def test_task_is_ticked_when_met_and_stays_so(convolution: Any) -> None:
    app = convolution("Step by step")
    assert "radio_button_unchecked: Find a kernel and a padding" in texts(app)
    app.segmented_control(key="convolution_padding").set_value("same")
    app = choose(app, "identity")
    assert "leave the picture as it is. **Done.**" in texts(app)
    app = choose(app, "sobel_x")
    assert "leave the picture as it is. **Done.**" in texts(app)


def test_single_cell_leaves_the_picture_as_it_is_without_padding(convolution: Any) -> None:
    app = convolution("Step by step", convolution_kernel="1")
    assert "leave the picture as it is. **Done.**" in texts(app)


def test_border_is_disabled_while_there_is_none(convolution: Any) -> None:
    app = convolution()
    assert app.segmented_control(key="convolution_edge").disabled
    app.segmented_control(key="convolution_padding").set_value("same").run()
    assert not app.segmented_control(key="convolution_edge").disabled


def test_next_and_back_walk_through_the_steps(convolution: Any) -> None:
    app = convolution()
    seen = [app.title[0].value]
    for step in STEPS[1:]:
        app.button(key="convolution_view_next").click().run()
        assert app.query_params["convolution_view"] == step
        seen.append(app.title[0].value)
    assert len(set(seen)) == len(STEPS)
    app.button(key="convolution_view_back").click().run()
    assert app.title[0].value == seen[-2]


def test_question_of_the_proof_is_the_workers(convolution: Any) -> None:
    from cnn_core.engine.jobs import QUESTIONS

    assert QUESTIONS["convolve"] == f"{embedded.__name__}:{embedded.convolve_keras.__name__}"
