cimport cython
from sensor.flowtable.direction cimport is_group
from sensor.memory.records cimport Flow, Packet

cdef unsigned int ADVANCED, ADVANCED_RESP, DATA_ACKED, DATA_AGAIN_RESP, FAILED, FAST_OPEN
cdef unsigned int FIRST_CLOSE_ORIG, HANDSHAKE_DONE, REFUSED, SAW_ACK, SAW_ACK_RESP, SAW_DATA
cdef unsigned int SAW_DATA_RESP, SAW_FIN, SAW_FIN_RESP, SAW_RST, SAW_RST_RESP, SAW_SYN
cdef unsigned int SAW_SYN_RESP, SAW_SYNACK, STARTED, SYN_RST, SYNACK_AGAIN, WAITING
cdef int ACCEPTED, ATTEMPTED, BACKSCATTER, DENIED, DROPPED, FLOW_DENIED
cdef int FLOW_DROPPED, FLOW_STARTED, HALF_OPEN_SCAN, HANDSHAKE, HANDSHAKE_INCOMPLETE, ICMP_PORT_UNREACHABLE
cdef int ICMP_PROHIBITED, ICMP_UNREACHABLE, INFERRED_ONE_SIDED, MIDSTREAM, NO_EVIDENCE, NO_REPLY_EXPECTED, ONE_SIDED
cdef int OTH, REJ, REPLY, RESET_AFTER_HANDSHAKE, RESPONDER_DATA, RST_TO_SYN
cdef int RSTO, RSTOS0, RSTR, RSTRH, S0, S1
cdef int S2, S3, SF, SH, SHR, TAG_CONNECT_SCAN
cdef int TAG_TARPIT, TIMEOUT, UNKNOWN
cdef int FAST_OPEN_EVIDENCE
cdef int PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, RST
cdef int BROADCAST_OCTET, NO_ACTION, ICMP_ECHO, ICMPV6_ECHO
cdef unsigned int ANY_SYN

cdef void _set(Flow *flow, int verdict, int evidence, int confidence) noexcept nogil
@cython.locals(state="unsigned int")
cdef void judge_tcp(Flow *flow) noexcept nogil
@cython.locals(state="unsigned int")
cdef bint _responder_data(Flow *flow) noexcept nogil
@cython.locals(state="unsigned int")
cdef bint _handshake_only(Flow *flow) noexcept nogil
@cython.locals(state="unsigned int")
cdef bint _one_sided(Flow *flow) noexcept nogil
cdef void _unanswered(Flow *flow) noexcept nogil
cdef void settle_handshake(Flow *flow) noexcept nogil
@cython.locals(state="unsigned int", silent=bint)
cdef void weigh_handshake(Flow *flow) noexcept nogil
cdef void judge_reply(Flow *flow) noexcept nogil
@cython.locals(evidence=int)
cdef void judge_icmp(Flow *flow, Packet *packet) noexcept nogil
@cython.locals(kind=int, code=int)
cdef int icmp_evidence(Packet *packet) noexcept nogil
@cython.locals(state="unsigned int")
cdef void judge_end(Flow *flow, bint one_sided, bint timed_out, bint evicted) noexcept nogil
cdef bint _expects_reply(Flow *flow) noexcept nogil
@cython.locals(at=int, octets=int)
cdef bint _is_broadcast(Flow *flow) noexcept nogil
cdef bint is_request(Flow *flow) noexcept nogil
cdef int due_action(Flow *flow, bint accept_on_data) noexcept nogil
@cython.locals(orig=bint, resp=bint, answered=bint, state="unsigned int")
cdef int conn_state_of(Flow *flow) noexcept nogil
@cython.locals(state="unsigned int")
cdef int _conn_state_open(Flow *flow, bint orig, bint resp, bint answered) noexcept nogil
