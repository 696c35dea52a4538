"""Timeouts, eviction, limits, clocks, duplicates and keys of the flow table."""

from __future__ import annotations

from collections import Counter

import pytest

from sensor.capture.in_memory import MemoryCapture
from sensor.config import FlowLimits
from tests.conversation import (
    SECOND_NS,
    START_NS,
    Talk,
    ends,
    merged,
    play,
    tags,
    time_ns,
    verdicts,
)
from tests.running import run_capture

TICK = 0.017
"""Deadlines are rounded up to a tick of 2**24 ns."""


def flow_of(run, which=0):
    return run.records[which]["sensor"]["flow"]


def reasons(run):
    return [record["sensor"]["flow"]["end_reason"] for record in run.records]


def bystander(at, port=1_111):
    talk = Talk(ports=(port, 2_222))
    talk.client.udp(at)
    return talk


# ---- timeouts -----------------------------------------------------------------------------------


def attempt(talk):
    talk.client.syn(0)


def established(talk):
    talk.handshake(-0.02)
    talk.server.data(0)


def reset(talk):
    talk.handshake(-0.03)
    talk.server.data(-0.01)
    talk.client.rst(0)


def closed(talk):
    talk.handshake(-0.05)
    talk.server.data(-0.03)
    talk.close(-0.02)


def datagram(talk):
    talk.client.udp(0)


def ping(talk):
    talk.client.echo(0, 8, 1)


def other(talk):
    talk.client.other(0, 253)


TIMEOUTS = [
    (attempt, 30, "idle_timeout"),
    (established, 300, "idle_timeout"),
    (reset, 5, "rst"),
    (closed, 5, "fin"),
    (datagram, 60, "idle_timeout"),
    (ping, 60, "idle_timeout"),
    (other, 60, "idle_timeout"),
]


@pytest.mark.parametrize("story,seconds,reason", TIMEOUTS, ids=[s.__name__ for s, *_ in TIMEOUTS])
def test_timeouts(story, seconds, reason):
    """The flow is there just before its timeout, and gone a tick after it."""
    before = Talk()
    story(before)
    run = play(merged(before, bystander(seconds - 0.001)))
    assert int(run.rows[-1]["known_ns"]) == time_ns(seconds - 0.001)
    assert run.ledger["flows"]["peak"] == 2
    after = Talk()
    story(after)
    run = play(merged(after, bystander(seconds + TICK)))
    (record,) = [row for row in run.rows if row["action"] >= 3 and row["orig_port"] != 1_111]
    assert time_ns(seconds) <= int(record["known_ns"]) <= time_ns(seconds + TICK)
    assert run.ledger["flows"]["peak"] == 1
    assert reasons(run)[0] == reason


def test_each_packet_puts_the_timeout_off():
    talk = Talk(ports=(40_000, 53))
    for at in (0, 50, 100, 150):
        talk.client.udp(at)
    run = play(merged(talk, bystander(205)))
    assert run.ledger["flows"]["peak"] == 2


def test_configured_timeouts():
    limits = FlowLimits(udp_timeout_ns=2 * SECOND_NS, tcp_attempt_timeout_ns=1 * SECOND_NS)
    udp, tcp = Talk(ports=(41_000, 2_222)), Talk()
    udp.client.udp(0)
    tcp.client.syn(0)
    run = play(merged(udp, tcp, bystander(3)), limits=limits)
    known = {int(row["orig_port"]): int(row["known_ns"]) for row in run.rows if row["action"] == 3}
    assert time_ns(1) <= known[40_000] <= time_ns(1 + TICK)
    assert time_ns(2) <= known[41_000] <= time_ns(2 + TICK)


def test_a_timeout_longer_than_the_timer_wheel():
    limits = FlowLimits(tcp_idle_timeout_ns=7200 * SECOND_NS)
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    ticks = [bystander(at) for at in range(0, 8000, 50)]
    run = play(merged(talk, *ticks), limits=limits)
    (record,) = [row for row in run.rows if row["action"] == 3 and row["orig_port"] == 40_000]
    assert time_ns(7200.1) <= int(record["known_ns"]) <= time_ns(7200.1 + TICK)


