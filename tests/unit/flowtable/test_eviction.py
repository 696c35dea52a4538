"""Who leaves when the table is full."""

from __future__ import annotations

import pytest

from sensor.config import FlowLimits
from tests.conversation import Talk, ends, merged, play, verdicts
from tests.unit.flowtable.stories import bystander


def test_unanswered_attempts_go_first_and_oldest_first():
    accepted = Talk(ports=(50_000, 23))
    accepted.handshake(0)
    accepted.server.data(0.03)
    refused = Talk(ports=(50_001, 23))
    refused.client.syn(0.1)
    refused.server.rst(0.11, seq=0)
    syns = []
    for number in range(6):
        talk = Talk(ports=(40_000 + number, 23))
        talk.client.syn(1 + number * 0.1)
        syns.append(talk)
    run = play(merged(accepted, refused, *syns), limits=FlowLimits(flows_max=4))
    evicted = [r["source"]["port"] for r in run.records
               if r["sensor"]["flow"]["end_reason"] == "evicted"]
    assert evicted == [40_000, 40_001, 40_002, 40_003]
    assert run.ledger["flows"]["evicted"] == 4
    assert run.ledger["flows"]["peak"] == 4
    assert run.ledger["flows"]["total"] == len(run.records) == 8


def test_an_accepted_flow_is_evicted_last_but_evicted():
    talks = []
    for number in range(3):
        talk = Talk(ports=(40_000 + number, 23))
        talk.handshake(number)
        talk.server.data(number + 0.03)
        talks.append(talk)
    refused = Talk(ports=(50_001, 23))
    refused.client.syn(2.5)
    refused.server.rst(2.51, seq=0)
    late = Talk(ports=(50_002, 23))
    late.client.syn(2.6)
    run = play(merged(*talks, refused, late), limits=FlowLimits(flows_max=3))
    evicted = [r["source"]["port"] for r in run.records
               if r["sensor"]["flow"]["end_reason"] == "evicted"]
    assert evicted == [40_000, 50_001]


def test_an_evicted_attempt_is_not_called_dropped():
    talks = []
    for number in range(3):
        talk = Talk(ports=(40_000 + number, 23))
        talk.client.syn(number * 0.1)
        talks.append(talk)
    run = play(merged(*talks), limits=FlowLimits(flows_max=1))
    assert [verdict[0] for verdict in verdicts(run)][:2] == ["attempted", "attempted"]


def test_a_connection_inside_a_flood_is_still_found():
    """5,000 SYNs into a table of 1,000 flows; one connection among them is accepted."""
    flood = []
    for number in range(5_000):
        talk = Talk(addresses=(f"10.{number >> 8}.{number & 255}.1", "198.51.100.7"))
        talk.client.syn(number * 0.0001)
        flood += talk.frames
    talk = Talk(ports=(50_432, 23))
    talk.client.syn(0.2)
    talk.server.synack(0.22)
    talk.client.ack(0.24)
    talk.server.data(0.4)
    run = play(merged(flood, talk), limits=FlowLimits(flows_max=1_000))
    started = [event for event in run.events if event["event"]["action"] == "flow_started"]
    assert [ends(event)[1] for event in started] == [50_432]
    assert run.ledger["flows"]["evicted"] == 5_001 - 1_000
    assert run.ledger["flows"]["total"] == 5_001


def test_a_table_full_of_connections_that_nobody_closed_still_takes_new_ones():
    """Of 990 accepted connections in a table of 1,000 the ends were lost; then comes a flood."""
    abandoned = []
    for number in range(990):
        talk = Talk(addresses=(f"10.200.{number >> 8}.{number & 255}", "198.51.100.7"))
        talk.handshake(number * 0.0001)
        talk.server.data(0.3 + number * 0.0001)
        abandoned += talk.frames
    flood = []
    for number in range(5_000):
        talk = Talk(addresses=(f"10.{number >> 8}.{number & 255}.1", "198.51.100.7"))
        talk.client.syn(5 + number * 0.0001)
        flood += talk.frames
    busy = Talk(ports=(50_431, 23))
    busy.handshake(0.01)
    busy.server.data(0.05)
    for number in range(12):
        busy.client.data(0.1 + number * 0.5)
        busy.server.data(0.3 + number * 0.5)
    late = Talk(ports=(50_432, 23))
    late.client.syn(5.2)
    late.server.synack(5.205)
    late.client.ack(5.21)
    late.server.data(5.4)
    run = play(merged(abandoned, flood, busy, late), limits=FlowLimits(flows_max=1_000))
    whole = {ends(record)[1]: record["network"]["packets"] for record in run.records
             if ends(record)[1] in (50_431, 50_432)}  # fmt: skip
    assert whole[50_432] == 4  # there was room for its SYN until the answer came
    assert whole[50_431] == 28  # a connection that is used is not ended and found again


