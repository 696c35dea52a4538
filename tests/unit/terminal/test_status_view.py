"""The view of a running sensor: what it tells, on screens of all sizes, and that it goes away."""

from __future__ import annotations

import io
import os
import pty
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TextIO

import pytest
from rich.console import Console

from sensor.model.alert import Alert
from sensor.model.status import (
    RECORDS,
    CaptureStatus,
    InterfaceStatus,
    RuleStatus,
    SinkStatus,
    Status,
)
from sensor.sinks.console import open_console
from sensor.terminal.console import ConsoleOptions
from sensor.terminal.status_screen import (
    BLOCKS,
    BLOCKS_ASCII,
    Line,
    Shown,
    cells,
    screen_lines,
    sparkline,
)
from sensor.terminal.status_view import ALERTS_SHOWN, StatusView, open_status_view
from tests.unit.terminal.screen import Screen

BUSY = Status(
    1_700_000_000_000_000_000, 3725.0, frames=9, bytes=9, packets=9, anomalies=7, alerts=666,
    capture=CaptureStatus(5_000_000, 1_204, 3),
    interfaces=(InterfaceStatus("eth0", "up"), InterfaceStatus("eth1", "down"),
                InterfaceStatus("eth2", "absent")),
    flows={"accepted": 1_500, "denied": 34, "dropped": 5, "attempted": 6, "unknown": 8},
    flows_total=1_553, flows_open=42, evicted=0,
    rules=(RuleStatus("q", "Quiet Rule", 0, 0, 0, 0), RuleStatus("l", "Loud Rule", 700, 666, 4, 30),
           RuleStatus("m", "Lesser Rule", 3, 2, 0, 1)),
    sinks=(SinkStatus("console", 666, 0, 0, 0, None),
           SinkStatus("syslog tcp://h:601", 600, 11, 4, 55, "connection refused")),
    lag_ns=8_000_000, rss_bytes=85_000_000,
)  # fmt: skip

ALERT = Alert("a", "r", "Some Rule", "high", 73.0, 1_700_000_000_000_000_000, "Some message", {})


