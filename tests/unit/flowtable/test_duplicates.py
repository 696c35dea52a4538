"""Copies of a frame: a mirror port shows one packet twice, and it counts once."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, merged, play, verdicts


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


def test_datagrams_without_identification_and_checksum_are_never_copies():
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0)
    time, octets = talk.frames[0]
    bare = octets[:18] + bytes(2) + octets[20:40] + bytes(2) + octets[42:]
    named = octets[:40] + bytes(2) + octets[42:]
    assert play([(time, bare), (time + 1_000, bare)]).ledger["duplicates"] == 0
    assert play([(time, named), (time + 1_000, named)]).ledger["duplicates"] == 1
