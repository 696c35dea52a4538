"""Frames are dealt by their addresses alone; ICMP errors go where what they quote went."""

from __future__ import annotations

import errno
import random
import socket
import struct
from collections import Counter
from ipaddress import ip_address
from typing import Any, cast

import pytest

pytest.importorskip("fcntl", reason="Linux only")

from sensor.capture.live.fanout import BY_HASH, Fanout, dealing_program
from tests.unit.capture.bpf_machine import (
    SKF_AD_HATYPE,
    SKF_AD_PKTTYPE,
    SKF_AD_PROTOCOL,
    Machine,
    result,
)

IPV4, IPV6, VLAN, QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
ARRIVES, LEAVES = 0, 4
ETHERNET, LOOPBACK, TUN = 1, 772, 65534
PROGRAM = dealing_program()

A, B, ROUTER = "192.0.2.7", "198.51.100.9", "203.0.113.1"
A6, B6, ROUTER6 = "2001:db8::7", "2001:db8:5::9", "2001:db8:ffff::1"


def ip(
    source: str, destination: str, protocol: int = TCP, payload: bytes = bytes(20),
    options: int = 0, fragment: int = 0,
) -> bytes:  # fmt: skip
    """A packet; `options` are words of an IPv4 header."""
    one, other = ip_address(source), ip_address(destination)
    if one.version == 6:
        return (struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + one.packed
                + other.packed + payload)  # fmt: skip
    head = struct.pack("!BBHHHBBH", 0x45 + options, 0, 20 + 4 * options + len(payload), 1,
                       fragment, 64, protocol, 0)  # fmt: skip
    return head + one.packed + other.packed + bytes(4 * options) + payload


def icmp(kind: int, quoted: bytes) -> bytes:
    return struct.pack("!BBHI", kind, 13, 0, 0) + quoted


def kind_of(packet: bytes) -> int:
    return IPV4 if packet[0] >> 4 == 4 else IPV6


def number_of(packet: bytes, way: int = ARRIVES, hardware: int = ETHERNET, *tags: int) -> int:
    """What the program says of a packet; `tags`: those that still stand in the frame."""
    kinds = [*tags, kind_of(packet)]
    inner = b"".join(struct.pack("!HH", 5, kind) for kind in kinds[1:]) + packet
    link = b""
    if way == LEAVES and hardware != TUN:  # loads start at the link header
        link = bytes(12) + struct.pack("!H", kinds[0])
    circumstances = {SKF_AD_PKTTYPE: way, SKF_AD_HATYPE: hardware, SKF_AD_PROTOCOL: kinds[0]}
    if way == LEAVES and hardware == TUN:
        return result(PROGRAM, Machine(b"xxxx" + inner, circumstances, 4))
    return result(PROGRAM, Machine(link + inner, circumstances, len(link)))


PAIRS = [(A, B, ROUTER), (A6, B6, ROUTER6)]


@pytest.mark.parametrize(("one", "other", "router"), PAIRS)
def test_both_directions_and_all_fragments_stay_together(
    one: str, other: str, router: str
) -> None:
    expected = number_of(ip(one, other))
    assert expected != 0
    assert number_of(ip(other, one)) == expected
    assert number_of(ip(one, other, UDP, bytes(8))) == expected
    assert number_of(ip(one, other, 44, bytes(30))) == expected
    assert number_of(ip(one, router)) != expected


def test_options_and_fragments_change_nothing() -> None:
    expected = number_of(ip(A, B))
    for options in range(11):
        assert number_of(ip(A, B, options=options)) == expected
    for fragment in (0x2000, 0x2010, 0x10):
        assert number_of(ip(B, A, fragment=fragment)) == expected


@pytest.mark.parametrize("kind", [3, 4, 11, 12])
@pytest.mark.parametrize("options", [0, 1, 10])
@pytest.mark.parametrize("quoted_options", [0, 3])
def test_an_icmp_error_goes_where_the_quoted_packet_went(
    kind: int, options: int, quoted_options: int
) -> None:
    expected = number_of(ip(A, B))
    for quoted in (ip(A, B, options=quoted_options), ip(B, A, options=quoted_options)):
        for size in (20, 28, len(quoted)):
            for to in (A, B):
                error = ip(ROUTER, to, ICMP, icmp(kind, quoted[:size]), options)
                assert number_of(error) == expected != number_of(ip(ROUTER, to))


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_an_icmpv6_error_goes_where_the_quoted_packet_went(kind: int) -> None:
    expected = number_of(ip(A6, B6))
    for quoted in (ip(A6, B6), ip(B6, A6)):
        error = ip(ROUTER6, A6, ICMP6, icmp(kind, quoted[:48]))
        assert number_of(error) == expected != number_of(ip(ROUTER6, A6))


