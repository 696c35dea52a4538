"""Validation of queries against the events of this sensor: fields, constants, satisfiability.

A field that nobody has is a mistake (QueryError). A field of ECS that this sensor does not fill is
absent: tests of it are decided now, as are those of values that a field never has, and what is left
of the query tells whether it runs as it is, runs degraded, or can never hold (satisfiable.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sensor.errors import QueryError
from sensor.query import ast, ecs_names
from sensor.query.masks import NUMBER_TYPES
from sensor.query.parsing import query_error
from sensor.query.satisfiable import Evidence, why_never
from sensor.query.values import address_of, date_span, is_network, number_of, text_of

SHOWN_MAX = 100
"""Characters of a name or a constant that a reason quotes."""
BOOLEANS = ("true", "false")
"""The constants that Elasticsearch compares with a truth value, in quotes or without."""
_WILD = re.compile(r"[*?]")
_COMPARISON = re.compile(r"([\w@]+(?:\.\w+)+|@timestamp) *(?:={1,2}|!=|~|:=) *(.*)", re.DOTALL)
"""A bare value of KQL that was to be a test of a field, as other languages write it."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The mistakes of a query, what it asks for in vain, and its satisfiability."""

    errors: tuple[QueryError, ...]
    absent: tuple[str, ...]
    """Fields and event categories that the sensor's events never have, each once."""
    satisfiable: bool
    never: tuple[str, ...] = ()
    """If it is not, the fields whose values are why."""
    doubtful: tuple[str, ...] = ()
    """If any event may come: names that no event is known to have, and what was probably meant.
    """


def check(query: ast.Query, text: str, evidence: Evidence) -> Findings:
    """Hold a query against what events can be."""
    checker = _Checker(text, evidence)
    checker.walk(query)
    is_never, reasons = why_never(query, evidence)
    return Findings(tuple(checker.errors), tuple(checker.absent), not is_never, reasons,
                    tuple(checker.doubtful))


def doubt(name: str, fields: Collection[str]) -> str:
    """The remark about a field that looks like a misspelt one; empty if it does not."""
    near = ecs_names.meant(name, fields)
    return f"no event is known to have '{name}': did you mean '{near}'?" if near else ""


def unknown(name: str, fields: Collection[str]) -> str:
    """What is wrong with a field that nobody has, and which was probably meant; empty for one that
    somebody may have.
    """
    near = ecs_names.mistake(name, fields)
    if near is None:
        return ""
    reason = f"unknown field '{shortened(name)}'"
    return f"{reason}: did you mean '{near}'?" if near else reason


