"""Numbers, times and addresses as text, written straight into an output buffer.

Each `put_*` writes ASCII at `out[at]` and returns the position behind it; it needs at most the room
that its `*_ROOM` constant names. The functions at the end give the same texts as Python strings.
"""

from __future__ import annotations

from collections.abc import Sequence

try:
    import cython  # type: ignore[import-untyped]
except ImportError:
    from sensor.base import cython_stub as cython

if not cython.compiled:
    from sensor.memory.buffers import put_octets, room_of

Octets = Sequence[int]

NUMBER_ROOM = 20
TIME_ROOM = 30
ADDRESS_ROOM = 45
MAC_ROOM = 18  # the loop leaves a hyphen behind the last octet

PAIRS = (
    b"0001020304050607080910111213141516171819"
    b"2021222324252627282930313233343536373839"
    b"4041424344454647484950515253545556575859"
    b"6061626364656667686970717273747576777879"
    b"8081828384858687888990919293949596979899"
)
V4_MAPPED = b"::ffff:"
V4_MAPPED_BYTES = len(V4_MAPPED)
HEX_LOWER = b"0123456789abcdef"
HEX_UPPER = b"0123456789ABCDEF"


def put_number(out: bytearray, at: int, value: int) -> int:
    """Decimal digits of an unsigned 64-bit number."""
    digits = 1
    bound = 10
    while value >= bound:
        digits += 1
        if digits == 20:
            break  # 64 bits have no more, and the next bound would not fit
        bound = bound * 10
    end = at + digits
    last = end
    while value >= 100:
        rest = value // 100
        pair = value - rest * 100
        last -= 2
        out[last] = PAIRS[2 * pair]
        out[last + 1] = PAIRS[2 * pair + 1]
        value = rest
    if value >= 10:
        out[last - 2] = PAIRS[2 * value]
        out[last - 1] = PAIRS[2 * value + 1]
    else:
        out[last - 1] = 48 + value
    return end


def put_pair(out: bytearray, at: int, value: int) -> int:
    """Two decimal digits of a number below 100."""
    put_octets(out, at, PAIRS, 2 * value, 2)
    return at + 2


