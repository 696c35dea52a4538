"""PacketBatch: the currency between the decoder and the flow table.

A packet is one decoded frame, sound or anomalous. Packet `i` comes from frame `i` of the frame
batch that the decoder was given. The batch holds all that is needed of the frames: their window
may be filled anew while the packets are still worked on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.memory.records import PACKET_LAYOUT, TUNNEL_LAYOUT, TUNNELS_MAX, allocate
from sensor.model.frames import FRAMES_MAX

if not cython.compiled:
    from sensor.memory.buffers import put_octets, room_of
    from sensor.memory.records import packet_at, packets_of, tunnels_of
    from sensor.model.frames import FrameBatch

KIND_ANOMALY = 0
"""The frame is malformed: `anomaly` is the code; no other member is set but `time_ns`."""
KIND_NON_IP = 1
"""A sound frame that carries no IP packet (ARP, LLDP, ...)."""
KIND_FLOW = 2
"""Ports or ICMP identifier, or none for other transports: belongs to a flow."""
KIND_ICMP_ERROR = 3
"""An ICMP error; if `quoted` is 1 the quoted packet names its flow."""
KIND_FRAGMENT = 4
"""An IP fragment other than the first: no ports, belongs to no flow."""
KIND_CONTINUED = 5
"""Such a fragment whose first one was seen: it has that one's ports and belongs to its flow."""
KIND_COPY = 6
"""The same packet was here a moment ago; set by FlowTable.prepare."""
KIND_PSEUDOWIRE = 255
"""An Ethernet frame behind MPLS labels: what the decoder goes on with; it never leaves it so."""

IS_FRAGMENT = 1
"""In `fragment`: the packet came in several frames, of which this is one."""
MORE_FRAGMENTS = 2
FRAGMENT_COPY = 4
"""The same fragment was here a moment ago."""
FRAGMENT_TINY = 8
"""It is an anomaly, and completes a header: it stands for the fragments before it alone."""
TRANSPORT_CUT = 16
"""No fragment: the capture ends in its TCP header behind the ports, and has no flags of it."""

PROTOCOL_ICMP = 1
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_DCCP = 33
PROTOCOL_AH = 51
PROTOCOL_ICMPV6 = 58
PROTOCOL_SCTP = 132
PROTOCOL_UDP_LITE = 136

FIN = 1
SYN = 2
RST = 4
PSH = 8
ACK = 16
URG = 32


class PacketBatch:
    """One packet row for each frame of a batch: `rows[i]`, or `records` as numpy columns.

    The tunnels that packet `i` came through, the outermost first, are `packet.tunnels` records from
    `tunnel_rows[i * TUNNELS_MAX]` on; what a packet without tunnels has there means nothing.
    `wire_bytes` is the length of all its frames on the wire; `anomalous` says that any of them is
    malformed, `fragments` is not 0 if any is a fragment, `fragments_evicted` how many fragmented
    packets had to be forgotten for these, `sliced` how many packets were cut before the capture;
    `kept` has the payloads that analyzers may want: `payload_captured` octets from `payload_offset`
    on, which is 0 for the others; where nobody chose any, offsets are those in the window.
    `prepared` says that the flow table has computed what it needs of each packet by itself; the
    rest is as in FrameBatch. `numbered` says that `numbers` and `file_of` hold for its packets; the
    run's bookkeeping turns the latter, at first indices into `files`, into indices of the run's
    files. `ordinal` is how many packets of the run come before its first one, where somebody counts
    them.
    """

    def __init__(self, capacity: int = FRAMES_MAX) -> None:
        self.view, self.records = allocate(PACKET_LAYOUT, capacity, cython.compiled)
        self.rows = packets_of(self.view)
        # One more: the decoder looks at the header of a tunnel that is one too many.
        self.tunnel_view, self.tunnel_records = allocate(
            TUNNEL_LAYOUT, capacity * TUNNELS_MAX + 1, cython.compiled)
        self.tunnel_rows = tunnels_of(self.tunnel_view)
        self.capacity = capacity
        self.count = 0
        self.watermark_ns = 0
        self.file = ""
        self.first_number = 1
        self.interfaces: tuple[str, ...] = ()
        self.wire_bytes = 0
        self.anomalous = False
        self.fragments = 0
        self.fragments_evicted = 0
        self.sliced = 0
        self.prepared = False
        self.kept = bytearray(1)
        self.kept_max = 0
        self.kept_room = room_of(self.kept)
        self.numbered = False
        self.number_column = np.zeros(0, np.uint32)
        self.file_column = np.zeros(0, np.uint16)
        self.files: tuple[str, ...] = ()
        self.outside_window = 0
        self.filtered = 0
        self.ordinal = 0

    def keep_room(self, size: int) -> None:
        """Have room for so many octets in `kept`; what is there may be lost."""
        if len(self.kept) < size:
            self.kept = bytearray(max(size, 2 * len(self.kept)))
            self.kept_max = len(self.kept)
            self.kept_room = room_of(self.kept)

    def hold(self, packets: PacketBatch, index: int) -> None:
        """Become a batch of one packet of another batch, which is filled anew."""
        self.view[0] = packets.view[index]
        for depth in range(TUNNELS_MAX):
            self.tunnel_view[depth] = packets.tunnel_view[index * TUNNELS_MAX + depth]
        self.count = 1
        self.ordinal = packets.ordinal + index
        self._hold_payload(packets, index)
        self.first_number = packets.first_number + index
        if packets.numbered:
            self.first_number = packets.numbers[index]

    def _hold_payload(self, packets: PacketBatch, index: int) -> None:
        """Keep the packet's payload too, as far as there is room for it."""
        packet = packet_at(self.rows, 0)
        if not (self.kept_max and packets.kept_max):
            packet.payload_offset = 0
        if packet.payload_offset:
            packet.payload_captured = min(packet.payload_captured, self.kept_max - 1)
            put_octets(self.kept_room, 1, packets.kept_room, packet.payload_offset,
                       packet.payload_captured)
            packet.payload_offset = 1

    def adopt(self, frames: FrameBatch) -> None:
        """Take over what is true of the whole frame batch: file, watermark, count."""
        self.count = frames.count
        self.prepared = False
        self.fragments_evicted = 0
        self.sliced = 0
        self.watermark_ns = frames.watermark_ns
        self.file = frames.file
        self.first_number = frames.first_number
        self.interfaces = frames.interfaces
        self.files = frames.files
        self.outside_window = frames.outside_window
        self.filtered = frames.filtered
        self.numbered = frames.numbers is not None
        if frames.numbers is not None:
            self._adopt_numbers(frames.numbers, frames.file_of)

    def _adopt_numbers(
        self, numbers: npt.NDArray[np.uint32], file_of: npt.NDArray[np.uint16]
    ) -> None:
        """Take over the number and the file of each frame."""
        if not len(self.number_column):
            self.number_column = np.zeros(self.capacity, np.uint32)
            self.file_column = np.zeros(self.capacity, np.uint16)
            self.numbers = self.number_column.data
            self.file_of = self.file_column.data
        self.number_column[: self.count] = numbers[: self.count]
        if self.files:
            self.file_column[: self.count] = file_of[: self.count]