def test_active_timeout_gives_records_of_an_open_flow():
    talk = Talk()
    talk.handshake()
    for second in range(1, 100):
        talk.server.data(second)
        talk.client.ack(second + 0.1)
    run = play(talk, limits=FlowLimits(active_timeout_ns=30 * SECOND_NS))
    flows = [(e["event"]["action"], e["flow"]["final"]) for e in run.events]
    assert flows == [
        ("flow_started", False), *[("network_flow", False)] * 3, ("network_flow", True)
    ]
    active = run.events[1]
    assert active["event"]["type"] == ["connection"]
    assert active["sensor"]["flow"]["end_reason"] == "active_timeout"
    assert len({event["flow"]["id"] for event in run.events}) == 1
    known = [int(row["known_ns"]) for row in run.rows[1:4]]
    for number, at in enumerate(known, start=1):
        assert time_ns(30 * number) <= at <= time_ns(30 * number + number * TICK)


# ---- growth and overflow ------------------------------------------------------------------------


def crowd(count, at=0.0, apart=0.0):
    """SYNs of `count` clients, by octets: quicker than a Talk for each."""
    talk = Talk()
    talk.client.syn(at)
    _, octets = talk.frames[0]
    frames = []
    for number in range(count):
        source = bytes([10, number >> 16 & 255, number >> 8 & 255, number & 255])
        frames.append((time_ns(at + number * apart), octets[:26] + source + octets[30:]))
    return frames


def test_the_hash_table_grows():
    frames = crowd(60_000)
    answer = Talk(addresses=("10.0.0.7", "198.51.100.7"))
    answer.client.syn(0)
    answer.server.synack(0.1)
    answer.client.ack(0.2)
    answer.server.data(0.3)
    run = play([*frames, *answer.frames[1:]])
    assert run.ledger["flows"]["total"] == run.ledger["flows"]["peak"] == 60_000
    assert len({record["source"]["ip"] for record in run.records}) == 60_000
    started = [event for event in run.events if event["event"]["action"] == "flow_started"]
    assert [event["source"]["ip"] for event in started] == ["10.0.0.7"]


@pytest.mark.parametrize("handover", [1, 8192, 100_000])
def test_more_events_at_once_than_the_buffer_holds(handover):
    """20,000 attempts time out at once: two events each."""
    frames = [*crowd(20_000), *bystander(40).frames]
    run = run_capture(MemoryCapture(frames), handover_events=handover)
    assert Counter(run.actions()) == {"flow_dropped": 20_001, "network_flow": 20_001}
    known = [int(row["known_ns"]) for row in run.rows]
    assert known == sorted(known)


def test_overflow_at_the_end_of_a_batch():
    """The batch's last packet makes everything due; its own flow comes after all."""
    frames = [*crowd(9_000), *bystander(40).frames]
    whole = run_capture(MemoryCapture(frames))
    single = run_capture(MemoryCapture(frames, batch_frames=1_000))
    assert whole.events == single.events
    assert ends(whole.records[-1])[1] == 1_111


# ---- clocks -------------------------------------------------------------------------------------

HOUR = 3600.0


@pytest.mark.parametrize("jump", [600.0, 5 * HOUR, 24 * 365 * HOUR])
def test_a_jump_forward_on_which_frames_agree_ends_everything(jump):
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    run = play(merged(talk, bystander(jump), bystander(jump + 1, 1_112)))
    assert reasons(run) == ["idle_timeout", "end_of_capture", "end_of_capture"]
    assert run.ledger["time_jumps"] == 0


def test_a_clock_that_runs_backwards_keeps_the_flow_and_is_counted():
    talk = Talk()
    talk.handshake(10)
    talk.server.data(7)
    talk.client.ack(7.1)
    talk.client.data(12)
    run = play(talk)
    assert run.ledger["time_backwards"] == 2
    assert run.actions() == ["flow_started", "network_flow"]
    assert run.records[0]["network"]["packets"] == 6
    known = [int(row["known_ns"]) for row in run.rows]
    assert known == sorted(known)


@pytest.mark.parametrize("start", [0, 1, 1 << 24, 4_000_000_000 * SECOND_NS])
def test_any_start(start):
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    talk.close(1)
    frames = [(time - START_NS + start, octets) for time, octets in talk.frames]
    run = play(frames)
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]
    assert run.records[0]["event"]["duration"] == 1_020_000_000
    assert flow_of(run)["conn_state"] == "SF"


def test_from_nothing_to_now():
    """A capture whose first frame has no time (zero) and whose others have."""
    early = Talk(ports=(41_000, 2_222))
    early.client.udp(0)
    talk = Talk()
    talk.handshake()
    run = play([(0, early.frames[0][1]), *talk.frames])
    assert reasons(run) == ["idle_timeout", "end_of_capture"]


