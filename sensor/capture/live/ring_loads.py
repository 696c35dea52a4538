"""Loads from a ring that the kernel writes too: the interpreted twins of ring_loads.pxd."""

from __future__ import annotations

import sys

OURS = 1
"""TP_STATUS_USER: the kernel has handed the block over."""


def ne16(octets: memoryview, at: int) -> int:
    """16 bits in the machine's own order."""
    return int.from_bytes(octets[at : at + 2], sys.byteorder)


def ne32(octets: memoryview, at: int) -> int:
    """32 bits in the machine's own order."""
    return int.from_bytes(octets[at : at + 4], sys.byteorder)


def is_ours(octets: memoryview, at: int) -> bool:
    """Return True if the kernel has handed over the block whose status is here."""
    return ne32(octets, at) & OURS != 0


def give_back(octets: memoryview, at: int) -> None:
    """Hand the block whose status is here to the kernel; one store, because it may look at once."""
    octets[at : at + 4].cast("I")[0] = 0
