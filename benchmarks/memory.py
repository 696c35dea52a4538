"""Replay an hour of traffic that is generated while it is read, and look at the memory.

    python benchmarks/memory.py                       # 50 M packets of 5 M flows
    python benchmarks/memory.py --flows 100000        # the same hour with fewer

Flows begin at regular distances, each for another pair of hosts, and have 10 packets in 60 s. Of
100 flows 93 are whole TCP connections, one of them telnet; two are attempts to reach telnet that
nobody answers; five are UDP. So 83,000 flows are open at any time. The packets go through a pipe;
nothing is stored. What comes out must be the truth, and once the first minutes are over the memory
must not grow. Its curve goes to memory.csv and memory.svg beside this file.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from make_flood import common, set_time
from make_mix import START_US
from wire import ACK, FIN, PCAP_HEADER, PSH, SYN, UDP, fill_ipv4_checksum

HOUR_S = 3600
RULE = "6b3f2d0e-9d6e-4a57-8f0e-3c1f5a2b7d23"
"""The shipped telnet rule."""
PACKETS = 10
"""Of each flow."""
OFFSETS_S = (0.0, 0.01, 0.02, 0.1, 0.2, 10.0, 25.0, 40.0, 59.0, 60.0)
"""When they come, after the flow's beginning."""
WARM_UP_S = 300
GROWTH_MAX = 0.02
"""Of the memory after warm-up: what allocators and caches may still move."""
POINTS = 720
"""Of the curve, and chunks of the stream."""
CLIENTS, SERVERS = 10 << 24, 100 << 24
SCATTER = 0x9E37_79B1
TELNET, UNANSWERED, UDP_FROM = 0, (1, 2), 95
"""Which of 100 flows are what; the others are connections to port 443."""

WHOLE = (SYN, SYN | ACK, ACK, PSH | ACK, ACK, PSH | ACK, PSH | ACK, FIN | ACK, FIN | ACK, ACK)
SIDES = (0, 1, 0, 0, 1, 1, 0, 0, 1, 0)
PAYLOAD = (0, 0, 0, 6, 0, 6, 6, 0, 0, 0)
"""Of a whole connection: flags, sender, octets; a frame has room for 6 before its padding ends."""


@dataclass(frozen=True, slots=True)
class Point:
    """The sensor's memory when it had been given the packets up to a time."""

    packet_s: float
    packets: int
    resident_bytes: int


def kinds_of(number: Any) -> tuple[Any, Any, Any]:
    """Which of these flows are telnet, unanswered, UDP."""
    kind = number % 100
    return kind == TELNET, np.isin(kind, UNANSWERED), kind >= UDP_FROM


def packets_of(number: Any, place: int) -> Any:
    """The packets that stand at a place of these flows, as records without their times."""
    rows = common(len(number), PAYLOAD[place])
    telnet, unanswered, udp = kinds_of(number)
    side = np.where(unanswered, 0, np.where(udp, place & 1, SIDES[place]))
    scattered = number * SCATTER & 0xFF_FFFF
    client, server = CLIENTS + scattered, SERVERS + (number * 40_503 & 0xFFFF)
    client_port = 1024 + number * 7 % 60_000
    server_port = np.where(telnet | unanswered, 23, np.where(udp, 53, 443))
    for name, one, other in (("src", client, server), ("dst", server, client),
                             ("src_port", client_port, server_port),
                             ("dst_port", server_port, client_port)):
        rows[name] = np.where(side == 0, one, other)
    isn = number * 0x85EB_CA6B & 0x7FFF_FFFF
    sent = [sum(PAYLOAD[at] + bool(WHOLE[at] & (SYN | FIN)) for at in range(place)
                if SIDES[at] == who) for who in (0, 1)]
    mine = SIDES[place]
    ends = (isn, isn + 1_000_000)
    rows["seq"] = ends[mine] + sent[mine]
    rows["ack"] = 0 if place == 0 else ends[1 - mine] + sent[1 - mine]
    rows["flags"] = WHOLE[place]
    rows["flags"][unanswered] = SYN
    rows["seq"][unanswered] = isn[unanswered]
    rows["ack"][unanswered] = 0
    rows["ip_length"][unanswered] = 40
    rows["checksum"] = number * 40_503 + place & 0xFFFF
    rows["ip_id"] = number + place & 0xFFFF
    _as_udp(rows, udp)
    fill_ipv4_checksum(rows)
    return rows


def _as_udp(rows: Any, which: Any) -> None:
    """Turn TCP rows into UDP ones: its header lies where sequence numbers were."""
    rows["protocol"][which] = UDP
    rows["ip_length"][which] = 36
    rows["seq"][which] = 16 << 16 | 0x1234  # length, checksum


