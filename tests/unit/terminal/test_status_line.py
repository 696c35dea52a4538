"""The status line: losses first and in plain sight, rates of the time since the line before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensor.model.status import RECORDS, CaptureStatus, InterfaceStatus, SinkStatus, Status
from sensor.terminal.status_line import bits_text, lag_text, status_text

CALM = Status(
    1_700_000_060_000_000_000, 60.0, frames=700_000, bytes=75_000_000, packets=600_000, alerts=3,
    capture=CaptureStatus(700_000, 0, 0), interfaces=(InterfaceStatus("eth0", "up"),),
    flows={"accepted": 1200, "denied": 34}, flows_total=1300, flows_open=66,
    sinks=(SinkStatus("json", 3, 0, 0, 0, None),), lag_ns=8_400_000,
)  # fmt: skip


def test_a_calm_minute() -> None:
    assert status_text(CALM, None) == (
        "10k packets/s 10 Mbit/s | drops 0 freezes 0 evicted 0 | "
        "flows 66 open, 1,300 in all, ended: accepted 1,200 denied 34 | alerts +3/3 | lag 8 ms"
    )


def test_rates_are_those_since_the_line_before() -> None:
    later = replace(CALM, elapsed_s=70.0, packets=601_000, bytes=75_000_000 + 1_250)
    assert status_text(later, CALM).startswith("100 packets/s 1.0 kbit/s | ")
    assert "alerts 3 |" in status_text(later, CALM)


def test_no_time_no_rate() -> None:
    assert status_text(CALM, CALM).startswith("0 packets/s 0 bit/s | ")


def test_losses_come_first_and_only_new_ones() -> None:
    worse = replace(
        CALM, elapsed_s=120.0, capture=CaptureStatus(800_000, 1_204, 2), evicted=1,
        sinks=(SinkStatus("json", 3, 0, 0, 0, None),
               SinkStatus("syslog tcp://h", 0, 5, 1, 7, "connection refused")),
    )  # fmt: skip
    text = status_text(worse, CALM)
    assert text.startswith("LOST 1,204 frames, 1 flow, 5 alerts | ")
    assert "drops +1,204/1,204 freezes +2/2 evicted +1/1" in text
    assert "syslog tcp://h: 7 waiting, 5 dropped (connection refused)" in text
    assert "json" not in text, "a sink that is well is not named"
    after = status_text(replace(worse, elapsed_s=180.0), worse)
    assert "LOST" not in after
    assert "drops 1,204 freezes 2 evicted 1" in after


def test_flow_records_are_no_alerts() -> None:
    full = replace(CALM, sinks=(SinkStatus("flows f", 3, 97_826, 0, 0, None, RECORDS),))
    text = status_text(full, CALM)
    assert text.startswith("LOST 97,826 flow records | ")
    assert "flows f: 97,826 dropped" in text


def test_what_earlier_runs_left_is_told() -> None:
    left = SinkStatus("syslog tcp://h", 3, 0, 0, 0, None, recovering=1_204)
    text = status_text(replace(CALM, sinks=(left,)), CALM)
    assert "syslog tcp://h: 1,204 of earlier runs waiting |" in text


def test_an_interface_that_gives_nothing_is_named() -> None:
    status = replace(CALM, interfaces=(InterfaceStatus("eth0", "up"),
                                       InterfaceStatus("eth1", "absent")))  # fmt: skip
    assert status_text(status, None).startswith("eth1 ABSENT | ")


def test_text_from_outside_is_harmless() -> None:
    status = replace(
        CALM, interfaces=(InterfaceStatus("e\n0", "down"),),
        sinks=(SinkStatus("syslog\x1b[2J", 0, 0, 0, 1, "no\r\nLOST"),),
    )  # fmt: skip
    assert status_text(status, None).isprintable()
    assert r"\x1b[2J" in status_text(status, None)


@pytest.mark.parametrize(
    ("bytes_per_s", "text"),
    [(0, "0 bit/s"), (100, "800 bit/s"), (125, "1.0 kbit/s"), (12_500_000, "100 Mbit/s"),
     (1.25e9, "10 Gbit/s")],
)
def test_bits(bytes_per_s: float, text: str) -> None:
    assert bits_text(bytes_per_s) == text


@pytest.mark.parametrize(
    ("lag_ns", "text"), [(0, "0 ms"), (8_400_000, "8 ms"), (1_000_000_000, "1.0 s")]
)
def test_lag(lag_ns: int, text: str) -> None:
    assert lag_text(lag_ns) == text
