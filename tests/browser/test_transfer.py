"""The main job in a real browser, with real pictures and real training."""

import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from cnn_core.store import keys
from cnn_core.store.records import COMMAND_LINE, Run
from cnn_core.store.report import LiveReport
from cnn_core.training.transfer.results import Transfer
from tests.waiting import eventually, promised

from .conftest import LIMIT, Server, asking, pixels, settled

Visitor = Callable[..., Page]


def upload_class(page: Page, label: str, files: list[Path]) -> None:
    """Name a class and drop files on its card, as a reader does."""
    page.get_by_role("textbox", name="What is in these photos?").fill(label)
    page.get_by_role("button", name="Add class").click()
    card = page.get_by_label(f"Pictures of the class “{label}”").first
    card.wait_for(state="attached")
    settled(page)
    place = page.locator(f"[class*='st-key-transfer_files_'][class*='_{label}'] input[type=file]")
    place.set_input_files(files)
    page.get_by_text(re.compile(rf"^{len(files)} added|^{len(files) - 1} added, 1 skipped")).wait_for()
    settled(page)


def main(page: Page) -> Locator:
    """What we draw: while a page is computed, Streamlit has a Stop of its own above it."""
    return page.get_by_test_id("stMainBlockContainer")


def set_epochs(page: Page, epochs: int) -> None:
    """Move the slider with the keyboard."""
    page.get_by_text("Settings (none needs changing)").click()
    slider = page.get_by_role("slider", name="Epochs")
    slider.focus()
    there = int(slider.input_value())
    with asking(page):
        for _ in range(abs(epochs - there)):
            slider.press("ArrowRight" if epochs > there else "ArrowLeft")
        expect(slider).to_have_value(str(epochs))
    page.evaluate("() => new Promise((rested) => setTimeout(rested, 250))")  # Streamlit tells when it stands for 200 ms
    settled(page)


def start(page: Page) -> str:
    """Press the button; return the run's id from the link."""
    page.get_by_role("button", name="Train and compare").click()
    page.wait_for_url(re.compile(r"run=\w{12}"))
    eventually(  # the keyboard goes on where the pressed button was
        lambda: page.evaluate("() => document.activeElement?.innerText.includes('Stop')"), 30, "Stop has the focus"
    )
    found = re.search(r"run=(\w{12})", page.url)
    assert found
    return found[1]


def points(page: Page) -> int:
    """Count the points that are drawn in the chart of the curves."""
    return int(
        page.evaluate(
            "() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(p => p.data || [])"
            ".filter(t => (t.name || '').includes('training')).reduce((n, t) => n + t.x.length, 0)"
        )
    )


def trains_blocks(server: Server, run_id: str) -> bool:
    """Tell whether the fine-tuned arm has trained a batch beyond its head."""
    curves = server.store.get(run_id).progress.get("curves", {})
    return bool(curves.get("fine_tuned", {}).get("batches"))


def test_pictures_in_curves_move_result_out_at_a_link(server: Server, visitor: Visitor, photos: Path) -> None:
    page = visitor(f"{server.url}/transfer")
    broken = photos / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    upload_class(page, "brick", [*sorted((photos / "brick").iterdir())[:12], broken])
    expect(page.get_by_text("12 added, 1 skipped.")).to_be_visible()
    expect(page.get_by_text("broken.jpg")).to_be_visible()
    upload_class(page, "gravel", sorted((photos / "gravel").iterdir())[:12])
    expect(page.get_by_text("24 pictures in 2 classes")).to_be_visible()
    page.get_by_role("button", name="00.png").first.click()  # choose a picture of the contact sheet, and remove it
    page.get_by_role("button", name="Remove them").click()
    expect(page.get_by_text("23 pictures in 2 classes")).to_be_visible()
    page.reload()
    settled(page)
    expect(page.get_by_text("23 pictures in 2 classes")).to_be_visible()  # a reload loses nothing
    set_epochs(page, 40)
    run_id = start(page)
    expect(main(page).get_by_role("button", name="Stop")).to_be_visible()

    eventually(lambda: points(page) > 2, 60, "a curve is drawn")
    drawn = points(page)
    eventually(lambda: points(page) > drawn, 60, "the curve grows")
    with server.held():  # a colleague comes while it trains, however long that takes
        colleague = visitor(f"{server.url}/transfer?run={run_id}")
        expect(colleague.get_by_role("heading", name="Teaching: Your pictures, 2 classes")).to_be_visible()
        eventually(lambda: points(colleague) > 0, 30, "the colleague sees the curves")
    page.get_by_role("link", name="See").first.click()  # the page can be left while it trains
    expect(page.get_by_role("heading", name="Drop a photo.")).to_be_visible()

    expect(colleague.get_by_text("that no arm has seen")).to_be_visible(timeout=2 * LIMIT)
    run = server.store.get(run_id)
    assert run.state == "done"
    arms = Transfer.from_json(run.result).arms
    assert set(arms) == {"frozen", "fine_tuned"}
    expect(colleague.get_by_text(f"{arms['frozen'].accuracy.value:.1%}").first).to_be_visible()
    score = " and ".join(str(arm.accuracy.correct) for arm in arms.values())
    expect(colleague.get_by_role("heading", level=1)).to_contain_text(score)
    expect(colleague.locator("[data-testid=stException]")).to_have_count(0)  # must not happen


