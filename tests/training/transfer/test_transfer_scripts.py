"""The scripts and the notebook of a download, where the app cannot be imported: answers, sentences, nothing else."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from transfer_toys import Outcome, picture, unpack

from cnn_core.networks.backbones import backbone
from cnn_core.networks.forward import network_input
from cnn_core.networks.zoo.efficientnet_lite_weights import released_weights
from cnn_core.pictures.images import decode
from cnn_core.training.transfer import answers, documents

# Carries out many calls of predict.py in one process: importing TensorFlow takes as long as all the rest.
CALLS = """
import contextlib, io, json, sys
import predict
told = []
for arguments, without in json.loads(sys.stdin.read()):
    hidden = {name: sys.modules.get(name) for name in without}
    sys.modules.update(dict.fromkeys(without))  # None: "not there"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = predict.main(arguments)
    for name, module in hidden.items():
        sys.modules.pop(name) if module is None else sys.modules.update({name: module})
    told.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(told))
"""


def plain_environment() -> dict[str, str]:
    """As a reader's shell has it: nothing of the tests, and nothing that keeps TensorFlow quiet."""
    ours = ("TF_CPP_MIN_LOG_LEVEL", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in ours} | {"PYTHONDONTWRITEBYTECODE": "1"}


def run(folder: Path, *command: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, env=plain_environment(), **options
    )


def test_the_app_cannot_be_imported_there(unpacked: Path) -> None:
    assert run(unpacked, "-c", "import cnn_core").stderr.strip().endswith("No module named 'cnn_core'")


# predict.py -----------------------------------------------------------------------------------------------------------

READING = ("images.py", "coded.py", "formats.py", "limits.py", "picture.py", "samples.py", "seen.py", "tiff.py")


@pytest.mark.slow  # a browser test downloads and predicts always
def test_script_answers_as_the_page_does_and_says_what_was_done(
    outcome: Outcome, unpacked: Path, tmp_path: Path
) -> None:
    files = {name: tmp_path / name for name in ("small.png", "tall.png", "large.jpg", "deep.png", "clear.png")}
    Image.fromarray(picture(1, 90, 130).pixels).save(files["small.png"])
    Image.fromarray(picture(2, 700, 260).pixels).save(files["tall.png"])
    large = Image.fromarray(picture(3, 901, 1024).pixels).resize((1503, 1201))
    large.save(files["large.jpg"], quality=95)  # more than 1024 a side: scaled down before anything else
    Image.fromarray(picture(4, 200, 300).pixels[..., 0].astype(np.uint16) * 257).save(files["deep.png"])
    clear = Image.fromarray(picture(5, 250, 250).pixels)
    clear.putalpha(Image.new("L", clear.size, 0))
    clear.save(files["clear.png"])  # all transparent: its colours

    done = run(unpacked, "-W", "error::UserWarning", "predict.py", *map(str, files.values()))
    notes = [f"{path}: {note}" for path in files.values() for note in decode(path.read_bytes(), path.name).notes]
    assert (done.returncode, done.stderr.splitlines()) == (0, notes) and len(notes) >= 3
    lines = done.stdout.strip().splitlines()
    assert len(lines) == len(files)
    for line, path in zip(lines, files.values(), strict=True):
        name, _, said = line.partition(" ")
        theirs = ast.literal_eval(said)
        pixels = decode(path.read_bytes(), path.name).pixels
        ours = answers.predict(outcome.run.id, pixels, location=outcome.store.location)["fine_tuned"]
        assert name == str(path) and theirs.keys() == ours.keys()
        assert list(theirs.values()) == sorted(theirs.values(), reverse=True)
        for label, probability in theirs.items():  # the script rounds to four digits
            assert probability == pytest.approx(ours[label], abs=1e-4), path.name


