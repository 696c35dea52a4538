"""The captures of sessions are what their script writes, and their truth names each connection."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import dpkt
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "captures/sessions"
FILES = sorted(path.name for path in FOLDER.glob("*.pcap"))
TRUTH: list[dict[str, Any]] = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))[
    "capture"
]
OUTCOMES = {"success", "failure", "unknown"}
LOGINS = OUTCOMES | {"none", "bypass"}
METHODS = {"password", "environment", "authentication"}
KEYS = {
    "client", "server", "protocol", "negotiated", "attempts", "login", "user", "commands",
    "echoed", "elevation", "password_change", "exploits", "resembles", "encrypted", "kind", "mode",
    "terminal", "window", "environment_user", "variables", "bot", "password_in_clear", "secrets",
    "transfers", "inner", "unsure", "note",
}  # fmt: skip
BYTES_MAX, ALL_BYTES_MAX = 200 * 1024, 3_000_000


def sessions(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The sessions of a capture, each with what holds for all."""
    return [{**entry.get("all", {}), **session} for session in entry["session"]]


def frames(name: str) -> list[bytes]:
    with open(FOLDER / name, "rb") as file:
        return [octets for _, octets in dpkt.pcap.Reader(file)]


def connections(name: str) -> set[tuple[int, int]]:
    """The pairs of client's and server's port in a capture; a client's port is the higher one."""
    segments = [segment for octets in frames(name)
                if isinstance(ip := dpkt.ethernet.Ethernet(octets).data, dpkt.ip.IP | dpkt.ip6.IP6)
                and isinstance(segment := ip.data, dpkt.tcp.TCP)]
    return {(max(one.sport, one.dport), min(one.sport, one.dport)) for one in segments}


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    script = ROOT / "captures/make_sessions.py"
    subprocess.run([sys.executable, script, folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def test_script_writes_exactly_the_scripted_files(rewritten: Path) -> None:
    scripted = sorted(entry["file"] for entry in TRUTH if entry["origin"] == "script")
    assert sorted(path.name for path in rewritten.iterdir()) == scripted
    for name in scripted:
        assert (rewritten / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_truth_speaks_of_every_capture() -> None:
    assert sorted(entry["file"] for entry in TRUTH) == FILES


@pytest.mark.parametrize("entry", TRUTH, ids=lambda entry: str(entry["file"]))
def test_truth_names_every_connection(entry: dict[str, Any]) -> None:
    named = [(one["client"], one.get("server", 23)) for one in sessions(entry)]
    assert len(set(named)) == len(named)
    assert set(named) == connections(entry["file"])


@pytest.mark.parametrize("entry", TRUTH, ids=lambda entry: str(entry["file"]))
def test_truth_keeps_to_its_words(entry: dict[str, Any]) -> None:
    assert entry["origin"] in ("script", "recorded")
    for one in sessions(entry):
        assert one.keys() <= KEYS, one
        assert one.get("login", "none") in LOGINS
        attempts = one.get("attempts", [])
        assert all(each["outcome"] in OUTCOMES for each in attempts)
        assert all(each.get("method", "password") in METHODS for each in attempts)
        if "login" in one and attempts and not one.get("exploits") and not one.get("encrypted"):
            assert one["login"] == attempts[-1]["outcome"], one["client"]
        if one.get("commands"):
            assert one["login"] in ("success", "none", "bypass", "unknown"), one["client"]


def test_table_lists_every_capture() -> None:
    origins = {"script": "made by script", "recorded": "recorded"}
    lines = (ROOT / "captures/README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines
            if line.startswith("| sessions/")]  # fmt: skip
    assert sorted(row[0] for row in rows) == [f"sessions/{name}" for name in FILES]
    told = {f"sessions/{entry['file']}": origins[entry["origin"]] for entry in TRUTH}
    for name, _, link, form, count, origin, licence in rows:
        assert int(count) == len(frames(name.removeprefix("sessions/"))), name
        assert (link, form, origin, licence) == ("Ethernet", "pcap micro", told[name], "MIT")


def test_captures_stay_small() -> None:
    sizes = {name: (FOLDER / name).stat().st_size for name in FILES}
    assert all(size < BYTES_MAX for size in sizes.values()), sizes
    assert sum(sizes.values()) < ALL_BYTES_MAX
