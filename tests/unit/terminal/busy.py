"""A sensor that has much to do and some trouble, and an alert of it."""

from __future__ import annotations

from sensor.model.alert import Alert
from sensor.model.status import CaptureStatus, InterfaceStatus, RuleStatus, SinkStatus, Status

BUSY = Status(
    1_700_000_000_000_000_000, 3725.0, frames=9, bytes=9, packets=9, anomalies=7, alerts=666,
    capture=CaptureStatus(5_000_000, 1_204, 3),
    interfaces=(InterfaceStatus("eth0", "up"), InterfaceStatus("eth1", "down"),
                InterfaceStatus("eth2", "absent")),
    flows={"accepted": 1_500, "denied": 34, "dropped": 5, "attempted": 6, "unknown": 8},
    flows_total=1_553, flows_open=42, evicted=0,
    rules=(RuleStatus("q", "Quiet Rule", 0, 0, 0, 0), RuleStatus("l", "Loud Rule", 700, 666, 4, 30),
           RuleStatus("m", "Lesser Rule", 3, 2, 0, 1)),
    sinks=(SinkStatus("console", 666, 0, 0, 0, None),
           SinkStatus("syslog tcp://h:601", 600, 11, 4, 55, "connection refused")),
    lag_ns=8_000_000, rss_bytes=85_000_000,
)  # fmt: skip
ALERT = Alert("a", "r", "Some Rule", "high", 73.0, 1_700_000_000_000_000_000, "Some message", {})
