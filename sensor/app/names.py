"""The names of addresses, as answers of DNS in a run gave them."""

from __future__ import annotations

from typing import NamedTuple

from sensor.base.escape import harmless
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.field_text import value_at
from sensor.model.columns import Document

NAMES_MAX = 10_000
"""Addresses that have names, those of the newest answers: 4 MB, at most 20 MB."""
NAMES_EACH_MAX = 4
"""Names of one address, the newest ones."""
NAME_CHARACTERS_MAX = 255


class _Given(NamedTuple):
    """A name, and the time of the answer that gave it first, as documents have times."""

    at: str
    name: str


class Names:
    """Stands where the file of protocol events is, and keeps the names of addresses.

    A name is the one that was asked for, also where aliases (CNAME) lead from it to the address. It
    is what the wire said: whoever answers may give any address any name.
    """

    def __init__(self) -> None:
        self._given: dict[str, list[_Given]] = {}

    def write(self, events: EventBatch) -> None:
        """Keep what answers of DNS to a query that was seen tell."""
        for document in events.documents:
            if value_at(document, "event.action") == "dns_query":
                self._keep(document)

    def name_of(self, address: str, until: str) -> str:
        """The newest name that an answer had given the address until then, harmless; or "".

        `until` is a time as documents have it.
        """
        names = [given.name for given in self._given.get(address, ()) if given.at <= until]
        return names[-1] if names else ""

    def _keep(self, document: Document) -> None:
        question = value_at(document, "dns.question.name")
        if not question:
            return
        name = harmless(str(question).lower())[:NAME_CHARACTERS_MAX]
        at = str(document["@timestamp"])
        for address in _addresses_of(document, str(question)):
            names = self._given.pop(address, [])
            if not names or names[-1].name != name:
                names = [*names, _Given(at, name)][-NAMES_EACH_MAX:]
            self._given[address] = names
            if len(self._given) > NAMES_MAX:
                del self._given[next(iter(self._given))]


def _addresses_of(document: Document, question: str) -> list[str]:
    """The addresses of a name in an answer: its own, or those at the end of its aliases."""
    records = [(str(one.get("name")).lower(), one.get("type"), str(one.get("data")))
               for one in value_at(document, "dns.answers") or ()]  # fmt: skip
    aliases = {name: data.lower() for name, kind, data in records if kind == "CNAME"}
    owner, owners = question.lower(), set()
    while owner not in owners:  # aliases can lead in a circle
        owners.add(owner)
        owner = aliases.get(owner, owner)
    return [data for name, kind, data in records if kind in ("A", "AAAA") and name in owners]
