"""The texts of a download: a script that predicts, a model card, a notebook that repeats. Light: no Keras."""

import json
from collections import Counter
from typing import Any

from cnn_core.networks.backbones import Backbone
from cnn_core.pictures.images import MAX_SIDE
from cnn_core.store.runs import Run
from cnn_core.training.transfer.results import Transfer

_SCRIPT = '''"""Predict with a network trained in ConvScope.

    pip install keras=={keras} tensorflow=={tensorflow} pillow numpy
    python predict.py photo.jpg another.png
    python predict.py --model {arm}.tflite --json photo.jpg     # another format, all digits

Only the format that is asked for needs its package: Keras and TensorFlow for .keras, ai-edge-litert or TensorFlow for
.tflite, onnxruntime for .onnx.

Run {run_id}, arm {arm}. The network takes RGB pictures of {size} x {size} pixels, values 0 to 255;
what it does to them after that is inside the .keras file.
"""

import argparse
import json
import warnings
from pathlib import Path

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


def network(path):
    """Return a function from one picture to its probabilities."""
    if path.suffix == ".keras":
        import keras

        model = keras.saving.load_model(path)
        return lambda picture: np.asarray(model(picture[None], training=False))[0]
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        name = session.get_inputs()[0].name
        return lambda picture: session.run(None, {{name: picture[None]}})[0][0]
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:  # TensorFlow 2.21 still has it, and warns that it will go
        import tensorflow

        Interpreter = tensorflow.lite.Interpreter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    put, get = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def ask(picture):
        interpreter.set_tensor(put, picture[None])
        interpreter.invoke()
        return interpreter.get_tensor(get)[0]

    return ask


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="{arm}.keras", help="a file beside this script (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON list, all digits")
    parser.add_argument("pictures", nargs="+")
    options = parser.parse_args()
    ask = network(HERE / options.model)
    answers = [[float(p) for p in ask(load(path))] for path in options.pictures]
    if options.json:
        print(json.dumps([dict(zip(LABELS, probabilities)) for probabilities in answers], ensure_ascii=False))
    else:
        for path, probabilities in zip(options.pictures, answers):
            best_first = sorted(zip(LABELS, probabilities), key=lambda x: -x[1])
            print(path, {{label: round(p, 4) for label, p in best_first}})
'''

_MEASURE = """\
# The test pictures through the downloaded network: the recorded accuracy again, in plain Keras.
import json
from pathlib import Path

from predict import HERE, LABELS, load, network

settings = json.loads((HERE / "settings" / "experiment.json").read_text(encoding="utf-8"))
label_of = {{digest: label for digest, label, *_ in settings["items"]}}
ask = network(HERE / "{arm}.keras")
right = sum(
    LABELS[ask(load(HERE / "pictures" / f"{{digest}}.png")).argmax()] == label_of[digest] for digest in settings["test"]
)
print(f"{{right}} of {{len(settings['test'])}} right; recorded: {correct}")
assert right == {correct}, "not the recorded accuracy: another version of Keras, TensorFlow or Pillow?"
"""

_REPEAT = """\
# The whole experiment again, from the pictures: needs a checkout of ConvScope (commit {commit}).
import sys

CONVSCOPE = "{checkout}"  # where the checkout is
sys.path.insert(0, CONVSCOPE)

import tempfile

from cnn_core.training.transfer import experiment
from cnn_core.training.transfer.export import read_folder_of_bundle
from cnn_core.training.transfer.results import Transfer
from cnn_core.store.runs import Store


class Silent:
    should_stop = lost = False

    def update(self, **progress):
        pass

    def found(self, result):
        pass


store = Store(tempfile.mkdtemp())
again = read_folder_of_bundle(HERE, store)
run = store.claim(store.create("transfer", again.to_json(), title=again.source).id, worker="notebook")
outcome = experiment.run(run, store, Silent())
for arm, figures in Transfer.from_json(outcome.result).arms.items():
    print(f"{{arm}}: {{figures.accuracy.value:.4f}}, recorded {{settings['accuracy'].get(arm)}}")
"""


def predict_script(run: Run, arm: str, record: Backbone) -> str:
    """Return `predict.py`: pictures in, probabilities out, whatever the format of the network beside it."""
    return _SCRIPT.format(
        keras=run.environment["keras"],
        tensorflow=run.environment["tensorflow"],
        run_id=run.id,
        arm=arm,
        size=record.input_size,
        short_side=round(record.input_size / record.crop_fraction),
        max_side=MAX_SIDE,
    )


