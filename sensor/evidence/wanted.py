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
from sensor.model.frames import FRAMES_MAX

FLOWS_MAX = 10_000
"""Flows of which there may be evidence, each a file; the ones that begin later are left out."""
Places = NDArray[np.int64]
MEMBERS = {"tenant": "tenant", "protocol": "protocol", "ip_version": "ip_version",
           "first_ns": "time_ns"}  # fmt: skip
"""Members of a flow that it has of its first packet."""


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
    bits: int = 0
    """Of FlowEnds."""

    @property
    def id(self) -> str:
        """The id that all its documents have."""
        return self.names[0] if self.record is None else identifiers_of(self.record, FLOW_ID)[0]


class FlowEnds:
    """Finds the records with which some flows end among the events of all flows."""

    def __init__(self) -> None:
        self._by_name: dict[str, WantedFlow] = {}
        self._likely = np.zeros(1 << 16, np.uint32)
        """How many flows have these bits: most events are told by that."""

    def add(self, flow: WantedFlow, begun: RecordArray) -> None:
        """Wait for the end of a flow, which began so (a record array of length 1)."""
        flow.bits = int(_bits(begun)[0])
        self._by_name |= dict.fromkeys(flow.names, flow)
        self._likely[flow.bits] += 1

    def take(self, events: RecordArray) -> list[WantedFlow]:
        """Of flow events, keep the records of the flows that ended; returns those."""
        likely = self._likely[_bits(events)] != 0
        ended = events[likely & (events["action"] == FLOW_ENDED)]
        found = []
        for index, name in enumerate(identifiers_of(ended, FLOW_ID)):
            if (flow := self._by_name.get(name)) is not None:
                flow.record = ended[index : index + 1].copy()
                found.append(flow)
        return found

    def find(self, name: str) -> WantedFlow | None:
        """The flow with one of these names that was added last."""
        return self._by_name.get(name)

    def remove(self, flow: WantedFlow) -> None:
        """Wait for it no longer."""
        self._likely[flow.bits] -= 1
        for name in flow.names:
            if self._by_name.get(name) is flow:
                del self._by_name[name]


class WantedFlows:
    """The flows of a request, as far as they were met."""

    def __init__(self, request: Request, *, key_vlan: bool = False) -> None:
        self.flows: list[WantedFlow] = []
        self.left_out = 0
        self._request = request
        self._key_vlan = key_vlan
        self._records = np.zeros(2 * FRAMES_MAX, FLOW_LAYOUT.dtype)
        """Flows as far as they name themselves, for the packets of a batch; the rest stays 0."""
        self._ends = FlowEnds()
        names = frozenset(request.flows)
        self._by_community = any(map(COMMUNITY_ID.fullmatch, names))
        self._wanted = names

    def begin(self, packets: RecordArray, made: Places) -> Iterator[tuple[int, WantedFlow]]:
        """Of the packets at these places, which made flows, those whose flow is wanted."""
        if not len(made):
            return
        count = put_names(self._records, packets, made, self._key_vlan)
        records = self._records[: 2 * count]
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
            self._ends.add(flow, records[index : index + 1])
            yield int(made[index]), flow

    def end(self, events: RecordArray) -> None:
        """Of flow events, keep the records of wanted flows that ended."""
        self._ends.take(events)

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


def put_names(records: RecordArray, packets: RecordArray, made: Places, key_vlan: bool) -> int:
    """Fill records, as far as they name flows, from the packets at some places, which made them.

    First each packet's source is the originator, then each one's destination. Returns how many
    packets that were.
    """
    count = len(made)
    both = records[:count], records[count : 2 * count]
    columns = {name: packets[member][made] for name, member in MEMBERS.items()}
    columns["first_seq"] = _first_seq(packets, made, key_vlan)
    for some in both:
        for name, values in columns.items():
            some[name] = values
    for end in ("hi", "lo", "port"):
        src, dst = packets[f"src_{end}"][made], packets[f"dst_{end}"][made]
        both[0][f"orig_{end}"] = both[1][f"resp_{end}"] = src
        both[0][f"resp_{end}"] = both[1][f"orig_{end}"] = dst
    return count


def _first_seq(packets: RecordArray, made: Places, key_vlan: bool) -> NDArray[np.uint32]:
    """What tells flows of one key and time apart, as flowtable/lifecycle.py makes it."""
    numbers: NDArray[np.uint32] = packets["seq"][made]
    if not key_vlan:
        return numbers
    outer = packets["vlan_outer"][made].astype(np.uint32)
    inner = packets["vlan_inner"][made].astype(np.uint32)
    mixed: NDArray[np.uint32] = numbers ^ (outer << np.uint32(16)) ^ (inner << np.uint32(4))
    return mixed
