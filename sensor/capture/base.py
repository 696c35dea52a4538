"""The interface of every capture, live or recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sensor.model.frames import FrameBatch
from sensor.model.status import CaptureStatus, Input, InterfaceStatus, Notice


class Capture(Protocol):
    """A source of frames. Iterating yields one FrameBatch, refilled each time.

    A damaged input ends that input, not the iteration: what was wrong stands in `inputs`, and
    everything readable is yielded.
    """

    inputs: list[Input]
    bytes_read: int
    bytes_total: int
    """0 where it is not known (a pipe)."""

    def __iter__(self) -> Iterator[FrameBatch]: ...

    def close(self) -> None: ...


class PortCapture(Capture, Protocol):
    """A Capture of network interfaces. Idle, it yields empty batches that move packet time on.

    Iterating belongs to one thread; all else may be called from any.
    """

    def status(self) -> CaptureStatus:
        """The kernel's counters, a second old at most."""

    def interfaces_status(self) -> tuple[InterfaceStatus, ...]:
        """The interfaces, in the order in which they were named."""

    def take_notices(self) -> list[Notice]:
        """Return the notices for the operator since the last call."""

    def request_time(self) -> None:
        """Have it yield at once how far packet time has come, if it is idle and can."""

    def stop(self) -> None:
        """Let no more frames in; the iteration ends when all that was captured has been given."""
