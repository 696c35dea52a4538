"""Imports go down the levels of docs/architecture.md only, and never from stage to stage."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.tidy.sources import (
    ROOT,
    SENSOR,
    imports_of,
    module_name,
    modules,
    place,
    tree_of,
)  # fmt: skip

# What a module is part of: the first name that it is, or starts with.
LEVELS: dict[str, tuple[int, frozenset[str]]] = {
    "composition": (5, frozenset({
        "__init__", "__main__", "cli", "replay_command", "rules_command", "rules_test_command",
        "live_command",
        "live_status", "live_watch", "live_screen", "live_stats", "wiring", "explain_command",
        "doctor_command", "host_command", "api"})),
    "pipeline": (4, frozenset({"pipeline", "pipeline_parts", "workers", "event_pipeline"})),
    "capture": (3, frozenset({"capture"})),
    "sinks": (3, frozenset({"sinks"})),
    "rules": (3, frozenset({
        "rules", "rule_files", "rule_json", "rule_types", "rule_loading", "rule_needs",
        "rule_runners",
        "rule_alerts", "rule_limits", "rule_state_building", "rule_state_loading",
        "rule_state_runners", "rule_stores", "indicators", "exceptions_file"})),
    "events": (3, frozenset({"events"})),
    "service": (3, frozenset({"service"})),
    "host": (3, frozenset({"host"})),
    "decode": (2, frozenset({"decode"})),
    "flowtable": (2, frozenset({"flowtable"})),
    "query": (2, frozenset({"query"})),
    "values": (1, frozenset({
        "frames", "packets", "flow", "alerts", "anomalies", "schema", "config", "records",
        "loads", "columns", "addresses", "documents", "plan", "text", "identifiers", "stores",
        "flow_columns", "arrow", "status", "processes", "tunnels", "decompress",
        "compressed_blocks", "compressed_input", "zstd_library", "zstd_blocks", "zstd_calls",
        "zstd_reader"})),
    "errors": (0, frozenset({"errors", "escape", "interpreted", "frozen"})),
}  # fmt: skip

# Besides its own part, a part may use these; parts of one level never use each other.
ALLOWED = {
    "composition": set(LEVELS),
    "pipeline": {"values", "errors"},
    "capture": {"values", "errors"},
    "sinks": {"values", "errors"},
    "rules": {"query", "values", "errors"},  # a rule owns its compiled query
    "events": {"query", "values", "errors"},  # documents are rows that queries look at
    "service": {"errors"},
    "host": {"values", "errors"},
    "decode": {"values", "errors"},
    "flowtable": {"values", "errors"},
    "query": {"values", "errors"},
    "values": {"errors"},
    "errors": set(),
}

PURE = ("decode", "flowtable", "query", "values")
BANNED_MODULES = frozenset({
    "os", "socket", "time", "logging", "random", "subprocess", "signal", "threading", "select",
    "tempfile", "shutil", "pathlib", "secrets", "asyncio", "urllib", "http", "warnings",
})  # fmt: skip
BANNED_CALLS = frozenset({"open", "print", "input", "exec", "eval", "breakpoint"})
BANNED_METHODS = frozenset({"now", "utcnow", "today", "read_text", "read_bytes"})

COMMAND_LINE = frozenset({"__main__", "cli", "wiring", "replay_command", "rules_command",
                          "rules_test_command",
                          "live_command", "live_watch", "live_status", "live_screen", "live_stats",
                          "doctor_command", "host_command", "explain_command"})

# Reviewed one by one, with the reason.
PURE_EXCEPTIONS = {
    ("addresses", "socket"): "turns addresses into text and back; opens nothing",
    ("query.parsing", "read_text"): "reads the grammar that stands beside it, when first needed",
    ("schema", "print"): "run as a program it prints docs/fields.md",
}

# Test and script tools, and libraries that are optional or slow to import.
ONLY_WHERE_USED = frozenset({"scapy", "dpkt", "pyarrow", "pandas", "prometheus_client"})
NOWHERE = frozenset({"dpkt", "eql", "pytest", "hypothesis"})
# scapy is GPL and slow to import: libpcap is called through it, and where the system has no
# AF_PACKET it captures; both import it when they are asked to, and only then.
SCAPY_USERS = frozenset({"capture.bpf", "capture.scapy_live"})

SOURCES = [*modules(), *sorted(SENSOR.rglob("*.pxd"))]


def part_of(name: str) -> str:
    head = name.split(".", 1)[0]
    for part, (_, members) in LEVELS.items():
        if head in members:
            return part
    raise AssertionError(f"sensor.{name} has no level: give it one in {Path(__file__).name}")


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


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_imports_go_down_only(path: Path) -> None:
    mine = part_of(module_name(path))
    for name, line in sensor_modules(path):
        other = part_of(name)
        assert other == mine or other in ALLOWED[mine], (
            f"{place(path, line)}: {mine} may not import {other} (sensor.{name})"
        )


def test_the_table_of_levels_says_what_is_allowed() -> None:
    for part, others in ALLOWED.items():
        level = LEVELS[part][0]
        assert all(LEVELS[other][0] < level or other == part for other in others)
    names = {module_name(path).split(".")[0] for path in modules()}
    listed = set().union(*(members for _, members in LEVELS.values()))
    assert listed == names, "a level for each module, and no level without one"


def test_nobody_imports_the_command_line_but_the_command_line() -> None:
    for path in modules():
        for name, line in sensor_modules(path):
            if name in COMMAND_LINE:
                assert module_name(path) in COMMAND_LINE, place(path, line)


@pytest.mark.parametrize(
    "path", [path for path in modules() if part_of(module_name(path)) in PURE], ids=place
)
def test_the_core_touches_neither_the_machine_nor_its_clock(path: Path) -> None:
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
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Name | ast.Attribute):
                word = node.id if isinstance(node, ast.Name) else node.attr
                used.add((module_name(path), word))
    assert set(PURE_EXCEPTIONS) <= used


@pytest.mark.parametrize("path", modules(), ids=place)
def test_what_is_optional_or_for_tests_is_not_imported_at_the_top(path: Path) -> None:
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
    declared = {
        name.split(">")[0].split("=")[0].lower().replace("-", "_") for name in wanted
    }
    for path in modules():
        for module, name, line in imports_of(path):
            head = module.split(".")[0]
            if head == "backports":  # a name that packages share
                head = f"{head}.{name}"
            if head in sys.stdlib_module_names or head in (
                    "sensor", "cython", "__future__", "compression"):  # the last: from 3.14 on
                continue
            assert head.lower() in declared | {"pandas"}, f"{place(path, line)}: {head}"
