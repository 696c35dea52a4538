"""Imports go down the layers of docs/architecture.md only, and never round in a circle."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

from tests.tidy.sources import (
    ROOT,
    SENSOR,
    imports_of,
    module_name,
    modules,
    place,
    tree_of,
)  # fmt: skip

# The house, lowest layer first. A file's layer is that of its folder, or its own for the files at
# the top of the package. It may import its own folder and every layer below; of its own layer only
# what BESIDE names.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"memory", "base", "errors", "_version"}),
    frozenset({"model", "compression", "config"}),
    frozenset({"flowtable", "ecs", "protocols"}),
    frozenset({"engine", "capture", "host", "decode", "query", "terminal", "streams"}),
    frozenset({"rules", "sinks", "events", "evidence"}),
    frozenset({"app"}),
    frozenset({"monitoring", "api", "report"}),
    frozenset({"__init__"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
BESIDE = {("errors", "base")}

PURE = ("memory", "base", "model", "flowtable", "ecs", "decode", "query")
BANNED_MODULES = frozenset({
    "os", "socket", "time", "logging", "random", "subprocess", "signal", "threading", "select",
    "tempfile", "shutil", "pathlib", "secrets", "asyncio", "urllib", "http", "warnings",
})  # fmt: skip
BANNED_CALLS = frozenset({"open", "print", "input", "exec", "eval", "breakpoint"})
BANNED_METHODS = frozenset({"now", "utcnow", "today", "read_text", "read_bytes"})

# Reviewed one by one, with the reason.
PURE_EXCEPTIONS = {
    ("model.addresses", "socket"): "turns addresses into text and back; opens nothing",
}

# Test and script tools, and libraries that are optional or slow to import.
ONLY_WHERE_USED = frozenset({"scapy", "dpkt", "pyarrow", "pandas", "prometheus_client",
                             "cryptography", "confluent_kafka", "ray"})
IMPORTED_AS = {"pysigma": "sigma", "pyyaml": "yaml"}
NOWHERE = frozenset({"dpkt", "eql", "pytest", "hypothesis"})
# scapy is GPL and slow to import: libpcap is called through it, and where the system has no
# AF_PACKET it captures; both import it when they are asked to, and only then.
SCAPY_USERS = frozenset({"capture.bpf", "capture.live.scapy_capture"})

SOURCES = [*modules(), *sorted(SENSOR.rglob("*.pxd"))]


def folder_of(name: str) -> str:
    return name.split(".", 1)[0]


def layer_of(name: str) -> int:
    folder = folder_of(name)
    for layer, folders in enumerate(LAYERS):
        if folder in folders:
            return layer
    raise AssertionError(f"sensor.{name} has no layer: give it one in {Path(__file__).name}")


def sensor_modules(path: Path) -> set[tuple[str, int]]:
    """The modules of this package that a file imports, without the leading `sensor.`."""
    found = set()
    for module, name, line in imports_of(path):
        if module == "sensor":
            inside = name and ((SENSOR / f"{name}.py").exists() or (SENSOR / name).is_dir())
            found.add((name if inside else "__init__", line))
        elif module.startswith("sensor."):
            found.add((module.removeprefix("sensor."), line))
    return found


def test_imports_go_down_only() -> None:
    wrong = []
    for path in SOURCES:
        mine = module_name(path)
        for name, line in sensor_modules(path):
            folders = folder_of(mine), folder_of(name)
            if not (layer_of(name) < layer_of(mine) or folders[0] == folders[1]
                    or folders in BESIDE):
                wrong.append(f"{place(path, line)}: {mine} may not import {name}")
    assert wrong == []


def test_every_folder_has_a_layer_and_every_layer_its_folders() -> None:
    names = {folder_of(module_name(path)) for path in modules()}
    assert set().union(*LAYERS) == names


def test_no_file_imports_itself_by_a_circle() -> None:
    """Imports inside functions count; what only a type checker reads does not."""
    edges: dict[str, set[str]] = {}
    for path in modules():
        name = module_name(path)
        imported = {inside(module, member) for module, member, _ in imports_of(path, typing=False)}
        edges[name] = imported - {"", name}
    for circle in circles(edges):
        assert circle == {"__init__", "api"}, f"a circle: {sorted(circle)}"


@cache
def module_names() -> set[str]:
    """The names of all modules of the package."""
    return {module_name(path) for path in modules()}


def inside(module: str, member: str) -> str:
    """The module of the package that an import reads; empty for other packages."""
    if module != "sensor" and not module.startswith("sensor."):
        return ""
    inner = module.removeprefix("sensor").removeprefix(".")
    for name in (f"{inner}.{member}".strip("."), inner):
        if name in module_names():
            return name
    return "__init__"


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """The groups of more than one node that all reach each other."""
    reached: dict[str, set[str]] = {}
    for start in edges:
        found: set[str] = set()
        todo = [start]
        while todo:
            for name in edges.get(todo.pop(), ()):
                if name not in found:
                    found.add(name)
                    todo.append(name)
        reached[start] = found
    groups = {frozenset({name, *(other for other in reached[name] if name in reached[other])})
              for name in edges}  # fmt: skip
    return [set(group) for group in groups if len(group) > 1]


def test_the_core_touches_neither_the_machine_nor_its_clock() -> None:
    core = [path for path in modules() if folder_of(module_name(path)) in PURE]
    assert core
    for path in core:
        leaves_the_machine_alone(path)


def leaves_the_machine_alone(path: Path) -> None:
    name = module_name(path)
    for module, _, line in imports_of(path):
        head = module.split(".")[0]
        assert head not in BANNED_MODULES or (name, head) in PURE_EXCEPTIONS, (
            f"{place(path, line)}: {head} in the core"
        )
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = node.func.id
            assert called not in BANNED_CALLS or (name, called) in PURE_EXCEPTIONS, (
                f"{place(path, node.lineno)}: {called}() in the core"
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func.attr
            assert called not in BANNED_METHODS or (name, called) in PURE_EXCEPTIONS, (
                f"{place(path, node.lineno)}: {called}() in the core"
            )


def test_exceptions_are_still_needed() -> None:
    used = {(module_name(path), module.split(".")[0])
            for path in modules() for module, _, _ in imports_of(path)}  # fmt: skip
    for path in modules():
        if (name := module_name(path)) not in {name for name, _ in PURE_EXCEPTIONS}:
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Name | ast.Attribute):
                used.add((name, node.id if isinstance(node, ast.Name) else node.attr))
    assert set(PURE_EXCEPTIONS) <= used


def test_what_is_optional_or_for_tests_is_not_imported_at_the_top() -> None:
    for path in modules():
        for module, _, line in imports_of(path):
            head = module.split(".")[0]
            assert head not in NOWHERE, place(path, line)
            assert head != "scapy" or module_name(path) in SCAPY_USERS, place(path, line)
        top = [node for node in tree_of(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
        for node in top:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [
                str(node.module)]  # fmt: skip
            assert not {name.split(".")[0] for name in names} & ONLY_WHERE_USED, place(path)


def test_every_package_that_is_imported_is_declared() -> None:
    import tomllib  # noqa: PLC0415

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    packages = {name.split(">")[0].split("=")[0].lower() for name in wanted}
    declared = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in packages}
    for path in modules():
        for module, name, line in imports_of(path):
            head = module.split(".")[0]
            if head == "backports":  # a name that packages share
                head = f"{head}.{name}"
            if head in sys.stdlib_module_names or head in (
                    "sensor", "cython", "__future__", "compression"):  # the last: from 3.14 on
                continue
            assert head.lower() in declared | {"pandas"}, f"{place(path, line)}: {head}"
