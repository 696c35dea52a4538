"""Wireshark's display filters for a flow: by what it is, and by the numbers of its frames."""

from __future__ import annotations

from sensor.evidence.flow_file import STRETCHES_MAX, Numbers
from sensor.memory.records import RecordArray
from sensor.model.addresses import address_text
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


def flow_filter(record: RecordArray, first_ns: int, last_ns: int) -> str:
    """The packets with the addresses, ports and times of a flow (a record array of length 1)."""
    version, protocol = int(record["ip_version"][0]), int(record["protocol"][0])
    address = "ip.addr" if version == 4 else "ipv6.addr"
    tests = []
    for end in ("orig", "resp"):
        hi, lo = int(record[f"{end}_hi"][0]), int(record[f"{end}_lo"][0])
        tests.append(f"{address} == {address_text(hi, lo, version)}")
    if protocol in PORT_FIELDS:
        tests += [f"{PORT_FIELDS[protocol]} == {int(record[f'{end}_port'][0])}"
                  for end in ("orig", "resp")]
    elif protocol in (PROTOCOL_ICMP, PROTOCOL_ICMPV6):
        tests.append("icmp" if protocol == PROTOCOL_ICMP else "icmpv6")
    else:
        tests.append(f"{'ip.proto' if version == 4 else 'ipv6.nxt'} == {protocol}")
    tests += [f"frame.time_epoch >= {_seconds(first_ns)}",
              f"frame.time_epoch <= {_seconds(last_ns)}"]
    return " && ".join(tests)


def _seconds(time_ns: int) -> str:
    return f"{time_ns // 10**9}.{time_ns % 10**9:09d}"


def frame_filter(numbers: Numbers) -> str | None:
    """Exactly these frames of their source; None if they are in too many pieces."""
    if len(numbers) > STRETCHES_MAX:
        return None
    return f"frame.number in {{{numbers.text('..')}}}"
