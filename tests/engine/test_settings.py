"""What the environment says of the engine is refused before anything starts, in a sentence and without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_core.engine import cluster, settings

ROOT = Path(__file__).parents[2]
WRONG = {
    "CONVSCOPE_RUN_MEMORY": ("4GB", "-1", "0", "inf", "nan"),
    "CONVSCOPE_ASK_MEMORY": ("much",),
    "CONVSCOPE_WORKER_IDLE": ("never", "0", "-5"),
    "CONVSCOPE_NICE": ("high", "20"),
    "CONVSCOPE_KEEP_DAYS": ("soon",),
    "CONVSCOPE_KEEP_BYTES": ("-5",),
    "CONVSCOPE_LIMIT_QUEUED": ("x",),
    "CONVSCOPE_PROCESSES": ("3",),
    "CONVSCOPE_STORE": ("postgresql://user:hush@host/db",),
    "CONVSCOPE_ENGINE": ("scheduler:8786",),
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in WRONG:
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_what_cannot_be_understood_is_refused(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.check()
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=variable) as refusal:
        settings.check()
    said = str(refusal.value)
    assert "hush" not in said and ("expected" in said or "Set CONVSCOPE_STORE" in said)
    assert repr(value) in said or variable == "CONVSCOPE_STORE", "a password may be in a URL"


def test_what_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.gigabytes("CONVSCOPE_RUN_MEMORY") is None and settings.idle() == 60
    monkeypatch.setenv("CONVSCOPE_RUN_MEMORY", " 1.5 ")
    monkeypatch.setenv("CONVSCOPE_WORKER_IDLE", "inf")
    assert settings.gigabytes("CONVSCOPE_RUN_MEMORY") == 1.5 and settings.idle() == float("inf")


def test_server_does_not_start_and_says_why() -> None:
    environment = os.environ | {"CONVSCOPE_RUN_MEMORY": "4GB", "CONVSCOPE_STORE": ""}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    said = "ConvScope: CONVSCOPE_RUN_MEMORY is '4GB'; expected a number of gigabytes above 0, such as 4."
    assert said in (done.stdout + done.stderr).splitlines() and done.returncode
    assert "Traceback" not in done.stdout + done.stderr


def test_command_of_a_cluster_says_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVSCOPE_RUN_MEMORY", "4GB")
    assert cluster.main(["worker", "run"]) == 2
    assert capsys.readouterr().err == (
        "ConvScope: CONVSCOPE_RUN_MEMORY is '4GB'; expected a number of gigabytes above 0, such as 4.\n"
    )
