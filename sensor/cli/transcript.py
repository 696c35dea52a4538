"""`sensor transcript`: Telnet sessions as a person would read them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from sensor.app.build import build_replay, run_whole
from sensor.app.ledger import report
from sensor.app.options import ReplayOptions
from sensor.app.outputs import RunOutputs, console_options
from sensor.base.escape import harmless
from sensor.capture.files.discover import discover
from sensor.cli.options import (
    BPF_OPTION,
    COLOR_OPTION,
    NO_PATH,
    flow_options,
    options_of,
    packet_selection,
    time_options,
)
from sensor.cli.output import DAMAGED, DONE
from sensor.ecs.alert_text import alert_time
from sensor.errors import ConfigError
from sensor.protocols import TRANSCRIBED
from sensor.protocols.telnet.transcript import CLIENT_MARK, NOTE_MARK
from sensor.report.sessions import Session, Sessions
from sensor.rules.protocol_needs import needed_protocols
from sensor.rules.ruleset import RuleSet
from sensor.terminal.console import rich_console
from sensor.terminal.stderr import print_stderr

STYLES = {CLIENT_MARK: "bold", NOTE_MARK: "yellow"}
TITLE_STYLE = "bold underline"
LISTED_MAX = 20
"""Sessions that a message names."""


@dataclass(frozen=True, kw_only=True)
class TranscriptOptions(ReplayOptions):
    """The options of `sensor transcript`."""

    flow: tuple[str, ...] = ()


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--flow", metavar="ID", multiple=True,
              help="Only the session of this flow: flow.id or network.community_id of an alert. "
                   "Repeatable.  [default: all sessions]")
@time_options
@BPF_OPTION
@flow_options
@click.option("--local-time", is_flag=True, help="Times in this machine's zone, not UTC.")
@COLOR_OPTION
@click.pass_context
def transcript(context: click.Context, /, **given: Any) -> int:
    """Print Telnet sessions of captures as a person would read them.

    PATH is as in replay. Behind the time, < is what the server printed, > a line that was typed
    and * a note. Options are folded away; passwords, and whatever else was typed and not echoed,
    are masked.

    \b
      sensor transcript captures/demo.pcap
      sensor transcript today.pcapng --flow 1:wCb3OG7yAFWelaUydu0D+125CLM=
    """
    options = options_of(TranscriptOptions, context, given)
    if not options.paths:
        raise click.UsageError(NO_PATH, context)
    sessions = Sessions()
    config = options.config
    pipeline = build_replay(
        discover(options.paths), RuleSet([], config), RunOutputs((), event_sink=sessions), config,
        packet_selection(options), protocols=needed_protocols((), TRANSCRIBED),
    )  # fmt: skip
    run_whole(pipeline)
    failed = report(pipeline, ())
    sessions.kept.sort(key=lambda session: session.start_ns)
    chosen = chosen_sessions(sessions, options.flow)
    if not chosen:
        print_stderr("no Telnet session was found")
    print_sessions(chosen, options)
    if sessions.left_out:
        print_stderr(f"notice: {sessions.left_out} further sessions are left out: name one by "
                     "--flow, or a part of the captures by --from, --to or --bpf")
    return DAMAGED if failed else DONE


def chosen_sessions(sessions: Sessions, names: tuple[str, ...]) -> list[Session]:
    """The sessions that are asked for. Errors: ConfigError if a name is none's."""
    if not names:
        return sessions.kept
    for name in names:
        if not any(name in session.names for session in sessions.kept):
            listed = "".join(f"\n  {session.flow_id}  {session.endpoints}"
                             for session in sessions.kept[:LISTED_MAX])
            raise ConfigError(f"--flow {harmless(name)}: no Telnet session has this flow id or "
                              f"Community ID; there are {len(sessions.kept)}"
                              + (f":{listed}" if listed else ""))
    return [session for session in sessions.kept if not set(names).isdisjoint(session.names)]


def print_sessions(sessions: list[Session], options: TranscriptOptions) -> None:
    """Print sessions to standard output, a blank line between them."""
    console = rich_console(sys.stdout, console_options(options))
    for number, session in enumerate(sessions):
        lines = lines_of(session, local_time=options.local_time)
        for line, style in [("", ""), *lines] if number else lines:
            if console is None:
                sys.stdout.write(line + "\n")
            else:
                console.print(line, style=style, soft_wrap=True)


def lines_of(session: Session, *, local_time: bool) -> Iterator[tuple[str, str]]:
    """The lines of a session, each with its style."""
    yield f"{session.endpoints}  {'  '.join(session.names[::-1])}", TITLE_STYLE
    yield session.said, ""
    for entry in session.transcript:
        when = alert_time(entry.time_ns, local=local_time)
        yield f"{when}  {entry.mark} {entry.text}", STYLES.get(entry.mark, "")
