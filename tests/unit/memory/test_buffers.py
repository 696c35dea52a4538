"""Copies into an output buffer: the interpreted twins never write beyond it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor.memory.buffers import ints_of, load64, put_octets, put_padded, room_of


@pytest.mark.parametrize("put", [put_octets, put_padded])
def test_a_copy_fills_its_place_and_nothing_else(put: Callable[..., None]) -> None:
    out = bytearray(b"........")
    put(room_of(out), 2, b"abcdef", 1, 3)
    assert out == b"..bcd..."
    put(out, 5, b"xyz", 0, 3)
    assert out == b"..bcdxyz"
    with pytest.raises(IndexError):
        put(out, 6, b"xyz", 0, 3)
    assert len(out) == 8


def test_members_of_records_are_little_endian() -> None:
    assert load64(b"\xff" + bytes([1, 2, 0, 0, 0, 0, 0, 0x80]), 1) == 0x8000_0000_0000_0201
    assert ints_of(memoryview(bytearray(8)).cast("i")).tolist() == [0, 0]
