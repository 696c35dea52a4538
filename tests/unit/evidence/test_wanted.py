"""Wanted flows are recognized by the packet that makes them, whichever side sent it."""

from __future__ import annotations

import pytest

from sensor.config import Config
from tests.conversation import ROOMY, Talk, play
from tests.evidence import cut_flows
from tests.memory_capture import MemoryCapture

CONFIG = Config(flow=ROOMY)


def backwards() -> Talk:
    """A connection whose first packet is the server's, and whose direction a SYN proves later."""
    talk = Talk(ports=(40_000, 41_000))
    talk.server.data(0)
    talk.client.syn(0.1)
    talk.server.synack(0.2)
    talk.client.ack(0.3)
    return talk


def test_a_flow_that_is_turned_round_later_is_known_by_the_id_that_it_ends_with() -> None:
    talk = backwards()
    for record in play(talk).records:
        names = (record["flow"]["id"], record["network"]["community_id"])
        for name in names:
            found, _ = cut_flows(MemoryCapture(talk.frames), [name], CONFIG)
            assert names[0] in found


def test_names_that_no_flow_has_are_told() -> None:
    known = play(backwards()).records[0]["flow"]["id"]
    _, wanted = cut_flows(MemoryCapture(backwards().frames), ["f" * 32, known, "1:x"], CONFIG)
    assert wanted.unknown() == ["f" * 32, "1:x"]


def test_beyond_the_limit_flows_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk()
    for identifier in range(5):
        talk.client.echo(identifier, 8, identifier)
    names = [record["flow"]["id"] for record in play(talk).records]
    monkeypatch.setattr("sensor.evidence.wanted.FLOWS_MAX", 3)
    found, wanted = cut_flows(MemoryCapture(talk.frames), names, CONFIG)
    assert (len(found), wanted.left_out) == (3, 2)
