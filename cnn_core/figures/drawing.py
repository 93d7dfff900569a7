"""A figure in Plotly's own terms, as plain values: what every other module here draws with.

Plotly's graph objects look at each value as it is set and copy all of them when they are shown. That took four tenths
of the server's time for an action (`benchmarks/load.py`), and finds nothing that the tests do not find: they let
`plotly.graph_objects` look at every figure (`tests/figures`, `tests/pages`).

Source:
    Plotly's figure reference, https://plotly.com/python/reference/: names and their nesting.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partialmethod
from typing import Any, Self

import numpy as np

_UNDERSCORED = ("paper_bgcolor", "plot_bgcolor", "error_x", "error_y")  # names that are no path
_TYPED = {"f8", "f4", "i4", "u4", "i2", "u2", "i1", "u1"}  # what the browser can make of bytes


class Figure:
    """Traces, a layout, and frames if it moves.

    `title_text="depth"` is written for `title={"text": "depth"}`, as everywhere in Plotly; None takes a value away.

    Args:
        data: The traces, each with its `type`.
        layout: As Plotly has it.

    Attributes:
        data: The traces.
        layout: The layout.
        frames: Each with `data`, `traces` and `name`.

    Example:
        >>> figure = Figure().add_bar(x=[1, 2], marker_color="red").update_xaxes(title_text="depth")
        >>> figure.data, figure.layout
        ([{'type': 'bar', 'x': [1, 2], 'marker': {'color': 'red'}}], {'xaxis': {'title': {'text': 'depth'}}})
    """

    def __init__(self, data: Iterable[dict[str, Any]] = (), layout: Mapping[str, Any] | None = None) -> None:
        self.data = [nested(trace) for trace in data]
        self.layout: dict[str, Any] = nested(layout or {})
        self.frames: list[dict[str, Any]] = []
        self._panels: dict[tuple[int, int], str] = {(1, 1): ""}  # row and column → what ends the names of its axes

    @classmethod
    def panels(
        cls,
        rows: int,
        columns: int,
        *,
        titles: Sequence[str] = (),
        widths: Sequence[float] = (),
        heights: Sequence[float] = (),
        gap: float,
        shared: bool = False,
    ) -> "Figure":
        """Return an empty figure of several plots, the first at the top left.

        Args:
            rows: Plots below each other.
            columns: Plots beside each other; one of the two is 1.
            titles: Above each plot.
            widths: Of the columns, relative to each other; by default all alike.
            heights: Of the rows.
            gap: Between two plots, a share of the figure.
            shared: The plots of a column have one x axis.

        Example:
            >>> figure = Figure.panels(1, 2, gap=0.1).add_bar(y=[1], row=1, col=2)
            >>> figure.data, figure.layout["xaxis2"]
            ([{'type': 'bar', 'y': [1], 'xaxis': 'x2', 'yaxis': 'y2'}], {'anchor': 'y2', 'domain': [0.55, 1.0]})
        """
        figure = cls()
        across = list(_places(widths or [1] * columns, gap))
        down = list(_places((heights or [1] * rows)[::-1], gap))[::-1]  # from the foot of the figure up
        for number, (row, column) in enumerate((row, column) for row in range(rows) for column in range(columns)):
            end = str(number + 1) if number else ""
            figure._panels[row + 1, column + 1] = end
            x: dict[str, Any] = {"anchor": f"y{end}", "domain": across[column]}
            if shared and row < rows - 1:
                x |= {"matches": f"x{rows}", "showticklabels": False}
            figure.layout |= {f"xaxis{end}": x, f"yaxis{end}": {"anchor": f"x{end}", "domain": down[row]}}
        if titles:
            figure.layout["annotations"] = [
                {
                    "text": title,
                    "x": sum(across[number % columns]) / 2,
                    "y": down[number // columns][1],
                    "xref": "paper",
                    "yref": "paper",
                    "xanchor": "center",
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": 16},
                }
                for number, title in enumerate(titles)
            ]
        return figure

    # What is drawn ----------------------------------------------------------------------------------------------------

    def add(self, kind: str, *, row: int = 0, col: int = 0, **values: Any) -> Self:
        """Add a trace, in a plot of its own if the figure has several."""
        trace = {"type": kind} | nested(values)
        if row:
            end = self._panels[row, col]
            trace |= {"xaxis": f"x{end}", "yaxis": f"y{end}"}
        self.data.append(trace)
        return self

    add_scatter = partialmethod(add, "scatter")
    add_bar = partialmethod(add, "bar")
    add_heatmap = partialmethod(add, "heatmap")

    def add_shape(self, *, row: int = 1, col: int = 1, **values: Any) -> Self:
        """Add a shape, in the coordinates of a plot."""
        end = self._panels[row, col]
        self.layout.setdefault("shapes", []).append({"xref": f"x{end}", "yref": f"y{end}"} | nested(values))
        return self

    def add_annotation(self, **values: Any) -> Self:
        """Add a note."""
        self.layout.setdefault("annotations", []).append(nested(values))
        return self

    def add_vline(
        self, x: float, line: dict[str, Any], *, note: str = "", place: str = "top right", **font: Any
    ) -> Self:
        """Draw a line over the whole height of the first plot.

        Args:
            x: Where.
            line: Its look.
            note: A text at its upper end.
            place: Of the note: `"top right"`, `"top left"` or `"top"`, which is above the plot.
            font: Of the note.
        """
        anchors = {"top right": ("left", "top"), "top left": ("right", "top"), "top": ("center", "bottom")}[place]
        self.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="y domain", line=line)
        return self._note(note, {"x": x, "y": 1, "xref": "x", "yref": "y domain"}, anchors, font)

    def add_hline(
        self, y: float, line: dict[str, Any], *, note: str = "", place: str = "top right", **font: Any
    ) -> Self:
        """Draw a line over the whole width of the first plot.

        Args:
            y: Where.
            line: Its look.
            note: A text at one of its ends.
            place: Of the note: `"top right"`, `"top left"`, `"bottom right"` or `"bottom left"`.
            font: Of the note.
        """
        vertical, horizontal = place.split()
        at = {"x": 1 if horizontal == "right" else 0, "y": y, "xref": "x domain", "yref": "y"}
        self.add_shape(type="line", x0=0, x1=1, y0=y, y1=y, xref="x domain", line=line)
        return self._note(note, at, (horizontal, "bottom" if vertical == "top" else "top"), font)

    def _note(self, text: str, at: dict[str, Any], anchors: tuple[str, str], font: dict[str, Any]) -> Self:
        if not text:
            return self
        look = {"font": font} if font else {}
        return self.add_annotation(text=text, showarrow=False, xanchor=anchors[0], yanchor=anchors[1], **at, **look)

    # How it looks -----------------------------------------------------------------------------------------------------

    def update_layout(self, **values: Any) -> Self:
        """Change the layout; a list takes the place of the one before."""
        _merge(self.layout, nested(values))
        return self

    def update_traces(self, **values: Any) -> Self:
        """Change every trace."""
        for trace in self.data:
            _merge(trace, nested(values))
        return self

    def update_xaxes(self, values: Mapping[str, Any] | None = None, *, row: int = 0, col: int = 0, **more: Any) -> Self:
        """Change every x axis, or that of one plot."""
        return self._update_axes("xaxis", row, col, dict(values or {}) | more)

    def update_yaxes(self, values: Mapping[str, Any] | None = None, *, row: int = 0, col: int = 0, **more: Any) -> Self:
        """Change every y axis, or that of one plot."""
        return self._update_axes("yaxis", row, col, dict(values or {}) | more)

    def _update_axes(self, name: str, row: int, col: int, values: dict[str, Any]) -> Self:
        for end in [self._panels[row, col]] if row else self._panels.values():
            _merge(self.layout.setdefault(f"{name}{end}", {}), nested(values))
        return self

    # How it goes to the browser ---------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return all of it as Plotly's JSON has it, arrays as their bytes.

        Example:
            >>> Figure().add_heatmap(z=np.eye(2)).to_json()["data"][0]["z"]["shape"]
            '2, 2'
        """
        told = {"data": _plain(self.data), "layout": _plain(self.layout)}
        return told | {"frames": _plain(self.frames)} if self.frames else told


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"line": {"color": c}}` for `{"line_color": c}`, at every depth.

    Example:
        >>> nested({"title_font_size": 9, "paper_bgcolor": "white", "name": None, "marker": {"line_width": 2}})
        {'title': {'font': {'size': 9}}, 'paper_bgcolor': 'white', 'name': None, 'marker': {'line': {'width': 2}}}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = _each_nested(value)
        if "_" in name and not name.startswith(_UNDERSCORED):
            name, _, rest = name.partition("_")
            inner = nested({rest: value})
        if isinstance(inner, dict) and isinstance(found.get(name), dict):
            _merge(found[name], inner)
        else:
            found[name] = inner
    return found


def _each_nested(value: Any) -> Any:
    if isinstance(value, dict):
        return nested(value)
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        return [nested(each) for each in value]
    return value


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is None:
            into.pop(name, None)
        elif isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _places(sizes: Sequence[float], gap: float) -> Iterator[list[float]]:
    room, start = 1 - gap * (len(sizes) - 1), 0.0
    for size in sizes:
        end = min(1.0, start + room * size / sum(sizes))
        yield [start, end]
        start = end + gap


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, np.ndarray):
        return _typed(value)
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict | list | tuple | np.ndarray):
        return [_plain(each) for each in value]  # of numbers there may be many, and they are plain
    return value


def _typed(values: np.ndarray) -> Any:
    """Return an array as the bytes of its numbers, fewer than their digits; what has no such form as lists."""
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and abs(values).max(initial=0) < 2**31:
        values = values.astype(np.int32)
    kind = values.dtype.newbyteorder("<").str[1:]
    if kind not in _TYPED:
        return values.tolist()
    data = base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()
    return {"dtype": kind, "bdata": data} | ({"shape": ", ".join(map(str, values.shape))} if values.ndim > 1 else {})
