"""The verdict against what two real kernels said, with packets lost before and behind the tap.

    client - near - far - server        the tap is the near router's end of the cable to the far one

Each router drops a share of what it forwards, so packets are lost on both sides of the tap, in both
directions. The server writes down whom `accept()` returned: that is the truth. The tap's port puts
what concerns the second addresses into a VLAN, as a switch would (a kernel without VLANs cannot).

A run with many connections:

    SENSOR_TRUTH_CONNECTIONS=50000 pytest tests/live/test_kernel_truth.py
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections import Counter, defaultdict
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import dpkt
import pytest

from tests.command import COMMAND, environment
from tests.live import connections as kinds
from tests.live.namespaces import Lab, Namespace, end, wait_until
from tests.live.sensors import Document
from tests.running import ROOT

pytestmark = [
    pytest.mark.needs("nft", "dumpcap", "sysctl"),
    pytest.mark.timeout(3600),
]

CONNECTIONS = int(os.environ.get("SENSOR_TRUTH_CONNECTIONS", "400"))
LUCK = 4
"""What is lost is drawn by lot: so many standard deviations beyond the share are no fault."""
TAGGED, TAGGED_V6 = ("10.1.0.2", "10.2.0.2"), ("fd01::2", "fd02::2")
TAG = b"\x81\0\0\x07"
PROGRAM = Path(kinds.__file__)
PORT_RULE = "Accepted Default Telnet Port Connection"
# What each kind is told as where nothing is lost. The server's kernel has accepted a connection
# that it resets at once, but so does a SYN proxy: there the verdict is open.
EXPECTED = {
    kinds.TELNET: ("accepted", "responder_data"),
    kinds.TALKING: ("accepted", "responder_data"),
    kinds.SILENT: ("accepted", "handshake"),
    kinds.CLIENT_RESETS: ("accepted", "handshake"),
    kinds.RESETTING: ("unknown", "reset_after_handshake"),
    kinds.CLOSED: ("denied", "rst"),
    kinds.REJECTED_RST: ("denied", "rst"),
    kinds.REJECTED_ADMIN: ("denied", "icmp_prohibited"),
    kinds.REJECTED_PORT: ("denied", "icmp_port_unreachable"),
    kinds.DROPPED: ("dropped", "timeout"),
    kinds.HALF_OPEN: ("attempted", "half_open_scan"),
}
DROPPED = EXPECTED[kinds.DROPPED]
FIREWALL = f"""table inet guard {{
  chain input {{
    type filter hook input priority 0
    tcp dport {kinds.DROPPED} drop
    tcp dport {kinds.REJECTED_RST} reject with tcp reset
    tcp dport {kinds.REJECTED_ADMIN} reject with icmpx type admin-prohibited
    tcp dport {kinds.REJECTED_PORT} reject with icmpx type port-unreachable
  }}
}}
"""
LOSS = """table inet lossy {{
  chain forward {{
    type filter hook forward priority 0
    numgen random mod 1000 < {per_mille} drop
  }}
}}
"""

Ends = tuple[str, int, str, int]


class Said(NamedTuple):
    """One connection, as its two ends knew it."""

    ends: Ends
    client: str
    accepted: bool

    @property
    def port(self) -> int:
        return self.ends[3]


class Route(NamedTuple):
    """The four hosts of the path, and the pairs of addresses that reach each other."""

    client: Namespace
    near: Namespace
    far: Namespace
    server: Namespace
    pairs: list[tuple[str, str]]


def sysctl(namespace: Namespace, *settings: str) -> None:
    namespace.run("sysctl", "-q", "-w", *settings)


def lay_path(lab: Lab) -> Route:
    """Two hosts with two routers between them."""
    names = ("client", "near", "far", "server")
    client, near, far, server = (lab.namespace(name) for name in names)
    lab.veth(client, "eth0", near, "inside")
    lab.veth(near, "cable", far, "cable")
    lab.veth(far, "outside", server, "eth0")
    for router in (near, far):
        sysctl(router, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
               "net.ipv4.conf.all.rp_filter=0")  # fmt: skip
    client.address("eth0", "10.1.0.1/24", "10.1.0.2/24", "fd01::1/64", "fd01::2/64")
    near.address("inside", "10.1.0.254/24", "fd01::fe/64", "fe80::fe/64")
    server.address("eth0", "10.2.0.1/24", "10.2.0.2/24", "fd02::1/64", "fd02::2/64")
    far.address("outside", "10.2.0.254/24", "fd02::fe/64", "fe80::fe/64")
    near.address("cable", "10.0.0.1/24", "fd00::1/64", "fe80::1/64")
    far.address("cable", "10.0.0.2/24", "fd00::2/64", "fe80::2/64")
    for prefix in ("10.2.0.0/16", "fd02::/16"):
        near.ip(f"route add {prefix} via {'fd00::2' if ':' in prefix else '10.0.0.2'}")
        client.ip(f"route add {prefix} via {'fd01::fe' if ':' in prefix else '10.1.0.254'}")
    for prefix in ("10.1.0.0/16", "fd01::/16"):
        far.ip(f"route add {prefix} via {'fd00::1' if ':' in prefix else '10.0.0.1'}")
        server.ip(f"route add {prefix} via {'fd02::fe' if ':' in prefix else '10.2.0.254'}")
    server.nft(FIREWALL)
    pairs = [("10.1.0.1", "10.2.0.1"), TAGGED, ("fd01::1", "fd02::1"), TAGGED_V6]
    return Route(client, near, far, server, pairs)


def connect_all(lab: Lab, folder: Path, loss: int, cookies: bool) -> tuple[Path, list[Said]]:
    """A capture of many connections, and what both ends said of each."""
    path = lay_path(lab)
    sysctl(path.server, f"net.ipv4.tcp_syncookies={2 if cookies else 1}")
    for router in (path.near, path.far):
        if loss:
            router.nft(LOSS.format(per_mille=loss * 5))  # half of it at each router
    server = lab.start(path.server, [sys.executable, PROGRAM, "serve"],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert server.stdin is not None and server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    capture = folder / "tap.pcap"
    tap = lab.start(path.near, ["dumpcap", "-q", "-P", "-B", "64", "-i", "cable", "-w", capture],
                    stderr=subprocess.PIPE)  # fmt: skip
    wait_until(lambda: capture.exists() and path.near.packet_sockets(), "dumpcap")
    pairs = folder / "pairs.json"
    pairs.write_text(json.dumps(path.pairs), encoding="ascii")
    connecting = (sys.executable, PROGRAM, "connect", str(CONNECTIONS), "1", pairs)
    said = json.loads(path.client.run(*connecting))
    server.stdin.close()
    accepted = {(host, port, at) for host, port, at in json.loads(server.stdout.readline())}
    tap.terminate()
    _, words = tap.communicate()
    assert b"dropped on interface 'cable': " in words, words
    end(tap)
    return put_into_vlan(capture), [
        Said((source, own, target, port), client, (source, own, port) in accepted)
        for source, own, target, port, client in said
    ]


def put_into_vlan(capture: Path) -> Path:
    """The capture with a tag on every frame between the second addresses."""
    hosts = {bytes(ip_address(host).packed) for pair in (TAGGED, TAGGED_V6) for host in pair}
    tagged = capture.with_suffix(".tagged.pcap")
    with capture.open("rb") as source, tagged.open("wb") as target:
        writer = dpkt.pcap.Writer(target, snaplen=1 << 18)
        for time_s, frame in dpkt.pcap.Reader(source):
            at, size = (22, 16) if frame[12:14] == b"\x86\xdd" else (26, 4)
            inside = {frame[at : at + size], frame[at + size : at + 2 * size]} <= hosts
            writer.writepkt(frame[:12] + TAG + frame[12:] if inside else frame, time_s)
    return tagged


def replayed(capture: Path) -> tuple[dict[Ends, list[Document]], Counter[Ends]]:
    """The TCP flows of each connection, and how many alerts of the port's rule it had."""
    flows = capture.with_suffix(".ndjson")
    command = [*COMMAND, "replay", "--quiet", "--json", "--flows", flows, capture]
    alerts = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment())
    by_ends: dict[Ends, list[Document]] = defaultdict(list)
    for line in flows.read_text(encoding="utf-8").splitlines():
        flow = json.loads(line)
        if flow["network"]["transport"] == "tcp":
            by_ends[ends_of(flow)].append(flow)
    told = (json.loads(line) for line in alerts.stdout.splitlines())
    return by_ends, Counter(ends_of(one) for one in told if one["rule"]["name"] == PORT_RULE)


