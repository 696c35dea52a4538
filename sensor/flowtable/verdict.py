"""Was the connection accepted? The rules that turn what was seen into a verdict.

docs/verdict.md has the table; the row numbers below are its own. Verdicts are judged as evidence
comes in, may be upgraded while the flow lives, and are never taken back from accepted.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.flow_state import (
    ADVANCED,
    ADVANCED_RESP,
    DATA_ACKED,
    DATA_AGAIN_RESP,
    FAILED,
    FAST_OPEN,
    FIRST_CLOSE_ORIG,
    HANDSHAKE_DONE,
    REFUSED,
    SAW_ACK,
    SAW_ACK_RESP,
    SAW_DATA,
    SAW_DATA_RESP,
    SAW_FIN,
    SAW_FIN_RESP,
    SAW_RST,
    SAW_RST_RESP,
    SAW_SYN,
    SAW_SYN_RESP,
    SAW_SYNACK,
    STARTED,
    SYN_RST,
    SYNACK_AGAIN,
    WAITING,
)
from sensor.model.flow import (
    ACCEPTED,
    ATTEMPTED,
    BACKSCATTER,
    DENIED,
    DROPPED,
    FLOW_DENIED,
    FLOW_DROPPED,
    FLOW_STARTED,
    HALF_OPEN_SCAN,
    HANDSHAKE,
    HANDSHAKE_INCOMPLETE,
    ICMP_PORT_UNREACHABLE,
    ICMP_PROHIBITED,
    ICMP_UNREACHABLE,
    INFERRED_ONE_SIDED,
    MIDSTREAM,
    NO_EVIDENCE,
    NO_REPLY_EXPECTED,
    ONE_SIDED,
    OTH,
    REJ,
    REPLY,
    RESET_AFTER_HANDSHAKE,
    RESPONDER_DATA,
    RST_TO_SYN,
    RSTO,
    RSTOS0,
    RSTR,
    RSTRH,
    S0,
    S1,
    S2,
    S3,
    SF,
    SH,
    SHR,
    TAG_CONNECT_SCAN,
    TAG_TARPIT,
    TIMEOUT,
    UNKNOWN,
)
from sensor.model.flow import FAST_OPEN as FAST_OPEN_EVIDENCE
from sensor.model.packets import PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, RST

if not cython.compiled:
    from sensor.flowtable.direction import is_group
    from sensor.memory.records import Flow, Packet

NO_ACTION = -1
"""Nothing became known that is an event of its own."""
ANY_SYN = SAW_SYN | SAW_SYN_RESP | SAW_SYNACK

BROADCAST_OCTET = 0xFF
ICMP_ECHO = 8
ICMPV6_ECHO = 128


def _set(flow: Flow, verdict: int, evidence: int, confidence: int) -> None:
    flow.verdict = verdict
    flow.evidence = evidence
    flow.confidence = confidence


def judge_tcp(flow: Flow) -> None:
    """Judge a TCP flow by what has been seen of it until now."""
    state = flow.state
    if state & SAW_DATA_RESP and _responder_data(flow):
        return
    if flow.verdict == ACCEPTED:
        flow.state &= ~WAITING  # the handshake only completes what was known before
        return
    if state & HANDSHAKE_DONE and not _handshake_only(flow):
        return
    if _one_sided(flow):
        return
    if state & SAW_SYNACK and (flow.packets[0] or state & SAW_SYN):
        if state & SAW_RST:
            _set(flow, ATTEMPTED, HALF_OPEN_SCAN, 95)  # row 6
        else:
            _set(flow, ATTEMPTED, HANDSHAKE_INCOMPLETE, 80)  # row 7
    elif state & REFUSED:
        if flow.verdict != DENIED and flow.verdict != DROPPED:  # an ICMP error may have decided it
            _set(flow, DENIED, RST_TO_SYN, 95)  # row 8
    elif state & SAW_SYN:
        _unanswered(flow)
    elif flow.packets[0] and flow.packets[1]:
        _set(flow, UNKNOWN, NO_EVIDENCE, 30)  # a probe and its RST, or only the end of something
    else:
        _set(flow, UNKNOWN, BACKSCATTER, 90)  # row 16


def _responder_data(flow: Flow) -> bool:
    """Row 1: payload of the responder, where the originator was seen too."""
    state = flow.state
    if flow.evidence == RESPONDER_DATA:
        flow.state &= ~WAITING  # the ACK came after the payload, or was seen after it
        return True
    if not state & (SAW_SYN | SAW_ACK | SAW_DATA):
        return False
    flow.state &= ~WAITING
    flow.tags &= ~(TAG_CONNECT_SCAN | TAG_TARPIT)  # of a handshake that seemed to be all
    opened = state & SAW_SYN and state & (SAW_SYNACK | SAW_ACK | SAW_SYN_RESP)
    _set(flow, ACCEPTED, RESPONDER_DATA, 99 if opened else 90)
    return True


def _handshake_only(flow: Flow) -> bool:
    """Rows 2 to 5, 18, 19 while the responder is silent; True: the bits decide nothing here."""
    state = flow.state
    if state & SAW_SYN_RESP:
        _set(flow, ACCEPTED, HANDSHAKE, 90)  # row 18
    elif not state & WAITING:
        if flow.evidence == HANDSHAKE_INCOMPLETE and state & DATA_ACKED:
            settle_handshake(flow)  # row 2: the responder took the handshake after all
        return False  # vetoed or judged before
    elif state & SAW_RST_RESP:
        flow.state &= ~WAITING
        _set(flow, UNKNOWN, RESET_AFTER_HANDSHAKE, 50)  # row 4
    elif state & SYNACK_AGAIN and not state & DATA_ACKED:
        flow.state &= ~WAITING
        _set(flow, ATTEMPTED, HANDSHAKE_INCOMPLETE, 80)  # row 7
    else:
        _set(flow, ATTEMPTED, HANDSHAKE, 50)  # the wait is on
    return False


def _one_sided(flow: Flow) -> bool:
    """Rows 14, 15 and 22: what one side's segments, or acknowledgements alone, give away."""
    state = flow.state
    if flow.packets[1] == 0:
        if (state & SAW_ACK and state & ADVANCED) or (state & SAW_SYN and (
            state & SAW_ACK and state & SAW_DATA
        )):
            _set(flow, ACCEPTED, INFERRED_ONE_SIDED, 80)  # row 14
            return True
        return False
    if flow.packets[0] == 0:
        if state & DATA_AGAIN_RESP or state & ADVANCED_RESP:
            _set(flow, ACCEPTED, INFERRED_ONE_SIDED, 90)  # row 15
            return True
        return False
    if not state & ANY_SYN and state & SAW_ACK and state & SAW_ACK_RESP:
        _set(flow, ACCEPTED, MIDSTREAM, 70)  # row 22
        return True
    return False


