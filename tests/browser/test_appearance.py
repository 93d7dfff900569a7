"""What every page must be, in both themes and at both widths: readable, operable, nothing cut off."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from cnn_core.store.runs import Run
from tests.waiting import eventually

from .conftest import Server, settled

# Streamlit's own: its file input has no label of its own, its fullscreen region no landmark.
KNOWN = {"region", "landmark-one-main", "page-has-heading-one"}

# A phone in the dark and a desk in daylight always; the other two where there is time.
SCREENS = [
    (390, "dark"),
    (1280, "light"),
    pytest.param(390, "light", marks=pytest.mark.slow),
    pytest.param(1280, "dark", marks=pytest.mark.slow),
]


def _serious(page: Page) -> dict[str, list[tuple[str, ...]]]:
    return {
        violation["id"]: [
            (node["html"][:120], *(check["message"] for check in node["any"])) for node in violation["nodes"]
        ]
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical") and violation["id"] not in KNOWN
    }


def assert_readable(page: Page) -> None:
    """Fail on what axe finds serious, on a page that scrolls sideways, and on a traceback."""
    settled(page)
    for _ in range(4):  # while a run replaces elements they are faded; what stays is what counts
        page.wait_for_timeout(500)
        if not (found := _serious(page)):
            break
    assert found == {}
    main = page.locator("[data-testid=stMain]")
    # A chart that is drawn anew is as wide as before for a moment.
    eventually(lambda: main.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, 2, "no page scrolls sideways")
    assert page.locator("[data-testid=stException]").count() == 0


def assert_views_are_readable(page: Page, views: Sequence[str]) -> None:
    """Go through a page's views; each is faded until the engine has answered."""
    for view in views:
        page.get_by_role("radio", name=view, exact=True).click()
        expect(page.get_by_role("radio", name=view, exact=True)).to_be_checked()
        expect(page.locator("[data-testid=stSpinner]")).to_have_count(0)
        assert_readable(page)


def halves(views: Sequence[str]) -> list[Any]:
    """Return width, scheme and views of four screens: half of the views on two of them always, the rest at leisure."""
    return [
        (390, "dark", views[::2]),
        (1280, "light", views[1::2]),
        pytest.param(390, "light", views, marks=pytest.mark.slow),
        pytest.param(1280, "dark", views, marks=pytest.mark.slow),
    ]


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("path", ["", "transfer", "run"])
def test_page_is_accessible_and_fits(
    server: Server, visitor: Callable[..., Page], finished: Run, path: str, width: int, scheme: str
) -> None:
    page = visitor(f"{server.url}/{f'transfer?run={finished.id}' if path == 'run' else path}", width, scheme)
    if path == "transfer":
        page.get_by_text("Settings (none needs changing)").click()
    if path == "":
        page.locator(".js-plotly-plot").wait_for()
    assert_readable(page)
