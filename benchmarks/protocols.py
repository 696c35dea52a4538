"""How much payload an analyzer reads in a second of one core.

    python -m benchmarks.protocols [NAME ...]

Sessions are made in memory, cut into segments of 1,460 octets, and given to analyzers as streams
give them, an analyzer for each session. Printed is processor time of the analyzers alone, without
capture, flow table, reassembly and documents: the best of some rounds, which other programs disturb
least.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable, Iterator
from time import process_time

from sensor.protocols import PROTOCOLS
from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.secrets import Secrets

SEGMENT_BYTES = 1460
ROUNDS = 5
Session = list[tuple[int, bytes]]
"""What the sides say, in segments."""


def main() -> None:
    """Print a line for each kind of session."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME", help="kinds of sessions; without: all")
    names = parser.parse_args().names or SESSIONS
    for name in names:
        protocol, make, count = SESSIONS[name]
        print(measured(name, protocol, segments(make()), count))


def measured(name: str, protocol: str, session: Session, count: int) -> str:
    """A line: so many sessions of a kind, each with an analyzer of its own."""
    make = next(one.make for one in PROTOCOLS if one.name == protocol)
    secrets = Secrets(b"the key of every run")
    octets = count * sum(len(piece) for _, piece in session)
    best_s, events = float("inf"), 0
    for _ in range(ROUNDS):
        begun_s, events = process_time(), 0
        for _ in range(count):
            analyzer = make(secrets)
            for number, (side, piece) in enumerate(session, 1):
                analyzer.feed(side, piece, Moment(number, number))
                events += len(analyzer.take())
                if analyzer.done:
                    break
            analyzer.close(Moment(len(session)))
            events += len(analyzer.take())
        best_s = min(best_s, process_time() - begun_s)
    return (f"{name:20} {octets / best_s / 1e6:8.1f} MB/s {best_s / max(events, 1) * 1e6:8.1f} us"
            f" an event, {events} events of {octets / 1e6:.1f} MB")


def segments(pieces: Iterator[tuple[int, bytes]]) -> Session:
    """Pieces cut as TCP would."""
    return [(side, piece[at : at + SEGMENT_BYTES]) for side, piece in pieces
            for at in range(0, len(piece), SEGMENT_BYTES)]  # fmt: skip


HTTP_HEAD = (b"Host: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"
             b"\r\nAccept: text/html,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en\r\n"
             b"Accept-Encoding: gzip, deflate\r\nReferer: http://www.example.com/index.html\r\n"
             b"Cookie: session=0123456789abcdef\r\nConnection: keep-alive\r\n\r\n")  # fmt: skip
PAGE = (b"<!DOCTYPE html><html><body>"
        + b'<p class="line">What is said here is <a href="http://www.example.com/a">text</a></p>\n'
        * 125)[:10_000]  # fmt: skip


def http_answered(body: bytes, more: bytes = b"") -> Iterator[tuple[int, bytes]]:
    """100 requests on a connection, each answered with the same body."""
    for number in range(100):
        yield CLIENT, b"GET /page/%d.html?from=index HTTP/1.1\r\n" % number + HTTP_HEAD
        yield SERVER, (b"HTTP/1.1 200 OK\r\nServer: nginx\r\n"
                       b"Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"
                       b"Content-Type: text/html; charset=utf-8\r\nConnection: keep-alive\r\n"
                       b"Cache-Control: no-cache\r\n" + more
                       + b"Content-Length: %d\r\n\r\n" % len(body) + body)  # fmt: skip


def http_garbage() -> Iterator[tuple[int, bytes]]:
    """What is no HTTP: an analyzer should be done at once."""
    yield CLIENT, bytes(range(256)) * 4


SESSIONS: dict[str, tuple[str, Callable[[], Iterator[tuple[int, bytes]]], int]] = {
    "http 10 KB": ("http", lambda: http_answered(PAGE), 5),
    "http 200 B": ("http", lambda: http_answered(PAGE[:200]), 10),
    "http gzip": ("http", lambda: http_answered(gzip.compress(PAGE, mtime=0),
                                                b"Content-Encoding: gzip\r\n"), 5),
    "http download": ("http", lambda: http_answered(bytes(range(256)) * 4_000), 1),
    "http no HTTP": ("http", http_garbage, 10_000),
}
"""By name: protocol, what is said, and how many sessions a round has."""

if __name__ == "__main__":
    main()
