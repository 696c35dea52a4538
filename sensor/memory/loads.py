"""Big- and little-endian loads from the octets of a frame, and the address of one record.

This module is the interpreted twin of `loads.pxd`, where the same names are inline C functions.
The C ones do not check bounds: prove the length once, beside the reads, then load. Here an
over-read is an IndexError, which is how the tests find a check that somebody forgot.
"""

from __future__ import annotations

from mmap import mmap
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Buffer = bytes | bytearray | memoryview | mmap | NDArray[np.generic]


class Octets(Protocol):
    """Octets to read from: a memoryview, a bytearray, an array of a record."""

    def __getitem__(self, index: int, /) -> int: ...


def octets_of(data: Buffer) -> memoryview:
    """The start of a buffer of octets, for the loads below."""
    return memoryview(data).cast("B")  # type: ignore[arg-type]  # arrays are buffers, from 3.12 on


def u8(octets: Octets, at: int) -> int:
    return octets[at]


def be16(octets: Octets, at: int) -> int:
    return octets[at] << 8 | octets[at + 1]


def be32(octets: Octets, at: int) -> int:
    return octets[at] << 24 | octets[at + 1] << 16 | octets[at + 2] << 8 | octets[at + 3]


def be64(octets: Octets, at: int) -> int:
    return be32(octets, at) << 32 | be32(octets, at + 4)


def le16(octets: Octets, at: int) -> int:
    return octets[at] | octets[at + 1] << 8


def le32(octets: Octets, at: int) -> int:
    return octets[at] | octets[at + 1] << 8 | octets[at + 2] << 16 | octets[at + 3] << 24
