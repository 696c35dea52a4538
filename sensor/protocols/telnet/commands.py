"""What is typed by whoever is in: commands, and passwords of second logins (su, sudo, enable).

A line counts once the server has answered it: only then it is clear whether it was a command, or
what a prompt behind the command before asked for. Where the server echoes, or a prompt that is no
shell's asked, a line without an echo is a secret, whatever asked for it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from sensor.protocols.analyzer import Moment
from sensor.protocols.telnet import prompts
from sensor.protocols.telnet.keyboard import Line
from sensor.protocols.telnet.screen import Printed

OPEN_MAX = 64
"""Lines that wait for their answers."""
ELEVATIONS_MAX = 32
LINE_MAX = 256
KEPT_MAX = 1500
"""Characters of a command that are kept: more than is told, so that no password in it is cut in two
before it is masked."""
_ECHO_LINES = 4
"""Lines that a server may print before it echoes what was typed."""
_ECHO_CHARACTERS = 12
_KEYS_MAX = 16
"""Keys of a program that are told from the command behind them."""
_INVITES = re.compile(
    r"^\s*(?:exec\s+)?(?:\S*/)?(su|sudo|doas|enable|en|ena|passwd|ssh|ftp|telnet|rlogin|login"
    r"|super|kinit|mysql)\b(.*)", re.I)  # fmt: skip
_LEAVES = re.compile(r"^\s*(?:exit|logout|quit|bye|lo|logoff|end|disconnect)\s*(?:\d+)?\s*$", re.I)
_KINDS = {"en": "enable", "ena": "enable", "super": "enable", "doas": "sudo"}


@dataclass
class Command:
    """A command line."""

    text: str
    moment: Moment
    number: int
    """In its session, from 1."""
    from_echo: bool = False
    is_incomplete: bool = False


@dataclass
class Elevation:
    """A second login."""

    kind: str
    user: str | None
    outcome: str = "unknown"


@dataclass
class _Open:
    line: Line
    moment: Moment
    prompt: str
    is_echoing: bool
    """The server had said that it echoes. In line mode it says so only to hide what is typed."""
    waited: int = 0
    echo: str | None = None


class Commands:
    """Commands and second logins of one session, as they become certain: take them from `found`."""

    def __init__(self, learn: Callable[[str], None], echoes: Callable[[], bool]) -> None:
        """`learn` keeps a password; `echoes` says whether the server has said that it echoes."""
        self._learn = learn
        self._echoes = echoes
        self.found: list[Command] = []
        self.elevations: list[Elevation] = []
        self.count = 0
        self._open: deque[_Open] = deque()
        self._has_echoed = False
        self._prompt = ""
        self._last = ""
        """The last command."""
        self._is_running = False
        """No prompt has come since the last command."""
        self._elevation: Elevation | None = None
        self._failure = ""

    @property
    def held_bytes(self) -> int:
        """Characters of the lines that wait, and of their echoes."""
        return sum(len(one.line.text) + len(one.echo or "") for one in self._open)

    def typed(self, line: Line, moment: Moment) -> None:
        """A line, typed where nothing asked for a secret."""
        if not line.text.strip() and not line.needs_echo:
            return
        self._open.append(_Open(line, moment, self._prompt, self._echoes()))
        if len(self._open) > OPEN_MAX:
            self._settle(self._open[0], self._open.popleft().echo)

    def printed(self, line: Printed) -> None:
        """A line that the server printed."""
        if self._elevation is not None and prompts.is_failure(line.text):
            self._failure = line.text
        if not self._open:
            return
        if prompts.is_password_prompt(line.text.rstrip()) and self._may_be_asked():
            self.password_asked(line.text, self._open[0].moment)
            self.take_ahead()
            return
        first = next((one for one in self._open if one.echo is None), None)
        if first is None:
            return
        if not _is_echo(first.line, line.full):
            first.line = _as_shown(first.line, line.full)
        if _is_echo(first.line, line.full):
            self._has_echoed = True
            if self._may_be_answer(line):
                first.echo = line.full[:KEPT_MAX]
            else:
                self._settle_all(first)
                self._settle(self._open.popleft(), line.full)
        elif first is self._open[0]:
            self._miss_echo(first)

    def _miss_echo(self, first: _Open) -> None:
        """A line was printed that does not show the one that waits longest."""
        if first.is_echoing and self._has_echoed:
            first.waited += 1
            if first.waited >= _ECHO_LINES:
                self._open.popleft()
                self._learn(first.line.text)
        elif not first.line.needs_echo:
            self._settle(self._open.popleft(), None)

    @property
    def waits(self) -> bool:
        """True while what is printed may tell of a line that was typed."""
        return bool(self._open) or self._elevation is not None

    def is_echo(self, text: str) -> bool:
        """True if a line that is not over is the echo, so far, of one that waits for it."""
        shown = text.strip()
        return (bool(shown) and not prompts.is_shell_prompt(text)
                and any(one.echo is None and one.line.text.strip().startswith(shown)
                        for one in self._open))  # fmt: skip

    def prompted(self, text: str) -> None:
        """The server asks for the next command."""
        self._settle_all()
        self._is_running = False
        if self._elevation is not None:
            self._end_elevation("failure" if self._failure else "success")
        elif _rises(self._last, self._prompt, text):
            self._elevation = _elevation(self._last, "")
            self._end_elevation("success")
        self._prompt = text[-prompts.PROMPT_MAX :]

    def password_asked(self, text: str, moment: Moment, kind: str | None = None) -> None:
        """The server asks for a secret: what was typed before it asked has been a command, unless
        the one before it is still running.
        """
        if self._open and not self._is_running:
            self._settle(self._open.popleft(), None, is_certain=True)
        if kind == "change":
            self._elevation = Elevation(kind, None)
            return
        if self._elevation is not None:
            self._failure = ""
            return  # it asks again
        self._elevation = _elevation(self._last, text)

    def take_ahead(self) -> bool:
        """Give the prompt a line that was typed before it came; False if there is none."""
        if not self._open:
            return False
        self.secret(self._open.popleft().line.text)
        return True

    def secret(self, text: str) -> None:
        """What was typed where a secret was asked for."""
        self._learn(text)
        self._failure = ""

    def has_left(self) -> bool:
        """True if the last command ended the session, or there was none."""
        last = self._open[-1].line.text if self._open else self._last
        return not last or bool(_LEAVES.match(last))

    def lose(self) -> None:
        """Octets are missing: lines without an answer are not told."""
        self._open.clear()
        self._elevation = None

    def close(self) -> None:
        """Nothing more comes."""
        self._settle_all(at_end=True)
        if self._elevation is not None:
            self._end_elevation("failure" if self._failure else "unknown")

    def _may_be_asked(self) -> bool:
        """True if the command that runs, or is about to, may ask for a password."""
        return bool(_INVITES.match(self._last if self._is_running else self._open[0].line.text))

    def _may_be_answer(self, line: Printed) -> bool:
        """True if a terminal has echoed, without a prompt ahead of it, what may be the answer to
        what the command that runs is about to ask.
        """
        return (self._is_running and bool(_INVITES.match(self._last))
                and line.full.strip() == line.text.strip())

    def _settle_all(self, before: _Open | None = None, *, at_end: bool = False) -> None:
        """Nothing more is said of the lines that wait, or of those before one."""
        while self._open and self._open[0] is not before:
            if at_end and _INVITES.match(self._last):  # it may be what that asked for
                self._open.clear()
                break
            one = self._open.popleft()
            self._settle(one, one.echo)

    def _settle(self, one: _Open, echo: str | None, *, is_certain: bool = False) -> None:
        """A line is certain: with its echo, or without one."""
        text, from_echo = one.line.text, False
        if one.line.needs_echo and echo is not None:
            text, from_echo = _without_prompt(echo, one.prompt), True
        elif echo is None and not is_certain and self._may_be_secret(one):
            self._learn(text)
            return
        if not text.strip():
            return
        self._last, self._is_running = text, True
        self.count += 1
        incomplete = one.line.was_cut or (one.line.needs_echo and not from_echo)
        self.found.append(Command(text.strip()[:KEPT_MAX], one.moment, self.count, from_echo,
                                  incomplete or len(text) > LINE_MAX))  # fmt: skip

    def _may_be_secret(self, one: _Open) -> bool:
        """True if a line that was not echoed may be no command."""
        if one.prompt and not prompts.is_shell_prompt(one.prompt):
            return True
        return one.is_echoing and (self._has_echoed or not self._echoes())

    def _end_elevation(self, outcome: str) -> None:
        assert self._elevation is not None
        self._elevation.outcome = outcome
        if len(self.elevations) < ELEVATIONS_MAX and self._elevation.kind != "change":
            self.elevations.append(self._elevation)
        self._elevation, self._failure = None, ""


def _is_echo(line: Line, full: str) -> bool:
    """True if a line that was printed shows one that was typed; long ones may have been wrapped."""
    if line.needs_echo:
        return bool(full.strip())
    return line.text.strip()[:_ECHO_CHARACTERS] in full


def _as_shown(line: Line, full: str) -> Line:
    """The line without the keys before it that a program took (`q` in top): the server shows its
    end alone, behind a prompt.
    """
    text, shown = line.text.strip(), full.rstrip()
    for count in range(1, min(len(text), _KEYS_MAX + 1)):
        if shown.endswith(text[count:]):
            prompt = shown.removesuffix(text[count:])
            return replace(line, text=text[count:]) if prompts.is_shell_prompt(prompt) else line
    return line


def _without_prompt(full: str, prompt: str) -> str:
    """What stands behind the prompt in a line."""
    if prompt and full.startswith(prompt.rstrip()):
        return full[len(prompt.rstrip()):].strip()
    for mark in ("$ ", "# ", "> ", "% "):
        if mark in full[:120]:
            return full.split(mark, 1)[1].strip()
    return full.strip()


def _rises(command: str, before: str, after: str) -> bool:
    """True if a prompt shows that a command has given the rights of root or of an administrator."""
    match = _INVITES.match(command)
    kind = match[1].lower() if match else ""
    is_rise = (kind in ("su", "enable", "en", "ena", "super")
               or (kind in ("sudo", "doas") and re.search(r"\s-(?:i|s)\b|\ssu\b|sh$", command)))
    return bool(is_rise and after.rstrip().endswith("#") and before.strip()
                and not before.rstrip().endswith("#"))  # fmt: skip


def _run_as(arguments: str) -> str:
    """The account that sudo is told to run something as, ahead of what is run."""
    words = arguments.split()
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if not word.startswith("-"):
            break
        if word in ("-u", "--user"):
            return following or "root"
        if word.startswith(("-u", "--user=")):
            return word.removeprefix("--user=").removeprefix("-u")
    return "root"


def _elevation(command: str, prompt: str) -> Elevation:
    """What a password prompt behind a command is for."""
    match = _INVITES.match(command)
    typed = match[1].lower() if match else "other"
    kind = "sudo" if prompts.is_sudo(prompt) else _KINDS.get(typed, typed)
    words = [word for word in match[2].split() if not word.startswith("-")] if match else []
    named = words[0] if words else None
    if kind == "su":
        return Elevation(kind, named or "root")
    if kind == "sudo":
        return Elevation(kind, prompts.asked_for(prompt) or _run_as(match[2] if match else ""))
    if named and (kind in ("passwd", "login") or (kind == "ssh" and "@" in named)):
        return Elevation(kind, re.split("[:@]", named)[0])
    return Elevation(kind, prompts.asked_for(prompt))
