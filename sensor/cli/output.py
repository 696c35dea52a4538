"""Exit codes, and the lines that the command itself prints about how it ended."""

from __future__ import annotations

import os
import signal
import sys
from difflib import get_close_matches

import click
from click.core import ParameterSource

from sensor._version import __version__
from sensor.base.escape import harmless
from sensor.cli.group import LazyGroup
from sensor.terminal.stderr import print_stderr

DONE, DAMAGED, USAGE, ALERTED, CRASHED, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 70, 130, 143
"""Exit codes, as in `sensor --help`."""


def error_text(error: click.ClickException) -> str:
    """What is wrong with the command line, and where help is, in two lines."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = error.format_message()
    if isinstance(error, click.NoSuchOption):
        message = _no_option(error)
    elif isinstance(error, click.MissingParameter) and context and isinstance(
            error.param, click.Argument):
        usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
        message = f"no {error.param.make_metavar(context).strip('[]')} is given: {usage}"
    elif isinstance(error, click.BadParameter) and context and error.param and (
            context.get_parameter_source(str(error.param.name)) is ParameterSource.ENVIRONMENT):
        message += f" (it comes from the environment: {error.param.envvar})"
    command = context.command_path if context else "sensor"
    return f"sensor: {message}\nTry '{command} --help'."


_ELSEWHERE = {"-r": "sensor replay FILE", "-i": "sensor live -i IFACE"}
"""What other programs of the field have as an option, and how it is asked for here."""


def _no_option(error: click.NoSuchOption) -> str:
    """An option that the command does not have, and where it is or what may be meant."""
    name, context = error.option_name, error.ctx
    said = f"no option '{harmless(name)}'"
    if context is None:
        return said
    root = context.find_root()
    if context is root and name in _ELSEWHERE:
        return f"{said} here: {_ELSEWHERE[name]}"
    assert isinstance(root.command, LazyGroup)
    owners = [path for path, command in root.command.commands_below(root)
              if any(name in (*param.opts, *param.secondary_opts) for param in command.params)]
    if owners and context is root:
        owner = "replay" if "replay" in owners else owners[0]
        return f"{said} in front of a command; behind it: sensor {owner} {harmless(name)}"
    nearest = get_close_matches(name, error.possibilities or (), n=1, cutoff=0.75)
    if nearest:
        return f"{said}; did you mean '{nearest[0]}'?"
    return f"{said} of {context.command_path}; {' and '.join(owners)} has it" if owners else said


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
