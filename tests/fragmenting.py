"""Cuts IP packets into fragments, the way a router or an attacker does (RFC 791, RFC 8200 4.5)."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence

from tests.conversation import checksum

ETHERNET_BYTES = 14


def piece(octets: bytes, start: int, end: int, *, ip_id: int | None = None,
          last: bool | None = None, body: bytes | None = None) -> bytes:
    """The fragment with octets `start` to `end` of what the IP packet of a frame carries.

    `body` is what it says instead, `last` whether it ends the packet where that is a lie.
    """
    link, packet = octets[:ETHERNET_BYTES], octets[ETHERNET_BYTES:]
    header = 20 if packet[0] >> 4 == 4 else 40
    whole = packet[header:]
    is_last = end >= len(whole) if last is None else last
    part = whole[start:end] if body is None else body
    if header == 20:
        number = struct.unpack("!H", packet[4:6])[0] if ip_id is None else ip_id
        word = (0 if is_last else 0x2000) | start >> 3
        head = packet[:2] + struct.pack("!HHH", 20 + len(part), number, word) + packet[8:10]
        head += b"\0\0" + packet[12:20]
        return link + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + part
    number = 0xC0DE if ip_id is None else ip_id
    inner = struct.pack("!BBHI", packet[6], 0, start | (0 if is_last else 1), number)
    head = packet[:4] + struct.pack("!HB", 8 + len(part), 44) + packet[7:40]
    return link + head + inner + part


def fragments_of(octets: bytes, places: Sequence[int], ip_id: int | None = None) -> list[bytes]:
    """The IP packet of a frame, cut at these octets of what it carries, multiples of 8."""
    packet = octets[ETHERNET_BYTES:]
    size = len(packet) - (20 if packet[0] >> 4 == 4 else 40)
    edges = [0, *places, size]
    return [piece(octets, start, end, ip_id=ip_id) for start, end in itertools.pairwise(edges)]
