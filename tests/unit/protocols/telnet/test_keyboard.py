"""What a client types: ends of lines, keys that edit, keys that only the echo tells of."""

from __future__ import annotations

import pytest

from sensor.protocols.telnet.keyboard import LINE_MAX, Keyboard, Line


def typed(octets: bytes, size: int = 1000, **keys: int) -> list[Line]:
    keyboard = Keyboard()
    keyboard.set_key(**keys)
    lines: list[Line] = []
    for at in range(0, len(octets), size):
        lines += keyboard.feed(octets[at : at + size])
    return lines


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(("octets", "texts"), [
    (b"a\r\nb\r\n", ["a", "b"]),
    (b"a\r\0b\r\0", ["a", "b"]),
    (b"a\rb\r", ["a", "b"]),
    (b"a\nb\n", ["a", "b"]),
    (b"a\r\n\r\nb\r\n", ["a", "", "b"]),
    (b"a\n\nb\r\r", ["a", "", "b", ""]),
    (b"a\r\0\r\nb\r\n", ["a", "", "b"]),
    (b"a\0b\0\r\n", ["ab"]),
    (b"abc\x08\x7fX\r\n", ["aX"]),
    (b"ab\x7f\x7f\x7f\x7f\x7fc\r\n", ["c"]),
    (b"wrong\x15right\r\n", ["right"]),
    (b"one two  \x17three\r\n", ["one three"]),
    (b"one\x17two\r\n", ["two"]),
    (b"a\x16\x08b\r\n", ["a\x08b"]),
    (b"a\x16\x15b\r\n", ["a\x15b"]),
    (b"sleep 9\x03ls\r\n", ["ls"]),
    (b"ls\x12\x0c\r\n", ["ls"]),
    ("gr\u00fcn\x7f\x7fX\r\n".encode(), ["grX"]),
    ("\u5bc6\u7801\x7f\r\n".encode(), ["\u5bc6"]),
    (b"caf\xe9\x7fX\r\n", ["cafX"]),
    (b"\x1b[24;80Rls\r\n", ["ls"]),
    (b"\x1b[?1;2c\x1b[>0;276;0cls\r\n", ["ls"]),
    (b"\x1b]10;rgb:ffff/ffff/ffff\x07ls\r\n", ["ls"]),
    (b"\x1b]11;rgb:0000/0000/0000\x1b\\ls\r\n", ["ls"]),
    (b"\x1b[Ils\x1b[O\r\n", ["ls"]),
    (b"\x1b[<0;12;5Mls\x1b[<0;12;5m\r\n", ["ls"]),
    (b"\x1b[200~ls -l\x1b[201~\r\n", ["ls -l"]),
])
def test_lines(octets: bytes, texts: list[str], size: int) -> None:
    assert typed(octets, size) == [Line(text) for text in texts]


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("octets", [
    b"\x1b[A\r\n", b"\x1bOA\r\n", b"ls /et\t\r\n", b"ab\x1b[Dc\r\n", b"\x01ls\r\n", b"\x10\r\n",
    b"ab\x1b[3~\r\n", b"ls\x1bb\r\n", b"\x12\x10\r\n",
])  # fmt: skip
def test_only_the_echo_tells(octets: bytes, size: int) -> None:
    (line,) = typed(octets, size)
    assert line.needs_echo


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("begun", [b"\x1b\x1b", b"\x1b[\x07", b"\x1bO\x01", b"\x1b]0;x", b"\x1b[1;",
                                   b"\x1b"])  # fmt: skip
def test_a_sequence_that_is_none_hides_no_line(begun: bytes, size: int) -> None:
    *_, last = typed(begun + b"\r\nls\r\n", size)
    assert last == Line("ls")


@pytest.mark.parametrize(("keys", "octets", "text"), [
    ({"erase": 0x23}, b"abc#d\r\n", "abd"),
    ({"kill": 0x40}, b"abc@d\r\n", "d"),
    ({"erase": 0x1E}, b"ab\x1e\r\n", "a"),
    ({"erase": 0x23}, b"ab\x08\x7fc\r\n", "c"),
    ({}, b"ab#@\r\n", "ab#@"),
])
def test_keys_of_linemode(keys: dict[str, int], octets: bytes, text: str) -> None:
    assert typed(octets, **keys) == [Line(text)]


def test_a_line_is_bounded() -> None:
    (line,) = typed(b"x" * 100_000 + b"\r\n", 999)
    assert line == Line("x" * LINE_MAX, was_cut=True)
    (line,) = typed(b"x" * LINE_MAX + b"\r\n")
    assert line == Line("x" * LINE_MAX)


def test_a_sequence_without_end_is_bounded() -> None:
    for begun in (b"\x1b]", b"\x1b["):
        first, last = typed(begun + b"0" * 5000 + b"\r\nls\r\n", 10)
        assert first.needs_echo and last == Line("ls")


def test_commands_of_telnet() -> None:
    keyboard = Keyboard()
    keyboard.feed("ab\u00fc".encode())
    keyboard.erase_one()
    assert keyboard.text == "ab"
    keyboard.drop()
    assert keyboard.is_empty
    keyboard.erase_one()
    assert keyboard.is_empty


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("key", [b"\r\n", b"\r\0", b"\r", b"\n", b" ", b"q", b"\x1b[B", b"\x03"])
def test_a_key_that_answers(key: bytes, size: int) -> None:
    keyboard, lines = Keyboard(), []
    keyboard.skip()
    octets = key + b"w\r\n"
    for at in range(0, len(octets), size):
        lines += keyboard.feed(octets[at : at + size])
    assert lines == [Line("w")]


def test_the_rest_of_a_line_behind_a_loss_is_none() -> None:
    keyboard = Keyboard()
    keyboard.feed(b"rm -rf")
    keyboard.reset()
    assert keyboard.feed(b" /tmp/x\r\nls\r\n") == [Line("ls")]
