"""Ways to a syslog server: datagrams (RFC 5426), counted octets (RFC 6587, 5425), Unix sockets."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from typing import TYPE_CHECKING

from sensor.sinks.delivery.transport import PeerClosed, Transport
from sensor.sinks.syslog.url import Address

if TYPE_CHECKING:
    import ssl

CLOSE_WAIT_S = 1.0
"""The longest that a server may take to confirm the end of a connection."""


class Datagrams:
    """UDP or a Unix datagram socket: a message is a datagram."""

    datagrams = True

    def __init__(self, address: Address, timeout_s: float) -> None:
        self.proves = address.scheme == "unix"
        self._address = address
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        self.close()
        address = self._address
        if address.scheme == "unix":
            self._socket = _connected(
                socket.AF_UNIX, socket.SOCK_DGRAM, address.path, self._timeout_s
            )
            return
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_DGRAM
        )[0]
        self._socket = _connected(family, kind, place, self._timeout_s)

    def send(self, message: bytes) -> None:
        assert self._socket is not None
        self._socket.send(message)

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

    def close(self) -> None:
        self.drop()


class TcpStream:
    """TCP, TLS or a Unix stream: messages counted in octets (RFC 6587 3.4.1), or lines on Unix."""

    datagrams = False
    proves = True

    def __init__(
        self, address: Address, timeout_s: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._tls = tls
        self._nothing_yet: tuple[type[OSError], ...] = (BlockingIOError,)
        self._endings: tuple[type[OSError], ...] = ()
        if tls is not None:
            import ssl  # noqa: PLC0415  slow to import

            self._nothing_yet += (ssl.SSLWantReadError,)
            # Servers may end the connection without TLS's own goodbye.
            self._endings = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        self.drop()
        address = self._address
        if address.scheme == "unix":
            self._socket = _connected(
                socket.AF_UNIX, socket.SOCK_STREAM, address.path, self._timeout_s
            )
            return
        raw = socket.create_connection((address.host, address.port), self._timeout_s)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = (
                self._tls.wrap_socket(raw, server_hostname=address.host) if self._tls else raw
            )
        except BaseException:
            raw.close()
            raise

    def send(self, message: bytes) -> None:
        assert self._socket is not None
        self._check_peer(self._socket)
        if self._address.scheme == "unix":
            self._socket.sendall(message + b"\n")
        else:
            self._socket.sendall(b"%d %b" % (len(message), message))

    def _check_peer(self, connection: socket.socket) -> None:
        """Notice a server that has hung up: the kernel would still take a message to it."""
        connection.settimeout(0)
        try:
            is_over = not connection.recv(4096)
        except self._nothing_yet:
            is_over = False
        except self._endings:
            is_over = True
        finally:
            connection.settimeout(self._timeout_s)
        if is_over:
            # A server that closes with something unread, or gets more afterwards, resets. TLS's
            # own messages may be what it had not read, so that tells nothing there.
            was_reset = not self._tls and connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            kind = ConnectionResetError if was_reset else PeerClosed
            raise kind(errno.ECONNRESET, "the server closed the connection")

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return None

    def check(self) -> None:
        if self._socket is not None:
            self._check_peer(self._socket)

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is None:
            return
        with connection:
            connection.settimeout(min(self._timeout_s, CLOSE_WAIT_S))
            with contextlib.suppress(TimeoutError, *self._endings):
                if self._tls is not None:
                    connection = connection.unwrap()  # type: ignore[attr-defined]
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass

    def drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class UnixSocket:
    """A Unix socket of either kind: datagrams, or a stream where the server has one."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._kinds: tuple[Transport, ...] = (
            Datagrams(address, timeout_s), TcpStream(address, timeout_s))
        self._chosen: Transport = self._kinds[0]

    @property
    def datagrams(self) -> bool:
        return self._chosen.datagrams

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

    @property
    def proves(self) -> bool:
        return True

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return self._chosen.refused(wait_s)

    def check(self) -> None:
        self._chosen.check()

    def drop(self) -> None:
        self._chosen.drop()

    def close(self) -> None:
        self._chosen.close()


def _connected(
    family: int, kind: int, place: str | tuple[object, ...], timeout_s: float
) -> socket.socket:
    """A socket that is connected. Errors: OSError."""
    connection = socket.socket(family, kind)
    try:
        connection.settimeout(timeout_s)
        connection.connect(place)
    except BaseException:
        connection.close()
        raise
    return connection
