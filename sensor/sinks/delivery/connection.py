"""The connection to one server: made, lost, left alone for a while, made again.

Two drivers use it: `DirectWriter` sends while the caller waits, `Forwarder` from a thread of its
own with a queue and a spool. Both see the same refusals, the same absences and the same back-off.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass

from sensor.errors import reason_of
from sensor.sinks.delivery.transport import Rejected, Wire


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts to reach a server: longer each time."""

    first_s: float = 1.0
    max_s: float = 5.0
    """A server that is up for some seconds now and then is not to be missed."""
    times_cost: float = 0.0
    """At least so many times what the last attempt took."""
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    """Both are arguments so that tests need not wait."""


class Connection:
    """Connects and sends; keeps what is wrong now and when the next attempt is due."""

    def __init__(self, wire: Wire, backoff: Backoff) -> None:
        self.wire = wire
        self.backoff = backoff
        self.error: str | None = None
        self.connected = False
        self._transport = wire.transport
        self._pause_s = backoff.first_s
        self._next_attempt_s = 0.0

    def away_s(self) -> float:
        """Return the seconds until the next attempt; 0 or less where it may be made."""
        return 0.0 if self.connected else self._next_attempt_s - self.backoff.now_s()

    def connect(self) -> None:
        """Errors: OSError, noted."""
        try:
            self._transport.connect()
        except OSError as error:
            self.lost(error)
            raise
        self.connected = True

    def send(self, octets: bytes) -> bool:
        """Hand over a message; False if it is too large, which is its own fault.

        Errors: OSError, noted: the connection is lost, but for `Rejected`.
        """
        try:
            self._transport.send(octets)
        except Rejected as error:
            self.note(error)
            raise
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                self.note(error)
                return False
            self.lost(error)
            raise
        return True

    def flush(self, wait_s: float) -> bool:
        """Wait until the next message may be sent, as long as that; whether it may.

        Errors: OSError, noted: the connection is lost.
        """
        try:
            return self._transport.flush(wait_s)
        except OSError as error:
            self.lost(error)
            raise

    def check(self) -> None:
        """Look whether the server is there still. Errors: OSError, noted: it is lost."""
        try:
            self._transport.check()
        except OSError as error:
            self.lost(error)
            raise

    def works(self) -> None:
        """A message arrived, as far as that can be known: the next absence is a new one."""
        self._pause_s = self.backoff.first_s

    def note(self, error: Exception) -> None:
        """A problem that is not the server's absence."""
        self.error = f"{self.wire.name}: {reason_of(error)}"

    def note_loss(self, error: OSError) -> None:
        """The end of the connection did not confirm what it had taken."""
        self.error = f"{self.wire.name}: the last messages may be lost: {reason_of(error)}"

    def note_absence(self, error: OSError) -> None:
        self.error = f"no {self.wire.place}: {reason_of(error)}"

    def lost(self, error: OSError) -> None:
        """The server is away."""
        self.note_absence(error)
        self.drop()

    def drop(self) -> None:
        """Let the connection go as it is."""
        self._transport.drop()
        self.connected = False

    def back_off(self, cost_s: float = 0.0) -> None:
        """Leave the server alone for a while, the longer the more it cost to find it absent."""
        wait_s = max(self._pause_s, self.backoff.times_cost * cost_s)
        self._next_attempt_s = self.backoff.now_s() + wait_s
        self._pause_s = min(2 * self._pause_s, self.backoff.max_s)

    def retry_at_once(self) -> None:
        """Let the next attempt wait for nothing."""
        self._next_attempt_s = 0.0

    def close(self, wait_s: float) -> OSError | None:
        """Have the server confirm everything within that time, then let go; why it did not."""
        if not self.connected:
            return None
        self.connected = False
        try:
            self._transport.close(wait_s)
        except OSError as error:
            return error
        return None
