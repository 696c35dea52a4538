"""Membership: the frames of a batch that belong to wanted flows.

A packet belongs to the flow that was made last with its key (flowtable/notes.py). That holds for
copies and for late segments too, which the table counts with no flow. An ICMP error belongs to the
flow that it quotes, and to one of its own where the table counted it there. A fragment without
ports belongs where its packet's first one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.evidence.frame_copies import FrameCopies, FrameCopy
from sensor.evidence.frame_queue import FrameQueue
from sensor.evidence.outer_fragments import OuterFragments
from sensor.evidence.wanted import WantedFlow
from sensor.flowtable.constants import MADE_FLOW, QUOTES_FLOW
from sensor.memory.records import TUNNELS_MAX, RecordArray
from sensor.model.packets import (
    IS_FRAGMENT,
    KIND_COPY,
    KIND_FRAGMENT,
    KIND_ICMP_ERROR,
    PROTOCOL_ICMP,
    PROTOCOL_ICMPV6,
    PacketBatch,
)

Key = tuple[object, ...]
Places = NDArray[np.int64]
LIKELY_MASK = np.uint64(0xFFFF)
HAS_KEY = np.zeros(256, np.bool_)
"""By the kind of a packet: it has addresses and ports."""
HAS_KEY[2:7] = True
HAS_KEY[KIND_FRAGMENT] = False


class Beginnings(Protocol):
    """Says which flows are wanted, when they begin."""

    def begin(self, packets: RecordArray, made: Places) -> Iterator[tuple[int, WantedFlow]]:
        """Of the packets at these places, which made flows, those whose flow is wanted."""


class _Some(NamedTuple):
    """Packets that follow each other."""

    packets: RecordArray
    tunnels: RecordArray
    """Of each packet, as many as it may have at most."""
    ordinal: int
    has_fragments: bool
    frames: Callable[[Places], list[FrameCopy]]
    """Those of the packets at some places."""


class _Open(NamedTuple):
    """A wanted flow that packets may belong to, and what ICMP errors call it."""

    flow: WantedFlow
    key: Key


class Membership:
    """Gives on the frames of wanted flows; one serves one flow table."""

    def __init__(self, wanted: Beginnings, queue: FrameQueue, *, key_vlan: bool = False) -> None:
        self._wanted = wanted
        self._queue = queue
        self._outer = OuterFragments(queue)
        self._key_vlan = key_vlan
        self._open: dict[int, _Open] = {}
        """By the hash of the key: flows of which none with the same key was made since."""
        self._by_key: dict[Key, WantedFlow] = {}
        self._likely = np.zeros(1 << 16, np.uint16)
        """By the low bits of the hash, how many flows are open: most packets are told by that."""
        self._held: _Some | None = None
        """A packet that the table holds back until the next one confirms its time."""

    def take(
        self, packets: PacketBatch, copies: FrameCopies, notes: NDArray[np.uint64], holds: bool
    ) -> None:
        """Give on what is wanted of a batch that the table has worked on, with its notes.

        `holds` says that the table holds a packet back: the last one that it was given.
        """
        if packets.count or not holds:
            self.release(notes)
        count = packets.count
        if count and holds:
            count -= 1
            tunnels = packets.tunnel_records[count * TUNNELS_MAX : (count + 1) * TUNNELS_MAX]
            frames = copies.frames(packets, np.array([count]))
            self._held = _Some(packets.records[count : count + 1].copy(), tunnels.copy(),
                               packets.ordinal + count, packets.fragments != 0,
                               lambda _: frames)
        if count:
            self._give(_Some(packets.records[:count], packets.tunnel_records, packets.ordinal,
                             packets.fragments != 0, partial(copies.frames, packets)), notes)

    def release(self, notes: NDArray[np.uint64]) -> None:
        """Give on the packet that was held back, if there is one."""
        held, self._held = self._held, None
        if held is not None:
            self._give(held, notes)

    def _give(self, some: _Some, notes: NDArray[np.uint64]) -> None:
        """Give on the wanted ones of some packets."""
        packets = some.packets
        made = noted(notes, MADE_FLOW, some.ordinal, len(packets))
        quoting = frozenset(noted(notes, QUOTES_FLOW, some.ordinal, len(packets)).tolist())
        begun = dict(self._wanted.begin(packets, made))
        for index in begun:
            self._likely[packets["hash"][index] & LIKELY_MASK] += 1
        if not (begun or self._open or some.has_fragments):
            return
        candidates = self._candidates(packets, {int(packets["hash"][at]) for at in begun})
        if not len(candidates):
            return
        all_made = frozenset(made.tolist())
        hashes = packets["hash"][candidates].tolist()
        simple = _are_simple(packets)[candidates].tolist()
        for index, frame, hashed, is_simple in zip(
                candidates.tolist(), some.frames(candidates), hashes, simple, strict=True):
            if index in all_made:
                self._follow(packets[index], begun.get(index))
            if not is_simple:
                self._give_other(some, index, frame, index in quoting)
            elif (found := self._open.get(hashed)) is not None:
                self._queue.add(frame, [found.flow])

    def _give_other(self, some: _Some, index: int, frame: FrameCopy, is_quoting: bool) -> None:
        """Give on a packet whose hash alone does not say whose it is."""
        packet = some.packets[index]
        datagram = int(packet["datagram"]) if packet["fragment"] & IS_FRAGMENT else 0
        if not HAS_KEY[packet["kind"]]:
            if datagram:
                self._outer.add_other(packet)
                self._queue.add_fragment(frame, datagram)
            return
        flows = self._flows_of(packet, is_quoting)
        if datagram:
            self._queue.settle(datagram, flows)
        if flows:
            self._queue.add(frame, flows)
            if packet["tunnels"]:
                first = index * TUNNELS_MAX
                self._outer.add_first(
                    int(packet["time_ns"]),
                    some.tunnels[first : first + int(packet["tunnels"])], flows)

    def adopt(self, packet: Any, flow: WantedFlow) -> None:
        """From now on packets belong to a flow that began before, made by this packet."""
        self._likely[packet["hash"] & LIKELY_MASK] += 1
        self._follow(packet, flow)

    def is_open(self, hashed: int) -> bool:
        """True if packets with this hash belong to a wanted flow."""
        return hashed in self._open

    def forget(self, flow: WantedFlow, hashed: int) -> None:
        """No packet belongs to a flow any more; the hash is that of its packets."""
        found = self._open.get(hashed)
        if found is not None and found.flow is flow:
            self._follow_no_more(hashed)

    def _candidates(self, packets: RecordArray, begun: set[int]) -> Places:
        """The packets that may belong to wanted flows: those open, and those that have `begun`."""
        odd = (packets["fragment"] & IS_FRAGMENT) != 0
        odd |= packets["quoted"] != 0
        places = np.flatnonzero(odd | (self._likely[packets["hash"] & LIKELY_MASK] != 0))
        hashes = packets["hash"][places].tolist()
        known = [hashed in self._open or hashed in begun for hashed in hashes]
        candidates: Places = places[odd[places] | np.array(known, np.bool_)]
        return candidates

    def _follow(self, packet: Any, flow: WantedFlow | None) -> None:
        """A packet made a flow: what follows with its key belongs to that, wanted or not."""
        hashed = int(packet["hash"])
        if hashed in self._open:
            self._follow_no_more(hashed)
        if flow is not None:
            key = self._key(packet, "")
            self._open[hashed] = _Open(flow, key)
            self._by_key[key] = flow

    def _follow_no_more(self, hashed: int) -> None:
        self._likely[hashed & int(LIKELY_MASK)] -= 1
        self._by_key.pop(self._open.pop(hashed).key, None)

    def _flows_of(self, packet: Any, is_quoting: bool) -> list[WantedFlow]:
        """The wanted flows that a packet belongs to: an ICMP error may be of two."""
        found = self._open.get(int(packet["hash"]))
        if not packet["quoted"] or packet["kind"] not in (KIND_ICMP_ERROR, KIND_COPY):
            return [found.flow] if found is not None else []
        flows = []
        if (quoted := self._by_key.get(self._key(packet, "quoted_"))) is not None:
            flows.append(quoted)
        if found is not None and found.flow is not quoted:
            if packet["kind"] == KIND_ICMP_ERROR:  # a copy goes where the packet went
                found.flow.has_errors = not is_quoting
            if found.flow.has_errors:
                flows.append(found.flow)
        return flows

    def _key(self, packet: Any, of: str) -> Key:
        """The key of a packet's flow, or (`quoted_`) of the flow that it quotes: see hashtable.py.
        """
        protocol = int(packet[of + "protocol"])
        ends = frozenset((int(packet[f"{of}{end}_hi"]), int(packet[f"{of}{end}_lo"]),
                          int(packet[f"{of}{end}_port"])) for end in ("src", "dst"))
        identifier = 0
        if protocol in (PROTOCOL_ICMP, PROTOCOL_ICMPV6):
            identifier = int(packet[of + "seq"])
        vlans = (int(packet["vlan_outer"]), int(packet["vlan_inner"])) if self._key_vlan else ()
        return (protocol, int(packet[of + "ip_version"]), int(packet["tenant"]), ends, identifier,
                vlans)


def noted(notes: NDArray[np.uint64], what: int, ordinal: int, count: int) -> Places:
    """Of `count` packets, the first of which is the run's `ordinal`-th, those with such a note."""
    places = (notes >> np.uint64(1)).astype(np.int64) - ordinal
    found: Places = places[(places >= 0) & (places < count) & (notes & np.uint64(1) == what)]
    return found


def _are_simple(packets: RecordArray) -> NDArray[np.bool_]:
    """Packets that are in no fragments, in no tunnel, and quote nothing."""
    odd = packets["fragment"] & IS_FRAGMENT | packets["quoted"] | packets["tunnels"]
    simple: NDArray[np.bool_] = HAS_KEY[packets["kind"]] & (odd == 0)
    return simple
