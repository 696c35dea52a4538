"""Captures as another network would have cut them: pure functions from frames to frames.

They take the frames of a classic pcap file (Ethernet, IP without extensions, TCP) and give new
ones: split, joined, out of order, sent twice, with a gap, one side only, begun late. Frames that
are not TCP stay as they are. Nothing is acknowledged before it is sent.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

HEAD = struct.Struct("<IHHiIII")
RECORD = struct.Struct("<IIII")
PSH, FIN = 0x08, 0x01
RETRANSMISSION_NS = 200_000_000

Rewrite = Callable[[list["Frame"]], list["Frame"]]
Connection = tuple[bytes, bytes]
"""Both ends, each an address and a port; the one with the higher port, the client's, first."""


@dataclass(frozen=True)
class Frame:
    """When, and what."""

    time_ns: int
    octets: bytes


@dataclass(frozen=True)
class Segment:
    """Where the parts of a TCP segment stand in its frame, and whose it is."""

    frame: Frame
    ip: int
    tcp: int
    data: int
    end: int

    @property
    def payload(self) -> bytes:
        return self.frame.octets[self.data : self.end]

    @property
    def number(self) -> int:
        """The sequence number of the first octet."""
        return int.from_bytes(self.frame.octets[self.tcp + 4 : self.tcp + 8], "big")

    @property
    def ends(self) -> tuple[bytes, bytes]:
        """Source and destination: address and port."""
        octets, length = self.frame.octets, 16 if self.v6 else 4
        first = self.ip + (8 if self.v6 else 12)
        ports = octets[self.tcp : self.tcp + 2], octets[self.tcp + 2 : self.tcp + 4]
        return (octets[first : first + length] + ports[0],
                octets[first + length : first + 2 * length] + ports[1])  # fmt: skip

    @property
    def v6(self) -> bool:
        return self.frame.octets[self.ip] >> 4 == 6

    @property
    def connection(self) -> Connection:
        first, second = sorted(self.ends, key=lambda end: end[-2:], reverse=True)
        return first, second

    @property
    def by_client(self) -> bool:
        return self.ends[0] == self.connection[0]

    def with_data(self, offset: int, data: bytes, later_ns: int = 0) -> Frame:
        """The same segment with other data, `offset` octets further in the stream."""
        old = self.frame.octets
        tcp = bytearray(old[self.tcp : self.data])
        tcp[4:8] = ((self.number + offset) & 0xFFFFFFFF).to_bytes(4, "big")
        if offset + len(data) < len(self.payload):
            tcp[13] &= ~(PSH | FIN)
        tcp[16:18] = b"\0\0"
        ip = bytearray(old[self.ip : self.tcp])
        length = len(tcp) + len(data)
        if self.v6:
            ip[4:6] = length.to_bytes(2, "big")
        else:
            ip[2:4] = (len(ip) + length).to_bytes(2, "big")
            ip[10:12] = b"\0\0"
            ip[10:12] = _checksum(bytes(ip))
        addresses = bytes(ip[8:40] if self.v6 else ip[12:20])
        pseudo = addresses + struct.pack(">II", length, 6)
        tcp[16:18] = _checksum(pseudo + bytes(tcp) + data)
        return Frame(self.frame.time_ns + later_ns, old[: self.ip] + bytes(ip) + bytes(tcp) + data)