# ---- duplicates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version,apart,copies", [
    (4, 0.009, 1), (4, 0.010, 1), (4, 0.011, 0), (6, 0.0009, 1), (6, 0.0011, 0),
])  # fmt: skip
def test_copies_of_a_frame_count_once(version, apart, copies):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.again(at=0.1 + apart, ttl=63 if version == 4 else None)
    run = play(talk)
    assert run.ledger["duplicates"] == copies
    assert run.records[0]["destination"]["packets"] == 3 - copies


def test_copies_may_differ_in_vlan_and_mac():
    talk, tagged = Talk(), Talk(vlan=7)
    for one in (talk, tagged):
        one.handshake()
        one.server.data(0.1)
    tagged.frames = [(time + 1_000, octets) for time, octets in tagged.frames]
    run = play(merged(talk, tagged))
    assert run.ledger["duplicates"] == 4
    assert run.records[0]["network"]["packets"] == 4


def test_copies_count_where_the_option_is_off():
    talk = Talk()
    talk.handshake()
    talk.again(at=0.021)
    run = play(talk, duplicates=False)
    assert run.ledger["duplicates"] == 0
    assert run.records[0]["network"]["packets"] == 4


def test_a_retransmission_is_no_copy():
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1, b"x", seq=talk.server.next)
    talk.server.data(0.1001, b"x", seq=talk.server.next)
    run = play(talk)
    assert run.ledger["duplicates"] == 0


def test_a_copied_syn_ack_is_not_a_repeated_one():
    """Row 7's sign must not come from a mirror port."""
    talk = Talk()
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.ack(0.015)
    talk.again(1, at=0.019)
    assert verdicts(play(talk)) == [("accepted", "handshake", 0.7)]


# ---- keys ---------------------------------------------------------------------------------------


def in_two_vlans():
    talks = []
    for vlan in (10, 20):
        talk = Talk(vlan=vlan, isns=(vlan, vlan))
        talk.handshake(vlan * 0.001)
        talk.server.data(0.1 + vlan * 0.001)
        talks.append(talk)
    return merged(*talks)


def test_key_vlan_separates():
    run = play(in_two_vlans(), key_vlan=True)
    assert [record["network"]["vlan"]["id"] for record in run.records] == ["10", "20"]
    assert verdicts(run) == [("accepted", "responder_data", 0.99)] * 2


def test_without_key_vlan_a_tag_on_one_direction_does_not_separate():
    tagged, plain = Talk(vlan=10), Talk()
    for talk in (tagged, plain):
        talk.handshake()
        talk.server.data(0.1)
    frames = [plain.frames[0], tagged.frames[1], plain.frames[2], tagged.frames[3]]
    run = play(frames)
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]
    assert run.records[0]["network"]["vlan"]["id"] == "10"


def test_key_vlan_and_icmp():
    talk = Talk(vlan=10)
    talk.client.syn(0)
    talk.server.unreachable(0.1, 3, 13, talk.client.sent())
    assert play(talk, key_vlan=True).actions() == ["flow_denied", "network_flow"]


def test_the_transport_is_part_of_the_key():
    talk = Talk(ports=(40_000, 23))
    talk.client.syn(0)
    talk.client.udp(0.1)
    talk.server.udp(0.2)
    run = play(talk)
    assert len(run.records) == 2


def test_address_and_port_pairs_do_not_mix():
    """A:x > B:y and A:y > B:x are different flows; so are A > B and A > A."""
    one, two = Talk(ports=(3_000, 2_000)), Talk(ports=(2_000, 3_000))
    one.client.udp(0)
    two.client.udp(0.1)
    own = Talk(addresses=("192.0.2.10", "192.0.2.10"), ports=(3_000, 2_000))
    own.client.udp(0.2)
    own.server.udp(0.3)
    run = play(merged(one, two, own))
    assert sorted(verdict[0] for verdict in verdicts(run)) == ["accepted", "dropped", "dropped"]


def test_a_seed_never_shows():
    talks = []
    for number in range(50):
        talk = Talk(4 + 2 * (number & 1), ports=(40_000 + number, 23))
        talk.handshake(number * 0.01)
        talk.server.data(number * 0.01 + 0.2)
        talks.append(talk)
    frames = merged(*talks)
    assert play(frames, seed=1).events == play(frames, seed=0xDEAD_BEEF_0000_0001).events


def test_a_flow_with_itself():
    """A land attack: both ends are the same."""
    talk = Talk(addresses=("192.0.2.10", "192.0.2.10"), ports=(139, 139))
    talk.client.syn(0)
    talk.server.syn(0.01)
    run = play(talk)
    assert "flow_started" not in run.actions()
    assert tags(run.records[0]) == []
