cimport cython
from sensor.memory.loads cimport be16, be32, u8
from sensor.memory.records cimport Packet

cdef unsigned int DHCP, DNS, FTP, GREETING, HTTP, HTTP_CONNECT, IMAP, LLMNR, LOGIN, MDNS, NO_APPLICATION, POP3, QUIC, RDP
cdef unsigned int REDIS, RFB
cdef unsigned int ROLES, SIP, SMB, SMTP, SSH, TELNET, TELNET_CLIENT, TELNET_SERVER, TLS
cdef Py_ssize_t DHCP_COOKIE_AT, DNS_HEADER, DNS_LABELS_MAX, LINE_MAX, TELNET_BYTES, TEXT_MAX
cdef unsigned int SMB_1, SMB_2, X224_PARAMETER
cdef unsigned int DHCP_COOKIE, DO, DONT, ECHO, IAC, OPTIONS_MAX, SB, SE, TLS_RECORD_MAX, WILL

@cython.locals(found=cython.uint)
cdef unsigned int application_of_tcp(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef bint is_telnet(unsigned int port) noexcept nogil
@cython.locals(first=cython.uint, mark=cython.uint)
cdef unsigned int application_at(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
@cython.locals(word=cython.uint, found=cython.uint)
cdef unsigned int text_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef unsigned int command_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end, unsigned int word) noexcept nogil
cdef Py_ssize_t method_bytes(unsigned int word) noexcept nogil
@cython.locals(size=Py_ssize_t, target=cython.uint)
cdef unsigned int request_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end, unsigned int word) noexcept nogil
@cython.locals(last=Py_ssize_t)
cdef bint is_other_request(const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef bint redis_follows(const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
@cython.locals(start=Py_ssize_t)
cdef Py_ssize_t line_end(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef bint ssh_follows(const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef bint is_space(unsigned int octet) noexcept nogil
@cython.locals(word=cython.uint)
cdef unsigned int greeting_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
@cython.locals(length=cython.uint, kind=cython.uint)
cdef unsigned int tls_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
@cython.locals(kind=cython.uint)
cdef unsigned int rdp_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
@cython.locals(
    found=cython.uint, command=cython.uint, option=cython.uint, commands=cython.uint)
cdef unsigned int telnet_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef bint is_option(unsigned int option) noexcept nogil
cdef Py_ssize_t suboption_end(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef unsigned int telnet_behind_text(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
@cython.locals(of_terminal=bint)
cdef unsigned int telnet_side(unsigned int command, unsigned int option) noexcept nogil
@cython.locals(place=Py_ssize_t, octet=cython.uint)
cdef bint is_text(const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef unsigned int resolver_of(unsigned int port) noexcept nogil
@cython.locals(
    src=cython.uint, dst=cython.uint, names=cython.uint, version=cython.uint,
    word=cython.uint)
cdef unsigned int application_of_udp(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef bint is_dns_stream(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
@cython.locals(
    flags=cython.uint, questions=cython.uint, records=cython.uint, size=cython.uint, _=Py_ssize_t)
cdef bint is_dns(const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil
