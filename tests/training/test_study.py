"""A study's record: its job is imported when it is needed, without a word of the libraries that come with it."""

from dataclasses import replace
from pathlib import Path

import pytest

from cnn_core.training.lab.sabotage import STUDY


def test_loading_a_job_keeps_what_libraries_write_from_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loud_job.py").write_text('import os\nos.write(2, b"oneDNN is on.")\ndef study(bench): return 7\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert replace(STUDY, job="loud_job:study").load()(None) == 7
    assert capfd.readouterr().err == ""
