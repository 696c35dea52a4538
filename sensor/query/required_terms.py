"""Terms that a JSON line must hold, octet for octet, for a query to be able to select its document.

A query becomes clauses: of each clause at least one word or number must occur in the line. Lines
that lack one need not be parsed. The clauses are necessary, never sufficient; where a test can
hold without any text that is known (`not`, patterns of names, addresses, dates), there is none.

JSON writes one text in several ways. Words hold only characters that stand for themselves or are
written `\\u00hh`; whoever searches takes every line with such an escape of a SAFE character
(sensor/events/scanner.py), and every line with a number in an odd spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sensor.query import ast
from sensor.query.document_rows import ecs_type_of
from sensor.query.eql.functions import FUNCTIONS
from sensor.query.values import number_of

SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "\"&'/<>\\")
"""Characters that a word may hold: others have a short escape, or are escaped by many writers."""
WORD_MIN = 3
"""Octets of a word; a shorter one is in every line."""
NUMBER_MAX = 1_000_000
"""Numbers from here on may be rounded from others: only smaller ones make a clause."""

_SAFE_RUN = re.compile(f"[{re.escape(SAFE)}]+")
_NUMBER_TEXT = frozenset("0123456789.e+-infa")
"""A piece of these characters alone may be a piece of a number's or truth value's text."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One of the words or of the numbers must occur."""

    words: frozenset[bytes] = frozenset()
    numbers: frozenset[int] = frozenset()
    folded: bool = False
    """True if the words (then in lower case) may be written in any case."""
    is_key: bool = False
    """True if the words are names of fields."""

    def strength(self) -> int:
        """The selectivity that it seems to have, before anything is counted."""
        lengths = [len(word) for word in self.words] + [4 for _ in self.numbers]
        return 2 * min(lengths) - len(lengths) - 8 * self.is_key


Clauses = tuple[Clause, ...]
"""All of them must hold; none: nothing is known, every line counts."""
NO_CLAUSES: Clauses = ()


def required_terms(query: ast.Query | ast.Step) -> Clauses:
    """The clauses of a query; of a sequence, what a line needs to be one of its events."""
    match query:
        case ast.And(items):
            return _distinct(clause for item in items for clause in required_terms(item))
        case ast.Or(items):
            return _either([required_terms(item) for item in items])
        case ast.Sequence(_, _, steps, until):
            events = steps if until is None else (*steps, until)
            return _either([required_terms(step) for step in events])
        case ast.Sample(_, steps):
            return _either([required_terms(step) for step in steps])
        case ast.Step(event):
            return required_terms(event)
        case ast.EventQuery(category, condition):
            own = NO_CLAUSES if category is None else _of_text("event.category", category)
            return _distinct((*own, *required_terms(condition)))
        case ast.FieldTest() | ast.Range():
            return _of_kql(query)
        case ast.Compare(op, left, right) if op != "!=":
            return _of_compare(op, left, right)
        case ast.OneOf(kind, ast.FieldRef(name), options):
            return _of_match(kind, name, options, query.insensitive)
        case ast.Call(function, args):
            # A function has no value where an argument has none that it needs, and nothing is not
            # true.
            needed = FUNCTIONS[function].needed(args)
            return _distinct(clause for arg in needed if isinstance(arg, ast.FieldRef)
                             for clause in _of_field(arg.name))
    return NO_CLAUSES  # also of `path:{...}`: its names may begin anywhere in a key


def _either(branches: list[Clauses]) -> Clauses:
    """The clauses that hold whichever branch does: per kind, one clause of each branch together."""
    if not all(branches):
        return NO_CLAUSES
    common = set(branches[0]).intersection(*branches)
    result = [clause for clause in branches[0] if clause in common]
    for is_key in (False, True):
        best = [max((clause for clause in branch if clause.is_key == is_key),
                    key=Clause.strength, default=None) for branch in branches]
        chosen = [clause for clause in best if clause is not None]
        if len(chosen) == len(branches):
            result.append(_union(chosen))
    if not result:
        result.append(_union([max(branch, key=Clause.strength) for branch in branches]))
    return _distinct(result)


def _union(clauses: list[Clause]) -> Clause:
    folded = any(clause.folded for clause in clauses)
    words = {word.lower() if folded else word for clause in clauses for word in clause.words}
    numbers = frozenset(number for clause in clauses for number in clause.numbers)
    return Clause(frozenset(words), numbers, folded, all(clause.is_key for clause in clauses))


def _distinct(clauses: Iterable[Clause]) -> Clauses:
    return tuple(dict.fromkeys(clauses))


# --- fields: a key ends with the last part of its name, and begins with the first


