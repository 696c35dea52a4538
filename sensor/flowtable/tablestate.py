"""The state of a flow table: flows, where to find them, when they are due, what was counted."""

from __future__ import annotations

import numpy as np

try:
    import cython
except ImportError:
    from sensor import interpreted as cython

from sensor.flow import VERDICTS
from sensor.flowtable.constants import (
    BUCKETS_FIRST,
    CLASSES,
    COPIES,
    EVENTS_MAX,
    MASK64,
    PATHS_MAX,
)
from sensor.flowtable.paths import PathStore
from sensor.flowtable.timers import Timers
from sensor.records import FLOW_LAYOUT, allocate

if not cython.compiled:
    from sensor.records import flows_of


class TableState:
    """What the table holds; the functions beside this module work on it.

    `limits` is a config.FlowLimits. `accept_on_data` holds `flow_started` back until there is
    payload; `key_vlan` lets VLAN ids separate flows; `duplicates` counts copies of a packet once.
    `paths` is a PathStore, where it shall not be one of the table's own.
    `seed` keeps senders from choosing flows that collide in the hash table; it never shows in the
    output.
    """

    def __init__(
        self, limits, *, accept_on_data=False, key_vlan=False, duplicates=True, seed=0,
        paths=None,
    ):
        slots = max(1, limits.flows_max)
        self.flows_max = slots
        self.view, self.records = allocate(FLOW_LAYOUT, slots, cython.compiled)
        self.rows = flows_of(self.view)
        self.event_view, self.event_records = allocate(FLOW_LAYOUT, EVENTS_MAX, cython.compiled)
        self.event_rows = flows_of(self.event_view)
        self.timers = Timers(slots)
        self.paths = paths or PathStore(PATHS_MAX, 1, seed)
        self.free = memoryview(np.zeros(slots, np.uint32))
        self.slot_hash = memoryview(np.zeros(slots, np.uint64))
        self.slot_class = memoryview(np.zeros(slots, np.uint8))
        self.older = memoryview(np.zeros(slots, np.uint32))
        self.newer = memoryview(np.zeros(slots, np.uint32))
        self.oldest = memoryview(np.zeros(CLASSES, np.uint32))
        self.newest = memoryview(np.zeros(CLASSES, np.uint32))
        self.class_count = memoryview(np.zeros(CLASSES, np.uint32))
        self.copies = memoryview(np.zeros(2 * COPIES, np.uint64))  # mark and time by turns
        self.buckets = memoryview(np.zeros(BUCKETS_FIRST, np.uint64))
        self.bucket_mask = BUCKETS_FIRST - 1
        self.attempt_ns = limits.tcp_attempt_timeout_ns
        self.idle_ns = limits.tcp_idle_timeout_ns
        self.closed_ns = limits.tcp_closed_timeout_ns
        self.udp_ns = limits.udp_timeout_ns
        self.icmp_ns = limits.icmp_timeout_ns
        self.other_ns = limits.other_timeout_ns
        self.active_ns = limits.active_timeout_ns
        self.wait_ns = limits.verdict_wait_ns
        self.copy_window_ns = limits.duplicate_window_ns
        self.accept_on_data = accept_on_data
        self.key_vlan = key_vlan
        self.duplicates_on = duplicates
        self.seed = seed & MASK64
        self.verdict_counts = memoryview(np.zeros(len(VERDICTS), np.uint64))
        self.now_ns = -1
        self.first_ns = -1
        self.file_index = 0
        self.expired_tick = self.due_ns = 0
        self.cursor = self.drain_at = self.event_count = 0
        self.cursor_timed = False
        self.count = self.peak = self.number = self.free_count = self.slots_used = 0
        self.packets_in_table = self.packets_ended = 0
        self.fragments = self.icmp_quoting = self.anomalies = self.non_ip = 0
        self.duplicates = self.time_backwards = self.evicted = 0
        self.one_way = self.two_way = self.lossy = 0
