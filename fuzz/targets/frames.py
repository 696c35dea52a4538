"""The decoders: whatever the octets, one packet that is sound or a named anomaly.

The first two octets of an input choose the link type and how much longer the frame was on the wire;
the rest is the frame, or what stands behind the headers that the target puts in front.

- The frame is decoded twice: between other octets, and as the last of a window that is exactly as
  long as its content, so that a sanitizer sees a read beyond it.
- Both give the same packet, though the second overwrites a record full of other values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from sensor.config import Config, DecodeSettings
from sensor.decode import Decoder
from sensor.memory.records import NO_VLAN, TUNNELS_MAX
from sensor.model.anomalies import ANOMALIES
from sensor.model.frames import FrameBatch
from sensor.model.packets import KIND_ANOMALY, KIND_FLOW, KIND_NON_IP, PacketBatch
from sensor.model.tunnels import NAMES

ETHERNET, RAW, IPV4, IPV6 = 1, 101, 228, 229
OTHER_LINKS = (0, 12, 14, RAW, 108, 113, 147, IPV4, IPV6, 276)
WIRELESS = (105, 127)
PPP = (9, 50, 51)
VXLAN, GENEVE, GTP, TEREDO = 4789, 6081, 2152, 3544
MPLS, PPPOE = b"\x88\x47", b"\x88\x64"
LOST = (0, 0, 0, 1, 4, 40, 1500, 70_000)
NOISE = b"\xff" * 48
NOWHERE = 0xFFFF_FFFF
PACKET_MAX = 65_535
PATH = ("src_hi", "src_lo", "dst_hi", "dst_lo", "id", "type", "has_id")
"""What a record of a tunnel tells; the rest is the decoder's own."""

ANOMALY_TELLS = ("time_ns", "interface", "kind", "anomaly", "process")
BY_OTHERS = ("hash", "copy_mark", "datagram")
NETWORK = ("src_hi", "src_lo", "dst_hi", "dst_lo", "ip_id", "ttl", "payload_offset")

FRAME = struct.Struct("=qIIIHHHHH")
"""A frame record, as FRAME_LAYOUT has it."""
LOW, HIGH = struct.Struct("=H"), struct.Struct("=I")

Framed = tuple[int, bytes]


def bare(links: Sequence[int], choice: int, body: bytes) -> Framed:
    """The body is the frame."""
    return links[choice % len(links)], body


def in_ipv4(protocol: int, choice: int, body: bytes) -> Framed:
    """The body is what an IPv4 packet carries; the choice can be a link type, or a fragment."""
    fragment = 0x2000 if choice & 8 else 0
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(body), 7, fragment, 64, protocol, 0,
                       0xC0000201, 0xC6336402)
    return IPV4, head + body


def in_ipv6(protocol: int, choice: int, body: bytes) -> Framed:
    head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64)
    return IPV6, head + bytes(range(0x20, 0x40)) + body


def in_either(protocol: int, choice: int, body: bytes) -> Framed:
    return (in_ipv6 if choice & 1 else in_ipv4)(protocol, choice, body)


def in_udp(port: int, choice: int, body: bytes) -> Framed:
    """The body is what a UDP datagram to a port carries."""
    head = struct.pack("!HHHH", 0x8000 | choice << 4, port, 8 + len(body), 0)
    return in_either(17, choice, head + body)


def in_ethernet(ethertype: bytes, choice: int, body: bytes) -> Framed:
    """The body follows an EtherType."""
    return ETHERNET, bytes(12) + ethertype + body


def in_ip(choice: int, body: bytes) -> Framed:
    """The body is a packet in a packet, in each of the four ways."""
    return in_either(4 if choice & 2 else 41, choice, body)


LAYERS: dict[str, Callable[[int, bytes], Framed]] = {
    "ethernet": partial(bare, (ETHERNET,)),
    "links": partial(bare, OTHER_LINKS),
    "ipv4": partial(bare, (IPV4,)),
    "ipv6": partial(bare, (IPV6,)),
    "tcp": partial(in_either, 6),
    "udp": partial(in_either, 17),
    "icmp": partial(in_ipv4, 1),
    "icmpv6": partial(in_ipv6, 58),
    "wireless": partial(bare, WIRELESS),
    "ppp": partial(bare, PPP),
    "pppoe": partial(in_ethernet, PPPOE),
    "mpls": partial(in_ethernet, MPLS),
    "gre": partial(in_either, 47),
    "ip_in_ip": in_ip,
    "vxlan": partial(in_udp, VXLAN),
    "geneve": partial(in_udp, GENEVE),
    "gtp": partial(in_udp, GTP),
    "teredo": partial(in_udp, TEREDO),
    "vxlan_gpe": partial(in_udp, 4790),
    "l2tp": partial(in_udp, 1701),
    "capwap": partial(in_udp, 5247),
    "tzsp": partial(in_udp, 37008),
    "pktap": partial(bare, 258),
}


