"""Tree -> predicate: a function from rows to the mask of those that the query selects.

Logic is two-valued. A test that needs a value is false where there is none, and `not` turns that
into true, in both languages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import fields as members_of
from dataclasses import is_dataclass

import numpy as np

from sensor.model.columns import Mask, Rows
from sensor.model.merged_rows import MergedRows
from sensor.query import ast
from sensor.query.document_rows import DocumentRows, Selection, values_at
from sensor.query.eql import predicate as eql_predicate
from sensor.query.kql import predicate as kql_predicate
from sensor.query.masks import Predicate, ValuesTest


class Shared:
    """Conditions that several queries have in common, each asked once a batch."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Predicate] = {}

    def get(self, key: Hashable, make: Callable[[], Predicate]) -> Predicate:
        """The predicate of a key; made when it is first asked for."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _cached(make())
        return found


def compile_query(
    query: ast.Query, fields: Collection[str] = (), shared: Shared | None = None
) -> Predicate:
    """The predicate of a single-event query.

    `fields` are the names that patterns of names and bare values of KQL range over, where the rows
    do not tell their own (`fields()`); `shared` has what other queries over the same events ask.
    """
    if isinstance(query, ast.Sequence | ast.Sample):
        raise TypeError("a sequence is no test of single events")
    if shared is None:
        return _compiled(query, fields, Shared())
    return shared.get((_identity(query), tuple(fields)), lambda: _compiled(query, fields, shared))


def part_by_part(test: Predicate) -> Predicate:
    """The same test of single events, asked of each kind of events by itself where the rows are of
    several.
    """
    def predicate(rows: Rows) -> Mask:
        if isinstance(rows, MergedRows):
            return rows.mask(test)
        if isinstance(rows, Selection) and isinstance(rows.rows, MergedRows):
            mask = np.zeros(rows.count, dtype=bool)
            for part, mine, which in rows.rows.split(rows.chosen):
                mask[which] = test(Selection(part, mine))
            return mask
        return test(rows)

    return predicate


def _compiled(query: ast.Node, fields: Collection[str], shared: Shared) -> Predicate:
    def part(item: ast.Node) -> Predicate:
        return compile_query(item, fields, shared)

    match query:
        case ast.And(items):
            return all_predicates([part(item) for item in items])
        case ast.Or(items):
            numbers, others = kql_predicate.numbers_apart(items)
            return any_predicate([*map(part_by_part, numbers), *map(part, others)])
        case ast.Not(item):
            return no_predicate(part(item))
        case ast.EventQuery(category, condition):
            if category is None:
                return part(condition)
            conditions = condition.items if isinstance(condition, ast.And) else (condition,)
            by_category = shared.get(("category", category),
                                     lambda: part_by_part(_category(category)))
            return all_predicates([by_category, *map(part, conditions)])
        case ast.FieldTest() | ast.Range():
            return part_by_part(kql_predicate.leaf(query, tuple(fields)))
        case ast.Nested():
            return any_object(query.path.text, compile_query(query.item))
    return part_by_part(eql_predicate.leaf(query))


def _identity(node: object) -> Hashable:
    """A key that two nodes share exactly if they mean the same: 1 and true are not the same."""
    if is_dataclass(node) and not isinstance(node, type):
        return (type(node), *(_identity(getattr(node, member.name))
                              for member in members_of(node) if member.compare))
    if isinstance(node, tuple):
        return tuple(map(_identity, node))
    assert isinstance(node, Hashable)
    return type(node), node


def _cached(part: Predicate) -> Predicate:
    """The same predicate; its mask of all rows of a batch is computed once."""
    rows_before: Rows | None = None
    answer: Mask = np.zeros(0, dtype=bool)

    def predicate(rows: Rows) -> Mask:
        nonlocal rows_before, answer
        if isinstance(rows, Selection):
            return answer[rows.chosen] if rows.rows is rows_before else part(rows)
        if rows is not rows_before:
            answer = part(rows)
            answer.flags.writeable = False
            rows_before = rows
        return answer

    return predicate


_NARROW = 8
"""Below one row in so many, the rest of a conjunction looks at the selected rows only."""


def all_predicates(parts: list[Predicate]) -> Predicate:
    """The rows that all of one or more predicates select.

    The first batch shows which part selects least; from then on that part is asked first. Those
    that select few stay in their order: what follows the first of them looks at few rows.
    """
    order: list[Predicate] = []

    def predicate(rows: Rows) -> Mask:
        if not order:
            masks = [part(rows) for part in parts]
            if rows.count:
                few = rows.count // _NARROW
                by_rows = sorted(range(len(parts)),
                                 key=lambda index: max(few, int(masks[index].sum())))
                order.extend(parts[index] for index in by_rows)
            together: Mask = np.logical_and.reduce(masks)
            return together
        mask = order[0](rows)
        for index, part in enumerate(order[1:], 1):
            selected = int(np.count_nonzero(mask))
            if selected * _NARROW < rows.count:
                return _narrowed(rows, mask, order[index:]) if selected else mask
            mask = mask & part(rows)
        return mask

    return predicate


def _narrowed(rows: Rows, mask: Mask, parts: list[Predicate]) -> Mask:
    """The selected rows that all the parts select too, asked of those rows alone."""
    chosen = np.flatnonzero(mask)
    for part in parts:
        chosen = chosen[part(Selection(rows, chosen))]
        if not len(chosen):
            break
    result = np.zeros(rows.count, dtype=bool)
    result[chosen] = True
    return result


def any_predicate(parts: list[Predicate]) -> Predicate:
    """The rows that any of one or more predicates selects."""
    def predicate(rows: Rows) -> Mask:
        mask = parts[0](rows)
        for part in parts[1:]:
            if mask.all():
                break
            mask = mask | part(rows)
        return mask

    return predicate


def no_predicate(part: Predicate) -> Predicate:
    """The rows that a predicate does not select."""
    return lambda rows: ~part(rows)


def _category(category: str) -> Predicate:
    test = ValuesTest(lambda values: category in values)
    return lambda rows: test.mask(rows.column("event.category"), rows.count)


def any_object(path: str, inner: Predicate) -> Predicate:
    """One object of the list at a path passes: the objects become rows of their own."""
    def predicate(rows: Rows) -> Mask:
        mask = np.zeros(rows.count, dtype=bool)
        owners: list[int] = []
        objects: list[dict[str, object]] = []
        for row, document in enumerate(rows.documents(range(rows.count))):
            for item in values_at(document, path):
                if isinstance(item, dict):
                    owners.append(row)
                    objects.append(item)
        if objects:
            found = inner(DocumentRows(objects))
            mask[np.array(owners, dtype=np.int64)[found]] = True
        return mask

    return predicate


def selects(node: ast.Node, document: dict[str, object]) -> bool:
    """True if a query selects one document."""
    return bool(compile_query(node)(DocumentRows([document]))[0])
