"""What holds for every frame: no octets raise or are read over, whatever a length says."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from typing import Any

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q

from sensor.decode import ethernet as link_module
from sensor.memory.records import NO_VLAN
from sensor.model.addresses import address_halves
from sensor.model.anomalies import ANOMALIES
from sensor.model.packets import KIND_ANOMALY, KIND_FLOW, TRANSPORT_CUT
from tests.examples import examples
from tests.unit.decode.batches import anomaly_of, decode_all, decode_one, members_of
from tests.unit.decode.corpus import FRAMES, damaged, ethernet
from tests.unit.decode.interpreted import Case, records_of
from tests.unit.decode.tunnel_corpus import GUESSED

COMPILED = not str(link_module.__file__).endswith(".py")

# A frame cut on the wire is sound only where the cut is padding, or where no length tells.
PADDED = {"tcp_padded": 54, "nothing6": 54, "arp": 14, "pppoe6_padded": 87,
          "lcp": 4, "beacon": 2, "token_ring_own": 14, "frame_relay_lmi": 6,
          # A check value stands at the end.
          "macsec": 67, "macsec_channel": 75, "macsec_encrypted": 15,
          "fabric_path": 75, "fabric_path_vlan": 79,
          "mpacket": 67, "mpacket_start": 67, "mpacket_rest": 8,
          "nflog": 4, "nflog_6": 4, "nflog_arp": 4}  # attributes, none of them obligatory


@pytest.mark.parametrize("name", FRAMES)
def test_every_valid_frame_is_sound(name: str) -> None:
    link, frame, kind = FRAMES[name]
    row = decode_one(frame, link)
    assert (anomaly_of(row), row["kind"]) == ("sound", kind)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_cut_on_the_wire_is_an_anomaly_that_blames_the_sender(name: str) -> None:
    link, frame, _ = FRAMES[name]
    for cut in range(PADDED.get(name, len(frame))):
        row = decode_one(frame[:cut], link)
        assert row["kind"] == KIND_ANOMALY, cut
        assert anomaly_of(row) not in ("sound", "header_not_captured"), cut


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_cut_by_the_snapshot_length_is_sound_once_its_headers_are_there(name: str) -> None:
    link, frame, kind = FRAMES[name]
    whole = decode_one(frame, link)
    sound = [decode_one(frame[:cut], link, wire=len(frame)) for cut in range(len(frame))]
    names = [anomaly_of(row) for row in sound]
    assert set(names) <= {"sound", "header_not_captured"}
    first = names.index("sound") if "sound" in names else len(names)
    assert set(names[first:]) <= {"sound"}
    if name in GUESSED:  # until its headers are there, the packet is the outer one
        assert all(row["protocol"] == 17 for row in sound[first:] if not is_inside(row, whole))
        first = next(cut for cut, row in enumerate(sound) if is_inside(row, whole))
    for row in sound[first:]:
        assert row["kind"] == kind
        for member in ("src_port", "dst_port", "protocol", "ip_bytes"):
            assert row[member] == whole[member]
        for member in ("payload_bytes", "seq"):  # behind the ports nothing is read in parts
            assert row[member] == (0 if row["fragment"] & TRANSPORT_CUT else whole[member])


def is_inside(row: Any, whole: Any) -> bool:
    """Whether a sound packet came out of as many tunnels as the whole frame has."""
    return row["kind"] != KIND_ANOMALY and bool(row["tunnels"] == whole["tunnels"])


def mutated() -> st.SearchStrategy[Case]:
    """Valid frames with some octets changed, cut on the wire or by the snapshot length."""

    def spoil(
        case: tuple[int, bytes, int], changes: list[tuple[int, int]], cut: int, lost: int
    ) -> Case:
        octets = bytearray(case[1][: len(case[1]) - cut])
        for place, value in changes:
            if octets:
                octets[place % len(octets)] = value
        return case[0], bytes(octets).hex(), len(octets) + lost

    place = st.tuples(st.integers(0, 79), st.integers(0, 255))
    return st.builds(
        spoil, st.sampled_from(sorted(FRAMES.values())), st.lists(place, max_size=4),
        st.one_of(st.just(0), st.integers(0, 60)), st.one_of(st.just(0), st.integers(0, 70000)))


@given(mutated())
@examples(400)
def test_a_spoilt_frame_is_sound_or_a_named_anomaly_within_its_bounds(case: Case) -> None:
    link, frame, wire = case
    row = decode_one(bytes.fromhex(frame), link, wire=wire)
    assert row["anomaly"] < len(ANOMALIES)
    assert (row["anomaly"] != 0) == (row["kind"] == KIND_ANOMALY)
    if row["kind"] == KIND_FLOW:
        # What is in a first fragment may go on in frames that nobody knows of yet.
        longest = wire + 65535 if row["tunnels"] else wire
        assert row["payload_captured"] <= row["payload_bytes"] <= row["ip_bytes"] <= longest
        if row["payload_captured"]:
            assert row["payload_offset"] + row["payload_captured"] <= len(frame) // 2


LINKS = (0, 1, 9, 12, 50, 51, 101, 104, 105, 108, 113, 127, 228, 229, 276, 147)


@given(st.sampled_from(LINKS), st.binary(max_size=120))
@examples(200)
def test_random_octets_are_sound_or_a_named_anomaly(link: int, frame: bytes) -> None:
    row = decode_one(frame, link)
    assert (row["anomaly"] != 0) == (row["kind"] == KIND_ANOMALY)
    if link == 147:
        assert anomaly_of(row) == "unknown_link_type"


@given(mutated())
@examples(200)
def test_nothing_of_the_packet_before_shines_through(case: Case) -> None:
    link, frame, wire = case
    clean = decode_one(bytes.fromhex(frame), link, wire=wire)
    reused = decode_one(bytes.fromhex(frame), link, wire=wire, stale=0xA5)
    assert members_of(clean) == members_of(reused)


@pytest.mark.skipif(not COMPILED, reason="the core is not compiled here")
def test_the_compiled_and_the_interpreted_decoder_agree() -> None:
    cases: list[Case] = [(link, frame.hex(), len(frame)) for link, frame, _ in FRAMES.values()]
    chance = random.Random(7)
    for _ in range(3000):
        link, frame, wire = damaged(chance)
        cases.append((link, frame.hex(), wire))
    run = subprocess.run(
        [sys.executable, "-m", "tests.unit.decode.interpreted"],
        input=json.dumps(cases).encode(), capture_output=True, check=True)
    assert run.stdout == records_of(cases)


V4_TEXT = st.integers(0, 2**32 - 1).map(lambda v: socket.inet_ntoa(v.to_bytes(4, "big")))
V6_TEXT = st.integers(0, 2**128 - 1).map(
    lambda v: socket.inet_ntop(socket.AF_INET6, v.to_bytes(16, "big")))
PORT = st.integers(0, 65535)
WORD = st.integers(0, 2**32 - 1)
NETWORKS = st.one_of(
    st.builds(
        lambda src, dst, words: IP(src=src, dst=dst, options=[b"\x01" * 4] * words),
        V4_TEXT, V4_TEXT, st.integers(0, 10)),
    st.builds(lambda src, dst: IPv6(src=src, dst=dst), V6_TEXT, V6_TEXT),
)
TRANSPORTS = st.one_of(
    st.builds(
        lambda sport, dport, seq, ack, flags, nops: TCP(
            sport=sport, dport=dport, seq=seq, ack=ack, flags=flags,
            options=[("NOP", None)] * nops),
        PORT, PORT, WORD, WORD, st.integers(0, 255), st.integers(0, 40)),
    st.builds(lambda sport, dport: UDP(sport=sport, dport=dport), PORT, PORT),
)


@given(NETWORKS, TRANSPORTS, st.binary(max_size=200), st.lists(st.integers(0, 4095), max_size=2))
@examples(150)
def test_headers_read_as_dpkt_reads_them(
    network: IP, transport: TCP, data: bytes, vlans: list[int]
) -> None:
    tagged = ethernet()
    for vlan in vlans:
        tagged = tagged / Dot1Q(vlan=vlan)
    frame = bytes(tagged / network / transport / data)
    row = decode_one(frame)
    reference = dpkt.ethernet.Ethernet(frame)
    ip = reference.data
    segment = ip.data
    assert anomaly_of(row) == "sound"
    assert row["protocol"] == (6 if isinstance(segment, dpkt.tcp.TCP) else 17)
    family = socket.AF_INET if isinstance(ip, dpkt.ip.IP) else socket.AF_INET6
    assert (row["src_hi"], row["src_lo"]) == address_halves(socket.inet_ntop(family, ip.src))
    assert (row["dst_hi"], row["dst_lo"]) == address_halves(socket.inet_ntop(family, ip.dst))
    assert (row["src_port"], row["dst_port"]) == (segment.sport, segment.dport)
    assert row["checksum"] == segment.sum
    assert row["payload_bytes"] == row["payload_captured"] == len(segment.data)
    assert frame[row["payload_offset"]:][: row["payload_bytes"]] == bytes(segment.data)
    if isinstance(segment, dpkt.tcp.TCP):
        assert row["tcp_flags"] == segment.flags & 0xFF
        assert (row["seq"], row["ack"], row["window"]) == (segment.seq, segment.ack, segment.win)
    ids = [tag.id for tag in getattr(reference, "vlan_tags", []) if tag.id]
    assert [row["vlan_outer"], row["vlan_inner"]] == [*ids, NO_VLAN, NO_VLAN][:2]


def test_frames_of_a_batch_do_not_touch_one_another() -> None:
    frames = [frame for link, frame, _ in FRAMES.values() if link == 1]
    together = decode_all(frames).records
    at = 0
    for i, frame in enumerate(frames):
        alone = members_of(decode_one(frame))
        for member in ("payload_offset",):
            if member in alone and alone[member] != 0xFFFFFFFF:
                alone[member] += at
        alone["time_ns"] += i
        assert members_of(together[i]) == alone
        at += len(frame)
