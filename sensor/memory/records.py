"""The records that travel down the path, and the arrays that hold them.

A batch is an array of records: frames, packets, flows. The compiled core sees each record as a C
struct, numpy sees each member as a column, and the interpreted core sees an object with attributes
that behave like C integers: one memory, three views. One packet then touches two or three cache
lines, not one per column.

Each class here is a record: the type checker reads its annotations, a Layout makes of them what
numpy and ctypes need; `records.pxd` has the same as C structs (a test compares them, and Cython
checks them whenever such an array is handed to compiled code). The small functions at the end are
the interpreted twins of the inline ones in `memory/records.pxd`.
"""

# No `from __future__ import annotations`: a Layout reads the annotations of the records.
import ctypes
import functools
from typing import Annotated, Generic, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from sensor.memory.loads import Octets

T = TypeVar("T")

RecordArray = npt.NDArray[np.void]
"""Records as numpy sees them: `records["time_ns"]` is a column."""

U8 = Annotated[int, "u1"]
U16 = Annotated[int, "u2"]
U32 = Annotated[int, "u4"]
U64 = Annotated[int, "u8"]
I64 = Annotated[int, "i8"]
"""Numbers of 8 to 64 bits, with or without sign, by numpy's code for each."""


class Numbers(Protocol):
    """An array of numbers: a member of a record, or a memoryview."""

    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


class Rows(Protocol[T]):
    """An array of records for the core: C structs compiled, ctypes structures interpreted."""

    def __getitem__(self, index: int, /) -> T: ...

    def __setitem__(self, index: int, record: T, /) -> None: ...


NO_VLAN = 0xFFFF
"""In place of a VLAN id or tag: there is none."""

CACHE_LINE = 64

HISTORY_MAX = 16
"""History letters that a flow keeps: eight kinds, once for each side."""

NO_WINDOW_SCALE = 0xFF
"""The segment carried no window scale option (RFC 7323 2.2)."""

NO_WINDOW_SCALES = 0xFF
"""Neither side of a flow had one: four bits a side, no shift count is above 14 (RFC 7323 2.3)."""

TUNNELS_MAX = 8
"""Tunnels inside one another that are opened; they are kept beside each packet."""

FRAGMENTS_MAX = 64
"""Fragments of one IP packet whose places are remembered: 64 KiB in pieces of 1,280 make 52."""

HEADER_BYTES = 64
"""Octets of a transport header that come in several fragments; the longest has 60."""


class Frame:
    """A frame as captured: where its octets are, and what its record header had."""

    time_ns: I64  # capture time, nanoseconds since 1970 UTC, as recorded
    offset: U32  # of the first octet, in the window
    captured: U32  # octets in the window
    wire: U32  # octets that were on the wire; >= captured
    link: U16  # LINKTYPE_ value (the numbers that pcap files use)
    interface: U16  # index into FrameBatch.interfaces
    vlan_tci: U16  # outer tag that the kernel took out of the frame, else NO_VLAN
    vlan_tpid: U16  # and its EtherType
    process: U16  # index into the run's Processes; 0: the capture names none

