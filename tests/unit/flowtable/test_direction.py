"""Who opened a flow, and how a wrong guess is put right."""

from __future__ import annotations

import ipaddress

import pytest

from tests.conversation import Talk, ends, merged, play, tags, verdicts
from tests.unit.flowtable.stories import bystander

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
    ((22, 23), 22), ((0, 40_000), 40_000),
    # NFS clients take reserved source ports (rresvport(3)); below them stand services.
    ((877, 2_049), 877), ((2_049, 877), 877), ((2_049, 512), 512), ((2_049, 511), 2_049),
    ((511, 2_049), 2_049), ((2_049, 1_024), 2_049), ((1_024, 2_049), 1_024),
    # Clients' ports by default: from 32,768 on.
    ((8_080, 51_234), 51_234), ((51_234, 8_080), 51_234), ((32_767, 32_768), 32_768),
    ((32_768, 32_767), 32_768), ((32_768, 60_000), 32_768), ((32_766, 32_767), 32_766),
])  # fmt: skip
def test_who_opened_a_flow_by_its_ports(version, ports, originator):
    talk = Talk(version, ports=ports)
    talk.client.ack(0)
    (record,) = play(talk).records
    assert (ends(record)[1], tags(record)) == (originator, ["direction_guessed"])


@pytest.mark.parametrize(("ports", "originator", "guessed"), [
    ((53, 40_000), 40_000, True), ((40_000, 53), 40_000, False), ((53, 53), 53, False),
    ((0, 40_000), 0, False), ((1_024, 40_000), 1_024, False), ((53, 161), 53, False),
    ((161, 53), 161, False), ((53, 20_048), 20_048, True), ((511, 20_048), 20_048, True),
    ((512, 20_048), 512, False), ((1_011, 20_048), 1_011, False), ((853, 32_768), 32_768, True),
    ((875, 2_049), 875, False), ((2_049, 875), 875, True), ((2_049, 40_000), 2_049, False),
    ((2_049, 1_023), 1_023, True), ((2_049, 1_024), 2_049, False), ((2_049, 512), 512, True),
    ((2_049, 511), 2_049, False), ((1, 40_000), 40_000, True), ((1_023, 40_000), 40_000, True),
    ((512, 32_767), 512, False), ((512, 32_768), 32_768, True), ((511, 32_767), 32_767, True),
    ((53, 1_024), 1_024, True), ((53, 1_023), 53, False), ((53, 2_049), 2_049, True),
])  # fmt: skip
def test_who_opened_a_udp_flow(version, ports, originator, guessed):
    """In the capture's first seconds it may be an answer; a reserved source port proves little."""
    talk = Talk(version, ports=ports)
    talk.client.udp(0)
    (record,) = play(talk).records
    assert (ends(record)[1], "direction_guessed" in tags(record)) == (originator, guessed)


@pytest.mark.parametrize(("at", "originator"), [(4.999_999_999, 40_000), (5, 53), (5.01, 53)])
def test_who_speaks_first_opens_a_udp_flow_that_was_not_under_way(version, at, originator):
    talk = Talk(version, ports=(53, 40_000))
    talk.client.udp(at)
    run = play(merged(bystander(0), talk))
    record = next(record for record in run.records if 53 in ends(record))
    assert ends(record)[1] == originator
    talk.server.udp(at + 0.1)
    run = play(merged(bystander(0), talk))
    record = next(record for record in run.records if 53 in ends(record))
    assert (ends(record)[1], record["source"]["packets"]) == (originator, 1)


@pytest.mark.parametrize("at", [0, 30])
@pytest.mark.parametrize(("ports", "originator", "guessed"), [
    ((67, 68), 68, True), ((547, 546), 546, True),
    ((68, 67), 68, False), ((546, 547), 546, False), ((67, 67), 67, False),
    ((547, 547), 547, False), ((67, 546), 67, False), ((547, 68), 547, False),
    ((66, 68), 66, False), ((548, 546), 548, False),
])  # fmt: skip
def test_who_asked_a_dhcp_server(version, ports, originator, guessed, at):
    """RFC 2131 4.1, RFC 8415 7.2: the question went to a group, the answer comes to one host."""
    talk = Talk(version, ports=ports)
    talk.client.udp(at)
    run = play(merged(bystander(0), talk))
    (record,) = (record for record in run.records if ends(record)[1::2] in (ports, ports[::-1]))
    assert (ends(record)[1], "direction_guessed" in tags(record)) == (originator, guessed)


def test_an_answer_of_dhcp_is_no_silence(version):
    """To a host that asked by broadcast: nobody failed to answer the server."""
    talk = Talk(version, ports=(68, 67) if version == 4 else (546, 547))
    talk.server.udp(0)
    run = play(talk)
    assert verdicts(run) == [("unknown", "none", 0.3)]
    assert run.records[0]["sensor"]["flow"]["conn_state"] == "SHR"
    assert run.actions() == ["network_flow"]


def test_ports_of_dhcp_mean_nothing_in_udp_lite(version):
    """Its ports stand where those of UDP stand, but DHCP is UDP alone."""
    talk = Talk(version, ports=(67, 68))
    talk.client.other(0, 136, b"\0\x43\0\x44\0\x08\0\0")
    (record,) = play(talk).records
    assert ends(record)[1] == 67


