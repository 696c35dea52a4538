cimport cython
from sensor.memory.records cimport Flow, Packet, ones

cdef int OFFER_CLIENT, OFFER_SERVER, TELNET_CLIENT, TELNET_SERVER
cdef int ACK, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, SYN
cdef int DHCPV6_CLIENT_PORT, DHCPV6_SERVER_PORT, DHCP_CLIENT_PORT, DHCP_SERVER_PORT
cdef int EPHEMERAL_PORTS, NFS_PORT, RESERVED_PORTS, WELL_KNOWN_PORTS
cdef unsigned long long BROADCAST_IPV4, BROADCAST_MAC
cdef unsigned int ADVANCED, PAIRS_LOW, SAW_ACK, SAW_DATA, SAW_FIN
cdef unsigned int SAW_RST

cdef int initiator_of(Packet *packet, bint early) noexcept nogil
cdef bint is_group(int ip_version, unsigned long long hi, unsigned long long lo) noexcept nogil
cdef bint _serves_tcp(int port, int other) noexcept nogil
cdef bint _serves(int port, int other) noexcept nogil
cdef bint _answers_dhcp(int port, int other) noexcept nogil
@cython.locals(kind=int, reply=bint)
cdef int _icmp_initiator(Packet *packet) noexcept nogil
@cython.locals(hi="unsigned long long", lo="unsigned long long", port="unsigned short", mac="unsigned char", low="unsigned int", high="unsigned int", at=int)
cdef void reverse(Flow *flow) noexcept nogil
@cython.locals(packets="unsigned long long", octets="unsigned long long", payload="unsigned long long", missed="unsigned long long", upcoming="unsigned int", acked="unsigned int", window="unsigned int", isn="unsigned int", flags="unsigned char")
cdef void _reverse_counters(Flow *flow) noexcept nogil
