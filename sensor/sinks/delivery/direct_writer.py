"""A sink that sends each alert to a server as one message while the caller waits, for a replay.

Waiting is bounded. A connection that fails is made again a few times at once; a server that stays
away then costs nothing but one attempt now and then, at growing distances, and what cannot be sent
meanwhile is counted as dropped. That a message was taken by the kernel is all that these protocols
show: "delivered" means no more, except where a refusal comes back.
"""

from __future__ import annotations

from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.connection import Backoff, Connection
from sensor.sinks.delivery.transport import Wire

RETRY_PAUSES_S = (0.0, 0.1, 0.4)
"""Waits before the attempts to repeat a message over a new connection."""
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
        self.closed = False
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
            sent = self._deliver(self.wire.render(alert))
        except Exception as error:  # a sink never raises
            self._connection.note(error)
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
            self._connection.note(error)

    def reopen(self) -> None:
        """Nothing: a connection that is lost is made again by itself."""

    def _deliver(self, message: bytes) -> bool:
        """Send over this connection or a new one; True if the message went out."""
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
                if not connection.connected:
                    connection.connect()
                sent = connection.send(message)
            except TimeoutError:  # waited in vain: do not wait again
                break
            except OSError:
                continue
            if sent:
                connection.works()
            return sent
        connection.back_off(self._now_s() - started_s)
        return False

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
        self._connection.close()
