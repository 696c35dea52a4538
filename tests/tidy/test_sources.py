"""Records agree in both languages, nothing names a machine, every source has its tests."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import pytest

from sensor.memory import records
from tests.tidy.sources import ROOT, SENSOR, functions, modules, place

C_TYPES = {
    "unsigned char": "u1", "unsigned short": "u2", "unsigned int": "u4",
    "unsigned long long": "u8", "long long": "i8",
}  # fmt: skip

# Sources without a test file of their own path, and the tests that run them.
NOT_MIRRORED = {
    # Wiring: what it puts together is tested as its users meet it.
    "sensor/__init__.py": "tests/unit/test_api.py",
    "sensor/__main__.py": "tests/unit/cli/test_replay.py",
    "sensor/app/build.py": "tests/unit/test_api.py",
    "sensor/app/evidence.py": "tests/unit/cli/test_evidence.py",
    # It needs a cluster, which a suite of its own starts.
    "sensor/app/ray_cluster.py": "tests/conformance/test_ray.py",
    "sensor/cli/group.py": "tests/unit/cli/test_main_errors.py",
    "sensor/sinks/__init__.py": "tests/unit/sinks/test_sinks.py",
    # It needs interfaces that come and go.
    "sensor/capture/live/link_state.py": "tests/live/test_lifecycle.py",
    "sensor/capture/live/scapy_capture.py": "tests/live/test_scapy_live.py",
    "sensor/cli/doctor.py": "tests/live/test_doctor.py",
    # One suite for every sink, every rule that ships.
    "sensor/cli/rules_test.py": "tests/golden/test_rule_selftests.py",
    "sensor/sinks/delivery/background.py": "tests/conformance/test_live_sinks.py",
    "sensor/sinks/delivery/threaded_sink.py": "tests/conformance/test_live_sinks.py",
    "sensor/sinks/syslog/transports.py": "tests/conformance/test_sinks.py",
    # A part of one neighbour, which is tested with it.
    "sensor/protocols/cleartext/login.py": "tests/unit/protocols/cleartext/test_smtp.py",
    "sensor/evidence/cutter.py": "tests/golden/test_evidence.py",
    "sensor/ecs/protocol_fields/cleartext.py": "tests/unit/ecs/test_document_kinds.py",
    "sensor/ecs/protocol_fields/http.py": "tests/unit/protocols/http/test_transaction.py",
    "sensor/protocols/__init__.py": "tests/unit/protocols/cleartext/talking.py",
    "sensor/evidence/event_ids.py": "tests/golden/test_evidence.py",
    "sensor/evidence/flow_file.py": "tests/unit/evidence/test_folder.py",
    "sensor/evidence/frame_copies.py": "tests/unit/evidence/test_membership.py",
    "sensor/evidence/manifest.py": "tests/golden/test_evidence.py",
    "sensor/evidence/masking.py": "tests/golden/test_evidence_mask.py",
    "sensor/evidence/outer_fragments.py": "tests/golden/test_evidence.py",
    "sensor/evidence/recent.py": "tests/unit/evidence/test_keeper.py",
    "sensor/flowtable/prepare.py": "tests/unit/flowtable/test_table.py",
    "sensor/model/recoding.py": "tests/unit/query/test_masks.py",
    "sensor/model/segments.py": "tests/unit/streams/test_streams.py",
    "sensor/streams/selection.py": "tests/unit/streams/test_streams.py",
    "sensor/capture/files/batches.py": "tests/unit/capture/files/test_pcap.py",
    "sensor/capture/files/reader.py": "tests/unit/capture/files/test_capture.py",
    "sensor/capture/live/ring_loads.py": "tests/unit/capture/live/test_ring.py",
    "sensor/ecs/template.py": "tests/unit/ecs/test_writer.py",
    "sensor/model/tunnels.py": "tests/unit/ecs/test_tunnel_fields.py",
}
MIRRORED_SHARE_MIN = 0.8


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
               "Segment": records.SEGMENT_LAYOUT,
               "FragmentedPacket": records.FRAGMENTED_LAYOUT}  # fmt: skip
    found = structs()
    for name, layout in layouts.items():
        assert found[name] == layout.members


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
    names: list[bytes] = []
    if shutil.which("git"):
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


def has_mirrored_test(path: Path) -> bool:
    folder = ROOT / "tests/unit" / path.relative_to(SENSOR).parent
    names = (f"test_{path.stem}.py", f"test_{path.stem}_*.py")
    return any(True for name in names for _ in folder.glob(name))


def sources_with_code() -> list[Path]:
    """The sources that do something: constants, plain values and Protocols are met everywhere."""
    return [path for path in modules() if any(map(does_something, functions(path)))]


def does_something(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has more of a body than a docstring and an ellipsis."""
    return not all(isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                   for statement in function.body)


def test_every_source_has_its_test_or_a_reason() -> None:
    """tests/unit/PATH/test_NAME.py for sensor/PATH/NAME.py; what has none is listed."""
    for path in sources_with_code():
        tests = NOT_MIRRORED.get(place(path))
        assert has_mirrored_test(path) is (tests is None), place(path)
        assert tests is None or (ROOT / tests).exists(), tests


def test_most_sources_have_a_test_of_their_path() -> None:
    sources = sources_with_code()
    assert set(NOT_MIRRORED) <= {place(path) for path in sources}
    assert sum(map(has_mirrored_test, sources)) >= MIRRORED_SHARE_MIN * len(sources)
