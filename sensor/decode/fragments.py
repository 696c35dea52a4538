"""Fragments of IP packets: which flow the later ones belong to. Only this part has state.

A later fragment has no ports; it gets those of the first one (RFC 791 3.2, RFC 8200 4.5). Nothing
is put together again: of a packet that comes in fragments, here a *datagram*, the ports are kept
and which octets were there. Where the first fragment comes late, those before it are counted, and
with it given to the flow. Where it does not hold its transport header, up to 64 octets of it are
kept, so that a SYN cut in two is still a SYN.

    first fragment seen?       header
    no                         WAITING     later fragments are counted
    yes, header not whole      WAITING     the tiny fragment is an anomaly
    yes                        KNOWN       later fragments belong to the flow
    yes, but not readable      UNKNOWN     later fragments belong to no flow

The same fragment within the window of duplicates is a copy of it; later it begins another packet,
as IP identifications come round again. One that overlaps others in any other way is an anomaly, and
what came first counts.
"""

from __future__ import annotations

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.memory.records import FRAGMENTED_LAYOUT, FRAGMENTS_MAX, HEADER_BYTES, allocate
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
    from sensor.memory.loads import Octets, u8
    from sensor.memory.records import (
        FragmentedPacket,
        Packet,
        fragmented_at,
        fragmented_of,
        header_of,
        packet_at,
    )
    from sensor.model.frames import FrameBatch
    from sensor.model.packets import PacketBatch

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
"""Relations of a fragment to those that were seen of its packet."""
COUNT_MAX = 0xFFFF
MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF
PRIME_1 = 0x9E37_79B9_7F4A_7C15
PRIME_2 = 0xC2B2_AE3D_27D4_EB4F


