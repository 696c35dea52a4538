"""Fragments of IP packets: which flow the later ones belong to. Only this part has state.

A later fragment has no ports; it gets those of the first one (RFC 791 3.2, RFC 8200 4.5). Nothing
is put together again: of a packet that comes in fragments a *split* remembers its ports and which
octets were there. Where the first fragment comes late, those before it are counted, and the first
one speaks for them. Where it does not hold its transport header, up to 64 octets of it are kept, so
that a SYN cut in two is still a SYN.

    first fragment seen?       header
    no                         WAITING     later fragments are counted
    yes, header not whole      WAITING     the tiny fragment is an anomaly
    yes                        KNOWN       later fragments belong to the flow
    yes, but nothing tells     UNKNOWN     later fragments belong to no flow

The same fragment within the window of duplicates is a copy of it; later it begins another packet,
as IP identifications come round again. One that overlaps others in any other way is an anomaly, and
what came first counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.memory.records import FRAGMENTS_MAX, HEADER_BYTES, SPLIT_LAYOUT, allocate
from sensor.model.anomalies import IP_OVERLAPPING_FRAGMENTS, IP_TINY_FRAGMENT, SOUND
from sensor.model.packets import (
    FIN,
    FRAGMENT_COPY,
    FRAGMENT_TINY,
    KIND_ANOMALY,
    KIND_CONTINUED,
    KIND_FLOW,
    KIND_FRAGMENT,
    MORE_FRAGMENTS,
    PROTOCOL_AH,
    PROTOCOL_TCP,
    SYN,
)

if not cython.compiled:
    from sensor.decode.ipv6_extensions import is_extension
    from sensor.decode.transport import decode_authenticated, decode_transport
    from sensor.memory.loads import u8
    from sensor.memory.records import header_of, packet_at, split_at, splits_of

REASSEMBLY_NS = 30_000_000_000
"""Fragments of one packet come within this time: RFC 1122 3.3.2 and RFC 8200 4.5 say 60 s at most,
Linux waits for 30."""
WAYS = 8
"""Places that a key may be in: one cache line of tags."""
WAITING = 0
KNOWN = 1
UNKNOWN = 2

NEW = 0
SAME = 1
OVERLAPS = 2
"""What a fragment is to those that were seen of its packet."""
COUNT_MAX = 0xFFFF
MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF
PRIME_1 = 0x9E37_79B9_7F4A_7C15
PRIME_2 = 0xC2B2_AE3D_27D4_EB4F


class Fragments:
    """Packets that come in fragments, at most `fragments_max` at a time.

    Above it the one that began longest ago is forgotten: the rest of its fragments belongs to no
    flow. `key_vlan` tells VLANs apart, `copy_window_ns` is how far apart two copies of a fragment
    may be, `duplicates` whether they are told at all, `seed` keeps senders from choosing packets
    that displace each other.
    """

    def __init__(
        self,
        fragments_max: int = 65_536,
        *,
        key_vlan: bool = False,
        duplicates: bool = True,
        copy_window_ns: int = 10_000_000,
        seed: int = 0,
    ) -> None:
        sets = 1
        while sets * 2 * WAYS <= fragments_max:
            sets *= 2
        self.set_mask = sets - 1
        self.tags = memoryview(np.zeros(sets * WAYS, np.uint32))  # 0: a free place
        self.view, self.records = allocate(SPLIT_LAYOUT, sets * WAYS, cython.compiled)
        self.rows = splits_of(self.view)
        self.key_vlan = key_vlan
        self.duplicates = duplicates
        self.copy_window_ns = copy_window_ns
        self.seed = seed & MASK64
        self.evicted = 0

    def join(self, frames: Any, packets: Any) -> None:
        """Give the fragments of a batch what others of their packet told; `frames` are its own."""
        self.evicted = 0
        with cython.nogil:
            for i in range(packets.count):
                if packet_at(packets.rows, i).fragment:
                    join_one(self, frames.octets, packet_at(packets.rows, i))
                    if packet_at(packets.rows, i).kind == KIND_ANOMALY:
                        packets.anomalous = True
        packets.fragments_evicted = self.evicted


def join_one(fragments: Any, octets: Any, packet: Any) -> None:
    """Find the packet that a fragment belongs to, and say what that makes of the fragment."""
    if packet.fragment_bytes == 0:
        return  # nothing of it can be missing
    split = split_at(fragments.rows, find_split(fragments, packet))
    relation = relation_of(split, packet)
    if begins_another(fragments, split, packet, relation):
        begin(fragments, split, packet)
        relation = NEW
    if relation == OVERLAPS:
        packet.kind = KIND_ANOMALY
        packet.anomaly = IP_OVERLAPPING_FRAGMENTS
        return
    if relation == SAME and fragments.duplicates:
        packet.kind = KIND_FRAGMENT
        packet.anomaly = SOUND
        packet.fragment |= FRAGMENT_COPY
        return
    if relation == NEW:
        remember(split, packet)
    if packet.fragment_offset == 0:
        join_first(split, octets, packet)
    elif split.stage == KNOWN:
        continue_flow(split, packet)
    elif split.stage == WAITING:
        join_early(split, octets, packet)


# ---- which packet -------------------------------------------------------------------------------


def key_of(fragments: Any, packet: Any) -> int:
    """The hash of what fragments of one packet have in common."""
    mixed = (packet.src_lo ^ (packet.src_hi * PRIME_2) ^ fragments.seed) & MASK64
    mixed = ((mixed ^ (mixed >> 32)) * PRIME_1) & MASK64
    mixed = (mixed ^ packet.dst_lo ^ (packet.dst_hi * PRIME_1)) & MASK64
    mixed = ((mixed ^ (mixed >> 29)) * PRIME_2) & MASK64
    number = packet.tenant
    number = (number << 32) | packet.fragment_id
    mixed = ((mixed ^ number ^ (mixed >> 31)) * PRIME_1) & MASK64
    return mixed ^ (mixed >> 32)


def key_protocol(packet: Any) -> int:
    """IPv4 numbers the packets of each protocol by themselves, IPv6 all of them together."""
    return packet.fragment_protocol if packet.ip_version == 4 else 0


def find_split(fragments: Any, packet: Any) -> int:
    """Where the packet of a fragment is remembered; it is made if it is not known yet."""
    hashed = key_of(fragments, packet)
    first = (hashed & fragments.set_mask) * WAYS
    tag = (hashed >> 32) | 1
    for at in range(first, first + WAYS):
        if fragments.tags[at] == tag and is_of(fragments, split_at(fragments.rows, at), packet):
            return at
    at = place_for(fragments, packet, first)
    fragments.tags[at] = tag
    begin(fragments, split_at(fragments.rows, at), packet)
    return at


def is_of(fragments: Any, split: Any, packet: Any) -> bool:
    """Whether a fragment belongs to a packet, by its key."""
    if split.src_lo != packet.src_lo or split.dst_lo != packet.dst_lo:
        return False
    if split.src_hi != packet.src_hi or split.dst_hi != packet.dst_hi:
        return False
    if split.id != packet.fragment_id or split.tenant != packet.tenant:
        return False
    if split.ip_version != packet.ip_version or split.protocol != key_protocol(packet):
        return False
    return not fragments.key_vlan or (
        split.vlan_outer == packet.vlan_outer and split.vlan_inner == packet.vlan_inner
    )


def place_for(fragments: Any, packet: Any, first: int) -> int:
    """A place among those from `first`: a free one, one that is done with, or the oldest one."""
    oldest = first
    for at in range(first, first + WAYS):
        if fragments.tags[at] == 0:
            return at
        split = split_at(fragments.rows, at)
        if is_whole(split) or is_stale(split, packet):
            return at
        if split.first_ns < split_at(fragments.rows, oldest).first_ns:
            oldest = at
    fragments.evicted += 1
    return oldest


def begin(fragments: Any, split: Any, packet: Any) -> None:
    """Remember a packet of which nothing was seen before this fragment."""
    split.src_hi = packet.src_hi
    split.src_lo = packet.src_lo
    split.dst_hi = packet.dst_hi
    split.dst_lo = packet.dst_lo
    split.id = packet.fragment_id
    split.tenant = packet.tenant
    split.vlan_outer = packet.vlan_outer
    split.vlan_inner = packet.vlan_inner
    split.protocol = key_protocol(packet)
    split.ip_version = packet.ip_version
    split.first_ns = packet.time_ns
    split.newest_ns = packet.time_ns
    split.stage = WAITING
    split.pieces = 0
    split.cut = HEADER_BYTES
    split.total = 0
    split.reach = 0
    split.covered = 0
    split.first_bytes = 0
    split.held_packets = 0
    split.held_ip_bytes = 0
    split.held_bytes = 0


def is_whole(split: Any) -> bool:
    """Whether nothing of the packet is missing."""
    return split.total != 0 and split.covered == split.total


def is_stale(split: Any, packet: Any) -> bool:
    """Whether the packet began too long before (or after) this fragment to be its own."""
    apart = packet.time_ns - split.first_ns
    return apart > REASSEMBLY_NS or apart < -REASSEMBLY_NS


def begins_another(fragments: Any, split: Any, packet: Any, relation: int) -> bool:
    """Whether the key has come round again: the fragment is the first seen of another packet."""
    if is_stale(split, packet):
        return True
    apart = packet.time_ns - split.newest_ns
    window = fragments.copy_window_ns
    if -window <= apart <= window:
        return False
    return relation == SAME or is_whole(split)


# ---- which octets of it -------------------------------------------------------------------------


def relation_of(split: Any, packet: Any) -> int:
    """NEW, SAME or OVERLAPS, by the octets that the fragment holds."""
    start = packet.fragment_offset
    end = start + packet.fragment_bytes
    overlaps = False
    for i in range(split.pieces):
        if split.starts[i] == start and split.ends[i] == end:
            return SAME
        if split.starts[i] < end and start < split.ends[i]:
            overlaps = True
    if overlaps or (split.total and end > split.total):
        return OVERLAPS
    if not packet.fragment & MORE_FRAGMENTS and (split.total or end < split.reach):
        return OVERLAPS
    return NEW


def remember(split: Any, packet: Any) -> None:
    """Note which octets of its packet a fragment holds."""
    start = packet.fragment_offset
    end = start + packet.fragment_bytes
    if split.pieces < FRAGMENTS_MAX:
        split.starts[split.pieces] = start
        split.ends[split.pieces] = end
        split.pieces += 1
        split.covered += packet.fragment_bytes
    split.reach = max(split.reach, end)
    if not packet.fragment & MORE_FRAGMENTS:
        split.total = end
    split.newest_ns = max(split.newest_ns, packet.time_ns)


def octets_ahead(split: Any) -> int:
    """How many octets from the packet's first one on are there, as far as headers reach."""
    at = 0
    moved = True
    while moved and at < HEADER_BYTES:
        moved = False
        for i in range(split.pieces):
            if split.starts[i] <= at < split.ends[i]:
                at = split.ends[i]
                moved = True
    return min(at, HEADER_BYTES)


