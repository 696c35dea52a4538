"""Alerts as two lines for people: plain in a pipe, with colours and as wide as it is on a terminal.

    2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default Telnet Port Connection
        192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  1:wCb3OG7yAFW...

On a terminal, alerts of one connection that follow each other stand together: the second line of
the later ones has only what is new, and is left out if nothing is.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO, cast

from sensor.base.escape import harmless
from sensor.ecs.alert_text import (
    alert_details,
    alert_text,
    alert_time,
    endpoints,
    flow_of,
    score,
    verdict_words,
)
from sensor.ecs.field_text import field
from sensor.errors import reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.terminal.console import (
    SEVERITY_STYLES,
    ConsoleOptions,
    discard,
    is_terminal,
    rich_console,
)

if TYPE_CHECKING:  # rich costs a tenth of a second: only a terminal pays for it
    from rich.console import Console
    from rich.text import Text


INDENT = "    "
MARGIN_MIN = 20
"""Columns that a line has at least, however narrow the terminal."""


def alert_rich(
    alert: Alert, *, local_time: bool = False, parts: Sequence[str] | None = None
) -> tuple[Text, Text]:
    """The two lines of `alert_text`, without indent, styled by severity: a colour means risk.

    `parts` are those of the second line; None: all of them.
    """
    from rich.text import Text  # noqa: PLC0415

    style = SEVERITY_STYLES.get(alert.severity, "bold")
    head = Text()
    head.append(f"{alert_time(alert.time_ns, local=local_time)}  ", "dim")
    head.append(f"{harmless(alert.severity).upper()} {score(alert)}", style)
    head.append(f"  {harmless(alert.rule_name)}", "bold")
    verdict = field(flow_of(alert.document), "sensor.flow.verdict")
    details = Text()
    for at, part in enumerate(alert_details(alert) if parts is None else parts):
        is_verdict = verdict and verdict in part
        details.append("  " if at else "")
        details.append(part, "" if not at else style if is_verdict else "dim")
    return head, details


class Told:
    """What the lines on the screen have said of a connection, so that later ones need not."""

    def __init__(self) -> None:
        self._connection = ("", "")
        self._parts: set[str] = set()

    def news(self, alert: Alert) -> list[str]:
        """The parts of an alert's second line that the alert before it did not say."""
        flow = flow_of(alert.document)
        connection = endpoints(flow), field(flow, "network.community_id")
        if connection != self._connection or not any(connection):
            self._connection, self._parts = connection, set()
        elif not field(flow, "sensor.flow.verdict"):  # "tcp inbound" adds nothing
            self._parts.add(verdict_words(flow))
        found = [part for part in alert_details(alert) if part not in self._parts]
        self._parts.update(part for part in found if not part.startswith("+"))  # each has its own
        return found


def wrapped(text: Text, console: Console, *, indent_first: bool) -> Text:
    """A line that fits the console, cut between words; what goes on is indented."""
    from rich.text import Text  # noqa: PLC0415

    parts = text.wrap(console, max(console.width - len(INDENT), MARGIN_MIN), overflow="fold")
    found = Text(INDENT if indent_first else "")
    for number, part in enumerate(parts):
        part.rstrip()
        found.append_text(Text("\n" + INDENT) + part if number else part)
    return found


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
        self._told = Told()

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
            try:
                self.console.print(self._text(alert, self.console), soft_wrap=True)
            except SystemExit:  # what rich makes of a broken pipe
                raise BrokenPipeError from None
        else:
            self._stream.write(alert_text(alert, local_time=self._local_time) + "\n")
            self._stream.flush()

    def _text(self, alert: Alert, console: Console) -> Text:
        """What a console prints of an alert."""
        if not is_terminal(self._stream):  # colours in a pipe: the same lines for whoever reads it
            head, details = alert_rich(alert, local_time=self._local_time)
            return head.append(f"\n{INDENT}").append_text(details)
        parts = self._told.news(alert)
        head, details = alert_rich(alert, local_time=self._local_time, parts=parts)
        text = wrapped(head, console, indent_first=False)
        if parts:
            text.append("\n").append_text(wrapped(details, console, indent_first=True))
        return text

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
