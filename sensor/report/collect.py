"""What a run leaves for its report: its alerts, and its flows as columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensor.app.flow_columns import FlowColumns
from sensor.ecs.flow_batch import FlowBatch
from sensor.model.alert import Alert
from sensor.model.applications import OFFER, TELNET
from sensor.model.columns import Document
from sensor.model.flow import ACCEPTED, FLOW_ENDED
from sensor.model.packets import PROTOCOL_TCP
from sensor.protocols import TELNET_PORTS

ALERTS_MAX = 10_000
CONNECTIONS_MAX = 2_000
"""Accepted Telnet connections that are kept whole."""


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

    columns: FlowColumns = field(default_factory=FlowColumns)
    connections: list[Document] = field(default_factory=list)
    """Accepted Telnet connections."""
    connection_count: int = 0

    def write(self, flows: FlowBatch) -> None:
        """Keep what a report tells of flows."""
        self.columns.write(flows)
        ended = np.flatnonzero(flows.records["action"] == FLOW_ENDED)
        self._keep_connections(flows, ended[_is_connection(flows.records[ended])])

    def _keep_connections(self, flows: FlowBatch, rows: NDArray[np.intp]) -> None:
        self.connection_count += len(rows)
        wanted = rows[: CONNECTIONS_MAX - len(self.connections)]
        if len(wanted):
            self.connections += flows.documents(wanted.tolist())


def _is_connection(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """The accepted Telnet connections among records."""
    is_telnet = (records["application"] >= TELNET) & (records["application"] < OFFER)
    is_telnet |= np.isin(records["resp_port"], TELNET_PORTS)
    return np.asarray(is_telnet & (records["verdict"] == ACCEPTED)
                      & (records["protocol"] == PROTOCOL_TCP))  # fmt: skip
