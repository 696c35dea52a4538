"""Sets of networks: many of them, of both families, from text and from ranges."""

from __future__ import annotations

import ipaddress

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from sensor.model.addresses import (
    V4_PREFIX,
    Networks,
    address_halves,
    address_text,
    endpoint_text,
)

TOP = (1 << 128) - 1
numbers = st.one_of(st.integers(0, TOP), st.integers(0, 300),
                    st.integers(TOP - 300, TOP), st.integers(0xFFFF_0000_0000, 0xFFFF_0000_0200))
ranges = st.lists(st.tuples(numbers, st.integers(0, 70)), max_size=40)


@given(ranges, st.lists(numbers, min_size=1, max_size=20))
def test_ranges_hold_what_lies_in_any_of_them(
    spans: list[tuple[int, int]], asked: list[int]
) -> None:
    pairs = [(first, min(first + more, TOP)) for first, more in spans]
    asked = [*asked, *(end for pair in pairs for end in pair)]
    networks = Networks.of_ranges(pairs)
    expected = [any(first <= number <= last for first, last in pairs) for number in asked]
    hi = np.array([number >> 64 for number in asked], np.uint64)
    lo = np.array([number & (1 << 64) - 1 for number in asked], np.uint64)
    assert networks.mask(hi, lo).tolist() == expected
    halves = zip(hi.tolist(), lo.tolist(), strict=True)
    assert [each in networks for each in halves] == expected


def test_many_networks_are_searched_as_few_are_compared() -> None:
    cidrs = [f"2001:db8:{n:x}::/48" for n in range(0, 200, 2)] + ["10.0.0.0/8", "192.0.2.0/25"]
    texts = ["2001:db8::1", "2001:db8:1::1", "2001:db8:c6::", "2001:db8:c7::", "::", "ff::",
             "10.255.255.255", "11.0.0.0", "192.0.2.127", "192.0.2.128", "2001:db8:2::ff00:0"]
    networks = Networks(cidrs)
    known = [ipaddress.ip_network(cidr) for cidr in cidrs]
    hi, lo = (np.array(part, np.uint64) for part in zip(*map(address_halves, texts), strict=True))
    assert networks.mask(hi, lo).tolist() == [
        any(ipaddress.ip_address(text) in network for network in known) for text in texts]


@given(st.integers(0, 2**32 - 1))
def test_ipv4_as_text(value: int) -> None:
    assert address_text(0, V4_PREFIX | value) == str(ipaddress.IPv4Address(value))


def _joined(groups: list[int]) -> int:
    value = 0
    for group in groups:
        value = value << 16 | group
    return value


@given(st.lists(st.one_of(st.just(0), st.integers(0, 0xFFFF)), min_size=8, max_size=8))
@example([0] * 8)
@example([0] * 7 + [1])
@example([0] * 6 + [1, 0])
@example([0] * 6 + [0x7F00, 1])
@example([1, 0, 2, 0, 3, 0, 4, 0])
@example([0, 0, 1, 0, 0, 1, 0, 0])
@example([1, 0, 0, 0, 1, 0, 0, 0])
def test_ipv6_as_text(groups: list[int]) -> None:
    value = _joined(groups)
    if value >> 32 != 0xFFFF:
        assert address_text(value >> 64, value & 2**64 - 1) == str(ipaddress.IPv6Address(value))


def test_an_address_of_ipv6_is_told_apart_from_its_port() -> None:
    """RFC 5952 6."""
    assert endpoint_text("2001:db8::1", 80) == "[2001:db8::1]:80"
    assert endpoint_text("192.0.2.1", "23") == "192.0.2.1:23"
    assert endpoint_text("www.example.com", 0) == "www.example.com:0"