def experiment_settings(run: Run, arm: str) -> dict[str, Any]:
    """Return what another server or the notebook needs to repeat the experiment, plain JSON.

    `items` are digest, label, name and part of each picture, `test` the digests that were tested on, `accuracy` what
    each arm reached.
    """
    found = Transfer.from_json(run.result)
    return run.spec | {
        "run": run.id,
        "arm": arm,
        "classes": list(found.classes),
        "accuracy": {name: figures.accuracy.value for name, figures in found.arms.items()},
        "test": [answer.digest for answer in found.arms[arm].answers],
    }


def model_card(run: Run, arm: str, record: Backbone, self_test: dict[str, Any] | None = None) -> str:
    """Return the model card, Markdown: data, figures with intervals, limits, licence, self-test.

    Source:
        Mitchell et al. 2019, arXiv:1810.03993 (what a card should tell).
    """
    found, options = Transfer.from_json(run.result), run.spec["options"]
    counts = Counter(label for _, label, *_ in run.spec["items"])
    figures, sizes = found.arms[arm], found.split_sizes
    per_class = "\n".join(
        f"| {row.name} | {counts[row.name]} | {row.pictures} | {row.precision:.2f} | {row.recall:.2f} |"
        for row in figures.per_class
    )
    notes = "".join(f"- {note}\n" for note in found.notes)
    weights = "random weights" if arm == "scratch" else f"ImageNet weights ({record.licence})"
    return f"""# Model card: {", ".join(found.classes)}

Made in ConvScope, run {run.id}, arm `{arm}`, from {run.spec["source"]}.

## Network

{record.title} ({record.paper}), begun from {weights};
{figures.total_params:,} parameters, {figures.trainable_params:,} of them trained.
Input: RGB, {record.input_size} × {record.input_size}, 0 to 255; the preprocessing is inside the network, `predict.py`
does the rest.

Options: {json.dumps(options, ensure_ascii=False)}.
Versions: Keras {run.environment["keras"]}, TensorFlow {run.environment["tensorflow"]}; {run.environment["device"]}.

## Data

{sum(counts.values())} pictures: {sizes["train"]} trained on, {sizes["validation"]} chosen by, {sizes["test"]} tested
on.
{notes}
| class | pictures | tested | precision | recall |
|---|---|---|---|---|
{per_class}

## Figures

Test accuracy {figures.accuracy.value:.3f}: {figures.accuracy.correct} of {sizes["test"]} right
(95 % Wilson interval {figures.accuracy.low:.3f} to {figures.accuracy.high:.3f}).

## Limits

- It knows these {len(counts)} classes only and answers one of them to any picture.
- Its probabilities are not calibrated.
- It was tested on pictures like those it was trained on; of others these figures say nothing.
- Precision and recall of a class rest on the few pictures in the column "tested".

## Licence

The pretrained weights: {record.licence}. The pictures remain their owners'.

## Self-test

{_self_test_words(self_test)}
"""


def notebook(run: Run, arm: str, checkout: str) -> str:
    """Return a notebook (nbformat 4.5, JSON): measure the network again, then repeat the experiment."""
    found = Transfer.from_json(run.result)
    commit = run.environment.get("commit", "unknown")
    cells = [
        ("markdown", f"# {', '.join(found.classes)}\n\nRun {run.id}, arm `{arm}`. Open it where it lies."),
        ("markdown", "## Measure again"),
        ("code", _MEASURE.format(arm=arm, correct=found.arms[arm].accuracy.correct)),
        ("markdown", "## Train again\n\nFrom the pictures and the settings in this folder, not from the weights."),
        ("code", _REPEAT.format(commit=commit, checkout=checkout)),
    ]
    blank: dict[str, Any] = {"execution_count": None, "outputs": []}
    return json.dumps(
        {
            "cells": [
                {"cell_type": kind, "id": f"cell{index}", "metadata": {}, "source": text}
                | (blank if kind == "code" else {})
                for index, (kind, text) in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        ensure_ascii=False,
        indent=1,
    )


def _self_test_words(self_test: dict[str, Any] | None) -> str:
    if not self_test:
        return "Not carried out: only the `.keras` file was made."
    return "\n".join(f"- {entry['words']}" for entry in self_test["formats"])
