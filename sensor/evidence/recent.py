"""RecentFrames: the frames of the last moments, of all flows.

An alert may be about a flow that nobody kept until then. As long as the packet that made the flow
is here, all of its frames are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.identifiers import FLOW_ID, identifiers_of
from sensor.evidence.frame_copies import FrameCopies, FrameCopy
from sensor.evidence.wanted import Places, put_names
from sensor.memory.records import FLOW_LAYOUT, RecordArray

ENTRY_BYTES = 1_000
"""What a batch takes beside its octets."""


class Batch:
    """The frames of one batch."""

    def __init__(
        self, copies: FrameCopies, hashes: NDArray[np.uint64], made: RecordArray, places: Places,
        interfaces: Sequence[str],
    ) -> None:
        """`hashes` are those of the packets' flows, 0 for packets of none; `made` the packets that
        made flows, at these places.
        """
        self.made = made
        self._copies = copies
        self._hashes = hashes
        self._places = places
        self._interfaces = interfaces
        self._names: dict[str, int] | None = None

    @property
    def bytes(self) -> int:
        """Octets of memory that it takes."""
        return self._copies.bytes + self._hashes.nbytes + self.made.nbytes + ENTRY_BYTES

    def find(self, name: str, key_vlan: bool) -> int | None:
        """Which of `made` made the flow with this id."""
        if self._names is None:
            records = np.zeros(2 * len(self.made), FLOW_LAYOUT.dtype)
            put_names(records, self.made, np.arange(len(self.made)), key_vlan)
            names = identifiers_of(records, FLOW_ID)
            self._names = {one: at % len(self.made) for at, one in enumerate(names)}
        return self._names.get(name)

    def find_hash(self, hashed: int) -> int | None:
        """Which of `made` made the last flow with this hash."""
        found = np.flatnonzero(self.made["hash"] == hashed)
        return int(found[-1]) if len(found) else None

    def frames(self, hashed: int, at: int | None = None) -> tuple[list[FrameCopy], bool]:
        """The frames of the flow with this hash that `made` at this place made (None: one before).

        And whether the next flow with this hash begins here: what follows is that one's.
        """
        places = np.flatnonzero(self._hashes == hashed)
        begun = np.flatnonzero(self.made["hash"] == hashed)
        if at is not None:
            places = places[places >= self._places[at]]
            begun = begun[begun > at]
        if len(begun):
            places = places[places < self._places[begun[0]]]
        nothing = [""] * len(places)
        frames = self._copies.cut(places, nothing, [0] * len(places), self._interfaces)
        return frames, len(begun) > 0


class RecentFrames:
    """Batches of frames, the last ones that have room."""

    def __init__(self, bytes_max: int, *, key_vlan: bool = False) -> None:
        self._batches: deque[Batch] = deque()
        self._bytes = 0
        self._bytes_max = bytes_max
        self._key_vlan = key_vlan

    def add(self, batch: Batch) -> None:
        """Take the next batch; the oldest ones go."""
        self._batches.append(batch)
        self._bytes += batch.bytes
        while self._bytes > self._bytes_max:
            self._bytes -= self._batches.popleft().bytes

    def clear(self) -> None:
        """Forget all: some batches are not here, and what came before them would look whole."""
        self._batches.clear()
        self._bytes = 0

    def find(self, name: str) -> Found | None:
        """The flow with this id."""
        for index in range(len(self._batches) - 1, -1, -1):
            if (at := self._batches[index].find(name, self._key_vlan)) is not None:
                return Found(self._batches, index, at)
        return None

    def find_hash(self, hashed: int) -> Found | None:
        """The last flow with this hash."""
        for index in range(len(self._batches) - 1, -1, -1):
            if (at := self._batches[index].find_hash(hashed)) is not None:
                return Found(self._batches, index, at)
        return None


class Found:
    """A flow that began in one of the batches."""

    def __init__(self, batches: deque[Batch], index: int, at: int) -> None:
        self._batches = batches
        self._index = index
        self._at = at

    @property
    def made(self) -> RecordArray:
        """The packet that made the flow, a record array of length 1."""
        return self._batches[self._index].made[self._at : self._at + 1]

    def frames(self) -> tuple[list[FrameCopy], bool]:
        """Its frames until now, and whether another flow with its hash has begun since."""
        hashed = int(self.made["hash"][0])
        frames, is_over = self._batches[self._index].frames(hashed, self._at)
        for index in range(self._index + 1, len(self._batches)):
            if is_over:
                break
            more, is_over = self._batches[index].frames(hashed)
            frames += more
        return frames, is_over
