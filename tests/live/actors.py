"""What tests run inside a namespace: `python actors.py NAME ARGUMENT...`. Imports nothing of ours.

Each actor says `ready` on standard output as soon as others may rely on it, and what it has to
report as one line of JSON when it is done.
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dpkt.pcap import Writer

TELNETD = "/usr/sbin/telnetd"
GREETING = re.compile(rb"\(pts/\d+\)")
"""What telnetd's greeting ends with: its terminal, which may be any of the machine's."""
LEAVE_S = 20
PACKET_AUXDATA, SOL_PACKET = 8, 263
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
RAW_IP, COOKED_V2 = 101, 276
COOKED_V2_BYTES = 20
CHUNK = bytes(range(256)) * 256


def say(text: str) -> None:
    print(text, flush=True)


def ethernet(frame: bytes, link_type: int) -> bytes:
    """The frame with an Ethernet header, whatever link it was captured on."""
    if link_type == COOKED_V2:
        frame = frame[COOKED_V2_BYTES:]
    elif link_type != RAW_IP:
        return frame
    ethertype = 0x86DD if frame[0] >> 4 == 6 else 0x0800
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + struct.pack(">H", ethertype) + frame


def frames_of(path: str) -> Iterator[tuple[float, bytes]]:
    """Time and octets of a capture's frames, each with an Ethernet header."""
    from scapy.utils import RawPcapNgReader, RawPcapReader  # noqa: PLC0415  slow; only here

    with RawPcapReader(path) as reader:
        for octets, meta in reader:
            if isinstance(reader, RawPcapNgReader):
                ticks = (meta.tshigh << 32) + meta.tslow
                yield ticks / meta.tsresol, ethernet(octets, meta.linktype)
            else:
                fraction = meta.usec / (1e9 if reader.nano else 1e6)
                yield meta.sec + fraction, ethernet(octets, reader.linktype)


def send_frames(interfaces: str, path: str, speed: str) -> None:
    """Send a capture's frames at SPEED times the pace at which they were captured.

    With two interfaces (A,B) the frames of who speaks first go out of A, all others of B.
    """
    outlets = []
    for name in interfaces.split(","):
        outlet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        outlet.bind((name, 0))
        outlets.append(outlet)
    frames = list(frames_of(path))
    first_speaker = frames[0][1][6:12]
    sent, refused = 0, 0
    begun = time.monotonic()
    for at, frame in frames:
        pause = begun + (at - frames[0][0]) / float(speed) - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        outlet = outlets[0 if frame[6:12] == first_speaker else -1]
        try:
            outlet.send(frame)
            sent += 1
        except OSError:  # shorter than a header: no device takes it
            refused += 1
    say(json.dumps({"sent": sent, "refused": refused}))


def receive_frames(interface: str, count: str) -> None:
    """Take COUNT frames off an interface; report how each looked, and the tag beside it."""
    inlet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    inlet.bind((interface, 3))
    inlet.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    say("ready")
    found = []
    while len(found) < int(count):
        frame, ancillary, _, _ = inlet.recvmsg(65536, 256)
        status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", ancillary[0][2][:20])
        tagged = status & TP_STATUS_VLAN_VALID
        found.append({"head": frame[:22].hex(), "tag": [tpid, tci & 4095] if tagged else None})
    say(json.dumps(found))


def record_frames(interface: str, path: str) -> None:
    """Write an interface's frames to a pcap file until standard input ends; report their number."""
    count = 0
    inlet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    inlet.bind((interface, 3))
    with Path(path).open("wb") as stream:
        writer = Writer(stream)
        say("ready")
        while True:
            ready = select.select([inlet, sys.stdin], [], [])[0]
            if inlet in ready:
                writer.writepkt(inlet.recv(65536), time.time())
                count += 1
            elif ready:
                break
    say(json.dumps(count))


def send_hex(interface: str, *frames: str) -> None:
    """Send frames that are given as hexadecimal digits."""
    outlet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    outlet.bind((interface, 0))
    for frame in frames:
        outlet.send(bytes.fromhex(frame))


def listener(port: str) -> socket.socket:
    """A listening socket for IPv4 and IPv6."""
    return socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)


def serve_telnet(port: str, program: str) -> None:
    """Hand every connection to a real telnetd, as inetd would; PROGRAM is its login."""
    with listener(port) as inlet:
        say("ready")
        while True:
            connection, _ = inlet.accept()
            with connection:
                subprocess.Popen(
                    [TELNETD, "--exec-login", program],
                    stdin=connection, stdout=connection, stderr=connection,
                )  # fmt: skip


def use_telnet(host: str, port: str, expected: str) -> None:
    """Log on with the real telnet client, type a line once there is a prompt, and leave.

    Reports whether EXPECTED was on the screen, and how the client ended.
    """
    client = subprocess.Popen(["telnet", host, port], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    assert client.stdin is not None and client.stdout is not None
    screen, typed = b"", False
    while True:
        if not select.select([client.stdout], [], [], LEAVE_S)[0]:
            client.kill()
            break
        octets = client.stdout.read1(4096)  # type: ignore[attr-defined]
        screen += octets
        if not octets:
            break
        if not typed and GREETING.search(screen):
            client.stdin.write(expected.encode() + b"\n")
            client.stdin.flush()
            typed = True
        elif typed and screen.count(expected.encode()) >= 2:  # the echo, and the program's answer
            client.stdin.close()
            break
    try:
        code = client.wait(LEAVE_S)
    except subprocess.TimeoutExpired:
        client.kill()
        code = client.wait()
    say(json.dumps({"seen": expected.encode() in screen, "code": code,
                    "screen": screen.decode(errors="replace")}))  # fmt: skip


def connect(host: str, port: str, timeout_s: str) -> None:
    """Try to connect, once; reports what came of it."""
    outcome = "connected"
    try:
        socket.create_connection((host, int(port)), timeout=float(timeout_s)).close()
    except OSError as error:
        outcome = type(error).__name__
    say(json.dumps(outcome))


def serve_bytes(port: str, answer_bytes: str) -> None:
    """Take one connection: read to its end while sending ANSWER_BYTES."""
    with listener(port) as inlet:
        say("ready")
        connection, _ = inlet.accept()
    exchange(connection, int(answer_bytes))


def send_bytes(host: str, port: str, count: str) -> None:
    """Connect, send COUNT octets and read to the end."""
    exchange(socket.create_connection((host, int(port))), int(count))


def exchange(connection: socket.socket, count: int) -> None:
    """Send COUNT octets and read to the other side's end, at the same time; report both."""
    received = 0

    def read() -> None:
        nonlocal received
        while octets := connection.recv(1 << 20):
            received += len(octets)

    reader = threading.Thread(target=read)
    reader.start()
    left = count
    while left:
        left -= connection.send(CHUNK[: min(left, len(CHUNK))])
    connection.shutdown(socket.SHUT_WR)
    reader.join()
    # struct tcp_info: tcpi_bytes_retrans is the 64-bit number behind tcpi_bytes_sent at 200.
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    again = struct.unpack_from("Q", info, 208)[0]
    connection.close()
    say(json.dumps({"sent": count, "received": received, "sent_again": again}))


ACTORS: dict[str, Callable[..., None]] = {
    "send_frames": send_frames, "receive_frames": receive_frames, "send_hex": send_hex,
    "record_frames": record_frames,
    "serve_telnet": serve_telnet, "use_telnet": use_telnet, "connect": connect,
    "serve_bytes": serve_bytes, "send_bytes": send_bytes,
}  # fmt: skip

if __name__ == "__main__":
    ACTORS[sys.argv[1]](*sys.argv[2:])
