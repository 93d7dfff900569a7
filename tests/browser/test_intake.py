"""A large upload costs the server its bytes, and another reader next to nothing."""

import io
import re
import statistics
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.waiting import PATIENCE

from .conftest import LIMIT, Server, settled

Visitor = Callable[..., Page]
PICTURES = 500
MEGABYTE = 10**6


def colours(path: Path, first: int, number: int) -> Path:
    """Write a zip of pictures of one colour each, of 1,024 pixels a side: 5 kB each, 3 MB once decoded."""
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(first, first + number):
            buffer = io.BytesIO()
            colour = (index % 250, index // 250 * 40, 90)
            Image.new("RGB", (1024, 1024), colour).save(buffer, "PNG", optimize=True)
            archive.writestr(f"colours/{'even' if index % 2 == 0 else 'odd'}/{index:03}.png", buffer.getvalue())
    return path


def upload(page: Page, archive: Path) -> None:
    page.get_by_role("tab", name="Zip").click()
    settled(page)
    page.locator("[class*='st-key-transfer_zip_'] input[type=file]").set_input_files(archive)
    expect(page.get_by_role("tab", name="Zip")).to_have_attribute("aria-selected", "true")


class Watch(threading.Thread):
    """The largest resident memory of a process while one looks."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.peak, self.over = process, process.memory_info().rss, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.peak = max(self.peak, self.process.memory_info().rss)


def press(page: Page) -> float:
    """Press a switch; return the seconds until the new picture is there."""
    shown = page.get_by_role("img", name="Response").first
    before = shown.get_attribute("src")
    began = time.perf_counter()
    page.keyboard.press("Space")
    expect(shown).not_to_have_attribute("src", before or "")
    return time.perf_counter() - began


@pytest.mark.slow
def test_bomb_costs_the_server_its_bytes_and_others_no_wait(server: Server, visitor: Visitor, tmp_path: Path) -> None:
    assert server.process is not None
    other = visitor(f"{server.url}/convolution?convolution_view=Whole+picture")
    other.get_by_role("img", name="Response").first.wait_for()
    other.get_by_role("switch", name="ReLU").first.focus()
    page = visitor(f"{server.url}/transfer")
    upload(page, colours(tmp_path / "few.zip", PICTURES, 8))  # what is loaded at the first upload is not this one's
    page.get_by_text(re.compile(r"^8 added\.")).wait_for()
    settled(page)
    alone = [press(other) for _ in range(10)]

    bomb = colours(tmp_path / "bomb.zip", 0, PICTURES)
    assert bomb.stat().st_size < 3 * MEGABYTE
    watch = Watch(psutil.Process(server.process.pid))
    before = watch.peak
    watch.start()
    upload(page, bomb)
    reading = page.get_by_text(re.compile(r"^Reading pictures… \d+ of 500"))
    reading.wait_for()
    beside = []
    while reading.count() and len(beside) < 40:
        beside.append(press(other))
    page.get_by_text(re.compile(rf"^{PICTURES} added\.")).wait_for(timeout=4 * LIMIT)
    watch.over.set()
    watch.join()

    assert len(beside) >= 3, "the upload took long enough for clicks beside it"
    assert watch.peak - before <= 60 * MEGABYTE + bomb.stat().st_size, "nothing is held but the upload"
    assert statistics.median(beside) - statistics.median(alone) <= 0.3 * PATIENCE
    settled(page)
    expect(page.get_by_text(f"{PICTURES + 8} pictures in 2 classes")).to_be_visible()
    print(f"\n{(watch.peak - before) / MEGABYTE:.0f} MB more; a click {statistics.median(alone):.3f} s alone, ", end="")
    print(f"{statistics.median(beside):.3f} s beside the upload, {max(beside):.3f} s at most")
