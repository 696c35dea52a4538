"""Copies of a frame: a mirror port shows one packet twice, and it counts once."""

from __future__ import annotations

import pytest

from sensor.config import FlowLimits
from sensor.decode import decode
from sensor.flowtable.table import FlowTable
from sensor.model.packets import PacketBatch
from tests.conversation import ACK, RST, Talk, merged, play, time_ns, verdicts
from tests.memory_capture import MemoryCapture


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


def pair(apart_ns, change=None, version=4):
    """A segment, and again `apart_ns` later with other octets at one place."""
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1, b"login: ")
    time, octets = talk.frames[-1]
    if change:
        at, value = change
        octets = octets[:at] + bytes([octets[at] ^ value]) + octets[at + 1 :]
    return [*talk.frames, (time + apart_ns, octets)]


@pytest.mark.parametrize(("version", "window_ns"), [(4, 10_000_000), (6, 1_000_000)])
def test_the_window_reaches_as_far_as_it_says(version, window_ns):
    """IPv6 has no identification: there a copy must be closer."""
    for apart_ns, copies in ((0, 1), (window_ns, 1), (window_ns + 1, 0)):
        run = play(pair(apart_ns, version=version))
        assert run.ledger["duplicates"] == copies, apart_ns


def test_a_copy_may_be_dated_before_what_it_is_a_copy_of():
    for apart_ns, copies in ((-10_000_000, 1), (-10_000_001, 0)):
        assert play(pair(apart_ns)).ledger["duplicates"] == copies, apart_ns


@pytest.mark.parametrize("at", [19, 41, 45, 47, 51])
def test_what_differs_in_one_number_is_no_copy(at):
    """The IP identification, sequence and acknowledgement number, flags, checksum."""
    assert play(pair(1_000)).ledger["duplicates"] == 1
    assert play(pair(1_000, change=(at, 8))).ledger["duplicates"] == 0


def written(frame, *, identification=None, summed=None):
    """An IPv4 frame with another identification, a UDP one with another checksum field."""
    time, octets = frame
    if identification is not None:
        octets = octets[:18] + identification.to_bytes(2, "big") + octets[20:]
    if summed is not None:
        octets = octets[:40] + summed.to_bytes(2, "big") + octets[42:]
    return time, octets


@pytest.mark.parametrize("identification", [0, 7])
@pytest.mark.parametrize("summed", [0, 0xBEEF])
def test_datagrams_of_one_length_are_no_copies_where_their_payload_differs(identification, summed):
    """Checksum offload leaves the same field in all of them, and the identification may be
    constant (RFC 6864 4.1): 20 datagrams 60 us apart are 20, and 20 again when each is doubled.
    """
    frames = []
    for number in range(20):
        talk = Talk(ports=(40_000, 53))
        talk.client.udp(number * 60e-6, b"question %02d of twenty, and all of one length" % number)
        frames.append(written(talk.frames[0], identification=identification, summed=summed))
    assert play(frames).ledger["duplicates"] == 0
    doubled = sorted(frames + [(time + 20_000, octets) for time, octets in frames])
    assert play(doubled).ledger["duplicates"] == 20


def test_equal_datagrams_are_copies_where_nothing_else_tells():
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0)
    bare = written(talk.frames[0], identification=0, summed=0)
    for apart_ns, copies in ((1_000_000, 1), (1_000_001, 0)):
        run = play([bare, (bare[0] + apart_ns, bare[1])])
        assert run.ledger["duplicates"] == copies
    empty = Talk(ports=(40_000, 53))
    empty.client.udp(0, b"")
    time, octets = written(empty.frames[0], identification=0, summed=0)
    assert play([(time, octets), (time, octets)]).ledger["duplicates"] == 0


@pytest.mark.parametrize("version", [4, 6])
def test_the_resets_of_a_closed_socket_are_no_copies(version):
    """Each late segment gets one (RFC 9293 3.10.7.1), equal where nothing counts up."""
    talk = Talk(version)
    talk.handshake()
    talk.server.fin(0.03)
    for number in range(5):
        talk.client.data(0.04 + number * 30e-6)
    talk.ip_id = -1
    for number in range(5):
        talk.server.segment(0.05 + number * 30e-6, RST, seq=talk.server.next)
        talk.ip_id = -1
    run = play(talk)
    assert run.ledger["duplicates"] == 0
    assert run.records[0]["destination"]["packets"] == 7
    doubled = sorted(talk.frames + [(time + 10_000, octets) for time, octets in talk.frames])
    again = play(doubled)  # of ten equal ones, who knows which five are copies: one remains
    assert again.ledger["duplicates"] == 9 + 9
    assert again.records[0]["destination"]["packets"] == 3


