"""Thousands of real connections and what both kernels said: `python connections.py serve|connect`.

The server writes down whom `accept()` returned and how much it read of each; the client what
`connect()` said. Both print one line of JSON. Imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import socket
import struct
import sys
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

TELNET, TALKING, SILENT, RESETTING, FULL = 23, 2323, 2400, 2401, 2402
CLOSED, DROPPED, REJECTED_RST, REJECTED_ADMIN, REJECTED_PORT = 2403, 2404, 2405, 2406, 2407
HALF_OPEN, CLIENT_RESETS = 2408, 2409
KINDS = {
    TELNET: 40, TALKING: 40, SILENT: 10, RESETTING: 3, FULL: 2, CLOSED: 3, DROPPED: 2,
    REJECTED_RST: 2, REJECTED_ADMIN: 2, REJECTED_PORT: 2, HALF_OPEN: 3, CLIENT_RESETS: 2,
}  # fmt: skip
"""The server's port stands for what becomes of a connection; how often of each."""
FIRST_PORT = 10_000
DISCARD_PORT = 9
TOGETHER = 200
CONNECT_S, READ_S = 12.0, 30.0
"""How long the client waits: under loss a SYN goes out after 0, 1, 3 and 7 s."""
GREETING, ANSWER = b"\xff\xfb\x01login: ", b"Password: "
NO_LINGER = struct.pack("ii", 1, 0)
SYN = 2


def say(text: str) -> None:
    print(text, flush=True)


def _reset_on_close(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)


class Server:
    """Listens on one port of each kind that has a listener, and logs whom `accept()` returned."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, int, int]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._full: list[socket.socket] = []

    async def run(self) -> None:
        for port in (TELNET, TALKING, SILENT, RESETTING, HALF_OPEN, CLIENT_RESETS, FULL):
            listener = socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=True,
                backlog=0 if port == FULL else 4096,
            )  # fmt: skip
            listener.setblocking(False)
            if port == FULL:
                self._full.append(listener)
            else:
                self._start(self._serve(listener, port))
        say("ready")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.read)  # until the client is done
        for listener in self._full:
            with suppress(BlockingIOError):
                while True:
                    self._log(listener.accept()[1], FULL)
        say(json.dumps(self.accepted))
        os._exit(0)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _log(self, peer: tuple[str, int], port: int) -> None:
        self.accepted.append((peer[0].removeprefix("::ffff:"), peer[1], port))

    async def _serve(self, listener: socket.socket, port: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, peer = await loop.sock_accept(listener)
            self._log(peer, port)
            if port == RESETTING:
                _reset_on_close(sock)
                sock.close()
            else:
                self._start(self._talk(sock, says_something=port in (TELNET, TALKING)))

    async def _talk(self, sock: socket.socket, says_something: bool) -> None:
        loop = asyncio.get_running_loop()
        with sock, suppress(OSError):
            if says_something:
                await loop.sock_sendall(sock, GREETING)
            while octets := await loop.sock_recv(sock, 4096):
                if says_something and octets.endswith(b"\n"):
                    await loop.sock_sendall(sock, ANSWER)


class Client:
    """Opens COUNT connections of all kinds from and to given pairs of addresses."""

    def __init__(self, pairs: list[tuple[str, str]], seed: int) -> None:
        self.said: list[tuple[str, int, str, int, str]] = []
        self._pairs = pairs
        self._chance = random.Random(seed)
        self._ports: dict[tuple[str, int], int] = {}
        self._room = asyncio.Semaphore(TOGETHER)

    async def run(self, count: int) -> None:
        await self._find_neighbours()
        kinds = self._chance.choices(list(KINDS), list(KINDS.values()), k=count)
        await asyncio.gather(*(self._one(self._chance.choice(self._pairs), port) for port in kinds))
        say(json.dumps(self.said))

    async def _find_neighbours(self) -> None:
        """Have every address on the way looked up: a frame that waits for that may be lost."""
        for source, target in self._pairs:
            family = socket.AF_INET6 if ":" in source else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.bind((source, 0))
                sock.sendto(b"", (target, DISCARD_PORT))
        await asyncio.sleep(1)

    async def _one(self, pair: tuple[str, str], port: int) -> None:
        async with self._room:
            source, target = pair
            own = self._ports[source, port] = self._ports.get((source, port), FIRST_PORT - 1) + 1
            family = socket.AF_INET6 if ":" in source else socket.AF_INET
            if port == HALF_OPEN:
                _send_syn(family, (source, own), (target, port), self._chance.getrandbits(32))
                said = "sent"
            else:
                said = await self._connect(family, (source, own), (target, port))
            self.said.append((source, own, target, port, said))

    async def _connect(
        self, family: int, source: tuple[str, int], target: tuple[str, int]
    ) -> str:
        loop = asyncio.get_running_loop()
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(source)
            try:
                await asyncio.wait_for(loop.sock_connect(sock, target), CONNECT_S)
                await self._use(sock, target[1])
            except TimeoutError:
                return "timeout"
            except OSError as error:
                return errno.errorcode.get(error.errno or 0, "other")
        return "connected"

    async def _use(self, sock: socket.socket, port: int) -> None:
        """Do what a client of this kind does; the connection closes as it returns."""
        loop = asyncio.get_running_loop()
        if port == CLIENT_RESETS:
            _reset_on_close(sock)
            return
        if port in (TELNET, TALKING):
            with suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(self._converse(sock), READ_S)
        else:
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            with suppress(TimeoutError, ConnectionError):
                if port != FULL and self._chance.random() < 0.5:
                    await loop.sock_sendall(sock, b"anybody there?\n")

    async def _converse(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        seen = b""
        while not seen.endswith(GREETING):
            seen += await loop.sock_recv(sock, 4096)
        await loop.sock_sendall(sock, b"root\n")
        while not seen.endswith(ANSWER):
            seen += await loop.sock_recv(sock, 4096)


def _checksum(octets: bytes) -> int:
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _send_syn(family: int, source: tuple[str, int], target: tuple[str, int], isn: int) -> None:
    """Send a SYN that no socket stands behind: the client's own kernel resets what answers it."""
    header = struct.pack(">HHIIBBHHH", source[1], target[1], isn, 0, 5 << 4, SYN, 64240, 0, 0)
    ends = socket.inet_pton(family, source[0]) + socket.inet_pton(family, target[0])
    pseudo = ends + struct.pack(">HH", socket.IPPROTO_TCP, len(header))
    header = header[:16] + struct.pack(">H", _checksum(pseudo + header)) + header[18:]
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as sock:
        sock.bind((source[0], 0))
        sock.sendto(header, (target[0], 0))


def main() -> None:
    if sys.argv[1] == "serve":
        asyncio.run(Server().run())
    else:
        count, seed, path = sys.argv[2:]
        pairs = [(source, target) for source, target in json.loads(Path(path).read_text("ascii"))]
        asyncio.run(Client(pairs, int(seed)).run(int(count)))


if __name__ == "__main__":
    main()
