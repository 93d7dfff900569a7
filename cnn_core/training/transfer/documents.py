"""What goes into a download beside the network: scripts, settings, a model card, a notebook. Light: no Keras."""

import inspect
import json
import re
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cnn_core.arithmetic.escaping import markdown
from cnn_core.engine import quiet
from cnn_core.networks.backbones import Backbone
from cnn_core.pictures import coded, formats, images, limits, picture, samples, seen, sets, tiff
from cnn_core.store.records import Run
from cnn_core.training.transfer.headline import balanced
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.shift import card_words
from cnn_core.training.transfer.spec import Experiment

BACKBONE_FILE = "backbone.keras"
UNKNOWN = "Device and versions are not known: the run ended before it wrote them."
_SCRIPTS = Path(__file__).with_name("download")
_READING = (
    images,
    coded,
    formats,
    limits,
    picture,
    samples,
    seen,
    tiff,
)  # all that reads a picture; no other of our modules

_REQUIREMENTS = """\
# What trained this network, and what reads pictures as the app does.
keras{keras}
tensorflow{tensorflow}
pillow=={pillow}
numpy
scikit-learn
"""

_PAGE = """
The folder `web` is a page that runs it in any browser, with the camera or with pictures, which stay there:
`web/README.txt` says how to open it.
"""

_MEASURE = """\
# The test pictures through the downloaded network: the recorded accuracy again.
import json

from predict import ARM, HERE, kept_picture, labels, load, network

settings = json.loads((HERE / "settings" / "experiment.json").read_text(encoding="utf-8"))
label_of = {{digest: label for digest, label, *_ in settings["items"]}}
names, ask, tested = labels(), network(HERE / f"{{ARM}}.keras"), settings["split"]["test"]
right = sum(names[ask(load(kept_picture(digest))).argmax()] == label_of[digest] for digest in tested)
print(f"{{right}} of {{len(tested)}} right; recorded: {correct}")
assert right == {correct}, "not the recorded accuracy: another version of Keras, TensorFlow or Pillow?"
"""

_TRAIN = """\
# From the pictures and the settings in this folder: train.py, which is there to be read.
import train

model, correct, total = train.train()
print(f"{correct} of {total} right; recorded: {settings['accuracy'][ARM] * total:.0f}")
"""


def scripts(run: Run, arm: str, record: Backbone, model: str = "") -> dict[str, str]:
    """Return the code of a download by file name: what predicts, what trains again, and what both need.

    `predict.py` asks `model`, a file beside it, where none is named; by default the `.keras` file.

    `quiet.py`, `images.py` and what that imports are the app's own modules, so that a script cannot come to read a
    picture otherwise than the page does; they lie beside each other there, so only their imports are other.
    """
    made = run.environment  # empty where the run ended before it wrote it
    block = record.block_starts[-run.spec["options"]["unfreeze_blocks"]]
    asks: dict[str, Any] = {"RUN": run.id, "ARM": arm, "MODEL": model or f"{arm}.keras"}
    asks |= {"SIZE": record.input_size, "CROP_FRACTION": record.crop_fraction}
    trains = {
        "BACKBONE": backbone_of(arm, record),
        "PREPROCESSING": record.preprocessing,
        "FIRST_TRAINED": block,
    }
    return {
        "predict.py": _with_facts((_SCRIPTS / "predict.py").read_text(encoding="utf-8"), asks),
        "train.py": _with_facts((_SCRIPTS / "train.py").read_text(encoding="utf-8"), trains),
        **{f"{module.__name__.rpartition('.')[2]}.py": _beside(inspect.getsource(module)) for module in _READING},
        "quiet.py": inspect.getsource(quiet),
        "requirements.txt": _REQUIREMENTS.format(
            **{name: f"=={made[name]}" if name in made else "" for name in ("keras", "tensorflow")},
            pillow=version("pillow"),
        ),
    }


def backbone_of(arm: str, record: Backbone) -> str:
    """Return where `train.py` takes the network from that the arm began with.

    The frozen arm's own file holds it unchanged under the head, the scratch arm's its architecture. The fine-tuned arm
    changed it: it is fetched from `keras.applications`, or lies in the download as BACKBONE_FILE where it is not there.
    """
    if arm != "fine_tuned":
        return f"{arm}.keras"
    return record.application or BACKBONE_FILE


def _beside(source: str) -> str:
    """Return a module's source that finds our other modules beside it, not in a package."""
    source = re.sub(r"^from cnn_core\.pictures\.(\w+) import ", r"from \1 import ", source, flags=re.MULTILINE)
    return re.sub(r"^from cnn_core\.pictures import ", "import ", source, flags=re.MULTILINE)


