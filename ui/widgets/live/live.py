"""Live answers: a run's networks in the reader's own browser, asked of a camera, a video or pictures; none is sent."""

from collections.abc import Mapping
from typing import Any

from ui.widgets.frontend import frontend

_live = frontend(__file__)


def live(manifest: Mapping[str, Any], key: str, *, runtime: str, parts: str, colours: Mapping[str, str]) -> None:
    """Fetch networks into the browser, hold them against the server's answers, and let the reader ask them.

    Args:
        manifest: As `transfer.manifest` makes it.
        key: Of the widget.
        runtime: Address of the folder with LiteRT.js.
        parts: Address under which the manifest's parts and pictures lie.
        colours: Of each arm.
    """
    _live(
        data={"runtime": runtime, "parts": parts, "manifest": dict(manifest), "colours": dict(colours)},
        key=key,
    )
