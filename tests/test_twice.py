"""A test that races is tried twice, with the fixtures of its session and module as they are."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFTEST = """
from pathlib import Path
import pytest
from tests.twice import tried_twice

def pytest_collection_modifyitems(items):
    tried_twice(items, Path(__file__).parent)

@pytest.fixture(scope="session")
def server():
    yield []
    print("the server is closed")

@pytest.fixture(scope="module")
def visits(server):
    yield []
    server.append("the module is left")

@pytest.fixture
def fresh():
    return []
"""
TESTS = """
import time
import pytest

def test_before(visits):
    visits.append("before")

def test_race(server, visits, fresh):
    visits.append("race")
    fresh.append(1)
    assert (len(fresh), server) == (1, []), "the module's fixture stays, the test's own is made anew"
    assert visits == ["before", "race", "race"], "lost the race"

def test_after(visits):
    assert visits == ["before", "race", "race"]

def test_fault():
    assert False, "is always there"

@pytest.mark.timeout(1)
def test_hangs(visits):
    visits.append("hangs")
    assert visits.count("hangs") == 2
    time.sleep(300)
"""


def test_second_attempt_counts_is_told_and_has_a_time_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    plugins = ["-p", "tests.twice", "-p", "no:randomly", "-p", "no:cacheprovider"]
    options = ["-n1", "--dist=loadfile", "-raR", "--rerun-show-tracebacks", "-c", os.devnull, "-s"]
    asked = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "2 failed, 3 passed, 3 rerun" in asked.stdout, asked.stdout + asked.stderr
    for line in ("RERUN test_it.py::test_race", "lost the race", "FAILED test_it.py::test_fault"):
        assert line in asked.stdout
    assert "Timeout (>1.0s) from pytest-timeout" in asked.stdout
