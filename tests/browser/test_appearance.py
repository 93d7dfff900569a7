"""What every page must be, in both themes and at both widths: readable, operable, nothing cut off."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from cnn_core.runs import Run

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
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, "the page scrolls sideways"
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("path", ["", "transfer", "run"])
def test_page_is_accessible_and_fits(
    server: Server, visitor: Callable[..., Page], finished: Run, path: str, width: int, scheme: str
) -> None:
    page = visitor(f"{server.url}/{f'transfer?run={finished.id}' if path == 'run' else path}", width, scheme)
    if path == "transfer":
        page.get_by_text("Settings (none needs changing)").click()
    if path == "":
        page.locator(".js-plotly-plot").wait_for(timeout=60_000)
    assert_readable(page)
