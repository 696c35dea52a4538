# cython: boundscheck=True, wraparound=True
"""DNS: queries with their answers, one event for each transaction.

Over UDP a datagram is a message, over TCP a message has its length in two octets before it (RFC
1035 4.2). A query is told with its answer; alone when no answer came within WAIT_NS, or before the
flow's end. An answer whose query was not seen is told alone.
"""

from __future__ import annotations

from typing import NamedTuple

from sensor.base.units import SECOND_NS
from sensor.protocols.analyzer import Moment, ProtocolEvent, Value
from sensor.protocols.dns.codes import class_name, opcode_name, response_code_name, type_name
from sensor.protocols.dns.message import (
    ADDRESSES,
    AUTHENTIC_DATA,
    AUTHORITATIVE,
    CHECKING_DISABLED,
    HEADER_BYTES,
    RECURSION_AVAILABLE,
    RECURSION_DESIRED,
    TRUNCATED,
    Message,
    is_message,
    read_message,
)
from sensor.protocols.secrets import Secrets

WAIT_NS = 10 * SECOND_NS
"""Packet time after which a query is taken to stay without an answer."""
WAITING_MAX = 128
"""Queries of a flow that wait for their answers; beyond them the oldest is told without one."""
LENGTH_BYTES = 2
QUERY_BYTES = 1_024
"""About what a query takes in memory while it waits."""

_FLAGS = (
    ("AA", "authoritative", AUTHORITATIVE),
    ("TC", "truncated_response", TRUNCATED),
    ("RD", "recursion_desired", RECURSION_DESIRED),
    ("RA", "recursion_available", RECURSION_AVAILABLE),
    ("AD", "authentic_data", AUTHENTIC_DATA),
    ("CD", "checking_disabled", CHECKING_DISABLED),
)
"""Bits of the header in the names of ECS's `dns.header_flags` and of Packetbeat's `dns.flags`."""


class Query(NamedTuple):
    """A query that waits for its answer."""

    message: Message
    moment: Moment


