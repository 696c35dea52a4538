"""TLS inside protocols of lines: what OpenSSL says behind STARTTLS, STLS and AUTH TLS."""

from __future__ import annotations

import ssl

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent
from tests.unit.protocols.cleartext.talking import MAKE, SECRETS, pieces_of
from tests.unit.protocols.tls import handshakes

BEFORE = {
    "smtp": "S: 220 ready\nC: EHLO a\nS: 250-hello\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go",
    "pop3": "S: +OK\nC: STLS\nS: +OK go",
    "imap": "S: * OK\nC: a STARTTLS\nS: a OK go",
    "ftp": "S: 220 ready\nC: AUTH TLS\nS: 234 go",
}
MAILBOX = {
    "smtp": "AUTH LOGIN", "pop3": "USER a", "imap": "b LOGIN c d", "ftp": "USER a",
}  # fmt: skip


def told(protocol: str, pieces: list[tuple[int, bytes]]) -> tuple[list[ProtocolEvent], bool]:
    """The events, and whether the analyzer was done before the end."""
    analyzer = MAKE[protocol](SECRETS)
    for number, (side, octets) in enumerate(pieces, 1):
        if not analyzer.done:
            analyzer.feed(side, octets, Moment(number, number))
    is_done = analyzer.done
    analyzer.close(Moment(len(pieces) + 1))
    return analyzer.take(), is_done


def handshake(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> list[tuple[int, bytes]]:
    return handshakes.handshake(*handshakes.speakers(version))[0]


@pytest.mark.parametrize("protocol", BEFORE)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_in_the_middle(protocol: str, version: ssl.TLSVersion) -> None:
    pieces = [*pieces_of(BEFORE[protocol]), *handshake(version)]
    ((event,), is_done) = told(protocol, pieces)
    assert (event.protocol, event.action) == ("tls", "tls_handshake")
    assert event.fields["tls.client.server_name"] == handshakes.NAME
    assert event.fields["event.outcome"] == "success"
    assert is_done
    octets = [(side, part[at : at + 1]) for side, part in pieces for at in range(len(part))]
    ((again,), _) = told(protocol, octets)
    assert again.fields == event.fields


@pytest.mark.parametrize("protocol", BEFORE)
def test_what_is_no_tls_ends_the_analysis(protocol: str) -> None:
    pieces = [*pieces_of(BEFORE[protocol]), (CLIENT, MAILBOX[protocol].encode() + b"\r\n"),
              (SERVER, b"no\r\n")]  # fmt: skip
    assert told(protocol, pieces) == ([], True)


def test_a_refusal_goes_on_in_the_clear() -> None:
    text = BEFORE["ftp"].replace("234 go", "502 no") + "\nC: USER a\nS: 230 in"
    ((event,), _) = told("ftp", pieces_of(text))
    assert (event.action, event.fields["event.outcome"]) == ("ftp_login", "success")


def test_a_gap_behind_the_beginning_leaves_it_open() -> None:
    analyzer = MAKE["smtp"](SECRETS)
    (hello, *_) = handshake()
    for side, octets in (*pieces_of(BEFORE["smtp"]), hello):
        analyzer.feed(side, octets, Moment(1, 1))
    assert analyzer.held_bytes >= 0
    analyzer.gap(SERVER, 100, Moment(2, 2))
    assert analyzer.done
    (event,) = analyzer.take()
    assert (event.protocol, event.fields["event.outcome"]) == ("tls", "unknown")