def ends_of(document: Document) -> Ends:
    source, target = document["source"], document["destination"]
    return source["ip"], source["port"], target["ip"], target["port"]


def verdict(flow: Document) -> tuple[str, str]:
    return flow["sensor"]["flow"]["verdict"], flow["sensor"]["flow"]["evidence"]


def agrees(said: Said, flows: list[Document]) -> bool:
    """The verdict of the connection's only flow is what `accept()` said."""
    if not flows:
        return not said.accepted  # every packet of it was lost before the tap
    if said.port == kinds.RESETTING and verdict(flows[0]) == EXPECTED[kinds.RESETTING]:
        return True
    return (verdict(flows[0])[0] == "accepted") == said.accepted


@pytest.mark.parametrize("cookies", [False, True], ids=["", "syn-cookies"])
def test_without_loss_every_verdict_is_what_the_kernels_said(
    lab: Lab, tmp_path: Path, cookies: bool
) -> None:
    capture, connections = connect_all(lab, tmp_path, 0, cookies)
    flows, alerts = replayed(capture)
    assert len(connections) == CONNECTIONS and {one.port for one in connections} == set(kinds.KINDS)
    for one in connections:
        found = flows.pop(one.ends, [])
        assert len(found) == 1, (one, len(found))
        assert agrees(one, found), (one, verdict(found[0]))
        if one.port in EXPECTED:
            # A kernel sends only so much ICMP a second: without it, the client is in the dark too.
            wanted = DROPPED if one.client == "timeout" else EXPECTED[one.port]
            assert verdict(found[0]) == wanted, (one, verdict(found[0]))
        assert alerts[one.ends] == (one.port == kinds.TELNET and one.accepted), one
    assert not flows  # nothing but the connections that were made


@pytest.mark.parametrize(("loss", "share"), [(3, 0.999), (15, 0.995)])
def test_with_loss_on_both_sides_of_the_tap(
    lab: Lab, tmp_path: Path, loss: int, share: float
) -> None:
    capture, connections = connect_all(lab, tmp_path, loss, cookies=False)
    flows, alerts = replayed(capture)
    wrong = [(one, [verdict(flow) for flow in flows.get(one.ends, [])])
             for one in connections if not agrees(one, flows.get(one.ends, []))]  # fmt: skip
    expected = (1 - share) * CONNECTIONS
    assert len(wrong) <= expected + LUCK * math.sqrt(expected), wrong
    assert {ends: len(found) for ends, found in flows.items() if len(found) > 1} == {}
    assert flows.keys() <= {one.ends for one in connections}
    for one in connections:
        if one.port == kinds.TELNET and agrees(one, flows.get(one.ends, [])):
            assert alerts[one.ends] == one.accepted, one
