"""A sink that sends each alert to a server as one message, synchronously: syslog, the journal.

Sending is bounded. A connection that fails is made again a few times at once; a server that stays
away then costs nothing but one attempt now and then, at growing distances, and what cannot be sent
meanwhile is counted as dropped. That a message was taken by the kernel is all that these protocols
tell: "delivered" means no more, except where a refusal comes back. A live run does not use this way
of sending but `courier.py`, on the same `Wire`.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Protocol

from sensor.base.frozen import frozen
from sensor.errors import reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.syslog.transports import Transport

RETRY_PAUSES_S = (0.0, 0.1, 0.4)
"""Waits before the attempts to repeat a message over a new connection."""
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0
BACKOFF_TIMES_COST = 10
"""A server is left alone for at least so many times what the last attempt took, so that waiting for
one that does not answer is a tenth of the run at most."""


@frozen
class Clock:
    """How the sink tells and spends wall time: a seam, so that tests need not wait."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Wire(Protocol):
    """What messages look like and which way they go: all that differs between servers."""

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


class DirectWriter:
    """Renders and sends each alert; connects when it is made, so that the operator hears early.

    `live`: it does not, because it goes into a `ThreadedSink`, which connects from its thread.
    """

    def __init__(self, wire: Wire, clock: Clock | None = None, *, live: bool = False) -> None:
        self.name = wire.name
        self.wire = wire
        self.delivered = self.dropped = self.waiting = self.retried = 0
        self.error: str | None = None
        self.closed = False
        self._transport = wire.transport
        self._clock = clock or Clock()
        self._connected = False
        self._backoff_s = BACKOFF_FIRST_S
        self._next_attempt_s = 0.0
        if live:
            return
        started_s = self._clock.now_s()
        try:
            self._connect()
        except OSError as error:
            self._note_absence(error)
            self._back_off(started_s)

    def emit(self, alert: Alert) -> None:
        if self.closed:
            self.dropped += 1
            return
        try:
            sent = self._deliver(self.wire.render(alert))
        except Exception as error:  # a sink never raises
            self.error = f"{self.name}: {reason_of(error)}"
            sent = False
        self.delivered += sent
        self.dropped += not sent
        self._take_back()

    def accounted(self) -> int:
        return self.delivered + self.dropped

    def notify(self, notice: Notice) -> None:
        if self.closed:
            return
        try:
            self._deliver(self.wire.render_notice(notice))
        except Exception as error:  # a sink never raises
            self.error = f"{self.name}: {reason_of(error)}"

    def reopen(self) -> None:
        """Nothing: a connection that is lost is made again by itself."""

    def _deliver(self, message: bytes) -> bool:
        """Whether the message went out, over this connection or a new one."""
        started_s = self._clock.now_s()
        if not self._connected and started_s < self._next_attempt_s:
            return False
        # Where the server has been away, one attempt must do: no waiting alert by alert.
        pauses_s = RETRY_PAUSES_S if self._connected else ()
        for pause_s in (None, *pauses_s):
            if pause_s is not None:
                self.retried += 1
                self._clock.sleep(pause_s)
            try:
                if not self._connected:
                    self._connect()
                self._transport.send(message)
                self._backoff_s = BACKOFF_FIRST_S
                return True
            except OSError as error:
                if error.errno == errno.EMSGSIZE:  # the message's fault, not the connection's
                    self.error = f"{self.name}: {reason_of(error)}"
                    return False
                self._note_absence(error)
                if isinstance(error, TimeoutError):  # waited in vain: do not wait again
                    break
        self._back_off(started_s)
        return False

    def _connect(self) -> None:
        self._transport.connect()
        self._connected = True

    def _note_absence(self, error: OSError) -> None:
        self._connected = False
        self.error = f"no {self.wire.place}: {reason_of(error)}"

    def _back_off(self, started_s: float) -> None:
        """Leave the server alone for a while, the longer the more it cost to find it absent."""
        now_s = self._clock.now_s()
        wait_s = max(self._backoff_s, BACKOFF_TIMES_COST * (now_s - started_s))
        self._next_attempt_s = now_s + wait_s
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_MAX_S)

    def _take_back(self) -> None:
        """Count a message as dropped after all when the network says that it was refused."""
        error = self._transport.refused()
        if error is not None and self.delivered:
            self.delivered -= 1
            self.dropped += 1
            self.error = f"no {self.wire.place}: {reason_of(error)}"

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            self._take_back()
            self._transport.close()
        except OSError as error:
            if self._connected:
                self.error = f"{self.name}: the last messages may be lost: {reason_of(error)}"
