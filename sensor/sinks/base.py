"""The interfaces of every sink: of alerts, and of records."""

from __future__ import annotations

from typing import Any, Protocol

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


class Batch(Protocol):
    """Flow records, protocol events or alerts."""

    count: int

    @property
    def nbytes(self) -> int: ...

    def part(self, first: int, last: int) -> Batch:
        """The records from `first` up to, not including, `last`."""

    def to_json_lines(self) -> bytes: ...

    def csv_header(self) -> bytes: ...

    def to_csv(self) -> bytes: ...

    def to_arrow(self) -> Any: ...


class FlowSink(Protocol):
    """A receiver of batches; counts records, and never raises once it is open."""

    @property
    def name(self) -> str: ...

    @property
    def delivered(self) -> int: ...

    @property
    def retried(self) -> int: ...

    @property
    def error(self) -> str | None: ...

    @property
    def dropped(self) -> int: ...

    def write(self, flows: Batch) -> None: ...

    def flush(self) -> None:
        """Write what was gathered."""

    def reopen(self) -> None:
        """Go on in a file newly opened by its name, after somebody moved it away; never raises."""

    def close(self) -> None: ...
