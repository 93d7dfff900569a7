"""The page that is taken home, from a plain static server, in Chromium: camera and pictures answered as by Keras."""

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, WebSocket, expect

from benchmarks.film import film
from cnn_core.arithmetic.measures import Share
from cnn_core.networks.backbones import backbone
from cnn_core.pictures.images import square
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.transfer import manifest, web
from cnn_core.training.transfer.results import Answer, Arm, ClassFigures, Transfer

from .conftest import LIMIT, launched, violations

LITE = backbone("efficientnet_lite0")
CLASSES = ("red", "green", "blue & <b>more</b>")
SHADES = ((200, 40, 40), (60, 170, 60))  # of the camera's frames, which change by turns
# Remember the pixels that a page reads from a canvas, without keeping it from reading them.
HOOK = """
() => {
  const read = CanvasRenderingContext2D.prototype.getImageData;
  CanvasRenderingContext2D.prototype.getImageData = function (...rest) {
    window.frame = read.apply(this, rest);
    return window.frame;
  };
}
"""
PIXELS = """() => {
  const { data, width, height } = window.frame;
  return { width, height, data: Array.from(data) };
}"""
THREE_FRAMES = "() => { window.all = (window.all ?? new Set()).add(window.frame); return window.all.size > 3; }"
NO_CAMERA = "() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s'); }; }"


@dataclass
class Site:
    """A folder that a static server gives away, and the network in it."""

    url: str
    folder: Path
    ask: Callable[[np.ndarray], np.ndarray]
    asked: list[str] = field(default_factory=list)

    def expected(self, pixels: np.ndarray) -> np.ndarray:
        """What Keras says of a picture."""
        return self.ask(square(pixels, LITE.input_size, LITE.crop_fraction)[None].astype(np.float32))[0]


def network() -> Any:
    """A small network whose answers depend on what it sees."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    image = keras.Input((224, 224, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = layers.Conv2D(8, 7, strides=4, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(len(CLASSES), activation="softmax")(x))
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 4)
    return model


def photo(seed: int, width: int = 300, height: int = 220) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def said(probabilities: np.ndarray) -> dict[str, float]:
    return {name: float(p) for name, p in zip(CLASSES, probabilities, strict=True)}


def finished(folder: Path) -> Run:
    """A run whose arm gave its answers with at least 0.5."""
    store = Store(folder)
    answers = tuple(Answer(f"d{n}", "", CLASSES[0], CLASSES[0], 0.5, 0.5) for n in range(10))
    figures = tuple(ClassFigures(name, 1.0, 1.0, 1.0, 1) for name in CLASSES)
    arm = Arm(Share(1, 1, 0.2, 1.0), ((1,),), figures, answers, (), 1, 10, 100, 1000, {"training": 1.0})
    run = store.claim(store.create("transfer", {}, title="colours").id, "w")
    assert run
    store.finish(run, "done", result=Transfer(CLASSES, {}, {"frozen": arm}).to_json())
    done = store.get(run.id)
    store.close()
    return done


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from cnn_core.networks import flatbuffer

    model, folder = network(), tmp_path_factory.mktemp("web")
    asked: list[str] = []
    place = Site("", folder, lambda pictures: model.predict(pictures, verbose=0), asked)
    pictures = {f"pictures/{seed}.png": photo(seed) for seed in range(10)}
    parity = [
        manifest.parity_picture(url, url, square(pixels, 224, 0.875), {"frozen": said(place.expected(pixels))}, CLASSES)
        for url, pixels in pictures.items()
    ]
    files = {url: png(pixels) for url, pixels in pictures.items()}
    run = finished(tmp_path_factory.mktemp("store"))
    for name, data in web.page(run, "frozen", LITE, flatbuffer.convert(model), parity, files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, form: str, *rest: Any) -> None:
            asked.append(str(rest[0]))

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place.url = f"http://localhost:{server.server_address[1]}"
    yield place
    server.shutdown()
    server.server_close()


def frames() -> list[np.ndarray]:
    """Return a film that is red for a second and then green; the right third is darker, so that a mirror would show."""
    shades = [np.full((240, 320, 3), shade, np.uint8) for shade in SHADES for _ in range(8)]
    for shade in shades:
        shade[:, 213:] //= 2
    return shades


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows the film."""
    with launched(film(tmp_path_factory.mktemp("film") / "film.y4m", frames())) as browser:
        yield browser