def stream(flows: int) -> Iterator[tuple[float, Any]]:
    """The packets of an hour in order of time, some at a time, with the time they reach."""
    distance_us = HOUR_S * 1_000_000 / flows
    behind = [round(offset * 1_000_000 / distance_us) for offset in OFFSETS_S]
    last = flows + behind[-1]
    chunk = -(-last // POINTS)
    for first in range(0, last, chunk):
        beat = np.arange(first, min(first + chunk, last), dtype=np.int64)
        parts, times = [], []
        for place in range(PACKETS):
            number = beat - behind[place]
            real = (number >= 0) & (number < flows)
            parts.append(packets_of(number[real], place))
            # The packets of one beat follow one another within its distance.
            times.append(beat[real] * distance_us + place * min(distance_us / PACKETS, 1_000))
        at = np.concatenate(times).astype(np.int64)
        # As octets: records would be brought into this machine's byte order.
        rows = np.concatenate([part.view(np.void) for part in parts]).view(parts[0].dtype)
        order = np.argsort(at, kind="stable")
        rows, at = rows[order], at[order]
        set_time(rows, START_US + at)
        yield float(at[-1]) / 1e6, rows


def resident(pid: int) -> int:
    """Octets of memory that a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def replay(flows: int, sensor: list[str], folder: Path) -> tuple[list[Point], dict[str, Any]]:
    """Run the sensor over the stream; the curve, and the ledger."""
    stats = folder / "stats.json"
    command = [*sensor, "replay", "--quiet", "--alerts", str(folder / "alerts.ndjson"),
               "--stats", str(stats), "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    curve, packets = [], 0
    pipe: BinaryIO = process.stdin  # type: ignore[assignment]
    pipe.write(PCAP_HEADER)
    for packet_s, rows in stream(flows):
        pipe.write(memoryview(rows.view("u1")))
        packets += len(rows)
        curve.append(Point(packet_s, packets, resident(process.pid)))
    pipe.close()
    if process.wait() != 0:
        raise RuntimeError(f"{shlex.join(command)}: exit code {process.returncode}")
    return curve, json.loads(stats.read_text())


def truth(flows: int) -> dict[str, int]:
    """How many packets and flows there are, and what became of them."""
    number = np.arange(flows)
    telnet, unanswered, _ = kinds_of(number)
    dropped = int(unanswered.sum())
    return {"frames": flows * PACKETS, "total": flows, "dropped": dropped,
            "accepted": flows - dropped, "telnet": int(telnet.sum())}


def problems(flows: int, curve: list[Point], ledger: dict[str, Any]) -> list[str]:
    """What differs from the truth, and memory that grew."""
    want, found = truth(flows), ledger["flows"]
    told = {"frames": ledger["frames"], **{name: found[name] for name in
            ("total", "dropped", "accepted")},
            "telnet": ledger["rules"][RULE]["matches"]}
    wrong = [f"{name}: {told[name]}, not {want[name]}" for name in want if told[name] != want[name]]
    first, last = growth(curve)
    if last > first * (1 + GROWTH_MAX):
        wrong.append(f"memory grew from {first / 1e6:.1f} to {last / 1e6:.1f} MB")
    return wrong


def growth(curve: list[Point]) -> tuple[int, int]:
    """The most memory in the ten minutes after warm-up, and after them."""
    warm = [point for point in curve if WARM_UP_S <= point.packet_s <= HOUR_S]
    early = [point.resident_bytes for point in warm if point.packet_s < WARM_UP_S + 600]
    late = [point.resident_bytes for point in warm if point.packet_s >= WARM_UP_S + 600]
    return max(early), max(late)


def drawing(curve: list[Point]) -> str:
    """The curve as SVG: memory over packet time."""
    width, height, edge = 800, 260, 50
    most = 1.2 * max(point.resident_bytes for point in curve)
    step = max(1, len(curve) // 400)
    points = " ".join(
        f"{edge + point.packet_s / curve[-1].packet_s * (width - 2 * edge):.1f},"
        f"{height - edge - point.resident_bytes / most * (height - 2 * edge):.1f}"
        for point in curve[::step])
    marks = "".join(
        f'<text x="{edge + share * (width - 2 * edge):.0f}" y="{height - edge + 18}" '
        f'text-anchor="middle">{share * curve[-1].packet_s / 60:.0f}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{edge}" y="28">resident memory, 0 to {most / 1e6:.0f} MB, over minutes of '
        f"packet time: {curve[-1].packets:,} packets</text>"
        f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/>'
        f'<path d="M{edge} {edge}V{height - edge}H{width - edge}" fill="none" stroke="#888"/>'
        f"{marks}</svg>\n")


def main() -> int:
    """Run it, write the curve, say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flows", type=int, default=5_000_000)
    parser.add_argument("--sensor", default=f"{sys.executable} -m sensor", metavar="COMMAND")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="only write the capture to stdout")
    options = parser.parse_args()
    if options.write:
        sys.stdout.buffer.write(PCAP_HEADER)
        for _, rows in stream(options.flows):
            sys.stdout.buffer.write(memoryview(rows.view("u1")))
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        curve, ledger = replay(options.flows, shlex.split(options.sensor), Path(folder))
    lines = ["packet_s,packets,resident_bytes"]
    lines += [f"{point.packet_s:.1f},{point.packets},{point.resident_bytes}" for point in curve]
    (options.out / "memory.csv").write_text("\n".join(lines) + "\n")
    (options.out / "memory.svg").write_text(drawing(curve))
    first, last = growth(curve)
    print(f"{ledger['frames']:,} packets of {ledger['flows']['total']:,} flows, at most "
          f"{ledger['flows']['peak']:,} at a time, in {time.monotonic() - began:.0f} s")
    print(f"memory: {first / 1e6:.1f} MB at most from minute 5 to 15, {last / 1e6:.1f} MB later")
    wrong = problems(options.flows, curve, ledger)
    for problem in wrong:
        print(f"WRONG: {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
