"""The flow that a packet belongs to: the key, its hash, and the hash table.

The hash is the same for both directions. Collisions are probed linearly; a removed entry leaves no
tombstone, the entries behind it move up.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import (
    CLASSES,
    MASK32,
    MASK64,
    NO_SLOT,
    PRIME_1,
    PRIME_2,
    PRIME_3,
    PRIME_4,
)
from sensor.model.packets import PROTOCOL_ICMP, PROTOCOL_ICMPV6

if not cython.compiled:
    from sensor.flowtable.table_state import TableState
    from sensor.memory.records import Flow, Packet, flow_at


def _hash_end(table: TableState, hi: int, lo: int, port: int) -> int:
    mixed = (lo ^ (hi * PRIME_2) ^ (port * PRIME_3) ^ table.seed) & MASK64
    mixed = ((mixed ^ (mixed >> 32)) * PRIME_1) & MASK64
    return mixed ^ (mixed >> 29)


def _hash_pair(end_a: int, end_b: int, separate: int) -> int:
    """The same for both directions."""
    mixed = (end_a + end_b + separate * PRIME_4) & MASK64
    mixed = ((mixed ^ (mixed >> 31)) * PRIME_2) & MASK64
    return mixed ^ (mixed >> 33)


def _separate(table: TableState, packet: Packet, protocol: int, identifier: int) -> int:
    """Everything else that separates flows than addresses and ports, in one number."""
    separate = packet.tenant
    separate = (separate << 8) ^ protocol
    if table.key_vlan:
        separate ^= (packet.vlan_outer * PRIME_3 + packet.vlan_inner * PRIME_1) & MASK64
    if protocol == PROTOCOL_ICMP or protocol == PROTOCOL_ICMPV6:
        separate ^= (identifier * PRIME_2) & MASK64
    return separate


def key_hash(table: TableState, packet: Packet) -> int:
    return _hash_pair(
        _hash_end(table, packet.src_hi, packet.src_lo, packet.src_port),
        _hash_end(table, packet.dst_hi, packet.dst_lo, packet.dst_port),
        _separate(table, packet, packet.protocol, packet.seq),
    )


def _matches(table: TableState, flow: Flow, packet: Packet) -> bool:
    if flow.protocol != packet.protocol or flow.tenant != packet.tenant:
        return False
    if flow.ip_version != packet.ip_version:
        return False
    if table.key_vlan and (
        flow.vlan_outer != packet.vlan_outer or flow.vlan_inner != packet.vlan_inner
    ):
        return False
    if packet.protocol == PROTOCOL_ICMP or packet.protocol == PROTOCOL_ICMPV6:
        if flow.isn[0] != packet.seq:
            return False
    if (
        flow.orig_lo == packet.src_lo
        and flow.resp_lo == packet.dst_lo
        and flow.orig_port == packet.src_port
        and flow.resp_port == packet.dst_port
        and flow.orig_hi == packet.src_hi
        and flow.resp_hi == packet.dst_hi
    ):
        return True
    return (
        flow.orig_lo == packet.dst_lo
        and flow.resp_lo == packet.src_lo
        and flow.orig_port == packet.dst_port
        and flow.resp_port == packet.src_port
        and flow.orig_hi == packet.dst_hi
        and flow.resp_hi == packet.src_hi
    )


def side_of(flow: Flow, packet: Packet) -> int:
    """0: the packet is the originator's; 1: the responder's."""
    if (
        flow.orig_lo == packet.src_lo
        and flow.orig_port == packet.src_port
        and flow.orig_hi == packet.src_hi
        and flow.resp_port == packet.dst_port
    ):
        return 0
    return 1


def find(table: TableState, packet: Packet, hashed: int) -> int:
    at = (hashed >> 32) & table.bucket_mask
    tag = hashed >> 32
    while True:
        entry = table.buckets[at]
        if entry == 0:
            return NO_SLOT
        if entry >> 32 == tag:
            slot = (entry & MASK32) - 1
            if _matches(table, flow_at(table.rows, slot), packet):
                return slot
        at = (at + 1) & table.bucket_mask


def find_likely(table: TableState, hashed: int) -> int:
    """The flow that a hash most likely leads to, which is not looked at."""
    at = (hashed >> 32) & table.bucket_mask
    tag = hashed >> 32
    while True:
        entry = table.buckets[at]
        if entry == 0:
            return NO_SLOT
        if entry >> 32 == tag:
            return (entry & MASK32) - 1
        at = (at + 1) & table.bucket_mask


def find_quoted(table: TableState, packet: Packet) -> int:
    """The flow that an ICMP error quotes."""
    hashed = _hash_pair(
        _hash_end(table, packet.quoted_src_hi, packet.quoted_src_lo, packet.quoted_src_port),
        _hash_end(table, packet.quoted_dst_hi, packet.quoted_dst_lo, packet.quoted_dst_port),
        _separate(table, packet, packet.quoted_protocol, packet.quoted_seq),
    )
    at = (hashed >> 32) & table.bucket_mask
    tag = hashed >> 32
    while True:
        entry = table.buckets[at]
        if entry == 0:
            return NO_SLOT
        if entry >> 32 == tag:
            slot = (entry & MASK32) - 1
            if _is_quoted(flow_at(table.rows, slot), packet):
                return slot
        at = (at + 1) & table.bucket_mask


def _is_quoted(flow: Flow, packet: Packet) -> bool:
    if flow.protocol != packet.quoted_protocol or flow.ip_version != packet.quoted_ip_version:
        return False
    if flow.tenant != packet.tenant:
        return False
    if flow.protocol == PROTOCOL_ICMP or flow.protocol == PROTOCOL_ICMPV6:
        if flow.isn[0] != packet.quoted_seq:
            return False
    if flow.orig_port == packet.quoted_src_port and flow.resp_port == packet.quoted_dst_port:
        if (
            flow.orig_lo == packet.quoted_src_lo
            and flow.orig_hi == packet.quoted_src_hi
            and flow.resp_lo == packet.quoted_dst_lo
            and flow.resp_hi == packet.quoted_dst_hi
        ):
            return True
    return (
        flow.orig_port == packet.quoted_dst_port
        and flow.resp_port == packet.quoted_src_port
        and flow.orig_lo == packet.quoted_dst_lo
        and flow.orig_hi == packet.quoted_dst_hi
        and flow.resp_lo == packet.quoted_src_lo
        and flow.resp_hi == packet.quoted_src_hi
    )


def insert(table: TableState, slot: int, hashed: int) -> None:
    at = (hashed >> 32) & table.bucket_mask
    while table.buckets[at]:
        at = (at + 1) & table.bucket_mask
    table.buckets[at] = ((hashed >> 32) << 32) | (slot + 1)


def remove(table: TableState, slot: int) -> None:
    """Take a flow out of the hash table; entries behind it move up (no tombstones)."""
    mask = table.bucket_mask
    at = (table.slot_hash[slot] >> 32) & mask
    while (table.buckets[at] & MASK32) != slot + 1:
        at = (at + 1) & mask
    gap = at
    while True:
        at = (at + 1) & mask
        entry = table.buckets[at]
        if entry == 0:
            break
        home = (entry >> 32) & mask
        if ((at - home) & mask) >= ((at - gap) & mask):
            table.buckets[gap] = entry
            gap = at
    table.buckets[gap] = 0


def rehash(table: TableState) -> None:
    for kind in range(CLASSES):
        link = table.oldest[kind]
        while link:
            insert(table, link - 1, table.slot_hash[link - 1])
            link = table.newer[link - 1]
