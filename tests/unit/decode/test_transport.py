"""Transports: ports, TCP options, lengths."""

from __future__ import annotations

import struct

import pytest

from sensor.memory.records import NO_WINDOW_SCALE
from sensor.model.applications import (
    NO_APPLICATION,
    OFFER,
    OFFER_CLIENT,
    OFFER_SERVER,
    TELNET,
    TELNET_CLIENT,
    TELNET_SERVER,
)
from sensor.model.packets import KIND_FLOW
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import FRAMES
from tests.unit.decode.ip_packets import v4, v6

RAW = 101
SYN, ACK = 2, 16


def tcp(options: bytes = b"", *, flags: int = SYN, offset: int | None = None) -> bytes:
    words = 5 + len(options) // 4 if offset is None else offset
    header = struct.pack(
        "!HHIIBBHHH", 40000, 23, 0xDEADBEEF, 0xFEEDFACE, words << 4, flags, 1024, 0xABCD, 0)
    return header + options


def scale(options: bytes, flags: int = SYN) -> int:
    return int(decode_one(v4(tcp(options, flags=flags), protocol=6), RAW)["window_scale"])


def udp(length: int, data: bytes = b"") -> bytes:
    return struct.pack("!HHHH", 40000, 23, length, 0xABCD) + data


def test_tcp_members() -> None:
    row = decode_one(v4(tcp(flags=0xD5) + b"data", protocol=6), RAW)
    assert (row["src_port"], row["dst_port"]) == (40000, 23)
    assert (row["seq"], row["ack"]) == (0xDEADBEEF, 0xFEEDFACE)
    assert (row["tcp_flags"], row["window"], row["checksum"]) == (0xD5, 1024, 0xABCD)
    assert (row["payload_bytes"], row["payload_offset"], row["payload_captured"]) == (4, 40, 4)


@pytest.mark.parametrize(("options", "expected"), [
    (b"\x03\x03\x07\x00", 7),
    (b"\x01\x01\x01\x03\x03\x00\x00\x00", 0),
    (b"\x02\x04\x05\xb4\x03\x03\x0e\x00", 14),
    (b"\x03\x03\xff\x00", 14),  # RFC 7323 2.3: more than 14 is taken as 14
    (b"\x01\x03\x03\x07", 7),  # at the very end of the header
    (b"\x04\x02\x03\x03\x05\x00\x00\x00", 5),  # behind an option of two octets
    (b"\x03\x03\x0d\x00", 13),
    (b"\x04\x02\x04\x02", NO_WINDOW_SCALE),
    (b"\x05\x03\x07\x00", NO_WINDOW_SCALE),  # another option of its length
    (b"\x00\x03\x03\x07", NO_WINDOW_SCALE),  # behind the end of the list
    (b"\x02\x00\x03\x03\x07\x00\x00\x00", NO_WINDOW_SCALE),  # a length of 0 would never end
    (b"\x02\x01\x03\x03\x07\x00\x00\x00", NO_WINDOW_SCALE),
    (b"\x02\x09\x03\x03\x07\x00\x00\x00", NO_WINDOW_SCALE),  # beyond the header
    (b"\x01\x01\x01\x03", NO_WINDOW_SCALE),  # cut behind its kind
    (b"\x01\x01\x03\x03", NO_WINDOW_SCALE),  # cut behind its length
    (b"\x03\x04\x07\x07", NO_WINDOW_SCALE),  # not its length
])
def test_the_window_scale_of_a_syn(options: bytes, expected: int) -> None:
    assert scale(options) == expected


def test_a_window_scale_counts_on_a_syn_alone() -> None:
    assert scale(b"\x03\x03\x07\x00", ACK) == NO_WINDOW_SCALE
    assert scale(b"\x03\x03\x07\x00", SYN | ACK) == 7


