"""The browser's own print dialog, once, when the page that was asked for is there."""

from ui.widgets.frontend import frontend

_printer = frontend(__file__)


def print_page(once: str) -> None:
    """Open the browser's print dialog.

    Args:
        once: A name of this wish: drawn again with the same one, nothing is opened.
    """
    _printer(data={"once": once}, key="printer")
