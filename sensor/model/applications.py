"""Application protocols that the first octets of a connection prove, by code.

A name is that of `network.protocol`, in the words of Zeek and Packetbeat. GREETING and LOGIN prove
nothing alone: a server that says `220`, and a client that says `USER`, are FTP together.
"""

from __future__ import annotations

APPLICATIONS = (
    "",
    "telnet",
    "telnet",
    "telnet",
    "",
    "",
    "ssh",
    "http",
    "tls",
    "ftp",
    "smtp",
    "pop3",
    "imap",
    "rfb",
    "rdp",
    "smb",
    "sip",
    "dns",
    "dhcp",
    "quic",
)
(
    NO_APPLICATION,
    TELNET,
    TELNET_SERVER,
    TELNET_CLIENT,
    GREETING,
    LOGIN,
    SSH,
    HTTP,
    TLS,
    FTP,
    SMTP,
    POP3,
    IMAP,
    RFB,
    RDP,
    SMB,
    SIP,
    DNS,
    DHCP,
    QUIC,
) = range(len(APPLICATIONS))
"""TELNET_SERVER and TELNET_CLIENT: the sender's option negotiation befits that end."""
