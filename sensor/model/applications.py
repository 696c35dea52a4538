"""Application protocols that the first octets of a connection prove, by code.

A name is that of `network.protocol`, in the words of Zeek and Packetbeat. Some prove nothing alone,
and have no name: a server that says `220` and a client that says `USER` are FTP together, and one
telnet command from each side is telnet.
"""

from __future__ import annotations

APPLICATIONS = (
    "", "telnet", "telnet", "telnet", "", "", "", "", "", "ssh", "http", "tls", "ftp", "smtp",
    "pop3", "imap", "rfb", "rdp", "smb", "sip", "dns", "dhcp", "quic", "http", "mdns", "llmnr",
    "redis",
)
(
    NO_APPLICATION, TELNET, TELNET_SERVER, TELNET_CLIENT, OFFER, OFFER_SERVER, OFFER_CLIENT,
    GREETING, LOGIN, SSH, HTTP, TLS, FTP, SMTP, POP3, IMAP, RFB, RDP, SMB, SIP, DNS, DHCP, QUIC,
    HTTP_CONNECT, MDNS, LLMNR, REDIS,
) = range(len(APPLICATIONS))
"""TELNET_SERVER and TELNET_CLIENT: the sender's option negotiation befits that end. OFFER and those
behind it: the same of a single telnet command, as two octets in binary may look like one.
HTTP_CONNECT: a client asks a proxy for a connection, in which anything may be said."""
ROLES = OFFER - TELNET
"""From a code of telnet to that of a single command."""
TELNET_BYTES = 256
"""Octets of a side within which telnet shows, also behind a greeting."""
UNPROVEN = (NO_APPLICATION, OFFER, OFFER_SERVER, OFFER_CLIENT, GREETING, LOGIN)
"""Codes that name no application."""
