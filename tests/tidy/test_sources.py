"""Records agree in both languages, nothing names a machine, every source has its tests."""

from __future__ import annotations

import os
import re
import subprocess
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import pytest

from sensor.memory import records
from tests.tidy.sources import ROOT, SENSOR, imports_of, module_name, modules, place, tree_of

C_TYPES = {
    "unsigned char": "u1", "unsigned short": "u2", "unsigned int": "u4",
    "unsigned long long": "u8", "long long": "i8",
}  # fmt: skip

# Sources (or folders of them) that no test imports by name, and the tests that run them.
TESTED_ELSEWHERE = {
    "sensor/__init__.py": "tests/unit/test_api.py",
    "sensor/__main__.py": "tests/unit/cli/test_replay.py",
    "sensor/cli/replay.py": "tests/unit/cli/test_replay.py",
    "sensor/cli/rules.py": "tests/unit/cli/test_main_errors.py",
    "sensor/cli/doctor.py": "tests/live/test_doctor.py",
    "sensor/base/cython_stub.py": "tests/property/test_documents.py",
    "sensor/ecs/arrow.py": "tests/unit/ecs/test_writer.py",
    "sensor/ecs/template.py": "tests/unit/ecs/test_writer.py",
    "sensor/ecs/columns.py": "tests/unit/ecs/test_writer.py",
    "sensor/memory/loads.py": "tests/property/test_decode.py",
    "sensor/memory/buffers.py": "tests/unit/ecs/test_writer.py",
    "sensor/cli/live.py": "tests/live/test_lifecycle.py",
    "sensor/engine/protocols.py": "tests/unit/engine/test_pipeline.py",
    "sensor/app/outputs.py": "tests/unit/cli/test_replay.py",
    "sensor/monitoring/reporter.py": "tests/unit/monitoring/test_monitor.py",
    "sensor/capture/linktypes.py": "tests/unit/capture/live/test_ring.py",
    "sensor/capture/live/ring_loads.py": "tests/unit/capture/live/test_ring.py",
    "sensor/capture/live/link_state.py": "tests/live/test_lifecycle.py",
    "sensor/decode": "tests/unit/decode/test_ipv4.py",
    "sensor/flowtable": "tests/golden/test_truth.py",
    "sensor/capture/files/batches.py": "tests/unit/capture/files/test_pcap.py",
    "sensor/capture/files/read_ahead.py": "tests/unit/capture/files/test_window.py",
    "sensor/query": "tests/golden/test_seed_texts.py",
    "sensor/rules/ruleset.py": "tests/golden/test_rule_selftests.py",
    "sensor/rules/files.py": "tests/golden/test_rule_selftests.py",
    "sensor/rules/alert_builder.py": "tests/golden/test_rule_selftests.py",
    "sensor/rules/suppression.py": "tests/golden/test_rule_selftests.py",
    "sensor/rules/exceptions.py": "tests/unit/cli/test_replay.py",
    "sensor/rules/kibana_json.py": "tests/unit/rules/test_loader.py",
    "sensor/sinks/flow_files.py": "tests/unit/cli/test_replay.py",
    "sensor/sinks/base.py": "tests/conformance/test_sinks.py",
    "sensor/sinks/syslog/transports.py": "tests/conformance/test_sinks.py",
}


