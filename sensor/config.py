"""Every setting and every limit, with unit and default; TOML and command line fill it."""

from __future__ import annotations

from dataclasses import dataclass, field

SECOND_NS = 1_000_000_000

INTERNAL_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
"""RFC 1918, RFC 4193, link-local, loopback: what counts as inside for `network.direction`."""


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """Timeouts of the flow table, nanoseconds of packet time, and its size."""

    tcp_attempt_timeout_ns: int = 30 * SECOND_NS
    tcp_idle_timeout_ns: int = 300 * SECOND_NS
    tcp_closed_timeout_ns: int = 5 * SECOND_NS
    udp_timeout_ns: int = 60 * SECOND_NS
    icmp_timeout_ns: int = 60 * SECOND_NS
    other_timeout_ns: int = 60 * SECOND_NS
    active_timeout_ns: int = 0
    """A flow open for this long gives an intermediate record; 0: never."""
    verdict_wait_ns: int = SECOND_NS
    """How long a silent handshake may still be vetoed by a RST of the responder."""
    duplicate_window_ns: int = SECOND_NS // 100
    """How far apart two copies of one packet may be."""
    flows_max: int = 1_000_000
    """Flows in the table; above it flows are evicted, unanswered attempts first."""


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """Bounds on what rules may hold or say."""

    max_signals: int = 100
    """Alerts of one rule in one window, where the rule names no number of its own."""
    signal_window_ns: int = 300 * SECOND_NS
    suppression_keys_max: int = 100_000
    """Groups that a suppression remembers per rule; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class SinkLimits:
    """Bounds on what sinks hold or send."""

    syslog_message_bytes: int = 2048
    """A syslog datagram is cut here, on a character border (RFC 5424 6.1)."""
    syslog_timeout_s: float = 5.0
    """How long connecting or writing to a syslog server may take."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one run."""

    flow: FlowLimits = field(default_factory=FlowLimits)
    rule: RuleLimits = field(default_factory=RuleLimits)
    sink: SinkLimits = field(default_factory=SinkLimits)
    internal: tuple[str, ...] = INTERNAL_NETWORKS
    accept_on: str = "handshake"
    """`handshake` or `data`: when a TCP connection counts as accepted."""
    key_vlan: bool = False
    """Whether VLAN ids separate flows."""
    duplicates: bool = True
    """Whether copies of a packet (mirror ports) are recognised and counted once."""
    strict_external: bool = False
    """Whether rules that test for external networks also except the IANA special-purpose ranges
    that their lists lack."""
