"""Who opened a flow, and how a wrong guess is put right."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, ends, merged, play, tags

pytestmark = pytest.mark.parametrize("version", [4, 6])


@pytest.mark.parametrize("first", ["client", "server"])
def test_the_lower_well_known_port_responds(version, first):
    talk = Talk(version)
    order = [talk.client, talk.server] if first == "client" else [talk.server, talk.client]
    order[0].data(0)
    order[1].data(0.1)
    order[0].ack(0.2)
    run = play(talk)
    assert (ends(run.records[0])[1], ends(run.records[0])[3]) == (40_000, 23)
    assert tags(run.records[0]) == ["direction_guessed"]


def test_the_first_sender_opens_where_ports_tell_nothing(version):
    talk = Talk(version, ports=(40_000, 50_000))
    talk.server.data(0)
    talk.client.data(0.1)
    run = play(talk)
    assert ends(run.records[0])[1] == 50_000
    assert tags(run.records[0]) == ["direction_guessed"]


def test_a_syn_ack_tells_even_against_the_ports(version):
    talk = Talk(version, ports=(20, 40_000))
    talk.server.segment(0, 0x12, ack=talk.client.isn + 1)
    run = play(talk)
    assert (ends(run.records[0])[1], ends(run.records[0])[3]) == (20, 40_000)
    assert tags(run.records[0]) == []


def test_a_guess_is_corrected_by_a_late_syn(version):
    """The responder's first payload overtakes everything."""
    talk = Talk(version, ports=(40_000, 50_000))
    talk.handshake()
    talk.server.data(0.03, b"x" * 10)
    talk.client.ack(0.04)
    talk.server.data(0.05, b"x" * 10)
    times = [time for time, _ in talk.frames]
    octets = [frame for _, frame in talk.frames]
    octets = [octets[3], *octets[:3], *octets[4:]]
    run = play(list(zip(times, octets, strict=True)))
    (record,) = run.records
    assert (ends(record)[1], ends(record)[3]) == (40_000, 50_000)
    assert tags(record) == []
    assert run.actions() == ["flow_started", "network_flow"]
    assert record["sensor"]["flow"]["payload_bytes_resp"] == 20
    assert record["source"]["mac"] == "02-00-00-00-00-0A"
    assert record["destination"]["packets"] == 3


def test_a_guess_stands_once_it_was_told(version):
    talk = Talk(version, ports=(40_000, 50_000))
    talk.server.data(0)
    talk.client.ack(0.1)
    talk.client.data(0.2)
    talk.server.ack(0.3)
    assert play(talk).actions()[0] == "flow_started"
    talk.server.segment(0.4, 0x12, seq=talk.server.isn, ack=talk.client.isn + 1)
    run = play(talk)
    assert all(ends(event)[1] == 50_000 for event in run.events)
    assert tags(run.records[0]) == ["direction_guessed"]


def test_backscatter_between_other_conversations(version):
    talks = []
    for port in range(30_000, 30_020):
        talk = Talk(version, ports=(port, 23))
        talk.server.segment((port - 30_000) * 0.01, 0x12, ack=port)
        talks.append(talk)
    run = play(merged(*talks))
    assert run.actions() == ["network_flow"] * 20


def test_telnet_negotiation_tells_the_server(version):
    """Before the ports do: 2323 would be taken for the client's."""
    talk = Talk(version, ports=(40_000, 2_323))
    talk.server.data(0, b"\xff\xfd\x18\xff\xfd\x20")  # DO terminal type, DO terminal speed
    talk.client.ack(0.1)
    assert [ends(record)[1::2] for record in play(talk).records] == [(40_000, 2_323)]


def test_telnet_negotiation_tells_the_client(version):
    talk = Talk(version, ports=(2_000, 1_023))
    talk.server.data(0, b"\xff\xfb\x18\xff\xfd\x01")  # WILL terminal type, DO echo: a client's
    assert [ends(record)[1::2] for record in play(talk).records] == [(1_023, 2_000)]


@pytest.mark.parametrize(("ports", "originator"), [
    ((1_023, 1_024), 1_024),  # the sender's port is the lower one, and well known
    ((1_024, 1_025), 1_024), ((1_024, 1_023), 1_024), ((23, 23), 23), ((23, 22), 23),
    ((22, 23), 23), ((0, 40_000), 40_000),
])  # fmt: skip
def test_who_opened_a_flow_by_its_ports(version, ports, originator):
    talk = Talk(version, ports=ports)
    talk.client.ack(0)
    (record,) = play(talk).records
    assert (ends(record)[1], tags(record)) == (originator, ["direction_guessed"])


@pytest.mark.parametrize(("ports", "originator", "guessed"), [
    ((53, 40_000), 40_000, True), ((40_000, 53), 40_000, False), ((53, 53), 53, False),
    ((0, 40_000), 0, False), ((1_024, 40_000), 1_024, False),
])  # fmt: skip
def test_who_opened_a_udp_flow(version, ports, originator, guessed):
    talk = Talk(version, ports=ports)
    talk.client.udp(0)
    (record,) = play(talk).records
    assert (ends(record)[1], "direction_guessed" in tags(record)) == (originator, guessed)


def test_a_reply_that_comes_first_has_a_request_that_was_not_seen(version):
    request, reply = (8, 0) if version == 4 else (128, 129)
    talk = Talk(version)
    talk.server.echo(0, reply, 7)
    talk.client.echo(0.1, request, 7)
    (record,) = play(talk).records
    assert record["source"]["ip"] == ("192.0.2.10" if version == 4 else ends(record)[0])
    assert (record["source"]["packets"], record["destination"]["packets"]) == (1, 1)
    straight = Talk(version)
    straight.client.echo(0, request, 7)
    straight.server.echo(0.1, reply, 7)
    assert ends(record) == ends(play(straight).records[0])


def test_a_flow_that_was_turned_round_has_what_each_side_sent(version):
    """Every counter, address and letter of the history belongs to the other side then."""
    talk = Talk(version, ports=(40_000, 50_000))
    talk.handshake()
    talk.server.data(0.03, b"x" * 10)
    talk.client.data(0.04, b"y" * 3)
    talk.client.data(0.05, b"y" * 4)
    talk.server.ack(0.06)
    straight = play(talk).records[0]
    times = [time for time, _ in talk.frames]
    octets = [frame for _, frame in talk.frames]
    turned = play(list(zip(times, [octets[3], *octets[:3], *octets[4:]], strict=True))).records[0]
    assert ends(turned) == ends(straight)
    assert turned["source"] == straight["source"]
    assert turned["destination"] == straight["destination"]
    for name in ("payload_bytes_orig", "payload_bytes_resp", "missed_bytes_orig", "conn_state"):
        assert turned["sensor"]["flow"][name] == straight["sensor"]["flow"][name], name
    assert sorted(turned["sensor"]["flow"]["history"]) == (
        sorted(straight["sensor"]["flow"]["history"]))