class Fragments:
    """Packets that come in fragments, at most `fragments_max` at a time.

    Above it the one that began longest ago is forgotten: the rest of its fragments belongs to no
    flow. `key_vlan` separates VLANs, `copy_window_ns` is how far apart two copies of a fragment
    may be, `duplicates` whether there are any, `seed` keeps senders from choosing packets
    that displace each other.
    """

    def __init__(
        self, fragments_max: int = 65_536, *, key_vlan: bool = False, duplicates: bool = True,
        copy_window_ns: int = 10_000_000, seed: int = 0
    ) -> None:
        sets = 1
        while sets * 2 * WAYS <= fragments_max:
            sets *= 2
        self.set_mask = sets - 1
        self.tags = np.zeros(sets * WAYS, np.uint32).data  # 0: a free place
        self.view, self.records = allocate(FRAGMENTED_LAYOUT, sets * WAYS, cython.compiled)
        self.rows = fragmented_of(self.view)
        self.key_vlan = key_vlan
        self.duplicates = duplicates
        self.copy_window_ns = copy_window_ns
        self.seed = seed & MASK64
        self.evicted = 0
        self.begun = 0

    def join(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Give the fragments of a batch the flow of their packet; `frames` are its own."""
        self.evicted = 0
        with cython.nogil:
            for i in range(packets.count):
                if packet_at(packets.rows, i).fragment:
                    join_one(self, frames.octets, packet_at(packets.rows, i))
                    if packet_at(packets.rows, i).kind == KIND_ANOMALY:
                        packets.anomalous = True
        packets.fragments_evicted = self.evicted


def join_one(fragments: Fragments, octets: Octets, packet: Packet) -> None:
    """Find the packet that a fragment belongs to, and classify the fragment by it."""
    packet.datagram = 0
    if packet.fragment_bytes == 0:
        return  # nothing of it can be missing
    datagram = fragmented_at(fragments.rows, find_datagram(fragments, packet))
    relation = relation_of(datagram, packet)
    if begins_another(fragments, datagram, packet, relation):
        begin(fragments, datagram, packet)
        relation = NEW
    packet.datagram = datagram.number
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
        remember(datagram, packet)
    if packet.fragment_offset == 0:
        join_first(datagram, octets, packet)
    elif datagram.stage == KNOWN:
        continue_flow(datagram, packet)
    elif datagram.stage == WAITING:
        join_early(datagram, octets, packet)


# ---- which packet -------------------------------------------------------------------------------


def key_of(fragments: Fragments, packet: Packet) -> int:
    """The hash of what fragments of one packet have in common."""
    mixed = (packet.src_lo ^ (packet.src_hi * PRIME_2) ^ fragments.seed) & MASK64
    mixed = ((mixed ^ (mixed >> 32)) * PRIME_1) & MASK64
    mixed = (mixed ^ packet.dst_lo ^ (packet.dst_hi * PRIME_1)) & MASK64
    mixed = ((mixed ^ (mixed >> 29)) * PRIME_2) & MASK64
    number = packet.tenant
    number = (number << 32) | packet.fragment_id
    mixed = ((mixed ^ number ^ (mixed >> 31)) * PRIME_1) & MASK64
    return mixed ^ (mixed >> 32)


def key_protocol(packet: Packet) -> int:
    """IPv4 numbers the packets of each protocol by themselves, IPv6 all of them together."""
    return packet.fragment_protocol if packet.ip_version == 4 else 0


def find_datagram(fragments: Fragments, packet: Packet) -> int:
    """The place of a fragment's packet, a new one if it is not known yet."""
    hashed = key_of(fragments, packet)
    first = (hashed & fragments.set_mask) * WAYS
    tag = (hashed >> 32) | 1
    for at in range(first, first + WAYS):
        datagram = fragmented_at(fragments.rows, at)
        if fragments.tags[at] == tag and is_of(fragments, datagram, packet):
            return at
    at = place_for(fragments, packet, first)
    fragments.tags[at] = tag
    begin(fragments, fragmented_at(fragments.rows, at), packet)
    return at


def is_of(fragments: Fragments, datagram: FragmentedPacket, packet: Packet) -> bool:
    """True if a fragment belongs to a packet, by its key."""
    if datagram.src_lo != packet.src_lo or datagram.dst_lo != packet.dst_lo:
        return False
    if datagram.src_hi != packet.src_hi or datagram.dst_hi != packet.dst_hi:
        return False
    if datagram.id != packet.fragment_id or datagram.tenant != packet.tenant:
        return False
    if datagram.ip_version != packet.ip_version or datagram.protocol != key_protocol(packet):
        return False
    return not fragments.key_vlan or (
        datagram.vlan_outer == packet.vlan_outer and datagram.vlan_inner == packet.vlan_inner
    )


def place_for(fragments: Fragments, packet: Packet, first: int) -> int:
    """A place among those from `first`: a free one, else the oldest that is done with, or at all.

    What is whole is not wanted any more, but copies of its fragments may still come.
    """
    oldest = first
    done = first + WAYS  # none
    for at in range(first, first + WAYS):
        if fragments.tags[at] == 0:
            return at
        datagram = fragmented_at(fragments.rows, at)
        if is_stale(datagram, packet):
            return at
        if is_whole(datagram) and (done == first + WAYS or is_older(fragments, at, done)):
            done = at
        if is_older(fragments, at, oldest):
            oldest = at
    if done < first + WAYS:
        return done
    fragments.evicted += 1
    return oldest


def is_older(fragments: Fragments, one: int, other: int) -> bool:
    """True if the packet in one place began before that in another."""
    first_ns = fragmented_at(fragments.rows, other).first_ns
    return fragmented_at(fragments.rows, one).first_ns < first_ns


def begin(fragments: Fragments, datagram: FragmentedPacket, packet: Packet) -> None:
    """Remember a packet of which nothing was seen before this fragment."""
    fragments.begun = (fragments.begun + 1) & MASK32
    datagram.number = fragments.begun
    datagram.src_hi = packet.src_hi
    datagram.src_lo = packet.src_lo
    datagram.dst_hi = packet.dst_hi
    datagram.dst_lo = packet.dst_lo
    datagram.id = packet.fragment_id
    datagram.tenant = packet.tenant
    datagram.vlan_outer = packet.vlan_outer
    datagram.vlan_inner = packet.vlan_inner
    datagram.protocol = key_protocol(packet)
    datagram.ip_version = packet.ip_version
    datagram.first_ns = packet.time_ns
    datagram.newest_ns = packet.time_ns
    datagram.stage = WAITING
    datagram.pieces = 0
    datagram.cut = HEADER_BYTES
    datagram.total = 0
    datagram.reach = 0
    datagram.covered = 0
    datagram.first_bytes = 0
    datagram.held_packets = 0
    datagram.held_ip_bytes = 0
    datagram.held_bytes = 0


def is_whole(datagram: FragmentedPacket) -> bool:
    """True if nothing of the packet is missing."""
    return datagram.total != 0 and datagram.covered == datagram.total


def is_stale(datagram: FragmentedPacket, packet: Packet) -> bool:
    """True if the packet began too long before (or after) this fragment to be its own."""
    apart = packet.time_ns - datagram.first_ns
    return apart > REASSEMBLY_NS or apart < -REASSEMBLY_NS


def begins_another(
    fragments: Fragments, datagram: FragmentedPacket, packet: Packet, relation: int
) -> bool:
    """True if the key has come round again: the fragment is the first seen of another packet."""
    if is_stale(datagram, packet):
        return True
    apart = packet.time_ns - datagram.newest_ns
    window = fragments.copy_window_ns
    if -window <= apart <= window:
        return False
    return relation == SAME or is_whole(datagram)


# ---- which octets of it -------------------------------------------------------------------------


def relation_of(datagram: FragmentedPacket, packet: Packet) -> int:
    """NEW, SAME or OVERLAPS, by the octets that the fragment holds."""
    start = packet.fragment_offset
    end = start + packet.fragment_bytes
    overlaps = False
    for i in range(datagram.pieces):
        if datagram.starts[i] == start and datagram.ends[i] == end:
            return SAME
        if datagram.starts[i] < end and start < datagram.ends[i]:
            overlaps = True
    if overlaps or (datagram.total and end > datagram.total):
        return OVERLAPS
    if not packet.fragment & MORE_FRAGMENTS and (datagram.total or end < datagram.reach):
        return OVERLAPS
    return NEW


def remember(datagram: FragmentedPacket, packet: Packet) -> None:
    """Note which octets of its packet a fragment holds."""
    start = packet.fragment_offset
    end = start + packet.fragment_bytes
    if datagram.pieces < FRAGMENTS_MAX:
        datagram.starts[datagram.pieces] = start
        datagram.ends[datagram.pieces] = end
        datagram.pieces += 1
        datagram.covered += packet.fragment_bytes
    datagram.reach = max(datagram.reach, end)
    if not packet.fragment & MORE_FRAGMENTS:
        datagram.total = end
    datagram.newest_ns = max(datagram.newest_ns, packet.time_ns)


def octets_ahead(datagram: FragmentedPacket) -> int:
    """The octets that are there from the packet's first one on, as far as headers reach."""
    at = 0
    moved = True
    while moved and at < HEADER_BYTES:
        moved = False
        for i in range(datagram.pieces):
            if datagram.starts[i] <= at < datagram.ends[i]:
                at = datagram.ends[i]
                moved = True
    return min(at, HEADER_BYTES)


def keep_octets(datagram: FragmentedPacket, octets: Octets, packet: Packet) -> None:
    """Copy what may be of the transport header, as far as it was captured."""
    start = packet.fragment_offset
    count = min(packet.fragment_bytes, HEADER_BYTES - start)
    if packet.payload_captured < count:
        count = packet.payload_captured
        datagram.cut = min(datagram.cut, start + count)
    for i in range(count):
        datagram.octets[start + i] = u8(octets, packet.payload_offset + i)


# ---- what that makes of it ----------------------------------------------------------------------


def join_first(datagram: FragmentedPacket, octets: Octets, packet: Packet) -> None:
    """The fragment with the packet's first octets."""
    if packet.kind == KIND_FLOW:
        header = packet.fragment_bytes - packet.payload_bytes
        packet.ip_bytes += datagram.held_ip_bytes
        packet.payload_bytes += datagram.held_bytes
        packet.extra_packets = datagram.held_packets
        keep_header(datagram, packet, header)
    elif packet.kind == KIND_ANOMALY and packet.anomaly == IP_TINY_FRAGMENT:
        datagram.first_bytes = packet.fragment_bytes
        datagram.flow_protocol = packet.fragment_protocol
        keep_octets(datagram, octets, packet)
        if not complete(datagram, packet):
            packet.kind = KIND_ANOMALY
    else:
        datagram.stage = UNKNOWN


def join_early(datagram: FragmentedPacket, octets: Octets, packet: Packet) -> None:
    """A later fragment before the header is known: it completes that, or is counted."""
    if packet.fragment_offset < HEADER_BYTES:
        keep_octets(datagram, octets, packet)
        if datagram.first_bytes and complete(datagram, packet):
            return
    packet.kind = KIND_FRAGMENT
    if datagram.held_packets < COUNT_MAX:
        datagram.held_packets += 1
        datagram.held_ip_bytes += packet.ip_bytes
        datagram.held_bytes += packet.fragment_bytes


def complete(datagram: FragmentedPacket, packet: Packet) -> bool:
    """Decode a header that came in several fragments, as soon as it is there.

    The packet then is the whole header's, with everything that was counted before; the tiny
    fragment itself stays an anomaly, and is not counted with the flow.
    """
    ahead = octets_ahead(datagram)
    header = decode_header(datagram, packet, ahead)
    if header < 0:
        return False
    own_bytes = packet.fragment_bytes
    if packet.fragment_offset == 0:  # the tiny fragment came last: it stands for the others
        own_bytes = 0
        packet.ip_bytes = datagram.held_ip_bytes
        packet.extra_packets = datagram.held_packets - 1
        packet.fragment |= FRAGMENT_TINY
    else:
        packet.ip_bytes += datagram.held_ip_bytes
        packet.extra_packets = datagram.held_packets
    packet.payload_offset = 0
    packet.payload_captured = 0
    packet.payload_bytes = datagram.held_bytes + own_bytes - (header - datagram.first_bytes)
    keep_header(datagram, packet, header)
    return True


def decode_header(datagram: FragmentedPacket, packet: Packet, ahead: int) -> int:
    """Decode the transport header from its first `ahead` octets; its length, -1: not yet.

    A header that will never be known makes the datagram UNKNOWN.
    """
    protocol = datagram.flow_protocol
    packet.protocol = protocol
    end = min(ahead, datagram.cut)
    if protocol == PROTOCOL_AH and packet.ip_version == 4:
        code = decode_authenticated(header_of(datagram), packet, 0, end, ahead, True)
    elif is_extension(protocol):  # headers in front of it: RFC 7112 forbids to cut there
        datagram.stage = UNKNOWN
        return -1
    else:
        code = decode_transport(header_of(datagram), packet, 0, end, ahead, True)
    if code == SOUND and packet.kind == KIND_FLOW:
        return ahead - packet.payload_bytes
    if code != IP_TINY_FRAGMENT or ahead == HEADER_BYTES:
        datagram.stage = UNKNOWN
    return -1


def keep_header(datagram: FragmentedPacket, packet: Packet, header: int) -> None:
    """The header is known: keep what later fragments need of it."""
    packet.extra_gap = datagram.reach - datagram.covered
    datagram.stage = KNOWN
    datagram.header = header
    datagram.flow_protocol = packet.protocol
    datagram.src_port = packet.src_port
    datagram.dst_port = packet.dst_port
    datagram.tcp_flags = packet.tcp_flags
    datagram.icmp_type = packet.icmp_type
    datagram.icmp_code = packet.icmp_code
    datagram.ack = packet.ack
    datagram.seq = packet.seq
    if packet.protocol == PROTOCOL_TCP:  # SYN and FIN were counted with the header
        flags = packet.tcp_flags
        datagram.seq = (packet.seq + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)) & MASK32
    datagram.held_packets = 0
    datagram.held_ip_bytes = 0
    datagram.held_bytes = 0


def continue_flow(datagram: FragmentedPacket, packet: Packet) -> None:
    """A later fragment of a packet whose header is known."""
    packet.kind = KIND_CONTINUED
    packet.protocol = datagram.flow_protocol
    packet.src_port = datagram.src_port
    packet.dst_port = datagram.dst_port
    packet.tcp_flags = datagram.tcp_flags
    packet.icmp_type = datagram.icmp_type
    packet.icmp_code = datagram.icmp_code
    packet.ack = datagram.ack
    packet.seq = datagram.seq
    if packet.protocol == PROTOCOL_TCP:
        packet.seq = (datagram.seq + packet.fragment_offset - datagram.header) & MASK32