class _Checker:
    """One query held against one schema."""

    def __init__(self, text: str, evidence: Evidence) -> None:
        self.text = text
        self.evidence = evidence
        self.known = evidence.known
        self.fields = evidence.fields
        self.categories = evidence.categories()
        self.errors: list[QueryError] = []
        self.absent: dict[str, None] = {}
        self.doubtful: dict[str, None] = {}

    # --- names and constants

    def walk(self, node: ast.Query | ast.Step, prefix: str = "") -> None:
        """Note what is wrong below a node; one line per shape."""
        match node:
            case ast.FieldTest(field, value) if field is not None:
                self._field(field, prefix)
                if isinstance(field, ast.Text) and isinstance(value, ast.Text):
                    self._constant(prefix + field.text, value.text, value.at, "==")
            case ast.FieldTest(None, ast.Text(value, at)) if not prefix:
                self._bare(value, at)
            case ast.Range(field, op, value):
                self._field(field, prefix)
                if isinstance(field, ast.Text):
                    self._constant(prefix + field.text, value.text, value.at, op)
            case ast.Nested(path, item):
                self.walk(item, f"{prefix}{path.text}.")
                return
            case ast.FieldRef(name, optional, at):
                if not optional:
                    self._name(name, at)
            case ast.Compare(op, ast.FieldRef(name), ast.Literal(value, at)):
                self._literal(name, value, at, op)
            case ast.Compare(op, ast.Literal(value, at), ast.FieldRef(name)):
                self._literal(name, value, at, op)
            case ast.OneOf("in", ast.FieldRef(name), options):
                for option in options:
                    if isinstance(option, ast.Literal):
                        self._literal(name, option.value, option.at, "==")
            case ast.OneOf(":", ast.FieldRef(name), options) if self.known(name) == "boolean":
                for option in options:
                    if isinstance(option, ast.Literal) and not _WILD.search(text_of(option.value)):
                        self._literal(name, option.value, option.at, "==")
            case ast.EventQuery(category) if category is not None:
                self._category(category)
        for child in ast.children(node):
            self.walk(child, prefix)

    def _bare(self, value: str, at: int) -> None:
        """Errors: a value that any field may have, though a test of one was meant."""
        found = _COMPARISON.fullmatch(value)
        if found is None or self.text[at : at + 1] == '"':
            return
        name = found[1]
        if name in self.fields or ecs_names.exists(name) or ecs_names.meant(name, self.fields):
            written = f"{name}:{found[2]}" if "!" not in found[0] else f"not {name}:{found[2]}"
            self.errors.append(query_error(
                f"'=' does not compare in KQL: did you mean '{written}'?", self.text, at))

    def _category(self, category: str) -> None:
        if not self._occurs(category):
            self.absent[f"{category} events"] = None
        elif self.categories is None and (near := ecs_names.meant_category(category)):
            self.doubtful[f"no event is known to be of the category '{category}': did you mean "
                          f"'{near}'?"] = None

    def _occurs(self, category: str) -> bool:
        return self.categories is None or category in self.categories

    def _field(self, field: ast.Text | ast.Wildcard, prefix: str) -> None:
        if isinstance(field, ast.Text):
            self._name(prefix + field.text, field.at)
        elif self.categories is not None and not self.evidence.fitting(field):
            self.absent["*".join(field.parts)] = None

    def _name(self, name: str, at: int) -> None:
        if self.known(name) is not None:
            # A name that every event may have has a type too.
            if self.categories is None and (words := doubt(name, self.fields)):
                self.doubtful[words] = None
            return
        reason = unknown(name, self.fields)
        if not reason:
            self.absent[name] = None
            return
        error = query_error(reason, self.text, at)
        if str(error) not in map(str, self.errors):  # `field:(a or b)` names its field once
            self.errors.append(error)

    def _literal(self, name: str, value: object, at: int, op: str) -> None:
        is_instant = not isinstance(value, bool) and self.known(name) == "date"
        if isinstance(value, str) or (isinstance(value, bool | int | float) and not is_instant):
            self._constant(name, text_of(value), at, op)

    def _constant(self, name: str, text: str, at: int, op: str) -> None:
        """A constant that the type of its field can never equal is a mistake."""
        typed = name in self.fields or ecs_names.is_ecs(name)
        reason = misfit(name, self.known(name) or "", text, op) if typed else ""
        if reason:
            self.errors.append(query_error(reason, self.text, at))


def misfit(name: str, ecs_type: str, text: str, op: str = "==") -> str:
    """Why a constant can never be compared with a field of that type; empty if it can."""
    shown = shortened(text)
    if ecs_type == "ip":
        if op in ("==", "!=") and not is_network(text):
            return f"'{name}' is an address, '{shown}' is neither an address nor a network"
        if op not in ("==", "!=") and address_of(text) is None:
            return f"'{name}' is an address, '{shown}' is none"
    elif ecs_type in NUMBER_TYPES and number_of(text) is None:
        return f"'{name}' is a number, '{shown}' is none"
    elif ecs_type == "boolean" and text not in BOOLEANS:
        return f"'{name}' is true or false, '{shown}' is neither"
    elif ecs_type == "date" and date_span(text) is None:
        if re.match(r"now\b", text):
            return "dates relative to 'now' mean nothing in packet time"
        return f"'{name}' is a date, '{shown}' is none"
    return ""


def shortened(text: str) -> str:
    """A text to be quoted in a reason."""
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."
