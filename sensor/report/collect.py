"""What a run leaves for its report: its alerts, and its flows as columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from sensor.ecs.flow_batch import FlowBatch
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.alert import Alert
from sensor.model.applications import OFFER, TELNET
from sensor.model.columns import Document
from sensor.model.flow import ACCEPTED, FLOW_ENDED
from sensor.model.packets import PROTOCOL_TCP
from sensor.protocols import PROTOCOLS

ALERTS_MAX = 10_000
FLOWS_MAX = 1_000_000
"""Flows whose columns are kept, 88 octets each."""
CONNECTIONS_MAX = 2_000
"""Accepted Telnet connections that are kept whole."""
TELNET_PORTS = next(one.tcp_ports for one in PROTOCOLS if one.name == "telnet")
_MEMBERS = ["orig_hi", "orig_lo", "resp_hi", "resp_lo", "first_ns", "bytes", "payload_bytes",
            "resp_port", "protocol", "ip_version", "verdict", "evidence", "tags",
            "application"]  # fmt: skip


@dataclass
class AlertsOfRun:
    """A sink that keeps the alerts of a run."""

    name: str = "report"
    kept: list[Alert] = field(default_factory=list)
    count: int = 0

    def emit(self, alert: Alert) -> None:
        self.count += 1
        if len(self.kept) < ALERTS_MAX:
            self.kept.append(alert)

    def accounted(self) -> int:
        return self.count


@dataclass
class FlowsOfRun:
    """Stands where the flow file is, and keeps the final records' columns."""

    count: int = 0
    kept: int = 0
    connections: list[Document] = field(default_factory=list)
    """Accepted Telnet connections."""
    connection_count: int = 0
    _parts: list[NDArray[np.void]] = field(default_factory=list)

    def write(self, flows: FlowBatch) -> None:
        """Keep what a report tells of flows."""
        ended = np.flatnonzero(flows.records["action"] == FLOW_ENDED)
        records = flows.records[ended]
        self.count += len(records)
        if room := FLOWS_MAX - self.kept:
            part = repack_fields(records[_MEMBERS][:room])
            self._parts.append(part)
            self.kept += len(part)
        self._keep_connections(flows, ended[_is_connection(records)])

    def _keep_connections(self, flows: FlowBatch, rows: NDArray[np.intp]) -> None:
        self.connection_count += len(rows)
        wanted = rows[: CONNECTIONS_MAX - len(self.connections)]
        if len(wanted):
            self.connections += flows.documents(wanted.tolist())

    def columns(self) -> NDArray[np.void]:
        """One record for each flow that is kept."""
        empty = repack_fields(np.empty(0, FLOW_LAYOUT.dtype)[_MEMBERS])
        return np.concatenate([empty, *self._parts])


def _is_connection(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """The accepted Telnet connections among records."""
    is_telnet = (records["application"] >= TELNET) & (records["application"] < OFFER)
    is_telnet |= np.isin(records["resp_port"], TELNET_PORTS)
    return np.asarray(is_telnet & (records["verdict"] == ACCEPTED)
                      & (records["protocol"] == PROTOCOL_TCP))  # fmt: skip
