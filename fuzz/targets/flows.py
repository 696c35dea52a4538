"""The flow table: whatever is said between a few hosts, the books balance.

An input is options and then a conversation in steps of four octets: who speaks and when, what, and
how far its numbers are from those that would be right.

- Every frame is accounted for, every flow ends once, events come in the order of their time.
- How the frames are cut into batches never shows.
- A flow that was accepted stays accepted.
- The documents of all events are JSON.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from sensor.addresses import Networks
from sensor.capture.memory import MemoryCapture
from sensor.config import INTERNAL_NETWORKS, FlowLimits
from sensor.decode import decode
from sensor.flow import ACCEPTED, FLOW_ENDED, FlowBatch, FlowContext
from sensor.flowtable.table import FlowTable
from sensor.packets import PacketBatch
from sensor.pipeline import Lane

START_NS = 1_767_323_045_000_000_000
MS = 1_000_000
PAUSES = (0, 1, 20 * MS, 200 * MS, 990 * MS, 1_100 * MS, 6_000 * MS, 31_000 * MS, 61_000 * MS,
          301_000 * MS, -1, -600 * MS, 5 * MS, 11 * MS, 1 << 45, -(1 << 45))  # fmt: skip
FLAGS = (2, 18, 16, 24, 17, 4, 20, 25, 0, 3, 6, 63, 194, 82, 8, 41)
"""SYN, SYN-ACK, ACK, PSH-ACK, FIN-ACK, RST, RST-ACK, and what nobody should send."""
OFFSETS = (0, 0, 0, 0, 0, 1, -1, 10, -10, 1 << 31, 65_535, -65_536, 0x7FFF_FFFF, 5, 2, -2)
LENGTHS = (0, 0, 1, 10, 100, 1_400)
MASK32 = 0xFFFF_FFFF
PORTS = ((40_000, 23), (40_001, 23), (23, 53), (50_000, 50_001))


class Talks:
    """Four pairs of ports between two hosts, with the numbers that each side would use next."""

    def __init__(self, version: int) -> None:
        self._version = version
        self._next = [[7, 9], [0xFFFF_FFFE, 0xFFFF_FFF0], [80_000, 5_000_000], [1, 1]]
        self._last = b""
        self._at_ns = START_NS
        self.frames: list[tuple[int, bytes]] = []

    def step(self, who: int, what: int, seq: int, rest: int) -> None:
        """One frame. `who`: pause, pair, side; `what`: flags or another kind of packet."""
        self._at_ns = max(self._at_ns + PAUSES[who & 15], 0)
        pair, side = who >> 4 & 3, who >> 6 & 1
        ports = PORTS[pair] if side == 0 else PORTS[pair][::-1]
        kind = what >> 4
        body = b"x" * LENGTHS[(rest & 15) % len(LENGTHS)]
        if kind < 10:
            packet = self._ip(6, side, self._segment(pair, side, FLAGS[what & 15], seq, rest, body))
        elif kind < 12:
            packet = self._ip(17, side, struct.pack("!HHHH", *ports, 8 + len(body), 0) + body)
        elif kind == 12:
            packet = self._ip(1 if self._version == 4 else 58, side, struct.pack(
                "!BBHHH", (8, 0, 128, 129)[what & 3], 0, 0, pair, seq) + body)
        elif kind == 13:
            error = struct.pack("!BBHI", (3, 11, 1, 5)[what & 3], rest & 15, 0, 0)
            packet = self._ip(1 if self._version == 4 else 58, side, error + self._last[:60])
        elif kind == 14 and self.frames:
            self.frames.append((self._at_ns, self.frames[-1 - rest % len(self.frames)][1]))
            return
        else:
            packet = self._ip(what & 15, side, body)
        self._last = packet
        if who & 128 and rest & 128:
            packet = packet[: seq % (len(packet) + 1)]
        ethertype = b"\x08\x00" if self._version == 4 else b"\x86\xdd"
        tag = b"\x81\x00\x00\x05" if rest & 64 else b""
        self.frames.append((self._at_ns, bytes(12) + tag + ethertype + packet))

    def _segment(self, pair: int, side: int, flags: int, seq: int, rest: int, body: bytes) -> bytes:
        numbers = self._next[pair]
        first = numbers[side] + OFFSETS[seq & 15] & MASK32
        acked = numbers[1 - side] + OFFSETS[seq >> 4] & MASK32
        if first == numbers[side]:
            numbers[side] = first + len(body) + (flags >> 1 & 1) + (flags & 1) & MASK32
        ports = PORTS[pair] if side == 0 else PORTS[pair][::-1]
        window = 0 if rest & 32 else 60_000
        return struct.pack("!HHIIBBHHH", *ports, first, acked, 0x50, flags, window, 0, 0) + body

    def _ip(self, protocol: int, side: int, body: bytes) -> bytes:
        hosts = (1, 2) if side == 0 else (2, 1)
        if self._version == 4:
            return struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(body), len(self.frames) & 3, 0, 64,
                               protocol, 0, 0x0A000000 + hosts[0], 0xC6336400 + hosts[1]) + body
        head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64)
        return head + b"".join(b"\xfd" + bytes(14) + bytes([host]) for host in hosts) + body


class Sensing:
    """Decoder, flow table and books over frames in memory, without threads."""

    def __init__(self, options: int) -> None:
        limits = FlowLimits(
            flows_max=(1_000, 2, 3, 1)[options & 3],
            active_timeout_ns=3_000 * MS if options & 4 else 0,
        )
        table = FlowTable(limits, accept_on_data=bool(options & 8), key_vlan=bool(options & 16),
                          duplicates=not options & 32, seed=1 if options & 64 else 0)
        self.context = FlowContext(internal=Networks(INTERNAL_NETWORKS), hostname="", version="0")
        self.lane = Lane(table, self.context)
        self._table = table
        self.rows: list[Any] = []

    def run(self, frames: list[tuple[int, bytes]], batch: int) -> None:
        """Everything to the end. Errors: AssertionError from the books of the lane."""
        packets = PacketBatch(max(batch, 1))
        for some in MemoryCapture(frames, batch_frames=batch):
            decode(some, packets)
            self._table.prepare(packets)
            self.lane.fold(packets, self._take)
        self.lane.drain(self._take)

    def _take(self) -> None:
        self.rows += list(self._table.take())


def make(name: str) -> Callable[[bytes], None]:
    """The check."""
    return check


def check(octets: bytes) -> None:
    """Play the conversation that the octets tell."""
    if not octets:
        return
    options = octets[0]
    talks = Talks(6 if options & 128 else 4)
    for at in range(1, len(octets) - 3, 4):
        talks.step(*octets[at : at + 4])
    whole, cut = Sensing(options), Sensing(options)
    whole.run(talks.frames, 256)
    cut.run(talks.frames, 1 + octets[-1] % 5)
    assert [row.tobytes() for row in whole.rows] == [row.tobytes() for row in cut.rows]
    known = [int(row["known_ns"]) for row in whole.rows]
    assert known == sorted(known)
    assert whole.lane.told["flows_total"] == sum(row["action"] == FLOW_ENDED for row in whole.rows)
    accepted: set[bytes] = set()
    for row in whole.rows:
        key = row[["orig_lo", "resp_lo", "orig_port", "resp_port", "protocol", "tenant",
                   "vlan_outer", "first_ns", "first_seq"]].tobytes()
        if row["verdict"] == ACCEPTED:
            accepted.add(key)
        assert (key not in accepted) or row["verdict"] == ACCEPTED, row
    if whole.rows:
        records = np.array(whole.rows, dtype=whole.rows[0].dtype)
        for line in FlowBatch(records, whole.context).to_json_lines().splitlines():
            orjson.loads(line)
