"""A place that is followed from page to page, and the walk of ten steps: by the links that a visitor clicks."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from .conftest import Server, settled

SAID = re.compile(r"follow=\d+\.\d+")


def followed(page: Page) -> str:
    page.wait_for_url(SAID)
    found = SAID.search(page.url)
    assert found
    return found[0]


def test_place_goes_along_and_back_is_no_trap(server: Server, visitor: Callable[..., Page]) -> None:
    page = visitor(f"{server.url}/convolution?convolution_view=Step+by+step")
    page.get_by_role("button", name="Follow this place").click()
    text = followed(page)
    page.get_by_role("link", name="what a shift does to it").click()
    page.wait_for_url("**/pooling?*")
    settled(page)
    assert followed(page) == text
    expect(page.get_by_text("At the place that you follow")).to_be_visible()
    page.get_by_role("link", name="Teach it yours").first.click()
    page.wait_for_url(re.compile(r"/transfer\?.*follow="))
    settled(page)
    for _ in range(2):  # the address as it was opened, and with the place
        page.go_back()
        settled(page)
    page.wait_for_url("**/pooling?*")
    expect(page.locator(".thread")).to_be_visible()
    page.get_by_role("button", name="Stop following").click()
    expect(page.locator(".thread")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("follow"))


def test_walk_lights_what_it_speaks_of(server: Server, visitor: Callable[..., Page]) -> None:
    page = visitor(server.url)
    page.get_by_role("link", name="New here?").click()
    page.wait_for_url("**/?tour=1")
    settled(page)
    page.locator(".list-way .next").click()
    page.wait_for_url("**/convolution?tour=2")
    settled(page)
    expect(page.locator(".list-said")).to_contain_text("nine numbers")
    lit = page.locator(".st-key-convolution_kernel_wall")
    expect(lit).to_have_css("outline-style", "solid")
    expect(page.locator(".st-key-convolution_view_next")).to_have_count(0)
    page.get_by_role("link", name="Leave the walk").click()
    settled(page)
    expect(page.locator(".st-key-convolution_view_next")).to_be_visible()