def focused(page: Page) -> str:
    """Return how the element with the keyboard is called, inside a component too."""
    return str(
        page.evaluate(
            "() => { let e = document.activeElement;"
            " while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;"
            " return e?.getAttribute('aria-label') || (e?.tagName === 'BUTTON' ? e.innerText : e?.tagName) || '' }"
        )
    )


def test_training_is_begun_by_keyboard_in_at_most_fifteen_stops(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/transfer")
    expect(page.get_by_role("button", name="gravel row 0 column 0")).to_be_visible()
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    stops = ["skip"]  # past logo, navigation and menu
    while "Train and compare" not in stops[-1]:
        page.keyboard.press("Tab")
        stops.append(focused(page))
        assert len(stops) <= 15, stops
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"run=\w{12}"))
    eventually(lambda: "Stop" in focused(page), 30, "the keyboard goes on with Stop")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Stopped.")).to_be_visible(timeout=2 * LIMIT)


def test_pictures_of_a_class_are_chosen_and_its_name_changed_by_keyboard(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/transfer")
    page.get_by_role("button", name="brick row 0 column 0").focus()
    page.keyboard.press("ArrowRight")
    eventually(lambda: focused(page) == "brick row 0 column 1", of="the arrow goes on")
    page.keyboard.press("Space")
    expect(page.get_by_text("1 picture chosen")).to_be_visible()
    settled(page)
    eventually(lambda: focused(page) == "brick row 0 column 1", of="the keyboard stays")
    page.keyboard.press("End")
    eventually(lambda: focused(page).startswith("Edit the class brick"), of="the keyboard is at the last")
    page.keyboard.press("Enter")
    name = page.get_by_role("dialog").get_by_role("textbox", name="Name of the class")
    name.fill("wall")
    name.press("Enter")
    expect(page.get_by_text("wall · 64")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_new_picture_is_answered_by_both_arms(server: Server, visitor: Visitor, photos: Path, finished: Run) -> None:
    page = visitor(f"{server.url}/transfer?run={finished.id}")
    page.locator("input[type=file]").set_input_files(photos / "gravel" / "12.png")
    expect(page.locator("[aria-label^='Frozen says']").first).to_be_attached()
    settled(page)
    expect(page.locator("[data-testid=stAlert]")).to_have_count(0)  # must not happen


def test_download_gives_the_same_answers_elsewhere(
    server: Server, visitor: Visitor, photos: Path, finished: Run, tmp_path: Path
) -> None:
    page = visitor(f"{server.url}/transfer?run={finished.id}")
    page.get_by_role("tab", name="Exports").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile("^Fine-tuned model")).click()
    packed = tmp_path / "model.zip"
    waiting.value.save_as(packed)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    assert json.loads((tmp_path / "labels.json").read_text()) == ["brick", "gravel"]
    picture = photos / "gravel" / "12.png"
    elsewhere = subprocess.run(  # a fresh process, in another folder: the project's code cannot be imported there
        [sys.executable, "predict.py", str(picture)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    said = json.loads(elsewhere.stdout.strip().partition(" ")[2].replace("'", '"'))
    from cnn_core.networks.backbones import backbone
    from cnn_core.training.transfer.answers import ask, load_model

    model = load_model((tmp_path / "fine_tuned.keras").read_bytes())
    ours = ask(model, pixels(picture), backbone("efficientnet_lite0"), ["brick", "gravel"])
    assert said == pytest.approx(ours, abs=1e-4)


def test_stop_is_heard_within_two_seconds_and_keeps_what_was_learnt(
    server: Server, visitor: Visitor, finished: Run
) -> None:
    page = visitor(f"{server.url}/transfer?run={finished.id}")
    page.get_by_role("button", name="Train again with these").click()
    expect(page.get_by_text("24 pictures in 2 classes")).to_be_visible()
    set_epochs(page, 50)
    run_id = start(page)
    eventually(lambda: trains_blocks(server, run_id), 90, "the blocks are being trained")
    main(page).get_by_role("button", name="Stop").click()
    pressed = time.monotonic()
    eventually(lambda: server.store.get(run_id).progress.get("acknowledged"), 10, "the training has stopped")
    assert time.monotonic() - pressed < promised(2.0)
    expect(page.get_by_text("Stopped.")).to_be_visible()
    run = server.store.get(run_id)
    assert run.state == "stopped"
    assert 0 < len(Transfer.from_json(run.result).arms["fine_tuned"].history) < 100
    expect(page.get_by_text("that no arm has seen")).to_be_visible()
    expect(page.get_by_text("The run failed")).to_have_count(0)  # must not happen


def test_killed_worker_is_said_and_the_next_run_works(server: Server, visitor: Visitor, finished: Run) -> None:
    store = server.store
    doomed = store.create(
        "transfer", finished.spec | {"options": finished.spec["options"] | {"epochs": 30}}, title="doomed"
    )
    eventually(lambda: trains_blocks(server, doomed.id), 90, "the blocks are being trained")
    page = visitor(f"{server.url}/transfer?run={doomed.id}")
    _worker_process(server, store.get(doomed.id)).kill()
    eventually(lambda: store.get(doomed.id).attempt == 2 or store.get(doomed.id).state == "failed", 10, "it is noticed")
    expect(page.get_by_text("The worker was lost while training; this is attempt 2")).to_be_visible()
    _worker_process(server, store.get(doomed.id)).kill()
    expect(page.get_by_text("Its worker ended with signal 9, twice.")).to_be_visible()
    following = store.create("transfer", finished.spec, title="following")
    eventually(lambda: not store.get(following.id).live, 120, "the next run ends")
    assert store.get(following.id).state == "done"
    assert store.get(following.id).progress["features"]["computed"] == 0  # and computed no feature again


def _worker_process(server: Server, run: Run) -> psutil.Process:
    port = int(run.worker.rpartition(":")[2])
    for process in server.host().children(recursive=True):
        if any(c.laddr.port == port and c.status == "LISTEN" for c in process.net_connections("tcp")):
            return process
    raise AssertionError(f"no process of the engine listens on {port}")


def test_run_survives_a_crash_of_the_server_and_its_link_comes_back(
    server: Server, visitor: Visitor, finished: Run
) -> None:
    store = server.store
    going = store.create(
        "transfer", finished.spec | {"options": finished.spec["options"] | {"epochs": 12}}, title="long"
    )
    eventually(lambda: trains_blocks(server, going.id), 90, "the blocks are being trained")
    server.kill()
    server.start()
    page = visitor(f"{server.url}/transfer?run={going.id}")  # a deep link is the first request after the restart
    expect(page.get_by_role("link", name="See").first).to_be_visible()  # with the navigation: not run bare
    expect(page.get_by_text("that no arm has seen")).to_be_visible(timeout=2 * LIMIT)
    expect(page.locator("strong", has_text="long")).to_be_visible()
    assert store.get(going.id).attempt == 1  # must not happen: the run lost and started again


def held(server: Server, page: Page, spec: dict[str, Any]) -> Run:
    """A run of this visitor's that goes on as long as the test wants: the test is its worker."""
    cookie = next(each for each in page.context.cookies() if each["name"] == "convscope_visit")
    owner = cookie["value"].partition(".")[0]
    run = server.store.create("transfer", spec, title="held", carrier=COMMAND_LINE, owner=owner)
    server.store.lists.add(keys.visit(owner), run.id, own=True)
    claimed = server.store.claim(run.id, worker="test")
    assert claimed
    return claimed


def test_stop_pressed_in_two_tabs_stops_once(server: Server, visitor: Visitor, finished: Run) -> None:
    page = visitor(f"{server.url}/transfer")
    run = held(server, page, finished.spec)
    with LiveReport(server.store, run) as report:
        report.update(phase="head", arm="frozen", fraction=0.5, reaction=300)  # it hears of Stop when both tabs say so
        tabs = [page, page.context.new_page()]
        for tab in tabs:
            tab.goto(f"{server.url}/transfer?run={run.id}")
            expect(tab.get_by_test_id("stProgress")).to_contain_text("training the head")
        for button in [main(tab).get_by_role("button", name="Stop") for tab in tabs]:
            button.evaluate("button => button.click()")  # both before either page is drawn anew
        for tab in tabs:
            expect(tab.get_by_test_id("stProgress")).to_contain_text("keeping what was found so far")
        eventually(lambda: report.should_stop)
    assert server.store.finish(run, "stopped")
    for tab in tabs:
        expect(tab.get_by_text("Stopped.").first).to_be_visible()
        expect(tab.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_browser_offline_for_a_minute_is_back_by_itself(server: Server, visitor: Visitor, finished: Run) -> None:
    page = visitor(f"{server.url}/transfer")
    run = held(server, page, finished.spec)
    with LiveReport(server.store, run) as report:
        report.update(phase="head", arm="frozen", fraction=0.2)
        page.goto(f"{server.url}/transfer?run={run.id}")
        expect(page.get_by_test_id("stProgress")).to_contain_text("training the head")
        page.context.set_offline(True)
        page.wait_for_timeout(60_000)
        report.update(phase="testing", fraction=0.9)
        page.context.set_offline(False)
        expect(page.get_by_test_id("stProgress")).to_contain_text("testing on pictures it has not seen")
    assert server.store.finish(run, "stopped")
    expect(page.get_by_test_id("stException")).to_have_count(0)
