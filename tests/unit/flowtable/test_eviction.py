"""Who leaves when the table is full."""

from __future__ import annotations

from sensor.config import FlowLimits
from tests.conversation import Talk, ends, merged, play, verdicts


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
