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
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson

from fuzz.targets.frames import FRAME
from sensor.config import INTERNAL_NETWORKS, Config, FlowLimits
from sensor.decode import Decoder
from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.lane import Lane
from sensor.flowtable.table import FlowTable
from sensor.memory.records import NO_VLAN
from sensor.model.addresses import Networks
from sensor.model.applications import SSH
from sensor.model.flow import ACCEPTED, FLOW_ENDED, FlowContext
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch
from sensor.streams.selection import Selection

START_NS = 1_767_323_045_000_000_000
MS = 1_000_000
PAUSES = (0, 1, 20 * MS, 200 * MS, 990 * MS, 1_100 * MS, 6_000 * MS, 31_000 * MS, 61_000 * MS,
          301_000 * MS, -1, -600 * MS, 5 * MS, 11 * MS, 1 << 45, -(1 << 45))  # fmt: skip
FLAGS = (2, 18, 16, 24, 17, 4, 20, 25, 0, 3, 6, 63, 194, 82, 8, 41)
"""SYN, SYN-ACK, ACK, PSH-ACK, FIN-ACK, RST, RST-ACK, and what nobody should send."""
OFFSETS = (0, 0, 0, 0, 0, 1, -1, 10, -10, 1 << 31, 65_535, -65_536, 0x7FFF_FFFF, 5, 2, -2)
LENGTHS = (0, 0, 1, 10, 100, 1_400)
MASK32 = 0xFFFF_FFFF
SILENCE_NS = 1_000_000 * MS
"""Longer than any timeout."""
BATCH_MAX, RUNS_MAX = 128, 500
INTERNAL = Networks(INTERNAL_NETWORKS)
NAME = ("orig_lo", "resp_lo", "orig_port", "resp_port", "protocol", "ip_version", "vlan_outer",
        "tenant", "first_ns", "first_seq")
"""Members that tell a flow from all others."""
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
        if rest & 16:
            packet = self._in_vxlan(seq & 3, packet)
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

    def _in_vxlan(self, vni: int, packet: bytes) -> bytes:
        """The packet as one of an overlay; its frame's type is that of the other packets."""
        frame = bytes(12) + (b"\x08\x00" if self._version == 4 else b"\x86\xdd") + packet
        head = struct.pack("!HHHHII", 7, 4789, 16 + len(frame), 0, 0x0800_0000, vni << 8)
        return self._ip(17, 0, head + frame)

    def _ip(self, protocol: int, side: int, body: bytes) -> bytes:
        hosts = (1, 2) if side == 0 else (2, 1)
        if self._version == 4:
            return struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(body), len(self.frames) & 3, 0, 64,
                               protocol, 0, 0x0A000000 + hosts[0], 0xC6336400 + hosts[1]) + body
        head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64)
        return head + b"".join(b"\xfd" + bytes(14) + bytes([host]) for host in hosts) + body


HINTS = {port for pair in PORTS for port in pair}


