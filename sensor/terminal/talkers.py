"""Who the alerts are about: a sink that counts by source and target, for the closing summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sensor.ecs.alert_text import flow_of, host_words
from sensor.ecs.field_text import field as document_field
from sensor.errors import reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice

SOURCES_MAX = 10_000
"""Sources, and targets, that are told apart; alerts of later ones are counted together."""
DESTINATIONS_MAX = 1_000
PORTS_MAX = 100
"""Peers and ports that are told apart for each; beyond them "1000+" is shown."""
ALL_DESTINATIONS_MAX = 100_000
"""Peers of all sources together, or of all targets; beyond them each keeps those that it has."""


@dataclass(slots=True)
class Talker:
    """Counts over the alerts of one source, or of one target."""

    address: str
    """Its address; of a source also the process and host of a document without addresses."""
    alerts: int = 0
    peers: set[str] = field(default_factory=set)
    """The targets of a source, the sources of a target."""
    has_more: bool = False
    """True if there were peers that are not in the set."""
    ports: dict[str, int] = field(default_factory=dict)
    """Alerts by destination port."""


class Ends:
    """Counts alerts by one of their two ends, in bounded memory."""

    def __init__(self) -> None:
        self.overlooked = 0
        """Alerts of addresses beyond `SOURCES_MAX`: in the count, not in the table."""
        self._by_address: dict[str, Talker] = {}
        self._peers = 0

    def add(self, address: str, peer: str, port: str) -> None:
        """Count one alert."""
        talker = self._by_address.get(address)
        if talker is None:
            if len(self._by_address) >= SOURCES_MAX:
                self.overlooked += 1
                return
            talker = self._by_address[address] = Talker(address)
        talker.alerts += 1
        self._note_peer(talker, peer)
        if port and (port in talker.ports or len(talker.ports) < PORTS_MAX):
            talker.ports[port] = talker.ports.get(port, 0) + 1

    def _note_peer(self, talker: Talker, peer: str) -> None:
        if not peer or peer in talker.peers:
            return
        full = self._peers >= ALL_DESTINATIONS_MAX and talker.peers
        if full or len(talker.peers) >= DESTINATIONS_MAX:
            talker.has_more = True
        else:
            talker.peers.add(peer)
            self._peers += 1

    def top(self, count: int) -> list[Talker]:
        """Those with the most alerts, most first; equal ones by their address's text."""
        order = sorted(self._by_address.values(), key=lambda each: (-each.alerts, each.address))
        return order[:count]

    def __len__(self) -> int:
        return len(self._by_address)


class Talkers:
    """Counts alerts by source and by target; a sink that delivers to the summary."""

    def __init__(self) -> None:
        self.name = "talkers"
        self.delivered = self.dropped = self.waiting = self.retried = 0
        self.error: str | None = None
        self.closed = False
        self.sources = Ends()
        self.targets = Ends()

    def emit(self, alert: Alert) -> None:
        if self.closed:
            self.dropped += 1
            return
        try:
            self._count(flow_of(alert.document))
        except Exception as error:  # a sink never raises
            self.dropped += 1
            self.error = f"{self.name}: {reason_of(error)}"
        else:
            self.delivered += 1

    def _count(self, document: Mapping[str, object]) -> None:
        source = document_field(document, "source.ip")
        target = document_field(document, "destination.ip")
        port = document_field(document, "destination.port")
        self.sources.add(source or host_words(document) or "unknown", target, port)
        if target:
            self.targets.add(target, source, port)

    def accounted(self) -> int:
        return self.delivered + self.dropped

    def notify(self, notice: Notice) -> None:
        """Nothing: a notice is about no source."""

    def reopen(self) -> None:
        """Nothing: there is no file."""

    def close(self) -> None:
        self.closed = True
