"""Records: their sizes, and one memory that numpy and the interpreted core see alike."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from sensor.memory.records import (
    CACHE_LINE,
    FLOW_LAYOUT,
    FRAGMENTED_LAYOUT,
    FRAME_LAYOUT,
    PACKET_LAYOUT,
    TUNNEL_LAYOUT,
    Layout,
    allocate,
)

LAYOUTS = (FRAME_LAYOUT, PACKET_LAYOUT, TUNNEL_LAYOUT, FLOW_LAYOUT, FRAGMENTED_LAYOUT)


@pytest.mark.parametrize(("layout", "lines"), [
    (FRAME_LAYOUT, 0.5), (PACKET_LAYOUT, 3), (FLOW_LAYOUT, 4),
])  # fmt: skip
def test_records_are_whole_cache_lines(layout: Layout[object], lines: float) -> None:
    assert layout.dtype.itemsize == lines * CACHE_LINE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_numpy_and_ctypes_lay_members_out_alike(layout: Layout[object]) -> None:
    assert layout.dtype.itemsize == ctypes.sizeof(layout.structure)
    for name, _, _ in layout.members:
        assert layout.dtype.fields is not None
        assert layout.dtype.fields[name][1] == getattr(layout.structure, name).offset, name


@pytest.mark.parametrize("count", [1, 3, 2048])
def test_memory_for_the_compiled_core_begins_with_a_cache_line(count: int) -> None:
    view, records = allocate(FLOW_LAYOUT, count, True)
    assert view is records and len(records) == count
    assert records.ctypes.data % CACHE_LINE == 0
    assert not records.view(np.uint8).any()


def test_the_interpreted_core_and_numpy_share_their_memory() -> None:
    rows, records = allocate(FLOW_LAYOUT, 2, False)
    rows[1].orig_port = 0x1_0017  # 16 bits, as in C
    rows[1].packets[1] += 7
    assert records["orig_port"].tolist() == [0, 0x17]
    assert records["packets"].tolist() == [[0, 0], [0, 7]]
    records["orig_port"][0] = 23
    assert rows[0].orig_port == 23


def test_a_record_may_be_assigned_to_that_of_another_array() -> None:
    first, _ = allocate(PACKET_LAYOUT, 1, False)
    second, records = allocate(PACKET_LAYOUT, 2, False)
    first[0].seq = 5
    second[1] = first[0]
    first[0].seq = 6
    assert records["seq"].tolist() == [0, 5]
