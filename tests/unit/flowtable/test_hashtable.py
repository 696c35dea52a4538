"""The key of a flow, and the hash table that finds it."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, merged, play, tags, verdicts
from tests.unit.flowtable.stories import crowd


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


@pytest.mark.parametrize("other", [
    ("2001:db9::1", "2001:db8::2"), ("2001:db8::3", "2001:db8::2"),
    ("2001:db8::1", "2001:db9::2"), ("2001:db8::1", "2001:db8::3"),
])  # fmt: skip
def test_every_part_of_an_address_separates(other):
    talks = [Talk(6, addresses=addresses) for addresses in (("2001:db8::1", "2001:db8::2"), other)]
    for number, talk in enumerate(talks):
        talk.client.udp(number * 0.1)
        talk.server.udp(number * 0.1 + 0.05)
    assert len(play(merged(*talks)).records) == 2


def test_an_error_that_quotes_another_flow_belongs_to_none():
    """Each differs in one part of the quoted addresses and ports."""
    talk = Talk(6, ports=(40_000, 53))
    talk.client.udp(0)
    quote = talk.client.sent()
    for at in (8, 24, 40):  # source, destination, source port
        changed = quote[:at] + bytes([quote[at] ^ 1]) + quote[at + 1 :]
        error = Talk(6, ports=(40_000, 53))
        error.server.unreachable(0.1, 1, 4, changed)
        assert len(play(merged(talk, error)).records) == 2, at
    error = Talk(6, ports=(40_000, 53))
    error.server.unreachable(0.1, 1, 4, quote)
    assert len(play(merged(talk, error)).records) == 1


def test_flows_that_end_leave_the_others_to_be_found():
    """Half of many flows is gone when the others speak again: entries behind a gap move up."""
    talks = [Talk(ports=(40_000 + number, 53)) for number in range(400)]
    for number, talk in enumerate(talks):
        talk.client.udp(number * 0.001)
        if number % 2:
            talk.client.udp(50 + number * 0.001)
            talk.server.udp(80 + number * 0.001)
    run = play(merged(*talks))
    assert sorted(record["network"]["packets"] for record in run.records) == [1] * 200 + [3] * 200
