"""Thresholds: so many events of a group within a window of packet time.

A *bucket* holds what a group's events of the last window say. Once they are enough the bucket has
fired: its events are used, and those that follow until the window of its first event has passed
belong to the same finding (they are *absorbed*). Then the group begins anew. So a group fires at
most once for each window, and no event counts twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

COUNT_TOLD_MAX = 1_000
"""If distinct values are counted too, more events than this of one bucket are told as this many
(or as many as the rule asks for, if that is more): only the newest are kept."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The conditions under which a bucket fires, and the bounds of buckets."""

    count: int
    """Events."""
    distinct: int
    """Different values of a field among them; 0: they do not matter."""
    window_ns: int
    groups_max: int
    """Groups that are remembered; the one that was idle for longest is forgotten first."""
    events_max: int
    """Times and values that are remembered in all groups together."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A bucket that had enough."""

    start_ns: int
    """When the first of its events became known."""
    end_ns: int
    count: int
    distinct: int
    notes: tuple[Any, ...] = field(default=(), compare=False)
    """The notes of those events, oldest first."""


@dataclass(slots=True)
class _Bucket:
    """The events of one group; times are when they became known."""

    times: list[tuple[int, Any]] = field(default_factory=list)
    """The newest events, oldest first, each with its note. A list: most groups have few, and an
    empty deque alone is 600 octets."""
    last_of: dict[Hashable, int] = field(default_factory=dict)
    """The newest event of each value, oldest first."""
    last_ns: int = 0
    used_until_ns: int = -1
    """Events up to then belong to what has fired."""

    @property
    def size(self) -> int:
        return len(self.times) + len(self.last_of)


class Threshold:
    """Counts the events of one rule by group."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._times_max = max(limit.count, COUNT_TOLD_MAX) if limit.distinct else limit.count
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()
        self._size = 0
        self.evicted = 0
        """Groups forgotten before their window had passed."""
        self.absorbed = 0
        """Events that belong to a bucket that had fired before."""

    def __len__(self) -> int:
        """Groups that are remembered."""
        return len(self._buckets)

    @property
    def size(self) -> int:
        """Times and values that are remembered."""
        return self._size

    def add(
        self, group: Hashable, values: Iterable[Hashable], time_ns: int, note: Any = None
    ) -> Fired | None:
        """Count an event; what its group comes to, if this makes it enough.

        `values` are those of the field of which different ones are wanted; `note` is kept with the
        event. Times never fall.
        """
        self._forget_idle(time_ns)
        bucket = self._buckets.get(group)
        if bucket is None:
            bucket = self._buckets[group] = _Bucket()
        else:
            self._buckets.move_to_end(group)
        bucket.last_ns = time_ns
        if time_ns <= bucket.used_until_ns:
            self.absorbed += 1
            return None
        self._size -= bucket.size
        self._take(bucket, values, time_ns, note)
        fired = self._fired(bucket)
        self._size += bucket.size
        self._evict()
        return fired

    def count(self, group: Hashable) -> tuple[int, int]:
        """The numbers of events and of different values of a group, by now."""
        bucket = self._buckets.get(group)
        return (0, 0) if bucket is None else (len(bucket.times), len(bucket.last_of))

    def _take(self, bucket: _Bucket, values: Iterable[Hashable], time_ns: int, note: Any) -> None:
        since_ns = time_ns - self._limit.window_ns
        times, last_of = bucket.times, bucket.last_of
        times.append((time_ns, note))
        gone = 0
        while times[gone][0] < since_ns or len(times) - gone > self._times_max:
            gone += 1
        if gone:
            del times[:gone]
        if self._limit.distinct:
            for value in values:
                last_of.pop(value, None)  # to the end
                last_of[value] = time_ns
            while last_of and last_of[first := next(iter(last_of))] < since_ns:
                del last_of[first]

    def _fired(self, bucket: _Bucket) -> Fired | None:
        times, limit = bucket.times, self._limit
        if len(times) < limit.count or len(bucket.last_of) < limit.distinct:
            return None
        # The newest times only are kept: the oldest value may have come before them.
        start_ns = min(times[0][0], next(iter(bucket.last_of.values()), times[0][0]))
        notes = tuple(note for _, note in times)
        fired = Fired(start_ns, times[-1][0], len(times), len(bucket.last_of), notes)
        bucket.used_until_ns = start_ns + limit.window_ns
        times.clear()
        bucket.last_of.clear()
        return fired

    def _forget_idle(self, now_ns: int) -> None:
        """Let go of the groups whose every event has left the window."""
        while self._buckets:
            group, bucket = next(iter(self._buckets.items()))
            if bucket.last_ns + self._limit.window_ns >= now_ns:
                return
            self._size -= bucket.size
            del self._buckets[group]

    def _evict(self) -> None:
        limit = self._limit
        while len(self._buckets) > 1 and (
            len(self._buckets) > limit.groups_max or self._size > limit.events_max
        ):
            _, bucket = self._buckets.popitem(last=False)
            self._size -= bucket.size
            self.evicted += 1
