"""Notes: which packets made a flow, for whoever wants to know the packets of a flow.

A packet with the key of a flow belongs to the one that was made last with this key: while that is
open, because the table counts it there, and behind that, because what comes late makes no flow. So
it is enough to know which packets made one. Of an ICMP error it is also noted that it was counted
with the flow that it quotes, and not with one of its own.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import NOTES_MAX

if not cython.compiled:
    from sensor.flowtable.table_state import TableState
    from sensor.model.packets import PacketBatch


def note(table: TableState, packets: PacketBatch, index: int, what: int) -> None:
    """Note something of a packet, under its ordinal in the run."""
    if table.note_count < NOTES_MAX:
        table.notes[table.note_count] = (packets.ordinal + index) << 1 | what
        table.note_count += 1
