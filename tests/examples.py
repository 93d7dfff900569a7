"""Examples in docstrings are tests. They are found by reading: a module is imported when its examples run.

pytest's own `--doctest-modules` imports all that it looks into: TensorFlow, before the first test.
"""

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WHERE = "cnn_core"
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def examples(path: Path, module: str) -> Iterator[tuple[str, str, int]]:
    """Find the docstrings that hold examples: the dotted name, the text, and its first line, counted from 0."""

    def within(node: Documented, name: str) -> Iterator[tuple[str, str, int]]:
        text = ast.get_docstring(node, clean=False)
        if text and doctest.DocTestParser().get_examples(text):
            yield name, text, node.body[0].lineno - 1
        if isinstance(node, ast.Module | ast.ClassDef):
            for child in node.body:
                if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from within(child, f"{name}.{child.name}")

    yield from within(ast.parse(path.read_text(encoding="utf-8")), module)


def module_name(path: Path, root: Path) -> str:
    """Return the name under which a file is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class ExampleFailed(Exception):
    """Says what an example gave, and what it should have given."""


class Example(pytest.Item):
    """The examples of one docstring."""

    def __init__(self, *, module: str, text: str, line: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module_name, self.text, self.line = module, text, line

    def runtest(self) -> None:
        names = dict(vars(importlib.import_module(self.module_name)))
        test = doctest.DocTestParser().get_doctest(self.text, names, self.name, str(self.path), self.line)
        said: list[str] = []
        if doctest.DocTestRunner(verbose=False).run(test, out=said.append).failed:
            raise ExampleFailed("".join(said))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        if isinstance(excinfo.value, ExampleFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line, f"[doctest] {self.name}"


class Examples(pytest.File):
    """The examples of one module."""

    def collect(self) -> Iterator[Example]:
        module = module_name(self.path, self.config.rootpath)
        for name, text, line in examples(self.path, module):
            yield Example.from_parent(self, name=name, module=module, text=text, line=line)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Examples | None:
    if file_path.suffix == ".py" and parent.config.rootpath / WHERE in file_path.parents:
        return Examples.from_parent(parent, path=file_path)
    return None
