"""What the recorder hands over: frames come in as uploads do, as one burst, and it is said what was left out."""

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image

from cnn_core.pictures.items import Item
from cnn_core.pictures.limits import BURST_FRAMES
from cnn_core.store.runs import Store
from cnn_core.training.transfer.spec import Experiment
from tests.pages.test_pictures_in import picture, texts, two_classes  # noqa: F401  a fixture
from ui.laboratory.runs import fingerprint
from ui.widgets.recorder import recorder
from ui.widgets.recorder.recorder import RecordingDamaged, parsed

KEY = "transfer_recorder"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the component is told, run by run; its place is taken by the session, where a test puts what it sends."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(recorder, "_recorder", lambda *, data, **_: told.append(data))
    return told


def burst(number: str, label: str, *frames: bytes, alike: int = 0) -> dict[str, Any]:
    """What the browser sends."""
    coded = [base64.b64encode(frame).decode() for frame in frames]
    return {"burst": {"id": number, "label": label, "frames": coded, "alike": alike}}


def send(app: Any, *args: Any, **options: Any) -> Any:
    app.session_state[KEY] = burst(*args, **options)
    return app.run()


def test_recording_is_taken_as_one_burst_and_the_browser_is_told(two_classes: Any, shown: list[Any]) -> None:  # noqa: F811
    app = two_classes
    app.selectbox(key="transfer_camera_class").set_value("cats").run()
    assert (shown[-1]["label"], shown[-1]["recordings"], shown[-1]["needed"]) == ("cats", 0, 0), "six pictures do"
    app = send(app, "r1", "cats", *(picture(300 + n) for n in range(5)), alike=7)
    assert not app.exception
    assert "5 added. 7 frames of the recording left out: nearly the same as others." in texts(app)
    assert "Move a little while you hold." in texts(app)
    new = [item for item in app.session_state.album.items if item.burst]
    assert len(new) == 5 and {item.label for item in new} == {"cats"} and len({item.burst for item in new}) == 1
    assert [item.name.rpartition("-")[2] for item in new] == ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"]
    assert (shown[-1]["taken"], shown[-1]["recordings"]) == ("r1", 1)
    assert app.selectbox(key="transfer_camera_class").value == "cats", "for the next recording"
    app.run()
    assert len([item for item in app.session_state.album.items if item.burst]) == 5, "and not once more"
    app = send(app, "r2", "cats", picture(320), picture(321))
    assert len({item.burst for item in app.session_state.album.items}) == 3 and shown[-1]["taken"] == "r2"


def test_one_frame_is_a_picture_like_others(two_classes: Any, shown: list[Any]) -> None:  # noqa: F811
    app = send(two_classes, "r1", "cats", picture(330))
    assert app.session_state.album.counts["cats"] == 7
    assert {item.burst for item in app.session_state.album.items} == {""}


def test_class_of_too_few_recordings_cannot_be_trained_and_says_why(page: Any, shown: list[Any]) -> None:
    app = page("transfer")
    for number, label in enumerate(["cup", "pen", "pen", "pen"]):
        frames = (picture(400 + 10 * number + n) for n in range(6))
        app = send(app, f"r{number}", label, *frames)
        assert app.session_state.album.counts[label] == 6 * max(1, number)
    assert app.button(key="transfer_start").disabled
    assert "The class 'cup' has 1 recording." in texts(app) and "Record 2 more times" in texts(app)
    app.selectbox(key="transfer_camera_class").set_value("cup").run()
    assert (shown[-1]["recordings"], shown[-1]["needed"]) == (1, 3)
    for number in (5, 6):
        app = send(app, f"r{number}", "cup", *(picture(500 + 10 * number + n) for n in range(4)))
    assert not app.button(key="transfer_start").disabled
    app.button(key="transfer_start").click().run()
    assert not app.exception


def test_run_of_recordings_is_asked_with_them(page: Any, shown: list[Any], store: Store) -> None:
    app = page("transfer")
    for label in ("cup", "pen"):
        for number in range(3):
            frames = (picture(hash_of(label, number, n)) for n in range(2))
            app = send(app, f"{label}{number}", label, *frames)
    app.button(key="transfer_start").click().run()
    (run_id,) = store.owned(app.session_state.visit)
    items = Experiment.from_json(store.get(run_id).spec).items
    assert sorted({item.label for item in items}) == ["cup", "pen"] and len({item.burst for item in items}) == 6


def hash_of(label: str, number: int, frame: int) -> int:
    return 1000 * len(label) + 100 * (label == "pen") + 10 * number + frame


def test_no_picture_among_the_frames_is_refused_by_name_and_the_browser_is_told(
    two_classes: Any,  # noqa: F811
    shown: list[Any],
) -> None:
    app = send(two_classes, "r1", "cats", b"no picture", picture(340))
    assert "1 added, 1 skipped." in texts(app) and shown[-1]["taken"] == "r1"


def test_refused_recording_is_not_asked_for_again(
    two_classes: Any,  # noqa: F811
    shown: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(self: Store, key: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", full)
        app = send(two_classes, "r1", "cats", picture(350), picture(351))
    assert "Nothing was added" in app.error[0].value and shown[-1]["taken"] == "r1"
    assert app.session_state.album.counts == {"cats": 6, "dogs": 6}
    app.run()
    assert not app.error


def test_what_is_no_recording_is_refused_in_a_sentence(two_classes: Any, shown: list[Any]) -> None:  # noqa: F811
    app = two_classes
    app.session_state[KEY] = {"burst": {"id": "r9", "label": "cats", "frames": ["*"], "alike": 0}}
    app.run()
    assert app.error[0].value == "The recording arrived damaged; nothing was added. Record it again."
    assert shown[-1]["taken"] == "r9" and app.session_state.album.counts == {"cats": 6, "dogs": 6}


@pytest.mark.parametrize(
    "value",
    [
        "text",
        {"id": "1"},
        {"id": "1", "label": 7, "frames": ["AAAA"], "alike": 0},
        {"id": "1", "label": "a", "frames": [7], "alike": 0},
        {"id": "1", "label": "a", "frames": 7, "alike": 0},
    ],
)
def test_damaged_recordings_are_told_from_others(value: Any) -> None:
    with pytest.raises(RecordingDamaged, match="^The recording arrived damaged; nothing was added. Record it again.$"):
        parsed(value)


def test_longer_recordings_than_the_browser_makes_are_refused() -> None:
    with pytest.raises(RecordingDamaged, match=f"151 frames was received; 1 to {BURST_FRAMES} are expected"):
        parsed({"id": "1", "label": "a", "frames": ["AAAA"] * 151, "alike": 0})


def test_frames_of_the_size_that_is_recorded_fit_into_one_message() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)  # nothing takes more bytes
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=92)
    assert st.get_option("server.maxMessageSize") * 10**6 > BURST_FRAMES * len(buffer.getvalue()) * 4 / 3


def test_studies_know_pictures_by_their_recordings_and_others_as_before() -> None:
    plain = [Item("d1", "cat", "a.png"), Item("d2", "dog", "b.png", "test")]
    assert fingerprint(plain) == fingerprint([item.to_json() for item in plain]) == "281f7a5620e7b8d3"
    recorded = [replace(plain[0], burst="b7"), plain[1]]
    assert fingerprint(recorded) == fingerprint([item.to_json() for item in recorded]) != fingerprint(plain)
