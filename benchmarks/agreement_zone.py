"""Records of DNS from tshark's fields, in the form that docs/dns.md promises for the sensor's."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.agreement_tables import CLASSES, OPCODES, RCODES, TYPES, names

Fields = dict[str, str]
Items = list[tuple[str, str]]
ROOT = "<Root>"
_OTHERWISE = {"*": "ANY", "NULL RR": "NULL", "Unused": "TYPE0"}


def type_of(code: str | None) -> str | None:
    """The name of a type by its number."""
    if code is None:
        return None
    name = names(TYPES).get(int(code))
    return _OTHERWISE.get(name, name) if name else f"TYPE{code}"


def class_of(code: str | None, *, is_mdns: bool) -> str | None:
    """The name of a class, in mDNS without the bit that has another meaning (RFC 6762 10.2)."""
    if code is None:
        return None
    number = int(code, 0) & (0x7FFF if is_mdns else 0xFFFF)
    return names(CLASSES).get(number, f"CLASS{number}")


def opcode(code: int) -> str:
    """The name of a kind of message."""
    return names(OPCODES).get(code, str(code))


def rcode(code: int) -> str:
    """The name of a response code."""
    return names(RCODES).get(code, str(code))


def record_text(fields: Fields, items: Items) -> tuple[str, object]:
    """The type of a record and its data; of types that are told in hex, how many octets."""
    kind = type_of(fields.get("dns.resp.type")) or ""
    maker = _MAKERS.get(kind)
    if maker is None or "_ws.malformed" in fields:
        return kind, int(fields.get("dns.resp.len", 0))
    return kind, maker(fields, items).replace(ROOT, ".")


def _one(name: str) -> Callable[[Fields, Items], str]:
    return lambda fields, items: fields.get(name, "?")


def _joined(*wanted: str) -> Callable[[Fields, Items], str]:
    return lambda fields, items: " ".join(fields.get(name, "?") for name in wanted)


def _text(fields: Fields, items: Items) -> str:
    return "".join(value for name, value in items if name in ("dns.txt", "dns.spf"))


def _permission(fields: Fields, items: Items) -> str:
    tag = next((value for name, value in items if name.startswith("dns.caa.tag")
                and not name.endswith("length")), "?")  # fmt: skip
    return f'{int(fields["dns.caa.flags"], 0)} {tag} "{fields.get("dns.caa.value", "")}"'


_KEYS = {"0": "mandatory", "1": "alpn", "2": "no-default-alpn", "3": "port", "4": "ipv4hint",
         "5": "ech", "6": "ipv6hint"}  # fmt: skip
_VALUES = ("dns.svcb.svcparam.alpn", "dns.svcb.svcparam.port", "dns.svcb.svcparam.ipv4hint.ip",
           "dns.svcb.svcparam.ipv6hint.ip")  # fmt: skip


def _binding(fields: Fields, items: Items) -> str:
    parts = [fields["dns.svcb.svcpriority"], fields["dns.svcb.targetname"]]
    values: list[list[str]] = []
    for name, value in items:
        if name == "dns.svcb.svcparam.key":
            parts.append(_KEYS.get(value, f"key{value}"))
            values.append([])
        elif name in _VALUES:
            values[-1].append(value)
    told = [f"{key}={','.join(value)}" if value else key
            for key, value in zip(parts[2:], values, strict=True)]  # fmt: skip
    return " ".join([*parts[:2], *told])


_MAKERS: dict[str, Callable[[Fields, Items], str]] = {
    "A": _one("dns.a"), "AAAA": _one("dns.aaaa"), "NS": _one("dns.ns"), "CNAME": _one("dns.cname"),
    "PTR": _one("dns.ptr.domain_name"), "DNAME": _one("dns.dname"),
    "MX": _joined("dns.mx.preference", "dns.mx.mail_exchange"),
    "AFSDB": _joined("dns.afsdb.subtype", "dns.afsdb.hostname"),
    "SRV": _joined("dns.srv.priority", "dns.srv.weight", "dns.srv.port", "dns.srv.target"),
    "SOA": _joined("dns.soa.mname", "dns.soa.rname", "dns.soa.serial_number",
                   "dns.soa.refresh_interval", "dns.soa.retry_interval",
                   "dns.soa.expire_limit", "dns.soa.minimum_ttl"),
    "TXT": _text, "SPF": _text, "CAA": _permission, "SVCB": _binding, "HTTPS": _binding,
}  # fmt: skip
