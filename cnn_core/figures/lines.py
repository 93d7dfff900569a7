"""What several figures share: where a legend lies, and a dotted line across a plot, as a shape of its layout."""

from typing import Any

from cnn_core.figures.palette import LIGHT

# At the foot of the whole figure: below a plot it would lie over the axis' title where it is narrow and has more lines.
BELOW = {"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"}


def vline(x: float, width: float = 1.5, axis: str = "") -> dict[str, Any]:
    """Return a line at x over the whole height of the plot with axes `x<axis>` and `y<axis>`."""
    return _line(width) | {"x0": x, "x1": x, "y0": 0, "y1": 1, "xref": f"x{axis}", "yref": f"y{axis} domain"}


def hline(y: float, width: float = 1.5) -> dict[str, Any]:
    """Return a line at y over the whole width of the first plot."""
    return _line(width) | {"y0": y, "y1": y, "x0": 0, "x1": 1, "xref": "x domain", "yref": "y"}


def _line(width: float) -> dict[str, Any]:
    return {"type": "line", "line": {"dash": "dot", "width": width, "color": LIGHT.soft}}
