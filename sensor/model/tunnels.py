"""Tunnels: what kinds there are, and the paths through them by which the flows of a run came.

A flow record holds the number of a path; 0 means that its packets came as they are. From one table,
TUNNEL_FIELDS, come the columns that rules see, the objects in documents and the part of
docs/fields.md about them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import orjson

from sensor.base.frozen import frozen
from sensor.ecs.text import ip_text
from sensor.memory.records import TUNNELS_MAX
from sensor.model.columns import CodedColumn, Column, Scalar

if TYPE_CHECKING:
    from sensor.ecs.flow_batch import FlowBatch

NAMES = (
    "", "gre", "nvgre", "pptp", "erspan", "vxlan", "geneve", "gtp_u", "ipip", "6in4", "4in6",
    "6in6", "teredo",
)
"""By `type` of a record of TUNNEL_LAYOUT."""
(
    NO_TUNNEL, GRE, NVGRE, PPTP, ERSPAN, VXLAN, GENEVE, GTP_U, IPIP, SIX_IN_FOUR, FOUR_IN_SIX,
    SIX_IN_SIX, TEREDO,
) = range(len(NAMES))


@frozen
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
    records: Any
    depths: Any


class Tunnels:
    """The paths of one run by number; 0 stands for none. Flow tables add to them, others read."""

    def __init__(self) -> None:
        self._stores: list[Paths] = []
        self._texts: dict[int, bytes] = {}

    def add(self, store: Paths) -> None:
        """Let the numbers of a table's store mean something."""
        self._stores.append(store)

    def path(self, number: int) -> tuple[Tunnel, ...]:
        """The tunnels of a path, the outermost first; none for a number that no table gave."""
        for store in self._stores:
            place = number - store.first
            if 0 <= place < store.places:
                first = place * TUNNELS_MAX
                rows = store.records[first : first + int(store.depths[place])]
                return tuple(
                    Tunnel(NAMES[row["type"]], str(row["id"]) if row["has_id"] else "",
                           ip_text(row["src_hi"], row["src_lo"]),
                           ip_text(row["dst_hi"], row["dst_lo"]))
                    for row in rows
                )  # fmt: skip
        return ()

    def text(self, number: int) -> bytes:
        """The object that a path adds to a document's `sensor`, as JSON with its key."""
        made = self._texts.get(number)
        if made is None:
            path = self.path(number)
            found = {member.name.rpartition(".")[2]: member.values(path)
                     for member in TUNNEL_FIELDS if member.values(path)}  # fmt: skip
            made = self._texts[number] = b'"tunnel":' + orjson.dumps(found)
        return made


@frozen
class TunnelField:
    """A field of documents whose flow came through a tunnel."""

    name: str
    type: str
    meaning: str
    values: Callable[[tuple[Tunnel, ...]], tuple[Scalar, ...]] = field(repr=False)
    array: bool = True


TUNNEL_FIELDS = (
    TunnelField("sensor.tunnel.type", "keyword", "of " + ", ".join(f"`{n}`" for n in NAMES[1:]),
                lambda path: tuple(tunnel.type for tunnel in path)),
    TunnelField("sensor.tunnel.id", "keyword", "VNI, VSID, key, TEID, call or session; of those "
                "tunnels that have one", lambda path: tuple(t.id for t in path if t.id)),
    TunnelField("sensor.tunnel.source", "ip", "outer source of the flow's first packet",
                lambda path: tuple(tunnel.source for tunnel in path)),
    TunnelField("sensor.tunnel.destination", "ip", "outer destination of the flow's first packet",
                lambda path: tuple(tunnel.destination for tunnel in path)),
)
"""Of flow documents whose flow came through a tunnel; the outermost first."""

TUNNEL_FIELD_BY_NAME = {member.name: member for member in TUNNEL_FIELDS}


def column_of(batch: FlowBatch, name: str) -> Column | None:
    """The column of a field of TUNNEL_FIELDS; None where no flow of the batch has it."""
    tunnels = batch.context.tunnels
    if tunnels is None or not batch.records["tunnel"].any():
        return None
    member = TUNNEL_FIELD_BY_NAME[name]
    distinct, codes = np.unique(batch.records["tunnel"], return_inverse=True)
    table = tuple(member.values(tunnels.path(number)) for number in distinct.tolist())
    return CodedColumn(codes, table, member.type)


def tell_in_lines(lines: bytes, numbers: list[int], tunnels: Tunnels | None) -> bytes:
    """Documents, one a line, with the objects of their tunnels put in.

    A line is what ecs/writer.py writes: its only key `"sensor"` is that of the top level.
    """
    assert tunnels is not None
    return b"".join(
        line.replace(b'"sensor":{', b'"sensor":{' + tunnels.text(number) + b",", 1)
        if number else line
        for line, number in zip(lines.splitlines(keepends=True), numbers, strict=True)
    )  # fmt: skip
