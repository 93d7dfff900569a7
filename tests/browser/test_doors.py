"""Two people, each with a browser of their own: addresses of pictures, Stop and Delete."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from cnn_core.pictures.images import Picture
from cnn_core.store.records import COMMAND_LINE
from tests.waiting import eventually

from .conftest import Server, name_of, pixels, settled, until_right

Visitor = Callable[..., Page]


def test_what_is_annas_berta_neither_sees_nor_changes(server: Server, visitor: Visitor, photos: Path) -> None:
    anna, berta = visitor(server.url), visitor(server.url)
    assert name_of(anna) != name_of(berta)
    ours = f"{server.url}/media/"  # Streamlit's own fonts have another
    seen: dict[Page, set[str]] = {anna: set(), berta: set()}
    for page, addresses in seen.items():
        page.on("response", lambda answer, to=addresses: to.add(answer.url) if ours in answer.url else None)
    photo = photos / "brick" / "00.png"
    anna.locator(".st-key-home_picture_0 input[type=file]").set_input_files(photo)
    expect(anna.locator(".st-key-visitor .visitor")).to_contain_text("00.png")
    for page in seen:
        page.goto(f"{server.url}/convolution?convolution_view=Whole+picture")
        settled(page)
        expect(page.locator("[data-testid=stImage] img").first).to_be_visible()
    for page, addresses in seen.items():
        assert until_right(page, lambda got=addresses: [] if got else ["has fetched no picture"], 10) == []
    assert seen[anna] - seen[berta], "what is made of her photo has addresses that are shown to her alone"
    digest = Picture(pixels(photo), "00.png").digest
    assert not [address for address in seen[anna] if digest in address], "what names it in the store opens nothing"
    for address in (f"{digest}.png", f"{digest}.jpg", "", f"../objects/pictures/{digest}.png", "%2e%2e/secret"):
        answer = berta.request.get(f"{server.url}/media/{address}")
        assert not answer.ok or answer.headers["content-type"].startswith("text/html"), address

    run = server.store.create("lenet", {}, title="Anna's", owner=name_of(anna), carrier=COMMAND_LINE)  # no engine's
    assert server.store.claim(run.id, "w")
    for page in (berta, anna):
        page.goto(f"{server.url}/architectures?architectures_view=LeNet&architectures_run={run.id}")
        settled(page)
    expect(berta.get_by_text("Only whoever started this run can stop it.")).to_be_visible()
    expect(berta.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    anna.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    eventually(lambda: server.store.glance(run.id).state == "stopped", 20, "Anna's run is stopped")
    for page in (berta, anna):
        page.goto(f"{server.url}/laboratory?laboratory_view=Runs&laboratory_runs={run.id}")
        settled(page)
        page.locator(".st-key-laboratory_picked input").click()
        page.get_by_role("option", name="Anna's").click()
        page.keyboard.press("Escape")
        settled(page)
    expect(berta.get_by_role("button", name="Delete", exact=True)).to_be_disabled()
    anna.get_by_role("button", name="Delete", exact=True).click()
    anna.get_by_role("button", name="Delete for good").click()
    eventually(lambda: run.id not in {each.id for each in server.store.recent(50)}, 20, "Anna's run is deleted")
