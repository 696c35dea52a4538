"""Documents from elsewhere: no line raises, and what the search passes over no rule would select.

`scan` gives the compiled search over raw octets the same text in one piece and in two; `documents`
takes the whole way from a file to the rows that rules see.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from sensor.config import EventLimits
from sensor.events.files import EventFiles
from sensor.events.scanner import Scanner
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query, selects
from sensor.query.required_terms import required_terms

KQL = (
    "destination.port:23", "process.name:tel*et", "destination.port >= 23", '*.port:"23"',
    "process:{ name: telnet }", 'process.args:"a/b\\\\c" or network.iana_number:6',
)
EQL = (
    'any where process.name in~ ("Kilo", "telnet")', 'any where destination.port : "23"',
    'any where process.args like "*lne?"', "any where destination.port + 1 == 24",
    'any where process.name == "telnet" and not destination.port == 23',
)
QUERIES: list[Any] = [*map(kql.parse, KQL), *map(eql.parse, EQL)]
NEEDS = [required_terms(query) for query in QUERIES]
SCANNED: tuple[tuple[list[bytes], list[int], bool], ...] = (
    ([b"telnet"], [], False), ([b"kilo"], [], True), ([], [23], False),
    ([b"tel", b"et"], [6, 23], False), ([b"tel", b"et"], [], False),
)  # fmt: skip
"""Words, numbers, and whether case is ignored."""
SCANNERS = [Scanner(words, numbers, folded=folded) for words, numbers, folded in SCANNED]


def make(name: str) -> Callable[[bytes], None]:
    """The check of one target."""
    return scan if name == "scan" else Documents().check


def lines_of(scanner: Scanner, data: bytes, end: int, room: int) -> list[tuple[int, int, int]]:
    """The lines that a scanner finds, `room` of them at a time."""
    found = array("q", bytes(24 * room))
    lines: list[tuple[int, int, int]] = []
    at = before = 0
    while at < end:
        count = scanner.scan(data, at, end, found)
        assert 0 <= count <= room
        numbers = found[: 3 * count].tolist()
        lines += [(numbers[i], numbers[i + 1], before + numbers[i + 2])
                  for i in range(0, 3 * count, 3)]
        before += scanner.lines
        assert scanner.at > at
        at = scanner.at
    assert all(0 <= start <= stop <= end for start, stop, _ in lines)
    return lines


def scan(octets: bytes) -> None:
    """Search lines: those with a word are found, however many fit into an answer."""
    data = octets + b"\n"
    chosen = octets[0] % len(SCANNED) if octets else 0
    words, numbers, folded = SCANNED[chosen]
    scanner = SCANNERS[chosen]
    whole = lines_of(scanner, data + b"\0", len(data), 512)
    assert lines_of(scanner, data + b"\0", len(data), 1) == whole
    if not numbers:
        found = {data[start:stop].strip() for start, stop, _ in whole}
        for line in data.split(b"\n"):
            if any(word in (line.lower() if folded else line) for word in words):
                assert line.strip() in found, line


class Documents:
    """Files of documents, written where they cost no disk."""

    def __init__(self) -> None:
        folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(dir=folder)
        self._path = Path(self._folder.name) / "events.ndjson"

    def check(self, octets: bytes) -> None:
        """What rules select of a file does not depend on what is parsed of it."""
        self._path.write_bytes(octets)
        chosen = octets[-1] if octets else 0
        query, needs = QUERIES[chosen % len(QUERIES)], NEEDS[chosen % len(NEEDS)]
        every, counts = self._selected(query, None)
        some, counts_filtered = self._selected(query, [needs])
        assert some == every, (some, every)
        assert counts["parsed"] >= counts_filtered["parsed"]

    def _selected(self, query: Any, needs: Any) -> tuple[list[bytes], dict[str, int]]:
        files = EventFiles([str(self._path)], needs, EventLimits(line_bytes=600), always=True)
        predicate = compile_query(query)
        found = []
        for rows in files:
            mask = predicate(rows)
            for row, document in enumerate(rows.documents(range(rows.count))):
                plain = {key: value for key, value in document.items() if key != "@timestamp"}
                assert bool(mask[row]) == selects(query, document), document
                if mask[row]:
                    found.append(orjson.dumps(plain))
        assert files.inputs[0].error is None or files.inputs[0].error.isprintable()
        return found, files.ledger()
