"""Telnet's octets, as RFC 854, 855 and 1143 have them and as hostile peers send them."""

from __future__ import annotations

import pytest

from sensor.protocols.telnet.wire import (
    SUBOPTION_MAX,
    Command,
    Data,
    Offer,
    Suboption,
    Token,
    Wire,
)

ALL = bytes.fromhex("41ffff42 fffd18 fffb01 fffc05 fffe03 fff9 fff4 fffffa fffa1800787465726dfff0"
                    "fffa1f00ffff0018fff0 ffef 0d0a ff0142")  # fmt: skip
TOKENS: list[Token] = [
    Data(b"A\xffB"), Offer(253, 24), Offer(251, 1), Offer(252, 5), Offer(254, 3), Command(249),
    Command(244), Data(b"\xff\xfa"), Suboption(24, b"\0xterm", True),
    Suboption(31, b"\0\xff\0\x18", True), Command(239), Data(b"\r\nB"),
]


def joined(tokens: list[Token]) -> list[Token]:
    """Data that stands in pieces as one."""
    found: list[Token] = []
    for token in tokens:
        if isinstance(token, Data) and found and isinstance(found[-1], Data):
            found[-1] = Data(found[-1].octets + token.octets)
        else:
            found.append(token)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_any_cut(size: int) -> None:
    wire = Wire()
    found: list[Token] = []
    for at in range(0, len(ALL), size):
        found += wire.feed(ALL[at : at + size])
    assert joined(found) == TOKENS


@pytest.mark.parametrize(("octets", "tokens"), [
    (b"a\xff\xffb", [Data(b"a\xffb")]),
    (b"\xff\x01\xff\xebx", [Data(b"x")]),  # no such commands: both octets go
    (b"\xff\xec\xff\xed\xff\xee", [Command(236), Command(237), Command(238)]),
    (b"\xff\xf0x", [Command(240), Data(b"x")]),
    (b"\xff\xfd\xff", [Offer(253, 255)]),  # EXOPL
    (b"\xff\xfa\xff\xf0x", [Data(b"x")]),  # a suboption of nothing
    (b"\xff\xfa\x27\xff\xff\x01\xff\xf0", [Suboption(39, b"\xff\x01", True)]),
    (b"\xff\xfa\x27a\xff\xfbb\xff\xf0", [Suboption(39, b"a\xff\xfbb", True)]),
    (b"\xff\xfa\x27a\xff\xff\xf0b\xff\xf0", [Suboption(39, b"a\xff\xf0b", True)]),
    (b"\xff\xfa\x27abc", []),
])
def test_tokens(octets: bytes, tokens: list[Token]) -> None:
    assert joined(Wire().feed(octets)) == tokens


def test_a_suboption_that_never_ends_is_bounded() -> None:
    wire = Wire()
    assert wire.feed(b"\xff\xfa\x18") == []
    for _ in range(100):
        assert wire.feed(b"x" * 1000) == []
        assert len(wire.open_suboption) <= SUBOPTION_MAX
    (token,) = wire.feed(b"\xff\xf0")
    assert token == Suboption(24, b"x" * (SUBOPTION_MAX - 1), False)
    assert wire.feed(b"y\xff\xfa\x18z\xff\xf0") == [Data(b"y"), Suboption(24, b"z", True)]


def test_the_longest_that_is_kept_is_whole() -> None:
    body = b"x" * (SUBOPTION_MAX - 1)
    assert Wire().feed(b"\xff\xfa\x18" + body + b"\xff\xf0") == [Suboption(24, body, True)]


def test_one_begun_within_another_is_counted() -> None:
    wire = Wire()
    wire.feed(b"\xff\xfa\x27" + b"\xff\xff" * 10 + b"\xff\xfa\x27\xff")
    assert wire.reopened == 1
    assert wire.open_suboption == b"\x27" + b"\xff" * 10 + b"\xff\xfa\x27"


@pytest.mark.parametrize("size", [1, 100, 5000])
@pytest.mark.parametrize(("octets", "is_stuffed"), [
    (b"\xff\xfa\x27" + b"\xff\xff" * 600 + b"\xff\xfa\x27", True),
    (b"\xff\xfa\x27" + b"\xff\xfa\x27" + b"\xff\xff" * 600 + b"\xff\xf0", True),
    (b"\xff\xfa\x27" + b"\xff\xff" * 600 + b"\xff\xf0", False),  # never begun again
    (b"\xff\xfa\x27" + b"\xff\xff" * 400 + b"\xff\xfa\x27\xff\xff", False),
    (b"\xff\xfa\x27" + b"x" * 600 + b"\xff\xfa\x27\xff\xff", False),
])
def test_suboptions_that_are_stuffed(octets: bytes, is_stuffed: bool, size: int) -> None:
    wire = Wire()
    for at in range(0, len(octets), size):
        wire.feed(octets[at : at + size])
    assert wire.is_stuffed is is_stuffed


@pytest.mark.parametrize("begun", [b"\xff", b"\xff\xfd", b"\xff\xfa\x18abc", b"\xff\xfa\x18a\xff"])
def test_behind_a_loss_text_begins(begun: bytes) -> None:
    wire = Wire()
    wire.feed(begun)
    wire.reset()
    assert wire.open_suboption == b""
    assert wire.feed(b"abc") == [Data(b"abc")]