def structs() -> dict[str, list[tuple[str, str, int]]]:
    """The structs of memory/records.pxd: name, members as memory/records.py writes them."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    name = ""
    for line in (SENSOR / "memory/records.pxd").read_text(encoding="utf-8").splitlines():
        if start := re.match(r"c(?:pdef|def) (?:packed )?struct (\w+):", line):
            name = start[1]
            found[name] = []
        elif member := re.match(r"    ((?:unsigned )?(?:long long|\w+)) (\w+)(?:\[(\d+)\])?", line):
            if name and member[1] in C_TYPES:
                size = int(member[3] or 1)
                found[name].append((member[2], C_TYPES[member[1]], size))
        elif line and not line.startswith((" ", "#")):
            name = ""
    return found


def test_both_languages_lay_records_out_alike() -> None:
    layouts = {"Frame": records.FRAME_LAYOUT, "Packet": records.PACKET_LAYOUT,
               "Flow": records.FLOW_LAYOUT, "Tunnel": records.TUNNEL_LAYOUT,
               "Split": records.SPLIT_LAYOUT}  # fmt: skip
    found = structs()
    for name, layout in layouts.items():
        assert found[name] == [tuple(member) for member in layout]


INLINE_TWINS = {"sensor/memory/loads.py", "sensor/memory/records.py", "sensor/memory/buffers.py",
                "sensor/capture/live/ring_loads.py"}  # fmt: skip


def compiled_sources() -> list[str]:
    return [place(path.with_suffix(".py")) for path in sorted(SENSOR.rglob("*.pxd"))
            if place(path.with_suffix(".py")) not in INLINE_TWINS]  # fmt: skip


def test_every_file_of_types_has_its_source() -> None:
    for path in SENSOR.rglob("*.pxd"):
        assert path.with_suffix(".py").exists(), f"{place(path)} stands alone"


def test_the_tests_run_on_the_modules_that_were_asked_for() -> None:
    """Compiled, unless SENSOR_PURE_PYTHON says otherwise: a build that did nothing is noticed."""
    pure = os.environ.get("SENSOR_PURE_PYTHON", "0") not in ("", "0")
    for name in compiled_sources():
        spec = find_spec(name.removesuffix(".py").replace("/", "."))
        assert spec is not None and spec.origin is not None
        assert spec.origin.endswith(tuple(EXTENSION_SUFFIXES)) is not pure, spec.origin


def repository() -> list[Path]:
    """Every text file that is or would be committed."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    ).stdout.split(b"\0")  # fmt: skip
    paths = [ROOT / os.fsdecode(name) for name in names if name]
    if not paths:  # not a clone: an unpacked archive
        paths = [path for top in ("sensor", "rules", "tests", "docs", "captures", "benchmarks")
                 for path in (ROOT / top).rglob("*")]  # fmt: skip
    binary = (".pcap", ".pcapng", ".so", ".c", ".pyc", ".svg", ".png")
    return [path for path in paths if path.is_file() and path.suffix not in binary]


# Written in pieces, so that this file does not name what it looks for.
MACHINE = re.compile(
    "|".join((r"(?<![\w.])/" + r"(?:work|root|home/\w+)\b", "/tmp" + r"/(?:venv|h-)",
              "extra-" + "index-url", "index-url" + r"\s*=\s*http",
              r"\bpypi" + r"\.\w+\.(?:net|io)\b", "artifact" + "ory",
              "files." + "pythonhosted", "localhost:" + r"\d+/simple"))
)  # fmt: skip


def test_nothing_names_the_machine_it_was_made_on() -> None:
    found = []
    for path in repository():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{place(path, number)}: {line.strip()}"
                  for number, line in enumerate(text.splitlines(), 1)
                  if MACHINE.search(line)]  # fmt: skip
    assert not found


@pytest.mark.parametrize("suffix", [".py", ".pxd", ".md", ".toml", ".lark"])
def test_no_line_ends_in_spaces_and_every_file_in_a_line_end(suffix: str) -> None:
    for path in repository():
        if path.suffix == suffix and path.stat().st_size:
            text = path.read_text(encoding="utf-8")
            assert text.endswith("\n") and not text.endswith("\n\n"), place(path)
            assert not re.search(r"[ \t]+$", text, re.M), place(path)


def modules_with_tests() -> set[str]:
    """The modules that some test imports, or names in its text as a file or dotted name."""
    named = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for module, name, _ in imports_of(path):
            if module == "sensor" or module.startswith("sensor."):
                inside = module.removeprefix("sensor").strip(".")
                named |= {inside, f"{inside}.{name}".strip(".")}
    return named


@pytest.mark.parametrize("path", modules(), ids=place)
def test_every_source_has_a_test(path: Path) -> None:
    """A test file of the same name in the mirrored place, a test that imports it, or the list."""
    name = module_name(path)
    shown = place(path)
    for listed, tests in TESTED_ELSEWHERE.items():
        if shown == listed or shown.startswith(f"{listed}/"):
            assert (ROOT / tests).exists(), tests
            return
    if path.name == "__init__.py" and len(tree_of(path).body) <= 1:
        return  # a docstring at most
    folder = ROOT / "tests/unit" / Path(*name.split(".")[:-1])
    stem = name.split(".")[-1]
    mirrored = (folder / f"test_{stem}.py").exists() or list(folder.glob(f"test_{stem}_*.py"))
    assert mirrored or name in modules_with_tests(), f"no test imports sensor.{name}"
