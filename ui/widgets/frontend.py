"""What a component is in the browser: three files beside its Python file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component
from streamlit.components.v2.bidi_component import ComponentResult


def frontend(file: str) -> Callable[..., ComponentResult]:
    """Register a component with Streamlit.

    Its script is a module of its own: Streamlit loads it as text, so it can import no neighbour, and runs its default
    export again on every change of data.

    Args:
        file: `__file__` of the component; its `.html`, `.css` and `.js` stand beside it.

    Returns:
        What shows the component, with `data` by name.
    """
    here = Path(file)
    html, css, js = (here.with_suffix(kind).read_text(encoding="utf-8") for kind in (".html", ".css", ".js"))
    render = component(f"convscope_{here.stem}", html=html, css=css, js=js)

    def show(*, data: Mapping[str, Any], **options: Any) -> ComponentResult:
        # Streamlit asks pandas whether a list is a table, 57 MB for a no; a tuple it takes for what it is.
        tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        return render(data=tuples, **options)

    return show
