"""Scanner: which lines of a block of NDJSON may matter, without parsing them.

A line matters if it holds one of some words or numbers (query/required_terms.py), or is written
in a way that the search cannot judge: with an escape of a plain character, a number with an
exponent or many nines. So do lines that are more than one document, or none: action lines of a bulk
file, whole responses, what does not look like an object.

The search looks at each pair of octets: a table says what may begin there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import accumulate, product

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.query.required_terms import SAFE

if not cython.compiled:
    from sensor.memory.loads import Buffer, Octets, octets_of

PAIRS = 65536
NINES = b"999999999"
"""A number below NUMBER_MAX that rounds up to a whole one has as many."""
HEADS = (b"index", b"create", b"update", b"delete", b"took", b"hits", b"_scroll_id", b"pit_id",
         b"_shards", b"timed_out", b"responses", b"expected")
"""First keys of lines that are no single document: they are always looked at."""

# What may begin at a pair of octets.
WORD, NUMBER, EXPONENT, ESCAPE, NEWLINE = 1, 2, 4, 8, 16
# Classes of an octet, for what stands around a number.
DIGIT, OPEN, BLANK, SIGN, CLOSE = 1, 2, 4, 8, 16

_CLASSES = bytearray(256)
for _code in range(256):
    _CLASSES[_code] = (
        DIGIT * (chr(_code) in "0123456789") | OPEN * (chr(_code) in ":[, \t\r")
        | BLANK * (chr(_code) in " \t\r") | SIGN * (chr(_code) in "+-")
        | CLOSE * (chr(_code) in ",]} \t\r")
    )
_HEX = bytearray(b"\xff" * 256)
for _code, _digit in enumerate("0123456789abcdef"):
    _HEX[ord(_digit)] = _HEX[ord(_digit.upper())] = _code
_SAFE = bytearray(chr(code) in SAFE for code in range(256))


class Scanner:
    """Finds the lines that have one of `words` or `numbers`; with neither, every line.

    `folded`: the words are in lower case and may be written in any.
    """

    def __init__(
        self, words: Iterable[bytes], numbers: Iterable[int], *, folded: bool = False
    ) -> None:
        texts = [(word, WORD) for word in words]
        for number in numbers:
            texts += [(b"%d" % number, NUMBER), (NINES, WORD)]
        texts = list(dict.fromkeys(texts))
        self.takes_all = not texts
        self._kinds = bytearray([kind for _, kind in texts] or [0])
        self._text = bytearray(b"".join(text for text, _ in texts) or b"\0")
        self._starts = array("i", accumulate((len(text) for text, _ in texts), initial=0))
        self._fold = bytearray(bytes(range(256)).lower() if folded else range(256))
        self._classes, self._hex, self._safe = _CLASSES, _HEX, _SAFE
        self._heads = bytearray(b"".join(head.ljust(16, b"\0") for head in HEADS))
        self._pairs, self._first, self._next = _tables(texts, folded)
        self.lines = 0
        """Lines that were not blank, of the last scan."""
        self.at = 0
        """The end of the last scan: that of the data, or before a line that found no more room."""

    def scan(self, data: Buffer, start: int, end: int, found: array[int]) -> int:
        """Look at the lines of data[start:end], each of which ends with a newline.

        Returns how many matter; `found` (of int64) has for each where it starts, where it ends and
        how many lines that are not blank stand before it. `lines` and `at` say how far it came.
        `data` has at least one octet more.
        """
        self.at, self.lines = start, 0
        return self._scan(octets_of(data), octets_of(self._pairs), end, found)

    def _scan(self, octets: Octets, pairs: Octets, end: int, found: array[int]) -> int:
        count = lines = 0
        at, room = self.at, len(found) // 3
        with cython.nogil:
            while at < end:
                first = at
                while self._classes[octets[first]] & BLANK:
                    first += 1
                if octets[first] == 10:
                    at = first + 1
                    continue
                # No word holds a newline: no search leaves its line.
                matters = (self.takes_all or octets[first] != 123
                           or self._is_special(octets, first))
                stop = first
                while True:
                    kind = pairs[octets[stop] | octets[stop + 1] << 8]
                    if kind:
                        if kind & NEWLINE:
                            break
                        matters = matters or self._holds(octets, stop, first, kind)
                    stop += 1
                last = stop
                while self._classes[octets[last - 1]] & BLANK:
                    last -= 1
                if matters or (octets[last - 1] != 125 and octets[last - 1] != 44):
                    if count == room:
                        break
                    found[3 * count] = first
                    found[3 * count + 1] = last
                    found[3 * count + 2] = lines
                    count += 1
                lines += 1
                at = stop + 1
        self.lines = lines
        self.at = at
        return count

    def _is_special(self, octets: Octets, start: int) -> bool:
        """Return True if the first key is one of HEADS, after `{`."""
        at = start + 1
        while self._classes[octets[at]] & BLANK:
            at += 1
        if octets[at] != 34:
            return False
        at += 1
        head = 0
        while head < len(self._heads):
            length = 0
            while self._heads[head + length] != 0 and (
                octets[at + length] == self._heads[head + length]
            ):
                length += 1
            if self._heads[head + length] == 0 and octets[at + length] == 34:
                return True
            head += 16
        return False

    def _holds(self, octets: Octets, at: int, start: int, kind: int) -> bool:
        """Return True if what may begin here does."""
        if kind & ESCAPE and self._is_plain_escape(octets, at):
            return True
        if kind & EXPONENT and self._is_exponent(octets, at, start):
            return True
        if kind & (WORD | NUMBER):
            link = self._first[octets[at] | octets[at + 1] << 8]
            while link >= 0:
                index = self._next[2 * link + 1]
                if self._is_text(octets, at, index) and (
                    self._kinds[index] == WORD or self._is_number(octets, at, index, start)
                ):
                    return True
                link = self._next[2 * link]
        return False

    def _is_text(self, octets: Octets, at: int, index: int) -> bool:
        first = self._starts[index]
        length = self._starts[index + 1] - first
        place = 0
        while place < length:
            if self._fold[octets[at + place]] != self._text[first + place]:
                return False
            place += 1
        return True

    def _is_number(self, octets: Octets, at: int, index: int, start: int) -> bool:
        """Return True if the digits are a number: before them a sign and zeros, zeros behind a dot.

        `.23e2` is met at its exponent.
        """
        left = at - 1
        after = at + self._starts[index + 1] - self._starts[index]
        while left > start and octets[left] == 48:
            left -= 1
        if self._classes[octets[left]] & SIGN:
            left -= 1
        if octets[after] == 46:
            zeros = after + 1
            while octets[zeros] == 48:
                zeros += 1
            if zeros - after > 9:  # so near that it may be rounded
                while self._classes[octets[zeros]] & DIGIT:
                    zeros += 1
            after = zeros
        return self._is_bordered(octets, left, after, start)

    def _is_exponent(self, octets: Octets, at: int, start: int) -> bool:
        """Return True if a number with an exponent stands here, from border to border."""
        left = at
        while left > start and (self._classes[octets[left]] & DIGIT or octets[left] == 46):
            left -= 1
        if self._classes[octets[left]] & SIGN:
            left -= 1
        right = at + 2
        if self._classes[octets[right]] & SIGN:
            right += 1
        while self._classes[octets[right]] & DIGIT:
            right += 1
        return self._is_bordered(octets, left, right, start)

    def _is_bordered(self, octets: Octets, left: int, right: int, start: int) -> bool:
        """Return True if a whole value stands between: in quotes, or between JSON's other signs.
        """
        if left < start:
            return False
        if octets[left] == 34:
            return bool(octets[right] == 34)
        opens, closes = self._classes[octets[left]] & OPEN, self._classes[octets[right]] & CLOSE
        return bool(opens and closes)

    def _is_plain_escape(self, octets: Octets, at: int) -> bool:
        """Return True if `\\u00hh` stands here for a character that a word may hold."""
        if octets[at + 2] != 48 or octets[at + 3] != 48 or self._hex[octets[at + 4]] > 15:
            return False
        high, low = self._hex[octets[at + 4]], self._hex[octets[at + 5]]
        return bool(low < 16 and self._safe[high << 4 | low])


def _tables(
    texts: list[tuple[bytes, int]], folded: bool
) -> tuple[bytearray, array[int], array[int]]:
    """With which pairs of octets something begins: what, and the texts of each pair, linked."""
    pairs, first, links = bytearray(PAIRS), array("i", [-1]) * PAIRS, array("i")
    for index, (text, kind) in enumerate(texts):
        begins = {text[:2]}
        if len(text) < 2:  # a number of one digit: whatever stands behind it
            begins = {text + bytes((code,)) for code in range(256)}
        elif folded:
            begins = {bytes((one, two)) for one in {text[0], text[:1].upper()[0]}
                      for two in {text[1], text[1:2].upper()[0]}}
        for begin in begins:
            pair = begin[0] | begin[1] << 8
            pairs[pair] |= kind
            links.extend((first[pair], index))
            first[pair] = len(links) // 2 - 1
    if any(kind == NUMBER for _, kind in texts):
        for code, mark in product(b"0123456789.", b"eE"):
            pairs[code | mark << 8] |= EXPONENT
    pairs[ord("\\") | ord("u") << 8] |= ESCAPE
    for code in range(256):
        pairs[10 | code << 8] = NEWLINE
    return pairs, first, links or array("i", [0, 0])


def is_compiled() -> bool:
    """Return True if the search runs at its speed."""
    return bool(cython.compiled)
