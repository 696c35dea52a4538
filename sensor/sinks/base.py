"""The interface of every sink."""

from __future__ import annotations

from typing import Protocol

from sensor.model.alert import Alert
from sensor.model.status import Notice


class Sink(Protocol):
    """A receiver of alerts. `emit` never raises: what could not be delivered is counted and said.

    Every alert handed to `emit` is in `delivered`, in `dropped` or in `waiting`, or in
    `unconfirmed` where a sink has that; once `close` has returned, `waiting` counts those that a
    spool on disk keeps for the next start.
    """

    @property
    def name(self) -> str:
        """As in the ledger: `console`, `json`, `syslog udp://127.0.0.1:514`, ..."""

    @property
    def delivered(self) -> int: ...

    @property
    def dropped(self) -> int: ...

    @property
    def waiting(self) -> int:
        """Alerts that were taken and are neither delivered nor dropped yet: in a queue or spool."""

    @property
    def retried(self) -> int:
        """Attempts beyond the first to deliver an alert; not part of the balance."""

    @property
    def error(self) -> str | None:
        """The error, one line, harmless to print, or None: the last one of a
        replay; that of now in a live run."""

    @property
    def closed(self) -> bool:
        """True if nothing more can be delivered: closed, or the reader is gone for good."""

    def emit(self, alert: Alert) -> None: ...

    def accounted(self) -> int:
        """Delivered, unconfirmed, dropped and waiting alerts together, read at one moment."""

    def notify(self, notice: Notice) -> None:
        """Pass on a line for the operator where the sink reaches one; never raises, not counted."""

    def reopen(self) -> None:
        """Open a file anew by its name, after somebody moved it away; never raises."""

    def close(self) -> None:
        """Flush and let go; never raises; a second call does nothing."""
