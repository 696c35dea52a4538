"""Run in a network namespace: a capture to which more comes than it takes, whatever it does.

Between two batches more frames are sent than a batch holds, so that its ring is never empty.
"""

from __future__ import annotations

import json
import socket

from sensor.capture.live.af_packet import LiveCapture, LiveOptions
from sensor.config import CaptureLimits
from sensor.model.frames import FRAMES_MAX
from tests.live import veth

FRAME = bytes.fromhex("020000000001 020000000002 88b5") + bytes(46)
BATCHES_MAX = 50
"""So many after `stop` are too many."""


def main() -> None:
    veth.pair("wire", "tap")
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind(("wire", 0))
    capture = LiveCapture(["tap"], LiveOptions(limits=CaptureLimits(ring_bytes=16 << 20)))
    sent = sent_before_stop = received = batches = 0
    for frames in capture:
        received += frames.count
        batches += 1
        if batches == 2:
            sent_before_stop = sent
            capture.stop()
        if batches == BATCHES_MAX:
            break
        for _ in range(FRAMES_MAX + FRAMES_MAX // 2):
            wire.send(FRAME)
            sent += 1
    print(json.dumps([batches, sent_before_stop, received]))


if __name__ == "__main__":
    main()
