"""Ring: frames out of the memory that the kernel writes them into (packet(7), TPACKET_V3).

The ring is a row of blocks of equal size. The kernel fills one with frames and hands it over, when
it is full or after a time; the reader gives it back when nothing in it is needed any more. Frames
are not copied: a batch's offsets point into the ring.

    block descriptor (linux/if_packet.h): status at 8, number of frames at 12, first frame at 16
    frame header, 48 octets: next frame at 0, seconds 4, nanoseconds 8, captured 12, on the wire 16,
        status 20, offset of the link header 24, of the network header 26, VLAN tag 32, its type 36
    behind it a sockaddr_ll: protocol at 2, interface at 4, hardware type at 8
"""

from __future__ import annotations

from mmap import mmap

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.capture.linktypes import (
    ARPHRD_ETHER,
    ARPHRD_LOOPBACK,
    LINK_ETHERNET,
    LINK_IPV4,
    LINK_IPV6,
    LINK_UNKNOWN,
)
from sensor.memory.records import NO_VLAN

if not cython.compiled:
    from sensor.capture.live.ring_loads import give_back, is_ours, ne16, ne32
    from sensor.memory.loads import be16, octets_of
    from sensor.memory.records import Frame, Numbers, frame_at
    from sensor.model.frames import FrameBatch

BLOCK_STATUS = 8
BLOCK_FRAMES = 12
BLOCK_FIRST = 16

HEADER_BYTES = 48
HAS_VLAN = 1 << 4
HAS_VLAN_TYPE = 1 << 6
HARDWARE_TIME = 1 << 31

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_VLAN = 0x8100

INTERFACES_MAX = 64
"""Interfaces that one capture tells apart."""


class Ring:
    """The blocks of one ring, in turn; `data` is the memory that is shared with the kernel."""

    def __init__(self, data: bytearray | mmap, block_bytes: int) -> None:
        self.data = data
        self.shared = memoryview(data)
        self.size = len(data)
        self.octets = octets_of(self.shared)
        self.block_bytes = block_bytes
        self.blocks = len(data) // block_bytes
        self.block = 0
        """The block that is read now."""
        self.left = 0
        """Frames of it that are still to be read."""
        self.at = 0
        """The place of the next of them, within the ring."""
        self.held = 0
        """Blocks before `block` that were read to their end and not given back yet."""
        self.last_ns = 0
        """The latest time of the frames of the last `fill`."""
        self.hardware_times = 0
        """Frames whose time came from the network card's clock."""
        self.known = 0
        self.indices: Numbers = memoryview(np.zeros(INTERFACES_MAX, np.uint32))  # type: ignore[arg-type]
        self.interfaces: Numbers = memoryview(np.zeros(INTERFACES_MAX, np.uint16))  # type: ignore[arg-type]

    def know(self, indices: dict[int, int]) -> None:
        """Tell frames of these interfaces apart: the kernel's index to the batch's.

        Those that were told before stay, as long as there is room: their frames may still come.
        """
        before = {self.indices[i]: self.interfaces[i] for i in range(self.known)}
        both = {**indices, **{index: before[index] for index in before if index not in indices}}
        self.known = 0
        for index, interface in list(both.items())[:INTERFACES_MAX]:
            self.indices[self.known] = index
            self.interfaces[self.known] = interface
            self.known += 1

    def fill(self, frames: FrameBatch) -> int:
        """Put the next frames into the batch: as many as it holds and the kernel has handed over.

        What they occupy stays ours until `release`. Returns their number.
        """
        with cython.nogil:
            count = _fill(self, frames)
        frames.count = count
        return count

    def is_untouched(self) -> bool:
        """Return True if the kernel holds no frame for us: all are read, its block has none as yet.

        So every frame of the future is one that it had not put down before the call.
        """
        with cython.nogil:
            untouched = _is_untouched(self)
        return untouched != 0

    def release(self) -> None:
        """Give blocks that were read to their end back to the kernel."""
        with cython.nogil:
            _release(self)