def _unanswered(flow: Flow) -> None:
    if flow.verdict == DENIED or flow.verdict == DROPPED:
        return  # refused before; the SYN came again
    if flow.state & SYN_RST:
        _set(flow, ATTEMPTED, HALF_OPEN_SCAN, 60)
    elif flow.state & FAST_OPEN:
        _set(flow, ATTEMPTED, FAST_OPEN_EVIDENCE, 50)  # row 17
    else:
        _set(flow, ATTEMPTED, NO_EVIDENCE, 30)


def settle_handshake(flow: Flow) -> None:
    """The wait is over, or was cut short: a handshake that nobody vetoed is accepted."""
    flow.state &= ~WAITING
    _set(flow, ACCEPTED, HANDSHAKE, 70)
    weigh_handshake(flow)


def weigh_handshake(flow: Flow) -> None:
    """Confidence and tags of a flow that rests on its handshake alone (rows 2, 3, 5, 19)."""
    state = flow.state
    if flow.evidence != HANDSHAKE or flow.verdict != ACCEPTED or state & SAW_SYN_RESP:
        return
    flow.tags &= ~(TAG_CONNECT_SCAN | TAG_TARPIT)
    silent = flow.payload_bytes[0] == 0 and flow.payload_bytes[1] == 0
    if silent and state & FIRST_CLOSE_ORIG:
        flow.tags |= TAG_CONNECT_SCAN  # row 5
        flow.confidence = 60
    elif flow.window[1] == 0 and flow.payload_bytes[1] == 0:
        flow.tags |= TAG_TARPIT  # row 19
        flow.confidence = 60
    elif state & DATA_ACKED:
        flow.confidence = 85  # row 2
    else:
        flow.confidence = 70  # row 3


