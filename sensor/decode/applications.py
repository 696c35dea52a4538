"""The application protocol that the first octets of a payload prove: one look, no state.

Whoever calls asks of the first payload of each side of a flow; what a later one looks like means
nothing. Ports prove nothing, but DNS and DHCP have no mark of their own: there they must agree.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.model.applications import (
    DHCP,
    DNS,
    FTP,
    GREETING,
    HTTP,
    HTTP_CONNECT,
    IMAP,
    LLMNR,
    LOGIN,
    MDNS,
    NO_APPLICATION,
    POP3,
    QUIC,
    RDP,
    REDIS,
    RFB,
    ROLES,
    SIP,
    SMB,
    SMTP,
    SSH,
    TELNET,
    TELNET_BYTES,
    TELNET_CLIENT,
    TELNET_SERVER,
    TLS,
)

if not cython.compiled:
    from sensor.memory.loads import Octets, be16, be32, u8
    from sensor.memory.records import Packet

LINE_MAX = 512
"""Octets of a server's greeting, or of what is asked for, in which a protocol's name is looked
for."""
TEXT_MAX = 16
"""Octets behind telnet commands that must be text."""
TLS_RECORD_MAX = 16384 + 2048  # RFC 5246 6.2.3
X224_PARAMETER = 0x80
"""Least code of a parameter of X.224 (13.3.4: 0xC0 and more, 13.2.3: 0x85 to 0x8B)."""
DNS_HEADER = 12
DNS_LABELS_MAX = 128
DHCP_COOKIE = 0x63825363  # RFC 2131 3
DHCP_COOKIE_AT = 236

SMB_1 = 0xFF534D42  # behind the length of the message
SMB_2 = 0xFE534D42

# RFC 854, 1143, 857, 1073, 1091, 1572.
IAC = 255
DONT = 254
DO = 253
WILL = 251
SB = 250
SE = 240
ECHO = 1
OPTIONS_MAX = 50
"""Options that RFCs define; beside them those of games, and 255, the extended list."""


def application_of_tcp(octets: Octets, packet: Packet, at: int, end: int) -> int:
    """The protocol whose first octets of one side these are, else NO_APPLICATION."""
    if (packet.src_port == 53 or packet.dst_port == 53) and is_dns_stream(octets, at, end):
        return DNS
    found = application_at(octets, at, end)
    if found == POP3 and packet.src_port == 6379:  # Redis answers +OK, too
        return NO_APPLICATION
    if found == NO_APPLICATION and (is_telnet(packet.src_port) or is_telnet(packet.dst_port)):
        return telnet_behind_text(octets, at, end)
    return found


def is_telnet(port: int) -> bool:
    """True for ports where telnet may follow a greeting: everywhere else it is not looked for."""
    return port in (23, 2323)


def application_at(octets: Octets, at: int, end: int) -> int:
    """The protocol that begins exactly here, else NO_APPLICATION."""
    if end - at < 3:
        return NO_APPLICATION
    first = u8(octets, at)
    if first == IAC:
        return telnet_of(octets, at, end)
    if end - at < 4 or first > 0x55:  # U
        return NO_APPLICATION
    if first >= 0x2A:  # *
        return text_of(octets, at, end)
    if first == 0x16:
        return tls_of(octets, at, end)
    if first == 3:
        return rdp_of(octets, at, end)
    if first == 0 and end - at >= 8:  # NetBIOS session message, RFC 1002 4.3.1
        mark = be32(octets, at + 4)
        return SMB if mark in (SMB_1, SMB_2) else NO_APPLICATION
    return NO_APPLICATION


def text_of(octets: Octets, at: int, end: int) -> int:
    """The protocols that begin with words; the caller proved four octets."""
    word = be32(octets, at)
    if word == 0x5353482D:  # SSH-
        return SSH if ssh_follows(octets, at + 4, end) else NO_APPLICATION
    if word == 0x48545450:  # HTTP
        return HTTP if end - at > 5 and u8(octets, at + 4) == 0x2F else NO_APPLICATION
    if word in (0x3232302D, 0x32323020):  # 220- and 220 and a space
        return greeting_of(octets, at, end)
    if word == 0x52464220:  # RFB
        return RFB if end - at >= 12 and u8(octets, at + 7) == 0x2E else NO_APPLICATION
    if word in (0x2B4F4B20, 0x2B4F4B0D):  # +OK
        return POP3
    if word in (0x2A204F4B, 0x2A205052):  # * OK, * PREAUTH
        return IMAP
    if word >> 16 in (0x2A31, 0x2A32, 0x2A33, 0x2A34, 0x2A35, 0x2A36, 0x2A37, 0x2A38, 0x2A39):
        return REDIS if redis_follows(octets, at + 1, end) else NO_APPLICATION
    if word == 0x5349502F:  # SIP/
        return SIP
    found = command_of(octets, at, end, word)
    return found if found else request_of(octets, at, end, word)


def command_of(octets: Octets, at: int, end: int, word: int) -> int:
    """SMTP or a login by the client's first command."""
    if word in (0x45484C4F, 0x48454C4F):  # EHLO, HELO
        return SMTP if end - at > 4 and is_space(u8(octets, at + 4)) else NO_APPLICATION
    if word == 0x55534552:  # USER
        return LOGIN if end - at > 4 and u8(octets, at + 4) == 0x20 else NO_APPLICATION
    if word in (0x41555448, 0x46454154):  # AUTH, FEAT
        return LOGIN if end - at > 4 and is_space(u8(octets, at + 4)) else NO_APPLICATION
    return NO_APPLICATION


