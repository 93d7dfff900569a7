"""The pooling page in a real browser: the stepper, the link."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnn_core.arithmetic import convolution as ops
from cnn_core.pictures.bundled import BUNDLED

from .conftest import Server, resting, settled

Visitor = Callable[..., Page]


def said(page: Page, row: int, column: int) -> float:
    """Return the number that the stepper says its window becomes, once it is there."""
    expect(page.locator(".sum")).to_contain_text(f"Row {row}, column {column}:")
    return float(page.locator(".sum").inner_text().rpartition("= ")[2].replace("−", "-"))


@pytest.mark.parametrize("kind", ["max", "l2"])
def test_stepper_says_what_numpy_computes(server: Server, visitor: Visitor, kind: str) -> None:
    page = visitor(
        f"{server.url}/pooling?pooling_view=Steps&picture=digit-3&pooling_kind={kind}&pooling_window=4"
        "&pooling_stride=3&pooling_padding=same"
    )
    expect(page.locator(".sum")).to_contain_text("Row")
    page.locator(".stepper .first").click()  # it opens where there is most to be seen
    pool = {"max": ops.max_pool, "average": ops.average_pool, "l2": ops.l2_pool}[kind]
    wanted = pool(ops.grey(BUNDLED["digit-3"].load().pixels / 255.0), 4, 3, "same")
    for (row, column), value in np.ndenumerate(wanted):
        assert said(page, row, column) == pytest.approx(value, abs=0.006)
        page.locator(".stepper .next").click()
    expect(page.locator("td.winner")).to_have_count(1 if kind == "max" else 0)
    page.locator(".stepper").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".sum")).to_contain_text("Row 1, column 0")


def test_settings_travel_in_the_link(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/pooling?pooling_view=Steps&picture=bar")
    page.get_by_role("radio", name="the mean", exact=True).click()
    page.wait_for_url(re.compile("pooling_kind=average"))
    stranger = visitor(page.url)
    expect(stranger.get_by_role("radio", name="the mean", exact=True)).to_be_checked()
    page.get_by_role("button", name="Next · A 9 that moves").click()
    page.wait_for_url(re.compile("pooling_view=EQ-N2.2"))
    expect(page.get_by_text("crossed")).to_be_visible()
    page.get_by_role("radio", name="left", exact=True).click()
    expect(page.get_by_text("absorbed", exact=True)).to_be_visible()
    page.wait_for_url(re.compile("pooling_direction=left"))
    stranger = visitor(page.url)
    expect(stranger.get_by_text("absorbed", exact=True)).to_be_visible()
    expect(stranger.locator("[data-testid=stAlertContentWarning]")).to_have_count(0)  # must not happen


def test_network_answers_about_shifts(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/pooling?pooling_shift=4")
    expect(page.get_by_text("logits drift by")).to_be_visible()
    page.get_by_role("button", name="Show me").click()
    settled(page)
    expect(page.get_by_text("the pooled map follows exactly, by 2 cells")).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)  # must not happen


def test_picture_is_moved_by_hand_and_by_keys(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/pooling?pooling_right=0")
    said, frame = page.locator(".shifter .said"), page.locator(".shifter .frame")
    expect(said).to_have_text("not moved: drag it")
    expect(page.get_by_text("Move the picture and see")).to_be_visible()
    settled(page)
    box = resting(frame)
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile("pooling_right=8"))
    expect(said).to_have_text("8 px right")
    page.locator(".shifter").focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_url(re.compile("pooling_down=-1"))
    expect(page.get_by_text("shifted by 8 px right and 1 px up")).to_be_visible()
    expect(said).to_have_text("8 px right, 1 px up")


def test_pointer_moves_the_window_on_a_photo_and_leaving_brings_it_back(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/pooling?pooling_view=Steps")
    said, grid = page.locator(".stepper .sum"), page.locator(".stepper canvas.output")
    expect(said).to_contain_text("Row")
    settled(page)
    start = said.inner_text()
    grid.hover(position={"x": 5, "y": 5})
    expect(said).not_to_have_text(start)
    page.mouse.move(2, 2)
    expect(said).to_have_text(start)
    grid.click(position={"x": 5, "y": 5})
    page.mouse.move(2, 2)
    expect(said).not_to_have_text(start)
