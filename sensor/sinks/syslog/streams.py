"""Streams to a syslog server: TCP and TLS with counted octets (RFC 6587, RFC 5425), Unix streams.

None of them confirms a message. What is known: how much the kernels have not handed over
(SIOCOUTQ), how much a receiver's buffer can hold at most, and that a server which ends a connection
in order has read all of it: had it left something unread, or got more afterwards, its kernel would
have reset it.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.sinks.delivery.transport import NOT_READ, PeerClosed
from sensor.sinks.syslog.url import Address

if TYPE_CHECKING:
    import ssl

RECEIVER_BYTES = 8 << 20
"""What a receiver's kernel may hold unread; Linux's own limit is 6 MiB or, lately, 32 MiB. Where
this machine's is larger, the server's may be too."""
RECEIVER_LIMITS = Path("/proc/sys/net/ipv4/tcp_rmem")
DEAD_S = 30
"""A server's machine that acknowledges nothing for so long is gone."""
SIOCOUTQ = 0x5411
"""linux/sockios.h: octets that the other side has not acknowledged; on Unix sockets, not read."""
CLOSE_WAIT = 8
"""tcp_states.h: the other side has ended the connection in order, and did not reset it since."""


class TcpStream:
    """TCP, TLS or a Unix stream: messages counted in octets (RFC 6587 3.4.1), or lines on Unix."""

    datagrams = False
    proves = True

    def __init__(
        self, address: Address, timeout_s: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self.confirmed = 0
        self._address = address
        self._timeout_s = timeout_s
        self._tls = tls
        self._nothing_yet: tuple[type[OSError], ...] = (BlockingIOError,)
        self._endings: tuple[type[OSError], ...] = ()
        if tls is not None:
            import ssl  # noqa: PLC0415  slow to import

            self._nothing_yet += (ssl.SSLWantReadError, ssl.SSLWantWriteError)
            # Servers may end the connection without TLS's own goodbye.
            self._endings = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
        self._socket: socket.socket | None = None
        self._rest = b""
        """What the kernel has not taken yet."""
        self._taken = 0
        """Octets of all messages of this connection."""
        self._ends: deque[int] = deque()
        """Where each message ends that may be lost still, in these octets."""
        self._progress_s = 0.0
        """When the kernel took something last."""
        self._receiver_bytes = 0 if address.scheme == "unix" else receiver_bytes()

    def connect(self) -> None:
        self.drop()
        self.confirmed = self._taken = 0
        self._rest = b""
        self._ends.clear()
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        address = self._address
        if address.scheme == "unix":
            return connected(socket.AF_UNIX, socket.SOCK_STREAM, address.path, self._timeout_s)
        raw = socket.create_connection((address.host, address.port), self._timeout_s)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_S * 1000)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, DEAD_S)
            return (
                self._tls.wrap_socket(
                    raw, server_hostname=address.host, suppress_ragged_eofs=False
                )
                if self._tls
                else raw
            )
        except BaseException:
            raw.close()
            raise

    def send(self, message: bytes) -> None:
        self.check()
        self._take(self._framed(message))

    def _framed(self, message: bytes) -> bytes:
        if self._address.scheme == "unix":
            return message + b"\n"
        return b"%d %b" % (len(message), message)

    def _take(self, frame: bytes) -> None:
        self._rest += frame
        self._progress_s = time.monotonic()
        self._push()
        self._taken += len(frame)
        self._ends.append(self._taken)

    def _push(self) -> None:
        """Give the kernel as much as it takes now."""
        assert self._socket is not None
        self._socket.settimeout(0)
        while self._rest:
            try:
                count = self._socket.send(self._rest)
            except self._nothing_yet:
                return
            self._rest = self._rest[count:]
            self._progress_s = time.monotonic()

    def flush(self, wait_s: float) -> bool:
        self._push()
        if self._rest:
            self._await(select.POLLOUT, wait_s)
            self._push()
        if self._rest and time.monotonic() - self._progress_s >= self._timeout_s:
            raise TimeoutError(errno.ETIMEDOUT, NOT_READ)
        self._forget()
        return not self._rest

    def _await(self, event: int, wait_s: float) -> None:
        assert self._socket is not None
        poll = select.poll()
        poll.register(self._socket, event)
        poll.poll(wait_s * 1000)

    def _forget(self) -> None:
        """What does not fit into the kernels' buffers any more was read."""
        if not self._ends or self._ends[0] > self._taken - self._receiver_bytes:
            return
        assert self._socket is not None
        unknown = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        on_the_way = len(self._rest) + _unacknowledged(self._socket, unknown)
        read = self._taken - on_the_way - self._receiver_bytes
        while self._ends and self._ends[0] <= read:
            self._ends.popleft()
            self.confirmed += 1

    def check(self) -> None:
        """Notice a server that has hung up: the kernel would still take a message to it."""
        if self._socket is None:
            return
        self._socket.settimeout(0)
        goodbye = True
        try:
            octets = self._socket.recv(4096)
        except self._nothing_yet:
            return
        except self._endings:
            octets, goodbye = b"", False
        if octets:
            self._told(octets)
        elif not self._ended_in_order(self._socket):
            raise ConnectionResetError(errno.ECONNRESET, "the server reset the connection")
        else:
            if self._tls and goodbye:  # nobody says it for a process that was killed
                self.confirmed += len(self._ends)
                self._ends.clear()
            raise PeerClosed(errno.ECONNRESET, "the server closed the connection")

    def _told(self, octets: bytes) -> None:
        """Nothing: what a syslog server says over a stream has no meaning."""

    def _ended_in_order(self, connection: socket.socket) -> bool:
        """True if all was read that was sent, now that the server's side has ended."""
        if self._rest or _unacknowledged(connection, 0):
            return False  # it comes to a socket that is no more
        if self._address.scheme != "unix" and hasattr(socket, "TCP_INFO"):
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == CLOSE_WAIT
        return not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return None

    def close(self, wait_s: float) -> None:
        if self._socket is None:
            return
        until_s = time.monotonic() + wait_s
        try:
            while not self.flush(max(0.0, until_s - time.monotonic())):
                if time.monotonic() >= until_s:
                    raise TimeoutError(errno.ETIMEDOUT, NOT_READ)
            self._end(self._socket, max(0.01, until_s - time.monotonic()))
        finally:
            self.drop()

    def _end(self, connection: socket.socket, wait_s: float) -> None:
        """End this side; once the server has ended its side too, it has read everything."""
        connection.settimeout(wait_s)
        if self._tls is not None:
            with contextlib.suppress(*self._endings):
                connection.unwrap()  # type: ignore[attr-defined]
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
        self.confirmed += len(self._ends)
        self._ends.clear()

    def drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _unacknowledged(connection: socket.socket, unknown: int) -> int:
    """How many octets the other side may not have got; `unknown` where the kernel does not say."""
    try:
        import fcntl  # noqa: PLC0415  not on Windows

        return int(struct.unpack("i", fcntl.ioctl(connection.fileno(), SIOCOUTQ, b"\0" * 4))[0])
    except (ImportError, OSError):
        return unknown


def receiver_bytes() -> int:
    """What the kernel of a server may hold that the server has not read."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return max(RECEIVER_BYTES, int(RECEIVER_LIMITS.read_text().split()[2]))
    return RECEIVER_BYTES


def connected(
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
