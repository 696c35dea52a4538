"""IP addresses as two unsigned 64-bit numbers, and sets of networks that test whole columns.

IPv4 is held in v4-mapped form (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that one test serves both
families and a v4-mapped IPv6 address is the IPv4 address that it means.
"""

from __future__ import annotations

import socket
from bisect import bisect_right
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sensor.base.units import MASK32, MASK64
from sensor.model.columns import Mask

IPV6 = 6
V4_PREFIX = 0xFFFF_0000_0000
"""The lower half of a v4-mapped address is this plus the IPv4 address; the upper half is 0."""


def address_text(hi: int, lo: int, version: int = 4) -> str:
    """The address as people write it (RFC 5952; v4-mapped as dotted quad).

    In an IPv6 packet (`version` 6) a v4-mapped address is one of IPv6's: ::ffff:a.b.c.d.
    """
    if hi == 0:
        if lo >> 32 == 0xFFFF:
            quad = socket.inet_ntop(socket.AF_INET, (lo & MASK32).to_bytes(4, "big"))
            return f"::ffff:{quad}" if version == IPV6 else quad
        if 0xFFFF < lo <= MASK32:  # here inet_ntop writes the last groups as a dotted quad
            return f"::{lo >> 16:x}:{lo & 0xFFFF:x}"
    return socket.inet_ntop(socket.AF_INET6, (hi << 64 | lo).to_bytes(16, "big"))


def endpoint_text(host: str, port: int | str) -> str:
    """`192.0.2.1:23`, `www.example.com:80`, `[2001:db8::1]:23`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def address_halves(text: str) -> tuple[int, int]:
    """The two halves of an IPv4 or IPv6 address.

    Errors: ValueError if `text` is no address.
    """
    try:
        if ":" in text:
            value = int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
        else:
            value = V4_PREFIX | int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except OSError:
        raise ValueError(f"not an IP address: {text!r}") from None
    return value >> 64, value & MASK64


class Networks:
    """A set of networks, merged into disjoint ranges and tested by binary search.

    Errors: ValueError names the member that is neither an address nor a CIDR.
    """

    def __init__(self, cidrs: Iterable[str]) -> None:
        self.cidrs = tuple(cidrs)
        self._set(_merged(self.cidrs))

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[int, int]]) -> Networks:
        """The set of all addresses in ranges (first, last) of 128-bit numbers, in any order."""
        networks = cls(())
        networks._set(_joined(ranges))
        return networks

    def _set(self, ranges: list[tuple[int, int]]) -> None:
        self._first = [start for start, _ in ranges]
        self._last = [end for _, end in ranges]
        # Columns are compared half by half, or as octets: numpy has no 128-bit numbers.
        self._bounds = [
            (start >> 64, start & MASK64, end >> 64, end & MASK64) for start, end in ranges
        ]
        self._octets = tuple(
            np.array([bound.to_bytes(16, "big") for bound in bounds], dtype="S16")
            for bounds in (self._first, self._last)
        )
        self._v4 = _v4_bounds(ranges)
        self._only_v4 = all(start >> 32 == end >> 32 == 0xFFFF for start, end in ranges)

    def __contains__(self, halves: tuple[int, int]) -> bool:
        value = halves[0] << 64 | halves[1]
        at = bisect_right(self._first, value) - 1
        return at >= 0 and value <= self._last[at]

    def mask(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> Mask:
        """Which of the addresses are inside.

        Shapes: `hi`, `lo` and the result have equal length.
        """
        inside = self._mask_v4(hi, lo)
        if self._only_v4:
            return inside
        others = np.flatnonzero((hi != 0) | (lo >> np.uint64(32) != np.uint64(0xFFFF)))
        if len(others):
            inside[others] = self._mask_v6(hi[others], lo[others])
        return inside

    def _mask_v4(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> Mask:
        """Which are inside the ranges of v4-mapped addresses: the upper half of those is 0."""
        starts, ends = self._v4
        if len(starts) > _FEW_V4:
            at = np.searchsorted(starts, lo, side="right") - 1
            found: Mask = (at >= 0) & (lo <= ends[at]) & (hi == 0)
            return found
        inside = np.zeros(len(hi), dtype=bool)
        for start, end in zip(starts, ends, strict=True):
            inside |= (lo >= start) & (lo <= end)
        return inside & (hi == 0) if len(starts) else inside

    def _mask_v6(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> Mask:
        if len(self._bounds) > _FEW:
            starts, ends = self._octets
            octets = np.stack((hi, lo), axis=1).astype(">u8").view("S16")[:, 0]
            at = np.searchsorted(starts, octets, side="right") - 1
            found: Mask = (at >= 0) & (octets <= ends[at])
            return found
        inside = np.zeros(len(hi), dtype=bool)
        for start_hi, start_lo, end_hi, end_lo in self._bounds:
            above = (hi > start_hi) | ((hi == start_hi) & (lo >= start_lo))
            below = (hi < end_hi) | ((hi == end_hi) & (lo <= end_lo))
            inside |= above & below
        return inside


_FEW = 16
_FEW_V4 = 6
"""As many ranges are faster compared one by one than searched."""


def _merged(cidrs: Iterable[str]) -> list[tuple[int, int]]:
    """Disjoint, sorted (first, last) ranges of 128-bit numbers that cover the networks."""
    from netaddr import AddrFormatError, IPNetwork, cidr_merge  # noqa: PLC0415  slow to import

    networks: list[IPNetwork] = []
    for cidr in cidrs:
        try:
            network = IPNetwork(cidr.strip())
        except (AddrFormatError, ValueError, TypeError):
            raise ValueError(f"neither an IP address nor a CIDR: {cidr!r}") from None
        networks.append(network.ipv6(ipv4_compatible=False) if network.version == 4 else network)
    return [(int(network.first), int(network.last)) for network in cidr_merge(networks)]


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Disjoint, sorted ranges that cover the same numbers."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _v4_bounds(ranges: list[tuple[int, int]]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The part of the ranges that v4-mapped addresses can be in, as their lower halves."""
    low, high = V4_PREFIX, V4_PREFIX | MASK32
    parts = [(max(start, low), min(end, high)) for start, end in ranges
             if start <= high and end >= low]
    return (np.array([start for start, _ in parts], dtype=np.uint64),
            np.array([end for _, end in parts], dtype=np.uint64))
