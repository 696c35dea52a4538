"""A timing wheel: which flow is due when, in packet time, without a clock and without a heap.

A deadline is rounded up to a tick of about 17 ms, so that all flows of one tick are due at once and
leave in the order in which they were scheduled: deterministic, however a capture is cut. Each flow
has at most one deadline. A deadline beyond the wheel's horizon (about 9 minutes) is due at the
horizon, where the owner finds that it is not yet time and schedules it again.
"""

from __future__ import annotations

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython  # noqa: F401

TICK_BITS = 24
"""A tick is 2**24 ns, about 17 ms."""
WHEEL_TICKS = 1 << 15
"""The horizon: 2**15 ticks, about 550 s."""
WHEEL_MASK = WHEEL_TICKS - 1
TICK_ROUND = (1 << TICK_BITS) - 1
NONE_DUE = -1


class Timers:
    """Deadlines of at most `slots` flows, known by their slot number."""

    def __init__(self, slots: int) -> None:
        # Links hold slot + 1, so that fresh zeroed memory means "none" and is not even touched.
        self.heads = np.zeros(WHEEL_TICKS, np.uint32).data
        self.tails = np.zeros(WHEEL_TICKS, np.uint32).data
        self.next = np.zeros(slots, np.uint32).data
        self.previous = np.zeros(slots, np.uint32).data
        self.ticks = np.zeros(slots, np.int64).data  # 0: not scheduled
        self.tick = 0
        self.count = 0


def timers_start(timers: Timers, now_ns: int) -> None:
    """Set the wheel to the time of the first packet."""
    timers.tick = now_ns >> TICK_BITS


def timers_now(timers: Timers) -> int:
    """The tick that is being worked off, as packet time."""
    return timers.tick << TICK_BITS


def timers_reached(timers: Timers, now_ns: int) -> int:
    """The packet time up to which deadlines are worked off: `now_ns` unless some are left."""
    if timers.count and timers.tick < now_ns >> TICK_BITS:
        return timers.tick << TICK_BITS
    return now_ns


def timers_schedule(timers: Timers, slot: int, deadline_ns: int) -> None:
    """Set the deadline of a flow, in place of the one that it had."""
    tick = (deadline_ns + TICK_ROUND) >> TICK_BITS
    if tick <= timers.tick:
        tick = timers.tick + 1
    if tick - timers.tick >= WHEEL_TICKS:
        tick = timers.tick + WHEEL_TICKS - 1
    if timers.ticks[slot] == tick:
        return
    timers_cancel(timers, slot)
    bucket = tick & WHEEL_MASK
    tail = timers.tails[bucket]
    timers.previous[slot] = tail
    timers.next[slot] = 0
    if tail:
        timers.next[tail - 1] = slot + 1
    else:
        timers.heads[bucket] = slot + 1
    timers.tails[bucket] = slot + 1
    timers.ticks[slot] = tick
    timers.count += 1


def timers_sooner(timers: Timers, slot: int, deadline_ns: int) -> None:
    """Set the deadline of a flow if it is sooner than the one that it has."""
    if ((deadline_ns + TICK_ROUND) >> TICK_BITS) < timers.ticks[slot]:
        timers_schedule(timers, slot, deadline_ns)


def timers_cancel(timers: Timers, slot: int) -> None:
    """Forget the deadline of a flow, if it has one."""
    tick = timers.ticks[slot]
    if tick == 0:
        return
    bucket = tick & WHEEL_MASK
    before = timers.previous[slot]
    after = timers.next[slot]
    if before:
        timers.next[before - 1] = after
    else:
        timers.heads[bucket] = after
    if after:
        timers.previous[after - 1] = before
    else:
        timers.tails[bucket] = before
    timers.ticks[slot] = 0
    timers.count -= 1


def timers_pop(timers: Timers, now_ns: int) -> int:
    """The next flow that is due at `now_ns`, its deadline forgotten; NONE_DUE: no more."""
    target = now_ns >> TICK_BITS
    while True:
        head = timers.heads[timers.tick & WHEEL_MASK]
        if head and timers.ticks[head - 1] <= timers.tick:
            timers_cancel(timers, head - 1)
            return head - 1
        if timers.tick >= target:
            return NONE_DUE
        if timers.count == 0:
            timers.tick = target
            return NONE_DUE
        timers.tick += 1
