"""Run in a network namespace: what two sensors of two workers each get of the same frames.

Both run in this process: like two containers on one network they have the same process id.
"""

from __future__ import annotations

import json
import socket
import threading

from sensor.capture.base import PortCapture
from sensor.capture.interfaces import Interfaces
from sensor.capture.live.open import PortOptions, open_ports
from sensor.config import CaptureLimits
from tests.live import veth
from tests.live.filtered_socket import frame

FRAMES = 200
SOURCE_END = 14 + 15
"""Where the last octet of the IPv4 source address is."""


class Reader:
    """A thread that counts the frames of one worker."""

    def __init__(self, capture: PortCapture) -> None:
        self.capture = capture
        self.count = 0
        self.started = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for frames in self.capture:
            self.started.set()
            self.count += frames.count


def main() -> None:
    veth.pair("wire", "tap")
    options = PortOptions(workers=2, limits=CaptureLimits(ring_bytes=1 << 20))
    sensors = [[Reader(capture) for capture in open_ports(["tap"], options, Interfaces())]
               for _ in range(2)]  # fmt: skip
    readers = [reader for sensor in sensors for reader in sensor]
    for reader in readers:
        reader.started.wait()
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind(("wire", 0))
    for number in range(FRAMES):
        octets = bytearray(frame((), 23, number))
        octets[SOURCE_END] = number  # workers share frames by their addresses
        wire.send(octets)
    for reader in readers:
        reader.capture.stop()
    for reader in readers:
        reader.thread.join()
    print(json.dumps([[reader.count for reader in sensor] for sensor in sensors]))


if __name__ == "__main__":
    main()
