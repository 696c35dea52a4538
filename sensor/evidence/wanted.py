"""WantedFlows: the flows that were asked for, recognized by the packet that makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.identifiers import COMMUNITY, FLOW_ID, identifiers_of
from sensor.evidence.request import COMMUNITY_ID, AlertNote, Request
from sensor.memory.records import FLOW_LAYOUT, RecordArray
from sensor.model.flow import FLOW_ENDED

FLOWS_MAX = 10_000
"""Flows of which there may be evidence, each a file; the ones that begin later are left out."""
ENDS = ("hi", "lo", "port")


@dataclass(eq=False)
class WantedFlow:
    """A flow that was asked for."""

    names: tuple[str, str]
    """Its id, whichever side of its first packet turns out to be the originator."""
    community_id: str
    record: RecordArray | None = None
    """Of length 1: the flow as it ended."""
    has_errors: bool = True
    """True if the last ICMP error with its key was counted with it, not with a quoted flow."""

    @property
    def id(self) -> str:
        """The id that all its documents have."""
        return self.names[0] if self.record is None else identifiers_of(self.record, FLOW_ID)[0]


class WantedFlows:
    """The flows of a request, as far as they were met."""

    def __init__(self, request: Request, *, key_vlan: bool = False) -> None:
        self.flows: list[WantedFlow] = []
        self.left_out = 0
        self._request = request
        self._key_vlan = key_vlan
        self._by_name: dict[str, WantedFlow] = {}
        self._likely = np.zeros(1 << 16, np.bool_)
        """By bits of what the first packet was, whether a wanted flow began so: most did not."""
        names = frozenset(request.flows)
        self._by_community = any(map(COMMUNITY_ID.fullmatch, names))
        self._wanted = names

    def begin(self, packets: RecordArray) -> Iterator[tuple[int, WantedFlow]]:
        """Of packets that each made a flow, those whose flow is wanted, by their index."""
        count = len(packets)
        if not count:
            return
        records = flows_begun_by(packets, self._key_vlan)
        names = identifiers_of(records, FLOW_ID)
        communities = identifiers_of(records[:count], COMMUNITY) if self._by_community else None
        for index in range(count):
            either = names[index], names[count + index]
            if self._wanted.isdisjoint(either) and (
                    communities is None or communities[index] not in self._wanted):
                continue
            if len(self.flows) >= FLOWS_MAX:
                self.left_out += 1
                continue
            community = identifiers_of(records[index : index + 1], COMMUNITY)[0]
            flow = WantedFlow(either, community)
            self.flows.append(flow)
            self._by_name |= dict.fromkeys(flow.names, flow)
            self._likely[_bits(records[index : index + 1])] = True
            yield index, flow

    def end(self, events: RecordArray) -> None:
        """Of flow events, keep the records of wanted flows that ended."""
        ended = events[self._likely[_bits(events)] & (events["action"] == FLOW_ENDED)]
        for index, name in enumerate(identifiers_of(ended, FLOW_ID)):
            if name in self._by_name:
                self._by_name[name].record = ended[index : index + 1].copy()

    def alerts_of(self, flow: WantedFlow) -> Sequence[AlertNote]:
        """The alerts that are about a flow, in the order in which they came."""
        names = (*flow.names, flow.community_id)
        return [note for name in names for note in self._request.flows.get(name, ())]

    def unknown(self) -> list[str]:
        """The names that were asked for and that no flow has."""
        met = {name for flow in self.flows for name in (*flow.names, flow.community_id)}
        return [name for name in self._request.flows if name not in met]


def _bits(records: RecordArray) -> NDArray[np.int64]:
    """A number of 16 bits that a flow has all its life."""
    bits: NDArray[np.int64] = (records["first_ns"] >> 8 ^ records["first_seq"]) & 0xFFFF
    return bits


def flows_begun_by(packets: RecordArray, key_vlan: bool) -> RecordArray:
    """The records of flows, as far as they name them: first each packet's source as originator,
    then each one's destination.
    """
    count = len(packets)
    records = np.zeros(2 * count, FLOW_LAYOUT.dtype)
    for name in ("tenant", "protocol", "ip_version"):
        records[name] = np.tile(packets[name], 2)
    records["first_ns"] = np.tile(packets["time_ns"], 2)
    records["first_seq"] = np.tile(_first_seq(packets, key_vlan), 2)
    for end in ENDS:
        src, dst = packets[f"src_{end}"], packets[f"dst_{end}"]
        records[f"orig_{end}"] = np.concatenate((src, dst))
        records[f"resp_{end}"] = np.concatenate((dst, src))
    return records


def _first_seq(packets: RecordArray, key_vlan: bool) -> NDArray[np.uint32]:
    """What tells flows of one key and time apart, as flowtable/lifecycle.py makes it."""
    numbers: NDArray[np.uint32] = packets["seq"]
    if not key_vlan:
        return numbers
    outer, inner = packets["vlan_outer"].astype(np.uint32), packets["vlan_inner"].astype(np.uint32)
    mixed: NDArray[np.uint32] = numbers ^ (outer << np.uint32(16)) ^ (inner << np.uint32(4))
    return mixed
