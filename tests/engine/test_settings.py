"""A setting of the engine that makes no sense is refused in a sentence, before anything is started."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_core.engine import cluster, settings
from cnn_core.store.settings import SettingRefused

ROOT = Path(__file__).parents[2]
WHOLE = "expected a whole number, or 0 for no limit"
MEMORY = "expected a number of gigabytes above 0"
WRONG = {
    "CONVSCOPE_LIMIT_RUNNING": ("1.5", WHOLE),
    "CONVSCOPE_LIMIT_QUEUED": ("many", WHOLE),
    "CONVSCOPE_LIMIT_QUESTIONS": ("-1", WHOLE),
    "CONVSCOPE_LIMIT_STORED_GB": ("inf", "expected a number of gigabytes, or 0 for no limit"),
    "CONVSCOPE_PROCESSES": ("3", "expected 2, one for runs and one for questions, or 1 for both"),
    "CONVSCOPE_RUN_MEMORY": ("4 GB", MEMORY),
    "CONVSCOPE_ASK_MEMORY": ("-1", MEMORY),
    "CONVSCOPE_NICE": ("20", "expected a whole number from 0 (not at all) to 19"),
    "CONVSCOPE_WORKER_IDLE": ("never", "expected a number of seconds from 0 on, or inf for never"),
}


@pytest.mark.parametrize(("name", "value", "expected"), [(name, *wrong) for name, wrong in WRONG.items()])
def test_setting_without_sense_is_refused_in_a_sentence(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.check()
    monkeypatch.setenv(name, value)
    words = f"{name} is {value!r}; {expected}"
    with pytest.raises(SettingRefused, match=re.escape(words)):
        settings.check()
    assert cluster.main(["worker", "run"]) == 2
    assert f"ConvScope: {words}" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["-1", "0", "nan", "inf"])
def test_memory_of_a_worker_is_a_number_above_0(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.main(["worker", "run", f"--memory={given}"]) == 2
    assert f"ConvScope: --memory is {given}; expected a number of gigabytes above 0." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["CONVSCOPE_NICE", "CONVSCOPE_RUN_MEMORY", "CONVSCOPE_WORKER_IDLE"])
def test_empty_setting_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")
    settings.check()


def test_memory_is_said_in_gigabytes_and_is_a_share_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.memory_of(settings.RUN_MEMORY, 5 * 10**9) == 5 * 10**9
    assert settings.memory_of(settings.RUN_MEMORY, 10**8) == 2**30, "less would end it before it did anything"
    monkeypatch.setenv("CONVSCOPE_RUN_MEMORY", "0.4")
    assert settings.memory_of(settings.RUN_MEMORY, 5 * 10**9) == 4 * 10**8


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CONVSCOPE_KEEP_DAYS", "soon", "CONVSCOPE_KEEP_DAYS is 'soon'; expected a number of days above 0"),
        ("CONVSCOPE_ENGINE", "scheduler:8786", "CONVSCOPE_ENGINE is 'scheduler:8786'; expected is the scheduler's"),
        ("CONVSCOPE_STORE", "postgresql://user:hush@host/db", "one URL, of postgresql, without an object store"),
        ("CONVSCOPE_RUN_MEMORY", "4GB", f"CONVSCOPE_RUN_MEMORY is '4GB'; {MEMORY}"),
    ],
)
def test_server_does_not_start_and_says_why_without_a_traceback(name: str, value: str, words: str) -> None:
    environment = os.environ | {"CONVSCOPE_STORE": "", name: value}
    code = "import streamlit, runpy; runpy.run_path('app.py')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode and re.search(f"^ConvScope: .*{re.escape(words)}", said, re.M), said
    assert "Traceback" not in said and "hush" not in said


def test_secrets_of_streamlit_are_settings_too(tmp_path: Path) -> None:
    """As on Community Cloud: Streamlit itself reads them later, when names that are answered were settled."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('CONVSCOPE_HOSTS = "https://a.example"')
    environment = {name: value for name, value in os.environ.items() if name != "CONVSCOPE_HOSTS"}
    code = f"import streamlit, runpy; runpy.run_path({str(ROOT / 'app.py')!r})"
    here = environment | {"PYTHONPATH": str(ROOT), "CONVSCOPE_STORE": str(tmp_path / "store")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=here, capture_output=True, text=True)
    assert "ConvScope: CONVSCOPE_HOSTS has 'https://a.example', which is no host" in done.stdout + done.stderr
