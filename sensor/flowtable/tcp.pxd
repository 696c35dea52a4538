cimport cython
from sensor.memory.records cimport Flow, Packet, ones

cdef unsigned int ADVANCED, CLOSED, DATA_ACKED, DATA_AGAIN_RESP, FAST_OPEN, FIRST_CLOSE_ORIG, GAP, HANDSHAKE_DONE, NEW_SYN
cdef unsigned int REFUSED, SAW_ACK, SAW_DATA, SAW_DATA_RESP, SAW_FIN, SAW_FIN_RESP, SAW_RST, SAW_RST_RESP, SAW_SYN
cdef unsigned int SAW_SYN_RESP, SAW_SYNACK, SYN_ACKED, SYN_ACKED_RESP, SYN_RST, SYNACK_AGAIN, WAITING
cdef unsigned int ACK, FIN, RST, SYN
cdef unsigned int MASK32, HALF, LOOSE_WINDOW, ANY_CLOSE, ANY_SYN

@cython.locals(flags="unsigned int", state="unsigned int")
cdef bint tcp_begins_another(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(flags="unsigned int")
cdef void tcp_update(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(flags="unsigned int")
cdef void tcp_continue(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(flags="unsigned int", length="unsigned int")
cdef void tcp_skip(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(mark="unsigned int")
cdef void _note(Flow *flow, int side, int bit, int letter) noexcept nogil
@cython.locals(flags="unsigned int", closing="unsigned int")
cdef void tcp_history(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(kept="unsigned int")
cdef void _synchronise(Flow *flow, Packet *packet, int side) noexcept nogil
cdef bint _is_another(Flow *flow, Packet *packet) noexcept nogil
@cython.locals(sent="unsigned long long", upcoming="unsigned int")
cdef bint _starts_here(Flow *flow, unsigned int seq, int side) noexcept nogil
@cython.locals(state="unsigned int")
cdef void _synchronise_answer(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(window="unsigned int", shift="unsigned int", other="unsigned int")
cdef void _window(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(other=int, window="unsigned int", ahead="unsigned int")
cdef bint tcp_in_window(Flow *flow, unsigned int seq, int side) noexcept nogil
@cython.locals(behind="unsigned int", taken="unsigned int", sent="unsigned int")
cdef void _payload(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(behind="unsigned int")
cdef bint _is_old(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(flags="unsigned int", length="unsigned int", end="unsigned int", ahead="unsigned int")
cdef void _sequence(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(payload="unsigned long long", missed="unsigned long long", beyond="unsigned int")
cdef void _late(Flow *flow, Packet *packet, int side, unsigned int end) noexcept nogil
@cython.locals(other=int, flags="unsigned int", state="unsigned int", moved="unsigned int", unseen="unsigned int")
cdef void _acknowledge(Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(state="unsigned int", taken="unsigned int", sent="unsigned int")
cdef void _handshake(Flow *flow, Packet *packet, int side) noexcept nogil
cdef void _finish(Flow *flow, int side) noexcept nogil
@cython.locals(state="unsigned int", taken="unsigned int", other=int, window="unsigned int")
cdef void _reset(Flow *flow, Packet *packet, int side) noexcept nogil