def _fill(ring: Ring, frames: FrameBatch) -> int:
    count = 0
    ring.last_ns = 0
    while count < frames.capacity:
        if ring.left == 0 and not _next_block(ring):
            break
        # The kernel's own bookkeeping; but a mistake here would read beyond the ring.
        if ring.at + HEADER_BYTES + 12 > ring.size:
            ring.left = 0
            _finish_block(ring)
            continue
        _take(ring, frame_at(frames.rows, count))
        count += 1
        ring.left -= 1
        ring.at += ne32(ring.octets, ring.at)
        if ring.left == 0:
            _finish_block(ring)
    return count


def _next_block(ring: Ring) -> int:
    """Start reading the current block; 0 if the kernel still has it, or we hold all of them."""
    if ring.held >= ring.blocks - 1:
        return 0
    start = ring.block * ring.block_bytes
    if not is_ours(ring.octets, start + BLOCK_STATUS):
        return 0
    ring.left = ne32(ring.octets, start + BLOCK_FRAMES)
    ring.at = start + ne32(ring.octets, start + BLOCK_FIRST)
    if ring.left == 0:  # handed over empty
        _finish_block(ring)
        return _next_block(ring)
    return 1


def _is_untouched(ring: Ring) -> int:
    if ring.left or ring.held >= ring.blocks - 1:
        return 0
    # The kernel clears the number when it starts on a block, and counts a frame before it writes
    # it. On a block that it has not started on, the number is that of the turn before, not 0.
    start = ring.block * ring.block_bytes
    if is_ours(ring.octets, start + BLOCK_STATUS):
        return 0
    return ne32(ring.octets, start + BLOCK_FRAMES) == 0


def _finish_block(ring: Ring) -> None:
    ring.held += 1
    ring.block += 1
    if ring.block == ring.blocks:
        ring.block = 0


def _take(ring: Ring, frame: Frame) -> None:
    """Make a frame's row from its header."""
    octets = ring.octets
    at = ring.at
    status = ne32(octets, at + 20)
    frame.time_ns = ne32(octets, at + 4) * 1000000000 + ne32(octets, at + 8)
    ring.last_ns = max(ring.last_ns, frame.time_ns)
    if status & HARDWARE_TIME:
        ring.hardware_times += 1
    frame.captured = ne32(octets, at + 12)
    frame.wire = ne32(octets, at + 16)
    frame.vlan_tci = NO_VLAN
    frame.vlan_tpid = 0
    if status & HAS_VLAN:
        frame.vlan_tci = ne32(octets, at + 32) & 0xFFFF
        frame.vlan_tpid = ne16(octets, at + 36) if status & HAS_VLAN_TYPE else ETHERTYPE_VLAN
    hardware = ne16(octets, at + HEADER_BYTES + 8)
    link_at = ne16(octets, at + 24)
    frame.link = LINK_ETHERNET
    if hardware not in (ARPHRD_ETHER, ARPHRD_LOOPBACK):
        # Tunnels and the like: their link headers are many, the network header has one place.
        network_at = ne16(octets, at + 26)
        skipped = network_at - link_at if network_at > link_at else 0
        skipped = min(skipped, frame.captured)
        link_at += skipped
        frame.captured -= skipped
        frame.wire = frame.wire - skipped if frame.wire > skipped else 0
        protocol = be16(octets, at + HEADER_BYTES + 2)
        frame.link = LINK_UNKNOWN
        if protocol == ETHERTYPE_IPV4:
            frame.link = LINK_IPV4
        elif protocol == ETHERTYPE_IPV6:
            frame.link = LINK_IPV6
    start = min(at + link_at, ring.size)
    frame.offset = start
    frame.captured = min(frame.captured, ring.size - start)
    frame.interface = _interface_of(ring, ne32(octets, at + HEADER_BYTES + 4))


def _interface_of(ring: Ring, index: int) -> int:
    for i in range(ring.known):
        if ring.indices[i] == index:
            return ring.interfaces[i]  # type: ignore[no-any-return]
    return 0


def _release(ring: Ring) -> None:
    while ring.held:
        block = ring.block - ring.held
        if block < 0:
            block += ring.blocks
        give_back(ring.octets, block * ring.block_bytes + BLOCK_STATUS)
        ring.held -= 1
