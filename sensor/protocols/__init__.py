"""The protocols that are analyzed: a line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from sensor.model.applications import HTTP, OFFER_CLIENT, SSH, TELNET
from sensor.protocols.analyzer import Analyzer
from sensor.protocols.secrets import Secrets
from sensor.protocols.ssh.analyzer import SshAnalyzer
from sensor.protocols.telnet.analyzer import TelnetAnalyzer


@dataclass(frozen=True, slots=True)
class AnalyzedProtocol:
    """A protocol: how its flows are found, and who reads them."""

    name: str
    """As in `network.protocol`, and in `event.dataset` behind `network_traffic.`."""
    applications: tuple[int, ...]
    """Codes in model/applications.py that tell of it."""
    make: Callable[[Secrets], Analyzer]
    through: tuple[int, ...] = ()
    """Applications behind whose first octets it may begin, on those ports: a proxy's."""
    tcp_ports: tuple[int, ...] = ()
    """Ports on which its flows are looked for though their first octets prove nothing."""
    udp_ports: tuple[int, ...] = ()
    octets_max: int = 1 << 20
    """Octets of a direction that an analyzer sees at most."""


PROTOCOLS = (
    AnalyzedProtocol("ssh", (SSH,), SshAnalyzer, tcp_ports=(22,), octets_max=32 * 1024),
    AnalyzedProtocol("telnet", (*range(TELNET, OFFER_CLIENT + 1),), TelnetAnalyzer, (HTTP,),
                     tcp_ports=(23, 2323), octets_max=64 * 1024 * 1024),
)
TRANSCRIBED = tuple(
    replace(one, make=partial(TelnetAnalyzer, transcribe=True)) if one.name == "telnet" else one
    for one in PROTOCOLS
)
"""The same; the events of sessions have `telnet.transcript`."""
