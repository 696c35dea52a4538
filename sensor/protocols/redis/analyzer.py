"""Redis: each command with its reply, and logins.

Replies come in the order of the commands, which may be sent ahead. What a server sends by itself
(channels that were subscribed to, invalidated keys) answers nothing.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sensor.protocols.analyzer import CLIENT, Moment, ProtocolEvent, Value
from sensor.protocols.cleartext.login import FAILURE, SUCCESS, UNKNOWN, Attempt, LoginTeller
from sensor.protocols.redis import commands
from sensor.protocols.redis.resp import AGGREGATES, INLINE, Resp
from sensor.protocols.redis.resp import Value as RespValue
from sensor.protocols.secrets import Known, Secrets

COMMANDS_MAX = 1_000
"""Commands that wait for their replies."""
EVENTS_MAX = 10_000
"""Commands of a connection that are told."""
ERRORS = "-!"
MESSAGES = frozenset({b"message", b"pmessage", b"smessage"})
SUBSCRIPTIONS = frozenset({
    "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"})
SILENT = (["CLIENT", "REPLY", "OFF"], ["CLIENT", "REPLY", "SKIP"])
LAST = frozenset({"MONITOR", "SYNC", "PSYNC"})
"""Behind their replies comes what answers no commands."""


class _Command(NamedTuple):
    words: list[str]
    """Without passwords."""
    attempt: Attempt | None
    moment: Moment


class RedisAnalyzer:
    """Reads a connection."""

    def __init__(self, secrets: Secrets) -> None:
        self.done = False
        self.due_ns = 0
        self._readers = (Resp(is_client=True), Resp(is_client=False))
        self._known = Known()
        self._teller = LoginTeller("redis", secrets)
        self._waiting: deque[_Command] = deque()
        self._events: list[ProtocolEvent] = []
        self._told = 0
        self._is_proven = False
        """The client has sent a command as an array of strings, or its lines have been answered."""
        self._is_whole = True
        self._has_subscribed = False
        self._is_silenced = False
        """The last command that waits asks for no more replies."""

    @property
    def held_bytes(self) -> int:
        return (sum(reader.held_bytes for reader in self._readers)
                + sum(len(word) for command in self._waiting for word in command.words))

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        reader = self._readers[side]
        reader.feed(octets)
        while not self.done and (value := reader.take()) is not None:
            if side == CLIENT:
                self._take_command(value, moment)
            else:
                self._take_reply(value, moment)
        if reader.is_broken and not self.done:
            self.close(moment)

    def gap(self, side: int, count: int, moment: Moment) -> None:
        self._is_whole = False
        if count:
            self.close(moment)

    def turn(self) -> None:
        self.done = True  # whoever spoke first was not the client: what was read means nothing

    def expire(self) -> None:
        """It waits for nothing."""

    def close(self, moment: Moment) -> None:
        self.done = True
        for command in self._waiting if self._is_proven else ():
            self._tell(command, None, command.moment)
        self._waiting.clear()

    def take(self) -> list[ProtocolEvent]:
        events, self._events = self._events, []
        return events

    def _take_command(self, value: RespValue, moment: Moment) -> None:
        if self._is_silenced:
            return
        if value.kind == INLINE and not (self._is_whole or self._is_proven):
            self.done = True  # it may be the middle of something
            return
        words = commands.words_of(value)
        if not words:
            return
        self._is_proven |= value.kind != INLINE
        attempt = commands.attempt_of(words)
        self._waiting.append(_Command(commands.query_of(words, self._known), attempt, moment))
        self._is_silenced = [word.upper() for word in words[:3]] in SILENT
        if len(self._waiting) > COMMANDS_MAX or self._is_unanswered:
            self.close(moment)

    def _take_reply(self, value: RespValue, moment: Moment) -> None:
        if self._is_message(value):
            return
        if not self._waiting:
            self.done = self._is_whole and not self._is_proven and value.kind not in ERRORS
            return
        command = self._waiting.popleft()
        self._has_subscribed |= command.words[0] in SUBSCRIPTIONS
        self._is_proven = True
        self._tell(command, value, moment)
        self.done |= command.words[0] in LAST
        if self._is_unanswered and not self.done:
            self.close(moment)

    @property
    def _is_unanswered(self) -> bool:
        """True if nobody answers what waits."""
        return self._is_silenced and len(self._waiting) == 1

    def _is_message(self, value: RespValue) -> bool:
        """True for what answers no command: pushes, messages, and of one command for several
        channels all confirmations but the first.
        """
        if value.kind not in AGGREGATES:
            return False
        first = value.parts[0].lower() if value.parts else b""
        if value.kind == ">" or (self._has_subscribed and first in MESSAGES):
            expected = self._waiting[0].words[0] if self._waiting else ""
            return expected not in SUBSCRIPTIONS or first != expected.lower().encode()
        if not self._has_subscribed or first.upper().decode("latin-1") not in SUBSCRIPTIONS:
            return False
        return not self._waiting or self._waiting[0].words[0].lower().encode() != first

    def _tell(self, command: _Command, reply: RespValue | None, moment: Moment) -> None:
        """A command has ended so; without a reply nobody knows how."""
        words = command.words
        fields: dict[str, Value] = {
            "event.type": ["connection", "protocol"],
            "event.outcome": UNKNOWN,
            "network_traffic.redis.query": commands.text_of_query(words, self._known),
            "network_traffic.redis.method": self._teller.masked(words[0]),
        }
        if len(words) > 1:
            fields["network_traffic.redis.resource"] = self._teller.masked(words[1])
        outcome, text = UNKNOWN, ""
        if reply is not None:
            outcome = FAILURE if reply.kind in ERRORS else SUCCESS
            text = commands.return_text(reply, words, self._known)
            fields["event.outcome"] = outcome
            fields["network_traffic.redis.status"] = "OK" if outcome == SUCCESS else "Error"
            fields["redis.return_value" if outcome == SUCCESS else "redis.error"] = text
        self._events.append(ProtocolEvent(moment, "redis_command", fields))
        if (attempt := command.attempt) is not None:
            self._events.append(self._teller.event(attempt, outcome, text, moment))
        self._told += 1
        self.done |= self._told >= EVENTS_MAX
