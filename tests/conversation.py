"""Conversations as frames, written so that a test reads like the conversation.

    talk = Talk()
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.ack(0.02)
    talk.server.data(0.03, b"login: ")
    run = play(talk)

Times are seconds after START. Each side keeps its own sequence numbers: a segment uses the next one
and acknowledges everything that the other side has sent, unless the call says otherwise. Frames are
built with `struct` alone, so that no reader of the sensor's is also the writer of its tests.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from typing import Any

from sensor.config import FlowLimits
from tests.memory_capture import MemoryCapture
from tests.running import Run, run_capture

START_NS = 1_767_323_045_000_000_000
"""2026-01-02 03:04:05 UTC."""
SECOND_NS = 1_000_000_000
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MASK32 = 0xFFFF_FFFF
Frames = list[tuple[int, bytes]]

ROOMY = FlowLimits(flows_max=4_096, fragments_max=1_024)
"""Room for any conversations; that of a sensor takes longer to be made than most take to play."""

CLIENT_MAC = bytes.fromhex("02000000000a")
SERVER_MAC = bytes.fromhex("02000000000b")
ADDRESSES = {4: ("192.0.2.10", "198.51.100.7"), 6: ("2001:db8:1::10", "2001:db8:2::7")}


def time_ns(at: float) -> int:
    return START_NS + round(at * SECOND_NS)


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = octets + b"\0" * (len(octets) & 1)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def pseudo_header(src: bytes, dst: bytes, protocol: int, length: int) -> bytes:
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, protocol, length)
    return src + dst + struct.pack("!IHBB", length, 0, 0, protocol)


def ip_packet(src: bytes, dst: bytes, protocol: int, body: bytes, ip_id: int = 0) -> bytes:
    if len(src) == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ip_id, 0x4000, 64, protocol, 0)
        head += src + dst
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        return head + body
    return struct.pack("!IHBB", 0x6000_0000, len(body), protocol, 64) + src + dst + body


def with_checksum(src: bytes, dst: bytes, protocol: int, body: bytes, at: int) -> bytes:
    """`body` with its checksum, over the pseudo header, filled in at offset `at`."""
    pseudo = b"" if protocol == 1 else pseudo_header(src, dst, protocol, len(body))
    return body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2 :]


def ethernet(src: bytes, dst: bytes, packet: bytes, vlan: int | None = None) -> bytes:
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return dst + src + tag + struct.pack("!H", kind) + packet


class Talk:
    """One conversation between two ports: `client` and `server` speak, `frames` collects."""

    def __init__(
        self,
        version: int = 4,
        *,
        addresses: tuple[str, str] | None = None,
        ports: tuple[int, int] = (40_000, 23),
        isns: tuple[int, int] = (1_000, 5_000_000),
        vlan: int | None = None,
    ) -> None:
        self.version = version
        self.frames: Frames = []
        self.vlan = vlan
        self.ip_id = 0
        client, server = addresses or ADDRESSES[version]
        self.client = Side(self, client, ports[0], isns[0], CLIENT_MAC)
        self.server = Side(self, server, ports[1], isns[1], SERVER_MAC)
        self.client.peer, self.server.peer = self.server, self.client

    def next_id(self) -> int:
        self.ip_id += 1
        return self.ip_id

    def handshake(self, at: float = 0.0) -> None:
        self.client.syn(at)
        self.server.synack(at + 0.01)
        self.client.ack(at + 0.02)

    def close(self, at: float) -> None:
        """The client closes, the server agrees."""
        self.client.fin(at)
        self.server.fin(at + 0.01)
        self.client.ack(at + 0.02)

    def again(self, which: int = -1, *, at: float, ttl: int | None = None) -> None:
        """The same frame a second time, as a mirror port shows it; IPv4 may differ in its TTL."""
        octets = self.frames[which][1]
        if ttl is not None:
            octets = octets[:22] + bytes([ttl]) + octets[23:]
        self.frames.append((time_ns(at), octets))


class Side:
    """One end of a conversation."""

    peer: Side

    def __init__(self, talk: Talk, address: str, port: int, isn: int, mac: bytes) -> None:
        self.talk = talk
        self.address = packed(address)
        self.port = port
        self.isn = self.next = isn
        self.mac = mac
        self.window = 60_000

    def segment(
        self,
        at: float,
        flags: int,
        payload: bytes = b"",
        *,
        seq: int | None = None,
        ack: int | None = None,
        lost: bool = False,
    ) -> None:
        """One TCP segment; `lost`: sent, but not captured."""
        first = self.next if seq is None else seq & MASK32
        taken = self.peer.next if ack is None else ack & MASK32
        if not flags & ACK:
            taken = 0
        after = (first + len(payload) + bool(flags & SYN) + bool(flags & FIN)) & MASK32
        if seq is None:
            self.next = after
        head = struct.pack(
            "!HHIIBBHHH", self.port, self.peer.port, first, taken, 0x50, flags, self.window, 0, 0
        )
        if not lost:
            self._send(at, 6, with_checksum(*self._ends(), 6, head + payload, 16))

    def _ends(self) -> tuple[bytes, bytes]:
        return self.address, self.peer.address

    def _send(self, at: float, protocol: int, body: bytes) -> None:
        packet = ip_packet(*self._ends(), protocol, body, self.talk.next_id())
        frame = ethernet(self.mac, self.peer.mac, packet, self.talk.vlan)
        self.talk.frames.append((time_ns(at), frame))

    def syn(self, at: float, payload: bytes = b"", *, isn: int | None = None) -> None:
        """The first SYN, a SYN with another number (`isn`), or the same SYN again."""
        if isn is not None:
            self.isn = self.next = isn
        fresh = self.next == self.isn
        self.segment(at, SYN, payload, seq=None if fresh else self.isn)

    def synack(self, at: float, *, ack: int | None = None, lost: bool = False) -> None:
        fresh = self.next == self.isn
        self.segment(at, SYN | ACK, seq=None if fresh else self.isn, ack=ack, lost=lost)

    def ack(self, at: float, *, ack: int | None = None, seq: int | None = None) -> None:
        self.segment(at, ACK, seq=seq, ack=ack)

    def data(
        self, at: float, payload: bytes = b"data", *, seq: int | None = None, lost: bool = False
    ) -> None:
        self.segment(at, PSH | ACK, payload, seq=seq, lost=lost)

    def fin(self, at: float) -> None:
        self.segment(at, FIN | ACK)

    def rst(self, at: float, *, seq: int | None = None) -> None:
        self.segment(at, RST | ACK, seq=seq)

    def udp(self, at: float, payload: bytes = b"data") -> None:
        body = struct.pack("!HHHH", self.port, self.peer.port, 8 + len(payload), 0) + payload
        self._send(at, 17, with_checksum(*self._ends(), 17, body, 6))

    def echo(self, at: float, kind: int, identifier: int, sequence: int = 1) -> None:
        """An ICMP echo message; `kind` 8 and 0 over IPv4, 128 and 129 over IPv6."""
        protocol = 1 if self.talk.version == 4 else 58
        body = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence) + b"ping"
        self._send(at, protocol, with_checksum(*self._ends(), protocol, body, 2))

    def other(self, at: float, protocol: int, payload: bytes = b"data") -> None:
        """A packet of a transport without ports."""
        self._send(at, protocol, payload)

    def unreachable(
        self, at: float, kind: int, code: int, quote: bytes, *, sender: str | None = None
    ) -> None:
        """An ICMP error about `quote`, an IP packet of the peer's, from here or from a router."""
        protocol = 1 if self.talk.version == 4 else 58
        src = self.address if sender is None else packed(sender)
        limit = 28 if protocol == 1 else 1232  # RFC 792: header and 8 octets
        body = struct.pack("!BBHI", kind, code, 0, 0) + quote[:limit]
        body = with_checksum(src, self.peer.address, protocol, body, 2)
        packet = ip_packet(src, self.peer.address, protocol, body, self.talk.next_id())
        self.talk.frames.append(
            (time_ns(at), ethernet(self.mac, self.peer.mac, packet, self.talk.vlan))
        )

    def sent(self, which: int = -1) -> bytes:
        """The IP packet of a frame that was captured, for a quote."""
        octets = self.talk.frames[which][1]
        return octets[14:] if self.talk.vlan is None else octets[18:]


