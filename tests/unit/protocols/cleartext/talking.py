"""Dialogues written down line by line, and what an analyzer tells of them."""

from __future__ import annotations

from typing import Any

from sensor.protocols import PROTOCOLS
from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.secrets import Secrets

SECRETS = Secrets(b"a key of this test")
MAKE = {one.name: one.make for one in PROTOCOLS}


def pieces_of(text: str) -> list[tuple[int, bytes]]:
    """Lines behind `C: ` and `S: `, as RFCs write dialogues."""
    lines = [line.strip() for line in text.splitlines()]
    return [(CLIENT if line[0] == "C" else SERVER, line[3:].encode("latin-1") + b"\r\n")
            for line in lines if line]


def told(protocol: str, text: str, *, byte_by_byte: bool = False) -> list[dict[str, Any]]:
    """The events of a dialogue: fields, `action`, and the `line` that decided, from 1."""
    pieces = [(side, octets, number) for number, (side, octets) in enumerate(pieces_of(text), 1)]
    if byte_by_byte:
        pieces = [(side, octets[at : at + 1], number) for side, octets, number in pieces
                  for at in range(len(octets))]
    analyzer = MAKE[protocol](SECRETS)
    events = []
    for side, octets, number in pieces:
        analyzer.feed(side, octets, Moment(number * 1000, number))
        events += analyzer.take()
    analyzer.close(Moment(999_000))
    events += analyzer.take()
    return [{"action": event.action, "line": event.moment.frame, **event.fields}
            for event in events]


def logins(protocol: str, text: str) -> list[tuple[str, str, str, int]]:
    """User, outcome, method and the length of the password (-1: none) of each attempt."""
    whole = told(protocol, text)
    assert told(protocol, text, byte_by_byte=True) == whole
    return [(event.get("user.name", ""), event["event.outcome"], event[f"{protocol}.login.method"],
             event.get(f"{protocol}.password.length", -1))
            for event in whole if event["action"] == f"{protocol}_login"]
