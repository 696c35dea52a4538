"""The thread of a sink whose server may be away: keeps messages, tries again, delivers in order.

    connected   the spool first, then the queue; each message is settled once it was handed over
    away        messages go from the queue to the spool, or stay in the queue where there is none

Order is kept because nothing leaves the queue for the server while the spool holds anything. A
message is handed over at least once: it leaves the spool afterwards, so that the one in flight when
the process is killed is sent again. Over UDP it counts as handed over when no refusal came back
within a moment. A stream that is reset may have lost what was sent last, though the kernel took it:
the messages of the last moments are sent again, so that a crash of the server rather doubles some
than loses any.
"""

from __future__ import annotations

import time

from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.connection import Backoff, Connection, Unconfirmed
from sensor.sinks.delivery.queue import Entry, Message, SinkQueue
from sensor.sinks.delivery.spool import Spool, Stored
from sensor.sinks.delivery.transport import Wire

CONFIRM_S = 0.2
"""The longest that a refusal of a datagram may take to come back."""
IDLE_S = 1.0
"""The period at which a silent connection is looked after."""
CLOSING_PAUSE_S = 0.25
"""Between attempts while the sensor ends."""
NO_ROOM_PAUSE_S = 1.0
"""The pause after which a full spool is tried again."""


class Forwarder:
    """Delivers what is queued over a wire; `spool` keeps it while that does not work."""

    def __init__(
        self,
        queued: SinkQueue,
        wire: Wire,
        spool: Spool | None = None,
        backoff: Backoff | None = None,
        *,
        spool_error: str | None = None,
    ) -> None:
        self.spool = spool
        self._queued = queued
        self._wire = wire
        self._transport = wire.transport
        self._unconfirmed = Unconfirmed()
        self._connection = Connection(wire, backoff or Backoff(), self._unconfirmed)
        self._now_s = self._connection.backoff.now_s
        self._spool_error = spool_error
        """Why there is no spool where one was asked for."""
        self._proven = False
        """True if this connection took a message: losing it is worth an attempt at once."""
        self._deaf = False
        """True if the server did not read: that it can be connected to proves nothing then."""
        self._no_room_until_s = 0.0
        self._pending: Message | Stored | None = None
        """A datagram that was sent a moment ago: it may be refused still."""
        self._again = False
        """True if the next message was sent before, in vain."""
        if spool is not None:
            queued.count(recovering=spool.earlier_alerts)

    # What others ask.

    def error(self) -> str | None:
        problems = [self._connection.error, self.spool.error if self.spool else self._spool_error]
        return "; ".join(filter(None, problems)) or None

    def is_gone(self) -> bool:
        return False

    def rescue(self, rest: list[Entry]) -> int:
        stored = 0
        for entry in rest:
            message = self._rendered(entry)
            if message is None or self.spool is None:
                continue
            if not self.spool.put_in_time(message.octets, message.is_alert):
                break  # what comes after it would be out of order
            stored += message.is_alert
        return stored

    def close(self) -> None:
        if self.spool is not None:
            self.spool.close()

    # The thread.

    def run(self) -> None:
        while not self._queued.abandoned:
            try:
                if not self._step():
                    break
            except Exception as error:  # a defect, as OSError is handled: say it, go on
                self._pending = None
                self._queued.drop_in_hand()
                self._connection.note(error)
                self._proven = False
                self._connection.drop()
                self._connection.back_off()
        self._connection.close()

    def _step(self) -> bool:
        """Do one thing that is due now; False if there is nothing more to do, ever."""
        if not self._confirm():
            return True
        away_s = self._connection.away_s()
        if away_s > 0:
            return self._wait_apart(away_s)
        if not self._connection.connected and not self._connect():
            return True
        if self._send_next():
            return True
        if self._queued.closing:
            return False
        self._queued.wait(IDLE_S)
        if self._queued.is_empty():
            try:
                self._connection.check()
            except OSError:
                self._leave_alone()
        return True

    def _connect(self) -> bool:
        try:
            self._connection.connect()
        except OSError:
            self._leave_alone()
            return False
        if self._transport.proves and not self._deaf:
            self._connection.error = None
        return True

    def _leave_alone(self) -> None:
        """Leave the server alone for a while; not where it was there a moment ago."""
        if self._proven:
            self._proven = False
            self._connection.retry_at_once()
        else:
            self._connection.back_off()

    # While the server is away.

    def _wait_apart(self, away_s: float) -> bool:
        """Keep what comes until the next attempt is due; whether there will be one."""
        all_stored = self._store_queue()
        if self._queued.closing:
            if all_stored:
                return False  # nothing gets lost by ending now
            time.sleep(min(away_s, CLOSING_PAUSE_S))
            self._connection.retry_at_once()
        elif all_stored:
            self._queued.wait(away_s)
        else:
            self._queued.pause(min(away_s, NO_ROOM_PAUSE_S) if self.spool else away_s)
        return True

    def _store_queue(self) -> bool:
        """Move the queue to the spool; whether all of it is there now."""
        spool = self.spool
        if spool is None or spool.broken:
            return self._queued.is_empty()
        if self._now_s() < self._no_room_until_s:
            return False
        while (entry := self._queued.take()) is not None:
            message = self._rendered(entry)
            if message is None:
                self._drop(entry)
            elif spool.put(message.octets, message.is_alert):
                self._queued.settle(stored=int(message.is_alert))
            else:
                self._queued.put_back(message)
                self._no_room_until_s = self._now_s() + NO_ROOM_PAUSE_S
                return False
        return True

    # While it is there.

    def _send_next(self) -> bool:
        """Send the oldest message; False if there is none."""
        if self._unconfirmed.to_resend:
            self._send_again()
            return True
        if self.spool is not None and self.spool.count and not self.spool.broken:
            self._store_queue()
            stored = self.spool.first()
            if stored is not None:
                self._send(stored)
                return True
        if self.spool is not None:
            self._give_up_stored()
        entry = self._queued.take()
        if entry is None:
            return False
        message = self._rendered(entry)
        if message is None:
            self._drop(entry)
        else:
            self._send(message)
        return True

    def _send_again(self) -> None:
        """Send the oldest of those that a reset may have lost; it is in the books already."""
        try:
            self._connection.send(self._unconfirmed.to_resend[0])
        except OSError:
            self._leave_alone()
            return
        self._unconfirmed.to_resend.popleft()
        self._queued.count(retried=1)
        self._well()

    def _give_up_stored(self) -> None:
        """The spool gives nothing: it is empty, or damaged, or somebody else emptied it."""
        lost = self._queued.stored
        if lost:
            self._queued.settle(dropped=lost, stored=-lost)
        if self._queued.recovering:
            self._queued.count(recovering=-self._queued.recovering)

    def _send(self, message: Message | Stored) -> None:
        if self._again:
            self._again = False
            self._queued.count(retried=1)
        try:
            taken = self._connection.send(message.octets)
        except OSError as error:
            self._give_back(message)
            if isinstance(error, TimeoutError):
                self._deaf, self._proven = True, False
            self._leave_alone()
            return
        if not taken:
            self._settle(message, delivered=False)
        elif self._transport.proves:
            self._settle(message, delivered=True)
            self._well()
        else:
            self._pending = message

    def _confirm(self) -> bool:
        """Settle the datagram that was sent before; False if it came back."""
        message = self._pending
        if message is None:
            return True
        wait_s = 0.0
        if not self._proven or (self._queued.closing and not self._has_more(message)):
            wait_s = CONFIRM_S
        elif not self._has_more(message):
            self._queued.wait(CONFIRM_S)  # ends with the next alert
        refusal = self._transport.refused(wait_s)
        self._pending = None
        if refusal is None:
            self._settle(message, delivered=True)
            self._well()
            return True
        self._give_back(message)
        self._proven = False  # an attempt at once would tell nothing new
        self._connection.lost(refusal)
        self._leave_alone()
        return False

    def _has_more(self, message: Message | Stored) -> bool:
        """Return True if other messages wait behind this one."""
        stored = self.spool.count if self.spool is not None else 0
        return stored > isinstance(message, Stored) or not self._queued.is_empty()

    def _well(self) -> None:
        self._connection.error = None
        self._connection.works()
        self._deaf = False
        self._proven = True

    def _give_back(self, message: Message | Stored) -> None:
        """It stays the oldest one: in the spool it still is."""
        self._again = True
        if isinstance(message, Message):
            self._queued.put_back(message)

    def _settle(self, message: Message | Stored, *, delivered: bool) -> None:
        if isinstance(message, Message):
            count = int(message.is_alert)
            self._queued.settle(delivered=count * delivered, dropped=count * (not delivered))
            return
        assert self.spool is not None
        self.spool.remove(message)
        count = int(message.is_alert)
        if not message.is_ours:
            self._queued.count(recovered=count * delivered, recovering=-count)
        else:
            self._queued.settle(
                delivered=count * delivered, dropped=count * (not delivered), stored=-count
            )

    def _rendered(self, entry: Entry) -> Message | None:
        """The octets of an entry; None for an order, and for what nothing can render."""
        try:
            if isinstance(entry, Alert):
                return Message(self._wire.render(entry), is_alert=True)
            if isinstance(entry, Notice):
                return Message(self._wire.render_notice(entry), is_alert=False)
        except Exception as error:  # a sink never raises
            self._connection.note(error)
            return None
        return entry if isinstance(entry, Message) else None

    def _drop(self, entry: Entry) -> None:
        self._queued.settle(dropped=int(isinstance(entry, Alert)))
