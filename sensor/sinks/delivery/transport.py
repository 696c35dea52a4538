"""The interface of every way to a server, and of a server's messages."""

from __future__ import annotations

from typing import Protocol

from sensor.model.alert import Alert
from sensor.model.status import Notice


class PeerClosed(ConnectionResetError):
    """The server closed the connection after it had taken everything that was sent."""


class Transport(Protocol):
    """One way to a server."""

    @property
    def datagrams(self) -> bool:
        """True if messages travel one by one, so that their size is limited."""

    def connect(self) -> None:
        """Errors: OSError."""

    def send(self, message: bytes) -> None:
        """Hand over one message, whole. Errors: OSError; then `connect` again."""

    @property
    def proves(self) -> bool:
        """True if connecting proves that there is a server, as it does except over UDP."""

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        """The refusal of what was sent before, if one came back within that time (ICMP)."""

    def check(self) -> None:
        """Look whether the server is there still. Errors: OSError; then `connect` again."""

    def drop(self) -> None:
        """Let the connection go as it is; never raises."""

    def close(self) -> None:
        """Let everything sent arrive, then let go. Errors: OSError."""


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
