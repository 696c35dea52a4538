"""Captures of one host that asks many: ports of one machine, one port of many machines, and a proxy
that has every right to."""

from __future__ import annotations

from scapy.packet import Packet
from telnet_captures import PRESS, ROUTER, ROUTER_MAC
from traffic import ORIG, RESP, Conversation, Host, Path, Traffic, unreachable

CURIOUS = Host("02:42:c0:a8:01:2a", "192.168.1.42")
WORM = Host("02:42:c0:a8:01:2b", "192.168.1.43")
PROXY = Host("02:42:c0:a8:01:0a", "192.168.1.10")
NEAR = Path(one_way_ns=150_000)
FAR = Path(one_way_ns=11_000_000)
PORTS = 270
OPEN_PORTS = (22, 80)
WINDOW_S = 600
"""Later than any look-back of the rules that watch for scans."""


def probe(talk: Conversation) -> Packet:
    """A SYN as scanners send it."""
    return talk.segment(ORIG, "S", options=[("MSS", 1460)], window=1024)


def port_scan(traffic: Traffic) -> None:
    """One host asks 270 ports of another, in no order: 268 refuse, two answer and are reset."""
    ports = list(range(1, PORTS + 1))
    traffic.random.shuffle(ports)
    for i, port in enumerate(ports):
        talk = Conversation(traffic, (CURIOUS, PRESS), (54_321, port), 0.012 * i, NEAR)
        probe(talk)
        if port in OPEN_PORTS:
            talk.segment(RESP, "SA", options=[("MSS", 1460)], window=64_240)
            talk.reset(ORIG, "R")
        else:
            talk.refuse()


def sweep(traffic: Traffic, scanner: Host, network: str, hosts: int, at: float) -> None:
    """One host asks port 22 of many: every fourth refuses, every tenth is prohibited, the others
    stay silent."""
    for i in range(hosts):
        target = Host(ROUTER_MAC, f"{network}.{1 + i}", ttl=62)
        talk = Conversation(traffic, (scanner, target), (60_000 + i, 22), at + 0.05 * i, FAR)
        syn = probe(talk)
        if i % 4 == 0:
            talk.refuse()
        elif i % 10 == 1:
            unreachable(talk, syn, ROUTER, 13, 28)


def network_sweep(traffic: Traffic) -> None:
    """Two hosts sweep port 22: one asks 120 addresses once, the other 105 and, ten minutes later,
    105 others; a third asks 40, which is not many."""
    sweep(traffic, CURIOUS, "10.40.1", 120, 0.0)
    sweep(traffic, WORM, "10.40.2", 105, 3.0)
    sweep(traffic, PROXY, "10.40.3", 40, 5.0)
    sweep(traffic, WORM, "10.40.4", 105, 3.0 + WINDOW_S)


def busy_server(traffic: Traffic) -> None:
    """A proxy that 40 desks use opens connections to 110 servers, and closes each properly."""
    for i in range(40):
        desk = Host(f"02:42:c0:a8:05:{i:02x}", f"192.168.5.{1 + i}")
        short(Conversation(traffic, (desk, PROXY), (40_000 + i, 3128), 0.3 * i, NEAR))
    for i in range(110):
        server = Host(ROUTER_MAC, f"151.101.{i}.140", ttl=55)
        short(Conversation(traffic, (PROXY, server), (45_000 + i, 443), 0.1 + 0.11 * i, FAR))


def short(talk: Conversation) -> None:
    """A connection that is opened and closed."""
    talk.open()
    talk.close(ORIG)
