"""The words for what is wrong with a capture file."""

from __future__ import annotations

import errno
import os

import pytest

from sensor.capture.files.errors import (
    NOTE_LONG,
    NOTE_TIME,
    NOTES,
    link_text,
    not_a_capture,
    notes_texts,
    reason_of,
)
from tests.unit.capture.files.build import read


def test_a_link_type_has_its_name_where_it_has_one() -> None:
    assert link_text(1) == "link type 1 (Ethernet)"
    assert link_text(249) == "link type 249 (USBPcap)"
    assert link_text(65000) == "link type 65000"


def test_what_was_counted_is_told_with_its_first_place() -> None:
    noted = [0] * 2 * len(NOTES)
    noted[2 * NOTE_LONG : 2 * NOTE_LONG + 2] = 1, 24
    noted[2 * NOTE_TIME : 2 * NOTE_TIME + 2] = 3, 99
    assert notes_texts(noted, "records") == [
        "1 record longer than the snaplen, first at octet 24",
        "3 records with impossible timestamps, first at octet 99",
    ]


def test_a_file_of_another_kind_is_told_by_its_start() -> None:
    assert not_a_capture(b"") == "empty file"
    assert "starts with b'\\x1b[2J'" in not_a_capture(b"\x1b[2J")
    assert not_a_capture(b'{"a":1}').endswith("documents are given to --events, rules to --rules")


@pytest.mark.parametrize(("octets", "kind"), [
    (b"PK\x03\x04 and so on", "a zip archive"),
    (b"TRSNIFF data    \x1a", "a Sniffer capture"),
    (b"iptrace 2.0", "a capture of AIX iptrace"),
    (b"snoop\0\0\0\0\0\0\x02", "a snoop capture"),
    (bytes(257) + b"ustar\x0000" + bytes(248), "a tar archive"),
    (b"ab", "it starts with b'ab'"),
    (b"an unknown kind of file", "it starts with b'an unkno')"),
])  # fmt: skip
@pytest.mark.parametrize("sizes", [(1 << 30,), (1,), (4, 1), (5, 300)])
def test_another_kind_is_told_however_little_the_first_read_gave(
    octets: bytes, kind: str, sizes: tuple[int, ...]
) -> None:
    rows, error = read(octets, sizes, window_bytes=64)
    assert rows == [] and error is not None and kind in error


def test_the_machines_reason_is_told_without_the_path() -> None:
    missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/somewhere")
    assert reason_of(missing) == "cannot be read: no such file or directory"
    assert reason_of(ValueError("I/O on closed file")) == "cannot be read: I/O on closed file"