def _of_field(name: str) -> Clauses:
    first, last = name.split(".", 1)[0], name.rsplit(".", 1)[-1]
    words = [f'{last}"'] if first == last else [f'{last}"', f'"{first}']
    return tuple(Clause(frozenset({word.encode()}), is_key=True) for word in words
                 if len(word) >= WORD_MIN and set(word) <= {*SAFE, '"'})


# --- values


def _of_text(name: str, text: str) -> Clauses:
    """A value of the field equals the text, as text, as a number or as a truth value."""
    return _with_value(name, [_equal_to(text)])


def _with_value(name: str, alternatives: list[Clause | None]) -> Clauses:
    """The field is there, and one of its values is one of several things (None: anything)."""
    known = [clause for clause in alternatives if clause is not None]
    if not known or len(known) < len(alternatives) or ecs_type_of(name) in ("ip", "date"):
        return _of_field(name)
    return (_union(known), *_of_field(name))


def _equal_to(value: ast.LiteralValue) -> Clause | None:
    """The clause of lines that have a value equal to this one."""
    if value is None:
        return None
    if isinstance(value, bool) or value in ("true", "false"):
        return Clause(frozenset({str(value).lower().encode()}))
    number = number_of(value)
    if number is not None:
        whole = int(number) if number == number // 1 else 0
        return Clause(numbers=frozenset({whole})) if 0 < whole < NUMBER_MAX else None
    assert isinstance(value, str)
    return _longest(_quoted_runs(value))


def _equal_insensitive(value: ast.LiteralValue) -> Clause | None:
    """As `_equal_to`, whatever the case."""
    if not isinstance(value, str) or number_of(value) is not None:
        return _equal_to(value)
    return _longest(_folded_runs(value), folded=True)


def _fits(pieces: Iterable[str], *, folded: bool = False) -> Clause | None:
    """The clause of lines that have a value in which these pieces occur."""
    runs = [run for piece in pieces
            for run in (_folded_runs(piece) if folded else _runs(piece))
            if not set(run) <= _NUMBER_TEXT]
    return _longest(runs, folded=folded)


def _runs(text: str) -> list[str]:
    """The parts of a text that a line holds as they are."""
    return _SAFE_RUN.findall(text)


def _quoted_runs(text: str) -> list[str]:
    """The same of a whole value: with JSON's quotes where it begins and ends so."""
    runs = _runs(text)
    if runs and text.endswith(runs[-1]):
        runs[-1] += '"'
    if runs and text[0] in SAFE:
        runs[0] = f'"{runs[0]}'
    return runs


def _folded_runs(text: str) -> list[str]:
    """Without i and k, which are also the lower case of letters beyond ASCII (U+0130, U+212A)."""
    return [part for run in _runs(text.lower()) for part in re.split("[ik]", run)]


def _longest(runs: list[str], *, folded: bool = False) -> Clause | None:
    run = max(runs, key=len, default="")
    if len(run) < WORD_MIN:
        return None
    return Clause(frozenset({run.encode("ascii")}), folded=folded)


# --- the tests of the languages


def _of_kql(test: ast.FieldTest | ast.Range) -> Clauses:
    if not isinstance(test.field, ast.Text):
        return NO_CLAUSES
    name = test.field.text
    match test:
        case ast.FieldTest(_, ast.Text(text)):
            return _of_text(name, text)
        case ast.FieldTest(_, ast.Wildcard(parts)):
            return _with_value(name, [_fits(parts)])
        case ast.Range():
            return _of_field(name)
    return NO_CLAUSES  # null


def _of_compare(op: str, left: object, right: object) -> Clauses:
    match left, right:
        case (ast.FieldRef(name), ast.Literal(value)) | (ast.Literal(value), ast.FieldRef(name)):
            if value is None:
                return NO_CLAUSES
            return _with_value(name, [_equal_to(value)]) if op == "==" else _of_field(name)
    return NO_CLAUSES


def _of_match(kind: str, name: str, options: tuple[object, ...], insensitive: bool) -> Clauses:
    values = [option.value for option in options if isinstance(option, ast.Literal)]
    if len(values) < len(options) or kind == "regex":
        return _of_field(name)
    test: Callable[[ast.LiteralValue], Clause | None]
    if kind == "in":
        test = _equal_insensitive if insensitive else _equal_to
    else:
        def test(value: ast.LiteralValue) -> Clause | None:
            return _of_pattern(value, folded=insensitive or kind == ":")
    return _with_value(name, [test(value) for value in values])


def _of_pattern(value: ast.LiteralValue, *, folded: bool) -> Clause | None:
    """A wildcard pattern; a constant that is no text, or spells a number, is compared as one."""
    if not isinstance(value, str) or number_of(value) is not None or value in ("true", "false"):
        return _equal_to(value)
    return _fits(re.split(r"[*?]", value), folded=folded)
