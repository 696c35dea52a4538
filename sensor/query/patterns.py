"""Text patterns in time linear in the text: wildcards, and regular expressions as Lucene has them.

Python's `re` backtracks, and texts come from the network: a pattern could be made to take hours.
Wildcards become atomic groups, which never look back; regular expressions run as a set of states.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

STATES_MAX = 10_000
"""States of one regular expression, counted repetitions unrolled."""
NESTING_MAX = 64
_CACHE_MAX = 4096


class PatternError(ValueError):
    """A regular expression that cannot be used, and the offset in it."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


@lru_cache(maxsize=4096)
def wildcard(pattern: str, insensitive: bool = False) -> Callable[[str], bool]:
    """A test for `*` (any text) and `?` (any one character), anchored at both ends."""
    if insensitive:
        pattern = pattern.lower()
    return _glob([re.escape(part).replace(r"\?", ".") for part in pattern.split("*")], insensitive)


@lru_cache(maxsize=4096)
def star_pattern(parts: tuple[str, ...]) -> Callable[[str], bool]:
    """A test for literal pieces with any text between them, anchored at both ends."""
    return _glob([re.escape(part) for part in parts], insensitive=False)


def _glob(parts: list[str], insensitive: bool) -> Callable[[str], bool]:
    if len(parts) == 1:
        compiled = re.compile(parts[0], re.DOTALL)
    else:
        # The first place where a middle piece fits is always good enough: no way back is needed.
        middle = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
        compiled = re.compile(f"{parts[0]}{middle}.*{parts[-1]}", re.DOTALL)
    if insensitive:
        return lambda text: compiled.fullmatch(text.lower()) is not None
    return lambda text: compiled.fullmatch(text) is not None


def regex_of_wildcard(pattern: str) -> str:
    """The regular expression of a wildcard pattern in which a backslash takes the next character
    as it is, as in Elasticsearch's own wildcard queries.
    """
    pieces = []
    for found in re.finditer(r"\\(?P<taken>.)|(?P<any>\*)|(?P<one>\?)|(?P<plain>.)", pattern,
                             re.DOTALL):
        match found.lastgroup:
            case "any":
                pieces.append(".*")
            case "one":
                pieces.append(".")
            case kind:
                character = found[kind or 0]
                plain = character.isalnum() or character in " _"
                pieces.append(character if plain else f"\\{character}")
    return "".join(pieces)


# --- regular expressions: a pattern becomes a tree, the tree a machine

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Tree:
    """kind: char (test), cat, alt, repeat (low, high; high -1: no end), none."""

    kind: str
    parts: tuple[_Tree, ...] = ()
    test: Test | None = None
    low: int = 0
    high: int = 0


_CLASSES: dict[str, Test] = {
    "d": lambda c: "0" <= c <= "9",
    "w": lambda c: c == "_" or (c.isascii() and c.isalnum()),
    "s": lambda c: c in " \t\n\r\f\v",
}


class _Reader:
    """Reads a pattern into a tree, left to right."""

    def __init__(self, pattern: str, insensitive: bool) -> None:
        self.pattern = pattern
        self.at = 0
        self.insensitive = insensitive

    def read(self) -> _Tree:
        tree = self._union(0)
        if self.at < len(self.pattern):
            raise PatternError("unmatched ')'", self.at)
        return tree

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _union(self, depth: int) -> _Tree:
        if depth > NESTING_MAX:
            raise PatternError(f"nested more than {NESTING_MAX} deep", self.at)
        branches = [self._concat(depth)]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._concat(depth))
        return branches[0] if len(branches) == 1 else _Tree("alt", tuple(branches))

    def _concat(self, depth: int) -> _Tree:
        parts = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeat(depth))
        return _Tree("cat", tuple(parts))

    def _repeat(self, depth: int) -> _Tree:
        tree = self._atom(depth)
        count = 0
        while (sign := self._peek()) and sign in "?*+{":
            count += 1
            if count > NESTING_MAX:
                raise PatternError("too many repetition signs", self.at)
            if sign == "{":
                low, high = self._bounds()
            else:
                low, high = {"?": (0, 1), "*": (0, -1), "+": (1, -1)}[sign]
                self.at += 1
            tree = _Tree("repeat", (tree,), low=low, high=high)
        return tree

    def _bounds(self) -> tuple[int, int]:
        found = re.compile(r"\{([0-9]{1,5})(,([0-9]{0,5}))?\}").match(self.pattern, self.at)
        if not found:
            raise PatternError("a repetition is {n}, {n,} or {n,m}", self.at)
        low = int(found[1])
        high = low if found[2] is None else int(found[3]) if found[3] else -1
        if 0 <= high < low:
            raise PatternError("a repetition counts upwards", self.at)
        self.at = found.end()
        return low, high

    def _atom(self, depth: int) -> _Tree:
        start, sign = self.at, self._peek()
        self.at += 1
        match sign:
            case "(":
                tree = self._union(depth + 1)
                if self._peek() != ")":
                    raise PatternError("'(' is not closed", start)
                self.at += 1
                return tree
            case "[":
                return _Tree("char", test=self._character_class(start))
            case ".":
                return _Tree("char", test=lambda c: True)
            case "@":
                return _Tree("repeat", (_Tree("char", test=lambda c: True),), low=0, high=-1)
            case "#":
                return _Tree("none")
            case '"':
                return self._quoted(start)
            case "\\":
                return _Tree("char", test=self._escaped(start))
            case "?" | "*" | "+" | "{":
                raise PatternError(f"nothing to repeat before '{sign}'", start)
            case "~" | "&" | "<":
                raise PatternError(
                    f"the operator '{sign}' is not supported; escape it with '\\'", start)
        return _Tree("char", test=self._one(sign))

    def _one(self, character: str) -> Test:
        if self.insensitive:
            same = {character, character.lower(), character.upper()}
            return lambda c: c in same
        return lambda c: c == character

    def _quoted(self, start: int) -> _Tree:
        end = self.pattern.find('"', self.at)
        if end < 0:
            raise PatternError("the quoted text is not closed", start)
        text, self.at = self.pattern[self.at : end], end + 1
        return _Tree("cat", tuple(_Tree("char", test=self._one(c)) for c in text))

    def _escaped(self, start: int) -> Test:
        sign = self._peek()
        if not sign:
            raise PatternError("'\\' at the end", start)
        self.at += 1
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign.lower() in _CLASSES:
            inner = _CLASSES[sign.lower()]
            return lambda c: not inner(c)
        return self._one(sign)

    def _character_class(self, start: int) -> Test:
        negated = self._peek() == "^"
        self.at += negated
        tests: list[Test] = []
        while self._peek() != "]" or not tests:
            tests.append(self._class_member(start))
        self.at += 1
        if negated:
            return lambda c: not any(test(c) for test in tests)
        return lambda c: any(test(c) for test in tests)

    def _class_member(self, start: int) -> Test:
        first, test = self._class_character(start)
        if test is not None:
            return test
        if self._peek() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return self._one(first)
        self.at += 1
        last, test = self._class_character(start)
        if test is not None or last < first:
            raise PatternError("a range counts upwards", start)
        if self.insensitive:
            return lambda c: any(first <= form <= last for form in (c, c.lower(), c.upper()))
        return lambda c: first <= c <= last

    def _class_character(self, start: int) -> tuple[str, Test | None]:
        sign = self._peek()
        if not sign:
            raise PatternError("'[' is not closed", start)
        self.at += 1
        if sign != "\\":
            return sign, None
        follower = self._peek()
        if follower and follower.lower() in _CLASSES:
            return "", self._escaped(start)
        self.at += 1
        return follower, None


