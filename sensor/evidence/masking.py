"""Overwrites what was typed in secret in the frames of one flow: `*` for each octet.

What may stay is what an analyzer proved to be an account or a command; every other line that was
typed goes, and so do secrets where the server prints them. Lengths and control characters stay, and
checksums are right afterwards where they were before.

The frames are in a file, of this sensor's own writing, which is changed where it lies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sensor.base.units import MASK32
from sensor.capture.files.capture import FileCapture
from sensor.engine.protocols import Decode
from sensor.evidence import pcapng
from sensor.memory.records import TUNNELS_MAX
from sensor.model.packets import (
    KIND_CONTINUED,
    KIND_FLOW,
    KIND_FRAGMENT,
    KIND_ICMP_ERROR,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    SYN,
    PacketBatch,
)
from sensor.protocols.secrets import KNOWN_CHARACTERS_MIN, secret_places
from sensor.protocols.telnet.keyboard import Keyboard
from sensor.protocols.telnet.wire import IAC, Data, Wire

MARK = ord("*")
LINE_ENDS = b"\r\n"
STREAM_BYTES_MAX = 64 << 20
"""Octets of a direction that are looked through; all that is beyond goes."""
V4_MAPPED = 0xFFFF
V4_ADDRESSES_AT, V4_PROTOCOL_AT = 12, 9
V6_ADDRESSES_AT, V6_PROTOCOL_AT, V6_HEADER_BYTES = 8, 6, 40
V6_FRAGMENT_HEADER_BYTES, QUOTED_BYTES = 8, 8
PROTOCOL_GRE, GRE_HAS_CHECKSUM, GRE_CHECKSUM_AT = 47, 0x80, 4
TCP_HEADER_BYTES_MIN, WORD = 20, 2
TCP_HEADER_BYTES = range(TCP_HEADER_BYTES_MIN, 64, 4)
TCP_CHECKSUM_AT, UDP_CHECKSUM_AT, ICMP_CHECKSUM_AT = 16, 6, 2
_RUN = re.compile(rb"\x01+")


@dataclass
class Masked:
    """What was overwritten in a file."""

    octets: int = 0
    frames: int = 0


class _Fragmented:
    """The checksums of packets that came in fragments: in one frame, of octets in several."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        """Where they are in the file, by the packets' numbers."""
        self._changes: Counter[int] = Counter()

    def change(self, datagram: int, by: int) -> None:
        """The sum of what the checksum covers has changed in a fragment."""
        self._changes[datagram] += by

    def write(self, file: BinaryIO) -> None:
        """Write the checksums. Errors: OSError."""
        for datagram, change in self._changes.items():
            if at := self.places.get(datagram):
                file.seek(at)
                checksum = _changed(file.read(WORD), change)
                file.seek(at)
                file.write(checksum)


class _Content(NamedTuple):
    """What an IP header is ahead of: its places in the frame, and its protocol."""

    start: int
    end: int
    protocol: int


class _Frame(NamedTuple):
    """A frame of the file, and what the decoder found in it."""

    place: int
    """Of its octets, in the file."""
    octets: bytes
    packet: Any
    payload_at: int
    """Of the octets behind its TCP header, within the frame."""
    tunnels: Any


