"""Losses become notices: at once when they begin, then once in an interval, none forgotten."""

from __future__ import annotations

import dataclasses
import random

import pytest

from sensor.model.status import RECORDS, CaptureStatus, SinkStatus, Status
from sensor.monitoring.loss_monitor import LossWatch

WALL_NS = 1_700_000_000_000_000_000


def status_at(  # noqa: PLR0913  each is one kind of loss
    elapsed_s: float, *, drops: int = 0, freezes: int = 0, evicted: int = 0, sinks: int = 0,
    records: int = 0, skipped: int = 0,
) -> Status:
    return Status(
        WALL_NS + int(elapsed_s * 1e9), elapsed_s, evicted=evicted, streams={"skipped": skipped},
        capture=CaptureStatus(1000, drops, freezes),
        sinks=(SinkStatus("json", 5, 0, 0, 0, None),
               SinkStatus("syslog udp://x", 5, sinks, 0, 0, "refused\x1b[1m" if sinks else None),
               SinkStatus("flows /f", 5, records, 0, 0, None, RECORDS)),
    )  # fmt: skip


def test_no_loss_no_notice() -> None:
    watch = LossWatch()
    assert [watch.check(status_at(second)) for second in range(30)] == [[]] * 30
    assert watch.check(status_at(30), last=True) == []


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ({"drops": 12}, ["12 frames lost", "--ring-mib", "--workers"]),
        ({"drops": 1}, ["1 frame lost"]),
        ({"freezes": 2}, ["2 times the ring was full", "--ring-mib", "--workers"]),
        ({"sinks": 3}, ["3 alerts not delivered", "udp://x dropped 3", "refused", "--spool"]),
        ({"records": 97_826}, ["97,826 flow records not written", "flows /f dropped 97,826",
                               "flow_queue_bytes"]),
        ({"records": 1}, ["1 flow record not written"]),
        ({"evicted": 4}, ["4 flows ended early", "flows_max"]),
        ({"skipped": 5}, ["5 segments not analyzed", "--workers"]),
    ],
)
def test_the_first_loss_is_said_at_once_with_what_to_do(
    losses: dict[str, int], words: list[str]
) -> None:
    watch = LossWatch()
    assert watch.check(status_at(0)) == []
    status = status_at(0.1, **losses)
    [notice] = watch.check(status)
    assert (notice.kind, notice.warning, notice.time_ns) == ("loss", True, status.wall_ns)
    assert notice.text.isprintable()
    assert "in this run)" not in notice.text
    for word in words:
        assert word in notice.text
    assert "json" not in notice.text, "a sink that lost nothing is not blamed"
    assert ("alert" in notice.text) is ("sinks" in losses), "flow records are no alerts"
    assert ("flows /f" in notice.text) is ("records" in losses)


def test_what_goes_on_is_said_once_in_an_interval_with_both_counts() -> None:
    watch = LossWatch()
    said = {}
    for tenth in range(301):  # 7 frames more in each tenth of a second
        for notice in watch.check(status_at(tenth / 10, drops=7 * tenth)):
            said[tenth] = notice.text
    assert list(said) == [1, 101, 201]
    assert said[1].startswith("7 frames lost: ")
    assert said[101].startswith("700 frames lost (707 in this run): ")
    assert said[201].startswith("700 frames lost (1,407 in this run): ")


def test_after_a_quiet_time_the_next_loss_is_said_at_once() -> None:
    watch = LossWatch()
    watch.check(status_at(0, drops=5))
    assert watch.check(status_at(60, drops=5)) == []
    assert len(watch.check(status_at(60.1, drops=6))) == 1


def test_kinds_do_not_wait_for_each_other() -> None:
    watch = LossWatch()
    assert len(watch.check(status_at(0, drops=5))) == 1
    assert "evict" not in watch.check(status_at(1, drops=6, evicted=1))[0].text
    assert len(watch.check(status_at(10, drops=6, freezes=1, evicted=2, sinks=1))) == 3
    [late] = watch.check(status_at(11, drops=6, freezes=1, evicted=2, sinks=1))
    assert late.text.startswith("1 flow ended early (2 in this run)")


def test_at_the_end_the_rest_is_said() -> None:
    watch = LossWatch()
    watch.check(status_at(0, drops=5))
    [notice] = watch.check(status_at(0.5, drops=8), last=True)
    assert notice.text.startswith("3 frames lost (8 in this run)")


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    watch = LossWatch()
    watch.check(status_at(0, drops=5))
    later = dataclasses.replace(status_at(10, drops=6), wall_ns=WALL_NS - 10**15)
    assert len(watch.check(later)) == 1


@pytest.mark.parametrize("seed", range(20))
def test_said_counts_add_up_and_none_waits_for_longer_than_the_interval(seed: int) -> None:
    chance = random.Random(seed)
    watch = LossWatch(interval_ns=3_000_000_000)
    now = 0.0
    drops = said = 0
    unsaid_since: float | None = None
    for _ in range(500):
        now += chance.choice((0.1, 0.1, 0.5))
        if chance.random() < 0.1:
            drops += chance.randrange(1, 5)
            unsaid_since = now if unsaid_since is None else unsaid_since
        for notice in watch.check(status_at(now, drops=drops)):
            said += int(notice.text.split()[0])
            unsaid_since = None
        assert (said == drops) is (unsaid_since is None)
        assert unsaid_since is None or now - unsaid_since <= 3.0
    assert drops > 0


def test_the_only_sink_that_loses_is_not_told_while_it_is_in_trouble() -> None:
    [notice] = LossWatch().check(status_at(0, sinks=3))
    assert notice.about == "syslog udp://x"
    busy = SinkStatus("syslog udp://x", 5, 3, 0, 0, None)  # too slow, and there
    [notice] = LossWatch().check(Status(WALL_NS, 0, sinks=(busy,)))
    assert notice.about == ""
    both = (SinkStatus("a", 5, 3, 0, 0, "refused"), SinkStatus("b", 5, 3, 0, 0, "refused"))
    [notice] = LossWatch().check(Status(WALL_NS, 0, sinks=both))
    assert notice.about == "", "each should hear of the other"
