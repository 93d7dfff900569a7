"""A view on paper: what is computed, its words, its link and its sources; nothing that one could only press."""

import io
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cnn_core.receipts.check import receipts

from .conftest import Server, settled, until_right

VIEW = "pooling?pooling_view=EQ-N2.2"
PRESSED = ("stHeader", "stBottom", "stButton", "stButtonGroup", "stSelectbox", "stSlider", "stFileUploader", "stDialog")


def test_print_has_figures_link_and_sources_and_no_controls(server: Server, visitor: Callable[..., Page]) -> None:
    page = visitor(f"{server.url}/{VIEW}", scheme="dark")
    page.evaluate("window.print = () => { window.printed = (window.printed ?? 0) + 1; }")
    foot = page.locator(".foot")
    expect(foot).to_be_hidden()
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("button", name="Print, or keep as PDF").click()
    page.wait_for_function("window.printed === 1")
    settled(page)
    page.emulate_media(media="print")
    expect(foot).to_be_visible()
    expect(foot).to_contain_text(f"{server.url}/pooling?pooling_view=EQ-N2.2")
    expect(foot).to_contain_text(receipts()["chapter-nine"].source)
    expect(foot.locator("img.qr")).to_be_visible()
    for name in PRESSED:
        expect(page.locator(f"[data-testid={name}]").locator("visible=true")).to_have_count(0)
    expect(page.locator(".js-plotly-plot").locator("visible=true")).to_have_count(2)
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF-") and pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page /") <= 3
    pypdf = pytest.importorskip("pypdf", reason="a development package")
    text = "\n".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    for words in ("Does the pooled map notice", "theory", "The 9 moved into another window", "pooling_view=EQ-N2.2"):
        assert words in text
    assert "Next" not in text


def test_code_leads_where_the_link_leads(server: Server, visitor: Callable[..., Page]) -> None:
    zxing = pytest.importorskip("zxingcpp", reason="a development package")
    from PIL import Image

    page = visitor(f"{server.url}/convolution?convolution_stride=2", width=390, scheme="dark")
    page.get_by_role("button", name="Share", exact=True).click()
    code = page.locator("[data-testid=stDialog] img.qr").first
    expect(code).to_be_visible()
    link = page.locator("[data-testid=stDialog] [data-testid=stCode]").first

    def look() -> list[str]:  # the dialog comes in slowly, and dark on dark nothing is read
        seen = Image.open(io.BytesIO(code.screenshot()))
        read = [each.text for each in zxing.read_barcodes(seen)]
        return [] if read == [link.inner_text().replace("\n", "").strip()] else read or ["nothing is read"]

    assert until_right(page, look) == []
    large = page.locator("[data-testid=stDialog] .large-qr summary").first
    large.press("Enter")
    page.wait_for_function("(code) => code.getBoundingClientRect().width > 0.9 * innerWidth", arg=code.element_handle())
    assert until_right(page, look) == [], "and so from the wall"
    large.press("Enter")
    page.wait_for_function("(code) => code.getBoundingClientRect().width < 150", arg=code.element_handle())
