"""The sources as the tidy tests see them: files, syntax trees, imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SENSOR = ROOT / "sensor"


@cache
def modules() -> list[Path]:
    """Every Python file of the package, in order of its name."""
    return sorted(SENSOR.rglob("*.py"))


def module_name(path: Path) -> str:
    """`capture.files` for sensor/capture/files/capture.py; the package itself is `__init__`."""
    parts = path.relative_to(SENSOR).with_suffix("").parts
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    return ".".join(parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports_of(path: Path, *, typing: bool = True) -> tuple[tuple[str, str, int], ...]:
    """(module, name, line) of each import of a file, wherever in it; a .pxd's cimports too.

    `typing` says whether those count that only a type checker reads.
    """
    return tuple(_imports_of(path, typing))


def _imports_of(path: Path, typing: bool) -> Iterator[tuple[str, str, int]]:
    if path.suffix == ".pxd":
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^\s*from\s+([\w.]+)\s+c?import\s+([^#\n]*)", text, re.M):
            names = match[2].strip().strip("(),") or "*"
            yield from ((match[1], name.strip(), text.count("\n", 0, match.start()) + 1)
                        for name in names.split(","))  # fmt: skip
        for match in re.finditer(r"^\s*c?import\s+([\w.]+)", text, re.M):
            yield match[1], "", text.count("\n", 0, match.start()) + 1
        return
    left_out = set() if typing else for_type_checkers(tree_of(path))
    for node in ast.walk(tree_of(path)):
        if node in left_out:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield from ((str(node.module), alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)


def for_type_checkers(tree: ast.Module) -> set[ast.AST]:
    """What stands under `if TYPE_CHECKING:`."""
    return {node for test in ast.walk(tree)
            if isinstance(test, ast.If) and isinstance(test.test, ast.Name)
            and test.test.id == "TYPE_CHECKING"
            for statement in test.body for node in ast.walk(statement)}  # fmt: skip


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def place(path: Path, line: int = 0) -> str:
    shown = str(path.relative_to(ROOT))
    return f"{shown}:{line}" if line else shown
