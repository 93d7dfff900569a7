"""Who goes first: the web server before the engine, also where Linux divides the processor by sessions."""

import subprocess
import sys

import pytest

from cnn_core.engine.address import ROOT
from cnn_core.engine.preload import AUTOGROUP, stands_back

LOWER = (
    "import os\n"
    "from cnn_core.engine.preload import AUTOGROUP, lower_priority\n"
    "before = os.nice(0)\n"
    "lower_priority(5, session={session})\n"
    "print(os.nice(0) - before, AUTOGROUP.read_text().split()[-1])"
)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this system divides the processor by processes alone")
@pytest.mark.parametrize(("session", "own", "lowered"), [(True, True, "5"), (True, False, None), (False, True, "0")])
def test_only_the_leader_of_a_session_lowers_all_of_it(session: bool, own: bool, lowered: str | None) -> None:
    here = AUTOGROUP.read_text().split()[-1]
    done = subprocess.run(
        [sys.executable, "-c", LOWER.format(session=session)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=own,
    )
    assert done.stdout.split() == ["5", here if lowered is None else lowered]
    assert AUTOGROUP.read_text().split()[-1] == here


@pytest.mark.parametrize("given", ["20", "-1", "high", "", "٣"])
def test_anything_else_than_a_distance_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CONVSCOPE_NICE", "19")
    assert stands_back() == 19
    monkeypatch.setenv("CONVSCOPE_NICE", given)
    with pytest.raises(ValueError, match="expected a whole number from 0, not at all, to 19, furthest"):
        stands_back()