class Sensing:
    """Decoder, flow table and books over frames in memory, without threads.

    A conversation that is over leaves a table empty, and time goes on from there: it serves for
    many, because making one costs more than filling it.
    """

    def __init__(self, options: int) -> None:
        limits = FlowLimits(
            flows_max=(1_000, 2, 3, 1)[options & 3],
            active_timeout_ns=3_000 * MS if options & 4 else 0,
            fragments_max=8 if options & 3 else 1_024,
        )
        self._table = FlowTable(
            limits, accept_on_data=bool(options & 8), key_vlan=bool(options & 16),
            duplicates=not options & 32, seed=1 if options & 64 else 0, follow=True)
        self._selection = Selection(HINTS, HINTS, (SSH,))
        self.context = FlowContext(internal=INTERNAL, hostname="", version="0")
        self.lane = Lane(self._table, self.context)
        self.runs = 0
        self._decoder = Decoder(
            Config(flow=limits, key_vlan=bool(options & 16), duplicates=not options & 32),
            seed=1 if options & 64 else 0)
        self.now_ns = 0
        """The time when nothing of what was given is open any more."""
        self._frames, self._packets = FrameBatch(BATCH_MAX), PacketBatch(BATCH_MAX)
        self._rows = memoryview(self._frames.records.view("u1"))
        self._taken: list[Any] = []

    def run(self, frames: Sequence[tuple[int, bytes]], batch: int) -> Any:
        """What becomes known of frames, and until everything of them is over."""
        self.runs += 1
        self._taken = []
        for at in range(0, len(frames), batch):
            self._fold(frames[at : at + batch], at, 0)
        # A frame that is dated far ahead is believed once time has gone on: then again.
        self.now_ns = max(self._table.now_ns, *(time_ns for time_ns, _ in frames[-1:]), 0)
        for _ in range(4):
            self._fold((), 0, self.now_ns + SILENCE_NS)
            self.now_ns = max(self._table.now_ns, self.now_ns + SILENCE_NS)
        assert self.lane.counters["flows_open"] == 0
        return np.concatenate(self._taken) if self._taken else self._table.take()

    def _fold(self, some: Sequence[tuple[int, bytes]], at: int, watermark_ns: int) -> None:
        """One batch through decoder and table. Errors: AssertionError from the lane's books."""
        frames, offset = self._frames, 0
        frames.attach(b"".join(octets for _, octets in some) or b"\0")
        for row, (time_ns, octets) in enumerate(some):
            size = len(octets)
            FRAME.pack_into(self._rows, 32 * row, time_ns, offset, size, size, 1, 0, NO_VLAN, 0, 0)
            offset += size
            watermark_ns = max(watermark_ns, time_ns)
        frames.count, frames.first_number, frames.watermark_ns = len(some), at + 1, watermark_ns
        self._decoder.decode(frames, self._packets)
        self._table.prepare(self._packets)
        self._selection.select(frames, self._packets)
        self.lane.fold(self._packets, self._take)
        self._take()

    def _take(self) -> None:
        if (segments := self._table.take_segments()) is not None:
            ends = segments.records["offset"].astype(np.int64) + segments.records["captured"]
            assert ends.max() <= len(segments.octets) and len(segments.flows) == len(segments)
        if len(rows := self._table.take()):
            self._taken.append(rows)


class Pair:
    """Two tables with one history, of which one gets small batches."""

    def __init__(self, options: int) -> None:
        self.whole, self.cut = Sensing(options), Sensing(options)
        self.now_ns = START_NS

    def play(self, frames: list[tuple[int, bytes]], size: int) -> None:
        """Run frames through both. Errors: AssertionError."""
        moved = [(time_ns - START_NS + self.now_ns, octets) for time_ns, octets in frames]
        total = self.whole.lane.counters["flows_total"]
        rows = self.whole.run(moved, BATCH_MAX)
        assert rows.tobytes() == self.cut.run(moved, size).tobytes()
        told = self.whole.lane.counters
        known = rows["known_ns"]
        assert (known[1:] >= known[:-1]).all()
        assert told["flows_total"] - total == np.count_nonzero(rows["action"] == FLOW_ENDED)
        accepted: set[bytes] = set()
        for key, verdict in zip(rows[list(NAME)], rows["verdict"].tolist(), strict=True):
            if verdict == ACCEPTED:
                accepted.add(key.tobytes())
            assert verdict == ACCEPTED or key.tobytes() not in accepted
        for line in FlowBatch(rows, self.whole.context).to_json_lines().splitlines():
            orjson.loads(line)
        self.now_ns = self.whole.now_ns + SILENCE_NS


PAIRS: dict[int, Pair] = {}
"""By their options: a history is gone on with, so that tables fill and time passes."""


def play(octets: bytes, frames: list[tuple[int, bytes]]) -> None:
    """Run the frames of an input through the pair that its first octet's options name."""
    options = octets[0] & 127
    pair = PAIRS.get(options)
    if pair is None or pair.whole.runs == RUNS_MAX:
        pair = PAIRS[options] = Pair(options)
    try:
        pair.play(frames, 1 + octets[-1] % 5)
    except Exception:
        del PAIRS[options]  # so that the next one starts afresh
        raise


def make(name: str) -> Callable[[bytes], None]:
    """The check."""
    return check


def check(octets: bytes) -> None:
    """Play the conversation that the octets tell."""
    if len(octets) < 5:
        return
    talks = Talks(6 if octets[0] & 128 else 4)
    for at in range(1, len(octets) - 3, 4):
        talks.step(*octets[at : at + 4])
    play(octets, talks.frames)
