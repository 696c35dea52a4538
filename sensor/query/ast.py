"""The trees that the query languages parse into: frozen, comparable, with places for carets.

`And`, `Or` and `Not` serve both languages. A tree is in *normal form*: `And` and `Or` have at least
two items and none of their own kind among them. `at` is the offset of a node in its text; it does
not take part in comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

LiteralValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class And:
    """All of the items."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the items."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The document is not among those that the item selects."""

    item: Node


# --- KQL


@dataclass(frozen=True, slots=True)
class Text:
    """A value to be compared as a whole; what it means depends on the type of the field."""

    text: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Null:
    """The word `null`: the field has no value."""

    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A pattern: the literal pieces between its stars, so `a*b` is ("a", "b") and `*` ("", "")."""

    parts: tuple[str, ...]
    at: int = field(default=0, compare=False)

    @property
    def is_exists(self) -> bool:
        """True if anything at all fits."""
        return not any(self.parts)


@dataclass(frozen=True, slots=True)
class FieldTest:
    """`field: value`; the field may be a pattern of names, None stands for every field."""

    field: Text | Wildcard | None
    value: Text | Null | Wildcard


@dataclass(frozen=True, slots=True)
class Range:
    """`field < value` and its kin (`<`, `<=`, `>`, `>=`)."""

    field: Text | Wildcard
    op: str
    value: Text


@dataclass(frozen=True, slots=True)
class Nested:
    """`path: { ... }`: one object of the list at `path` fulfils the whole condition."""

    path: Text
    item: Node


# --- EQL


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: LiteralValue
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FieldRef:
    """The values of a field; `optional` (`?name`) makes a field unknown to the schema null."""

    name: str
    optional: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `functions.FUNCTIONS`, by its key there; `insensitive` is the `~` form."""

    name: str
    args: tuple[Node, ...]
    insensitive: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right` with `==`, `!=`, `<`, `<=`, `>`, `>=`."""

    op: str
    left: Node
    right: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left op right` with `+`, `-`, `*`, `/`, `%`."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with its sign turned."""

    item: Node


@dataclass(frozen=True, slots=True)
class OneOf:
    """`left kind (options)`: kind is `in`, `like`, `regex` or `:`; options are alternatives."""

    kind: str
    left: Node
    options: tuple[Node, ...]
    insensitive: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class EventQuery:
    """`category where condition`; category None is `any`."""

    category: str | None
    condition: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a sequence: its `by` keys, how often it runs, or that it must be missing."""

    event: EventQuery
    by: tuple[FieldRef, ...] = ()
    runs: int = 1
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Events in order; `by` holds for every step; a `maxspan_ns` of 0 means none was given."""

    by: tuple[FieldRef, ...]
    maxspan_ns: int
    steps: tuple[Step, ...]
    until: Step | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Events that share their `by` keys, in any order."""

    by: tuple[FieldRef, ...]
    steps: tuple[Step, ...]


Node = (
    And | Or | Not | FieldTest | Range | Nested
    | Literal | FieldRef | Call | Compare | Arithmetic | Negative | OneOf | EventQuery
)
Query = Node | Sequence | Sample


def all_of(items: list[Node]) -> Node:
    """The conjunction of one or more nodes, in normal form."""
    flat = [part for item in items for part in (item.items if isinstance(item, And) else (item,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(items: list[Node]) -> Node:
    """The disjunction of one or more nodes, in normal form."""
    flat = [part for item in items for part in (item.items if isinstance(item, Or) else (item,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def children(node: Query | Step) -> tuple[Query | Step, ...]:
    """The nodes directly below one."""
    match node:
        case And(items) | Or(items):
            return items
        case Not(item) | Negative(item) | Nested(_, item):
            return (item,)
        case Call(_, args):
            return args
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return (left, right)
        case OneOf(_, left, options):
            return (left, *options)
        case EventQuery(_, condition):
            return (condition,)
        case Step(event, by):
            return (event, *by)
        case Sequence(by, _, steps, until):
            return (*by, *steps, *((until,) if until else ()))
        case Sample(by, steps):
            return (*by, *steps)
    return ()


def each_event(query: Query, change: Callable[[EventQuery], EventQuery]) -> Query:
    """A query of EQL with each of its events changed."""
    def changed(step: Step) -> Step:
        return replace(step, event=change(step.event))

    match query:
        case EventQuery():
            return change(query)
        case Sequence(steps=steps, until=until):
            return replace(query, steps=tuple(map(changed, steps)), until=until and changed(until))
        case Sample(steps=steps):
            return replace(query, steps=tuple(map(changed, steps)))
    return query


def each_condition(query: Query, change: Callable[[Node], Node]) -> Query:
    """A query with its condition, of EQL that of each of its events, changed."""
    if isinstance(query, Sequence | Sample | EventQuery):
        return each_event(query, lambda event: replace(event, condition=change(event.condition)))
    return change(query)


def rewritten(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """A condition in which parts of its logic are replaced; `change` gives None to look below."""
    if (found := change(node)) is not None:
        return found
    match node:
        case And(items):
            return all_of([rewritten(item, change) for item in items])
        case Or(items):
            return any_of([rewritten(item, change) for item in items])
        case Not(item):
            return Not(rewritten(item, change))
    return node
