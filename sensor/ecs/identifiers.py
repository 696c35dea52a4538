"""Names that a flow has because of what it is: Community ID, flow id, event id.

None of them depends on how a capture is read: not on row order, not on flow numbers, not on files.

Source: Community ID v1, github.com/corelight/community-id-spec; SHA-1, RFC 3174.
"""

from __future__ import annotations

try:
    import cython  # type: ignore[import-untyped]
except ImportError:
    from sensor.base import cython_stub as cython

import numpy as np
from numpy.typing import NDArray

from sensor.memory.loads import Buffer
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.flow import FLOW_ENDED

if not cython.compiled:
    from sensor.ecs.text import put_hex
    from sensor.memory.buffers import load64, put_octets, room_of
    from sensor.memory.loads import be32, le16, le32, octets_of, u8

COMMUNITY_ROOM = 30
FLOW_ID_ROOM = 32
EVENT_ID_ROOM = 32

_FLOW = FLOW_LAYOUT.dtype
ROW_BYTES = _FLOW.itemsize


def offset_of(member: str) -> int:
    """Where a member stands in a flow record."""
    return int(_FLOW.fields[member][1])  # type: ignore[index]


AT_ORIG_HI = offset_of("orig_hi")
AT_ORIG_LO = offset_of("orig_lo")
AT_RESP_HI = offset_of("resp_hi")
AT_RESP_LO = offset_of("resp_lo")
AT_ORIG_PORT = offset_of("orig_port")
AT_RESP_PORT = offset_of("resp_port")
AT_TENANT = offset_of("tenant")
AT_FIRST_NS = offset_of("first_ns")
AT_LAST_NS = offset_of("last_ns")
AT_DECIDED_NS = offset_of("decided_ns")
AT_FIRST_SEQ = offset_of("first_seq")
AT_PROTOCOL = offset_of("protocol")
AT_IP_VERSION = offset_of("ip_version")
AT_ACTION = offset_of("action")

MASK64 = 0xFFFF_FFFF_FFFF_FFFF

BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

if not cython.compiled:
    # SHA-1: the initial state and the constants of its four times twenty rounds. In C they are
    # constants of the compiler (ecs/identifiers.pxd), which halves the time of a digest.
    MASK32 = 0xFFFF_FFFF
    START_A, START_B, START_C = 0x67452301, 0xEFCDAB89, 0x98BADCFE
    START_D, START_E = 0x10325476, 0xC3D2E1F0
    ROUND_0, ROUND_20, ROUND_40, ROUND_60 = 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6
    # The same numbers as COMMUNITY and so on, which interpreted code asks for.
    AS_COMMUNITY_TEXT, AS_FLOW_TEXT, AS_EVENT_TEXT = range(3)
    AS_COMMUNITY_OCTETS, AS_FLOW_OCTETS = 3, 4

# Odd multipliers of the flow id's mixing: the golden ratio and two primes near random numbers.
FACTOR_0 = 0x9E37_79B9_7F4A_7C15
FACTOR_1 = 0xD6E8_FEB8_6659_FD93
SEED_0 = 0x243F_6A88_85A3_08D3  # the fraction of pi
SEED_1 = 0x1319_8A2E_0370_7344


class Scratch:
    """Room for one SHA-1 block and its schedule, and for the two halves of a flow id."""

    def __init__(self) -> None:
        if not cython.compiled:
            self.block = bytearray(64)
            self.words = [0] * 80
            self.id_0 = 0
            self.id_1 = 0


def event_time(octets: Buffer, row: int) -> int:
    """`@timestamp`: of a decision the packet that decided it, of a record the last packet."""
    if u8(octets, row + AT_ACTION) >= FLOW_ENDED:  # codes from there on are records
        return signed64(octets, row + AT_LAST_NS)
    return signed64(octets, row + AT_DECIDED_NS)


def signed64(octets: Buffer, at: int) -> int:
    """A signed 64-bit member of a record."""
    value = load64(octets, at)
    if not cython.compiled and value >> 63:
        return value - (1 << 64)
    return value


def mirrored(protocol: int, icmp_type: int) -> bool:
    """True if an ICMP type has a counter-type, so that both directions are one flow.

    Community ID pairs requests and replies; every other type is a message in one direction.
    """
    if protocol == 1:
        return icmp_type == 0 or 8 <= icmp_type <= 10 or 13 <= icmp_type <= 18
    return (
        128 <= icmp_type <= 131 or 133 <= icmp_type <= 136 or 139 <= icmp_type <= 140
        or 144 <= icmp_type <= 145
    )


def in_order(octets: Buffer, row: int, protocol: int) -> bool:
    """True if Community ID puts the originator's address first."""
    orig_hi = load64(octets, row + AT_ORIG_HI)
    resp_hi = load64(octets, row + AT_RESP_HI)
    orig_lo = load64(octets, row + AT_ORIG_LO)
    resp_lo = load64(octets, row + AT_RESP_LO)
    orig_port = le16(octets, row + AT_ORIG_PORT)
    resp_port = le16(octets, row + AT_RESP_PORT)
    if protocol in (1, 58) and not mirrored(protocol, orig_port):
        return True
    if orig_hi != resp_hi:
        return orig_hi < resp_hi
    if orig_lo != resp_lo:
        return orig_lo < resp_lo
    return orig_port < resp_port