def test_what_quotes_nothing_goes_by_its_own_addresses() -> None:
    quoted, quoted6 = ip(A, B), ip(A6, B6)
    for kind in (0, 5, 8, 9, 13, 128, 255):
        assert number_of(ip(ROUTER, A, ICMP, icmp(kind, quoted))) == number_of(ip(A, ROUTER))
    for kind in (0, 5, 128, 129, 135):
        assert number_of(ip(ROUTER6, A6, ICMP6, icmp(kind, quoted6))) == number_of(ip(A6, ROUTER6))
    later = ip(ROUTER, A, ICMP, icmp(3, quoted), fragment=0x10)
    assert number_of(later) == number_of(ip(A, ROUTER))


@pytest.mark.parametrize(("one", "other", "router"), PAIRS)
@pytest.mark.parametrize("way", [ARRIVES, LEAVES])
@pytest.mark.parametrize("hardware", [ETHERNET, LOOPBACK, TUN])
def test_where_a_frame_was_seen_and_its_tags_change_nothing(
    one: str, other: str, router: str, way: int, hardware: int
) -> None:
    protocol, kind = (ICMP, 3) if one == A else (ICMP6, 1)
    error = ip(router, one, protocol, icmp(kind, ip(one, other)))
    for packet in (ip(one, other), error):
        for tags in ((), (VLAN,), (QINQ,), (QINQ, VLAN)):
            if tags and hardware == TUN:
                continue
            assert number_of(packet, way, hardware, *tags) == number_of(ip(one, other))


def test_what_has_no_address_is_for_the_first_worker() -> None:
    arp = Machine(bytes(28), {SKF_AD_PKTTYPE: 0, SKF_AD_HATYPE: 1, SKF_AD_PROTOCOL: 0x0806})
    assert result(PROGRAM, arp) == 0
    short = Machine(ip(A, B)[:18], {SKF_AD_PKTTYPE: 0, SKF_AD_HATYPE: 1, SKF_AD_PROTOCOL: IPV4})
    assert result(PROGRAM, short) == 0


@pytest.mark.parametrize("workers", [2, 3, 4, 8])
@pytest.mark.parametrize(("source", "destination"), [
    ("10.0.0.{}", "10.0.1.1"), ("10.0.0.{}", "10.0.1.{}"), ("10.{}.0.1", "192.0.2.1"),
    ("{}.0.0.1", "192.0.2.1"), ("2001:db8::{}", "2001:db8:1::1"),
    ("2001:db8:0:{}::1", "2001:db8:1:{}::1"),
])  # fmt: skip
def test_few_hosts_are_spread(workers: int, source: str, destination: str) -> None:
    """Half as many as an even share would be, at least: chance alone gives less once in 1,000."""
    shares = Counter(
        number_of(ip(source.format(host), destination.format(host))) % workers
        for host in range(1, 129)
    )
    assert all(shares[worker] >= 64 // workers for worker in range(workers)), shares


def test_random_addresses_are_spread_evenly() -> None:
    chance = random.Random(1)
    shares = Counter(
        number_of(ip(str(ip_address(chance.getrandbits(32))), B)) % 4 for _ in range(4000)
    )
    assert all(900 < shares[worker] < 1100 for worker in range(4)), shares


class OldKernel:
    """A socket of a kernel that knows only the fanout of Linux 3.1 and its number's choice."""

    def __init__(self) -> None:
        self.joined: list[int] = []

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        assert (level, option) == (263, 18)
        (request,) = struct.unpack("I", value)
        if request >> 16 & 0xFF != 0:
            raise OSError(errno.EINVAL, "Invalid argument")
        self.joined.append(request)

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        return struct.pack("I", self.joined[0] | 77)


def test_an_old_kernel_deals_by_its_hash_and_that_is_said_once() -> None:
    fanout, packet = Fanout(), OldKernel()
    asked = cast("socket.socket", cast("Any", packet))
    assert [fanout.join(asked), fanout.join(asked)] == [BY_HASH, ""]
    assert packet.joined == [0xA000 << 16, 0x8000 << 16 | 77]
