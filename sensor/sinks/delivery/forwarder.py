"""The thread of a sink whose server may be away: keeps messages, tries again, delivers in order.

    connected   what came back first, then the spool, then the queue
    away        messages go from the queue to the spool, or stay in the queue where there is none
    deaf        the server did not read what it was sent: one message, and nothing more until it has
                read that

Order is kept because nothing leaves the queue for the server while the spool holds anything. A
message is delivered at least once: what a stream took is kept, in the spool if it came from there,
until it has arrived for certain (`Unconfirmed`). Of a connection that is lost all else is sent
again, so that a crash of the server rather doubles some than loses any. Over UDP a message counts
as delivered when no refusal came back within a moment.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.connection import Backoff, Connection
from sensor.sinks.delivery.queue import Block, Entry, Message, SinkQueue, records_of
from sensor.sinks.delivery.spool import LOCK_WAIT_S, Spool, Stored
from sensor.sinks.delivery.transport import NOT_READ, Rejected, Wire
from sensor.sinks.delivery.unconfirmed import Unconfirmed

CONFIRM_S = 0.2
"""The longest that a refusal of a datagram may take to come back."""
IDLE_S = 1.0
"""The period at which a silent connection is looked after."""
FLUSH_S = 0.1
"""The wait for a server that reads slowly before what comes meanwhile is stored."""
PROBE_S = 1.0
"""The longest that a server that did not read may take to read one message."""
END_S = 5.0
"""The longest that a server may take to confirm everything when the sensor ends."""
CLOSING_PAUSE_S = 0.25
"""Between attempts while the sensor ends."""
NO_ROOM_PAUSE_S = 1.0
"""The pause after which a full spool is tried again."""


class Forwarder:
    """Delivers what is queued over a wire; `spool` keeps it while that does not work."""

    def __init__(
        self, queued: SinkQueue, wire: Wire, spool: Spool | None = None,
        backoff: Backoff | None = None, *, spool_error: str | None = None, end_s: float = END_S
    ) -> None:
        self.spool = spool
        self._queued = queued
        self._wire = wire
        self._transport = wire.transport
        self._unconfirmed: Unconfirmed[Message | Stored] = Unconfirmed()
        self._connection = Connection(wire, backoff or Backoff())
        self._now_s = self._connection.backoff.now_s
        self._spool_error = spool_error
        """Why there is no spool where one was asked for."""
        self._end_s = end_s
        self._proven = False
        """True if this connection took a message: losing it is worth an attempt at once."""
        self._deaf = False
        """True if the server did not read: that it can be connected to proves nothing then."""
        self._no_room_until_s = 0.0
        self._pending: Message | Stored | None = None
        """A datagram that was sent a moment ago: it may be refused still."""
        self._again = 0
        """The number of next messages that were sent before, perhaps in vain."""
        if spool is not None:
            queued.count(recovering=spool.earlier_alerts)

    # What others ask.

    def error(self) -> str | None:
        problems = [self._connection.error, self.spool.error if self.spool else self._spool_error]
        return "; ".join(filter(None, problems)) or None

    def is_gone(self) -> bool:
        return False

    def rescue(self, rest: list[Entry]) -> tuple[int, int]:
        spool = self.spool
        if spool is None:
            return 0, 0
        kept = self._unconfirmed.all()
        resend = [message for message in kept if isinstance(message, Message)]
        spooled = [message for message in kept if isinstance(message, Stored)]
        self._queued.count(recovering=_alerts(spooled, ours=False))
        spool.rewind()
        unconfirmed = _alerts(spooled, ours=True)
        if spool.put_first(_pairs(resend), LOCK_WAIT_S):
            unconfirmed += _alerts(resend)
        stored = 0
        for entry in rest:
            message = self._rendered(entry)
            if message is None:
                continue
            if not spool.put(message.octets, message.records, LOCK_WAIT_S):
                break  # what comes after it would be out of order
            stored += message.records
        return stored, unconfirmed

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
                self._proven = False
                self._connection.drop()
                self._lost(OSError(str(error)))
                self._connection.note(error)
        problem = self._connection.close(self._end_s)
        self._settle_confirmed()
        if problem is not None and len(self._unconfirmed):
            self._connection.note_loss(problem)

    def _step(self) -> bool:
        """Do one thing that is due now; False if there is nothing more to do, ever."""
        self._look_for_room()
        if not self._confirm():
            return True
        away_s = self._connection.away_s()
        if away_s > 0:
            return self._wait_apart(away_s)
        if self._queued.is_filling():
            self._store_queue()  # the server is slower than what comes
        if self._deaf:
            self._probe()
        elif (
            (self._connection.connected or self._connect())
            and self._flush()
            and not self._send_next()
        ):
            return not self._queued.closing and self._idle()
        return True

    def _idle(self) -> bool:
        """Wait for the next alert, and look after the connection; True."""
        self._queued.wait(IDLE_S)
        if self._queued.is_empty():
            try:
                self._connection.check()
            except OSError as error:
                self._lost(error)
            else:
                self._settle_confirmed()
        return True

    def _connect(self) -> bool:
        try:
            self._connection.connect()
        except OSError:
            self._leave_alone()
            return False
        self._unconfirmed.begin(self._now_s())
        if self._transport.proves and not self._deaf:
            self._connection.error = None
        return True

    def _flush(self) -> bool:
        """See to what was sent; whether the next message may follow."""
        try:
            is_ready = self._connection.flush(FLUSH_S)
        except OSError as error:
            self._lost(error)
            return False
        self._settle_confirmed()
        if not is_ready:
            self._store_queue()
        return is_ready

    def _probe(self) -> None:
        """Send the oldest message alone to a server that did not read, and see whether it does."""
        if not self._connect():
            return
        if not self._send_next():
            self._deaf = False  # there is nothing to ask it with
            return
        if not self._connection.connected:
            return
        problem = self._connection.close(PROBE_S)
        self._settle_confirmed()
        if len(self._unconfirmed):
            problem = problem or TimeoutError(NOT_READ)
            self._connection.note_absence(problem)
            self._lost(problem)
        else:
            self._deaf = False
            self._well()

    def _lost(self, error: OSError) -> None:
        """The connection is gone: what may have got lost with it goes over the next one."""
        if isinstance(error, TimeoutError):
            self._deaf, self._proven = True, False
        self._settle_confirmed()
        arrived, lost = self._unconfirmed.end(error, self._now_s())
        self._delivered(arrived)
        self._queued.lose([message for message in lost if isinstance(message, Message)])
        spooled = [message for message in lost if isinstance(message, Stored)]
        ours = _alerts(spooled, ours=True)
        self._queued.settle(unconfirmed=-ours, stored=ours)
        self._queued.count(recovering=_alerts(spooled, ours=False))
        if self.spool is not None:
            self.spool.rewind()
        self._again += len(lost)
        self._leave_alone()

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

    def _look_for_room(self) -> None:
        """See whether the spool works again, though nothing comes that it should store."""
        spool = self.spool
        if spool is None or spool.error is None or self._now_s() < self._no_room_until_s:
            return
        spool.look_for_room()
        if spool.error is not None:
            self._no_room_until_s = self._now_s() + NO_ROOM_PAUSE_S

    def _store_queue(self) -> bool:
        """Move the queue to the spool; whether all of it is there now."""
        spool = self.spool
        if spool is None or spool.broken:
            return self._queued.is_empty()
        if self._now_s() < self._no_room_until_s:
            return False
        returned = [message for message in map(self._rendered, self._queued.returned()) if message]
        all_stored = not returned or spool.put_first(_pairs(returned))
        if returned and all_stored:
            self._queued.store_returned()
        while (entry := self._queued.take(returned=False)) is not None:
            message = self._rendered(entry)
            if message is None:
                self._drop(entry)
            elif spool.put(message.octets, message.records):
                self._queued.settle(stored=message.records)
            else:
                self._queued.put_back(message, returned=False)
                self._no_room_until_s = self._now_s() + NO_ROOM_PAUSE_S
                return False
        return all_stored

    # While it is there.

    def _send_next(self) -> bool:
        """Send the oldest message; False if there is none."""
        spool = self.spool
        if spool is not None and not self._queued.returned():
            if spool.unsent and not spool.broken:
                self._store_queue()
                stored = spool.first()
                if stored is not None:
                    self._send(stored)
                    return True
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

    def _give_up_stored(self) -> None:
        """The spool gives nothing: it is empty, or damaged, or somebody else emptied it."""
        lost = self._queued.stored
        if lost:
            self._queued.settle(dropped=lost, stored=-lost)
        if self._queued.recovering:
            self._queued.count(recovering=-self._queued.recovering)

    def _send(self, message: Message | Stored) -> None:
        if self._again:
            self._again -= 1
            self._queued.count(retried=1)
        try:
            taken = self._connection.send(message.octets)
        except Rejected as error:
            self._settle(message, dropped=min(error.count, message.records))
            return
        except OSError as error:
            self._give_back(message)
            self._lost(error)
            return
        if not taken:
            self._settle(message, dropped=message.records)
        elif not self._transport.datagrams:
            self._keep(message)
        elif self._transport.proves:
            self._settle(message)
            self._well()
        else:
            self._pending = message

    def _keep(self, message: Message | Stored) -> None:
        """A stream took it: it is in no book but that of the unconfirmed ones."""
        self._unconfirmed.keep(message, self._now_s())
        count = message.records
        if isinstance(message, Message):
            self._queued.settle(unconfirmed=count)
        elif message.is_ours:
            self._queued.settle(unconfirmed=count, stored=-count)
        else:
            self._queued.count(recovering=-count)
        if not self._deaf:
            self._well()

    def _settle_confirmed(self) -> None:
        self._delivered(self._unconfirmed.confirm(self._transport.confirmed))

    def _delivered(self, messages: Sequence[Message | Stored]) -> None:
        """These have arrived for certain."""
        for message in messages:
            count = message.records
            if isinstance(message, Stored):
                assert self.spool is not None
                self.spool.remove(message)
            if isinstance(message, Message) or message.is_ours:
                self._queued.settle(delivered=count, unconfirmed=-count)
            else:
                self._queued.count(recovered=count)

    def _confirm(self) -> bool:
        """Settle the datagram that was sent before; False if it came back."""
        message = self._pending
        if message is None:
            return True
        wait_s = 0.0
        if not self._proven or (self._queued.closing and not self._has_more()):
            wait_s = CONFIRM_S
        elif not self._has_more():
            self._queued.wait(CONFIRM_S)  # ends with the next alert
        refusal = self._transport.refused(wait_s)
        self._pending = None
        if refusal is None:
            self._settle(message)
            self._well()
            return True
        self._give_back(message)
        if self.spool is not None:
            self.spool.rewind()
        self._proven = False  # an attempt at once would tell nothing new
        self._connection.lost(refusal)
        self._leave_alone()
        return False

    def _has_more(self) -> bool:
        """True if other messages wait behind the one that was sent."""
        return bool(self.spool is not None and self.spool.unsent) or not self._queued.is_empty()

    def _well(self) -> None:
        self._connection.error = None
        self._connection.works()
        self._deaf = False
        self._proven = True

    def _give_back(self, message: Message | Stored) -> None:
        """It stays the oldest one: in the spool it still is."""
        self._again += 1
        if isinstance(message, Message):
            self._queued.put_back(message)

    def _settle(self, message: Message | Stored, *, dropped: int = 0) -> None:
        """It is out of our hands: delivered, but for so many of its records."""
        count = message.records
        delivered = count - dropped
        if isinstance(message, Message):
            self._queued.settle(delivered=delivered, dropped=dropped)
            return
        assert self.spool is not None
        self.spool.remove(message)
        if not message.is_ours:
            self._queued.count(recovered=delivered, recovering=-count)
        else:
            self._queued.settle(delivered=delivered, dropped=dropped, stored=-count)

    def _rendered(self, entry: Entry) -> Message | None:
        """The octets of an entry; None for an order, and for what nothing can render."""
        try:
            if isinstance(entry, Alert):
                return Message(self._wire.render(entry), records=1)
            if isinstance(entry, Notice):
                return Message(self._wire.render_notice(entry), records=0)
            if isinstance(entry, Block):
                return Message(entry.render(entry.batches), entry.records)
        except Exception as error:  # a sink never raises
            self._connection.note(error)
            return None
        return entry if isinstance(entry, Message) else None

    def _drop(self, entry: Entry) -> None:
        self._queued.settle(dropped=records_of(entry))


def _alerts(messages: Sequence[Message | Stored], *, ours: bool = True) -> int:
    """The number of alerts among them, of this run or of earlier ones."""
    return sum(message.records for message in messages
               if isinstance(message, Message) or message.is_ours == ours)  # fmt: skip


def _pairs(messages: Sequence[Message]) -> list[tuple[bytes, int]]:
    return [(message.octets, message.records) for message in messages]