def evicted(run):
    return [ends(record)[1] for record in run.records
            if record["sensor"]["flow"]["end_reason"] == "evicted"]  # fmt: skip


def attempts(count, at, first=41_000):
    talks = [Talk(ports=(first + number, 23)) for number in range(count)]
    for number, talk in enumerate(talks):
        talk.client.syn(at + number * 0.001)
    return talks


def refused(count, at, first=42_000):
    talks = [Talk(ports=(first + number, 23)) for number in range(count)]
    for number, talk in enumerate(talks):
        talk.client.syn(at + number * 0.001)
        talk.server.rst(at + number * 0.001 + 0.0001, seq=0)
    return talks


def accepted(count, at, first=43_000):
    talks = [Talk(ports=(first + number, 23)) for number in range(count)]
    for number, talk in enumerate(talks):
        talk.handshake(at + number * 0.1)
        talk.server.data(at + number * 0.1 + 0.03)
    return talks


@pytest.mark.parametrize(("counts", "first"), [
    # Of a table of 16 flows two attempts stay, and two that were answered.
    ((3, 3, 10), 41_000), ((2, 3, 11), 42_000), ((2, 2, 12), 43_000), ((0, 2, 14), 43_000),
    ((2, 0, 14), 43_000), ((0, 3, 13), 42_000), ((2, 14, 0), 42_000), ((16, 0, 0), 41_000),
    ((0, 0, 16), 43_000), ((0, 16, 0), 42_000),
])  # fmt: skip
def test_an_eighth_of_the_table_stays_for_each_kind(counts, first):
    talks = [*accepted(counts[2], 0), *refused(counts[1], 2), *attempts(counts[0], 2.1)]
    run = play(merged(*talks, bystander(4)), limits=FlowLimits(flows_max=16))
    assert evicted(run) == [first]


@pytest.mark.parametrize(("counts", "first"), [((1, 0, 0), 41_000), ((0, 1, 0), 42_000),
                                               ((0, 0, 1), 43_000)])  # fmt: skip
def test_in_a_table_of_one_flow_any_flow_makes_room(counts, first):
    talks = [*accepted(counts[2], 0), *refused(counts[1], 2), *attempts(counts[0], 2.1)]
    run = play(merged(*talks, bystander(4)), limits=FlowLimits(flows_max=1))
    assert evicted(run) == [first]


@pytest.mark.parametrize(("silent_s", "first"), [
    (1.000_000_001, 43_000), (1, 43_001), (0.9, 43_001)])
def test_a_flow_with_a_packet_in_the_last_second_is_spared(silent_s, first):
    """While another one is silent: the next oldest goes."""
    talks = accepted(2, 0)
    talks[0].server.data(5 - silent_s)
    run = play(merged(*talks, bystander(5)), limits=FlowLimits(flows_max=2))
    assert evicted(run) == [first]


@pytest.mark.parametrize(("busy", "first"), [(7, 43_007), (8, 43_008), (9, 43_008)])
def test_eight_flows_at_most_are_spared(busy, first):
    talks = accepted(12, 0)
    for number in range(busy):
        talks[number].server.data(4.5 + number * 0.001)
    run = play(merged(*talks, bystander(5)), limits=FlowLimits(flows_max=12))
    assert evicted(run) == [first]


def test_who_is_waiting_for_a_verdict_counts_as_accepted():
    talk = Talk(ports=(43_000, 23))
    talk.handshake(0)
    talks = [talk, *refused(2, 0.1), *attempts(1, 0.2)]
    run = play(merged(*talks, bystander(0.3)), limits=FlowLimits(flows_max=4))
    assert evicted(run) == [41_000]
