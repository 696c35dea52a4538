"""Hosts that talk: TCP conversations as Linux sends them, datagrams, and errors that quote them.

Everything is fixed by the name of the capture: a generator seeded with it draws the initial
sequence numbers, IPv4 ids and delays, so that every run writes the same octets.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from formats import ETHERNET, RAW, SLL2, Frame
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

START_NS = 1_767_323_045_678_901_000
"""2026-01-02T03:04:05.678901Z."""
MS = 1_000_000
SECOND = 1_000_000_000
ORIG, RESP = 0, 1


@dataclass(frozen=True)
class Host:
    """A station: the MAC address, the addresses and the TTL that its packets are seen with."""

    mac: str
    v4: str
    v6: str = "fe80::1"
    ttl: int = 64


@dataclass
class Traffic:
    """The frames of one capture, and how they are framed."""

    name: str
    link: int = ETHERNET
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seed the capture's own generator."""
        self.random = random.Random(self.name)

    def add(self, time_ns: int, octets: bytes, interface: int = 0) -> None:
        """Record one frame as it is."""
        self.frames.append(Frame(START_NS + time_ns, octets, interface))

    def add_packet(
        self, time_ns: int, ends: tuple[Host, Host], packet: Packet, tags: Tags | None = None
    ) -> None:
        """Record an IP packet from one host to another in the capture's link layer."""
        tags = tags or Tags()
        src, dst = ends
        if self.link == RAW:
            octets = bytes(packet)
        elif self.link == SLL2:
            octets = _sll2(src, packet)
        else:
            octets = bytes(tags.wrap(Ether(src=src.mac, dst=dst.mac), packet))
        self.add(time_ns, octets, tags.interface)

    def in_order(self) -> list[Frame]:
        """The frames sorted by time."""
        return sorted(self.frames, key=lambda frame: frame.time_ns)


@dataclass(frozen=True)
class Tags:
    """Where a frame was seen: its VLAN tags, the outer one first, and the interface."""

    vlans: tuple[int, ...] = ()
    interface: int = 0

    def wrap(self, ether: Packet, packet: Packet) -> Packet:
        """The packet behind the Ethernet header and the tags; two tags are 802.1ad's."""
        for depth, vlan in enumerate(self.vlans):
            outer = depth == 0 and len(self.vlans) > 1
            ether = ether / (Dot1AD(vlan=vlan) if outer else Dot1Q(vlan=vlan))
        return ether / packet


def _sll2(src: Host, packet: Packet) -> bytes:
    ethertype = 0x86DD if isinstance(packet, IPv6) else 0x0800
    mac = bytes.fromhex(src.mac.replace(":", ""))
    head = ethertype.to_bytes(2, "big") + bytes(2) + (2).to_bytes(4, "big") + (1).to_bytes(2, "big")
    return head + bytes([0, 6]) + mac + bytes(2) + bytes(packet)


def ip_packet(src: Host, dst: Host, v6: bool, ip_id: int) -> Packet:
    """An IP header between two hosts, as Linux sets it."""
    if v6:
        return IPv6(src=src.v6, dst=dst.v6, hlim=src.ttl)
    return IP(src=src.v4, dst=dst.v4, ttl=src.ttl, id=ip_id & 0xFFFF, flags="DF")


@dataclass(frozen=True)
class Path:
    """How two hosts are seen: IP version, tags, time for one way, and whose packets are seen."""

    v6: bool = False
    tags: Tags = field(default_factory=Tags)
    one_way_ns: int = MS // 4
    seen: tuple[int, ...] = (ORIG, RESP)


