"""The template of a document: ecs/schema.py's table, flattened into literals and operations.

A document is one pass over a list of operations. Each first copies its literal (all that is
constant since the operation before, so that neighbours are one copy), then writes one value:

    {"@timestamp":" <EVENT_TIME> ","event":{"kind":"event",... <TABLE action> ...

Commas: each object begins with a member that is always there when the object is; a member that may
be absent brings the comma before it along, behind an UNLESS or inside the texts of its table. What
a group of fields adds goes into two SLOTs, as a text that is made once for each entry of its store
(ecs/field_groups.py); without such entries in a batch its template has no slots.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import orjson
from numpy.typing import NDArray

from sensor.base.escape import utf8_text
from sensor.ecs import field as fields
from sensor.ecs import schema
from sensor.ecs.field_groups import SLOTS
from sensor.ecs.identifiers import COMMUNITY_ROOM, EVENT_ID_ROOM, FLOW_ID_ROOM
from sensor.ecs.text import ADDRESS_ROOM, MAC_ROOM, NUMBER_ROOM, TIME_ROOM
from sensor.memory.buffers import COPY_PADDING
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.flow import FlowRecords

(
    NOTHING, NUMBER, TOTAL, TIME, EVENT_TIME, CREATED, DURATION, ADDRESS, TABLE, DERIVED,
    MAC, HISTORY_TEXT, COMMUNITY_ID, FLOW_ID, EVENT_ID, RELATED, UNLESS, MARK, MARK_END, REPEAT,
    SLOT,
) = range(21)

OP_INTS = 7
"""An operation: code, start and length of its literal, and four numbers of its own."""

HISTORY_ROOM = 16
MARKS_MAX = 4

_FLOW = FLOW_LAYOUT.dtype

_COMPUTED = {
    "event_time": (EVENT_TIME, TIME_ROOM),
    "created": (CREATED, TIME_ROOM),
    "event_id": (EVENT_ID, EVENT_ID_ROOM),
    "flow_id": (FLOW_ID, FLOW_ID_ROOM),
    "community_id": (COMMUNITY_ID, COMMUNITY_ROOM),
    "history": (HISTORY_TEXT, HISTORY_ROOM),
}
"""Computed texts: the operation, which the template puts between quotes, and its room."""


@dataclass(frozen=True, slots=True)
class DocumentTemplate:
    """A document's operations, and the texts that they copy."""

    ops: NDArray[np.int32]
    entries: NDArray[np.int32]
    """Start and length in `pool` of each text of each table."""
    pool: bytes
    row_room: int
    """No document without what is in its slots is longer, its newline included."""


@dataclass(frozen=True, slots=True)
class _Run:
    """The common part of documents: values of the run's context, and the groups they refer to."""

    hostname: str
    version: str
    created: bool
    files: tuple[str, ...]
    interfaces: tuple[str, ...]
    groups: tuple[int, ...]
    fields: frozenset[str] | None


@dataclass(slots=True)
class _Node:
    """An object of the document: its members in order; a leaf is a Field."""

    members: dict[str, _Node | fields.Field] = field(default_factory=dict)
    first_slots: list[int] = field(default_factory=list)
    """Slots before the first member; their texts end with a comma."""
    last_slots: list[int] = field(default_factory=list)
    """Slots behind the last member; their texts begin with a comma."""


@dataclass(slots=True)
class _Builder:
    """Collects operations while the tree is walked."""

    run: _Run
    ops: list[tuple[int, ...]] = field(default_factory=list)
    entries: list[tuple[int, int]] = field(default_factory=list)
    pool: bytearray = field(default_factory=bytearray)
    pending: bytes = b""
    room: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    mark_room: dict[str, int] = field(default_factory=dict)

    def text(self, text: str) -> None:
        """Constant text, copied by the next operation."""
        self.pending += text.encode()

    def op(self, code: int, *numbers: int, room: int = 0) -> int:
        """Add an operation, the pending text before it; returns its index."""
        start = len(self.pool)
        self.pool += self.pending
        padded = (*numbers, 0, 0, 0, 0)[:4]
        self.ops.append((code, start, len(self.pending), *padded))
        self.room += len(self.pending) + room
        self.pending = b""
        return len(self.ops) - 1

    def skip_to_here(self, at: int) -> None:
        """Let the UNLESS at `at` jump over everything since."""
        self.op(NOTHING)
        op = self.ops[at]
        self.ops[at] = (*op[:4], len(self.ops) - at, *op[5:])

    def table(self, texts: Iterable[str]) -> tuple[int, int, int]:
        """Add texts; returns the index of the first, their number, the longest one's length."""
        first, longest = len(self.entries), 0
        for text in texts:
            octets = text.encode()
            self.entries.append((len(self.pool), len(octets)))
            self.pool += octets
            longest = max(longest, len(octets))
        return first, len(self.entries) - first, longest


