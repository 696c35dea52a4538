"""The lines of the view: what they tell, and what is kept on screens of all sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensor.model.status import RECORDS, CaptureStatus, RuleStatus, SinkStatus, Status
from sensor.terminal.status_screen import (
    BLOCKS,
    BLOCKS_ASCII,
    Line,
    Shown,
    cells,
    screen_lines,
    sparkline,
)
from tests.unit.terminal.busy import BUSY


def plain(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def style_of(lines: list[Line], words: str) -> str:
    [found] = [style for line in lines for text, style in line if words in text]
    return found


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


@pytest.mark.parametrize(
    ("values", "blocks", "text"),
    [([], BLOCKS, ""), ([0, 0], BLOCKS, "  "), ([0, 1, 4, 8], BLOCKS, " ▁▄█"),
     ([1, 1_000_000], BLOCKS, "▁█"), ([0, 1, 8], BLOCKS_ASCII, " .#")],
)  # fmt: skip
def test_sparkline(values: list[float], blocks: str, text: str) -> None:
    assert sparkline(values, blocks) == text
