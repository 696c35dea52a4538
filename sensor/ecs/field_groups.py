"""The texts that entries of the run's stores add to documents: the fields of schema.GROUPS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import orjson
from numpy.typing import NDArray

from sensor.ecs.field import nested
from sensor.ecs.schema import GROUPS
from sensor.memory.buffers import COPY_PADDING
from sensor.model.flow import FlowRecords

ENTRIES_MAX = 16_384
"""Entries whose texts are kept from batch to batch."""
SLOTS = 2
"""Of a group: the first begins the document's `sensor`, the second ends the document."""


@dataclass(frozen=True, slots=True)
class SlotTexts:
    """The texts in the slots of some documents, which template.py leaves open."""

    spans: NDArray[np.intp]
    """Start and length in `pool`, by slot and row."""
    pool: bytes
    room: NDArray[np.intp]
    """The octets of a row in all its slots."""


def groups_in(batch: FlowRecords) -> tuple[int, ...]:
    """The groups, as places of schema.GROUPS, of which any record refers to an entry."""
    return tuple(
        place for place, group in enumerate(GROUPS)
        if group.entries(batch.context) is not None and batch.records[group.member].any()
    )  # fmt: skip


def slot_texts(batch: FlowRecords, groups: tuple[int, ...]) -> SlotTexts:
    """The texts of these groups in the documents of a batch."""
    pool = bytearray()
    spans = np.zeros((SLOTS * len(groups), len(batch), 2), np.intp)
    for first, place in enumerate(groups):
        group = GROUPS[place]
        entry_of = group.entries(batch.context)
        assert entry_of is not None
        distinct, codes = np.unique(batch.records[group.member], return_inverse=True)
        found = np.zeros((SLOTS, len(distinct), 2), np.intp)
        for code, number in enumerate(distinct.tolist()):
            for slot, text in enumerate(_texts(place, entry_of(number)) if number else ()):
                found[slot, code] = len(pool), len(text)
                pool += text
        spans[SLOTS * first : SLOTS * (first + 1)] = found[:, codes]
    room = spans[:, :, 1].sum(axis=0, dtype=np.intp)
    return SlotTexts(spans.ravel(), bytes(pool) + bytes(COPY_PADDING), room)


@lru_cache(maxsize=ENTRIES_MAX)
def _texts(place: int, entry: object) -> tuple[bytes, bytes]:
    """The members of `sensor` and those of the document that an entry adds, commas included."""
    objects = nested(GROUPS[place].fields, entry)
    inside = orjson.dumps(objects.pop("sensor", {}))[1:-1]
    outside = orjson.dumps(objects)[1:-1]
    return inside + b"," if inside else b"", b"," + outside if outside else b""
