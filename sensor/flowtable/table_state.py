"""The state of a flow table: flows, where to find them, when they are due, what was counted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import (
    BUCKETS_FIRST,
    CLASSES,
    DUPLICATE_LINES,
    DUPLICATE_WAYS,
    EVENTS_MAX,
    FOLLOWED_NO_MORE,
    HELD_BYTES,
    MASK64,
    NOTES_MAX,
    PATHS_MAX,
    SEGMENT_BYTES,
    SEGMENTS_MAX,
    TIME_WAIT_SHARE,
    TIME_WAIT_WAYS,
)
from sensor.flowtable.timer_wheel import Timers
from sensor.flowtable.tunnel_paths import PathStore
from sensor.memory.records import (
    CACHE_LINE,
    FLOW_LAYOUT,
    SEGMENT_LAYOUT,
    RecordArray,
    allocate,
)
from sensor.model.flow import VERDICTS
from sensor.model.packets import PacketBatch
from sensor.model.segments import Segments

if not cython.compiled:
    from sensor.config import FlowLimits
    from sensor.flowtable.timer_wheel import timers_reached
    from sensor.memory.buffers import room_of
    from sensor.memory.records import flows_of, segments_of


class TableState:
    """The state that the functions of this package work on.

    `accept_on_data` holds `flow_started` back until there is payload; `key_vlan` lets VLAN ids
    separate flows; `duplicates` counts copies of a packet once; `follow` gives segments, `note`
    gives notes. `paths` is a PathStore, where it shall not be one of the table's own. `seed` keeps
    senders from choosing flows that collide in the hash table; it never shows in the output.
    """

    def __init__(  # noqa: PLR0913  most are left out
        self, limits: FlowLimits, *, accept_on_data: bool = False, key_vlan: bool = False,
        duplicates: bool = True, follow: bool = False, note: bool = False, seed: int = 0,
        paths: PathStore | None = None,
    ) -> None:  # fmt: skip
        slots = max(1, limits.flows_max)
        self.flows_max = slots
        self.view, self.records = allocate(FLOW_LAYOUT, slots, cython.compiled)
        self.rows = flows_of(self.view)
        self.event_view, self.event_records = allocate(FLOW_LAYOUT, EVENTS_MAX, cython.compiled)
        self.event_rows = flows_of(self.event_view)
        self.make_segments(slots, follow)
        self.noting = note
        self.notes = np.zeros(NOTES_MAX if note else 1, np.uint64).data
        self.note_count = 0
        self.timers = Timers(slots)
        self.paths = paths or PathStore(PATHS_MAX, 1, seed)
        self.free = np.zeros(slots, np.uint32).data
        self.slot_hash = np.zeros(slots, np.uint64).data
        self.slot_class = np.zeros(slots, np.uint8).data
        self.older = np.zeros(slots, np.uint32).data
        self.newer = np.zeros(slots, np.uint32).data
        self.oldest = np.zeros(CLASSES, np.uint32).data
        self.newest = np.zeros(CLASSES, np.uint32).data
        self.class_count = np.zeros(CLASSES, np.uint32).data
        copies = np.zeros((DUPLICATE_LINES + 1) * 2 * DUPLICATE_WAYS, np.uint64)
        ahead = -copies.ctypes.data % CACHE_LINE // copies.itemsize
        self.copies = copies[ahead:].data
        lines = 1 << (slots // TIME_WAIT_SHARE // TIME_WAIT_WAYS).bit_length()
        self.waits = np.zeros(lines * 3 * TIME_WAIT_WAYS, np.uint64).data
        self.waits_mask = lines - 1
        self.buckets = np.zeros(BUCKETS_FIRST, np.uint64).data
        self.bucket_mask = BUCKETS_FIRST - 1
        self.set_limits(limits)
        self.accept_on_data = accept_on_data
        self.key_vlan = key_vlan
        self.duplicates_on = duplicates
        self.seed = seed & MASK64
        self.verdict_counts = np.zeros(len(VERDICTS), np.uint64).data
        self.now_ns = -1
        self.first_ns = -1
        self.file_index = 0
        self.expired_tick = self.due_ns = 0
        self.cursor = self.drain_at = self.event_count = 0
        self.draining = np.zeros(1, np.uint32).data
        self.drain_count = -1  # not begun
        self.cursor_timed = False
        self.held = PacketBatch(1)  # by time_jumps.py, until the next packet comes
        if follow:
            self.held.keep_room(HELD_BYTES)
        self.held_file = 0
        self.held_timed = False
        self.count = self.peak = self.number = self.free_count = self.slots_used = 0
        self.packets_in_table = self.packets_ended = 0
        self.late = 0
        self.fragments = self.icmp_quoting = self.anomalies = self.non_ip = 0
        self.duplicates = self.time_backwards = self.time_jumps = self.evicted = 0
        self.one_way = self.two_way = self.lossy = 0

    def set_limits(self, limits: FlowLimits) -> None:
        """Take over the times that bound a flow."""
        self.attempt_ns = limits.tcp_attempt_timeout_ns
        self.idle_ns = limits.tcp_idle_timeout_ns
        self.closed_ns = limits.tcp_closed_timeout_ns
        self.time_wait_ns = limits.tcp_time_wait_ns
        self.udp_ns = limits.udp_timeout_ns
        self.icmp_ns = limits.icmp_timeout_ns
        self.other_ns = limits.other_timeout_ns
        self.active_ns = limits.active_timeout_ns
        self.wait_ns = limits.verdict_wait_ns
        self.copy_window_ns = limits.duplicate_window_ns

    def make_segments(self, slots: int, follow: bool) -> None:
        """The buffers of segments, of no use unless `follow`."""
        self.following = follow
        self.followed = np.zeros(slots if follow else 1, np.uint8).data
        segments = SEGMENTS_MAX if follow else 1
        self.segment_view, self.segment_records = allocate(
            SEGMENT_LAYOUT, segments, cython.compiled)
        self.segment_rows = segments_of(self.segment_view)
        self.segment_flow_view, self.segment_flow_records = allocate(
            FLOW_LAYOUT, segments, cython.compiled)
        self.segment_octets = bytearray(SEGMENT_BYTES if follow else 1)
        self.segment_room = room_of(self.segment_octets)
        self.segment_count = self.segment_bytes = 0

    def counters(self) -> dict[str, int | dict[str, int]]:
        """The counters, for the ledger; `engine/pipeline.py` asserts that it balances."""
        return {
            "packets_in_table": self.packets_in_table,
            "packets_ended": self.packets_ended,
            "packets_without_flow": self.fragments + self.icmp_quoting + self.late
                                    + self.held.count,
            "fragments": self.fragments,
            "icmp_quoting": self.icmp_quoting,
            "late": self.late,
            "anomalies": self.anomalies,
            "non_ip": self.non_ip,
            "duplicates": self.duplicates,
            "time_backwards": self.time_backwards,
            "time_jumps": self.time_jumps,
            "flows_open": self.count,
            "flows_total": self.number,
            "flows_peak": self.peak,
            "evicted": self.evicted,
            "one_way": self.one_way,
            "two_way": self.two_way,
            "lossy": self.lossy,
            "tunnel_paths": self.paths.count,
            "tunnel_paths_refused": self.paths.refused,
            "verdicts": dict(zip(VERDICTS, list(self.verdict_counts), strict=True)),
        }

    def accounted(self) -> int:
        """The number of frames whose fate is known: the same as the counters tell, but quickly."""
        return (self.packets_in_table + self.packets_ended + self.fragments + self.icmp_quoting
                + self.late + self.held.count + self.anomalies + self.non_ip + self.duplicates)

    def reached_ns(self) -> int:
        """Packet time: what is not known yet will be known then or later.

        It is behind `now_ns` where deadlines are still to be worked off.
        """
        return timers_reached(self.timers, self.now_ns)

    def take(self) -> RecordArray:
        """The events since the last call, in the order in which they became known.

        Shapes: a numpy array of records.FLOW_LAYOUT, the caller's own.
        """
        events = _copied(self.event_records, self.event_count)
        self.event_count = 0
        return events

    def take_segments(self) -> Segments | None:
        """The segments since the last call, in their order; None: there are none."""
        if not self.segment_count:
            return None
        found = Segments(
            _copied(self.segment_records, self.segment_count),
            _copied(self.segment_flow_records, self.segment_count),
            bytes(memoryview(self.segment_octets)[: self.segment_bytes]),
        )
        self.segment_count = self.segment_bytes = 0
        return found

    def take_notes(self) -> npt.NDArray[np.uint64]:
        """The notes since the last call: of each the packet's ordinal times two, plus its kind."""
        found = np.array(self.notes[: self.note_count])
        self.note_count = 0
        return found

    def follow_no_more(self, slot: int) -> None:
        """Give no further segments of the flow in this place; it must not have ended."""
        self.followed[slot] |= FOLLOWED_NO_MORE


def _copied(records: RecordArray, count: int) -> RecordArray:
    """The first records of an array as one of their own; numpy would copy them by member."""
    octets = records.view(np.uint8)[: count * records.dtype.itemsize].copy()
    return octets.view(records.dtype)
