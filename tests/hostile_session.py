"""A capture of one Telnet session in which every word is hostile to whatever shows it."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.conversation import Talk

ACCOUNT = "<script>alert(1)</script>\"'"
COMMAND = "echo </pre></details><img src=x onerror=alert(2)> \u202egnp"


def hostile_capture(folder: Path) -> Path:
    """Write it, under a name that is hostile too."""
    talk = Talk(addresses=("203.0.113.9", "192.168.1.50"))
    talk.handshake()
    said = [("<", b"\xff\xfb\x01\xff\xfb\x03login: "), (">", ACCOUNT.encode() + b"\r\n"),
            ("<", b"\r\nPassword: "), (">", b"hunter-22\r\n"),
            ("<", b"\r\nLast login: today <b>bold</b>\r\n# "), (">", COMMAND.encode() + b"\r\n"),
            ("<", COMMAND.encode() + b"\r\n<h1>done</h1>\r\n# ")]  # fmt: skip
    for number, (side, octets) in enumerate(said, 1):
        (talk.server if side == "<" else talk.client).data(float(number), octets)
    talk.close(9.0)
    path = folder / "a<script>alert(3)<\u202d.pcap"
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, 1)
    records = [struct.pack("<IIII", *divmod(time_ns, 10**9), len(frame), len(frame)) + frame
               for time_ns, frame in talk.frames]  # fmt: skip
    path.write_bytes(head + b"".join(records))
    return path
