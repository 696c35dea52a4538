"""A glance at a port: what kind of traffic comes by, for `sensor doctor`.

A plain packet socket is read for a moment; a part of the frames is enough, the kernel counts them
all. What is looked for are signs of how the port is fed: one direction only, copies, VLAN tags,
frames larger than a frame can be. Verdicts come from the real decoder, not from here.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field

from sensor.capture.diagnose.facts import SOL_PACKET, open_packet_socket, watch_all

# linux/if_packet.h, linux/if_ether.h
PACKET_STATISTICS, PACKET_AUXDATA = 6, 8
TP_STATUS_VLAN_VALID = 1 << 4
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
AUXDATA = struct.Struct("IIIHHHH")

ETHERNET_BYTES, TAG_BYTES = 14, 4
SNAP_BYTES = 2048
COPY_WINDOW_S = 0.010
"""Mirror ports make copies within microseconds to milliseconds; a retransmission takes longer."""
FRAMES_MAX = 200_000
"""Enough for a picture; the glance ends there."""
VLANS_MAX = 64
CONVERSATIONS_MAX = 50_000
FRAMES_OF_ONE_SIDE = 4
"""Nobody sends so many segments without an acknowledgement between them, but for bulk data."""
TCP, ACK, RST = 6, 0x10, 0x04
"""Protocol number and flags of TCP (RFC 9293 3.1)."""

Endpoint = tuple[bytes, int]

@dataclass(slots=True)
class Traffic:
    """What was seen, frame by frame."""

    mtu: int
    frames: int = 0
    large: int = 0
    """Larger than the interface's MTU allows: put together by an offload."""
    copies: int = 0
    """TCP frames that came a second time, octet for octet, within COPY_WINDOW_S."""
    vlans: set[int] = field(default_factory=set)
    conversations: dict[frozenset[Endpoint], Counter[Endpoint]] = field(default_factory=dict)
    """Established TCP connections, and how often each end of one was heard."""
    _recent: dict[bytes, float] = field(default_factory=dict)

    def add(self, frame: bytes, length: int, vlan: int | None, at_s: float) -> None:
        """Take in a frame: its first octets, its length, the tag that the kernel took out."""
        self.frames += 1
        if vlan is not None:
            self._add_vlan(vlan)
        at, kind = ETHERNET_BYTES, _be16(frame, 12)
        while kind in VLAN_TYPES and at + TAG_BYTES <= len(frame):
            self._add_vlan(_be16(frame, at) & 0xFFF)
            at, kind = at + TAG_BYTES, _be16(frame, at + 2)
        self.large += length - at > self.mtu
        ends = _tcp_ends(frame, at, kind)
        if ends is None:
            return
        self._note_copy(frame, at_s)
        source, target, flags = ends
        # A SYN that nobody answers says nothing about the port; one side of a connection does.
        if flags & ACK and not flags & RST and source != target:
            pair = frozenset((source, target))
            if pair in self.conversations or len(self.conversations) < CONVERSATIONS_MAX:
                self.conversations.setdefault(pair, Counter())[source] += 1

    def _add_vlan(self, vlan: int) -> None:
        if len(self.vlans) < VLANS_MAX:
            self.vlans.add(vlan)

    def _note_copy(self, frame: bytes, at_s: float) -> None:
        before_s = self._recent.get(frame)
        if before_s is not None and at_s - before_s <= COPY_WINDOW_S:
            self.copies += 1
        if len(self._recent) >= 4096:
            self._recent = {octets: when for octets, when in self._recent.items()
                            if at_s - when <= COPY_WINDOW_S}  # fmt: skip
            if len(self._recent) >= 4096:
                self._recent.clear()
        self._recent[frame] = at_s

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
class Glance:
    """The picture of one port."""

    seconds: float
    frames: int
    """As the kernel counted them."""
    traffic: Traffic

def glance(name: str, mtu: int, seconds: float) -> Glance:
    """Look at an interface for a while. Errors: OSError."""
    traffic = Traffic(mtu)
    with open_packet_socket() as packet:
        packet.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        packet.bind((name, ETH_P_ALL))
        with contextlib.suppress(OSError):  # said elsewhere
            watch_all(packet, name)
        started_s = now_s = time.monotonic()
        while now_s - started_s < seconds and traffic.frames < FRAMES_MAX:
            readable, _, _ = select.select([packet], [], [], started_s + seconds - now_s)
            now_s = time.monotonic()
            if readable and not _take(packet, traffic, now_s):
                break
        counted = packet.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
    frames = struct.unpack("II", counted)[0]
    return Glance(max(now_s - started_s, 1e-6), frames, traffic)

def _take(packet: socket.socket, traffic: Traffic, now_s: float) -> bool:
    """Take in one frame; False if the interface went away or down."""
    try:
        frame, ancillary, flags, address = packet.recvmsg(
            SNAP_BYTES, socket.CMSG_SPACE(AUXDATA.size), socket.MSG_DONTWAIT | socket.MSG_TRUNC
        )
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EINTR)
    length, vlan = len(frame), None
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA) and len(data) >= AUXDATA.size:
            status, length, _, _, _, tag, _ = AUXDATA.unpack_from(data)
            vlan = tag & 0xFFF if status & TP_STATUS_VLAN_VALID else None
    if not flags & socket.MSG_TRUNC:
        length = len(frame)
    outgoing_loopback = address[2] == socket.PACKET_OUTGOING and address[0] == "lo"
    if not outgoing_loopback:  # each packet is seen a second time there, arriving
        traffic.add(frame, length, vlan, now_s)
    return True

def _tcp_ends(frame: bytes, at: int, kind: int) -> tuple[Endpoint, Endpoint, int] | None:
    """Source, destination and flags of a TCP segment straight in IP; None for anything else."""
    if kind == ETH_P_IP and len(frame) >= at + 20 and frame[at] >> 4 == 4:
        source, target = frame[at + 12 : at + 16], frame[at + 16 : at + 20]
        protocol, segment = frame[at + 9], at + (frame[at] & 0xF) * 4
        if _be16(frame, at + 6) & 0x1FFF:
            return None  # a later fragment has no ports
    elif kind == ETH_P_IPV6 and len(frame) >= at + 40:
        source, target = frame[at + 8 : at + 24], frame[at + 24 : at + 40]
        protocol, segment = frame[at + 6], at + 40
    else:
        return None
    if protocol != TCP or len(frame) < segment + 14:
        return None
    ports = _be16(frame, segment), _be16(frame, segment + 2)
    return (source, ports[0]), (target, ports[1]), frame[segment + 13]

def _be16(octets: bytes, at: int) -> int:
    """Two octets as a number; 0 where they are missing."""
    return int.from_bytes(octets[at : at + 2], "big") if len(octets) >= at + 2 else 0
