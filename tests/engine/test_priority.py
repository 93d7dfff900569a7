"""Who goes first: the web server before the engine, also where Linux divides the processor by sessions."""

import subprocess
import sys

import pytest

from cnn_core.engine.address import ROOT
from cnn_core.engine.preload import AUTOGROUP

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
