cimport cython
from sensor.memory.loads cimport be16, u8

cdef unsigned int CISCO_METADATA
cdef unsigned int VN_TAG
cdef unsigned int HSR
cdef unsigned int E_TAG
cdef unsigned int MACSEC
cdef unsigned int REDUNDANCY_TAG
cdef unsigned int FABRIC_PATH
cdef unsigned int ETHERTYPE_OLD_VLAN
cdef unsigned int ETHERTYPE_SERVICE_TAG
cdef unsigned int ETHERTYPE_SERVICE_VLAN
cdef unsigned int ETHERTYPE_VLAN, ETHERTYPE_VLAN_9200, ETHERTYPE_VLAN_9300
cdef unsigned int TRILL
cdef unsigned int MACSEC_ENCRYPTED
cdef unsigned int MACSEC_CHANNEL
cdef unsigned int MASK32
cdef unsigned long long PRIME

@cython.locals(size=Py_ssize_t)
cdef Py_ssize_t tag_header(
    const unsigned char *octets, unsigned int ethertype,
    Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(options="unsigned int", control="unsigned int")
cdef Py_ssize_t tag_bytes(
    const unsigned char *octets, unsigned int ethertype,
    Py_ssize_t at, Py_ssize_t end) noexcept nogil

cdef bint is_vlan(unsigned int ethertype) noexcept nogil

cdef bint is_shell(unsigned int ethertype) noexcept nogil

@cython.locals(mixed="unsigned long long")
cdef unsigned int tenant_of(unsigned int outer, unsigned int inner) noexcept nogil
