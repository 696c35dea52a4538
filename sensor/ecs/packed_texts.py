"""Addresses of many records as text, one behind the other: what Arrow takes without a copy."""

from __future__ import annotations

try:
    import cython  # type: ignore[import-untyped]
except ImportError:
    from sensor.base import cython_stub as cython

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.identifiers import offset_of
from sensor.memory.records import FLOW_LAYOUT

if not cython.compiled:
    from sensor.ecs.text import put_ip, put_mac
    from sensor.memory.buffers import load64, room_of
    from sensor.memory.loads import octets_of, u8

ROW_BYTES = FLOW_LAYOUT.dtype.itemsize
AT_IP_VERSION = offset_of("ip_version")
ADDRESS_ROOM = 45
MAC_ROOM = 18
"""The longest text of each, as in ecs/text.py."""


def address_texts(records: NDArray[np.void], member: str) -> tuple[bytearray, NDArray[np.int32]]:
    """The addresses of some flow records; the member named is the upper half, the lower follows.

    Shapes: the texts, and where each begins, and the last one ends.
    """
    return _texts(records, member, ADDRESS_ROOM)


def mac_texts(records: NDArray[np.void], member: str) -> tuple[bytearray, NDArray[np.int32]]:
    """The MAC addresses of some flow records, shapes as those of `address_texts`."""
    return _texts(records, member, MAC_ROOM)


def _texts(
    records: NDArray[np.void], member: str, room: int
) -> tuple[bytearray, NDArray[np.int32]]:
    ends = np.zeros(len(records) + 1, np.int32)
    buffer = bytearray(len(records) * room)
    if buffer:
        rows = np.ascontiguousarray(records).view(np.uint8)
        del buffer[_fill(rows, offset_of(member), room == MAC_ROOM, ends, buffer) :]
    return buffer, ends


def _fill(
    rows: NDArray[np.uint8], place: int, macs: int, ends: NDArray[np.int32], buffer: bytearray
) -> int:
    octets = octets_of(rows)
    out = room_of(buffer)
    at = 0
    with cython.nogil:
        for index in range(ends.shape[0] - 1):
            row = index * ROW_BYTES
            if macs:
                at = put_mac(out, at, octets, row + place)
            else:
                at = put_ip(out, at, load64(octets, row + place), load64(octets, row + place + 8),
                            u8(octets, row + AT_IP_VERSION))
            ends[index + 1] = at
    return at
