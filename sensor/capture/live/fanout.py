"""Fanout: several sockets share the frames, each flow whole with one of them (packet(7)).

The kernel asks a small program which socket a frame is for. Its answer comes from the two addresses
alone, whichever is the source: both directions, all fragments, and a tunnel with everything in it
stay together. An ICMP error goes by the addresses of the packet that it quotes, because it belongs
to that one's flow, and may come from anybody.
"""

from __future__ import annotations

import errno
import socket
import struct
import threading
from collections.abc import Sequence

from sensor.capture import bpf
from sensor.capture.bpf import ANCILLARY, Instruction
from sensor.capture.linktypes import ARPHRD_ETHER, ARPHRD_LOOPBACK

# linux/if_packet.h
SOL_PACKET = 263
PACKET_FANOUT = 18
PACKET_FANOUT_DATA = 22
FANOUT_HASH = 0
FANOUT_CBPF = 6
FANOUT_UNIQUE_ID = 0x2000
FANOUT_DEFRAG = 0x8000

BY_HASH = (
    "this kernel deals frames to workers by its own hash, so that an ICMP error may reach another"
    " worker than the connection that it refuses: that one may count as dropped, not as denied."
    " Linux 4.3 or --workers 1 prevents it"
)


class Fanout:
    """A group of sockets that share the frames; the kernel chooses its number.

    A number of our own might be another sensor's: in containers on one network process ids are the
    same, and each of the two would get half of the frames.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number: int | None = None
        self._mode = FANOUT_CBPF

    def join(self, packet: socket.socket) -> str:
        """Make a socket that is bound one of the group; what to warn of, if anything.

        Errors: OSError.
        """
        with self._lock:
            if self._number is not None:
                _join(packet, self._number | self._mode << 16)
                return ""
            warning = self._found(packet)
            (answer,) = struct.unpack("I", packet.getsockopt(SOL_PACKET, PACKET_FANOUT, 4))
            self._number = answer & 0xFFFF
            return warning

    def _found(self, packet: socket.socket) -> str:
        """Make the group, with this socket as its first."""
        try:
            _join(packet, (FANOUT_CBPF | FANOUT_UNIQUE_ID) << 16)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # Later fragments have no ports to be hashed: the kernel has to put them together.
            self._mode = FANOUT_HASH | FANOUT_DEFRAG
            _join(packet, (self._mode | FANOUT_UNIQUE_ID) << 16)
            return BY_HASH
        fprog, _kept = bpf.referred(dealing_program())
        packet.setsockopt(SOL_PACKET, PACKET_FANOUT_DATA, fprog)
        return ""


def _join(packet: socket.socket, request: int) -> None:
    packet.setsockopt(SOL_PACKET, PACKET_FANOUT, struct.pack("I", request))


# linux/bpf_common.h; "at" loads are relative to X
LD_HALF = 0x28
LD_WORD_AT, LD_HALF_AT, LD_BYTE_AT = 0x40, 0x48, 0x50
LD_CELL, LDX_CELL, STORE = 0x60, 0x61, 0x02
ADD, MULTIPLY, AND, SHIFT_LEFT, SHIFT_RIGHT = 0x04, 0x24, 0x54, 0x64, 0x74
ADD_X, XOR_X = 0x0C, 0xAC
TO_X, TO_A = 0x07, 0x87
RETURN_A = 0x16
JUMP_IF_ANY = 0x45

PROTOCOL = ANCILLARY + 0  # SKF_AD_PROTOCOL: of what follows the tag that the kernel took out
HARDWARE_TYPE = ANCILLARY + 28  # SKF_AD_HATYPE
NETWORK = 0xFFF0_0000  # SKF_NET_OFF, -0x100000: loads from there are relative to the network header
ETHERNET_BYTES = 14
VLAN_TYPES = (0x8100, 0x88A8)
IPV4, IPV6 = 0x0800, 0x86DD
ICMP, ICMP6 = 1, 58
LATER_FRAGMENT = 0x1FFF
ICMP_ERRORS = (3, 4, 11, 12)
"""Those that quote a packet (RFC 792)."""
ICMP6_ERRORS = (1, 2, 3, 4)
"""RFC 4443."""
ICMP_HEADER_BYTES = 8
IPV6_HEADER_BYTES = 40
ODD = 0x9E37_79B1
"""2^32 divided by the golden ratio: multiplying by it spreads neighbours far."""

BASE, SOURCE, HELD, MIXED = 0, 1, 2, 3
"""Cells of the machine's memory; BASE: where the network header is."""

Line = str | tuple[int, int] | tuple[int, int, str, str]
"""A label; opcode and operand; for a jump, where to if true and if false, "" being the next."""


def dealing_program() -> list[Instruction]:
    """The program that names a frame's worker: a number, of which the kernel takes the remainder.

    A frame without addresses, or one that ends before them, is for worker 0.
    """
    return assembled([
        *_find_network_header(),
        *_skip_tag("untagged"),
        *_skip_tag("untagged twice"),
        (bpf.JUMP_IF_EQUAL, IPV4, "", "no IPv4"),
        *_turn_to_what_icmp_quotes(),
        "IPv4", (LDX_CELL, BASE), (LD_WORD_AT, 12), (STORE, SOURCE), (LD_WORD_AT, 16),
        (bpf.JUMP, 0, "mix", ""),
        "no IPv4", (bpf.JUMP_IF_EQUAL, IPV6, "", "no address"),
        *_turn_to_what_icmp6_quotes(),
        "IPv6", *_folded(8), (STORE, SOURCE), *_folded(24),
        "mix", *_mixed(), (RETURN_A, 0),
        "no address", (bpf.RETURN, 0),
    ])  # fmt: skip


