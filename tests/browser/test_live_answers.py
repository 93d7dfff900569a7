"""Live answers in a real Chromium, whose camera is a file of known frames: the server's answers, and nothing leaves."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect

from benchmarks.film import film
from cnn_core.engine.client import Engine
from cnn_core.store.records import Run
from cnn_core.training.transfer.manifest import live_manifest

from .conftest import LIMIT, Server, launched, pixels, settled, visits

WIDTH, HEIGHT = 320, 240
LEAST = (
    5_000  # bytes: below what any picture of the camera's size can be coded in, above what a page says to its server
)
FEW = 3  # frames
SEEN = """
root => {
  const { seen } = root.state, { image } = seen;
  let rgba = '';
  for (let at = 0; at < image.data.length; at += 8192) {
    rgba += String.fromCharCode(...image.data.subarray(at, at + 8192));
  }
  const meters = [...root.querySelectorAll('.classes .meter')].map((meter) => Number(meter.dataset.probability));
  return { rgba: btoa(rgba), width: image.width, height: image.height, meters };
}
"""
# A film of one colour, made by the browser itself: two seconds of a canvas that is drawn anew all the time.
FILMED = """
async ([red, green, blue]) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 });
  const pen = canvas.getContext('2d');
  pen.fillStyle = `rgb(${red} ${green} ${blue})`;
  const draw = setInterval(() => pen.fillRect(0, 0, 160, 120), 40);
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm' }), parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await new Promise((resolve) => { recorder.onstop = resolve; recorder.stop(); });
  clearInterval(draw);
  const reader = new FileReader();
  reader.readAsDataURL(new Blob(parts));
  await new Promise((resolve) => { reader.onload = resolve; });
  return reader.result.split(',')[1];
}
"""
REFUSED = """
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
"""


def known_frames() -> list[np.ndarray]:
    """Random colours under grey noise, which no coding makes small, uint8 `(HEIGHT, WIDTH, 3)`."""
    rng = np.random.default_rng(4)
    small = [rng.integers(60, 196, (5, 6, 3)).astype(np.uint8) for _ in range(3)]
    large = [np.asarray(Image.fromarray(each).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) for each in small]
    return [np.clip(each + rng.normal(0, 20, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8) for each in large]


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose camera shows the known frames, two of each a second."""
    frames = [frame for frame in known_frames() for _ in range(5)]
    with launched(film(tmp_path_factory.mktemp("camera") / "frames.y4m", frames, rate=10)) as browser:
        yield browser


@pytest.fixture
def visitor(camera: Browser) -> Iterator[Callable[..., Page]]:
    with visits(camera) as open_page:
        yield open_page


@pytest.fixture
def asked(server: Server, finished: Run) -> Iterator[Callable[[np.ndarray], dict[str, dict[str, float]]]]:
    """What the server's own networks say of a picture."""
    engine = Engine(server.store)
    yield lambda picture: engine.ask("predict", finished.id, picture, timeout=120)
    engine.close()


class Sent:
    """What a page sends by requests and sockets: to where, and how many bytes at once."""

    def __init__(self, page: Page) -> None:
        self._requests: list[Request] = []
        self._frames: list[tuple[str, int]] = []
        page.on("request", lambda request: self._requests.append(request))
        page.on("websocket", lambda socket: socket.on("framesent", lambda data: self._take(socket.url, data)))

    def _take(self, url: str, data: str | bytes) -> None:
        self._frames.append((url, len(data)))

    def forget(self) -> None:
        del self._requests[:], self._frames[:]

    def __call__(self) -> list[tuple[str, int]]:
        requests = [each for each in self._requests if each.url.startswith("http")]
        # The header tells of files too; Playwright's own sizes take them for nothing.
        sizes = [(each.url, int(each.all_headers().get("content-length", 0))) for each in requests]
        return [*sizes, *self._frames]


def turned_on(page: Page, state: str) -> Any:
    """Turn live answers on, and wait until the browser has been held against the server."""
    page.locator(".st-key-transfer_live_on label").first.click()
    live = page.locator(f".live[data-live={state}]")
    live.wait_for(state="attached", timeout=5 * LIMIT)
    return live


