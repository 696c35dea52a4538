"""Sinks of alerts: the table of them, from which `app/outputs.py` opens those of a run.

A sink is a class with the attributes of `base.Sink`, a line in `SINKS`, a case in
tests/conformance/test_sinks.py: docs/adding-a-sink.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from sensor.config import Config
from sensor.sinks.alert_files import open_alerts
from sensor.sinks.base import Sink
from sensor.sinks.console import open_console
from sensor.sinks.jsonl import JsonSink
from sensor.terminal.console import ConsoleOptions


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """Settings that a sink may need besides where it writes."""

    console: ConsoleOptions = field(default_factory=ConsoleOptions)
    stream: TextIO | None = None
    """The stream of the console's lines; None: standard output."""
    syslog_format: str = "rfc5424"
    syslog_time: str = "packet"
    """The time in headers: `packet`, or `now`."""
    config: Config = field(default_factory=Config)
    live: bool = False
    """True if the sink goes into a `ThreadedSink`, which connects from its thread."""


def _syslog(url: str, options: SinkOptions) -> Sink:
    from sensor.sinks.syslog import sink as syslog  # noqa: PLC0415  slow to import

    return syslog.open_syslog(url, options.syslog_format, options.config, live=options.live,
                              now=options.syslog_time == "now")  # fmt: skip


def _journald(target: str, options: SinkOptions) -> Sink:
    from sensor.sinks import journald  # noqa: PLC0415  slow to import

    return journald.open_journald(target, live=options.live)


def _elasticsearch(url: str, options: SinkOptions) -> Sink:
    from sensor.sinks.elasticsearch import sink as elasticsearch  # noqa: PLC0415  slow to import

    return elasticsearch.open_elasticsearch(url, options.config)


def _kafka(target: str, options: SinkOptions) -> Sink:
    from sensor.sinks.kafka import sink as kafka  # noqa: PLC0415  slow to import

    return kafka.open_kafka(target, options.config)


SINKS: dict[str, Callable[[str, SinkOptions], Sink]] = {
    "console": lambda _, options: open_console(options.stream, options.console),
    "json": lambda _, options: JsonSink(),
    "file": lambda path, options: open_alerts(path, live=options.live),
    "syslog": _syslog,
    "journald": _journald,
    "elasticsearch": _elasticsearch,
    "kafka": _kafka,
}
"""The function that opens a sink: `(place, options)` -> sink; errors: ConfigError."""
