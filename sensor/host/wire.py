"""Messages between the helper and the sensor: one JSON object for each message.

    helper -> sensor   {"hello": {...}}       this machine, its addresses, what it cannot see
                       {"start": process, "ns": time}     {"end": process, "ns": time, "code": n}
                       {"answer": number, "process": process or null}
                       {"lost": n}            news that never reached the sensor
    sensor -> helper   {"ask": number, "protocol": 6, "local": [ip, port], "remote": [ip, port]}

The socket keeps messages apart (SOCK_SEQPACKET). Neither side believes the other's shape: what does
not fit is refused as a whole. The texts in it come from processes and are data.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from typing import Any

import orjson

from sensor.host.sock_diag import PROTOCOLS, Ends
from sensor.model.processes import ARGS_MAX, TEXT_MAX, Machine, Process, clean

MESSAGE_MAX = 512 * 1024
"""Octets of a message; a process with all its arguments fits."""
QUERY_MAX = 512
NUMBER_MAX = 1 << 62

_PLAIN = Process()
_TYPES = {field.name: type(getattr(_PLAIN, field.name)) for field in dataclasses.fields(Process)}
_LISTS = ("args", "gaps")
_ENTITY = re.compile(r"[0-9a-f]{0,64}")


Message = dict[str, object]
"""A JSON object."""


class MessageError(ValueError):
    """A message that is not one of these."""


def pack(message: Message) -> bytes:
    """A message as octets."""
    return orjson.dumps(message)


def unpack(octets: bytes, most: int = MESSAGE_MAX) -> Message:
    """The object in a message. Errors: MessageError."""
    if len(octets) > most:
        raise MessageError(f"a message of {len(octets)} octets")
    try:
        message = orjson.loads(octets)
    except ValueError as error:
        raise MessageError(f"no JSON: {error}") from None
    if not isinstance(message, dict):
        raise MessageError("no object")
    return message


def process_to(process: Process) -> Message:
    """Return a process as a message has it, without the machine, which the hello names."""
    return {
        name: [clean(text) for text in value] if name in _LISTS
        else clean(value) if isinstance(value, str) else value
        for name in _TYPES
        if name != "machine" and (value := getattr(process, name)) != getattr(_PLAIN, name)
    }  # fmt: skip


def process_from(sent: object, machine: Machine) -> Process:
    """The process in a message. Errors: MessageError."""
    if not isinstance(sent, dict):
        raise MessageError("no process")
    members: dict[str, Any] = {}
    for name, value in sent.items():
        wanted = _TYPES.get(name)
        if name in _LISTS:
            if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
                raise MessageError(f"{name}: no list of texts")
            members[name] = tuple(text[:TEXT_MAX] for text in value[:ARGS_MAX])
        elif wanted is int and type(value) is int and abs(value) < NUMBER_MAX:
            members[name] = value
        elif wanted is str and isinstance(value, str):
            members[name] = value[:TEXT_MAX]
        else:
            raise MessageError(f"{name[:40]}: not of a process")
    if not _ENTITY.fullmatch(members.get("entity_id", "")):
        raise MessageError("entity_id: no digest")
    return Process(**members, machine=machine)


def machine_from(hello: object) -> tuple[Machine, tuple[int, ...], tuple[str, ...]]:
    """The machine, its addresses (128 bits, IPv4 mapped) and notices. Errors: MessageError."""
    if not isinstance(hello, dict):
        raise MessageError("no hello")
    machine = Machine(*(_text(hello, name) for name in ("id", "hostname", "os")))
    listed, notices = hello.get("addresses"), hello.get("notices")
    if not isinstance(listed, list) or not isinstance(notices, list):
        raise MessageError("hello: no lists")
    try:
        addresses = tuple(number_of(ipaddress.ip_address(text)) for text in listed)
    except ValueError as error:
        raise MessageError(f"hello: {error}") from None
    return machine, addresses, tuple(str(text)[:TEXT_MAX] for text in notices)


def query_to(number: int, ends: Ends) -> Message:
    """The question whose a connection is."""
    return {"ask": number, "protocol": ends.protocol,
            "local": [str(ends.local), ends.local_port],
            "remote": [str(ends.remote), ends.remote_port]}  # fmt: skip


def query_from(message: Message) -> tuple[int, Ends]:
    """The number of a question, and the connection. Errors: MessageError."""
    number, protocol = message.get("ask"), message.get("protocol")
    if type(number) is not int or not 0 <= number < NUMBER_MAX:
        raise MessageError("no question")
    if type(protocol) is not int or protocol not in PROTOCOLS:  # 6.0 is in it too
        raise MessageError("no question")
    local, local_port = _end(message.get("local"))
    remote, remote_port = _end(message.get("remote"))
    if local.version != remote.version:
        raise MessageError("addresses of two families")
    return number, Ends(protocol, local, local_port, remote, remote_port)


def number_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """An address as 128 bits, IPv4 as ::ffff:a.b.c.d."""
    return int(address) | (0xFFFF << 32 if address.version == 4 else 0)


def _end(sent: object) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    if not isinstance(sent, list) or len(sent) != 2:
        raise MessageError("no address and port")
    text, port = sent
    if not isinstance(text, str) or type(port) is not int or not 0 <= port <= 0xFFFF:
        raise MessageError("no address and port")
    try:
        return ipaddress.ip_address(text), port
    except ValueError as error:
        raise MessageError(str(error)) from None


def _text(hello: Message, name: str) -> str:
    value = hello.get(name, "")
    if not isinstance(value, str):
        raise MessageError(f"hello: {name}")
    return value[:TEXT_MAX]
