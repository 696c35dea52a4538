"""Real `telnet` against a real `telnetd`: accepted, refused, rejected, dropped, over IPv4 and IPv6.

The sensor listens on the server's own interface, where both directions pass; in one test on a third
cable, to which the server's is mirrored.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.namespaces import Lab, Namespace
from tests.live.sensors import Actor, Document, LiveSensor, act

pytestmark = pytest.mark.needs("telnet", "telnetd")

PORT_RULE = "Accepted Default Telnet Port Connection"
EXTERNAL_RULE = "Accepted Telnet Connection to External Network"
INSIDE, PUBLIC = "10.0.0.2", "185.199.110.153"
INSIDE_V6, PUBLIC_V6 = "fe80::2", "2606:50c0:8000::153"
# The list of the external rule names FE80::/10, and no unique local addresses.
SERVERS = [
    pytest.param(INSIDE, [PORT_RULE], id="v4"),
    pytest.param(PUBLIC, [PORT_RULE, EXTERNAL_RULE], id="v4-external"),
    pytest.param(INSIDE_V6, [PORT_RULE], id="v6"),
    pytest.param(PUBLIC_V6, [PORT_RULE, EXTERNAL_RULE], id="v6-external"),
]
TYPED = "who goes there"
ATTEMPT_S = 2
"""How long an attempt may stay unanswered here."""


def hosts(lab: Lab) -> tuple[Namespace, Namespace]:
    """A client and a server on one cable, with addresses inside and outside."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.veth(client, "eth0", server, "eth0")
    client.address("eth0", "10.0.0.1/24", "185.199.110.1/24", "fe80::1/64",
                   "2606:50c0:8000::1/64")  # fmt: skip
    server.address("eth0", f"{INSIDE}/24", f"{PUBLIC}/24", f"{INSIDE_V6}/64", f"{PUBLIC_V6}/64")
    return client, server


def firewall(server: Namespace, action: str) -> None:
    """Have the server's kernel do this with whatever comes for port 23."""
    server.nft("table inet filter {\n chain input {\n  type filter hook input priority 0\n"
               f"  tcp dport 23 {action}\n }}\n}}\n")  # fmt: skip


def scoped(address: str) -> str:
    """The address as a program on the client must be given it."""
    return f"{address}%eth0" if address.startswith("fe80:") else address


def port_23(documents: list[Document]) -> list[Document]:
    """Those that concern port 23: neighbours are looked for, too."""
    return [one for one in documents if one.get("destination", {}).get("port") == 23]


def verdict(flow: Document) -> tuple[str, str]:
    return flow["sensor"]["flow"]["verdict"], flow["sensor"]["flow"]["evidence"]


def quick(folder: Path) -> Path:
    """A configuration by which attempts time out soon."""
    path = folder / "quick.toml"
    path.write_text(f"[flow]\ntcp_attempt_timeout_s = {ATTEMPT_S}\n", encoding="utf-8")
    return path


def check_accepted(live: LiveSensor, address: str, rules: list[str]) -> None:
    """The connection gave an alert of each of these rules, by what the server said."""
    alerts = live.wait_for_alerts(len(rules))  # while the sensor runs: nothing waits for its end
    live.stop()
    assert sorted(alert["rule"]["name"] for alert in alerts) == rules
    assert len(live.documents()) == len(rules)
    for alert in alerts:
        assert alert["destination"]["ip"] == address and alert["destination"]["port"] == 23
        assert verdict(alert) == ("accepted", "responder_data")
        assert alert["network"]["type"] == ("ipv6" if ":" in address else "ipv4")
    (flow,) = port_23(live.flows())
    assert verdict(flow) == ("accepted", "responder_data")


@pytest.mark.parametrize(("address", "rules"), SERVERS)
def test_accepted(lab: Lab, tmp_path: Path, address: str, rules: list[str]) -> None:
    client, server = hosts(lab)
    Actor(lab, server, "serve_telnet", 23, "/bin/cat")
    live = LiveSensor(lab, server, tmp_path, interfaces=("eth0",))
    session = act(client, "use_telnet", scoped(address), 23, TYPED)
    assert session["seen"], session
    check_accepted(live, address, rules)


