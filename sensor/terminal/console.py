"""Terminals and pipes: whether to colour, and how; rich where it is wanted."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TextIO

from sensor.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

COLORS = ("auto", "always", "never")
SEVERITY_STYLES = {
    "low": "cyan",
    "medium": "yellow",
    "high": "bold red",
    "critical": "bold white on red",
}
VERDICT_STYLES = {"accepted": "bold", "denied": "dim", "dropped": "dim"}
"""Accepted is what matters, and no colour of its own: whether it is a risk is for rules to say."""


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """Wishes of people about their lines."""

    color: str = "auto"
    """`auto` (on a terminal, unless NO_COLOR is set), `always` or `never`."""
    local_time: bool = False
    """True if times are in this machine's zone, with its offset, instead of UTC."""
    width: int | None = None
    """Columns of the tables; None: the terminal's, 80 where there is none."""

    def __post_init__(self) -> None:
        if self.color not in COLORS:
            raise ConfigError(f"--color {self.color}: must be one of {', '.join(COLORS)}")


def is_terminal(stream: IO[str]) -> bool:
    """Return True if `stream` is an open terminal."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError, OSError):
        return False


def rich_console(
    stream: TextIO, options: ConsoleOptions, *, width: int | None = None
) -> Console | None:
    """A rich console on `stream`, or None where plain text belongs: no terminal, no forced colour.

    On a terminal without colours (`never`, NO_COLOR, TERM=dumb) it is still a rich console, because
    a progress bar on the same terminal needs one to draw around.
    """
    terminal = is_terminal(stream)
    if not terminal and options.color != "always":
        return None
    from rich.console import Console  # noqa: PLC0415

    plain = options.color == "never" or (
        options.color == "auto"
        and bool(os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
    )
    return Console(
        file=stream,
        force_terminal=terminal or options.color == "always",
        color_system=None if plain else ("auto" if terminal else "standard"),
        no_color=plain,
        highlight=False,
        markup=False,
        emoji=False,
        width=options.width or (None if terminal else width),
    )


def shared_console(
    alerts_console: Console | None, options: ConsoleOptions, stderr: TextIO, stdout: TextIO
) -> Console | None:
    """The console for what is drawn beside alerts: on stderr, if that is a terminal.

    Where stdout is one too they share the screen, and only `alerts_console` (the console sink's
    `console`) can draw around itself; without it (`--json`) there is none.
    """
    if not is_terminal(stderr):
        return None
    return alerts_console if is_terminal(stdout) else rich_console(stderr, options)


def discard(stream: IO[str]) -> None:
    """Point a stream whose reader is gone at the null device.

    Otherwise Python complains about the octets still buffered in it when the process ends.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)
