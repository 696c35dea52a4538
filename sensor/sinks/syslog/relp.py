"""RELP: syslog over TCP where the server confirms each message (www.rsyslog.com/doc/relp.html).

A frame is `TXNR SP COMMAND SP DATALEN [SP DATA] LF`. The client numbers its frames from 1; the
server answers each with a `rsp` of the same number that begins with 200 if all is well. The first
command is `open` with what each side offers, the last one `close`; a server that ends by itself
says `serverclose`. What was not answered when the connection ended is sent again over the next one,
and what was answered in the last moments too, unless the end was in order: rsyslog answers once a
message is in its queue in memory.
"""

from __future__ import annotations

import contextlib
import errno
import re
import select
import socket
import time
from collections import deque

from sensor.sinks.delivery.transport import NOT_READ, PeerClosed
from sensor.sinks.syslog.streams import TcpStream
from sensor.sinks.syslog.url import Address

STORED_S = 2.0
"""How long a server may take to store what it has answered."""
WINDOW = 128
"""Messages that may wait for their answers; what other clients take by default, too."""
TXNR_MAX = 999_999_999
ANSWER_BYTES_MAX = 1 << 16
"""An answer is longer in no sound session."""
NOT_RELP = "it does not answer as a RELP server"
OFFERS = b"relp_version=0\nrelp_software=sensor\ncommands=syslog"

_HEADER = re.compile(rb"(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})([ \n])")


class Relp(TcpStream):
    """A session with a RELP server; `confirmed` are the messages that it has answered."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        super().__init__(address, timeout_s)
        self._told_rest = b""
        """An answer of which a part has come."""
        self._sent = 0
        """Messages of this session."""
        self._acknowledged = 0
        """Of those, from the first one on, that were answered."""
        self._acknowledgements: deque[tuple[float, int]] = deque()
        """When how many were, as far as they are not confirmed yet."""
        self._is_open = False
        self._answered: set[int] = set()
        """Of those behind the acknowledged ones, each by how many were before it."""
        self._answer_s = 0.0
        """When the last answer came, or the first message was sent that waits for one."""

    def connect(self) -> None:
        super().connect()
        self._told_rest, self._sent, self._acknowledged = b"", 0, 0
        self._answered.clear()
        self._acknowledgements.clear()
        self._is_open = False
        try:
            self._open()
        except BaseException:
            self.drop()
            raise

    def _open(self) -> None:
        """Errors: OSError."""
        assert self._socket is not None
        until_s = time.monotonic() + self._timeout_s
        self._socket.sendall(b"1 open %d %b\n" % (len(OFFERS), OFFERS))
        while not self._is_open:
            if time.monotonic() >= until_s:
                raise TimeoutError(errno.ETIMEDOUT, f"timed out: {NOT_RELP}")
            self._await(select.POLLIN, until_s - time.monotonic())
            super().check()

    def send(self, message: bytes) -> None:
        self.check()
        if self._sent == self._acknowledged:
            self._answer_s = time.monotonic()
        txnr = (self._sent + 1) % TXNR_MAX + 1
        self._rest += b"%d syslog %d %b\n" % (txnr, len(message), message)
        self._push()
        self._sent += 1

    def flush(self, wait_s: float) -> bool:
        ready = super().flush(wait_s)
        self.check()
        if ready and self._sent - self._acknowledged >= WINDOW:
            self._await(select.POLLIN, wait_s)
            self.check()
        return ready and self._sent - self._acknowledged < WINDOW

    def check(self) -> None:
        """Read the answers, and notice a server that has hung up or answers no more."""
        try:
            super().check()
        except PeerClosed as error:  # what was read and not answered does not count
            raise ConnectionResetError(errno.ECONNRESET, error.strerror) from None
        self._confirm(time.monotonic() - STORED_S)
        waits = self._sent > self._acknowledged
        if waits and time.monotonic() - self._answer_s >= self._timeout_s:
            raise TimeoutError(errno.ETIMEDOUT, NOT_READ)

    def _told(self, octets: bytes) -> None:
        self._told_rest += octets
        while (header := _HEADER.match(self._told_rest)) is not None:
            txnr, command, size = int(header[1]), header[2], int(header[3])
            end = header.end() + (size if header[4] == b" " else -1)
            if size > ANSWER_BYTES_MAX:
                break
            if len(self._told_rest) <= end:
                return
            self._answer(txnr, command, self._told_rest[header.end() : end])
            self._told_rest = self._told_rest[end + 1 :]
        if len(self._told_rest) > 64:
            raise OSError(errno.EPROTO, NOT_RELP)

    def _answer(self, txnr: int, command: bytes, data: bytes) -> None:
        if command == b"serverclose":
            self._confirm(time.monotonic())
            raise ConnectionResetError(errno.ECONNRESET, "the server ends the session")
        if command != b"rsp":
            return
        if not data.startswith(b"200") and data:
            text = data.split(b"\n")[0].decode("utf-8", "replace")
            raise OSError(errno.EPROTO, f"the server refuses: {text}")
        if not self._is_open:
            self._is_open = True
            return
        self._answer_s = time.monotonic()
        behind = (txnr - 2 - self._acknowledged) % TXNR_MAX
        if behind < self._sent - self._acknowledged:
            self._answered.add(self._acknowledged + behind)
        while self._acknowledged in self._answered:
            self._answered.remove(self._acknowledged)
            self._acknowledged += 1
        self._acknowledgements.append((self._answer_s, self._acknowledged))

    def _confirm(self, until_s: float) -> None:
        """What was answered until then has arrived for certain."""
        while self._acknowledgements and self._acknowledgements[0][0] <= until_s:
            self.confirmed = self._acknowledgements.popleft()[1]

    def close(self, wait_s: float) -> None:
        if self._socket is None:
            return
        until_s = time.monotonic() + wait_s
        try:
            while not self.flush(0.0) or self._sent > self._acknowledged:
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError(errno.ETIMEDOUT, NOT_READ)
                self._await(select.POLLIN | (select.POLLOUT if self._rest else 0), left_s)
            self._confirm(time.monotonic())
            with contextlib.suppress(OSError):  # all has arrived: this is courtesy
                self._socket.settimeout(max(0.01, until_s - time.monotonic()))
                self._socket.sendall(b"%d close 0\n" % ((self._sent + 1) % TXNR_MAX + 1))
                self._socket.shutdown(socket.SHUT_WR)
                while self._socket.recv(4096):
                    pass
        finally:
            self.drop()
