"""A reader's own model: the architecture as text, the same table as for the published ones."""

import hashlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from cnn_core.arithmetic.tables import csv_text
from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.networks.blueprints import MAX_BYTES, Blueprint, BlueprintRefused
from ui.shared.text import asking, plain

LINK: dict[str, Callable[[str], bool]] = {}  # a model does not fit into a link
PATIENCE = 60.0  # seconds until the worker that reads it is ended; some of them may go by while TensorFlow is loaded
_SIZE = 4096  # pixels
_EXAMPLE = """{"module": "keras", "class_name": "Sequential", "config": {"name": "example", "layers": [
  {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 224, 224, 3]}},
  {"module": "keras.layers", "class_name": "Conv2D", "config": {"name": "conv1", "filters": 32, "kernel_size": 3,
   "strides": 2, "padding": "same"}},
  {"module": "keras.layers", "class_name": "SeparableConv2D", "config": {"name": "separable", "filters": 64,
   "kernel_size": 3, "padding": "same"}},
  {"module": "keras.layers", "class_name": "MaxPooling2D", "config": {"name": "pool", "pool_size": 2}},
  {"module": "keras.layers", "class_name": "GlobalAveragePooling2D", "config": {"name": "average"}},
  {"module": "keras.layers", "class_name": "Dense", "config": {"name": "classes", "units": 10}}]}}"""
_COLUMNS = {  # of the table: field of a row
    "Layer": "name",
    "Kind": "kind",
    "Output": "output_shape",
    "Params": "params",
    "Trainable": "trainable_params",
    "MACs": "macs",
    "Field": "receptive_field",
    "Stride": "effective_stride",
    "Padding": "effective_padding",
    "Why not": "reason",
}


def own_model() -> bool:
    """Take an architecture, show its table. True if the reader's own was read."""
    st.markdown(
        "Give the architecture of a Keras model as text, and see its parameters, multiply-adds and receptive fields. "
        "Layers of Keras only: no weights, and no code is run. It stays with this visit; no link holds it."
    )
    with st.expander("How to get the text"):
        st.code('with open("model.json", "w") as file:\n    file.write(model.to_json())', language="python")
        st.markdown(
            "Or unpack a `.keras` file, which is a zip archive, and take its `config.json`. The file itself holds the "
            "weights too, which are not wanted here."
        )
    left, right = st.columns([2, 1])
    with left:
        st.file_uploader(
            "config.json or model.to_json()",
            type=["json"],
            max_upload_size=2,
            key="channels_own_file",
            on_change=_take_file,
        )
    with right:
        size = st.number_input(
            "Input size, pixels",
            0,
            _SIZE,
            0,
            key="channels_own_size",
            persist_state="session",
            help="Height and width; 0 for the size that the model was built with.",
        )
        st.button("Take an example", key="channels_own_example", on_click=_take, args=("an example", _EXAMPLE))
    st.text_area(
        "Or paste the text",
        key="channels_own_text",
        height=120,
        on_change=_take_paste,
        max_chars=MAX_BYTES,
        persist_state="session",
    )
    if refusal := st.session_state.get("channels_own_refusal"):
        st.error(refusal)
    if "channels_own" not in st.session_state:
        return False
    name, text = st.session_state.channels_own
    blueprint = _read(text, int(size) or None)
    if blueprint is None:
        return False
    _show(name, blueprint)
    return bool(text != _EXAMPLE)


def _take(name: str, text: str) -> None:
    st.session_state.channels_own = (name, text)  # a copy: uploads vanish on a page switch
    st.session_state.pop("channels_own_refusal", None)


def _take_file() -> None:
    given = st.session_state.channels_own_file
    if given is None:
        return  # taken away again: what was read stays
    data = given.getvalue()
    name, refusal = plain(given.name), ""
    if len(data) > MAX_BYTES:
        refusal = f"{name} has {len(data):,} bytes; at most {MAX_BYTES:,} are read. Export the architecture only."
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refusal = refusal or f"{name} is no text in UTF-8. Expected the text of {plain('model.to_json()')}."
    if refusal:
        st.session_state.channels_own_refusal = refusal
    else:
        _take(given.name, text)


def _take_paste() -> None:
    if st.session_state.channels_own_text.strip():
        _take("the pasted text", st.session_state.channels_own_text)


def _read(text: str, size: int | None) -> Blueprint | None:
    """Ask for the table; what ended a worker is not asked again unless the reader wants it."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    trouble: dict[Any, str] = st.session_state.setdefault("channels_own_trouble", {})
    if (digest, size) not in trouble:
        try:
            with st.spinner(asking("Reading the architecture…")):
                return _ask(digest, size, text)
        except BlueprintRefused as refusal:
            st.error(plain(str(refusal)))
            return None
        except EngineError as error:
            trouble[digest, size] = plain(str(error))
    st.error(trouble[digest, size])
    st.button("Ask again", key="channels_own_again", on_click=_forget, args=((digest, size),))
    return None


def _forget(question: tuple[str, int | None]) -> None:
    st.session_state.channels_own_trouble.pop(question, None)


@st.cache_data(max_entries=20, show_spinner=False)
def _ask(digest: str, size: int | None, _text: str) -> Blueprint:
    answer: Blueprint = client.current().ask("read_architecture", _text, size, timeout=PATIENCE)
    return answer


def _show(name: str, blueprint: Blueprint) -> None:
    st.markdown(
        f"**{plain(blueprint.title)}** ({plain(blueprint.kind)}, from {plain(name)}): {len(blueprint.rows):,} rows, "
        f"**{blueprint.params:,}** parameters, of which {blueprint.trainable_params:,} are trainable, and "
        f"**{blueprint.macs:,}** multiply-adds for one image"
        + (f" without those of {blueprint.uncounted:,} rows, which say why" if blueprint.uncounted else "")
        + "."
    )
    cells = [[_cell(row[field]) for field in _COLUMNS.values()] for row in blueprint.rows]
    columns = {title: [row[index] for row in cells] for index, title in enumerate(_COLUMNS)}
    st.dataframe(
        columns,
        hide_index=True,
        key="channels_own_table",
        alt="A row for each layer.",
        column_config={title: st.column_config.TextColumn(title, alignment="right") for title in list(_COLUMNS)[3:9]}
        | {"Layer": st.column_config.TextColumn(pinned=True)},
    )
    st.caption("– is no number; the last column says why. Field, stride and padding in pixels of the input.")
    st.download_button(
        "Table as CSV",
        _csv(blueprint),
        "model.csv",
        "text/csv",
        on_click="ignore",
        key="channels_own_csv",
        icon=":material/download:",
    )


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return " × ".join("any" if each is None else f"{each:,}" for each in value) or "one number"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _csv(blueprint: Blueprint) -> str:
    fields = list(_COLUMNS.values())
    rows = ([row[field] for field in fields] for row in blueprint.rows)
    return csv_text(fields, [["x".join(map(str, v)) if isinstance(v, tuple) else v for v in row] for row in rows])