def keep_octets(split: Any, octets: Any, packet: Any) -> None:
    """Copy what may be of the transport header, as far as it was captured."""
    start = packet.fragment_offset
    count = min(packet.fragment_bytes, HEADER_BYTES - start)
    if packet.payload_captured < count:
        count = packet.payload_captured
        split.cut = min(split.cut, start + count)
    for i in range(count):
        split.octets[start + i] = u8(octets, packet.payload_offset + i)


# ---- what that makes of it ----------------------------------------------------------------------


def join_first(split: Any, octets: Any, packet: Any) -> None:
    """The fragment with the packet's first octets."""
    if packet.kind == KIND_FLOW:
        header = packet.fragment_bytes - packet.payload_bytes
        packet.ip_bytes += split.held_ip_bytes
        packet.payload_bytes += split.held_bytes
        packet.extra_packets = split.held_packets
        tell_flow(split, packet, header)
    elif packet.kind == KIND_ANOMALY and packet.anomaly == IP_TINY_FRAGMENT:
        split.first_bytes = packet.fragment_bytes
        split.flow_protocol = packet.fragment_protocol
        keep_octets(split, octets, packet)
        if not complete(split, packet):
            packet.kind = KIND_ANOMALY
    else:
        split.stage = UNKNOWN


def join_early(split: Any, octets: Any, packet: Any) -> None:
    """A later fragment before the header is known: it completes that, or is counted."""
    if packet.fragment_offset < HEADER_BYTES:
        keep_octets(split, octets, packet)
        if split.first_bytes and complete(split, packet):
            return
    packet.kind = KIND_FRAGMENT
    if split.held_packets < COUNT_MAX:
        split.held_packets += 1
        split.held_ip_bytes += packet.ip_bytes
        split.held_bytes += packet.fragment_bytes


