"""Run in a network namespace: a filter of which the kernel has room for one, but not for two.

Linux before 6.7 gives a socket 20 KiB for filters; here that is asked for, where a namespace may.
Prints 2 if frames arrived before the interface was made anew, and after that.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from sensor.capture import bpf
from sensor.capture.live.af_packet import LiveCapture, LiveOptions
from tests.live import veth
from tests.live.filtered_socket import frame

ROOM = Path("/proc/sys/net/core/optmem_max")
PROGRAM = [(bpf.LD_IMMEDIATE, 0, 0, 1)] * 1500 + list(bpf.ACCEPT)
WAIT_S = 10.0


def send() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.bind(("wire", 0))
        wire.send(frame((), 23, 1))


def main() -> None:
    if ROOM.exists():
        ROOM.write_text("20480", encoding="ascii")
    veth.pair("wire", "tap")
    capture = LiveCapture(["tap"], LiveOptions(program=PROGRAM))
    arrived: list[bool] = []
    made_anew = False
    ends_s = time.monotonic() + WAIT_S
    for frames in capture:
        if frames.count and len(arrived) == made_anew:
            arrived.append(True)
        if len(arrived) == 2 or time.monotonic() > ends_s:
            break
        if arrived and not made_anew:
            made_anew = True
            veth.ip("link", "delete", "tap")
            veth.pair("wire", "tap")
        send()  # again and again: it may take a moment until the interface is seen
    print(json.dumps(len(arrived)))


if __name__ == "__main__":
    main()