@pytest.mark.parametrize(("packet", "name"), [
    (v4(tcp(offset=4), protocol=6), "tcp_bad_offset"),
    (v4(tcp(offset=6), protocol=6), "tcp_bad_offset"),
    (v4(tcp()[:19], protocol=6), "tcp_header_truncated"),
    (v4(udp(7)), "udp_bad_length"),
    (v4(udp(9)), "udp_bad_length"),
    (v4(udp(0)), "udp_bad_length"),
    (v4(udp(8)[:7]), "udp_header_truncated"),
    (v4(udp(7), protocol=136), "udp_lite_bad_coverage"),
    (v4(udp(9), protocol=136), "udp_lite_bad_coverage"),
    (v4(udp(8)[:7], protocol=136), "udp_lite_header_truncated"),
    (v4(bytes(11), protocol=132), "sctp_header_truncated"),
    (v4(bytes(11), protocol=33), "dccp_header_truncated"),
    (v4(bytes(4) + b"\x02" + bytes(11), protocol=33), "dccp_bad_offset"),
    (v4(bytes(4) + b"\x05" + bytes(11), protocol=33), "dccp_bad_offset"),
    (v4(bytes(7), protocol=1), "icmp_header_truncated"),
])
def test_what_is_wrong_is_named(packet: bytes, name: str) -> None:
    assert anomaly_of(decode_one(packet, RAW)) == name


def test_the_udp_length_bounds_the_payload() -> None:
    row = decode_one(v4(udp(12, b"datatail")), RAW)
    assert (row["payload_bytes"], row["payload_captured"], row["checksum"]) == (4, 4, 0xABCD)


def test_a_udp_length_of_0_is_right_where_the_field_is_too_small() -> None:
    row = decode_one(v4(udp(0, b"data"), length=0), RAW, wire=70_000)
    assert (row["payload_bytes"], row["payload_captured"]) == (70_000 - 28, 4)


@pytest.mark.parametrize(("name", "ports", "payload"), [
    ("sctp", (40000, 23), 0), ("udp_lite", (40000, 23), 4), ("dccp", (40000, 23), 4),
    ("igmp", (0, 0), 8), ("esp6", (0, 0), 24), ("nothing6", (0, 0), 0),
])
def test_ports_and_payload_of_the_rarer(name: str, ports: tuple[int, int], payload: int) -> None:
    row = decode_one(FRAMES[name][1])
    assert row["kind"] == KIND_FLOW
    assert (row["src_port"], row["dst_port"], row["payload_bytes"]) == (*ports, payload)


@pytest.mark.parametrize("left", [4, 10, 13])
def test_of_a_tcp_header_that_the_capture_cut_its_ports_are_left(left: int) -> None:
    whole = v4(tcp() + b"data", protocol=6)
    row = decode_one(whole[: 20 + left], RAW, wire=len(whole), stale=0xA5)
    assert (anomaly_of(row), row["kind"], row["src_port"], row["dst_port"]) == (
        "sound", KIND_FLOW, 40000, 23)
    assert (row["ip_bytes"], row["payload_bytes"], row["tcp_flags"]) == (len(whole), 0, 0)
    row = decode_one(whole[:23], RAW, wire=len(whole))
    assert anomaly_of(row) == "header_not_captured"


@pytest.mark.parametrize(("name", "protocol"), [("ah", 17), ("ah6", 6)])
def test_an_authentication_header_is_read_over(name: str, protocol: int) -> None:
    row = decode_one(FRAMES[name][1])
    assert (row["protocol"], row["dst_port"]) == (protocol, 23)


@pytest.mark.parametrize(("left", "window", "checksum"), [
    (14, 0xFFFF, 0), (19, 0xFFFF, 0), (20, 1024, 0xABCD)])
