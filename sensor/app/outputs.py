"""The places where a run writes: sinks, the memory of rules, the ledger's file."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

from sensor.app.options import RunOptions
from sensor.base.escape import harmless
from sensor.engine.ledger import Ledger
from sensor.engine.protocols import EventWriter, FlowWriter, SinkPart
from sensor.errors import ConfigError
from sensor.protocols.secrets import KEY_BYTES_MIN, Secrets
from sensor.sinks import SINKS, SinkOptions
from sensor.sinks.alert_files import ALERTS
from sensor.sinks.base import Sink
from sensor.sinks.flow_files import EVENTS, FlowSink, held_notice, open_table
from sensor.sinks.jsonl import FLOWS
from sensor.terminal.console import ConsoleOptions, discard
from sensor.terminal.stderr import print_stderr

AnySink = Sink | FlowSink
KEY_BYTES_MAX = 4096


@dataclass
class RunOutputs:
    """The receivers of the alerts, flow records and protocol events of a run.

    The flow file is opened last: opening may rename it, and what fails before leaves it alone.
    """

    sinks: Sequence[SinkPart]
    flow_sink: FlowWriter | None = None
    flow_events: bool = False
    """True if the flow file also gets what is not a final record."""
    event_sink: EventWriter | None = None
    """The file of protocol events."""
    secrets: Secrets = field(default_factory=Secrets)
    """What may be told of passwords."""


def open_sinks(options: RunOptions, *, live: bool = False) -> list[Sink]:
    """The sinks of a run, standard output first. Errors: ConfigError.

    `live`: whoever uses them has patience; a server that is not there does not hold up the start.
    """
    if options.flows == "-" and options.as_json:
        raise ConfigError("--flows - and --json would both write to stdout: give one a FILE")
    if options.flow_events and not options.flows:
        raise ConfigError("--flow-events says what --flows FILE writes: give that too")
    if options.protocol_events == "-" and (options.as_json or options.flows == "-"):
        raise ConfigError("--protocol-events - would share stdout: give it a FILE")
    if options.alerts == "-":
        raise ConfigError("--alerts -: alerts go to stdout as JSON by --json")
    sink_options = SinkOptions(
        console=console_options(options),
        stream=sys.stderr if "-" in (options.flows, options.protocol_events) else None,
        syslog_format=options.syslog_format,
        syslog_time=options.syslog_time,
        config=options.config,
        live=live,
    )
    wanted = [("json" if options.as_json else "console", "")]
    if options.alerts:
        wanted.append(("file", options.alerts))
    wanted += [("syslog", url) for url in options.syslog]
    if options.journald:
        wanted.append(("journald", "journald"))
    return [SINKS[name](place, sink_options) for name, place in wanted]


def open_files(options: RunOptions, *, live: bool = False) -> list[FlowSink | None]:
    """The files of flow records and of protocol events, in this order. Errors: ConfigError."""
    return [
        open_table(path, live=live, what=what) if path else None
        for what, path in ((FLOWS, options.flows), (EVENTS, options.protocol_events))
    ]


def held_notices(options: RunOptions) -> list[str]:
    """What is said of files that hold something already. Errors: ConfigError."""
    named = ((ALERTS, options.alerts), (FLOWS, options.flows), (EVENTS, options.protocol_events))
    notices = (held_notice(path, what) for what, path in named if path)
    return [notice for notice in notices if notice]


def open_secrets(options: RunOptions) -> Secrets:
    """What the options let be told of passwords. Errors: ConfigError."""
    if options.reveal_secrets and not options.protocol_events:
        raise ConfigError("--reveal-secrets has passwords in the file of --protocol-events FILE,"
                          " and nowhere else: give that too")
    key = None
    if options.hash_key_file:
        place = harmless(options.hash_key_file)
        try:
            with open(options.hash_key_file, "rb") as stream:
                key = stream.read(KEY_BYTES_MAX)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(f"--hash-key-file {place}: {reason}") from None
        if len(key) < KEY_BYTES_MIN:
            raise ConfigError(f"--hash-key-file {place}: {len(key)} octets; at least"
                              f" {KEY_BYTES_MIN} make a key")
    return Secrets(key, reveal=options.reveal_secrets)


def console_options(options: RunOptions) -> ConsoleOptions:
    """The options of lines for people."""
    return ConsoleOptions(options.color, options.local_time)


def open_stats(path: str) -> TextIO:
    """The file of `--stats`, opened before anything is read. Errors: ConfigError."""
    if path == "-":
        return sys.stdout
    try:
        return open(path, "a", encoding="utf-8")  # what is in it stays until there is a new one
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"--stats {harmless(path)}: {reason}") from None


def write_stats(stream: TextIO, ledger: Ledger) -> bool:
    """Write the ledger as one line of JSON; False, and a message, if that fails."""
    try:
        if stream is not sys.stdout:
            with contextlib.suppress(OSError):  # a pipe or a device has nothing to cut
                stream.truncate(0)
        stream.write(json.dumps(ledger, separators=(",", ":")) + "\n")
        stream.flush()
        if stream is not sys.stdout:
            stream.close()
    except BrokenPipeError:
        discard(stream)
    except OSError as error:
        with contextlib.suppress(OSError):  # half a ledger is of no use
            if stream is not sys.stdout:
                os.ftruncate(stream.fileno(), 0)
        discard(stream)
        print_stderr(f"sensor: --stats {harmless(str(stream.name))}: {error.strerror}")
        return False
    return True
