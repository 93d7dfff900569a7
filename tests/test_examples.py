"""Examples in docstrings: all are found without an import, and one that is wrong fails."""

import doctest
import importlib
from pathlib import Path

import pytest

from .examples import WHERE, examples, module_name

pytest_plugins = "pytester"
ROOT = Path(__file__).resolve().parents[1]
WRONG = '''
"""A module.

>>> 1 + 1
2
"""


class Sum:
    """Two numbers."""

    @property
    def total(self):
        """
        >>> print("two")
        3
        """
'''


def test_every_example_is_found_that_an_import_would_find() -> None:
    finder, read, imported = doctest.DocTestFinder(), set(), set()
    for path in sorted((ROOT / WHERE).rglob("*.py")):
        if ">>>" not in path.read_text(encoding="utf-8"):
            continue  # one of them is a script
        name = module_name(path, ROOT)
        read |= {found for found, _, _ in examples(path, name)}
        imported |= {test.name for test in finder.find(importlib.import_module(name), name) if test.examples}
    assert read == imported and len(read) > 150


def test_wrong_example_fails_with_both_values_and_its_line(pytester: pytest.Pytester) -> None:
    pytester.mkpydir(WHERE).joinpath("two.py").write_text(WRONG)
    pytester.makeconftest((ROOT / "tests" / "examples.py").read_text())
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ['File "*two.py", line 15, in cnn_core.two.Sum.total', "Expected:", "    3", "Got:", "    two"]
    )
