"""What both sides of a flow prove together, whoever speaks first."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, play
from tests.dns_messages import query

GREETING, USER, AUTH = b"220 ready\r\n", b"USER me\r\n", b"AUTH TLS\r\n"
OFFER, MORE = b"\xff\xfb\x01", b"\xff\xfd\x03"
TELNET = OFFER + MORE


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("one", "other", "name"), [
    (GREETING, USER, "ftp"), (GREETING, AUTH, "ftp"), (GREETING, GREETING, None),
    (USER, AUTH, None), (GREETING, b"hello", None), (USER, b"+OK \r\n", "pop3"),
    (GREETING, b"EHLO me\r\n", "smtp"), (GREETING, OFFER, None), (USER, OFFER, None),
    (OFFER, MORE, "telnet"), (OFFER, b"hello", None), (OFFER, b"SSH-2.0-x", "ssh"),
    (OFFER, GREETING, None), (TELNET, OFFER, "telnet"), (TELNET, b"hello", "telnet"),
])
def test_two_sides(one: bytes, other: bytes, name: str | None, swapped: bool) -> None:
    talk = Talk(ports=(40_000, 9_000))
    talk.handshake()
    sides = (talk.server, talk.client) if swapped else (talk.client, talk.server)
    sides[0].data(0.1, one)
    sides[1].data(0.2, other)
    assert play(talk).records[0]["network"].get("protocol") == name


@pytest.mark.parametrize(("first", "second"), [
    (b"SSH-2.0-x", b"+OK \r\n"), (b"+OK \r\n", b"SSH-2.0-x"), (TELNET, b"GET /index.html")])
def test_what_is_proven_first_stays(first: bytes, second: bytes) -> None:
    names = {b"SSH-2.0-x": "ssh", b"+OK \r\n": "pop3", TELNET: "telnet"}
    talk = Talk(ports=(40_000, 9_000))
    talk.handshake()
    talk.server.data(0.1, first)
    talk.client.data(0.2, second)
    assert play(talk).records[0]["network"]["protocol"] == names[first]


@pytest.mark.parametrize(("front", "name"), [(0, "telnet"), (255, "telnet"), (256, None)])
def test_telnet_counts_among_the_first_octets_of_its_side(front: int, name: str | None) -> None:
    """Of other protocols the first payload alone does."""
    for payload, expected in ((TELNET, name), (b"SSH-2.0-x", None if front else "ssh")):
        talk = Talk(ports=(40_000, 9_000))
        talk.handshake()
        if front:
            talk.server.data(0.1, b"x" * front)
        talk.server.data(0.2, payload)
        assert play(talk).records[0]["network"].get("protocol") == expected


@pytest.mark.parametrize("side", ["client", "server"])
def test_two_offers_of_one_side_are_those_of_one(side: str) -> None:
    talk = Talk(ports=(40_000, 9_000))
    talk.handshake()
    for at in (0.1, 0.2):
        getattr(talk, side).data(at, OFFER)
    assert "protocol" not in play(talk).records[0]["network"]


OFFERS = [b"\xff\xfb\x18", b"\xff\xfd\x18", b"\xff\xfb\x01", b"\xff\xfd\x01", b"\xff\xfb\x03"]
"""Of a client, a server, a server, a client, and of either."""


@pytest.mark.parametrize("one", OFFERS)
@pytest.mark.parametrize("other", OFFERS)
def test_any_two_offers_are_telnet_if_each_side_made_one(one: bytes, other: bytes) -> None:
    for sides, name in (("client server", "telnet"), ("server client", "telnet"),
                        ("client client", None), ("server server", None)):  # fmt: skip
        talk = Talk(ports=(40_000, 9_000))
        talk.handshake()
        for at, (side, payload) in enumerate(zip(sides.split(), (one, other), strict=True)):
            getattr(talk, side).data(0.1 + at, payload)
        assert play(talk).records[0]["network"].get("protocol") == name, sides


@pytest.mark.parametrize("junk", [b"\0" * 12, b"x" * 600])
def test_datagrams_are_each_known_by_themselves(junk: bytes) -> None:
    """One that is damaged, or sent to hide the next, proves nothing, and hides nothing."""
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0.0, junk)
    talk.client.udp(0.1, query())
    assert play(talk).records[0]["network"]["protocol"] == "dns"
