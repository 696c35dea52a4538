"""The interface of every way to a server, and of a server's messages."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Protocol

from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.base import Batch

NOT_READ = "timed out: it does not read what it is sent"


class PeerClosed(ConnectionResetError):
    """The server closed the connection after it had read everything that was sent."""


class Rejected(OSError):
    """The server read a message, and refuses so many of its records for good."""

    def __init__(self, count: int, reason: str) -> None:
        super().__init__(errno.EBADMSG, reason)
        self.count = count


class Transport(Protocol):
    """One way to a server."""

    @property
    def datagrams(self) -> bool:
        """True if messages travel one by one, so that their size is limited."""

    @property
    def confirmed(self) -> int:
        """How many messages, from the first of the newest connection on, have arrived for certain;
        without a meaning for datagrams."""

    def connect(self) -> None:
        """Errors: OSError."""

    def send(self, message: bytes) -> None:
        """Take one message, whole; after an error it was not taken. Errors: OSError; then `connect`
        again, but for `Rejected`."""

    def flush(self, wait_s: float) -> bool:
        """Wait until the next message may be sent, as long as that; whether it may.

        Errors: OSError, a TimeoutError where the server has taken nothing for too long; then
        `connect` again.
        """

    @property
    def proves(self) -> bool:
        """True if connecting proves that there is a server, as it does except over UDP."""

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        """The refusal of what was sent before, if one came back within that time (ICMP)."""

    def check(self) -> None:
        """Look whether the server is there still. Errors: OSError; then `connect` again."""

    def drop(self) -> None:
        """Let the connection go as it is; never raises."""

    def close(self, wait_s: float) -> None:
        """Have the server confirm everything by the end of the connection, then let go.

        Errors: OSError, a TimeoutError where it does not within that time.
        """


class Wire(Protocol):
    """The form of the messages and the way they go: all that differs between servers."""

    @property
    def name(self) -> str:
        """As in the ledger."""

    @property
    def place(self) -> str:
        """The server and where it should be, for people: `syslog server at /dev/log`."""

    @property
    def transport(self) -> Transport: ...

    def render(self, alert: Alert) -> bytes:
        """An alert as one message."""

    def render_notice(self, notice: Notice) -> bytes:
        """A notice as one message."""


class RecordWire(Wire, Protocol):
    """The same for a server that takes records, many in a message."""

    def render_records(self, batches: Sequence[Batch]) -> bytes:
        """Batches as one message."""
