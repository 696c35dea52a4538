cimport cython
from sensor.memory.loads cimport be64, u8
from sensor.memory.records cimport Packet

cdef unsigned long long MASK64, PRIME

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, first="unsigned long long", second="unsigned long long", third="unsigned long long", fourth="unsigned long long")
cdef unsigned long long payload_hash(const unsigned char *octets, Packet *packet, unsigned long long seed) noexcept nogil
cdef unsigned long long _mixed(unsigned long long number, unsigned long long word) noexcept nogil
