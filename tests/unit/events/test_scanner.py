"""The search for lines that may matter; what it must never miss is tested as a property."""

from __future__ import annotations

from array import array

import pytest

from sensor.events.scanner import Scanner


def found(scanner: Scanner, *lines: bytes) -> list[int]:
    """The lines that the scanner finds, by their place among those that are not blank."""
    data = b"".join(line + b"\n" for line in lines)
    places = array("q", bytes(8 * 3 * len(lines)))
    count = scanner.scan(data + b"\0", 0, len(data), places)
    assert scanner.at == len(data)
    return [places[3 * at + 2] for at in range(count)]


def test_lines_with_a_word_are_found_and_blank_ones_not_counted() -> None:
    scanner = Scanner([b"telnet", b"ssh"], [])
    lines = (b'{"a":"http"}', b"", b'{"a":"telnet"}', b"  ", b'{"a":"xsshx"}')
    assert found(scanner, *lines) == [1, 2]
    assert scanner.lines == 3


def test_a_folded_word_is_found_in_any_case() -> None:
    line = b'{"a":"TelNet"}'
    assert found(Scanner([b"telnet"], [], folded=True), line) == [0]
    assert found(Scanner([b"telnet"], []), line) == []


@pytest.mark.parametrize(("text", "is_found"), [
    (b"23", True), (b'"23"', True), (b"[1,23]", True), (b"23.0", True), (b"2.3e1", True),
    (b"-23", True), (b"123", False), (b"230", False), (b"23.5", False), (b'"23x"', False),
])  # fmt: skip
def test_a_number_is_found_as_a_value_of_its_own(text: bytes, is_found: bool) -> None:
    assert found(Scanner([], [23]), b'{"a":%s}' % text) == [0] * is_found


def test_what_cannot_be_judged_is_found() -> None:
    scanner = Scanner([b"telnet"], [])
    assert found(scanner, b'{"a":"\\u0074elnet"}', b'{"index":{}}', b"[]", b'{"a":"http"') == [
        0, 1, 2, 3]  # an escape, an action, no object, an object that goes on


def test_without_words_every_line_is_found() -> None:
    assert Scanner([], []).takes_all
    assert found(Scanner([], []), b'{"a":1}', b'{"a":2}') == [0, 1]


def test_a_full_list_ends_the_scan_before_the_line_that_has_no_room() -> None:
    data = b'{"a":"x"}\n' * 3
    places = array("q", bytes(8 * 3 * 2))
    scanner = Scanner([b"x"], [])
    assert scanner.scan(data + b"\0", 0, len(data), places) == 2
    assert scanner.at == 20
    assert scanner.scan(data + b"\0", scanner.at, len(data), places) == 1
