"""The generated benchmark captures hold what their truth says: dpkt reads them back."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import dpkt
import pytest
from dpkt.tcp import TH_ACK, TH_FIN, TH_RST, TH_SYN

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PACKETS, FLOWS = 30_000, 1_200

Segment = tuple[bool, Any]
Key = tuple[str, int, str, int]


def generate(script: str, out: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, BENCHMARKS / script, "--out", out, *options]
    subprocess.run(command, check=True, capture_output=True)
    truth: dict[str, Any] = json.loads(Path(f"{out}.truth.json").read_text())
    return truth


def text(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def conversations(path: Path) -> dict[tuple[type, Key], list[Segment]]:
    """TCP and UDP by 5-tuple, as the sender of the first packet sees it; True: from the sender."""
    found: dict[tuple[type, Key], list[Segment]] = defaultdict(list)
    for _, octets in dpkt.pcap.Reader(path.open("rb")):
        ip = dpkt.ethernet.Ethernet(octets).data
        if isinstance(ip.data, dpkt.tcp.TCP | dpkt.udp.UDP):
            kind = type(ip.data)
            src, dst = (text(ip.src), ip.data.sport), (text(ip.dst), ip.data.dport)
            if (kind, (*dst, *src)) in found:
                found[kind, (*dst, *src)].append((False, ip.data))
            else:
                found[kind, (*src, *dst)].append((True, ip.data))
    return found


def outcome(segments: list[Segment]) -> str:
    """What a TCP flow of the mix came to, by its second packet."""
    if all(segment.flags == TH_SYN for _, segment in segments):
        return "unanswered"
    return "refused" if segments[1][1].flags & TH_RST else "accepted"


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path = tmp_path_factory.mktemp("mix") / "mix.pcap"
    sizes = ("--packets", str(PACKETS), "--flows", str(FLOWS))
    return path, generate("make_mix.py", path, *sizes)


def test_mix_has_the_packets_asked_for_in_order_of_time(mix: tuple[Path, dict[str, Any]]) -> None:
    path, truth = mix
    records = list(dpkt.pcap.Reader(path.open("rb")))
    times = [time for time, _ in records]
    assert len(records) == PACKETS == truth["packets"]
    assert times == sorted(times)
    assert sum(len(octets) for _, octets in records) == truth["octets"]


def test_same_seed_gives_the_same_octets(mix: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    again = tmp_path / "again.pcap"
    generate("make_mix.py", again, "--packets", str(PACKETS), "--flows", str(FLOWS))
    assert again.read_bytes() == mix[0].read_bytes()


def test_telnet_flows_are_those_of_the_truth(mix: tuple[Path, dict[str, Any]]) -> None:
    path, truth = mix
    found = defaultdict(set)
    for (_, key), segments in conversations(path).items():
        if key[3] == 23:
            found[outcome(segments)].add(key)
    for name in ("accepted", "refused", "unanswered"):
        listed = {
            (flow["source"], flow["source_port"], flow["destination"], flow["destination_port"])
            for flow in truth["telnet"][name]
        }
        assert found[name] == listed
        assert len(listed) == FLOWS // 100 // 3


def test_tcp_numbers_are_exact(mix: tuple[Path, dict[str, Any]]) -> None:
    checked = 0
    for (kind, _), segments in conversations(mix[0]).items():
        if kind is not dpkt.tcp.TCP or outcome(segments) != "accepted":
            continue
        following: dict[bool, int] = {}
        for side, segment in segments:
            assert segment.seq == following.get(side, segment.seq)
            if segment.flags & TH_ACK:
                assert segment.ack == following[not side]
            used = len(segment.data) + bool(segment.flags & (TH_SYN | TH_FIN))
            following[side] = (segment.seq + used) & 0xFFFFFFFF
            checked += 1
        assert [s.flags for _, s in segments[:3]] == [TH_SYN, TH_SYN | TH_ACK, TH_ACK]
    assert checked > PACKETS // 2


def test_refusals_acknowledge_the_syn(mix: tuple[Path, dict[str, Any]]) -> None:
    refused = [
        segments
        for (kind, _), segments in conversations(mix[0]).items()
        if kind is dpkt.tcp.TCP and outcome(segments) == "refused"
    ]
    assert refused
    for (_, syn), (side, reset) in refused:
        assert not side
        assert reset.ack == (syn.seq + 1) & 0xFFFFFFFF


def test_flood_has_one_accepted_connection_among_distinct_sources(tmp_path: Path) -> None:
    path = tmp_path / "flood.pcap"
    truth = generate("make_flood.py", path, "--syns", "5000")
    by_outcome = defaultdict(list)
    for (_, key), segments in conversations(path).items():
        by_outcome[outcome(segments)].append(key)
    (flow,) = truth["telnet"]["accepted"]
    assert by_outcome["accepted"] == [
        (flow["source"], flow["source_port"], flow["destination"], flow["destination_port"])
    ]
    assert len({key[0] for key in by_outcome["unanswered"]}) == 5000
