# Unchecked loads: prove the length once, beside the reads (see memory/loads.py, the interpreted twin).
cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint32_t sensor_be16(const unsigned char *p)
    { uint16_t v; memcpy(&v, p, 2); return __builtin_bswap16(v); }
    static inline uint32_t sensor_be32(const unsigned char *p)
    { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }
    static inline uint64_t sensor_be64(const unsigned char *p)
    { uint64_t v; memcpy(&v, p, 8); return __builtin_bswap64(v); }
    static inline uint32_t sensor_le16(const unsigned char *p)
    { uint16_t v; memcpy(&v, p, 2); return v; }
    static inline uint32_t sensor_le32(const unsigned char *p)
    { uint32_t v; memcpy(&v, p, 4); return v; }
    #if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "the compiled core is for little-endian machines: install with SENSOR_PURE_PYTHON=1"
    #endif
    """
    unsigned int sensor_be16(const unsigned char *) noexcept nogil
    unsigned int sensor_be32(const unsigned char *) noexcept nogil
    unsigned long long sensor_be64(const unsigned char *) noexcept nogil
    unsigned int sensor_le16(const unsigned char *) noexcept nogil
    unsigned int sensor_le32(const unsigned char *) noexcept nogil

cdef inline const unsigned char *octets_of(const unsigned char[::1] data) noexcept nogil:
    return &data[0] if data.shape[0] else NULL

cdef inline unsigned int u8(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return octets[at]

cdef inline unsigned int be16(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_be16(octets + at)

cdef inline unsigned int be32(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_be32(octets + at)

cdef inline unsigned long long be64(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_be64(octets + at)

cdef inline unsigned int le16(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_le16(octets + at)

cdef inline unsigned int le32(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_le32(octets + at)
