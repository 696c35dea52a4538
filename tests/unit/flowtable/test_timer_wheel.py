"""Deadlines: never early, a tick late at most, in the order in which they were set."""

from __future__ import annotations

import pytest

from sensor.config import FlowLimits
from tests.conversation import SECOND_NS, Talk, ends, merged, play, time_ns
from tests.unit.flowtable.stories import TICK, bystander


def test_a_timeout_longer_than_the_timer_wheel():
    limits = FlowLimits(tcp_idle_timeout_ns=7200 * SECOND_NS)
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    ticks = [bystander(at) for at in range(0, 8000, 50)]
    run = play(merged(talk, *ticks), limits=limits)
    (record,) = [row for row in run.rows if row["action"] == 3 and row["orig_port"] == 40_000]
    assert time_ns(7200.1) <= int(record["known_ns"]) <= time_ns(7200.1 + TICK)


# The wheel has 2**15 ticks of 2**24 ns: 549.755813888 s.
@pytest.mark.parametrize("timeout_ns", [
    1, (1 << 24) - 1, 1 << 24, (1 << 24) + 1, 549_755_813_887 - (1 << 24), 549_755_813_887,
    549_755_813_888, 549_755_813_889, 549_755_813_888 + (1 << 24), 2 * 549_755_813_888 + 1,
])  # fmt: skip
def test_a_deadline_is_never_early_and_a_tick_late_at_most(timeout_ns):
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0)
    after = [bystander(at, 1_111) for at in range(1, 1_200, 7)]
    run = play(merged(talk, *after), limits=FlowLimits(udp_timeout_ns=timeout_ns))
    (record,) = [row for row in run.rows if row["action"] == 3 and row["orig_port"] == 40_000]
    assert 0 <= int(record["known_ns"]) - time_ns(0) - timeout_ns < 1 << 24


def test_flows_of_one_tick_leave_in_the_order_of_their_deadlines():
    talks = [Talk(ports=(port, 53)) for port in (41_003, 41_001, 41_002)]
    for number, talk in enumerate(talks):
        talk.client.udp(number * 0.0001)
    run = play(merged(*talks, bystander(100)))
    assert [ends(record)[1] for record in run.records[:3]] == [41_003, 41_001, 41_002]


def test_a_flow_in_the_middle_of_a_tick_may_be_put_off():
    talks = [Talk(ports=(port, 53)) for port in (41_001, 41_002, 41_003)]
    for number, talk in enumerate(talks):
        talk.client.udp(number * 0.0001)
    talks[1].client.udp(30)
    run = play(merged(*talks, bystander(100)))
    assert [ends(record)[1] for record in run.records[:3]] == [41_001, 41_003, 41_002]


def test_a_reset_brings_the_deadline_forward():
    talk, other = Talk(), Talk(ports=(41_000, 23))
    for one in (talk, other):
        one.handshake()
        one.server.data(0.1)
    talk.client.rst(1)
    run = play(merged(talk, other, bystander(20)))
    assert ends(run.records[0])[1] == 40_000
    (record,) = [row for row in run.rows if row["action"] == 3 and row["orig_port"] == 40_000]
    assert time_ns(6) <= int(record["known_ns"]) <= time_ns(6 + TICK)


@pytest.mark.parametrize("apart_ns", [0, 1, (1 << 24) - 1])
def test_a_deadline_that_is_now_is_met_a_tick_later_at_most(apart_ns):
    """A wait of no time at all, also where the handshake is done exactly on a tick."""
    talk = Talk()
    talk.handshake(0)
    shift = -talk.frames[-1][0] % (1 << 24) + apart_ns
    frames = [(time + shift, octets) for time, octets in talk.frames]
    after = [bystander(at, 1_111) for at in range(1, 20)]
    run = play(merged(frames, *after), limits=FlowLimits(verdict_wait_ns=0))
    (started,) = [row for row in run.rows if row["action"] == 0]
    assert 0 <= int(started["known_ns"]) - frames[-1][0] <= 1 << 24