def _with_facts(script: str, facts: dict[str, Any]) -> str:
    """Return a script with the lines `NAME = value` that say what it is about exchanged."""
    for name, value in facts.items():
        line = f"{name} = {json.dumps(value)}"
        script, count = re.subn(rf"^{name} = \S+", line, script, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"The script has {count} lines {name} = …; expected one.")
    return script


def experiment_settings(run: Run, arm: str) -> dict[str, Any]:
    """Return what another server, `train.py` or the notebook needs to repeat the experiment, plain JSON.

    `items` are digest, label, name and part of each picture, `split` the digests of `train`, `validation` and `test`
    in the order of the run, `accuracy` what each arm reached.
    """
    found, experiment = Transfer.from_json(run.result), Experiment.from_json(run.spec)
    split = sets.split(experiment.items, experiment.options.seed, found.near)
    return run.spec | {
        "run": run.id,
        "arm": arm,
        "classes": list(found.classes),
        "accuracy": {name: figures.accuracy.value for name, figures in found.arms.items()},
        "split": {part: [item.digest for item in getattr(split, part)] for part in split.sizes},
    }


def model_card(
    run: Run, arm: str, record: Backbone, self_test: dict[str, Any] | None = None, *, page: bool = False
) -> str:
    """Return the model card, Markdown: data, figures with intervals, limits, licence, self-test, the page if any.

    Source:
        Mitchell et al. 2019, arXiv:1810.03993 (what a card should tell).
    """
    found, options = Transfer.from_json(run.result), run.spec["options"]
    counts = Counter(label for _, label, *_ in run.spec["items"])
    figures, sizes = found.arms[arm], found.split_sizes
    per_class = "\n".join(
        f"| {markdown(row.name)} | {counts[row.name]} | {row.pictures} | {row.precision:.2f} | {row.recall:.2f} |"
        for row in figures.per_class
    )
    notes = "".join(f"- {markdown(note)}\n" for note in found.notes)
    made = run.environment
    versions = UNKNOWN
    if made:
        versions = f"Versions: Keras {made['keras']}, TensorFlow {made['tensorflow']}; {markdown(made['device'])}."
    weights = "random weights" if arm == "scratch" else f"ImageNet weights ({record.licence})"
    return f"""# Model card: {_named(found.classes)}

Made in ConvScope, run {run.id}, arm `{arm}`, from {markdown(run.spec["source"])}.

## Use

    pip install -r requirements.txt
    python predict.py photo.jpg folder

## Network

{record.title} ({record.paper}), begun from {weights};
{figures.total_params:,} parameters, {figures.trainable_params:,} of them trained.
Input: RGB, {record.input_size} × {record.input_size}, 0 to 255; the preprocessing is inside the network, `predict.py`
does the rest.

Options: {json.dumps(options, ensure_ascii=False)}.
{versions}
{_PAGE if page else ""}
## Data

{sum(counts.values())} pictures: {sizes["train"]} trained on, {sizes["validation"]} chosen by, {sizes["test"]} tested
on.
{notes}
| class | pictures | tested | precision | recall |
|---|---|---|---|---|
{per_class}

## Figures

Test accuracy {figures.accuracy.value:.3f}: {figures.accuracy.correct} of {sizes["test"]} right
(95% Wilson interval {figures.accuracy.low:.3f} to {figures.accuracy.high:.3f}).
Balanced accuracy {balanced(figures.per_class):.3f}: the mean of the classes' own shares of right answers.

## Limits

- It knows these {len(counts)} classes only and answers one of them to any picture.
- Its probabilities are not calibrated.
- {markdown(card_words(found.shift, [part for _, _, _, part, *_ in run.spec["items"]], sizes))}
- Precision and recall of a class rest on the pictures in the column "tested"; of few they are vague.

## Licence

{"" if arm == "scratch" else f"The pretrained weights: {record.licence}. "}The pictures remain their owners'.

## Self-test

{_self_test_words(self_test)}
"""


def notebook(run: Run, arm: str) -> str:
    """Return a notebook (nbformat 4.5): measure the network again, then train it again."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    found = Transfer.from_json(run.result)
    title = f"# {_named(found.classes)}\n\nRun {run.id}, arm `{arm}`. "
    cells = [
        new_markdown_cell(f"{title}Open it where it lies, after `pip install -r requirements.txt`.", id="title"),
        new_markdown_cell("## Measure again", id="about-measure"),
        new_code_cell(_MEASURE.format(correct=found.arms[arm].accuracy.correct), id="measure"),
        new_markdown_cell("## Train again", id="about-train"),
        new_code_cell(_TRAIN, id="train"),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(made)
    text: str = nbformat.writes(made)
    return text


def _named(classes: Sequence[str]) -> str:
    return ", ".join(map(markdown, classes))


def _self_test_words(self_test: dict[str, Any] | None) -> str:
    if not self_test:
        return "Not carried out: only the `.keras` file was made."
    return "\n".join(f"- {markdown(entry['words'])}" for entry in self_test["formats"])
