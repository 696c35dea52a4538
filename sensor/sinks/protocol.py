"""What every sink is."""

from __future__ import annotations

from typing import Protocol

from sensor.alerts import Alert


class Sink(Protocol):
    """Where alerts go. `emit` never raises: what could not be delivered is counted and said.

    Every alert handed to `emit` is in `delivered` or in `dropped` once `close` has returned.
    """

    name: str
    """As in the ledger: `console`, `json`, `syslog udp://127.0.0.1:514`, ..."""
    delivered: int
    dropped: int
    retried: int
    """Attempts beyond the first to deliver an alert; not part of the balance."""
    error: str | None
    """The last thing that went wrong, one line, harmless to print, or None."""
    closed: bool
    """Whether nothing more can be delivered: `close` was called, or the reader is gone for good."""

    def emit(self, alert: Alert) -> None: ...

    def close(self) -> None:
        """Flush and let go; never raises; a second call does nothing."""
