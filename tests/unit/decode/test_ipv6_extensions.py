"""Extension headers of IPv6: which are read over, and how long they are."""

from __future__ import annotations

import pytest

from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.ip_packets import RAW, UDP, extension, fragment, v6


def test_sixteen_extension_headers_are_read() -> None:
    row = decode_one(v6(extension(60) * 15 + extension(17) + UDP, following=60), RAW)
    assert (anomaly_of(row), row["protocol"], row["dst_port"]) == ("sound", 17, 23)


@pytest.mark.parametrize(("packet", "name"), [
    (v6(extension(17, 1)[:12], following=60), "ipv6_extension_truncated"),
    (v6(extension(60) * 16 + extension(17) + UDP, following=60), "ipv6_too_many_extensions"),
    (v6(extension(0) + extension(17) + UDP, following=60), "ipv6_hop_by_hop_misplaced"),
    (v6(fragment(60, 0, 1) + extension(6, 1)[:8], following=44), "ip_tiny_fragment"),
    (v6(b"\x11\0" + bytes(6) + UDP, following=51), "ah_bad_length"),
])
def test_what_is_wrong_is_named(packet: bytes, name: str) -> None:
    assert anomaly_of(decode_one(packet, RAW)) == name


@pytest.mark.parametrize("number", [0, 43, 60, 135, 139, 140])
def test_headers_in_units_of_eight_octets_are_read_over(number: int) -> None:
    for words in (0, 1, 5):
        row = decode_one(v6(extension(17, words) + UDP, following=number), RAW)
        assert (anomaly_of(row), row["protocol"], row["dst_port"]) == ("sound", 17, 23)


def test_an_authentication_header_counts_in_units_of_four_octets() -> None:
    for words in (3, 4, 6, 9):  # RFC 4302 2.2: the field has the length less two
        header = bytes([17, words - 2]).ljust(4 * words, b"\0")
        row = decode_one(v6(header + UDP, following=51), RAW)
        assert (anomaly_of(row), row["protocol"], row["dst_port"]) == ("sound", 17, 23)


@pytest.mark.parametrize("number", [50, 59, 136, 141])
def test_other_numbers_are_transports(number: int) -> None:
    row = decode_one(v6(extension(17) + UDP, following=number), RAW)
    assert (anomaly_of(row), row["protocol"]) == ("sound", number)


@pytest.mark.parametrize("kept", [1, 7])
def test_an_extension_that_was_not_captured(kept: int) -> None:
    packet = v6(extension(17) + UDP, following=60)
    assert anomaly_of(decode_one(packet[: 40 + kept], RAW, wire=len(packet))) == (
        "header_not_captured")
    assert anomaly_of(decode_one(v6(extension(17)[:kept], following=60), RAW)) == (
        "ipv6_extension_truncated")
