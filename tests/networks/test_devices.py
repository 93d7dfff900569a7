"""Devices: what is found, the precision, and the mirrored path on two logical CPUs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from cnn_core.networks import devices
from cnn_core.networks.devices import Devices

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for devices as a fresh process does."""
    monkeypatch.setattr(devices, "find", devices.find.__wrapped__)


def test_cpu_is_found_and_said(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    found = devices.find()
    assert (found.kind, found.precision, found.replicas) == ("CPU", "float32", ("CPU:0",))
    assert str(found).startswith("CPU: ") and str(found).endswith(f", {os.cpu_count()} cores (float32)")


@pytest.mark.parametrize(
    ("capabilities", "precision"), [([(8, 0)], "mixed_float16"), ([(8, 6), (6, 1)], "float32"), ([None], "float32")]
)
def test_gpus_share_their_memory_and_tensor_cores_choose_the_precision(
    anew: None, monkeypatch: pytest.MonkeyPatch, capabilities: list, precision: str
) -> None:
    gpus = [SimpleNamespace(name=f"/physical_device:GPU:{i}", capability=c) for i, c in enumerate(capabilities)]
    grown: list = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, on: grown.append((gpu, on)))
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"device_name": "Toy", "compute_capability": gpu.capability} if gpu.capability else {},
    )
    found = devices.find()
    assert grown == [(gpu, True) for gpu in gpus]
    assert (found.kind, found.precision) == ("GPU", precision)
    assert found.replicas == tuple(f"GPU:{i}" for i in range(len(gpus)))
    assert found.names[0] == ("Toy" if capabilities[0] else "/physical_device:GPU:0")


def test_precision_is_put_back() -> None:
    before = keras.config.dtype_policy().name
    with devices.placed(Devices("GPU", ("toy",), "mixed_float16")) as replicas:
        assert replicas == 1 and keras.config.dtype_policy().name == "mixed_float16"
        assert keras.layers.Dense(1).compute_dtype == "float16"
    assert keras.config.dtype_policy().name == before == "float32"


def test_precision_is_put_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), devices.placed(Devices("GPU", ("toy",), "mixed_float16")):
        1 / 0  # noqa: B018
    assert keras.config.dtype_policy().name == "float32"


def test_environment_names_what_a_result_depends_on() -> None:
    found = Devices("CPU", ("toy, 2 cores",), "float32", ("CPU:0", "CPU:1"))
    said = devices.environment(found)
    assert said["keras"] == keras.__version__ and said["tensorflow"] == tf.__version__
    assert (said["device"], said["replicas"]) == ("CPU: toy, 2 cores (float32)", 2)
    assert said["commit"] == "unknown" or len(said["commit"]) == 12
    assert json.loads(json.dumps(said)) == said


MIRRORED = """
import json, math, sys
import tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, sys.argv[1])
import keras
from transfer_toys import carry_out, few_textures
from cnn_core.training.transfer import answers
from cnn_core.pictures import kept
from cnn_core.networks import devices
from cnn_core.store.runs import Store
store = Store(sys.argv[2])
items = few_textures(store, {"train": 4, "validation": 1, "test": 1})
# 12 pictures in steps of 11: the last step has one, and nothing is left for the second replica.
outcome = carry_out(store, items, arms=("fine_tuned",), epochs=1, batch_size=11, unfreeze_blocks=1)
said = answers.predict(outcome.run.id, kept.pixels(store, items[0].digest), location=sys.argv[2])
print(json.dumps({
    "replicas": devices.find().replicas, "arms": outcome.run.result["arms"], "said": said,
    "environment": outcome.environment,
    "policy": keras.config.dtype_policy().name, "inside": tf.distribute.has_strategy(),
}))
"""


@pytest.mark.slow
def test_mirrored_training_over_two_devices(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MIRRORED, str(ROOT / "tests" / "training" / "transfer"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == ["CPU:0", "CPU:1"] and found["environment"]["replicas"] == 2
    history = found["arms"]["fine_tuned"]["history"]
    assert [entry["phase"] for entry in history[-2:]] == ["head", "blocks"]
    for entry in history:  # plain JSON has None where a figure is not finite
        assert all(isinstance(entry[name], float) for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
    assert sum(found["said"]["fine_tuned"].values()) == pytest.approx(1, abs=1e-5)
    assert found["policy"] == "float32" and not found["inside"]
