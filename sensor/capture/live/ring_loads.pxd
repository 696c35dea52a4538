# Loads in the machine's own order from memory that the kernel writes too (see ring_loads.py).
# The word that says whose a block is must be read before, and written after, everything else of it.
cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint32_t sensor_ne16(const unsigned char *p)
    { uint16_t v; memcpy(&v, p, 2); return v; }
    static inline uint32_t sensor_ne32(const unsigned char *p)
    { uint32_t v; memcpy(&v, p, 4); return v; }
    static inline int sensor_is_ours(const unsigned char *p)
    { return (__atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE) & 1) != 0; }
    static inline void sensor_give_back(const unsigned char *p)
    { __atomic_store_n((uint32_t *)p, 0, __ATOMIC_RELEASE); }
    """
    unsigned int sensor_ne16(const unsigned char *) noexcept nogil
    unsigned int sensor_ne32(const unsigned char *) noexcept nogil
    bint sensor_is_ours(const unsigned char *) noexcept nogil
    void sensor_give_back(const unsigned char *) noexcept nogil

cdef inline unsigned long long ne16(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_ne16(octets + at)

cdef inline unsigned long long ne32(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_ne32(octets + at)

cdef inline bint is_ours(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_is_ours(octets + at)

cdef inline void give_back(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    sensor_give_back(octets + at)
