"""Helper and sensor, joined by a socket pair; news that a test puts in; flows on loopback."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from typing import Any

from sensor.host.client import HostClient
from sensor.host.event_queue import Timeline
from sensor.host.proc_connector import KernelEvent
from sensor.host.process_events import Observer
from sensor.host.procfs import Procfs, this_machine
from sensor.host.server import HostEvents
from sensor.host.sock_diag import Sockets
from sensor.host.wire import number_of
from sensor.model.columns import Rows
from sensor.model.flow import FLOW_STARTED
from sensor.model.frames import FrameBatch
from sensor.model.packets import KIND_FLOW, SYN, PacketBatch
from sensor.model.processes import Processes
from sensor.query.document_rows import DocumentRows
from tests.flow_records import batch_of

LOOPBACK = number_of(ipaddress.ip_address("127.0.0.1"))
MASK64 = (1 << 64) - 1


class News:
    """Stands where the kernel is: events that were put in, a pipe to wait for."""

    def __init__(self) -> None:
        self.lost = 0
        self.events: list[KernelEvent] = []
        self._out, self._into = os.pipe()

    def fileno(self) -> int:
        return self._out

    def put(self, *events: KernelEvent) -> None:
        self.events += events
        os.write(self._into, b"x")

    def read(self, at_most: int) -> tuple[list[KernelEvent], int]:
        if self.events:
            os.read(self._out, 4096)
        taken, self.events = self.events[:at_most], self.events[at_most:]
        return taken, len(taken)

    def close(self) -> None:
        os.close(self._out)
        os.close(self._into)


def wait_for_listener() -> None:
    """Wait until the thread in which a client listens has come to its end."""
    for thread in threading.enumerate():
        if thread.name == "sensor-host":
            thread.join()


class Joined:
    """A helper in a thread of its own, and the sensor's client."""

    def __init__(self, *, listening: bool = True) -> None:
        self.news = News()
        connector: Any = self.news
        self.helper = HostEvents(Procfs(this_machine()), Sockets(), connector, ("a notice",))
        ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.helper.adopt(self.theirs)
        self.timeline = Timeline(DocumentRows)
        self.processes = Processes(recycle=True)
        self.client = HostClient(
            ours, self.processes, self.timeline, Observer("box", "1"), lambda: 5)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        if listening:
            self.client.start()

    def _serve(self) -> None:
        while self.helper.clients:
            self.helper.serve(0.05)

    def end_helper(self) -> None:
        """Let the helper end, and wait until the client has noticed."""
        self.theirs.shutdown(socket.SHUT_RDWR)
        wait_for_listener()

    def close(self) -> None:
        self.client.close()
        self._thread.join()
        self.helper.close()
        self.news.close()


def flow(client: socket.socket, target: tuple[str, int], **more: Any) -> Any:
    """The flow record of a connection on loopback."""
    row = {"orig_hi": 0, "orig_lo": LOOPBACK & MASK64, "resp_hi": 0, "resp_lo": LOOPBACK & MASK64,
           "orig_port": client.getsockname()[1], "resp_port": target[1], "protocol": 6,
           "action": FLOW_STARTED, "first_ns": 10, "last_ns": 30, "known_ns": 30}  # fmt: skip
    return batch_of(row | more).records


def syn(client: socket.socket, target: tuple[str, int], time_ns: int) -> PacketBatch:
    packets = PacketBatch(4)
    packets.count = 1
    row = {"kind": KIND_FLOW, "protocol": 6, "tcp_flags": SYN, "src_lo": LOOPBACK & MASK64,
           "dst_lo": LOOPBACK & MASK64, "src_port": client.getsockname()[1],
           "dst_port": target[1], "time_ns": time_ns}  # fmt: skip
    for name, value in row.items():
        packets.records[name][0] = value
    return packets


def no_decoding(frames: FrameBatch, packets: PacketBatch) -> None:
    """The packets are there already."""


def rows_of(told: list[tuple[int, Rows]]) -> list[dict[str, Any]]:
    return [document for _, rows in told for document in rows.documents(range(rows.count))]


def helper() -> HostEvents:
    return HostEvents(Procfs(this_machine()), Sockets(), None)