def test_of_a_tcp_header_its_flags_are_enough(left: int, window: int, checksum: int) -> None:
    """RFC 9293 3.1: they end the first 14 octets; the window and the checksum fill up 20."""
    whole = v4(tcp() + b"data", protocol=6)
    row = decode_one(whole[: 20 + left], RAW, wire=len(whole))
    assert (anomaly_of(row), row["tcp_flags"], row["seq"]) == ("sound", SYN, 0xDEADBEEF)
    assert (row["window"], row["checksum"]) == (window, checksum)
    assert (row["payload_bytes"], row["payload_captured"], row["fragment"]) == (4, 0, 0)


@pytest.mark.parametrize(("left", "scale"), [
    (20, 14), (22, 14), (23, 6), (24, 6), (28, 6)])
def test_a_window_scale_that_was_not_captured_may_be_any(left: int, scale: int) -> None:
    """The largest of RFC 7323 2.3; what was captured of the options counts."""
    whole = v4(tcp(b"\x03\x03\x06\x00\x02\x04\x05\xb4") + b"data", protocol=6)
    row = decode_one(whole[: 20 + left], RAW, wire=len(whole))
    assert (anomaly_of(row), row["window_scale"]) == ("sound", scale)


def test_a_syn_without_options_offers_no_window_scale() -> None:
    """Its payload, which looks like the option, is none."""
    row = decode_one(v4(tcp() + b"\x03\x03\x07\x00", protocol=6), RAW)
    assert row["window_scale"] == NO_WINDOW_SCALE
    whole = v4(tcp(b"\x01" * 4) + b"\x03\x03\x07\x00", protocol=6)
    assert decode_one(whole, RAW)["window_scale"] == NO_WINDOW_SCALE
    assert decode_one(whole[:44], RAW, wire=len(whole))["window_scale"] == NO_WINDOW_SCALE


WILL, WONT, DO, DONT = 251, 252, 253, 254


def negotiation(*commands: tuple[int, int]) -> bytes:
    return b"".join(bytes([255, command, option]) for command, option in commands)


@pytest.mark.parametrize(("said", "role"), [
    # What only a terminal has: its type (RFC 1091), size, speed, ... (31 to 36), RFC 1572.
    *[(negotiation((DO, option)), OFFER_SERVER) for option in (24, 31, 36, 39)],
    *[(negotiation((WILL, option)), OFFER_CLIENT) for option in (24, 31, 36, 39)],
    *[(negotiation((DO, option)), OFFER) for option in (23, 25, 30, 37, 38, 40)],
    *[(negotiation((WILL, option)), OFFER) for option in (23, 25, 30, 37, 38, 40)],
    (negotiation((DO, 1)), OFFER_CLIENT), (negotiation((WILL, 1)), OFFER_SERVER),  # RFC 857
    (negotiation((DO, 3), (DO, 24)), TELNET_SERVER),
    (negotiation((DO, 3), (WILL, 3)), TELNET),
    (negotiation((WONT, 1), (DONT, 24), (WILL, 24)), TELNET_CLIENT),
    (negotiation((DONT, 24)), OFFER), (negotiation((WONT, 1)), OFFER),
    (negotiation((250, 24), (DO, 24)), OFFER),  # a suboption without its end
    (negotiation((DO, 3)) + b"x" + negotiation((DO, 24)), OFFER),
    (negotiation((DO, 3)) + negotiation((DO, 24))[:2], OFFER),
    (negotiation((DO, 24))[:2], NO_APPLICATION),
    (b"x" + negotiation((DO, 24)), OFFER_SERVER),  # on port 23
])  # fmt: skip
def test_what_a_telnet_negotiation_gives_away(said: bytes, role: int) -> None:
    """TELNET, OFFER: either side may negotiate like this."""
    assert decode_one(v4(tcp(flags=ACK) + said, protocol=6), RAW)["application"] == role


MORE = 0x2000


