"""Ctrl-C and SIGTERM in a replay, and the end of its sinks, which may take a while."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from sensor.app.outputs import AnySink
from sensor.cli.output import exit_code
from sensor.terminal.stderr import print_stderr

if TYPE_CHECKING:
    from sensor.app.build import ReplayPipeline

POLL_S = 0.5
"""How soon after an interrupt it is told what is waited for."""


class Interrupts:
    """The first Ctrl-C or SIGTERM ends the reading and lets everything read so far come out; the
    second stops at once, even while that is being written.
    """

    def __init__(self, pipeline: ReplayPipeline) -> None:
        self.number = 0
        """The signal that came, or 0."""
        self._pipeline = pipeline

    def listen(self) -> None:
        """Take the signals from now on."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            os._exit(exit_code(number, False, 0, False))
        self.number = number
        pipeline = self._pipeline
        pipeline.stop = True
        if pipeline.documents is not None:
            pipeline.documents.stop()
        if pipeline.waiting:
            raise KeyboardInterrupt


class WaitNote:
    """Says once, after an interrupt, what is waited for."""

    def __init__(self, interrupts: Interrupts, sinks: Sequence[AnySink], *, quiet: bool) -> None:
        self._interrupts = interrupts
        self._sinks = sinks
        self._is_due = not quiet

    def __call__(self) -> None:
        """Say it if it is due now."""
        if not self._is_due or not self._interrupts.number:
            return
        waiting = [(sink.name, getattr(sink, "waiting", 0) + getattr(sink, "unconfirmed", 0))
                   for sink in self._sinks]
        named = ", ".join(f"{name} ({count:,})" for name, count in waiting if count)
        if named:
            self._is_due = False
            print_stderr(f"delivering what waits: {named}; a second Ctrl-C ends at once")


def close_together(
    sinks: Sequence[AnySink], on_wait: Callable[[], None] | None = None
) -> None:
    """Close all of them at once: each may take its time to deliver what waits.

    `on_wait` is called now and then meanwhile.
    """
    threads = [threading.Thread(target=sink.close, daemon=True) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(POLL_S if on_wait is not None else None)
            if on_wait is not None and thread.is_alive():
                on_wait()
