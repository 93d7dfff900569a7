"""A visitor's picture, from the front door to another person's browser; the address bar gives it to nobody."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, settled, until_right

Visitor = Callable[..., Page]
CAT = "Chelsea the cat"


def header(page: Page) -> str:
    return str(page.locator(".st-key-visitor .visitor").inner_text())


def understand(page: Page, lesson: str) -> None:
    """Go to a lesson by the menu at the top."""
    page.get_by_test_id("stTopNavSection").click()
    page.get_by_test_id("stTopNavDropdownLink").filter(has_text=lesson).click()


def assert_nothing_given_away(page: Page, *secrets: str) -> None:
    """No digest and no token may be in the address bar by itself."""
    query = urlsplit(page.url).query
    assert "with=" not in query and "set=" not in query and "mine" not in query
    assert not [secret for secret in secrets if secret in page.url]


def test_picture_stays_with_its_visitor_and_travels_only_when_told_to(
    server: Server, visitor: Visitor, photos: Path
) -> None:
    page = visitor(server.url)
    photo = photos / "brick" / "00.png"
    page.locator(".st-key-home_picture_0 input[type=file]").set_input_files(photo)
    expect(page.locator(".st-key-visitor .visitor")).to_contain_text("00.png")
    understand(page, "Pooling")
    expect(page.get_by_role("heading", name="What survives a shift?")).to_be_visible()
    settled(page)
    assert "00.png" in header(page)
    assert_nothing_given_away(page)
    page.reload()
    expect(page.locator(".st-key-visitor .visitor")).to_contain_text("00.png")
    settled(page)
    expect(page.get_by_text("pooled: 23 × 23")).to_be_visible()
    tab = page.context.new_page()
    tab.goto(f"{server.url}/convolution")
    expect(tab.locator(".st-key-visitor .visitor")).to_contain_text("00.png")
    tab.close()
    stranger = visitor(page.url)
    expect(stranger.locator(".st-key-visitor .visitor")).to_contain_text(CAT)

    page.get_by_role("button", name="Share", exact=True).click()
    code = page.get_by_role("dialog").locator("code").first
    expect(code).not_to_contain_text("with=")
    page.get_by_role("dialog").get_by_text("My picture travels with the link").click()
    expect(code).to_contain_text("with=")
    link = code.inner_text()
    token = link.rpartition("with=")[2]
    assert_nothing_given_away(page, token)  # must not happen, while the dialog is open either
    friend = visitor(link)
    expect(friend.locator(".st-key-visitor .visitor")).to_contain_text("This picture came with the link")
    assert "00.png" in header(friend)
    expect(friend.get_by_text("pooled: 23 × 23")).to_be_visible()
    understand(friend, "Convolution")
    expect(friend.get_by_role("heading", name="Which pattern does this kernel find?")).to_be_visible()
    settled(friend)
    assert "00.png" in header(friend)
    assert_nothing_given_away(friend, token)
    friend.get_by_role("button", name="Use mine").click()
    expect(friend.locator(".st-key-visitor .visitor")).to_contain_text(CAT)

    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    late = visitor(link)
    expect(late.get_by_text("whoever gave them has taken them back")).to_be_visible()
    assert CAT in header(late) and "00.png" not in header(late)


def test_deleted_picture_leaves_the_top_of_the_page_at_once(server: Server, visitor: Visitor, photos: Path) -> None:
    page = visitor(server.url)
    page.locator(".st-key-home_picture_0 input[type=file]").set_input_files(photos / "brick" / "00.png")
    expect(page.locator(".st-key-visitor .visitor")).to_contain_text("00.png")
    page.goto(f"{server.url}/keeping")
    page.get_by_role("button", name="Delete all of mine").click()
    page.get_by_role("button", name="Delete all for good").click()
    expect(page.get_by_text("All of yours is deleted")).to_be_visible()
    expect(page.locator(".st-key-visitor .visitor")).to_contain_text(CAT)


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_header_covers_neither_navigation_nor_menu(server: Server, visitor: Visitor, width: int) -> None:
    page = visitor(f"{server.url}/pooling?picture=flower", width)
    expect(page.get_by_role("button", name="Use mine")).to_be_visible()
    before = page.get_by_test_id("stTopNavLink") if width > 640 else page.get_by_test_id("stExpandSidebarButton")
    expect(before.locator("visible=true").first).to_be_visible()
    title = page.get_by_role("heading", name="What survives a shift?")

    def look() -> list[str]:
        bar, menu = page.locator(".st-key-visitor").bounding_box(), page.get_by_test_id("stMainMenu").bounding_box()
        heading, links = title.bounding_box(), [link.bounding_box() for link in before.locator("visible=true").all()]
        if not (bar and menu and heading and links and all(links)):
            return ["something is away"]
        wrong = [] if bar["y"] >= 0 and bar["y"] + bar["height"] <= 60 else [f"the bar is at {bar}"]
        if bar["x"] + bar["width"] > menu["x"]:
            wrong.append(f"the bar {bar} covers the menu {menu}")
        wrong += [f"the bar {bar} covers {box}" for box in links if box and box["x"] + box["width"] > bar["x"]]
        return wrong if heading["y"] >= 60 else [*wrong, f"the heading is at {heading}"]

    assert until_right(page, look) == []
    for name in ("Share", "Change"):  # spoken, though on a phone only an icon is seen
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()


def test_toast_of_a_fragment_leaves_the_page_its_style(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/laboratory")
    page.get_by_role("button", name="New set").click()
    settled(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("stToast")).to_contain_text("Taken back")
    settled(page)
    accent = "() => getComputedStyle(document.querySelector('.stApp')).getPropertyValue('--cs-accent')"
    assert page.evaluate(accent)
