"""ProcConnector: the kernel's news of processes that start another program, or end.

Source: linux/cn_proc.h, linux/connector.h, netlink(7). The kernel gives them in the initial user,
pid and network namespaces only; before Linux 6.6 it wants CAP_NET_ADMIN.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from dataclasses import dataclass

NETLINK_CONNECTOR = 11
CN_IDX_PROC, CN_VAL_PROC = 1, 1
LISTEN = 1
NLMSG_DONE = 3

ACKNOWLEDGED, EXEC, EXIT = 0, 0x00000002, 0x80000000
"""Kinds of event (`proc_event.what`); the first answers our asking to listen."""

_NETLINK = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_CONNECTOR = struct.Struct("=IIIIHH")  # idx, val, sequence, acknowledge, length, flags
_EVENT = struct.Struct("=IIQ")  # what, cpu, nanoseconds of the monotonic clock
_AT_EVENT = _NETLINK.size + _CONNECTOR.size
_AT_DATA = _AT_EVENT + _EVENT.size

MESSAGE_MAX = 4096
RECEIVE_BYTES = 4 * 1024 * 1024
"""Room asked for in the socket; the kernel may allow less."""
ANSWER_S = 1.0
"""The longest that the kernel's answer may take; refused, there is none."""


@dataclass(frozen=True, slots=True)
class KernelEvent:
    """A program was started in a process (EXEC), or a process ended (EXIT)."""

    what: int
    pid: int
    time_ns: int
    """Wall clock, nanoseconds since 1970."""
    status: int = 0
    """Of an exit, as wait(2) has it."""


def parse(octets: bytes, offset_ns: int) -> KernelEvent | None:
    """The event in a netlink message; None for those that are not wanted, or none.

    `offset_ns` is the wall clock minus the monotonic one. Only whole processes count, not threads.
    """
    if len(octets) < _AT_DATA + 8:
        return None
    what, _, clock_ns = _EVENT.unpack_from(octets, _AT_EVENT)
    if what not in (EXEC, EXIT):
        return None
    thread, process = struct.unpack_from("=II", octets, _AT_DATA)
    if thread != process or not 0 < process < 1 << 31:
        return None
    status = 0
    if what == EXIT and len(octets) >= _AT_DATA + 12:
        status = struct.unpack_from("=I", octets, _AT_DATA + 8)[0]
    return KernelEvent(what, process, clock_ns + offset_ns, status)


class ProcConnector:
    """An open connection. Errors: OSError with the reason when the kernel gives no news here."""

    def __init__(self) -> None:
        self.lost = 0
        """Times that the kernel had news that found no room."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            self._socket.bind((0, CN_IDX_PROC))
            request = _CONNECTOR.pack(CN_IDX_PROC, CN_VAL_PROC, 0, 0, 4, 0)
            request += struct.pack("=I", LISTEN)
            length = _NETLINK.size + len(request)
            self._socket.send(_NETLINK.pack(length, NLMSG_DONE, 0, 0, os.getpid()) + request)
            self._await_answer()
        except OSError as error:
            self._socket.close()
            raise OSError(error.errno, f"process events: {error.strerror}") from error
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """To wait for news with."""
        return self._socket.fileno()

    def read(self, at_most: int) -> tuple[list[KernelEvent], int]:
        """The news that are there, in their order, without waiting; and how many were looked at."""
        found: list[KernelEvent] = []
        seen = 0
        for _ in range(at_most):
            try:
                octets, sender = self._socket.recvfrom(MESSAGE_MAX)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost += 1
                continue
            seen += 1
            event = parse(octets, time.time_ns() - time.monotonic_ns())
            if event is not None and sender[0] == 0:  # the kernel's own, no other program's
                found.append(event)
        return found, seen

    def close(self) -> None:
        """Ask for no more news."""
        self._socket.close()

    def _await_answer(self) -> None:
        """Wait until the kernel says that it will tell. Errors: OSError if it refuses."""
        deadline_s = time.monotonic() + ANSWER_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                octets, sender = self._socket.recvfrom(MESSAGE_MAX)
            except TimeoutError:
                break
            if sender[0] == 0 and len(octets) >= _AT_DATA + 4:
                what, _, _ = _EVENT.unpack_from(octets, _AT_EVENT)
                (code,) = struct.unpack_from("=I", octets, _AT_DATA)
                if what == ACKNOWLEDGED and code:
                    raise OSError(code, os.strerror(code))
                return
        raise OSError(errno.EPERM, "the kernel gives none outside the initial namespaces")
