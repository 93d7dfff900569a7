"""Light modules stay light: importing TensorFlow costs seconds, and a page must never do it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIGHT = (
    "store.runs",
    "engine.client",
    "engine.lifecycle",
    "engine.host",
    "engine.worker",
    "pictures.images",
    "pictures.archives",
    "pictures.sets",
    "pictures.bundled",
    "networks.backbones",
    "networks.devices",
    "networks.embedded",
    "networks.layer_times",
    "networks.effective_field",
    "networks.blueprints",
    "networks.atlas",
    "networks.zoo.architectures",
    "training.transfer.spec",
    "training.transfer.evaluation",
    "training.transfer.export",
    "training.transfer.answers",
    "__main__",
    "arithmetic.convolution",
    "arithmetic.kernels",
    "arithmetic.experiments",
    "arithmetic.geometry",
    "arithmetic.coverage",
    "arithmetic.stacks.table",
    "arithmetic.stacks.text",
    "arithmetic.stacks.export",
    "figures.convolution",
    "figures.transfer",
    "figures.channels",
    "figures.fields",
    "figures.effective",
)
SCRIPT = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(f"cnn_core.{name}")
    heavy = {"tensorflow", "keras", "jax", "torch"} & sys.modules.keys()
    assert not heavy, f"cnn_core.{name} imports {', '.join(sorted(heavy))}"
assert "streamlit" not in sys.modules, "the core knows nothing of Streamlit"
"""


def test_light_modules_do_not_import_keras() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *LIGHT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("question", ["networks.backbones.BACKBONES", "training.transfer.spec.Options()"])
def test_facts_are_there_without_keras(question: str) -> None:
    module = question.rpartition(".")[0]
    code = f"import cnn_core.{module}, sys; print(cnn_core.{question}); assert 'keras' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "efficientnet_lite0" in done.stdout, done.stderr


def test_wall_would_notice(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("")
    (tmp_path / "page.py").write_text("import keras")
    script = SCRIPT.replace("cnn_core.{name}", "{name}")
    done = subprocess.run([sys.executable, "-c", script, "json", "page"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "page imports keras" in done.stderr
