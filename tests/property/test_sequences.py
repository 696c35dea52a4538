"""Sequences and samples: the same matches however the events are cut into batches, and the same as
a slow reference finds.

The reference looks at the events of one key at a time and keeps no state but which events stand
where; what must be missing, and what ends a sequence, it looks up in the list of events again.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensor.config import RuleLimits
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker
from tests.examples import examples

KEYS = (("x",), ("y",), ("x", "y"), ("x",), ())
LETTERS = "abc"
MAXSPAN = 5


@dataclass(frozen=True)
class Event:
    number: int
    time: int
    letter: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A step of a sequence: the letters that it selects, how often, or that they are missing."""

    letters: str
    runs: int = 1
    missing: bool = False


@dataclass(frozen=True)
class Shape:
    parts: tuple[Part, ...]
    until: str
    is_keyed: bool
    maxspan: int
    """0: none, and the look-back is MAXSPAN."""

    def text(self) -> str:
        words = ["sequence", "by k" if self.is_keyed else ""]
        words.append(f"with maxspan={self.maxspan}s" if self.maxspan else "")
        for part in self.parts:
            words.append(f"{'!' if part.missing else ''}[{condition(part.letters)}]")
            words.append(f"with runs={part.runs}" if part.runs > 1 else "")
        words.append(f"until [{condition(self.until)}]" if self.until else "")
        return " ".join(filter(None, words))


def condition(letters: str) -> str:
    return "any where t in ({})".format(", ".join(f'"{letter}"' for letter in letters))


some_letters = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=2, unique=True).map(
    lambda letters: "".join(sorted(letters))
)
wanted = st.builds(Part, some_letters, st.sampled_from((1, 1, 1, 2, 3)))
unwanted = st.builds(Part, some_letters, st.just(1), st.just(True))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    parts = draw(st.lists(st.one_of(wanted, wanted, unwanted), min_size=1, max_size=4))
    if all(part.missing for part in parts):
        parts.append(draw(wanted))
    if len(parts) == 1 and parts[0].runs == 1:
        parts.append(draw(wanted))
    bounded = any(part.missing for part in parts) or draw(st.booleans())
    return Shape(tuple(parts), draw(st.sampled_from(("", "", "c", "a"))), draw(st.booleans()),
                 draw(st.integers(1, 6)) if bounded else 0)


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    count = draw(st.sampled_from((3, 8, 16, 25)))  # left to itself hypothesis tries few events
    raw = draw(st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(LETTERS + "d"), st.sampled_from(KEYS)),
        min_size=count, max_size=count,
    ))
    times = itertools.accumulate(item[0] for item in raw)
    return [Event(number, time, letter, keys)
            for number, (time, (_, letter, keys)) in enumerate(zip(times, raw, strict=True))]


def documents(events: list[Event]) -> DocumentRows:
    return DocumentRows(
        [{"n": event.number, "t": event.letter, "k": list(event.keys)} for event in events],
        [event.time * eql.SECOND_NS for event in events],
    )


