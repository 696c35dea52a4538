"""Numbers that several modules of the flow table share.

This module is never compiled: each compiled module declares the C types of what it takes from here
in its own .pxd.
"""

from __future__ import annotations

from sensor.flowtable.flow_state import SAW_RST, SAW_RST_RESP

EVENTS_MAX = 16_384
"""Events that the buffer holds; rules see batches of about half as many in a replay."""
SEGMENTS_MAX = 4_096
SEGMENT_BYTES = 1 << 22
"""Segments and their octets that the buffer holds."""
FOLLOWED = 1
TURNED = 2
FOLLOWED_NO_MORE = 4
"""Bits of TableState.followed: a flow of which segments are out, which was turned round since, or
which nobody follows any more."""
NOTES_MAX = 1 << 12
"""Notes on the packets of a batch: one of each, one of a packet held back, and room."""
MADE_FLOW = 0
QUOTES_FLOW = 1
"""What a note (notes.py) says of a packet."""
HELD_BYTES = 1 << 16
"""Of a payload whose packet is held back until the next one confirms its time."""
AHEAD_MAX = 16
"""Packets ahead for which memory is asked first: far enough that it is there in time."""
BUCKETS_FIRST = 1 << 14
DUPLICATE_WAYS = 4
DUPLICATE_LINES = 1 << 12
"""The search for duplicates remembers 2**14 packets: a cache line of four marks, then their times,
for each of so many remainders. On a line of one packet per microsecond a copy may come late."""
DUPLICATES_MASK = DUPLICATE_LINES - 1
TIME_WAIT_WAYS = 4
TIME_WAIT_SHARE = 4
"""Of connections that are over a quarter as many are remembered as the table may have flows."""
PATHS_MAX = 65_535
"""Paths through tunnels that a run keeps: their numbers have 16 bits, and 0 stands for none."""
JUMP_NS = 3_600_000_000_000
"""A packet dated so far ahead of the one before it needs another one that agrees."""
UNDER_WAY_NS = 5_000_000_000
"""A datagram so soon after the capture's first packet may answer one from before it."""
CLASSES = 3
"""Order of eviction: unanswered attempts, other flows, accepted flows; each oldest first."""
SPARED_NS = 1_000_000_000
SPARED_MAX = 8
"""A flow with a packet in the last second is not evicted while one of so many others is silent."""
NO_SLOT = -1
MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF
PRIME_1 = 0x9E37_79B9_7F4A_7C15
PRIME_2 = 0xC2B2_AE3D_27D4_EB4F
PRIME_3 = 0x1656_67B1_9E37_79F9
PRIME_4 = 0xD6E8_FEB8_6659_FD93
ANY_RST = SAW_RST | SAW_RST_RESP