def complete(split: Any, packet: Any) -> bool:
    """Decode a header that came in several fragments, as soon as it is there.

    The packet then is the whole header's, with everything that was counted before; the tiny
    fragment itself stays an anomaly, and is not counted with the flow.
    """
    ahead = octets_ahead(split)
    header = decode_header(split, packet, ahead)
    if header < 0:
        return False
    own_bytes = packet.fragment_bytes
    if packet.fragment_offset == 0:  # the tiny fragment came last: it speaks for the others
        own_bytes = 0
        packet.ip_bytes = split.held_ip_bytes
        packet.extra_packets = split.held_packets - 1
        packet.fragment |= FRAGMENT_TINY
    else:
        packet.ip_bytes += split.held_ip_bytes
        packet.extra_packets = split.held_packets
    packet.payload_offset = 0
    packet.payload_captured = 0
    packet.payload_bytes = split.held_bytes + own_bytes - (header - split.first_bytes)
    tell_flow(split, packet, header)
    return True


def decode_header(split: Any, packet: Any, ahead: int) -> int:
    """Decode the transport header from its first `ahead` octets; its length, -1: not yet.

    A header that will never be told makes the split UNKNOWN.
    """
    protocol = split.flow_protocol
    packet.protocol = protocol
    end = min(ahead, split.cut)
    if protocol == PROTOCOL_AH and packet.ip_version == 4:
        code = decode_authenticated(header_of(split), packet, 0, end, ahead, True)
    elif is_extension(protocol):  # headers in front of it: RFC 7112 forbids to cut there
        split.stage = UNKNOWN
        return -1
    else:
        code = decode_transport(header_of(split), packet, 0, end, ahead, True)
    if code == SOUND and packet.kind == KIND_FLOW:
        return ahead - packet.payload_bytes
    if code != IP_TINY_FRAGMENT or ahead == HEADER_BYTES:
        split.stage = UNKNOWN
    return -1


