"""Which lines are parsed: what the rules need (sensor/query/required_terms.py) becomes one Scanner.

For each rule one of its clauses is searched, the one that the fewest lines of a sample have. What
is chosen changes how much is parsed, never what matches.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection

from sensor.events.scanner import Scanner, is_compiled
from sensor.query.required_terms import Clause, Clauses

SAMPLE_BYTES = 256 * 1024
USELESS = 0.7
"""A search that finds more than this part of the lines costs more than it saves."""


def scanner_for(
    needs: Collection[Clauses] | None, data: bytes | bytearray, end: int, *, always: bool = False
) -> Scanner:
    """The scanner for a file that begins with data[:end], lines that end with a newline.

    `needs` has the clauses of each rule; None: every line is wanted. Uncompiled the search is slow:
    it is made only if `always`.
    """
    everything = Scanner([], [])
    if not needs or not all(needs) or not (is_compiled() or always):
        return everything
    end = data.rfind(b"\n", 0, min(end, SAMPLE_BYTES)) + 1 or end
    hits: dict[Clause, int] = {}
    for clauses in needs:
        for clause in clauses:
            if clause not in hits:
                hits[clause] = _hits(_scanner([clause]), data, end)[0]
    chosen = [min(clauses, key=lambda clause: (hits[clause], -clause.strength()))
              for clauses in needs]
    scanner = _scanner(list(dict.fromkeys(chosen)))
    found, lines = _hits(scanner, data, end)
    return scanner if always or found <= lines * USELESS else everything


def _scanner(clauses: list[Clause]) -> Scanner:
    folded = any(clause.folded for clause in clauses)
    words = [word.lower() if folded else word for clause in clauses for word in clause.words]
    numbers = [number for clause in clauses for number in clause.numbers]
    return Scanner(sorted(set(words)), sorted(set(numbers)), folded=folded)


def _hits(scanner: Scanner, data: bytes | bytearray, end: int) -> tuple[int, int]:
    """Return how many lines the scanner finds, of how many."""
    found = array("q", bytes(8 * 3 * 256))
    at = count = lines = 0
    while at < end:
        count += scanner.scan(data, at, end, found)
        lines += scanner.lines
        at = scanner.at
    return count, lines
