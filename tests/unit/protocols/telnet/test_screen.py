"""What a server prints, as a person reads it."""

from __future__ import annotations

import time

import pytest

from sensor.protocols.telnet.screen import LINE_MAX, Printed, Screen, decoded, readable

BASH = b"\x1b]0;ann@box: ~\x07\x1b[?2004h\x1b[01;32mann@box\x1b[0m:\x1b[01;34m~\x1b[0m$ "


@pytest.mark.parametrize(("raw", "text"), [
    (b"plain text", "plain text"),
    (b"\x1b[1;31mred\x1b[0m", "red"),
    (b"\x1b]0;title\x07login: ", "login: "),
    (b"\x1b]2;title\x1b\\login: ", "login: "),
    (b"\x1bPq#0\x1b\\a\x1bXno\x1b\\b\x1b^no\x1b\\c\x1b_no\x1b\\d", "abcd"),
    (b"\x1b(B\x1b=a\x1b>b\x1b7c\x1b8", "abc"),
    (BASH, "ann@box:~$ "),
    (b"\x1b[K\x1b[?1h\x1b=box% \x1b[?2004h", "box% "),  # zsh
    (b"/ # \x1b[6n", "/ # "),  # busybox ash
    (b"a\0b\x07c\x01d", "abcd"),
    (b"abc\b\bX", "aXc"),
    (b"\b\b\bx", "x"),  # never before the line
    (b"secret\rlogin:", "login:"),
    (b"login: \r", "login: "),
    (b"abc\b \b", "ab "),
    (b" --More-- \b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\bnext", "next      "),
    (b"--More--\x1b[16D\x1b[Knext", "next"),
    (b"abc\x1b[2Dx", "axc"),
    (b"abc\x1b[1Gx", "xbc"),
    (b"abc\r\x1b[1Cx", "axc"),
    (b"abc\r\x1b[2Px", "x"),
    (b"abc\r\x1b[2@xy", "xyabc"),
    (b"old text\x1b[2J\x1b[Hnew", "new"),
    (b"old\x1b[2K\rnew", "new"),
    (b"a\x1b\x1b[0mlogin: ", "alogin: "), (b"\x1b[\x01login: ", "[login: "),
    (b"\x1b\x01login: ", "login: "), (b"cut \x1b", "cut "), (b"cut \x1b(", "cut "),
    (b"cut \x1b[0;3", "cut "),
    (b"cut \x1b]0;title without end", "cut "),
    ("käse \u2713".encode(), "käse \u2713"),
    (b"k\xe4se", "käse"),
    ("ab\u00e9".encode()[:-1], "ab"),  # cut within a character
])  # fmt: skip
def test_readable(raw: bytes, text: str) -> None:
    assert readable(raw).rstrip() == text.rstrip()


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_any_cut(size: int) -> None:
    raw = b"Last login: today\r\n\r\n" + "gr\u00fc\u00dfe\r\n".encode() + BASH
    screen = Screen()
    lines = []
    for at in range(0, len(raw), size):
        lines += screen.feed(raw[at : at + size])
    assert [line.text for line in lines] == ["Last login: today", "", "gr\u00fc\u00dfe"]
    assert screen.pending == "ann@box:~$ "


def test_what_the_client_answered_is_apart() -> None:
    screen = Screen()
    screen.feed(b"login: ")
    screen.cut()
    assert screen.pending == ""
    assert screen.feed(b"ann\r\nPassword: ") == [Printed("ann", "login: ann")]
    assert screen.pending == "Password: "
    assert screen.line == "Password: "


@pytest.mark.parametrize("size", [1, 7, 5000])
@pytest.mark.parametrize("raw", [
    b"one\r\ntwo\r\nann@box:~$ ", b"x" * (LINE_MAX + 9), b"\n" * 9 + b"y" * (LINE_MAX + 9),
    b"a\x1b[01;34mb\x1b[0m\n\x1b[?1049hvi", b"\x1b[?47h??\n\x1b[?47lx", b"$ ",
])
def test_what_is_skimmed_leaves_what_reading_it_does(raw: bytes, size: int) -> None:
    read, skimmed = Screen(), Screen()
    for screen in (read, skimmed):
        screen.feed(b"$ ")
        screen.cut()
    for at in range(0, len(raw), size):
        read.feed(raw[at : at + size])
        skimmed.skim(raw[at : at + size])
    assert (skimmed.pending, skimmed.line) == (read.pending, read.line)
    assert skimmed.full_screen == read.full_screen


@pytest.mark.parametrize("on", [b"\x1b[?1049h", b"\x1b[?47h", b"\x1b[?1047h"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_full_screen_programs(on: bytes, size: int) -> None:
    screen = Screen()
    for at in range(0, len(on), size):
        assert not screen.full_screen
        screen.feed(on[at : at + size])
    assert screen.full_screen
    off = on[:-1] + b"l"
    for at in range(0, len(off), size):
        screen.feed(off[at : at + size])
    assert not screen.full_screen


@pytest.mark.parametrize("octets", [b"\x1b[?1h", b"\x1b[?1h\x1b=", b"\x1b[2J", b"\x1b[?2004h",
                                    b"1049h", b"\x1b[?1049 h"])  # fmt: skip
def test_these_are_none(octets: bytes) -> None:
    screen = Screen()
    screen.feed(octets)
    assert not screen.full_screen


def test_a_line_without_end_is_bounded() -> None:
    screen = Screen()
    for _ in range(200):
        screen.feed(b"x" * 1000)
        assert len(screen.line) <= 2 * LINE_MAX
    screen.feed(b"login: ")
    assert screen.pending.endswith("xlogin: ") and len(screen.pending) == LINE_MAX
    screen.cut()
    screen.feed(b"y" * 5000)
    screen.cut()
    assert len(screen.line) == LINE_MAX


def test_a_loss_begins_anew() -> None:
    screen = Screen()
    screen.feed(b"half a line\x1b[?104")
    screen.reset()
    screen.feed(b"9hlogin: ")
    assert (screen.pending, screen.full_screen) == ("9hlogin: ", False)


@pytest.mark.parametrize(("raw", "text"), [
    ("\u5bc6\u7801:".encode(), "\u5bc6\u7801:"), (b"\xff\xfe", "\xff\xfe"),
    (b"ab\xe5\xaf", "ab"), (b"\xe5", ""), (b"\xe5a", "\xe5a"), (b"", ""),
])
def test_decoded(raw: bytes, text: str) -> None:
    assert decoded(raw) == text


@pytest.mark.parametrize("raw", [
    b"\x1b" * LINE_MAX, b"\x1b]" * 2048, b"\x1b[" * 2048, b"\x1b[;" * 1300, b"\x1b[9999@" * 600,
    b"a\x1b[1@" * 800, b"\x1bP" * 2048, b"\b" * LINE_MAX, b"ab\x1b[1G" * 680, b"\x1b " * 2048,
    b"\x1b[1G\x1b[9999@\x1b[1P" * 240,
])  # fmt: skip
def test_hostile_lines_are_read_in_little_time(raw: bytes) -> None:
    began = time.process_time()
    readable(raw)
    assert time.process_time() - began < 0.1
