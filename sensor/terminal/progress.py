"""The progress of a run: one line on the terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from sensor.terminal.console import ConsoleOptions, shared_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

UPDATE_INTERVAL_S = 0.1
"""At most ten updates a second: each costs about a millisecond."""
RATE_WINDOW_S = 1.0
"""Packets per second are those of about the last second."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The progress of a run at one moment."""

    bytes_read: int
    bytes_total: int | None
    """None where it cannot be known: standard input, an interface."""
    packets: int
    flows: int
    alerts: int
    cluster: str = ""
    """What others do for the run."""


class ProgressLine:
    """Draws snapshots on a rich console; without a console it does nothing."""

    def __init__(self, console: Console | None) -> None:
        self._progress: Progress | None = None
        self._drawn_s = float("-inf")
        self._rate_from: tuple[float, int] | None = None
        self._rate = 0.0
        if console is not None:
            self._progress = _bar(console)
            self._task = self._progress.add_task("", total=None, rate=" ", flows=0, alerts=0,
                                                 cluster="")
            self._progress.start()

    @property
    def shown(self) -> bool:
        """True if there is a line; if not, the caller need not look at the clock at all."""
        return self._progress is not None

    def update(self, wall_s: float, snapshot: Callable[[], Snapshot]) -> None:
        """Draw anew if it is time to; only then is `snapshot` called.

        Units: `wall_s` is any clock that does not run backwards, in seconds.
        """
        if self._progress is None or wall_s - self._drawn_s < UPDATE_INTERVAL_S:
            return
        self._drawn_s = wall_s
        now = snapshot()
        self._measure(wall_s, now.packets)
        self._progress.update(
            self._task,
            completed=now.bytes_read,
            total=now.bytes_total,
            rate=f"{short(self._rate)} packets/s",
            flows=short(now.flows),
            alerts=f"{now.alerts:,}",
            cluster=now.cluster,
        )
        self._progress.refresh()

    def rest(self) -> None:
        """Let the next update be drawn at once: it is the last, with the numbers of the end."""
        self._drawn_s = float("-inf")

    def _measure(self, wall_s: float, packets: int) -> None:
        if self._rate_from is None:
            self._rate_from = (wall_s, packets)
            return
        since_s, before = self._rate_from
        if wall_s > since_s:
            self._rate = (packets - before) / (wall_s - since_s)
        if wall_s - since_s >= RATE_WINDOW_S:
            self._rate_from = (wall_s, packets)

    def close(self) -> None:
        """Take the line away; a second call does nothing."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def open_progress(
    *, quiet: bool = False, alerts_console: Console | None = None,
    options: ConsoleOptions | None = None, stderr: TextIO | None = None,
    stdout: TextIO | None = None
) -> ProgressLine:
    """The progress line of a run, on the shared console; `quiet`: one that does nothing."""
    return ProgressLine(None if quiet else shared_console(
        alerts_console, options or ConsoleOptions(), stderr or sys.stderr, stdout or sys.stdout))


def _bar(console: Console) -> Progress:
    from rich import progress  # noqa: PLC0415  only a terminal pays for it

    return progress.Progress(
        progress.BarColumn(bar_width=None),
        progress.TaskProgressColumn(),
        progress.DownloadColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TextColumn("{task.fields[flows]} flows"),
        progress.TextColumn("[yellow]{task.fields[alerts]} alerts"),
        progress.TextColumn("{task.fields[cluster]}"),
        console=console,
        auto_refresh=False,
        transient=True,
        expand=True,
    )


def short(number: float) -> str:
    """A number in three or four characters: `999`, `1.2k`, `34M`."""
    for unit in ("", "k", "M", "G", "T"):
        if number < 999.5 or unit == "T":
            break
        number /= 1000
    return f"{number:.1f}{unit}" if unit and number < 9.95 else f"{number:.0f}{unit}"
