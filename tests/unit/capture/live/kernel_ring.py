"""A ring as the kernel writes one, after linux/if_packet.h and net/packet/af_packet.c."""

from __future__ import annotations

import struct
from dataclasses import dataclass

BLOCK_BYTES = 1 << 16
OURS = 1
"""TP_STATUS_USER."""


@dataclass
class Frame:
    """What the kernel says of one frame."""

    octets: bytes
    time_ns: int = 1_700_000_000_123_456_789
    wire: int = 0
    interface: int = 3
    hardware: int = 1  # ARPHRD_ETHER
    protocol: int = 0x0800
    status: int = OURS
    vlan_tci: int = 0
    vlan_tpid: int = 0
    link_header: int = 14
    """Octets in front of the network header."""


class KernelRing:
    """Memory of `blocks` blocks, and the kernel's end of it."""

    def __init__(self, blocks: int = 4) -> None:
        self.memory = bytearray(BLOCK_BYTES * blocks)
        self.blocks = blocks
        self.next = 0

    def status(self, block: int) -> int:
        return int(struct.unpack_from("I", self.memory, block * BLOCK_BYTES + 8)[0])

    def hand_over(self, frames: list[Frame]) -> None:
        """Fill the next block, as when it is full or its time is over."""
        start = self.next * BLOCK_BYTES
        assert self.status(self.next) == 0, "the reader still holds this block"
        at = start + 48
        for number, frame in enumerate(frames):
            # tpacket3_hdr (48), sockaddr_ll (20), then the frame so that its network header is
            # aligned to 16
            network = (48 + 20 + frame.link_header + 15) // 16 * 16
            link = network - frame.link_header
            size = (link + len(frame.octets) + 15) // 16 * 16
            struct.pack_into(
                "6I2H2I2H8x", self.memory, at,
                size if number + 1 < len(frames) else 0,
                frame.time_ns // 10**9, frame.time_ns % 10**9, len(frame.octets),
                frame.wire or len(frame.octets), frame.status, link, network,
                0, frame.vlan_tci, frame.vlan_tpid, 0,
            )  # fmt: skip
            struct.pack_into(
                "=HHiHBB8s", self.memory, at + 48, 17, _swapped(frame.protocol), frame.interface,
                frame.hardware, 0, 6, b"",
            )  # fmt: skip
            self.memory[at + link : at + link + len(frame.octets)] = frame.octets
            at += size
        assert at <= start + BLOCK_BYTES
        struct.pack_into("III", self.memory, start + 12, len(frames), 48, at - start)
        struct.pack_into("I", self.memory, start + 8, OURS)
        self.next = (self.next + 1) % self.blocks


def _swapped(protocol: int) -> int:
    """In the order of the network, as sll_protocol is."""
    return int.from_bytes(protocol.to_bytes(2, "big"), "little")
