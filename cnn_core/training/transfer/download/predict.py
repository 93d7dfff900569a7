"""Ask a network that was trained in ConvScope about pictures.

    pip install -r requirements.txt
    python predict.py photo.jpg another.png
    python predict.py folder                                     # all files in it, by name
    python predict.py --model NAME.tflite --json photo.jpg       # another format, all digits

Only the format that is asked for needs its package: Keras and TensorFlow for .keras, ai-edge-litert or TensorFlow for
.tflite, onnxruntime for .onnx. A picture is read as the app reads it, by the same code: images.py
and what it imports.

What cannot be done is said in one line on standard error, and the exit code is 2. If it is a picture that cannot be
read, the others are answered all the same; in the JSON list its place is null.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

try:
    import numpy as np
    from images import ImageRefused, decode, square
    from quiet import quiet
except ModuleNotFoundError as missing:
    remedy = "Unpack the whole download in one folder"
    if missing.name not in ("images", "quiet", "coded", "formats", "limits", "picture", "samples", "seen", "tiff"):
        remedy = "Install it: pip install -r requirements.txt"
    print(f"predict.py: {missing.name} is not there. {remedy}.", file=sys.stderr)
    sys.exit(2)

# What this download is about.
RUN = "1f"
ARM = "frozen"
MODEL = "frozen.keras"  # the network that is asked where none is named
SIZE = 224  # of the network's input, in pixels
CROP_FRACTION = 0.875  # share of a picture's short side that the network looks at

HERE = Path(__file__).resolve().parent
PACKAGES = {  # of a format: what to install
    ".keras": "-r requirements.txt",
    ".tflite": "ai-edge-litert",
    ".onnx": "onnxruntime",
}


class Trouble(ValueError):
    """Something that cannot be done; the text says what was received and what to do."""


def labels() -> list[str]:
    """Return the names of the classes, in the order of the network's outputs."""
    try:
        names: list[str] = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Trouble("labels.json is not beside predict.py. Unpack the whole download in one folder.") from None
    except ValueError as error:
        raise Trouble(f"labels.json is damaged ({_first_line(error)}). Unpack the download again.") from None
    return names


def load(path: str | Path, tell: Callable[[str], None] = lambda note: None) -> np.ndarray:
    """Return a picture as the network wants it, float32 `(SIZE, SIZE, 3)`, 0 to 255; tell what was done to it."""
    try:
        picture = decode(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise Trouble(f"{path} cannot be read ({error.strerror}). Give the path of a picture file.") from None
    except ImageRefused as refusal:
        raise Trouble(str(refusal)) from None
    for note in picture.notes:
        tell(f"{path}: {note}")
    return square(picture.pixels, SIZE, CROP_FRACTION).astype(np.float32)


def kept_picture(digest: str) -> Path:
    """Return the file of a picture of this download, by its content."""
    found = next((HERE / "pictures").glob(f"{digest}.*"), None)
    if found is None:
        raise Trouble("The pictures are not in this download. Get it again with its pictures.")
    return found


def network(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from one picture, as `load` gives it, to its probabilities."""
    openers = {".keras": _keras, ".tflite": _tflite, ".onnx": _onnx}
    if path.suffix not in openers:
        raise Trouble(f"{path.name} is no network. Name a file that ends in {', '.join(openers)}.")
    if not path.is_file():
        there = ", ".join(sorted(each.name for each in HERE.iterdir() if each.suffix in openers)) or "none"
        raise Trouble(f"{path} is not there. Networks beside predict.py: {there}.")
    try:
        with quiet(ModuleNotFoundError, Trouble):
            return openers[path.suffix](path)
    except ModuleNotFoundError as missing:
        remedy = f"pip install {PACKAGES[path.suffix]}"
        raise Trouble(f"{path.name} needs a package that is not installed ({missing.name}): {remedy}") from None


def _keras(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    model = _opened(path, keras.saving.load_model)
    return lambda picture: np.asarray(model(picture[None], training=False))[0]


def _onnx(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    session = _opened(path, onnxruntime.InferenceSession)
    name = session.get_inputs()[0].name
    return lambda picture: session.run(None, {name: picture[None]})[0][0]


def _tflite(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:  # TensorFlow 2.21 still has it, and warns that it will go
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow

        Interpreter = tensorflow.lite.Interpreter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = _opened(path, lambda path: Interpreter(str(path)))
    interpreter.allocate_tensors()
    put, get = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def ask(picture: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(put, picture[None])
        interpreter.invoke()
        probabilities: np.ndarray = interpreter.get_tensor(get)[0]
        return probabilities

    return ask


def _opened(path: Path, opener: Callable[[Path], Any]) -> Any:
    try:
        return opener(path)
    except Exception as error:  # each package raises its own
        raise Trouble(f"{path.name} is damaged ({_first_line(error)}). Unpack the download again.") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _files(named: Sequence[str]) -> list[str]:
    """Return the files that are named; of a folder those in it, by name, without what systems hide there."""
    files: list[str] = []
    for name in named:
        inside = sorted(Path(name).iterdir()) if Path(name).is_dir() else []
        files += [str(each) for each in inside if each.is_file() and not each.name.startswith(".")] or [name]
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer about the pictures that are named; return the exit code."""
    parser = argparse.ArgumentParser(description=f"Run {RUN}, arm {ARM}.")
    parser.add_argument("--model", default=MODEL, help="a file beside this script (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON list, all digits")
    parser.add_argument("pictures", nargs="+", help="files, or folders of them")
    options = parser.parse_args(arguments)
    answers: list[dict[str, float] | None] = []
    try:
        names, ask = labels(), network(HERE / options.model)
    except Trouble as trouble:
        print(f"predict.py: {trouble}", file=sys.stderr)
        return 2
    for path in _files(options.pictures):
        try:
            probabilities = ask(load(path, lambda note: print(note, file=sys.stderr)))
            if len(probabilities) != len(names):
                raise Trouble(f"{options.model} knows {len(probabilities)} classes and labels.json {len(names)}.")
        except Trouble as trouble:
            print(f"predict.py: {trouble}", file=sys.stderr)
            answers.append(None)
            continue
        answer = dict(zip(names, map(float, probabilities), strict=True))
        answers.append(answer)
        if not options.json:
            best_first = sorted(answer.items(), key=lambda entry: -entry[1])
            print(path, {label: round(probability, 4) for label, probability in best_first})
    if options.json:
        print(json.dumps(answers, ensure_ascii=False))
    return 2 if None in answers else 0


if __name__ == "__main__":
    sys.exit(main())
