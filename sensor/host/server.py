"""HostEvents: the helper that sees processes, and tells the sensor of them.

It holds the rights that a decoder of hostile traffic must not have, and does nothing else: it reads
the kernel's news and /proc, and serves a Unix socket. One thread, one loop. Before it answers whose
a socket is, it tells all news that are there: what started a connection is known first.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import selectors
import socket
import stat
import struct
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from sensor.host import wire
from sensor.host.proc_connector import EXEC, KernelEvent, ProcConnector
from sensor.host.procfs import GONE, Procfs
from sensor.host.sock_diag import Ends, Sockets
from sensor.model.processes import Process

CLIENTS_MAX = 8
QUEUE_MAX = 4096
QUEUE_BYTES = 8 * 1024 * 1024
"""Messages that wait for one client, and their octets; beyond them news is lost, and the loss is
told."""
EVENTS_AT_ONCE = 16
"""News that are told before anything else has its turn: a question must not wait for long."""
ROUNDS_MAX = 256
STARTED_MAX = 65_536
STARTED_BYTES = 64 * 1024 * 1024
"""Processes that are remembered since they started, to tell of their end; and their octets, about:
who starts them chooses how long their arguments are."""
PROCESS_BYTES = 2048
"""Memory that a remembered process takes beside its texts."""
LIKELY_MAX = 64
SEND_BYTES = 1024 * 1024
SO_PEERGROUPS = 59

UNOWNED = "owner not found"


@dataclass
class _Client:
    """One connected sensor."""

    socket: socket.socket
    waiting: deque[bytes] = field(default_factory=deque)
    octets: int = 0
    """Of what waits."""
    lost: int = 0


class _Started:
    """Processes by number since they started, within bounds: the oldest is forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, tuple[Process, int]] = OrderedDict()
        self.octets = 0

    def __len__(self) -> int:
        return len(self._known)

    def put(self, pid: int, process: Process, octets: int) -> None:
        """Remember one, in place of another of its number."""
        self.take(pid)
        self._known[pid] = process, octets
        self.octets += octets
        while len(self._known) > STARTED_MAX or self.octets > STARTED_BYTES:
            self.take(next(iter(self._known)))

    def get(self, pid: int) -> Process | None:
        """One of them, if it is known."""
        known = self._known.get(pid)
        return None if known is None else known[0]

    def take(self, pid: int) -> Process | None:
        """Forget one; what was known of it."""
        known = self._known.pop(pid, None)
        if known is None:
            return None
        self.octets -= known[1]
        return known[0]

    def newest(self, count: int) -> list[int]:
        """The numbers of those that started last."""
        return list(islice(reversed(self._known), count))


