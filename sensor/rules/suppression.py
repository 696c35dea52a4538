"""Bounds on the alerts of a rule: suppression by group, and a limit per window of time.

All in packet time. Whatever is held back is counted: by the next alert of its group, by a closing
alert for the window, and by the ledger.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class _Group:
    since_ns: int
    suppressed: int = 0


class Suppressor:
    """Lets the first event of a group through, then none for a duration."""

    def __init__(self, duration_ns: int, groups_max: int) -> None:
        self._duration_ns = duration_ns
        self._groups_max = groups_max
        self._groups: OrderedDict[Hashable, _Group] = OrderedDict()
        self.evicted = 0
        """Groups that were forgotten because there were too many."""

    def admit(self, group: Hashable, time_ns: int) -> int | None:
        """None if the event is suppressed, else how many of its group were since the last alert."""
        known = self._groups.get(group)
        if known is not None and time_ns < known.since_ns + self._duration_ns:
            known.suppressed += 1
            return None
        self._groups[group] = _Group(time_ns)
        self._groups.move_to_end(group)
        if len(self._groups) > self._groups_max:
            self._groups.popitem(last=False)
            self.evicted += 1
        return known.suppressed if known else 0


    def retract(self, group: Hashable, suppressed: int) -> None:
        """No alert left for what was admitted last: the next of its group speaks for it too."""
        known = self._groups.get(group)
        if known is not None:
            known.since_ns = -self._duration_ns  # over at once
            known.suppressed = suppressed + 1


@dataclass(frozen=True, slots=True)
class Overflow:
    """The alerts that a window held back."""

    start_ns: int
    end_ns: int
    count: int
    last_ns: int
    """When the last event that was held back became known."""


class RateLimit:
    """At most so many alerts in each window; windows are aligned to 1970."""

    def __init__(self, alerts_max: int, window_ns: int) -> None:
        self.alerts_max = alerts_max
        self._window_ns = window_ns
        self._window = -1
        self._admitted = 0
        self._over = 0
        self._last_ns = 0

    def admit(self, time_ns: int) -> bool:
        """True if one more alert may leave now; windows that ended must have been closed."""
        window = time_ns // self._window_ns
        if window != self._window:
            self._window, self._admitted = window, 0
        if self._admitted < self.alerts_max:
            self._admitted += 1
            return True
        self._over += 1
        self._last_ns = time_ns
        return False

    def is_full(self, time_ns: int) -> bool:
        """True if it is certain that nothing more may leave at a time."""
        window = time_ns // self._window_ns
        return window == self._window and self._admitted >= self.alerts_max

    def hold(self, times_ns: NDArray[np.int64]) -> int:
        """Hold back, all at once, as many of the first of some events as the limit certainly would.

        That is none unless the window of the first is full already.
        """
        if not len(times_ns) or not self.is_full(int(times_ns[0])):
            return 0
        inside = times_ns // self._window_ns == self._window
        count = len(inside) if inside.all() else int(inside.argmin())
        self._over += count
        self._last_ns = int(times_ns[count - 1])
        return count

    @property
    def due_ns(self) -> int | None:
        """When there will be something to close; None if nothing was held back."""
        return (self._window + 1) * self._window_ns if self._over else None

    def close(self, now_ns: int | None) -> Overflow | None:
        """The alerts that the window held back, once, if it has ended (or `now_ns` is None)."""
        end_ns = (self._window + 1) * self._window_ns
        if not self._over or (now_ns is not None and now_ns < end_ns):
            return None
        overflow = Overflow(end_ns - self._window_ns, end_ns, self._over, self._last_ns)
        self._over = 0
        return overflow
