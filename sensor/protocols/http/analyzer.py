"""HTTP/1: a document for each request with its response, and one for each login.

    client octets -> Reader -> requests ---+
                                           +--> Transaction -> fields
    server octets -> Reader -> responses --+

Responses come in the order of their requests (RFC 9112 9.3). What is told stands in docs/http.md.
"""

from __future__ import annotations

from collections import deque

from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent
from sensor.protocols.http import framing
from sensor.protocols.http.framing import Framing
from sensor.protocols.http.login import Logins, attempt_of
from sensor.protocols.http.masking import Masker
from sensor.protocols.http.message import BODY_MAX, Message
from sensor.protocols.http.reader import Reader
from sensor.protocols.http.transaction import Transaction, began_ns, fields_of
from sensor.protocols.secrets import Secrets

ACTION = "http_transaction"
WAITING_MAX = 100
"""Requests that wait for their responses; the oldest is told without one."""
WAITING_BYTES_MAX = 4 * BODY_MAX
"""What they may take in memory."""
_PREFACE = "PRI"
"""The method with which a connection of HTTP/2 begins (RFC 9113 3.4)."""


class HttpAnalyzer:
    """Tells of the transactions of one connection."""

    def __init__(self, secrets: Secrets) -> None:
        self.done = False
        self.due_ns = 0
        self._secrets = secrets
        self._events: list[ProtocolEvent] = []
        self._masker = Masker()
        self._logins = Logins(secrets)
        self._start()

    def _start(self) -> None:
        self._readers = [Reader(CLIENT, self), Reader(SERVER, self)]
        self._waiting: deque[Transaction] = deque()
        """Without a response, in the order of the requests."""
        self._given_up = 0
        """Requests before those, whose responses will be nobody's."""
        self._answering: Transaction | None = None
        """The transaction whose response is being read."""
        self._late: Transaction | None = None
        """One that is answered though its request is not over."""

    @property
    def held_bytes(self) -> int:
        open_ones = (self._answering, self._late, *self._waiting)
        return (self._masker.held_bytes + sum(reader.held_bytes for reader in self._readers)
                + sum(one.held_bytes for one in open_ones if one is not None))

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        if not self.done:
            self._readers[side].feed(octets, moment)
            self._settle()

    def gap(self, side: int, count: int, moment: Moment) -> None:
        if self.done or self._readers[side].gap(count, moment) or not count:
            return
        if side == SERVER:  # the responses to what waits may be among what is missing
            for transaction in self._waiting:
                assert transaction.request is not None
                transaction.request.strange("gap")
            self._give_up()
            self._given_up = 0
        self._settle()

    def turn(self) -> None:
        """What was read as requests was none: look for both anew."""
        self._start()
        for side, reader in enumerate(self._readers):
            reader.gap(0, Moment(side))

    def expire(self) -> None:
        """It waits for nothing."""

    def close(self, moment: Moment) -> None:
        if not self.done:
            for reader in self._readers:
                reader.close()
            self._settle()

    def take(self) -> list[ProtocolEvent]:
        events, self._events = self._events, []
        return events

    def begin(self, side: int, message: Message) -> Framing:
        """The head of a message is there."""
        if side == CLIENT:
            if message.method == _PREFACE and message.version == "2.0":
                self._tell_preface(message)
                return Framing(framing.UNCLEAR)
            self._waiting.append(Transaction(message))
            return framing.of_request(message)
        if message.status < 200 and message.status != 101:  # RFC 9110 15.2
            return Framing(framing.NONE)
        self._answering = Transaction()
        if self._given_up:
            self._given_up -= 1
        elif self._waiting:
            self._answering = self._waiting.popleft()
        else:
            self._readers[CLIENT].is_refused = False  # this is the answer to it
        self._answering.response = message
        request = self._answering.request
        return framing.of_response(message, request.method if request is not None else "")

    def end(self, side: int, message: Message) -> None:
        """Nothing more of a message comes."""
        if self.done:
            return
        if side == CLIENT:
            if self._late is not None and self._late.request is message:
                late, self._late = self._late, None
                self._tell(late)
            self._bound()
        elif self._answering is not None:  # else it was an interim response
            answered, self._answering = self._answering, None
            if answered.request is None or answered.request.has_ended:
                self._tell(answered)
            else:
                self._late = answered
        self._settle()  # at once: what follows in the same segment must not be read then

    def _bound(self) -> None:
        """Tell of the oldest requests that wait where they are too many."""
        size = sum(one.held_bytes for one in self._waiting) if len(self._waiting) > 1 else 0
        while len(self._waiting) > 1 and (
                len(self._waiting) > WAITING_MAX or size > WAITING_BYTES_MAX):
            oldest = self._waiting.popleft()
            size -= oldest.held_bytes
            self._given_up += 1
            self._tell(oldest)

    def _settle(self) -> None:
        """End where nothing more can be told."""
        if self.done:
            return
        client, server = self._readers
        if server.is_stopped or (client.is_stopped and not (
                client.is_refused or self._waiting or self._answering or self._late)):
            for reader in self._readers:
                reader.close()
            if not self.done:  # closing has told of the last message
                self._give_up()
                self._stop()

    def _stop(self) -> None:
        self.done = True
        for reader in self._readers:
            reader.is_stopped = True

    def _give_up(self) -> None:
        """Tell of everything that waits, without what is missing of it."""
        rest = (self._late, self._answering, *self._waiting)
        self._late = self._answering = None
        self._waiting.clear()
        for transaction in rest:
            if transaction is not None:
                self._tell(transaction)

    def _tell(self, transaction: Transaction) -> None:
        request, moment = transaction.request, transaction.moment
        attempt = attempt_of(request) if request is not None else None
        if attempt is not None:
            self._masker.learn(attempt.secret or "")
        fields = fields_of(transaction, self._masker)
        if request is not None and attempt is not None:
            phrase = str(fields.get("http.response.status_phrase", ""))
            login = self._logins.event(request, transaction.response, phrase, moment)
            if login is not None:
                self._events.append(login)
        self._events.append(ProtocolEvent(moment, ACTION, fields,
                                          began_ns=began_ns(transaction)))  # fmt: skip
        if transaction.is_switch and not self.done:
            self._stop()
            self._give_up()

    def _tell_preface(self, message: Message) -> None:
        """The connection speaks HTTP/2, which is not read."""
        self._stop()
        self._events.append(ProtocolEvent(message.head_at, ACTION, {
            "event.category": ["network", "web"],
            "event.type": ["connection", "protocol"],
            "http.version": "2",
        }))