def request_of(octets: Octets, at: int, end: int, word: int) -> int:
    """HTTP and SIP by the method and what is asked for, a path or a URI."""
    size = method_bytes(word)
    if size == 0:
        return NO_APPLICATION
    if end - at <= size + 3 or u8(octets, at + size - 1) != 0x20:
        return NO_APPLICATION
    if be32(octets, at + size) | 0x20202000 == 0x7369703A:  # sip:
        return SIP
    target = u8(octets, at + size)
    if target <= 0x20 or target >= 0x7F or word in (0x494E5649, 0x52454749):
        return NO_APPLICATION
    if target != 0x2F and is_other_request(octets, at + size, end):
        return NO_APPLICATION
    return HTTP_CONNECT if word == 0x434F4E4E else HTTP


def is_other_request(octets: Octets, at: int, end: int) -> bool:
    """True if the request line from the target on is whole, and its last word is not HTTP/.

    RTSP (RFC 2326 6.1) and ICAP (RFC 3507 4.3.2) share methods with HTTP, others the word alone.
    """
    end = min(end, at + LINE_MAX)
    last = at
    while at < end and u8(octets, at) != 0x0A:
        if u8(octets, at) == 0x20 and at + 1 < end and u8(octets, at + 1) > 0x20:
            last = at + 1
        at += 1
    if at == end:
        return False
    return at - last < 5 or be32(octets, last) != 0x48545450 or u8(octets, last + 4) != 0x2F


def method_bytes(word: int) -> int:
    """The octets of a method, with the space behind it, by its first four; 0: it is none."""
    if word in (0x47455420, 0x50555420, 0x50524920):  # GET, PUT, and PRI of HTTP/2's preface
        return 4
    if word in (0x504F5354, 0x48454144):  # POST, HEAD
        return 5
    if word in (0x50415443, 0x54524143):  # PATCH, TRACE
        return 6
    if word in (0x44454C45, 0x494E5649):  # DELETE, INVITE
        return 7
    if word in (0x434F4E4E, 0x4F505449):  # CONNECT, OPTIONS
        return 8
    return 9 if word == 0x52454749 else 0  # REGISTER


def redis_follows(octets: Octets, at: int, end: int) -> bool:
    """True if an array of strings begins with a word: `3`, `$5`, `HELLO`, each with its end."""
    at = line_end(octets, at, end)
    if end - at < 2 or u8(octets, at) != 0x24:  # $
        return False
    at = line_end(octets, at + 1, end)
    return end - at >= 1 and 0x41 <= u8(octets, at) & 0xDF <= 0x5A  # a letter


