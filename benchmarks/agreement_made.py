"""Make a capture of messages that are legal but rare, or hostile: what no program at hand says.

    python -m benchmarks.agreement_made FILE [--count N] [--seed N]

N conversations, each of DNS (UDP, TCP, mDNS, LLMNR), TLS, HTTP, Redis or ICMP, with addresses and
ports of their own. Frames have right checksums of nothing: readers of captures must not mind.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.agreement_made_dns import dns_message
from benchmarks.agreement_made_tls import client_flight, server_flight

CLIENT, SERVER = 0, 1
MSS = 1400


class Writer:
    """Writes frames, a millisecond apart."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")
        self._stream.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        self._id = 0
        self._time_us = 1_767_323_045_000_000

    def close(self) -> None:
        """All is written."""
        self._stream.close()

    def frame(self, octets: bytes) -> None:
        """The next frame."""
        self._time_us += 1_000
        size = len(octets)
        self._stream.write(struct.pack("<IIII", *divmod(self._time_us, 10**6), size, size))
        self._stream.write(octets)

    def ip(self, protocol: int, ends: tuple[bytes, bytes], payload: bytes) -> None:
        """A packet of IPv4 or IPv6, by the size of its addresses."""
        self._id += 1
        if len(ends[0]) == 4:
            head = struct.pack(
                "!BBHHHBBH", 0x45, 0, 20 + len(payload), self._id & 0xFFFF, 0, 64, protocol, 0
            )
            kind = b"\x08\x00"
        else:
            head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
            kind = b"\x86\xdd"
        self.frame(bytes(12) + kind + head + ends[0] + ends[1] + payload)


class Pair:
    """Two hosts that talk."""

    def __init__(self, writer: Writer, number: int) -> None:
        self._writer = writer
        self._ends = (struct.pack("!BBH", 10, 9, number & 0xFFFF), b"\x0a\x08\x00\x01")
        if number % 3 == 0:
            self._ends = (b"\xfd" + bytes(13) + self._ends[0][2:], b"\xfd\x08" + bytes(14))
        self.ports = (20_000 + number % 40_000, 0)
        self._seq = [1_000, 5_000]

    def send(self, protocol: int, side: int, payload: bytes) -> None:
        """A packet from one side."""
        ends = self._ends if side == CLIENT else self._ends[::-1]
        self._writer.ip(protocol, ends, payload)

    def udp(self, side: int, payload: bytes) -> None:
        """A datagram from one side."""
        ports = self.ports if side == CLIENT else self.ports[::-1]
        self.send(17, side, struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload)

    def tcp(self, side: int, flags: int, payload: bytes = b"") -> None:
        """A segment from one side."""
        ports = self.ports if side == CLIENT else self.ports[::-1]
        ack = self._seq[1 - side] if flags & 16 else 0
        self.send(
            6,
            side,
            struct.pack("!HHIIBBHHH", *ports, self._seq[side], ack, 0x50, flags, 64_000, 0, 0)
            + payload,
        )
        self._seq[side] += len(payload) + bool(flags & 3)

    def talk(self, pieces: list[tuple[int, bytes]], chance: random.Random) -> None:
        """A whole connection; pieces are cut anywhere."""
        self.tcp(CLIENT, 2)
        self.tcp(SERVER, 18)
        self.tcp(CLIENT, 16)
        for side, octets in pieces:
            at, most = 0, chance.choice((MSS, MSS, 200, 17))
            while at < len(octets):
                size = min(chance.randint(1, most), MSS)
                self.tcp(side, 24, octets[at : at + size])
                self.tcp(1 - side, 16)
                at += size
        self.tcp(CLIENT, 17)
        self.tcp(SERVER, 17)
        self.tcp(CLIENT, 16)


