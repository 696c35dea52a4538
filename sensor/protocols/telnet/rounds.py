"""Lines that were typed while nobody is in and no login asked for them, and the prompts there.

They may be typed ahead, answers to prompts in words that are not known, or commands of a shell or a
menu without a login. Rounds of a prompt, a line, text and the same prompt again prove the last. At
a prompt that is no shell's a line must have been echoed for that: such a prompt may ask for a
secret, in words that are not known, and ask again because it was wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sensor.protocols.analyzer import Moment
from sensor.protocols.telnet import prompts
from sensor.protocols.telnet.keyboard import Line

QUEUE_MAX = 64
"""Lines that wait for their prompts."""


@dataclass
class Waiting:
    """A line, and the prompt that was no login's when it was typed."""

    line: Line
    moment: Moment
    prompt: str
    is_at_shell: bool
    is_echoed: bool = False


class Rounds:
    """The lines that wait, in order, and what repeats."""

    def __init__(self) -> None:
        self.lines: deque[Waiting] = deque(maxlen=QUEUE_MAX)
        self.forget()

    def forget(self) -> None:
        """Another prompt was answered: what repeats is to be seen anew."""
        self.prompt, self.is_shell = "", False
        self.typed_since = self.printed_since = False
        self._count = 0

    def typed(self, line: Line, moment: Moment) -> None:
        """A line that nothing has asked for yet."""
        self.lines.append(Waiting(line, moment, self.prompt, self.is_shell))
        self.typed_since, self.printed_since = True, False

    def printed(self, full: str) -> None:
        """A line of the server's: it may be an echo."""
        shown = full.rstrip()
        for one in self.lines:
            one.is_echoed = one.is_echoed or bool(shown and (
                one.line.needs_echo or shown.endswith(one.line.text.strip())))  # fmt: skip

    def is_echo(self, text: str) -> bool:
        """True if a line only repeats what was typed."""
        return any(one.line.text.strip() == text for one in self.lines)

    def prompted(self, text: str, *, is_shell: bool) -> None:
        """A prompt that is no login's."""
        self.prompt, self.is_shell = text[-prompts.PROMPT_MAX :], is_shell
        self.typed_since = False

    def has_repeated(self, text: str, *, is_start: bool) -> bool:
        """True if lines were answered with text and the prompt that was there before them."""
        if not (self.typed_since and self.printed_since):
            return False
        if is_start and self.is_shell and prompts.is_shell_prompt(text):
            return True
        is_secret = not self.is_shell and not (self.lines and self.lines[-1].is_echoed)
        if text[-prompts.PROMPT_MAX :] != self.prompt or is_secret:
            self._count = 0
            return False
        self._count += 1
        return self._count >= (1 if self.is_shell else 2)

    def take(self) -> Iterator[tuple[Waiting, bool]]:
        """The lines, each with whether it may be told: what was typed at a prompt that is not
        known, and not echoed, is a secret.
        """
        while self.lines:
            one = self.lines.popleft()
            yield one, not one.prompt or one.is_at_shell or one.is_echoed