def plain(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def style_of(lines: list[Line], words: str) -> str:
    [found] = [style for line in lines for text, style in line if words in text]
    return found


def console_on(stream: TextIO, width: int = 100, height: int = 40) -> Console:
    return Console(file=stream, force_terminal=True, color_system="standard", width=width,
                   height=height, markup=False, highlight=False, _environ={})  # fmt: skip


def test_everything_that_the_operator_asks_for_is_there() -> None:
    shown = Shown(BUSY, [1e3, 52e3], [8e6, 312e6], 99, [("FIRST", "second", "bold")])
    assert plain(screen_lines(shown, 99, 24)).splitlines() == [
        "sensor   1:02:05  eth1 down  eth2 absent  eth0 up",
        "packets   52k/s  ▁█  max 52k/s",
        "bits     312M/s  ▁█  max 312M/s",
        "lost     1,204 frames  0 flows  11 alerts  ring full 3 times",
        "alerts   666  lag 8 ms  memory 85 MB  7 malformed",
        "flows    42 open  99 peak  1,553 in all",
        "ended    1,500 accepted  34 denied  5 dropped  6 attempted  8 unknown",
        "",
        "sink                delivered  waiting  dropped",
        "syslog tcp://h:601        600       55       11",
        "    connection refused",
        "console                   666        0        0",
        "",
        "rule         alerts  suppressed  excepted",
        "Loud Rule       666          30         4",
        "Lesser Rule       2           1         0",
        "",
        "latest alerts",
        "FIRST",
        "second",
    ]


def test_lost_flow_records_and_what_earlier_runs_left_are_told_apart() -> None:
    sinks = (SinkStatus("flows f", 3, 97_826, 0, 0, None, RECORDS),
             SinkStatus("syslog", 3, 0, 0, 0, None, recovering=1_204))  # fmt: skip
    lines = screen_lines(Shown(replace(BUSY, sinks=sinks)), 99, 24)
    text = plain(lines)
    assert "  0 alerts  97,826 records  ring full 3 times\n" in text
    assert "\n    1,204 alerts of earlier runs waiting\n" in text
    assert style_of(lines, "97,826 records") == "bold red"
    assert style_of(lines, "syslog ") == "yellow"


def test_losses_are_red_and_their_absence_is_green() -> None:
    lines = screen_lines(Shown(BUSY), 99, 40)
    assert style_of(lines, "1,204 frames") == style_of(lines, "11 alerts") == "bold red"
    assert style_of(lines, "ring full 3") == "bold red"
    assert style_of(lines, "0 flows") == "green"
    assert style_of(lines, "eth1 down") == "bold red"
    assert style_of(lines, "eth0 up") == "green"
    calm = screen_lines(Shown(replace(BUSY, capture=CaptureStatus())), 99, 40)
    assert style_of(calm, "0 frames") == style_of(calm, "ring full 0") == "green"


@pytest.mark.parametrize("height", [1, 2, 5, 8, 9, 10, 11, 12, 13, 23, 40])
def test_it_fits_every_screen(height: int) -> None:
    rules = tuple(RuleStatus(str(at), f"規則 {at} of a rather long name", at, at, 0, 0)
                  for at in range(30))  # fmt: skip
    alerts = [(f"{at} first", "second " * 20, "bold") for at in range(8)]
    shown = Shown(replace(BUSY, rules=rules), [1.0] * 60, [1.0] * 60, 99, alerts)
    for width in (*range(1, 60), 79, 80, 120, 300):
        lines = screen_lines(shown, width, height)
        assert 1 <= len(lines) <= height
        assert all(sum(cells(text) for text, _ in line) <= width for line in lines)


def test_on_a_small_screen_loss_and_load_remain() -> None:
    text = plain(screen_lines(Shown(BUSY, [52e3], [8e6]), 39, 9))
    for words in ("1,204 frames", "11 alerts", "ring full 3", "eth1 down", "52k/s", "42 open"):
        assert words in text


def test_a_sink_in_trouble_is_kept_before_rules_and_alerts() -> None:
    shown = Shown(BUSY, alerts=[("FIRST", "second", "")] * 8)
    assert "connection refused" in plain(screen_lines(shown, 70, 11))
    assert "FIRST" not in plain(screen_lines(shown, 70, 11))
    calm = replace(BUSY, sinks=(SinkStatus("console", 666, 0, 0, 0, None),))
    small = plain(screen_lines(replace_status(shown, calm), 70, 11))
    assert "FIRST" in small and "console" not in small


def replace_status(shown: Shown, status: Status) -> Shown:
    return Shown(status, alerts=shown.alerts)


def test_the_newest_alerts_and_the_loudest_rules_are_kept() -> None:
    rules = tuple(RuleStatus(str(at), f"Rule {at}", at, at, 0, 0) for at in range(1, 30))
    alerts = [(f"alert {at}", "second", "") for at in range(8)]
    text = plain(screen_lines(Shown(replace(BUSY, rules=rules), alerts=alerts), 79, 23))
    assert "Rule 29 " in text and "Rule 1 " not in text
    assert "alert 7" in text and "alert 0" not in text


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


@pytest.mark.parametrize(
    ("values", "blocks", "text"),
    [([], BLOCKS, ""), ([0, 0], BLOCKS, "  "), ([0, 1, 4, 8], BLOCKS, " ▁▄█"),
     ([1, 1_000_000], BLOCKS, "▁█"), ([0, 1, 8], BLOCKS_ASCII, " .#")],
)  # fmt: skip
def test_sparkline(values: list[float], blocks: str, text: str) -> None:
    assert sparkline(values, blocks) == text


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


class Interrupted(StatusView):
    """A view to which alerts come while it is being drawn, as they do from another thread."""

    def _alert(self, alert: Alert) -> tuple[str, str, str]:
        self.emit(ALERT)
        return super()._alert(alert)


def test_alerts_may_come_while_it_is_being_drawn() -> None:
    stream = io.StringIO()
    view = Interrupted(console_on(stream))
    for _ in range(20):
        view.emit(ALERT)
    view.update(BUSY)
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
