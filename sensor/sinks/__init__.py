"""Where alerts go: the table of sinks, from which `app/outputs.py` opens those of a run.

A sink is a class with the attributes of `base.Sink`, a line in `SINKS`, a case in
tests/conformance/test_sinks.py: docs/adding-a-sink.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from sensor.config import Config
from sensor.sinks.base import Sink
from sensor.sinks.console import open_console
from sensor.sinks.jsonl import open_json_file, open_json_stdout
from sensor.terminal.console import ConsoleOptions


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """What a sink may need to know besides where it writes."""

    console: ConsoleOptions = field(default_factory=ConsoleOptions)
    stream: TextIO | None = None
    """Where the console's lines go; None: standard output."""
    syslog_format: str = "rfc5424"
    config: Config = field(default_factory=Config)
    live: bool = False
    """Whether the sink goes into a `ThreadedSink`, which connects from its thread."""


def _syslog(url: str, options: SinkOptions) -> Sink:
    from sensor.sinks.syslog import sink as syslog  # noqa: PLC0415  slow to import

    return syslog.open_syslog(url, options.syslog_format, options.config, live=options.live)


def _journald(target: str, options: SinkOptions) -> Sink:
    from sensor.sinks import journald  # noqa: PLC0415  slow to import

    return journald.open_journald(target, live=options.live)


SINKS: dict[str, Callable[[str, SinkOptions], Sink]] = {
    "console": lambda _, options: open_console(options.stream, options.console),
    "json": lambda _, options: open_json_stdout(),
    "file": lambda path, options: open_json_file(path),
    "syslog": _syslog,
    "journald": _journald,
}
"""How a sink is opened: `(place, options)` -> sink; errors: ConfigError."""
