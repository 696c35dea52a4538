"""Connections written down as what each side says, and what the analyzer tells of them."""

from __future__ import annotations

from typing import Any

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.http.analyzer import HttpAnalyzer
from sensor.protocols.secrets import Secrets

SECRETS = Secrets(b"a key of this test")
MISSING = b""
"""Said by a side: some octets of it are missing."""
MISSING_OCTETS = 10
Pieces = list[tuple[int, bytes]]


def asked(*lines: str, body: str = "") -> tuple[int, bytes]:
    """A request, line by line."""
    return CLIENT, message(*lines, body=body)


def answered(*lines: str, body: str = "") -> tuple[int, bytes]:
    """A response."""
    return SERVER, message(*lines, body=body)


def message(*lines: str, body: str = "") -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")


def played(pieces: Pieces, size: int, *, whole: bool = True) -> tuple[list[dict[str, Any]], bool]:
    """The events of pieces of at most so many octets, and whether the analyzer was done by itself.

    The frame of a piece is its number, from 1; it comes a second after the one before it.
    """
    analyzer = HttpAnalyzer(SECRETS)
    if not whole:
        analyzer.gap(CLIENT, 0, Moment(1))
        analyzer.gap(SERVER, 0, Moment(1))
    events = []
    for number, (side, octets) in enumerate(pieces, 1):
        moment = Moment(number * 1_000_000_000, number)
        if octets == MISSING:
            analyzer.gap(side, MISSING_OCTETS, moment)
        for at in range(0, len(octets), size):
            analyzer.feed(side, octets[at : at + size], moment)
        events += analyzer.take()
    is_done = analyzer.done
    analyzer.close(Moment(999_000_000_000))
    events += analyzer.take()
    return [{"action": event.action, "frame": event.moment.frame, **event.fields,
             **({"began_s": event.began_ns / 1e9} if event.began_ns else {})}
            for event in events], is_done


def told(*pieces: tuple[int, bytes], whole: bool = True) -> list[dict[str, Any]]:
    """The events, which are the same however the pieces are cut."""
    events, is_done = played(list(pieces), 1 << 20, whole=whole)
    assert played(list(pieces), 1, whole=whole) == (events, is_done)
    assert played(list(pieces), 7, whole=whole) == (events, is_done)
    return events


def transactions(*pieces: tuple[int, bytes], whole: bool = True) -> list[dict[str, Any]]:
    """The events that are no logins."""
    return [event for event in told(*pieces, whole=whole) if event["action"] == "http_transaction"]


def pairs(*pieces: tuple[int, bytes], whole: bool = True) -> list[tuple[str, int]]:
    """What was asked for and the status of the answer; "" and 0 where one was not seen."""
    return [(event.get("url.original", ""), event.get("http.response.status_code", 0))
            for event in transactions(*pieces, whole=whole)]
