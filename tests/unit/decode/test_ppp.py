"""PPP, its HDLC framing and Cisco's, and PPPoE."""

from __future__ import annotations

import struct

import pytest

from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import ipv4, ipv6
from tests.unit.decode.tunnel_corpus import LINK_FRAMES

PPP, PPP_HDLC, PPPOE, CISCO_HDLC = 9, 50, 51, 104


@pytest.mark.parametrize("front", [b"\x00\x21", b"\x21"])
def test_a_protocol_number_has_two_octets_or_one(front: bytes) -> None:
    row = decode_one(front + ipv4(), PPP)
    assert (row["kind"], row["ip_version"], row["dst_port"]) == (KIND_FLOW, 4, 23)


@pytest.mark.parametrize(("front", "kind"), [
    (b"\x0f\0\x08\0", KIND_FLOW), (b"\x8f\0\x08\0", KIND_FLOW),  # unicast and multicast
    (b"\x8f\0\x08\6", KIND_NON_IP), (b"\xff\x03\0\x21", KIND_FLOW), (b"\0\x21", KIND_FLOW),
])  # fmt: skip
def test_hdlc_of_ppp_and_of_cisco(front: bytes, kind: int) -> None:
    assert decode_one(front + ipv4(), CISCO_HDLC)["kind"] == kind


def test_cisco_hdlc_carries_ipv6() -> None:
    assert decode_one(b"\x0f\0\x86\xdd" + ipv6(), CISCO_HDLC)["ip_version"] == 6


def test_a_header_of_hdlc_that_is_cut() -> None:
    assert anomaly_of(decode_one(b"\x0f\0\x08", CISCO_HDLC)) == "link_truncated"
    assert anomaly_of(decode_one(b"\x0f\0\x08", CISCO_HDLC, wire=4)) == "header_not_captured"


def session(length: int, content: bytes, code: int = 0) -> bytes:
    return struct.pack("!BBHH", 0x11, code, 7, length) + content


def test_a_session_of_one_octet_has_no_protocol_number() -> None:
    assert anomaly_of(decode_one(session(1, b"\x21"), PPPOE)) == "link_truncated"
    assert anomaly_of(decode_one(session(2, b"\x21"), PPPOE, wire=8)) == "header_not_captured"
    assert decode_one(session(2, b"\xc0\x21"), PPPOE)["kind"] == KIND_NON_IP


def test_a_length_of_pppoe_bounds_the_packet() -> None:
    content = b"\x00\x21" + ipv4()
    row = decode_one(session(len(content), content + bytes(9)), PPPOE)
    assert (anomaly_of(row), row["payload_bytes"]) == ("sound", 5)
    assert anomaly_of(decode_one(session(len(content), content), PPPOE)) == "sound"


@pytest.mark.parametrize("wrong", [-2, -1, 1, 9])
def test_where_the_length_of_pppoe_is_wrong_that_of_ip_is_right(wrong: int) -> None:
    content = b"\x00\x21" + ipv4()
    row = decode_one(session(len(content) + wrong, content), PPPOE)
    assert (anomaly_of(row), row["ip_bytes"]) == ("sound", len(ipv4()))
    row = decode_one(session(len(content) + wrong, content[:-1]), PPPOE)
    assert anomaly_of(row) == "ipv4_truncated"


def test_without_ip_the_length_of_pppoe_may_not_pass_the_frame() -> None:
    content = b"\xc0\x21\x09\x01\x00\x08" + bytes(4)
    assert decode_one(session(len(content), content), PPPOE)["kind"] == KIND_NON_IP
    assert anomaly_of(decode_one(session(len(content) + 1, content), PPPOE)) == "pppoe_bad_length"


def test_a_header_of_pppoe_that_is_cut() -> None:
    assert anomaly_of(decode_one(session(0, b"")[:5], PPPOE)) == "link_truncated"
    assert anomaly_of(decode_one(session(0, b"")[:5], PPPOE, wire=6)) == "header_not_captured"


def test_discovery_of_pppoe_is_no_ip() -> None:
    assert decode_one(session(0, b"", code=9), PPPOE)["kind"] == KIND_NON_IP


def test_a_link_control_packet_is_no_ip() -> None:
    link, frame, kind = LINK_FRAMES["lcp"]
    assert decode_one(frame, link)["kind"] == kind == KIND_NON_IP


@pytest.mark.parametrize(("link", "front", "kind"), [
    (CISCO_HDLC, b"\x0f\0\x88\x47\0\1\1\x40", KIND_FLOW),
    (CISCO_HDLC, b"\x0f\1\x08\0", KIND_NON_IP),
    (CISCO_HDLC, b"\x0e\0\x08\0", KIND_NON_IP), (CISCO_HDLC, b"\x0f\0\x88\x48", KIND_NON_IP),
    (PPP, b"\2\x81\0\1\1\x40", KIND_FLOW), (PPP, b"\0\x23", KIND_NON_IP),
    (PPP, b"\x23", KIND_NON_IP),
    (PPP_HDLC, b"\xff\x03\x21", KIND_FLOW), (PPP_HDLC, b"\xff\x02\0\x21", KIND_NON_IP),
    (PPPOE, b"\x12\0\0\7\0\x47\0\x21", KIND_NON_IP),
    (PPPOE, b"\x11\1\0\7\0\x47\0\x21", KIND_NON_IP),
    (PPPOE, b"\x11\0\0\7\0\x2f\0\x21", KIND_FLOW),
])  # fmt: skip
def test_what_is_in_front_of_a_packet(link: int, front: bytes, kind: int) -> None:
    row = decode_one(front + ipv4(), link)
    assert (anomaly_of(row), row["kind"]) == ("sound", kind)
    if kind == KIND_FLOW:
        assert (row["dst_port"], row["payload_bytes"]) == (23, 5)


def test_a_cut_inside_a_session_is_judged_by_the_length_of_ip() -> None:
    """A PPPoE length that ends inside the packet says less than the packet itself."""
    content = b"\x00\x21" + ipv4()
    for length in (2, 21):
        row = decode_one(session(length, content), PPPOE)
        assert anomaly_of(row) == "ipv4_header_truncated", length
    for length in (42, len(content) - 1):  # its headers are inside
        assert anomaly_of(decode_one(session(length, content), PPPOE)) == "sound", length
