"""Files, functions and parameter lists stay small; what is larger is listed with its reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT, functions, modules, place, tree_of

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 7

LONG_FILES = {
    "benchmarks/make_mix.py": "a generator, told from top to bottom",
}
LONG_FUNCTIONS: dict[str, str] = {}
MANY_PARAMETERS: dict[str, str] = {}

CHECKED = [*modules(), *sorted((ROOT / "tests").rglob("*.py")),
           *sorted((ROOT / "captures").glob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py")),
           ROOT / "setup.py"]  # fmt: skip


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", CHECKED, ids=place)
def test_sizes(path: Path) -> None:
    assert lines_of(path) <= FILE_LINES_MAX or place(path) in LONG_FILES
    for function in functions(path):
        name = f"{place(path)}:{function.name}"
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX or name in LONG_FUNCTIONS, f"{name}: {length} lines"
        given = function.args
        # An optional keyword is no burden for a reader of the call that leaves it out.
        count = len(given.posonlyargs) + len(given.args) + given.kw_defaults.count(None)
        assert count <= PARAMETERS_MAX or name in MANY_PARAMETERS, f"{name}: {count} parameters"


def test_the_lists_of_exceptions_name_what_is_still_large() -> None:
    assert all(lines_of(ROOT / name) > FILE_LINES_MAX for name in LONG_FILES)
    names = {f"{place(path)}:{function.name}" for path in CHECKED for function in functions(path)}
    assert {*LONG_FUNCTIONS, *MANY_PARAMETERS} <= names


@pytest.mark.parametrize("path", CHECKED, ids=place)
def test_every_module_says_what_it_is(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree) or not tree.body
