"""Analyzers and the reassembly before them: nothing raises, and the cut never shows.

An input of an analyzer is a conversation: an octet whose upper bit is the side and whose others are
a length, then as many octets; length 0 is a gap. It is given in these pieces, in single octets and
in pieces of seven, and must say the same each time. Of `reassembly` an input is a text in pieces:
where each begins and how long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sensor.protocols import PROTOCOLS
from sensor.protocols.analyzer import Analyzer, Moment, ProtocolEvent
from sensor.protocols.secrets import Secrets
from sensor.streams.reassembly import WAITING_MAX, Reassembly

SECRETS = Secrets(b"the key of every run")
TEXT = bytes(range(256))
GAP_OCTETS = 10


def pieces_of(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """The sides and the octets of a conversation."""
    at = 0
    while at < len(octets):
        side, size = octets[at] >> 7, octets[at] & 0x7F
        yield side, octets[at + 1 : at + 1 + size]
        at += 1 + size


def told(make: Callable[[Secrets], Analyzer], octets: bytes, size: int) -> list[tuple[object, ...]]:
    """The events of a conversation in pieces of at most so many octets, without their moments."""
    analyzer = make(SECRETS)
    events: list[ProtocolEvent] = []
    for number, (side, piece) in enumerate(pieces_of(octets), 1):
        if not piece:
            analyzer.gap(side, GAP_OCTETS, Moment(number, number))
        for at in range(0, len(piece), size):
            if analyzer.done:
                break
            analyzer.feed(side, piece[at : at + size], Moment(number, number))
        events += analyzer.take()
        if analyzer.done:
            break
    if not analyzer.done:
        analyzer.close(Moment(999))
    events += analyzer.take()
    return [(event.action, event.moment, dict(event.fields)) for event in events]


def check_analyzer(name: str, octets: bytes) -> None:
    """Errors: AssertionError if the cut shows, or whatever the analyzer raises."""
    protocol = next(one for one in PROTOCOLS if one.name == name)
    whole = told(protocol.make, octets, 128)
    assert told(protocol.make, octets, 1) == whole
    assert told(protocol.make, octets, 7) == whole


def check_reassembly(octets: bytes) -> None:
    """Errors: AssertionError if octets are lost, repeated or out of order."""
    first = int.from_bytes(octets[:4].ljust(4, b"\0"), "big")
    stream = Reassembly()
    stream.begin(first)
    there = bytearray(len(TEXT))
    found: list[tuple[int, bytes]] = []
    for at, size in zip(octets[4::2], octets[5::2], strict=False):
        piece = TEXT[at : at + size]
        there[at : at + len(piece)] = b"\1" * len(piece)
        found += stream.add((first + at) & 0xFFFF_FFFF, piece)
        assert 0 <= stream.waiting_bytes <= WAITING_MAX
    assert all(gap == 0 for gap, _ in found)
    found += stream.finish()
    at = 0
    for gap, piece in found:
        assert not any(there[at : at + gap])
        at += gap
        assert piece == TEXT[at : at + len(piece)] and all(there[at : at + len(piece)])
        at += len(piece)
    assert not any(there[at:])
    assert stream.conflicts == 0 and stream.waiting_bytes == 0


def make(name: str) -> Callable[[bytes], None]:
    """The check of a target."""
    if name == "reassembly":
        return check_reassembly
    return lambda octets: check_analyzer(name, octets)
