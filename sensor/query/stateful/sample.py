"""Samples of EQL: one event for each step, in any order, that share their join key.

Per key the newest events are remembered that some step selects. As soon as each step can have one
of them that no other step has, they are a match, and the key begins anew. Events further apart than
the rule's look-back never meet.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from sensor.config import RuleLimits
from sensor.model.columns import Kept, Rows
from sensor.query.ast import Sample
from sensor.query.stateful.join import Key
from sensor.query.stateful.steps import Completed, Completions, Steps, Unexcepted


@dataclass(slots=True)
class _Candidate:
    """An event that some steps select."""

    event: Kept
    known_ns: int
    steps: int
    """One bit per step."""


@dataclass(slots=True)
class _Group:
    """The events remembered under one key, oldest first."""

    candidates: list[_Candidate] = field(default_factory=list)
    covered: int = 0
    """The steps that any of them fulfils, one bit each."""
    size: int = 0
    """About how many octets their events take."""


class Sampler:
    """The remembered events of one query.

    `lookback_ns` is how far apart the events of a sample may be; `limits` bounds the events that
    are held.
    """

    def __init__(
        self, query: Sample, lookback_ns: int, limits: RuleLimits, fields: Collection[str] = ()
    ) -> None:
        self.evicted = 0
        """Keys that were forgotten for want of room."""
        self.span_ns = lookback_ns
        self._count = len(query.steps)
        self._every = (1 << self._count) - 1
        self._steps = Steps(query.by, query.steps, fields)
        self._pending_max = limits.pending_max
        self._bytes_max = limits.pending_bytes_max
        self._held = self._bytes = 0
        self._groups: OrderedDict[Key, _Group] = OrderedDict()
        """The one whose newest event is the oldest comes first."""

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Completed]:
        """The samples that a batch completes, in the order of its rows."""
        found = Completions()
        current, known_ns = -1, 0
        masks: dict[Key, int] = {}
        for row, step, time_ns, key in self._steps.hits(rows, unexcepted):
            if row != current:
                self._take(rows, current, known_ns, masks, found)
                current, known_ns, masks = row, time_ns, {}
            masks[key] = masks.get(key, 0) | 1 << step
        self._take(rows, current, known_ns, masks, found)
        if rows.count:
            self._expire(rows.known_ns(rows.count - 1))
        return found.completed

    def advance(self, now_ns: int) -> list[Completed]:
        """Nothing: a sample is complete with an event only."""
        self._expire(now_ns)
        return []

    def _take(
        self, rows: Rows, row: int, known_ns: int, masks: dict[Key, int], found: Completions
    ) -> None:
        """One event, with the steps that select it under each of its keys."""
        if not masks:
            return
        event = rows.keep(row)
        for key, steps in masks.items():
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = _Group()
            else:
                self._groups.move_to_end(key)
            group.candidates.append(_Candidate(event, known_ns, steps))
            group.covered |= steps
            self._held += 1
            group.size += event.size
            self._bytes += event.size
            if (len(group.candidates) > 2 * self._count
                    or known_ns - group.candidates[0].known_ns > self.span_ns):
                self._prune(group, known_ns)
            if group.covered == self._every and (chosen := self._chosen(group)):
                found.add(Completed(known_ns, row, tuple(chosen)))
                self._remove(key)
        if self._is_full():
            self._expire(known_ns)
        while self._is_full():
            self._remove(next(iter(self._groups)))
            self.evicted += 1

    def _is_full(self) -> bool:
        return self._held > self._pending_max or self._bytes > self._bytes_max

    def _prune(self, group: _Group, now_ns: int) -> None:
        """Keep what is young enough, and of each step as many as there are steps: more choice
        never helps.
        """
        room = [self._count] * self._count
        kept = []
        for candidate in reversed(group.candidates):
            if now_ns - candidate.known_ns > self.span_ns:
                break
            wanted = [step for step in range(self._count)
                      if candidate.steps >> step & 1 and room[step]]
            for step in wanted:
                room[step] -= 1
            if wanted:
                kept.append(candidate)
        kept.reverse()
        self._held -= len(group.candidates) - len(kept)
        size = sum(candidate.event.size for candidate in kept)
        self._bytes -= group.size - size
        group.size = size
        group.candidates = kept
        group.covered = reduce(or_, (candidate.steps for candidate in kept))

    def _chosen(self, group: _Group) -> list[Kept]:
        """An event for each step, the newest that will do, oldest first; none if that cannot be."""
        candidates = group.candidates
        if len(candidates) < self._count:
            return []
        step_of: dict[int, int] = {}
        for step in range(self._count):
            if not _assign(step, candidates, step_of, set()):
                return []
        return [candidates[index].event for index in sorted(step_of)]

    def _expire(self, now_ns: int) -> None:
        while self._groups:
            key, group = next(iter(self._groups.items()))
            if now_ns - group.candidates[-1].known_ns <= self.span_ns:
                break
            self._remove(key)

    def _remove(self, key: Key) -> None:
        group = self._groups.pop(key)
        self._held -= len(group.candidates)
        self._bytes -= group.size


def _assign(
    step: int, candidates: list[_Candidate], step_of: dict[int, int], tried: set[int]
) -> bool:
    """Give a step an event, moving other steps to other events where that is needed."""
    for index in range(len(candidates) - 1, -1, -1):
        if candidates[index].steps >> step & 1 and index not in tried:
            tried.add(index)
            other = step_of.get(index)
            if other is None or _assign(other, candidates, step_of, tried):
                step_of[index] = step
                return True
    return False
