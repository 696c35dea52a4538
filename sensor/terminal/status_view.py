"""The state of a running sensor, drawn on a terminal below whatever else is printed there.

It is drawn when `update` is called and at no other time: no thread, no clock.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, TextIO

from sensor.base.escape import harmless
from sensor.ecs.alert_text import alert_text
from sensor.model.alert import Alert
from sensor.model.status import Status
from sensor.terminal.console import SEVERITY_STYLES, ConsoleOptions, is_terminal, shared_console
from sensor.terminal.status_line import rate
from sensor.terminal.status_screen import Line, Shown, cells, screen_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderResult
    from rich.console import ConsoleOptions as RenderOptions
    from rich.live import Live

HISTORY_SAMPLES = 60
SAMPLE_S = 0.9
"""Rates are taken over at least this time; updates come about once a second."""
ALERTS_SHOWN = 8
HEIGHT_MIN = 9
"""Lines that the view takes before it leaves any to the alerts above it."""


class StatusView:
    """Draws the sensor's status on a rich console; without a console it does nothing.

    Alerts may come from another thread than the one that draws.

    `list_alerts`: whether alerts appear in the view; where they are printed on the same terminal,
    they stand above it instead.
    """

    def __init__(
        self, console: Console | None, *, list_alerts: bool = True, local_time: bool = False
    ) -> None:
        # rich draws nothing where the cursor cannot be moved (TERM=dumb).
        self._console = console if console is not None and console.is_interactive else None
        self._list_alerts = list_alerts
        self._alerts: deque[Alert] = deque(maxlen=ALERTS_SHOWN if list_alerts else 0)
        self._local_time = local_time
        self._packets: deque[float] = deque(maxlen=HISTORY_SAMPLES)
        self._bits: deque[float] = deque(maxlen=HISTORY_SAMPLES)
        self._sampled: Status | None = None
        self._flows_peak = 0
        self._emitted = 0
        self._drawing = Drawing()
        self._live = _live(self._console, self._drawing) if self._console is not None else None

    @property
    def shown(self) -> bool:
        """True if there is a view; if not, nobody need make a status for it."""
        return self._live is not None

    def emit(self, alert: Alert) -> None:
        """Show an alert among the latest, from the next update on; cheap."""
        self._emitted += 1
        self._alerts.append(alert)

    def accounted(self) -> int:
        """All alerts that it was given, as the pipeline asks of every sink."""
        return self._emitted

    def print_line(self, line: str) -> bool:
        """Print a line above the view; False where there is no view, and so nothing was printed."""
        if self._console is None or self._live is None:
            return False
        from rich.text import Text  # noqa: PLC0415

        self._console.print(Text(harmless(line)), soft_wrap=True)
        return True

    def update(self, status: Status) -> None:
        """Draw this status."""
        if self._live is None or self._console is None:
            return
        self._sample(status)
        width, height = self._console.size
        self._drawing.lines = screen_lines(
            Shown(
                status, self._packets, self._bits, self._flows_peak,
                [self._alert(alert) for alert in self._alerts.copy()],
                ascii_only=not self._console.encoding.startswith("utf"),
            ),
            max(width - 1, 1), self._height(height),
        )  # fmt: skip
        if not self._live.is_started:
            self._live.start()
        with self._console:  # all in one write
            self._drawing.follow(self._console, width)
            self._live.refresh()

    def _height(self, height: int) -> int:
        """Lines of the view on a screen of `height`: where alerts stand above it, they get some."""
        if self._list_alerts:
            return max(height - 1, 1)
        return max(height * 3 // 5, min(height - 1, HEIGHT_MIN), 1)

    def _sample(self, status: Status) -> None:
        self._flows_peak = max(self._flows_peak, status.flows_open)
        before = self._sampled or Status(status.wall_ns, 0.0)
        seconds = status.elapsed_s - before.elapsed_s
        if seconds >= SAMPLE_S:
            self._packets.append(rate(status.packets - before.packets, seconds))
            self._bits.append(8 * rate(status.bytes - before.bytes, seconds))
            self._sampled = status

    def _alert(self, alert: Alert) -> tuple[str, str, str]:
        first, _, second = alert_text(alert, local_time=self._local_time).partition("\n")
        return first, second, SEVERITY_STYLES.get(alert.severity, "bold")

    def close(self) -> None:
        """Take the view away; a second call does nothing."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class Drawing:
    """Lines as rich draws them: ready-made, because each alert above the view redraws it."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._drawn_sizes: list[int] = []
        self._drawn_width = 0

    def __rich_console__(self, console: Console, options: RenderOptions) -> RenderResult:
        from rich.segment import Segment  # noqa: PLC0415

        for at, line in enumerate(self.lines):
            if at:
                yield Segment.line()
            for text, style in line:
                yield Segment(text, console.get_style(style) if style else None)

    def follow(self, console: Console, width: int) -> None:
        """Make up for what a narrower terminal did to the last drawing; the next one is of `width`.

        It wraps lines that have become too long, and rich, which knows nothing of it, would erase
        too few.
        """
        if 0 < width < self._drawn_width:
            extra = sum(max(size - 1, 0) // width for size in self._drawn_sizes)
            if extra:
                from rich.control import Control  # noqa: PLC0415
                from rich.segment import ControlType  # noqa: PLC0415

                up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
                console.control(Control(*up * extra))
        self._drawn_width = width
        self._drawn_sizes = [sum(cells(text) for text, _ in line) for line in self.lines]


def open_status_view(
    *, quiet: bool = False, alerts_console: Console | None = None,
    options: ConsoleOptions | None = None, stderr: TextIO | None = None,
    stdout: TextIO | None = None
) -> StatusView:
    """The view of a run, on the shared console; `quiet`: one that does nothing.

    Where stdout is a terminal too, alerts are printed above the view.
    """
    stderr, stdout = stderr or sys.stderr, stdout or sys.stdout
    options = options or ConsoleOptions()
    console = None if quiet else shared_console(alerts_console, options, stderr, stdout)
    return StatusView(console, list_alerts=not is_terminal(stdout), local_time=options.local_time)


def _live(console: Console, drawing: Drawing) -> Live:
    from rich.live import Live  # noqa: PLC0415  only a terminal pays for it

    return Live(
        drawing,
        console=console,
        auto_refresh=False,
        transient=True,
        # What is printed on this terminal appears above the view; what goes elsewhere stays there.
        redirect_stdout=is_terminal(sys.stdout),
        redirect_stderr=is_terminal(sys.stderr),
        vertical_overflow="crop",
    )
