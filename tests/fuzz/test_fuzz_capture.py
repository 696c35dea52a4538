"""No octets raise in a capture reader, and damage does not reach back to what stood before it.

SENSOR_FUZZ_RUNS bounds the number of damaged files tried (default 300).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor.capture.files.errors import LINKS
from tests.unit.capture.files.build import (
    KUZNETZOV,
    NANO,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    pcap_header,
    read,
    record,
    section,
    simple,
)

RUNS = int(os.environ.get("SENSOR_FUZZ_RUNS", "300"))

Parts = list[bytes]


def classic(order: str, magic: int, more: bytes = b"") -> Parts:
    """A file in parts: each is a header or one whole record."""
    records = [
        record(bytes([n]) * (n * 13 % 90), n, n, order=order, more=more) for n in range(1, 12)
    ]
    return [pcap_header(order, magic), *records]


def blocks(order: str) -> Parts:
    return [
        section(order, option(4, b"a tool", order)),
        interface(1, 64, (2, b"eth0"), (9, b"\x09"), order=order),
        interface(113, 0, (9, b"\x94"), (14, b"\0" * 8), order=order),
        enhanced(b"a" * 60, 1 << 40, 0, order=order),
        simple(b"b" * 33, order=order),
        block(5, b"statistics", order),
        obsolete(b"c" * 7, 1 << 41, 1, order=order),
        section("<"),
        interface(101),
        enhanced(b"d" * 90, 1 << 33),
    ]


FILES = [
    classic("<", 0xA1B2C3D4),
    classic(">", 0xA1B2C3D4),
    classic(">", NANO),
    classic("<", KUZNETZOV, bytes(8)),
    blocks("<"),
    blocks(">"),
]

EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "number"]),
        st.integers(0, 1 << 16),
        st.binary(min_size=1, max_size=40),
        st.sampled_from([0, 1, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 262144, 262145, 16, 28]),
    ),
    min_size=1,
    max_size=4,
)


def damage(octets: bytes, edits: list[tuple[str, int, bytes, int]]) -> tuple[bytes, int]:
    """The octets with these edits, and where the first one was."""
    first = len(octets)
    for how, where, some, number in edits:
        at = where % (len(octets) + 1)
        first = min(first, at)
        if how == "flip":
            flipped = bytes(octet ^ 0xFF for octet in octets[at : at + len(some)])
            octets = octets[:at] + flipped + octets[at + len(some) :]
        elif how == "cut":
            octets = octets[:at] + octets[at + len(some) :]
        elif how == "insert":
            octets = octets[:at] + some + octets[at:]
        else:
            field = number.to_bytes(4, "big" if where & 1 else "little")
            octets = octets[:at] + field + octets[at + 4 :]
    return octets, first


def frames_before(parts: Parts, offset: int) -> int:
    """How many frames stand in whole parts before this offset."""
    whole = b""
    for part in parts:
        if len(whole) + len(part) > offset:
            break
        whole += part
    return len(read(whole)[0]) if whole else 0


@settings(max_examples=RUNS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FILES), EDITS, st.sampled_from([(1 << 30,), (1, 7, 50)]))
def test_damaged_files(
    parts: Parts, edits: list[tuple[str, int, bytes, int]], sizes: tuple[int, ...]
) -> None:
    sound, error = read(b"".join(parts))
    assert error is None or "snaplen" in error
    octets, first = damage(b"".join(parts), edits)
    rows, error = read(octets, sizes, window_bytes=256)  # told() checks every offset
    before = frames_before(parts, first)
    assert rows[:before] == sound[:before]
    assert error is None or (error.isprintable() and error.startswith("FILE: "))
    assert all(wire >= len(frame) for _, frame, wire, _, _ in rows)
    if octets[:4] not in (b"\x0a\x0d\x0d\x0a",):
        assert {row[3] for row in rows} <= LINKS.keys()


@settings(max_examples=RUNS, deadline=None)
@given(
    st.sampled_from([b"", *(parts[0] for parts in FILES), *(b"".join(p[:3]) for p in FILES)]),
    st.binary(max_size=600),
)
def test_any_octets(start: bytes, octets: bytes) -> None:
    rows, error = read(start + octets, window_bytes=128)
    assert (rows, error) == read(start + octets, (5,), window_bytes=64)
    assert rows or error is not None or len(start) >= 24


def test_the_fuzzer_finds_what_is_there_to_be_found() -> None:
    """A canary: frames before the damage are compared, so losing one must show."""
    parts = FILES[0]
    octets, first = damage(b"".join(parts), [("flip", len(parts[0]) + 8, b"1234", 0)])
    assert frames_before(parts, first) == 0
    assert read(octets)[0] != read(b"".join(parts))[0]
