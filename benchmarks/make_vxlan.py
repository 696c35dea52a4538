"""Put every frame of a capture into VXLAN, as a mirror port inside a data centre's fabric sees it.

    python benchmarks/make_vxlan.py benchmarks/data/mix.pcap

Writes FILE.vxlan.pcap (for mix.pcap: mix.vxlan.pcap) and its truth beside it, which is the plain
capture's: the flows inside are the same. There are 16 VNIs and 8 tunnel end points; both follow
from the inner addresses, so that the two directions of a flow have one VNI and swapped ends. The
UDP source port follows from the inner addresses and ports too (RFC 7348 5). Reads classic pcap
with microseconds, little-endian: what make_mix.py writes.
"""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path
from typing import BinaryIO

RECORD = struct.Struct("<IIII")
ENDS, NETWORKS = 8, 16
OUTER = 14 + 20 + 8 + 8
WRITE_BYTES = 8 << 20
IPV4, VLAN = 0x0800, 0x8100
HEADER = struct.Struct("!6s6sHBBHHHBBHIIHHHHII")
BASE = 0x0A63_0000  # 10.99.0.0
CONSTANT_SUM = 0x4500 + 0x4011 + 2 * (BASE >> 16)


def outer_header(frame: memoryview, ip_id: int) -> bytes:
    """What stands in front of a frame: Ethernet, IPv4, UDP, VXLAN."""
    at = 18 if frame[12] == VLAN >> 8 and frame[13] == VLAN & 0xFF else 14
    if frame[at] >> 4 == 4:
        src, dst, ports = frame[at + 15], frame[at + 19], at + (frame[at] & 15) * 4
    else:
        src, dst, ports = frame[at + 23], frame[at + 39], at + 40
    flow = src + dst + sum(frame[ports : ports + 4]) * 257
    src_end, dst_end = 1 + src % ENDS, 1 + dst % ENDS
    length = len(frame) + OUTER - 14
    total = CONSTANT_SUM + length + ip_id + src_end + dst_end
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return HEADER.pack(
        b"\x02\0\0\x63\0" + bytes([dst_end]), b"\x02\0\0\x63\0" + bytes([src_end]), IPV4,
        0x45, 0, length, ip_id, 0, 64, 17, ~total & 0xFFFF, BASE + src_end, BASE + dst_end,
        49152 + flow % 16384, 4789, length - 20, 0, 0x0800_0000, 5000 + (src + dst) % NETWORKS << 8,
    )  # fmt: skip


def wrap(source: BinaryIO, target: BinaryIO) -> int:
    """Copy a capture, every frame in VXLAN; returns how many there were."""
    target.write(source.read(24))
    octets = memoryview(source.read())
    at = count = waiting = 0
    parts: list[bytes | memoryview] = []
    while at < len(octets):
        seconds, fraction, captured, wire = RECORD.unpack_from(octets, at)
        frame = octets[at + 16 : at + 16 + captured]
        at += 16 + captured
        parts.append(RECORD.pack(seconds, fraction, captured + OUTER, wire + OUTER))
        parts.append(outer_header(frame, count & 0xFFFF))
        parts.append(frame)
        count += 1
        waiting += captured
        if waiting > WRITE_BYTES:
            target.write(b"".join(parts))
            parts, waiting = [], 0
    target.write(b"".join(parts))
    return count


def main() -> None:
    """Write the capture in VXLAN beside the plain one."""
    plain = Path(sys.argv[1])
    path = plain.with_suffix(".vxlan.pcap")
    with plain.open("rb") as source, path.open("wb") as target:
        count = wrap(source, target)
    shutil.copy(f"{plain}.truth.json", f"{path}.truth.json")
    print(f"{path}: {count} frames")


if __name__ == "__main__":
    main()