def test_camera_is_answered_as_by_the_server_and_no_frame_leaves_the_browser(
    server: Server, visitor: Callable[..., Page], finished: Run, asked: Any
) -> None:
    page = visitor(f"{server.url}/")
    sent = Sent(page)  # the sockets of the pages that come now
    page.goto(f"{server.url}/transfer?run={finished.id}")
    settled(page)
    sent.forget()
    live = turned_on(page, "on")
    expect(live.locator(".state")).to_contain_text("Agrees with the server")
    expect(live.locator(".state")).to_contain_text("equal to the bit on all of them")
    live.get_by_role("button", name="Use my camera").click()
    expect(live.locator(".pace")).to_contain_text("frames a second")
    before = live.locator(".pace").inner_text()
    expect(live.locator(".pace")).not_to_have_text(before)  # it goes on
    assert live.locator("video").evaluate("video => video.classList.contains('mirrored')"), "as in a mirror"
    live.get_by_role("button", name="Stop").click()
    expect(live.locator("video")).to_be_hidden()
    assert live.locator("video").evaluate("video => video.srcObject") is None, "the camera is off"

    found = live.evaluate(SEEN)
    frame = np.frombuffer(base64.b64decode(found["rgba"]), np.uint8)
    frame = frame.reshape(found["height"], found["width"], 4)[:, :, :3].copy()
    apart = [np.abs(frame.astype(int) - np.asarray(Image.fromarray(known).resize(frame.shape[1::-1]))).mean()
             for known in known_frames()]  # fmt: skip
    assert min(apart) < 10 < sorted(apart)[1], "it is one of the known frames, as it was filmed and not mirrored"
    said = asked(frame)
    expected = [
        said[arm][label] for label in ("brick", "gravel") for arm in live_manifest(server.store, finished.id)["arms"]
    ]
    np.testing.assert_allclose(found["meters"], expected, atol=1e-5)

    places = {url.split("://")[1].split("/")[0] for url, _ in sent()}
    assert places == {server.url.split("://")[1]}, "nothing goes elsewhere"
    assert [each for each in sent() if each[1] >= LEAST] == []
    assert sum(size for _, size in sent()) < 4 * LEAST, "nor is a frame sent piece by piece"
    assert len(coded(frame, "JPEG", quality=20)) > LEAST, "a frame would be seen"
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.locator(".st-key-transfer_try input[type=file]").set_input_files(
            {"name": "frame.png", "mimeType": "image/png", "buffer": coded(frame, "PNG")}
        )
    assert any(size >= LEAST for _, size in sent()), "a picture that is given to the server is noticed"


def coded(picture: np.ndarray, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, form, **options)
    return buffer.getvalue()


def test_without_a_camera_pictures_are_answered_in_a_row(
    server: Server, visitor: Callable[..., Page], finished: Run, photos: Path, asked: Any, tmp_path: Path
) -> None:
    page = visitor(f"{server.url}/")
    page.add_init_script(REFUSED)
    page.goto(f"{server.url}/transfer?run={finished.id}")
    settled(page)
    live = turned_on(page, "on")
    live.get_by_role("button", name="Use my camera").click()
    said = "This page may not use the camera: allow it in the address bar"
    expect(live.get_by_role("alert")).to_contain_text(said)
    words = tmp_path / "words.txt"
    words.write_text("no picture")
    files = [photos / "brick" / "12.png", words, photos / "gravel" / "12.png", photos / "grass" / "00.png"]
    live.locator("input[type=file]").set_input_files(files)
    expect(live.locator(".answered li")).to_have_count(3)
    expect(live.get_by_role("alert")).to_have_text(
        "words.txt: this browser cannot read it as a picture. Use JPEG, PNG or WebP."
    )
    manifest = live_manifest(server.store, finished.id)
    assert manifest
    for row, file in zip(live.locator(".answered li").all(), (files[0], *files[2:]), strict=True):
        expect(row).to_contain_text(file.name)
        for arm, probabilities in asked(pixels(file)).items():
            name = max(probabilities, key=lambda label: probabilities[label])
            none = probabilities[name] < manifest["threshold"][arm] - 1e-6
            answer = f"{manifest['arms'][arm]['title']}: {'none of these (' if none else ''}{name} "
            assert abs(probabilities[name] - manifest["threshold"][arm]) < 1e-6 or answer in row.inner_text()


def test_video_file_is_answered_until_another_step_is_taken(
    server: Server, visitor: Callable[..., Page], finished: Run
) -> None:
    page = visitor(f"{server.url}/transfer?run={finished.id}")
    live = turned_on(page, "on")
    colour = (200, 120, 40)
    film = base64.b64decode(page.evaluate(FILMED, colour))
    live.locator("input[type=file]").set_input_files(
        {"name": "film.webm", "mimeType": "video/webm", "buffer": film}  # no camera is asked for
    )
    expect(live.locator(".pace")).to_contain_text("frames a second")
    found = live.evaluate(SEEN)
    frame = np.frombuffer(base64.b64decode(found["rgba"]), np.uint8).reshape(found["height"], found["width"], 4)
    assert frame.shape == (120, 160, 4)
    assert np.abs(frame[..., :3].astype(int) - colour).max() < 30, "the film's own picture, as far as its coding goes"
    assert not live.locator("video").evaluate("video => video.classList.contains('mirrored')"), "a film is no mirror"
    video = live.locator("video").element_handle()
    page.locator(".st-key-transfer_live_on label").first.click()  # off again: the component leaves the page
    expect(page.locator(".live")).to_have_count(0)
    page.wait_for_function("video => video.paused && !video.src", arg=video)


def test_browser_that_sees_other_pictures_than_the_server_does_not_answer(
    server: Server, visitor: Callable[..., Page], finished: Run
) -> None:
    page = visitor(f"{server.url}/")
    other = coded(np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8), "PNG")
    page.route(
        re.compile(r"/live/parts/\w+/[0-9a-f]{64}\."), lambda route: route.fulfill(body=other, content_type="image/png")
    )
    page.goto(f"{server.url}/transfer?run={finished.id}")
    settled(page)
    live = turned_on(page, "off")
    expect(live.locator(".state")).to_contain_text("Live answers are off: this browser differs from the server by ")
    expect(live.locator(".state")).to_contain_text("equal to the bit on 0, this browser decodes the others")
    expect(live.get_by_role("button", name="Use my camera")).to_be_hidden()
    expect(page.get_by_text("Drop photos that it has not seen")).to_be_visible()
