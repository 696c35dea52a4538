"""What is left of a session that was not seen whole, and packets that never were one."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, ends, play, verdicts

pytestmark = pytest.mark.parametrize("version", [4, 6])



def test_a_probe_and_its_rst_are_no_backscatter(version):
    """An ACK scan: nothing was asked for by a SYN, and it was not alone either."""
    talk = Talk(version)
    talk.client.ack(0, ack=77)
    talk.server.rst(0.01)
    run = play(talk)
    assert verdicts(run) == [("unknown", "none", 0.3)]
    assert run.actions() == ["network_flow"]


def test_data_both_ways_of_a_session_that_is_closing_is_a_session(version):
    """The capture begins with the server's last words; the client still answers."""
    talk = Talk(version)
    talk.server.data(0, b"bye")
    talk.server.fin(0.01)
    talk.client.data(0.02, b"logout")
    run = play(talk)
    assert verdicts(run) == [("accepted", "responder_data", 0.9)]


def test_only_the_end_of_a_session_is_none(version):
    talk = Talk(version)
    talk.server.fin(0)
    talk.client.ack(0.01)
    talk.client.fin(0.02)
    talk.server.ack(0.03)
    run = play(talk)
    assert verdicts(run) == [("unknown", "none", 0.3)]
    assert run.records[0]["sensor"]["flow"]["conn_state"] == "SF"


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