def found_by(tracker: Any, events: list[Event], cuts: list[int]) -> list[tuple[int, ...]]:
    """The matches, each as its events and the second at which it became known."""
    done = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    for first, end in itertools.pairwise(edges):
        done += tracker.matches(documents(events[first:end]), lambda rows: rows)
    return [(*(kept.document()["n"] for kept in item.events), item.known_ns // eql.SECOND_NS)
            for item in done]


# --- the reference


def expected(shape: Shape, events: list[Event]) -> set[tuple[int, ...]]:
    if not shape.is_keyed:
        return matches_of(shape, events, events[-1].time if events else 0)
    found: set[tuple[int, ...]] = set()
    for key in "xy":
        mine = [event for event in events if key in event.keys]
        found |= matches_of(shape, mine, events[-1].time if events else 0)
    return found


def matches_of(  # noqa: C901  the whole definition in one place
    shape: Shape, events: list[Event], end: int
) -> set[tuple[int, ...]]:
    """The matches among the events of one key; time goes on to `end`."""
    span = shape.maxspan or MAXSPAN
    places: list[str] = []  # the letters of each event of the sequence
    gaps: dict[int, str] = {}  # what must be missing after so many events
    last_part = next(part for part in reversed(shape.parts) if not part.missing)
    for part in shape.parts:
        if part.missing:
            gaps[len(places)] = gaps.get(len(places), "") + part.letters
        else:
            places += [part.letters] * part.runs
    size = len(places)
    last_first = size - last_part.runs  # from here on the places belong to the last step

    def occurs(letters: str, after: int, before: int) -> bool:
        return any(event.letter in letters for event in events[after + 1 : before])

    stands: dict[int, tuple[int, ...]] = {}
    found = set()
    for at, event in enumerate(events):
        before, stands = stands, {}
        for have in range(size - 1, -1, -1):
            old = before.get(have) if have else ()
            moves = old is not None and event.letter in places[have]
            if moves and old:
                moves = (
                    event.time - events[old[0]].time <= span
                    and not occurs(gaps.get(have, ""), old[-1], at)
                )
            ends = have and have < last_first and event.letter in shape.until
            if moves and not ends:
                assert old is not None
                new = (*old, at)
                if have + 1 < size:
                    stands[have + 1] = new
                elif complete(shape, events, new, gaps, span, end):
                    known = events[new[0]].time + span if size in gaps else event.time
                    found.add((*(events[index].number for index in new), known))
            elif old and have not in stands and not moves:
                stands[have] = old
        if event.letter in shape.until:
            begun = stands.get(1) if places and last_first > 0 else None
            stands = {1: begun} if begun == (at,) else {}
    return found


def complete(
    shape: Shape, events: list[Event], new: tuple[int, ...], gaps: dict[int, str], span: int,
    end: int,
) -> bool:
    """What is before the first event and after the last."""
    first, last = events[new[0]], events[new[-1]]
    if any(event.letter in gaps.get(0, "") and last.time - event.time <= span
           for event in events[: new[0]]):
        return False
    size = sum(part.runs for part in shape.parts if not part.missing)
    if size not in gaps:
        return True
    until_at = [new[-1]] if last.letter in shape.until else []
    disturbing = [event for event in events[new[-1] + 1 :]
                  if event.letter in gaps[size] + shape.until
                  and event.time - first.time <= span]
    return not disturbing and not until_at and end > first.time + span


# --- the properties


@given(shapes(), event_lists(), st.lists(st.integers(0, 25), max_size=6))
@examples(150)
def test_sequences(shape: Shape, events: list[Event], cuts: list[int]) -> None:
    query = eql.parse(shape.text())
    assert isinstance(query, ast.Sequence)
    results = [
        found_by(Tracker(query, MAXSPAN * eql.SECOND_NS, RuleLimits()), events, where)
        for where in ([], cuts, list(range(1, 25)))
    ]
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == len(set(results[0]))
    assert set(results[0]) == expected(shape, events)


@given(shapes(), event_lists(), st.lists(st.integers(0, 25), max_size=6), st.integers(1, 6))
@examples(100)
def test_what_is_evicted_does_not_depend_on_the_batches(
    shape: Shape, events: list[Event], cuts: list[int], pending_max: int
) -> None:
    query = eql.parse(shape.text())
    assert isinstance(query, ast.Sequence)
    limits = RuleLimits(pending_max=pending_max)
    trackers = [Tracker(query, MAXSPAN * eql.SECOND_NS, limits) for _ in range(2)]
    results = [found_by(tracker, events, where)
               for tracker, where in zip(trackers, ([], cuts), strict=True)]
    assert results[0] == results[1]
    assert trackers[0].evicted == trackers[1].evicted


@given(st.lists(some_letters, min_size=2, max_size=4), event_lists(),
       st.lists(st.integers(0, 25), max_size=6))
@examples(100)
def test_samples(steps: list[str], events: list[Event], cuts: list[int]) -> None:
    query = eql.parse("sample by k " + " ".join(f"[{condition(step)}]" for step in steps))
    assert isinstance(query, ast.Sample)
    whole, cut = (found_by(Sampler(query, MAXSPAN * eql.SECOND_NS, RuleLimits()), events, where)
                  for where in ([], cuts))
    assert whole == cut
    assert {item[-2:] for item in whole} == sampled(steps, events)
    assert len(whole) == len(set(whole))
    for *numbers, known in whole:
        chosen = [events[number] for number in numbers]
        assert fits(steps, chosen)
        assert known - chosen[0].time <= MAXSPAN


def sampled(steps: list[str], events: list[Event]) -> set[tuple[int, ...]]:
    """At which events a sample is complete: the event and its second."""
    waiting: dict[str, list[Event]] = {"x": [], "y": []}
    found: set[tuple[int, ...]] = set()
    for event in events:
        if event.letter not in "".join(steps):
            continue
        for key in event.keys:
            recent = [old for old in waiting[key] if event.time - old.time <= MAXSPAN]
            waiting[key] = [*recent, event]
            if any(fits(steps, [*others, event])
                   for others in itertools.combinations(recent, len(steps) - 1)):
                waiting[key] = []
                found.add((event.number, event.time))
    return found


def fits(steps: list[str], events: list[Event]) -> bool:
    return len(events) == len(steps) and any(
        all(event.letter in step for event, step in zip(order, steps, strict=True))
        for order in itertools.permutations(events)
    )
