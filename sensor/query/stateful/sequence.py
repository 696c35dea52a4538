"""Sequences of EQL: events in order, that belong together, within a time.

Events are taken in the order in which they became known; of two that became known at once the one
that comes first in its batch is the earlier. A *pending* sequence has its first events and waits
for the next. Per join key, and per number of events, one sequence is pending: a newer one takes its
place. One event may advance several (with different numbers of events) and begin a new one, but
stands in each only once. A match uses its pending sequence up.

A missing event (`![...]`) must not occur between its neighbours. Before the first event it must not
occur within `maxspan` before the last one; after the last event not within `maxspan` of the first:
such a sequence is complete as soon as that time has passed, and none takes its place meanwhile.

An event that `until` selects ends what is pending under its key. If it also is the last event of a
sequence, that sequence is complete first; if it also is the first of one, that one begins.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection

from sensor.config import RuleLimits
from sensor.model.columns import Kept, Rows
from sensor.query.ast import Sequence, Step
from sensor.query.stateful.join import Key
from sensor.query.stateful.steps import Completed, Completions, Steps, Unexcepted

_NEVER = 1 << 200
"""Later than any time."""


class _Pending:
    """The first events of a sequence."""

    __slots__ = ("barred_ns", "events", "first_ns", "key", "size")

    def __init__(self, key: Key, first_ns: int, event: Kept, barred_ns: int) -> None:
        self.key = key
        self.first_ns = first_ns
        self.events = [event]
        self.size = event.size
        self.barred_ns = barred_ns
        """When something that must be missing before the first event was there last."""


class _Take:
    """An event that is wanted: it fills the places `first` to `last`, more than one if it runs."""

    __slots__ = ("first", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last


class _Gap:
    """A missing event: it ends what has so many events."""

    __slots__ = ("after",)

    def __init__(self, after: int) -> None:
        self.after = after


class _Until:
    """The end of everything pending."""

    __slots__ = ()


_Part = _Take | _Gap | _Until


class Tracker:
    """The pending sequences of one query.

    `lookback_ns` bounds a sequence without `maxspan`; `limits` the events that are held.
    """

    def __init__(
        self, query: Sequence, lookback_ns: int, limits: RuleLimits, fields: Collection[str] = ()
    ) -> None:
        self.evicted = 0
        """Pending sequences, and sights of what must be missing, forgotten for want of room."""
        self.span_ns = query.maxspan_ns or lookback_ns
        steps, self._parts, self._length = _in_order(query)
        self._steps = Steps(query.by, steps, fields)
        self._first = {index for index, part in enumerate(self._parts)
                       if (type(part) is _Take and part.first == 0)
                       or (type(part) is _Gap and part.after == 0)}
        """The parts that do something where nothing is pending."""
        self._waits = query.steps[-1].missing
        self._bars = query.steps[0].missing
        self._pending_max = limits.pending_max
        self._bytes_max = limits.pending_bytes_max
        self._held = self._bytes = 0
        # By age: an ordinary dict would look for its first entry among all that were deleted.
        self._alive: OrderedDict[_Pending, None] = OrderedDict()
        self._tables: list[dict[Key, _Pending]] = [{} for _ in range(self._length)]
        """By the number of events that they have, by key; 0 is not used."""
        self._waiting: dict[Key, deque[_Pending]] = {}
        """Those that have every event and wait for none to follow."""
        self._seen: OrderedDict[Key, int] = OrderedDict()
        """When something that must be missing before the first event was seen last."""
        self._due_ns = _NEVER
        self._found = Completions()
        self._rows: Rows | None = None
        self._kept_row = -1
        self._kept: Kept | None = None

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Completed]:
        """The sequences that a batch completes, in the order in which that becomes known."""
        self._found = Completions()
        self._rows, self._kept_row = rows, -1
        parts = self._parts
        is_idle = not self._alive and not self._seen
        hits = self._steps.hits(rows, unexcepted, self._first if is_idle else None)
        for row, index, time_ns, key in hits:
            if time_ns > self._due_ns:
                self._expire(time_ns, rows.count)
            part = parts[index]
            if type(part) is _Take:
                self._fill(part, row, time_ns, key)
            elif type(part) is _Gap:
                self._disturb(part, time_ns, key)
            else:
                self._end(key)
        if rows.count:
            self._expire(rows.known_ns(rows.count - 1), rows.count)
        self._rows = self._kept = None
        return self._found.completed

    def advance(self, now_ns: int) -> list[Completed]:
        """The sequences that are complete because nothing more became known before `now_ns`."""
        self._found = Completions()
        self._expire(now_ns, 0)
        return self._found.completed

    def reached(self, known_ns: int) -> tuple[int, int]:
        """How many events the longest pending sequence has whose last one became known then, and
        how many a whole one has.
        """
        counts = [len(pending.events) for pending in self._alive
                  if pending.events[-1].known_ns == known_ns]
        return max(counts, default=0), self._length

    # --- events

    def _fill(self, part: _Take, row: int, time_ns: int, key: Key) -> None:
        """An event that a step selects: the furthest sequence first, so that each takes it once."""
        place = part.last
        while place > 0 and place >= part.first:
            pending = self._tables[place].pop(key, None)
            if pending is not None:
                if time_ns - pending.first_ns > self.span_ns:
                    self._drop(pending)
                else:
                    event = self._keep(row)
                    pending.events.append(event)
                    pending.size += event.size
                    self._bytes += event.size
                    self._held += 1
                    self._move(pending, place + 1, row, time_ns)
            place -= 1
        if part.first == 0:
            barred_ns = self._seen.get(key, -_NEVER) if self._bars else -_NEVER
            pending = _Pending(key, time_ns, self._keep(row), barred_ns)
            self._held += 1
            self._bytes += pending.size
            if not self._alive:
                self._due_ns = min(self._due_ns, time_ns + self.span_ns)
            self._alive[pending] = None
            self._move(pending, 1, row, time_ns)
        if self._is_full():
            self._make_room()

    def _move(self, pending: _Pending, count: int, row: int, time_ns: int) -> None:
        """Put a sequence where those with so many events are."""
        key = pending.key
        if count < self._length:
            table = self._tables[count]
            replaced = table.get(key)
            if replaced is not None:
                self._drop(replaced)
            table[key] = pending
        elif time_ns - pending.barred_ns <= self.span_ns:
            self._drop(pending)
        elif self._waits:
            self._waiting.setdefault(key, deque()).append(pending)
        else:
            self._drop(pending)
            self._complete(pending, time_ns, row)

    def _disturb(self, part: _Gap, time_ns: int, key: Key) -> None:
        """An event that must be missing."""
        if part.after == 0:
            self._seen[key] = time_ns
            self._seen.move_to_end(key)
            self._due_ns = min(self._due_ns, time_ns + self.span_ns)
            if self._is_full():
                self._make_room()
        elif part.after == self._length:
            for pending in self._waiting.pop(key, ()):
                self._drop(pending)
        elif (ended := self._tables[part.after].pop(key, None)) is not None:
            self._drop(ended)

    def _end(self, key: Key) -> None:
        """An event that ends whatever is pending."""
        for table in self._tables:
            pending = table.pop(key, None)
            if pending is not None:
                self._drop(pending)
        for pending in self._waiting.pop(key, ()):
            self._drop(pending)

    # --- time and room

    def _expire(self, now_ns: int, row: int) -> None:
        """Leave behind what is too old by now; what waited for that is complete."""
        limit_ns = now_ns - self.span_ns
        while self._alive:
            pending = next(iter(self._alive))
            if pending.first_ns >= limit_ns:
                break
            if self._forget(pending):
                self._complete(pending, pending.first_ns + self.span_ns, row)
        while self._seen and next(iter(self._seen.values())) < limit_ns:
            self._seen.popitem(last=False)
        oldest = [next(iter(self._alive)).first_ns] if self._alive else []
        if self._seen:
            oldest.append(next(iter(self._seen.values())))
        self._due_ns = min(oldest) + self.span_ns if oldest else _NEVER

    def _is_full(self) -> bool:
        return self._held + len(self._seen) > self._pending_max or self._bytes > self._bytes_max

    def _make_room(self) -> None:
        """Forget what began first, until the rest fits."""
        while self._is_full():
            seen_ns = next(iter(self._seen.values())) if self._seen else _NEVER
            pending = next(iter(self._alive)) if self._alive else None
            if pending is not None and pending.first_ns <= seen_ns:
                self._forget(pending)
            else:
                self._seen.popitem(last=False)
            self.evicted += 1

    def _forget(self, pending: _Pending) -> bool:
        """Take a sequence out of its place; whether it was waiting there, complete but for time."""
        self._drop(pending)
        table = self._tables[len(pending.events)] if len(pending.events) < self._length else None
        if table is not None:
            del table[pending.key]
            return False
        waiting = self._waiting[pending.key]
        waiting.remove(pending)
        if not waiting:
            del self._waiting[pending.key]
        return True

    def _drop(self, pending: _Pending) -> None:
        """A sequence that is in no place any more is over."""
        del self._alive[pending]
        self._held -= len(pending.events)
        self._bytes -= pending.size

    # --- results

    def _keep(self, row: int) -> Kept:
        if row != self._kept_row or self._kept is None:
            assert self._rows is not None
            self._kept, self._kept_row = self._rows.keep(row), row
        return self._kept

    def _complete(self, pending: _Pending, known_ns: int, row: int) -> None:
        self._found.add(Completed(known_ns, row, tuple(pending.events)))


def _in_order(query: Sequence) -> tuple[list[Step], list[_Part], int]:
    """The steps in the order in which one event is held against them, what each does, and how many
    events a sequence has: the last step first, so that an event cannot take two steps at once.
    """
    parts: list[tuple[Step, _Part]] = []
    length = 0
    for step in query.steps:
        if step.missing:
            parts.append((step, _Gap(length)))
        else:
            parts.append((step, _Take(length, length + step.runs - 1)))
            length += step.runs
    parts.reverse()
    if query.until is not None:
        last = next(index for index, (step, _) in enumerate(parts) if not step.missing)
        parts.insert(last + 1, (query.until, _Until()))
    return [step for step, _ in parts], [part for _, part in parts], length
