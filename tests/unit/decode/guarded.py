"""Decode frames that end where readable memory does: whoever reads on ends this process.

    python -m tests.unit.decode.guarded < frames.json

Reads a JSON list of [link type, frame in hex, first length]; decodes each frame cut at each length
from that on, and writes what it is at: the last line names the frame that was read past its end.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import sys

from sensor.config import Config, DecodeSettings
from sensor.decode import Decoder
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch

EVERY_TUNNEL = DecodeSettings(teredo_ports=(3544,))
ROOM = 16 * mmap.PAGESIZE


def guarded_room() -> memoryview:
    """Memory behind which nothing may be read."""
    room = mmap.mmap(-1, ROOM + mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(start + ROOM), mmap.PAGESIZE, 0):  # PROT_NONE
        raise OSError(ctypes.get_errno(), "mprotect")
    return memoryview(room)[:ROOM]


def main() -> None:
    room = guarded_room()
    frames, packets = FrameBatch(1), PacketBatch(1)
    frames.count = 1
    decoder = Decoder(Config(sliced="never", decode=EVERY_TUNNEL), join=False)
    row = frames.records[0]
    for link, text, first in json.load(sys.stdin):
        frame = bytes.fromhex(text)
        print(link, text, flush=True)
        row["link"] = link
        for size in range(first, len(frame) + 1):
            room[ROOM - size :] = frame[:size]
            frames.attach(room[ROOM - size :])
            for wire in (size, len(frame)):  # it ended there, or was cut
                row["captured"], row["wire"] = size, wire
                decoder.decode(frames, packets)
    print("done")


if __name__ == "__main__":
    main()
