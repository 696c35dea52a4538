"""Classic BPF: the operator's filter, and the program that a capture gives to the kernel.

libpcap turns a filter's text into instructions, as for tcpdump; scapy knows how to call it, so it
is imported here, and only when there is a filter. The rest is written by hand: one socket captures
from several interfaces, and the kernel picks their frames by a few instructions before the filter.
Opcodes: linux/bpf_common.h, linux/filter.h; the language: networking/filter.rst of the kernel.
"""

from __future__ import annotations

import ctypes
import errno
import re
import socket
import struct
import sys
from collections.abc import Collection, Sequence
from typing import Any

from sensor.base.escape import harmless
from sensor.base.units import MASK32
from sensor.errors import ConfigError

Instruction = tuple[int, int, int, int]
"""Opcode, offset if true, offset if false, operand: struct sock_filter."""

INSTRUCTIONS_MAX = 4096
"""BPF_MAXINSNS: longer programs are refused by the kernel."""

LD_IMMEDIATE = 0x00
LD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP = 0x05  # BPF_JMP | BPF_JA: its operand is the offset, 32 bits; the others have 8
JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K

ANCILLARY = 0xFFFF_F000  # SKF_AD_OFF, -0x1000: loads from there read the frame's circumstances
PACKET_TYPE = ANCILLARY + 4  # SKF_AD_PKTTYPE
INTERFACE_INDEX = ANCILLARY + 8  # SKF_AD_IFINDEX
PACKET_OUTGOING = 4  # linux/if_packet.h

WHOLE_FRAME = 0x4_0000
"""The result of an accepting program: octets to keep; more than the largest frame has."""
ACCEPT: tuple[Instruction, ...] = ((RETURN, 0, 0, WHOLE_FRAME),)
REFUSE: tuple[Instruction, ...] = ((RETURN, 0, 0, 0),)

SO_ATTACH_FILTER = 26  # asm-generic/socket.h; the socket module does not name it

LIBPCAP_MISSING = (
    "a filter needs libpcap, which is not installed: "
    "apt install libpcap0.8 (Debian, Ubuntu), dnf install libpcap (Fedora, RHEL)"
)

# libpcap compiles for the numbers of the system, DLT_*; the two differ in these only (pcap/dlt.h).
DLT_OF_LINK = {101: 14 if sys.platform.startswith("openbsd") else 12}


def compile_filter(text: str, link_type: int) -> list[Instruction]:
    """The instructions of a filter in tcpdump's language, for frames of one LINKTYPE_.

    Errors: ConfigError if libpcap is missing, or refuses the filter.
    """
    shown = harmless(text)
    if "\0" in text:
        raise ConfigError(f"--bpf {shown}: a filter has no NUL")
    pcap = _libpcap()
    handle = pcap.pcap_open_dead(DLT_OF_LINK.get(link_type, link_type), WHOLE_FRAME)
    if not handle:
        raise ConfigError(f"--bpf {shown}: libpcap has no memory left")
    try:
        program = pcap.bpf_program()
        source = ctypes.create_string_buffer(text.encode("utf-8", "surrogateescape"))
        if pcap.pcap_compile(handle, ctypes.byref(program), source, 1, MASK32) != 0:
            reason = ctypes.string_at(pcap.pcap_geterr(handle)).decode("utf-8", "replace")
            raise ConfigError(f"--bpf {shown}: {harmless(reason)}")
        found = [program.bf_insns[at] for at in range(program.bf_len)]
        # scapy declares the operand signed; it is not (an address above 128.0.0.0 is one).
        instructions = [(int(i.code), int(i.jt), int(i.jf), i.k & MASK32) for i in found]
        pcap.pcap_freecode(ctypes.byref(program))
    finally:
        pcap.pcap_close(handle)
    return instructions


def _libpcap() -> Any:
    try:
        from scapy.libs import winpcapy  # noqa: PLC0415  slow, and only a filter needs it
    except OSError:
        raise ConfigError(LIBPCAP_MISSING) from None
    return winpcapy


