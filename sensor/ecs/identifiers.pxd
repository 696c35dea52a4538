cimport cython
from sensor.memory.loads cimport be32, le16, le32, octets_of, u8
from sensor.memory.buffers cimport load64, put_octets, room_of
from sensor.ecs.text cimport put_hex

cdef Py_ssize_t ROW_BYTES, AT_ORIG_HI, AT_ORIG_LO, AT_RESP_HI, AT_RESP_LO, AT_ORIG_PORT
cdef Py_ssize_t AT_RESP_PORT, AT_TENANT, AT_FIRST_NS, AT_LAST_NS, AT_DECIDED_NS, AT_FIRST_SEQ
cdef Py_ssize_t AT_PROTOCOL, AT_IP_VERSION, AT_ACTION
cdef unsigned int FLOW_ENDED
cdef extern from *:
    """
    #define SENSOR_MASK32 0xFFFFFFFFu
    #define SENSOR_START_A 0x67452301u
    #define SENSOR_START_B 0xEFCDAB89u
    #define SENSOR_START_C 0x98BADCFEu
    #define SENSOR_START_D 0x10325476u
    #define SENSOR_START_E 0xC3D2E1F0u
    #define SENSOR_ROUND_0 0x5A827999u
    #define SENSOR_ROUND_20 0x6ED9EBA1u
    #define SENSOR_ROUND_40 0x8F1BBCDCu
    #define SENSOR_ROUND_60 0xCA62C1D6u
    """
    const unsigned int MASK32 "SENSOR_MASK32"
    const unsigned int START_A "SENSOR_START_A"
    const unsigned int START_B "SENSOR_START_B"
    const unsigned int START_C "SENSOR_START_C"
    const unsigned int START_D "SENSOR_START_D"
    const unsigned int START_E "SENSOR_START_E"
    const unsigned int ROUND_0 "SENSOR_ROUND_0"
    const unsigned int ROUND_20 "SENSOR_ROUND_20"
    const unsigned int ROUND_40 "SENSOR_ROUND_40"
    const unsigned int ROUND_60 "SENSOR_ROUND_60"
cdef enum:
    AS_COMMUNITY_TEXT = 0, AS_FLOW_TEXT, AS_EVENT_TEXT, AS_COMMUNITY_OCTETS, AS_FLOW_OCTETS

cdef unsigned long long MASK64, FACTOR_0, FACTOR_1, SEED_0, SEED_1
cdef const unsigned char *BASE64

cdef class Scratch:
    cdef unsigned char block[64]
    cdef unsigned int words[80]
    cdef unsigned long long id_0, id_1

cdef long long event_time(const unsigned char *octets, Py_ssize_t row) noexcept nogil

@cython.locals(value="unsigned long long")
cdef long long signed64(const unsigned char *octets, Py_ssize_t at) noexcept nogil

cdef bint mirrored(unsigned int protocol, unsigned int icmp_type) noexcept nogil

@cython.locals(orig_hi="unsigned long long", orig_lo="unsigned long long",
               resp_hi="unsigned long long", resp_lo="unsigned long long",
               orig_port="unsigned int", resp_port="unsigned int")
cdef bint in_order(const unsigned char *octets, Py_ssize_t row, unsigned int protocol) noexcept nogil

@cython.locals(index=Py_ssize_t)
cdef Py_ssize_t put_big(
    unsigned char *block, Py_ssize_t at, unsigned long long value, Py_ssize_t count) noexcept nogil

cdef Py_ssize_t put_endpoint(
    unsigned char *block, Py_ssize_t at, const unsigned char *octets, Py_ssize_t row,
    unsigned int version) noexcept nogil

@cython.locals(protocol="unsigned int", version="unsigned int", ordered="bint", at=Py_ssize_t, index=Py_ssize_t,
               orig_port="unsigned int", resp_port="unsigned int", block="unsigned char *")
cdef void fill_block(Scratch scratch, const unsigned char *octets, Py_ssize_t row) noexcept nogil

cdef unsigned int rotated(unsigned int value, int count) noexcept nogil

@cython.locals(index="int", a="unsigned int", b="unsigned int", c="unsigned int",
               d="unsigned int", e="unsigned int", mixed="unsigned int",
               words="unsigned int *", block="unsigned char *")
cdef void digest(Scratch scratch) noexcept nogil

@cython.locals(index="int", three="unsigned int", block="unsigned char *")
cdef Py_ssize_t put_community(
    unsigned char *out, Py_ssize_t at, Scratch scratch, const unsigned char *octets,
    Py_ssize_t row) noexcept nogil

cdef unsigned long long mix(
    unsigned long long state, unsigned long long value, unsigned long long factor) noexcept nogil

@cython.locals(key="unsigned long long", kind="unsigned int", first_seq="unsigned int",
               first="unsigned long long", value="unsigned long long", member="int",
               tenant="unsigned int", state_0="unsigned long long",
               state_1="unsigned long long")
cdef void name_flow(Scratch scratch, const unsigned char *octets, Py_ssize_t row) noexcept nogil

cdef Py_ssize_t put_flow_id(unsigned char *out, Py_ssize_t at, Scratch scratch) noexcept nogil

@cython.locals(time="unsigned long long", action="unsigned int")
cdef unsigned long long event_half(
    unsigned long long state, const unsigned char *octets, Py_ssize_t row,
    unsigned long long factor) noexcept nogil

cdef Py_ssize_t put_event_id(
    unsigned char *out, Py_ssize_t at, Scratch scratch, const unsigned char *octets,
    Py_ssize_t row) noexcept nogil

cdef Py_ssize_t put_identifier(
    unsigned char *out, Py_ssize_t at, Scratch scratch, const unsigned char *octets,
    Py_ssize_t row, int which) noexcept nogil

@cython.locals(octets="const unsigned char *", out="unsigned char *", scratch=Scratch,
               index=Py_ssize_t, at=Py_ssize_t)
cdef object _fill(
    const unsigned char[::1] rows, Py_ssize_t count, int which, unsigned char[::1] buffer)
