"""The places where a run writes: sinks, the memory of rules, the ledger's file."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TextIO, TypeVar

from sensor.app.options import RunOptions
from sensor.base.escape import harmless
from sensor.config import SinkLimits
from sensor.engine.ledger import Ledger
from sensor.engine.protocols import EventWriter, FlowWriter, RecordWriter, SinkPart
from sensor.errors import ConfigError, reason_of
from sensor.protocols.secrets import KEY_BYTES_MIN, Secrets
from sensor.sinks import SINKS, SinkOptions
from sensor.sinks.alert_files import ALERTS
from sensor.sinks.base import FlowSink, Sink
from sensor.sinks.flow_files import EVENTS, held_notice, open_table
from sensor.sinks.jsonl import FLOWS
from sensor.sinks.server_options import shown_path
from sensor.terminal.console import ConsoleOptions, discard
from sensor.terminal.stderr import print_stderr

if TYPE_CHECKING:
    from sensor.sinks.delivery.record_sink import RecordSink
    from sensor.sinks.delivery.transport import RecordWire

AnySink = Sink | FlowSink
KEY_BYTES_MAX = 4096
Batch_contra = TypeVar("Batch_contra", contravariant=True)


class Writer(Protocol[Batch_contra]):
    """A receiver of batches of one kind."""

    def write(self, flows: Batch_contra) -> None: ...


@dataclass(frozen=True)
class Several(Generic[Batch_contra]):
    """Receivers that get the same batches."""

    receivers: Sequence[Writer[Batch_contra]]

    def write(self, flows: Batch_contra) -> None:
        for receiver in self.receivers:
            receiver.write(flows)


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
    servers: Sequence[RecordWriter] = ()
    """Servers that get flow records and protocol events."""
    secrets: Secrets = field(default_factory=Secrets)
    """The bounds of what is told of passwords."""


def open_sinks(options: RunOptions, *, live: bool = False) -> list[Sink]:
    """The sinks of a run, standard output first. Errors: ConfigError.

    `live`: whoever uses them has patience; a server that is not there does not hold up the start.
    """
    if options.flows == "-" and options.as_json:
        raise ConfigError("--flows - and --json would both write to stdout: give one a FILE")
    if options.flow_events and not (options.flows or options.elasticsearch or options.kafka):
        raise ConfigError("--flow-events says what --flows FILE writes: give that too, or"
                          " --elasticsearch URL, or --kafka BROKERS/TOPIC")
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
    sinks = [SINKS[name](place, sink_options) for name, place in wanted]
    stores = [*(("elasticsearch", url) for url in options.elasticsearch),
              *(("kafka", target) for target in options.kafka)]
    for name, place in stores:
        sink = SINKS[name](place, sink_options)
        if not live:  # what stores alerts is waited for; `live` puts it into a thread itself
            sink = patient(sink, options.config.sink)
        sinks.append(sink)
    return sinks


def patient(sink: Sink, limits: SinkLimits) -> Sink:
    """A sink of a replay that waits for its server, in a thread of its own."""
    from sensor.sinks.delivery.background import background  # noqa: PLC0415  few runs need it

    return background(sink, limits, patience_s=limits.patience_s)


def open_servers(options: RunOptions, *, live: bool = False) -> list[RecordSink]:
    """The servers that get flow records and protocol events, each with its thread.

    Errors: ConfigError.
    """
    if not (options.elasticsearch or options.kafka):
        return []
    from sensor.sinks.delivery.background import background_records  # noqa: PLC0415  as above

    limits = options.config.sink
    return [background_records(wire, limits, options.spool if live else None,
                               patience_s=0.0 if live else limits.patience_s)
            for wire in record_wires(options)]


def record_wires(options: RunOptions) -> Iterator[RecordWire]:
    """The ways to the servers that get flow records and protocol events. Errors: ConfigError."""
    if options.elasticsearch:
        from sensor.sinks.elasticsearch.sink import bulk_wire  # noqa: PLC0415  few runs need it

        for url in options.elasticsearch:
            yield bulk_wire(url, options.config, "records")
    if options.kafka:
        from sensor.sinks.kafka.sink import RECORDS, kafka_wire  # noqa: PLC0415  as above

        for target in options.kafka:
            yield kafka_wire(target, options.config, RECORDS)


def open_files(options: RunOptions, *, live: bool = False) -> list[FlowSink | None]:
    """The files of flow records and of protocol events, in this order. Errors: ConfigError."""
    return [
        open_table(path, live=live, what=what) if path else None
        for what, path in ((FLOWS, options.flows), (EVENTS, options.protocol_events))
    ]


def held_notices(options: RunOptions) -> list[str]:
    """Notices about files that hold something already. Errors: ConfigError."""
    named = ((ALERTS, options.alerts), (FLOWS, options.flows), (EVENTS, options.protocol_events))
    notices = (held_notice(path, what) for what, path in named if path)
    return [notice for notice in notices if notice]


def open_secrets(options: RunOptions) -> Secrets:
    """The part of passwords that the options let be told. Errors: ConfigError."""
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
            raise ConfigError(f"--hash-key-file {place}: {reason_of(error)}") from None
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
        raise ConfigError(f"--stats {shown_path(path)}: {reason_of(error)}") from None


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