class Conversation:
    """One TCP connection, sent segment by segment; `now` is its clock in ns after START_NS."""

    def __init__(
        self, traffic: Traffic, ends: tuple[Host, Host], ports: tuple[int, int], at: float,
        path: Path | None = None,
    ) -> None:
        """Prepare the connection of `ends` (client, server) at `at` seconds."""
        self.traffic, self.ends, self.ports, self.path = traffic, ends, ports, path or Path()
        self.now = int(at * SECOND)
        draw = traffic.random.randrange
        self.next_seq = [draw(1 << 32), draw(1 << 32)]
        self.isn = list(self.next_seq)
        self.ip_id = [draw(1 << 16), draw(1 << 16)]
        self.clock_ms = [draw(1 << 30), draw(1 << 30)]
        self.window = [502, 509]
        self.silent: int | None = None  # the side that owes an acknowledgement

    # -- single segments

    def wait(self, ms: float) -> None:
        """Let time pass, with a little jitter."""
        self.now += int(ms * MS * (0.9 + 0.2 * self.traffic.random.random())) // 1000 * 1000

    def segment(  # noqa: PLR0913 - a segment has that many fields worth bending
        self, side: int, flags: str, payload: bytes = b"", *, seq: int | None = None,
        ack: int | None = None, options: list[tuple[str, object]] | None = None,
        window: int | None = None,
    ) -> Packet:
        """Send one segment; numbers that are not given are the next in order."""
        if seq is None:
            seq = self.next_seq[side]
            used = len(payload) + ("S" in flags) + ("F" in flags)
            self.next_seq[side] = (seq + used) & 0xFFFFFFFF
        if ack is None:
            ack = self.next_seq[1 - side] if "A" in flags else 0
        src, dst = self.ends[side], self.ends[1 - side]
        self.ip_id[side] += 1
        tcp = TCP(
            sport=self.ports[side], dport=self.ports[1 - side], seq=seq, ack=ack, flags=flags,
            window=self.window[side] if window is None else window,
            options=self.stamps(side) if options is None else options,
        )
        packet = ip_packet(src, dst, self.path.v6, self.ip_id[side]) / tcp
        if payload:
            packet = packet / Raw(payload)
        if side in self.path.seen:
            self.traffic.add_packet(self.now, (src, dst), packet, self.path.tags)
        self.now += self.path.one_way_ns
        return packet

    def stamps(self, side: int) -> list[tuple[str, object]]:
        """The timestamps option of every segment that is no SYN (RFC 7323 3.2)."""
        now_ms = self.now // MS
        mine, peer = self.clock_ms[side] + now_ms, self.clock_ms[1 - side] + now_ms
        return [("NOP", None), ("NOP", None), ("Timestamp", (mine, peer))]

    def syn_options(self, side: int) -> list[tuple[str, object]]:
        """MSS, SACK, timestamps and window scale, in Linux's order."""
        echo = 0 if side == ORIG else self.clock_ms[ORIG] + self.now // MS
        return [
            ("MSS", 1440 if self.path.v6 else 1460), ("SAckOK", b""),
            ("Timestamp", (self.clock_ms[side] + self.now // MS, echo)), ("NOP", None),
            ("WScale", 7),
        ]

    def syn(self, seq: int | None = None) -> Packet:
        """The client's SYN; with `seq`, a repetition."""
        return self.segment(ORIG, "S", seq=seq, options=self.syn_options(ORIG), window=64_240)

    def syn_ack(self, seq: int | None = None) -> Packet:
        """The server's SYN-ACK; with `seq`, a repetition."""
        return self.segment(RESP, "SA", seq=seq, options=self.syn_options(RESP), window=65_160)

    def refuse(self) -> None:
        """The server's answer where no one listens: no options, no window (RFC 9293 3.10.7.1)."""
        self.segment(RESP, "RA", seq=0, options=[], window=0)

    def reset(self, side: int, flags: str = "RA") -> None:
        """Abort the connection."""
        options: list[tuple[str, object]] | None = [] if flags == "R" else None
        ack = 0 if flags == "R" else None
        self.segment(side, flags, options=options, ack=ack, window=0)

    # -- whole phases

    def open(self) -> Conversation:
        """The three-way handshake."""
        self.syn()
        self.syn_ack()
        self.segment(ORIG, "A")
        return self

    def repeat_syn(self, seconds: tuple[float, ...] = (1, 2, 4, 8)) -> Conversation:
        """Repeat the SYN after these pauses, as nobody answers."""
        for pause in seconds:
            self.now += int(pause * SECOND) - self.path.one_way_ns
            self.syn(seq=self.isn[ORIG])
        return self

    def say(self, side: int, payload: bytes, after_ms: float = 1.0) -> None:
        """Send data; what the same side sent before is acknowledged first."""
        if self.silent == 1 - side:
            self.acknowledge()
        self.wait(after_ms)
        self.segment(side, "PA", payload)
        self.silent = 1 - side

    def acknowledge(self, after_ms: float = 4.0) -> None:
        """The side that owes an acknowledgement sends it bare."""
        if self.silent is not None:
            side, self.silent = self.silent, None
            self.wait(after_ms)
            self.segment(side, "A")

    def close(self, side: int, after_ms: float = 2.0) -> None:
        """`side` closes, the other follows."""
        self.acknowledge()
        self.wait(after_ms)
        self.segment(side, "FA")
        self.segment(1 - side, "FA")
        self.segment(side, "A")


def unreachable(
    conversation: Conversation, quoted: Packet, reporter: Host, code: int, quote_bytes: int = 548
) -> None:
    """A host reports that it could not deliver the quoted packet of the client."""
    client, v6 = conversation.ends[ORIG], conversation.path.v6
    quote = bytes(quoted)[:quote_bytes]
    head = ip_packet(reporter, client, v6, conversation.traffic.random.randrange(1 << 16))
    error = ICMPv6DestUnreach(code=code) if v6 else ICMP(type=3, code=code)
    packet = head / error / Raw(quote)
    conversation.traffic.add_packet(
        conversation.now, (reporter, client), packet, conversation.path.tags
    )


@dataclass(frozen=True)
class Datagrams:
    """A UDP exchange between two hosts."""

    traffic: Traffic
    ends: tuple[Host, Host]
    ports: tuple[int, int]
    path: Path = field(default_factory=Path)

    def send(self, at: float, side: int, payload: bytes) -> Packet:
        """Send one datagram at `at` seconds."""
        src, dst = self.ends[side], self.ends[1 - side]
        udp = UDP(sport=self.ports[side], dport=self.ports[1 - side])
        ip_id = self.traffic.random.randrange(1 << 16)
        packet = ip_packet(src, dst, self.path.v6, ip_id) / udp / Raw(payload)
        self.traffic.add_packet(int(at * SECOND), (src, dst), packet, self.path.tags)
        return packet
