"""The operator's screen: in order, and never in the way."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sensor.model.status import Status
from sensor.monitoring.screen import LINES_MAX, Screen


class Stubborn:
    """A view that can be stopped, as a terminal can."""

    shown = True

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.waits = threading.Event()
        self.seen: list[Any] = []
        self.problem: BaseException | None = None

    def _wait(self) -> None:
        if self.problem is not None:
            raise self.problem
        if not self.open.is_set():
            self.waits.set()
            self.open.wait()

    def print_line(self, line: str) -> bool:
        self._wait()
        self.seen.append(line)
        return True

    def update(self, status: Status) -> None:
        self._wait()
        self.seen.append(status.frames)

    def close(self) -> None:
        self.seen.append("closed")


def test_lines_and_statuses_come_in_order_and_the_last_words_last() -> None:
    view = Stubborn()
    screen = Screen(view)  # type: ignore[arg-type]
    screen.print_line("one")
    screen.print_line("two")
    assert screen.flush()
    screen.draw(Status(0, 0.0, frames=7))
    assert screen.flush()
    assert screen.end_with(lambda: view.seen.append("summary"))
    assert view.seen == ["one", "two", 7, "closed", "summary"]


def test_a_stopped_terminal_holds_up_nobody_and_what_was_left_out_is_counted() -> None:
    view = Stubborn()
    screen = Screen(view)  # type: ignore[arg-type]
    view.open.clear()
    screen.print_line("first")
    view.waits.wait()
    for number in range(LINES_MAX + 3):
        screen.print_line(str(number))
    screen.draw(Status(0, 0.0, frames=1))
    screen.draw(Status(0, 0.0, frames=2))
    assert not screen.flush(patience_s=0.01)
    view.open.set()
    assert screen.flush()
    assert view.seen[:3] == ["first", "sensor: 3 lines could not be shown in time", "3"]
    assert view.seen[-2:] == [str(LINES_MAX + 2), 2]  # of statuses only the newest counts


def test_a_reader_that_went_away_is_no_reason_to_fail() -> None:
    def broken() -> None:
        raise BrokenPipeError

    assert Screen(Stubborn()).end_with(broken)  # type: ignore[arg-type]


@pytest.mark.parametrize("problem", [OSError("gone for a moment"), SystemExit(1)])
def test_what_could_not_be_written_does_not_keep_back_what_comes_later(
    problem: BaseException,
) -> None:
    view = Stubborn()
    view.problem = problem
    screen = Screen(view)  # type: ignore[arg-type]
    screen.print_line("lost")
    screen.draw(Status(0, 0.0, frames=1))
    assert screen.flush()
    view.problem = None
    screen.print_line("back")
    screen.draw(Status(0, 0.0, frames=2))
    assert screen.flush()
    assert view.seen == ["back", 2]
