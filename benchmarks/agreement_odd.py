"""HTTP/1 that everyday programs seldom speak: a server, and a client that sends ahead.

    python -m benchmarks.agreement_odd serve | ask SEED        within agreement_lab.py

The server answers by the path: chunks, codings, trailers, interim responses, an upgrade, a body up
to the end; it takes CONNECT. The client sends many requests before it reads, cut where no line
ends.
"""

from __future__ import annotations

import gzip
import random
import socket
import sys
import threading
import time
import zlib
from contextlib import suppress

ODD_PORT, ADDRESS = 8080, "10.77.0.2"
TEXT = b"What grows in the orchard is pressed in autumn.\n" * 60
HEAD = b"HTTP/1.1 200 OK\r\nServer: odd/1\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"


def chunks(content: bytes, chance: random.Random, trailer: bytes = b"") -> bytes:
    """Content in chunks of odd sizes, some with extensions."""
    parts, at = [], 0
    while at < len(content):
        size = chance.randint(1, 900)
        part = content[at : at + size]
        extension = chance.choice((b"", b"", b";a=b", b" ; x"))
        parts.append(b"%x%b\r\n%b\r\n" % (len(part), extension, part))
        at += size
    return b"".join((*parts, b"0\r\n", trailer, b"\r\n"))


def answer(path: bytes, chance: random.Random) -> bytes:
    """The octets that answer a path."""
    raw = zlib.compressobj(wbits=-15)
    packed = {
        b"/gzip": (b"gzip", gzip.compress(TEXT)), b"/deflate": (b"deflate", zlib.compress(TEXT)),
        b"/rawdeflate": (b"deflate", raw.compress(TEXT) + raw.flush()),
    }  # fmt: skip
    chunked = b"Transfer-Encoding: chunked\r\n"
    if path in packed:
        coding, body = packed[path]
        head = HEAD + b"Content-Type: text/plain\r\nContent-Encoding: " + coding + b"\r\n"
        if chance.random() < 0.5:
            return head + chunked + b"\r\n" + chunks(body, chance)
        return head + LENGTH % len(body) + body
    made = {
        b"/chunked": HEAD + chunked + b"\r\n" + chunks(TEXT, chance),
        b"/trailers": HEAD + chunked + b"Trailer: X-Sum\r\n\r\n"
                      + chunks(TEXT, chance, b"X-Sum: 17\r\n"),
        b"/close": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + TEXT,
        b"/continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                      + HEAD + LENGTH % 3 + b"yes",
        b"/latin": HEAD + b"Content-Type: text/plain; charset=iso-8859-1\r\n" + LENGTH % 4
                   + b"\xe4pp\xe9",
        b"/nophrase": b"HTTP/1.1 200\r\n" + LENGTH % 2 + b"ok",
        b"/cut": HEAD + LENGTH % 5_000 + TEXT[:1_000],
        b"/upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade"
                     b"\r\n\r\n\x81\x05hello",
    }  # fmt: skip
    return made.get(path) or b"HTTP/1.1 404 Not Found\r\n" + LENGTH % 5 + b"none\n"


LAST = (b"/close", b"/cut", b"/upgrade")


def serve_one(connection: socket.socket) -> None:
    """Answer until the client leaves or an answer ends the connection."""
    chance, waiting = random.Random(), b""
    with suppress(OSError), connection:
        while True:
            while b"\r\n\r\n" not in waiting:
                octets = connection.recv(65536)
                if not octets:
                    return
                waiting += octets
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n")[0].split(b" ", 2)
            if method == b"CONNECT":
                tunnel(connection, waiting)
                return
            path = b"/" + target.partition(b"://")[2].partition(b"/")[2] if b"://" in target else (
                target)
            octets = answer(path.partition(b"?")[0], chance)
            if method == b"HEAD":
                octets = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            for at in range(0, len(octets), 1_111):
                connection.sendall(octets[at : at + 1_111])
            if path.partition(b"?")[0] in LAST:
                time.sleep(0.05)
                return


def tunnel(connection: socket.socket, waiting: bytes) -> None:
    """Take CONNECT: what follows goes to the web server of this machine, or nowhere."""
    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    with suppress(OSError), socket.create_connection(("127.0.0.1", 8765)) as other:
        other.sendall(waiting or connection.recv(65536))
        other.settimeout(1)
        while octets := other.recv(65536):
            connection.sendall(octets)


def serve() -> None:
    """Listen for ever."""
    listener = socket.create_server((ADDRESS, ODD_PORT), backlog=100)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=(connection,), daemon=True).start()


def talk_oddly(seed: int) -> None:
    """Send many requests ahead on a few connections."""
    chance = random.Random(seed)
    paths = [b"/chunked", b"/gzip", b"/deflate", b"/rawdeflate", b"/trailers", b"/continue",
             b"/latin", b"/nophrase", b"/none"]  # fmt: skip
    for _ in range(6):
        methods = chance.choice(([b"GET"], [b"GET"], [b"GET"], [b"GET", b"GET", b"HEAD"]))
        asked = b"".join(request(chance.choice(methods), chance.choice(paths), chance)
                         for _ in range(chance.randint(2, 30)))
        asked += request(b"GET", chance.choice(LAST), chance)
        with socket.create_connection((ADDRESS, ODD_PORT)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(3)
            at = 0
            while at < len(asked):
                size = chance.choice((1, 7, 40, 1_000))
                connection.sendall(asked[at : at + size])
                at += size
            with suppress(OSError):
                while connection.recv(65536):
                    pass


def request(method: bytes, path: bytes, chance: random.Random) -> bytes:
    """A request in one of the forms that are legal."""
    if chance.random() < 0.2:
        path = b"http://orchard.example" + path
    if chance.random() < 0.3:
        path += b"?q=%d&r=a%%20b" % chance.randrange(1_000)
    head = method + b" " + path + b" HTTP/1.1\r\n"
    head += chance.choice((b"Host: orchard.example\r\n", b"HOST:orchard.example  \r\n",
                           b"host:\torchard.example:8080\r\n"))
    if chance.random() < 0.8:
        head += b"User-Agent: odd client/%d\r\n" % chance.randrange(9)
    if chance.random() < 0.3:
        head += b"Accept: a\r\nAccept: b\r\nX-Empty:\r\n"
    return head + b"\r\n" + (b"\r\n" if chance.random() < 0.1 else b"")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        talk_oddly(int(sys.argv[2]))
