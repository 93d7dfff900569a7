"""`make app` on other people's machines: a Python that does not suit, none, half a .venv, a port that is taken."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_core.__main__ import main
from cnn_core.engine import door

ROOT = Path(__file__).parents[1]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="there is no make here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with this Makefile and nothing else."""
    place = tmp_path / "Jürgen 50% #1"
    place.mkdir()
    shutil.copy(ROOT / "Makefile", place)
    return place


def make(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    assert MAKE
    # Neither the variables nor the flags of a make that runs the tests.
    here = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON", "GPU")
    }
    return subprocess.run([MAKE, *arguments], cwd=folder, env=here, capture_output=True, text=True)


def python(folder: Path, before: str) -> str:
    """A Python that does something before it does what it is told by -c; its path has a space."""
    path = folder / "bin of mine" / "python3"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{before}; exec(__import__(\'sys\').argv[2])" "$@"\n')
    path.chmod(0o755)
    return f"PYTHON={path}"


@pytest.mark.parametrize(
    ("version", "suits"), [("3.10.14", False), ("3.11.0", True), ("3.13.9", True), ("3.14.0", False)]
)
def test_python_that_does_not_suit_is_refused_in_a_sentence(version: str, suits: bool, folder: Path) -> None:
    parts = tuple(map(int, version.split(".")))
    # And without ensurepip, so that this test makes no .venv.
    other = python(
        folder,
        f"import sys; sys.version_info = {parts}; sys.version = '{version} (main)'; sys.modules['ensurepip'] = None",
    )
    done = make(folder, "whole-venv", other)
    assert done.returncode and not (folder / ".venv").exists()
    if suits:
        assert "This Python cannot make a virtual environment: its ensurepip is missing." in done.stderr
        assert "apt-get install python3-venv" in done.stderr
    else:
        assert done.stderr.startswith(
            f"ConvScope runs on Python 3.11, 3.12 and 3.13; this is {version}. Try: make app PYTHON=python3.13\n"
        )


def test_no_python_is_told(folder: Path) -> None:
    done = make(folder, "whole-venv", "PYTHON=python3.99")
    assert done.stderr.startswith("There is no python3.99. Install Python 3.11, 3.12 or 3.13 (Debian, Ubuntu: apt-get")


def test_venv_of_a_python_that_is_gone_counts_as_not_installed(folder: Path) -> None:
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(folder / "gone")
    for name in (".app-gpu", ".dev"):
        (folder / ".venv" / name).touch()
    done = make(folder, "-n", "app")
    assert {path.name for path in (folder / ".venv").iterdir()} == {"bin"}
    assert "requirements/gpu.txt" in done.stdout + done.stderr, "it is made anew as it was: with NVIDIA's libraries"


def test_app_then_gpu_takes_the_other_tensorflow_out_first(folder: Path) -> None:
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy(ROOT / "requirements.txt", folder)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to("/bin/true")
    (folder / ".venv" / ".app-cpu").touch()
    assert "pip" not in make(folder, "-n", "app").stdout.partition("exec")[0].replace(
        "import pip._internal", ""
    ).replace("ensurepip", "")
    steps = make(folder, "-n", "app", "GPU=1").stdout
    assert steps.index("uninstall --yes tensorflow tensorflow-cpu") < steps.index("install -r requirements/gpu.txt")
    assert "rm -f .venv/.app*" in steps and steps.index("touch .venv/.app-gpu") < steps.index("streamlit run app.py")


@pytest.mark.slow
def test_half_a_venv_is_mended_in_a_folder_of_any_name(folder: Path) -> None:
    chosen = f"PYTHON={sys.executable}"
    assert make(folder, "whole-venv", chosen).returncode == 0
    program = folder / ".venv" / "bin" / "python"
    (site,) = (folder / ".venv" / "lib").glob("python*/site-packages")
    for part in site.glob("pip*"):
        shutil.rmtree(part)  # it was broken off before
    done = make(folder, "whole-venv", chosen)
    assert done.returncode == 0 and "Making" not in done.stdout
    assert subprocess.run([str(program), "-m", "pip", "--version"], capture_output=True).returncode == 0
    assert subprocess.run([str(folder / ".venv/bin/pip"), "--version"], capture_output=True).returncode == 0
    shutil.rmtree(site / "pip")  # it was broken off in between
    assert "Making .venv" in make(folder, "whole-venv", chosen).stdout
    program.unlink()
    program.symlink_to(folder / "gone")
    done = make(folder, "whole-venv", chosen)
    assert done.returncode == 0 and "Making .venv with Python 3." in done.stdout
    assert make(folder, "whole-venv", chosen).stdout == ""


# The port and the address ---------------------------------------------------------------------------------------------


def test_port_that_is_taken_names_another(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for host in ("localhost", "127.0.0.1", "0.0.0.0"):
            assert door.main([str(port), host]) == 1
            said = capsys.readouterr().err
            assert said.startswith(
                f"Port {port} is taken: something listens there, perhaps ConvScope itself (http://local"
            )
            assert "or take another port: make app PORT=" in said and said.count("\n") == 1
        assert main(["app", "--port", str(port)]) == 2
        assert "take another port: convscope app --port " in capsys.readouterr().err
    assert door.main([str(port), "localhost"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("port", ["", "0", "65536", "80a", "-1", "²"])
def test_what_is_no_port_is_told(port: str) -> None:
    with pytest.raises(door.DoorRefused, match="expected a number from 1 to 65535, such as make app PORT=8501"):
        door.check(port)


def test_open_to_others_says_what_that_means(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert door.main([str(port), "0.0.0.0"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("ConvScope is open to every machine that reaches this one, without encryption")
    assert "a phone's camera needs HTTPS" in said
