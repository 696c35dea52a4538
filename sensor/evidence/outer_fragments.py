"""OuterFragments: the later fragments of packets that carry tunnels.

Of such a packet the first fragment is decoded as what the tunnel carries, and belongs to a flow
there. The others have nothing but the addresses and the identification of the outer packet: what
they are of is told by these.
"""

from __future__ import annotations

from typing import Any

from sensor.evidence.frame_queue import SETTLED_MAX, WAITING_NS_MAX, Flows, FrameQueue
from sensor.memory.records import RecordArray

Key = tuple[int, ...]
ADDRESSES = ("src_hi", "src_lo", "dst_hi", "dst_lo")


class OuterFragments:
    """Settles in a queue whose the fragments of outer packets are."""

    def __init__(self, queue: FrameQueue) -> None:
        self._queue = queue
        self._first: dict[Key, tuple[int, Flows]] = {}
        """Time and flows of first fragments of which no other came yet."""
        self._others: dict[Key, int] = {}
        """The number of fragmented packets of which the first fragment did not come yet."""

    def add_first(self, time_ns: int, tunnels: RecordArray, flows: Flows) -> None:
        """A packet of these flows came through tunnels: any of them may be a first fragment."""
        for tunnel in tunnels:
            if tunnel["fragment_protocol"]:
                key = _key(tunnel)
                if (datagram := self._others.pop(key, None)) is not None:
                    self._queue.settle(datagram, flows)
                else:
                    self._first[key] = time_ns, flows
                    _bound(self._first)

    def add_other(self, packet: Any) -> None:
        """A fragment came of which its packet's number is known, and no more."""
        key, datagram = _key(packet), int(packet["datagram"])
        first = self._first.pop(key, None)
        if first is not None and abs(int(packet["time_ns"]) - first[0]) <= WAITING_NS_MAX:
            self._queue.settle(datagram, first[1])
        elif self._queue.is_waiting(datagram):
            self._others[key] = datagram
            _bound(self._others)


def _key(record: Any) -> Key:
    """What the fragments of an outer packet have in common."""
    return (*(int(record[name]) for name in ADDRESSES), int(record["fragment_id"]),
            int(record["fragment_protocol"]))


def _bound(known: dict[Key, Any]) -> None:
    """Forget the oldest where there are too many."""
    if len(known) > SETTLED_MAX:
        del known[next(iter(known))]
