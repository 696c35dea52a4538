"""One TCP segment in its flow: sequence numbers, history letters and state bits (RFC 9293).

Nothing here decides anything; `verdict.py` reads the bits. Sequence arithmetic is modulo 2**32:
`(a - b) & MASK32` is how far `a` is ahead of `b`; HALF and more means that it is behind.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.flow_state import (
    ADVANCED,
    CLOSED,
    DATA_ACKED,
    DATA_AGAIN_RESP,
    FAST_OPEN,
    FIRST_CLOSE_ORIG,
    GAP,
    HANDSHAKE_DONE,
    NEW_SYN,
    REFUSED,
    SAW_ACK,
    SAW_DATA,
    SAW_DATA_RESP,
    SAW_FIN,
    SAW_FIN_RESP,
    SAW_RST,
    SAW_RST_RESP,
    SAW_SYN,
    SAW_SYN_RESP,
    SAW_SYNACK,
    SYN_ACKED,
    SYN_ACKED_RESP,
    SYN_RST,
    SYNACK_AGAIN,
    WAITING,
)
from sensor.model.packets import ACK, FIN, RST, SYN

if not cython.compiled:
    from sensor.memory.records import Flow, Packet, ones

MASK32 = 0xFFFF_FFFF
HALF = 0x8000_0000
LOOSE_WINDOW = 1 << 20
"""The window that is assumed where the capture did not see the window scale (mid-stream)."""
ANY_CLOSE = SAW_FIN | SAW_FIN_RESP | SAW_RST | SAW_RST_RESP
ANY_SYN = SAW_SYN | SAW_SYN_RESP | SAW_SYNACK


def tcp_begins_another(flow: Flow, packet: Packet, side: int) -> bool:
    """True if the segment belongs to another connection on the same 5-tuple.

    A SYN with another initial sequence number starts a new flow where the old one is over. Where it
    is not, only the SYN-ACK that takes the new SYN proves that the old one is gone.
    """
    flags = packet.tcp_flags
    if not flags & SYN or flags & RST:
        return False
    state = flow.state
    if flags & ACK:
        return (
            side == 1
            and (state & NEW_SYN) != 0
            and ((packet.ack - flow.pending_isn) & MASK32) == 1
        )
    if state & SAW_SYN and side == 0 and packet.seq == flow.isn[0]:
        return False
    if not state & CLOSED and state & (ANY_SYN | SAW_DATA | SAW_DATA_RESP):
        return False
    return state & SAW_SYN != 0 or not _starts_here(flow, packet.seq, side)


def tcp_update(flow: Flow, packet: Packet, side: int) -> None:
    """Fold one segment of `side` into the flow; counters of packets and octets are the caller's."""
    flags = packet.tcp_flags
    tcp_history(flow, packet, side)
    if flags & RST:
        _reset(flow, packet, side)
    else:
        if flags & SYN:
            _synchronise(flow, packet, side)
        _window(flow, packet, side)
        if packet.payload_bytes:
            _payload(flow, packet, side)
        _sequence(flow, packet, side)
        if flags & ACK:
            _acknowledge(flow, packet, side)
        if flags & FIN:
            _finish(flow, side)
    flow.tcp_flags[side] |= flags


def tcp_continue(flow: Flow, packet: Packet, side: int) -> None:
    """Fold in a later fragment of a segment: payload, whose sequence number its offset gives."""
    flags = packet.tcp_flags  # the first fragment's, with which they were counted
    if flags & RST:
        return
    packet.tcp_flags = flags & ACK
    if not flags & (SYN | FIN):
        _note(flow, side, 3, 0x64)  # d
    if not flags & SYN and not flow.state & (SAW_DATA << side):
        _payload(flow, packet, side)  # once: the segment is one, however it was cut
    _sequence(flow, packet, side)


