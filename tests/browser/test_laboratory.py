"""The laboratory in a real browser: a study carried out by the server's worker, its chart, its link."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.store.records import Run, to_json
from tests.waiting import eventually

from .conftest import LIMIT, Server, pixels, settled, visits
from .readable import assert_readable

Visitor = Callable[..., Page]


def album(server: Server, photos: Path) -> str:
    """Keep an album of two classes, as the transfer page does; return its id."""
    items = [
        sets.keep(server.store, Picture(pixels(path), path.name), label)
        for label in ("brick", "gravel")
        for path in sorted((photos / label).iterdir())[:12]
    ]
    name = secrets.token_hex(8)
    kept = [[item.digest, item.label, item.name, item.part] for item in items]
    kept = {"source": "your pictures", "items": kept, "empty_classes": []}
    server.store.write(f"albums/{name}.json", to_json(kept).encode())
    return name


def drawn(page: Page) -> list[str]:
    """Return the names of all curves that are drawn."""
    return list(
        page.evaluate(
            "() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(p => p.data || []).map(t => t.name)"
        )
    )


@pytest.fixture(scope="module")
def depth(server: Server, photos: Path, chromium: Browser) -> Run:
    """What a reader has measured, live, on the page; for all tests that look at it."""
    with visits(chromium) as visitor:
        page = visitor(f"{server.url}/laboratory?set={album(server, photos)}")
        expect(page.get_by_text("24 pictures would be measured: brick 12, gravel 12")).to_be_visible()
        page.get_by_text("Settings (none needs changing)").click()
        for label in ("Epochs", "Trainings"):
            box = page.get_by_role("spinbutton", name=label)
            box.fill("1")
            box.press("Enter")
            settled(page)
        page.get_by_role("button", name="Measure it").click()
        # Streamlit's own header has a Stop while it works.
        main = page.get_by_test_id("stMainBlockContainer")
        expect(main.get_by_role("button", name="Stop")).to_be_visible()
        page.wait_for_url(re.compile(r"run=\w{12}"))
        run_id = page.url.partition("run=")[2][:12]
        page.get_by_role("radio", name="Which recipe", exact=True).click()  # another view meanwhile loses nothing
        expect(page.get_by_role("heading", name="How should I fine-tune?")).to_be_visible()
        page.get_by_role("radio", name="What to freeze", exact=True).click()
        expect(page.get_by_text("Link to this study")).to_be_visible(timeout=2 * LIMIT)
        eventually(lambda: "linear probe on what lies below" in drawn(page), 10, "the probes' curve is drawn")
    return server.store.get(run_id)


def test_depth_is_measured_as_the_controls_say(depth: Run) -> None:
    assert depth.state == "done" and depth.spec["options"]["epochs"] == 1
    assert len(depth.result["stages"]) == 5 and [cut["frozen_blocks"] for cut in depth.result["cuts"]] == [5, 11, 17]


def test_depth_is_shown_to_a_stranger(server: Server, visitor: Visitor, depth: Run) -> None:
    stranger = visitor(f"{server.url}/laboratory?run={depth.id}")
    eventually(lambda: "blocks above trained, below frozen" in drawn(stranger), 30, "a stranger sees the cuts")
    expect(stranger.get_by_text(re.compile("^Probe accuracy "))).to_be_visible()
    expect(stranger.get_by_text("24 pictures would be measured")).to_be_visible()
    expect(stranger.locator("[data-testid=stException]")).to_have_count(0)  # must not happen
    expect(stranger.locator("[data-testid=stAlert]")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_laboratory_is_accessible_and_fits(
    server: Server, visitor: Visitor, depth: Run, width: int, scheme: str
) -> None:
    page = visitor(f"{server.url}/laboratory?run={depth.id}", width, scheme)
    page.locator(".js-plotly-plot").first.wait_for()
    assert_readable(page)
    page.get_by_role("radio", name="Which recipe", exact=True).click()
    settled(page)  # the view before has such settings, too
    page.get_by_text("Settings (none needs changing)").click()
    expect(page.get_by_text("BatchNorm trains")).to_be_visible()
    assert_readable(page)
