"""Packets and octets of every conversation, as tshark counts them (an independent reference).

`tshark -z conv` prints frames and frame octets; ours are IP octets. So tshark gives the fields of
each packet and this test adds them up by conversation. Where the two are to differ:

- a copy of a packet (mirror port) counts once with us: such captures are read with copies counted;
- of a malformed packet that tshark still shows as TCP or UDP, we make an anomaly: malformed.pcap is
  compared without the frames that we call malformed, which are those with trouble on purpose;
- fragments: tshark counts a packet where its last fragment comes, we count each fragment with its
  own octets. So captures in fragments are compared by pairs of addresses, without reassembly;
- flows of one conversation (ports used again) are added up, for tshark tells no flows apart.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.programs import require
from tests.running import CAPTURES, run_capture

FIELDS = (
    "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
    "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
    "ip.len", "ipv6.plen", "frame.protocols",
)  # fmt: skip
IPV6_HEADER = 40
IN_FRAGMENTS = ("fragments.pcap", "telnet_fragments.pcap")
COMPARED = sorted(
    path for path in CAPTURES.iterdir()
    if path.suffix in (".pcap", ".pcapng") and path.name not in ("malformed.pcap", *IN_FRAGMENTS)
)

Conversation = tuple[str, frozenset[tuple[str, int]]]


def tshark_lines(path: Path) -> list[list[str]]:
    """One list of FIELDS for each TCP or UDP packet that stands in no ICMP error.

    Of a field that stands in several headers it is the last: in tunnels, the inner packet counts.
    """
    require("tshark")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=l"]
    command += ["-Y", "(tcp || udp) && !icmp && !icmpv6"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def tshark_counts(path: Path) -> tuple[Counter[Conversation], Counter[Conversation]]:
    packets: Counter[Conversation] = Counter()
    octets: Counter[Conversation] = Counter()
    for line in tshark_lines(path):
        told = dict(zip(FIELDS, line, strict=True))
        headers = told["frame.protocols"].split(":")
        network = next(name for name in reversed(headers) if name in ("ip", "ipv6"))
        transport = next(name for name in reversed(headers) if name in ("tcp", "udp"))
        ends = frozenset(
            (told[f"{network}.{side}"], int(told[f"{transport}.{side}port"]))
            for side in ("src", "dst")
        )
        packets[transport, ends] += 1
        octets[transport, ends] += (
            int(told["ip.len"]) if network == "ip" else int(told["ipv6.plen"]) + IPV6_HEADER
        )
    return packets, octets


def our_counts(path: Path) -> tuple[Counter[Conversation], Counter[Conversation]]:
    packets: Counter[Conversation] = Counter()
    octets: Counter[Conversation] = Counter()
    for record in run_capture(path, duplicates=False).records:
        transport = record["network"]["transport"]
        if transport in ("tcp", "udp"):
            ends = frozenset(
                (record[end]["ip"], record[end]["port"]) for end in ("source", "destination")
            )
            packets[transport, ends] += record["network"]["packets"]
            octets[transport, ends] += record["network"]["bytes"]
    return packets, octets


@pytest.mark.parametrize("path", COMPARED, ids=lambda path: path.name)
def test_conversations_as_tshark_counts_them(path: Path) -> None:
    expected = tshark_counts(path)
    assert expected[0], "tshark found no conversation"
    assert our_counts(path) == expected


def test_the_sound_conversation_among_malformed_frames() -> None:
    """Of malformed.pcap the login alone is to be compared: the rest is malformed on purpose."""
    path = CAPTURES / "malformed.pcap"
    ours, theirs = our_counts(path), tshark_counts(path)
    login, packets = ours[0].most_common(1)[0]
    assert packets == theirs[0][login]
    assert ours[1][login] == theirs[1][login]


def tshark_pairs(path: Path) -> tuple[Counter[frozenset[str]], Counter[frozenset[str]]]:
    """Frames and IP octets of each pair of addresses, fragments as they are."""
    require("tshark")
    fields = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.len", "ipv6.plen")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    for version in ("ip", "ipv6"):
        command += ["-o", f"{version}.defragment:FALSE"]
    for name in fields:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    packets: Counter[frozenset[str]] = Counter()
    octets: Counter[frozenset[str]] = Counter()
    for line in done.stdout.splitlines():
        src4, dst4, src6, dst6, length4, length6 = line.split("\t")
        pair = frozenset([src4 or src6, dst4 or dst6])
        packets[pair] += 1
        octets[pair] += int(length4) if length4 else int(length6) + IPV6_HEADER
    return packets, octets


@pytest.mark.parametrize("name", IN_FRAGMENTS)
def test_fragments_as_tshark_counts_them(name: str) -> None:
    packets, octets = tshark_pairs(CAPTURES / name)
    run = run_capture(CAPTURES / name)
    ours: Counter[frozenset[str]] = Counter()
    our_octets: Counter[frozenset[str]] = Counter()
    for record in run.records:
        pair = frozenset([record["source"]["ip"], record["destination"]["ip"]])
        ours[pair] += record["network"]["packets"]
        our_octets[pair] += record["network"]["bytes"]
    without_flow = sum(run.ledger["anomalies"].values()) + run.ledger["fragments"]
    assert sum(packets.values()) == sum(ours.values()) + without_flow == run.ledger["frames"]
    assert set(ours) == set(packets)
    if not without_flow:
        assert (ours, our_octets) == (packets, octets)
