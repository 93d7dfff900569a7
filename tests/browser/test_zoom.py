"""From a dropped photo to one product of one window: by clicks, by keys alone, by touch; and by a link."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cnn_core.networks import backbones
from cnn_core.pictures.images import square

from .conftest import Server, pixels, settled, until_right

Visitor = Callable[..., Page]
EPSILON = 1e-3  # of the network's BatchNorms, as its release has it


def stem(picture: np.ndarray, row: int, column: int, channel: int) -> float:
    """A cell of the first layer, by one sum over the window."""
    weights = backbones.embedded_weights()
    scaled = (square(picture, 224, 0.875).astype(np.float64) - 127) / 128
    padded = np.pad(scaled, ((0, 1), (0, 1), (0, 0)))  # `same` with a stride of 2: what is odd comes after
    window = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
    total = np.einsum("ijc,ijc->", window, weights["stem_conv/kernel"][..., channel])
    mean, variance, gamma, beta = (
        float(weights[f"stem_bn/{name}"][channel]) for name in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    return float(np.clip((total - mean) / np.sqrt(variance + EPSILON) * gamma + beta, 0, 6))


def level(page: Page, number: int) -> Locator:
    """Wait until the walk is at a level and nothing flies any more."""
    walk = page.locator(f".zoom[data-level='{number}']:not(.waiting)")
    expect(walk).to_be_visible()
    settled(page)
    page.wait_for_function("() => document.getAnimations().every((each) => each.playState === 'finished')")
    return walk


def agrees(page: Page, photo: Path) -> None:
    """Hold the number on the page to the sum of this test."""
    level(page, 3)
    page.wait_for_url(re.compile(r"zoom=stem_relu6\.\d+\.\d+\.\d+"))
    found = re.search(r"zoom=stem_relu6\.(\d+)\.(\d+)\.(\d+)", page.url)
    assert found is not None
    channel, row, column = map(int, found.groups())
    expected, shown = stem(pixels(photo), row, column, channel), page.locator(".formula b").last

    def look() -> list[str]:
        text = shown.inner_text()
        return [] if float(text.replace("−", "-")) == pytest.approx(expected, rel=1e-4, abs=1e-5) else [text]

    assert until_right(page, look) == [], f"the number is {expected}"
    assert expected > 0, "the strongest cell says something"


def drop(page: Page, photo: Path) -> None:
    page.locator(".st-key-home_picture_0 input[type=file]").set_input_files(photo)
    expect(page.locator(".st-key-visitor .visitor")).to_contain_text(photo.name)
    level(page, 0)


def middle(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_photo_to_product_by_clicks_and_back(server: Server, visitor: Visitor, photos: Path) -> None:
    photo = photos / "brick" / "00.png"
    page = visitor(server.url)
    drop(page, photo)
    page.locator(".zoom .all").first.click()
    level(page, 1)
    page.locator(".zoom .row button", has_text="Stem").click()
    page.wait_for_url(re.compile(r"zoom=stem_relu6$"))
    level(page, 1).locator(".tiles button").first.click()
    output = level(page, 2).locator(".output .frame")
    output.scroll_into_view_if_needed()
    for _ in range(2):  # the first holds the cell, the second goes into it
        page.mouse.click(*middle(output.locator(".box")))
    agrees(page, photo)
    for number in (2, 1, 1, 0):
        page.go_back()
        level(page, number)
    assert "zoom" not in page.url


def test_photo_to_product_by_keys_alone(server: Server, visitor: Visitor, photos: Path) -> None:
    photo = photos / "gravel" / "01.png"
    page = visitor(server.url)
    drop(page, photo)

    def at(selector: str, key: str = "Tab") -> None:
        there = "(selector) => { let at = document.activeElement; while (at?.shadowRoot?.activeElement) "
        there += "at = at.shadowRoot.activeElement; return Boolean(at?.matches(selector)); }"
        for _ in range(60):
            if page.evaluate(there, selector):
                return
            page.keyboard.press(key)
        raise AssertionError(f"{selector} is not reached by {key}")

    at(".zoom .all")
    page.keyboard.press("Enter")
    level(page, 1)
    at(".zoom .row button:first-child", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"zoom=stem_relu6$"))
    level(page, 1)
    at(".tiles button")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    level(page, 2)
    at(".output .frame")
    page.keyboard.press("Enter")
    agrees(page, photo)
    before = page.url
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda url: url != before)
    page.keyboard.press("Escape")
    level(page, 2)
    page.keyboard.press("Escape")
    level(page, 1)
    page.keyboard.press("Escape")
    level(page, 0)


def test_photo_to_product_by_touch(server: Server, chromium: Browser, photos: Path) -> None:
    photo = photos / "grass" / "00.png"
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(server.url)
    settled(page)
    drop(page, photo)
    page.locator(".zoom .all").first.tap()
    level(page, 1)
    page.locator(".zoom .row button", has_text="Stem").tap()
    page.wait_for_url(re.compile(r"zoom=stem_relu6$"))
    level(page, 1).locator(".tiles button").first.tap()
    output = level(page, 2).locator(".output .frame")
    expect(page.locator(".zoom .trail")).to_be_in_viewport()
    output.scroll_into_view_if_needed()
    for _ in range(2):
        page.touchscreen.tap(*middle(output.locator(".box")))
    agrees(page, photo)
    expect(page.locator(".formula b").last).to_be_in_viewport()  # nothing that is computed is to be looked for
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls down only"
    context.close()


def test_link_opens_the_same_cell_elsewhere_without_motion(server: Server, visitor: Visitor) -> None:
    link = f"{server.url}/?picture=coffee&zoom=block3b_out.17.12.9"
    one = visitor(link)
    level(one, 3)
    other = visitor(link, motion="reduce")
    level(other, 3)
    formula, said = one.locator(".formula"), one.locator(".zoom .said")
    expect(other.locator(".formula")).to_have_text(formula.inner_text())
    expect(other.locator(".zoom .said")).to_have_text(said.inner_text())
    other.locator(".zoom .output .frame").focus()
    other.keyboard.press("Escape")
    expect(other.locator(".zoom[data-level='2']")).to_be_visible()
    assert not other.evaluate("document.getAnimations().filter((each) => !(each instanceof CSSTransition)).length")


@pytest.mark.parametrize("width", [390, 700, 820, 1000])
def test_map_itself_is_in_sight_beside_what_it_is_made_of(width: int, server: Server, visitor: Visitor) -> None:
    for place in ("block3b_depthwise_relu6.17.12.9", "block3b_expand_relu6.17.12.9", "block3b_out.17.12.9"):
        page = visitor(f"{server.url}/?zoom={place}", width)
        level(page, 3)
        box = page.locator(".zoom .output").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width, place
        assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= width, place
