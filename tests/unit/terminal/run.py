"""Alerts of a run by source, and its ledger."""

from __future__ import annotations

from typing import Any

from sensor.model.alert import Alert


def alert_of(source: str, destination: str = "198.51.100.7", port: int = 23) -> Alert:
    document = {"source": {"ip": source}, "destination": {"ip": destination, "port": port}}
    return Alert("a", "r", "name", "low", 21.0, 0, "", document)


def ledger_of(**changes: Any) -> dict[str, Any]:
    ledger: dict[str, Any] = {
        "frames": 5_000_010, "bytes": 1_750_000_000, "packets": 5_000_000,
        "anomalies": {"ipv4_truncated": 4, "tcp_header_truncated": 0, "udp_length": 6},
        "non_ip_frames": 3, "duplicates": 0, "time_backwards": 0,
        "flows": {"total": 200_000, "accepted": 150_000, "denied": 30_000, "dropped": 20_000,
                  "attempted": 0, "unknown": 0, "evicted": 0, "peak": 9},
        "rules": {
            "quiet": {"name": "Quiet Rule", "matches": 0, "alerts": 0},
            "loud": {"name": "Loud Rule", "matches": 700, "alerts": 666, "excepted": 4,
                     "suppressed": 30},
        },
        "sinks": {"console": {"delivered": 666, "dropped": 0, "retried": 0}},
        "inputs": [{"path": "good.pcap", "error": None}],
        "first_packet": "2026-01-02T03:04:05.678901Z", "last_packet": "2026-01-02T04:04:05Z",
        "elapsed_s": 2.0,
    }  # fmt: skip
    return ledger | changes
