"""Who the alerts are about: a sink that counts by source, for the closing summary."""

from __future__ import annotations

from dataclasses import dataclass, field

from sensor.ecs.alert_text import field as document_field
from sensor.ecs.alert_text import host_words
from sensor.errors import reason_of
from sensor.model.alert import Alert
from sensor.model.columns import Document
from sensor.model.status import Notice

SOURCES_MAX = 10_000
"""Sources that are told apart; alerts of later ones are counted together."""
DESTINATIONS_MAX = 1_000
PORTS_MAX = 100
"""Destinations and ports that are told apart per source; beyond them "1000+" is shown."""
ALL_DESTINATIONS_MAX = 100_000
"""Destinations of all sources together; beyond them each source keeps those that it has."""


@dataclass(slots=True)
class Talker:
    """Counts over the alerts of one source."""

    source: str
    """Its address, or the process and host of a document without addresses."""
    alerts: int = 0
    destinations: set[str] = field(default_factory=set)
    has_more: bool = False
    """True if there were destinations that are not in the set."""
    ports: dict[str, int] = field(default_factory=dict)
    """Alerts by destination port."""


class Talkers:
    """Counts alerts by source in bounded memory; a sink that delivers to the summary."""

    def __init__(self) -> None:
        self.name = "talkers"
        self.delivered = self.dropped = self.waiting = self.retried = 0
        self.error: str | None = None
        self.closed = False
        self.overlooked = 0
        """Alerts of sources beyond `SOURCES_MAX`: in the count, not in the table."""
        self._by_source: dict[str, Talker] = {}
        self._destinations = 0

    def emit(self, alert: Alert) -> None:
        if self.closed:
            self.dropped += 1
            return
        try:
            self._count(alert.document)
        except Exception as error:  # a sink never raises
            self.dropped += 1
            self.error = f"{self.name}: {reason_of(error)}"
        else:
            self.delivered += 1

    def _count(self, document: Document) -> None:
        source = document_field(document, "source", "ip") or host_words(document) or "unknown"
        talker = self._by_source.get(source)
        if talker is None:
            if len(self._by_source) >= SOURCES_MAX:
                self.overlooked += 1
                return
            talker = self._by_source[source] = Talker(source)
        talker.alerts += 1
        destination = document_field(document, "destination", "ip")
        self._note_destination(talker, destination)
        port = document_field(document, "destination", "port")
        if port and (port in talker.ports or len(talker.ports) < PORTS_MAX):
            talker.ports[port] = talker.ports.get(port, 0) + 1

    def accounted(self) -> int:
        return self.delivered + self.dropped

    def notify(self, notice: Notice) -> None:
        """Nothing: a notice is about no source."""

    def reopen(self) -> None:
        """Nothing: there is no file."""

    def _note_destination(self, talker: Talker, destination: str) -> None:
        if not destination or destination in talker.destinations:
            return
        full = self._destinations >= ALL_DESTINATIONS_MAX and talker.destinations
        if full or len(talker.destinations) >= DESTINATIONS_MAX:
            talker.has_more = True
        else:
            talker.destinations.add(destination)
            self._destinations += 1

    def close(self) -> None:
        self.closed = True

    def top(self, count: int) -> list[Talker]:
        """The sources with the most alerts, most first; equal ones by their address's text."""
        order = sorted(self._by_source.values(), key=lambda talker: (-talker.alerts, talker.source))
        return order[:count]

    def __len__(self) -> int:
        return len(self._by_source)
