"""Telnet: no conversation raises, the cut never shows, no password is told, nothing grows on.

An input is a list of steps. An octet below 0x40 has the client send as many octets as it says,
which follow; 0 has some go missing. From 0x40 on it is one of the client's words, from 0xC0 on one
of the server's, which otherwise does the same from 0x80 on. Among the words are the end of a pause,
a change of sides, a beginning that was not captured, and an answer to the prompt for a password.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sensor.ecs.protocol_fields import PROTOCOL_ACTIONS, PROTOCOL_EVENT_FIELDS, PROTOCOL_FIELDS
from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent
from sensor.protocols.secrets import Secrets
from sensor.protocols.telnet.analyzer import TelnetAnalyzer

PAUSE, TURN, LATE, AGAIN, ANSWER, ECHO = b"pause", b"turn", b"late", b"again", b"answer", b"echo"
PASSWORD_PROMPTS = tuple(
    b"\xff\xf0\xff\xf0\r\n" + prompt
    for prompt in (b"Password: ", b"password:", b"[sudo] password for ann: ", b"New password: ",
                   "\u5bc6\u7801:".encode()))  # fmt: skip
SERVER_WORDS = (
    PAUSE, TURN, LATE, AGAIN, ECHO, *PASSWORD_PROMPTS, b"login: ", b"\r\nUsername: ", b"Geheim: ",
    b"\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03", b"\xff\xfb\x01", b"\xff\xfc\x01",
    b"\r\nLogin incorrect\r\n", b"\r\nLast login: today\r\n", b"\r\nann@box:~$ ", b"\r\nroot# ",
    b"\r\nsw1>", b"\r\n", b"ls\r\na b\r\n$ ", b"Welcome to box\r\n", b" --More-- ", b"[y/N] ",
    b"Sorry, try again.\r\n", b"password has expired\r\n", b"x: applet not found\r\n",
    b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b]0;t\x07", b"\x1b[2J", b"\b \b", b"\xff\xf9",
    b"\xff\xfa\x27\x01\xff\xf0", b"\xff\xfa\x25\x02\x02\x02\x02\xff\xf0",
    b"\xff\xfa\x25\x02\x02\x02\x01\xff\xf0", b"\xff\xfa\x26\x03\0\xff\xf0", b"menu: ", b"\xff\xfa",
    b"HTTP/1.1 200 x\r\n\r\n", b"\5\0", b"\5\0\0\1abcd\0\x17", b"exit\r\n", b"logout\r\n",
)  # fmt: skip
CLIENT_WORDS = (
    ANSWER, ANSWER, AGAIN, b"ann\r\n", b"root\r\n", b"\r\n", b"ls\r\n", b"su\r\n", b"sudo id\r\n",
    b"enable\r\n", b"passwd\r\n", b"exit\r\n", b"a", b"\x7f", b"\x03", b"\x15", b"\x16", b"\t",
    b"\x1b[A", b"\x1b[1;1R", b"\xff\xfb\x18\xff\xfb\x1f", b"\xff\xfa\x18\0xterm\xff\xf0",
    b"\xff\xfa\x1f\0\x50\0\x18\xff\xf0", b"\xff\xfa\x27\0\0USER\1ann\xff\xf0",
    b"\xff\xfa\x27\0\0USER\1-f root\xff\xf0", b"\xff\xfa\x25\3ann\xff\xf0", b"\xff\xf4",
    b"\xff\xfa",    b"\xff\xf7", b"\xff\xf6" * 40, b"/bin/busybox ECCHI\r\n",
    b"enable\r\nsystem\r\nshell\r\nsh\r\n",
    b"CONNECT a:23 HTTP/1.1\r\n\r\n", b"\5\1\0", b"\5\1\0\1abcd\0\x17", b"PROXY UNKNOWN\r\n",
    b"\xff\xfa\x22\3" + b"\x13\2\3" * 40 + b"\xff\xf0", b"mysql -px\r\n", b"q", b" ",
)  # fmt: skip
SECRETS = tuple(b"Zq7!wX0%d" % number for number in range(4))
REPEATS, REPEATED_MAX = 70, 3000
"""Times that a piece is said again, and octets that are said again in all."""
GAP_OCTETS = 10
STEP_NS, PAUSE_NS = 10_000_000, 100_000_000
STATE_BYTES_MAX = 1 << 20
"""Octets and characters that an analyzer may keep."""
VALUE_MAX = 1100
_NAMES = {one.name for one in (*PROTOCOL_EVENT_FIELDS, *PROTOCOL_FIELDS["telnet"])}
_KEY = bytes(16)


@dataclass
class Play:
    """A conversation, as one analyzer heard it in pieces of at most so many octets."""

    size: int
    analyzer: TelnetAnalyzer = field(default_factory=lambda: TelnetAnalyzer(Secrets(_KEY)))
    events: list[ProtocolEvent] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    """Passwords that were sent where one was asked for."""
    lines: int = 0
    now: Moment = field(default_factory=lambda: Moment(1, 1))
    is_asked: bool = False
    has_odd_keys: bool = False
    last: tuple[int, bytes] = (SERVER, b"")
    room: int = REPEATED_MAX

    def step(self, side: int, word: bytes) -> None:
        """Do what a step says."""
        pause = PAUSE_NS if word == PAUSE else STEP_NS
        self.now = Moment(self.now.time_ns + pause, self.now.frame + 1)
        if self.analyzer.due_ns and self.analyzer.due_ns <= self.now.time_ns:
            self.analyzer.expire()
        if word == ANSWER:
            self._answer()
        elif word == TURN:
            self.is_asked = False
            self.analyzer.turn()
        elif word == LATE:
            self.analyzer.gap(side, 0, self.now)
        elif word == AGAIN:
            for _ in range(min(REPEATS, self.room // (len(self.last[1]) + 1))):
                self.room -= len(self.last[1]) + 1
                self.say(*self.last)
        elif word == ECHO:
            self._echo()
        elif not word:
            self.is_asked = False
            self.analyzer.gap(side, GAP_OCTETS, self.now)
        elif word != PAUSE:
            self.last = side, word
            self.say(side, word)
        self.events += self.analyzer.take()

    def say(self, side: int, octets: bytes) -> None:
        """Have a side send octets."""
        dialogue = self.analyzer._dialogue
        has_ahead = bool(dialogue._queue or dialogue.commands._open)
        self.is_asked = (side == SERVER and octets in PASSWORD_PROMPTS and not has_ahead
                         and self.analyzer._prelude.is_over)  # fmt: skip
        if side == CLIENT:
            self.lines += octets.count(b"\r") + octets.count(b"\n")
            self.has_odd_keys = self.has_odd_keys or b"\x22" in octets
        for at in range(0, len(octets), self.size):
            if not self.analyzer.done:
                self.analyzer.feed(side, octets[at : at + self.size], self.now)

    def _answer(self) -> None:
        """Send a password, whatever stood in the line before, if one is asked for."""
        if self.is_asked and not self.has_odd_keys and not self.analyzer._screen.full_screen:
            secret = SECRETS[len(self.sent) % len(SECRETS)]
            self.say(CLIENT, b"\xff\xf0\xff\xf0\x07a\x03" + secret + b"\r\n")
            self.sent.append(secret)

    def _echo(self) -> None:
        """Have the server print a password that it got."""
        if self.sent:
            self.say(SERVER, b"\xff\xf0\xff\xf0" + self.sent[-1] + b"\r\n")

    def close(self) -> None:
        if not self.analyzer.done:
            self.analyzer.close(self.now)
        self.events += self.analyzer.take()


def steps_of(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """The sides and what they do."""
    at = 0
    while at < len(octets):
        what, at = octets[at], at + 1
        side, number = what >> 7, what & 0x3F
        if what & 0x40:
            words = SERVER_WORDS if side == SERVER else CLIENT_WORDS
            yield side, words[number % len(words)]
        else:
            yield side, octets[at : at + number]
            at += number


def played(octets: bytes, size: int) -> Play:
    """An input, played to its end."""
    play = Play(size)
    for side, word in steps_of(octets):
        if play.analyzer.done:
            break
        play.step(side, word)
    play.close()
    return play


def kept(thing: Any, seen: set[int]) -> int:
    """Octets and characters in an object and in all that it holds."""
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, str | bytes | bytearray):
        return len(thing)
    if isinstance(thing, dict):
        return sum(kept(one, seen) for pair in thing.items() for one in pair)
    if isinstance(thing, list | tuple | set) or hasattr(thing, "popleft"):
        return sum(kept(one, seen) for one in thing)
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return kept(getattr(thing, "__dict__", {}), seen) + sum(
        kept(getattr(thing, name, None), seen) for name in names)


def check_events(play: Play) -> None:
    """Errors: AssertionError if more is told than may be."""
    logins = 0
    for event in play.events:
        assert event.action in PROTOCOL_ACTIONS["telnet"] and event.fields.keys() <= _NAMES
        assert not event.secret
        logins += "telnet.password.length" in event.fields
        for value in event.fields.values():
            for text in value if isinstance(value, list) else [value]:
                assert not isinstance(text, str) or (text.isprintable() and len(text) <= VALUE_MAX)
                assert not any(secret.decode() in str(text) for secret in play.sent)
    assert logins <= play.lines


def check_telnet(octets: bytes) -> None:
    """Errors: AssertionError if something does not hold, or whatever the analyzer raises."""
    whole = played(octets, 1 << 20)
    check_events(whole)
    assert kept(whole.analyzer, set()) <= STATE_BYTES_MAX
    assert played(octets, 1).events == whole.events


def make(name: str) -> Callable[[bytes], None]:
    """The check of the target."""
    return check_telnet
