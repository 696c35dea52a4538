"""A real transfer over a cable with offloads: frames beyond the MTU, no octet lost or invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.namespaces import Lab
from tests.live.sensors import Actor, LiveSensor, act

UP, DOWN = 24 << 20, 5 << 20
MTU = 1500
HEADERS_MIN, HEADERS_MAX = 20 + 20, 20 + 60
"""Octets of an IPv4 and a TCP header: without options, with as many as fit."""


@pytest.mark.parametrize("listening", ["sender", "receiver"])
def test_superframes(lab: Lab, tmp_path: Path, listening: str) -> None:
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.veth(client, "eth0", server, "eth0", MTU)
    client.address("eth0", "10.0.0.1/24")
    server.address("eth0", "10.0.0.2/24")
    for namespace in (client, server):
        namespace.run("ethtool", "-K", "eth0", "tso", "on", "gso", "on", "gro", "on")
    there = Actor(lab, server, "serve_bytes", 5000, DOWN)
    live = LiveSensor(
        lab, client if listening == "sender" else server, tmp_path, interfaces=("eth0",)
    )
    here = act(client, "send_bytes", "10.0.0.2", 5000, UP)
    assert here["received"] == DOWN
    other = there.report()
    ledger = live.stop()
    assert ledger["capture"]["kernel_drops"] == 0
    assert ledger["anomalies"] == {}
    (flow,) = (one for one in live.flows() if one["network"]["transport"] == "tcp")
    told = flow["sensor"]["flow"]
    assert (told["verdict"], told["evidence"]) == ("accepted", "responder_data")
    for side, payload, sent in (("source", told["payload_bytes_orig"], here),
                                ("destination", told["payload_bytes_resp"], other)):  # fmt: skip
        # What TCP sent again, by its own count, may have been seen twice.
        assert sent["sent"] <= payload <= sent["sent"] + sent["sent_again"]
        headers = flow[side]["bytes"] - payload
        assert HEADERS_MIN * flow[side]["packets"] <= headers <= HEADERS_MAX * flow[side]["packets"]
    assert told["missed_bytes_orig"] == told["missed_bytes_resp"] == 0
    # Only with frames larger than the MTU can there be so few of them.
    assert flow["source"]["packets"] < UP / MTU / 4
