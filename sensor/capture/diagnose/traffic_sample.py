"""A sample of a port's traffic, for `sensor doctor`: signs of how the port is fed.

A part of the frames is enough, the kernel counts them all. The signs: one direction only, copies,
VLAN tags, frames larger than a frame can be.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sensor.capture.linktypes import LINK_ETHERNET
from sensor.config import CaptureLimits
from sensor.memory.records import NO_VLAN
from sensor.model.frames import FrameBatch
from sensor.model.packets import ACK, KIND_FLOW, PROTOCOL_TCP, RST, PacketBatch

ETHERNET_BYTES, TAG_BYTES = 14, 4
RING_BYTES = 4 << 20
COPY_WINDOW_NS = 10_000_000
"""Mirror ports make copies within microseconds to milliseconds; a retransmission takes longer."""
COPY_BYTES = 2048
"""First octets of a frame by which a copy is known."""
FRAMES_MAX = 200_000
"""Enough for a picture; the sample ends there."""
VLANS_MAX = 64
CONVERSATIONS_MAX = 50_000
FRAMES_OF_ONE_SIDE = 4
"""Nobody sends so many segments without an acknowledgement between them, but for bulk data."""

Endpoint = tuple[int, int, int]
"""Both halves of an address, and the port."""
Decode = Callable[[FrameBatch, PacketBatch], object]
"""Fills a packet batch from a frame batch."""


@dataclass(slots=True)
class Traffic:
    """Counts of what was seen, batch by batch."""

    mtu: int
    frames: int = 0
    large: int = 0
    """Larger than the interface's MTU allows: put together by an offload."""
    copies: int = 0
    """TCP frames that came a second time, octet for octet, within COPY_WINDOW_NS."""
    vlans: set[int] = field(default_factory=set)
    conversations: dict[frozenset[Endpoint], Counter[Endpoint]] = field(default_factory=dict)
    """Established TCP connections, and how often each end of one was heard."""
    _recent: dict[bytes, int] = field(default_factory=dict)

    def add(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Take in a batch of frames and what they were decoded into."""
        count = frames.count
        rows, records = frames.records[:count], packets.records[:count]
        self.frames += count
        vlans = records["vlan_outer"], records["vlan_inner"]
        for vlan in np.unique(np.concatenate(vlans)).tolist():
            if vlan != NO_VLAN and len(self.vlans) < VLANS_MAX:
                self.vlans.add(vlan)
        taken_out = rows["vlan_tci"] != NO_VLAN
        tags = sum((column != NO_VLAN).astype(np.int64) for column in vlans) - taken_out
        header_bytes = np.where(rows["link"] == LINK_ETHERNET, ETHERNET_BYTES + TAG_BYTES * tags, 0)
        self.large += int(np.count_nonzero(rows["wire"] > self.mtu + header_bytes))
        is_tcp = (records["kind"] == KIND_FLOW) & (records["protocol"] == PROTOCOL_TCP)
        for row in np.flatnonzero(is_tcp & (records["tunnels"] == 0)).tolist():
            at, captured = int(rows["offset"][row]), int(rows["captured"][row])
            self._note_copy(bytes(frames.data[at : at + min(captured, COPY_BYTES)]),
                            int(rows["time_ns"][row]))  # fmt: skip
            self._note_sender(records[row])

    def _note_sender(self, packet: np.void) -> None:
        source, target = (
            (int(packet[f"{end}_hi"]), int(packet[f"{end}_lo"]), int(packet[f"{end}_port"]))
            for end in ("src", "dst")
        )
        flags = packet["tcp_flags"]
        # A SYN that nobody answers says nothing about the port; one side of a connection does.
        if flags & ACK and not flags & RST and source != target:
            pair = frozenset((source, target))
            if pair in self.conversations or len(self.conversations) < CONVERSATIONS_MAX:
                self.conversations.setdefault(pair, Counter())[source] += 1

    def _note_copy(self, frame: bytes, at_ns: int) -> None:
        before_ns = self._recent.get(frame)
        if before_ns is not None and at_ns - before_ns <= COPY_WINDOW_NS:
            self.copies += 1
        if len(self._recent) >= 4096:
            self._recent = {octets: when for octets, when in self._recent.items()
                            if at_ns - when <= COPY_WINDOW_NS}  # fmt: skip
            if len(self._recent) >= 4096:
                self._recent.clear()
        self._recent[frame] = at_ns

    @property
    def both_ways(self) -> int:
        """Connections of which both ends were heard."""
        return sum(len(heard) == 2 for heard in self.conversations.values())

    @property
    def one_way(self) -> int:
        """Connections of which one end only was heard, and often enough to call it that."""
        return sum(
            len(heard) == 1 and heard.total() >= FRAMES_OF_ONE_SIDE
            for heard in self.conversations.values()
        )


@dataclass(frozen=True, slots=True)
class TrafficSample:
    """The picture of one port."""

    seconds: float
    frames: int
    """As the kernel counted them."""
    traffic: Traffic


def sample_traffic(name: str, mtu: int, seconds: float, decode: Decode) -> TrafficSample:
    """Capture from an interface for a while. Errors: CaptureError, OSError."""
    from sensor.capture.live.af_packet import LiveCapture, LiveOptions  # noqa: PLC0415  Linux only

    traffic, packets = Traffic(mtu), PacketBatch()
    options = LiveOptions(limits=CaptureLimits(ring_bytes=RING_BYTES))
    with contextlib.closing(LiveCapture([name], options)) as capture:
        started_s, lasted_s = time.monotonic(), 0.0
        for frames in capture:
            decode(frames, packets)
            traffic.add(frames, packets)
            now_s = time.monotonic()
            if not lasted_s and (now_s - started_s >= seconds or traffic.frames >= FRAMES_MAX):
                lasted_s = now_s - started_s
                capture.stop()
    return TrafficSample(lasted_s, capture.status().kernel_packets, traffic)
