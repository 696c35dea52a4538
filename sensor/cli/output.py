"""Exit codes, and the lines that the command itself prints about how it ended."""

from __future__ import annotations

import os
import signal
import sys
from difflib import get_close_matches

import click

from sensor._version import __version__
from sensor.terminal.stderr import print_stderr

DONE, DAMAGED, USAGE, ALERTED, CRASHED, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 70, 130, 143
"""Exit codes, as in `sensor --help`."""


def error_text(error: click.ClickException) -> str:
    """What is wrong with the command line, and where help is, in two lines."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        nearest = get_close_matches(error.option_name, error.possibilities, n=1)
        error = click.NoSuchOption(error.option_name, possibilities=nearest, ctx=context)
    command = context.command_path if context else "sensor"
    return f"sensor: {error.format_message()}\nTry '{command} --help'."


def crashed(error: Exception) -> int:
    """Say in a line what nobody expected, and where; returns the exit code.

    With SENSOR_TRACEBACK set the whole way there is shown too, for a report.
    """
    import traceback  # noqa: PLC0415

    if os.environ.get("SENSOR_TRACEBACK"):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    place = f"{last.name}, line {last.lineno}"
    print_stderr(f"sensor: internal error, please report it: {what} ({place})")
    return CRASHED


def version_text() -> str:
    """`sensor 0.1.0 (compiled, Python 3.11.7)`."""
    from importlib.util import find_spec  # noqa: PLC0415

    spec = find_spec("sensor.model.frames")
    compiled = spec is not None and not str(spec.origin).endswith(".py")
    kind = "compiled" if compiled else "interpreted"
    return f"sensor {__version__} ({kind}, Python {sys.version.split()[0]})"


def exit_code(interrupted: int, failed: bool, alerts: int, fail_on_alert: bool) -> int:
    """The exit code; what is worst wins. `interrupted` is the signal's number, or 0."""
    if interrupted:
        return TERMINATED if interrupted == signal.SIGTERM else INTERRUPTED
    if failed:
        return DAMAGED
    return ALERTED if fail_on_alert and alerts else DONE
