"""Wireshark's display filters for a flow: by what it is, and by the numbers of its frames."""

from __future__ import annotations

from collections.abc import Sequence

from sensor.ecs.field_text import value_at
from sensor.evidence.flow_file import STRETCHES_MAX, Numbers
from sensor.memory.records import RecordArray
from sensor.model.addresses import address_text
from sensor.model.columns import Document
from sensor.model.packets import (
    PROTOCOL_DCCP,
    PROTOCOL_ICMP,
    PROTOCOL_ICMPV6,
    PROTOCOL_SCTP,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    PROTOCOL_UDP_LITE,
)

PORT_FIELDS = {
    PROTOCOL_TCP: "tcp.port", PROTOCOL_UDP: "udp.port", PROTOCOL_DCCP: "dccp.port",
    PROTOCOL_SCTP: "sctp.port", PROTOCOL_UDP_LITE: "udp.port",
}  # fmt: skip
NO_PROTOCOL = -1


def flow_filter(record: RecordArray, first_ns: int, last_ns: int) -> str:
    """The packets with the addresses, ports and times of a flow (a record array of length 1)."""
    version, protocol = int(record["ip_version"][0]), int(record["protocol"][0])
    addresses = [
        address_text(int(record[f"{end}_hi"][0]), int(record[f"{end}_lo"][0]), version)
        for end in ("orig", "resp")
    ]
    ports = [int(record[f"{end}_port"][0]) for end in ("orig", "resp")]
    return " && ".join((*_tests(protocol, addresses, ports),
                        f"frame.time_epoch >= {_seconds(first_ns)}",
                        f"frame.time_epoch <= {_seconds(last_ns)}"))


def document_filter(document: Document) -> str:
    """The packets with the addresses and ports of a flow's document, whenever; "" without them."""
    source, server = (value_at(document, side) or {} for side in ("source", "destination"))
    protocol = int(value_at(document, "network.iana_number") or NO_PROTOCOL)
    addresses = [str(end["ip"]) for end in (source, server) if "ip" in end]
    ports = [int(end["port"]) for end in (source, server) if "port" in end]
    return " && ".join(_tests(protocol, addresses, ports)) if addresses else ""


def _tests(protocol: int, addresses: Sequence[str], ports: Sequence[int]) -> list[str]:
    """What a packet must have: addresses, and ports where the protocol has them."""
    is_v6 = ":" in addresses[0]
    tests = [f"{'ipv6' if is_v6 else 'ip'}.addr == {address}" for address in addresses]
    if protocol in PORT_FIELDS:
        tests += [f"{PORT_FIELDS[protocol]} == {port}" for port in ports]
    elif protocol in (PROTOCOL_ICMP, PROTOCOL_ICMPV6):
        tests.append("icmp" if protocol == PROTOCOL_ICMP else "icmpv6")
    elif protocol != NO_PROTOCOL:
        tests.append(f"{'ipv6.nxt' if is_v6 else 'ip.proto'} == {protocol}")
    return tests


def _seconds(time_ns: int) -> str:
    return f"{time_ns // 10**9}.{time_ns % 10**9:09d}"


def frame_filter(numbers: Numbers) -> str | None:
    """Exactly these frames of their source; None if they are in too many pieces."""
    if len(numbers) > STRETCHES_MAX:
        return None
    return f"frame.number in {{{numbers.text('..')}}}"
