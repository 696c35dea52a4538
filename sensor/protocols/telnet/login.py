"""The dialogue of a Telnet connection: who logs in, whether it works, what is typed then.

    start --name asked--> asking --password asked, sent--> sent --+--> in --(exit)--> asking
      |                     ^                                     |
      +--shell prompt-----> in                  failure, asked again

Lines are paired with prompts in order, not by time: people and scripts type ahead. A prompt is
judged on a line that is not over, when nothing more comes for a while or the client speaks; text
that the server printed before a password never decides about it, an echo never about anything.
Whoever is not sure says `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sensor.protocols.analyzer import Moment
from sensor.protocols.secrets import Known
from sensor.protocols.telnet import prompts
from sensor.protocols.telnet.attempts import (
    BYPASS,
    FAILURE,
    NEVER,
    NO_LOGIN,
    SUCCESS,
    UNKNOWN,
    Attempt,
    Login,
    name_of,
)
from sensor.protocols.telnet.commands import Commands
from sensor.protocols.telnet.keyboard import Line
from sensor.protocols.telnet.rounds import Rounds
from sensor.protocols.telnet.screen import Printed
from sensor.protocols.telnet.states import Asked, Phase, Surroundings

BANNER_LINES_MAX = 64
BANNER_LINE_MAX = 256
"""Characters of a line of the banner that are kept."""
TEXT_MAX = 1200
"""Characters that are kept of a text: more than is told, so that no password in it is cut in two
before it is masked."""


@dataclass
class Dialogue:
    """The state machine. Results are collected in `logins` and `commands`."""

    around: Surroundings
    logins: list[Login] = field(default_factory=list)
    is_whole: bool = True
    """The connection was seen from its first octet."""
    is_synced: bool = True
    """False after octets were missing: what is typed answers nobody knows what, up to a prompt."""
    is_confused: bool = False
    attempts: int = 0
    failures: int = 0
    outcome: str | None = None
    """Of the last login."""
    known: Known = field(default_factory=Known)
    """Passwords that were sent."""
    banner: list[str] = field(default_factory=list)
    logins_told: int = 0
    user: str | None = None
    """The account of the last login that worked, or else of the last one that was tried."""

    def __post_init__(self) -> None:
        self.phase = Phase.START
        self.commands = Commands(self.known.learn, self.around.echoes)
        self._asked = Asked.NOTHING
        self._waits_for_key = False
        self._attempt: Attempt | None = None
        self._rounds = Rounds()
        self._queue = self._rounds.lines
        self._has_been_in = False
        self.has_asked = False
        """Somebody was asked for an account or a password."""

    @property
    def held_bytes(self) -> int:
        """Characters of the lines that wait, and of what the server has greeted with."""
        waiting = [*(one.line.text for one in self._queue), *self.banner]
        return sum(map(len, waiting)) + self.commands.held_bytes

    def named(self, name: str, moment: Moment) -> None:
        """The protocol itself has named the account that somebody logs in to."""
        self.phase, self._attempt = Phase.ASKING, Attempt(name_of(name), moment=moment)

    def typed(self, line: Line, moment: Moment) -> None:
        """The client has ended a line."""
        if not self.is_synced:
            self._rounds.typed_since = True
        elif self._asked is not Asked.NOTHING:
            self._answer(line, moment)
        elif self.phase is Phase.IN:
            self.commands.typed(line, moment)
        elif line.text or line.needs_echo or self._queue or self.phase is not Phase.START:
            self._rounds.typed(line, moment)  # an empty one at the start only wakes a console

    def key(self) -> bool:
        """True if what is typed next is a key that a pager or a question waits for, and no line."""
        waits, self._waits_for_key = self._waits_for_key, False
        return waits

    @property
    def wants_lines(self) -> bool:
        """False while nothing that is printed matters, but for the prompt behind it."""
        return self.phase is not Phase.IN or self.commands.waits

    def printed(self, line: Printed, moment: Moment) -> None:
        """The server has ended a line."""
        text = line.text.strip()
        self._waits_for_key = False
        if self._asked is Asked.NAME and text and not self.around.client_is_absent():
            self._asked = Asked.NOTHING  # the line went on: it was no prompt
            self.phase = Phase.START
        if self.phase is Phase.IN:
            self.commands.printed(line)
            return
        self._rounds.printed(line.full)
        if not text or self._rounds.is_echo(text):
            pass
        elif self.phase is Phase.SENT or self._is_unseen():
            self._send_unseen(moment)
            self._printed_behind(text, moment)
        else:
            self._printed_before(text, moment)

    def judge(self, pending: str, moment: Moment) -> bool:
        """Look at a line that is not over: nothing more comes for now.

        True: it asks for an account or a password.
        """
        self._waits_for_key = prompts.is_pager(pending) or prompts.is_question(pending)
        if self._waits_for_key or not pending.strip():
            return False
        self._sync(pending)
        if self.phase is Phase.IN:
            self._judge_inside(pending, moment)
        elif prompts.is_password_prompt(pending) or (
                self.phase is Phase.SENT and prompts.is_other_secret(pending)):
            self._password_asked(pending, moment)
            return True
        elif prompts.is_name_prompt(pending):
            self._name_asked(pending, moment)
            return True
        else:
            if self._is_unseen():
                self._send_unseen(moment)
            self._other_prompt(pending, moment)
        return False

    def _sync(self, pending: str) -> None:
        """After a loss a prompt makes it clear again what is typed."""
        if not self.is_synced and (prompts.is_name_prompt(pending)
                                   or prompts.is_password_prompt(pending)
                                   or prompts.is_shell_prompt(pending)):  # fmt: skip
            self.is_synced = True

    def authenticated(self, *, accepted: bool, moment: Moment) -> None:
        """The AUTHENTICATION option has decided."""
        if self.phase is Phase.IN:
            return
        self.attempts += 1
        attempt = Attempt(self.around.user(), "authentication", None, moment, self.attempts)
        if accepted:
            self._succeed("authentication_accept", "", moment, attempt)
        else:
            asked = self._attempt if self._asked is Asked.PASSWORD else None
            self._fail("authentication_reject", "", moment, attempt)
            self._attempt = asked

    def darken(self, moment: Moment) -> None:
        """What follows is encrypted."""
        if self.phase is Phase.SENT:
            self._end_attempt(UNKNOWN, "encrypted", "", moment)
        self._attempt = None

    def lose(self, moment: Moment) -> None:
        """Octets are missing: what was under way is not known any more."""
        self.is_whole = self.is_synced = False
        if self.phase is Phase.START and not self._queue and not self._rounds.typed_since:
            return
        self.is_confused = True
        if self.phase is Phase.SENT:
            self._end_attempt(UNKNOWN, "gap", "", moment)
        if self.phase is Phase.IN:
            self.commands.lose()
        else:
            self.phase = Phase.START
        self._asked, self._attempt = Asked.NOTHING, None
        self._queue.clear()
        self._rounds.forget()

    def close(self, moment: Moment) -> None:
        """The connection is over."""
        if self.phase is Phase.SENT:
            attempt = self._attempt
            assert attempt is not None
            if attempt.failure and self._is_clear(attempt):
                self._fail("failure_text", attempt.failure, moment)
            elif attempt.welcome:
                self._succeed("success_text", attempt.welcome, moment)
            elif self.failures and self._is_clear(attempt):
                self._fail("closed_after_failures", "", moment)
            else:
                self._end_attempt(UNKNOWN, "closed_after_password", "", moment)
        elif self.phase is Phase.ASKING:
            self._end_unsent(moment)
        elif (self.phase is Phase.START and self._rounds.is_shell and self._rounds.typed_since
              and self._rounds.printed_since):
            self._enter(moment)
        self.commands.close()

    # Prompts

    def _name_asked(self, text: str, moment: Moment) -> None:
        if self._asked is Asked.NAME:
            return
        if self._is_unseen():
            self._send_unseen(moment)
        if self.phase is Phase.SENT:
            self._fail_again(text, moment)
        elif self.phase is Phase.ASKING:
            self._end_unsent(moment)
        self._attempt = None
        self._ask(Asked.NAME)

    def _password_asked(self, text: str, moment: Moment) -> None:
        if self._asked in (Asked.PASSWORD, Asked.SECRET):
            return
        head = prompts.before_password(text)
        if self._attempt is None and self._queue and head and prompts.is_name_prompt(head):
            self._name_asked(head, moment)
        if self.phase is Phase.SENT:
            assert self._attempt is not None
            attempt = self._attempt
            if attempt.changes or prompts.is_change_prompt(text):
                self._succeed("password_change", text, moment, password_change=True)
                self.commands.password_asked(text, moment, "change")
                self._asked = Asked.PASSWORD if not self.commands.take_ahead() else Asked.NOTHING
                return
            if not prompts.is_password_prompt(text):
                self._ask(Asked.SECRET, Phase.SENT)
                return
            self._fail_again(text, moment)
            self._attempt = Attempt(attempt.name, attempt.method)
        elif self._attempt is None:
            user = self.around.user()
            self._attempt = Attempt(user, "environment" if user else "password")
        self._ask(Asked.PASSWORD)

    def _ask(self, what: Asked, phase: Phase = Phase.ASKING) -> None:
        """Somebody must answer; a line that was typed ahead does."""
        self._asked, self.phase = what, phase
        self.has_asked = True
        self._rounds.forget()
        if self._queue:
            one = self._queue.popleft()
            self._answer(one.line, one.moment)

    def _answer(self, line: Line, moment: Moment) -> None:
        """A line that was typed at a prompt."""
        asked, self._asked = self._asked, Asked.NOTHING
        if self.phase is Phase.IN:
            self.commands.secret(line.text)
        elif asked is Asked.NAME:
            self._attempt = Attempt(name_of(line.text), moment=moment)
        elif asked is Asked.PASSWORD:
            self._send(line.text, moment)
        else:
            self.known.learn(line.text)

    def _send(self, secret: str | None, moment: Moment) -> None:
        """A password was sent."""
        attempt = self._attempt
        assert attempt is not None
        self.attempts += 1
        attempt.secret, attempt.moment, attempt.number = secret, moment, self.attempts
        if secret is not None:
            self.known.learn(secret)
        self.phase = Phase.SENT
        self._rounds.forget()

    def _is_unseen(self) -> bool:
        """True if the client's side was not captured, and it must have sent a password."""
        return self._asked is Asked.PASSWORD and self.around.client_is_absent()

    def _send_unseen(self, moment: Moment) -> None:
        if self._is_unseen():
            self._asked = Asked.NOTHING
            self._send(None, moment)

    def _other_prompt(self, text: str, moment: Moment) -> None:
        """A line that is not over, and asks for no login: the prompt of a shell, or a menu."""
        is_shell = prompts.is_shell_prompt(text)
        if self.phase is Phase.SENT:
            self._prompt_behind(text, moment, is_shell=is_shell)
        elif not self.is_whole:
            if is_shell:
                self._enter(moment, outcome=None)
        elif self.phase is Phase.ASKING:
            if is_shell and not (self._attempt is not None and self._attempt.failure):
                self._let_in_without_password(text, moment)
        elif is_shell and self.around.bypass_user()[0]:
            self._bypass("shell_prompt", text, moment)
        elif self._rounds.has_repeated(text, is_start=self.phase is Phase.START):
            self._enter(moment)
        if self.phase is not Phase.IN:
            self._rounds.prompted(text, is_shell=is_shell)

    def _prompt_behind(self, text: str, moment: Moment, *, is_shell: bool) -> None:
        """The same behind a password."""
        attempt = self._attempt
        assert attempt is not None
        if is_shell and not attempt.is_plain:
            self._succeed("shell_prompt", text, moment)
        elif attempt.welcome and not attempt.failure:
            self._succeed("success_text", attempt.welcome, moment)
        elif self._rounds.has_repeated(text, is_start=False):
            self._succeed("prompt_repeats", text, moment)

    def _judge_inside(self, text: str, moment: Moment) -> None:
        """A prompt in a session."""
        if self.commands.is_echo(text):
            return
        if prompts.is_password_prompt(text) or prompts.is_other_secret(text):
            if self._asked is Asked.PASSWORD:
                return
            self.commands.password_asked(text, moment)
            self._asked = Asked.NOTHING if self.commands.take_ahead() else Asked.PASSWORD
        elif prompts.is_name_prompt(text) and self.commands.has_left():
            self.commands.prompted(text)
            self.phase, self._attempt = Phase.ASKING, None
            self._queue.clear()
            self._asked = Asked.NOTHING
            self._name_asked(text, moment)
        else:
            self.commands.prompted(text)

    def _printed_behind(self, text: str, moment: Moment) -> None:
        """A line after a password."""
        attempt = self._attempt
        assert attempt is not None
        self._rounds.printed_since = True
        if prompts.asks_for_change(text):
            attempt.changes = True
        elif prompts.is_success(text) and not attempt.is_plain:
            self._succeed("success_text", text, moment)
        elif prompts.is_failure(text):
            attempt.failure = attempt.failure or text
            attempt.is_plain = attempt.is_plain or prompts.is_plain_failure(text)
        elif prompts.is_shells_answer(text):
            self._succeed("shell_answer", text, moment)
        elif prompts.is_welcome(text) and text[:BANNER_LINE_MAX] not in self.banner:
            attempt.welcome = attempt.welcome or text
        else:
            self._pair_ahead(text, moment)

    def _printed_before(self, text: str, moment: Moment) -> None:
        """A line before any password."""
        self._rounds.printed_since = True
        if self._pair_ahead(text, moment):
            return
        if prompts.is_success(text):
            if self.phase is Phase.START and self.is_whole and self.around.bypass_user()[0]:
                self._bypass("success_text", text, moment)
                return
            if self.phase is Phase.ASKING and self._attempt is not None and self.is_whole:
                self._let_in_without_password(text, moment, "success_text")
                return
        if self.phase is Phase.ASKING and self._attempt is not None and prompts.is_failure(text):
            self._attempt.failure = self._attempt.failure or text
        is_echo = self._attempt is not None and text.strip() == self._attempt.name
        if not is_echo and len(self.banner) < BANNER_LINES_MAX:
            self.banner.append(text[:BANNER_LINE_MAX])

    def _pair_ahead(self, text: str, moment: Moment) -> bool:
        """A prompt that was answered before it came is a line, with the echo of the answer."""
        if not self._queue:
            return False
        typed = self._queue[0].line.text
        asked = text
        if typed and asked.endswith(typed):
            asked = asked.removesuffix(typed)
        if prompts.is_password_prompt(asked):
            self._password_asked(asked, moment)
        elif prompts.is_name_prompt(asked):
            self._name_asked(asked, moment)
        else:
            return False
        return True

    def _let_in_without_password(
        self, text: str, moment: Moment, evidence: str = "shell_prompt"
    ) -> None:
        """Somebody is in who was asked for a name, and for nothing else."""
        if self._attempt is None:  # a console that logs in by itself: nobody answered
            self._asked = Asked.NOTHING
            self.phase = Phase.START
            self._rounds.prompt, self._rounds.is_shell = text, True
            return
        if self.around.bypass_user()[0]:
            self._bypass(evidence, text, moment, self._attempt.name)
            return
        self.attempts += 1
        self._attempt.number, self._attempt.method = self.attempts, "none"
        self._succeed(evidence, text, moment)

    def _enter(self, moment: Moment, outcome: str | None = NO_LOGIN) -> None:
        """A session without a login; None: it was under way, and how it began is not known."""
        self.phase = Phase.IN
        if outcome is not None:
            self._note(Login(outcome, "prompt_repeats", self._rounds.prompt[-TEXT_MAX:], moment,
                             Attempt(method="none")))
        else:
            self.outcome = self.outcome or UNKNOWN
            self._queue.clear()
        self._flush()

    def _bypass(
        self, evidence: str, text: str, moment: Moment, name: str | None = None
    ) -> None:
        self.attempts += 1
        name = self.around.bypass_user()[1] or name
        attempt = Attempt(name, "environment", None, moment, self.attempts)
        self.phase = Phase.IN
        self._note(Login(BYPASS, evidence, text[-TEXT_MAX:], moment, attempt))
        self._flush()

    def _succeed(
        self, evidence: str, text: str, moment: Moment, attempt: Attempt | None = None,
        *, password_change: bool = False,
    ) -> None:
        attempt = attempt or self._attempt
        assert attempt is not None
        self.phase = Phase.IN
        self._asked = Asked.NOTHING
        self._attempt = None
        self._note(
            Login(SUCCESS, evidence, text.strip()[:TEXT_MAX], moment, attempt, password_change))
        self._flush()

    def _flush(self) -> None:
        """Lines that were typed ahead are commands."""
        for one, may_be_told in self._rounds.take():
            if may_be_told:
                self.commands.typed(one.line, one.moment)
            else:
                self.known.learn(one.line.text)

    def _fail_again(self, text: str, moment: Moment) -> None:
        assert self._attempt is not None
        failure = self._attempt.failure
        if self._is_clear(self._attempt):
            self._fail("failure_text" if failure else "prompt_again", failure or text, moment)
        else:
            self._end_attempt(UNKNOWN, "gap", "", moment)

    def _is_clear(self, attempt: Attempt) -> bool:
        """False where only the server was seen, and it has not said in plain words that it refused:
        what was typed in between may have begun and ended a session.
        """
        return attempt.is_plain or not self.around.client_is_absent()

    def _fail(
        self, evidence: str, text: str, moment: Moment, attempt: Attempt | None = None
    ) -> None:
        self.failures += 1
        self._end_attempt(FAILURE, evidence, text, moment, attempt)

    def _end_unsent(self, moment: Moment) -> None:
        """A name was given, and no password; one that is only kept from before was not."""
        attempt = self._attempt
        if attempt is not None and attempt.name and attempt.moment is not NEVER:
            self.attempts += 1
            attempt.number = self.attempts
            self._end_attempt(UNKNOWN, "password_not_sent", attempt.failure, moment)
        self._attempt = None

    def _end_attempt(
        self, outcome: str, evidence: str, text: str, moment: Moment, attempt: Attempt | None = None
    ) -> None:
        attempt = attempt or self._attempt
        assert attempt is not None
        self.phase = Phase.ASKING
        self._attempt = None
        self._note(Login(outcome, evidence, text.strip()[:TEXT_MAX], moment, attempt))

    def _note(self, login: Login) -> None:
        """Keep a result; failures behind a login that worked do not change whose session it is."""
        self.logins.append(login)
        self.outcome = login.outcome
        if login.outcome in (SUCCESS, BYPASS) or not self._has_been_in:
            self.user = login.attempt.name or self.user
        self._has_been_in = self._has_been_in or login.outcome in (SUCCESS, BYPASS)
