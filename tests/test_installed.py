"""The program as `pip install .` leaves it: all its files are there, and it runs where no checkout is."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(folder)]
    done = subprocess.run([*build, "--quiet", "--disable-pip-version-check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("convscope-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_holds_what_the_checkout_holds(installed: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "cnn_core", "ui", "pages", "app.py", ".streamlit"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split("\n")
    if not any(tracked):
        pytest.skip("this is no git checkout: nothing tells which files belong to it")
    for name in filter(None, tracked):
        place = installed / name if name.startswith("cnn_core/") else installed / "convscope_app" / name
        assert place.is_file(), f"{name} is not in the wheel"
    (metadata,) = installed.glob("convscope-*.dist-info/METADATA")
    needed = [line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist: ")]
    written = [
        line
        for name in ("app.in", "cpu.in", "onnx.in", "cluster.in")
        for line in (ROOT / "requirements" / name).read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    ]
    assert len(needed) == len(written)
    assert "Requires-Dist: tf2onnx; extra == 'onnx'" in needed
    assert "Requires-Dist: s3fs>=2026.9; extra == 'cluster'" in needed
    assert "convscope = cnn_core.__main__:program" in next(installed.glob("*.dist-info/entry_points.txt")).read_text()


def test_installed_program_runs_and_keeps_its_store_with_the_user(installed: Path, tmp_path: Path) -> None:
    code = (
        "from cnn_core.__main__ import main; from cnn_core.store import location; import cnn_core, sys; "
        "main(['architectures', 'lenet5']); print(cnn_core.__file__, location.DEFAULT_LOCATION)"
    )
    here = os.environ | {"PYTHONPATH": str(installed), "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "61,706" in done.stdout and str(installed) in done.stdout
    assert done.stdout.rstrip().endswith(str(tmp_path / "data" / "convscope"))