def template_of(batch: FlowRecords, groups: tuple[int, ...]) -> DocumentTemplate:
    """The template for the documents of a batch, made once for each state of the run's context."""
    context = batch.context
    return _template(_Run(
        context.hostname,
        context.version,
        schema.created_ns(batch) != 0,
        tuple(schema.context_names(context, "files")),
        tuple(schema.context_names(context, "interfaces")),
        groups,
        context.fields,
    ))  # fmt: skip


@lru_cache(maxsize=8)
def _template(run: _Run) -> DocumentTemplate:
    builder = _Builder(run)
    _object(builder, _tree(run), fields.ALWAYS)
    builder.text("\n")
    builder.op(NOTHING)
    return DocumentTemplate(
        np.array(builder.ops, dtype=np.int32).ravel(),
        np.array(builder.entries, dtype=np.int32).ravel(),
        bytes(builder.pool) + bytes(COPY_PADDING),
        builder.room,
    )


def _tree(run: _Run) -> _Node:
    root = _Node()
    for leaf in schema.FIELDS:
        is_live = leaf.when == fields.LIVE
        if isinstance(leaf.reading, fields.Absent) or (is_live and not run.created):
            continue
        if run.fields is not None and leaf.name not in run.fields:
            continue
        *parents, last = leaf.name.split(".")
        node = root
        for name in parents:
            child = node.members.setdefault(name, _Node())
            assert isinstance(child, _Node), f"{leaf.name} is inside a value"
            node = child
        node.members[last] = leaf
    own = root.members["sensor"]
    assert isinstance(own, _Node)
    for slot in range(0, SLOTS * len(run.groups), SLOTS):
        own.first_slots.insert(0, slot)
        root.last_slots.append(slot + 1)
    return root


def _when(node: _Node | fields.Field) -> int:
    """The condition that all of a subtree has in common."""
    if isinstance(node, fields.Field):
        return fields.ALWAYS if node.when == fields.LIVE else node.when
    shared = {_when(member) for member in node.members.values()}
    return shared.pop() if len(shared) == 1 else fields.ALWAYS


def _may_lack(builder: _Builder, node: _Node | fields.Field) -> bool:
    """True if a subtree may have no value though its condition holds: its tables have gaps."""
    if isinstance(node, _Node):
        return all(_may_lack(builder, member) for member in node.members.values())
    match node.reading:
        case fields.ContextTable():
            return True
        case fields.Code(_, table):
            return () in table
    return False


def _object(builder: _Builder, node: _Node, given: int) -> None:
    """Write an object; `given` is the condition under which this code runs."""

    def sure(member: _Node | fields.Field) -> bool:
        return _when(member) in (fields.ALWAYS, given) and not _may_lack(builder, member)

    ordered = sorted(node.members.items(), key=lambda item: not sure(item[1]))
    assert sure(ordered[0][1]), "an object needs a member that is always there"
    builder.text("{")
    for slot in node.first_slots:
        builder.op(SLOT, slot)
    for position, (key, member) in enumerate(ordered):
        prefix = f'{"," if position else ""}"{key}":'
        when = _when(member)
        if when in (fields.ALWAYS, given):
            _member(builder, key, member, prefix, given)
        else:
            at = builder.op(UNLESS, when)
            _member(builder, key, member, prefix, when)
            builder.skip_to_here(at)
    for slot in node.last_slots:
        builder.op(SLOT, slot)
    builder.text("}")


def _member(
    builder: _Builder, key: str, member: _Node | fields.Field, prefix: str, given: int
) -> None:
    if _may_lack(builder, member):
        _gappy(builder, member, prefix, "")
        return
    builder.text(prefix)
    if isinstance(member, fields.Field):
        _value(builder, member)
    elif key in schema.MIRRORS:
        twin = schema.MIRRORS[key]
        builder.op(REPEAT, builder.marks[twin], room=builder.mark_room[twin])
    elif key in schema.MIRRORS.values():
        slot = builder.marks[key] = len(builder.marks)
        builder.op(MARK, slot)
        before = builder.room
        _object(builder, member, given)
        builder.op(MARK_END, slot)
        builder.mark_room[key] = builder.room - before
    else:
        _object(builder, member, given)


