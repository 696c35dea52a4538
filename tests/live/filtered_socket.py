"""Run in a network namespace: which frames of three interfaces a socket with a filter gets."""

from __future__ import annotations

import json
import socket
import struct
import sys

from sensor.capture import bpf
from tests.live import veth

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
OUTGOING = 4


def frame(tags: tuple[int, ...], port: int, label: int) -> bytes:
    """TCP from port 40000 to `port` inside VLAN tags; its IPv4 identification is the label."""
    tcp = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, 2, 1024, 0, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, label, 0, 64, 6, 0, bytes([192, 0, 2, 1]),
                     bytes([192, 0, 2, 2]))  # fmt: skip
    link = bytes.fromhex("020000000001 020000000002")
    for tag in tags:
        link += struct.pack("!HH", 0x8100, tag)
    return link + b"\x08\x00" + ip + tcp


def label_of(octets: bytes) -> int:
    start = octets.index(b"\x08\x00\x45") + 2
    return int.from_bytes(octets[start + 4 : start + 6], "big")


def listener() -> socket.socket:
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))


def received(sock: socket.socket) -> list[tuple[str, int, bool]]:
    """Interface, label, whether it is the outgoing copy, of all frames that wait in the socket."""
    found = []
    sock.setblocking(False)
    while True:
        try:
            octets, (name, _, kind, _, _) = sock.recvfrom(65536)
        except BlockingIOError:
            return found
        found.append((name, label_of(octets), kind == OUTGOING))


def main(filter_text: str, *wanted: str) -> None:
    veth.pair("left0", "right0")
    veth.pair("left1", "right1")
    veth.ip("link", "set", "lo", "up")
    # The kernel hands a frame to the newest listener first: once the witness has it, so does the
    # other one, if it passed the filter.
    with listener() as witness, listener() as chosen, listener() as sender:
        program = bpf.compile_filter(filter_text, 1) if filter_text else []
        indexes = [socket.if_nametoindex(name) for name in wanted]
        loopback = frozenset({socket.if_nametoindex("lo")})
        bpf.attach(chosen, bpf.with_interfaces(program, indexes, loopback))
        sent = 0
        for name in ("right0", "right1", "lo"):
            for tags in ((), (5,), (5, 6)):
                for port in (23, 80):
                    sent += 1
                    sender.sendto(frame(tags, port, sent), (name, 0))
        seen = 0
        witness.settimeout(10)
        while seen < 2 * sent:  # every frame leaves somewhere and arrives somewhere
            witness.recv(65536)
            seen += 1
        json.dump(received(chosen), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