@pytest.fixture(scope="module")
def calls(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """What predict.py says to each of these calls: exit code, standard output, standard error."""
    folder = unpack(outcome, "fine_tuned", tmp_path_factory.mktemp("calls"))
    for suffix in ("keras", "tflite", "onnx"):
        (folder / f"broken.{suffix}").write_bytes(b"no network")
    (folder / "network.pb").write_bytes(b"")
    Image.fromarray(picture(1, 90, 130).pixels).save(folder / "photo.png")
    (folder / "page.jpg").write_bytes(b"%PDF-1.7")
    (folder / "new" / "deeper").mkdir(parents=True)
    for name in ("b.png", "a.png"):
        shutil.copy(folder / "photo.png", folder / "new" / name)
    (folder / "new" / ".DS_Store").write_bytes(b"Bud1")
    asked: dict[str, tuple[list[str], list[str]]] = {
        "no file": (["--model", "frozen.tflite", "photo.png"], []),
        "no network": (["--model", "network.pb", "photo.png"], []),
        "no keras": (["photo.png"], ["keras"]),
        "no litert": (
            ["--model", "broken.tflite", "photo.png"],
            ["ai_edge_litert", "ai_edge_litert.interpreter", "tensorflow"],
        ),
        "no onnxruntime": (["--model", "broken.onnx", "photo.png"], ["onnxruntime"]),
        "broken keras": (["--model", "broken.keras", "photo.png"], []),
        "broken tflite": (["--model", "broken.tflite", "photo.png"], []),
        "broken onnx": (["--model", "broken.onnx", "photo.png"], []),
        "no photo": (["nowhere.png", "photo.png", "page.jpg"], []),
        "folder": (["new", "photo.png"], []),
        "no photo, as JSON": (["--json", "nowhere.png", "photo.png"], []),
    }
    done = run(folder, "-c", CALLS, input=json.dumps(list(asked.values())))
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "not a line of TensorFlow's"
    return dict(zip(asked, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("no file", "frozen.tflite is not there. Networks beside predict.py: backbone.keras, broken.keras, broken.on"),
        ("no network", "network.pb is no network. Name a file that ends in .keras, .tflite, .onnx."),
        (
            "no keras",
            "fine_tuned.keras needs a package that is not installed (keras): pip install -r requirements.txt",
        ),
        (
            "no litert",
            "broken.tflite needs a package that is not installed (tensorflow): pip install ai-edge-litert",
        ),
        ("no onnxruntime", "broken.onnx needs a package that is not installed (onnxruntime): pip install onnxruntime"),
        ("broken keras", "broken.keras is damaged ("),
        ("broken tflite", "broken.tflite is damaged ("),
        ("broken onnx", "broken.onnx is damaged ("),
    ],
)
def test_what_cannot_be_done_is_one_sentence(call: str, sentence: str, calls: dict[str, tuple[int, str, str]]) -> None:
    code, output, errors = calls[call]
    assert (code, output) == (2, "")
    assert errors.startswith("predict.py: ") and sentence in errors and errors.count("\n") == 1, errors
    if call.startswith("broken"):
        assert errors.endswith("). Unpack the download again.\n")


def test_other_pictures_are_answered_all_the_same(calls: dict[str, tuple[int, str, str]]) -> None:
    code, output, errors = calls["no photo"]
    assert code == 2 and output.startswith("photo.png {") and output.count("\n") == 1
    assert errors.splitlines() == [
        "predict.py: nowhere.png cannot be read (No such file or directory). Give the path of a picture file.",
        "predict.py: page.jpg: this is a PDF document; export the page as PNG and load that.",
    ]
    code, output, errors = calls["no photo, as JSON"]
    first, second = json.loads(output)
    assert code == 2 and first is None and second.keys() == {"brick", "grass", "gravel"}
    assert errors.count("\n") == 1


def test_folder_stands_for_its_files(calls: dict[str, tuple[int, str, str]]) -> None:
    code, output, errors = calls["folder"]
    named = [line.partition(" {")[0] for line in output.splitlines()]
    assert (code, errors, named) == (0, "", [str(Path("new", "a.png")), str(Path("new", "b.png")), "photo.png"])


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("labels.json", "predict.py: labels.json is not beside predict.py. Unpack the whole download in one folder."),
        ("images.py", "predict.py: images is not there. Unpack the whole download in one folder."),
        ("numpy", "predict.py: numpy is not there. Install it: pip install -r requirements.txt."),
        ("PIL", "predict.py: PIL is not there. Install it: pip install -r requirements.txt."),
    ],
)
def test_what_is_missing_is_one_sentence(missing: str, sentence: str, unpacked: Path, tmp_path: Path) -> None:
    code = "import runpy, sys; sys.argv = ['predict.py', 'photo.png']; sys.path.insert(0, '.'); "
    if "." not in missing:
        code += f"sys.modules[{missing!r}] = None; "
    for name in {"predict.py", *READING, "quiet.py", "labels.json"} - {missing}:
        shutil.copy(unpacked / name, tmp_path)
    done = run(tmp_path, "-c", code + "runpy.run_path('predict.py', run_name='__main__')")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (2, "", sentence)


def test_damaged_labels_and_those_of_another_network_are_refused(unpacked: Path, tmp_path: Path) -> None:
    for name in ("predict.py", *READING, "quiet.py"):
        shutil.copy(unpacked / name, tmp_path)
    Image.fromarray(picture(1, 90, 130).pixels).save(tmp_path / "photo.png")
    (tmp_path / "labels.json").write_text("[")
    done = run(tmp_path, "predict.py", "photo.png")
    assert done.returncode == 2 and done.stderr.startswith("predict.py: labels.json is damaged (Expecting value")
    (tmp_path / "labels.json").write_text('["a", "b"]')
    code = "import predict; predict.network = lambda path: lambda pixels: [0.2, 0.3, 0.5]; predict.main(['photo.png'])"
    done = run(tmp_path, "-c", code)
    assert done.stderr == "predict.py: fine_tuned.keras knows 3 classes and labels.json 2.\n"


