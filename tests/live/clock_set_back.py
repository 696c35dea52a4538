"""Run in a network namespace: packet time of a busy capture whose frames' clock was set back.

That a frame of a later time was seen before stands for the clock that was set. Prints how far
packet time was behind that frame and the time since, at most, while frames came without a pause.
"""

from __future__ import annotations

import json
import socket
import time

from sensor.capture.live.af_packet import LiveCapture, LiveOptions, PacketTime
from tests.live import veth
from tests.live.filtered_socket import frame

AN_HOUR_NS = 3_600_000_000_000
BATCHES = 20


def main() -> None:
    veth.pair("wire", "tap")
    clock = PacketTime()
    clock.saw(time.time_ns() + AN_HOUR_NS, time.monotonic_ns())
    capture = LiveCapture(["tap"], LiveOptions(), clock=clock)
    behind_ns = busy = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.bind(("wire", 0))
        for frames in capture:
            if frames.count:
                busy += 1
                now_ns = clock.now(time.monotonic_ns())
                behind_ns = max(behind_ns, now_ns - frames.watermark_ns)
            if busy == BATCHES:
                break
            wire.send(frame((), 23, 1))
    print(json.dumps(behind_ns))


if __name__ == "__main__":
    main()
