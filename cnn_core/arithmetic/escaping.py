"""Names are text: what a class, a file, a run or a layer is called, written so that no medium reads it as markup.

A name is escaped once, by the function of the medium, where it enters it.
"""

import html as _html
import re

_JOINER = "\u2060"  # invisible, breaks no line, and no letter of an address or an icon
# Streamlit looks for these in what is left when Markdown has been read: a backslash does not keep them.
_SPACE = re.compile(r"[^\S\u00a0]+")
_LIVE = re.compile(r"(:(?=//|streamlit:|[\w+-]+(?:/\w+)?:)|\bwww(?=\.)|@(?=[-\w]+\.))", re.IGNORECASE)
# A name that is also read as plain text keeps what no reader takes for markup: "CPU: 1", "fine_tuned", "Oh!".
_MARKUP = re.compile(r"([\\`*{}\[\]<>#|$~]|:(?=[^\W\d_])|(?<![^\W_])_|_(?![^\W_])|!(?=\[|$)|&(?=[#\w]))")
_FIRST = re.compile(r"^(\d*)([-+=](?=[-+=\s]|$)|(?<=\d)[.)](?=\s|$))")  # a list, a rule, a heading's underline
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # the wide ones for spreadsheets in Japanese
_LATEX = {  # a $ would end the formula in Markdown, two dashes become one, Streamlit changes :material/ everywhere
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "$": r"\textdollar{}",
    "-": "{-}",
    ":": "{:}",
}


def markdown(text: str) -> str:
    """Escape what CommonMark, GitHub and Streamlit read as markup, link, colour, icon, formula, table or HTML.

    White space becomes one space, and none at the ends, as Markdown shows it: a name stays in its line. What breaks no
    line is kept.

    Example:
        >>> print(markdown("a|b"), markdown("**b**"), markdown("<i>"), markdown("1. x"))
        a\\|b \\*\\*b\\*\\* \\<i\\> 1\\. x
    """
    text = _LIVE.sub(rf"\1{_JOINER}", _SPACE.sub(" ", text).strip())
    return _FIRST.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", text))


def html(text: str) -> str:
    """Escape what HTML reads as markup, in a text and in a quoted attribute.

    Example:
        >>> html('<b title="x">')
        '&lt;b title=&quot;x&quot;&gt;'
    """
    return _html.escape(text)


def plotly(text: str, most: int = 0) -> str:
    """Escape what Plotly reads as a tag, an entity, a formula or a template, in a name, a tick or a hover text.

    Args:
        text: The name.
        most: Characters that are shown of it at most, 0 for all.

    Example:
        >>> plotly("a<b>c & $d$"), plotly("a long name", most=6)
        ('a&lt;b&gt;c &amp; &#36;d&#36;', 'a lon…')

    Source:
        plotly.js, `src/lib/svg_text_utils.js`: tags are looked for first, then entities are resolved.
    """
    text = text if not most or len(text) <= most else f"{text[: most - 1]}…"
    return _html.escape(text, quote=False).replace("$", "&#36;").replace("%{", "&#37;{")


def latex(text: str) -> str:
    r"""Return a name as upright text of a formula; quotation marks become curly ones there.

    Example:
        >>> print(latex("a_b $5"))
        \text{a\_b \textdollar{}5}
    """
    shown = re.sub(r"[\\^~{}$#%&_:-]", lambda found: _LATEX.get(found[0], f"\\{found[0]}"), " ".join(text.split()))
    return rf"\text{{{shown}}}"


def cell(value: object) -> object:
    """Return what stands in a cell of a CSV file: numbers as they are, no text that a spreadsheet would execute.

    Example:
        >>> cell("=1+1"), cell(-1), cell("cat")
        ("'=1+1", -1, 'cat')

    Source:
        OWASP, "CSV Injection": the first characters that make a cell a formula.
    """
    if not isinstance(value, str):
        return value
    guarded = f"'{value}" if value.startswith(_FORMULA) else value
    return guarded.replace("\r\n", "\n").replace("\r", "\n")  # csv quotes the one, not the other
