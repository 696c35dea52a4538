"""A sink with a thread and a bounded queue around it: `emit` never waits, whatever a sink does.

    emit -> SinkQueue -> thread -> SinkWriter: a sink that writes (console, JSON, file)
                                -> Forwarder: a server that may be away (forwarder.py)

A terminal that was stopped, a full pipe or a file server that does not answer hold up the thread
only. `close` waits for it as long as `drain_s` says, and counts what is left.
"""

from __future__ import annotations

import threading
from typing import Protocol

from sensor.errors import reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice, SinkStatus
from sensor.sinks.base import Sink
from sensor.sinks.delivery.queue import Entry, Reopen, SinkQueue

NOTICES_S = 1.0
"""The longest that the end waits for a server that only notices wait for."""
ABANDONED_S = 0.5
"""The longest that a thread that was left behind may take to notice."""


class Worker(Protocol):
    """The work of the thread of a `ThreadedSink`."""

    def run(self) -> None:
        """Handle what comes out of the queue until it is closing and empty, or abandoned."""

    def error(self) -> str | None:
        """The error of now."""

    def is_gone(self) -> bool:
        """Return True if nothing more can be delivered, for good."""

    def rescue(self, rest: list[Entry]) -> tuple[int, int]:
        """Called instead of `run` at the end: how many of these alerts could be stored, and how
        many of those that are unconfirmed."""

    def close(self) -> None:
        """Let go of what `rescue` used; never raises, never waits long."""


class Writing(Sink, Protocol):
    """A sink whose `error` is taken away before each alert, so that it tells about that one."""

    error: str | None  # type: ignore[misc]


class ThreadedSink:
    """A sink for a live run: takes at once, delivers from its own thread.

    The thread begins at once: privileges belong to a thread, so they are given up before.
    """

    def __init__(
        self, queued: SinkQueue, worker: Worker, drain_s: float, *, patience_s: float = 0.0
    ) -> None:
        """`patience_s`: of a replay, which can wait: `emit` does, and `close`, as long as the
        thread gets on within that time.
        """
        self.name = queued.name
        self.stuck = False
        """True if the thread still hangs in a write after `close`: then end by `os._exit`."""
        self._queued = queued
        self._worker = worker
        self._drain_s = drain_s
        self._patience_s = patience_s
        self._thread = threading.Thread(target=worker.run, name=f"sink {self.name}", daemon=True)
        self._thread.start()

    def emit(self, alert: Alert) -> None:
        self._queued.put(alert, self._patience_s)

    def notify(self, notice: Notice) -> None:
        """Pass a notice on; not one about this sink: while it is in trouble it would only pile up
        with the alerts that wait."""
        if notice.about != self.name:
            self._queued.note(notice)

    def reopen(self) -> None:
        self._queued.reopen()

    def close(self) -> None:
        """Deliver what waits, as long as that takes at most `drain_s`, or gets on where there is
        patience, unless that has ended before; the rest is counted.
        """
        if self._queued.closing:
            return
        self._queued.end()
        # Notices alone are no reason to keep the operator waiting.
        is_due = self.waiting or self.unconfirmed
        patience_s = 0.0 if self._queued.stands() else self._patience_s
        wait_s = (patience_s or self._drain_s) if is_due else min(NOTICES_S, self._drain_s)
        before = None
        while self._thread.is_alive() and before != (self.waiting, self.unconfirmed):
            before = self.waiting, self.unconfirmed
            self._thread.join(wait_s)
            if not patience_s:
                break
        rest = self._queued.abandon()
        stored, unconfirmed = self._worker.rescue(rest)
        self._queued.settle_rest(stored=stored, unconfirmed=unconfirmed)
        self._worker.close()
        self._thread.join(ABANDONED_S)
        self.stuck = self._thread.is_alive()

    @property
    def delivered(self) -> int:
        return self._queued.delivered

    @property
    def unconfirmed(self) -> int:
        """Alerts that a server was sent and may not have read."""
        return self._queued.unconfirmed

    @property
    def dropped(self) -> int:
        return self._queued.dropped

    @property
    def retried(self) -> int:
        return self._queued.retried

    @property
    def recovered(self) -> int:
        """Messages that an earlier run had stored and this one delivered."""
        return self._queued.recovered

    @property
    def recovering(self) -> int:
        """Alerts of earlier runs that still are in the spool."""
        return self._queued.recovering

    @property
    def waiting(self) -> int:
        return self._queued.waiting

    @property
    def error(self) -> str | None:
        return self._worker.error()

    @property
    def closed(self) -> bool:
        return self._queued.closing or self._worker.is_gone()

    def accounted(self) -> int:
        return self._queued.accounted()

    def status(self) -> SinkStatus:
        """The accounts, read at one moment."""
        return self._queued.status(self.error)


class SinkWriter:
    """Hands alerts to a sink that may be slow, but has nowhere else to go."""

    def __init__(self, queued: SinkQueue, sink: Writing) -> None:
        self._queued = queued
        self._sink = sink
        self._error = sink.error
        self._reopen_error: str | None = None

    def run(self) -> None:
        while not self._queued.abandoned:
            entry = self._queued.take()
            if entry is not None:
                self._handle(entry)
            elif self._queued.closing:
                self._sink.close()
                self._error = self._sink.error or self._error
                return
            else:
                self._queued.wait(None)

    def _handle(self, entry: Entry) -> None:
        sink = self._sink
        delivered = 0
        sink.error = None
        try:
            if isinstance(entry, Alert):
                before = sink.delivered
                sink.emit(entry)
                delivered = sink.delivered - before
                self._error = None if delivered else sink.error
            elif isinstance(entry, Reopen):
                sink.reopen()
                self._reopen_error = sink.error
            elif isinstance(entry, Notice):
                sink.notify(entry)
        except Exception as error:  # sinks do not raise; one that does must not end the thread
            self._error = f"{sink.name}: {reason_of(error)}"
        if isinstance(entry, Alert):
            self._queued.settle(delivered=delivered, dropped=1 - delivered)
        else:
            self._queued.settle()

    def error(self) -> str | None:
        return self._error or self._reopen_error

    def is_gone(self) -> bool:
        return self._sink.closed

    def rescue(self, rest: list[Entry]) -> tuple[int, int]:
        return 0, 0

    def close(self) -> None:
        """Nothing: the thread closes the sink, as only it may be inside it."""
