"""New terms: values that a rule has not seen within its history window of packet time.

Nobody can say that a value is new who has not watched for long enough. So a history that begins
learns first: until the learning time has passed values are remembered and nothing is new. A history
that was not kept up for longer than its window is empty, and begins again.

A history is in memory; `take_news` is what a store has to write so that a restart forgets nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sensor.query.stateful.terms import Terms

REFRESHES_PER_WINDOW = 64
"""A value that goes on being seen is written again this often within the window, not each time."""


@dataclass(slots=True)
class News:
    """The changes since they were last asked for."""

    seen: dict[Terms, int] = field(default_factory=dict)
    """When values were seen last."""
    forgotten: list[Terms] = field(default_factory=list)


class History:
    """The values of one rule, and when each was seen last."""

    def __init__(self, window_ns: int, learning_ns: int, terms_max: int) -> None:
        self.window_ns = window_ns
        self.learning_ns = min(learning_ns, window_ns)
        self._terms_max = terms_max
        self.since_ns: int | None = None
        """From when on the history is whole; None: nothing was watched yet."""
        self.until_ns = 0
        """The time up to which it was watched."""
        self._last_of: OrderedDict[Terms, int] = OrderedDict()
        self._fresh = News()
        self._refreshed: dict[Terms, int] = {}
        self._refreshed_ns = 0
        self.learned = 0
        """Values that would have been new, while learning."""
        self.evicted = 0
        """Values that were forgotten within the window because there were too many."""

    def __len__(self) -> int:
        """Values that are remembered."""
        return len(self._last_of)

    def restore(self, since_ns: int, until_ns: int, seen: Iterable[tuple[Terms, int]]) -> None:
        """Begin with what an earlier run remembered, the value seen longest ago first."""
        self.since_ns, self.until_ns = since_ns, until_ns
        self._refreshed_ns = until_ns
        self._last_of.update(seen)
        self._bound()

    def begin(self, time_ns: int) -> None:
        """The next event of any kind: if nothing was known for longer than the window, start anew.
        """
        if self.since_ns is None or time_ns - self.until_ns > self.window_ns:
            self.since_ns = time_ns
        self.advance(time_ns)

    def advance(self, time_ns: int) -> None:
        """Time has come so far, whether or not an event was the rule's."""
        self.until_ns = max(self.until_ns, time_ns)

    @property
    def learns_until_ns(self) -> int:
        """Before this time nothing is new."""
        return (self.since_ns or 0) + self.learning_ns

    def see(self, terms: Terms, time_ns: int) -> bool:
        """Remember a value; whether it is new. `advance` has been called for the time."""
        known_ns = self._last_of.get(terms)
        is_new = known_ns is None or known_ns < time_ns - self.window_ns
        if known_ns is None or time_ns > known_ns:
            self._last_of[terms] = time_ns
            self._last_of.move_to_end(terms)
            (self._fresh.seen if is_new else self._refreshed)[terms] = time_ns
        self._bound()
        if is_new and time_ns < self.learns_until_ns:
            self.learned += 1
            return False
        return is_new

    def _bound(self) -> None:
        """Forget what has left the window, and what is too much."""
        oldest_ns = self.until_ns - self.window_ns
        while self._last_of:
            terms, last_ns = next(iter(self._last_of.items()))
            if last_ns >= oldest_ns:
                if len(self._last_of) <= self._terms_max:
                    return
                self.evicted += 1
            del self._last_of[terms]
            self._fresh.seen.pop(terms, None)
            self._refreshed.pop(terms, None)
            self._fresh.forgotten.append(terms)

    def renew(self) -> None:
        """Nothing of it is written anywhere: all that is remembered is news again."""
        self._fresh.seen = dict(self._last_of)

    def take_news(self, *, everything: bool = False) -> News | None:
        """The changes to write now, None if they can wait; with `everything` none may wait."""
        late_ns = self._refreshed_ns + self.window_ns // REFRESHES_PER_WINDOW
        refresh = everything or self.until_ns >= late_ns
        if not (refresh or self._fresh.seen):
            return None
        news, self._fresh = self._fresh, News()
        if refresh:
            news.seen |= {terms: last_ns for terms, last_ns in self._refreshed.items()
                          if terms not in news.seen or last_ns > news.seen[terms]}
            self._refreshed = {}
            self._refreshed_ns = self.until_ns
        return news
