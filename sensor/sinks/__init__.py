"""Where alerts go: the table of sinks, and how the command line's words become one.

A sink is a class with the attributes of `base.Sink`, a line in `SINKS`, a case in
tests/conformance/test_sinks.py: docs/adding-a-sink.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from sensor.base.escape import harmless
from sensor.base.frozen import frozen
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.sinks.base import Sink
from sensor.sinks.console import ConsoleSink, open_console
from sensor.sinks.jsonl import FlowFile, JsonSink, open_json_file, open_json_stdout
from sensor.terminal.console import ConsoleOptions

__all__ = [
    "SINKS",
    "ConsoleOptions",
    "ConsoleSink",
    "FlowFile",
    "JsonSink",
    "Sink",
    "SinkOptions",
    "open_console",
    "open_journald",
    "open_json_file",
    "open_json_stdout",
    "open_sink",
    "open_syslog",
]


@frozen
class SinkOptions:
    """What a sink may need to know besides where it writes."""

    console: ConsoleOptions = field(default_factory=ConsoleOptions)
    syslog_format: str = "rfc5424"
    config: Config = field(default_factory=Config)
    live: bool = False
    """Whether the sink goes into a `ThreadedSink`, which connects from its thread."""


def open_syslog(url: str, form: str, config: Config, *, live: bool = False) -> Sink:
    """As sensor.sinks.syslog.open_syslog, which takes time to import."""
    from sensor.sinks.syslog import sink as syslog  # noqa: PLC0415

    return syslog.open_syslog(url, form, config, live=live)


def open_journald(target: str = "journald", *, live: bool = False) -> Sink:
    """As sensor.sinks.journald.open_journald, which takes time to import."""
    from sensor.sinks import journald  # noqa: PLC0415

    return journald.open_journald(target, live=live)


def _syslog(target: str, options: SinkOptions) -> Sink:
    return open_syslog(target, options.syslog_format, options.config, live=options.live)


SINKS: dict[str, Callable[[str, SinkOptions], Sink]] = {
    "console": lambda target, options: open_console(options=options.console),
    "json": lambda target, options: open_json_stdout(),
    "file": lambda target, options: open_json_file(target.removeprefix("file:")),
    "unix": _syslog,
    "udp": _syslog,
    "tcp": _syslog,
    "tls": _syslog,
    "journald": lambda target, options: open_journald(target, live=options.live),
}
"""By name, or by the part of a target before its first colon."""


def open_sink(target: str, options: SinkOptions | None = None) -> Sink:
    """The sink that a target names: `console`, `json`, `file:alerts.ndjson`, `udp://[::1]:514`.

    Errors: ConfigError if there is no such sink, or it cannot be opened.
    """
    factory = SINKS.get(target.partition(":")[0])
    if factory is None:
        raise ConfigError(f"no sink {harmless(target)}: there are {', '.join(SINKS)}")
    return factory(target, options or SinkOptions())
