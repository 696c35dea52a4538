"""Classic pcap: every variant, and every kind of damage with its message."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.unit.capture.files.build import KUZNETZOV, MICRO, NANO, pcap_header, read, record

KUZNETZOV_MORE = b"\x02\x00\x00\x00\x00\x08\x04\x00"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("magic", "more", "time_ns"),
    [
        (MICRO, b"", 1_700_000_000_000_007_000),
        (NANO, b"", 1_700_000_000_000_000_007),
        (KUZNETZOV, KUZNETZOV_MORE, 1_700_000_000_000_007_000),
    ],
)
def test_variants(order: str, magic: int, more: bytes, time_ns: int) -> None:
    first = record(b"abc", 1_700_000_000, 7, order=order, wire=90, more=more)
    second = record(b"", 0xFFFFFFFF, 0, order=order, more=more)
    rows, error = read(pcap_header(order, magic) + first + second)
    assert error is None
    assert rows == [(time_ns, b"abc", 90, 1, ""), (4_294_967_295 * 10**9, b"", 0, 1, "")]


@pytest.mark.parametrize("link", [0, 1, 12, 14, 101, 108, 113, 228, 229, 276])
def test_link_types(link: int) -> None:
    rows, error = read(pcap_header(link=link | 0x14000000) + record(b"x"))
    assert error is None
    assert [row[3] for row in rows] == [link]


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (195, "FILE: at octet 20: link type 195 (IEEE 802.15.4) cannot be decoded"),
        (9999, "FILE: at octet 20: link type 9999 cannot be decoded"),
    ],
)
def test_unknown_link_type(link: int, text: str) -> None:
    assert read(pcap_header(link=link) + record(b"x")) == ([], text)


def test_captured_longer_than_wire_is_the_wire_length() -> None:
    rows, error = read(pcap_header() + record(b"abcdef", wire=3))
    assert (rows[0][1:3], error) == ((b"abcdef", 6), None)


def test_longer_than_the_snaplen_is_processed_and_noted_once() -> None:
    header = pcap_header(snaplen=4)
    octets = header + record(b"abcd") + record(b"abcde") + record(b"abcdef")
    rows, error = read(octets)
    assert [row[1] for row in rows] == [b"abcd", b"abcde", b"abcdef"]
    assert error == "FILE: 2 records longer than the snaplen, first at octet 44"


def test_impossible_fraction_is_carried_into_the_seconds() -> None:
    octets = pcap_header() + record(b"a", 5, 999_999) + record(b"b", 5, 4_000_000_000)
    rows, error = read(octets)
    assert [row[0] for row in rows] == [5_999_999_000, 4005 * 10**9]
    assert error == "FILE: 1 record with impossible timestamps, first at octet 41"


@pytest.mark.parametrize(
    ("snaplen", "limit"), [(0, 262144), (65535, 262144), (300_000, 300_000), (1 << 31, 1 << 24)]
)
def test_a_record_up_to_the_limit_is_read_one_beyond_is_damage(snaplen: int, limit: int) -> None:
    header = pcap_header(snaplen=snaplen)
    long = record(bytes(limit)) + record(b"next")
    rows, error = read(header + long)
    assert [len(row[1]) for row in rows] == [limit, 4]
    assert error is None or "1 record longer than the snaplen" in error
    rows, error = read(header + record(b"a") + record(bytes(limit + 1)) + record(b"b"))
    assert [row[1] for row in rows] == [b"a"]
    assert error == f"FILE: at octet 41: damaged: a record of {limit + 1} octets, more than {limit}"


def test_every_cut() -> None:
    parts = [record(b"first", 1), record(b"second", 2)]
    whole = pcap_header() + b"".join(parts)
    starts = [24, 24 + len(parts[0]), len(whole)]
    frames, _ = read(whole)
    for cut in range(1, len(whole)):
        rows, error = read(whole[:cut])
        complete = sum(cut >= end for end in starts[1:])
        assert rows == frames[:complete]
        if cut in starts:
            assert error is None
        elif cut < 4:
            assert error is not None and "not a capture file" in error
        else:
            offset = max([0, *(start for start in starts if start < cut)])
            assert error is not None and error.startswith(f"FILE: at octet {offset}: ")


def test_the_words_of_a_cut() -> None:
    whole = pcap_header() + record(b"a" * 96)
    assert read(whole[:80]) == (
        [],
        "FILE: at octet 24: record cut short: 96 octets promised, 40 present",
    )
    assert read(whole[:30]) == (
        [],
        "FILE: at octet 24: record header cut short: 16 octets promised, 6 present",
    )
    assert read(whole[:20]) == (
        [],
        "FILE: at octet 0: file header cut short: 24 octets promised, 20 present",
    )


def test_unknown_version() -> None:
    octets = bytearray(pcap_header() + record(b"x"))
    octets[4] = 7
    error = "FILE: at octet 4: version 7.4 of the pcap format is not known"
    assert read(bytes(octets)) == ([], error)


def test_as_scapy_writes_and_dpkt_reads(tmp_path: Path) -> None:
    import dpkt  # noqa: PLC0415
    from scapy.all import IP, UDP, Ether, wrpcap  # noqa: PLC0415

    packets = []
    for number in range(50):
        packet = Ether() / IP(dst="192.0.2.1") / UDP(dport=number) / (b"x" * number)
        packet.time = 1_700_000_000 + number
        packets.append(packet)
    for nano in (False, True):
        path = tmp_path / f"{nano}.pcap"
        wrpcap(str(path), packets, nano=nano)
        octets = path.read_bytes()
        expected = [
            (round(time * 10**9), bytes(frame))
            for time, frame in dpkt.pcap.Reader(io.BytesIO(octets))
        ]
        rows, error = read(octets)
        assert error is None
        assert [row[:2] for row in rows] == expected


def test_as_dpkt_writes() -> None:
    import dpkt  # noqa: PLC0415

    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file)
    writer.writepkt(b"abc" * 20, ts=1234567890.5)
    rows, error = read(file.getvalue())
    assert (rows, error) == ([(1_234_567_890_500_000_000, b"abc" * 20, 60, 1, "")], None)
