"""A command shows how far it is on every terminal, and in a log; what TensorFlow writes at its import stays away."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from cnn_core.engine.quiet import quiet

ROOT = Path(__file__).resolve().parents[2]
RUN = """
from cnn_core.engine.here import _Shown
from cnn_core.engine.progress import Progress, bar

class Report:
    def update(self, **progress):
        pass

with bar(desc="reading", unit=" pictures") as read:
    read.update(7)
with Progress() as progress:
    report = _Shown(Report(), progress)
    for step in range(1, 21):
        report.update(fraction=step / 20, arm="frozen", phase="head")
"""


def on_a_terminal(rows: int, columns: int, kind: str) -> str:
    """What the run above writes to a terminal of this size and kind."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment = inherited | {"TERM": kind, "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen([sys.executable, "-c", RUN], cwd=ROOT, stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux' way to say that nobody writes there any more
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait() == 0, said.decode()
    return said.decode()


@pytest.mark.parametrize(("rows", "columns", "width"), [(24, 80, 80), (0, 0, 79), (50, 132, 132), (24, 40, 40)])
def test_bar_shows_on_a_terminal_of_any_size(rows: int, columns: int, width: int) -> None:
    said = on_a_terminal(rows, columns, "xterm-256color")
    reading, _, training = said.partition("\n")
    assert "reading: 7 pictures" in reading
    drawn = training.rstrip().split("\r")
    assert " 50%|" in training and "█" in training and drawn[-1].startswith("100%|")
    assert max(map(len, drawn)) <= width and len(max(drawn, key=len).rstrip()) > width // 2
    assert "frozen head" in training or width < 50, "on a narrow one the bar comes before the words"


def test_terminal_that_cannot_redraw_gets_a_line_a_tenth() -> None:
    said = on_a_terminal(24, 80, "dumb").replace("\r\n", "\n")
    assert "\r" not in said and said.count("\n") == 10
    assert re.fullmatch(r" 50% after 0\d:\d\d  frozen head", said.splitlines()[4])


def test_log_gets_a_line_a_tenth() -> None:
    done = subprocess.run([sys.executable, "-c", RUN], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == ""
    assert [line[:4] for line in done.stderr.splitlines()] == [f"{tenth * 10:3d}%" for tenth in range(1, 11)]


# What libraries write ------------------------------------------------------------------------------------------------


def test_what_is_written_meanwhile_is_held_back() -> None:
    program = """
import os, sys
from cnn_core.engine.quiet import quiet
sys.stderr.write("before\\n")
with quiet():
    os.write(2, b"written by C++\\n")
    sys.stderr.write("written by Python\\n")
    os.system("echo written by a child >&2")
sys.stderr.write("afterwards\\n")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == "before\nafterwards\n"


def fail(words: bytes, error: type[Exception]) -> None:
    with quiet(ModuleNotFoundError):
        os.write(2, words)
        raise error


def test_what_is_written_before_a_failure_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError):
        fail(b"libcudnn.so.9: undefined symbol\n", ImportError)
    assert capfd.readouterr().err == "libcudnn.so.9: undefined symbol\n"
    with pytest.raises(ModuleNotFoundError):
        fail(b"no matter\n", ModuleNotFoundError)
    assert capfd.readouterr().err == "", "an error that speaks for itself"


def test_process_without_standard_error_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with quiet():
        pass