def _checksum(octets: bytes) -> bytes:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f">{(len(octets) + 1) // 2}H", octets + bytes(len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (total ^ 0xFFFF).to_bytes(2, "big")


def read(path: Path) -> list[Frame]:
    """The frames of a little-endian pcap file of microseconds with Ethernet frames."""
    octets = path.read_bytes()
    head = HEAD.unpack_from(octets)
    assert head[0] == 0xA1B2C3D4 and head[6] == 1, f"{path}: not such a file"
    frames, at = [], HEAD.size
    while at < len(octets):
        seconds, micros, captured, _ = RECORD.unpack_from(octets, at)
        at += RECORD.size
        time_ns = seconds * 1_000_000_000 + micros * 1_000
        frames.append(Frame(time_ns, octets[at : at + captured]))
        at += captured
    return frames


def write(path: Path, frames: Iterable[Frame]) -> None:
    """Write frames as such a file."""
    parts = [HEAD.pack(0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)]
    for frame in frames:
        seconds, rest_ns = divmod(frame.time_ns, 1_000_000_000)
        length = len(frame.octets)
        parts += [RECORD.pack(seconds, rest_ns // 1_000, length, length), frame.octets]
    path.write_bytes(b"".join(parts))


def segment_of(frame: Frame) -> Segment | None:
    """The TCP segment in a frame, None if there is none."""
    octets, ip = frame.octets, 14
    if len(octets) < 34:
        return None
    if octets[12:14] == b"\x08\x00" and octets[23] == 6:
        tcp = ip + (octets[ip] & 15) * 4
        end = ip + int.from_bytes(octets[16:18], "big")
    elif octets[12:14] == b"\x86\xdd" and octets[20] == 6:
        tcp = ip + 40
        end = tcp + int.from_bytes(octets[18:20], "big")
    else:
        return None
    if len(octets) < tcp + 20:
        return None
    return Segment(frame, ip, tcp, tcp + (octets[tcp + 12] >> 4) * 4, min(end, len(octets)))


def in_order(frames: Iterable[Frame]) -> list[Frame]:
    """By time; what has the same time stays in its order."""
    return sorted(frames, key=lambda frame: frame.time_ns)


# -- the stream stays as it is


def split(size: int) -> Rewrite:
    """No segment has more data than `size` octets; the pieces have one time."""

    def rewrite(frames: list[Frame]) -> list[Frame]:
        new = []
        for frame in frames:
            segment = segment_of(frame)
            if segment is None or len(segment.payload) <= size:
                new.append(frame)
                continue
            for offset in range(0, len(segment.payload), size):
                new.append(segment.with_data(offset, segment.payload[offset : offset + size]))
        return new

    return rewrite


def joined(limit: int = 1400) -> Rewrite:
    """What a side says while the other says nothing is one segment, at its first part's time."""

    def rewrite(frames: list[Frame]) -> list[Frame]:
        new: list[Frame] = []
        open_at: dict[Connection, int] = {}
        for frame in frames:
            segment = segment_of(frame)
            if segment is None or not segment.payload:
                new.append(frame)
                continue
            at = open_at.get(segment.connection)
            first = None if at is None else segment_of(new[at])
            if (at is not None and first is not None and first.ends == segment.ends
                    and (first.number + len(first.payload)) & 0xFFFFFFFF == segment.number
                    and len(first.payload + segment.payload) <= limit):  # fmt: skip
                new[at] = first.with_data(0, first.payload + segment.payload)
            else:
                open_at[segment.connection] = len(new)
                new.append(frame)
        return new

    return rewrite


def reordered(every: int = 2) -> Rewrite:
    """Of data that one side sends in a row, each `every`-th segment comes behind the next one."""

    def rewrite(frames: list[Frame]) -> list[Frame]:
        new = list(frames)
        last: dict[Connection, int] = {}
        pairs: dict[Connection, int] = defaultdict(int)
        for at, frame in enumerate(frames):
            segment = segment_of(frame)
            if segment is None:
                continue
            key = segment.connection
            before = last.pop(key, None)
            if not segment.payload:
                continue
            last[key] = at
            other = None if before is None else segment_of(new[before])
            if before is None or other is None or other.ends != segment.ends:
                continue
            pairs[key] += 1
            if pairs[key] % every == 0:
                new[at] = replace(new[before], time_ns=frame.time_ns)
                new[before] = replace(frame, time_ns=frames[before].time_ns)
                last.pop(key)
        return new

    return rewrite


def repeated(every: int = 1) -> Rewrite:
    """Each `every`-th segment with data is sent again 0.2 s later, as if it had been lost."""

    def rewrite(frames: list[Frame]) -> list[Frame]:
        new, count = list(frames), 0
        for frame in frames:
            segment = segment_of(frame)
            if segment is not None and segment.payload:
                count += 1
                if count % every == 0:
                    new.append(Frame(frame.time_ns + RETRANSMISSION_NS, frame.octets))
        return in_order(new)

    return rewrite


# -- parts of the stream are missing


def _kept(frames: list[Frame], keep: Callable[[Segment, int], bool]) -> list[Frame]:
    """The frames that `keep` says; it is told how many segments with data its side sent before."""
    sent: dict[tuple[bytes, bytes], int] = defaultdict(int)
    new = []
    for frame in frames:
        segment = segment_of(frame)
        if segment is None:
            new.append(frame)
            continue
        if keep(segment, sent[segment.ends]):
            new.append(frame)
        sent[segment.ends] += bool(segment.payload)
    return new


def one_side(client: bool) -> Rewrite:
    """Only what clients send, or only what servers do."""
    return lambda frames: _kept(frames, lambda segment, _: segment.by_client == client)


def without(client: bool, numbers: Iterable[int]) -> Rewrite:
    """The segments with data of these numbers (from 0) of a side were not captured."""
    gone = frozenset(numbers)
    return lambda frames: _kept(
        frames,
        lambda segment, sent: not (segment.payload and segment.by_client == client
                                   and sent in gone),
    )  # fmt: skip


def begun_late(part: float) -> Rewrite:
    """The first part (0 to 1) of the frames of each connection was not captured."""
    return lambda frames: _cut(frames, lambda at, count: at >= part * count)


def ended_early(part: float) -> Rewrite:
    """Only the first part (0 to 1) of the frames of each connection was captured."""
    return lambda frames: _cut(frames, lambda at, count: at < part * count)


def _cut(frames: list[Frame], keep: Callable[[int, int], bool]) -> list[Frame]:
    found = [(frame, segment_of(frame)) for frame in frames]
    counts: dict[Connection, int] = defaultdict(int)
    for _, segment in found:
        if segment is not None:
            counts[segment.connection] += 1
    seen: dict[Connection, int] = defaultdict(int)
    new = []
    for frame, segment in found:
        if segment is None or keep(seen[segment.connection], counts[segment.connection]):
            new.append(frame)
        if segment is not None:
            seen[segment.connection] += 1
    return new


def joined_telnet(payloads: Iterable[bytes]) -> bytes:
    """The text of segments that follow each other, without Telnet's commands (RFC 854)."""
    octets = b"".join(payloads).replace(b"\xff\xff", b"\xff")
    octets = re.sub(rb"\xff\xfa.*?\xff\xf0", b"", octets, flags=re.S)
    return re.sub(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xf9]", b"", octets, flags=re.S)
