"""An alert about a telnet flow, and the lines that the documentation shows for it."""

from __future__ import annotations

from typing import Any

from sensor.model.alert import Alert

TIME_NS = 1_767_323_045_678_901_234
"""2026-01-02T03:04:05.678901234Z, by `date -u -d 2026-01-02T03:04:05Z +%s` = 1767323045."""


def alert_of(document: dict[str, Any], **changes: Any) -> Alert:
    fields = {
        "id": "a1", "rule_id": "r1", "rule_name": "Accepted Default Telnet Port Connection",
        "severity": "medium", "risk_score": 47.0, "time_ns": TIME_NS, "message": "A message",
        "document": document,
    }  # fmt: skip
    return Alert(**(fields | changes))


TELNET = {
    "source": {"ip": "192.0.2.10", "port": 50432},
    "destination": {"ip": "198.51.100.7", "port": 23},
    "network": {
        "transport": "tcp",
        "direction": "outbound",
        "community_id": "1:wCb3OG7yAFWelaUydu0D+125CLM=",
    },
    "sensor": {"flow": {"verdict": "accepted", "evidence": "handshake"}},
}
DOCUMENTED = """\
2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default Telnet Port Connection
    192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  \
1:wCb3OG7yAFWelaUydu0D+125CLM="""