def dns(pair: Pair, chance: random.Random) -> None:
    """Over UDP: a question and what comes back."""
    pair.ports = (pair.ports[0], chance.choice((53, 53, 53, 53, 5353, 5355)))
    number, question = chance.randrange(65_536), chance.randrange(1 << 30)
    pair.udp(CLIENT, dns_message(number, question, chance, is_answer=False))
    pair.udp(SERVER, dns_message(number, question, chance, is_answer=True))


def dns_tcp(pair: Pair, chance: random.Random) -> None:
    """Over TCP: several messages."""
    pair.ports = (pair.ports[0], 53)
    asked = [(chance.randrange(65_536), chance.randrange(1 << 30)) for _ in range(3)]
    pieces = []
    for side in (CLIENT, SERVER):
        messages = [
            dns_message(*one, chance, is_answer=side == SERVER, is_sound=True) for one in asked
        ]
        pieces.append((side, b"".join(struct.pack("!H", len(one)) + one for one in messages)))
    pair.talk(pieces, chance)


def tls(pair: Pair, chance: random.Random) -> None:
    """Hellos of all kinds."""
    pair.ports = (pair.ports[0], 443)
    pair.talk([(CLIENT, client_flight(chance)), (SERVER, server_flight(chance))], chance)


def http(pair: Pair, chance: random.Random) -> None:
    """A few exchanges."""
    pair.ports = (pair.ports[0], 80)
    pieces = []
    for _ in range(chance.randint(1, 4)):
        method = chance.choice(("GET", "GET", "POST", "HEAD", "OPTIONS", "PUT"))
        pieces += [(CLIENT, _request(method, chance)), (SERVER, _response(method, chance))]
    pair.talk(pieces, chance)


def _lines(chance: random.Random, body: bytes, first: bytes) -> bytes:
    """A message with odd header fields."""
    end = chance.choice((b"\r\n",) * 9 + (b"\n",))
    odd = [
        b"X-Empty:",
        b"x-folded: a\r\n b",
        b"X-Tab:\ta\t",
        b"ACCEPT: */*",
        b"Accept: a",
        b"Accept: b",
        b"Content-Type:text/plain",
        b"Content-Type: application/json;q=1",
        b"X-Octets: \xe4\xff",
        b"Location: /a b",
        b"Server: s/1 (x; y)",
        b'User-Agent: "u"',
        b"User-Agent: " + b"long " * 300,
        b"Via: 1.1 a",
        b"Connection: keep-alive",
        b"Cookie: a=b",
        b"X-Colon: a:b:c",
        b"Range: bytes=0-",
    ]
    chance.shuffle(odd)
    lines = [first, *odd[: chance.randrange(7)]]
    if end == b"\n":
        lines = [line for line in lines if b"\r\n" not in line]
    if chance.random() < 0.5 and body:
        parts, at = b"", 0
        while at < len(body):
            size = chance.randint(1, 300)
            extension = chance.choice((b"", b";x=y", b" ", b';q="a b"'))
            part = body[at : at + size]
            parts += chance.choice((b"%x", b"%X", b"0%x")) % len(part) + extension + b"\r\n"
            parts += part + b"\r\n"
            at += size
        return (
            end.join([*lines, b"Transfer-Encoding: chunked", end])
            + parts
            + b"0\r\n"
            + chance.choice((b"", b"X-T: 1\r\n"))
            + b"\r\n"
        )
    return end.join([*lines, b"Content-Length: %d" % len(body), end]) + body


def _text(chance: random.Random) -> bytes:
    return b"".join(
        chance.choice((b"words ", b"and ", b"more\n")) for _ in range(chance.randrange(300))
    )


