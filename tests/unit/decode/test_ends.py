"""Octets behind the end of a frame, a packet or a payload are none of it, wherever it ends.

Each frame ends at each of its octets. Behind that stand its own further octets, or others of which
every bit is different: who reads on finds two things.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys

import pytest

from sensor.config import Config
from sensor.decode import Decoder
from sensor.memory.records import TUNNELS_MAX
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch
from tests.conversation import Talk
from tests.running import ROOT
from tests.unit.decode.batches import FRONT, anomaly_of, packet_and_path
from tests.unit.decode.corpus import FRAMES
from tests.unit.decode.guarded import EVERY_TUNNEL
from tests.unit.decode.test_applications import CERTAIN, DNS_QUERY, QUIC
from tests.unit.decode.tunnel_corpus import TUNNEL_FRAMES, inner, inner_frame, outer, udp

CONTROL = b"\xc0\x21\x09\x01"
"""PPP that carries no IP packet."""
ARP = bytes(inner_frame())[:12] + b"\x08\x06"


def inverted(octets: bytes) -> bytes:
    return bytes(octet ^ 0xFF for octet in octets)


def decoded(link: int, window: list[bytes], ends: list[int]) -> tuple[bytes, list[bytes]]:
    """All records of frames of which each ends where it says, and those of their tunnels."""
    frames = FrameBatch(len(window))
    frames.attach(bytes(FRONT) + b"".join(window))
    at = FRONT
    for row, octets, end in zip(frames.records, window, ends, strict=True):
        row["link"], row["offset"], row["captured"], row["wire"] = link, at, end, end
        at += len(octets)
    frames.count = len(window)
    packets = PacketBatch(frames.capacity)
    Decoder(Config(sliced="never", decode=EVERY_TUNNEL), join=False).decode(frames, packets)
    depths = packets.records["tunnels"].tolist()
    tunnels = [packets.tunnel_records[i * TUNNELS_MAX :][:depth].tobytes()
               for i, depth in enumerate(depths)]  # fmt: skip
    return packets.records.tobytes(), tunnels


@pytest.mark.parametrize("name", FRAMES)
def test_octets_behind_a_frame_are_none_of_it(name: str) -> None:
    link, frame, _ = FRAMES[name]
    ends = list(range(len(frame) + 1))
    others = [frame[:end] + inverted(frame[end:]) for end in ends]
    assert decoded(link, [frame] * len(ends), ends) == decoded(link, others, ends)


def cut_payloads() -> list[bytes]:
    """Frames of applications, and of datagrams and tunnels whose headers say that they end."""
    frames = [*HEADERS.values(), *(frame for _, frame, _ in TUNNEL_FRAMES.values())]
    found = []
    for frame in frames:
        front = 34 if frame[14] >> 4 == 4 else 54
        found += [shortened(frame, size)[: front + size] for size in range(len(frame) - front)]
    for ports in ((4444, 40_000), (23, 40_000)):
        for _, server, client in CERTAIN:
            for payload in filter(None, (server, client)):
                for size in range(1, min(len(payload), 40) + 1):
                    talk = Talk(ports=ports)
                    talk.client.data(0, payload[:size])
                    found.append(talk.frames[0][1])
    for ports, payload in (((40_000, 53), DNS_QUERY), ((40_000, 9), QUIC[:30])):
        for size in range(1, len(payload) + 1):
            talk = Talk(ports=ports)
            talk.client.udp(0, payload[:size])
            found.append(talk.frames[0][1])
    return found


def test_nothing_is_read_behind_the_end_of_readable_memory() -> None:
    """In a process of its own: who does it there ends it, compiled as well as interpreted."""
    cases = [(link, frame.hex(), 0) for link, frame, _ in FRAMES.values()]
    cases += [(1, frame.hex(), len(frame)) for frame in cut_payloads()]
    run = subprocess.run([sys.executable, "-m", "tests.unit.decode.guarded"], cwd=ROOT, text=True,
                         input=json.dumps(cases), capture_output=True, check=False)  # fmt: skip
    assert run.stdout.splitlines()[-1:] == ["done"], run.stderr
    assert run.returncode == 0


# ---- tunnels ------------------------------------------------------------------------------------


def shortened(frame: bytes, size: int) -> bytes:
    """The frame with an IP packet, and a datagram, that end after `size` octets of content."""
    if frame[14] >> 4 == 4:
        header, protocol = 34, frame[23]
        frame = frame[:16] + struct.pack("!H", 20 + size) + frame[18:]
    else:
        header, protocol = 54, frame[20]
        frame = frame[:18] + struct.pack("!H", size) + frame[20:]
    if protocol == 17:
        frame = frame[: header + 4] + struct.pack("!H", size) + frame[header + 6 :]
    return frame


def datagram(port: int, payload: bytes) -> bytes:
    return bytes(udp(port) / payload)


def announced(protocol: int, payload: bytes) -> bytes:
    frame = bytearray(bytes(outer() / payload))
    frame[23] = protocol
    return bytes(frame)


HEADERS = {
    "vxlan_reserved": datagram(4789, struct.pack("!II", 0x0800_0001, 7 << 8) + ARP),
    "vxlan_group": datagram(4789, struct.pack("!II", 0x8800_0007, 7 << 8) + ARP),
    "gtp_number": datagram(2152, b"\x32\xff\0\0\0\0\0\7\0\0\0\x85" + bytes(inner())),
    "gtp_two": datagram(2152, b"\x34\xff\0\0\0\0\0\7\0\0\0\x85\1\0\0\x85\1\0\0\0" + bytes(inner())),
    "l2tp": datagram(1701, b"\0\2\0\7\0\x09" + CONTROL),
    "l2tp_offset": datagram(1701, b"\2\2\0\7\0\x09\0\0" + CONTROL),
    "l2tp_skip": datagram(1701, b"\2\2\0\7\0\x09\0\2ab\xff\3" + CONTROL),
    "l2tp_3_udp": datagram(1701, struct.pack("!HHI", 3, 0, 77) + bytes(12) + ARP + b"\0"),
    "l2tp_3": announced(115, struct.pack("!I", 77) + bytes(8) + ARP + b"\0"),
    "etherip": announced(97, b"\x30\0" + ARP),
    "capwap": datagram(5247, struct.pack("!IHHI", 3 << 19, 0, 0, 0) + ARP),
    "tzsp": datagram(37008, b"\1\0\0\1\0\x0a\1\5\1" + ARP),
    "tzsp_long": datagram(37008, b"\1\0\0\1\x0a\4abcd\1" + ARP),
    "pptp": announced(47, struct.pack("!HHHHI", 0x3001, 0x880B, 4, 77, 1) + CONTROL),
    "pptp_ack": announced(
        47, struct.pack("!HHHHII", 0x3081, 0x880B, 4, 77, 1, 1) + b"\xff\3\0\x21" + bytes(inner())),
    "erspan_3_ip": announced(
        47, struct.pack("!HHIHHIHH", 0x1000, 0x22EB, 7, 0x2000, 5, 1, 0, 2 << 10) + bytes(inner())),
    "teredo": datagram(3544, bytes(inner(True))),
    "teredo_origin": datagram(3544, bytes(8) + bytes(inner(True))),
    "teredo_both": datagram(
        3544, b"\0\1\2\3" + bytes(14) + bytes(8) + bytes(inner(True))),
}


@pytest.mark.parametrize("name", [*TUNNEL_FRAMES, *HEADERS])
def test_octets_behind_a_packet_are_none_of_its_tunnel(name: str) -> None:
    frame = HEADERS[name] if name in HEADERS else TUNNEL_FRAMES[name][1]
    front = 34 if frame[14] >> 4 == 4 else 54
    sizes = range(8, len(frame) - front + 1)
    frames = [shortened(frame, size) for size in sizes]
    others = [one[: front + size] + inverted(one[front + size :])
              for one, size in zip(frames, sizes, strict=True)]  # fmt: skip
    ends = [len(frame)] * len(frames)
    assert decoded(1, frames, ends) == decoded(1, others, ends)


GRE = b"\0\0\x08\0"
MIRROR = struct.pack("!HHI", 0x1000, 0x88BE, 7)
MIRROR_3 = struct.pack("!HHI", 0x1000, 0x22EB, 7)
PPTP = struct.pack("!HHHHI", 0x3001, 0x880B, 4, 77, 1)
PPTP_ACK = struct.pack("!HHHHII", 0x3081, 0x880B, 4, 77, 1, 1)
SHORTEST = [
    (GRE, "gre_truncated", "ipv4_header_truncated"),
    (b"\x80\0\x08\0" + bytes(4), "gre_truncated", "ipv4_header_truncated"),
    (b"\x20\0\x86\xdd" + bytes(4), "gre_truncated", "ipv6_header_truncated"),
    (b"\x10\0\x08\0" + bytes(4), "gre_truncated", "ipv4_header_truncated"),
    (b"\xb0\0\x65\x58" + bytes(12), "gre_truncated", "link_truncated"),
    (b"\0\0\x88\xbe", "gre_truncated", "link_truncated"),  # type I: no header
    (PPTP + CONTROL, "gre_truncated", "sound"), (PPTP_ACK + CONTROL, "gre_truncated", "sound"),
    (PPTP + b"\0\x21\x45\0", "gre_truncated", "ipv4_header_truncated"),
    (MIRROR + struct.pack("!HHI", 0x1000, 5, 0), "erspan_truncated", "link_truncated"),
    (MIRROR_3 + struct.pack("!HHIHH", 0x2000, 5, 1, 0, 0), "erspan_truncated", "link_truncated"),
    (MIRROR_3 + struct.pack("!HHIHH", 0x2000, 5, 1, 0, 2 << 10), "erspan_truncated",
     "ipv4_header_truncated"),
    (MIRROR_3 + struct.pack("!HHIHHQ", 0x2000, 5, 1, 0, 1, 0), "erspan_truncated",
     "link_truncated"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "short", "whole"), SHORTEST)
def test_a_header_of_gre_ends_with_its_packet_or_the_capture(
    header: bytes, short: str, whole: str
) -> None:
    """What is wrong inside is only asked for where all of the header is there."""
    frame = announced(47, header)
    ended = shortened(frame, len(header) - 1)
    for cut in (1, 2, 3, 4):
        row, path = packet_and_path(shortened(frame[:-cut], len(header) - cut))
        assert (anomaly_of(row), path) == (short, [])
        row, path = packet_and_path(frame[:-cut], wire=[len(frame)])
        assert (anomaly_of(row), path) == ("header_not_captured", [])
        row, path = packet_and_path(ended[:-cut], wire=[len(frame)])
        assert (anomaly_of(row), path) == (short, [])
    assert anomaly_of(packet_and_path(frame)[0]) == whole


def test_the_version_of_ip_that_a_mirror_shows_stands_in_its_first_octet() -> None:
    frame = announced(47, MIRROR_3 + struct.pack("!HHIHH", 0x2000, 5, 1, 0, 2 << 10) + b"\x60")
    assert anomaly_of(packet_and_path(frame)[0]) == "ipv6_header_truncated"
