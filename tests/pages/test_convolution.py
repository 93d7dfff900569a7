"""The convolution page: every view, links, and figures that the chapter states."""

from typing import Any

import numpy as np
import pytest

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks import embedded

VIEWS = ("steps", "picture", "proof", "dense", "learn", "example")


def texts(app: Any) -> str:
    kinds = (app.markdown, app.info, app.warning, app.success, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


def show(app: Any, view: str) -> Any:
    return app.segmented_control(key="convolution_view").set_value(view).run()


@pytest.fixture
def convolution(page: Any, engine: Any) -> Any:
    engine.ask = lambda question, image, kernel, *rest: explain_in_numpy(image, kernel, *rest)
    return page("convolution")


def explain_in_numpy(image: Any, kernel: Any, stride: int, padding: str, dilation: int, flip: bool, edge: str) -> Any:
    """Stand in for the worker: Keras itself is compared in tests/test_explain.py."""
    operation = ops.convolve if flip else ops.cross_correlate
    return operation(image.astype(np.float32), kernel, stride, padding, dilation, edge=edge), 0.001


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("picture", ["chelsea", "bar", "digit-3"])
def test_every_view_works_on_large_and_tiny_pictures(page: Any, engine: Any, view: str, picture: str) -> None:
    engine.ask = lambda question, image, kernel, *rest: explain_in_numpy(image, kernel, *rest)
    app = show(page("convolution", picture=picture), view)
    assert not app.exception
    assert not app.error


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
    assert "picture=nobody, which is not possible here" in texts(app)
    assert not app.exception


def test_preset_fills_the_cells(convolution: Any) -> None:
    convolution.selectbox(key="convolution_kernel_preset").set_value("laplacian").run()
    assert convolution.query_params["convolution_kernel"] == "0,1,0;1,-4,1;0,1,0"
    assert "Makes edges" in texts(convolution) or kernels.PRESETS["laplacian"].meaning in texts(convolution)


def test_kernel_that_does_not_fit_is_refused_with_both_sizes(page: Any) -> None:
    app = page("convolution", picture="bar", convolution_kernel=kernels.to_text(np.ones((7, 7))))
    assert "7 × 7" in app.error[0].value
    assert "6 × 6" in app.error[0].value


def test_uneven_same_padding_is_drawn_and_said(page: Any) -> None:
    app = page("convolution", convolution_kernel="1,1;1,1")
    app.segmented_control(key="convolution_padding").set_value("same").run()
    assert "Keras puts the odd pixel after" in texts(app)


def test_proof_compares_three_ways(convolution: Any) -> None:
    app = show(convolution, "proof")
    assert "Keras computes the same map" in texts(app)
    assert "NumPy, the plain loop" in texts(app)
    assert "def cross_correlate_loop" in app.code[0].value


def test_proof_says_that_keras_cannot_be_asked(page: Any, engine: Any) -> None:
    engine.answers["convolve"] = EngineUnreachable("The engine cannot be reached.")
    app = show(page("convolution"), "proof")
    assert "Keras could not be asked: The engine cannot be reached." in texts(app)
    assert "NumPy, vectorised" in texts(app)


def test_dense_view_states_the_chapters_figures(convolution: Any) -> None:
    shown = texts(show(convolution, "dense"))
    assert "1,048,576" in shown
    assert "150,528" in shown
    assert "differs by **0.0e+00**" in shown


def test_example_is_the_chapters_map_and_its_flat_region_appears(convolution: Any) -> None:
    app = show(convolution, "example")
    assert "**[4, 4, −4, −4]**" in texts(app)
    assert "In this map there is none" in texts(app)
    app.slider(key="convolution_bar_size").set_value(9).run()
    assert "Here a flat region shows" in texts(app)


def test_learning_recovers_the_kernel_and_its_turn(convolution: Any) -> None:
    app = show(convolution, "learn")
    assert "its largest error is" in texts(app)
    app.toggle(key="convolution_flip").set_value(True).run()
    assert "it learns the kernel *turned*" in texts(app)


def test_challenges_are_ticked_when_met(convolution: Any) -> None:
    assert "Try this (0 of 3)" in [header.value for header in convolution.subheader]
    convolution.segmented_control(key="convolution_padding").set_value("same")
    convolution.selectbox(key="convolution_kernel_preset").set_value("identity").run()
    assert "Try this (1 of 3)" in [header.value for header in convolution.subheader]


def test_question_of_the_proof_is_the_workers(convolution: Any) -> None:
    from cnn_core.engine.jobs import QUESTIONS

    assert QUESTIONS["convolve"] == f"{embedded.__name__}:{embedded.convolve_keras.__name__}"
