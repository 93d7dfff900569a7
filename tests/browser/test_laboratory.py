"""The laboratory in a real browser: a study carried out by the server's worker, its chart, its link."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.store.runs import Run, to_json

from .conftest import Server, eventually, pixels, settled
from .test_appearance import assert_readable

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
def studied(server: Server, photos: Path) -> dict[str, Run]:
    """What the first test has measured, for those that look at it."""
    return {}


def test_depth_is_measured_live_and_shown_to_a_stranger(
    server: Server, visitor: Visitor, photos: Path, studied: dict[str, Run]
) -> None:
    page = visitor(f"{server.url}/laboratory?set={album(server, photos)}")
    expect(page.get_by_text("24 pictures of your pictures: brick 12, gravel 12")).to_be_visible()
    page.get_by_text("Settings (none needs changing)").click()
    for label in ("Epochs", "Trainings"):
        box = page.get_by_role("spinbutton", name=label)
        box.fill("1")
        box.press("Enter")
        settled(page)
    page.get_by_role("button", name="Measure it").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.wait_for_url(re.compile(r"run=\w{12}"))
    run_id = page.url.partition("run=")[2][:12]
    page.get_by_role("radio", name="Recipes", exact=True).click()  # another view meanwhile loses nothing
    expect(page.get_by_role("heading", name="How should I fine-tune?")).to_be_visible()
    page.get_by_role("radio", name="Depth", exact=True).click()
    expect(page.get_by_text("Link to this study")).to_be_visible(timeout=200_000)
    eventually(lambda: "linear probe on what lies below" in drawn(page), 10, "the probes' curve is drawn")
    run = studied["depth"] = server.store.get(run_id)
    assert run.state == "done" and run.spec["options"]["epochs"] == 1
    assert len(run.result["stages"]) == 5 and [cut["frozen_blocks"] for cut in run.result["cuts"]] == [5, 11, 17]

    stranger = visitor(f"{server.url}/laboratory?run={run_id}")
    eventually(lambda: "blocks above trained, below frozen" in drawn(stranger), 30, "a stranger sees the cuts")
    expect(stranger.get_by_text(re.compile("^Probe accuracy "))).to_be_visible()
    expect(stranger.get_by_text("24 pictures of your pictures")).to_be_visible()
    expect(stranger.locator("[data-testid=stException]")).to_have_count(0)  # must not happen
    expect(stranger.locator("[data-testid=stAlert]")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_laboratory_is_accessible_and_fits(
    server: Server, visitor: Visitor, studied: dict[str, Run], width: int, scheme: str
) -> None:
    assert studied, "the first test of this file measures what is looked at here"
    page = visitor(f"{server.url}/laboratory?run={studied['depth'].id}", width, scheme)
    page.locator(".js-plotly-plot").first.wait_for()
    assert_readable(page)
    page.get_by_role("radio", name="Recipes", exact=True).click()
    page.get_by_text("Settings (none needs changing)").click()
    expect(page.get_by_text("BatchNorm trains")).to_be_visible()
    assert_readable(page)
