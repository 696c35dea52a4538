"""Copies of a frame: a mirror port shows one packet twice, and it counts once."""

from __future__ import annotations

import pytest

from tests.conversation import RST, Talk, merged, play, verdicts


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
