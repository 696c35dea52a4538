"""The connections that a server opened after a session, with names and what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sensor.app.contacts import Contact, Target
from sensor.app.exchanges import Exchange, Exchanges
from sensor.app.names import Names
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.text import time_text
from sensor.model.addresses import address_text, endpoint_text


@dataclass(frozen=True, slots=True)
class Opened:
    """All that one server opened to one target; text from outside is harmless."""

    target: str
    """Address and port."""
    name: str
    """The target's name in DNS; empty if none was seen before."""
    exchanges: Sequence[Exchange]

    @property
    def words(self) -> str:
        """`198.51.100.77:80 (bins.example.net)`."""
        return f"{self.target} ({self.name})" if self.name else self.target


@dataclass(frozen=True, slots=True)
class SaidInRun:
    """Hears the protocol events of a run, and knows names and exchanges."""

    names: Names = field(default_factory=Names)
    exchanges: Exchanges = field(default_factory=Exchanges)

    def write(self, events: EventBatch) -> None:
        """Keep what they tell."""
        self.names.write(events)
        self.exchanges.write(events)

    def opened(self, contact: Contact, targets: Sequence[Target], time_ns: int) -> list[Opened]:
        """What the server of a contact opened after that time."""
        exchanges = self.exchanges.after(address_text(*contact.server), time_text(time_ns))
        return [
            Opened(target.text, self.names.name_of(target.address, time_text(target.first_ns)),
                   [one for one in exchanges if one.target == target.text])
            for target in targets
        ]

    def ends(self, contact: Contact, until: str) -> str:
        """`192.0.2.1:4711 -> 192.0.2.2:23 (web.example.net)`: with the names known until then."""
        source, port, server, server_port = contact
        return f"{self._end(source, port, until)} -> {self._end(server, server_port, until)}"

    def in_flow(self, contact: Contact, flow_id: str) -> list[Exchange]:
        """The exchanges of a connection."""
        return self.exchanges.of_flow(address_text(*contact.source), flow_id)

    def _end(self, halves: tuple[int, int, int], port: int, until: str) -> str:
        address = address_text(*halves)
        name = self.names.name_of(address, until)
        end = endpoint_text(address, port)
        return f"{end} ({name})" if name else end