def test_accepted_seen_by_a_tap_without_an_address(lab: Lab, tmp_path: Path) -> None:
    """The sensor's host is no part of the network: both directions are mirrored to it."""
    client, server = hosts(lab)
    watcher = lab.namespace("watcher")
    lab.veth(server, "mirror", watcher, "tap")
    for direction in ("ingress", "egress"):
        server.run("tc", "qdisc", "replace", "dev", "eth0", "clsact")
        server.run("tc", "filter", "add", "dev", "eth0", direction, "protocol", "all", "prio", "1",
                   "u32", "match", "u32", "0", "0", "action", "mirred", "egress", "mirror",
                   "dev", "mirror")  # fmt: skip
    Actor(lab, server, "serve_telnet", 23, "/bin/cat")
    live = LiveSensor(lab, watcher, tmp_path, interfaces=("tap",))
    assert act(client, "use_telnet", PUBLIC, 23, TYPED)["seen"]
    check_accepted(live, PUBLIC, [PORT_RULE, EXTERNAL_RULE])


@pytest.mark.parametrize("address", [INSIDE, PUBLIC_V6])
def test_refused_by_a_closed_port(lab: Lab, tmp_path: Path, address: str) -> None:
    client, server = hosts(lab)
    live = LiveSensor(lab, server, tmp_path, interfaces=("eth0",))
    session = act(client, "use_telnet", scoped(address), 23, TYPED)
    assert "Connection refused" in session["screen"] and session["code"] == 1
    live.stop()
    assert {verdict(flow) for flow in port_23(live.flows())} == {("denied", "rst")}
    assert live.documents() == []


REJECTS = [
    (PUBLIC, "reject with icmp type admin-prohibited", "icmp_prohibited"),
    (PUBLIC, "reject with icmp type port-unreachable", "icmp_port_unreachable"),
    (PUBLIC, "reject with tcp reset", "rst"),
    (PUBLIC_V6, "reject with icmpv6 type admin-prohibited", "icmp_prohibited"),
    (PUBLIC_V6, "reject with icmpv6 type port-unreachable", "icmp_port_unreachable"),
]


@pytest.mark.parametrize(("address", "reject", "evidence"), REJECTS)
def test_refused_by_a_firewall(
    lab: Lab, tmp_path: Path, address: str, reject: str, evidence: str
) -> None:
    """The server would answer, its firewall does instead; nft's `reject` speaks ICMP."""
    client, server = hosts(lab)
    Actor(lab, server, "serve_telnet", 23, "/bin/cat")
    firewall(server, reject)
    live = LiveSensor(lab, server, tmp_path, interfaces=("eth0",))
    act(client, "connect", scoped(address), 23, 5)
    live.stop()
    assert {verdict(flow) for flow in port_23(live.flows())} == {("denied", evidence)}
    assert live.documents() == []


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_V6])
def test_dropped_by_a_firewall(lab: Lab, tmp_path: Path, address: str) -> None:
    """Nobody answers, and nothing else is needed for the verdict than time that passes."""
    client, server = hosts(lab)
    Actor(lab, server, "serve_telnet", 23, "/bin/cat")
    Actor(lab, server, "serve_telnet", 2323, "/bin/cat")
    firewall(server, "drop")
    live = LiveSensor(lab, server, tmp_path, "--config", quick(tmp_path), "--flow-events",
                      interfaces=("eth0",))  # fmt: skip
    # The capture sees both directions of other flows: silence is the server's, not the tap's.
    assert act(client, "connect", address, 2323, 5) == "connected"
    assert act(client, "connect", address, 23, 0.5) == "TimeoutError"
    live.wait_for_flow("flow_dropped")
    live.stop()
    ends = [one for one in port_23(live.flows()) if one["event"]["action"] == "network_flow"]
    assert {verdict(flow) for flow in ends} == {("dropped", "timeout")}
    # The other one is telnet too, by its negotiation.
    assert [alert["destination"]["port"] for alert in live.documents()] == [2323]