def test_scripts_say_what_they_are_about(outcome: Outcome, unpacked: Path) -> None:
    script = (unpacked / "predict.py").read_text(encoding="utf-8")
    assert f'\nRUN = "{outcome.run.id}"\nARM = "fine_tuned"\nMODEL = "fine_tuned.keras"  # ' in script
    assert "\nSIZE = 224  # " in script
    needed = (unpacked / "requirements.txt").read_text(encoding="utf-8").splitlines()
    tensorflow = outcome.environment["tensorflow"]
    assert {f"keras=={keras.__version__}", f"tensorflow=={tensorflow}", "numpy"} <= set(needed)
    assert f"\npillow=={Image.__version__}\n" in (unpacked / "requirements.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "arm", "facts"),
    [
        ("resnet50", "fine_tuned", ("ResNet50", "caffe", "conv4_block6_1_conv")),
        ("mobilenet_v2", "fine_tuned", ("MobileNetV2", "tf", "block_14_expand")),
        ("mobilenet_v2", "frozen", ("frozen.keras", "tf", "block_14_expand")),
        ("efficientnet_lite0", "scratch", ("scratch.keras", "inside", "block6c_expand_conv")),
    ],
)
def test_training_begins_with_the_right_network(
    name: str, arm: str, facts: tuple[str, str, str], outcome: Outcome
) -> None:
    spec = outcome.run.spec | {"options": outcome.run.spec["options"] | {"backbone": name, "unfreeze_blocks": 4}}
    script = documents.scripts(replace(outcome.run, spec=spec), arm, backbone(name))["train.py"]
    lines = [line for line in script.splitlines() if line.startswith(("BACKBONE =", "PREPROC", "FIRST_TRAINED ="))]
    assert [line.split('"')[1] for line in lines] == list(facts)


# train.py and the notebook --------------------------------------------------------------------------------------------


def changed(path: Path) -> set[str]:
    """The layers of a network whose weights are not the released ones, the head aside."""
    released, model = released_weights(), keras.saving.load_model(path)
    names = {variable.path.split("/")[0] for variable in model.weights if "probabilities" not in variable.path}
    same = {name for name in names if all(np.array_equal(w, released[w.path]) for w in model.get_layer(name).weights)}
    return names - same


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["scratch", "frozen", "fine_tuned"])
def test_training_again_gives_the_recorded_accuracy(arm: str, outcome: Outcome, tmp_path: Path) -> None:
    folder = unpack(outcome, arm, tmp_path)
    done = run(folder, "train.py")
    assert (done.returncode, done.stderr) == (0, "")
    correct = outcome.arms[arm].accuracy.correct
    said = done.stdout.splitlines()[-1]
    assert abs(int(said.split()[0]) - correct) <= 1 and " of 12 right" in said
    assert said.endswith(f"the run: {correct / 12:.3f}. Kept as again.keras.")
    assert changed(folder / "again.keras") == changed(folder / f"{arm}.keras"), "the same layers were trained"
    if arm == "frozen":  # solved twice, by us and by scikit-learn, each to its own tolerance: the same answers
        mine, theirs = (keras.saving.load_model(folder / f"{name}.keras") for name in ("again", "frozen"))
        tested = [item for item in outcome.experiment.items if item.part == "test"]
        pictures = network_input(outcome.store, tested, backbone("efficientnet_lite0"))
        said, expected = (model.predict(pictures, verbose=0) for model in (mine, theirs))
        assert said == pytest.approx(expected, abs=2e-2)


@pytest.mark.slow
def test_training_without_what_it_needs_is_one_sentence(outcome: Outcome, tmp_path: Path) -> None:
    folder = unpack(outcome, "fine_tuned", tmp_path)
    (folder / "backbone.keras").unlink()
    done = run(folder, "train.py")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "train.py: backbone.keras is not in this download. Get it again, or train anew in the app.\n"
    shutil.rmtree(folder / "pictures")
    done = run(folder, "train.py")
    assert done.returncode == 2
    assert done.stderr == "train.py: The pictures are not in this download. Get it again with its pictures.\n"


@pytest.mark.slow
def test_notebook_measures_and_trains_again(outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    folder = unpack(outcome, "frozen", tmp_path / "download")
    for name in set(os.environ) - set(plain_environment()):
        monkeypatch.delenv(name)
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    alone = "import importlib.util\nassert importlib.util.find_spec('cnn_core') is None"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(alone))
    with folder.joinpath("kernel.log").open("w") as log:
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}}).execute(stderr=log)
    texts = ["".join(o.text for o in c.outputs if o.get("name") == "stdout") for c in notebook.cells if "outputs" in c]
    correct = outcome.arms["frozen"].accuracy.correct
    assert texts[1] == f"{correct} of 12 right; recorded: {correct}\n"
    assert texts[2].splitlines()[-1] == f"{correct} of 12 right; recorded: {correct}"


def test_notebook_is_valid_and_knows_no_path_of_this_machine(unpacked: Path) -> None:
    import nbformat

    text = (unpacked / "notebook.ipynb").read_text(encoding="utf-8")
    nbformat.validate(json.loads(text))
    root = str(Path(__file__).resolve().parents[3])
    assert root not in text and "cnn_core" not in text
    assert importlib.util.find_spec("cnn_core") is not None, "here it is there: the tests above are in other folders"