class HostEvents:
    """Serves until `stop` is set. `connector` is None where the kernel gives no news."""

    def __init__(
        self, procfs: Procfs, sockets: Sockets, connector: ProcConnector | None,
        notices: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.stop = False
        self.refused = 0
        """Clients that may not connect, and messages that were none."""
        self._procfs = procfs
        self._sockets = sockets
        self._connector = connector
        self._notices = list(notices)
        self._started = _Started()
        self._clients: dict[int, _Client] = {}
        self._selector = selectors.DefaultSelector()
        if connector is not None:
            self._selector.register(connector, selectors.EVENT_READ, self._news)

    def listen(self, listener: socket.socket) -> None:
        """Take connections from a listening socket."""
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))

    def adopt(self, connection: socket.socket) -> None:
        """Serve a connection that is there already."""
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        client = _Client(connection)
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._answer(client))
        self._send(client, {"hello": self._hello()})

    @property
    def clients(self) -> int:
        """The number of connected sensors."""
        return len(self._clients)

    def serve(self, timeout_s: float | None = None) -> None:
        """One round: wait for something to do, and do it."""
        for key, mask in self._selector.select(timeout_s):
            client = self._clients.get(key.fd)  # it may be gone since: news found it so
            if mask & selectors.EVENT_WRITE and client is not None:
                self._flush(client)
            if mask & selectors.EVENT_READ and key.fd in self._selector.get_map():
                key.data()

    def close(self) -> None:
        """Leave everybody."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()

    def _hello(self) -> wire.Message:
        machine = self._procfs.machine
        return {"id": machine.id, "hostname": machine.hostname, "os": machine.os_type,
                "addresses": own_addresses(), "notices": self._notices}  # fmt: skip

    # --- news

    def _all_news(self) -> None:
        """Tell everything that the kernel has told so far."""
        for _ in range(ROUNDS_MAX):
            if self._news() < EVENTS_AT_ONCE:
                return

    def _news(self) -> int:
        """Tell a few of the things that the kernel has told; how many it were."""
        connector = self._connector
        if connector is None:
            return 0
        lost = connector.lost
        events, seen = connector.read(EVENTS_AT_ONCE)
        for event in events:
            self._publish(event)
        if connector.lost > lost:
            for client in list(self._clients.values()):
                self._send(client, {"lost": connector.lost - lost})
        return seen

    def _publish(self, event: KernelEvent) -> None:
        if event.what == EXEC:
            process = self._procfs.process(event.pid)
            parent = self._started.get(process.parent_pid)
            if parent is not None and parent.entity_id:
                process = replace(process, parent_entity_id=parent.entity_id)
            message = {"start": wire.process_to(process), "ns": event.time_ns}
            self._started.put(event.pid, process, PROCESS_BYTES + len(wire.pack(message)))
        else:
            known = self._started.take(event.pid)
            if known is None:
                return  # it started before us, or never became a program of its own
            signal = event.status & 0x7F
            code = 128 + signal if signal else event.status >> 8 & 0xFF
            message = {"end": wire.process_to(known), "ns": event.time_ns, "code": code}
        for client in list(self._clients.values()):
            self._send(client, message)

    # --- questions

    def _answer(self, client: _Client) -> None:
        try:
            octets = client.socket.recv(wire.QUERY_MAX + 1)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            octets = b""
        if not octets:
            self._drop(client)
            return
        try:
            number, ends = wire.query_from(wire.unpack(octets, wire.QUERY_MAX))
        except wire.MessageError:
            self.refused += 1
            self._drop(client)
            return
        process = self.owner(ends)
        self._all_news()
        self._send(client, {"answer": number,
                            "process": None if process is None else wire.process_to(process)})

    def owner(self, ends: Ends) -> Process | None:
        """Whose a connection is; None if the host has no such socket."""
        try:
            found = self._sockets.owner(ends)
        except OSError:
            return None
        if found is None:
            return None
        pid = 0
        if found.inode:
            pid = self._procfs.holder(found.inode, self._started.newest(LIKELY_MAX))
        if pid:
            process = self._procfs.process(pid)
            return self._started.get(pid) or process if GONE in process.gaps else process
        user = str(found.user_id)
        return Process(user_id=user, user_name=self._procfs.user_name(user), source="proc",
                       machine=self._procfs.machine, gaps=(UNOWNED,))  # fmt: skip

    # --- clients

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        allowed = False
        with contextlib.suppress(OSError):  # gone already, or in more groups than are looked at
            allowed = len(self._clients) < CLIENTS_MAX and may_connect(connection)
        if not allowed:
            self.refused += 1
            connection.close()
            return
        self.adopt(connection)

    def _send(self, client: _Client, message: wire.Message) -> None:
        """Queue a message, or count it as lost, and send what can be sent."""
        octets = wire.pack(message)
        if len(client.waiting) >= QUEUE_MAX or client.octets + len(octets) > QUEUE_BYTES:
            client.lost += 1
        else:
            if client.lost:
                self._queue(client, wire.pack({"lost": client.lost}))
                client.lost = 0
            self._queue(client, octets)
        self._flush(client)

    def _queue(self, client: _Client, octets: bytes) -> None:
        client.waiting.append(octets)
        client.octets += len(octets)

    def _flush(self, client: _Client) -> None:
        while client.waiting:
            try:
                client.socket.send(client.waiting[0], socket.MSG_NOSIGNAL)
            except (BlockingIOError, InterruptedError):
                self._watch(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
                return
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    self._drop(client)
                    return
                client.lost += 1  # more than the socket takes at once: not for want of a reader
            client.octets -= len(client.waiting.popleft())
        self._watch(client, selectors.EVENT_READ)

    def _watch(self, client: _Client, events: int) -> None:
        key = self._selector.get_key(client.socket)
        if key.events != events:
            self._selector.modify(client.socket, events, key.data)

    def _drop(self, client: _Client) -> None:
        if self._clients.pop(client.socket.fileno(), None) is not None:
            self._selector.unregister(client.socket)
            client.socket.close()


def may_connect(connection: socket.socket) -> bool:
    """Return True if the other end is root, ourselves, or of our group (unix(7), SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, user, group = struct.unpack("=iII", credentials)
    if user in (0, os.geteuid()) or group == os.getegid():
        return True
    octets = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, 4096)
    return os.getegid() in struct.unpack(f"={len(octets) // 4}I", octets)


def own_addresses(root: str = "/proc/self/net") -> list[str]:
    """The addresses of this machine's interfaces, loopback's among them."""
    found = {"127.0.0.1", "::1"}
    with contextlib.suppress(OSError):
        for line in Path(f"{root}/if_inet6").read_text("ascii").splitlines():
            digits = line.split()[0]
            found.add(str(ipaddress.IPv6Address(bytes.fromhex(digits))))
    with contextlib.suppress(OSError):
        last = ""
        for line in Path(f"{root}/fib_trie").read_text("ascii").splitlines():
            if "|-- " in line:
                last = line.split("|-- ")[1].strip()
            elif "/32 host LOCAL" in line:
                found.add(last)
    return sorted(found)


def open_listener(path: str) -> socket.socket:
    """A listening socket at a path, for our user and group, in place of one that nobody serves.

    Errors: OSError.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise FileExistsError(errno.EEXIST, "there is something that is no socket", path)
            if _is_served(path):
                raise OSError(errno.EADDRINUSE, "already served by another process", path)
            os.unlink(path)
        before = os.umask(0o117)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen(CLIENTS_MAX)
    except OSError:
        listener.close()
        raise
    return listener


def _is_served(path: str) -> bool:
    """Return True if a process listens at a socket: one that was left behind refuses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
        caller.setblocking(False)  # with its queue full it is busy, and there
        try:
            caller.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # busy, of another kind, or not ours to ask: somebody's
    return True
