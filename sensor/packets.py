"""PacketBatch: the currency between the decoder and the flow table.

A packet is one decoded frame, sound or anomalous. Packet `i` comes from frame `i` of the frame
batch that the decoder was given. The batch holds all that is needed of the frames: their window
may be filled anew while the packets are still worked on.
"""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from sensor import interpreted as cython

from sensor.frames import FRAMES_MAX
from sensor.records import PACKET_LAYOUT, allocate

if not cython.compiled:
    from sensor.records import packets_of

KIND_ANOMALY = 0
"""The frame is malformed: `anomaly` says how; no other member is set but `time_ns`."""
KIND_NON_IP = 1
"""A sound frame that carries no IP packet (ARP, LLDP, ...)."""
KIND_FLOW = 2
"""Ports or ICMP identifier, or none for other transports: belongs to a flow."""
KIND_ICMP_ERROR = 3
"""An ICMP error; if `quoted` is 1 the quoted packet tells which flow it speaks of."""
KIND_FRAGMENT = 4
"""An IP fragment other than the first: no ports, belongs to no flow."""
KIND_CONTINUED = 5
"""Such a fragment whose first one was seen: it has that one's ports and belongs to its flow."""

IS_FRAGMENT = 1
MORE_FRAGMENTS = 2
FRAGMENT_COPY = 4
"""The same fragment was here a moment ago."""
FRAGMENT_TINY = 8
"""It is an anomaly, and completes a header: it speaks for the fragments before it alone."""

TELNET_UNTOLD = 0
TELNET_SERVER = 1
TELNET_CLIENT = 2
"""Which end of a telnet session the sender's option negotiation befits."""

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

    `wire_bytes` is the length of all its frames on the wire; `anomalous` says that any of them is
    malformed, `fragments` is not 0 if any is a fragment, `fragments_evicted` how many fragmented
    packets had to be forgotten for these; `prepared` says that the flow table has computed what it
    needs of each packet by itself; the rest is as in FrameBatch.
    """

    def __init__(self, capacity: int = FRAMES_MAX) -> None:
        self.view, self.records = allocate(PACKET_LAYOUT, capacity, cython.compiled)
        self.rows = packets_of(self.view)
        self.capacity = capacity
        self.count = 0
        self.watermark_ns = 0
        self.file = ""
        self.first_number = 1
        self.interfaces = ()
        self.wire_bytes = 0
        self.anomalous = False
        self.fragments = 0
        self.fragments_evicted = 0
        self.prepared = False

    def hold(self, packets: Any, index: int) -> None:
        """Become a batch of one packet of another batch, which is filled anew."""
        self.view[0] = packets.view[index]
        self.count = 1
        self.first_number = packets.first_number + index

    def adopt(self, frames: Any) -> None:
        """Take over what is true of the whole frame batch: file, watermark, count."""
        self.count = frames.count
        self.prepared = False
        self.fragments_evicted = 0
        self.watermark_ns = frames.watermark_ns
        self.file = frames.file
        self.first_number = frames.first_number
        self.interfaces = frames.interfaces
