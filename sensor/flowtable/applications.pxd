from sensor.memory.records cimport Packet

cdef unsigned int FTP, GREETING, LOGIN, NO_APPLICATION, OFFER, OFFER_CLIENT, OFFER_SERVER
cdef unsigned int TELNET, TELNET_CLIENT
cdef unsigned long long TELNET_BYTES
cdef int PROTOCOL_TCP

cdef bint is_first(Packet *packet, unsigned long long payload_bytes) noexcept nogil
cdef unsigned int proven(unsigned int known, unsigned int seen, int side) noexcept nogil
