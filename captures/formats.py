"""Write frames as capture files: classic pcap in its four forms, and pcapng.

Written here and not with a library, because the byte order, the resolution and the blocks of a file
are what these captures are for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ETHERNET, PPP_SERIAL, RAW, RADIOTAP, SLL2 = 1, 50, 101, 127, 276
"""LINKTYPE_ values (the registry at www.tcpdump.org/linktypes.html)."""
SNAPLEN = 262_144
MAGIC_MICRO, MAGIC_NANO = 0xA1B2C3D4, 0xA1B23C4D


@dataclass(frozen=True)
class Frame:
    """One captured frame: when, what, and on which interface of the capture."""

    time_ns: int
    octets: bytes
    interface: int = 0


@dataclass(frozen=True)
class Pcap:
    """A classic pcap file: `<` or `>` byte order, micro- or nanoseconds."""

    order: str = "<"
    nano: bool = False

    def write(self, path: Path, link: int, frames: Iterable[Frame]) -> None:
        """Write the frames in the order given."""
        magic = MAGIC_NANO if self.nano else MAGIC_MICRO
        unit_ns = 1 if self.nano else 1_000
        parts = [struct.pack(f"{self.order}IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, link)]
        for frame in frames:
            seconds, rest_ns = divmod(frame.time_ns, 1_000_000_000)
            length = len(frame.octets)
            head = (seconds, rest_ns // unit_ns, length, length)
            parts += [struct.pack(f"{self.order}IIII", *head), frame.octets]
        path.write_bytes(b"".join(parts))


@dataclass(frozen=True)
class Owner:
    """A process that has a socket on a port; `more` are further lines of ptcpdump's comment."""

    port: int
    pid: int
    name: str
    more: str = ""

    def comment(self) -> bytes:
        """What ptcpdump writes behind each packet."""
        return f"PID: {self.pid}\nCmd: /usr/bin/{self.name}\n{self.more}".encode()

    def entry(self) -> bytes:
        """What Apple's tcpdump writes once: a process information block."""
        options = _option(2, self.name.encode()) + _option(4, bytes(range(16))) + _option(0, b"")
        return _block(0x80000001, struct.pack("<I", self.pid) + options)


@dataclass(frozen=True)
class Pcapng:
    """A pcapng file of one section; interface i counts time in units of 10^-resolutions[i] s.

    Where there are owners, packets from or to their ports (TCP in IPv4 in Ethernet) say whose they
    are: as ptcpdump does it or, with `pktap`, as Apple's tcpdump does.
    """

    names: tuple[str, ...]
    resolutions: tuple[int, ...]
    owners: tuple[Owner, ...] = ()
    pktap: bool = False

    def write(self, path: Path, link: int, frames: Iterable[Frame]) -> None:
        """Write a section header, the interfaces, the frames as enhanced packet blocks."""
        parts = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
        for name, resolution in zip(self.names, self.resolutions, strict=True):
            options = _option(2, name.encode()) + _option(9, bytes([resolution])) + _option(0, b"")
            parts.append(_block(1, struct.pack("<HHI", link, 0, SNAPLEN) + options))
        if self.pktap:
            parts += [owner.entry() for owner in self.owners]
        for frame in frames:
            ticks = frame.time_ns // 10 ** (9 - self.resolutions[frame.interface])
            length = len(frame.octets)
            head = (frame.interface, ticks >> 32, ticks & 0xFFFFFFFF, length, length)
            parts.append(_block(6, struct.pack("<IIIII", *head) + _padded(frame.octets)
                                + self._whose(frame.octets)))
        path.write_bytes(b"".join(parts))


    def _whose(self, octets: bytes) -> bytes:
        """The options of a packet that belongs to one of the owners."""
        ports = struct.unpack_from(">HH", octets, 34)
        for number, owner in enumerate(self.owners):
            if owner.port in ports:
                told = (_option(0x8001, struct.pack("<I", number)) if self.pktap
                        else _option(1, owner.comment()))  # fmt: skip
                return told + _option(0, b"")
        return b""


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    total = len(body) + 12
    return struct.pack("<II", kind, total) + body + struct.pack("<I", total)
