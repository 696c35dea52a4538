"""The view of a running sensor: drawn in one place, below the alerts, and that it goes away."""

from __future__ import annotations

import io
import os
import pty
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TextIO

import pytest
from rich.console import Console

from sensor.model.status import InterfaceStatus, RuleStatus, SinkStatus
from sensor.sinks.console import open_console
from sensor.terminal.console import ConsoleOptions
from sensor.terminal.status_view import ALERTS_SHOWN, StatusView, open_status_view
from tests.unit.terminal.busy import ALERT, BUSY
from tests.unit.terminal.screen import Screen


def console_on(stream: TextIO, width: int = 100, height: int = 40) -> Console:
    return Console(file=stream, force_terminal=True, color_system="standard", width=width,
                   height=height, markup=False, highlight=False, _environ={})  # fmt: skip


def test_text_from_outside_neither_controls_the_terminal_nor_styles_it() -> None:
    evil = "[red]x[/red]\x1b[2J\n"
    status = replace(
        BUSY, interfaces=(InterfaceStatus(evil, evil),),
        rules=(RuleStatus("i", evil, 1, 1, 0, 0),), flows={evil: 1},
        sinks=(SinkStatus(evil, 1, 1, 0, 0, evil),),
    )  # fmt: skip
    stream = io.StringIO()
    view = StatusView(console_on(stream, 200))
    view.emit(replace(ALERT, rule_name=evil, severity=evil, message=evil))
    view.update(status)
    assert stream.getvalue().count(r"[red]x[/red]\x1b[2J\x0a") >= 6
    assert "\x1b[2J" not in stream.getvalue()


def test_rates_are_those_of_the_last_second() -> None:
    stream = io.StringIO()
    view = StatusView(console_on(stream))
    screen = Screen(100)
    for second, packets in enumerate((0, 1_000, 3_000, 3_000), 1):
        view.update(replace(BUSY, elapsed_s=float(second), packets=packets, bytes=packets * 125))
        # an update in between shows the same rates
        view.update(replace(BUSY, elapsed_s=second + 0.4, packets=packets, bytes=packets * 125))
        if second == 3:
            screen.feed(stream.getvalue())
            assert "packets  2.0k/s   ▄█  max 2.0k/s" in screen.text()
            assert "bits     2.0M/s   ▄█  max 2.0M/s" in screen.text()
            stream.seek(0)
            stream.truncate()
    screen.feed(stream.getvalue())
    assert "packets     0/s   ▄█   max 2.0k/s" in screen.text()


def test_the_peak_of_open_flows_is_remembered() -> None:
    stream = io.StringIO()
    view = StatusView(console_on(stream))
    for flows_open in (3, 77, 5):
        view.update(replace(BUSY, flows_open=flows_open))
    screen = Screen(100)
    screen.feed(stream.getvalue())
    assert "flows    5 open  77 peak" in screen.text()


def test_it_is_drawn_in_one_place_and_goes_away() -> None:
    stream = io.StringIO()
    view = StatusView(console_on(stream))
    assert view.shown
    screen = Screen(100)
    for second in range(1, 5):
        view.update(replace(BUSY, elapsed_s=float(second)))
    screen.feed(stream.getvalue())
    assert screen.text().count("ended") == 1
    assert "0:00:04" in screen.text()
    view.close()
    view.close()
    assert not view.shown
    ended = Screen(100)
    ended.feed(stream.getvalue())
    assert ended.text() == ""
    written = stream.getvalue()
    view.update(BUSY)
    assert stream.getvalue() == written


@pytest.mark.parametrize("widths", [(100, 60), (100, 40), (60, 100), (100, 50, 30, 90)])
def test_a_terminal_of_another_width_keeps_nothing_of_the_old_drawing(
    widths: tuple[int, ...],
) -> None:
    stream = io.StringIO()
    console = console_on(stream, widths[0])
    view = StatusView(console)
    screen = Screen(widths[0])
    screen.feed("what was there before\n")
    for width in widths:
        screen.resize(width)
        console.size = (width, 40)  # type: ignore[assignment]
        for _ in range(2):
            view.update(BUSY)
            screen.feed(stream.getvalue())
            stream.seek(0)
            stream.truncate()
        assert screen.text().startswith("what was there before\nsensor   1:02:05")
        assert screen.text().count("sensor ") == screen.text().count("packets ") == 1
        assert screen.text().count("connection refused") == 1
    view.close()
    screen.feed(stream.getvalue())
    assert screen.text() == "what was there before"


def test_without_a_console_it_does_nothing() -> None:
    view = StatusView(None)
    assert not view.shown
    view.emit(ALERT)
    view.update(BUSY)
    view.close()


