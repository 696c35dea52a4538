"""The bits of what has been seen of a flow: the memory on which every verdict rests.

For a pair of bits, the first is the originator's and the second, one higher, the responder's.

    TCP, in the order in which a clean connection sets them:

    orig                                  resp
    SYN                                       -> SAW_SYN
                               SYN ack=isn+1  -> SAW_SYNACK
    ACK ack=isn+1                             -> HANDSHAKE_DONE, WAITING
                                   payload    -> SAW_DATA << 1, verdict accepted, WAITING cleared
    ... or 1 s of silence                     -> WAITING cleared, verdict accepted
    FIN                                       -> SAW_FIN
                                       FIN    -> SAW_FIN << 1, CLOSED
"""

from __future__ import annotations

SAW_SYN = 1 << 0
"""The originator's SYN; without it the flow began in mid-stream."""
SAW_SYN_RESP = 1 << 1
"""A bare SYN of the responder: simultaneous open (RFC 9293 3.5)."""
SAW_SYNACK = 1 << 2
"""The responder's SYN-ACK; acknowledges isn + 1 where the SYN was seen."""
HANDSHAKE_DONE = 1 << 3
"""The originator acknowledged the SYN-ACK (or both sides each other's SYN)."""
WAITING = 1 << 4
"""The handshake is done and the responder may still veto it by a RST."""
SAW_DATA = 1 << 5
SAW_DATA_RESP = 1 << 6
"""In-window payload of the originator; of the responder."""
DATA_ACKED = 1 << 7
"""The responder acknowledged payload of the originator."""
SAW_FIN = 1 << 8
SAW_FIN_RESP = 1 << 9
SAW_RST = 1 << 10
SAW_RST_RESP = 1 << 11
"""A RST in window; one out of window leaves no bit."""
CLOSED = 1 << 12
"""Both FINs, or a RST, or a refusal: the next SYN starts another flow."""
SAW_ACK = 1 << 13
SAW_ACK_RESP = 1 << 14
"""A segment with ACK and without SYN, FIN, RST, before any FIN or RST of either side."""
ADVANCED = 1 << 15
ADVANCED_RESP = 1 << 16
"""That side's acknowledgement numbers moved on: it received something new."""
SYN_ACKED = 1 << 17
SYN_ACKED_RESP = 1 << 18
"""That side's SYN was acknowledged by the other."""
SYNACK_AGAIN = 1 << 19
"""The SYN-ACK came again after the ACK: the responder had not taken the handshake."""
FAST_OPEN = 1 << 20
"""The SYN carried data (RFC 7413)."""
GAP = 1 << 21
"""Something was acknowledged, or skipped, that was never seen: the capture lost packets."""
STARTED = 1 << 22
"""flow_started was emitted."""
FAILED = 1 << 23
"""flow_denied or flow_dropped was emitted."""
NEW_SYN = 1 << 24
"""A SYN with another initial sequence number came while the flow was open."""
REFUSED = 1 << 25
"""The attempt was answered by a RST or an ICMP error: what follows is not this attempt's."""
FIRST_CLOSE_ORIG = 1 << 26
"""The first FIN or RST was the originator's."""
COUNTED_TWO_WAY = 1 << 27
COUNTED_ONE_WAY = 1 << 28
COUNTED_LOSSY = 1 << 29
"""The flow was counted as evidence of what the capture sees."""
SYN_RST = 1 << 30
"""The originator's RST came before any SYN-ACK."""
DATA_AGAIN_RESP = 1 << 31
"""The responder sent further payload, beyond its first."""