def put_big(block: bytearray, at: int, value: int, count: int) -> int:
    """The low `count` octets of `value`, most significant first."""
    for index in range(count):
        block[at + index] = value >> (8 * (count - 1 - index)) & 0xFF
    return at + count


def put_endpoint(block: bytearray, at: int, octets: Buffer, row: int, version: int) -> int:
    """One address, 4 or 16 octets; `row` is where its upper half stands."""
    if version == 4:
        return put_big(block, at, load64(octets, row + 8), 4)
    at = put_big(block, at, load64(octets, row), 8)
    return put_big(block, at, load64(octets, row + 8), 8)


def fill_block(scratch: Scratch, octets: Buffer, row: int) -> None:
    """What Community ID hashes, as the one padded SHA-1 block into which it always fits."""
    protocol = u8(octets, row + AT_PROTOCOL)
    version = u8(octets, row + AT_IP_VERSION)
    ordered = in_order(octets, row, protocol)
    block = scratch.block
    at = put_big(block, 0, 0, 2)  # the seed
    at = put_endpoint(block, at, octets, row + (AT_ORIG_HI if ordered else AT_RESP_HI), version)
    at = put_endpoint(block, at, octets, row + (AT_RESP_HI if ordered else AT_ORIG_HI), version)
    block[at] = protocol
    block[at + 1] = 0
    at += 2
    if protocol in (1, 6, 17, 58, 132):
        orig_port = le16(octets, row + AT_ORIG_PORT)
        resp_port = le16(octets, row + AT_RESP_PORT)
        at = put_big(block, at, orig_port if ordered else resp_port, 2)
        at = put_big(block, at, resp_port if ordered else orig_port, 2)
    block[at] = 0x80
    for index in range(at + 1, 62):
        block[index] = 0
    put_big(block, 62, 8 * at, 2)  # the length in bits; the rest of its eight octets is zero


def rotated(value: int, count: int) -> int:
    """A 32-bit number turned left."""
    return (value << count | value >> (32 - count)) & MASK32


