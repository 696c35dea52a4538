"""A sink that sends each alert to a server as one message while the caller waits, for a replay.

Waiting is bounded. A connection that fails is made again a few times at once; a server that stays
away then costs nothing but one attempt now and then, at growing distances, and what cannot be sent
meanwhile is counted as dropped. What a stream took is unconfirmed until it has arrived for certain,
and sent again if the connection is lost before. A datagram counts as delivered when the kernel took
it, until a refusal comes back.
"""

from __future__ import annotations

import contextlib
from collections import deque

from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.connection import Backoff, Connection
from sensor.sinks.delivery.queue import Message
from sensor.sinks.delivery.transport import Rejected, Wire
from sensor.sinks.delivery.unconfirmed import Unconfirmed

RETRY_PAUSES_S = (0.0, 0.1, 0.4)
"""Waits before the attempts to repeat a message over a new connection."""
FLUSH_S = 1.0
"""How long to wait at a time for a server that reads slowly."""
END_S = 5.0
"""How long a server may take to confirm everything at the end."""
BACKOFF = Backoff(times_cost=10)
"""Waiting for a server that does not answer is a tenth of the run at most."""


class DirectWriter:
    """Renders and sends each alert; connects when it is made, so that the operator hears early.

    `live`: it does not, because a `Forwarder` takes its wire, and connects from its thread.
    """

    def __init__(self, wire: Wire, backoff: Backoff = BACKOFF, *, live: bool = False) -> None:
        self.name = wire.name
        self.wire = wire
        self.delivered = self.dropped = self.waiting = self.retried = 0
        self.unconfirmed = 0
        """Alerts that a stream took and may have lost."""
        self.closed = False
        self._unconfirmed: Unconfirmed[Message] = Unconfirmed()
        self._to_resend: deque[Message] = deque()
        self._connection = Connection(wire, backoff)
        self._now_s = backoff.now_s
        if live:
            return
        started_s = self._now_s()
        try:
            self._connection.connect()
        except OSError:
            self._connection.back_off(self._now_s() - started_s)

    @property
    def error(self) -> str | None:
        """The last thing that went wrong."""
        return self._connection.error

    def emit(self, alert: Alert) -> None:
        if self.closed:
            self.dropped += 1
            return
        try:
            taken = self._deliver(Message(self.wire.render(alert), records=1))
        except Exception as error:  # a sink never raises
            self._connection.note(error)
            taken = False
        if self.wire.transport.datagrams:
            self.delivered += taken
        self.dropped += not taken
        self._take_back()

    def accounted(self) -> int:
        return self.delivered + self.unconfirmed + self.dropped

    def notify(self, notice: Notice) -> None:
        if self.closed:
            return
        try:
            self._deliver(Message(self.wire.render_notice(notice), records=0))
        except Exception as error:  # a sink never raises
            self._connection.note(error)

    def reopen(self) -> None:
        """Nothing: a connection that is lost is made again by itself."""

    def _deliver(self, message: Message) -> bool:
        """Send over this connection or a new one; True if the message was taken."""
        connection = self._connection
        if connection.away_s() > 0:
            return False
        started_s = self._now_s()
        # Where the server has been away, one attempt must do: no waiting alert by alert.
        pauses_s = RETRY_PAUSES_S if connection.connected else ()
        for pause_s in (None, *pauses_s):
            if pause_s is not None:
                self.retried += 1
                connection.backoff.sleep(pause_s)
            try:
                self._send_again()
                taken = self._send(message)
            except Rejected:
                return False
            except TimeoutError:  # waited in vain: do not wait again
                break
            except OSError:
                continue
            if taken:
                connection.works()
            return taken
        connection.back_off(self._now_s() - started_s)
        return False

    def _send_again(self) -> None:
        """Connect if need be; send what an earlier connection may have lost. Errors: OSError."""
        if not self._connection.connected:
            self._connection.connect()
            self._unconfirmed.begin(self._now_s())
        while self._to_resend:
            self.unconfirmed -= self._to_resend[0].records
            message = self._to_resend.popleft()
            self.retried += 1
            try:
                self._send(message)
            except OSError:
                self.unconfirmed += message.records
                self._to_resend.appendleft(message)
                raise

    def _send(self, message: Message) -> bool:
        """Errors: OSError; then it was not taken."""
        connection = self._connection
        try:
            while not connection.flush(FLUSH_S):
                pass
            taken = connection.send(message.octets)
        except Rejected:
            raise
        except OSError as error:
            self._lost(error)
            raise
        if taken and not self.wire.transport.datagrams:
            self.unconfirmed += message.records
            self._unconfirmed.keep(message, self._now_s())
            self._arrived(self._unconfirmed.confirm(self.wire.transport.confirmed))
        return taken

    def _arrived(self, messages: list[Message]) -> None:
        alerts = sum(message.records for message in messages)
        self.delivered += alerts
        self.unconfirmed -= alerts

    def _lost(self, error: OSError) -> None:
        """The connection is gone: what it may have lost is to be sent again first."""
        self._arrived(self._unconfirmed.confirm(self.wire.transport.confirmed))
        arrived, lost = self._unconfirmed.end(error, self._now_s())
        self._arrived(arrived)
        self._to_resend.extendleft(reversed(lost))

    def _take_back(self) -> None:
        """Count a message as dropped after all when the network reports that it was refused."""
        refusal = self.wire.transport.refused()
        if refusal is not None and self.delivered:
            self.delivered -= 1
            self.dropped += 1
            self._connection.note_absence(refusal)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._take_back()
        connection = self._connection
        if self._to_resend and connection.away_s() <= 0:
            with contextlib.suppress(OSError):
                self._send_again()
        problem = connection.close(END_S)
        self._arrived(self._unconfirmed.confirm(self.wire.transport.confirmed))
        if problem is not None and self.unconfirmed:
            connection.note_loss(problem)