def tcp_skip(flow: Flow, packet: Packet, side: int) -> None:
    """Payload is missing between fragments that came before the first one: it may come yet."""
    flags = packet.tcp_flags
    length = packet.payload_bytes
    length += (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
    if flow.next_seq[side] == (packet.seq + length) & MASK32:
        flow.next_seq[side] = (flow.next_seq[side] + packet.extra_gap) & MASK32
        flow.missed_bytes[side] += packet.extra_gap


def _note(flow: Flow, side: int, bit: int, letter: int) -> None:
    """Add a history letter, once for each side (upper case: originator)."""
    mark = 1 << (bit + 8 * side)
    if flow.history_seen & mark:
        return
    flow.history[ones(flow.history_seen)] = letter if side else letter - 32
    flow.history_seen |= mark


def tcp_history(flow: Flow, packet: Packet, side: int) -> None:
    """Note the segment's letter as zeek's conn.log does."""
    flags = packet.tcp_flags
    closing = flags & (SYN | FIN | RST)
    if closing == 0:
        if packet.payload_bytes:
            _note(flow, side, 3, 0x64)  # d
        elif flags & ACK:
            _note(flow, side, 2, 0x61)  # a
    elif closing == SYN:
        if flags & ACK:
            _note(flow, side, 1, 0x68)  # h
        else:
            _note(flow, side, 0, 0x73)  # s
    elif closing == FIN:
        _note(flow, side, 4, 0x66)  # f
    elif closing == RST:
        _note(flow, side, 5, 0x72)  # r
    elif closing == FIN | RST:
        _note(flow, side, 6, 0x69)  # i
    else:
        _note(flow, side, 7, 0x71)  # q


def _synchronise(flow: Flow, packet: Packet, side: int) -> None:
    kept = flow.window_scales & (0xF0 >> (4 * side))
    flow.window_scales = kept | ((packet.window_scale & 15) << (4 * side))
    if packet.tcp_flags & ACK:
        _synchronise_answer(flow, packet, side)
    elif side == 0:
        if _is_another(flow, packet):
            if flow.packets[1]:
                flow.pending_isn = packet.seq
                flow.state |= NEW_SYN
                return
            flow.next_seq[0] = packet.seq  # a further attempt from the same port
            flow.pending_isn = flow.isn[0]  # the answer may be to the earlier one
        if flow.state & (SAW_RST_RESP | ANY_SYN | SAW_ACK) == SAW_RST_RESP:
            flow.state |= REFUSED  # its answer was captured before it
        flow.state |= SAW_SYN
        flow.isn[0] = packet.seq
        if packet.payload_bytes:
            flow.state |= FAST_OPEN
    elif not flow.state & SAW_SYNACK:
        flow.state |= SAW_SYN_RESP
        flow.isn[1] = packet.seq


def _is_another(flow: Flow, packet: Packet) -> bool:
    """True if a SYN of the originator has nothing to do with the numbers seen until now."""
    if flow.state & SAW_SYN:
        return packet.seq != flow.isn[0]
    # Mid-stream: a SYN that only comes late stands just before what was sent or acknowledged.
    if flow.tcp_flags[1] & ACK:
        return ((flow.acked[1] - packet.seq - 1) & MASK32) > LOOSE_WINDOW
    if flow.packets[0]:
        return ((flow.next_seq[0] - packet.seq - 1) & MASK32) > LOOSE_WINDOW
    return False


def _starts_here(flow: Flow, seq: int, side: int) -> bool:
    """True if a SYN that comes late has the number just before the stream that was seen."""
    if side == 0 and flow.state & SAW_SYNACK and seq == flow.isn[0]:
        return True
    sent = flow.payload_bytes[side] + flow.missed_bytes[side] + 1  # a FIN has a number, too
    upcoming = flow.next_seq[side]
    if not flow.packets[side]:
        if not flow.tcp_flags[1 - side] & ACK:
            return False
        upcoming = flow.acked[1 - side]
    return ((upcoming - seq - 1) & MASK32) <= min(sent, LOOSE_WINDOW)


def _synchronise_answer(flow: Flow, packet: Packet, side: int) -> None:
    """A SYN-ACK: it counts if it takes the SYN that was seen, or where none was seen."""
    state = flow.state
    if side == 0:
        return  # simultaneous open: what matters is what it acknowledges
    if state & SAW_SYN and ((packet.ack - flow.isn[0] - 1) & MASK32) > flow.payload_bytes[0]:
        if flow.packets[1] or not flow.pending_isn:
            return
        if ((packet.ack - flow.pending_isn) & MASK32) != 1:
            return
        flow.isn[0] = flow.pending_isn  # it takes the earlier of two attempts
        flow.next_seq[0] = packet.ack
    if state & SAW_SYNACK:
        if packet.seq == flow.isn[1] and state & HANDSHAKE_DONE:
            flow.state |= SYNACK_AGAIN
        return
    if state & SAW_SYN_RESP and packet.seq != flow.isn[1]:
        return
    if not state & SAW_SYN_RESP:
        flow.state |= SAW_SYNACK
    if state & FAST_OPEN and ((packet.ack - flow.isn[0]) & MASK32) > 1:
        flow.state |= DATA_ACKED
    if state & REFUSED:  # a further attempt was taken
        flow.state &= ~(REFUSED | SAW_RST_RESP | CLOSED)
    flow.isn[1] = packet.seq
    if not state & SAW_SYN:
        flow.isn[0] = (packet.ack - 1) & MASK32
    elif not flow.packets[1] or not _starts_here(flow, packet.seq, 1):
        flow.next_seq[1] = packet.seq  # what the responder sent before belongs to no stream
        flow.missed_bytes[1] = 0


def _window(flow: Flow, packet: Packet, side: int) -> None:
    window = packet.window
    if not packet.tcp_flags & SYN:
        shift = (flow.window_scales >> (4 * side)) & 15
        other = (flow.window_scales >> (4 - 4 * side)) & 15
        if shift <= 14 and other <= 14:  # each side may scale only if both offered it: RFC 7323 2.2
            window = window << shift
    flow.window[side] = window


def tcp_in_window(flow: Flow, seq: int, side: int) -> bool:
    """True if a sequence number of `side` is one that the other side could take."""
    other = 1 - side
    if not flow.tcp_flags[other] & ACK:
        return True  # nothing is known of what the other side expects
    window = flow.window[other]
    if flow.state & (SAW_SYN | SAW_SYN_RESP) == 0 or flow.state & HANDSHAKE_DONE == 0:
        window = max(window, LOOSE_WINDOW)
    ahead = (seq - flow.acked[other]) & MASK32
    if ahead < (window if window else 1):
        return True
    return ((flow.acked[other] - seq) & MASK32) <= LOOSE_WINDOW  # a retransmission


def _payload(flow: Flow, packet: Packet, side: int) -> None:
    """Note payload that the other side could take, and that is none it has already."""
    if packet.tcp_flags & SYN:
        # Fast open: the SYN-ACK that takes the SYN's payload may answer it (RFC 7413 4.2).
        if side == 1 and flow.state & DATA_ACKED and packet.seq == flow.isn[1]:
            flow.state |= SAW_DATA_RESP
        return
    if not tcp_in_window(flow, packet.seq, side) or _is_old(flow, packet, side):
        return
    if side == 1 and flow.state & SAW_SYN and not flow.state & SAW_SYNACK:
        # Without its SYN-ACK only its acknowledgement rules an older connection out.
        taken = (packet.ack - flow.isn[0] - 1) & MASK32
        sent = (flow.next_seq[0] - flow.isn[0]) & MASK32
        if not packet.tcp_flags & ACK or (taken > sent and taken - sent > LOOSE_WINDOW):
            return
    if side == 1 and flow.state & SAW_DATA_RESP:
        behind = (flow.next_seq[1] - packet.seq) & MASK32
        if behind == 0 or behind >= HALF:
            flow.state |= DATA_AGAIN_RESP
    flow.state |= SAW_DATA << side


def _is_old(flow: Flow, packet: Packet, side: int) -> bool:
    """True if a segment only repeats octets, as a keep-alive probe does (RFC 9293 3.8.4).

    What fills a gap is new. Of a side that was not seen before, a probe looks like one octet that
    the other side has acknowledged.
    """
    if flow.packets[side]:
        behind = (flow.next_seq[side] - packet.seq) & MASK32
        if behind > flow.payload_bytes[side] + 2:  # SYN and FIN have numbers, too
            return False  # from before the capture, or of another stream
        return packet.payload_bytes <= behind and flow.missed_bytes[side] == 0
    if packet.payload_bytes > 1 or not flow.tcp_flags[1 - side] & ACK:
        return False
    return ((flow.acked[1 - side] - packet.seq - 1) & MASK32) < HALF


def _sequence(flow: Flow, packet: Packet, side: int) -> None:
    """Follow the sequence numbers of a side; payload that was skipped counts as missed."""
    flags = packet.tcp_flags
    length = packet.payload_bytes
    if flags & SYN:
        length += 1
    if flags & FIN:
        length += 1
    end = (packet.seq + length) & MASK32
    if flow.packets[side] == 0:
        flow.next_seq[side] = end
        return
    ahead = (packet.seq - flow.next_seq[side]) & MASK32
    if ahead == 0:
        flow.next_seq[side] = end
    elif ahead < HALF:
        if tcp_in_window(flow, packet.seq, side):
            flow.missed_bytes[side] += ahead
            flow.next_seq[side] = end
    else:
        _late(flow, packet, side, end)


def _late(flow: Flow, packet: Packet, side: int, end: int) -> None:
    """A segment from before the highest sequence number: it may fill what was missing."""
    missed = flow.missed_bytes[side]
    payload = packet.payload_bytes
    flow.missed_bytes[side] = missed - min(missed, payload)
    beyond = (end - flow.next_seq[side]) & MASK32
    if 0 < beyond < HALF:
        flow.next_seq[side] = end


def _acknowledge(flow: Flow, packet: Packet, side: int) -> None:
    other = 1 - side
    flags = packet.tcp_flags
    state = flow.state
    if side == 0 and state & (SAW_SYNACK | SAW_SYN_RESP) and not state & HANDSHAKE_DONE:
        unseen = (packet.ack - flow.next_seq[1]) & MASK32
        if LOOSE_WINDOW <= unseen < HALF:
            # It takes what was never sent: the responder resets it and waits on
            # (RFC 9293 3.10.7.4).
            if not flow.tcp_flags[0] & ACK:
                flow.acked[0] = flow.next_seq[1]
            return
    if flow.tcp_flags[side] & ACK:
        moved = (packet.ack - flow.acked[side]) & MASK32
        if 0 < moved < HALF:
            flow.acked[side] = packet.ack
            if moved <= LOOSE_WINDOW and not state & ANY_CLOSE and not flags & FIN:
                flow.state |= ADVANCED << side
    else:
        flow.acked[side] = packet.ack
    if flow.packets[other]:
        unseen = (packet.ack - flow.next_seq[other]) & MASK32
        if unseen < LOOSE_WINDOW and state & HANDSHAKE_DONE:  # before, ACKs prove nothing
            flow.missed_bytes[other] += unseen
            flow.next_seq[other] = packet.ack
            # Missed now, or skipped by what was seen before.
            flow.state |= GAP if flow.missed_bytes[other] else 0
    if not flags & (SYN | FIN) and not state & ANY_CLOSE and tcp_in_window(flow, packet.seq, side):
        flow.state |= SAW_ACK << side
    if not state & HANDSHAKE_DONE:
        _handshake(flow, packet, side)
    elif side == 1 and state & SAW_DATA and ((packet.ack - flow.isn[0]) & MASK32) > 1:
        flow.state |= DATA_ACKED


def _handshake(flow: Flow, packet: Packet, side: int) -> None:
    """Take an acknowledgement of the other side's SYN, which may complete the handshake."""
    state = flow.state
    if side == 1:
        taken = (packet.ack - flow.isn[0]) & MASK32
        if state & SAW_SYN and 0 < taken < HALF:
            flow.state |= SYN_ACKED
    else:
        taken = (packet.ack - flow.isn[1]) & MASK32
        if state & (SAW_SYN_RESP | SAW_SYNACK) and 0 < taken < HALF:
            flow.state |= SYN_ACKED_RESP
            sent = (packet.seq - flow.isn[0]) & MASK32
            if state & SAW_SYNACK and not packet.tcp_flags & SYN and (
                state & SAW_SYN == 0 or 0 < sent < HALF
            ):
                if state & SYN_RST:  # it reset a remnant of an older connection, then tried again
                    flow.state &= ~(SYN_RST | SAW_RST | CLOSED | FIRST_CLOSE_ORIG)
                flow.state |= HANDSHAKE_DONE | WAITING
                if taken > 1 and flow.payload_bytes[1]:
                    flow.state |= SAW_DATA_RESP  # it takes payload that came with the SYN-ACK
                return
    state = flow.state
    if state & SAW_SYN and state & SAW_SYN_RESP and state & SYN_ACKED and state & SYN_ACKED_RESP:
        flow.state |= HANDSHAKE_DONE


def _finish(flow: Flow, side: int) -> None:
    if not flow.state & ANY_CLOSE and side == 0:
        flow.state |= FIRST_CLOSE_ORIG
    flow.state |= SAW_FIN << side
    if flow.state & SAW_FIN and flow.state & SAW_FIN_RESP:
        flow.state |= CLOSED


def _reset(flow: Flow, packet: Packet, side: int) -> None:
    """A RST counts only where its sequence number does (RFC 9293 3.10.7, RFC 5961 3.2)."""
    state = flow.state
    if packet.tcp_flags & ACK and not flow.tcp_flags[side] & ACK:
        flow.acked[side] = packet.ack
    if side == 1 and state & SAW_SYN and not state & (SAW_SYNACK | SAW_SYN_RESP | SAW_ACK):
        taken = (packet.ack - flow.isn[0] - 1) & MASK32
        if packet.tcp_flags & ACK and taken <= flow.payload_bytes[0]:
            flow.state |= SAW_RST_RESP | REFUSED | CLOSED
        return
    if not flow.packets[side] or packet.seq != flow.next_seq[side]:
        other = 1 - side
        if flow.tcp_flags[other] & ACK:
            window = flow.window[other]
            if not state & HANDSHAKE_DONE:
                window = max(window, LOOSE_WINDOW)
            if ((packet.seq - flow.acked[other]) & MASK32) >= (window if window else 1):
                return
        elif flow.packets[side]:
            return
    if not state & ANY_CLOSE and side == 0:
        flow.state |= FIRST_CLOSE_ORIG
    if side == 0 and state & SAW_SYN and not state & (SAW_SYNACK | SAW_SYN_RESP | HANDSHAKE_DONE):
        flow.state |= SYN_RST
    flow.state |= (SAW_RST << side) | CLOSED
