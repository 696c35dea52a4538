"""The order in which flows are evicted: three lists, each from oldest to newest."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor import interpreted as cython

from sensor.flow import ACCEPTED
from sensor.flowtable.state import WAITING

if not cython.compiled:
    from sensor.records import flow_at


def enlist(table, slot, kind):
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


def delist(table, slot):
    kind = table.slot_class[slot]
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


def reclass(table, slot):
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
