"""Run in a network namespace: what each of four workers gets of 64 pairs of hosts.

Each pair exchanges a packet in either direction, and a router answers with an ICMP error. Prints
for each worker how many frames it got of each pair; a pair is known by its client.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter

from sensor.capture.interfaces import Interfaces
from sensor.capture.live.open import PortOptions, open_ports
from sensor.config import CaptureLimits
from tests.conversation import Talk
from tests.live import veth

PAIRS = 64
WORKERS = 4


def frames_of(pair: int) -> list[bytes]:
    talk = Talk(addresses=(f"10.0.0.{pair}", f"10.0.1.{pair}"))
    talk.client.syn(0)
    talk.server.synack(0)
    talk.server.unreachable(0, 3, 13, talk.client.sent(0), sender="203.0.113.1")
    return [octets for _, octets in talk.frames]


def main() -> None:
    veth.pair("wire", "tap")
    options = PortOptions(workers=WORKERS, limits=CaptureLimits(ring_bytes=1 << 20))
    captures = open_ports(["tap"], options, Interfaces())
    shares: list[Counter[str]] = [Counter() for _ in captures]

    started = [threading.Event() for _ in captures]

    def read(worker: int) -> None:
        for frames in captures[worker]:
            started[worker].set()
            for row in frames.records[: frames.count]:
                start = int(row["offset"])
                octets = bytes(frames.data[start : start + int(row["captured"])])
                client = min(part for part in (octets[26:30], octets[30:34], octets[54:58])
                             if part.startswith(b"\x0a\x00\x00"))  # fmt: skip
                shares[worker][socket.inet_ntoa(client)] += 1

    threads = [threading.Thread(target=read, args=(worker,)) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    for one in started:
        one.wait()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.bind(("wire", 0))
        for pair in range(1, PAIRS + 1):
            for octets in frames_of(pair):
                wire.send(octets)
    for capture in captures:
        capture.stop()
    for thread in threads:
        thread.join()
    print(json.dumps(shares))


if __name__ == "__main__":
    main()
