"""Segments: what followed flows carried, as the flow table gives it."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.memory.records import RecordArray

SEGMENT_DATA = 0
SEGMENT_END = 1
"""Kinds of segments: payload, and the end of the flow."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Some segments in the order of their packets."""

    records: RecordArray
    """Of `records.SEGMENT_LAYOUT`."""
    flows: RecordArray
    """The flow of each, as it was after it: of `records.FLOW_LAYOUT`."""
    octets: bytes
    """Where their payloads are."""

    def __len__(self) -> int:
        return len(self.records)
