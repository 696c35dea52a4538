"""Ways to a syslog server that may be datagrams: UDP (RFC 5426) and Unix sockets of either kind."""

from __future__ import annotations

import errno
import os
import select
import socket

from sensor.sinks.delivery.transport import Transport
from sensor.sinks.syslog.streams import TcpStream, connected
from sensor.sinks.syslog.url import Address


class Datagrams:
    """UDP or a Unix datagram socket: a message is a datagram."""

    datagrams = True
    confirmed = 0

    def __init__(self, address: Address, timeout_s: float) -> None:
        self.proves = address.scheme == "unix"
        self._address = address
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        self.drop()
        address = self._address
        if address.scheme == "unix":
            self._socket = connected(
                socket.AF_UNIX, socket.SOCK_DGRAM, address.path, self._timeout_s
            )
            return
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_DGRAM
        )[0]
        self._socket = connected(family, kind, place, self._timeout_s)

    def send(self, message: bytes) -> None:
        assert self._socket is not None
        self._socket.send(message)

    def flush(self, wait_s: float) -> bool:
        return True

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        if self._socket is None:
            return None
        if wait_s:
            poll = select.poll()
            poll.register(self._socket, 0)  # errors are reported unasked
            poll.poll(wait_s * 1000)
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(number, os.strerror(number)) if number else None

    def check(self) -> None:
        """Nothing: only a message shows it."""

    def drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self, wait_s: float) -> None:
        self.drop()


class UnixSocket:
    """A Unix socket of either kind: datagrams, or a stream where the server has one."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._kinds: tuple[Transport, ...] = (
            Datagrams(address, timeout_s), TcpStream(address, timeout_s))
        self._chosen: Transport = self._kinds[0]

    @property
    def datagrams(self) -> bool:
        return self._chosen.datagrams

    @property
    def confirmed(self) -> int:
        return self._chosen.confirmed

    def connect(self) -> None:
        for kind in self._kinds:
            self._chosen = kind
            try:
                self._chosen.connect()
            except OSError as error:
                if error.errno != errno.EPROTOTYPE:
                    raise
            else:
                return
        raise OSError(errno.EPROTOTYPE, os.strerror(errno.EPROTOTYPE))

    def send(self, message: bytes) -> None:
        self._chosen.send(message)

    def flush(self, wait_s: float) -> bool:
        return self._chosen.flush(wait_s)

    @property
    def proves(self) -> bool:
        return True

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return self._chosen.refused(wait_s)

    def check(self) -> None:
        self._chosen.check()

    def drop(self) -> None:
        self._chosen.drop()

    def close(self, wait_s: float) -> None:
        self._chosen.close(wait_s)
