"""Write a flood of unanswered SYNs to port 23 with one accepted telnet connection in its middle.

    python benchmarks/make_flood.py --out flood.pcap
    python benchmarks/make_flood.py --out - | sensor replay --quiet -

Every SYN comes from another source, 100,000 a second by default, so that the attempts fill the flow
table before the first of them times out. The accepted connection is on standard error and, for a
file, in FILE.truth.json.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from make_mix import START_US
from wire import (
    ACK,
    FIN,
    FRAME_MIN,
    PCAP_HEADER,
    PSH,
    RECORD_BYTES,
    SYN,
    TCP,
    fill_fixed,
    fill_ipv4_checksum,
    header_type,
)

Array = np.ndarray[Any, Any]

CHUNK = 200_000
CLIENT = int(ipaddress.IPv4Address("192.168.1.20"))
SERVER = int(ipaddress.IPv4Address("192.168.1.50"))
CLIENT_PORT = 50_432
SCATTER = 0x9E37_79B1
"""Odd, so that multiplying by it modulo 2^24 visits every number once."""

# Side, flags, payload octets of the accepted connection; one segment a millisecond.
SEGMENTS = (
    (0, SYN, 0), (1, SYN | ACK, 0), (0, ACK, 0), (1, PSH | ACK, 12), (0, PSH | ACK, 12),
    (1, PSH | ACK, 18), (0, PSH | ACK, 9), (1, PSH | ACK, 24), (0, FIN | ACK, 0),
    (1, FIN | ACK, 0), (0, ACK, 0),
)


def frame_type() -> np.dtype[Any]:
    """The headers of a TCP frame over IPv4 without options, filled up to the shortest frame."""
    head = header_type(tagged=False, v6=False, protocol=TCP)
    padding = RECORD_BYTES + FRAME_MIN - head.itemsize
    members = [(name, head[name]) for name in head.names or ()]
    return np.dtype([*members, ("padding", "u1", padding)])


def common(count: int, payload: int = 0) -> Array:
    """Frames with all that does not differ between them."""
    rows = np.zeros(count, frame_type())
    fill_fixed(rows)
    rows["captured"] = rows["wire"] = max(FRAME_MIN, 54 + payload)
    rows["mac_dst"], rows["mac_src"] = [2, 0, 0, 0, 0, 50], [2, 0, 0, 0, 0, 1]
    rows["ip_length"], rows["ttl"], rows["protocol"] = 40 + payload, 57, TCP
    rows["data_offset"], rows["window"] = 0x50, 64_240
    return rows


def set_time(rows: Array, times_us: Array | int) -> None:
    """Set the time of frames, in microseconds since 1970."""
    rows["seconds"] = np.asarray(times_us) // 1_000_000
    rows["micros"] = np.asarray(times_us) % 1_000_000


def flood(first: int, count: int, start_us: int, rate: int) -> Array:
    """SYNs number `first` and following, each from a source of its own."""
    number = np.arange(first, first + count, dtype=np.int64)
    rows = common(count)
    set_time(rows, start_us + number * 1_000_000 // rate)
    scattered = (number * SCATTER) & 0xFF_FFFF
    # Sources in 32/8 to 47/8 (above 2^24 of them the next /8), none of them the server's network.
    rows["src"] = ((32 + (number >> 24)) << 24) | scattered
    rows["dst"] = SERVER + number % 16
    rows["src_port"], rows["dst_port"] = 1024 + scattered % 60_000, 23
    rows["seq"], rows["flags"] = (number * 0x85EB_CA6B) & 0xFFFF_FFFF, SYN
    rows["ip_id"], rows["checksum"] = scattered & 0xFFFF, (number * 40_503) & 0xFFFF
    fill_ipv4_checksum(rows)
    return rows


def accepted(at_us: int) -> bytes:
    """The frames of the one connection that is accepted, from `at_us` on."""
    next_seq = [1_000_000, 2_000_000]
    parts = []
    for i, (side, flags, payload) in enumerate(SEGMENTS):
        row = common(1, payload)
        set_time(row, at_us + i * 1_000)
        ends = ((CLIENT, CLIENT_PORT), (SERVER, 23))
        (src, src_port), (dst, dst_port) = ends[side], ends[1 - side]
        row["src"], row["dst"], row["src_port"], row["dst_port"] = src, dst, src_port, dst_port
        row["seq"], row["flags"] = next_seq[side], flags
        row["ack"] = next_seq[1 - side] if flags & ACK else 0
        row["ip_id"], row["checksum"] = 100 + i, 0x1234 + i
        next_seq[side] += payload + bool(flags & (SYN | FIN))
        fill_ipv4_checksum(row)
        length = RECORD_BYTES + max(FRAME_MIN, 54 + payload)
        parts.append((row.tobytes()[: RECORD_BYTES + 54] + b"x" * payload).ljust(length, b"\0"))
    return b"".join(parts)


def write(out: BinaryIO, syns: int, rate: int) -> int:
    """Write the flood; the time of the accepted connection in microseconds since 1970."""
    out.write(PCAP_HEADER)
    middle = syns // 2
    at_us = START_US + middle * 1_000_000 // rate
    # The flood pauses while the connection is made, so that no time runs backwards.
    after_us = START_US + len(SEGMENTS) * 1_000
    for start, stop, start_us in ((0, middle, START_US), (middle, syns, after_us)):
        for first in range(start, stop, CHUNK):
            out.write(flood(first, min(CHUNK, stop - first), start_us, rate).tobytes())
        if start == 0:
            out.write(accepted(at_us))
    return at_us


def main() -> None:
    """Write the flood where the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--syns", type=int, default=2_000_000)
    parser.add_argument("--rate", type=int, default=100_000, help="SYNs a second")
    default = str(Path(__file__).parent / "data" / "flood.pcap")
    parser.add_argument("--out", default=default, help="a file, or - for standard output")
    args = parser.parse_args()
    if args.out == "-":
        at_us = write(sys.stdout.buffer, args.syns, args.rate)
    else:
        path = Path(args.out)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            at_us = write(out, args.syns, args.rate)
    telnet = {
        "source": str(ipaddress.IPv4Address(CLIENT)), "source_port": CLIENT_PORT,
        "destination": str(ipaddress.IPv4Address(SERVER)), "destination_port": 23,
        "first_us": at_us, "external": False,
    }
    truth = {
        "packets": args.syns + len(SEGMENTS),
        "telnet": {"accepted": [telnet], "unanswered_count": args.syns},
    }
    if args.out != "-":
        Path(f"{args.out}.truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    print(json.dumps(truth), file=sys.stderr)


if __name__ == "__main__":
    main()
