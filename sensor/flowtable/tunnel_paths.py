"""The paths by which flows came through tunnels: each is kept once, a flow holds its number.

The store has a place for as many paths as a number of 16 bits can name, shared among the tables of
a run. A path that finds no place is counted, and its flow is kept without one.
"""

from __future__ import annotations

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import MASK64, PRIME_1, PRIME_2, PRIME_3
from sensor.memory.records import TUNNEL_LAYOUT, TUNNELS_MAX, allocate

if not cython.compiled:
    from sensor.memory.records import Tunnel, packet_at, tunnel_at, tunnels_of
    from sensor.model.packets import PacketBatch


class PathStore:
    """Paths by number: `first` is the number of the one in place 0.

    Place `p` has `depths[p]` records, the outermost tunnel first, from `records[p * TUNNELS_MAX]`.
    """

    def __init__(self, places: int, first: int, seed: int) -> None:
        self.view, self.records = allocate(TUNNEL_LAYOUT, places * TUNNELS_MAX, cython.compiled)
        self.rows = tunnels_of(self.view)
        self.depths = np.zeros(places, np.uint8)
        self.depth_view = self.depths.data
        buckets = 1 << (2 * places).bit_length()
        self.buckets = np.zeros(buckets, np.uint32).data
        self.bucket_mask = buckets - 1
        self.seed = seed & MASK64
        self.places = places
        self.first = first
        self.count = 0
        self.refused = 0


def path_of(paths: PathStore, packets: PacketBatch, index: int) -> int:
    """The number of the path by which a packet came, a new one if need be; 0: no place is left."""
    depth = packet_at(packets.rows, index).tunnels
    start = index * TUNNELS_MAX
    hashed = paths.seed
    for step in range(depth):
        hashed = _mixed(hashed, tunnel_at(packets.tunnel_rows, start + step))
    at = (hashed >> 20) & paths.bucket_mask
    while paths.buckets[at]:
        place = paths.buckets[at] - 1
        if paths.depth_view[place] == depth and _is_path(paths, place, packets, start, depth):
            return paths.first + place
        at = (at + 1) & paths.bucket_mask
    if paths.count == paths.places:
        paths.refused += 1
        return 0
    place = paths.count
    for step in range(depth):
        paths.view[place * TUNNELS_MAX + step] = packets.tunnel_view[start + step]
    paths.depth_view[place] = depth
    paths.buckets[at] = place + 1
    paths.count += 1
    return paths.first + place


def _mixed(hashed: int, tunnel: Tunnel) -> int:
    mixed = (hashed ^ tunnel.src_lo ^ (tunnel.src_hi * PRIME_2)) & MASK64
    mixed = ((mixed ^ (mixed >> 32)) * PRIME_1) & MASK64
    mixed = (mixed ^ tunnel.dst_lo ^ (tunnel.dst_hi * PRIME_3)) & MASK64
    mixed = ((mixed ^ (mixed >> 29)) * PRIME_2) & MASK64
    # A tunnel without an id has 0 there: _is_path distinguishes the two.
    mixed = (mixed + tunnel.id * PRIME_3 + tunnel.type) & MASK64
    return mixed ^ (mixed >> 31)


def _is_path(paths: PathStore, place: int, packets: PacketBatch, start: int, depth: int) -> bool:
    """True if the path in a place is the one of these records."""
    for step in range(depth):
        known = tunnel_at(paths.rows, place * TUNNELS_MAX + step)
        found = tunnel_at(packets.tunnel_rows, start + step)
        if known.type != found.type or known.id != found.id or known.has_id != found.has_id:
            return False
        if known.src_lo != found.src_lo or known.src_hi != found.src_hi:
            return False
        if known.dst_lo != found.dst_lo or known.dst_hi != found.dst_hi:
            return False
    return True