class Packet:
    """A decoded frame, sound or anomalous."""

    # Two cache lines have what the flow table needs of nearly every packet.
    time_ns: I64  # of its frame
    hash: U64  # of its flow's key, the same both ways; set by FlowTable.prepare
    # Addresses: 128 bits as two numbers, IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2).
    src_hi: U64
    src_lo: U64
    dst_hi: U64
    dst_lo: U64
    seq: U32  # TCP, RFC 9293 3.1; ICMP: the identifier, where the message has one
    ack: U32
    ip_bytes: U32  # octets of the IP packet, header included, by its own length
    payload_bytes: U32  # octets behind the transport header, by the IP length
    dst_mac: U64  # 48 bits as a number; 0: the link has none
    src_mac: U64
    tenant: U32  # overlay id that separates equal inner addresses; 0: none
    src_port: U16  # TCP, UDP, SCTP; ICMP: as the Community ID maps type and code
    dst_port: U16
    vlan_outer: U16  # VLAN id 0-4095, else NO_VLAN
    vlan_inner: U16
    window: U16  # TCP, unscaled
    interface: U16
    process: U16  # of its frame
    anomaly: U16  # code from model/anomalies.py; 0: sound
    fragment: U8  # model/packets.py: IS_FRAGMENT and what else; 0: a whole packet
    tcp_flags: U8  # FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32 ECE 64 CWR 128
    kind: U8  # model/packets.py: KIND_*
    protocol: U8  # IANA protocol number of the transport
    ip_version: U8  # 4 or 6
    window_scale: U8  # shift count of the option, else NO_WINDOW_SCALE
    icmp_type: U8
    icmp_code: U8
    ttl: U8  # TTL or hop limit
    application: U8  # model/applications.py: what its first octets look like
    tunnels: U8  # how many it came through: records of TUNNEL_LAYOUT in its batch
    quoted: U8
    payload_offset: U32  # where they start in the window
    payload_captured: U32  # how many of them are in the window
    ip_id: U16  # IPv4 identification; 0 for IPv6
    checksum: U16  # the transport's checksum field, unverified
    fragment_protocol: U8  # what the IP header, or its fragment header, announces
    quoted_protocol: U8
    quoted_has_seq: U8  # 1: quoted_seq was in the quote; as seq above
    quoted_ip_version: U8
    # The third line is for copies, fragments and the packet that an ICMP error quotes.
    copy_mark: U64  # hash of the payload, but of TCP; by FlowTable.prepare: what copies share
    fragment_id: U32  # this and the next two: only where `fragment` is set
    fragment_offset: U16  # octets
    fragment_bytes: U16  # octets of the packet that came in pieces, its header left out
    extra_packets: U16  # set by Fragments: earlier ones whose flow this one names
    extra_gap: U16  # and the octets of payload that are missing among them
    quoted_seq: U32
    quoted_src_port: U16
    quoted_dst_port: U16
    datagram: U32  # of a fragment: which fragmented packet it is of, by Fragments; 0: none
    quoted_src_hi: U64
    quoted_src_lo: U64
    quoted_dst_hi: U64
    quoted_dst_lo: U64

class Tunnel:
    """A tunnel that a packet came through, as its header has it."""

    src_hi: U64  # the outer packet's addresses, as in a packet
    src_lo: U64
    dst_hi: U64
    dst_lo: U64
    id: U32  # VNI, key, TEID, session or call
    fragment_id: U32  # and the next: of the outer packet, where this is its first fragment
    fragment_protocol: U8  # 0: it came in one frame
    type: U8  # model/tunnels.py: TUNNEL_*
    has_id: U8
    # From here on for the decoder alone.
    content: U8  # what is inside: decode/constants.py: CONTENT_*
    cut: U8  # 1: its header says that the frame inside was cut
    vlan: U16  # VLAN id that a mirror took out of the frame, else NO_VLAN
    inner: U32  # where the content starts in the window

