"""What agreement.py compares: facts, each of one message or handshake, by flow and frame."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Flow = tuple[str, frozenset[tuple[str, int]]]
"""Transport, and the two ends."""
NO_FLOW: Flow = ("", frozenset())


@dataclass
class Fact:
    """One message, or one handshake."""

    kind: str
    """`http request`, `dns`, `tls`..."""
    frame: int
    """The frame that completed it."""
    values: dict[str, object] = field(default_factory=dict)
    """By names that both sides use; what a side cannot know is absent."""
    flow: Flow = NO_FLOW
    told: str = ""
    """What pairs facts where a flow has more on one side than on the other."""
    to_port: int = 0
    """The port of whom the frame was sent to."""


def flow_of(transport: str, ends: Iterable[tuple[str, int]]) -> Flow:
    """The flow of two ends."""
    return transport, frozenset(ends)


def flows_of(capture: Path, wanted: set[int]) -> dict[int, tuple[Flow, int]]:
    """The flows of frames by their numbers, from a pcap file of Ethernet, and the ports that they
    were sent to.
    """
    found: dict[int, tuple[Flow, int]] = {}
    for number, frame in enumerate(frames_of(capture), 1):
        if number in wanted:
            found[number] = _flow_of_frame(frame)
    return found


def frames_of(capture: Path) -> Iterator[bytes]:
    """All frames of a pcap file, in little-endian order of octets."""
    with capture.open("rb", buffering=1 << 20) as stream:
        stream.read(24)
        while len(head := stream.read(16)) == 16:
            yield stream.read(struct.unpack_from("<I", head, 8)[0])


def _flow_of_frame(frame: bytes) -> tuple[Flow, int]:
    is_v6 = frame[12:14] == b"\x86\xdd"
    if is_v6:
        protocol, at, first, size = frame[20], 54, 22, 16
    else:
        protocol, at, first, size = frame[23], 14 + (frame[14] & 15) * 4, 26, 4
    addresses = [str(ipaddress.ip_address(frame[place : place + size]))
                 for place in (first, first + size)]  # fmt: skip
    transport = {6: "tcp", 17: "udp"}.get(protocol, "icmp")
    ports = struct.unpack_from("!HH", frame, at) if transport != "icmp" else (0, 0)
    return flow_of(transport, zip(addresses, ports, strict=True)), ports[1]
