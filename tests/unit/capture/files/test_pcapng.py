"""pcapng: sections, interfaces, clocks, every packet block, and every kind of damage."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.capture.files.build import (
    block,
    enhanced,
    interface,
    obsolete,
    option,
    read,
    section,
    simple,
)

US = 1_700_000_000_000_000


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_packet_block(order: str) -> None:
    octets = (
        section(order)
        + interface(1, 0, (2, b"eth0"), order=order)
        + interface(113, 5, (2, b"any"), order=order)
        + enhanced(b"abc", US, order=order, wire=100)
        + simple(b"defg", order=order)
        + obsolete(b"hi", US + 1, 1, order=order)
        + block(0x0BAD, b"skipped", order)
        + enhanced(b"", US + 2, 1, order=order)
    )
    rows, error = read(octets)
    assert error is None
    assert rows == [
        (US * 1000, b"abc", 100, 1, "eth0"),
        (US * 1000, b"defg", 4, 1, "eth0"),
        (US * 1000 + 1000, b"hi", 2, 113, "any"),
        (US * 1000 + 2000, b"", 0, 113, "any"),
    ]


def test_sections_have_their_own_order_and_interfaces() -> None:
    octets = (
        section("<")
        + interface(1, 0, (2, b"eth0"))
        + enhanced(b"a", US)
        + section(">", option(4, b"a tool", ">"))
        + interface(101, 0, (2, b"tun0"), order=">")
        + enhanced(b"b", US, order=">")
        + section("<")
        + enhanced(b"c", US)
        + interface(1, 0, (2, b"eth0"))
        + enhanced(b"d", US)
    )
    rows, error = read(octets)
    assert [row[1:2] + row[3:] for row in rows] == [
        (b"a", 1, "eth0"),
        (b"b", 101, "tun0"),
        (b"d", 1, "eth0"),
    ]
    assert error is not None
    assert error.startswith("FILE: 1 block of an interface that was never declared (skipped)")


def test_simple_packet_is_cut_by_the_snaplen() -> None:
    head = section() + interface(1, 4)
    rows, error = read(head + simple(b"abcd", wire=1500))
    assert (rows, error) == ([(0, b"abcd", 1500, 1, "")], None)
    rows, error = read(head + block(3, struct.pack("<I", 4)) + simple(b"wxyz"))
    assert [row[1] for row in rows] == [b"wxyz"]
    assert error == (
        f"FILE: 1 block whose lengths contradict each other (skipped), first at octet {len(head)}"
    )


def expected_ns(ticks: int, resolution: int, offset: int) -> int:
    """The definition in exact arithmetic."""
    base = 2 if resolution & 0x80 else 10
    return offset * 10**9 + Fraction(ticks * 10**9, base ** (resolution & 0x7F)).__floor__()


@settings(deadline=None)
@given(
    st.integers(0, 2**64 - 1) | st.integers(0, 2**40),
    st.integers(0, 255),
    st.sampled_from([0, 0, 1, -1, 3600, 2**33, -(2**33), 2**62, -(2**63), 2**63 - 1]),
)
def test_every_clock(ticks: int, resolution: int, offset: int) -> None:
    options = [(9, bytes([resolution])), (14, struct.pack("<q", offset))]
    first = interface(1, 0, (9, bytes([0])))
    octets = section() + first + interface(1, 0, *options) + enhanced(b"a", 77)
    rows, error = read(octets + enhanced(b"b", ticks, 1))
    whole = expected_ns(ticks, resolution, offset)
    # Seconds beyond 2^62 are refused as such, whatever the offset would make of them.
    absurd = abs(offset) > 2**62 and 0 <= whole < 2**63
    if 0 <= whole < 2**63 and not absurd:
        assert (rows[1][0], error) == (whole, None)
    elif not absurd:
        assert rows[1][0] == 77 * 10**9  # that of the frame before
        assert error is not None and "1 block with impossible timestamps, first at octet" in error


@pytest.mark.parametrize(
    ("resolution", "ticks", "time_ns"),
    [
        (0, 3, 3_000_000_000),
        (3, 1500, 1_500_000_000),
        (6, 1_500_000, 1_500_000_000),
        (9, 1_500_000_001, 1_500_000_001),
        (12, 1_500_000_001_999, 1_500_000_001),
        (28, 10**19, 1),
        (29, 2**64 - 1, 0),
        (0x80, 3, 3_000_000_000),
        (0x80 | 10, 1536, 1_500_000_000),
        (0x80 | 31, 3 << 30, 1_500_000_000),
        (0x80 | 32, 3 << 31, 1_500_000_000),
        (0x80 | 63, 3 << 62, 1_500_000_000),
        (0x80 | 64, 1 << 63, 500_000_000),
        (0x80 | 96, 2**64 - 1, 0),
    ],
)
def test_clocks_by_hand(resolution: int, ticks: int, time_ns: int) -> None:
    octets = section() + interface(1, 0, (9, bytes([resolution]))) + enhanced(b"a", ticks)
    rows, error = read(octets)
    assert ([row[0] for row in rows], error) == ([time_ns], None)


HEAD = section() + interface()
GOOD = enhanced(b"good", US)
DIFFER = "damaged: the lengths at both ends of a block differ"


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (struct.pack("<II", 6, 8) + bytes(8), "damaged: a block of 8 octets"),
        (struct.pack("<II", 0xBAD, 14) + bytes(20), "damaged: a block of 14 octets"),
        (struct.pack("<II", 6, 1 << 30) + bytes(20), f"damaged: a block of {1 << 30} octets"),
        (block(7, b"abcd")[:-4] + b"\x11\0\0\0", DIFFER),
        (
            struct.pack("<II", 0x0BAD, 1 << 17) + bytes(1 << 17),
            DIFFER,
        ),
        (
            struct.pack("<III", 0x0A0D0D0A, 28, 5) + bytes(16),
            "damaged: a section header without a byte-order mark",
        ),
        (
            struct.pack("<III", 0x0A0D0D0A, 16, 0x1A2B3C4D) + bytes(16),
            "damaged: a section header of 16 octets",
        ),
        (
            block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 2, 1, -1)),
            "version 2.1 of pcapng is not known",
        ),
    ],
)
def test_damage_ends_the_file(bad: bytes, text: str) -> None:
    rows, error = read(HEAD + GOOD + bad + GOOD)
    assert [row[1] for row in rows] == [b"good"]
    assert error == f"FILE: at octet {len(HEAD + GOOD)}: {text}"


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (enhanced(b"x", US, 1), "of an interface that was never declared (skipped)"),
        (block(6, bytes(16)), "whose lengths contradict each other (skipped)"),
        (
            block(6, struct.pack("<IIIII", 0, 0, 0, 5, 5) + b"abcd"),
            "whose lengths contradict each other (skipped)",
        ),
        (block(1, b"abcd"), "whose lengths contradict each other (skipped)"),
        (block(3, b""), "whose lengths contradict each other (skipped)"),
    ],
)
def test_damage_within_a_block_costs_that_block(bad: bytes, text: str) -> None:
    rows, error = read(HEAD + GOOD + bad + bad + GOOD)
    assert [row[1] for row in rows] == [b"good", b"good"]
    assert error == f"FILE: 2 blocks {text}, first at octet {len(HEAD + GOOD)}"


def test_longer_than_the_snaplen() -> None:
    rows, error = read(section() + interface(1, 3) + enhanced(b"abcd", US))
    assert [row[1] for row in rows] == [b"abcd"]
    assert error == "FILE: 1 block longer than the snaplen, first at octet 48"


def test_unknown_link_types_are_told_once_and_read_on() -> None:
    octets = section() + interface(195) + interface(195) + interface(1)
    rows, error = read(octets + enhanced(b"a", US, 1) + enhanced(b"b", US, 2))
    assert [row[3] for row in rows] == [195, 1]
    assert error == (
        "FILE: link type 195 (IEEE 802.15.4) of the interface declared at octet 28"
        " cannot be decoded"
    )


def test_long_blocks_are_skipped_and_long_records_read() -> None:
    octets = HEAD + block(0xBAD, bytes(300_000)) + enhanced(bytes(400_000), US) + GOOD
    for sizes in [(1 << 30,), (5000,)]:
        rows, error = read(octets, sizes, window_bytes=4096)
        assert ([len(row[1]) for row in rows], error) == ([400_000, 4], None)


def test_every_cut() -> None:
    blocks = [section(), interface(), GOOD, block(5, b"statistics"), GOOD]
    whole = b"".join(blocks)
    ends = [sum(map(len, blocks[: count + 1])) for count in range(len(blocks))]
    frames, _ = read(whole)
    for cut in range(4, len(whole)):
        rows, error = read(whole[:cut])
        assert rows == frames[: (cut >= ends[2]) + (cut >= ends[4])]
        start = max([0, *(end for end in ends if end <= cut)])
        if cut in ends:
            assert error is None
        else:
            assert error is not None and error.startswith(f"FILE: at octet {start}: block ")
            assert error.endswith(f" octets promised, {cut - start} present")


def test_options_that_overrun_are_ignored() -> None:
    body = struct.pack("<HHI", 1, 0, 0) + option(2, b"eth7") + struct.pack("<HH", 9, 500) + b"abcd"
    rows, error = read(section() + block(1, body) + enhanced(b"a", US))
    assert (rows, error) == ([(US * 1000, b"a", 1, 1, "eth7")], None)


def test_many_interfaces() -> None:
    names = [f"port{number}" for number in range(300)]
    octets = section() + b"".join(interface(1, 0, (2, name.encode())) for name in names)
    rows, error = read(octets + b"".join(enhanced(b"a", US, number) for number in range(300)))
    assert ([row[4] for row in rows], error) == (names, None)


def test_as_dpkt_writes_and_reads() -> None:
    import dpkt  # noqa: PLC0415

    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file)
    for number in range(20):
        writer.writepkt(b"x" * number, ts=1_700_000_000 + number)
    expected = [
        (round(time * 10**9), bytes(frame))
        for time, frame in dpkt.pcapng.Reader(io.BytesIO(file.getvalue()))
    ]
    rows, error = read(file.getvalue())
    assert error is None
    assert [row[:2] for row in rows] == expected
    assert len(rows) == 20
