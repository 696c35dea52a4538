"""Alerts as two lines for people: with colours on a terminal, plain in a pipe.

    2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default Telnet Port Connection
        192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  1:wCb3OG7yAFW...
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from sensor.base.escape import harmless
from sensor.base.frozen import frozen
from sensor.ecs.alert_text import (
    counted_words,
    endpoints,
    field,
    flow_of,
    host_words,
    moment,
    score,
    verdict_words,
)
from sensor.errors import ConfigError
from sensor.model.alert import Alert
from sensor.model.status import Notice

if TYPE_CHECKING:  # rich costs a tenth of a second: only a terminal pays for it
    from rich.console import Console
    from rich.text import Text

COLORS = ("auto", "always", "never")

SEVERITY_STYLES = {
    "low": "cyan",
    "medium": "yellow",
    "high": "bold red",
    "critical": "bold white on red",
}
VERDICT_STYLES = {"accepted": "green", "denied": "red", "dropped": "magenta"}


@frozen
class ConsoleOptions:
    """How people want their lines."""

    color: str = "auto"
    """`auto` (on a terminal, unless NO_COLOR is set), `always` or `never`."""
    local_time: bool = False
    """Whether times are in this machine's zone, with its offset, instead of UTC."""
    width: int | None = None
    """Columns of the tables; None: the terminal's, 80 where there is none."""

    def __post_init__(self) -> None:
        if self.color not in COLORS:
            raise ConfigError(f"--color {self.color}: must be one of {', '.join(COLORS)}")


def is_terminal(stream: Any) -> bool:
    """Whether `stream` is an open terminal."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError, OSError):
        return False


def rich_console(
    stream: TextIO, options: ConsoleOptions, *, width: int | None = None
) -> Console | None:
    """A rich console on `stream`, or None where plain text belongs: no terminal, no forced colour.

    On a terminal without colours (`never`, NO_COLOR, TERM=dumb) it is still a rich console, because
    a progress bar on the same terminal needs one to draw around.
    """
    terminal = is_terminal(stream)
    if not terminal and options.color != "always":
        return None
    from rich.console import Console  # noqa: PLC0415

    plain = options.color == "never" or (
        options.color == "auto"
        and bool(os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
    )
    return Console(
        file=stream,
        force_terminal=terminal or options.color == "always",
        color_system=None if plain else ("auto" if terminal else "standard"),
        no_color=plain,
        highlight=False,
        markup=False,
        emoji=False,
        width=options.width or (None if terminal else width),
    )


def time_text(time_ns: int, *, local: bool) -> str:
    """`2026-01-02 03:04:05.678901` in UTC; `...+0100` follows a local time."""
    at = moment(time_ns)
    if local:
        with contextlib.suppress(OverflowError, OSError, ValueError):
            return at.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f%z")
    # isoformat leaves out ".000000"; this does not.
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")


def alert_details(alert: Alert) -> list[str]:
    """The parts of an alert's second line; at least one."""
    document = alert.document
    suppressed = field(document, "sensor", "alert", "suppressed_count")
    flow = flow_of(document)
    ends, host = endpoints(flow), host_words(document)
    parts = [
        ends or host,
        verdict_words(flow),
        field(flow, "network", "community_id"),
        host if flow is not document and ends else "",
        counted_words(document),
        f"+{suppressed} suppressed" if suppressed not in ("", "0") else "",
    ]
    return [part for part in parts if part] or [harmless(alert.message) or harmless(alert.rule_id)]


def alert_text(alert: Alert, *, local_time: bool = False) -> str:
    """An alert as two lines, harmless, without a newline at the end."""
    when = time_text(alert.time_ns, local=local_time)
    severity = harmless(alert.severity).upper()
    details = "  ".join(alert_details(alert))
    return f"{when}  {severity} {score(alert)}  {harmless(alert.rule_name)}\n    {details}"


def alert_rich(alert: Alert, *, local_time: bool = False) -> Text:
    """The same characters as `alert_text`, styled by severity and verdict."""
    from rich.text import Text  # noqa: PLC0415

    style = SEVERITY_STYLES.get(alert.severity, "bold")
    first, *others = alert_details(alert)
    text = Text()
    text.append(time_text(alert.time_ns, local=local_time), "dim")
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
        """Where the colours go; a progress bar on the same terminal must use this one too."""
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


def discard(stream: Any) -> None:
    """Point a stream whose reader is gone at the null device.

    Otherwise Python complains about the octets still buffered in it when the process ends.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)


def reason_of(error: BaseException) -> str:
    """What went wrong, in a few harmless words."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return harmless(text) or type(error).__name__
