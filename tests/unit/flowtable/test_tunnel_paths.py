"""The store of paths: each once, no more than it has room for, and what is refused is counted."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet

from sensor.config import FlowLimits
from sensor.decode import decode
from sensor.flowtable.table import FlowTable
from sensor.flowtable.tunnel_paths import PathStore
from sensor.model.flow import FLOW_ENDED
from sensor.model.packets import PacketBatch
from sensor.model.tunnels import Tunnels
from tests.memory_capture import MemoryCapture

MAC = "02:00:00:00:00:01"
INNER = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=1000, dport=53)


def outer(last: int = 2) -> Packet:
    return Ether(src=MAC, dst=MAC) / IP(src="10.0.0.1", dst=f"10.0.0.{last}")


def numbers(frames: list[Packet], places: int, first: int = 1) -> tuple[list[int], FlowTable]:
    """The path numbers of flows, one flow for each frame, in the order of their first packets."""
    return numbers_of([bytes(frame / INNER) for frame in frames], places, first)


def numbers_of(octets: list[bytes], places: int, first: int = 1) -> tuple[list[int], FlowTable]:
    """The same of frames that end with INNER, octet by octet."""
    for port, frame in enumerate(octets, 2000):
        at = len(frame) - 8
        octets[port - 2000] = frame[:at] + port.to_bytes(2, "big") + frame[at + 2 :]
    table = FlowTable(FlowLimits(flows_max=len(octets)), paths=PathStore(places, first, 7))
    packets = PacketBatch()
    for batch in MemoryCapture([(1_000 + i, frame) for i, frame in enumerate(octets)]):
        decode(batch, packets)
        assert table.advance(packets)
    while not table.drain():
        pass
    rows = table.take()
    rows = rows[rows["action"] == FLOW_ENDED]
    return rows[rows["first_ns"].argsort()]["tunnel"].tolist(), table


def test_equal_paths_have_one_number_and_different_ones_each_their_own() -> None:
    vxlan = UDP(sport=5, dport=4789) / VXLAN(vni=1, flags=8) / Ether(src=MAC, dst=MAC)
    paths = [
        outer(), outer(3), outer() / GRE(), outer() / GRE(key_present=1, key=0),
        outer() / GRE(key_present=1, key=1), outer() / vxlan, outer() / IP(), outer(),
        outer() / vxlan,
    ]  # fmt: skip
    found, table = numbers(paths, 100)
    assert found == [1, 2, 3, 4, 5, 6, 7, 1, 6]
    assert (table.counters()["tunnel_paths"], table.counters()["tunnel_paths_refused"]) == (7, 0)


def test_the_source_port_of_a_tunnel_is_no_part_of_its_path() -> None:
    def vxlan(port: int) -> Packet:
        inside = VXLAN(vni=1, flags=8) / Ether(src=MAC, dst=MAC)
        return outer() / UDP(sport=port, dport=4789) / inside

    assert numbers([vxlan(1), vxlan(2)], 100)[0] == [1, 1]


def test_what_finds_no_place_is_counted_and_kept_without_a_path() -> None:
    found, table = numbers([outer(last) for last in (1, 2, 3, 4, 2, 3)], 2)
    assert found == [1, 2, 0, 0, 2, 0]
    assert (table.counters()["tunnel_paths"], table.counters()["tunnel_paths_refused"]) == (2, 3)


def test_tables_have_numbers_of_their_own() -> None:
    tunnels = Tunnels()
    for first, last in ((1, 7), (11, 8)):
        found, table = numbers([outer(last)], 10, first)
        assert found == [first]
        tunnels.add(table.paths)
        assert tunnels.path(first)[0].destination == f"10.0.0.{last}"
    ends: list[Any] = [tunnels.path(number) for number in (0, 2, 12, 21, 65_535)]
    assert ends == [()] * 5


GRE_KEY = Ether(src=MAC, dst=MAC) / IP(src="10.0.0.1", dst="10.0.0.2") / GRE(key_present=1, key=0)
PAIR_6 = Ether(src=MAC, dst=MAC) / IPv6(src="2001:db8::1", dst="2001:db8::2")


@pytest.mark.parametrize(("outside", "at"), [
    (outer(), 26), (outer(), 30), (outer() / IP(), 30), (outer() / IP(), 46),
    (PAIR_6, 22), (PAIR_6, 30), (PAIR_6, 38), (PAIR_6, 46), (GRE_KEY, 38),
])  # fmt: skip
def test_paths_that_differ_in_one_number_alone_are_as_many(outside: Packet, at: int) -> None:
    """A store that is full: most of them stand beside others and are compared with these."""
    frame = bytes(outside / INNER)
    found = [frame[: at + 2] + number.to_bytes(2, "big") + frame[at + 4 :]
             for number in range(1_000, 3_000)]  # fmt: skip
    assert numbers_of(found * 2, 2_000)[0] == [*range(1, 2_001)] * 2
