"""The captures are what their script writes, their table lists and the truth speaks of."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import scapy.contrib.erspan
import scapy.contrib.geneve
import scapy.contrib.gtp
import scapy.contrib.mpls
import scapy.layers.dot11
import scapy.layers.ppp
import scapy.layers.vxlan  # noqa: F401  these make scapy read what they write
from scapy.layers.inet import IP, TCP, UDP, IPerror
from scapy.layers.inet6 import IPerror6, IPv6
from scapy.packet import Packet
from scapy.utils import PcapReader, RawPcapReader

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "captures"
FILES = sorted(path.name for path in FOLDER.glob("*.pcap*"))
TRUTH: list[dict[str, Any]] = tomllib.loads(
    (ROOT / "tests/golden/truth.toml").read_text(encoding="utf-8")
)["capture"]
LINK_TYPES = {1: "Ethernet", 50: "PPP in HDLC framing", 101: "raw IP",
              127: "802.11 with radiotap", 276: "Linux cooked v2"}  # fmt: skip
BYTES_MAX = {"demo.pcap": 300_000}

Endpoint = tuple[str, int]


def listed() -> dict[str, list[str]]:
    """The cells of the first table in captures/README.md, by file; the others are of folders."""
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {cells[0]: cells[1:] for cells in rows
            if ".pcap" in cells[0] and "/" not in cells[0]}  # fmt: skip


def packets(name: str) -> list[Packet]:
    """The frames of a capture as scapy reads them."""
    with PcapReader(str(FOLDER / name)) as reader:
        return list(reader)


def ends_on_port_23(packet: Packet) -> tuple[str, frozenset[Endpoint]] | None:
    """Transport and both ends of a packet from or to port 23, the innermost one in tunnels; the
    packet that an error quotes is none."""
    layers = [layer for layer in packet.iterpayloads()
              if isinstance(layer, IP | IPv6) and not isinstance(layer, IPerror | IPerror6)]
    ip = layers[-1] if layers else None
    if ip is None or not isinstance(ip.payload, TCP | UDP):
        return None
    ends = {(str(ip.src), int(ip.payload.sport)), (str(ip.dst), int(ip.payload.dport))}
    if not any(port == 23 for _, port in ends):
        return None
    return ("tcp" if isinstance(ip.payload, TCP) else "udp"), frozenset(ends)


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captures")
    script = FOLDER / "make_captures.py"
    subprocess.run([sys.executable, script, folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def test_script_writes_exactly_the_files_of_the_repository(rewritten: Path) -> None:
    assert sorted(path.name for path in rewritten.iterdir()) == FILES
    for name in FILES:
        assert (rewritten / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_table_lists_every_capture() -> None:
    assert sorted(listed()) == FILES


@pytest.mark.parametrize("name", FILES)
def test_table_says_link_type_and_packets(name: str) -> None:
    _, link, form, count, origin, licence = listed()[name]
    octets = (FOLDER / name).read_bytes()
    if form == "pcapng":
        number = int.from_bytes(octets[28 + 8 : 28 + 10], "little")
    else:
        big = "big-endian" in form
        number = int.from_bytes(octets[20:24], "big" if big else "little")
        assert octets[:4] in (
            (b"\xa1\xb2\x3c\x4d", b"\xa1\xb2\xc3\xd4") if big
            else (b"\x4d\x3c\xb2\xa1", b"\xd4\xc3\xb2\xa1")
        )
    assert link == LINK_TYPES[number]
    with RawPcapReader(str(FOLDER / name)) as reader:
        assert int(count) == sum(1 for _ in reader)
    assert (origin, licence) == ("made by script", "MIT")


@pytest.mark.parametrize("name", FILES)
def test_captures_stay_small(name: str) -> None:
    assert (FOLDER / name).stat().st_size < BYTES_MAX.get(name, 100_000)


def test_truth_speaks_of_every_capture() -> None:
    assert sorted(entry["file"] for entry in TRUTH) == FILES


@pytest.mark.parametrize("entry", TRUTH, ids=lambda entry: str(entry["file"]))
def test_truth_names_every_flow_on_port_23(entry: dict[str, Any]) -> None:
    seen = {ends for packet in packets(entry["file"]) if (ends := ends_on_port_23(packet))}
    named = {
        (flow[0], frozenset({(flow[1], flow[2]), (flow[3], flow[4])}))
        for flow in entry["flows"]
        if flow[4] == 23
    }
    if "malformed" in entry:
        assert named <= seen
    else:
        assert named == seen


@pytest.mark.parametrize("entry", TRUTH, ids=lambda entry: str(entry["file"]))
def test_truth_adds_up(entry: dict[str, Any]) -> None:
    verdicts = [flow[5] for flow in entry["flows"] if flow[4] == 23]
    assert verdicts.count("accepted") == entry["alerts"]["Accepted Default Telnet Port Connection"]
    for verdict, count in entry.get("verdicts", {}).items():
        assert verdicts.count(verdict) == count
