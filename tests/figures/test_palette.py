"""One meaning, one colour: readable in both themes, the theme's own, and no other colour in any figure."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import plotly.graph_objects as go
import pytest

from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import DARK, LIGHT, Palette, in_dark, rgb

ROOT = Path(__file__).parents[2]
NO_TEXT = {"paper", "card", "line", "selection"}  # grounds, borders and outlines
HEX = re.compile(r"#[0-9A-Fa-f]{6}\b")


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [value / 255 for value in rgb(colour)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_of_text_are_readable_on_paper_and_card(theme: Palette) -> None:
    pale = {
        entry.name: round(min(contrast(getattr(theme, entry.name), ground) for ground in (theme.paper, theme.card)), 2)
        for entry in fields(Palette)
        if entry.name not in NO_TEXT
    }
    assert {name: found for name, found in pale.items() if found < 4.5} == {}


def test_each_meaning_has_a_colour_of_its_own() -> None:
    for theme in (LIGHT, DARK):
        colours = [getattr(theme, entry.name) for entry in fields(Palette)]
        assert len(set(colours)) == len(colours)


def test_theme_of_the_app_is_the_palette() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    for name, palette in (("light", LIGHT), ("dark", DARK)):
        theme = config[name]
        assert (theme["backgroundColor"], theme["textColor"], theme["primaryColor"], theme["borderColor"]) == (
            (palette.paper, palette.ink, palette.accent, palette.line)
        )
        assert theme["grayTextColor"] == palette.soft


def test_figure_in_the_dark_keeps_its_data_and_changes_its_colours() -> None:
    figure = Figure(
        [
            {
                "type": "scatter",
                "x": [1, 2],
                "y": [3.5, 4],
                "line": {"color": LIGHT.frozen},
                "text": [LIGHT.frozen, "a"],
            },
            {"type": "heatmap", "z": [[1.0, -1.0]], "colorscale": LIGHT.activations},
        ]
    )
    drawn = in_dark(figure.to_json())
    assert drawn["data"][0]["line"]["color"] == DARK.frozen and list(drawn["data"][0]["x"]) == [1, 2]
    assert [colour for _, colour in drawn["data"][1]["colorscale"]] == [DARK.negative, DARK.paper, DARK.positive]
    assert go.Figure(drawn) is not None


def test_colours_stand_in_the_palette_alone() -> None:
    files = [path for room in ("ui", "pages", "cnn_core") for path in (ROOT / room).rglob("*.py")]
    elsewhere = {
        str(path.relative_to(ROOT)): found
        for path in files
        if path.name != "palette.py" and (found := HEX.findall(path.read_text()))
    }
    assert not elsewhere
