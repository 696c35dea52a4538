"""IPv4 and IPv6 packets octet by octet, for headers that scapy would put right."""

from __future__ import annotations

import struct

RAW = 101

UDP = struct.pack("!HHHH", 40000, 23, 8, 0)

TCP = struct.pack("!HHIIBBHHH", 40000, 23, 1, 0, 0x50, 2, 1024, 0, 0)


def v4(payload: bytes, *,
       protocol: int = 17, fragment: int = 0, length: int | None = None,
       header: int = 0x45, options: bytes = b"") -> bytes:
    total = 20 + len(options) + len(payload) if length is None else length
    return struct.pack("!BBHHHBBHII", header, 0, total, 0xBEEF, fragment, 64, protocol, 0,
                       0xC0000201, 0xC6336402) + options + payload


def v6(payload: bytes, *, following: int = 17, length: int | None = None) -> bytes:
    total = len(payload) if length is None else length
    return (struct.pack("!IHBB", 0x60000000, total, following, 63)
            + bytes.fromhex("20010db8" + "0" * 23 + "1" + "20010db8" + "0" * 23 + "2") + payload)


def extension(following: int, words: int = 0) -> bytes:
    return bytes([following, words]) + bytes(6 + 8 * words)


def fragment(following: int, offset: int, more: int) -> bytes:
    return struct.pack("!BBHI", following, 0, offset << 3 | more, 1)