class _Stream:
    """One direction: its octets by their places, and which of them must go."""

    def __init__(self) -> None:
        self._first_seq: int | None = None
        self._pieces: list[tuple[int, bytes]] = []
        self._start = 0
        self.octets = bytearray()
        self._there = bytearray()
        self.hidden = bytearray()

    def add(self, packet: Any, payload: bytes) -> None:
        """Take a segment."""
        seq = int(packet["seq"]) + bool(packet["tcp_flags"] & SYN)
        if self._first_seq is None:
            self._first_seq = seq
        if payload:
            self._pieces.append((self._distance(seq), payload))

    def put_together(self) -> None:
        """All segments are there; where two differ, the first holds."""
        if not self._pieces:
            return
        self._start = min(at for at, _ in self._pieces)
        end = max(at + len(payload) for at, payload in self._pieces) - self._start
        size = min(end, STREAM_BYTES_MAX)
        self.octets, self._there, self.hidden = bytearray(size), bytearray(size), bytearray(size)
        for at, payload in self._pieces:
            first = at - self._start
            last = min(first + len(payload), size)
            if 1 not in self._there[first:last]:
                self._there[first:last] = b"\x01" * (last - first)
                self.octets[first:last] = payload[: last - first]
                continue
            for place in range(first, last):
                if not self._there[place]:
                    self._there[place] = 1
                    self.octets[place] = payload[place - first]
        self._pieces.clear()

    def runs(self) -> Iterator[range]:
        """The places of octets that follow each other."""
        for found in _RUN.finditer(self._there):
            yield range(found.start(), found.end())

    def text(self, run: range) -> Iterator[tuple[bytes, range]]:
        """The text of a run, without Telnet's commands, in pieces with their places."""
        wire, at = Wire(), run.start
        while at < run.stop:
            end = at + 1
            if wire.is_in_text:
                mark = self.octets.find(IAC, at, run.stop)
                end = max(run.stop if mark < 0 else mark, end)
            for token in wire.feed(bytes(self.octets[at:end])):
                if isinstance(token, Data):
                    yield token.octets, range(end - len(token.octets), end)
            at = end

    def hide(self, places: Sequence[int]) -> None:
        """These octets must go; control characters stay, and octets 255, which are Telnet's."""
        for place in places:
            if 32 <= self.octets[place] < 255 and self.octets[place] != 127:
                self.hidden[place] = 1

    def places_in(self, packet: Any, size: int) -> list[int]:
        """Which octets of a segment's payload must go."""
        at = self._distance(int(packet["seq"]) + bool(packet["tcp_flags"] & SYN)) - self._start
        known = self.hidden[at : at + size]
        found = [place for place in range(len(known)) if known[place]]
        return found + list(range(max(STREAM_BYTES_MAX - at, 0), size))

    def _distance(self, seq: int) -> int:
        """From the first segment's number, which wraps."""
        assert self._first_seq is not None
        return (seq - self._first_seq + (1 << 31) & MASK32) - (1 << 31)


def mask_file(path: Path, decode: Callable[[], Decode], record: Any, shown: Collection[str],
              hidden: Collection[str]) -> Masked:  # fmt: skip
    """Overwrite secrets in the file of a flow, of which `record` is the final one.

    `shown` are typed lines that may stay, `hidden` secrets; `decode` makes a decoder.
    Errors: OSError.
    """
    streams = _Stream(), _Stream()
    for frame in _frames(path, decode()):
        if frame.payload_at:
            _stream_of(streams, frame.packet, record).add(frame.packet, _payload(frame))
    for stream in streams:
        stream.put_together()
    _hide_typed(streams[0], shown)
    _hide_printed(streams[1], hidden)
    masked, fragmented = Masked(), _Fragmented()
    if any(1 in stream.hidden or len(stream.octets) >= STREAM_BYTES_MAX for stream in streams):
        with open(path, "r+b") as file:
            for frame in _frames(path, decode()):
                if frame.payload_at:
                    places = _segment_places(frame, _stream_of(streams, frame.packet, record),
                                             fragmented)
                else:
                    places = _other_places(frame, fragmented)
                if places:
                    _overwrite(file, frame, places)
                    masked.frames += 1
                    masked.octets += len(places)
            fragmented.write(file)
    return masked


def _segment_places(frame: _Frame, stream: _Stream, fragmented: _Fragmented) -> Sequence[int]:
    """What must go in the frame of a segment."""
    packet = frame.packet
    if packet["fragment"] and (start := _tcp_header(frame.octets, packet, frame.payload_at)):
        fragmented.places[int(packet["datagram"])] = frame.place + start + TCP_CHECKSUM_AT
    size = len(_payload(frame))
    return [frame.payload_at + place for place in stream.places_in(packet, size)]


