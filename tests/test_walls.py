"""The walls of the house: imports point down, every framework keeps to its rooms, and a page stays light."""

import ast
import graphlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("app", "pages", "ui", "cnn_core")
# From the roof down: a room may import those after it, never those before it.
ROOMS = (
    "app",
    "pages",
    "ui",
    "cnn_core.__main__",
    "cnn_core.receipts",
    "cnn_core.figures",
    "cnn_core.training",
    "cnn_core.networks",
    "cnn_core.engine",
    "cnn_core.pictures",
    "cnn_core.store",
    "cnn_core.arithmetic",
    "cnn_core.browser",
    "cnn_core",
)
KERAS = {"cnn_core.networks", "cnn_core.training"}  # the rooms that know it
STREAMLIT = {"app", "pages", "ui"}
DASK = {"cnn_core.engine"}
RUN_ON_IMPORT = ("app", "pages.", "ui.main", "cnn_core.store.migrations.env")  # scripts: they can only be read
COMPUTES = {"cnn_core.arithmetic.statistics"}  # by SciPy, for jobs: no Keras, but nothing for a page either
TABLES = {"pandas"}  # of the views with a table, imported when one is looked at
DECODERS = {"archives", "decode", "extract", "images", "members", "take"}
WEIGHTY = ("keras", "tensorflow", "jax", "torch")
SCIENTIFIC = ("scipy", "sklearn", "skimage", "pandas", "pyarrow")
SCRIPT = """
import importlib, json, sys
watched, brought = json.loads(sys.argv[1]), {}
for name in sys.argv[2:]:
    importlib.import_module(name)
    for heavy in watched:
        if heavy in sys.modules:
            brought.setdefault(heavy, name)
print(json.dumps(brought))
"""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the files of the product by module name."""
    files = [path for top in PRODUCT for path in (root / f"{top}.py", *sorted((root / top).rglob("*.py")))]
    return {_name(path.relative_to(root)): path for path in files if path.exists()}


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(name: str, known: dict[str, Path]) -> Iterator[tuple[str, int]]:
    """Read what a module imports, wherever in the file it says so: the module's name and the line."""
    path = known[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield whole if whole in known else source, node.lineno


def room(name: str) -> str:
    """Return the room that a module is in; one outside the house is a room of its own."""
    return ".".join(name.split(".")[: 2 if name.startswith("cnn_core.") else 1])


def climbs(known: dict[str, Path]) -> list[str]:
    """Return the imports that do not point down."""
    return [
        f"{name}, line {line}, imports {target}"
        for name in known
        for target, line in imports(name, known)
        if room(target) in ROOMS and ROOMS.index(room(target)) < ROOMS.index(room(name))
    ]


def circle(known: dict[str, Path]) -> list[str]:
    """Return the modules of a circle, the first one again at the end; nothing where there is none."""
    graph = {name: {target for target, _ in imports(name, known)} - {name} for name in known}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as found:
        return list(found.args[1])
    return []


def trespasses(known: dict[str, Path]) -> list[str]:
    """Return the imports of a framework outside the rooms that may know it."""
    allowed = {"keras": KERAS, "tensorflow": KERAS, "streamlit": STREAMLIT, "dask": DASK, "distributed": DASK}
    return [
        f"{name}, line {line}, imports {target}"
        for name in known
        for target, line in imports(name, known)
        if room(name) not in allowed.get(target.split(".")[0], {room(name)})
    ]


def decoding(known: dict[str, Path]) -> list[str]:
    """Return where a room of the web process takes a decoder of untrusted bytes: that is for worker processes."""
    found = []
    for name in (name for name in known if room(name) in STREAMLIT):
        for node in ast.walk(ast.parse(known[name].read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cnn_core.pictures"):
                taken = {alias.name for alias in node.names} & DECODERS
                found += [f"{name}, line {node.lineno}, imports {one}" for one in sorted(taken)]
    return found


def brought(names: list[str], folder: Path = ROOT) -> dict[str, str]:
    """Import modules in a fresh process; return the heavy packages that came along, each with who brought it."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(WEIGHTY + SCIENTIFIC), *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def product() -> dict[str, Path]:
    return modules()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small house with a fault behind every wall."""
    root = tmp_path_factory.mktemp("house")
    for path, text in {
        "app.py": "import streamlit.web",
        "pages/one.py": "def later():\n    from ui import two\n",
        "ui/two.py": "import cnn_core.store.rows as rows, distributed\nfrom tensorflow.io import gfile",
        "ui/three.py": "from cnn_core.pictures.images import Picture, decode",
        "cnn_core/__init__.py": "",
        "cnn_core/store/__init__.py": "",
        "cnn_core/store/rows.py": "if TYPE_CHECKING:\n    from ..training import loop\nfrom . import keys",
        "cnn_core/store/keys.py": "def key():\n    from cnn_core.store.rows import Row",
        "cnn_core/training/loop.py": "import keras, streamlit",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return modules(root)


def test_every_module_has_its_room(product: dict[str, Path]) -> None:
    assert {room(name) for name in product} <= set(ROOMS)
    assert {"app", "pages.home", "ui.main", "cnn_core", "cnn_core.__main__", "cnn_core.arithmetic"} <= set(product)


def test_imports_point_down(product: dict[str, Path]) -> None:
    assert climbs(product) == []


def test_imports_go_in_no_circle(product: dict[str, Path]) -> None:
    assert circle(product) == []


def test_frameworks_keep_to_their_rooms(product: dict[str, Path]) -> None:
    assert trespasses(product) == []


def test_pages_decode_nothing_themselves(product: dict[str, Path]) -> None:
    assert decoding(product) == []


def test_walls_would_notice(house: dict[str, Path]) -> None:
    assert climbs(house) == ["cnn_core.store.rows, line 2, imports cnn_core.training.loop"]
    assert set(circle(house)) == {"cnn_core.store.rows", "cnn_core.store.keys"}
    assert trespasses(house) == [
        "ui.two, line 1, imports distributed",
        "ui.two, line 2, imports tensorflow.io",
        "cnn_core.training.loop, line 1, imports streamlit",
    ]
    assert list(imports("pages.one", house)) == [("ui.two", 2)]
    assert decoding(house) == ["ui.three, line 1, imports decode"]


@pytest.fixture(scope="module")
def company(product: dict[str, Path]) -> dict[str, str]:
    """What comes along with the web process: `ui`, whatever it and the pages import, and the rooms without Keras."""
    light = {name for name in product if room(name) not in KERAS}
    read = {target for name in light if room(name) in STREAMLIT for target, _ in imports(name, product)}
    read -= TABLES
    return brought(sorted(name for name in (light - COMPUTES) | read if not name.startswith(RUN_ON_IMPORT)))


def test_pages_stay_without_keras(company: dict[str, str]) -> None:
    assert not {heavy: module for heavy, module in company.items() if heavy in WEIGHTY}


def test_pages_stay_without_the_scientific_libraries(company: dict[str, str]) -> None:
    assert not {heavy: module for heavy, module in company.items() if heavy in SCIENTIFIC}


def test_sample_pictures_and_components_stay_without_them() -> None:
    code = (
        "import sys, logging; logging.disable()\n"
        "from streamlit.components.v2.bidi_component import serialization\n"
        "from cnn_core.pictures import bundled, sets\n"
        "assert all(entry.load().pixels.size for entry in bundled.BUNDLED.values())\n"
        "assert all(next(sample.pictures()) for sample in sets.SAMPLES.values())\n"
        "from ui.widgets import frontend\n"
        "frontend.component = lambda name, **files: lambda data: serialization.serialize_mixed_data(data, Proto())\n"
        "from streamlit.proto.BidiComponent_pb2 import BidiComponent as Proto\n"
        "data = {'pictures': [{'id': 1}], 'selectable': True, 'chosen': []}\n"
        "frontend.frontend('ui/widgets/gallery/gallery.py')(data=data)\n"
        f"print([name for name in {SCIENTIFIC} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_weight_is_traced_to_who_brought_it(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("")
    (tmp_path / "page.py").write_text("import keras")
    assert brought(["json", "page", "keras"], tmp_path) == {"keras": "page"}


@pytest.mark.parametrize("question", ["networks.backbones.BACKBONES", "training.transfer.spec.Options()"])
def test_facts_are_there_without_keras(question: str) -> None:
    module = question.rpartition(".")[0]
    code = f"import cnn_core.{module}, sys; print(cnn_core.{question}); assert 'keras' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "efficientnet_lite0" in done.stdout, done.stderr


SCRIPT_LIKE = re.compile(r"<script|export default|addEventListener|querySelector|=>\s*[({]")


def scripts_in_strings(path: Path) -> list[str]:
    """Where a Python file holds JavaScript in a string: out of the linter's and the type checker's sight."""
    constants = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return [
        f"{path.name}:{node.lineno}"
        for node in constants
        if isinstance(node.value, str) and SCRIPT_LIKE.search(node.value)
    ]


def test_no_javascript_in_python_strings() -> None:
    files = [ROOT / "app.py", *(path for room in ("ui", "pages", "cnn_core") for path in (ROOT / room).rglob("*.py"))]
    assert [place for path in files for place in scripts_in_strings(path)] == []


def test_script_in_a_string_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text('CODE = """\nexport default function () {}\n"""\nPROSE = "a => b, by default exported"\n')
    assert scripts_in_strings(page) == ["page.py:1"]
