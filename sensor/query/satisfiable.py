"""True if a query can ever hold: what of it is decided by what documents can have at all.

Tests of fields are asked of every value that a document may have in them (ecs/document_kinds.py):
one that holds for none, or for all, is decided. `And`, `Or` and `Not` follow; what is left depends
on the event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from sensor.ecs.document_kinds import NEVER, DocumentKind
from sensor.ecs.field import Values
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.ecs_names import meant_value
from sensor.query.eql.predicate import field_names, truth
from sensor.query.kql import predicate as kql_predicate
from sensor.query.patterns import star_pattern
from sensor.query.unparse import brief

CHOICES_MAX = 4096
"""Combinations of values that a test of several fields is asked of."""
TOLD_MAX = 8
"""Values of a field that are told as all that it can be."""
CATEGORY = "event.category"

Known = Callable[[str], str | None]
"""The ECS type of a field that the sensor's events can have; None: they never have it."""
ANYTHING = DocumentKind("document", {})
"""A document from elsewhere."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The possible events of a run."""

    known: Known
    fields: Collection[str]
    """All names that patterns of names range over."""
    kinds: Sequence[DocumentKind] | None
    """The kinds of documents that occur; None: any."""

    def categories(self) -> Collection[str] | None:
        """The event categories that occur; None: any."""
        if self.kinds is None or any(CATEGORY not in kind.closed for kind in self.kinds):
            return None
        return {str(value) for kind in self.kinds for values in kind.closed[CATEGORY]
                for value in values}

    def occurs(self, name: str) -> bool:
        """True if any event can have a field."""
        return self.known(name) is not None and any(
            kind.closed.get(name) != NEVER for kind in self.kinds or (ANYTHING,))

    def fitting(self, field: ast.Text | ast.Wildcard, prefix: str = "") -> list[str]:
        """The known fields that a name, or a pattern of names, means."""
        if isinstance(field, ast.Text):
            name = prefix + field.text
            return [name] if self.known(name) is not None else []
        fits = star_pattern(field.parts)
        return [name for name in self.fields if fits(name)]


def why_never(query: ast.Query, evidence: Evidence) -> tuple[bool, tuple[str, ...]]:
    """True if no events can ever fulfil a query; and why, where a test of values is the reason."""
    kinds = [_Kind(evidence, kind) for kind in evidence.kinds or (ANYTHING,)]
    if not isinstance(query, ast.Sequence | ast.Sample):
        return _never(query, kinds, evidence.known)
    reasons: dict[str, None] = {}
    is_never = False
    for step in query.steps:
        if step.missing:
            continue
        keys = [ref.name for ref in (*query.by, *step.by) if not ref.optional]
        joined = [kind for kind in kinds if all(map(kind.may_have, keys))]
        never, why = _never(step.event, joined, evidence.known) if joined else (True, tuple(
            f"no event here has {key}" for key in keys
            if evidence.known(key) is not None and not evidence.occurs(key)))
        is_never |= never
        reasons |= dict.fromkeys(why)
    return is_never, tuple(reasons)


def kinds_meant(
    query: ast.Query, names: Iterable[str], evidence: Evidence, kinds: Iterable[DocumentKind]
) -> list[DocumentKind]:
    """Of some kinds those whose documents a query is about: it can hold for them, and it, or what
    else a rule names, asks for something that they have and no document of `evidence` has.

    `names` are the fields that the rule names beside its query. Of a sequence or a sample each step
    is a query.
    """
    theirs = [_Kind(evidence, kind) for kind in evidence.kinds or (ANYTHING,)]
    foreign = [name for name in names if not any(other.may_have(name) for other in theirs)]
    steps = [query] if not isinstance(query, ast.Sequence | ast.Sample) else [
        step.event for step in query.steps]
    asked = [(step, test, prefix) for step in steps for test, prefix in _tests(step)
             if all(other.decided(test, prefix) is False for other in theirs)]
    if not foreign and not asked:
        return []
    found = []
    for kind in kinds:
        mine = _Kind(evidence, kind)
        if any(map(mine.may_have, foreign)) or any(
                mine.decided(test, prefix) is not False and mine.decided(step) is not False
                for step, test, prefix in asked):
            found.append(kind)
    return found


def _tests(node: ast.Node, prefix: str = "") -> Iterator[tuple[ast.Node, str]]:
    """The tests that a query is made of, each with the path that its names are below."""
    match node:
        case ast.And(items) | ast.Or(items):
            for item in items:
                yield from _tests(item, prefix)
        case ast.Not(item):
            yield from _tests(item, prefix)
        case ast.Nested(path, item):
            yield from _tests(item, f"{prefix}{path.text}.")
        case ast.EventQuery(_, condition):
            yield from _tests(condition, prefix)
        case _:
            yield node, prefix


def _never(node: ast.Node, kinds: list[_Kind], known: Known) -> tuple[bool, tuple[str, ...]]:
    if any(kind.decided(node) is not False for kind in kinds):
        return False, ()
    blamed = [kind.blamed(node) for kind in kinds]
    # What no kind can fulfil is the reason; else each fails in something else.
    common = [name for name in blamed[0] if all(name in other for other in blamed)]
    reasons = [reason for name in common if known(name) is not None
               and (reason := _reason(name, blamed[0][name], kinds))]
    if not common:
        reasons = ["no event here can be all of this at once"]
    return True, tuple(reasons)