@pytest.mark.parametrize(("protocol", "field", "data", "fragment", "name"), [
    (17, 8, 0, 0, "sound"), (17, 16, 8, 0, "sound"), (17, 17, 8, 0, "udp_bad_length"),
    (17, 7, 8, MORE, "udp_bad_length"), (17, 16, 8, MORE, "sound"), (17, 999, 8, MORE, "sound"),
    # RFC 3828 3.1: 0 covers all; else at least the header, and no more than there is.
    (136, 0, 8, 0, "sound"), (136, 8, 8, 0, "sound"), (136, 16, 8, 0, "sound"),
    (136, 17, 8, 0, "udp_lite_bad_coverage"), (136, 1, 8, 0, "udp_lite_bad_coverage"),
    (136, 999, 8, MORE, "sound"), (136, 7, 8, MORE, "udp_lite_bad_coverage"),
])
def test_a_length_of_udp(protocol: int, field: int, data: int, fragment: int, name: str) -> None:
    """Of a first fragment the rest comes in other frames."""
    row = decode_one(v4(udp(field, bytes(data)), protocol=protocol, fragment=fragment), RAW)
    assert anomaly_of(row) == name
    if name == "sound":
        assert (row["dst_port"], row["payload_bytes"], row["checksum"]) == (23, data, 0xABCD)


@pytest.mark.parametrize(("octets", "name"), [(65_535, "udp_bad_length"), (65_536, "sound")])
def test_a_udp_length_of_0_is_that_of_a_jumbogram_alone(octets: int, name: str) -> None:
    """RFC 2675 4: where the length field cannot hold the length."""
    row = decode_one(v6(udp(0), length=0), RAW, wire=40 + octets)
    assert anomaly_of(row) == name


def dccp(words: int, *, octets: int = 12) -> bytes:
    return struct.pack("!HHBBHI", 40000, 23, words, 0, 0xABCD, 5).ljust(octets, b"\0")


@pytest.mark.parametrize(("words", "octets", "fragment", "name"), [
    (3, 12, 0, "sound"), (4, 16, 0, "sound"), (4, 24, 0, "sound"), (2, 16, 0, "dccp_bad_offset"),
    (5, 16, 0, "dccp_bad_offset"), (5, 16, MORE, "ip_tiny_fragment"), (4, 16, MORE, "sound"),
    (2, 16, MORE, "dccp_bad_offset"),
])
def test_an_offset_of_dccp(words: int, octets: int, fragment: int, name: str) -> None:
    """RFC 4340 5.1: in words, the shortest header has three."""
    row = decode_one(v4(dccp(words, octets=octets), protocol=33, fragment=fragment), RAW)
    assert anomaly_of(row) == name
    if name == "sound":
        assert (row["src_port"], row["dst_port"], row["checksum"]) == (40000, 23, 0xABCD)
        assert row["payload_bytes"] == octets - 4 * words


def test_members_of_sctp() -> None:
    header = struct.pack("!HHII", 40000, 23, 0x11223344, 0xABCDEF01)
    row = decode_one(v4(header + b"data", protocol=132), RAW)
    assert (row["src_port"], row["dst_port"], row["checksum"]) == (40000, 23, 0xABCD)
    assert (row["payload_bytes"], row["payload_offset"], row["payload_captured"]) == (4, 32, 4)


@pytest.mark.parametrize(("offset", "data", "fragment", "name"), [
    (5, 0, 0, "sound"), (6, 4, 0, "sound"), (6, 3, 0, "tcp_bad_offset"),
    (6, 4, MORE, "sound"), (7, 4, MORE, "ip_tiny_fragment"), (4, 4, MORE, "tcp_bad_offset"),
    (15, 40, 0, "sound"), (15, 39, 0, "tcp_bad_offset"),
])
def test_an_offset_of_tcp(offset: int, data: int, fragment: int, name: str) -> None:
    row = decode_one(v4(tcp(offset=offset) + bytes(data), protocol=6, fragment=fragment), RAW)
    assert anomaly_of(row) == name
    if name == "sound":
        assert row["payload_bytes"] == 20 + data - 4 * offset


