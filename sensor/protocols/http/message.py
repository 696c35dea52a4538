"""A message of HTTP/1: its start line, its header fields, and of its body what is kept.

What a message has that RFC 9112 forbids or that readers of it may understand in two ways is an
*anomaly*, by name: such messages are how requests are smuggled past a proxy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sensor.protocols.analyzer import CLIENT, Moment

BODY_MAX = 64 * 1024
"""Octets of a body that are kept."""
HEADERS_MAX = 200
"""Header fields of a message that are read."""
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""RFC 9110 5.6.2."""
_VERSION = re.compile(rb"HTTP/(\d\.\d)\Z")
_STATUS = re.compile(rb"HTTP/(\d\.\d) +(\d{3})(?: (.*))?\Z", re.S)
_SPACE = b" \t"
"""RFC 9110 5.6.3: other octets that Python strips belong to a value, and may smuggle a request."""

@dataclass(slots=True)
class Message:
    """A request or a response, as far as it has come."""

    first: Moment
    """The packet with its first octet."""
    last: Moment
    """The packet with the last one so far."""
    head_at: Moment
    """The packet with the last octet of its head."""
    raw: bytes
    """Its head, up to and with the empty line."""
    version: str = ""
    method: str = ""
    target: bytes = b""
    status: int = 0
    phrase: bytes = b""
    names: list[bytes] = field(default_factory=list)
    """Of the header fields, in order, as they were sent."""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    """By lower-case name; values of one name joined as RFC 9110 5.3 has it."""
    octets: int = 0
    """Of the message, as it was sent."""
    body_octets: int = 0
    """Of its body, without what chunks add."""
    body: bytearray = field(default_factory=bytearray)
    """The first ones of it."""
    keeps: bool = True
    """The next octets of the body follow the kept ones."""
    anomalies: dict[str, None] = field(default_factory=dict)
    """In the order in which they were met."""
    has_ended: bool = False
    """Nothing more of it comes."""
    is_complete: bool = False
    """And all of it was there."""

    def add(self, octets: bytes | bytearray) -> None:
        """The next octets of the body."""
        self.octets += len(octets)
        self.body_octets += len(octets)
        if self.keeps:
            self.body += octets[: BODY_MAX - len(self.body)]
            self.keeps = len(self.body) < BODY_MAX

    def miss(self, count: int) -> None:
        """So many octets of the body are missing."""
        self.octets += count
        self.body_octets += count
        self.keeps = False
        self.strange("gap")

    def strange(self, anomaly: str) -> None:
        """Note an anomaly."""
        self.anomalies[anomaly] = None

    @property
    def held_bytes(self) -> int:
        """About what it takes in memory: its head is there twice, whole and in fields."""
        return 2 * len(self.raw) + len(self.body)

    @property
    def is_truncated(self) -> bool:
        """Not all of the body that was sent is kept."""
        return len(self.body) < self.body_octets


def has_start_line(side: int, line: bytes) -> bool:
    """True if a line, without its end, is the first one of a message of that side."""
    return (_request_line(line) if side == CLIENT else _STATUS.match(line)) is not None


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Method, target and version; None if it is no request line of HTTP/1."""
    method, _, rest = line.partition(b" ")
    target, _, version = rest.rstrip(b" \t").rpartition(b" ")
    found = _VERSION.match(version)
    target = target.strip(b" ")
    return (method, target, found[1]) if found is not None and method and target else None


def message_of(side: int, raw: bytes, first: Moment, moment: Moment) -> Message:
    """A message by its head, whose start line `has_start_line` has accepted."""
    message = Message(first, moment, moment, raw, octets=len(raw))
    lines = raw.split(b"\n")
    ends = raw.count(b"\r\n")
    if ends != len(lines) - 1:
        message.strange("bare_lf")
    if raw.count(b"\r") != ends:
        message.strange("bare_cr")
    if b"\0" in raw:
        message.strange("nul")
    _read_start(side, message, lines[0].removesuffix(b"\r"))
    _read_headers(message, lines[1:-2])
    return message


def _read_start(side: int, message: Message, line: bytes) -> None:
    if side == CLIENT:
        request = _request_line(line)
        assert request is not None
        message.method = request[0].decode("latin-1")
        message.target = request[1]
        message.version = request[2].decode()
        if b" " in message.target:
            message.strange("target_with_space")
        return
    found = _STATUS.match(line)
    assert found is not None
    message.version = found[1].decode()
    message.status = int(found[2])
    message.phrase = found[3] or b""


def _read_headers(message: Message, lines: list[bytes]) -> None:
    """RFC 9112 5: a name, a colon, a value; a line that begins with a space continues the last."""
    headers, names = message.headers, message.names
    last = b""
    if len(lines) > HEADERS_MAX:
        message.strange("headers_too_many")
        del lines[HEADERS_MAX:]
    for ended in lines:
        line = ended.removesuffix(b"\r")
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            message.strange("obs_fold")
            if last:
                headers[last] += b" " + line.strip(_SPACE)
            continue
        if name[-1:] in (b" ", b"\t"):
            message.strange("space_before_colon")
            name = name.rstrip(_SPACE)
        if not colon or not name or name.translate(None, _TOKEN):
            message.strange("header_invalid")
            last = b""
            continue
        names.append(name)
        last, value = name.lower(), value.strip(_SPACE)
        headers[last] = headers[last] + b", " + value if last in headers else value
