"""Write a capture of Telnet sessions, to see what reading them costs.

    python benchmarks/make_telnet.py --sessions N --octets N --out FILE [--port 23] [--garbage]

Each session negotiates, logs in, types a few commands and gets much output in full segments, ten
sessions at a time. With `--garbage` the sessions are random octets: what a flood of them costs.
"""

from __future__ import annotations

import argparse
import random
import struct
from collections.abc import Iterator
from pathlib import Path

SEGMENT = 1400
AT_ONCE = 10
NEGOTIATION = b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27"
ANSWER = b"\xff\xfb\x18\xff\xfb\x20\xff\xfc\x23\xff\xfc\x27"
SCREEN = (b"-rw-r--r-- 1 root root 18204 Jan  2 03:04 /var/log/\x1b[01;34mmessages\x1b[0m.1\r\n"
          b"drwxr-xr-x 2 root root  4096 Jan  2 03:04 /var/log/account of the day\r\n")  # fmt: skip


def main() -> None:
    """Write the capture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--octets", type=int, default=100_000, help="output of each session")
    parser.add_argument("--port", type=int, default=23)
    parser.add_argument("--garbage", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    chance = random.Random(1)
    with arguments.out.open("wb") as stream:
        stream.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, 1))
        now_us = 1_767_323_045_000_000
        for first in range(0, arguments.sessions, AT_ONCE):
            talks = [session(first + number, arguments, chance)
                     for number in range(min(AT_ONCE, arguments.sessions - first))]
            while talks:
                for talk in list(talks):
                    frame = next(talk, None)
                    if frame is None:
                        talks.remove(talk)
                        continue
                    now_us += 100
                    stream.write(struct.pack("<IIII", *divmod(now_us, 1_000_000), len(frame),
                                             len(frame)))  # fmt: skip
                    stream.write(frame)


def session(number: int, arguments: argparse.Namespace, chance: random.Random) -> Iterator[bytes]:
    """The frames of one session."""
    ends = (0x0A000000 + number, 0xC0A80000 + number % 251, 1024 + number % 60_000, arguments.port)
    numbers = [1_000, 2_000]

    def frame(side: int, payload: bytes, flags: int = 0x18) -> bytes:
        src, dst, sport, dport = ends if side == 0 else (ends[1], ends[0], ends[3], ends[2])
        tcp = struct.pack(">HHIIBBHHH", sport, dport, numbers[side], numbers[1 - side], 0x50,
                          flags, 64_000, 0, 0)  # fmt: skip
        numbers[side] += len(payload) + bool(flags & 3)
        ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40 + len(payload), 1, 0, 64, 6, 0, src, dst)
        return b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + ip + tcp + payload

    yield frame(0, b"", 0x02)
    yield frame(1, b"", 0x12)
    yield frame(0, b"", 0x10)
    if arguments.garbage:
        for _ in range(arguments.octets // SEGMENT):
            yield frame(1, chance.randbytes(SEGMENT))
    else:
        for side, payload in ((1, NEGOTIATION), (0, ANSWER), (1, b"\xff\xfb\x03\xff\xfb\x01"),
                              (0, b"\xff\xfd\x03\xff\xfd\x01"), (1, b"\r\nhost login: "),
                              (0, b"user\r\0"), (1, b"user\r\nPassword: "), (0, b"secret99\r\0"),
                              (1, b"\r\nLast login: Thu\r\nuser@host:~$ ")):  # fmt: skip
            yield frame(side, payload)
        screen = SCREEN * (SEGMENT // len(SCREEN))
        for _ in range(5):
            yield frame(0, b"cat /var/log/messages\r\0")
            yield frame(1, b"cat /var/log/messages\r\n")
            for _ in range(arguments.octets // 5 // len(screen)):
                yield frame(1, screen)
            yield frame(1, b"user@host:~$ ")
    yield frame(0, b"", 0x11)
    yield frame(1, b"", 0x11)


if __name__ == "__main__":
    main()
