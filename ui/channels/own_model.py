"""A reader's own model: the architecture as text, the same table as for the published ones."""

import hashlib
from typing import Any

import streamlit as st

from cnn_core.arithmetic.tables import csv_text
from cnn_core.engine.errors import EngineError
from cnn_core.networks.blueprints import MAX_BYTES, Blueprint, BlueprintRefused
from ui.shared.controls import whole
from ui.shared.rows import scrolled
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, dimensions, plain
from ui.shared.worker import ask

PATIENCE = 60.0  # seconds until the worker that reads it is ended
_SIZE = 4096  # pixels
_EXAMPLE = (
    "an example",
    """{"module": "keras", "class_name": "Sequential", "config": {"name": "example", "layers": [
  {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 224, 224, 3]}},
  {"module": "keras.layers", "class_name": "Conv2D", "config": {"name": "conv1", "filters": 32, "kernel_size": 3,
   "strides": 2, "padding": "same"}},
  {"module": "keras.layers", "class_name": "SeparableConv2D", "config": {"name": "separable", "filters": 64,
   "kernel_size": 3, "padding": "same"}},
  {"module": "keras.layers", "class_name": "MaxPooling2D", "config": {"name": "pool", "pool_size": 2}},
  {"module": "keras.layers", "class_name": "GlobalAveragePooling2D", "config": {"name": "average"}},
  {"module": "keras.layers", "class_name": "Dense", "config": {"name": "classes", "units": 10}}]}}""",
)
_WHY = "Why not"
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
    _WHY: "reason",
}


def own_model(room: Room) -> bool:
    """Take an architecture, show its table; an example at first. True if the reader's own was read."""
    with room.side:
        st.file_uploader(
            "Your model: config.json, or the text of model.to_json()",
            type=["json"],
            max_upload_size=2,
            key="channels_own_file",
            on_change=_take_file,
        )
        size = whole("Input size, pixels (0: as it was built)", 0, _SIZE, 0, "channels_own_size")
        st.button(
            "Back to the example",
            key="channels_own_example",
            on_click=_take,
            args=_EXAMPLE,
            disabled=st.session_state.get("channels_own", _EXAMPLE) == _EXAMPLE,
        )
    with room.more("Paste the text instead"):
        st.text_area(
            "Text of the architecture",
            key="channels_own_text",
            height=120,
            on_change=_take_paste,
            max_chars=MAX_BYTES,
            persist_state="session",
        )
    name, text = st.session_state.get("channels_own", _EXAMPLE)
    with room.stage:
        blueprint = _read(text, size or None)
        if blueprint:
            _show(name, blueprint, size)
        if refusal := st.session_state.get("channels_own_refusal"):
            st.error(refusal)
    with room.why:
        told(
            "Which of your own layers holds the weights, which does the work, and how far does it see? Give the "
            "architecture of a Keras model as text: its parameters, [[MAC|multiply-adds]] and "
            "[[receptive field|receptive fields]] are counted as for the published networks. Layers of Keras only, "
            "as Keras 3 or 2 writes them: no weights, and no code is run. Reloading the page forgets it; no "
            "link holds it."
        )
        st.code(
            'with open("model.json", "w") as file:\n    file.write(model.to_json())', language=None, wrap_lines=True
        )
        st.markdown(
            "Or unpack a `.keras` file, which is a zip archive, and take its `config.json`. The file itself holds the "
            "weights too, which are not wanted here."
        )
    return bool(blueprint and text != _EXAMPLE[1])


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
            read: Blueprint = ask("read_architecture", text, size, words="Reading the architecture…", timeout=PATIENCE)
            return read
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


def _show(name: str, blueprint: Blueprint, size: int) -> None:
    titles, reasons = [title for title in _COLUMNS if title != _WHY], any(row["reason"] for row in blueprint.rows)
    if reasons:
        titles.insert(2, _WHY)  # at the end it would be out of sight
    cells = [[_of_row(row, _COLUMNS[title]) for title in titles] for row in blueprint.rows]
    numbers = set(titles) - {"Layer", "Kind", _WHY}
    scrolled(titles, cells, f"The layers of {blueprint.title}", numbers=numbers, words=(_WHY,))
    example = name == _EXAMPLE[0]
    trainable = "all" if blueprint.trainable_params == blueprint.params else f"{blueprint.trainable_params:,} of them"
    whose = "**An example, not yours**, read by Keras here: " if example else ""
    st.markdown(
        f"{whose}**{plain(blueprint.title)}** ({plain(blueprint.kind)}{'' if example else f', from {plain(name)}'}"
        f"{f', at {dimensions(size, size)} pixels' if size else ''}): {count(len(blueprint.rows), 'row')}, "
        f"**{blueprint.params:,}** parameters, {trainable} trainable, and "
        f"**{blueprint.macs:,}** multiply-adds for one image"
        + (f" without those of {count(blueprint.uncounted, 'row')}: see *{_WHY}*" if blueprint.uncounted else "")
        + "."
    )
    st.caption(
        (f"– is no number: *{_WHY}* says why. " if reasons else "")
        + "Field, stride and padding in pixels of the input; ≤ stands before the hull of branches that are not aligned."
    )
    st.download_button(
        "Table as CSV",
        _csv(blueprint),
        "model.csv",
        "text/csv",
        on_click="ignore",
        key="channels_own_csv",
        icon=":material/download:",
    )


def _of_row(row: dict[str, Any], field: str) -> str:
    loose = field == "receptive_field" and row.get("hull") is not None
    return f"≤ {_cell(row['hull'])}" if loose else _cell(row[field])


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