def digest(scratch: Scratch) -> None:
    """SHA-1 of the block: replaces its first 20 octets."""
    words = scratch.words
    block = scratch.block
    a, b, c, d, e = START_A, START_B, START_C, START_D, START_E
    # Loops without a choice in them, which compilers unroll; a word of the schedule is made while
    # the processor waits for the round before.
    for index in range(16):
        words[index] = be32(block, 4 * index)
        mixed = ((d ^ b & (c ^ d)) + ROUND_0 + rotated(a, 5) + e + words[index]) & MASK32
        a, b, c, d, e = mixed, a, rotated(b, 30), c, d
    for index in range(16, 20):
        words[index] = rotated(
            words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
        mixed = ((d ^ b & (c ^ d)) + ROUND_0 + rotated(a, 5) + e + words[index]) & MASK32
        a, b, c, d, e = mixed, a, rotated(b, 30), c, d
    for index in range(20, 40):
        words[index] = rotated(
            words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
        mixed = ((b ^ c ^ d) + ROUND_20 + rotated(a, 5) + e + words[index]) & MASK32
        a, b, c, d, e = mixed, a, rotated(b, 30), c, d
    for index in range(40, 60):
        words[index] = rotated(
            words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
        mixed = ((b & c | d & (b | c)) + ROUND_40 + rotated(a, 5) + e + words[index]) & MASK32
        a, b, c, d, e = mixed, a, rotated(b, 30), c, d
    for index in range(60, 80):
        words[index] = rotated(
            words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
        mixed = ((b ^ c ^ d) + ROUND_60 + rotated(a, 5) + e + words[index]) & MASK32
        a, b, c, d, e = mixed, a, rotated(b, 30), c, d
    put_big(block, 0, (a + START_A) & MASK32, 4)
    put_big(block, 4, (b + START_B) & MASK32, 4)
    put_big(block, 8, (c + START_C) & MASK32, 4)
    put_big(block, 12, (d + START_D) & MASK32, 4)
    put_big(block, 16, (e + START_E) & MASK32, 4)


def put_community(out: bytearray, at: int, scratch: Scratch, octets: Buffer, row: int) -> int:
    """Community ID v1, seed 0: `1:` and the SHA-1 in base64, 30 characters."""
    fill_block(scratch, octets, row)
    digest(scratch)
    block = scratch.block
    block[20] = 0
    out[at] = 49
    out[at + 1] = 58
    at += 2
    for index in range(0, 21, 3):
        three = block[index] << 16 | block[index + 1] << 8 | block[index + 2]
        out[at] = BASE64[three >> 18]
        out[at + 1] = BASE64[three >> 12 & 63]
        out[at + 2] = BASE64[three >> 6 & 63]
        out[at + 3] = BASE64[three & 63]
        at += 4
    out[at - 1] = 61
    return at


def mix(state: int, value: int, factor: int) -> int:
    """Fold one number into one half of an id."""
    state = ((state ^ value) * factor) & MASK64
    state = state ^ state >> 29
    state = (state * FACTOR_0) & MASK64
    return state ^ state >> 32


def name_flow(scratch: Scratch, octets: Buffer, row: int) -> None:
    """The two halves of a flow's id: its key, and time and sequence number of its first packet.

    The sequence number (ICMP: the identifier) tells flows apart whose times are equal. Nothing
    here changes while the flow lives, so that all its documents have the same id.
    """
    key = le16(octets, row + AT_ORIG_PORT) << 16 | le16(octets, row + AT_RESP_PORT)
    kind = u8(octets, row + AT_PROTOCOL) << 8 | u8(octets, row + AT_IP_VERSION)
    first_seq = le32(octets, row + AT_FIRST_SEQ)
    first = load64(octets, row + AT_FIRST_NS)
    state_0 = mix(SEED_0, first, FACTOR_1)
    state_1 = mix(SEED_1, first, FACTOR_0)
    for member in range(4):
        value = load64(octets, row + AT_ORIG_HI + 8 * member)
        state_0 = mix(state_0, value, FACTOR_1)
        state_1 = mix(state_1, value, FACTOR_0)
    tenant = le32(octets, row + AT_TENANT)
    state_0 = mix(mix(mix(mix(state_0, key, FACTOR_1), kind, FACTOR_1), first_seq, FACTOR_1),
                  tenant, FACTOR_1)
    state_1 = mix(mix(mix(mix(state_1, key, FACTOR_0), kind, FACTOR_0), first_seq, FACTOR_0),
                  tenant, FACTOR_0)
    scratch.id_0 = state_0
    scratch.id_1 = state_1


def put_flow_id(out: bytearray, at: int, scratch: Scratch) -> int:
    """The id of the flow that was named last, 32 hexadecimal digits."""
    return put_hex(out, put_hex(out, at, scratch.id_0), scratch.id_1)


def event_half(state: int, octets: Buffer, row: int, factor: int) -> int:
    """One half of an event's id, from the same half of its flow's: of flow, action and time."""
    time = event_time(octets, row) & MASK64
    action = u8(octets, row + AT_ACTION) + 1
    return mix(mix(state, time, factor), action, factor)


def put_event_id(out: bytearray, at: int, scratch: Scratch, octets: Buffer, row: int) -> int:
    """The id of the event, whose flow was named last."""
    at = put_hex(out, at, event_half(scratch.id_0, octets, row, FACTOR_1))
    return put_hex(out, at, event_half(scratch.id_1, octets, row, FACTOR_0))


def put_identifier(
    out: bytearray, at: int, scratch: Scratch, octets: Buffer, row: int, which: int
) -> int:
    """One of the identifiers below, of one record."""
    if which in (AS_COMMUNITY_TEXT, AS_COMMUNITY_OCTETS):
        if which == AS_COMMUNITY_TEXT:
            return put_community(out, at, scratch, octets, row)
        fill_block(scratch, octets, row)
        digest(scratch)
        put_octets(out, at, scratch.block, 0, 20)
        return at + 20
    name_flow(scratch, octets, row)
    if which == AS_FLOW_TEXT:
        return put_flow_id(out, at, scratch)
    if which == AS_EVENT_TEXT:
        return put_event_id(out, at, scratch, octets, row)
    if which == AS_FLOW_OCTETS:
        return put_big(out, put_big(out, at, scratch.id_0, 8), scratch.id_1, 8)
    at = put_big(out, at, event_half(scratch.id_0, octets, row, FACTOR_1), 8)
    return put_big(out, at, event_half(scratch.id_1, octets, row, FACTOR_0), 8)


COMMUNITY, FLOW_ID, EVENT_ID, COMMUNITY_OCTETS, FLOW_ID_OCTETS, EVENT_ID_OCTETS = range(6)
"""Identifiers as text, and the octets that the text stands for."""
WIDTHS = (COMMUNITY_ROOM, FLOW_ID_ROOM, EVENT_ID_ROOM, 20, 16, 16)


def identifiers_of(records: NDArray[np.void], which: int) -> list[str]:
    """One of COMMUNITY, FLOW_ID, EVENT_ID for each of some flow records."""
    width = WIDTHS[which]
    texts = identifier_octets(records, which).decode("ascii")
    return [texts[at : at + width] for at in range(0, len(texts), width)]


def identifier_octets(records: NDArray[np.void], which: int) -> bytearray:
    """One of the identifiers for each of some flow records, one behind the other.

    Shapes: `WIDTHS[which]` octets a record.
    """
    buffer = bytearray(len(records) * WIDTHS[which])
    if buffer:
        _fill(np.ascontiguousarray(records).view(np.uint8), len(records), which, buffer)
    return buffer


def _fill(rows: NDArray[np.uint8], count: int, which: int, buffer: bytearray) -> None:
    octets = octets_of(rows)
    out = room_of(buffer)
    scratch = Scratch()
    at = 0
    with cython.nogil:
        for index in range(count):
            at = put_identifier(out, at, scratch, octets, index * ROW_BYTES, which)
