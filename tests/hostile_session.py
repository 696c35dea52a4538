"""A capture in which every word is hostile to whatever shows it: a Telnet session, a name of DNS,
a download.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tests.conversation import Frames, Talk
from tests.dns_messages import ANSWER, CNAME, A, message, query, question, record

ACCOUNT = "<script>alert(1)</script>\"'"
NAME = "<svg/onload=alert(5)>.test"
URL_PATH = "/<script>alert(6)</script>"
COMMAND = "echo </pre></details><img src=x onerror=alert(2)> \u202egnp"


def hostile_capture(folder: Path) -> Path:
    """Write it, under a name that is hostile too."""
    frames = sorted(session() + download())
    path = folder / "a<script>alert(3)<\u202d.pcap"
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, 1)
    records = [struct.pack("<IIII", *divmod(time_ns, 10**9), len(frame), len(frame)) + frame
               for time_ns, frame in frames]  # fmt: skip
    path.write_bytes(head + b"".join(records))
    return path


def session() -> Frames:
    """Somebody logs in, and types a command."""
    talk = Talk(addresses=("203.0.113.9", "192.168.1.50"))
    talk.handshake()
    said = [("<", b"\xff\xfb\x01\xff\xfb\x03login: "), (">", ACCOUNT.encode() + b"\r\n"),
            ("<", b"\r\nPassword: "), (">", b"hunter-22\r\n"),
            ("<", b"\r\nLast login: today <b>bold</b>\r\n# "), (">", COMMAND.encode() + b"\r\n"),
            ("<", COMMAND.encode() + b"\r\n<h1>done</h1>\r\n# ")]  # fmt: skip
    for number, (side, octets) in enumerate(said, 1):
        (talk.server if side == "<" else talk.client).data(float(number), octets)
    talk.close(9.0)
    return talk.frames


def download() -> Frames:
    """The server of the session asks for a name, by way of an alias, and fetches something."""
    asked = Talk(addresses=("192.168.1.50", "192.168.1.53"), ports=(40_001, 53))
    asked.handshake(10.0)
    alias = b"\3cdn\4test\0"
    messages = [query(7, NAME), message(7, ANSWER, question(NAME), answers=(
        record(CNAME, alias), record(A, bytes((198, 51, 100, 9)), alias)))]
    for at, (side, octets) in enumerate(zip((asked.client, asked.server), messages, strict=True)):
        side.data(10.1 + at / 10, struct.pack("!H", len(octets)) + octets)
    asked.close(10.4)
    fetched = Talk(addresses=("192.168.1.50", "198.51.100.9"), ports=(40_002, 80))
    fetched.handshake(11.0)
    fetched.client.data(11.1, f"GET {URL_PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    fetched.server.data(11.2, b"HTTP/1.1 404 <b>no</b>\r\nContent-Type: text/<i>\r\n"
                              b"Content-Length: 2\r\n\r\nno")  # fmt: skip
    fetched.close(11.3)
    return asked.frames + fetched.frames
