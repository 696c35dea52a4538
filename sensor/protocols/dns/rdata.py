"""What resource records say, as text: in the form of a zone file, where that is one line of names
and numbers; other types as hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from sensor.model.addresses import IPV6, address_text
from sensor.protocols.dns.names import Malformed, escaped, name_at

DATA_MAX = 1024
"""Characters of the text of a record; the rest is left out."""
PARAMETERS_MAX = 16
"""Parameters of an SVCB record, and members of one, that are told."""
STRINGS_MAX = 64
"""Strings of a TXT record that are told."""

_SRV = Struct("!HHH")
_SOA = Struct("!5I")
_KEYS = {0: "mandatory", 1: "alpn", 2: "no-default-alpn", 3: "port", 4: "ipv4hint", 5: "ech",
         6: "ipv6hint"}  # fmt: skip
"""Parameters of SVCB (RFC 9460 14.3.2)."""

Reader = Callable[[bytes, int, int], str]
"""The text of the record from one offset of its message up to another."""


def data_text(octets: bytes, kind: int, at: int, end: int) -> str:
    """The text of a record of a type; what is not as its type wants is hexadecimal digits."""
    reader = _READERS.get(kind)
    if reader is not None:
        try:
            return reader(octets, at, end)[:DATA_MAX]
        except (Malformed, IndexError):
            pass
    return octets[at : min(end, at + DATA_MAX // 2)].hex()


def _address(octets: bytes, at: int, end: int) -> str:
    """RFC 1035 3.4.1."""
    if end - at != 4:
        raise Malformed
    return f"{octets[at]}.{octets[at + 1]}.{octets[at + 2]}.{octets[at + 3]}"


def _address_v6(octets: bytes, at: int, end: int) -> str:
    """RFC 3596 2.2."""
    if end - at != 16:
        raise Malformed
    return address_text(int.from_bytes(octets[at : at + 8], "big"),
                        int.from_bytes(octets[at + 8 : end], "big"), IPV6)





def _last_name(octets: bytes, at: int, end: int) -> str:
    """The name that ends a record."""
    name, after = name_at(octets, at)
    if after != end:
        raise Malformed
    return name


def _number_and_name(octets: bytes, at: int, end: int) -> str:
    """MX and its like, RFC 1035 3.3.9."""
    return f"{octets[at] << 8 | octets[at + 1]} {_last_name(octets, at + 2, end)}"


def _text(octets: bytes, at: int, end: int) -> str:
    """TXT, RFC 1035 3.3.14: strings, which belong together (RFC 7208 3.3)."""
    strings: list[bytes] = []
    while at < end and len(strings) < STRINGS_MAX:
        after = at + 1 + octets[at]
        if after > end:
            raise Malformed
        strings.append(octets[at + 1 : after])
        at = after
    return _readable(b"".join(strings))


def _readable(octets: bytes) -> str:
    r"""Text whose spaces, dots and quotes are its own; `\DDD` for what is not printable ASCII."""
    text = octets[:DATA_MAX].decode("latin-1")
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if " " <= one <= "~" else f"\\{ord(one):03}" for one in text)


def _service(octets: bytes, at: int, end: int) -> str:
    """SRV, RFC 2782."""
    if end - at < _SRV.size:
        raise Malformed
    priority, weight, port = _SRV.unpack_from(octets, at)
    return f"{priority} {weight} {port} {_last_name(octets, at + _SRV.size, end)}"


def _authority(octets: bytes, at: int, end: int) -> str:
    """SOA, RFC 1035 3.3.13."""
    server, at = name_at(octets, at)
    mailbox, at = name_at(octets, at)
    if end - at != _SOA.size:
        raise Malformed
    return " ".join((server, mailbox, *map(str, _SOA.unpack_from(octets, at))))


def _permission(octets: bytes, at: int, end: int) -> str:
    """CAA, RFC 8659 4.1."""
    flags, after = octets[at], at + 2 + octets[at + 1]
    if after > end:
        raise Malformed
    return f'{flags} {escaped(octets[at + 2 : after])} "{_readable(octets[after:end])}"'


def _binding(octets: bytes, at: int, end: int) -> str:
    """SVCB and HTTPS, RFC 9460 2."""
    priority = octets[at] << 8 | octets[at + 1]
    target, at = name_at(octets, at + 2)
    parts = [str(priority), target]
    while end - at >= 4 and len(parts) < 2 + PARAMETERS_MAX:
        key, size = octets[at] << 8 | octets[at + 1], octets[at + 2] << 8 | octets[at + 3]
        at += 4
        if at + size > end:
            raise Malformed
        name = _KEYS.get(key) or f"key{key}"
        value = _parameter(key, octets[at : at + size])
        parts.append(f"{name}={value}" if value else name)
        at += size
    if at != end and len(parts) < 2 + PARAMETERS_MAX:  # cut, or the name goes beyond the record
        raise Malformed
    return " ".join(parts)


def _parameter(key: int, octets: bytes) -> str:
    """The value of a parameter (RFC 9460 7)."""
    match _KEYS.get(key):
        case "alpn":
            return ",".join(_members(octets))
        case "port" if len(octets) == 2:
            return str(octets[0] << 8 | octets[1])
        case "ipv4hint" if len(octets) % 4 == 0:
            return ",".join(_address(octets, at, at + 4)
                            for at in range(0, min(len(octets), 4 * PARAMETERS_MAX), 4))
        case "ipv6hint" if len(octets) % 16 == 0:
            return ",".join(_address_v6(octets, at, at + 16)
                            for at in range(0, min(len(octets), 16 * PARAMETERS_MAX), 16))
    return octets.hex()


def _members(octets: bytes) -> list[str]:
    """Strings that have their length in front."""
    found: list[str] = []
    at = 0
    while at < len(octets) and len(found) < PARAMETERS_MAX:
        found.append(escaped(octets[at + 1 : at + 1 + octets[at]]))
        at += 1 + octets[at]
    return found


_READERS: dict[int, Reader] = {
    1: _address, 28: _address_v6,
    2: _last_name, 5: _last_name, 12: _last_name, 39: _last_name,  # NS, CNAME, PTR, DNAME
    15: _number_and_name, 18: _number_and_name, 36: _number_and_name,  # MX, AFSDB, KX
    16: _text, 99: _text,  # TXT, SPF
    33: _service, 6: _authority, 257: _permission, 64: _binding, 65: _binding,
}  # fmt: skip
