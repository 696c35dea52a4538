"""Lines of a direction, however long and however they are cut."""

from __future__ import annotations

from sensor.protocols.cleartext.lines import LINE_MAX, Lines


def test_lines_end_as_they_may() -> None:
    lines = Lines()
    lines.feed(b"one\r\ntwo\n\r\nthr")
    assert [lines.take() for _ in range(4)] == [b"one", b"two", b"", None]
    lines.feed(b"ee\n")
    assert lines.take() == b"three"


def test_a_line_that_is_too_long_ends_it() -> None:
    longest = b"x" * (LINE_MAX - 1) + b"\n"
    lines = Lines()
    lines.feed(longest)
    assert lines.take() == longest[:-1] and not lines.is_broken
    lines.feed(b"x" + longest)
    assert lines.take() is None and lines.is_broken
    pieces = Lines()
    for _ in range(LINE_MAX):
        assert not pieces.is_broken
        pieces.feed(b"x")
        assert pieces.take() is None
    assert pieces.is_broken


def test_octets_that_are_announced_are_no_lines() -> None:
    lines = Lines()
    lines.feed(b"a\nb\n")
    lines.expect(5)
    assert lines.take() is None
    lines.feed(b"c rest\n")
    assert lines.take() == b"a\nb\nc"
    assert lines.take() == b" rest"
