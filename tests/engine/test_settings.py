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
    "CONVSCOPE_SECRET": ("hush", 31 * "h"),
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
    hidden = ("CONVSCOPE_STORE", "CONVSCOPE_SECRET")  # a password may be in a URL
    assert repr(value) in said or variable in hidden


def test_what_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    share = 5 * 10**9
    assert settings.memory_of("CONVSCOPE_RUN_MEMORY", share) == share and settings.idle_seconds() == 60
    assert settings.memory_of("CONVSCOPE_RUN_MEMORY", 10**8) == 2**30, "less would end it before it did anything"
    monkeypatch.setenv("CONVSCOPE_RUN_MEMORY", " 1.5 ")
    monkeypatch.setenv("CONVSCOPE_WORKER_IDLE", "inf")
    assert settings.memory_of("CONVSCOPE_RUN_MEMORY", share) == 15 * 10**8
    assert settings.idle_seconds() == float("inf")


@pytest.mark.parametrize("name", ["CONVSCOPE_NICE", "CONVSCOPE_RUN_MEMORY", "CONVSCOPE_WORKER_IDLE"])
def test_empty_setting_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")
    settings.check()


@pytest.mark.parametrize("given", ["-1", "0", "nan", "inf"])
def test_memory_of_a_worker_is_a_number_above_0(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.main(["worker", "run", f"--memory={given}"]) == 2
    assert f"ConvScope: --memory is {given}; expected a number of gigabytes above 0." in capsys.readouterr().err


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


def test_secrets_of_streamlit_are_settings_too(tmp_path: Path) -> None:
    """As on Community Cloud: Streamlit itself reads them later, when names that are answered were settled."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('CONVSCOPE_HOSTS = "https://a.example"')
    environment = {name: value for name, value in os.environ.items() if name != "CONVSCOPE_HOSTS"}
    code = f"import streamlit, runpy; runpy.run_path({str(ROOT / 'app.py')!r})"
    here = environment | {"PYTHONPATH": str(ROOT), "CONVSCOPE_STORE": str(tmp_path / "store")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=here, capture_output=True, text=True)
    assert "ConvScope: CONVSCOPE_HOSTS has 'https://a.example', which is no host" in done.stdout + done.stderr
