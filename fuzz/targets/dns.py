"""Messages of DNS: whatever the octets, what is read of them is bounded, and text.

An input is a datagram. What is cut from its end must not change the records before the cut.
"""

from __future__ import annotations

from collections.abc import Callable

from sensor.protocols.analyzer import Moment
from sensor.protocols.dns.analyzer import DnsAnalyzer
from sensor.protocols.dns.message import ANSWERS_MAX, read_message
from sensor.protocols.dns.rdata import DATA_MAX

CHARACTERS_MAX = 4 * 255
"""Of a name in which each octet is escaped."""


def check(octets: bytes) -> None:
    """Errors: AssertionError, or whatever the analyzer raises."""
    analyzer = DnsAnalyzer(is_stream=False)
    for side in (0, 1):
        analyzer.feed(side, octets, Moment(side))
    analyzer.close(Moment(2))
    events = analyzer.take()
    message = read_message(octets)
    if message is None:
        assert not events
        return
    assert 1 <= len(events) <= 2 and analyzer.due_ns == 0
    assert len(message.answers) <= min(message.counts[1], ANSWERS_MAX)
    names = [one.name for one in message.answers]
    if message.question is not None:
        names.append(message.question.name)
    assert all(0 < len(name) <= CHARACTERS_MAX and name.isascii() for name in names)
    assert all(len(one.data) <= DATA_MAX and one.data.isprintable() for one in message.answers)
    cut = read_message(octets[:-1])
    if cut is not None:
        assert cut.answers == message.answers[: len(cut.answers)]


def make(name: str) -> Callable[[bytes], None]:
    """The check of the target."""
    return check
