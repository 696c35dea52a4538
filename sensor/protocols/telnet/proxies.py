"""What may stand in front of a Telnet connection: a proxy's handshake, or its header.

HTTP CONNECT (RFC 9110 9.3.6), SOCKS 4 and 5 (RFC 1928, 1929), and the PROXY protocol in both forms.
In each the client speaks first.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator

from sensor.model.addresses import endpoint_text
from sensor.protocols.analyzer import CLIENT, SERVER

HEADER_MAX = 4096
TURNS_MAX = 64
"""Times that the sides take turns at most."""
_LINE_HEADER, _BINARY_HEADER = b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"
_CONNECT = b"CONNECT "
_GRANTED_4 = 0x5A

Wanted = tuple[int, bytes | int]
"""A side, and how many octets of it, or up to which ones."""
Handshake = Generator[Wanted, bytes, None]


class NotSpoken(Exception):
    """The octets are no proxy's."""


class Prelude:
    """Takes what is in front away. What both sides say before it is over is kept until then."""

    def __init__(self) -> None:
        self.is_over = False
        self.destination: str | None = None
        """Where the client wants to go, as it says."""
        self._kept = [b"", b""]
        self._taken = [b"", b""]
        self._heard: list[tuple[int, bytearray]] = []
        """What both sides said, in order."""
        self._handshake = self._begin()
        self._wanted = next(self._handshake)

    def feed(self, side: int, octets: bytes) -> list[tuple[int, bytes]]:
        """What is known to be no part of it, in the order in which it was said."""
        if side == SERVER and not self._heard:
            self.is_over = True
            return [(side, octets)]
        for at in range(len(octets)):  # where it ends must not depend on how it is cut
            rest = self._hear(side, octets[at : at + 1])
            if self.is_over:
                return [*rest, (side, octets[at + 1 :])] if octets[at + 1 :] else rest
        return []

    def _hear(self, side: int, octet: bytes) -> list[tuple[int, bytes]]:
        """One octet more; what is left if it is over with it."""
        self._kept[side] += octet
        if self._heard and self._heard[-1][0] == side:
            self._heard[-1][1].extend(octet)
        else:
            self._heard.append((side, bytearray(octet)))
        try:
            while (part := self._part()) is not None:
                self._wanted = self._handshake.send(part)
        except StopIteration:
            return self._end([len(taken) for taken in self._taken])
        except (NotSpoken, ValueError):
            return self._end([0, 0])
        if max(map(len, self._kept)) > HEADER_MAX or len(self._heard) > TURNS_MAX:
            return self._end([0, 0])
        return []

    def _end(self, taken: list[int]) -> list[tuple[int, bytes]]:
        """It is over: give what is left behind so many octets of each side."""
        self.is_over = True
        rest = []
        for side, octets in self._heard:
            left = bytes(octets[taken[side] :])
            taken[side] -= min(taken[side], len(octets))
            if left:
                rest.append((side, left))
        self._heard, self._kept, self._taken = [], [b"", b""], [b"", b""]
        return rest

    def _part(self) -> bytes | None:
        """What is wanted next, once it is there."""
        side, what = self._wanted
        kept = self._kept[side]
        if isinstance(what, int):
            end = what if len(kept) >= what else -1
        else:
            found = kept.find(what)
            end = found + len(what) if found >= 0 else -1
        if end < 0:
            if side == CLIENT:
                self._check(self._taken[CLIENT] + kept)
            return None
        self._kept[side] = kept[end:]
        self._taken[side] += kept[:end]
        return kept[:end]

    def _check(self, seen: bytes) -> None:
        """Give up early on what cannot become a header."""
        if seen[:1] in (b"C", b"P", b"\r") and not any(
                seen.startswith(mark[: len(seen)])
                for mark in (_LINE_HEADER, _CONNECT, _BINARY_HEADER)):  # fmt: skip
            raise NotSpoken

    def _begin(self) -> Handshake:
        first = yield CLIENT, 1
        handshake = {b"\5": self._socks_5, b"\4": self._socks_4, b"C": self._connect,
                     b"P": self._line_header, b"\r": self._binary_header}.get(first)  # fmt: skip
        if handshake is None:
            raise NotSpoken
        yield from handshake()

    def _line_header(self) -> Handshake:
        words = (b"P" + (yield CLIENT, b"\r\n")).split()
        if words[0] != b"PROXY" or len(words) not in (2, 6):
            raise NotSpoken
        if len(words) == 6:
            self.destination = endpoint_text(words[3].decode("latin-1"), int(words[5]))

    def _binary_header(self) -> Handshake:
        head = b"\r" + (yield CLIENT, 15)
        if not head.startswith(_BINARY_HEADER):
            raise NotSpoken
        yield CLIENT, int.from_bytes(head[14:16])

    def _connect(self) -> Handshake:
        words = (b"C" + (yield CLIENT, b"\r\n\r\n")).split(None, 2)
        if words[0] != b"CONNECT" or len(words) < 3:
            raise NotSpoken
        self.destination = words[1].decode("latin-1")[:256]
        if not (yield SERVER, b"\r\n\r\n").startswith(b"HTTP/1."):
            raise NotSpoken

    def _socks_4(self) -> Handshake:
        head = yield CLIENT, 7
        if head[0] != 1:
            raise NotSpoken
        yield CLIENT, b"\0"
        address = ipaddress.IPv4Address(head[3:7])
        host = str(address)
        if 0 < int(address) < 256:  # SOCKS 4a: a name follows
            host = (yield CLIENT, b"\0")[:-1].decode("latin-1")
        self.destination = endpoint_text(host, int.from_bytes(head[1:3]))
        if (yield SERVER, 8)[1] != _GRANTED_4:
            raise NotSpoken

    def _socks_5(self) -> Handshake:
        count = (yield CLIENT, 1)[0]
        if not 0 < count < 16:
            raise NotSpoken
        yield CLIENT, count
        version, method = yield SERVER, 2
        if version != 5 or method not in (0, 2):
            raise NotSpoken
        if method == 2:
            yield CLIENT, (yield CLIENT, 2)[1]
            yield CLIENT, (yield CLIENT, 1)[0]
            yield SERVER, 2
        head = yield CLIENT, 4
        if head[0] != 5 or head[1] != 1:
            raise NotSpoken
        host = yield from _address(CLIENT, head[3])
        self.destination = endpoint_text(host, int.from_bytes((yield CLIENT, 2)))
        answer = yield SERVER, 4
        if answer[0] != 5 or answer[1] != 0:
            raise NotSpoken
        yield from _address(SERVER, answer[3])
        yield SERVER, 2


def _address(side: int, kind: int) -> Generator[Wanted, bytes, str]:
    """An address of SOCKS 5."""
    if kind == 1:
        return str(ipaddress.IPv4Address((yield side, 4)))
    if kind == 4:
        return str(ipaddress.IPv6Address((yield side, 16)))
    if kind != 3:
        raise NotSpoken
    return (yield side, (yield side, 1)[0]).decode("latin-1")
