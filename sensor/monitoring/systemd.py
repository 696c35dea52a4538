"""The service manager's side of a live sensor: readiness, status and watchdog (sd_notify(3)).

systemd names a datagram socket in NOTIFY_SOCKET; what is sent to it are lines `NAME=value`. Without
that variable nothing is sent, so that the sensor behaves alike everywhere. Nothing here raises or
waits for long: a service manager that does not listen is no reason to stop capturing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

from sensor.base.escape import harmless

STATUS_MAX = 500
"""Characters of a status text; it is one line of `systemctl status`."""
PATIENCE_S = 1.0
"""The longest that a message that must not be lost waits for room in the socket."""
BEATS = 3
"""Signs of life in one watchdog interval; sd_watchdog_enabled(3) asks for two at least."""


class ServiceManager:
    """Tells systemd how the sensor is; does nothing where there is no systemd."""

    def __init__(
        self, address: str | bytes | None = None, watchdog_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`address` is a socket's path, or for an abstract one its name behind a NUL octet."""
        self.watchdog_s = watchdog_s if address else 0.0
        """The unit's WatchdogSec; 0: nobody waits for signs of life."""
        self._address = address
        self._clock = clock
        self._beat_s = -float("inf")
        self._status = ""
        self._socket: socket.socket | None = None
        if address:
            with contextlib.suppress(OSError, AttributeError):  # no Unix sockets: no systemd
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ServiceManager:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; nonsense in them is ignored."""
        values = os.environ if environment is None else environment
        address = _address_of(values.get("NOTIFY_SOCKET", ""))
        return cls(address, _interval_s(values))

    @property
    def present(self) -> bool:
        """True if a service manager listens."""
        return self._socket is not None

    def ready(self) -> None:
        """Say that capturing has begun, or goes on after a reload."""
        self._send("READY=1", patient=True)

    def reloading(self) -> None:
        """Say that rules are being read anew; `ready` has to follow."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_us}", patient=True)

    def stopping(self) -> None:
        """Say that the end has begun: what waits is being delivered."""
        self._send("STOPPING=1", patient=True)

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`; the same line again is not sent."""
        line = harmless(text)
        line = line if len(line) <= STATUS_MAX else line[: STATUS_MAX - 3] + "..."
        if line != self._status and self._send(f"STATUS={line}"):
            self._status = line

    def watchdog(self) -> None:
        """Give a sign of life, not more often than needed. To be called when frames or time have
        moved on, and only then: that is what it is a sign of."""
        if not self.watchdog_s:
            return
        now_s = self._clock()
        if now_s - self._beat_s >= self.watchdog_s / BEATS and self._send("WATCHDOG=1"):
            self._beat_s = now_s

    def close(self) -> None:
        """Let the socket go; a second call does nothing."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *lines: str, patient: bool = False) -> bool:
        """Send the lines as one message; whether that worked."""
        if self._socket is None or self._address is None:
            return False
        try:
            self._socket.settimeout(PATIENCE_S if patient else 0.0)
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except (OSError, ValueError):
            return False
        return True


def _address_of(value: str) -> str | bytes | None:
    """The address that NOTIFY_SOCKET names: a path, or `@` and an abstract name."""
    if value.startswith("@") and len(value) > 1:
        return b"\0" + os.fsencode(value[1:])
    return value if value.startswith("/") else None


def _interval_s(values: Mapping[str, str]) -> float:
    """The watchdog's interval if it is meant for this process, else 0."""
    text, pid = values.get("WATCHDOG_USEC", ""), values.get("WATCHDOG_PID")
    if not (text.isascii() and text.isdecimal()) or pid not in (None, "", str(os.getpid())):
        return 0.0
    return int(text) / 1_000_000
