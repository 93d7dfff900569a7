"""Our plain figures against Plotly's own: what is said to both, both have."""

import base64
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.subplots import make_subplots

from cnn_core.figures.drawing import Figure, nested
from tests.looked_at import looked_at

LINE = {"color": "red", "width": 2}
FONT = {"size": 11, "color": "blue"}


def told(figure: Any) -> Any:
    """A figure's JSON without Plotly's own look, tuples as lists."""
    plain = figure.to_plotly_json()
    plain["layout"].pop("template", None)
    return [_lists(plain["data"]), _lists(plain["layout"])]


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(each) for each in value]
    return value


def same(ours: Figure, theirs: go.Figure) -> None:
    assert told(looked_at(ours)) == told(theirs)


def test_traces_and_axes_are_plotlys() -> None:
    def said(figure: Any) -> Any:
        figure.add_scatter(x=[1, 2], y=[3, None], mode="lines", line_color="red", marker={"line_width": 2}, name=None)
        figure.add_bar(x=[1], y=[2], error_y={"type": "data", "array": [1]}, error_y_width=3, textfont_size=9)
        figure.add_heatmap(z=[[1, 2]], colorscale=[[0, "red"], [1, "blue"]], colorbar_title_font_size=9)
        figure.update_xaxes({"title_text": "depth", "dtick": 2}, nticks=5)
        figure.update_xaxes(title_font_size=9, dtick=None)
        figure.update_yaxes(type="log")
        figure.update_traces(showlegend=False, hoverinfo=None)
        figure.update_layout(margin={"l": 1}, margin_r=2, paper_bgcolor="red", legend={"title_text": "which"})
        return figure

    same(said(Figure()), said(go.Figure()))


@pytest.mark.parametrize("place", ["top right", "top left", "top"])
@pytest.mark.parametrize("note", ["", "here"])
def test_upright_line_and_its_note_are_plotlys(place: str, note: str) -> None:
    theirs = {"annotation_text": note, "annotation_position": place, "annotation_font": FONT} if note else {}
    same(
        Figure().add_vline(x=3, line=LINE, note=note, place=place, **FONT),
        go.Figure().add_vline(x=3, line=LINE, **theirs),
    )


@pytest.mark.parametrize("place", ["top right", "top left", "bottom right", "bottom left"])
def test_level_line_and_its_note_are_plotlys(place: str) -> None:
    same(
        Figure().add_hline(y=3, line=LINE, note="here", place=place, size=11),
        go.Figure().add_hline(
            y=3, line=LINE, annotation_text="here", annotation_position=place, annotation_font_size=11
        ),
    )


@given(
    sizes=st.lists(st.floats(0.1, 5), min_size=1, max_size=4),
    gap=st.floats(0, 0.2),
    below=st.booleans(),
    shared=st.booleans(),
)
def test_plots_lie_where_plotlys_lie(sizes: list[float], gap: float, below: bool, shared: bool) -> None:
    count = len(sizes)
    rows, columns = (count, 1) if below else (1, count)
    titles = [f"plot {number}" for number in range(count)]
    last = {"row": rows, "col": columns}
    ours = Figure.panels(
        rows, columns, titles=titles, gap=gap, shared=shared, **{"heights" if below else "widths": sizes}
    )
    theirs = make_subplots(
        rows,
        columns,
        subplot_titles=titles,
        shared_xaxes=shared,
        **{"vertical_spacing": gap, "row_heights": sizes}
        if below
        else {"horizontal_spacing": gap, "column_widths": sizes},
    )
    for figure in (ours, theirs):
        figure.add_scatter(y=[1], row=1, col=1)
        figure.add_heatmap(z=[[1]], **last)
        figure.add_shape(type="line", x0=0, x1=1, y0=0, y1=1, line=LINE, **last)
        figure.update_xaxes(title_text="step")
        figure.update_yaxes(type="log", **last)
    ours, theirs = told(looked_at(ours)), told(theirs)
    assert ours[0] == theirs[0]
    assert _flat(ours[1]) == pytest.approx(_flat(theirs[1]), abs=1e-12)


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        return {name: value}
    return {path: each for key, part in parts for path, each in _flat(part, f"{name}.{key}").items()}


def test_later_values_join_those_before_and_none_takes_away() -> None:
    figure = Figure(layout={"yaxis": {"title": {"text": "loss"}, "dtick": 1}})
    figure.update_yaxes(title_font_size=9, dtick=None)
    assert figure.layout == {"yaxis": {"title": {"text": "loss", "font": {"size": 9}}}}
    assert nested({"a": [{"b_c": 1}], "b": (1, 2)}) == {"a": [{"b": {"c": 1}}], "b": (1, 2)}


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(0, 1, 7),
        np.arange(-3, 3),
        np.eye(3, dtype=np.float32),
        np.arange(4, dtype=np.uint8),
        np.array([2**31 - 1, -(2**31) + 1]),
        np.arange(3, dtype=">i4"),
        np.empty((0,), np.int64),
    ],
)
def test_arrays_go_as_their_bytes(values: np.ndarray) -> None:
    sent = Figure([{"type": "heatmap", "z": values, "marker": {"color": values}}]).to_json()["data"][0]
    assert sent["z"] == sent["marker"]["color"]
    back = np.frombuffer(base64.b64decode(sent["z"]["bdata"]), "<" + sent["z"]["dtype"])
    shape = [int(side) for side in sent["z"].get("shape", str(len(values))).split(",")]
    np.testing.assert_array_equal(back.reshape(shape), values)


@pytest.mark.parametrize("values", [np.array([2**31, 1]), np.array(["a", None], object), np.array([True, False])])
def test_arrays_without_a_form_in_the_browser_go_as_lists(values: np.ndarray) -> None:
    assert Figure([{"type": "bar", "x": values}]).to_json()["data"][0]["x"] == values.tolist()


def test_nothing_of_a_figure_is_lost_on_its_way() -> None:
    figure = Figure().add_bar(x=[None, 2], customdata=[(np.arange(2), "b")], name=None)
    figure.frames = [{"name": "1", "traces": [0], "data": [{"type": "bar", "x": np.arange(2.0)}]}]
    sent = figure.to_json()
    assert sent["data"][0] == {"type": "bar", "x": [None, 2], "customdata": [[_bytes(np.arange(2)), "b"]]}
    assert sent["frames"][0]["data"][0]["x"] == _bytes(np.arange(2.0))


def _bytes(values: np.ndarray) -> dict[str, str]:
    kind = "i4" if values.dtype.kind == "i" else "f8"
    return {"dtype": kind, "bdata": base64.b64encode(values.astype(kind).tobytes()).decode()}