def line_end(octets: Octets, at: int, end: int) -> int:
    """Where the line behind a short number begins; `end` if no number ends here."""
    start = at
    while at < end and 0x30 <= u8(octets, at) <= 0x39:
        at += 1
    if at == start or at - start > 4 or end - at < 2 or be16(octets, at) != 0x0D0A:
        return end
    return at + 2


def ssh_follows(octets: Octets, at: int, end: int) -> bool:
    """True if the version of SSH stands there: `2.0-` or, of old, `1.` and more (RFC 4253 4.2)."""
    return end - at >= 4 and u8(octets, at + 1) == 0x2E and 0x31 <= u8(octets, at) <= 0x32


def is_space(octet: int) -> bool:
    """True for what may follow a command: a space or the end of the line."""
    return octet in (0x20, 0x0D, 0x0A)


def greeting_of(octets: Octets, at: int, end: int) -> int:
    """FTP or SMTP by what a server's `220` says of itself, else GREETING."""
    end = min(end, at + LINE_MAX)
    at += 4
    while end - at >= 3:
        word = (be16(octets, at) << 8 | u8(octets, at + 2)) & 0xDFDFDF  # capital letters
        if word == 0x465450:  # FTP
            return FTP
        if word == 0x4D5450:  # MTP, of SMTP and ESMTP
            return SMTP
        at += 1
    return GREETING


def tls_of(octets: Octets, at: int, end: int) -> int:
    """A handshake record with a hello of client or server (RFC 8446 4.1, 5.1)."""
    if end - at < 6 or u8(octets, at + 1) != 3 or u8(octets, at + 2) > 4:
        return NO_APPLICATION
    length = be16(octets, at + 3)
    kind = u8(octets, at + 5)
    if length < 4 or length > TLS_RECORD_MAX or kind < 1 or kind > 2:
        return NO_APPLICATION
    return TLS


def rdp_of(octets: Octets, at: int, end: int) -> int:
    """A connection request or confirm of X.224 in TPKT (RFC 1006 6), as RDP begins.

    Others that use X.224 (MMS, S7) have its parameters behind the head. RDP has not: there stand
    a cookie or a negotiation ([MS-RDPBCGR] 2.2.1.1, 2.2.1.2).
    """
    if end - at < 11 or u8(octets, at + 1) != 0 or be16(octets, at + 2) != end - at:
        return NO_APPLICATION
    kind = u8(octets, at + 5)
    if kind not in (0xE0, 0xD0):
        return NO_APPLICATION
    if end - at > 11 and u8(octets, at + 11) >= X224_PARAMETER:
        return NO_APPLICATION
    return RDP if u8(octets, at + 4) == end - at - 5 else NO_APPLICATION


def telnet_of(octets: Octets, at: int, end: int) -> int:
    """Telnet commands from the first octet on, and nothing but text behind them.

    Two that negotiate, or a whole suboption, are telnet; one is an offer. A server asks for what
    only a terminal has (DO terminal type, window size, ...) and offers to echo; a client offers the
    former and asks for the latter.
    """
    found = NO_APPLICATION
    commands = 0
    while end - at >= 3 and u8(octets, at) == IAC:
        command = u8(octets, at + 1)
        option = u8(octets, at + 2)
        if command < SE or command == IAC:
            return NO_APPLICATION
        if command < SB:  # no option follows
            at += 2
            continue
        if not is_option(option):
            return NO_APPLICATION
        if found <= TELNET:
            found = TELNET if command == SB else telnet_side(command, option)
        if command == SB:
            at = suboption_end(octets, at + 3, end)
            if at < 0:
                break
            commands += 2
        else:
            at += 3
            commands += 1
    if at >= 0 and not is_text(octets, at, min(end, at + TEXT_MAX)):
        return NO_APPLICATION
    return found if commands > 1 or not found else found + ROLES


def is_option(option: int) -> bool:
    """True for the number of an option that somebody uses."""
    if option <= OPTIONS_MAX or 85 <= option <= 94:
        return True
    return option in (69, 70, 200, 201, 255)


def suboption_end(octets: Octets, at: int, end: int) -> int:
    """Where the octets behind a suboption begin; -1: its end is not there."""
    while end - at >= 2:
        if u8(octets, at) == IAC:
            if u8(octets, at + 1) == SE:
                return at + 2
            at += 1  # a doubled octet
        at += 1
    return -1


