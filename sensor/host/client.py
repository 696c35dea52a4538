"""HostClient: the sensor's side of the helper: process events in, owners of sockets asked for.

A thread of its own reads what the helper tells. The decoder's thread, or each of them, asks whose a
connection is when it sees its first packet, and does not wait. The main thread writes the answers
into the flow events before the rules see them; only there it waits, and only a little. Whatever is
not known by then the documents go without.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections import deque
from collections.abc import Callable

import numpy as np

from sensor.base.units import MASK32
from sensor.host import wire
from sensor.host.event_queue import Timeline
from sensor.host.process_events import ENDED, STARTED, Observer, process_event
from sensor.host.sock_diag import Ends
from sensor.host.socket_owners import Key, Owners, PendingQuery, key_of
from sensor.memory.records import RecordArray
from sensor.model.columns import Rows
from sensor.model.flow import FLOW_ENDED
from sensor.model.frames import FrameBatch
from sensor.model.packets import ACK, KIND_FLOW, PROTOCOL_TCP, PROTOCOL_UDP, SYN, PacketBatch
from sensor.model.processes import Processes

HELLO_S = 5.0
WAIT_S = 0.5
"""The longest that flow events wait for owners, all of a batch together. An answer takes
milliseconds; after one that did not come nobody waits until the helper answers again."""
PENDING_MAX = 1024
"""Questions without an answer; beyond them connections are not asked about, and counted."""
BEGINNINGS_MAX = 8192
"""Connections without a beginning (UDP) that are remembered as asked about."""
V4_PREFIX = 0xFFFF << 32
LOOPBACK_V4 = (V4_PREFIX | 0x7F000000) >> 24


class HostClient:
    """A connection to the helper. Errors: OSError or MessageError if it does not say hello."""

    def __init__(
        self, connection: socket.socket, processes: Processes, timeline: Timeline,
        observer: Observer, clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._socket = connection
        self._processes = processes
        self._timeline = timeline
        self._observer = observer
        self._clock = clock
        self._owners = Owners()
        self._pending: dict[int, PendingQuery] = {}
        self._number = 0
        self._lock = threading.Condition()
        self._beginnings: deque[Key] = deque(maxlen=BEGINNINGS_MAX)
        self._begun: set[Key] = set()
        self.lost = 0
        """News of processes that never came."""
        self.unasked = 0
        """Connections that were not asked about: too many questions had no answer yet."""
        self.unanswered = 0
        """Flow events that went on without waiting any longer."""
        self._is_slow = False
        self.error = ""
        """Why the helper tells no more; empty while it does."""
        connection.settimeout(HELLO_S)
        hello = wire.unpack(connection.recv(wire.MESSAGE_MAX + 1)).get("hello")
        self.machine, addresses, self.notices = wire.machine_from(hello)
        self._addresses = frozenset(addresses)
        connection.settimeout(None)
        self._thread = threading.Thread(target=self._listen, name="sensor-host", daemon=True)

    def start(self) -> None:
        """Begin to listen; only after privileges were given up, for they belong to a thread."""
        self._thread.start()

    def close(self) -> None:
        """Leave the helper."""
        with contextlib.suppress(OSError):  # it left first
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    # --- the decoder's thread

    def watching(
        self, decode: Callable[[FrameBatch, PacketBatch], None]
    ) -> Callable[[FrameBatch, PacketBatch], None]:
        """A decoder that also asks whose new connections are."""

        def decode_and_query(frames: FrameBatch, packets: PacketBatch) -> None:
            decode(frames, packets)
            if packets.count and not self.error:
                self._query_owners(packets.records[: packets.count])

        return decode_and_query

    def _query_owners(self, records: RecordArray) -> None:
        begins = (records["protocol"] == PROTOCOL_TCP) & (
            (records["tcp_flags"] & (SYN | ACK)) == SYN)
        begins |= records["protocol"] == PROTOCOL_UDP
        rows = np.flatnonzero(begins & (records["kind"] == KIND_FLOW))
        for packet in records[rows]:
            protocol = int(packet["protocol"])
            source = (_address(packet, "src"), int(packet["src_port"]))
            target = (_address(packet, "dst"), int(packet["dst_port"]))
            key = key_of(protocol, source, target)
            if protocol == PROTOCOL_UDP and not self._is_new(key):
                continue
            self._query(key, protocol, source, target, int(packet["time_ns"]))

    def _is_new(self, key: Key) -> bool:
        """Return True if a connection that has no SYN was not asked about lately."""
        with self._lock:
            if key in self._begun:
                return False
            if len(self._beginnings) == BEGINNINGS_MAX:
                self._begun.discard(self._beginnings[0])
            self._beginnings.append(key)
            self._begun.add(key)
            return True

    def _query(
        self, key: Key, protocol: int, source: tuple[int, int], target: tuple[int, int],
        time_ns: int,
    ) -> PendingQuery | None:  # fmt: skip
        """Ask whose a connection of this host is; None if it is none, or cannot be asked."""
        if self._is_ours(source[0]):
            ours, theirs = source, target
        elif self._is_ours(target[0]):
            ours, theirs = target, source
        else:
            return None
        ends = Ends(protocol, _ip(ours[0]), ours[1], _ip(theirs[0]), theirs[1])
        with self._lock:
            if len(self._pending) >= PENDING_MAX:
                self.unasked += 1
                return None
            query = self._owners.add_query(key, time_ns)
            self._number += 1
            self._pending[self._number] = query
            try:  # in the order of their numbers, as they are answered
                self._socket.send(wire.pack(wire.query_to(self._number, ends)), socket.MSG_DONTWAIT)
            except OSError:
                self._pending.pop(self._number, None)
                query.answered = True
                self.unasked += 1
        return query

    def _is_ours(self, address: int) -> bool:
        return address in self._addresses or address >> 24 == LOOPBACK_V4

    # --- the main thread

    def stamp(self, records: RecordArray) -> None:
        """Write into flow events whose they are; asks for those that were not asked about."""
        waiting: list[tuple[int, PendingQuery]] = []
        keys: list[tuple[int, Key]] = []
        for row in np.flatnonzero(records["process"] == 0).tolist():
            record = records[row]
            protocol = int(record["protocol"])
            if protocol not in (PROTOCOL_TCP, PROTOCOL_UDP):
                continue
            orig = (_address(record, "orig"), int(record["orig_port"]))
            resp = (_address(record, "resp"), int(record["resp_port"]))
            key = key_of(protocol, orig, resp)
            with self._lock:
                query = self._owners.of(key, int(record["last_ns"]))
            if (query is None or (query.answered and query.process is None)) and not self.error:
                query = self._query(key, protocol, orig, resp, int(record["first_ns"])) or query
            if query is not None:
                waiting.append((row, query))
                keys.append((row, key))
        self._wait([query for _, query in waiting])
        for row, query in waiting:
            if query.process is not None:
                records["process"][row] = self._processes.index(query.process)
        with self._lock:
            for row, key in keys:
                if records["action"][row] == FLOW_ENDED:
                    self._owners.over(key, int(records["last_ns"][row]))

    def take(self, until_ns: int | None) -> list[tuple[int, Rows]]:
        """The process events known by then, as Timeline.take."""
        return self._timeline.take(until_ns)

    def ledger(self) -> dict[str, int]:
        """Return counters of events and of what got lost, in the shape of `--stats`."""
        return {
            "events": self._timeline.added, "lost": self.lost, "dropped": self._timeline.dropped,
            "unasked": self.unasked, "unanswered": self.unanswered,
            "forgotten": self._owners.forgotten,
        }  # fmt: skip

    def _wait(self, queries: list[PendingQuery]) -> None:
        with self._lock:
            wait_s = 0.0 if self._is_slow else WAIT_S
            done = self._lock.wait_for(
                lambda: self.error or all(query.answered for query in queries), wait_s)
            self._is_slow = not done
            self.unanswered += sum(not query.answered for query in queries)

    # --- the thread that listens

    def _listen(self) -> None:
        reason = "the helper has ended"
        try:
            while octets := self._socket.recv(wire.MESSAGE_MAX + 1):
                self._receive(wire.unpack(octets))
        except wire.MessageError as error:
            reason = f"the helper said what is not to be understood: {error}"
        except OSError as error:
            reason = str(error.strerror)
        with self._lock:
            self.error = reason
            self._pending.clear()
            self._lock.notify_all()

    def _receive(self, message: wire.Message) -> None:
        if "answer" in message:
            self._receive_owner(message)
        elif "lost" in message:
            self.lost += message["lost"] if type(message["lost"]) is int else 1
        elif "start" in message or "end" in message:
            self._receive_event(message)

    def _receive_owner(self, message: wire.Message) -> None:
        owner, number = message.get("process"), message["answer"]
        if type(number) is not int:
            raise wire.MessageError("an answer to no question")
        process = None if owner is None else wire.process_from(owner, self.machine)
        with self._lock:
            if number not in self._pending:
                return
            while (first := next(iter(self._pending))) != number:  # their answers were lost
                self._pending.pop(first).answered = True
            query = self._pending.pop(number)
            query.process, query.answered = process, True
            self._is_slow = False
            self._lock.notify_all()

    def _receive_event(self, message: wire.Message) -> None:
        time_ns, code = message.get("ns"), message.get("code")
        if type(time_ns) is not int or not 0 <= time_ns < 1 << 62:
            raise wire.MessageError("an event without a time")
        starts = "start" in message
        process = wire.process_from(message["start" if starts else "end"], self.machine)
        self._timeline.add(time_ns, process_event(
            process, STARTED if starts else ENDED, time_ns, self._observer,
            created_ns=self._clock(), exit_code=code if type(code) is int else None,
        ))  # fmt: skip


def connect(path: str) -> socket.socket:
    """A connection to the helper at a path. Errors: OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _address(record: np.void, side: str) -> int:
    return int(record[f"{side}_hi"]) << 64 | int(record[f"{side}_lo"])


def _ip(number: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if number >> 32 == 0xFFFF:
        return ipaddress.IPv4Address(number & MASK32)
    return ipaddress.IPv6Address(number)
