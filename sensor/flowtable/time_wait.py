"""Connections that were over a moment ago: what comes late of them makes no flow of its own.

A closed flow leaves the table with its record; its numbers stay here for a while, as TIME-WAIT
keeps them in a host (RFC 9293 3.6.1). A FIN that is sent again because its answer got lost, or a
SYN-ACK after a refusal that its sender did not see, is then known for what it is. The memory has
four places for each remainder of the hash and forgets: the one that was over first goes.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import MASK32, TIME_WAIT_WAYS
from sensor.model.packets import ACK, FRAGMENT_TINY, PROTOCOL_TCP, SYN

if not cython.compiled:
    from sensor.flowtable.table_state import TableState
    from sensor.memory.records import Flow, Packet

LOOSE_WINDOW = 1 << 20
"""How far a late segment may be from the last numbers: packets of its connection may be missing."""


def remember(table: TableState, flow: Flow, hashed: int, now_ns: int) -> None:
    """Keep the numbers at which a flow ended; the packets of both directions have its hash."""
    if table.time_wait_ns == 0:
        return
    orig = flow.next_seq[0] if flow.packets[0] else flow.acked[1]
    resp = flow.next_seq[1] if flow.packets[1] else flow.acked[0]
    first = (hashed & table.waits_mask) * 3 * TIME_WAIT_WAYS
    oldest = first
    for at in range(first, first + TIME_WAIT_WAYS):
        if table.waits[at] == hashed:
            oldest = at
            break
        if table.waits[at + TIME_WAIT_WAYS] < table.waits[oldest + TIME_WAIT_WAYS]:
            oldest = at
    table.waits[oldest] = hashed
    table.waits[oldest + TIME_WAIT_WAYS] = now_ns
    table.waits[oldest + 2 * TIME_WAIT_WAYS] = (orig << 32) | resp


def counts_as_late(table: TableState, packet: Packet, hashed: int) -> bool:
    """Count a packet that comes late; False: it is of no connection that is over."""
    if not _is_late(table, packet, hashed):
        return False
    if packet.fragment & FRAGMENT_TINY:  # itself an anomaly; what it completes was counted before
        table.anomalies += 1
    else:
        table.late += 1
    return True


def _is_late(table: TableState, packet: Packet, hashed: int) -> bool:
    """True if a packet of no flow fits a connection that is over. A SYN begins another."""
    if packet.protocol != PROTOCOL_TCP or packet.tcp_flags & (SYN | ACK) == SYN:
        return False
    first = (hashed & table.waits_mask) * 3 * TIME_WAIT_WAYS
    for at in range(first, first + TIME_WAIT_WAYS):
        if table.waits[at] == hashed:
            if table.now_ns - table.waits[at + TIME_WAIT_WAYS] > table.time_wait_ns:
                return False
            numbers = table.waits[at + 2 * TIME_WAIT_WAYS]
            orig = numbers >> 32
            resp = numbers & MASK32
            return _fits(packet, orig, resp) or _fits(packet, resp, orig)
    return False


def _fits(packet: Packet, own: int, other: int) -> bool:
    """True if a segment's numbers are near these."""
    if ((packet.seq - own + LOOSE_WINDOW) & MASK32) > 2 * LOOSE_WINDOW:
        return False
    if not packet.tcp_flags & ACK:
        return True
    return ((packet.ack - other + LOOSE_WINDOW) & MASK32) <= 2 * LOOSE_WINDOW