class Flow:
    """A flow. Of a pair, index 0 is the originator (orig), index 1 the responder (resp).

    A record is four cache lines of 64 octets: what finds a flow, what each packet changes (two
    lines), and the rest.
    """

    orig_hi: U64  # addresses as in a packet
    orig_lo: U64
    resp_hi: U64
    resp_lo: U64
    orig_port: U16
    resp_port: U16
    tenant: U32
    protocol: U8
    ip_version: U8
    icmp_code: U8  # the type stands in orig_port
    application: U8  # model/applications.py: what the first octets of each side prove
    state: U32  # flowtable/flow_state.py: bits of what was seen
    last_ns: I64  # last packet
    seen_ns: I64  # the same, but never before the largest time seen: for deadlines
    # -- 64
    packets: Annotated[Numbers, "u8", 2]
    bytes: Annotated[Numbers, "u8", 2]  # octets of the IP packets, by the IP length
    payload_bytes: Annotated[Numbers, "u8", 2]
    next_seq: Annotated[Numbers, "u4", 2]  # one past the highest sequence number sent
    acked: Annotated[Numbers, "u4", 2]  # highest acknowledgement sent
    # -- 128
    window: Annotated[Numbers, "u4", 2]  # last advertised, scaled, octets
    isn: Annotated[Numbers, "u4", 2]  # initial sequence number; ICMP echo: [0] is the identifier
    missed_bytes: Annotated[Numbers, "u8", 2]  # acknowledged or skipped, never seen
    history_seen: U16  # which history letters are there, one bit each: an octet a side
    process: U16  # the first one named: index into the run's Processes; 0: none
    pending_isn: U32  # of a SYN that came while the flow was open; in an event: index into Logins
    tcp_flags: Annotated[Numbers, "u1", 2]  # all flags seen, or-ed
    tunnel: U16  # of its first packet: index into the run's Tunnels; 0: none
    vlan_outer: U16  # first seen
    vlan_inner: U16
    verdict: U8  # ecs/flow_batch.py: VERDICTS
    evidence: U8  # ecs/flow_batch.py: EVIDENCE
    confidence: U8  # percent
    tags: U8  # ecs/flow_batch.py: TAG_* bits
    end_reason: U8  # ecs/flow_batch.py: END_REASONS
    conn_state: U8  # ecs/flow_batch.py: CONN_STATES
    action: U8  # ecs/flow_batch.py: ACTIONS
    window_scales: U8  # shift counts, four bits a side; 15: no option
    interface: U16  # index into FlowBatch.interfaces
    decided_file: U16  # index into FlowBatch.files
    decided_frame: U32  # number of the deciding frame in its file, from 1
    # -- 192
    first_ns: I64  # first packet
    decided_ns: I64  # the packet that decided the verdict
    handshake_ns: I64  # the ACK that completed the handshake; 0: not complete
    known_ns: I64  # in the table: last record; in an event: when it became known
    orig_mac: Annotated[Numbers, "u1", 6]
    resp_mac: Annotated[Numbers, "u1", 6]
    first_seq: U32  # `seq` of the first packet: with its time and key the flow's name
    history: Annotated[Numbers, "u1", HISTORY_MAX]  # ASCII letters as zeek's conn.log has them

class Segment:
    """Payload of a flow that somebody follows, or the end of that flow."""

    time_ns: I64  # of its packet
    known_ns: I64  # packet time when it was folded in: never runs back
    slot: U32  # of the flow, in the table
    seq: U32  # TCP: of the first octet
    isn: U32  # number of the sender's SYN, where `has_isn`
    acked: U32  # TCP: highest acknowledgement of the receiver so far, where `has_acked`
    bytes: U32  # octets, by the IP length
    captured: U32  # how many of them are there
    offset: U32  # where they start
    frame: U32  # number of its frame in its file, from 1
    file: U16  # index as decided_file of a flow
    kind: U8  # flowtable/segments.py: SEGMENT_*
    side: U8  # of the sender; stays the same when the flow is turned round
    turned: U8  # the side that is the originator
    has_isn: U8
    has_acked: U8

class FragmentedPacket:
    """An IP packet that comes in fragments, as far as they were seen."""

    src_hi: U64
    src_lo: U64
    dst_hi: U64
    dst_lo: U64
    first_ns: I64  # the fragment that was seen first
    newest_ns: I64
    id: U32
    tenant: U32
    # -- 64
    vlan_outer: U16  # 0 unless VLAN ids separate flows
    vlan_inner: U16
    src_port: U16  # from here to `ack`: of the first fragment
    dst_port: U16
    seq: U32  # TCP: of the octet behind its header; ICMP: the identifier
    ack: U32
    header: U16  # octets of the transport header
    first_bytes: U16  # of the fragment at offset 0, if that does not hold the header
    total: U16  # where the packet ends; 0: not known
    reach: U16  # the highest end of a fragment
    covered: U16  # octets seen, each once
    held_packets: U16  # fragments that wait for their header
    held_ip_bytes: U32
    held_bytes: U32  # without their IP headers
    number: U32  # counted from 1 in the order in which they began
    protocol: U8  # of the key; 0 for IPv6
    ip_version: U8  # 0: a free place
    stage: U8  # decode/fragments.py: what is known of the header
    flow_protocol: U8
    tcp_flags: U8
    icmp_type: U8
    icmp_code: U8
    pieces: U8  # how many of `starts` and `ends` are in use
    cut: U8  # octets from here on were not captured
    octets: Annotated[Numbers, "u1", HEADER_BYTES]  # the first, where `pieces` are
    starts: Annotated[Numbers, "u2", FRAGMENTS_MAX]
    ends: Annotated[Numbers, "u2", FRAGMENTS_MAX]


