"""What a component is in the browser: three files beside its Python file, and the parts that it shares with others."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component
from streamlit.components.v2.bidi_component import ComponentResult

from cnn_core import browser

_SHARED = re.compile(r"(?:\.\./)+cnn_core/browser/(.+)")  # which an installation keeps elsewhere than beside `ui`
_IMPORT = re.compile(r"^import \{[^}]*\} from '([^']+)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_STYLE = re.compile(r"^@import '([^']+)';\n", re.MULTILINE)


def frontend(file: str) -> Callable[..., ComponentResult]:
    """Register a component with Streamlit.

    Its script is a module of its own: Streamlit loads it as text, and runs its default export again on every change of
    data. What it imports by name is laid before it.

    Args:
        file: `__file__` of the component; its `.html`, `.css` and `.js` stand beside it.

    Returns:
        What shows the component, with `data` by name.
    """
    here = Path(file)
    html, css = here.with_suffix(".html").read_text(encoding="utf-8"), style(here.with_suffix(".css"))
    render = component(f"convscope_{here.stem}", html=html, css=css, js=script(here.with_suffix(".js")))

    def show(*, data: Mapping[str, Any], **options: Any) -> ComponentResult:
        # Streamlit asks pandas whether a list is a table, 57 MB for a no; a tuple it takes for what it is.
        tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        return render(data=tuples, **options)

    return show


def style(file: Path) -> str:
    """Return a style sheet with what it begins with in place: lines `@import '../parts/file.css';`."""
    text = file.read_text(encoding="utf-8")
    return _STYLE.sub(lambda found: (file.parent / found[1]).read_text(encoding="utf-8"), text)


def script(file: Path) -> str:
    """Return a module and what it imports as one text, each part once and before whoever uses it.

    Args:
        file: A module; it imports others by `import { name, other } from '../parts/file.js';`, never under other names.
    """
    parts: dict[Path, str] = {}

    def take(part: Path) -> None:
        text = part.read_text(encoding="utf-8")
        for name in _IMPORT.findall(text):
            if (used := _file(part, name)) not in parts:
                take(used)
        own = _IMPORT.sub("", text)
        parts[part] = own if part == file.resolve() else _EXPORT.sub("", own)

    take(file.resolve())
    return "\n".join(parts.values())


def _file(part: Path, name: str) -> Path:
    shared = _SHARED.fullmatch(name)
    return Path(browser.__file__).with_name(shared[1]) if shared else (part.parent / name).resolve()
