"""Present mode in a frame of 800 × 500 on a page of somebody else."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cnn_core.store import lessons
from cnn_core.store.lessons import View

from .conftest import LIMIT, Server, until_right, violations
from .test_headers import foreign, framed

__all__ = ["foreign"]  # a fixture
CONTROLS = "button, input, select, textarea, summary, a[href], [role=slider], [role=radio], [role=tab], [role=combobox]"
# Where the largest picture of the result lies in the frame.
RESULT = """() => {
  const images = [...document.querySelectorAll('.st-key-stage img')];
  const boxes = images.map((each) => each.getBoundingClientRect()), loaded = images.every((each) => each.naturalWidth);
  const last = boxes.at(-1);
  return { count: boxes.length, loaded, top: last.top, bottom: last.bottom, right: last.right };
}"""


def test_what_a_teacher_says_of_a_view_is_as_large_as_the_rest(server: Server, visitor: Callable[..., Page]) -> None:
    token = lessons.make(server.store, "t" * 40, "Edges first").token
    views = [View("convolution", {}, "Edges", "Where is it red?")]
    lessons.change(server.store, "t" * 40, token, views=views)
    for query, place in ((f"list={token}&item=1", ".st-key-list_note p"), ("tour=2", ".list-said")):
        page = visitor(f"{server.url}/convolution?present=1&{query}", 1920, height=1080)
        for said in (place, ".st-key-why p"):
            expect(page.locator(said).first).to_have_css("font-size", "24px")


@pytest.mark.slow  # an app of its own
def test_a_course_shows_one_result_and_its_named_control(
    tmp_path: Path, chromium: Browser, foreign: Callable[..., str]
) -> None:
    other = Server(tmp_path, CONVSCOPE_EMBED=foreign(""))
    other.start()
    try:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(LIMIT)
        said = violations(page)
        link = "/convolution?present=1&show=stride&convolution_kernel=1,0,-1;1,0,-1;1,0,-1"
        address = foreign(other.url + link, 800, 500)
        frame = framed(page, address)
        frame.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        assert frame.evaluate("[innerWidth, innerHeight]") == [800, 500]
        expect(frame.locator(".st-key-stage img")).to_have_count(2)

        def look() -> list[str]:
            seen = frame.evaluate(RESULT)
            fits = (
                seen["count"] == 2
                and seen["loaded"]
                and seen["top"] >= 0
                and seen["bottom"] <= 500
                and seen["right"] <= 800
            )
            fits = fits and frame.evaluate("document.documentElement.scrollWidth") <= 800
            names = [text.strip() for text in frame.locator(CONTROLS).locator("visible=true").all_inner_texts()]
            names = [name for name in names if name and not name.startswith("Skip to")]
            return ([] if fits else [str(seen)]) + ([] if names == ["1", "2", "3", "4"] else names or ["no control"])

        assert until_right(page, look) == []
        caption = frame.locator(".st-key-stage").get_by_text("its map, 168 × 254")
        expect(caption).to_be_visible()
        frame.get_by_role("radio", name="2", exact=True).or_(frame.get_by_role("button", name="2", exact=True)).click()
        expect(frame.locator(".st-key-stage").get_by_text("its map, 84 × 127")).to_be_visible()
        frame.wait_for_url(re.compile(r"(?=.*present=1)(?=.*convolution_stride=2)"))
        assert said == []
        context.close()
    finally:
        other.close()