class _Machine:
    """States: a test and the next state, or ways on that need no character."""

    def __init__(self) -> None:
        self.tests: list[Test | None] = []
        self.next: list[int] = []
        self.free: list[tuple[int, ...]] = []

    def state(self, test: Test | None, following: int, free: tuple[int, ...]) -> int:
        if len(self.tests) >= STATES_MAX:
            raise PatternError(f"the pattern needs more than {STATES_MAX} states", 0)
        self.tests.append(test)
        self.next.append(following)
        self.free.append(free)
        return len(self.tests) - 1

    def build(self, tree: _Tree, after: int) -> int:
        """The state from which the tree, then `after`, is read; built from the end backwards."""
        match tree.kind:
            case "char":
                return self.state(tree.test, after, ())
            case "none":
                return self.state(None, -1, ())
            case "alt":
                return self.state(None, -1, tuple(self.build(part, after) for part in tree.parts))
            case "repeat":
                return self._repeat(tree, after)
        for part in reversed(tree.parts):
            after = self.build(part, after)
        return after

    def _repeat(self, tree: _Tree, after: int) -> int:
        (part,) = tree.parts
        if tree.high < 0:
            loop = self.state(None, -1, ())
            self.free[loop] = (self.build(part, loop), after)
            entry = loop
        else:
            entry = after
            for _ in range(tree.high - tree.low):
                entry = self.state(None, -1, (self.build(part, entry), after))
        for _ in range(tree.low):
            entry = self.build(part, entry)
        return entry

    def closure(self, states: set[int]) -> frozenset[int]:
        seen = set(states)
        waiting = list(states)
        while waiting:
            for way in self.free[waiting.pop()]:
                if way not in seen:
                    seen.add(way)
                    waiting.append(way)
        return frozenset(seen)


class Regex:
    """A compiled regular expression that must fit the whole text.

    Errors: PatternError.
    """

    def __init__(self, pattern: str, insensitive: bool = False) -> None:
        self._machine = _Machine()
        self._end = self._machine.state(None, -1, ())
        entry = self._machine.build(_Reader(pattern, insensitive).read(), self._end)
        self._start = self._machine.closure({entry})
        self._moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def __call__(self, text: str) -> bool:
        current = self._start
        for character in text:
            following = self._moves.get((current, character))
            current = self._move(current, character) if following is None else following
            if not current:
                return False
        return self._end in current

    def _move(self, current: frozenset[int], character: str) -> frozenset[int]:
        machine = self._machine
        reached = {
            machine.next[state] for state in current
            if (test := machine.tests[state]) is not None and test(character)
        }
        if len(self._moves) >= _CACHE_MAX:
            self._moves.clear()
        following = self._moves[current, character] = machine.closure(reached)
        return following


@lru_cache(maxsize=1024)
def regex(pattern: str, insensitive: bool = False) -> Regex:
    """The compiled form of a regular expression.

    Errors: PatternError.
    """
    return Regex(pattern, insensitive)