def merged(*talks: Talk | Frames) -> Frames:
    """The frames of several conversations in order of time."""
    frames: Frames = []
    for talk in talks:
        frames += talk.frames if isinstance(talk, Talk) else talk
    return sorted(frames, key=lambda frame: frame[0])


def play(*talks: Talk | Frames, batch: int | Iterable[int] = 512, **options: Any) -> Run:
    """What the sensor makes of these conversations; frames of one go in as they were written."""
    if len(talks) == 1:
        frames = talks[0].frames if isinstance(talks[0], Talk) else talks[0]
    else:
        frames = merged(*talks)
    sizes = batch if isinstance(batch, int) else list(batch)
    options.setdefault("limits", ROOMY)
    return run_capture(MemoryCapture(frames, batch_frames=sizes), **options)


def said(document: dict[str, Any]) -> tuple[str, str, float]:
    """Verdict, evidence and confidence of a flow event."""
    flow = document["sensor"]["flow"]
    return flow["verdict"], flow["evidence"], flow["confidence"]


def verdicts(run: Run) -> list[tuple[str, str, float]]:
    """What was said of each flow at its end, in the order of the ends."""
    return [said(record) for record in run.records]


def tags(document: dict[str, Any]) -> list[str]:
    found: list[str] = document["sensor"]["flow"].get("tags", [])
    return found


def ends(document: dict[str, Any]) -> tuple[str, int, str, int]:
    """Who opened the flow, to whom."""
    source, destination = document["source"], document["destination"]
    return source["ip"], source.get("port", 0), destination["ip"], destination.get("port", 0)