def _other_places(frame: _Frame, fragmented: _Fragmented) -> Sequence[int]:
    """In a frame that is no whole segment, what may be a part of one: it cannot be looked into."""
    packet = frame.packet
    places = _unread_places(frame)
    if packet["fragment"] and places:  # the checksum is in another frame
        datagram = int(packet["datagram"])
        fragmented.change(datagram, _change(frame.octets, places, places.start))
        if packet["fragment_offset"] <= TCP_CHECKSUM_AT:  # unless the first one ended ahead of it
            fragmented.places[datagram] = (
                frame.place + places.start - TCP_HEADER_BYTES_MIN + TCP_CHECKSUM_AT)
    return places


def _overwrite(file: BinaryIO, frame: _Frame, places: Sequence[int]) -> None:
    """Overwrite octets of a frame where it lies in the file, and keep its checksums right."""
    octets = bytearray(frame.octets)
    for at, covered in _checksums(frame):
        change = _change(frame.octets, places, covered)
        octets[at : at + WORD] = _changed(frame.octets[at : at + WORD], change)
    for place in places:
        octets[place] = MARK
    file.seek(frame.place)
    file.write(octets)


def _frames(path: Path, decode: Decode) -> Iterator[_Frame]:
    """The frames of a file of this sensor's own writing, decoded."""
    packets = PacketBatch()
    with open(path, "rb") as file:
        places = pcapng.packet_places(file)
        for frames in FileCapture([str(path)], thread=False):
            decode(frames, packets)
            window = memoryview(frames.data)  # type: ignore[arg-type]
            for index in range(frames.count):
                row, packet = frames.records[index], packets.records[index]
                start, size = int(row["offset"]), int(row["captured"])
                is_segment = (packet["kind"] == KIND_FLOW and packet["protocol"] == PROTOCOL_TCP
                              and packet["payload_offset"] > 0)
                payload_at = int(packet["payload_offset"]) - start if is_segment else 0
                first = index * TUNNELS_MAX
                tunnels = packets.tunnel_records[first : first + int(packet["tunnels"])]
                yield _Frame(next(places), bytes(window[start : start + size]), packet, payload_at,
                             tunnels)


def _payload(frame: _Frame) -> bytes:
    size = int(frame.packet["payload_captured"])
    return frame.octets[frame.payload_at : frame.payload_at + size]


def _stream_of(streams: tuple[_Stream, _Stream], packet: Any, record: Any) -> _Stream:
    """That of the side that sent a packet."""
    is_client = all(packet[f"src_{part}"] == record[f"orig_{part}"][0]
                    for part in ("hi", "lo", "port"))
    return streams[not is_client]


def _hide_typed(stream: _Stream, shown: Collection[str]) -> None:
    """Hide each line of the client that may not stay."""
    for run in stream.runs():
        keyboard, places = Keyboard(), []
        if run.start:
            keyboard.reset()
        for octets, where in stream.text(run):
            for at, place in enumerate(where):
                places.append(place)
                lines = keyboard.feed(octets[at : at + 1])
                for line in lines:
                    stream.hide(_typed_secrets(stream, places, line.text, shown))
                if octets[at] in LINE_ENDS and not lines:  # part of the line is missing
                    stream.hide(places)
                if lines or octets[at] in LINE_ENDS:
                    places = []
        stream.hide(places)


def _typed_secrets(
    stream: _Stream, places: list[int], text: str, shown: Collection[str]
) -> list[int]:
    """Of a line that was typed, what must go: all of it, or passwords that stand in a command."""
    if text.strip() not in shown:
        return places
    spans = secret_places(text)
    if spans and bytes(stream.octets[place] for place in places[: len(text)]) != text.encode():
        return places  # it was edited: where the password stands is not known
    return [places[at] for first, last in spans for at in range(first, last)]


def _hide_printed(stream: _Stream, hidden: Collection[str]) -> None:
    """Hide secrets where the server prints them."""
    secrets = [secret.encode() for secret in hidden if len(secret) >= KNOWN_CHARACTERS_MIN]
    for run in stream.runs():
        text = bytearray()
        places: list[int] = []
        for octets, where in stream.text(run):
            text += octets
            places += where
        for secret in secrets:
            at = text.find(secret)
            while at >= 0:
                stream.hide(places[at : at + len(secret)])
                at = text.find(secret, at + 1)
        start = 0
        for line in bytes(text).split(b"\n"):
            for first, last in secret_places(line.decode("latin-1")):
                stream.hide(places[start + first : start + last])
            start += len(line) + 1


