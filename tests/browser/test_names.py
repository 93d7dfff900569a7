"""Escaped names where they are read at last: in Streamlit's Markdown, KaTeX and Plotly, by a browser."""

import os
import subprocess
import sys
import unicodedata
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.hostile import NAMES
from tests.waiting import eventually

from .conftest import ROOT, kept_port, settled

APP = """
import plotly.graph_objects as go
import streamlit as st

from cnn_core.arithmetic.escaping import html, latex, markdown, plotly
from tests.hostile import NAMES

for number, name in enumerate(NAMES):
    st.container(key=f"said_{number}").markdown(markdown(name))
    st.container(key=f"bold_{number}").caption(f"**{markdown(name)}**")
    st.container(key=f"html_{number}").html(f'<p title="{html(name)}">{html(name)}</p>')
    st.container(key=f"cell_{number}").markdown(f"| a |\\n|---|\\n| {markdown(name)} |")
    st.container(key=f"button_{number}").button(markdown(name), key=f"press_{number}")
    if "`" not in name and '"' not in name:  # TeX has its own quotation marks
        st.container(key=f"formula_{number}").markdown(f"${latex(name)}$")
figure = go.Figure([go.Scatter(x=[0], y=[number], name=plotly(name)) for number, name in enumerate(NAMES)])
ticks = {"tickvals": list(range(len(NAMES))), "ticktext": [plotly(name) for name in NAMES]}
st.plotly_chart(figure.update_yaxes(**ticks).update_layout(height=1500), key="chart", theme=None)
"""


@pytest.fixture
def names(tmp_path: Path) -> Iterator[str]:
    """Serve a page of nothing but names; return its address."""
    script = tmp_path / "names.py"
    script.write_text(APP)
    kept = kept_port()
    port = kept.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "STREAMLIT_SERVER_HEADLESS": "true"}
    with (tmp_path / "server.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
    url = f"http://localhost:{port}"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        eventually(answers, 60, "the page of names answers")
        yield url
    finally:
        running.kill()
        running.wait()
        kept.close()


def same(text: str) -> str:
    """A text without what nobody sees."""
    return " ".join(text.replace("\u2060", "").replace("\u200b", "").split())


def test_names_are_read_as_they_are(names: str, visitor: Callable[..., Page]) -> None:
    page = visitor(names)
    settled(page)
    expect(page.locator(".st-key-chart .ytick text")).to_have_count(len(NAMES))
    for place in ("said", "bold", "html", "button"):
        shown = [page.locator(f".st-key-{place}_{number}").text_content() or "" for number in range(len(NAMES))]
        assert [same(each) for each in shown] == [same(name) for name in NAMES], place
    cells = [page.locator(f".st-key-cell_{number} td").text_content() or "" for number in range(len(NAMES))]
    assert [same(each) for each in cells] == [same(name) for name in NAMES]
    for number, name in enumerate(NAMES):
        if "`" not in name and '"' not in name:
            formula = page.locator(f".st-key-formula_{number} .katex-html").text_content() or ""
            formula = unicodedata.normalize("NFC", formula.replace("\u02ca", "\u0301"))  # KaTeX sets accents apart
            assert "".join(same(formula).split()) == "".join(name.split())
    assert page.locator("[data-testid=stMain] a[href]").count() == 0
    assert page.locator("[class*=st-key-said_] :is(img, em, strong, code, del, ul, ol, [role=img])").count() == 0
    drawn = page.locator(".st-key-chart .ytick text, .st-key-chart .legendtext").all_text_contents()
    assert [same(each) for each in drawn[: len(NAMES)]] == [same(name) for name in NAMES]
    assert sorted(same(each) for each in drawn[len(NAMES) :]) == sorted(same(name) for name in NAMES)
    assert page.locator(".st-key-chart svg a").count() == 0
