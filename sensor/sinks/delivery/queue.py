"""The queue of a sink's thread, and the sink's counters: everything under one lock.

The books balance at every moment: alerts taken = delivered + unconfirmed + dropped + waiting, where
unconfirmed are those that a connection took and may lose still, and waiting those in the queue, the
one in the thread's hands and those of this run in the spool.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sensor.model.alert import Alert
from sensor.model.status import ALERTS, RECORDS, Notice, SinkStatus
from sensor.sinks.base import Batch

BLOCK_RECORDS = 1000
"""Records of one message at most: about 1.6 MB of documents, 0.2 MB packed."""
NOTICES_MAX = 100
"""Notices that wait for one sink; later ones are left out, standard error has them anyway."""


@dataclass(frozen=True, slots=True)
class Message:
    """An alert, a notice or a block of records in the octets that go to a server."""

    octets: bytes
    records: int
    """Alerts or records in it; 0: a notice."""


@dataclass(frozen=True, slots=True)
class Block:
    """Records that become one message."""

    batches: tuple[Batch, ...]
    render: Callable[[Sequence[Batch]], bytes]

    @property
    def records(self) -> int:
        return sum(batch.count for batch in self.batches)


@dataclass(frozen=True, slots=True)
class Reopen:
    """The order to open a file anew, in its place between the alerts."""


Entry = Alert | Notice | Message | Block | Reopen


class SinkQueue:
    """A bounded queue between the pipeline, which never waits, and one thread, which may.

    Once `abandon` was called nothing that the thread still does changes the accounts.
    """

    def __init__(self, name: str, queue_max: int, unit: str = ALERTS) -> None:
        self.name = name
        self.unit = unit
        self.delivered = self.unconfirmed = self.dropped = self.retried = 0
        self.recovered = 0
        """Messages of earlier runs that were delivered in this one; not part of the balance."""
        self.recovering = 0
        """Alerts of earlier runs that still are in the spool; not part of the balance."""
        self.stored = 0
        """Alerts of this run that a spool on disk keeps."""
        self.closing = False
        self.abandoned = False
        self._queue_max = queue_max
        self._entries: deque[Entry] = deque()
        self._returned: deque[Entry] = deque()
        """What was taken and came back: older than the entries, and beside their limit."""
        self._alerts = 0
        self._returned_alerts = 0
        self._notices = 0
        self._in_hand: Entry | None = None
        self._stood_at = -1
        """What was settled when waiting for room was given up; -1: never."""
        self._changed = threading.Condition()

    # The pipeline's side: none of these waits for anything but the lock.

    def put(self, entry: Alert | Block, patience_s: float = 0.0) -> None:
        """Take it, or count it as dropped where there is no room or the sink is closed.

        `patience_s`: wait for room, unless nothing gets on for that long, nor has since the last
        time that this was waited for. A block joins the last one that waits while both are small.
        """
        count = records_of(entry)

        def has_room() -> bool:
            return self.closing or self._alerts < self._queue_max

        with self._changed:
            while not has_room() and patience_s and not self.stands():
                before = self._settled()
                if not self._changed.wait_for(has_room, patience_s) and before == self._settled():
                    break
            if self.closing or not has_room():
                self.dropped += count
                if patience_s:
                    self._stood_at = self._settled()
                return
            self._alerts += count
            last = self._entries[-1] if self._entries else None
            if (isinstance(entry, Block) and isinstance(last, Block)
                    and last.records + count <= BLOCK_RECORDS):
                self._entries[-1] = Block((*last.batches, *entry.batches), entry.render)
            else:
                self._entries.append(entry)
            self._changed.notify_all()

    def stands(self) -> bool:
        """True if nothing got on since room was waited for in vain."""
        return self._settled() == self._stood_at

    def _settled(self) -> int:
        return self.delivered + self.dropped + self.stored

    def note(self, notice: Notice) -> None:
        """Take a notice, while there is room for it."""
        with self._changed:
            if not self.closing and self._notices < NOTICES_MAX:
                self._notices += 1
                self._entries.append(notice)
                self._changed.notify_all()

    def reopen(self) -> None:
        """Have the file opened anew; one order that waits already is enough."""
        with self._changed:
            waits = self._entries and isinstance(self._entries[-1], Reopen)
            if not self.closing and not waits:
                self._entries.append(Reopen())
                self._changed.notify_all()

    def end(self) -> None:
        """Take no more; the thread may see to the rest."""
        with self._changed:
            self.closing = True
            self._changed.notify_all()

    def abandon(self) -> list[Entry]:
        """Take everything away from the thread: what was in its hands first, then what waited.

        All of it counts as waiting until `settle` tells what became of it.
        """
        with self._changed:
            self.closing = self.abandoned = True
            in_hand = [self._in_hand] if self._in_hand else ()
            rest = [*self._returned, *in_hand, *self._entries]
            self._in_hand = None
            self._entries.clear()
            self._returned.clear()
            self._returned_alerts = 0
            self._alerts = sum(records_of(entry) for entry in rest)
            return rest

    def settle_rest(self, *, stored: int = 0, unconfirmed: int = 0) -> None:
        """After `abandon`: so many alerts were stored on disk, and of the unconfirmed ones so many
        are to be sent again by the next run; all others of the rest are lost."""
        with self._changed:
            self.stored += stored + unconfirmed
            self.unconfirmed -= unconfirmed
            self.dropped += self._alerts - stored
            self._alerts = 0

    # What both sides read.

    def is_filling(self) -> bool:
        """True if records are more than half of what there is room for."""
        return self.unit == RECORDS and 2 * self._alerts > self._queue_max

    def is_empty(self) -> bool:
        """True if nothing waits here, the spool and the thread's hands not counted."""
        return not self._entries and not self._returned

    @property
    def waiting(self) -> int:
        with self._changed:
            return self._waiting()

    def _waiting(self) -> int:
        held = self._in_hand is not None and records_of(self._in_hand)
        return self._alerts + self._returned_alerts + held + self.stored

    def accounted(self) -> int:
        """Delivered, unconfirmed, dropped and waiting, read at one moment."""
        with self._changed:
            return self.delivered + self.unconfirmed + self.dropped + self._waiting()

    def status(self, error: str | None) -> SinkStatus:
        """The accounts, read at one moment."""
        with self._changed:
            return SinkStatus(
                self.name, self.delivered, self.dropped, self.retried, self._waiting(), error,
                self.unit, recovering=self.recovering, unconfirmed=self.unconfirmed,
            )  # fmt: skip

    # The thread's side.

    def wait(self, timeout_s: float | None) -> None:
        """Until something waits, the sink is to end, or the time is over."""
        with self._changed:
            if self.is_empty() and not self.closing:
                self._changed.wait(timeout_s)

    def pause(self, timeout_s: float) -> None:
        """Until the sink is to end or the time is over; what comes meanwhile waits."""
        with self._changed:
            self._changed.wait_for(lambda: self.closing, timeout_s)

    def take(self, *, returned: bool = True) -> Entry | None:
        """The oldest entry, now in the thread's hands; None if nothing waits.

        `returned`: also of those that came back.
        """
        with self._changed:
            if self.abandoned or not (self._entries or (returned and self._returned)):
                return None
            assert self._in_hand is None
            if returned and self._returned:
                entry = self._in_hand = self._returned.popleft()
                self._returned_alerts -= records_of(entry)
            else:
                entry = self._in_hand = self._entries.popleft()
                self._alerts -= records_of(entry)
                self._notices -= isinstance(entry, Notice)
            self._changed.notify_all()
            return entry

    def put_back(self, entry: Entry, *, returned: bool = True) -> None:
        """What is in the thread's hands becomes the oldest entry again, perhaps as octets.

        `returned`: of all, not only of those that never left.
        """
        with self._changed:
            if self.abandoned:
                return
            self._in_hand = None
            if returned:
                self._returned.appendleft(entry)
                self._returned_alerts += records_of(entry)
            else:
                self._entries.appendleft(entry)
                self._alerts += records_of(entry)

    def returned(self) -> list[Entry]:
        """What was taken and came back, oldest first."""
        with self._changed:
            return list(self._returned)

    def store_returned(self) -> None:
        """All that came back is in the spool now."""
        with self._changed:
            self.stored += self._returned_alerts
            self._returned_alerts = 0
            self._returned.clear()

    def lose(self, messages: Sequence[Message]) -> None:
        """Unconfirmed messages may be lost with their connection: they are the oldest again."""
        with self._changed:
            if not self.abandoned:
                alerts = sum(message.records for message in messages)
                self.unconfirmed -= alerts
                self._returned_alerts += alerts
                self._returned.extendleft(reversed(messages))

    def settle(
        self, *, delivered: int = 0, unconfirmed: int = 0, dropped: int = 0, stored: int = 0
    ) -> None:
        """Nothing is in the thread's hands any more: what became of it, each count a change."""
        with self._changed:
            if not self.abandoned:
                self._in_hand = None
                self.delivered += delivered
                self.unconfirmed += unconfirmed
                self.dropped += dropped
                self.stored += stored

    def drop_in_hand(self) -> None:
        """Count what is in the thread's hands as dropped, if there is an alert."""
        with self._changed:
            if not self.abandoned and self._in_hand is not None:
                self.dropped += records_of(self._in_hand)
                self._in_hand = None

    def count(self, *, retried: int = 0, recovered: int = 0, recovering: int = 0) -> None:
        """Count what is no part of the balance, each count a change."""
        with self._changed:
            self.retried += retried
            self.recovered += recovered
            self.recovering += recovering


def records_of(entry: Entry) -> int:
    """The alerts or records that are lost if an entry is."""
    if isinstance(entry, Alert):
        return 1
    return entry.records if isinstance(entry, Message | Block) else 0
