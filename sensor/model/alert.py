"""Alert: what leaves the sensor when a rule matches."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from sensor.base.escape import harmless
from sensor.model.columns import Document

SEVERITIES = {"low": 21, "medium": 47, "high": 73, "critical": 99}
"""Severity and the `event.severity` number that stands for it."""


@dataclass(frozen=True, slots=True, repr=False)
class Alert:
    """One match of one rule, self-contained: no reference to a batch, a rule or the table."""

    id: str
    """The same for the same capture and rule (`sensor.alert.id`)."""
    rule_id: str
    rule_name: str
    severity: str
    """`low`, `medium`, `high` or `critical`."""
    risk_score: float
    time_ns: int
    """`@timestamp` of the event that matched, nanoseconds since 1970 UTC."""
    message: str
    """One line for people; free of control characters."""
    document: Document
    """The whole ECS document (docs/fields.md)."""

    def __repr__(self) -> str:
        return f"<Alert {self.document.get('@timestamp', '')} {self.severity}: {self.message}>"

    def _repr_html_(self) -> str:
        """The alert as a notebook shows it."""
        rows = (("time", self.document.get("@timestamp", "")), ("rule", self.rule_name),
                ("severity", f"{self.severity} ({self.risk_score:g})"), ("", self.message))
        cells = "".join(f"<tr><th>{name}</th><td>{escape(harmless(str(value)))}</td></tr>"
                        for name, value in rows)
        return f"<table>{cells}</table>"
