"""Hold to record in Chromium, with a fake camera fed from a file of known frames."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.film import film
from cnn_core.pictures import kept
from cnn_core.pictures.albums import Album
from cnn_core.pictures.items import Item
from cnn_core.store import visitors

from .conftest import Server, launched, name_of, settled, visits

WIDTH, HEIGHT, ROWS, COLUMNS = 320, 240, 24, 4
REFUSES = """
() => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };
}
"""


def frames() -> list[np.ndarray]:
    """Return a film: red on the left, blue on the right, a white square that walks down, each time further right."""
    found = []
    for number in range(ROWS * COLUMNS):
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        frame[:, : WIDTH // 2, 0] = frame[:, WIDTH // 2 :, 2] = 255
        top, left = number % ROWS * HEIGHT * 3 // 4 // ROWS, WIDTH // 4 + number // ROWS * WIDTH // 16
        frame[top : top + HEIGHT // 4, left : left + WIDTH // 4] = 255
        found.append(frame)
    return found


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with launched(film(tmp_path_factory.mktemp("film") / "film.y4m", frames())) as browser:
        yield browser


def recorded(server: Server, page: Page) -> list[Item]:
    """What the visitor's set holds."""
    current = visitors.read(server.store, name_of(page)).current
    album = Album.open(server.store, name_of(page), current) if current else None
    return album.items if album else []


def test_holding_a_button_or_a_key_fills_a_class(server: Server, filmed: Browser) -> None:
    with visits(filmed) as visitor:
        page = visitor(f"{server.url}/transfer")
        page.get_by_role("tab", name="Camera").click()
        recorder = page.locator(".st-key-transfer_recorder")
        expect(recorder.get_by_text("Say first what is in front of the camera.")).to_be_visible()
        page.get_by_role("combobox", name="What is in front of the camera?").fill("cup")
        page.keyboard.press("Enter")
        settled(page)
        recorder.get_by_role("button", name="Turn the camera on").click()
        hold = recorder.get_by_role("button", name="Hold to record")
        expect(hold).to_be_enabled()
        shown = recorder.locator("video").evaluate("(video) => getComputedStyle(video).transform")
        assert shown.startswith("matrix(-1"), "as in a mirror"

        counted = recorder.locator(".count")
        hold.hover()
        page.mouse.down()
        expect(counted).to_have_text(re.compile(r"^([6-9]|\d\d) frames$"))
        page.mouse.up()
        expect(page.get_by_text("added.").first).to_be_visible()
        expect(recorder.get_by_text("“cup”: 1 of 3 recordings.")).to_be_visible()
        first = recorded(server, page)
        assert len(first) >= 6 and len({item.burst for item in first}) == 1 and first[0].burst
        assert {item.label for item in first} == {"cup"}
        for item in first:
            pixels = kept.pixels(server.store, item.digest).astype(int)
            assert pixels.shape == (HEIGHT, WIDTH, 3)
            left, right = pixels[:, 10:60].mean(axis=(0, 1)), pixels[:, -60:-10].mean(axis=(0, 1))
            assert left[0] > 2 * left[2] and right[2] > 2 * right[0], "as the camera has it, not as the mirror shows it"

        hold.focus()
        page.keyboard.down("Space")
        # More than there were, so that some are new: the film begins again, and the same picture is not kept twice.
        more = "|".join(map(str, range(len(first) + 3, ROWS * COLUMNS)))
        expect(counted).to_have_text(re.compile(rf"^({more}) frames$"))
        page.keyboard.up("Space")
        expect(recorder.get_by_text("“cup”: 2 of 3 recordings.")).to_be_visible()
        items = recorded(server, page)
        assert len({item.burst for item in items}) == 2 and items[: len(first)] == first

        recorder.get_by_role("button", name="Turn the camera off").click()
        expect(hold).to_be_hidden()
        assert recorder.locator("video").evaluate("(video) => video.srcObject") is None


def test_camera_is_closed_where_nobody_sees_it(server: Server, filmed: Browser) -> None:
    with visits(filmed) as visitor:
        page = visitor(f"{server.url}/transfer")
        page.get_by_role("tab", name="Camera").click()
        recorder = page.locator(".st-key-transfer_recorder")
        recorder.get_by_role("button", name="Turn the camera on").click()
        expect(recorder.get_by_role("button", name="Turn the camera off")).to_be_visible()
        page.get_by_role("tab", name="Zip").click()
        page.get_by_role("tab", name="Camera").click()
        expect(recorder.get_by_role("button", name="Turn the camera on")).to_be_visible()


def test_without_leave_there_is_a_sentence_and_the_page_works(server: Server, filmed: Browser) -> None:
    with visits(filmed) as visitor:
        page = visitor(f"{server.url}/transfer")
        page.evaluate(REFUSES)
        page.get_by_role("tab", name="Camera").click()
        recorder = page.locator(".st-key-transfer_recorder")
        recorder.get_by_role("button", name="Turn the camera on").click()
        expect(recorder.get_by_role("alert")).to_contain_text("This page may not use the camera: allow it")
        page.get_by_role("tab", name="Samples").click()
        page.get_by_role("button", name="Use handwritten digits").click()
        expect(page.get_by_text("400 pictures in 10 classes").first).to_be_visible()
