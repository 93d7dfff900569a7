"""Who goes first: the web server before the engine, also where Linux divides the processor by sessions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_core.engine.address import ROOT
from cnn_core.engine.settings import niceness
from cnn_core.store.settings import SettingRefused

# On a file of the test: a container may show an empty one, and what the kernel does with a number is its own affair.
LOWER = (
    "import os\n"
    "from pathlib import Path\n"
    "from cnn_core.engine import preload\n"
    "preload.AUTOGROUP = Path({file!r})\n"
    "before = os.nice(0)\n"
    "preload.lower_priority(5, session={session})\n"
    "print(os.nice(0) - before)"
)


LOWERED = str(min(5, 19 - os.nice(0)))  # by as much as is left: these tests may stand back themselves


def run(code: str, *, own: bool) -> str:
    """Return what the code prints, in a session of its own or in this one's."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, start_new_session=own
    )
    return done.stdout.strip()


@pytest.mark.parametrize(("session", "own", "written"), [(True, True, "5"), (True, False, ""), (False, True, "")])
def test_only_the_leader_of_a_session_lowers_all_of_it(tmp_path: Path, session: bool, own: bool, written: str) -> None:
    group = tmp_path / "autogroup"
    group.touch()
    assert run(LOWER.format(file=str(group), session=session), own=own) == LOWERED
    assert group.read_text() == written


def test_where_nothing_is_known_of_sessions_the_process_counts(tmp_path: Path) -> None:
    assert run(LOWER.format(file=str(tmp_path / "none" / "autogroup"), session=True), own=True) == LOWERED


@pytest.mark.parametrize("given", ["20", "-1", "high", "1.5", "٣"])
def test_anything_else_than_a_distance_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CONVSCOPE_NICE", "19")
    assert niceness() == 19
    monkeypatch.setenv("CONVSCOPE_NICE", given)
    with pytest.raises(SettingRefused, match=f"CONVSCOPE_NICE is {given!r}; expected a whole number from 0 "):
        niceness()