def judge_reply(flow: Flow) -> None:
    """Judge a flow that is not TCP: a reply makes it accepted (row 20)."""
    if flow.packets[0] and flow.packets[1]:
        _set(flow, ACCEPTED, REPLY, 90)
    elif flow.verdict == UNKNOWN:
        _set(flow, UNKNOWN, NO_EVIDENCE, 30)


def judge_icmp(flow: Flow, packet: Packet) -> None:
    """Judge a flow by an ICMP error that quotes its request (rows 9 to 11)."""
    if flow.verdict == ACCEPTED or flow.packets[1] or flow.state & REFUSED:
        return  # answered, or the first refusal has decided
    if flow.protocol == PROTOCOL_TCP:
        if not flow.state & SAW_SYN or not packet.quoted_has_seq:
            return
        if packet.quoted_seq != flow.isn[0]:
            return
    evidence = icmp_evidence(packet)
    if evidence == NO_EVIDENCE:
        return
    flow.state |= REFUSED
    if evidence == ICMP_PROHIBITED:
        _set(flow, DENIED, evidence, 97)
    elif evidence == ICMP_PORT_UNREACHABLE:
        _set(flow, DENIED, evidence, 90)
    else:
        _set(flow, DROPPED, evidence, 90)


def icmp_evidence(packet: Packet) -> int:
    """The evidence of an ICMP error for the packet in it (RFC 792, RFC 1812 5.2.7, RFC 4443)."""
    kind = packet.icmp_type
    code = packet.icmp_code
    if packet.protocol == PROTOCOL_ICMP:
        if kind == 3 and (code == 9 or code == 10 or code == 13):
            return ICMP_PROHIBITED
        if kind == 3 and (code == 3 or code == 2):
            return ICMP_PORT_UNREACHABLE
        if kind == 11 or (kind == 3 and code != 4):  # 3/4: fragmentation needed, no refusal
            return ICMP_UNREACHABLE
    elif packet.protocol == PROTOCOL_ICMPV6:
        if kind == 1 and (code == 1 or code == 5 or code == 6):
            return ICMP_PROHIBITED
        if kind == 1 and code == 4:
            return ICMP_PORT_UNREACHABLE
        if kind in (1, 3):
            return ICMP_UNREACHABLE
    return NO_EVIDENCE


def judge_end(flow: Flow, one_sided: bool, timed_out: bool, evicted: bool) -> None:
    """Judge a flow for the last time: what did not come until now does not come any more."""
    state = flow.state
    if state & WAITING:
        settle_handshake(flow)
    if flow.verdict == ACCEPTED:
        weigh_handshake(flow)
        return
    if flow.protocol == PROTOCOL_TCP:
        if state & SAW_DATA_RESP and flow.packets[0] == 0:
            _set(flow, ACCEPTED, INFERRED_ONE_SIDED, 90)  # row 15: payload, if only once
            return
        if state & (SAW_DATA_RESP | REFUSED | FAST_OPEN | SYN_RST | SAW_SYNACK | SAW_SYN_RESP):
            return
        if not state & SAW_SYN or flow.packets[1]:
            return
        if state & SAW_ACK:
            _set(flow, UNKNOWN, ONE_SIDED, 30)
            return
    elif flow.verdict != UNKNOWN or flow.packets[0] == 0 or not _expects_reply(flow):
        return
    if evicted:
        _set(flow, ATTEMPTED, NO_EVIDENCE, 30)
    elif one_sided:
        _set(flow, UNKNOWN, ONE_SIDED, 30)  # row 13
    elif flow.protocol != PROTOCOL_TCP:
        _set(flow, DROPPED, TIMEOUT, 60)  # row 21
    else:
        _set(flow, DROPPED, TIMEOUT, 80 if timed_out else 60)  # row 12