@pytest.mark.parametrize("version", [4, 6])
def test_a_refusal_that_a_mirror_port_shows_twice_is_one(version):
    """The identification of a RST is often zero; the copy of its SYN tells that this is one."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.again(at=20e-6)
    talk.ip_id = -1
    talk.server.rst(0.0001, seq=0)
    talk.again(at=0.00012)
    run = play(talk)
    assert run.ledger["duplicates"] == 2
    assert verdicts(run) == [("denied", "rst", 0.95)]


@pytest.mark.parametrize(("identification", "summed", "payload", "copies"), [
    (7, 0, b"", 1), (0, 0xBEEF, b"", 1), (0, 0, b"x", 1), (7, 0xBEEF, b"", 1), (0, 0, b"", 0)])
def test_what_tells_a_copy(identification, summed, payload, copies):
    """An identification, a checksum or payload: one of them is enough, without any it is none."""
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0, payload)
    time, octets = written(talk.frames[0], identification=identification, summed=summed)
    assert play([(time, octets), (time + 1_000, octets)]).ledger["duplicates"] == copies


@pytest.mark.parametrize(("identification", "window_ns"), [(7, 10_000_000), (0, 1_000_000)])
def test_how_soon_a_copy_comes(identification, window_ns):
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(1)
    time, octets = written(talk.frames[0], identification=identification)
    for apart_ns, copies in ((window_ns, 1), (window_ns + 1, 0), (-window_ns, 1),
                             (-window_ns - 1, 0)):  # fmt: skip
        run = play([(time, octets), (time + apart_ns, octets)])
        assert run.ledger["duplicates"] == copies, apart_ns


@pytest.mark.parametrize("setting_ns", [500_000, 1_000_000, 2_000_000])
def test_without_an_identification_the_window_is_the_shorter_one(setting_ns):
    """Of the setting's and a millisecond."""
    limits = FlowLimits(duplicate_window_ns=setting_ns)
    for identification in (0, 7):
        window_ns = setting_ns if identification else min(setting_ns, 1_000_000)
        talk = Talk(ports=(40_000, 53))
        talk.client.udp(0)
        time, octets = written(talk.frames[0], identification=identification)
        for apart_ns, copies in ((window_ns, 1), (window_ns + 1, 0)):
            run = play([(time, octets), (time + apart_ns, octets)], limits=limits)
            assert run.ledger["duplicates"] == copies, (identification, apart_ns)


@pytest.mark.parametrize("addresses", [None, ("192.0.2.10", "192.0.2.10")])
def test_an_echo_is_no_copy_of_what_it_repeats(addresses):
    """The other way, with the same payload, identification and checksum."""
    ports = (5_000, 5_000) if addresses is None else (5_000, 6_000)
    talk = Talk(addresses=addresses, ports=ports)
    talk.client.udp(0, b"ping")
    talk.ip_id = 0
    talk.server.udp(0.0001, b"ping")
    frames = [written(frame, summed=0) for frame in talk.frames]
    run = play(frames)
    assert (run.ledger["duplicates"], verdicts(run)) == (0, [("accepted", "reply", 0.9)])


@pytest.mark.parametrize(("flags", "identification", "copies"), [
    (RST, 9, 1), (RST, 0, 0), (ACK, 9, 1), (ACK, 0, 1)])
def test_a_reset_alone_needs_an_identification_to_be_a_copy(flags, identification, copies):
    talk = Talk()
    talk.ip_id = identification - 1
    talk.client.segment(0, flags)
    talk.again(at=0.0001)
    assert play(talk).ledger["duplicates"] == copies


def test_copies_are_counted_of_frames_without_a_flow_of_their_own():
    """An ICMP error has a payload, the quote, and an identification."""
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0)
    talk.server.unreachable(0.1, 3, 3, talk.client.sent())
    talk.again(at=0.1001)
    run = play(talk)
    assert (run.ledger["duplicates"], run.ledger["icmp_errors"]) == (1, 1)


def test_of_many_packets_at_once_the_newest_are_remembered():
    """More than there are places: what was a moment ago is still known."""
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0)
    time, octets = talk.frames[0]
    frames = [(time + number * 100, octets[:18] + number.to_bytes(2, "big") + octets[20:])
              for number in range(1, 40_000)]  # fmt: skip
    doubled = [(at + 50, one) for at, one in frames[-2_000:]]
    run = play(sorted(frames + doubled))
    assert run.ledger["duplicates"] == 2_000


@pytest.mark.parametrize("apart", [1, 64])
def test_a_memory_that_is_full_forgets_the_oldest(apart):
    """24,000 packets, half as many again as it holds: each has its copy a moment later."""
    talk = Talk(ports=(40_000, 7_777))
    talk.client.udp(0, b"number")
    (_, octets), = talk.frames
    sent = [octets[:18] + number.to_bytes(2, "big") + octets[20:] for number in range(24_000)]
    frames = []
    for number, one in enumerate(sent):
        frames.append((time_ns(number / 1e5), one))
        if number >= apart:
            frames.append((time_ns(number / 1e5), sent[number - apart]))
    table, packets = FlowTable(FlowLimits(flows_max=10)), PacketBatch()
    for batch in MemoryCapture(frames):
        decode(batch, packets)
        assert table.advance(packets)
    assert table.counters()["duplicates"] == 24_000 - apart
