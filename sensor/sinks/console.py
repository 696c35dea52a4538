"""Alerts as two lines for people: with colours on a terminal, plain in a pipe.

    2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default Telnet Port Connection
        192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  1:wCb3OG7yAFW...
"""

from __future__ import annotations

import select
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from sensor.base.escape import harmless
from sensor.ecs.alert_text import (
    alert_details,
    alert_text,
    alert_time,
    field,
    flow_of,
    score,
)
from sensor.errors import reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.terminal.console import (
    SEVERITY_STYLES,
    VERDICT_STYLES,
    ConsoleOptions,
    discard,
    rich_console,
)

if TYPE_CHECKING:  # rich costs a tenth of a second: only a terminal pays for it
    from rich.console import Console
    from rich.text import Text


def alert_rich(alert: Alert, *, local_time: bool = False) -> Text:
    """The same characters as `alert_text`, styled by severity and verdict."""
    from rich.text import Text  # noqa: PLC0415

    style = SEVERITY_STYLES.get(alert.severity, "bold")
    first, *others = alert_details(alert)
    text = Text()
    text.append(alert_time(alert.time_ns, local=local_time), "dim")
    text.append("  ")
    text.append(f"{harmless(alert.severity).upper()} {score(alert)}", style)
    text.append(f"  {harmless(alert.rule_name)}", "bold")
    text.append(f"\n    {first}")
    verdict = field(flow_of(alert.document), "sensor", "flow", "verdict")
    for other in others:
        text.append("  ")
        text.append(other, VERDICT_STYLES.get(verdict, "") if verdict in other else "dim")
    return text


class ConsoleSink:
    """Writes each alert at once, as two lines, to a text stream or a rich console.

    When the reader goes away (`| head`) the sink turns quiet: `closed` becomes true, `error` stays
    None, and what follows counts as dropped, so that the pipeline may stop early.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        console: Console | None = None,
        local_time: bool = False,
        name: str = "console",
    ) -> None:
        self.name = name
        self.delivered = self.dropped = self.waiting = self.retried = 0
        self.error: str | None = None
        self.closed = False
        self.console = console
        """The console for colours; a progress bar on the same terminal must use this one too."""
        self._stream = stream
        self._local_time = local_time

    def unbuffer(self) -> None:
        """Write below Python's buffers from now on.

        A thread that hangs in a write would hold their lock, and Python needs it to end.
        """
        raw = getattr(getattr(self._stream, "buffer", None), "raw", None)
        if raw is None:
            return
        self._stream.flush()
        self._stream = cast(TextIO, Unbuffered(self._stream, raw))
        if self.console is not None:
            self.console.file = self._stream

    def emit(self, alert: Alert) -> None:
        if self.closed:
            self.dropped += 1
            return
        try:
            self._write(alert)
        except BrokenPipeError:
            self.closed = True
            self.dropped += 1
            discard(self._stream)
        except Exception as error:  # a sink never raises
            self.dropped += 1
            self.error = f"{self.name}: {reason_of(error)}"
        else:
            self.delivered += 1

    def _write(self, alert: Alert) -> None:
        if self.console is not None:
            text = alert_rich(alert, local_time=self._local_time)
            try:
                self.console.print(text, soft_wrap=True)
            except SystemExit:  # what rich makes of a broken pipe
                raise BrokenPipeError from None
        else:
            self._stream.write(alert_text(alert, local_time=self._local_time) + "\n")
            self._stream.flush()

    def accounted(self) -> int:
        return self.delivered + self.dropped

    def notify(self, notice: Notice) -> None:
        """Nothing: whoever reads the console sees notices on standard error."""

    def reopen(self) -> None:
        """Nothing: a console has no name to be opened by."""

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            self._stream.flush()
        except BrokenPipeError:
            discard(self._stream)
        except (OSError, ValueError) as error:
            self.error = f"{self.name}: {reason_of(error)}"
            discard(self._stream)  # or Python would try again at its end, and complain itself


class Unbuffered:
    """A text stream whose writes go straight to the file below it."""

    def __init__(self, stream: TextIO, raw: Any) -> None:
        self._stream = stream
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        rest = memoryview(text.encode(self._stream.encoding, "backslashreplace"))
        while rest:
            count = self._raw.write(rest)
            if count is None:  # somebody made our terminal or pipe non-blocking
                select.select([], [self._raw], [])
            else:
                rest = rest[count:]
        return len(text)

    def flush(self) -> None:
        """Nothing: all is written."""


def open_console(
    stream: TextIO | None = None, options: ConsoleOptions | None = None
) -> ConsoleSink:
    """The console sink for `stream` (standard output if None): rich on a terminal, else plain."""
    stream = stream or sys.stdout
    options = options or ConsoleOptions()
    if hasattr(stream, "reconfigure"):  # a C locale's stdout refuses what is not ASCII
        stream.reconfigure(errors="backslashreplace")
    return ConsoleSink(
        stream, console=rich_console(stream, options), local_time=options.local_time
    )