def _gappy(builder: _Builder, member: _Node | fields.Field, prefix: str, suffix: str) -> None:
    """A value out of a table with gaps: its key, and objects around it, go into the texts."""
    if isinstance(member, _Node):
        assert len(member.members) == 1, "only a lone value may be absent together with its object"
        ((key, child),) = member.members.items()
        _gappy(builder, child, f'{prefix}{{"{key}":', suffix + "}")
        return
    _table(builder, member, _values(builder, member), prefix, suffix)


def _values(builder: _Builder, leaf: fields.Field) -> tuple[fields.Values, ...]:
    match leaf.reading:
        case fields.Code(_, table):
            return table
        case fields.ContextTable(_, attribute):
            return schema.context_table(getattr(builder.run, attribute))
    raise AssertionError(f"{leaf.name} has no table")


def _table(
    builder: _Builder, leaf: fields.Field, table: tuple[fields.Values, ...], prefix: str,
    suffix: str,
) -> None:
    assert isinstance(leaf.reading, fields.Code | fields.ContextTable)
    member = _FLOW[leaf.reading.member]
    index = leaf.reading.index if isinstance(leaf.reading, fields.Code) else 0
    texts = (prefix + _json(leaf, values) + suffix if values else "" for values in table)
    first, count, longest = builder.table(texts)
    at, size = _place(leaf.reading.member, index)
    assert size <= 2, f"{member} is no code"
    builder.op(TABLE, at, size, first, count, room=longest)


def _json(leaf: fields.Field, values: fields.Values) -> str:
    return orjson.dumps(list(values) if leaf.array else values[0]).decode()


def _place(member: str, index: int) -> tuple[int, int]:
    """The place of a member in a record, and its size, in octets."""
    assert _FLOW.fields is not None
    kind, offset = _FLOW.fields[member][:2]
    return int(offset) + index * kind.base.itemsize, kind.base.itemsize


def _value(builder: _Builder, leaf: fields.Field) -> None:  # noqa: C901, PLR0912  a list of cases
    """The value of one field, behind its key."""
    match leaf.reading:
        case fields.Constant(values):
            builder.text(_json(leaf, values))
        case fields.ContextValue(attribute):
            builder.text(_json(leaf, (utf8_text(getattr(builder.run, attribute)),)))
        case fields.Code(_, table):
            _table(builder, leaf, table, "", "")
        case fields.Number(member, index, text):
            builder.text('"' * text)
            builder.op(NUMBER, *_place(member, index), room=NUMBER_ROOM)
            builder.text('"' * text)
        case fields.Total(member):
            builder.op(TOTAL, _place(member, 0)[0], room=NUMBER_ROOM)
        case fields.Address(member):
            _quoted(builder, ADDRESS, ADDRESS_ROOM, member)
        case fields.Timestamp(member):
            _quoted(builder, TIME, TIME_ROOM, member)
        case fields.Mac(member):
            _quoted(builder, MAC, MAC_ROOM, member)
        case fields.Computed("duration"):
            builder.op(DURATION, room=NUMBER_ROOM)
        case fields.Computed("direction"):
            _derived(builder, schema.DIRECTIONS, 0)
        case fields.Computed("outcome"):
            _derived(builder, schema.OUTCOMES, schema.OUTCOME_SHIFT)
        case fields.Computed("related_ip"):
            builder.op(RELATED, room=2 * ADDRESS_ROOM + len('["",""]'))
        case fields.Computed(what):
            code, room = _COMPUTED[what]
            _quoted(builder, code, room, "history")
        case _:
            raise AssertionError(f"{leaf.name} cannot be written")


def _derived(builder: _Builder, names: tuple[str, ...], shift: int) -> None:
    """A code that columns.derived_codes computes of more than one member."""
    first, count, longest = builder.table(f'"{name}"' for name in names)
    builder.op(DERIVED, shift, 0, first, count, room=longest)


def _quoted(builder: _Builder, code: int, room: int, member: str) -> None:
    builder.text('"')
    builder.op(code, _place(member, 0)[0], room=room)
    builder.text('"')