def _unread_places(frame: _Frame) -> range:
    """What fragments carry, and ICMP errors quote."""
    packet, octets = frame.packet, frame.octets
    if packet["kind"] in (KIND_CONTINUED, KIND_FRAGMENT):
        content = _ip_content(octets, packet, last=True)
        skipped = V6_FRAGMENT_HEADER_BYTES * (packet["ip_version"] == 6)
        header_left = max(TCP_HEADER_BYTES_MIN - int(packet["fragment_offset"]), 0)
        return range(content.start + skipped + header_left, content.end)
    if packet["kind"] == KIND_ICMP_ERROR and packet["quoted"]:
        quoted = _ip_content(octets, packet, "quoted_", last=True)
        return range(quoted.start + QUOTED_BYTES, _ip_content(octets, packet).end)
    return range(0)


def _ip_content(octets: bytes, record: Any, of: str = "", *, last: bool = False) -> _Content:
    """What the IP header with a record's addresses is ahead of; of several the first, or the last.

    It is empty if there is none.
    """
    ends = [(int(record[f"{of}{end}_hi"]) << 64) + int(record[f"{of}{end}_lo"])
            for end in ("src", "dst")]
    is_v4 = all(end >> 32 == V4_MAPPED for end in ends)
    addresses = b"".join(end.to_bytes(16, "big")[-4 if is_v4 else 0 :] for end in ends)
    header = octets.rfind(addresses) if last else octets.find(addresses)
    header -= V4_ADDRESSES_AT if is_v4 else V6_ADDRESSES_AT
    if header < 0:
        return _Content(0, 0, 0)
    if is_v4:
        size = int.from_bytes(octets[header + 2 : header + 4], "big")
        return _Content(header + (octets[header] & 15) * 4, min(header + size, len(octets)),
                        octets[header + V4_PROTOCOL_AT])
    start = header + V6_HEADER_BYTES
    size = int.from_bytes(octets[header + 4 : header + 6], "big")
    return _Content(start, min(start + size, len(octets)), octets[header + V6_PROTOCOL_AT])


def _checksums(frame: _Frame) -> Iterator[tuple[int, int]]:
    """Of each checksum that covers a payload: its place, and where what it covers begins."""
    packet, octets = frame.packet, frame.octets
    if frame.payload_at:
        if start := _tcp_header(octets, packet, frame.payload_at):
            yield start + TCP_CHECKSUM_AT, start
    elif packet["kind"] == KIND_ICMP_ERROR:
        start = _ip_content(octets, packet).start
        yield start + ICMP_CHECKSUM_AT, start
    for tunnel in frame.tunnels:
        start, _, protocol = _ip_content(octets, tunnel)
        at = start + UDP_CHECKSUM_AT
        if protocol == PROTOCOL_UDP and any(octets[at : at + WORD]):
            yield at, start
        elif protocol == PROTOCOL_GRE and octets[start] & GRE_HAS_CHECKSUM:
            yield start + GRE_CHECKSUM_AT, start


def _tcp_header(octets: bytes, packet: Any, end: int) -> int:
    """Where the TCP header begins that ends there: it has the packet's ports and number."""
    head = b"".join((int(packet["src_port"]).to_bytes(2, "big"),
                     int(packet["dst_port"]).to_bytes(2, "big"),
                     int(packet["seq"]).to_bytes(4, "big")))
    for size in TCP_HEADER_BYTES:
        if octets[end - size :].startswith(head) and octets[end - size + 12] >> 4 == size // 4:
            return end - size
    return 0


def _change(octets: bytes, places: Sequence[int], covered: int) -> int:
    """By how much the sum of words from there on changes if these octets are overwritten."""
    return sum((MARK - octets[place]) << 8 * ((place - covered) % WORD == 0) for place in places)


def _changed(checksum: bytes, change: int) -> bytes:
    """A checksum after such a change (RFC 1624); where it was wrong, it stays as wrong."""
    total = (~int.from_bytes(checksum, "big") & 0xFFFF) + change
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(WORD, "big")
