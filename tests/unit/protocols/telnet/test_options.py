"""Option negotiation, octet by octet as the RFCs of the options have it."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER
from sensor.protocols.telnet.options import (
    PROOF_BYTES,
    TERMINALS_MAX,
    VARIABLES_MAX,
    Negotiation,
    Variable,
    client_kind,
    variables_of,
)
from sensor.protocols.telnet.wire import Data, Offer, Suboption, Wire


def negotiated(*pieces: tuple[int, bytes]) -> Negotiation:
    """What is known behind these octets."""
    negotiation, wires = Negotiation(), [Wire(), Wire()]
    for side, octets in pieces:
        for token in wires[side].feed(octets):
            if isinstance(token, Data):
                negotiation.text(side, len(token.octets))
            elif isinstance(token, Offer):
                negotiation.offer(side, token)
            elif isinstance(token, Suboption):
                negotiation.suboption(side, token)
    return negotiation


def sub(*octets: int | bytes) -> bytes:
    body = b"".join(bytes([one]) if isinstance(one, int) else one for one in octets)
    return b"\xff\xfa" + body + b"\xff\xf0"


@pytest.mark.parametrize(("pieces", "is_proof"), [
    ([(SERVER, b"\xff\xfd\x18\xff\xfb\x01")], True),  # two, back to back
    ([(SERVER, b"\xff\xfd\x18")], False),
    ([(SERVER, b"\xff\xfd\x18"), (CLIENT, b"\xff\xfb\x18")], True),  # one answers the other
    ([(SERVER, b"\xff\xfd\x18"), (CLIENT, b"\xff\xfb\x01")], False),
    ([(SERVER, b"\xff\xfd\x18text\xff\xfb\x01")], False),  # not back to back
    ([(SERVER, b"\xff\xfd\x34\xff\xfb\x35")], False),  # there are no such options
    ([(SERVER, b"\xff\xfb\xc9\xff\xfb\x56")], True),  # GMCP, MCCP2
    ([(CLIENT, sub(24, 0, b"xterm"))], True),
    ([(CLIENT, sub(99, 0, b"xterm"))], False),
    ([(SERVER, b"Welcome\r\nUsername:" + b"\xff\xfb\x01" * 3 + b"\xff\xfb\x03\xff\xfd\x18")], True),
    ([(SERVER, b"x" * PROOF_BYTES + b"\xff\xfd\x18\xff\xfb\x01")], True),
    ([(SERVER, b"x" * (PROOF_BYTES + 1) + b"\xff\xfd\x18\xff\xfb\x01")], False),
    ([(CLIENT, b"x" * (PROOF_BYTES + 1) + sub(24, 0, b"xterm"))], False),
])
def test_what_proves_telnet(pieces: list[tuple[int, bytes]], is_proof: bool) -> None:
    assert negotiated(*pieces).is_negotiated is is_proof


def test_terminal_and_window() -> None:
    found = negotiated(
        (CLIENT, sub(24, 0, b"xterm") + sub(24, 0, b"vt100") + sub(24, 0, b"vt100")),
        (CLIENT, sub(31, 0, 80, 0, 24)), (SERVER, sub(24, 0, b"no") + sub(31, 1, 1, 1, 1)))
    assert found.terminals == ["xterm", "vt100"]
    assert found.window == (80, 24)
    assert negotiated((CLIENT, b"\xff\xfa\x1f\x00\xff\xff\x01\x00\xff\xf0")).window == (255, 256)
    assert negotiated((CLIENT, sub(31, 0, 80, 0))).window is None
    assert negotiated((CLIENT, sub(31, 0, 80, 0, 24) + sub(31, 0, 132, 0, 50))).window == (132, 50)
    many = negotiated((CLIENT, b"".join(sub(24, 0, b"t%d" % number) for number in range(99))))
    assert len(many.terminals) == TERMINALS_MAX


@pytest.mark.parametrize(("octets", "variables"), [
    (b"", []),
    (b"\0USER\1ann", [(b"USER", b"ann")]),
    (b"\3USER\1ann\0TERM\1x", [(b"USER", b"ann"), (b"TERM", b"x")]),
    (b"\0USER", [(b"USER", None)]),  # undefined
    (b"\0USER\1", [(b"USER", b"")]),
    (b"\0A\2\1B\1c\2\2d\2\0e\2\3", [(b"A\1B", b"c\2d\0e\3")]),
    (b"\0A\1b\2", [(b"A", b"b\2")]),  # ESC with nothing behind
    (b"lost\1text\0A\1b", [(b"A", b"b")]),
    (b"\0A\1b\xffc", [(b"A", b"b\xffc")]),
    (b"\0\1x", [(b"", b"x")]),
])
def test_variables(octets: bytes, variables: list[tuple[bytes, bytes | None]]) -> None:
    assert variables_of(octets, 0, 1) == [Variable(*one) for one in variables]


def test_environments() -> None:
    new = negotiated((CLIENT, sub(39, 0, b"\0USER\1ann\3LANG\1de")))
    assert (new.user, new.variables) == ("ann", ["USER", "LANG"])
    assert negotiated((CLIENT, sub(39, 2, b"\0USER\1bob"))).user == "bob"  # INFO
    assert negotiated((CLIENT, sub(36, 0, b"\0USER\1ann"))).user == "ann"  # RFC 1408
    assert negotiated((CLIENT, sub(36, 0, b"\1USER\0ann"))).user == "ann"  # BSD
    assert negotiated((CLIENT, sub(39, 0, b"\1USER\0ann"))).user is None
    assert negotiated((CLIENT, sub(39, 0))).variables == []
    assert negotiated((CLIENT, sub(39, 1, b"\0USER"))).variables == []  # SEND is the server's
    assert negotiated((SERVER, sub(39, 0, b"\0USER\1ann"))).user is None
    assert negotiated((CLIENT, sub(39, 0, b"\0LOGNAME\1ann\0USER\1\0USER"))).user is None
    many = b"".join(b"\0V%d\1x" % number for number in range(500))
    assert len(negotiated((CLIENT, sub(39, 0, many))).variables) == VARIABLES_MAX


def test_linemode() -> None:
    assert negotiated((SERVER, sub(34, 1, 1))).client_edits
    assert not negotiated((SERVER, sub(34, 1, 1) + sub(34, 1, 2))).client_edits
    moved = negotiated((CLIENT, sub(34, 3, 10, 2, 0x23, 11, 2, 0x40)))
    assert (moved.erase_key, moved.kill_key) == (0x23, 0x40)
    kept = negotiated((CLIENT, sub(34, 3, 10, 2, 13, 11, 0, 0x40, 3, 2, 9)))
    assert (kept.erase_key, kept.kill_key) == (None, None)


PASS, REPLY = (CLIENT, sub(37, 0, 6, 0, 3, b"x")), 2


@pytest.mark.parametrize(("pieces", "decision"), [
    ([(SERVER, sub(37, REPLY, 1, 2, 2))], "accepted"),  # Kerberos 4
    ([(SERVER, sub(37, REPLY, 2, 2, 2))], "accepted"),
    ([(SERVER, sub(37, REPLY, 5, 0, 2))], "accepted"),  # SRP
    ([(SERVER, sub(37, REPLY, 6, 2, 4))], "accepted"),  # SRA
    ([(SERVER, sub(37, REPLY, 15, 0, 3))], "accepted"),  # NTLM
    ([(CLIENT, sub(37, 3, b"ann")), (SERVER, sub(37, REPLY, 2, 2, 1))], "rejected"),
    ([PASS, (SERVER, sub(37, REPLY, 6, 2, 2))], "rejected"),  # asked again: a bad password
    ([PASS, (SERVER, sub(37, REPLY, 6, 2, 5))], "rejected"),
    ([(SERVER, sub(37, REPLY, 6, 2, 2))], None),  # a dialogue that goes on
    ([(SERVER, sub(37, REPLY, 7, 0, 2))], None),  # TLS begins
    ([(SERVER, sub(37, REPLY, 15, 0, 4))], None),  # a method refused, no password
    ([(SERVER, sub(37, REPLY, 15, 0, 2))], None),
    ([(CLIENT, sub(37, REPLY, 2, 2, 2))], None),  # only servers accept
    ([(SERVER, sub(37, REPLY, 2, 2))], None),  # too short
    ([(SERVER, sub(37, REPLY))], None),
    ([(CLIENT, sub(37, 0, 0, 0))], None),  # no type in common
    ([(SERVER, sub(37, REPLY, 0, 0, 2))], None),
])
def test_authentication(pieces: list[tuple[int, bytes]], decision: str | None) -> None:
    assert negotiated(*pieces).authenticated == decision


def test_accounts_in_authentication() -> None:
    assert negotiated((CLIENT, sub(37, 3, b"carol"))).account == "carol"
    assert negotiated((SERVER, sub(37, 3, b"carol"))).account is None
    name = "dora".encode("utf-16-le")
    message = bytearray(b"NTLMSSP\0\3\0\0\0" + bytes(52) + name)
    message[36:44] = bytes([len(name), 0, len(name), 0, 64, 0, 0, 0])
    message[60] = 1
    assert negotiated((CLIENT, sub(37, 0, 15, 0, 2, bytes(message)))).account == "dora"
    for cut in (70, 40, 12):
        short = bytes(message[:cut])
        assert negotiated((CLIENT, sub(37, 0, 15, 0, 2, short))).account in (None, "dor")


@pytest.mark.parametrize(("pieces", "is_dark"), [
    ([(SERVER, sub(37, REPLY, 7, 0, 2))], True),  # SSL accepted
    ([(SERVER, sub(37, REPLY, 7, 0, 1))], False),
    ([(SERVER, sub(46, 1))], False),  # START_TLS of one side
    ([(SERVER, sub(46, 1)), (CLIENT, sub(46, 1))], True),
    ([(CLIENT, sub(38, 3, 0))], True),  # ENCRYPT START
    ([(SERVER, sub(38, 3, 0))], True),
    ([(SERVER, b"\xff\xfb\x26\xff\xfd\x26"), (CLIENT, b"\xff\xfd\x26")], False),  # offers
    ([(SERVER, sub(38, 1, 1, 2)), (CLIENT, sub(38, 2, 1)), (CLIENT, sub(38, 5)),
      (SERVER, sub(38, 7, 1))], False),
    ([(SERVER, sub(86))], True),  # MCCP2
    ([(CLIENT, sub(86))], False),
    ([(SERVER, b"\xff\xfb\x56"), (CLIENT, b"\xff\xfd\x56")], False),
])
def test_what_goes_dark(pieces: list[tuple[int, bytes]], is_dark: bool) -> None:
    assert negotiated(*pieces).is_dark is is_dark


EOR, BLOCKS = b"\xff\xfb\x19\xff\xfd\x19", b"\xff\xfd\x28"


@pytest.mark.parametrize(("pieces", "kind"), [
    ([(CLIENT, sub(24, 0, b"IBM-3278-2-E")), (CLIENT, EOR)], "tn3270"),
    ([(CLIENT, EOR), (CLIENT, sub(24, 0, b"IBM-3279-4"))], "tn3270"),
    ([(CLIENT, sub(24, 0, b"IBM-DYNAMIC")), (CLIENT, EOR)], "tn3270"),
    ([(CLIENT, sub(24, 0, b"IBM-3179-2")), (CLIENT, EOR)], "tn5250"),
    ([(CLIENT, sub(24, 0, b"IBM-3477-FC")), (CLIENT, EOR)], "tn5250"),
    ([(CLIENT, sub(24, 0, b"IBM-3278-2"))], None),  # no records
    ([(SERVER, BLOCKS), (CLIENT, sub(40, 2, 7, b"IBM-3279-4-E") + b"\xff\xfb\x28")], "tn3270"),
    ([(SERVER, BLOCKS), (CLIENT, b"\xff\xfb\x28" + sub(40, 2, 7, b"IBM-3278-2\1TCP1"))], "tn3270"),
    ([(CLIENT, b"\xff\xfb\x28"), (SERVER, sub(40, 2, 7, b"IBM-3279-4-E"))], None),
    ([(CLIENT, sub(24, 0, b"xterm")), (CLIENT, EOR)], None),
])
def test_block_terminals(pieces: list[tuple[int, bytes]], kind: str | None) -> None:
    assert negotiated(*pieces).kind == kind


def test_options_that_are_on() -> None:
    found = negotiated((SERVER, b"\xff\xfb\x01\xff\xfb\x03\xff\xfc\x01"))
    assert not found.is_on(SERVER, 1) and found.has_been_on(SERVER, 1)
    assert found.is_on(SERVER, 3) and not found.is_on(CLIENT, 3)
    offers = (SERVER, b"\xff\xfb\x01\xff\xfb\x03")
    refused = negotiated(offers, (CLIENT, b"\xff\xfe\x01\xff\xfd\x03\xff\xfe\x03"))
    assert refused.is_refused(SERVER, 1) and not refused.is_refused(SERVER, 3)
    agreed = negotiated((SERVER, b"\xff\xfb\x01\xff\xfc\x01"), (CLIENT, b"\xff\xfe\x01"))
    assert not agreed.is_refused(SERVER, 1)


@pytest.mark.parametrize(("first", "kind"), [
    ("fffb1ffffa1f00500018fff0", "mirai"), ("fffd03fffb18fffb1ffffb20fffb21fffb22fffb27", "bsd"),
    ("fffb1ffffb20fffb18fffb27", "putty"), ("fffb1f", None), ("", None), ("6c6f67696e", None),
])
def test_clients(first: str, kind: str | None) -> None:
    assert client_kind(bytes.fromhex(first)) == kind
