"""The choice of a flow to evict when the table is full: three lists, each from oldest to newest.

Unanswered attempts go first, then flows with packets both ways, then accepted ones. But an eighth
of the table stays for each of the first two, or a table full of connections that nobody closed
(their last packets were lost) would end every new attempt before its answer can come.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import SPARED_MAX, SPARED_NS
from sensor.flowtable.flow_state import WAITING
from sensor.model.flow import ACCEPTED

if not cython.compiled:
    from sensor.flowtable.table_state import TableState
    from sensor.memory.records import flow_at


def enlist(table: TableState, slot: int, kind: int) -> None:
    """Append a flow to the list of its class."""
    last = table.newest[kind]
    table.older[slot] = last
    table.newer[slot] = 0
    if last:
        table.newer[last - 1] = slot + 1
    else:
        table.oldest[kind] = slot + 1
    table.newest[kind] = slot + 1
    table.slot_class[slot] = kind
    table.class_count[kind] += 1


def delist(table: TableState, slot: int) -> None:
    kind = table.slot_class[slot]
    table.class_count[kind] -= 1
    older = table.older[slot]
    newer = table.newer[slot]
    if older:
        table.newer[older - 1] = newer
    else:
        table.oldest[kind] = newer
    if newer:
        table.older[newer - 1] = older
    else:
        table.newest[kind] = older


def reclass(table: TableState, slot: int) -> None:
    """Move a flow to another list where what is known of it changes when it may be evicted."""
    flow = flow_at(table.rows, slot)
    kind = 0
    if flow.verdict == ACCEPTED or flow.state & WAITING:
        kind = 2
    elif flow.packets[0] and flow.packets[1]:
        kind = 1
    if kind != table.slot_class[slot]:
        delist(table, slot)
        enlist(table, slot, kind)


def victim(table: TableState) -> int:
    """The slot of the flow that will be missed least; the table is not empty.

    Of flows that exchanged packets one that is silent goes: one with a packet in the last second is
    put at the end of its list, a few times at most.
    """
    share = table.flows_max >> 3
    kind = 2
    if table.class_count[0] > share:
        kind = 0
    elif table.class_count[1] > share:
        kind = 1
    elif table.class_count[2] == 0:
        kind = 0 if table.class_count[0] else 1
    slot = table.oldest[kind] - 1
    if kind:
        for _ in range(SPARED_MAX):
            flow = flow_at(table.rows, slot)
            if table.now_ns - flow.seen_ns > SPARED_NS:
                break
            delist(table, slot)
            enlist(table, slot, kind)
            slot = table.oldest[kind] - 1
    return slot