def put_time(out: bytearray, at: int, time_ns: int) -> int:
    """RFC 3339 in UTC with nine decimals; times before 1970 are written as 1970 began.

    Nanoseconds in 64 bits end in the year 2262, so four digits of a year are enough.
    """
    moment = max(time_ns, 0)
    # Divisors are literals: then the C compiler turns divisions into multiplications.
    seconds = moment // 1_000_000_000
    fraction = moment - seconds * 1_000_000_000
    days = seconds // 86_400
    seconds = seconds - days * 86_400
    # 400 years have 146,097 days: the guess is the year or one beside it.
    year = 1970 + days * 400 // 146_097
    if first_day(year) > days:
        year -= 1
    elif first_day(year + 1) <= days:
        year += 1
    day = days - first_day(year)
    leap = first_day(year + 1) - first_day(year) - 365
    if day >= 59 + leap:
        day += 2 - leap  # as if February had 30 days: then months are evenly spaced
    month = (12 * day + 373) // 367
    day = day - (367 * month - 362) // 12 + 1
    century = year // 100
    put_pair(out, at, century)
    put_pair(out, at + 2, year - century * 100)
    out[at + 4] = 45
    put_pair(out, at + 5, month)
    out[at + 7] = 45
    put_pair(out, at + 8, day)
    out[at + 10] = 84
    minutes = seconds // 60
    hours = minutes // 60
    put_pair(out, at + 11, hours)
    out[at + 13] = 58
    put_pair(out, at + 14, minutes - hours * 60)
    out[at + 16] = 58
    put_pair(out, at + 17, seconds - minutes * 60)
    out[at + 19] = 46
    out[at + 20] = 48 + fraction // 100_000_000
    fraction = fraction % 100_000_000
    put_pair(out, at + 21, fraction // 1_000_000)
    fraction = fraction % 1_000_000
    put_pair(out, at + 23, fraction // 10_000)
    fraction = fraction % 10_000
    put_pair(out, at + 25, fraction // 100)
    put_pair(out, at + 27, fraction % 100)
    out[at + 29] = 90
    return at + 30


def first_day(year: int) -> int:
    """Days from 1970-01-01 to the first day of `year` (Gregorian leap years)."""
    past = year - 1
    return 365 * (year - 1970) + past // 4 - past // 100 + past // 400 - 477


def put_octet(out: bytearray, at: int, value: int) -> int:
    """Decimal digits of one octet."""
    if value >= 100:
        hundreds = value // 100
        out[at] = 48 + hundreds
        put_octets(out, at + 1, PAIRS, 2 * (value - hundreds * 100), 2)
        return at + 3
    if value >= 10:
        put_octets(out, at, PAIRS, 2 * value, 2)
        return at + 2
    out[at] = 48 + value
    return at + 1


def put_address(out: bytearray, at: int, hi: int, lo: int) -> int:
    """An address as in records: v4-mapped as dotted quad, others as RFC 5952 has them."""
    if hi == 0 and lo >> 32 == 0xFFFF:
        at = put_octet(out, at, lo >> 24 & 0xFF)
        out[at] = 46
        at = put_octet(out, at + 1, lo >> 16 & 0xFF)
        out[at] = 46
        at = put_octet(out, at + 1, lo >> 8 & 0xFF)
        out[at] = 46
        return put_octet(out, at + 1, lo & 0xFF)
    return put_groups(out, at, hi, lo)


def group_of(hi: int, lo: int, index: int) -> int:
    """One of the eight 16-bit groups of an IPv6 address, counted from the left."""
    if index < 4:
        return hi >> (48 - 16 * index) & 0xFFFF
    return lo >> (112 - 16 * index) & 0xFFFF


def put_ip(out: bytearray, at: int, hi: int, lo: int, version: int) -> int:
    """As `put_address`; a v4-mapped address of an IPv6 packet is one of IPv6's (RFC 5952 5)."""
    if version == 6 and hi == 0 and lo >> 32 == 0xFFFF:
        put_octets(out, at, V4_MAPPED, 0, V4_MAPPED_BYTES)
        at += V4_MAPPED_BYTES
    return put_address(out, at, hi, lo)


def put_groups(out: bytearray, at: int, hi: int, lo: int) -> int:
    """RFC 5952 4: lower case, no leading zeros, the first longest run of zero groups as `::`."""
    best = 8
    best_length = 1  # a single zero group is not shortened
    run = 0
    for index in range(8):
        if group_of(hi, lo, index) == 0:
            run += 1
            if run > best_length:
                best_length = run
                best = index + 1 - run
        else:
            run = 0
    index = 0
    while index < 8:
        if index == best:
            out[at] = 58
            out[at + 1] = 58
            at += 2
            index += best_length
            continue
        if index > 0 and index != best + best_length:
            out[at] = 58
            at += 1
        at = put_group(out, at, group_of(hi, lo, index))
        index += 1
    return at


def put_group(out: bytearray, at: int, group: int) -> int:
    """One to four hexadecimal digits."""
    if group >= 0x1000:
        out[at] = HEX_LOWER[group >> 12]
        at += 1
    if group >= 0x100:
        out[at] = HEX_LOWER[group >> 8 & 15]
        at += 1
    if group >= 0x10:
        out[at] = HEX_LOWER[group >> 4 & 15]
        at += 1
    out[at] = HEX_LOWER[group & 15]
    return at + 1


def put_mac(out: bytearray, at: int, octets: Octets, start: int) -> int:
    """Six octets as ECS has a MAC address (RFC 7042 2.1: upper case, hyphens)."""
    for index in range(6):
        value = octets[start + index]
        out[at] = HEX_UPPER[value >> 4]
        out[at + 1] = HEX_UPPER[value & 15]
        out[at + 2] = 45
        at += 3
    return at - 1


def put_hex(out: bytearray, at: int, value: int) -> int:
    """Sixteen hexadecimal digits of an unsigned 64-bit number."""
    for index in range(16):
        out[at + index] = HEX_LOWER[value >> (60 - 4 * index) & 15]
    return at + 16


def time_text(time_ns: int) -> str:
    """RFC 3339 in UTC with nine decimals, as in every document."""
    out = bytearray(TIME_ROOM)
    return out[: put_time(room_of(out), 0, time_ns)].decode()


def mac_text(octets: bytes) -> str:
    """Six octets as ECS has a MAC address."""
    out = bytearray(MAC_ROOM)
    return out[: put_mac(room_of(out), 0, room_of(bytearray(octets)), 0)].decode()