GROUPS = {4: ("224.0.0.0", "224.0.0.251", "239.255.255.255", "255.255.255.255"),
          6: ("ff00::", "ff02::1", "ff0e::101", "ffff::")}  # fmt: skip
NO_GROUPS = {4: ("223.255.255.255", "240.0.0.1", "255.255.255.254", "254.255.255.255"),
             6: ("fe80::1", "feff::1", "7f02::1")}  # fmt: skip


def test_a_multicast_or_broadcast_address_opens_nothing(version):
    """Whatever the ports or the type say, the sender did; and nobody need answer."""
    acts = [lambda side: side.udp(0), lambda side: side.echo(0, 0 if version == 4 else 129, 7),
            lambda side: side.other(0, 103)]  # fmt: skip
    for group in GROUPS[version]:
        for act in acts:
            talk = Talk(version, addresses=("192.0.2.10" if version == 4 else "fe80::1", group),
                        ports=(67, 40_000))  # fmt: skip
            act(talk.client)
            run = play(talk)
            (record,) = run.records
            assert (record["source"]["packets"], record["destination"]["ip"]) == (1, group)
            assert tags(record) == []
            assert verdicts(run) == [("unknown", "no_reply_expected", 0.9)]
            assert record["event"]["outcome"] == "unknown"
            assert run.actions() == ["network_flow"]


def test_an_address_beside_a_group_is_one_like_any_other(version):
    for address in NO_GROUPS[version]:
        talk = Talk(version, addresses=("192.0.2.10" if version == 4 else "fe80::2", address),
                    ports=(40_000, 53))  # fmt: skip
        talk.client.udp(0)
        assert verdicts(play(talk)) == [("dropped", "timeout", 0.6)]


@pytest.mark.parametrize(("mac", "evidence"), [
    (b"\xff" * 6, "no_reply_expected"), (b"\xff" * 5 + b"\xfe", "timeout"),
    (b"\xfe" + b"\xff" * 5, "timeout"), (b"\x01\0\x5e\0\0\x01", "timeout"),
])  # fmt: skip
def test_the_broadcast_of_a_subnet_is_told_by_its_mac_address(version, mac, evidence):
    """RFC 1812 5.3.5.2; a group address of the link alone may be a cluster's."""
    talk = Talk(version, ports=(138, 40_000))
    talk.server.mac = mac
    talk.client.udp(0)
    (record,) = play(talk).records
    flow = record["sensor"]["flow"]
    if evidence == "timeout":  # turned round by its ports
        assert (ends(record)[1], flow["evidence"]) == (40_000, "none")
    else:
        assert (ends(record)[1], flow["evidence"]) == (138, evidence)


def test_a_group_that_sends_was_asked_by_who_hears_it(version):
    """Nobody sends from such an address but by mistake; it opens nothing."""
    for group in GROUPS[version]:
        talk = Talk(version, addresses=(group, "192.0.2.10" if version == 4 else "fe80::1"))
        talk.client.udp(0)
        (record,) = play(talk).records
        assert (ends(record)[2], record["destination"]["packets"]) == (group, 1)


@pytest.mark.parametrize("kind", range(0, 20))
def test_which_messages_are_replies(version, kind):
    """Their receiver asked, unseen: RFC 792, RFC 950; of IPv6 RFC 4443, RFC 4861."""
    kind = kind if version == 4 else kind + 124
    if kind in (3, 4, 5, 11, 12):
        return  # errors, which quote
    talk = Talk(version)
    talk.client.echo(0, kind, 7)
    (record,) = play(talk).records
    reply = kind in ((0, 14, 16, 18) if version == 4 else (129, 136))
    assert ("direction_guessed" in tags(record), record["source"]["packets"]) == (
        reply, 0 if reply else 1)


def test_a_syn_proves_a_guess_that_was_right(version):
    """It comes late, in the direction that was guessed: nothing turns, and it is no guess now."""
    for late in (0, 1):
        talk = Talk(version)
        talk.handshake()
        talk.client.data(0.03, b"user")
        frames = [talk.frames[2], talk.frames[3], talk.frames[late]]
        frames = [(talk.frames[at][0], octets) for at, (_, octets) in enumerate(frames)]
        (record,) = play(frames).records
        assert (ends(record)[1::2], tags(record)) == ((40_000, 23), [])
        assert record["source"]["packets"] == 3 - late


def test_an_advertisement_comes_from_its_router(version):
    """RFC 1256, RFC 4861 4.2: unasked, to all nodes; or to the one that asked all routers."""
    for to in ("224.0.0.1", "192.0.2.77") if version == 4 else ("ff02::1", "fe80::77"):
        talk = Talk(version, addresses=("192.0.2.1" if version == 4 else "fe80::1", to))
        talk.client.echo(0, 9 if version == 4 else 134, 0)
        (record,) = play(talk).records
        assert ends(record)[::2] == (talk_address(talk.client), to)


def talk_address(side):
    return str(ipaddress.ip_address(side.address))


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