TRANSPORTS = {1: 8, 6: 20, 17: 8, 33: 12, 132: 12, 136: 8}


@pytest.mark.parametrize("protocol", TRANSPORTS)
def test_a_transport_header_that_its_fragment_cuts_is_tiny(protocol: int) -> None:
    """RFC 791 cuts at multiples of 8 octets; of 8 there is a header or there is none."""
    header = dccp(3) if protocol == 33 else udp(8).ljust(12, b"\0") + b"\x50".ljust(8, b"\0")
    for octets in range(TRANSPORTS[protocol] + 1):
        whole = octets == TRANSPORTS[protocol]
        packet = v4(header[:octets], protocol=protocol, fragment=MORE)
        assert anomaly_of(decode_one(packet, RAW)) == ("sound" if whole else "ip_tiny_fragment")
        last = anomaly_of(decode_one(v4(header[:octets], protocol=protocol), RAW))
        assert last == "sound" if whole else last.endswith("header_truncated")


def authentication(words: int, following: int, content: bytes) -> bytes:
    """RFC 4302 2: the length in words less two, behind 12 octets what proves it."""
    return bytes([following, words - 2]) + bytes(4 * words - 2) + content


@pytest.mark.parametrize(("packet", "name"), [
    (v4(authentication(3, 17, udp(8)), protocol=51), "sound"),
    (v4(authentication(6, 17, udp(8)), protocol=51), "sound"),
    (v4(authentication(6, 17, b"")[:20], protocol=51), "ah_bad_length"),
    (v4(authentication(6, 17, b""), protocol=51), "udp_header_truncated"),
    (v4(authentication(3, 17, b"")[:11], protocol=51), "ah_bad_length"),
    (v4(authentication(6, 17, udp(8)), protocol=51, fragment=MORE), "sound"),
    (v4(authentication(6, 17, b"")[:16], protocol=51, fragment=MORE), "ip_tiny_fragment"),
    (v4(authentication(6, 17, b"")[:8], protocol=51, fragment=MORE), "ip_tiny_fragment"),
    (v4(authentication(6, 17, b""), protocol=51, fragment=MORE), "ip_tiny_fragment"),
])
def test_a_length_of_an_authentication_header(packet: bytes, name: str) -> None:
    row = decode_one(packet, RAW)
    assert anomaly_of(row) == name
    if name == "sound":
        assert (row["protocol"], row["dst_port"]) == (17, 23)


def test_an_authentication_header_that_was_not_captured() -> None:
    packet = v4(authentication(6, 17, udp(8)), protocol=51)
    for octets in (20, 31, 32, 43):
        assert anomaly_of(decode_one(packet[:octets], RAW, wire=len(packet))) == (
            "header_not_captured")


@pytest.mark.parametrize(("protocol", "octets", "name"), [
    (1, 8, "icmp_header_truncated"), (58, 8, "icmpv6_header_truncated"),
    (17, 8, "udp_header_truncated"), (6, 20, "tcp_header_truncated"),
    (132, 12, "sctp_header_truncated"), (136, 8, "udp_lite_header_truncated"),
    (33, 12, "dccp_header_truncated"),
])  # fmt: skip
def test_a_header_that_ends_with_its_packet_is_not_one_that_was_cut(
    protocol: int, octets: int, name: str
) -> None:
    """The packet says how long it is: one octet less than the header, or all of it."""
    for captured in (0, octets - 1):
        for length, found in ((octets - 1, name), (octets, "header_not_captured")):
            if protocol == 58:
                frame = v6(bytes(captured), following=protocol, length=length)
                wire = 40 + length
            else:
                frame = v4(bytes(captured), protocol=protocol, length=20 + length)
                wire = 20 + length
            row = decode_one(frame, RAW, wire=wire)
            if protocol == 6 and found == "header_not_captured" and captured:
                continue  # of TCP less than all is enough
            assert anomaly_of(row) == found, (captured, length)
