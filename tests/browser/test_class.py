"""A class of three students on one lesson list, each in a browser of their own, and the table of their teacher."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, settled
from .readable import faults

Visitor = Callable[..., Page]
NAMES = ("Ada", "=Blaise", "<b>Carl</b>")


def written(page: Page, label: str, text: str) -> None:
    """Type into a field and leave it."""
    field = page.get_by_label(label, exact=True).locator("visible=true")
    field.fill(text)
    field.press("Tab")
    settled(page)


def pressed(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).locator("visible=true").first.click()
    settled(page)


def added(page: Page, note: str, title: str = "") -> None:
    """Add the view that one sees to the list."""
    pressed(page, "Share")
    page.get_by_text("Add this view to a lesson list").click()
    if title:
        written(page, "Its title", title)
    written(page, "Your note: what to look at here", note)
    pressed(page, "Add")
    expect(page.get_by_text("Added to “Edges first”.")).to_be_visible()


def link(page: Page) -> str:
    return page.locator("[data-testid=stCode]").first.inner_text().replace("\n", "").strip()


@pytest.mark.slow  # half a minute; what each of them sees is held by tests/pages/test_classes.py and test_lessons.py
def test_three_students_on_one_list(server: Server, visitor: Visitor, tmp_path: Path) -> None:
    teacher = visitor(f"{server.url}/convolution?convolution_stride=2")
    added(teacher, "Find a kernel that blurs.", "Edges first")
    teacher.goto(f"{server.url}/pooling?pooling_view=Steps")
    settled(teacher)
    added(teacher, "Which values survive?")
    teacher.goto(f"{server.url}/lessons?lessons_view=Classes")
    settled(teacher)
    written(teacher, "A new class", "10 b")
    pressed(teacher, "Make it")
    expect(teacher.get_by_text("Nobody is in it yet.")).to_be_visible()
    expect(teacher.locator("img.qr")).to_be_visible()
    door = link(teacher)

    for at, name in enumerate(NAMES):
        student = visitor(door, width=390 if at else 1280)
        student.get_by_label("Your name", exact=True).fill(name)
        student.get_by_label("Your name", exact=True).press("Enter")
        expect(student.get_by_text(f"You are in it as {name}.")).to_be_visible()
        if at == 2:
            continue  # has only joined
        student.get_by_role("link", name="Which pattern does this kernel find?").click()
        expect(student.get_by_text("Find a kernel that blurs.")).to_be_visible()
        expect(student.locator(".list-way")).to_contain_text("1 of 2")
        settled(student)
        student.get_by_role("radio", name="Box blur").click()
        expect(student.get_by_text("Done.", exact=True)).to_be_visible()
        if at == 0:
            assert faults(student) == []
            student.locator(".list-way a.next").click()
            expect(student.locator("h1")).to_have_text("What does one window keep?")
            student.locator(".list-way a.back").click()
            expect(student.locator(".st-key-list_note")).to_contain_text("Find a kernel that blurs.")

    pressed(teacher, "Look again")
    rows = teacher.locator(".rows tbody tr")
    expect(rows).to_have_count(3)
    told = {row.locator("td").first.inner_text(): row.locator("td").all_inner_texts()[1:] for row in rows.all()}
    assert told == {"Ada": ["1", "✓", "–"], "=Blaise": ["1", "✓", "–"], "<b>Carl</b>": ["0", "–", "–"]}
    assert faults(teacher) == []
    with teacher.expect_download() as coming:
        teacher.get_by_role("button", name="CSV").first.click()
    coming.value.save_as(tmp_path / "class.csv")
    head, *lines = csv.reader(io.StringIO((tmp_path / "class.csv").read_text(encoding="utf-8")))
    assert head == ["name", "joined", "done", "Which pattern does this kernel find?", "What does one window keep?"]
    assert sorted((line[0], line[2]) for line in lines) == [("'=Blaise", "1"), ("<b>Carl</b>", "0"), ("Ada", "1")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", line[3]) for line in lines if line[2] == "1")

    stranger = visitor(teacher.url)
    expect(stranger.get_by_text("Join it:")).to_be_visible()
    assert "Ada" not in stranger.content() and "Blaise" not in stranger.content()
