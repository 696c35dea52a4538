"""The progress line: on terminals only, ten times a second at most, gone at the end."""

from __future__ import annotations

import io
import os
import pty
import re
from collections.abc import Iterator
from typing import TextIO

import pytest

from sensor.model.alert import Alert
from sensor.sinks.console import open_console
from sensor.terminal.console import ConsoleOptions
from sensor.terminal.progress import ProgressLine, Snapshot, open_progress, short

SNAPSHOT = Snapshot(500_000, 1_000_000, 12_345, 678, 9)


def read_screen(stream: TextIO, screen: int) -> str:
    """All that was written to the terminal so far, without its control sequences."""
    stream.write("END OF TEST\n")
    stream.flush()
    shown = b""
    while b"END OF TEST" not in shown:  # a terminal hands over what it has, not what was written
        shown += os.read(screen, 1 << 16)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    return text.partition("END OF TEST")[0]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TextIO, int]]:
    """A terminal's stream, and the descriptor at which its screen can be read."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stream:
        yield stream, master
    os.close(master)


def test_nothing_without_a_terminal() -> None:
    stderr = io.StringIO()
    line = open_progress(stderr=stderr, stdout=io.StringIO())
    assert not line.shown
    line.update(0.0, lambda: pytest.fail("the snapshot was taken for nobody"))
    line.close()
    assert stderr.getvalue() == ""


def test_nothing_when_quiet_or_when_json_shares_the_screen(terminal: tuple[TextIO, int]) -> None:
    stream, _ = terminal
    assert not open_progress(quiet=True, stderr=stream, stdout=io.StringIO()).shown
    assert not open_progress(stderr=stream, stdout=stream).shown


def test_the_line_tells_how_far_it_is_and_goes_away(terminal: tuple[TextIO, int]) -> None:
    stream, screen = terminal
    line = open_progress(stderr=stream, stdout=io.StringIO())
    assert line.shown
    line.update(10.0, lambda: Snapshot(0, 1_000_000, 0, 0, 0))
    line.update(10.5, lambda: SNAPSHOT)
    line.close()
    line.close()
    assert not line.shown
    shown = read_screen(stream, screen)
    assert "50%" in shown
    assert "0.5/1.0 MB" in shown
    assert "25k packets/s" in shown, "12,345 packets in half a second"
    assert "678 flows" in shown
    assert "9 alerts" in shown


def test_snapshots_are_taken_ten_times_a_second_at_most(terminal: tuple[TextIO, int]) -> None:
    stream, _ = terminal
    line = open_progress(stderr=stream, stdout=io.StringIO())
    taken = []
    for hundredth in range(100):
        line.update(hundredth / 100, lambda: taken.append(1) or SNAPSHOT)
    line.close()
    assert 9 <= len(taken) <= 10


def test_alerts_are_drawn_above_the_line(terminal: tuple[TextIO, int]) -> None:
    stream, screen = terminal
    sink = open_console(stream, ConsoleOptions())
    line = open_progress(alerts_console=sink.console, stderr=stream, stdout=stream)
    assert line.shown
    line.update(0.0, lambda: SNAPSHOT)
    sink.emit(Alert("a", "r", "Some Rule", "low", 21.0, 0, "Some message", {}))
    shown = read_screen(stream, screen)
    line.close()
    before, alert, after = shown.partition("LOW 21  Some Rule\r\n    Some message\r\n")
    assert alert
    assert "678 flows" in before
    assert "678 flows" in after, "the line is drawn again below the alert"


def test_an_unknown_total_is_shown_without_a_share(terminal: tuple[TextIO, int]) -> None:
    stream, screen = terminal
    line = open_progress(stderr=stream, stdout=io.StringIO())
    line.update(0.0, lambda: Snapshot(1_000_000, None, 1, 1, 0))
    line.close()
    shown = read_screen(stream, screen)
    assert "1.0/? MB" in shown
    assert "%" not in shown


def test_a_line_without_a_console_does_nothing() -> None:
    line = ProgressLine(None)
    line.update(1.0, lambda: SNAPSHOT)
    line.close()


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1_000, "1.0k"), (12_345, "12k"), (999_600, "1.0M"),
     (3_280_000, "3.3M"), (5e15, "5000T")],
)
def test_short_numbers(number: float, text: str) -> None:
    assert short(number) == text


def test_the_last_update_is_drawn_though_it_is_not_time(terminal: tuple[TextIO, int]) -> None:
    stream, screen = terminal
    line = open_progress(stderr=stream, stdout=io.StringIO())
    line.update(0.0, lambda: SNAPSHOT)
    line.rest()
    line.update(0.01, lambda: Snapshot(1_000_000, 1_000_000, 99_999, 4_321, 10))
    # How many digits there is room for depends on those of the rate.
    assert re.search(r"4(,321|\.3k) flows", read_screen(stream, screen))
    line.close()
