"""What a reader takes home: the model, its labels, a script that predicts with it, the figures as a table."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_core.backbones import Backbone
from cnn_core.runs import Run, Store

if TYPE_CHECKING:
    import keras

_SCRIPT = '''"""Predict with a network trained in ConvScope.

    pip install keras=={keras} tensorflow=={tensorflow} pillow numpy
    python predict.py photo.jpg another.png

Run {run_id}, arm {arm}. The network takes RGB pictures of {size} x {size} pixels, values 0 to 255;
what it does to them after that is inside the .keras file.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
LABELS = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
SIZE, SHORT_SIDE = {size}, {short_side}


def load(path):
    """Scale the short side to SHORT_SIDE, bicubic, and cut out the middle."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    scale = {max_side} / max(image.size)
    if scale < 1:
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    width, height = image.size
    image = image.resize(
        (width * SHORT_SIDE // min(image.size), height * SHORT_SIDE // min(image.size)), Image.Resampling.BICUBIC
    )
    left, top = round((image.width - SIZE) / 2), round((image.height - SIZE) / 2)
    return np.asarray(image.crop((left, top, left + SIZE, top + SIZE)), "float32")


model = keras.saving.load_model(HERE / "{arm}.keras")
for path in sys.argv[1:]:
    probabilities = model.predict(load(path)[None], verbose=0)[0]
    print(path, {{label: round(float(p), 4) for label, p in sorted(zip(LABELS, probabilities), key=lambda x: -x[1])}})
'''


def model_key(run_id: str, arm: str) -> str:
    """Return the store's key of a trained network."""
    return f"runs/{run_id}/{arm}.keras"


def save_model(store: Store, run_id: str, arm: str, model: "keras.Model") -> int:
    """Write a network in Keras' own format, without optimizer; return its size in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{arm}.keras"
        model.save(path, include_optimizer=False)
        data = path.read_bytes()
    store.write(model_key(run_id, arm), data)
    return len(data)


def bundle(store: Store, run: Run, arm: str, record: Backbone) -> bytes:
    """Return a zip with `<arm>.keras`, `labels.json`, `predict.py` and `metrics.csv`."""
    from cnn_core.images import MAX_SIDE

    script = _SCRIPT.format(
        keras=run.environment["keras"], tensorflow=run.environment["tensorflow"], run_id=run.id, arm=arm,
        size=record.input_size, short_side=round(record.input_size / record.crop_fraction), max_side=MAX_SIDE,
    )  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{arm}.keras", store.read(model_key(run.id, arm)))  # is a zip itself: stored as it is
        archive.writestr("labels.json", json.dumps(run.result["classes"], ensure_ascii=False, indent=1))
        archive.writestr("predict.py", script)
        archive.writestr("metrics.csv", metrics_csv(run.result["arms"]))
    return buffer.getvalue()


def metrics_csv(arms: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one row an epoch and arm, then the test figures, as CSV."""
    columns = ("arm", "phase", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    rows: list[Sequence[Any]] = [columns]
    for name, arm in arms.items():
        rows += [[name, *(entry[column] for column in columns[1:])] for entry in arm.get("history", ())]
    rows += [
        [],
        ("arm", "test_accuracy", "interval_low", "interval_high", "trainable_params", "total_params", "train_seconds"),
    ]
    for name, arm in arms.items():
        if "test_accuracy" in arm:
            figures = (arm["trainable_params"], arm["total_params"], arm["train_seconds"])
            rows.append([name, arm["test_accuracy"], *arm["test_interval"], *figures])
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
