cimport cython
from sensor.memory.loads cimport be16, u8

cdef unsigned int CISCO_METADATA, VN_TAG, HSR, E_TAG, MACSEC, REDUNDANCY_TAG, FABRIC_PATH
cdef unsigned int ETHERTYPE_OLD_VLAN, ETHERTYPE_SERVICE_TAG, ETHERTYPE_SERVICE_VLAN, ETHERTYPE_VLAN
cdef unsigned int ETHERTYPE_VLAN_9200, ETHERTYPE_VLAN_9300, TRILL, MACSEC_ENCRYPTED, MACSEC_CHANNEL
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