def _request(method: str, chance: random.Random) -> bytes:
    target = chance.choice(
        (
            b"/",
            b"/a%20b?c=d&e",
            b"/a;p=1?x=/y?z",
            b"http://h.example/x",
            b"/?",
            b"//double",
            b"/\xc3\xa4",
            b"/" + b"l" * 3_000,
            b"/a#f",
            b"/%zz",
            b"*" if method == "OPTIONS" else b"/.",
        )
    )
    version = chance.choice((b"1.1", b"1.1", b"1.0"))
    host = chance.choice(
        (
            b"Host: h.example\r\n",
            b"Host:  h.example:81 \r\n",
            b"hOST:[fd00::1]:80\r\n",
            b"Host:\r\n",
        )
    )
    body = _text(chance) if method in ("POST", "PUT") else b""
    first = method.encode() + b" " + target + b" HTTP/" + version + b"\r\n" + host[:-2]
    if body:
        return _lines(chance, body, first)
    return first + b"\r\nUser-Agent: a b c\r\n\r\n"


def _response(method: str, chance: random.Random) -> bytes:
    status, phrase = chance.choice(
        (
            (200, b" OK"),
            (200, b" "),
            (200, b""),
            (206, b" Partial"),
            (404, b" Not  Found"),
            (599, b" \xe4"),
            (304, b" Not Modified"),
            (204, b" No Content"),
            (500, b" A: b"),
        )
    )
    interim = chance.choice(
        (b"",) * 5
        + (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n")
    )
    first = b"HTTP/1.1 %d" % status + phrase
    if method == "HEAD" or status in (204, 304):
        return interim + first + b"\r\nContent-Length: 0\r\n\r\n"
    return interim + _lines(chance, _text(chance), first)


def redis(pair: Pair, chance: random.Random) -> None:
    """Commands, and replies of all types of RESP3."""
    pair.ports = (pair.ports[0], 6379)
    replies = (
        b"+OK\r\n",
        b"-ERR no\r\n",
        b":-7\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"$3\r\na\r\n\r\n",
        b"_\r\n",
        b"#t\r\n",
        b",1.5e3\r\n",
        b"(123456789012345678901234567890\r\n",
        b"=7\r\ntxt:abc\r\n",
        b"%1\r\n+a\r\n*2\r\n:1\r\n$-1\r\n",
        b"~2\r\n:1\r\n:2\r\n",
        b"*3\r\n*0\r\n*1\r\n*1\r\n+x\r\n$0\r\n\r\n",
        b"!5\r\nERR x\r\n",
        b"|1\r\n+ttl\r\n:1\r\n:9\r\n",
    )
    words = (b"SET", b"get", b"a", b"", b"k\r\ny", b"x" * 3_000, b"\xff\x00", b"{tag}", b"\xc3\xa4")
    pieces = []
    for _ in range(chance.randint(1, 6)):
        command = [
            chance.choice((b"SET", b"get", b"FOO")),
            *chance.choices(words, k=chance.randrange(4)),
        ]
        pieces.append(
            (
                CLIENT,
                b"*%d\r\n" % len(command)
                + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in command),
            )
        )
        pieces.append((SERVER, chance.choice(replies)))
    pair.talk(pieces, chance)


def icmp(pair: Pair, chance: random.Random) -> None:
    """Echoes, some without a reply, some twice, and other requests."""
    is_v6 = len(pair._ends[0]) == 16
    asked, answered = (128, 129) if is_v6 else chance.choice(((8, 0), (13, 14), (15, 16), (17, 18)))
    ident = chance.randrange(65_536)
    for sequence in range(chance.randint(1, 4)):
        rest = struct.pack("!HHH", ident ^ sequence, ident, sequence) + bytes(chance.randrange(60))
        pair.send(58 if is_v6 else 1, CLIENT, bytes((asked, 0)) + rest)
        for _ in range(chance.choice((0, 1, 1, 1, 2))):
            pair.send(58 if is_v6 else 1, SERVER, bytes((answered, 0)) + rest)


TALKS: tuple[Callable[[Pair, random.Random], None], ...] = (
    dns,
    dns,
    dns,
    dns_tcp,
    tls,
    tls,
    http,
    http,
    redis,
    icmp,
)


def main() -> int:
    """Write the capture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    writer = Writer(args.capture)
    for number in range(args.count):
        chance = random.Random(f"{args.seed}.{number}")
        chance.choice(TALKS)(Pair(writer, number), chance)
    writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
