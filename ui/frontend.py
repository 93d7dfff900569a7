"""What a component is in the browser: three files beside its Python file."""

from pathlib import Path

from streamlit.components.v2 import component
from streamlit.components.v2.types import ComponentRenderer


def frontend(file: str) -> ComponentRenderer:
    """Register a component with Streamlit.

    Its script is a module of its own: Streamlit loads it as text, so it can import no neighbour, and runs its default
    export again on every change of data.

    Args:
        file: `__file__` of the component; its `.html`, `.css` and `.js` stand beside it.

    Returns:
        What shows the component.
    """
    here = Path(file)
    html, css, js = (here.with_suffix(kind).read_text(encoding="utf-8") for kind in (".html", ".css", ".js"))
    return component(f"convscope_{here.stem}", html=html, css=css, js=js)
