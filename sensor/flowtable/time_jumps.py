"""Packet time where a frame's own time is not to be believed at once.

Times run on, and now and then a little back. A frame that is dated far ahead of all before it is
either the first after a long pause, or its time is wrong: a bit was flipped, or a clock is not set.
Only what follows decides. So such a frame is held back until the next one: if that agrees, time has
gone on; if not, the frame is counted in `time_jumps`, keeps its time in the record, and moves
nothing. The first frame of all is held likewise, for everything would be dated before a wrong one.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import JUMP_NS

if not cython.compiled:
    from sensor.flowtable.table_state import TableState
    from sensor.flowtable.timer_wheel import timers_start
    from sensor.memory.records import packet_at
    from sensor.model.packets import PacketBatch

DAY_NS = 86_400_000_000_000
"""The last packet of all, with which none can agree, is believed if it comes after such a pause."""
TIME_MAX_NS = 1 << 62
"""The year 2116. Packet time goes no further: a deadline must fit into 64 bits."""


def hold(table: TableState, packets: PacketBatch, index: int) -> None:
    """Keep a packet back until the next one confirms its time, or not."""
    table.held.hold(packets, index)
    table.held_file = packets.file_of[index] if packets.numbered else table.file_index
    table.held_timed = False


def settle(table: TableState, next_ns: int) -> None:
    """Judge the time of the packet that is held by the time of the next one, once."""
    if table.held_timed:
        return
    table.held_timed = True
    held_ns = packet_at(table.held.rows, 0).time_ns
    if next_ns < held_ns - JUMP_NS:
        table.time_jumps += 1
        held_ns = next_ns  # it was captured before that one
        if table.first_ns >= 0 and next_ns > table.now_ns + JUMP_NS:
            return  # another one that is dated far ahead
    held_ns = min(held_ns, TIME_MAX_NS)
    if table.first_ns < 0:
        table.first_ns = held_ns
        timers_start(table.timers, held_ns)
    table.now_ns = max(table.now_ns, held_ns)


def final_time(table: TableState) -> int:
    """The time by which a packet is judged that nothing follows."""
    held_ns = packet_at(table.held.rows, 0).time_ns
    if table.first_ns < 0 or held_ns <= table.now_ns + DAY_NS:
        return held_ns
    return table.now_ns