def test_a_terminal_that_cannot_move_its_cursor_gets_no_view() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, _environ={"TERM": "dumb"})
    view = StatusView(console)
    view.update(BUSY)
    view.close()
    assert not view.shown and stream.getvalue() == ""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A terminal's stream, and what stands on its screen."""
    for name, value in (("TERM", "xterm"), ("COLUMNS", "100"), ("LINES", "40")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    master, slave = pty.openpty()
    screen = Screen(100)

    def read() -> str:
        os.write(slave, b"\x1b[5m")  # blinking: nothing else writes this
        shown = b""
        while not shown.endswith(b"\x1b[5m"):
            shown += os.read(master, 1 << 16)
        screen.feed(shown.decode())
        return screen.text()

    with open(slave, "w", encoding="utf-8", closefd=False) as stream:
        yield stream, read
    os.close(slave)
    os.close(master)


def test_alerts_stand_above_the_view_where_they_share_the_terminal(
    terminal: tuple[TextIO, Callable[[], str]],
) -> None:
    stream, read = terminal
    sink = open_console(stream, ConsoleOptions())
    view = open_status_view(alerts_console=sink.console, stderr=stream, stdout=stream)
    assert view.shown
    view.update(BUSY)
    sink.emit(ALERT)
    view.emit(ALERT)
    view.update(BUSY)
    lines = read().splitlines()
    assert lines[0].endswith("HIGH 73  Some Rule")
    assert lines[1] == "    Some message"
    assert lines[2].startswith("sensor   1:02:05")
    assert "latest alerts" not in lines
    assert len(lines) <= 2 + 24, "three fifths of the screen at most"
    view.close()


def test_alerts_are_listed_where_they_go_elsewhere(
    terminal: tuple[TextIO, Callable[[], str]],
) -> None:
    stream, read = terminal
    view = open_status_view(stderr=stream, stdout=io.StringIO())
    for number in range(12):
        view.emit(replace(ALERT, message=f"message {number}"))
    view.update(BUSY)
    text = read() + "\n"
    assert [f"message {number}\n" in text for number in range(12)] == [False] * 4 + [True] * 8
    view.close()
    assert read() == ""


def test_no_view_when_quiet_without_a_terminal_or_beside_json(
    terminal: tuple[TextIO, Callable[[], str]],
) -> None:
    stream, _ = terminal
    assert not open_status_view(quiet=True, stderr=stream, stdout=io.StringIO()).shown
    assert not open_status_view(stderr=io.StringIO(), stdout=stream).shown
    assert not open_status_view(stderr=stream, stdout=stream).shown


def test_a_notice_is_printed_above_the_view_as_it_is(
    terminal: tuple[TextIO, Callable[[], str]],
) -> None:
    stream, read = terminal
    view = open_status_view(stderr=stream, stdout=io.StringIO())
    view.update(BUSY)
    assert view.print_line("[b]a notice[/b] \x1b[2J" + " of many words" * 10)
    lines = read().splitlines()
    assert lines[0].startswith(r"[b]a notice[/b] \x1b[2J of many words")
    assert lines[2].startswith("sensor   1:02:05"), "it wraps into a second line"
    view.close()
    assert not view.print_line("too late")
    assert not StatusView(None).print_line("to nobody")
    assert read().splitlines() == lines[:2]


def test_it_accounts_for_every_alert_like_a_sink() -> None:
    view = StatusView(None)
    for _ in range(20):
        view.emit(ALERT)
    assert view.accounted() == 20


class Interrupting(dict[str, Any]):
    """A document with which another alert comes when it is read, as from another thread."""

    def __init__(self, come: Callable[[], None]) -> None:
        super().__init__()
        self.come = come

    def get(self, key: str, default: Any = None) -> Any:
        self.come()
        return super().get(key, default)


def test_alerts_may_come_while_it_is_being_drawn() -> None:
    stream = io.StringIO()
    view = StatusView(console_on(stream))
    for _ in range(20):
        view.emit(replace(ALERT, document=Interrupting(lambda: view.emit(ALERT))))
    view.update(BUSY)
    assert view.accounted() > 20
    assert stream.getvalue().count("Some message") == ALERTS_SHOWN


def test_results_that_go_elsewhere_stay_there(
    terminal: tuple[TextIO, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, read = terminal
    results = io.StringIO()
    monkeypatch.setattr(sys, "stdout", results)
    monkeypatch.setattr(sys, "stderr", stream)
    view = open_status_view()
    view.update(BUSY)
    print("a result")
    print("a notice", file=sys.stderr)
    view.update(BUSY)
    view.close()
    assert results.getvalue() == "a result\n"
    assert read() == "a notice"
