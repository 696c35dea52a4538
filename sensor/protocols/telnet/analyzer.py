"""Telnet: who logged in, whether it worked, what was typed, and which attack was tried.

    client octets -> Wire -> Keyboard -> lines --+
                      |                          +--> Dialogue -> logins, commands
    server octets -> Wire -> Screen -> lines ----+
                      +-> options -> terminal, environment, attacks

What is said stands in docs/telnet.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sensor.base.escape import harmless
from sensor.model.protocol_values import BOT, EXPLOIT_OUTCOMES, LINE_MODES, TELNET_CONFIDENCE
from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent, Value
from sensor.protocols.secrets import Known, Secrets
from sensor.protocols.telnet import exploits, prompts
from sensor.protocols.telnet.attempts import BYPASS, NO_LOGIN, SUCCESS, Login
from sensor.protocols.telnet.binary import Binary
from sensor.protocols.telnet.bots import DEFAULT_PAIRS, MIRAI_WINDOW, MiraiSigns, transfer
from sensor.protocols.telnet.commands import Command
from sensor.protocols.telnet.exploits import Exploit
from sensor.protocols.telnet.keyboard import Keyboard
from sensor.protocols.telnet.login import Dialogue
from sensor.protocols.telnet.options import ECHO, SGA, Negotiation, client_kind
from sensor.protocols.telnet.proxies import Prelude
from sensor.protocols.telnet.screen import Screen
from sensor.protocols.telnet.states import Phase, Surroundings
from sensor.protocols.telnet.transcript import Transcript
from sensor.protocols.telnet.wire import (
    ABORT,
    BRK,
    EC,
    EL,
    EOR,
    GA,
    IAC,
    IP,
    Data,
    Offer,
    Suboption,
    Token,
    Wire,
)
from sensor.protocols.telnet.wire import (
    Command as WireCommand,
)

ATTEMPTED, _ = EXPLOIT_OUTCOMES
BY_CHARACTER, BY_LINE = LINE_MODES
QUIET_NS = 50_000_000
"""So long a server is silent before a line that is not over counts as a prompt."""
UNPROVEN_MAX = 4096
"""Octets of a side without negotiation or a login, after which nobody speaks Telnet here."""
FIRST_MAX = 64
_OTHERS = re.compile(rb"(?:GET|HEAD|POST|PUT|OPTIONS|DELETE) \S|SSH-[12]\.|\x16\x03[\0-\4]|RFB 00")
"""Clients of other protocols."""
_IAC = bytes([IAC])
BANNER_MAX = 256
EXPLOITS_MAX = 32
COMMANDS_MAX = 64
LINES_MAX = 8
"""Commands that the event of the session repeats."""


class TelnetAnalyzer:
    """Tells of logins, commands, attacks and, at the end, of the session."""

    def __init__(self, secrets: Secrets, *, transcribe: bool = False) -> None:
        """`transcribe` has the event of the session carry what was printed and typed in it."""
        self.done = False
        self.due_ns = 0
        self._secrets = secrets
        self._events: list[ProtocolEvent] = []
        self._is_whole = True
        self._known = Known()
        self._transcribe = transcribe
        self._start()

    def _start(self) -> None:
        self._prelude = Prelude()
        self._wires = [Wire(), Wire()]
        self._octets = [0, 0]
        self._binary = [Binary(), Binary()]
        self._first = [b"", b""]
        self._screen, self._keyboard = Screen(), Keyboard()
        self._options = Negotiation()
        self._counters = exploits.Counters()
        self._exploits: list[Exploit] = []
        self._signs = MiraiSigns()
        self._server_moment = Moment(0)
        self._is_new = False
        """The server has printed something that was not judged yet."""
        self._skims = False
        """What `_may_skim` has said since the last call of this analyzer."""
        self._lines: list[str] = []
        self._transcript = Transcript() if self._transcribe else None
        self._last: Login | None = None
        self._dialogue = Dialogue(Surroundings(
            user=lambda: self._options.account or self._options.user,
            bypass_user=self._bypass,
            client_is_absent=lambda: not self._octets[CLIENT],
            echoes=lambda: self._options.is_on(SERVER, ECHO),
        ), known=self._known, is_whole=self._is_whole, is_synced=self._is_whole)  # fmt: skip

    @property
    def held_bytes(self) -> int:
        parts = self._screen, self._dialogue, self._transcript
        return sum(part.held_bytes for part in parts if part is not None)

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        if self._skims and side == SERVER and _IAC not in octets:
            self._skim(octets, moment)
            return
        if self._prelude.is_over:
            self._feed(side, octets, moment)
        else:
            for whose, rest in self._prelude.feed(side, octets):
                self._feed(whose, rest, moment)
        self._skims = self._may_skim()

    def _may_skim(self) -> bool:
        """True if somebody is in, and in the text that the server prints nothing matters but the
        line that it ends with. It is most of what is said; `_skim` does with it all that the way
        through `_feed` would.
        """
        return (not self._dialogue.wants_lines and self._wires[SERVER].is_in_text
                and self._transcript is None and self._is_telnet() and not self._options.is_dark
                and len(self._first[SERVER]) == FIRST_MAX and not self.done)  # fmt: skip

    def _skim(self, octets: bytes, moment: Moment) -> None:
        self._octets[SERVER] += len(octets)
        self._server_moment = moment
        self._options.text(SERVER, len(octets))
        self._screen.skim(octets)
        self._is_new = True
        self.due_ns = moment.time_ns + QUIET_NS

    def _feed(self, side: int, octets: bytes, moment: Moment) -> None:
        if 0 < (room := UNPROVEN_MAX + 1 - self._octets[side]) < len(octets):
            self._feed(side, octets[:room], moment)
            octets = octets[room:]
        if self.done:
            return
        self._octets[side] += len(octets)
        if self._options.is_dark:
            return
        self._first[side] += octets[: FIRST_MAX - len(self._first[side])]
        if side == SERVER:
            self._server_moment = moment
        else:
            self._judge()
        if side == CLIENT and not self._is_telnet() and _OTHERS.match(self._first[CLIENT]):
            self.done = True
            return
        self._take_all(side, self._wires[side].feed(octets), moment)
        if self._octets[side] > UNPROVEN_MAX and not self._is_telnet():
            self.done = True
        if self._is_new and side == SERVER:
            self.due_ns = moment.time_ns + QUIET_NS

    def _take_all(self, side: int, tokens: list[Token], moment: Moment) -> None:
        for token in tokens:
            self._take(side, token, moment)
            self._collect()
            if self.done:
                return
            if self._options.is_dark:
                self._dialogue.darken(moment)
                self._note("encrypted from here on", moment)
                self._collect()
                self.due_ns, self._is_new = 0, False
                return
        if side == CLIENT and self._dialogue.phase is not Phase.IN:
            self._tell(self._counters.left_open(self._wires[CLIENT].is_stuffed), moment)

    def gap(self, side: int, count: int, moment: Moment) -> None:
        if self.done or self._options.is_dark:
            return
        self._skims = False
        self._wires[side].reset()
        self._prelude.is_over = True
        if count == 0:  # the connection is older than the capture
            self._is_whole = self._dialogue.is_whole = self._dialogue.is_synced = False
            return
        self._judge()
        self._note(f"{count} octets of the {'server' if side else 'client'} are missing", moment)
        self._dialogue.lose(moment)
        if side == SERVER:
            self._screen.reset()
        elif self._octets[CLIENT]:
            self._keyboard.reset()
        self._collect()

    def turn(self) -> None:
        self._is_whole = False
        self._start()

    def expire(self) -> None:
        self._judge()
        self._skims = self._may_skim()

    def close(self, moment: Moment) -> None:
        self._judge()
        self._dialogue.close(moment)
        self._collect()
        if self._is_telnet():
            if self._transcript is not None:
                self._transcript.printed(self._screen.pending, moment)
                if (typed := self._secrets.typed) is not None:
                    typed.shown.update(self._transcript.typed_lines(is_shown=True))
                    typed.hidden.update(self._transcript.typed_lines(is_shown=False))
                    typed.hidden.update(self._known.secrets)
            self._events.append(ProtocolEvent(moment, "telnet_session", self._session(),
                                              is_proven=self._options.is_negotiated))  # fmt: skip
        self.done = True

    def take(self) -> list[ProtocolEvent]:
        events, self._events = self._events, []
        return events

    # What comes in

    def _take(self, side: int, token: Token, moment: Moment) -> None:
        if isinstance(token, Data):
            self._text(side, token.octets, moment)
        elif isinstance(token, Offer):
            self._options.offer(side, token)
        elif isinstance(token, Suboption):
            self._suboption(side, token, moment)
        elif side == CLIENT:
            self._command(token, moment)
        elif token.code in (GA, EOR):
            self._judge()

    def _text(self, side: int, octets: bytes, moment: Moment) -> None:
        """Octets of text; while it is not known whether this is Telnet, they must not be binary."""
        at, binary = 0, self._binary[side]
        while at < len(octets) and not self.done:
            is_known = self._is_telnet()
            part = octets[at:] if is_known else octets[at : at + binary.room]
            at += len(part)
            self._options.text(side, len(part))
            if side == CLIENT:
                self._typed(part, moment)
            else:
                self._printed(part, moment)
            self.done = not is_known and binary.add(part) and not self._is_telnet()

    def _typed(self, octets: bytes, moment: Moment) -> None:
        if self._screen.full_screen:
            self._keyboard.drop()
            return
        if self._dialogue.key():
            self._keyboard.skip()
        for line in self._keyboard.feed(octets):
            self._signs.line(line.text)
            if self._transcript is not None:
                self._transcript.typed(line, self._screen.line, moment,
                                       is_in=self._dialogue.phase is Phase.IN)
            self._dialogue.typed(line, moment)
            self._collect()
            self._screen.cut()
            self._is_new = False

    def _printed(self, octets: bytes, moment: Moment) -> None:
        is_wanted, was_full = self._dialogue.wants_lines, self._screen.full_screen
        if is_wanted or self._transcribe:
            lines = self._screen.feed(octets)
        else:
            lines = []
            self._screen.skim(octets)
        if self._transcript is not None:
            is_full = self._screen.full_screen
            self._transcript.full_screen(moment, is_on=is_full)
            for line in () if was_full or is_full else lines:
                self._transcript.printed(line.text, moment)
        for line in lines if is_wanted else ():
            self._dialogue.printed(line, moment)
            self._collect()
        self._is_new = True

    def _judge(self) -> None:
        """Look at the line that the server has not ended, if it is not what was looked at."""
        self.due_ns = 0
        if not self._is_new or self._screen.full_screen:
            return
        self._is_new = False
        pending = self._screen.pending
        if not self._keyboard.is_empty:
            without = _without(pending, self._keyboard.text)
            if without is None:
                return
            pending = without
        if self._dialogue.judge(pending, self._server_moment):
            self._screen.cut()  # what follows is no part of the prompt
        self._collect()

    def _suboption(self, side: int, token: Suboption, moment: Moment) -> None:
        variables = self._options.suboption(side, token)
        self._tell(exploits.in_variables(variables, self._first[SERVER]), moment)
        self._tell(exploits.in_suboption(side, token), moment)
        self._keyboard.set_key(erase=self._options.erase_key, kill=self._options.kill_key)
        if (decision := self._options.authenticated) is not None:
            self._options.authenticated = None
            self._dialogue.authenticated(accepted=decision == "accepted", moment=moment)

    def _command(self, token: WireCommand, moment: Moment) -> None:
        if self._dialogue.phase is not Phase.IN:
            is_first = self._first[CLIENT].startswith(bytes((IAC, token.code)))
            self._tell(self._counters.command(token.code, is_first=is_first), moment)
        if token.code in (IP, BRK, ABORT, EL):
            self._keyboard.drop()
        elif token.code == EC:
            self._keyboard.erase_one()

    def _bypass(self) -> tuple[bool, str | None]:
        tried = [one for one in self._exploits if one.is_on_login]
        return bool(tried), next((one.user for one in tried if one.user), None)

    def _is_telnet(self) -> bool:
        """True if there is something to tell of."""
        return bool(self._options.is_negotiated or self._dialogue.logins_told
                    or self._dialogue.has_asked or self._exploits)  # fmt: skip

    # What comes out

    def _collect(self) -> None:
        """Make events of what the dialogue has found."""
        if self._dialogue.logins or self._dialogue.commands.found:
            self._tell_found(self._dialogue)

    def _tell_found(self, dialogue: Dialogue) -> None:
        for login in dialogue.logins:
            if login.outcome == BYPASS:
                for exploit in self._exploits:
                    if exploit.is_on_login:
                        self._add("telnet_exploit", login.moment, exploit.fields(BYPASS))
            self._last = login
            if self._transcript is not None and login.attempt.name:
                self._transcript.tell(login.attempt.name)
            self._add("telnet_login", login.moment, self._of_login(login),
                      login.attempt.secret or "")
        dialogue.logins_told += len(dialogue.logins)
        dialogue.logins.clear()
        for command in dialogue.commands.found:
            if self._transcript is not None:
                self._transcript.tell(command.text)
            if command.number > COMMANDS_MAX:
                continue
            fields = self._of_command(command)
            self._add("telnet_command", command.moment, fields)
            if len(self._lines) < LINES_MAX:
                self._lines.append(str(fields["telnet.command.line"]))
        dialogue.commands.found.clear()

    def _add(
        self, action: str, moment: Moment, fields: Mapping[str, Value], secret: str = ""
    ) -> None:
        self._events.append(ProtocolEvent(
            moment, action, fields, secret if self._secrets.reveal else "",
            is_proven=self._options.is_negotiated))  # fmt: skip

    def _note(self, text: str, moment: Moment) -> None:
        if self._transcript is not None:
            self._transcript.note(text, moment)

    def _tell(self, found: list[Exploit], moment: Moment) -> None:
        for exploit in found:
            if len(self._exploits) < EXPLOITS_MAX and exploit not in self._exploits:
                self._exploits.append(exploit)
                self._add("telnet_exploit", moment, exploit.fields(ATTEMPTED))

    def _clean(self, text: str, most: int = 256) -> str:
        return harmless(self._dialogue.known.masked(text))[:most]

    def _of_login(self, login: Login) -> dict[str, Value]:
        attempt = login.attempt
        is_in = login.outcome in (SUCCESS, BYPASS, NO_LOGIN)
        fields: dict[str, Value] = {
            "event.category": ["authentication", "network"],
            "event.type": ["start"] if is_in else ["info"],
            "event.outcome": "success" if is_in else login.outcome,
            "telnet.login.outcome": login.outcome,
            "telnet.login.evidence": login.evidence,
            "telnet.login.confidence": TELNET_CONFIDENCE[login.evidence],
            "telnet.login.method": attempt.method,
        }
        if login.text:
            fields["telnet.login.text"] = self._clean(login.text, 80)
        if attempt.number:
            fields["telnet.login.attempt"] = attempt.number
        if attempt.name:
            fields["user.name"] = harmless(attempt.name)
            fields["related.user"] = [harmless(attempt.name)]
        if login.password_change:
            fields["telnet.password_change"] = True
        if (secret := attempt.secret) is not None:
            is_default = (attempt.name or "", secret) in DEFAULT_PAIRS
            if is_default:
                self._signs.sign("pair")
            fields |= {
                "telnet.password.length": len(secret),
                "telnet.password.hash": self._secrets.hash_of(secret),
                "telnet.password.is_default": is_default,
                "telnet.password.empty": not secret,
            }
        return fields

    def _of_command(self, command: Command) -> dict[str, Value]:
        fields: dict[str, Value] = {
            "event.category": ["session", "network"],
            "event.type": ["info"],
            "telnet.command.line": self._clean(command.text),
            "telnet.command.number": command.number,
        }
        if command.from_echo:
            fields["telnet.command.from_echo"] = True
        if command.is_incomplete:
            fields["telnet.command.incomplete"] = True
        for name, value in transfer(command.text).items():
            fields[f"telnet.transfer.{name}"] = self._clean(value)
        return fields

    def _session(self) -> dict[str, Value]:
        options, dialogue, transcript = self._options, self._dialogue, self._transcript
        if MIRAI_WINDOW in self._first[CLIENT]:
            self._signs.sign("window")
        elevations = dialogue.commands.elevations
        found: dict[str, Value | None] = {
            "event.category": ["session", "network"],
            "event.type": ["end"],
            "user.name": harmless(dialogue.user) if dialogue.user else None,
            "related.user": [harmless(dialogue.user)] if dialogue.user else None,
            "telnet.terminal.type": self._clean("".join(options.terminals[:1])) or None,
            "telnet.terminal.columns": options.window[0] if options.window else None,
            "telnet.terminal.rows": options.window[1] if options.window else None,
            "telnet.environment.names": [self._clean(name) for name in options.variables] or None,
            "telnet.environment.user": self._clean(options.user) if options.user else None,
            "telnet.negotiated": options.is_negotiated,
            "telnet.mode": self._mode() if options.is_negotiated else None,
            "telnet.echo": options.is_on(SERVER, ECHO),
            "telnet.encrypted": True if options.is_dark else None,
            "telnet.kind": options.kind,
            "telnet.proxy.destination": self._clean(self._prelude.destination or "") or None,
            "telnet.banner": self._clean(" / ".join(dialogue.banner), BANNER_MAX) or None,
            "telnet.client.kind": client_kind(self._first[CLIENT]),
            "telnet.bot": BOT if self._signs.is_mirai_like else None,
            "telnet.login.attempts": dialogue.attempts,
            "telnet.login.failures": dialogue.failures,
            "telnet.login.outcome": dialogue.outcome or "unknown",
            "telnet.login.evidence": self._last.evidence if self._last else None,
            "telnet.login.text": self._clean(self._last.text, 80) or None if self._last else None,
            "telnet.command.count": dialogue.commands.count,
            "telnet.command.lines": self._lines or None,
            "telnet.elevation.kind": [one.kind for one in elevations] or None,
            "telnet.elevation.user": [self._clean(one.user or "") for one in elevations] or None,
            "telnet.elevation.outcome": [one.outcome for one in elevations] or None,
            "telnet.confused": True if dialogue.is_confused else None,
            "telnet.transcript": transcript.lines(self._known) if transcript is not None else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _mode(self) -> str:
        """How lines are sent."""
        options = self._options
        by_character = all(options.has_been_on(SERVER, option)
                           and not options.is_refused(SERVER, option) for option in (ECHO, SGA))
        return BY_CHARACTER if by_character and not options.client_edits else BY_LINE


def _without(pending: str, typed: str) -> str | None:
    """A line that is not over without the echo of what the client has typed so far; None if that
    echo is still coming.

    A password that was begun before it was asked for is not echoed behind its prompt.
    """
    if typed and pending.endswith(typed):
        return pending.removesuffix(typed)
    asked = pending.removeprefix(typed)
    if not (prompts.is_password_prompt(asked) or prompts.is_name_prompt(asked)):
        return None
    if not prompts.before_password(asked).strip() and prompts.is_password_prompt(asked):
        return asked
    shown = asked.rstrip()
    return None if any(shown.endswith(typed[:count]) for count in range(1, len(typed))) else asked
