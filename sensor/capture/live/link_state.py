"""Links: which of the wanted interfaces are there, and whether they are up."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Sequence

from sensor.model.status import INTERFACE_ABSENT, INTERFACE_DOWN, INTERFACE_UP, InterfaceStatus

# linux/sockios.h, linux/if.h, linux/rtnetlink.h
SIOCGIFFLAGS = 0x8913
SIOCGIFINDEX = 0x8933
IFF_UP = 1
IFF_LOOPBACK = 8
IFF_RUNNING = 64
NETLINK_ROUTE = 0
RTMGRP_LINK = 1


class Links:
    """The state of interfaces by name, as of the last `look`; needs no right to anything."""

    def __init__(self, any_socket: socket.socket, names: Sequence[str]) -> None:
        self._socket = any_socket
        self._names = names
        self._states = dict.fromkeys(names, "")
        self._indices: set[int] = set()
        self._new: list[int] = []
        self.present: dict[int, str] = {}
        """Names by the kernel's index."""
        self.loopback: set[int] = set()
        """Indices of loopback interfaces, where each packet is seen leaving and arriving."""
        self._changes = _subscribed()

    def fileno(self) -> int:
        """Return the file that is readable when an interface may have changed, or -1."""
        return self._changes.fileno() if self._changes is not None else -1

    def drain(self) -> None:
        """Take what made `fileno` readable: that something changed is all that it is read for."""
        assert self._changes is not None
        with contextlib.suppress(OSError):  # nothing left, or more than the kernel kept for us
            while True:
                self._changes.recv(65536)

    def look(self) -> list[InterfaceStatus]:
        """Look anew. Returns the interfaces whose state or identity changed."""
        changed = []
        self.present, self.loopback = {}, set()
        for name in self._names:
            index, flags = self._ioctl(name, SIOCGIFINDEX), self._ioctl(name, SIOCGIFFLAGS)
            state = INTERFACE_ABSENT
            if index is not None and flags is not None:
                self.present[index] = name
                if flags & IFF_LOOPBACK:
                    self.loopback.add(index)
                state = INTERFACE_UP if flags & IFF_UP and flags & IFF_RUNNING else INTERFACE_DOWN
            is_new = index is not None and index not in self._indices
            if state != self._states[name] or is_new:
                self._states[name] = state
                changed.append(InterfaceStatus(name, state))
        self._new += [index for index in self.present if index not in self._indices]
        self._indices = set(self.present)
        return changed

    def take_new(self) -> list[int]:
        """Indices that appeared since the last call."""
        new, self._new = self._new, []
        return new

    def statuses(self) -> tuple[InterfaceStatus, ...]:
        """All interfaces, in the order in which they were named."""
        return tuple(InterfaceStatus(name, state) for name, state in self._states.items())

    def close(self) -> None:
        """Let go."""
        if self._changes is not None:
            self._changes.close()

    def _ioctl(self, name: str, request: int) -> int | None:
        """A number that the kernel has about an interface; None if there is no such interface."""
        try:
            answer = fcntl.ioctl(self._socket, request, struct.pack("16s16x", os.fsencode(name)))
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO):
                return None
            raise
        form = "16xH" if request == SIOCGIFFLAGS else "16xi"
        return int(struct.unpack_from(form, answer)[0])


def _subscribed() -> socket.socket | None:
    """A netlink socket that tells of changed interfaces, where that is allowed."""
    try:
        changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    except OSError:
        return None
    try:
        changes.setblocking(False)
        changes.bind((0, RTMGRP_LINK))
    except OSError:
        changes.close()
        return None
    return changes
