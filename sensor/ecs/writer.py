"""Flow documents as JSON lines: an interpreter of the operations that ecs/template.py lays out.

Values go straight from the records into one output buffer; the GIL is released meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

try:
    import cython  # type: ignore[import-untyped]
except ImportError:
    from sensor.base import cython_stub as cython

import numpy as np
import orjson

from sensor.ecs import schema
from sensor.ecs import template as _plan
from sensor.ecs.columns import derived_codes, when_mask
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.identifiers import Scratch, offset_of
from sensor.memory.buffers import COPY_PADDING
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.processes import tell_in_lines
from sensor.model.tunnels import tell_in_lines as tell_tunnels

if not cython.compiled:
    from sensor.ecs.identifiers import (
        event_time,
        name_flow,
        put_community,
        put_event_id,
        put_flow_id,
        signed64,
    )
    from sensor.ecs.template import (
        ADDRESS,
        COMMUNITY_ID,
        CREATED,
        DERIVED,
        DURATION,
        EVENT_ID,
        EVENT_TIME,
        FLOW_ID,
        HISTORY_TEXT,
        MAC,
        MARK,
        MARK_END,
        NOTHING,
        NUMBER,
        OP_INTS,
        REPEAT,
        TABLE,
        TIME,
        TOTAL,
        UNLESS,
    )
    from sensor.ecs.text import put_address, put_mac, put_number, put_time
    from sensor.memory.buffers import ints_of, load64, put_octets, put_padded, room_of
    from sensor.memory.loads import le16, le32, octets_of, u8
    from sensor.memory.records import ones

CHUNK_ROWS = 32
"""Documents that are written before the buffer is emptied: it stays in the L2 cache, and is small
enough that the C library hands out the same memory again instead of new pages."""

ROW_BYTES = FLOW_LAYOUT.dtype.itemsize
AT_ORIG_HI = offset_of("orig_hi")
AT_RESP_HI = offset_of("resp_hi")
AT_FIRST_NS = offset_of("first_ns")
AT_LAST_NS = offset_of("last_ns")
AT_HISTORY_SEEN = offset_of("history_seen")



def write_json_lines(batch: FlowBatch, write: Callable[[memoryview], object]) -> None:
    """All events of a batch as NDJSON, in pieces that are valid until `write` returns.

    Faster than `render_json_lines` where the lines go to a file: no memory is asked for.
    """
    if not len(batch):
        return
    plan = _plan.plan_of(batch)
    rows = np.ascontiguousarray(batch.records).view(np.uint8)
    facts = np.zeros(len(batch), dtype=np.uint8)
    for bit in range(8):
        facts |= np.asarray(when_mask(batch, 1 << bit)).view(np.uint8) << np.uint8(bit)
    buffer = bytearray(min(len(batch), CHUNK_ROWS) * plan.row_room + COPY_PADDING)
    writer = Writer(plan, rows, (facts, derived_codes(batch)), schema.created_ns(batch))
    writer.begin(buffer)
    window = memoryview(buffer)
    owners = _indices(batch, "process", batch.context.processes)
    paths = _indices(batch, "tunnel", batch.context.tunnels)
    for first in range(0, len(batch), CHUNK_ROWS):
        used = writer.write(first, min(first + CHUNK_ROWS, len(batch)))
        assert used <= len(buffer) - COPY_PADDING, "a document outgrew its plan"
        if owners is None and paths is None:
            write(window[:used])
            continue
        lines = bytes(window[:used])
        if owners is not None:
            told = owners[first : first + CHUNK_ROWS]
            lines = tell_in_lines(lines, told, batch.context.processes)
        if paths is not None:
            told = paths[first : first + CHUNK_ROWS]
            lines = tell_tunnels(lines, told, batch.context.tunnels)
        write(memoryview(lines))


def _indices(batch: FlowBatch, member: str, store: Any) -> Any:
    """The index of each row's process or tunnels; None where no row has one."""
    if store is None or not batch.records[member].any():
        return None
    return batch.records[member].tolist()


def render_json_lines(batch: FlowBatch) -> bytes:
    """All events of a batch as NDJSON, one ECS document a line."""
    lines = BytesIO()
    write_json_lines(batch, lines.write)
    return lines.getvalue()


def documents_of(batch: FlowBatch, rows: Any) -> list[dict[str, Any]]:
    """Some events of a batch (indices, a mask or a slice) as nested ECS documents."""
    chosen = FlowBatch(batch.records[rows], batch.context, batch.created_ns)
    return [orjson.loads(line) for line in render_json_lines(chosen).splitlines()]