class Decoding:
    """One frame at a time, decoded where reads beyond it can be seen."""

    def __init__(self) -> None:
        self._decoder = Decoder(Config(decode=DecodeSettings(
            vxlan_ports=(VXLAN,), geneve_ports=(GENEVE,), gtp_ports=(GTP,),
            teredo_ports=(TEREDO,))), join=False)
        self._frames = FrameBatch(2)
        self._packets = PacketBatch(2)
        octets = self._packets.records.view("u1")
        size = octets.size // 2
        self._octets = memoryview(octets)
        self._first, self._second = self._octets[:size], self._octets[size:]
        self._stale = bytes(size) + b"\xa5" * size
        self._rows = memoryview(self._frames.records.view("u1"))
        self._told = [self._mask(told) for told in range(32)]
        offsets = self._packets.records.dtype.fields
        self._kind, self._anomaly, self._quoted, self._fragment = (
            offsets[name][1] for name in ("kind", "anomaly", "quoted", "fragment"))
        self._offset = offsets["payload_offset"][1]

    def _mask(self, told: int) -> int:
        """Which octets of a record have a meaning: by kind, with 8 for a quote, 16 for a fragment.
        """
        dtype = self._packets.records.dtype
        kind = told & 7
        absent = [start for bit, start in ((8, "quoted_"), (16, "fragment_"), (16, "extra_"))
                  if not told & bit]
        mask = bytearray(dtype.itemsize)
        for name, (_, offset, *_) in dtype.fields.items():
            if kind == KIND_ANOMALY:
                meant = name in ANOMALY_TELLS
            else:
                meant = (name not in BY_OTHERS
                         and not (name in NETWORK and kind == KIND_NON_IP)
                         and not any(name.startswith(start) for start in absent))
            if meant:
                length = dtype[name].itemsize
                mask[offset : offset + length] = b"\xff" * length
        return int.from_bytes(mask, "little")

    def decode(self, window: bytes, *places: tuple[int, int, int, int]) -> None:
        """Decode frames of a window: offset, captured, wire and link type of each."""
        frames = self._frames
        # A copy of its own, of exactly this length; `bytes` would have one octet more.
        frames.attach(np.frombuffer(window, np.uint8).copy())
        for row, (offset, captured, wire, link) in enumerate(places):
            FRAME.pack_into(self._rows, row * frames.records.dtype.itemsize,
                            1_000, offset, captured, wire, link, 3, NO_VLAN, 0, 0)
        frames.count = len(places)
        self._octets[:] = self._stale
        self._packets.tunnel_records.view("u1")[:] = 0x5A
        self._decoder.decode(frames, self._packets)

    def check(self, link: int, frame: bytes, lost: int) -> Any:
        """The packet of a frame. Errors: AssertionError."""
        size = len(frame)
        wire, first = size + lost, len(NOISE)
        second = first + size + len(NOISE)
        self.decode(b"".join((NOISE, frame, NOISE, frame)),
                    (first, size, wire, link), (second, size, wire, link))
        kind, code = self._first[self._kind], LOW.unpack_from(self._first, self._anomaly)[0]
        assert code < len(ANOMALIES)
        assert (code != 0) == (kind == KIND_ANOMALY)
        if kind == KIND_FLOW:
            row = self._packets.records[1]
            # What a first fragment carries goes on in other frames; a tunnel may be one.
            most = wire + (PACKET_MAX if row["fragment"] or row["tunnels"] else 0)
            assert row["payload_captured"] <= row["payload_bytes"] <= row["ip_bytes"] <= most
            if row["payload_captured"]:
                assert second <= row["payload_offset"]
                assert row["payload_offset"] + row["payload_captured"] <= second + size
        if kind != KIND_ANOMALY:
            self._check_path(int(self._packets.records["tunnels"][0]))
        if kind not in (KIND_ANOMALY, KIND_NON_IP):
            self._move(self._first, -first)
            self._move(self._second, -second)
        quoted, fragment = self._first[self._quoted] != 0, self._first[self._fragment] != 0
        told = self._told[kind | 8 * quoted | 16 * fragment]
        one, other = (int.from_bytes(each, "little") & told for each in (self._first, self._second))
        assert one == other, f"{self._packets.records[0]} is not {self._packets.records[1]}"
        return self._packets.records[0]

    def _check_path(self, depth: int) -> None:
        """Both frames came through the same tunnels. Errors: AssertionError."""
        assert depth <= TUNNELS_MAX
        paths = self._packets.tunnel_records[list(PATH)]
        first, second = paths[:depth], paths[TUNNELS_MAX : TUNNELS_MAX + depth]
        assert first.tolist() == second.tolist()
        assert all(0 < kind < len(NAMES) for kind in first["type"])

    def _move(self, record: memoryview, by: int) -> None:
        """Count a payload's offset from the start of its frame."""
        offset = HIGH.unpack_from(record, self._offset)[0]
        if offset != NOWHERE:
            HIGH.pack_into(record, self._offset, max(offset + by, 0))


def make(name: str) -> Callable[[bytes], None]:
    """The check of one decoder."""
    decoding, layer = Decoding(), LAYERS[name]

    def check(octets: bytes) -> None:
        if len(octets) < 2:
            return
        link, frame = layer(octets[0], octets[2:])
        decoding.check(link, frame, LOST[octets[1] % len(LOST)])

    return check
