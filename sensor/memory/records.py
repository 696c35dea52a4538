"""The records that travel down the path, and the arrays that hold them.

A batch is an array of records: frames, packets, flows. The compiled core sees each record as a C
struct, numpy sees each member as a column, and the interpreted core sees an object with attributes
that behave like C integers: one memory, three views. One packet then touches two or three cache
lines, not one per column.

The layouts stand here; `records.pxd` says the same as C structs (a test compares them, and Cython
checks them whenever such an array is handed to compiled code). The small functions at the end are
the interpreted twins of the inline ones in `memory/records.pxd`.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

Layout = tuple[tuple[str, str, int], ...]

NO_VLAN = 0xFFFF
"""Wherever a VLAN id or tag is stored: there is none."""

CACHE_LINE = 64

HISTORY_MAX = 16
"""History letters that a flow keeps: eight kinds, once for each side."""

NO_WINDOW_SCALE = 0xFF
"""The segment carried no window scale option (RFC 7323 2.2)."""

NO_WINDOW_SCALES = 0xFF
"""Neither side of a flow had one: four bits a side, no shift count is above 14 (RFC 7323 2.3)."""

TUNNELS_MAX = 4
"""Tunnels inside one another that are opened; they are kept beside each packet."""

FRAME_LAYOUT: Layout = (
    ("time_ns", "i8", 1),  # capture time, nanoseconds since 1970 UTC, as recorded
    ("offset", "u4", 1),  # of the first octet, in the window
    ("captured", "u4", 1),  # octets in the window
    ("wire", "u4", 1),  # octets that were on the wire; >= captured
    ("link", "u2", 1),  # LINKTYPE_ value (the numbers that pcap files use)
    ("interface", "u2", 1),  # index into FrameBatch.interfaces
    ("vlan_tci", "u2", 1),  # outer tag that the kernel took out of the frame, else NO_VLAN
    ("vlan_tpid", "u2", 1),  # and its EtherType
    ("process", "u2", 1),  # index into the run's Processes; 0: the capture tells of none
)

PACKET_LAYOUT: Layout = (
    # Two cache lines have what the flow table needs of nearly every packet.
    ("time_ns", "i8", 1),  # of its frame
    ("hash", "u8", 1),  # of its flow's key, the same both ways; set by FlowTable.prepare
    # Addresses: 128 bits as two numbers, IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2).
    ("src_hi", "u8", 1),
    ("src_lo", "u8", 1),
    ("dst_hi", "u8", 1),
    ("dst_lo", "u8", 1),
    ("seq", "u4", 1),  # TCP, RFC 9293 3.1; ICMP: the identifier, where the message has one
    ("ack", "u4", 1),
    ("ip_bytes", "u4", 1),  # octets of the IP packet, header included, by its own length
    ("payload_bytes", "u4", 1),  # octets behind the transport header, by the IP length
    ("dst_mac", "u8", 1),  # 48 bits as a number; 0: the link has none
    ("src_mac", "u8", 1),
    ("tenant", "u4", 1),  # overlay id that separates equal inner addresses; 0: none
    ("src_port", "u2", 1),  # TCP, UDP, SCTP; ICMP: as the Community ID maps type and code
    ("dst_port", "u2", 1),
    ("vlan_outer", "u2", 1),  # VLAN id 0-4095, else NO_VLAN
    ("vlan_inner", "u2", 1),
    ("window", "u2", 1),  # TCP, unscaled
    ("interface", "u2", 1),
    ("process", "u2", 1),  # of its frame
    ("anomaly", "u2", 1),  # code from model/anomalies.py; 0: sound
    ("fragment", "u1", 1),  # model/packets.py: IS_FRAGMENT and what else; 0: a whole packet
    ("tcp_flags", "u1", 1),  # FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32 ECE 64 CWR 128
    ("kind", "u1", 1),  # model/packets.py: KIND_*
    ("protocol", "u1", 1),  # IANA protocol number of the transport
    ("ip_version", "u1", 1),  # 4 or 6
    ("window_scale", "u1", 1),  # shift count of the option, else NO_WINDOW_SCALE
    ("icmp_type", "u1", 1),
    ("icmp_code", "u1", 1),
    ("ttl", "u1", 1),  # TTL or hop limit
    ("telnet_role", "u1", 1),  # model/packets.py: TELNET_*, as far as its negotiation tells
    ("tunnels", "u1", 1),  # how many it came through: records of TUNNEL_LAYOUT in its batch
    ("quoted", "u1", 1),
    ("payload_offset", "u4", 1),  # where they start in the window
    ("payload_captured", "u4", 1),  # how many of them are in the window
    ("ip_id", "u2", 1),  # IPv4 identification; 0 for IPv6
    ("checksum", "u2", 1),  # the transport's checksum field, unverified
    ("fragment_protocol", "u1", 1),  # what the IP header, or its fragment header, announces
    ("quoted_protocol", "u1", 1),
    ("quoted_has_seq", "u1", 1),  # 1: quoted_seq was in the quote; as seq above
    ("quoted_ip_version", "u1", 1),
    # The third line is for copies, fragments and the packet that an ICMP error quotes.
    ("copy_mark", "u8", 1),  # what copies of a packet have in common; set by FlowTable.prepare
    ("fragment_id", "u4", 1),  # this and the next two: only where `fragment` is set
    ("fragment_offset", "u2", 1),  # octets
    ("fragment_bytes", "u2", 1),  # octets of the packet that came in pieces, its header left out
    ("extra_packets", "u2", 1),  # set by Fragments: earlier ones whose flow this one tells
    ("extra_gap", "u2", 1),  # and the octets of payload that are missing among them
    ("quoted_seq", "u4", 1),
    ("quoted_src_port", "u2", 1),
    ("quoted_dst_port", "u2", 1),
    ("quoted_src_hi", "u8", 1),
    ("quoted_src_lo", "u8", 1),
    ("quoted_dst_hi", "u8", 1),
    ("quoted_dst_lo", "u8", 1),
)

# A tunnel that a packet came through, and what its header said. The last three members only serve
# the decoder.
TUNNEL_LAYOUT: Layout = (
    ("src_hi", "u8", 1),  # the outer packet's addresses, as in a packet
    ("src_lo", "u8", 1),
    ("dst_hi", "u8", 1),
    ("dst_lo", "u8", 1),
    ("id", "u4", 1),  # VNI, key, TEID, session or call
    ("type", "u1", 1),  # model/tunnels.py: TUNNEL_*
    ("has_id", "u1", 1),
    ("content", "u1", 1),  # what is inside: decode/constants.py: CONTENT_*
    ("vlan", "u2", 1),  # VLAN id that a mirror took out of the frame, else NO_VLAN
    ("inner", "u4", 1),  # where the content starts in the window
)

# In pairs, index 0 is the originator (orig), index 1 the responder (resp). A record is four cache
# lines of 64 octets: what finds a flow, what each packet changes (two lines), and the rest.
FLOW_LAYOUT: Layout = (
    ("orig_hi", "u8", 1),  # addresses as in a packet
    ("orig_lo", "u8", 1),
    ("resp_hi", "u8", 1),
    ("resp_lo", "u8", 1),
    ("orig_port", "u2", 1),
    ("resp_port", "u2", 1),
    ("tenant", "u4", 1),
    ("protocol", "u1", 1),
    ("ip_version", "u1", 1),
    ("icmp_type", "u1", 1),
    ("icmp_code", "u1", 1),
    ("state", "u4", 1),  # flowtable/flow_state.py: bits of what was seen
    ("last_ns", "i8", 1),  # last packet
    ("seen_ns", "i8", 1),  # the same, but never before the largest time seen: for deadlines
    # -- 64
    ("packets", "u8", 2),
    ("bytes", "u8", 2),  # octets of the IP packets, by the IP length
    ("payload_bytes", "u8", 2),
    ("next_seq", "u4", 2),  # one past the highest sequence number sent
    ("acked", "u4", 2),  # highest acknowledgement sent
    # -- 128
    ("window", "u4", 2),  # last advertised, scaled, octets
    ("isn", "u4", 2),  # initial sequence number; ICMP echo: [0] is the identifier
    ("missed_bytes", "u8", 2),  # payload that was acknowledged or skipped but never seen
    ("history_seen", "u2", 1),  # which history letters are there, one bit each: an octet a side
    ("process", "u2", 1),  # the first one told: index into the run's Processes; 0: none
    ("pending_isn", "u4", 1),  # of a SYN that came while the flow was open
    ("tcp_flags", "u1", 2),  # all flags seen, or-ed
    ("tunnel", "u2", 1),  # of its first packet: index into the run's Tunnels; 0: none
    ("vlan_outer", "u2", 1),  # first seen
    ("vlan_inner", "u2", 1),
    ("verdict", "u1", 1),  # ecs/flow_batch.py: VERDICTS
    ("evidence", "u1", 1),  # ecs/flow_batch.py: EVIDENCE
    ("confidence", "u1", 1),  # percent
    ("tags", "u1", 1),  # ecs/flow_batch.py: TAG_* bits
    ("end_reason", "u1", 1),  # ecs/flow_batch.py: END_REASONS
    ("conn_state", "u1", 1),  # ecs/flow_batch.py: CONN_STATES
    ("action", "u1", 1),  # ecs/flow_batch.py: ACTIONS
    ("window_scales", "u1", 1),  # shift counts, four bits a side; 15: no option
    ("interface", "u2", 1),  # index into FlowBatch.interfaces
    ("decided_file", "u2", 1),  # index into FlowBatch.files
    ("decided_frame", "u4", 1),  # number of the deciding frame in its file, from 1
    # -- 192
    ("first_ns", "i8", 1),  # first packet
    ("decided_ns", "i8", 1),  # the packet that decided the verdict
    ("handshake_ns", "i8", 1),  # the ACK that completed the handshake; 0: not complete
    ("known_ns", "i8", 1),  # in the table: last record; in an event: when it became known
    ("orig_mac", "u1", 6),
    ("resp_mac", "u1", 6),
    ("first_seq", "u4", 1),  # `seq` of the first packet: with its time and key the flow's name
    ("history", "u1", HISTORY_MAX),  # ASCII letters as zeek's conn.log has them
)

FRAGMENTS_MAX = 64
"""Fragments of one IP packet whose places are remembered: 64 KiB in pieces of 1,280 make 52."""
HEADER_BYTES = 64
"""Octets of a transport header that come in several fragments; the longest has 60."""

# An IP packet that comes in fragments, and what those seen so far have told of it.
SPLIT_LAYOUT: Layout = (
    ("src_hi", "u8", 1),
    ("src_lo", "u8", 1),
    ("dst_hi", "u8", 1),
    ("dst_lo", "u8", 1),
    ("first_ns", "i8", 1),  # the fragment that was seen first
    ("newest_ns", "i8", 1),
    ("id", "u4", 1),
    ("tenant", "u4", 1),
    # -- 64
    ("vlan_outer", "u2", 1),  # 0 unless VLAN ids separate flows
    ("vlan_inner", "u2", 1),
    ("src_port", "u2", 1),  # from here to `ack`: of the first fragment
    ("dst_port", "u2", 1),
    ("seq", "u4", 1),  # TCP: of the octet behind its header; ICMP: the identifier
    ("ack", "u4", 1),
    ("header", "u2", 1),  # octets of the transport header
    ("first_bytes", "u2", 1),  # of the fragment at offset 0, if that does not hold the header
    ("total", "u2", 1),  # where the packet ends; 0: not known
    ("reach", "u2", 1),  # the highest end of a fragment
    ("covered", "u2", 1),  # octets seen, each once
    ("held_packets", "u2", 1),  # fragments that wait for their header
    ("held_ip_bytes", "u4", 1),
    ("held_bytes", "u4", 1),  # without their IP headers
    ("protocol", "u1", 1),  # of the key; 0 for IPv6
    ("ip_version", "u1", 1),  # 0: a free place
    ("stage", "u1", 1),  # fragments.py: what is known of the header
    ("flow_protocol", "u1", 1),
    ("tcp_flags", "u1", 1),
    ("icmp_type", "u1", 1),
    ("icmp_code", "u1", 1),
    ("pieces", "u1", 1),  # how many of `starts` and `ends` are in use
    ("cut", "u1", 1),  # octets from here on were not captured
    ("octets", "u1", HEADER_BYTES),  # the first of the packet, as far as `pieces` tell
    ("starts", "u2", FRAGMENTS_MAX),
    ("ends", "u2", FRAGMENTS_MAX),
)


def dtype_of(layout: Layout) -> np.dtype[Any]:
    """The numpy type of one record, padded as C pads it."""
    members: list[Any] = [
        (name, f"={code}", (count,)) if count > 1 else (name, f"={code}")
        for name, code, count in layout
    ]
    return np.dtype(members, align=True)


_CTYPES: dict[str, Any] = {
    "u1": ctypes.c_uint8,
    "u2": ctypes.c_uint16,
    "u4": ctypes.c_uint32,
    "u8": ctypes.c_uint64,
    "i8": ctypes.c_int64,
}


def allocate(layout: Layout, count: int, compiled: bool) -> tuple[Any, Any]:
    """Zeroed memory for `count` records, as (view for the core, numpy records): the same memory."""
    if compiled:
        dtype = dtype_of(layout)
        memory = np.zeros(count * dtype.itemsize + CACHE_LINE, np.uint8)
        start = -memory.ctypes.data % CACHE_LINE
        records = memory[start : start + count * dtype.itemsize].view(dtype)
        return records, records
    rows = (_record_type(layout) * count)()
    return rows, np.frombuffer(rows, dtype_of(layout))


@functools.cache
def _record_type(layout: Layout) -> Any:
    """One type for each layout, so that a record may be assigned from one array to another."""
    members = [
        (name, _CTYPES[code] * size if size > 1 else _CTYPES[code]) for name, code, size in layout
    ]
    return type("Record", (ctypes.Structure,), {"_fields_": members})


# Interpreted twins of the inline functions in memory/records.pxd.


def frames_of(view: Any) -> Any:
    return view


def packets_of(view: Any) -> Any:
    return view


def flows_of(view: Any) -> Any:
    return view


def tunnels_of(view: Any) -> Any:
    return view


def splits_of(view: Any) -> Any:
    return view


def frame_at(rows: Any, index: int) -> Any:
    return rows[index]


def packet_at(rows: Any, index: int) -> Any:
    return rows[index]


def flow_at(rows: Any, index: int) -> Any:
    return rows[index]


def tunnel_at(rows: Any, index: int) -> Any:
    return rows[index]


def ones(bits: int) -> int:
    """How many bits of a number are set."""
    return bits.bit_count()


def split_at(rows: Any, index: int) -> Any:
    return rows[index]


def header_of(split: Any) -> Any:
    """The octets of a header that came in several fragments, for the loads."""
    return split.octets


def touch_flow(rows: Any, index: int) -> None:
    """Ask the processor to load what each packet changes of a flow's record."""


def touch_packet(rows: Any, index: int) -> None:
    """Ask the processor to load a packet's record soon."""


def touch_bucket(buckets: Any, index: int) -> None:
    """Ask the processor to load a hash bucket soon."""
