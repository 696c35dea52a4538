"""IEEE 802.11 data frames, with or without a radiotap header in front.

Management and control frames, frames without data, encrypted ones, fragments and aggregates of
several packets (A-MSDU) carry nothing that can be read: sound frames without IP.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.model.anomalies import HEADER_NOT_CAPTURED, LINK_TRUNCATED, RADIOTAP_BAD_LENGTH

if not cython.compiled:
    from sensor.decode.llc import decode_llc, non_ip
    from sensor.memory.loads import Octets, be64, le16, le32, u8
    from sensor.memory.records import Packet

# The frame control field as a little-endian number, IEEE 802.11 9.2.4.1.
TYPE = 0x000C
TYPE_DATA = 0x0008
NO_DATA = 0x0040
QOS = 0x0080
TO_DS = 0x0100
FROM_DS = 0x0200
MORE_FRAGMENTS = 0x0400
PROTECTED = 0x4000
ORDER = 0x8000  # in a QoS data frame: an HT control field follows
AGGREGATE = 0x80  # in the first octet of the QoS control field: an A-MSDU

# https://www.radiotap.org: bits of the first presence word, and of the flags field.
PRESENT_TSFT = 0x0000_0001
PRESENT_FLAGS = 0x0000_0002
PRESENT_MORE = 31
HAS_CHECKSUM = 0x10
PADDED = 0x20
MASK48 = 0xFFFF_FFFF_FFFF


def decode_radiotap(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """The radiotap header, of which only its length and two flags matter, then 802.11."""
    if end - at < 8:
        return LINK_TRUNCATED if wire_end - at < 8 else HEADER_NOT_CAPTURED
    length = le16(octets, at + 2)
    if length < 8 or length > wire_end - at:
        return RADIOTAP_BAD_LENGTH
    if length > end - at:
        return HEADER_NOT_CAPTURED
    flags = radiotap_flags(octets, at, length)
    at += length
    if flags & HAS_CHECKSUM and wire_end - at >= 4:
        wire_end -= 4
        end = min(end, wire_end)
    return decode_wireless(octets, packet, at, end, wire_end, flags & PADDED != 0)


def radiotap_flags(octets: Octets, at: int, length: int) -> int:
    """The flags field of a radiotap header of `length` octets; 0 if it has none."""
    present = le32(octets, at + 4)
    place = 8
    more = present >> PRESENT_MORE
    while more:
        if length - place < 4:
            return 0
        more = le32(octets, at + place) >> PRESENT_MORE
        place += 4
    if present & PRESENT_TSFT:
        place = ((place + 7) & ~7) + 8
    if not present & PRESENT_FLAGS or place >= length:
        return 0
    return u8(octets, at + place)


def decode_wireless(
    octets: Octets, packet: Packet, at: int, end: int, wire_end: int, padded: bool
) -> int:
    """An 802.11 frame; `padded`: its header was filled up to a multiple of 4 octets."""
    if end - at < 2:
        return LINK_TRUNCATED if wire_end - at < 2 else HEADER_NOT_CAPTURED
    control = le16(octets, at)
    if control & TYPE != TYPE_DATA or control & (NO_DATA | PROTECTED | MORE_FRAGMENTS):
        return non_ip(packet)
    fourth = control & TO_DS and control & FROM_DS
    header = 30 if fourth else 24
    if control & QOS:
        header += 6 if control & ORDER else 2
    if padded:
        header = (header + 3) & ~3
    if end - at < header:
        return LINK_TRUNCATED if wire_end - at < header else HEADER_NOT_CAPTURED
    if le16(octets, at + 22) & 15:
        return non_ip(packet)  # a later fragment
    if control & QOS and u8(octets, at + (30 if fourth else 24)) & AGGREGATE:
        return non_ip(packet)
    # Where the frame comes from and goes to beyond the access points, 9.3.2.1.
    packet.dst_mac = be64(octets, at + (16 if control & TO_DS else 4)) >> 16
    if fourth:
        packet.src_mac = be64(octets, at + 22) & MASK48
    elif control & FROM_DS:
        packet.src_mac = be64(octets, at + 16) >> 16
    else:
        packet.src_mac = be64(octets, at + 10) >> 16
    return decode_llc(octets, packet, at + header, end, wire_end)