class _Kind:
    """The documents of one kind; what is decided about them."""

    def __init__(self, evidence: Evidence, kind: DocumentKind) -> None:
        self._evidence = evidence
        self.closed = kind.closed

    def may_have(self, name: str) -> bool:
        """True if a document of this kind can have a field."""
        return self.values(name) != NEVER

    def values(self, name: str) -> tuple[Values, ...] | None:
        """All that a field can have; None if that is open."""
        return NEVER if self._evidence.known(name) is None else self.closed.get(name)

    def decided(self, node: ast.Node, prefix: str = "") -> bool | None:
        """The value of a node, as far as it does not depend on events; one line per shape."""
        match node:
            case ast.And(items):
                return _decide((self.decided(item, prefix) for item in items), deciding=False)
            case ast.Or(items):
                return _decide((self.decided(item, prefix) for item in items), deciding=True)
            case ast.Not(item):
                value = self.decided(item, prefix)
                return None if value is None else not value
            case ast.EventQuery(category, condition):
                return _decide((self._category(category), self.decided(condition)), deciding=False)
            case ast.FieldTest(None):
                return None
            case ast.FieldTest(field) | ast.Range(field) if field is not None:
                return self._tested(node, field, prefix)
            case ast.Nested(path, item):
                inner = self.decided(item, f"{prefix}{path.text}.")
                return False if inner is False else None
        return self._condition(node)

    def _category(self, category: str | None) -> bool | None:
        if category is None or CATEGORY not in self.closed:
            return True if category is None else None
        return _decide((category in values for values in self.closed[CATEGORY]), None)

    def _tested(
        self, node: ast.FieldTest | ast.Range, field: ast.Text | ast.Wildcard, prefix: str
    ) -> bool | None:
        """A test of KQL, asked of all that each of its fields can have."""
        if isinstance(field, ast.Wildcard) and self._evidence.kinds is None:
            return None
        is_null = isinstance(node, ast.FieldTest) and isinstance(node.value, ast.Null)
        answers: list[bool | None] = []
        for name in self._evidence.fitting(field, prefix):
            possible = self.values(name)
            if possible is None:
                answers.append(None)
            elif possible == NEVER:
                answers.append(is_null)
            else:
                whole = ast.Text(name)
                test = kql_predicate.leaf(
                    ast.FieldTest(whole, node.value) if isinstance(node, ast.FieldTest)
                    else ast.Range(whole, node.op, node.value), ())
                rows = DocumentRows([{name: list(values)} for values in possible])
                answers.append(_decide(test(rows).tolist(), None))
        return _decide(answers, deciding=not is_null)

    def _condition(self, node: ast.Node) -> bool | None:
        """A condition of EQL, asked of all that its fields can have."""
        names = field_names(node)
        possible = [self.values(name) for name in names]
        closed = [values for values in possible if values is not None]
        if len(closed) < len(possible) or prod(map(len, closed)) > CHOICES_MAX:
            return None
        return _decide((truth(node, dict(zip(names, chosen, strict=True)))
                        for chosen in product(*closed)), None)

    def blamed(self, node: ast.Node, prefix: str = "") -> dict[str, ast.Node]:
        """The fields because of whose values a node is decided, each with a test of it."""
        match node:
            case ast.And(items) | ast.Or(items):
                wanted = self.decided(node, prefix)
                return {name: leaf for item in items if self.decided(item, prefix) is wanted
                        for name, leaf in self.blamed(item, prefix).items()}
            case ast.Not(item):
                return self.blamed(item, prefix)
            case ast.EventQuery(category, condition):
                if self._category(category) is False:
                    return {CATEGORY: node}
                return self.blamed(condition)
            case ast.Nested(path, item):
                return self.blamed(item, f"{prefix}{path.text}.")
            case ast.FieldTest(field) | ast.Range(field) if field is not None:
                name = prefix + field.text if isinstance(field, ast.Text) else "*".join(field.parts)
                return {name: node}
        return dict.fromkeys(field_names(node), node)


def _decide(values: Iterable[bool | None], deciding: bool | None) -> bool | None:
    """The outcome of some values: the deciding one if it is there, else what all are; of a
    deciding None, what all are.
    """
    seen = set(values)
    if deciding is None:
        return seen.pop() if len(seen) == 1 else None
    if deciding in seen:
        return deciding
    return None if None in seen else not deciding


def _reason(name: str, leaf: ast.Node, kinds: list[_Kind]) -> str:
    """Why a test of a field is decided; empty if that is not because of the field's values."""
    alternatives = [values for kind in kinds for values in kind.values(name) or ()]
    told = list(dict.fromkeys(str(value).lower() if isinstance(value, bool) else str(value)
                              for values in alternatives for value in values))
    if isinstance(leaf, ast.EventQuery):
        return ""
    if not told:
        return f"no event here has {name}"
    if len(told) <= TOLD_MAX:
        words = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} or {told[-1]}"
        return f"{name} is always {words} here"
    asked = brief(leaf).removeprefix(f"{name}: ").removeprefix(f"{name} ")
    same = (value for value in told if f'"{value.lower()}"' in asked.lower()
            or value.lower() == asked.lower())
    near = next(same, "") or meant_value(asked.strip('!=: "'), told)
    return f"{name} is never {asked} here" + (f": did you mean {near}?" if near else "")