def telnet_behind_text(octets: Octets, at: int, end: int) -> int:
    """Telnet commands behind a greeting; text alone proves nothing."""
    end = min(end, at + TELNET_BYTES)
    while at < end and u8(octets, at) != IAC:
        if not is_text(octets, at, at + 1):
            return NO_APPLICATION
        at += 1
    return telnet_of(octets, at, end)


def telnet_side(command: int, option: int) -> int:
    """The end of a session that negotiates like this; TELNET: either may."""
    of_terminal = option == 24 or 31 <= option <= 36 or option == 39
    if not of_terminal and option != ECHO:
        return TELNET
    if command == DO:
        return TELNET_SERVER if of_terminal else TELNET_CLIENT
    if command == WILL:
        return TELNET_CLIENT if of_terminal else TELNET_SERVER
    return TELNET


def is_text(octets: Octets, at: int, end: int) -> bool:
    """True if only what terminals show, and telnet commands, stand there."""
    for place in range(at, end):
        octet = u8(octets, place)
        if octet == IAC:
            return place + 1 >= end or u8(octets, place + 1) >= SE
        if octet >= 0x7F or (octet < 0x20 and not (octet == 0 or 7 <= octet <= 13 or octet == 27)):
            return False
    return True


def resolver_of(port: int) -> int:
    """The protocol with DNS's messages that a port is for, else NO_APPLICATION."""
    if port == 53:
        return DNS
    if port == 5353:  # RFC 6762 3
        return MDNS
    return LLMNR if port == 5355 else NO_APPLICATION  # RFC 4795 2


def application_of_udp(octets: Octets, packet: Packet, at: int, end: int) -> int:
    """The protocol of a datagram, else NO_APPLICATION."""
    src = packet.src_port
    dst = packet.dst_port
    names = resolver_of(src) or resolver_of(dst)
    if names:
        return names if is_dns(octets, at, end) else NO_APPLICATION
    if (src in (67, 68)) and (dst in (67, 68)):
        if end - at >= DHCP_COOKIE_AT + 4 and be32(octets, at + DHCP_COOKIE_AT) == DHCP_COOKIE:
            return DHCP
        return NO_APPLICATION
    if end - at < 20:
        return NO_APPLICATION
    if u8(octets, at) & 0xC0 == 0xC0:  # a long header, RFC 9000 17.2 and RFC 9369
        version = be32(octets, at + 1)
        if (version in (1, 0x6B3343CF)) and u8(octets, at + 5) <= 20:
            return QUIC
        return NO_APPLICATION
    word = be32(octets, at)
    if word == 0x5349502F:  # SIP/
        return SIP
    if 0x44000000 <= word <= 0x54FFFFFF and request_of(octets, at, end, word) == SIP:
        return SIP
    return NO_APPLICATION


def is_dns_stream(octets: Octets, at: int, end: int) -> bool:
    """True for a DNS message behind its length, as TCP carries it (RFC 1035 4.2.2)."""
    return end - at > 2 and be16(octets, at) >= DNS_HEADER and is_dns(octets, at + 2, end)


def is_dns(octets: Octets, at: int, end: int) -> bool:
    """True for a DNS message whose header and first name are sound (RFC 1035 4.1)."""
    if end - at < DNS_HEADER:
        return False
    flags = be16(octets, at + 2)
    questions = be16(octets, at + 4)
    records = be16(octets, at + 6) + be16(octets, at + 8) + be16(octets, at + 10)
    if (flags >> 11) & 15 > 6 or flags & 0x40 or questions > 64:
        return False
    if questions + records == 0:  # a refusal, or the answer to an UPDATE (RFC 2136 3.8)
        return end - at == DNS_HEADER and flags & 0x8000 != 0 and flags & 0x780F != 0
    if end - at < DNS_HEADER + 5 or records * 11 > end - at:  # the least that they take
        return False
    at += DNS_HEADER
    for _ in range(DNS_LABELS_MAX):
        if at >= end:
            return False
        size = u8(octets, at)
        if size == 0 or size >= 0xC0:
            return True
        if size > 63:
            return False
        at += 1 + size
    return False
