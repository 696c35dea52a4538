"""Flow documents as JSON lines: an interpreter of the operations that ecs/template.py lays out.

Values go straight from the records into one output buffer; the GIL is released meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

try:
    import cython  # type: ignore[import-untyped]
except ImportError:
    from sensor.base import cython_stub as cython

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.columns import derived_codes, when_mask
from sensor.ecs.field_groups import SlotTexts, groups_in, slot_texts
from sensor.ecs.identifiers import Scratch, offset_of
from sensor.ecs.schema import created_ns
from sensor.ecs.template import MARKS_MAX, DocumentTemplate, template_of
from sensor.memory.buffers import COPY_PADDING
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.flow import FlowRecords

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
        SLOT,
        TABLE,
        TIME,
        TOTAL,
        UNLESS,
    )
    from sensor.ecs.text import put_ip, put_mac, put_number, put_time
    from sensor.memory.buffers import ints_of, load64, put_octets, put_padded, room_of
    from sensor.memory.loads import le16, le32, octets_of, u8
    from sensor.memory.records import ones

CHUNK_ROWS = 32
"""Documents that are written before the buffer is emptied: it stays in the L2 cache, and is small
enough that the C library hands out the same memory again instead of new pages."""

ROW_BYTES = FLOW_LAYOUT.dtype.itemsize
AT_ORIG_HI = offset_of("orig_hi")
AT_IP_VERSION = offset_of("ip_version")
AT_RESP_HI = offset_of("resp_hi")
AT_FIRST_NS = offset_of("first_ns")
AT_LAST_NS = offset_of("last_ns")
AT_HISTORY_SEEN = offset_of("history_seen")


def write_json_lines(batch: FlowRecords, write: Callable[[memoryview], object]) -> None:
    """All events of a batch as NDJSON, in pieces that are valid until `write` returns.

    Faster than `render_json_lines` where the lines go to a file: no memory is asked for.
    """
    count = len(batch)
    if not count:
        return
    groups = groups_in(batch)
    template = template_of(batch, groups)
    slots = slot_texts(batch, groups)
    chunks = range(0, count, CHUNK_ROWS)
    room = min(count, CHUNK_ROWS) * template.row_room + COPY_PADDING
    if groups:
        room += int(np.add.reduceat(slots.room, chunks).max())
    buffer = bytearray(room)
    writer = Writer(template, batch, slots)
    writer.begin(buffer)
    window = memoryview(buffer)
    for first in chunks:
        used = writer.write(first, min(first + CHUNK_ROWS, count))
        assert used <= room - COPY_PADDING, "a document outgrew its template"
        write(window[:used])


def _conditions(batch: FlowRecords) -> NDArray[np.uint8]:
    """The bits of field.WHEN that hold for each row."""
    held = np.zeros(len(batch), dtype=np.uint8)
    for bit in range(8):
        held |= np.asarray(when_mask(batch, 1 << bit)).view(np.uint8) << np.uint8(bit)
    return held


def render_json_lines(batch: FlowRecords) -> bytes:
    """All events of a batch as NDJSON, one ECS document a line."""
    lines = BytesIO()
    write_json_lines(batch, lines.write)
    return lines.getvalue()


class Writer:
    """Writes documents of one batch of records into a buffer."""

    def __init__(self, template: DocumentTemplate, batch: FlowRecords, slots: SlotTexts) -> None:
        self.ops_view = template.ops
        self.entries_view = template.entries
        self.pool_view = template.pool
        self.rows_view = np.ascontiguousarray(batch.records).view(np.uint8)
        self.facts_view = _conditions(batch)
        self.derived_view = derived_codes(batch)
        self.spans_view = slots.spans
        self.slot_pool_view = slots.pool
        self.ops = ints_of(self.ops_view)
        self.ops_count = len(template.ops) // OP_INTS
        self.entries = ints_of(self.entries_view)
        self.pool = octets_of(self.pool_view)
        self.octets = octets_of(self.rows_view)
        self.facts = octets_of(self.facts_view)
        self.derived = octets_of(self.derived_view)
        self.slot_pool = octets_of(self.slot_pool_view)
        self.rows_count = len(batch)
        self.created_ns = created_ns(batch)
        self.scratch = Scratch()
        if not cython.compiled:
            self.starts = [0] * MARKS_MAX
            self.ends = [0] * MARKS_MAX

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

    def write_row(self, at: int, index: int) -> int:  # noqa: C901, PLR0912  by operation
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
                at = self.put_ip(at, row, row + ops[op + 3])
            elif code == TIME:
                at = put_time(out, at, signed64(self.octets, row + ops[op + 3]))
            elif code == MARK:
                self.starts[ops[op + 3]] = at
            elif code == MARK_END:
                self.ends[ops[op + 3]] = at
            elif code == REPEAT:
                at = self.repeat(at, ops[op + 3])
            elif code == SLOT:
                at = self.put_slot(at, ops[op + 3], index)
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

    def put_ip(self, at: int, row: int, place: int) -> int:
        """The address whose upper half is at `place`; of IPv6 where it is v4-mapped, too."""
        return put_ip(self.out, at, load64(self.octets, place), load64(self.octets, place + 8),
                      u8(self.octets, row + AT_IP_VERSION))

    def repeat(self, at: int, mark: int) -> int:
        """Copy what was written between a MARK and its MARK_END."""
        length = self.ends[mark] - self.starts[mark]
        put_octets(self.out, at, self.out, self.starts[mark], length)
        return at + length

    def put_slot(self, at: int, slot: int, index: int) -> int:
        """The text in one slot of one row; often none."""
        span = 2 * (slot * self.rows_count + index)
        length = self.spans_view[span + 1]
        put_octets(self.out, at, self.slot_pool, self.spans_view[span], length)
        return at + length  # type: ignore[no-any-return]

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
        at = self.put_ip(at + 2, row, row + AT_ORIG_HI)
        same = (load64(octets, row + AT_ORIG_HI) == load64(octets, row + AT_RESP_HI)
                and load64(octets, row + AT_ORIG_HI + 8) == load64(octets, row + AT_RESP_HI + 8))
        if not same:
            out[at] = 34
            out[at + 1] = 44
            out[at + 2] = 34
            at = self.put_ip(at + 3, row, row + AT_RESP_HI)
        out[at] = 34
        out[at + 1] = 93
        return at + 2
