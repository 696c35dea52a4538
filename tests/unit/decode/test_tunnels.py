"""Tunnels: the inner packet is the packet, its path is kept, a wrong guess changes nothing."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.packet import Packet, Raw

from sensor.config import Config, DecodeSettings
from sensor.decode import Decoder
from sensor.memory.records import NO_VLAN
from sensor.model.addresses import address_text
from sensor.model.packets import KIND_FLOW, KIND_FRAGMENT, PacketBatch
from tests.unit.decode.batches import Step, anomaly_of, batch_of, packet_and_path
from tests.unit.decode.tunnel_corpus import (
    INNER_MAC,
    LINK_FRAMES,
    MAC,
    OUTER,
    TUNNEL_FRAMES,
    inner,
    inner_frame,
    outer,
    udp,
    vxlan,
)

OUT = ("203.0.113.1", "203.0.113.2")
OUT_6 = ("2001:db8:ffff::1", "2001:db8:ffff::2")


# The frames are scapy's; what is in them is told by the lines that make them.
PATHS: dict[str, list[Step]] = {
    "gre": [("gre", None, *OUT)],
    "gre_all": [("gre", 0xCAFE, *OUT)],
    "gre_over_6": [("gre", None, *OUT_6)],
    "gre_bridging": [("gre", 9, *OUT)],
    "gre_mpls": [("gre", None, *OUT)],
    "nvgre": [("nvgre", 0x123456, *OUT)],
    "pptp": [("pptp", 77, *OUT)],
    "erspan_1": [("erspan", None, *OUT)],
    "erspan_2": [("erspan", 50, *OUT)],
    "erspan_3": [("erspan", 51, *OUT)],
    "ipip": [("ipip", None, *OUT)],
    "6in4": [("6in4", None, *OUT)],
    "4in6": [("4in6", None, *OUT_6)],
    "6in6": [("6in6", None, *OUT_6)],
    "ipip_three_deep": [("ipip", None, *OUT)] * 3,
    "vxlan": [("vxlan", 5000, *OUT)],
    "vxlan_tagged": [("vxlan", 5000, *OUT)],
    "vxlan_over_6": [("vxlan", 5000, *OUT_6)],
    "vxlan_arp": [("vxlan", 5000, *OUT)],
    "geneve": [("geneve", 6000, *OUT)],
    "geneve_options": [("geneve", 6000, *OUT)],
    "gtp": [("gtp_u", 0xABCD, *OUT)],
    "gtp_extended": [("gtp_u", 0xABCD, *OUT)],
    "gre_mpls_checksum": [("gre", None, *OUT)],
    "mpls_ip": [("mpls", None, *OUT)],
    "vxlan_gpe": [("vxlan_gpe", 7000, *OUT)],
    "vxlan_gpe_4": [("vxlan_gpe", 7000, *OUT)],
    "vxlan_gpe_6": [("vxlan_gpe", 7000, *OUT)],
    "vxlan_gpe_mpls": [("vxlan_gpe", 7000, *OUT)],
    "gre_udp": [("gre", None, *OUT)],
    "mpls_udp": [("mpls", None, *OUT)],
    "l2tp": [("l2tp", 9, *OUT)],
    "l2tp_all": [("l2tp", 9, *OUT)],
    "l2tp_3": [("l2tpv3", 77, *OUT)],
    "capwap": [("capwap", None, *OUT)],
    "capwap_native": [("capwap", None, *OUT)],
    "tzsp": [("tzsp", None, *OUT)],
    "tzsp_wireless": [("tzsp", None, *OUT)],
    "vxlan_over_gre": [("gre", 4, *OUT), ("vxlan", 5000, *OUT)],
}
TENANTS = {"gre_all": 0xCAFE, "gre_bridging": 9, "nvgre": 0x123456, "vxlan": 5000,
           "vxlan_tagged": 5000, "vxlan_over_6": 5000, "vxlan_arp": 5000, "geneve": 6000,
           "geneve_options": 6000, "vxlan_gpe": 7000, "vxlan_gpe_4": 7000, "vxlan_gpe_6": 7000,
           "vxlan_gpe_mpls": 7000}  # fmt: skip


@pytest.mark.parametrize("name", TUNNEL_FRAMES)
def test_every_tunnel_leads_to_the_packet_and_is_kept(name: str) -> None:
    row, path = packet_and_path(TUNNEL_FRAMES[name][1])
    assert path == PATHS[name]
    if row["kind"] == KIND_FLOW:
        v6 = row["ip_version"] == 6
        assert address_text(int(row["src_hi"]), int(row["src_lo"])) == (
            "2001:db8::1" if v6 else "192.0.2.1")
        assert (row["src_port"], row["dst_port"], row["seq"], row["ack"]) == (40000, 23, 7, 9)
        assert row["ip_bytes"] == len(bytes(inner(v6)))
    if name != "vxlan_over_gre":
        assert row["tenant"] == TENANTS.get(name, 0)


@pytest.mark.parametrize("name", [name for name in LINK_FRAMES if name not in ("lcp", "beacon")])
def test_links_lead_to_the_packet_and_are_no_tunnels(name: str) -> None:
    link, frame, _ = LINK_FRAMES[name]
    row, path = packet_and_path(frame, link=link)
    assert path == []
    assert (row["src_port"], row["dst_port"], row["payload_bytes"]) == (40000, 23, 5)


def test_the_inner_ethernet_header_is_the_packets_own() -> None:
    row, _ = packet_and_path(bytes(Ether(**MAC) / Dot1Q(vlan=99) / outer().payload
                                   / vxlan(1, inner_frame())))
    assert f"{int(row['src_mac']):012x}" == INNER_MAC["src"].replace(":", "")
    assert (row["vlan_outer"], row["vlan_inner"]) == (NO_VLAN, NO_VLAN)


def test_a_packet_without_an_ethernet_header_keeps_the_frames() -> None:
    row, _ = packet_and_path(bytes(Ether(**MAC) / Dot1Q(vlan=99) / outer().payload / inner()))
    assert f"{int(row['src_mac']):012x}" == MAC["src"].replace(":", "")
    assert (row["vlan_outer"], row["vlan_inner"]) == (99, NO_VLAN)


def nested(depth: int) -> Packet:
    """A packet in so many IP-in-IP tunnels."""
    packet = inner()
    for _ in range(depth):
        packet = IP(**OUTER) / packet
    return Ether(**MAC) / packet


def test_eight_tunnels_are_opened_and_nine_are_too_many() -> None:
    row, path = packet_and_path(bytes(nested(8)))
    assert (row["dst_port"], len(path)) == (23, 8)
    assert anomaly_of(packet_and_path(bytes(nested(9)))[0]) == "tunnel_too_deep"


def test_too_deep_is_too_deep_where_a_port_tells_too() -> None:
    frame = inner_frame()
    for vni in range(9):
        frame = Ether(**MAC) / IP(**OUTER) / vxlan(vni, frame)
    assert anomaly_of(packet_and_path(bytes(frame))[0]) == "tunnel_too_deep"


def test_ids_inside_one_another_make_another_tenant() -> None:
    def tenant(*ids: int) -> int:
        frame = inner_frame()
        for vni in reversed(ids):
            frame = Ether(**MAC) / IP(**OUTER) / vxlan(vni, frame)
        return int(packet_and_path(bytes(frame))[0]["tenant"])

    found = [tenant(*ids) for ids in ((1, 2), (2, 1), (1,), (2,), (3,), (1, 3))]
    assert len(set(found)) == len(found) and 0 not in found
    assert tenant(0) == 0


@pytest.mark.parametrize("name", ["vxlan", "geneve", "gre_all", "nvgre"])
def test_ids_of_overlays_are_kept_where_they_separate_nothing(name: str) -> None:
    frame = TUNNEL_FRAMES[name][1]
    for config, separate in ((Config(), True), (Config(key_tenant=False), False)):
        packets = PacketBatch(1)
        Decoder(config).decode(batch_of(frame), packets)
        assert (int(packets.records[0]["tenant"]) != 0) is separate
        assert int(packets.tunnel_records[0]["has_id"]) == 1


def decoded(frame: bytes, settings: DecodeSettings) -> Any:
    packets = PacketBatch(1)
    Decoder(Config(decode=settings)).decode(batch_of(frame), packets)
    return packets.records[0]


def test_ports_are_those_of_the_settings() -> None:
    frame = bytes(udp(8472) / Raw(struct.pack("!II", 0x08000000, 7 << 8)) / inner_frame())
    assert decoded(frame, DecodeSettings())["tenant"] == 0
    assert decoded(frame, DecodeSettings(vxlan_ports=(4789, 8472)))["tenant"] == 7
    standard = TUNNEL_FRAMES["vxlan"][1]
    assert decoded(standard, DecodeSettings(vxlan_ports=(8472,)))["dst_port"] == 4789


AUTHENTICATION = struct.pack("!HBB", 1, 2, 3) + b"id" + b"aut" + bytes(9)
ORIGIN = bytes(2) + b"\x12\x34\x01\x02\x03\x04"


@pytest.mark.parametrize("front", [b"", ORIGIN, AUTHENTICATION, AUTHENTICATION + ORIGIN])
@pytest.mark.parametrize("ports", [(50000, 3544), (3544, 50000)])
def test_teredo_is_opened_where_it_is_asked_for(front: bytes, ports: tuple[int, int]) -> None:
    datagram = UDP(sport=ports[0], dport=ports[1]) / Raw(front + bytes(inner(True)))
    frame = bytes(outer() / datagram)
    row = decoded(frame, DecodeSettings(teredo_ports=(3544,)))
    assert (row["ip_version"], row["dst_port"], row["tunnels"]) == (6, 23, 1)


# What an outer packet announces and what then is not right, is an anomaly.
@pytest.mark.parametrize(("frame", "name"), [
    (outer() / GRE(proto=0x800) / Raw(bytes(inner())[:-1]), "ipv4_truncated"),
    (Ether(**MAC) / IP(**OUTER, proto=4) / Raw(b"\x65" + bytes(30)), "ip_bad_version"),
    (Ether(**MAC) / IP(**OUTER, proto=41) / Raw(bytes(inner())), "ip_bad_version"),
])  # fmt: skip
def test_what_is_wrong_inside_is_named(frame: Packet, name: str) -> None:
    assert anomaly_of(packet_and_path(bytes(frame))[0]) == name


@pytest.mark.parametrize("name", ["vxlan", "gre", "ipip"])
def test_the_first_fragment_of_a_tunnel_is_opened_if_its_headers_are_there(name: str) -> None:
    content = bytes(IP(TUNNEL_FRAMES[name][1][14:]))
    protocol = content[9]
    whole = (len(content) - 20 - 1) & ~7  # the inner headers, and not all that follows them
    for kept, opened in ((whole, True), (whole - 24, False)):  # with ports, without them
        body = content[20:][:kept]
        frame = bytes(Ether(**MAC) / IP(**OUTER, proto=protocol, flags="MF") / Raw(body))
        row, path = packet_and_path(frame)
        assert (anomaly_of(row), bool(path)) == ("sound", opened), (name, kept)
        if opened:
            assert (row["dst_port"], row["ip_bytes"]) == (23, len(bytes(inner())))
    later = bytes(Ether(**MAC) / IP(**OUTER, proto=protocol, frag=8) / Raw(content[20:]))
    row, path = packet_and_path(later)
    assert (row["kind"], path) == (KIND_FRAGMENT, [])


def test_a_packet_without_a_length_is_not_looked_for_in_a_fragment() -> None:
    """How long it is nobody could say; offload, which leaves the length out, makes no fragments."""
    body = bytearray(bytes(inner()))
    body[2:4] = b"\0\0"
    part = Raw(bytes(body[: len(body) & ~7]))
    frame = bytes(Ether(**MAC) / IP(**OUTER, proto=4, flags="MF") / part)
    row, path = packet_and_path(frame)
    assert (anomaly_of(row), path, row["ip_bytes"]) == ("sound", [], len(frame) - 14)


def test_the_snapshot_length_cuts_back_to_the_outer_packet_where_a_port_told() -> None:
    frame = TUNNEL_FRAMES["vxlan"][1]
    row, path = packet_and_path(frame[:87], wire=[len(frame)])  # an octet short of the ports
    assert (anomaly_of(row), row["dst_port"], path) == ("sound", 4789, [])
