cdef unsigned int FTP, GREETING, LOGIN, NO_APPLICATION, TELNET, TELNET_CLIENT, TELNET_SERVER

cdef unsigned int proven(unsigned int known, unsigned int seen) noexcept nogil
