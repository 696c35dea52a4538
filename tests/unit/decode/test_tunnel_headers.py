"""The headers of tunnels: what they name, and where they are no tunnel's."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from sensor.config import Config, DecodeSettings
from sensor.decode import Decoder
from sensor.memory.records import NO_VLAN
from sensor.model.addresses import address_text
from sensor.model.packets import KIND_FLOW, PacketBatch
from tests.unit.decode.batches import (
    Step,
    anomaly_of,
    batch_of,
    decode_all,
    members_of,
    packet_and_path,
)
from tests.unit.decode.tunnel_corpus import (
    MAC,
    OUTER,
    TUNNEL_FRAMES,
    inner,
    inner_frame,
    udp,
)

OUT = ("203.0.113.1", "203.0.113.2")


def test_a_mirror_tells_the_vlan_that_it_took_out() -> None:
    assert packet_and_path(TUNNEL_FRAMES["erspan_2"][1])[0]["vlan_outer"] == 120
    preserved = bytearray(TUNNEL_FRAMES["erspan_2"][1])
    preserved[14 + 20 + 8 + 2] |= 0x18  # En 3: the tag is still in the frame
    assert packet_and_path(bytes(preserved))[0]["vlan_outer"] == NO_VLAN


# Content that is no packet, or cannot be looked into: the packet is the outer one.
@pytest.mark.parametrize("gre", [
    b"\0\0\0\0",  # a keep-alive
    b"\x40\0\x08\0" + bytes(20),  # with source routes, RFC 1701
    b"\0\2\x08\0" + bytes(20),  # version 2
    b"\x20\x81\x88\x0b\0\0\0\1\0\0\0\0",  # PPTP: an acknowledgement alone
    b"\x30\x01\x88\x0b\0\4\0\1\0\0\0\0\x00\xfd\x90\0",  # PPTP: compressed
    b"\x10\0\x88\xbe\0\0\0\1\x50" + bytes(60),  # ERSPAN of a version unknown
])
def test_a_tunnel_with_nothing_to_decode_stays_closed(gre: bytes) -> None:
    row, path = packet_and_path(bytes(Ether(**MAC) / IP(**OUTER, proto=47) / Raw(gre)))
    assert (anomaly_of(row), row["protocol"], row["kind"], path) == ("sound", 47, KIND_FLOW, [])
    assert address_text(int(row["src_hi"]), int(row["src_lo"])) == OUT[0]

# What stands at a tunnel's port and is none: the datagram is a datagram.
_CUT_INNER = bytes(inner_frame())[:-1]

NO_TUNNELS = {
    "text": (4789, b"just some text that came to this port"),
    "vxlan_no_vni": (4789, struct.pack("!II", 0, 5000 << 8) + bytes(inner_frame())),
    "vxlan_reserved": (4789, struct.pack("!II", 0x0C000000, 5000 << 8) + b"no frame " * 9),
    "vxlan_short": (4789, b"\x08\0\0\0\0\0"),
    "vxlan_cut_inside": (4789, struct.pack("!II", 0x08000000, 5000 << 8) + _CUT_INNER),
    "geneve_version": (6081, b"\x40\0\x65\x58\0\0\1\0" + bytes(inner_frame())),
    "geneve_control": (6081, b"\x00\x80\x65\x58\0\0\1\0" + bytes(inner_frame())),
    "geneve_options": (6081, b"\x3f\0\x65\x58\0\0\1\0" + bytes(20)),
    "geneve_other": (6081, b"\x00\0\x88\x88\0\0\1\0" + bytes(inner_frame())),
    "gtp_echo": (2152, b"\x32\x01\x00\x04\0\0\0\0\0\0\0\0"),
    "gtp_prime": (2152, b"\x20\xff\x00\x04\0\0\0\1" + bytes(inner())),
    "gtp_endless": (2152, b"\x34\xff\x00\x08\0\0\0\1\0\0\0\x85" + b"\x01\0\0\x85" * 40),
    "gtp_no_extension": (2152, b"\x34\xff\x00\x08\0\0\0\1\0\0\0\x85" + bytes(8)),
    "gtp_not_ip": (2152, b"\x30\xff\x00\x08\0\0\0\1" + bytes(8)),
    "teredo_is_off": (3544, bytes(inner(True))),
}


@pytest.mark.parametrize("name", NO_TUNNELS)
def test_a_wrong_guess_leaves_nothing_behind(name: str) -> None:
    port, payload = NO_TUNNELS[name]
    frame = bytes(udp(port) / Raw(payload))
    packets = decode_all([frame], stale=0xA5)
    plain = PacketBatch(1)
    no_ports = DecodeSettings(vxlan_ports=(), geneve_ports=(), gtp_ports=())
    Decoder(Config(decode=no_ports)).decode(batch_of(frame), plain)
    assert anomaly_of(plain.records[0]) == "sound"
    assert members_of(packets.records[0]) == members_of(plain.records[0])
    assert packets.records[0]["dst_port"] == port


def announced(header: bytes) -> Any:
    """The record of a packet whose IP header announces GRE."""
    return packet_and_path(bytes(Ether(**MAC) / IP(**OUTER, proto=47) / Raw(header)))


@pytest.mark.parametrize(("header", "name"), [
    (b"\0\0\x08", "gre_truncated"),
    (b"\x20\0\x08\0\0\0\0", "gre_truncated"),
    (b"\x30\x01\x88\x0b\0\4\0\1\0\0\0\0\xff\x03\0", "gre_truncated"),
    (b"\x10\0\x88\xbe\0\0\0\1" + b"\x10" * 7, "erspan_truncated"),
    (b"\x10\0\x22\xeb\0\0\0\1\x20" + bytes(10) + b"\1", "erspan_truncated"),
])  # fmt: skip
def test_a_header_that_is_cut_is_named(header: bytes, name: str) -> None:
    assert anomaly_of(announced(header)[0]) == name


@pytest.mark.parametrize(("key", "step"), [
    (0x000F_FFFF, ("gre", 0x000F_FFFF, *OUT)), (0x0010_0000, ("nvgre", 0x1000, *OUT)),
])  # fmt: skip
def test_the_lowest_key_that_is_one_of_nvgre(key: int, step: Step) -> None:
    header = struct.pack("!HHI", 0x2000, 0x6558, key)
    assert announced(header + bytes(inner_frame()))[1] == [step]


@pytest.mark.parametrize(("flags", "front"), [
    (0x8000, bytes(4)), (0x1000, bytes(4)), (0xB000, bytes(4) + b"\0\0\0\5" + bytes(4)),
])  # fmt: skip
def test_each_option_of_gre_moves_the_content(flags: int, front: bytes) -> None:
    row, path = announced(struct.pack("!HH", flags, 0x800) + front + bytes(inner()))
    assert (row["dst_port"], [step[1] for step in path]) == (23, [5 if flags & 0x2000 else None])


@pytest.mark.parametrize(("port", "front", "opened"), [
    (4789, struct.pack("!II", 0x8800_0000 | 5, 7 << 8), True),  # with a group
    # Reserved fields are ignored on receipt: RFC 7348 5, RFC 8926 3.4.
    (4789, struct.pack("!II", 0x8900_0000, 7 << 8), True),
    (4789, struct.pack("!II", 0x0800_0001, 7 << 8), True),
    (4789, struct.pack("!II", 0xFFFF_FFFF, 7 << 8 | 255), True),
    (4789, struct.pack("!II", 0xF7FF_FFFF, 7 << 8 | 255), False),  # no VNI
    (6081, struct.pack("!II", 0x0000_6558, 7 << 8), True),
    (6081, struct.pack("!II", 0x003F_6558, 7 << 8 | 255), True),
    (6081, struct.pack("!II", 0x0040_6558, 7 << 8), True),  # critical options, and none there
])  # fmt: skip
def test_flags_of_a_virtual_network(port: int, front: bytes, opened: bool) -> None:
    row, path = packet_and_path(bytes(udp(port) / Raw(front + bytes(inner_frame()))))
    assert [step[1] for step in path] == ([7] if opened else [])
    assert row["dst_port"] == (23 if opened else port)


@pytest.mark.parametrize(("count", "opened"), [(1, True), (16, True), (17, False)])
def test_sixteen_extension_headers_of_gtp_are_read(count: int, opened: bool) -> None:
    chain = b"\x01\0\0\x85" * (count - 1) + b"\x01\0\0\0"
    header = b"\x34\xff\0\0\0\0\0\7" + b"\0\0\0\x85" + chain
    row, path = packet_and_path(bytes(udp(2152) / Raw(header + bytes(inner()))))
    assert [step[:2] for step in path] == ([("gtp_u", 7)] if opened else [])
    assert row["dst_port"] == (23 if opened else 2152)


@pytest.mark.parametrize("version", [4, 6])
def test_a_mirror_of_type_3_may_carry_ip_without_a_frame(version: int) -> None:
    """Frame type 2, draft-foschiano-erspan 4.3."""
    head = struct.pack("!HHIHH", 0x2000, 5, 1, 0, 2 << 10)
    gre = struct.pack("!HHI", 0x1000, 0x22EB, 7)
    row, path = announced(gre + head + bytes(inner(version == 6)))
    assert (row["ip_version"], row["dst_port"], path) == (version, 23, [("erspan", 5, *OUT)])
    assert announced(gre + head + b"\x50" + bytes(40))[1] == []  # neither


def test_the_spare_bit_of_gtp_is_not_looked_at() -> None:
    """3GPP TS 29.281 5.1: the receiver does not evaluate it."""
    header = b"\x38\xff\0\0\0\0\0\7"
    assert packet_and_path(bytes(udp(2152) / Raw(header + bytes(inner()))))[0]["dst_port"] == 23


@pytest.mark.parametrize("flag", [1, 2])
def test_gtp_with_a_number_alone_has_four_octets_more(flag: int) -> None:
    header = bytes([0x30 | flag, 0xFF]) + b"\0\0\0\0\0\7" + b"\0\0\0\x85"
    assert packet_and_path(bytes(udp(2152) / Raw(header + bytes(inner()))))[0]["dst_port"] == 23


@pytest.mark.parametrize(("octets", "opened"), [(13, False), (14, True)])
@pytest.mark.parametrize("word", [0x0800_0001, 0xFFFF_FFFF])
def test_a_frame_behind_reserved_bits_has_a_header_at_least(
    word: int, octets: int, opened: bool
) -> None:
    arp = bytes(inner_frame())[:12] + b"\x08\x06"
    payload = struct.pack("!II", word, 7 << 8) + arp[:octets]
    assert len(packet_and_path(bytes(udp(4789) / Raw(payload)))[1]) == int(opened)


@pytest.mark.parametrize(("word", "last", "opened"), [
    (0x0800_0000, 0, True), (0x8800_0000, 0, True), (0x88FF_FFFF, 0, True),
    (0x0800_0000, 1, False), (0x0800_0100, 0, False), (0x4800_0000, 0, False)])
def test_a_plain_header_of_vxlan_needs_no_proof(word: int, last: int, opened: bool) -> None:
    """Of a frame whose EtherType nobody knows; with reserved bits there must be more to it."""
    frame = bytes(inner_frame())[:12] + b"\x88\xb5" + bytes(40)
    payload = struct.pack("!II", word, 7 << 8 | last) + frame
    assert len(packet_and_path(bytes(udp(4789) / Raw(payload)))[1]) == int(opened)


@pytest.mark.parametrize(("tagging", "vlan"), [(0, NO_VLAN), (1, 120), (2, 120), (3, NO_VLAN)])
def test_which_tag_a_mirror_took_out(tagging: int, vlan: int) -> None:
    """En of draft-foschiano-erspan 4.2: 1 is ISL's, 2 802.1Q's, 3 leaves it in the frame."""
    head = struct.pack("!HHI", 0x1000 | 120, tagging << 11 | 5, 0)
    gre = struct.pack("!HHI", 0x1000, 0x88BE, 7)
    row, path = announced(gre + head + bytes(inner_frame()))
    assert (row["vlan_outer"], path) == (vlan, [("erspan", 5, *OUT)])


@pytest.mark.parametrize(("flags", "front"), [
    (0x1000, b"\0\0\0\7"), (0x3000, bytes(4) + b"\0\0\0\7"), (0x9000, bytes(4) + b"\0\0\0\7")])
def test_a_mirror_behind_every_option_of_gre(flags: int, front: bytes) -> None:
    head = struct.pack("!HHI", 0x1000, 5, 0)
    row, path = announced(
        struct.pack("!HH", flags, 0x88BE) + front + head + bytes(inner_frame()))
    assert (row["dst_port"], path) == (23, [("erspan", 5, *OUT)])
    row, path = announced(struct.pack("!HH", flags & ~0x1000, 0x88BE) + front[:-4]
                          + bytes(inner_frame()))  # fmt: skip
    assert (row["dst_port"], path) == (23, [("erspan", None, *OUT)])  # type I


@pytest.mark.parametrize(("word", "front", "opened"), [
    (0x3001, b"", True), (0x3081, bytes(4), True), (0x2001, b"", False), (0x1001, b"", False),
    (0xB001, b"", False), (0x7001, b"", False)])
def test_which_fields_a_header_of_pptp_has(word: int, front: bytes, opened: bool) -> None:
    """RFC 2637 4.1: a key always, payload has a number; no checksum and no routing."""
    header = struct.pack("!HHHHI", word, 0x880B, 40, 77, 1) + front
    for ppp in (b"\0\x21", b"\x21", b"\xff\3\0\x21", b"\xff\3\x21"):
        row, path = announced(header + ppp + bytes(inner()))
        assert [step[:2] for step in path] == ([("pptp", 77)] if opened else [])
        assert not opened or row["dst_port"] == 23
    assert announced(header + b"\xc0\x21" + bytes(20))[1] == []


@pytest.mark.parametrize("octets", [0, 4, 252])
def test_options_of_geneve_move_the_content(octets: int) -> None:
    header = struct.pack("!BBHI", octets // 4, 0, 0x6558, 7 << 8) + bytes(octets)
    row, path = packet_and_path(bytes(udp(6081) / Raw(header + bytes(inner_frame()))))
    assert (row["dst_port"], [step[1] for step in path]) == (23, [7])


@pytest.mark.parametrize("words", [1, 2, 3])
def test_an_extension_of_gtp_says_how_long_it_is(words: int) -> None:
    """In units of 4 octets, of which the last names the next one (3GPP TS 29.281 5.2.1)."""
    extension = bytes([words]) + bytes(4 * words - 2) + b"\x85" + b"\1\0\0\0"
    header = b"\x34\xff\0\0\0\0\0\7" + b"\0\0\0\x85" + extension
    row, path = packet_and_path(bytes(udp(2152) / Raw(header + bytes(inner(True)))))
    assert (row["dst_port"], [step[:2] for step in path]) == (23, [("gtp_u", 7)])
