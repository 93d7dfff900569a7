"""The convolution page in a real browser: the stepper, the editable kernel, the link."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import experiments, kernels

from .conftest import Server, asking

Visitor = Callable[..., Page]
WALK = """(stepper, keys) => {
  stepper.querySelector('.first').click();
  for (const key of keys) {
    stepper.querySelector('.next').dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  }
}"""


def said(page: Page, row: int, column: int) -> float:
    """Return the sum that the stepper says of its window, once it is there."""
    expect(page.locator(".sum")).to_contain_text(re.compile(rf"^Row {row}, column {column}:.*= "))
    return float(page.locator(".sum").inner_text().rpartition("= ")[2].replace("−", "-"))


def test_stepper_walks_over_the_bar_and_says_each_sum(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/convolution?convolution_view=Step+by+step&picture=bar")
    expect(page.locator(".sum")).to_contain_text("Row 0, column 0")
    wanted = ops.cross_correlate(experiments.bar(), kernels.PRESETS["sobel_x"].kernel())
    for position, value in enumerate(wanted[0]):
        assert said(page, 0, position) == value
        page.locator(".stepper .next").click()
    said(page, 1, 0)
    page.locator(".stepper").focus()
    page.keyboard.press("ArrowDown")
    said(page, 2, 0)
    page.locator(".stepper .play").click()
    expect(page.locator(".sum")).to_contain_text("Row 3, column")
    page.locator(".stepper .play").click()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)  # must not happen


def test_stepper_computes_what_numpy_computes_with_padding_stride_and_dilation(
    server: Server, visitor: Visitor
) -> None:
    link = "picture=digit-3&convolution_kernel=1,-1;2,0.5&convolution_stride=2&convolution_dilation=2"
    page = visitor(
        f"{server.url}/convolution?convolution_view=Step+by+step&{link}&convolution_padding=same&convolution_edge=reflect"
    )
    from cnn_core.pictures.bundled import BUNDLED

    image = ops.grey(BUNDLED["digit-3"].load().pixels / 255.0)
    wanted = ops.cross_correlate(
        image if image.shape[0] <= 8 else np.round(255 * image),
        kernels.from_text("1,-1;2,0.5"),
        2,
        "same",
        2,
        edge="reflect",
    )
    page.locator(".stepper .first").click()  # it begins where the response is strongest
    for (row, column), value in np.ndenumerate(wanted):
        assert said(page, row, column) == pytest.approx(value, abs=0.01)
        page.locator(".stepper .next").click()


def test_shared_link_opens_the_very_window(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/convolution?convolution_view=Step+by+step")
    with asking(page):  # at once, without a rest between: where it comes to rest is told
        page.locator(".stepper").evaluate(WALK, ["ArrowDown", "ArrowDown", "ArrowRight"])
        expect(page.locator(".sum")).to_contain_text("Row 2, column 1:")
        hers = page.locator(".sum").inner_text()
    assert "convolution_at" not in page.url, "Back does not go through every cell"
    expect(page.locator(".sum")).to_have_text(hers)  # must not happen: the answer moves it
    page.get_by_role("button", name="Share", exact=True).click()
    shared = page.get_by_role("dialog").locator("code").first.inner_text()
    stranger = visitor(shared)
    expect(stranger.locator(".sum")).to_have_text(hers)


def test_changed_cell_changes_the_map_and_the_link(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/convolution?convolution_view=Step+by+step&picture=bar")
    page.get_by_text("Padding, spacing, cells").click()
    cell = page.get_by_label("kernel row 0 column 2")
    expect(cell).to_have_value("1")
    expect(page.locator(".sum")).to_contain_text(re.compile("= 4$"))
    cell.fill("3")
    cell.press("Tab")
    expect(page.locator(".sum")).to_contain_text("= 6")
    page.wait_for_url(re.compile("convolution_kernel=-1%2C0%2C3"))
    stranger = visitor(page.url)
    stranger.get_by_text("Padding, spacing, cells").click()
    expect(stranger.get_by_label("kernel row 0 column 2")).to_have_value("3")
    expect(stranger.locator(".sum")).to_contain_text("= 6")


def test_link_with_settings_shows_them_in_a_fresh_browser(server: Server, visitor: Visitor) -> None:
    link = "picture=coffee&convolution_stride=2&convolution_padding=same&convolution_view=Whole+picture"
    page = visitor(f"{server.url}/convolution?{link}")
    expect(page.get_by_text(re.compile(r"^its map, 8[56]\s×\s128"))).to_be_visible()
    expect(page.get_by_text("which is not possible here")).to_have_count(0)  # must not happen


def test_kernels_are_one_stop_of_the_keyboard_and_arrow_keys_choose(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/convolution")
    chosen = page.locator(".wall [aria-checked=true]")
    expect(chosen).to_have_text("Sobel x")
    chosen.focus()
    page.keyboard.press("ArrowRight")
    expect(chosen).to_have_text("Sobel y")
    page.wait_for_url(re.compile("convolution_kernel=-1%2C-2%2C-1"))
    expect(chosen).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".wall button:focus")).to_have_count(0)  # must not happen: a stop for each of the twelve