class Writer:
    """Writes documents of one batch of records into a buffer."""

    def __init__(self, plan: Any, rows: Any, facts: Any, created_ns: int) -> None:
        self.ops_view = plan.ops
        self.entries_view = plan.entries
        self.pool_view = plan.pool
        self.rows_view = rows
        self.facts_view = facts[0]
        self.derived_view = facts[1]
        self.ops = ints_of(self.ops_view)
        self.ops_count = len(plan.ops) // _plan.OP_INTS
        self.entries = ints_of(self.entries_view)
        self.pool = octets_of(self.pool_view)
        self.octets = octets_of(self.rows_view)
        self.facts = octets_of(self.facts_view)
        self.derived = octets_of(self.derived_view)
        self.created_ns = created_ns
        self.scratch = Scratch()
        if not cython.compiled:
            self.starts = [0] * _plan.MARKS_MAX
            self.ends = [0] * _plan.MARKS_MAX

    def begin(self, buffer: bytearray) -> None:
        """Write into `buffer` from now on; it has room for every row of a `write`."""
        self.out_view = buffer
        self.out = room_of(self.out_view)

    def write(self, first: int, end: int) -> int:
        """Write rows `first` to `end` from the start of the buffer; returns the octets used."""
        at = 0
        with cython.nogil:
            for index in range(first, end):
                at = self.write_row(at, index)
        return at

    def write_row(self, at: int, index: int) -> int:  # noqa: C901  one branch for each operation
        """One document and its newline."""
        row = index * ROW_BYTES
        step = 0
        ops = self.ops
        out = self.out
        name_flow(self.scratch, self.octets, row)
        while step < self.ops_count:
            op = step * OP_INTS
            put_padded(out, at, self.pool, ops[op + 1], ops[op + 2])
            at += ops[op + 2]
            code = ops[op]
            step += 1
            if code == UNLESS:
                if not u8(self.facts, index) & ops[op + 3]:
                    step += ops[op + 4] - 1
            elif code == NUMBER:
                at = put_number(out, at, self.member(row + ops[op + 3], ops[op + 4]))
            elif code == TABLE:
                at = self.put_entry(at, op, self.member(row + ops[op + 3], ops[op + 4]))
            elif code == ADDRESS:
                at = self.put_ip(at, row + ops[op + 3])
            elif code == TIME:
                at = put_time(out, at, signed64(self.octets, row + ops[op + 3]))
            elif code == MARK:
                self.starts[ops[op + 3]] = at
            elif code == MARK_END:
                self.ends[ops[op + 3]] = at
            elif code == REPEAT:
                at = self.repeat(at, ops[op + 3])
            elif code == DERIVED:
                at = self.put_entry(at, op, u8(self.derived, index) >> ops[op + 3] & 15)
            elif code != NOTHING:
                at = self.put_computed(at, code, row, row + ops[op + 3])
        return at

    def member(self, at: int, size: int) -> int:
        """An unsigned member of a record."""
        if size == 8:
            return load64(self.octets, at)
        if size == 4:
            return le32(self.octets, at)
        if size == 2:
            return le16(self.octets, at)
        return u8(self.octets, at)

    def put_entry(self, at: int, op: int, value: int) -> int:
        """The text of a code; none for a code beyond its table."""
        if value >= self.ops[op + 6]:
            return at
        entry = 2 * (self.ops[op + 5] + value)
        length = self.entries[entry + 1]
        put_padded(self.out, at, self.pool, self.entries[entry], length)
        return at + length  # type: ignore[no-any-return]

    def put_ip(self, at: int, place: int) -> int:
        """The address whose upper half is at `place`."""
        return put_address(
            self.out, at, load64(self.octets, place), load64(self.octets, place + 8))

    def repeat(self, at: int, mark: int) -> int:
        """Copy what was written between a MARK and its MARK_END."""
        length = self.ends[mark] - self.starts[mark]
        put_octets(self.out, at, self.out, self.starts[mark], length)
        return at + length

    def put_computed(  # noqa: PLR0911  one for each operation
        self, at: int, code: int, row: int, place: int
    ) -> int:
        """A value that is more than one member of the record."""
        out = self.out
        octets = self.octets
        if code == COMMUNITY_ID:
            return put_community(out, at, self.scratch, octets, row)
        if code == FLOW_ID:
            return put_flow_id(out, at, self.scratch)
        if code == EVENT_ID:
            return put_event_id(out, at, self.scratch, octets, row)
        if code == EVENT_TIME:
            return put_time(out, at, event_time(octets, row))
        if code == CREATED:
            return put_time(out, at, self.created_ns)
        if code == DURATION:
            return self.put_duration(at, row)
        if code == TOTAL:
            return put_number(out, at, load64(octets, place) + load64(octets, place + 8))
        if code == MAC:
            return put_mac(out, at, octets, place)
        if code == HISTORY_TEXT:
            length = ones(le16(octets, row + AT_HISTORY_SEEN))
            put_octets(out, at, octets, place, length)
            return at + length
        return self.put_related(at, row)

    def put_duration(self, at: int, row: int) -> int:
        """Last packet minus first; 0 where packet times run backwards."""
        first = signed64(self.octets, row + AT_FIRST_NS)
        last = signed64(self.octets, row + AT_LAST_NS)
        first = max(first, 0)
        return put_number(self.out, at, last - first if last > first else 0)

    def put_related(self, at: int, row: int) -> int:
        """Both addresses as an array; one if they are equal."""
        out = self.out
        octets = self.octets
        out[at] = 91
        out[at + 1] = 34
        at = self.put_ip(at + 2, row + AT_ORIG_HI)
        same = (load64(octets, row + AT_ORIG_HI) == load64(octets, row + AT_RESP_HI)
                and load64(octets, row + AT_ORIG_HI + 8) == load64(octets, row + AT_RESP_HI + 8))
        if not same:
            out[at] = 34
            out[at + 1] = 44
            out[at + 2] = 34
            at = self.put_ip(at + 3, row + AT_RESP_HI)
        out[at] = 34
        out[at + 1] = 93
        return at + 2
