"""The convolution page: every view, links, and figures that the chapter states."""

from typing import Any

import numpy as np
import pytest

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks import embedded

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
    return "\n".join(element.value for kind in kinds for element in kind)


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
    assert kernels.parse(app.query_params["convolution_kernel"]).shape == (4, 4)


def test_kernel_that_is_none_is_said_and_the_default_used(page: Any) -> None:
    app = page("convolution", convolution_kernel="1,2;3")
    assert "A kernel is square" in texts(app)
    assert app.query_params["convolution_kernel"] == kernels.to_text(kernels.PRESETS["sobel_x"].kernel())


def test_impossible_values_of_a_link_are_said(page: Any) -> None:
    app = page("convolution", convolution_stride="9", picture="nobody")
    assert "convolution\\_stride=9, which is not possible here" in texts(app)
    assert "picture=nobody" in texts(app)
    assert not app.exception


def test_chosen_kernel_is_said_and_stands_in_the_link(convolution: Any) -> None:
    app = choose(convolution(), "laplacian")
    assert app.query_params["convolution_kernel"] == "0,1,0;1,-4,1;0,1,0"
    assert kernels.PRESETS["laplacian"].meaning in texts(app)


def test_size_of_a_kernel_that_has_several_can_be_chosen(convolution: Any) -> None:
    app = choose(convolution(), "box")
    app.segmented_control(key="convolution_kernel_size_box_3").set_value(5).run()
    assert np.allclose(kernels.parse(app.query_params["convolution_kernel"]), np.full((5, 5), 1 / 25))
    assert not app.exception


def test_first_link_holds_nothing_but_what_was_chosen(convolution: Any, page: Any) -> None:
    assert dict(page("convolution").query_params) == {}


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


def test_example_is_the_chapters_map_and_its_flat_region_appears(convolution: Any) -> None:
    app = convolution("The chapter's example")
    assert "**[4, 4, −4, −4]**" in texts(app)
    assert "There is no 0 in this map" in texts(app)
    app.slider(key="convolution_bar_size").set_value(9).run()
    assert "Here a flat region shows" in texts(app)


def test_learning_recovers_the_kernel_and_its_turn(convolution: Any) -> None:
    app = convolution("Learn the kernel")
    assert "its largest error is" in texts(app)
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
