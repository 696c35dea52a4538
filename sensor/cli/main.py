"""The command line's entry: the group of commands, and how a run of it ends."""

from __future__ import annotations

import errno
import sys

import click

from sensor.cli.group import LazyGroup
from sensor.cli.help import WIDTH_MAX
from sensor.cli.output import DAMAGED, DONE, INTERRUPTED, USAGE, crashed, error_text, version_text
from sensor.errors import OperatorError, reason_of
from sensor.terminal.console import discard
from sensor.terminal.stderr import print_stderr

HELP = """A network-flow sensor: which connections were really accepted, and what rules say of them.

\b
  sensor replay captures/demo.pcap             alerts of a capture, for people
  sensor replay --json /var/captures | jq .    ECS documents, one a line
  tcpdump -w - | sensor replay -               from a pipe
  sudo sensor live -i eth0 --user nobody       a span or tap port, as it happens
  sensor rules show accepted_default_telnet_port_connection

Every option is an environment variable too: SENSOR_FLOWS for --flows; those that may be repeated
are separated by blanks. Settings are read from the first that there is of ./sensor.toml,
$XDG_CONFIG_HOME/sensor/config.toml and /etc/sensor/sensor.toml; the environment wins over it,
the command line over both.

Exit codes: 0 done; 1 done, but an input was damaged or unreadable or a sink failed;
2 bad usage, configuration or rule; 3 with --fail-on-alert, if any alert was raised;
70 a defect of the sensor itself; 130 interrupted (143 by SIGTERM, which `live` takes for a wish
to end: 0 or 1): what was read is told.
"""


def main() -> int:
    """Run the command line; returns the exit code."""
    if sys.stdout is None:  # whatever is opened next would get its number, and its lines
        print_stderr("sensor: standard output is closed; > /dev/null is for those who want none")
        return DAMAGED
    code = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)  # its reader has what it wanted
    except OSError as error:
        return _unwritten(error)
    return code


def _run() -> int:
    try:
        code = commands.main(prog_name="sensor", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = USAGE
    except click.ClickException as error:
        print_stderr(error_text(error))
        code = USAGE
    except OperatorError as error:
        print_stderr(f"sensor: {error}")
        code = USAGE
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        code = _unwritten(error) if _is_full(error) else crashed(error)
    return code if isinstance(code, int) else DONE


def _is_full(error: Exception) -> bool:
    """Return True if standard output does not take what a command prints; files have names."""
    return (isinstance(error, OSError) and error.filename is None
            and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))  # fmt: skip


def _unwritten(error: Exception) -> int:
    """Say that standard output did not take what was to be written; returns the exit code."""
    discard(sys.stdout)
    print_stderr(f"sensor: standard output: {reason_of(error)}")
    return DAMAGED


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(version_text())
        context.exit()


commands = LazyGroup(
    {
        "replay": "sensor.cli.replay:replay",
        "live": "sensor.cli.live:live",
        "evidence": "sensor.cli.evidence:evidence",
        "report": "sensor.cli.report:report",
        "rules": "sensor.cli.rules:rules",
        "transcript": "sensor.cli.transcript:transcript",
        "doctor": "sensor.cli.doctor:doctor",
        "completion": "sensor.cli.completion:completion",
        "host-events": "sensor.cli.host_events:host_events_command",
    },
    file_command="replay",
    name="sensor",
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH_MAX},
    params=[click.Option(["--version", "-V"], is_flag=True, expose_value=False, is_eager=True,
                         callback=_show_version, help="Show the version and exit.")],
)  # fmt: skip