@contextlib.contextmanager
def opened(chromium: Browser, url: str, *scripts: str, answers: dict[str, bytes] | None = None) -> Iterator[Page]:
    """Open a page; it must neither break its policy nor ask anybody but its server, and send nobody anything."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    requests: list[Request] = []
    sockets: list[WebSocket] = []
    refused = violations(page)
    page.set_default_timeout(LIMIT)
    page.on("request", lambda request: requests.append(request))
    page.on("websocket", lambda socket: sockets.append(socket))
    for script in scripts:
        page.add_init_script(f"({script})()")
    for address, body in (answers or {}).items():
        page.route(f"**/{address}", lambda route, _, body=body: route.fulfill(body=body))
    try:
        page.goto(url)
        yield page
        for request in requests:
            asked = urlsplit(request.url)
            assert asked.scheme in ("blob", "data") or request.url.startswith(url), request.url
            assert request.method == "GET" and not request.post_data_buffer
            assert len(asked.query) <= 12, "no more than a checksum goes out"
        assert sockets == [] and refused == []
    finally:
        context.close()


def bars(page: Page, place: str = "#bars") -> list[float]:
    """The probabilities that the bars show, all digits."""
    meters = page.locator(f"{place} [role=meter]")
    expect(meters).to_have_count(len(CLASSES))
    return [float(meters.nth(n).get_attribute("aria-valuenow") or "nan") for n in range(len(CLASSES))]


def test_page_agrees_with_keras_and_tells_what_it_is(site: Site, chromium: Browser) -> None:
    with opened(chromium, site.url) as page:
        parity = page.locator("#parity")
        expect(parity).to_contain_text("on 10 test pictures; what the network sees of them is equal to the bit on 10.")
        largest = float((parity.text_content() or "").removeprefix("Agrees with ConvScope to ").split()[0])
        assert largest < 1e-5
        expect(page.get_by_role("heading")).to_have_text("red, green or blue & <b>more</b>?")
        expect(page).to_have_title("red, green or blue & <b>more</b>?")
        expect(page.locator("#about")).to_contain_text("95% were answered with at least 50%")
        expect(page.locator("#closed")).to_be_hidden()


def test_camera_is_answered_in_the_browser_and_nowhere_else(site: Site, chromium: Browser) -> None:
    with opened(chromium, site.url, HOOK) as page:
        page.get_by_role("button", name="Camera", exact=True).click()
        expect(page.locator("#speed")).to_contain_text("frames a second")
        assert page.locator("#video").evaluate("(video) => getComputedStyle(video).transform").startswith("matrix(-1")
        asked = len(site.asked)
        page.wait_for_function(THREE_FRAMES)
        assert len(site.asked) == asked, "while it answers it asks its server for nothing"
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#frame")).to_be_visible()
        assert page.locator("#video").evaluate("(video) => video.srcObject === null"), "the camera is closed"
        raw = page.evaluate(PIXELS)
        frame = np.array(raw["data"], np.uint8).reshape(raw["height"], raw["width"], 4)[..., :3]
        assert frame.shape == (240, 320, 3)
        middle = frame[:, :200].mean(axis=(0, 1))
        assert min(np.abs(middle - shade).max() for shade in SHADES) < 12, "a frame of the film"
        assert frame[:, 230:].mean() < 0.7 * frame[:, :200].mean(), "as it was taken, not mirrored"
        expected = site.expected(frame)
        assert bars(page) == pytest.approx(expected, abs=1e-5)
        best = int(expected.argmax())
        expect(page.locator("#verdict")).to_have_text(CLASSES[best] if expected[best] >= 0.5 else "None of these")


def test_pictures_in_a_row_are_answered_as_keras_does(site: Site, chromium: Browser) -> None:
    pictures = [photo(100 + n, 400 - 150 * n, 250 + 150 * n) for n in range(2)]
    files: list[Any] = [
        {"name": f"{n}.png", "mimeType": "image/png", "buffer": png(pixels)} for n, pixels in enumerate(pictures)
    ]
    files.insert(1, {"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"})
    with opened(chromium, site.url) as page:
        expect(page.get_by_role("button", name="Pictures")).to_be_enabled()
        page.locator("#pictures").set_input_files(files)
        entries = page.locator("#answers > li")
        expect(entries).to_have_count(3)
        expect(entries.nth(1)).to_have_text(
            "notes.png: this browser cannot read it; choose a picture, such as JPEG, PNG or WebP."
        )
        for entry, pixels in ((0, pictures[0]), (2, pictures[1])):
            expected = site.expected(pixels)
            assert bars(page, f"#answers > li:nth-child({entry + 1})") == pytest.approx(expected, abs=1e-5)
            best = int(expected.argmax())
            said = CLASSES[best] if expected[best] >= 0.5 else "None of these"
            expect(entries.nth(entry).locator("strong")).to_have_text(said)


def test_page_that_does_not_agree_answers_nothing_and_says_why(site: Site, chromium: Browser) -> None:
    told = json.loads((site.folder / "manifest.json").read_text(encoding="utf-8"))
    told["parity"][3]["expected"]["frozen"][0] += 0.01
    with opened(chromium, site.url, answers={"manifest.json": json.dumps(told).encode()}) as page:
        expect(page.get_by_role("alert")).to_have_text(
            "Nothing is answered: in this browser the probabilities differ from ConvScope's by up to 1e-2 on 10 test "
            "pictures, more than 0.001. Try another browser."
        )
        for name in ("Camera", "Pictures", "Video file"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()


def test_network_that_is_not_the_one_is_refused(site: Site, chromium: Browser) -> None:
    broken = bytes(len((site.folder / "model.tflite").read_bytes()))
    with opened(chromium, site.url, answers={"model.tflite?*": broken}) as page:
        expect(page.get_by_role("alert")).to_contain_text("The network's part model is not the one that was meant")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "This page may not use the camera: allow it"),
        ("NotFoundError", "No camera was found"),
    ],
)
def test_page_without_a_camera_says_so_and_answers_pictures(
    site: Site, chromium: Browser, name: str, words: str
) -> None:
    with opened(chromium, site.url, NO_CAMERA % name) as page:
        page.get_by_role("button", name="Camera", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.locator("#live")).to_be_hidden()
        picture: Any = {"name": "a.png", "mimeType": "image/png", "buffer": png(photo(5))}
        page.locator("#pictures").set_input_files([picture])
        expect(page.locator("#answers > li strong")).to_have_count(1)
        expect(page.get_by_role("alert")).to_be_hidden()


def test_pictures_that_were_taken_out_cost_the_comparison_only(site: Site, chromium: Browser) -> None:
    aside = site.folder / "elsewhere"
    (site.folder / "pictures").rename(aside)
    try:
        with opened(chromium, site.url) as page:
            expect(page.locator("#parity")).to_have_text(
                "Its test pictures are not here (pictures/0.png), so that nothing could be compared."
            )
            expect(page.get_by_role("button", name="Pictures")).to_be_enabled()
    finally:
        aside.rename(site.folder / "pictures")


def test_double_clicked_file_says_how_to_open_it(site: Site, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto((site.folder / "index.html").as_uri())
    expect(page.get_by_text("python -m http.server 8000")).to_be_visible()
    expect(page.locator("main")).to_be_hidden()
    page.close()
