"""Loads from octets: both orders, and no octet beyond the end where nothing is compiled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor.memory.loads import be16, be32, be64, le16, le32, octets_of, u8

OCTETS = octets_of(bytes(range(0x81, 0x8A)))


def test_loads_in_both_orders() -> None:
    assert u8(OCTETS, 1) == 0x82
    assert (be16(OCTETS, 1), le16(OCTETS, 1)) == (0x8283, 0x8382)
    assert (be32(OCTETS, 1), le32(OCTETS, 1)) == (0x82838485, 0x85848382)
    assert be64(OCTETS, 1) == 0x8283848586878889


@pytest.mark.parametrize(("load", "size"), [
    (u8, 1), (be16, 2), (le16, 2), (be32, 4), (le32, 4), (be64, 8),
])  # fmt: skip
def test_a_load_ends_where_the_octets_do(load: Callable[[memoryview, int], int], size: int) -> None:
    load(OCTETS, 9 - size)
    with pytest.raises(IndexError):
        load(OCTETS, 10 - size)