class DnsAnalyzer:
    """Tells of the transactions of a flow."""

    def __init__(
        self, secrets: Secrets | None = None, *, is_stream: bool = True, waits: bool = True,
        is_mdns: bool = False,
    ) -> None:
        """Nothing that it reads is a secret.

        `is_stream`: messages have their lengths before them. `waits`: answers come in the flow of
        their queries, which those of mDNS and LLMNR to a group do not. `is_mdns`: the first bit of
        a class stands for itself, which it does not in LLMNR (RFC 4795 2.1).
        """
        self.done = False
        self.due_ns = 0
        self._is_stream = is_stream
        self._waits = waits
        self._is_mdns = is_mdns
        self._buffers = [bytearray(), bytearray()]
        """Of a stream, the octets of each side that are no whole message yet."""
        self._lost = [False, False]
        """By side: where its messages begin is not known any more."""
        self._is_dns = False
        """A message was read."""
        self._waiting: dict[tuple[int, int], Query] = {}
        """By the side that asked and the number of the message, the oldest first."""
        self._events: list[ProtocolEvent] = []

    @property
    def held_bytes(self) -> int:
        return sum(map(len, self._buffers)) + QUERY_BYTES * len(self._waiting)

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        if not self._is_stream:
            message = read_message(octets)
            if message is not None:
                self._take(side, message, moment)
            return
        if self._lost[side]:
            return
        buffer = self._buffers[side]
        buffer += octets
        while (message := self._next(side)) is not None:
            self._take(side, message, moment)

    def gap(self, side: int, count: int, moment: Moment) -> None:
        if count and self._is_stream:
            self._lose(side)

    def turn(self) -> None:
        self._buffers.reverse()
        self._lost.reverse()
        self._waiting = {(1 - side, number): query
                         for (side, number), query in self._waiting.items()}

    def expire(self) -> None:
        last_ns = self.due_ns - WAIT_NS
        for key, query in list(self._waiting.items()):
            if query.moment.time_ns > last_ns:
                break
            self._tell(self._waiting.pop(key), None, query.moment)
        self._set_due()

    def close(self, moment: Moment) -> None:
        for query in self._waiting.values():
            self._tell(query, None, query.moment)
        self._waiting.clear()
        self._set_due()

    def take(self) -> list[ProtocolEvent]:
        events, self._events = self._events, []
        return events

    def _next(self, side: int) -> Message | None:
        """Take the next whole message out of a stream; None where there is none."""
        buffer = self._buffers[side]
        if len(buffer) < LENGTH_BYTES + HEADER_BYTES:
            return None
        size = buffer[0] << 8 | buffer[1]
        if size < HEADER_BYTES or not is_message(buffer, LENGTH_BYTES):
            self._lose(side)
            return None
        end = LENGTH_BYTES + size
        if len(buffer) < end:
            return None
        message = read_message(bytes(buffer[LENGTH_BYTES:end]))
        if message is None:
            self._lose(side)
            return None
        del buffer[:end]
        self._is_dns = True
        return message

    def _lose(self, side: int) -> None:
        """Read nothing more of a side, or of a flow that is no DNS."""
        self._buffers[side].clear()
        self._lost[side] = True
        if all(self._lost) or not self._is_dns:
            self.done = True
            self.close(Moment(0))

    def _take(self, side: int, message: Message, moment: Moment) -> None:
        """A message of a side."""
        key = (1 - side if message.is_response else side, message.id)
        query = self._waiting.get(key)
        if message.is_response:
            if query is not None and _answers(message, query.message):
                del self._waiting[key]
                self._tell(query, message, moment)
            else:
                self._tell(None, message, moment)
        elif not self._waits:
            self._tell(Query(message, moment), None, moment)
        elif query is None or not _answers(message, query.message):  # else it was sent again
            if query is not None:
                self._tell(self._waiting.pop(key), None, query.moment)
            elif len(self._waiting) >= WAITING_MAX:
                oldest = self._waiting.pop(next(iter(self._waiting)))
                self._tell(oldest, None, oldest.moment)
            self._waiting[key] = Query(message, moment)
        self._set_due()

    def _set_due(self) -> None:
        oldest = next(iter(self._waiting.values()), None)
        self.due_ns = oldest.moment.time_ns + WAIT_NS if oldest is not None else 0

    def _tell(self, query: Query | None, answer: Message | None, moment: Moment) -> None:
        """The event of a transaction, or of what there is of it."""
        message = answer if answer is not None else query.message if query is not None else None
        assert message is not None
        dns = _dns_of(message, self._is_mdns)
        fields: dict[str, Value] = {"dns": dns, "event.type": ["connection", "protocol"]}
        if answer is None:
            fields["event.outcome"] = "unknown"
        else:
            fields["event.outcome"] = "failure" if answer.response_code else "success"
        asked = message.question
        if asked is None and query is not None:
            asked = query.message.question
        if asked is not None:
            dns["question"] = {"name": asked.name, "type": type_name(asked.kind),
                               "class": class_name(asked.class_, is_mdns=self._is_mdns)}
            fields["related.hosts"] = [asked.name]
        resolved = _resolved(message) if answer is not None else None
        if resolved:
            dns["resolved_ip"] = resolved
            fields["related.ip"] = resolved
        action = "dns_query" if query is not None else "dns_answer"
        began_ns = query.moment.time_ns if query is not None and answer is not None else 0
        self._events.append(ProtocolEvent(moment, action, fields, began_ns=began_ns))


def _answers(message: Message, query: Message) -> bool:
    """True if a message has the question of a query, or none at all (RFC 2136, errors); an inverse
    query (RFC 1035 6.4.1) has none, its answer may.
    """
    asked, repeated = query.question, message.question
    if repeated is None or repeated == asked or (asked is None and message.is_response):
        return True
    return (asked is not None and repeated.kind == asked.kind
            and repeated.name.lower() == asked.name.lower())


def _dns_of(message: Message, is_mdns: bool) -> dict[str, Value]:
    """`dns`, as far as a message alone says it."""
    flags = message.flags
    _, answers, authorities, additionals = message.counts
    names = [name for name, _, bit in _FLAGS if flags & bit]
    options = message.options
    if options is not None and options.dnssec_ok:
        names.append("DO")
    dns: dict[str, Value] = {
        "type": "answer" if message.is_response else "query",
        "id": str(message.id),
        "op_code": opcode_name(message.opcode),
        "flags": {name: flags & bit != 0 for _, name, bit in _FLAGS},
        "answers_count": answers,
        "authorities_count": authorities,
        "additionals_count": additionals - (options is not None),
    }
    if names:
        dns["header_flags"] = names
    if message.is_response:
        dns["response_code"] = response_code_name(message.response_code)
    if message.answers:
        dns["answers"] = [
            {"name": one.name, "type": type_name(one.kind),
             "class": class_name(one.class_, is_mdns=is_mdns), "ttl": one.ttl,
             "data": one.data}
            for one in message.answers
        ]  # fmt: skip
    if options is not None:
        dns["opt"] = {"version": str(options.version), "do": options.dnssec_ok,
                      "udp_size": options.udp_size}  # fmt: skip
    return dns


def _resolved(message: Message) -> list[str]:
    """The addresses of an answer, each once; a record that is not sound has none."""
    return list(dict.fromkeys(
        one.data for one in message.answers
        if one.kind in ADDRESSES and ("." in one.data or ":" in one.data)))
