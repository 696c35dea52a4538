"""What else the two ends of a connection did: looked up among the flows of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.alert_text import endpoint
from sensor.ecs.field_text import value_at
from sensor.model.addresses import address_halves, address_text
from sensor.model.columns import Document
from sensor.model.flow import ACCEPTED, ATTEMPTED, DENIED, DROPPED, UNKNOWN

VERDICT_WORDS = {ACCEPTED: "accepted", DENIED: "refused", DROPPED: "unanswered",
                 ATTEMPTED: "half open", UNKNOWN: "undecided"}  # fmt: skip


class Contact(NamedTuple):
    """Who spoke to whom: addresses as two halves and an IP version, and ports."""

    source: tuple[int, int, int]
    source_port: int
    server: tuple[int, int, int]
    port: int


def contact_of(document: Document) -> Contact | None:
    """The ends that a document names; None where it names none, or not as a flow's does."""
    found: list[Any] = []
    for side in ("source", "destination"):
        address, port = value_at(document, f"{side}.ip"), value_at(document, f"{side}.port")
        if not isinstance(address, str) or not isinstance(port, int):
            return None
        try:
            hi, lo = address_halves(address)
        except ValueError:
            return None
        found += [(hi, lo, 6 if ":" in address else 4), port]
    return Contact(*found)


class Target(NamedTuple):
    """An address and port to which a host opened connections."""

    text: str
    """`192.0.2.1:80`."""
    address: str
    first_ns: int
    """Of the first of them."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run shows of a connection and around it."""

    record: Any
    """Its final record; None if it is not known or not sure which it is."""
    before: str
    """What its source had tried until then, in words."""
    after: Sequence[Target]
    """The targets of connections that its server opened later, and that were accepted."""


def surroundings(flows: NDArray[np.void], contact: Contact, time_ns: int) -> Surroundings:
    """Look at the flows around a connection that was there at a time."""
    record = record_of(flows, contact, time_ns)
    start_ns = time_ns if record is None else int(record["first_ns"])
    return Surroundings(record, tried_before(flows, contact, start_ns),
                        opened_after(flows, contact, time_ns))


def record_of(flows: NDArray[np.void], contact: Contact, time_ns: int) -> Any:
    """The final record of the connection that was there at a time; None if that is unclear."""
    mine = flows[_is_of(flows, "orig", contact.source) & _is_of(flows, "resp", contact.server)
                 & (flows["orig_port"] == contact.source_port)
                 & (flows["resp_port"] == contact.port) & (flows["first_ns"] <= time_ns)]
    if not len(mine):
        return None
    newest = mine[mine["first_ns"].argmax()]
    # Overlays can have two at once that these members do not tell apart.
    is_alone = np.count_nonzero(mine["last_ns"] >= newest["first_ns"]) == 1
    return newest if is_alone else None


def tried_before(flows: NDArray[np.void], contact: Contact, time_ns: int) -> str:
    """What the same source had tried until then, in words; empty if nothing.

    That is what was refused or not answered, whatever it was, and what was accepted at this port.
    """
    earlier = flows[_is_of(flows, "orig", contact.source) & (flows["first_ns"] < time_ns)]
    earlier = earlier[np.isin(earlier["verdict"], (DENIED, DROPPED, ATTEMPTED))
                      | (earlier["verdict"] == ACCEPTED) & (earlier["resp_port"] == contact.port)]
    if not len(earlier):
        return ""
    hosts = len(np.unique(earlier[["resp_hi", "resp_lo"]]))
    counts = ", ".join(f"{count:,} {name}" for name, count in verdict_counts(earlier).items())
    return f"until then the same source had tried {hosts:,} host{'s'[:hosts != 1]}: {counts}"


def opened_after(flows: NDArray[np.void], contact: Contact, time_ns: int) -> list[Target]:
    """The connections that the server opened after that and that were accepted: their targets."""
    later = flows[_is_of(flows, "orig", contact.server) & (flows["first_ns"] > time_ns)
                  & (flows["verdict"] == ACCEPTED)]
    targets: dict[str, Target] = {}
    for flow in later[np.argsort(later["first_ns"], kind="stable")]:
        target = _target(flow)
        targets.setdefault(target.text, target)
    return list(targets.values())


def verdict_counts(flows: NDArray[np.void]) -> Counter[str]:
    """Flows by what became of them, most first."""
    codes, counts = np.unique(flows["verdict"], return_counts=True)
    found = zip(codes.tolist(), counts.tolist(), strict=True)
    return Counter({VERDICT_WORDS[code]: count
                    for code, count in sorted(found, key=lambda one: -one[1])})


def _is_of(
    flows: NDArray[np.void], end: str, address: tuple[int, int, int]
) -> NDArray[np.bool_]:
    """The flows of which that end has an address."""
    hi, lo, version = address
    return np.asarray((flows[f"{end}_hi"] == hi) & (flows[f"{end}_lo"] == lo)
                      & (flows["ip_version"] == version))


def _target(flow: Any) -> Target:
    """A flow's responder."""
    address = address_text(int(flow["resp_hi"]), int(flow["resp_lo"]), int(flow["ip_version"]))
    server = {"destination": {"ip": address, "port": int(flow["resp_port"])}}
    return Target(endpoint(server, "destination"), address, int(flow["first_ns"]))
