"""Frames as tests write them down, decoded the way the sensor does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sensor.config import Config
from sensor.decode import Decoder
from sensor.memory.records import NO_VLAN
from sensor.model import tunnels as kinds
from sensor.model.addresses import address_text
from sensor.model.anomalies import ANOMALIES
from sensor.model.frames import FrameBatch
from sensor.model.packets import KIND_ANOMALY, KIND_NON_IP, PacketBatch

ETHERNET = 1
FRONT = 100
"""Octets in front of the first frame: where it starts is no length."""
Step = tuple[str, int | None, str, str]
"""A tunnel of a path: type, id, outer source and destination."""


def decode_all(
    frames: list[bytes],
    link: int = ETHERNET,
    *,
    wire: list[int] | None = None,
    vlan_tci: int = NO_VLAN,
    stale: int = 0,
    sliced: str = "never",
) -> PacketBatch:
    """The packets of `frames`, which lie back to back so that the last ends the window.

    In front of them are other octets; where a payload is, is told from where the frames begin.

    `wire` gives the lengths on the wire where frames were cut, `sliced` is the setting for those
    that were cut before the capture; `stale` is what every octet of the
    packet records held before.
    """
    batch = FrameBatch(max(len(frames), 1))
    batch.attach(bytes(FRONT) + b"".join(frames))
    at = FRONT
    for i, frame in enumerate(frames):
        row = batch.records[i]
        row["time_ns"] = 1_000 + i
        row["offset"] = at
        row["captured"] = len(frame)
        row["wire"] = wire[i] if wire else len(frame)
        row["link"] = link
        row["interface"] = 3
        row["vlan_tci"] = vlan_tci
        at += len(frame)
    batch.count = len(frames)
    packets = PacketBatch(batch.capacity)
    packets.records.view("u1")[:] = stale
    Decoder(Config(sliced=sliced), join=False).decode(batch, packets)
    packets.records["payload_offset"] -= FRONT
    return packets


def decode_cuts(frame: bytes, link: int, cuts: Iterable[tuple[int, int]]) -> PacketBatch:
    """The packets of one frame, of which so many octets were captured of so many on the wire.

    No length but the frame's own tells that something is missing: no device is believed to cut.
    """
    lengths = np.array(list(cuts))
    batch = FrameBatch(len(lengths))
    batch.attach(bytes(FRONT) + frame)
    rows = batch.records[: len(lengths)]
    rows["time_ns"], rows["link"], rows["interface"], rows["vlan_tci"] = 1_000, link, 3, NO_VLAN
    rows["offset"] = FRONT
    rows["captured"], rows["wire"] = lengths.T
    batch.count = len(lengths)
    packets = PacketBatch(batch.capacity)
    Decoder(Config(sliced="never"), join=False).decode(batch, packets)
    return packets


def decode_one(frame: bytes, link: int = ETHERNET, **options: Any) -> Any:
    """The packet record of a frame that ends exactly at the end of its window."""
    if "wire" in options:
        options["wire"] = [options["wire"]]
    return decode_all([frame], link, **options).records[0]


QUOTED = tuple(f"quoted_{name}" for name in (
    "protocol", "ip_version", "src_hi", "src_lo", "dst_hi", "dst_lo",
    "src_port", "dst_port", "has_seq", "seq"))
FRAGMENT = ("fragment_id", "fragment_offset", "fragment_bytes", "fragment_protocol",
            "extra_packets", "extra_gap")  # fmt: skip
NETWORK = ("src_hi", "src_lo", "dst_hi", "dst_lo", "ip_id", "ttl", "payload_offset")
BY_OTHERS = ("hash", "copy_mark", "datagram")
ALWAYS = ("time_ns", "interface", "kind", "anomaly")


def members_of(row: Any) -> dict[str, int]:
    """The members of a packet record that its kind gives a meaning to."""
    if row["kind"] == KIND_ANOMALY:
        names: tuple[str, ...] = ALWAYS
    else:
        left_out = (*QUOTED, *FRAGMENT, *BY_OTHERS)
        names = tuple(name for name in row.dtype.names if name not in left_out)
        if row["kind"] == KIND_NON_IP:
            names = tuple(name for name in names if name not in NETWORK)
        if row["quoted"]:
            names += QUOTED
        if row["fragment"]:
            names += FRAGMENT
    return {name: int(row[name]) for name in names}


def anomaly_of(row: Any) -> str:
    """The name of what is wrong with the frame, or "sound"."""
    return ANOMALIES[row["anomaly"]].name


def packet_and_path(frame: bytes, **options: Any) -> tuple[Any, list[Step]]:
    """The record of a frame, and (type, id, outer source, outer destination) of each tunnel."""
    packets = decode_all([frame], **options)
    row = packets.records[0]
    path = []
    for tunnel in packets.tunnel_records[: int(row["tunnels"])]:
        ends = [address_text(int(tunnel[f"{end}_hi"]), int(tunnel[f"{end}_lo"]))
                for end in ("src", "dst")]
        number = int(tunnel["id"]) if tunnel["has_id"] else None
        path.append((kinds.NAMES[tunnel["type"]], number, *ends))
    return row, path


def batch_of(frame: bytes) -> FrameBatch:
    """A batch of one Ethernet frame."""
    frames = FrameBatch(1)
    frames.attach(frame)
    row = frames.records[0]
    row["time_ns"], row["link"], row["interface"] = 1000, 1, 3
    row["captured"] = row["wire"] = len(frame)
    frames.count = 1
    return frames
