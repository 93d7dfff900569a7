"""What the how-tos import is there: whoever follows one to the letter is not stopped by a name of yesterday."""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("cnn_core", "ui", "tests", "benchmarks")
HELPERS = {path.stem: path for path in ROOT.glob("tests/**/*_toys.py")}  # imported by their bare names


def imports(text: str) -> Iterator[tuple[str, str]]:
    """Yield module and name of each import of ours in the Python blocks of a page."""
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if "import " not in block:  # an entry of a table, no module
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(block))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in (*OURS, *HELPERS):
                yield from ((node.module, each.name) for each in node.names)


def file_of(module: str) -> Path | None:
    """Return the file of a module; None if there is none."""
    place = HELPERS.get(module, ROOT / module.replace(".", "/"))
    return next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)


def names(file: Path) -> set[str]:
    """Return what a module defines or imports."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Assign() | ast.AnnAssign():
                found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            case ast.ImportFrom() | ast.Import():
                found |= {each.asname or each.name for each in node.names}
    return found


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "how-to").glob("*.md")), ids=lambda page: page.stem)
def test_what_a_how_to_imports_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    new = {path.replace("/", ".") for path in re.findall(r"`([\w/]+)\.py`", text)}  # what the page has one write
    for module, name in imports(text):
        if module in new or f"{module}.{name}" in new:
            continue
        file = file_of(module)
        assert file, f"{page.name}: there is no {module}"
        assert name in names(file) or file_of(f"{module}.{name}"), f"{page.name}: {module} has no {name}"