def _expects_reply(flow: Flow) -> bool:
    """True if silence means something: not to many at once (row 21a), nor to what asks nothing."""
    if is_group(flow.ip_version, flow.resp_hi, flow.resp_lo) or _is_broadcast(flow):
        _set(flow, UNKNOWN, NO_REPLY_EXPECTED, 90)
        return False
    return is_request(flow)


def _is_broadcast(flow: Flow) -> bool:
    """True if the link broadcast it: the broadcast address of a subnet is known only so."""
    octets = flow.resp_mac[0]
    for at in range(1, 6):
        octets &= flow.resp_mac[at]
    return octets == BROADCAST_OCTET


def is_request(flow: Flow) -> bool:
    """True if a flow that is not TCP asks for an answer: UDP, or an ICMP echo."""
    if flow.protocol == PROTOCOL_UDP:
        return True
    if flow.protocol == PROTOCOL_ICMP:
        return flow.orig_port == ICMP_ECHO
    return flow.protocol == PROTOCOL_ICMPV6 and flow.orig_port == ICMPV6_ECHO


def due_action(flow: Flow, accept_on_data: bool) -> int:
    """The flow event that the verdict now calls for, marked as emitted; NO_ACTION: none."""
    if flow.verdict == ACCEPTED:
        if flow.state & STARTED:
            return NO_ACTION
        if accept_on_data and flow.evidence in (HANDSHAKE, MIDSTREAM):
            return NO_ACTION
        flow.state |= STARTED
        return FLOW_STARTED
    if flow.state & FAILED:
        return NO_ACTION
    if flow.verdict == DENIED:
        flow.state |= FAILED
        return FLOW_DENIED
    if flow.verdict == DROPPED:
        flow.state |= FAILED
        return FLOW_DROPPED
    return NO_ACTION


def conn_state_of(flow: Flow) -> int:
    """Zeek's conn_state of a flow, in the meaning of its conn.log."""
    orig = flow.packets[0] != 0
    resp = flow.packets[1] != 0
    if flow.protocol == PROTOCOL_UDP:
        if orig:
            return SF if resp else S0
        return SHR
    if flow.protocol != PROTOCOL_TCP:
        return OTH
    state = flow.state
    answered = (state & (SAW_SYNACK | SAW_SYN_RESP)) != 0
    if not state & ANY_SYN:  # met in mid-stream: to zeek neither side was ever active
        orig = resp = False
    if state & SAW_FIN and state & SAW_FIN_RESP:
        return SF  # a RST after both closed nothing
    if state & SAW_RST_RESP:
        if state & SAW_SYN and not answered and not state & SAW_ACK:
            return REJ
        return RSTR if orig else RSTRH
    if flow.tcp_flags[1] & RST and state & SAW_SYN and not answered and not state & SAW_ACK:
        return REJ  # a RST that proves nothing is still what zeek calls a rejection
    if state & SAW_RST:
        return RSTO if resp else RSTOS0
    return _conn_state_open(flow, orig, resp, answered)


def _conn_state_open(flow: Flow, orig: bool, resp: bool, answered: bool) -> int:
    """The conn_state of a TCP flow in which no RST counted, and one FIN at most."""
    state = flow.state
    if state & SAW_FIN:
        return S2 if resp else SH
    if state & SAW_FIN_RESP:
        return S3 if orig else SHR
    if state & SAW_SYN and not resp:
        return S0 if not state & SAW_ACK else OTH
    if orig and answered:
        return S1
    return OTH
