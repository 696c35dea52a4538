# cython: boundscheck=True, wraparound=True
"""Messages of DNS (RFC 1035 4.1), also those of mDNS and LLMNR, which have the same form."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

from sensor.protocols.dns.names import Malformed, name_at, skip_name
from sensor.protocols.dns.rdata import data_text

HEADER_BYTES = 12
QUESTIONS_MAX = 64
"""A message with more questions is taken for none."""
ANSWERS_MAX = 64
"""Records of the answer that are told."""
RECORDS_MAX = 256
"""Records of all sections that are looked at."""
OPCODE_MAX = 6
OPT = 41
POINTER_TO_START = 0xC000
"""A pointer to the first octet of a message (RFC 1035 4.1.4)."""
ADDRESSES = (1, 28)
"""A and AAAA: the types whose records resolve to an address."""

IS_RESPONSE = 0x8000
AUTHORITATIVE = 0x0400
TRUNCATED = 0x0200
RECURSION_DESIRED = 0x0100
RECURSION_AVAILABLE = 0x0080
RESERVED = 0x0040
OPCODE_AND_RESULT = 0x780F
AUTHENTIC_DATA = 0x0020
CHECKING_DISABLED = 0x0010
DNSSEC_OK = 0x8000
"""In the TTL of an OPT record (RFC 6891 6.1.4)."""

_HEADER = Struct("!6H")
QUESTION_BYTES = 4
RECORD_BYTES = 10
"""Of a question and of a record, what stands behind the name."""
Known = dict[int, str]
"""Names of a message by where they begin: most others are pointers to one of them."""


@dataclass(slots=True)
class Question:
    """What is asked for."""

    name: str
    kind: int
    class_: int


@dataclass(slots=True)
class Record:
    """A resource record, with its data as text."""

    name: str
    kind: int
    class_: int
    ttl: int
    data: str


@dataclass(slots=True)
class Options:
    """What the OPT record of EDNS says (RFC 6891 6.1.3)."""

    version: int
    udp_size: int
    response_code_high: int
    dnssec_ok: bool


@dataclass(slots=True)
class Message:
    """A message, as far as events tell of it."""

    id: int
    flags: int
    question: Question | None
    """The first one."""
    counts: tuple[int, int, int, int]
    """Questions, answers, authorities and additionals, as the header has them."""
    answers: list[Record] = field(default_factory=list)
    """The first ones, as far as they are there."""
    options: Options | None = None

    @property
    def is_response(self) -> bool:
        """True for an answer, false for a query."""
        return self.flags & IS_RESPONSE != 0

    @property
    def opcode(self) -> int:
        """The kind of the message, RFC 1035 4.1.1."""
        return self.flags >> 11 & 15

    @property
    def response_code(self) -> int:
        """The code of an answer, with the bits that EDNS adds."""
        high = self.options.response_code_high if self.options is not None else 0
        return high << 4 | self.flags & 15


def is_message(octets: bytes | bytearray, at: int = 0) -> bool:
    """True if a header stands there that a message can have (RFC 1035 4.1.1, RFC 6895 2)."""
    if len(octets) - at < HEADER_BYTES:
        return False
    _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(octets, at)
    if flags >> 11 & 15 > OPCODE_MAX or flags & RESERVED or questions > QUESTIONS_MAX:
        return False
    if questions + answers + authorities + additionals:
        return True
    # A refusal, or the answer to an UPDATE (RFC 2136 3.8), may be a header alone.
    return bool(flags & IS_RESPONSE and flags & OPCODE_AND_RESULT)


def be16(octets: bytes, at: int) -> int:
    """Two octets as a number. Errors: IndexError."""
    return octets[at] << 8 | octets[at + 1]


def be32(octets: bytes, at: int) -> int:
    """Four octets as a number. Errors: IndexError."""
    return be16(octets, at) << 16 | be16(octets, at + 2)


def read_message(octets: bytes) -> Message | None:
    """The message that these octets are; None if its header or its questions are not sound.

    Records are read up to the first that is not sound, or not there.
    """
    if not is_message(octets):
        return None
    number, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(octets)
    known: Known = {}
    try:
        first, at = _questions(octets, questions, known)
    except (Malformed, IndexError):
        return None
    message = Message(number, flags, first, (questions, answers, authorities, additionals))
    try:
        at = _answers(octets, at, min(answers, RECORDS_MAX), message.answers, known)
        if answers < RECORDS_MAX:
            message.options = _options(
                octets, at, authorities, min(authorities + additionals, RECORDS_MAX - answers))
    except (Malformed, IndexError):
        pass
    return message


def _questions(octets: bytes, count: int, known: Known) -> tuple[Question | None, int]:
    """The first question, and where what follows the last one begins."""
    at, first = HEADER_BYTES, None
    for number in range(count):
        if number:
            at = skip_name(octets, at)
        else:
            name, after = name_at(octets, at)
            known[at] = name
            first, at = Question(name, be16(octets, after), be16(octets, after + 2)), after
        at += QUESTION_BYTES
        if at > len(octets):
            raise Malformed
    return first, at


def _answers(octets: bytes, at: int, count: int, found: list[Record], known: Known) -> int:
    """Read the records of the answer; where what follows them begins."""
    for number in range(count):
        start = at
        target = be16(octets, at) - POINTER_TO_START
        if target in known:
            name, at = known[target], at + 2
        else:
            name, at = name_at(octets, at)
            known[start] = name
        kind, class_, ttl = be16(octets, at), be16(octets, at + 2), be32(octets, at + 4)
        end = at + RECORD_BYTES + be16(octets, at + 8)
        if end > len(octets):
            raise Malformed
        if number < ANSWERS_MAX:
            data = data_text(octets, kind, at + RECORD_BYTES, end)
            found.append(Record(name, kind, class_, ttl, data))
        at = end
    return at


def _options(octets: bytes, at: int, authorities: int, records: int) -> Options | None:
    """The OPT record among so many records behind the answers; those of authorities come first."""
    for number in range(records):
        at = skip_name(octets, at)
        kind, ttl = be16(octets, at), be32(octets, at + 4)
        if kind == OPT and number >= authorities:
            return Options(ttl >> 16 & 0xFF, be16(octets, at + 2), ttl >> 24,
                           ttl & DNSSEC_OK != 0)
        at += RECORD_BYTES + be16(octets, at + 8)
    return None
