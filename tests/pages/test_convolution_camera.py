"""The step on the reader's camera: what is sent to the browser, and what of it a link says."""

import base64
from typing import Any

import numpy as np
import pytest

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic.trial import trial_frame
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.engine.jobs import QUESTIONS
from cnn_core.networks.first_layer import FirstLayer, first_layer
from ui.convolution.camera import liveliest
from ui.widgets.live_kernel import live_kernel

RNG = np.random.default_rng(0)
LAYER = FirstLayer(
    RNG.standard_normal((3, 3, 3, 4), np.float32), np.array([1.0, 2.0, -1.0, 0.5]), np.arange(4.0), (127.0, 128.0)
)


@pytest.fixture
def camera(page: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open the step; the last data that went to the component are in `sent`, and `choose` acts as it does."""
    engine.answers["first_layer"] = LAYER
    sent: dict[str, Any] = {}
    monkeypatch.setattr(live_kernel, "_live_kernel", lambda data, **more: sent.update(data=data, **more))

    def open_step(**link: str) -> Any:
        app = page("convolution", convolution_view="On camera", **link)
        assert not app.exception and not app.error
        return app

    open_step.sent = sent  # type: ignore[attr-defined]
    return open_step


def maps(data: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(data["expected"]), np.float32).reshape(shape)


def test_every_setting_of_the_lesson_goes_along_with_the_servers_own_map(camera: Any) -> None:
    camera(
        convolution_kernel="1,-2;0.5,0",
        convolution_channel="blue",
        convolution_stride="2",
        convolution_padding="full",
        convolution_dilation="3",
        convolution_edge="reflect",
        convolution_flip="true",
        convolution_relu="true",
    )
    data = camera.sent["data"]
    assert data["kernels"] == [[1, -2, 0.5, 0]] and data["cells"] == [2, 2] and data["channel"] == "blue"
    assert data["how"] == {"stride": 2, "padding": "full", "dilation": 3, "edge": "reflect", "flip": True}
    blue = trial_frame()[..., 2] / 255
    wanted = ops.relu(ops.convolve(blue, np.array([[1, -2], [0.5, 0]]), 2, "full", 3, edge="reflect"))
    assert np.allclose(maps(data, (1, *wanted.shape)), wanted, atol=1e-6)
    assert data["relu"] and data["ceiling"] is None and data["tolerance"] == 1e-5
    assert base64.b64decode(data["frame"]["pixels"]) == trial_frame().tobytes()


def test_first_layer_goes_with_its_weights_and_preprocessing(camera: Any) -> None:
    app = camera(convolution_by="network", convolution_map="3")
    data = camera.sent["data"]
    assert data["channel"] == "colours" and data["rescaled"] == [127, 128] and data["chosen"] == 2
    assert data["how"] | {"stride": 2, "padding": "same"} == data["how"]
    assert np.array_equal(np.reshape(data["kernels"], (4, 3, 3, 3))[1, 2], LAYER.kernel[:, :, 2, 1])
    seen = (trial_frame() - 127.0) / 128
    wanted = ops.cross_correlate(seen, LAYER.kernel, 2, "same") * LAYER.scale + LAYER.shift
    assert np.allclose(maps(data, (4, 23, 32)), np.moveaxis(wanted, 2, 0), atol=1e-5)
    app.toggle(key="convolution_relu").set_value(True).run()
    data = camera.sent["data"]
    assert data["ceiling"] == 6
    assert np.allclose(maps(data, (4, 23, 32)), np.moveaxis(np.clip(wanted, 0, 6), 2, 0), atol=1e-5)


def test_map_that_is_chosen_is_kept_for_a_link(camera: Any) -> None:
    app = camera(convolution_by="network")
    at = camera.sent["data"]["chosen"]
    assert at == liveliest(np.moveaxis(LAYER.maps(trial_frame(), relu=False), 2, 0))
    other = (at + 1) % 4
    app.session_state["link_aside"] = {"convolution_map": str(other + 1)}
    app.run()
    assert camera.sent["data"]["chosen"] == other
    assert "convolution_map" not in app.query_params


def test_map_that_is_not_there_is_said(camera: Any) -> None:
    app = camera(convolution_by="network", convolution_map="5")
    assert any("convolution_map=5, which is not possible here" in element.value for element in app.warning)
    assert camera.sent["data"]["chosen"] in range(4)


def test_layer_that_cannot_be_had_is_said_and_the_kernel_still_there(camera: Any, page: Any, engine: Any) -> None:
    engine.answers["first_layer"] = EngineUnreachable("The engine cannot be reached.")
    app = page("convolution", convolution_view="On camera", convolution_by="network")
    assert [element.value for element in app.error] == ["The engine cannot be reached."]
    app.segmented_control(key="convolution_by").set_value("kernel").run()
    assert not app.error and camera.sent["data"]["channel"] == "grey"


def test_few_cells_are_the_task(camera: Any) -> None:
    app = camera()
    assert not any("still there. **Done.**" in element.value for element in app.markdown)
    app.segmented_control(key="convolution_stride").set_value(4).run()
    assert any("still there. **Done.**" in element.value for element in app.markdown)


def test_question_is_answered_by_the_layer() -> None:
    assert QUESTIONS["first_layer"] == f"{first_layer.__module__}:{first_layer.__name__}"