def tell_flow(split: Any, packet: Any, header: int) -> None:
    """The header is known: keep what later fragments need of it."""
    packet.extra_gap = split.reach - split.covered if split.reach > split.covered else 0
    split.stage = KNOWN
    split.header = header
    split.flow_protocol = packet.protocol
    split.src_port = packet.src_port
    split.dst_port = packet.dst_port
    split.tcp_flags = packet.tcp_flags
    split.icmp_type = packet.icmp_type
    split.icmp_code = packet.icmp_code
    split.ack = packet.ack
    split.seq = packet.seq
    if packet.protocol == PROTOCOL_TCP:  # SYN and FIN were counted with the header
        flags = packet.tcp_flags
        split.seq = (packet.seq + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)) & MASK32
    split.held_packets = 0
    split.held_ip_bytes = 0
    split.held_bytes = 0


def continue_flow(split: Any, packet: Any) -> None:
    """A later fragment of a packet whose header is known."""
    packet.kind = KIND_CONTINUED
    packet.protocol = split.flow_protocol
    packet.src_port = split.src_port
    packet.dst_port = split.dst_port
    packet.tcp_flags = split.tcp_flags
    packet.icmp_type = split.icmp_type
    packet.icmp_code = split.icmp_code
    packet.ack = split.ack
    packet.seq = split.seq
    if packet.protocol == PROTOCOL_TCP:
        packet.seq = (split.seq + packet.fragment_offset - split.header) & MASK32
