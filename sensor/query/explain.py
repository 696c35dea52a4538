"""Why a query selects an event or does not: each part of it, whether it holds, what the event has.

Parts are decided by the predicates that decide the whole, over the same rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensor.model.columns import Document, Mask, Rows
from sensor.query import ast
from sensor.query.document_rows import values_at
from sensor.query.masks import Predicate
from sensor.query.predicate import compile_query
from sensor.query.unparse import brief, members, shared_field, step_text


@dataclass(frozen=True, slots=True)
class Line:
    """One part of a query against one event."""

    depth: int
    text: str
    holds: bool
    values: tuple[tuple[str, tuple[object, ...]], ...] = ()
    """The fields that a test looks at, with what the event has in each; none for logic."""
    member: str = ""
    """Which of a list that is not shown whole it is, if it is one."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a query, ready to be asked; logic has parts below it, tests have a predicate."""

    node: ast.Node
    text: str
    parts: tuple[_Part, ...] = ()
    test: Predicate | None = None

    def mask(self, rows: Rows) -> Mask:
        """The rows for which it holds."""
        if self.test is not None:
            return self.test(rows)
        masks = [part.mask(rows) for part in self.parts]
        if isinstance(self.node, ast.Not):
            return ~masks[0]
        together = np.logical_or if isinstance(self.node, ast.Or) else np.logical_and
        result: Mask = together.reduce(masks)
        return result

    def nearness(self, rows: Rows) -> NDArray[np.float64]:
        """Per row how much of it holds, from 0 to 1: the mean of all, the best of any."""
        if not self.parts or isinstance(self.node, ast.Not):
            return self.mask(rows).astype(np.float64)
        scores = [part.nearness(rows) for part in self.parts]
        together = np.max if isinstance(self.node, ast.Or) else np.mean
        result: NDArray[np.float64] = together(scores, axis=0)
        return result

    def lines(self, rows: Rows, row: int, document: Document, depth: int) -> list[Line]:
        """It and what is below it against one row of one."""
        values = () if self.parts else tuple(
            (name, tuple(values_at(document, name))) for name in _fields(self.node))
        holds = bool(self.mask(rows)[row])
        lines = [Line(depth, self.text, holds, values, self._member(rows, row))]
        for part in self.parts:
            lines += part.lines(rows, row, document, depth + 1)
        return lines

    def _member(self, rows: Rows, row: int) -> str:
        node = self.node.item if isinstance(self.node, ast.Not) else self.node
        return next((text for text, test in members(node) if compile_query(test)(rows)[row]), "")


class Explainer:
    """A query to be held against events, part by part; `fields` as for `compile_query`."""

    def __init__(self, query: ast.Query, fields: Collection[str] = ()) -> None:
        self.titles: tuple[str, ...] = ("",)
        """The name of each step; one without a name for a query of single events."""
        if isinstance(query, ast.Sequence | ast.Sample):
            steps = [(f"step {number}", step) for number, step in enumerate(query.steps, 1)]
            if isinstance(query, ast.Sequence) and query.until is not None:
                steps.append(("until", query.until))
            self.titles = tuple(_title(name, step) for name, step in steps)
            self._trees = [_part(step.event, fields) for _, step in steps]
        else:
            self._trees = [_part(query, fields)]

    def nearness(self, rows: Rows) -> NDArray[np.float64]:
        """Per row how much of the query holds, 1 for all of it; of a sequence its best step."""
        result: NDArray[np.float64] = np.max([tree.nearness(rows) for tree in self._trees], axis=0)
        return result

    def lines(self, rows: Rows, row: int) -> list[list[Line]]:
        """The parts of the query, or of each step, against one row."""
        (document,) = rows.documents([row])
        return [tree.lines(rows, row, document, 0) for tree in self._trees]


def _title(name: str, step: ast.Step) -> str:
    more = step_text(step)
    return f"{name} ({more})" if more else name


def _part(node: ast.Node, fields: Collection[str]) -> _Part:
    match node:
        case ast.EventQuery(None, condition):
            return _part(condition, fields)
        case ast.EventQuery(category, condition):
            event = ast.EventQuery(category, ast.Literal(True))
            kind = _Part(event, f"event.category: {category}", (), compile_query(event, fields))
            return _Part(ast.And((event, condition)), "all of", (kind, _part(condition, fields)))
        case ast.And(items) | ast.Or(items) if not shared_field(node):
            text = "all of" if isinstance(node, ast.And) else "any of"
            return _Part(node, text, tuple(_part(item, fields) for item in items))
        case ast.Not(item) if isinstance(item, ast.And | ast.Or) and not shared_field(item):
            return _Part(node, "not", (_part(item, fields),))
    return _Part(node, brief(node), (), compile_query(node, fields))


def _fields(node: ast.Query | ast.Step) -> list[str]:
    """The fields that a test looks at, each once; none for those that are patterns of names."""
    match node:
        case ast.EventQuery():
            return ["event.category"]
        case (ast.FieldTest(ast.Text(name)) | ast.Range(ast.Text(name))
              | ast.Nested(ast.Text(name)) | ast.FieldRef(name)):
            return [name]
    return list(dict.fromkeys(name for item in ast.children(node) for name in _fields(item)))
