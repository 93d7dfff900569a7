"""Names are text: what a reader of each medium, not ours, makes of an escaped name is the name."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from cnn_core.arithmetic import escaping
from cnn_core.arithmetic.tables import csv_text
from tests.hostile import NAMES

PLACES = {  # before and behind a name, and what of it is no name
    "paragraph": ("", "", ""),
    "item": ("- ", "", ""),
    "heading": ("# ", "", ""),
    "bold": ("**", "**", ""),
    "sentence": ("It is ", ", said cat.", "It is , said cat."),
    "cell": ("| a |\n|---|\n| ", " |", "a"),
}


def one_line(name: str) -> str:
    """White space as Markdown and HTML show it."""
    return " ".join(name.split())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_the_name_and_nothing_else(name: str, place: str) -> None:
    before, behind, around = PLACES[place]
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    blocks = reader.parse(f"{before}{escaping.markdown(name)}{behind}")
    kinds = {token.type for token in blocks}
    inline = [child for token in blocks if token.type == "inline" for child in token.children or ()]
    assert {child.type for child in inline} - {"strong_open", "strong_close"} <= {"text", "text_special"}
    assert not kinds & {"html_block", "code_block", "fence", "blockquote_open", "ordered_list_open", "hr"}
    assert kinds & {"heading_open", "bullet_list_open", "table_open"} == {
        "heading": {"heading_open"},
        "item": {"bullet_list_open"},
        "cell": {"table_open"},
    }.get(place, set())
    shown = "".join(child.content for child in inline).replace("\u2060", "")
    lead, _, tail = around.partition(" , ")
    expected = f"{lead} {one_line(name)}, {tail}" if tail else around + one_line(name)
    assert one_line(shown) == expected


# What GitHub's and Streamlit's readers look for in a text whose backslashes are read already.
LINKS = re.compile(
    r"https?://[-.\w]+|www\.[-.\w]+|[-.\w+]+@[-\w]+(?:\.[-\w]+)+|:material_\w+:|:streamlit:|:[\w+-]+:", re.IGNORECASE
)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_becomes_a_link_or_an_icon_afterwards(name: str) -> None:
    written = escaping.markdown(name).replace(":material/", ":material_")  # as Streamlit does first of all
    text = "".join(child.content for child in MarkdownIt("commonmark").parseInline(written)[0].children or ())
    assert LINKS.findall(text) == []


ORDINARY = ["cat", "IMG-1234.JPG", "crème brûlée", "a & b", "-0.5", "3 of 4", "CPU: 2 cores", "left out: one", "12:30"]


@pytest.mark.parametrize("name", [*ORDINARY, "IMG_1234.JPG", "fine_tuned.keras: passed", "Stop! Now"])
def test_ordinary_names_are_left_alone(name: str) -> None:
    assert escaping.markdown(name) == escaping.html(name).replace("&amp;", "&") == name


class Page(HTMLParser):
    """What is in a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags = "", list[tuple[str, list[tuple[str, str | None]]]]()
        self.feed(text)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))


@pytest.mark.parametrize("name", NAMES)
def test_html_shows_the_name_in_text_and_attribute(name: str) -> None:
    page = Page(f'<p title="{escaping.html(name)}">{escaping.html(name)}</p>')
    assert page.tags == [("p", [("title", name)])] and page.text == name


def drawn(text: str) -> str:
    """What Plotly draws: newlines go, known tags are taken out, then entities are resolved; no formula, no template."""
    assert not re.search(r"\$[^$]*\$", text), "MathJax would take it"
    assert "%{" not in text, "a template"
    parts = re.split(r"(<[^<>]*>)", re.sub(r"\r\n?|\n", " ", text))
    assert not parts[1::2], "a tag"
    named = {"amp": "&", "lt": "<", "gt": ">", "mu": "μ", "nbsp": "\xa0", "times": "×", "plusmn": "±", "deg": "°"}
    return re.sub(
        r"&(#\d+|[a-z]+);", lambda e: chr(int(e[1][1:])) if e[1][0] == "#" else named.get(e[1], e[0]), parts[0]
    )


@pytest.mark.parametrize("name", NAMES)
def test_plotly_draws_the_name(name: str) -> None:
    assert drawn(escaping.plotly(name)) == name.replace("\n", " ")
    assert drawn(escaping.plotly(name, most=5)) == (name if len(name) <= 5 else name[:4] + "…").replace("\n", " ")


SAID = {r"\textbackslash{}": "\\", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~", r"\textdollar{}": "$"}


@pytest.mark.parametrize("name", [*NAMES, "a_b^c~{d}%"])
def test_latex_writes_the_name(name: str) -> None:
    written = escaping.latex(name)
    assert written.startswith(r"\text{") and written.endswith("}")
    pieces = re.findall(r"\\text[a-z]+\{\}|\{[-:]\}|\\[{}#%&_]|[^\\{}$#%&_^~:-]", written[6:-1])
    assert "".join(pieces) == written[6:-1], "nothing that TeX reads stands bare"
    assert "".join(SAID.get(piece, piece[1] if len(piece) == 3 else piece[-1]) for piece in pieces) == one_line(name)


@pytest.mark.parametrize("name", NAMES)
def test_csv_holds_the_name_and_no_formula(name: str) -> None:
    ((head, number), (cell, value)) = csv.reader(io.StringIO(csv_text((name, "n"), [(name, -1)]), newline=""))
    assert head == cell and cell.removeprefix("'") == name and (number, value) == ("n", "-1")
    assert cell[0] not in "=+-@\t\r\n"
