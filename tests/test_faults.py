"""The table of faults names a test in every row, and every test that it names is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = [line for line in (ROOT / "docs" / "faults.md").read_text().splitlines() if line.startswith("| ")][1:]
VALUE = re.compile(r"\d+(?: s| GB)?|…|\([^)]*\)|''|tls:|CONVSCOPE_\w+|Its worker|, twice")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`( \*)?")


def those_of(file: str) -> dict[str, bool]:
    """Return the tests of a file, and whether each is slow."""
    tree = ast.parse((ROOT / file).read_text())
    every = any("slow" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign))
    return {
        node.name: every or "pytest.mark.slow" in map(ast.unparse, node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_fault_has_its_test() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if not NAMED.search(row)] == []


def test_every_test_is_there_and_marked_where_it_is_slow() -> None:
    named = {(file, test, bool(slow)) for row in ROWS for file, test, slow in NAMED.findall(row)}
    known = {file: those_of(file) for file, _, _ in named}
    assert [f"{file}::{test}" for file, test, _ in sorted(named) if test not in known[file]] == []
    assert [f"{file}::{test}" for file, test, slow in sorted(named) if known[file][test] != slow] == []


def test_every_sentence_is_one_of_the_code() -> None:
    """Of each that the table quotes the longest part without a value in it stands in the code."""
    files = [path for folder in ("cnn_core", "ui") for path in sorted((ROOT / folder).rglob("*.py"))]
    joined = (re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8")) for path in files)
    code = "".join(joined).replace("**", "")
    told = [words for row in ROWS for words in re.findall(r'"([^"]+)"', row.split("|")[3])]
    parts = [max(VALUE.split(words), key=len).strip(" .,;:") for words in told]
    assert len(parts) > 15
    assert [part for part in parts if part not in code and part != "connecting"] == [], "and Streamlit's own"
