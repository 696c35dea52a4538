"""What evidence is asked for: flows by their names, and the alerts that are about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sensor.base.escape import harmless
from sensor.model.alert import Alert
from sensor.model.columns import Document
from sensor.query.document_rows import values_at

ID = re.compile(r"[0-9a-f]{32}")
COMMUNITY_ID = re.compile(r"1:[A-Za-z0-9+/]{27}=")
TEXT_MAX = 1024
"""Characters of a text out of an alert."""


@dataclass(frozen=True, slots=True)
class AlertNote:
    """An alert as evidence names it."""

    id: str
    rule_id: str
    rule_name: str
    time: str
    message: str


@dataclass
class Request:
    """The flows that evidence is asked for: ids and Community IDs, with the alerts about each."""

    flows: dict[str, list[AlertNote]] = field(default_factory=dict)
    unnamed: int = 0
    """Alerts that name no flow: thresholds, and the closing alert of a limit."""

    def add_names(self, names: Iterable[str]) -> None:
        """Ask for flows about which there is no alert."""
        for name in names:
            self.flows.setdefault(name, [])

    def add_alert(self, document: Document) -> None:
        """Ask for the flows of an alert: its event's, or those of all events of a sequence."""
        names = flows_of(document)
        note = note_of(document)
        for name in names:
            self.flows.setdefault(name, []).append(note)
        self.unnamed += not names


class AlertedFlows:
    """A sink that asks for the flows of all alerts, or of those of some rules."""

    name = "evidence"

    def __init__(self, rules: Iterable[str] = ()) -> None:
        self.request = Request()
        self._rules = frozenset(rules)
        self._taken = 0

    def emit(self, alert: Alert) -> None:
        self._taken += 1
        if not self._rules or alert.rule_id in self._rules:
            self.request.add_alert(alert.document)

    def accounted(self) -> int:
        return self._taken


def flows_of(document: Document) -> list[str]:
    """The ids of the flows that an alert is about, each once."""
    names = [*values_at(document, "flow.id"), *values_at(document, "sensor.alert.events.flow.id")]
    if not any(map(is_name, names)):
        names = [*values_at(document, "network.community_id"),
                 *values_at(document, "sensor.alert.events.network.community_id")]
    return list(dict.fromkeys(name for name in names if is_name(name)))


def is_name(value: object) -> bool:
    """True if a value has the form of a flow's id or of a Community ID."""
    return isinstance(value, str) and bool(ID.fullmatch(value) or COMMUNITY_ID.fullmatch(value))


def note_of(document: Document) -> AlertNote:
    """An alert in short."""
    def first(name: str) -> str:
        value = next(iter(values_at(document, name)), "")
        return harmless(value[:TEXT_MAX]) if isinstance(value, str) else ""

    return AlertNote(first("sensor.alert.id"), first("rule.id"), first("rule.name"),
                     first("@timestamp"), first("message"))
