"""Tunnels: what kinds there are, and the paths through them by which the flows of a run came.

A flow record holds the number of a path; 0 means that its packets came as they are.
`ecs/tunnel_fields.py` has the fields of documents that come from paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.memory.records import TUNNELS_MAX
from sensor.model.addresses import address_text

NAMES = (
    "", "gre", "nvgre", "pptp", "erspan", "vxlan", "geneve", "gtp_u", "ipip", "6in4", "4in6",
    "6in6", "teredo", "vxlan_gpe", "mpls", "etherip", "l2tp", "l2tpv3", "capwap", "tzsp",
)
"""By `type` of a record of TUNNEL_LAYOUT."""
(
    NO_TUNNEL, GRE, NVGRE, PPTP, ERSPAN, VXLAN, GENEVE, GTP_U, IPIP, SIX_IN_FOUR, FOUR_IN_SIX,
    SIX_IN_SIX, TEREDO, VXLAN_GPE, MPLS, ETHERIP, L2TP, L2TP_3, CAPWAP, TZSP,
) = range(len(NAMES))


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel of a path; `id` is empty where its kind has none."""

    type: str
    id: str
    source: str
    destination: str


class Paths(Protocol):
    """The store of one flow table (flowtable/tunnel_paths.py)."""

    first: int
    places: int
    records: NDArray[np.void]
    depths: NDArray[np.uint8]


class Tunnels:
    """The paths of one run by number; 0 stands for none. Flow tables add to them, others read."""

    def __init__(self) -> None:
        self._stores: list[Paths] = []
        self._paths: dict[int, tuple[Tunnel, ...]] = {}

    def add(self, store: Paths) -> None:
        """Let the numbers of a table's store mean something."""
        self._stores.append(store)

    def path(self, number: int) -> tuple[Tunnel, ...]:
        """The tunnels of a path, the outermost first; none for a number that no table gave."""
        known = self._paths.get(number)
        if known is not None:
            return known
        for store in self._stores:
            place = number - store.first
            if 0 <= place < store.places:
                first = place * TUNNELS_MAX
                rows = store.records[first : first + int(store.depths[place])]
                path = self._paths[number] = tuple(map(_tunnel, rows))
                return path
        return ()


def _tunnel(row: np.void) -> Tunnel:
    return Tunnel(
        NAMES[row["type"]],
        str(row["id"]) if row["has_id"] else "",
        address_text(int(row["src_hi"]), int(row["src_lo"])),
        address_text(int(row["dst_hi"]), int(row["dst_lo"])),
    )
