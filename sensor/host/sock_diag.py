"""Who has a socket: asked of the kernel by the exact addresses and ports of a connection.

Source: sock_diag(7), linux/inet_diag.h. One question takes about 0.1 ms, however many sockets
there are. Only the sockets of our own network namespace are found.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from dataclasses import dataclass

from sensor.base.units import MASK32

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
NLMSG_ERROR = 2
ALL_STATES = MASK32
NO_COOKIE = MASK32
ANSWER_S = 1.0

_NETLINK = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI")  # family, protocol, extensions, padding, states
_PORTS = struct.Struct(">HH")
_REST = struct.Struct("=III")  # interface, cookie
_ID_BYTES = _PORTS.size + 32 + _REST.size
_AT_ANSWER = _NETLINK.size
_AT_OWNER = _AT_ANSWER + 4 + _ID_BYTES + 12  # user and inode, behind expires and the queues

PROTOCOLS = (socket.IPPROTO_TCP, socket.IPPROTO_UDP)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Ends:
    """A connection as the host sees it."""

    protocol: int
    local: Address
    local_port: int
    remote: Address
    remote_port: int


@dataclass(frozen=True, slots=True)
class SocketOwner:
    """A socket as the kernel knows it; inode 0: nobody has it any more, or not yet."""

    inode: int
    user_id: int


def question(ends: Ends, sequence: int) -> bytes:
    """The netlink message that asks for one socket."""
    family = socket.AF_INET if ends.local.version == 4 else socket.AF_INET6
    request = _REQUEST.pack(family, ends.protocol, 0, 0, ALL_STATES)
    ours, theirs = (ends.local, ends.local_port), (ends.remote, ends.remote_port)
    if ends.protocol == socket.IPPROTO_UDP:  # the kernel has the two the other way round there
        ours, theirs = theirs, ours
    request += _PORTS.pack(ours[1], theirs[1])
    request += ours[0].packed.ljust(16, b"\0") + theirs[0].packed.ljust(16, b"\0")
    request += _REST.pack(0, NO_COOKIE, NO_COOKIE)
    length = _NETLINK.size + len(request)
    return _NETLINK.pack(length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, sequence, 0) + request


def answer(octets: bytes, sequence: int) -> SocketOwner | None:
    """The socket in the kernel's answer; None if it knows of none.

    Errors: OSError where the kernel refuses, ValueError for an answer to something else.
    """
    if len(octets) < _NETLINK.size + 4:
        raise ValueError("a netlink message cut short")
    _, kind, _, number, _ = _NETLINK.unpack_from(octets)
    if number != sequence:
        raise ValueError("an answer to another question")
    if kind == NLMSG_ERROR:
        code = -struct.unpack_from("=i", octets, _NETLINK.size)[0]
        if code == errno.ENOENT:
            return None
        raise OSError(code, "the kernel tells of no sockets here")
    if kind != SOCK_DIAG_BY_FAMILY or len(octets) < _AT_OWNER + 8:
        raise ValueError("an answer of an unknown kind")
    user_id, inode = struct.unpack_from("=II", octets, _AT_OWNER)
    return SocketOwner(inode, user_id)


class Sockets:
    """Asks the kernel. Errors: OSError if there is no such socket family."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG)
        self._socket.settimeout(ANSWER_S)
        self._sequence = 0

    def owner(self, ends: Ends) -> SocketOwner | None:
        """The socket of a connection; None if the kernel knows of none. Errors: OSError."""
        if ends.protocol not in PROTOCOLS or ends.local.version != ends.remote.version:
            return None
        self._sequence = (self._sequence + 1) & MASK32
        self._socket.sendto(question(ends, self._sequence), (0, 0))
        while True:
            octets, sender = self._socket.recvfrom(4096)
            if sender[0] != 0:
                continue
            try:
                return answer(octets, self._sequence)
            except ValueError:
                continue  # one that came too late for the question before

    def close(self) -> None:
        """Ask no more."""
        self._socket.close()
