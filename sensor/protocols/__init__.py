"""The protocols that are analyzed: a line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensor.model.applications import SSH
from sensor.protocols.analyzer import Analyzer
from sensor.protocols.ssh.analyzer import SshAnalyzer


@dataclass(frozen=True, slots=True)
class AnalyzedProtocol:
    """A protocol: how its flows are found, and who reads them."""

    name: str
    """As in `network.protocol`, and in `event.dataset` behind `network_traffic.`."""
    application: int
    """Its code in model/applications.py."""
    make: Callable[[], Analyzer]
    tcp_ports: tuple[int, ...] = ()
    """Ports on which its flows are looked for though their first octets prove nothing."""
    udp_ports: tuple[int, ...] = ()
    octets_max: int = 1 << 20
    """Octets of a direction that an analyzer sees at most."""


PROTOCOLS = (
    AnalyzedProtocol("ssh", SSH, SshAnalyzer, tcp_ports=(22,), octets_max=32 * 1024),
)
