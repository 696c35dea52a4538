"""Frames beyond 64 KiB, as segmentation offload and jumbograms leave them in files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conversation import Talk, play
from tests.running import run_capture

SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def as_pcap(frames: list[tuple[int, bytes]]) -> bytes:
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)]
    for time, octets in frames:
        size = len(octets)
        parts += [struct.pack("<IIII", *divmod(time, 10**9), size, size), octets]
    return b"".join(parts)


def as_pcapng(frames: list[tuple[int, bytes]]) -> bytes:
    resolution = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
    size = 20 + len(resolution)
    parts = [SECTION, struct.pack("<IIHHI", 1, size, 1, 0, 0), resolution, struct.pack("<I", size)]
    for time, octets in frames:
        padded = octets + bytes(-len(octets) % 4)
        size = 32 + len(padded)
        head = (6, size, 0, time >> 32, time & 0xFFFF_FFFF, len(octets), len(octets))
        parts += [struct.pack("<IIIIIII", *head), padded, struct.pack("<I", size)]
    return b"".join(parts)


def superframe(version: int, payload: int) -> Talk:
    """A connection with one segment of so many octets, its IP length 0: it does not fit in."""
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1, b"x" * 16)
    time, octets = talk.frames.pop()
    at = 16 if version == 4 else 18
    talk.frames.append((time, octets[:at] + b"\0\0" + octets[at + 2 :] + bytes(payload - 16)))
    talk.server.next += payload - 16
    talk.client.ack(0.2)
    talk.close(0.3)
    return talk


@pytest.mark.parametrize("write", [as_pcap, as_pcapng])
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("payload", [65_536, 200_000, 262_000])
def test_a_superframe_counts_with_all_its_octets(
    tmp_path: Path, write: Callable[[Any], bytes], version: int, payload: int
) -> None:
    talk = superframe(version, payload)
    path = tmp_path / "super.pcap"
    path.write_bytes(write(talk.frames))
    run = run_capture(path)
    (record,) = run.records
    header = 40 if version == 4 else 60
    assert record["destination"]["bytes"] == payload + 3 * header
    assert record["sensor"]["flow"]["payload_bytes_resp"] == payload
    assert record["sensor"]["flow"]["missed_bytes_resp"] == 0
    assert record["sensor"]["flow"]["verdict"] == "accepted"
    assert run.ledger["anomalies"] == {}
    assert run.ledger["bytes"] == sum(len(octets) for _, octets in talk.frames)


@pytest.mark.parametrize("version", [4, 6])
def test_a_superframe_cut_by_the_snapshot_length_counts_as_it_was(version: int) -> None:
    talk = superframe(version, 200_000)
    cut = [(time, octets[:96], len(octets)) for time, octets in talk.frames]
    whole, short = play(talk), play(cut)  # type: ignore[arg-type]
    for name in ("packets", "bytes", "payload_bytes", "missed_bytes", "verdict"):
        assert short.rows[-1][name].tolist() == whole.rows[-1][name].tolist()