def _find_network_header() -> list[Line]:
    """Leave in BASE where it is, and in A what it is.

    Loads start at the network header of a frame that arrives, at the link header of one that
    leaves. NETWORK would do for both, but before Linux 6.16 it reads only what a network card's
    driver has put together, which may end within an ICMP header.
    """
    return [
        (bpf.LD_WORD, bpf.PACKET_TYPE), (bpf.JUMP_IF_EQUAL, bpf.PACKET_OUTGOING, "", "arrives"),
        (bpf.LD_WORD, HARDWARE_TYPE), (bpf.JUMP_IF_EQUAL, ARPHRD_ETHER, "Ethernet", ""),
        (bpf.JUMP_IF_EQUAL, ARPHRD_LOOPBACK, "Ethernet", ""),
        (bpf.LD_IMMEDIATE, NETWORK), (STORE, BASE), (bpf.LD_WORD, PROTOCOL),
        (bpf.JUMP, 0, "found", ""),
        "Ethernet", (bpf.LD_IMMEDIATE, ETHERNET_BYTES), (STORE, BASE),
        (LD_HALF, ETHERNET_BYTES - 2), (bpf.JUMP, 0, "found", ""),
        "arrives", (bpf.LD_IMMEDIATE, 0), (STORE, BASE), (bpf.LD_WORD, PROTOCOL),
        "found",
    ]  # fmt: skip


def _skip_tag(untagged: str) -> list[Line]:
    """Go on behind a VLAN tag, if A says that there is one; A is then what follows it."""
    tagged = f"not {untagged}"
    return [
        *((bpf.JUMP_IF_EQUAL, kind, tagged, "") for kind in VLAN_TYPES),
        (bpf.JUMP, 0, untagged, ""),
        tagged, (LDX_CELL, BASE), (LD_HALF_AT, 2), (STORE, HELD),
        (TO_A, 0), (ADD, 4), (STORE, BASE), (LD_CELL, HELD),
        untagged,
    ]  # fmt: skip


def _turn_to_what_icmp_quotes() -> list[Line]:
    return [
        (LDX_CELL, BASE), (LD_BYTE_AT, 9), (bpf.JUMP_IF_EQUAL, ICMP, "", "IPv4"),
        (LD_HALF_AT, 6), (JUMP_IF_ANY, LATER_FRAGMENT, "IPv4", ""),
        (LD_BYTE_AT, 0), (AND, 0xF), (SHIFT_LEFT, 2), (ADD_X, 0), (TO_X, 0), (LD_BYTE_AT, 0),
        *((bpf.JUMP_IF_EQUAL, kind, "quotes IPv4", "") for kind in ICMP_ERRORS),
        (bpf.JUMP, 0, "IPv4", ""),
        "quotes IPv4", (TO_A, 0), (ADD, ICMP_HEADER_BYTES), (STORE, BASE),
    ]  # fmt: skip


def _turn_to_what_icmp6_quotes() -> list[Line]:
    return [
        (LDX_CELL, BASE), (LD_BYTE_AT, 6), (bpf.JUMP_IF_EQUAL, ICMP6, "", "IPv6"),
        (LD_BYTE_AT, IPV6_HEADER_BYTES),
        *((bpf.JUMP_IF_EQUAL, kind, "quotes IPv6", "") for kind in ICMP6_ERRORS),
        (bpf.JUMP, 0, "IPv6", ""),
        "quotes IPv6", (TO_A, 0), (ADD, IPV6_HEADER_BYTES + ICMP_HEADER_BYTES), (STORE, BASE),
    ]  # fmt: skip


def _folded(at: int) -> list[Line]:
    """The four words of an IPv6 address as one, in A."""
    lines: list[Line] = [(LDX_CELL, BASE), (LD_WORD_AT, at)]
    for word in (4, 8, 12):
        lines += [(STORE, HELD), (LDX_CELL, BASE), (LD_WORD_AT, at + word), (LDX_CELL, HELD),
                  (XOR_X, 0)]  # fmt: skip
    return lines


def _mixed() -> list[Line]:
    """From SOURCE and the other address in A a number of 16 bits, the same if they change places.

    Neither their sum nor their difference alone would do: pairs of neighbours in two networks often
    have one of them in common.
    """
    return [
        (STORE, HELD), (LDX_CELL, SOURCE), (ADD_X, 0), (MULTIPLY, ODD), (STORE, MIXED),
        (LD_CELL, HELD), (XOR_X, 0), (LDX_CELL, MIXED), (ADD_X, 0),
        (STORE, HELD), (SHIFT_RIGHT, 16), (LDX_CELL, HELD), (XOR_X, 0),
        (MULTIPLY, ODD), (SHIFT_RIGHT, 16),
    ]  # fmt: skip


def assembled(lines: Sequence[Line]) -> list[Instruction]:
    """Instructions with offsets where the lines have labels."""
    places: dict[str, int] = {}
    plain: list[tuple[int, int] | tuple[int, int, str, str]] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(plain)
        else:
            plain.append(line)

    def offset(label: str, at: int) -> int:
        return places[label] - at - 1 if label else 0

    program = []
    for at, (code, operand, *labels) in enumerate(plain):
        if code == bpf.JUMP:
            program.append((code, 0, 0, offset(labels[0], at)))
        else:
            if_true, if_false = (offset(label, at) for label in labels or ("", ""))
            program.append((code, if_true, if_false, operand))
    return program
