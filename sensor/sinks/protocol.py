"""What every sink is."""

from __future__ import annotations

from typing import Protocol

from sensor.alerts import Alert


class Sink(Protocol):
    """Where alerts go. `emit` never raises: what could not be delivered is counted and said."""

    name: str
    """As in the ledger: `console`, `json`, `syslog udp://127.0.0.1:514`, ..."""
    delivered: int
    dropped: int
    retried: int
    error: str | None
    """The last thing that went wrong, one line, or None."""

    def emit(self, alert: Alert) -> None: ...

    def close(self) -> None:
        """Flush and let go; never raises."""
