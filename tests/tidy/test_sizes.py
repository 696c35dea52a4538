"""Files, functions and parameter lists stay small; what is larger is listed with its reason."""

from __future__ import annotations

import ast
from pathlib import Path

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


def test_files() -> None:
    """One test for all files, as in this whole folder: one for each takes longer than it looks."""
    long = {place(path): lines for path in CHECKED if (lines := lines_of(path)) > FILE_LINES_MAX}
    assert long.keys() == LONG_FILES.keys(), long


def test_functions() -> None:
    long, many = {}, {}
    for path in CHECKED:
        for function in functions(path):
            name = f"{place(path)}:{function.name}"
            length = (function.end_lineno or 0) - function.lineno + 1
            given = function.args
            # An optional keyword is no burden for a reader of the call that leaves it out.
            count = len(given.posonlyargs) + len(given.args) + given.kw_defaults.count(None)
            if length > FUNCTION_LINES_MAX:
                long[name] = length
            if count > PARAMETERS_MAX:
                many[name] = count
    assert long.keys() == LONG_FUNCTIONS.keys(), long
    assert many.keys() == MANY_PARAMETERS.keys(), many


def test_every_module_says_what_it_is() -> None:
    silent = [place(path) for path in CHECKED
              if (tree := tree_of(path)).body and not ast.get_docstring(tree)]
    assert silent == []