_CTYPES = {
    "u1": ctypes.c_uint8,
    "u2": ctypes.c_uint16,
    "u4": ctypes.c_uint32,
    "u8": ctypes.c_uint64,
    "i8": ctypes.c_int64,
}


class Layout(Generic[T]):
    """The members of a record in order, as (name, numpy's code, how many), and its types."""

    def __init__(self, record: type[T]) -> None:
        self.members: list[tuple[str, str, int]] = [
            (name, *(*kind.__metadata__, 1)[:2]) for name, kind in record.__annotations__.items()
        ]

    @functools.cached_property
    def dtype(self) -> np.dtype[np.void]:
        """The numpy type of one record, padded as C pads it."""
        return np.dtype([(name, f"={code}", (count,)) if count > 1 else (name, f"={code}")
                         for name, code, count in self.members], align=True)  # fmt: skip

    @functools.cached_property
    def structure(self) -> type[ctypes.Structure]:
        """The ctypes type, one for each layout: a record may be assigned to another array's."""
        members = [(name, _CTYPES[code] * count if count > 1 else _CTYPES[code])
                   for name, code, count in self.members]  # fmt: skip
        return type("Record", (ctypes.Structure,), {"_fields_": members})


FRAME_LAYOUT = Layout(Frame)
PACKET_LAYOUT = Layout(Packet)
TUNNEL_LAYOUT = Layout(Tunnel)
FLOW_LAYOUT = Layout(Flow)
SEGMENT_LAYOUT = Layout(Segment)
FRAGMENTED_LAYOUT = Layout(FragmentedPacket)


def allocate(layout: Layout[T], count: int, compiled: bool) -> tuple[Rows[T], RecordArray]:
    """Zeroed memory for `count` records, as (view for the core, numpy records): the same memory."""
    size = count * layout.dtype.itemsize
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    records = memory[start : start + size].view(layout.dtype)
    return rows_of(layout, records, compiled), records


def rows_of(layout: Layout[T], records: RecordArray, compiled: bool) -> Rows[T]:
    """Records as the core sees them."""
    if compiled:
        return cast(Rows[T], records)
    return cast(Rows[T], (layout.structure * len(records)).from_buffer(records.data))


# Interpreted twins of the inline functions in memory/records.pxd.


def frames_of(view: Rows[Frame]) -> Rows[Frame]:
    return view


def packets_of(view: Rows[Packet]) -> Rows[Packet]:
    return view


def flows_of(view: Rows[Flow]) -> Rows[Flow]:
    return view


def segments_of(view: Rows[Segment]) -> Rows[Segment]:
    return view


def tunnels_of(view: Rows[Tunnel]) -> Rows[Tunnel]:
    return view


def fragmented_of(view: Rows[FragmentedPacket]) -> Rows[FragmentedPacket]:
    return view


def frame_at(rows: Rows[Frame], index: int) -> Frame:
    return rows[index]


def packet_at(rows: Rows[Packet], index: int) -> Packet:
    return rows[index]


def flow_at(rows: Rows[Flow], index: int) -> Flow:
    return rows[index]


def segment_at(rows: Rows[Segment], index: int) -> Segment:
    return rows[index]


def tunnel_at(rows: Rows[Tunnel], index: int) -> Tunnel:
    return rows[index]


def fragmented_at(rows: Rows[FragmentedPacket], index: int) -> FragmentedPacket:
    return rows[index]


def ones(bits: int) -> int:
    """The number of bits that are set."""
    return bits.bit_count()


def header_of(datagram: FragmentedPacket) -> Octets:
    """The octets of a header that came in several fragments, for the loads."""
    return datagram.octets


def touch_flow(rows: Rows[Flow], index: int) -> None:
    """Ask the processor to load what each packet changes of a flow's record."""


def touch_packet(rows: Rows[Packet], index: int) -> None:
    """Ask the processor to load a packet's record soon."""


def touch_bucket(buckets: Numbers, index: int) -> None:
    """Ask the processor to load a hash bucket soon."""
