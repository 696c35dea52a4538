"""A hash of a packet's captured payload: what tells it from others where its headers do not."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

if not cython.compiled:
    from sensor.memory.loads import Octets, be64, u8
    from sensor.memory.records import Packet

MASK64 = 0xFFFF_FFFF_FFFF_FFFF
PRIME = 0x9E37_79B9_7F4A_7C15


def payload_hash(octets: Octets, packet: Packet, seed: int) -> int:
    """64 bits that depend on every octet; 0: no payload was captured.

    Four words at a time, each into a number of its own: multiplications that need not wait for one
    another.
    """
    at = packet.payload_offset
    end = at + packet.payload_captured
    if at == end:
        return 0
    first = second = third = seed
    fourth = seed ^ packet.payload_captured
    while end - at >= 32:
        first = _mixed(first, be64(octets, at))
        second = _mixed(second, be64(octets, at + 8))
        third = _mixed(third, be64(octets, at + 16))
        fourth = _mixed(fourth, be64(octets, at + 24))
        at += 32
    while end - at >= 8:
        first = _mixed(first, be64(octets, at))
        at += 8
    while at < end:
        second = _mixed(second, u8(octets, at))
        at += 1
    return _mixed(_mixed(_mixed(first, second), third), fourth) | 1


def _mixed(number: int, word: int) -> int:
    number = ((number ^ word) * PRIME) & MASK64
    return number ^ (number >> 32)