def with_interfaces(
    program: Sequence[Instruction], ifindexes: Sequence[int], loopback: Collection[int] = ()
) -> list[Instruction]:
    """The program that accepts what `program` accepts (all, if empty) on these interfaces only.

    On interfaces that are in `loopback` too, the outgoing copy of each frame is left out: the
    kernel shows both. No interface at all: a program that accepts nothing.

    Errors: ConfigError if the kernel would refuse the length.
    """
    indexes = sorted(set(ifindexes))
    if not indexes:
        return list(REFUSE)
    looped = [index for index in indexes if index in loopback]
    plain = [index for index in indexes if index not in loopback]
    # What follows the filter's first instruction is the filter itself, unchanged: its jumps are
    # relative. It starts as in an empty machine: A is 0 again, and X was never written.
    accept = [(LD_IMMEDIATE, 0, 0, 0), *(program or ACCEPT)]
    unless_outgoing = [(LD_WORD, 0, 0, PACKET_TYPE), (JUMP_IF_EQUAL, 0, 1, PACKET_OUTGOING),
                       *REFUSE]  # fmt: skip
    chosen = [(LD_WORD, 0, 0, INTERFACE_INDEX)]
    to_accept = 2 * len(indexes) + len(REFUSE) + len(unless_outgoing)
    to_check = 2 * len(indexes) + len(REFUSE)
    for done, index in enumerate([*plain, *looped]):
        target = to_accept if done < len(plain) else to_check
        # A jump of its own: a comparison's reaches 255 instructions, too few for many interfaces.
        chosen += [(JUMP_IF_EQUAL, 0, 1, index), (JUMP, 0, 0, target - 2 * done - 2)]
    whole = [*chosen, *REFUSE, *unless_outgoing, *accept]
    if len(whole) > INSTRUCTIONS_MAX:
        raise ConfigError(
            f"--bpf: the filter is too long for the kernel: {len(whole)} instructions with the "
            f"choice of the interfaces, {INSTRUCTIONS_MAX} at most"
        )
    return whole


def attach(sock: socket.socket, program: Sequence[Instruction]) -> None:
    """Make the kernel keep only what the program accepts; it takes the place of an earlier one.

    Frames that are already in the socket's queue or ring stay.
    Errors: ConfigError if the kernel lacks room for it, OSError if it refuses it otherwise.
    """
    fprog, _kept = referred(program)
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        raise ConfigError(
            f"--bpf: the kernel has no room for a filter of {len(program)} instructions: "
            "shorten it, or raise net.core.optmem_max by sysctl"
        ) from None


def referred(program: Sequence[Instruction]) -> tuple[bytes, object]:
    """Return a program as struct sock_fprog; good while the second part lives."""
    instructions = ctypes.create_string_buffer(packed(program))
    return struct.pack("@HP", len(program), ctypes.addressof(instructions)), instructions


def packed(program: Sequence[Instruction]) -> bytes:
    """The instructions as the kernel reads them: an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


_IP_WORDS = frozenset({
    "ip", "ip6", "host", "net", "gateway", "src", "dst", "port", "portrange", "tcp", "udp", "sctp",
    "icmp", "icmp6", "igmp", "pim", "vrrp", "ah", "esp", "proto", "protochain"})  # fmt: skip
_ICMP_WORDS = frozenset({"icmp", "icmp6"})


_ONLY_EXCLUDES = re.compile(r"\s*(?:not\b|!)(?:(?!\band\b|\bor\b|&&|\|\|)[^()])*")
"""`not` in front of one plain condition: what it does not recognise it lets through."""


def hides(text: str) -> str | None:
    """Return what a filter hides that the operator may not think of; None: nothing known.

    It goes by the filter's words, not by its logic; one that only excludes hides no more than it
    says. It is about a filter in the kernel, which has already taken out the outer VLAN tag.
    """
    if _ONLY_EXCLUDES.fullmatch(text.lower()):
        return None
    words = set(re.findall(r"[a-z][a-z0-9]*", re.sub(r"\bether\s+host\b", "", text.lower())))
    hidden = []
    if words & _IP_WORDS and "vlan" not in words:
        hidden.append(f"QinQ frames (two VLAN tags; to add them: `{text} or (vlan and ({text}))`)")
    if words & (_IP_WORDS - {"ip", "ip6"}):
        hidden.append("what tunnels carry (GRE, VXLAN, IP in IP, ...)")
    if words & {"port", "portrange"}:
        hidden.append("every fragment but the first")
    if words & {"port", "portrange", "tcp", "udp", "sctp"} and not words & _ICMP_WORDS:
        hidden.append("ICMP errors, which tell that a connection was refused")
    if words & {"src", "dst", "inbound", "outbound"} and not words & {"or"}:
        hidden.append("one direction: without the answers no connection counts as accepted")
    warning = f"the filter hides {'; '.join(hidden)}" if hidden else ""
    if "vlan" in words:
        warning += (
            f"{'. And ' if warning else 'the filter hides frames with one VLAN tag: '}"
            "`vlan` finds only a second tag, because the kernel takes the outer one out first"
        )
    return harmless(warning) or None
